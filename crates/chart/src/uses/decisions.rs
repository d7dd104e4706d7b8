//! Where the dependencies that a chart declares look at values.

use super::Use;
use crate::{
    chart::{Chart, Dependency},
    value::Str,
    values::Import,
    yaml,
};

/// Every look at a value that decides whether a chart inside takes part, or that hands values up: conditions, tags and
/// `import-values`, of a chart and of those inside it.
pub fn decisions(chart: &Chart) -> Vec<Use> {
    let mut found = Vec::new();
    look(chart, &[], &mut found);
    found
}

fn look(chart: &Chart, prefix: &[Str], found: &mut Vec<Use>) {
    let declared = &chart.metadata.dependencies;
    for (number, dependency) in declared.iter().enumerate() {
        let (file, lines) = lines(chart, number);
        let mut add = |key: &str, path: Vec<Str>, text: String| {
            found.push(Use { path, file: file.clone(), line: lines(key), text: format!("{key}: {text}") });
        };
        let conditions = dependency.condition.split(',').map(str::trim).filter(|path| !path.is_empty());
        conditions.for_each(|path| add("condition", [prefix, &keys(path)].concat(), path.to_owned()));
        dependency.tags.iter().for_each(|tag| add("tags", ["tags".into(), tag.as_str().into()].to_vec(), tag.clone()));
        for child in imported(dependency) {
            let path = [prefix, &[dependency.goes_by().into()], &keys(&child)].concat();
            add("import-values", path, child);
        }
    }
    for inner in &chart.dependencies {
        let mut names: Vec<&str> = declared.iter().filter(|one| one.name == inner.name()).map(Dependency::goes_by).collect();
        if names.is_empty() {
            names.push(inner.name());
        }
        names.into_iter().for_each(|name| look(inner, &[prefix, &[name.into()]].concat(), found));
    }
}

/// What a chart takes of one inside it, by the path there. What is written otherwise is told where it is taken.
fn imported(dependency: &Dependency) -> impl Iterator<Item = String> {
    dependency.import_values.iter().filter_map(|written| Some(Import::read(written, &dependency.name).ok()??.child))
}

fn keys(path: &str) -> Vec<Str> {
    path.split('.').map(Str::from).collect()
}

/// The file that declares a dependency, and the line of each of its keys.
fn lines(chart: &Chart, number: usize) -> (String, impl Fn(&str) -> usize) {
    let raw = |name: &str| chart.raw.iter().find(|file| file.name == name);
    let number = number.to_string();
    let files = ["Chart.yaml", "requirements.yaml"].into_iter().filter_map(|name| Some((name, raw(name)?)));
    let found = files.into_iter().find(|(_, file)| yaml::line_of(&file.data, &["dependencies", &number]).is_some());
    let name = found.map_or("Chart.yaml", |(name, _)| name);
    let line = move |key: &str| found.and_then(|(_, file)| yaml::line_of(&file.data, &["dependencies", &number, key])).unwrap_or(1);
    (format!("{}/{name}", chart.path), line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{chart::File, load, uses::dotted};

    #[test]
    fn a_chart_inside_is_decided_by_values_under_the_name_it_goes_by() {
        let top = "apiVersion: v2\nname: web\nversion: 1.0.0\ndependencies:\n- name: db\n  alias: main\n  condition: main.on, db.on\n  tags: [stores]\n  import-values:\n  - x\n  - {child: a.b, parent: c}\n";
        let db = "apiVersion: v1\nname: db\nversion: 1.0.0\n";
        let needs = "dependencies:\n- name: log\n  condition: log.on\n";
        let file = |(name, data): &(&str, &str)| File { name: (*name).into(), data: (*data).into() };
        let files = [("Chart.yaml", top), ("charts/db/Chart.yaml", db), ("charts/db/requirements.yaml", needs)];
        let chart = load::files(files.iter().map(file).collect()).unwrap().chart;
        let told: Vec<String> =
            decisions(&chart).iter().map(|one| format!("{} {}:{} {}", dotted(&one.path), one.file, one.line, one.text)).collect();
        let wanted = [
            "main.on web/Chart.yaml:7 condition: main.on",
            "db.on web/Chart.yaml:7 condition: db.on",
            "tags.stores web/Chart.yaml:8 tags: stores",
            "main.exports.x web/Chart.yaml:9 import-values: exports.x",
            "main.a.b web/Chart.yaml:9 import-values: a.b",
            "main.log.on web/charts/db/requirements.yaml:3 condition: log.on",
        ];
        assert_eq!(told, wanted);
    }
}
