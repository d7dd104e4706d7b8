//! Which values of a chart its templates look at, and which they never do.
//!
//! What is told is told for certain: a value counts as used as soon as something above it is handed on whole, and where a
//! template takes all of `.Values`, nothing is said to be unused.

mod decisions;

use std::{collections::BTreeSet, ops::Bound};

use serde::Serialize;

pub use decisions::decisions;

pub use crate::template::ParseFault;
use crate::{
    chart::Chart,
    origins::Layer,
    template::Parsed,
    value::{Data, Str, Table},
    values::GLOBAL,
};

/// A place where a template looks at a value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Use {
    /// The keys from the root chart's values on; none for all of them.
    #[serde(skip)]
    pub path: Vec<Str>,
    /// The template: `web/templates/service.yaml`, or `web/values.yaml` for a text of the values that is a template itself.
    pub file: String,
    /// The line in it, from 1.
    pub line: usize,
    /// What is written there.
    pub text: String,
}

/// Every use of a value in the templates of a chart and of those inside it, and in texts of values that may be templates: the charts'
/// own, and those that are given.
pub fn uses(chart: &Chart, given: &[Layer]) -> Result<Vec<Use>, ParseFault> {
    let mut found = Found::default();
    found.chart(chart, &[])?;
    for layer in given {
        found.texts(&Data::Map(layer.values.clone()), &layer.from, layer.text.as_ref());
    }
    // what a partial defines may be carried out for any chart of the tree
    let (anywhere, charts) = (std::mem::take(&mut found.partials), std::mem::take(&mut found.charts));
    if anywhere.len().saturating_mul(charts.len()) > MOST {
        let text = format!("{} uses in partials, which {} charts may carry out", anywhere.len(), charts.len());
        found.uses.push(Use { path: Vec::new(), file: chart.path.clone(), line: 1, text });
        return Ok(found.uses);
    }
    for prefix in charts {
        found.uses.extend(anywhere.iter().flat_map(|one| from_root(&prefix, one.clone())));
    }
    found.uses.sort_by(|one, two| (&one.file, one.line, &one.path).cmp(&(&two.file, two.line, &two.path)));
    found.uses.dedup();
    Ok(found.uses)
}

/// A path as templates write it: `image.tag`.
pub fn dotted(path: &[Str]) -> String {
    path.iter().map(ToString::to_string).collect::<Vec<_>>().join(".")
}

/// How many uses in partials are told chart by chart. Where there are more, all values count as used.
const MOST: usize = 1 << 18;

#[derive(Default)]
struct Found {
    uses: Vec<Use>,
    /// Uses in partials, by their path from whichever chart they are carried out for.
    partials: Vec<Use>,
    charts: Vec<Vec<Str>>,
}

impl Found {
    fn chart(&mut self, chart: &Chart, prefix: &[Str]) -> Result<(), ParseFault> {
        self.charts.push(prefix.to_vec());
        for file in &chart.templates {
            let name = format!("{}/{}", chart.path, file.name);
            let parsed = Parsed::new(&name.as_str().into(), &file.data)?;
            let partial = chart.is_library() || file.name.rsplit(|byte| *byte == b'/').next().unwrap_or_default().starts_with(b"_");
            for one in parsed.value_uses() {
                let found = Use { path: one.path, file: name.clone(), line: one.line, text: one.text };
                if partial {
                    self.partials.push(found);
                } else {
                    self.uses.extend(from_root(prefix, found));
                }
            }
        }
        self.texts(&Data::Map(chart.values.clone()), &format!("{}/values.yaml", chart.path), chart.values_text());
        self.files(chart);
        for inner in &chart.dependencies {
            let below: Vec<Str> = prefix.iter().cloned().chain([Str::from(inner.name())]).collect();
            self.chart(inner, &below)?;
        }
        Ok(())
    }

    /// Files may be templates where some template gives files to `tpl`.
    fn files(&mut self, chart: &Chart) {
        let contains = |text: &Str, word: &str| bstr::ByteSlice::contains_str(text.as_bytes(), word);
        if !chart.templates.iter().any(|file| contains(&file.data, "tpl") && contains(&file.data, ".Files")) {
            return;
        }
        for file in &chart.files {
            self.texts(&Data::Text(file.data.clone()), &format!("{}/{}", chart.path, file.name), Some(&file.data));
        }
    }

    /// Texts among the values may be templates, for `tpl`. One that is none is left alone. The line of a use is the first of the file in
    /// which it is written so.
    fn texts(&mut self, data: &Data, file: &str, raw: Option<&Str>) {
        match data {
            Data::Map(table) => table.values().for_each(|inner| self.texts(inner, file, raw)),
            Data::List(items) => items.iter().for_each(|inner| self.texts(inner, file, raw)),
            Data::Text(text) if bstr::ByteSlice::contains_str(text.as_bytes(), "{{") => {
                let Ok(parsed) = Parsed::new(&file.into(), text) else { return };
                let line = |wording: &str| {
                    let (before, _) = raw.and_then(|raw| bstr::ByteSlice::split_once_str(raw.as_bytes(), wording))?;
                    Some(before.split(|byte| *byte == b'\n').count())
                };
                let uses = parsed.value_uses().into_iter();
                let uses =
                    uses.map(|one| Use { path: one.path, file: file.to_owned(), line: line(&one.text).unwrap_or(1), text: one.text });
                self.partials.extend(uses);
            }
            _ => {}
        }
    }
}

/// A use of a chart inside, by its path from the root's values. `global` comes down to it from each of the charts around it.
fn from_root(prefix: &[Str], one: Use) -> Vec<Use> {
    let is_global = one.path.first().is_some_and(|first| *first == GLOBAL);
    let nearest = if is_global { 0 } else { prefix.len() };
    let whole = |depth: usize| prefix.iter().take(depth).chain(&one.path).cloned().collect();
    (nearest..=prefix.len()).map(|depth| Use { path: whole(depth), ..one.clone() }).collect()
}

/// The values, of a chart's own `values.yaml` or those that are given for it, that nothing looks at: keys one below the other. Where nothing below a key is used,
/// the key is told and not what is below.
pub fn unused(chart: &Chart, values: &Table, uses: &[Use]) -> Vec<Vec<Str>> {
    let mut unused = Vec::new();
    let looked_at: BTreeSet<Vec<Str>> =
        decisions(chart).into_iter().map(|one| one.path).chain(uses.iter().map(|one| one.path.clone())).collect();
    let used = |path: &[Str]| {
        // a path below it is the next in order; one above it is one of its beginnings
        let looked = looked_at.range::<[Str], _>((Bound::Included(path), Bound::Unbounded)).next().is_some_and(|one| one.starts_with(path))
            || (0..path.len()).any(|length| path.get(..length).is_some_and(|above| looked_at.contains(above)));
        let inside = |first: &Str| {
            let declared = chart.metadata.dependencies.iter().any(|one| *first == one.goes_by());
            declared || *first == GLOBAL || chart.dependencies.iter().any(|inner| *first == inner.name())
        };
        looked || path.first().is_some_and(inside)
    };
    below(values, &mut Vec::new(), &used, &mut unused);
    unused
}

fn below(table: &Table, at: &mut Vec<Str>, used: &dyn Fn(&[Str]) -> bool, unused: &mut Vec<Vec<Str>>) {
    for (key, value) in table {
        at.push(key.clone());
        match value {
            _ if !used(at) => unused.push(at.clone()),
            Data::Map(inner) => below(inner, at, used, unused),
            _ => {}
        }
        at.pop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{chart::File, load};

    fn chart(values: &str, files: &[(&str, &str)]) -> Chart {
        let file = |name: &str, data: &str| File { name: name.into(), data: data.into() };
        let mut all = vec![file("Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.0.0\n"), file("values.yaml", values)];
        all.extend(files.iter().map(|(name, data)| file(name, data)));
        load::files(all).unwrap().chart
    }

    fn unused_of(values: &str, files: &[(&str, &str)]) -> Vec<String> {
        let chart = chart(values, files);
        let found = uses(&chart, &[]).unwrap();
        unused(&chart, &chart.values, &found).iter().map(|path| dotted(path)).collect()
    }

    #[test]
    fn what_no_template_looks_at_is_told_at_its_highest_key() {
        let values = "image: {tag: 1, name: x}\nspare: {a: 1, b: 2}\nused: {a: 1}\nhalf: {a: 1, b: 2}\n";
        let template = "{{ .Values.image.tag }}{{ .Values.image.name }}{{ toYaml .Values.used }}{{ .Values.half.a }}";
        assert_eq!(unused_of(values, &[("templates/a.yaml", template)]), ["half.b", "spare"]);
    }

    #[test]
    fn nothing_is_said_where_all_values_are_handed_on() {
        assert_eq!(unused_of("a: 1\nb: 2\n", &[("templates/a.yaml", "{{ toYaml .Values }}")]), [""; 0]);
    }

    #[test]
    fn a_text_of_the_values_that_is_a_template_uses_values_too() {
        assert_eq!(unused_of("a: '{{ .Values.b }}'\nb: 2\n", &[("templates/a.yaml", "{{ tpl .Values.a . }}")]), [""; 0]);
    }

    #[test]
    fn a_use_in_a_text_has_the_line_that_it_is_written_on() {
        let chart = chart("a: 1\nb: |\n  first\n  {{ .Values.a }}\n", &[("templates/a.yaml", "{{ tpl .Values.b . }}")]);
        let found = uses(&chart, &[]).unwrap();
        assert!(found.iter().any(|one| (one.file.as_str(), one.line) == ("web/values.yaml", 4)), "{found:?}");
    }

    #[test]
    fn where_there_are_too_many_uses_in_partials_all_values_count_as_used() {
        let partial: Vec<String> = (0..600).map(|number| format!("{{{{ .Values.v{number} }}}}")).collect();
        let inner: Vec<String> = (0..500).map(|number| format!("charts/c{number}/Chart.yaml")).collect();
        let texts: Vec<String> = (0..500).map(|number| format!("apiVersion: v2\nname: c{number}\nversion: 1.0.0\n")).collect();
        let mut files: Vec<(&str, &str)> = inner.iter().zip(&texts).map(|(name, text)| (name.as_str(), text.as_str())).collect();
        let partial = format!("{{{{ define \"p\" }}}}{}{{{{ end }}}}", partial.join("\n"));
        files.push(("templates/_p.tpl", &partial));
        assert_eq!(unused_of("spare: 1\n", &files[499..]), ["spare"]);
        assert_eq!(unused_of("spare: 1\n", &files), [""; 0]);
    }

    #[test]
    fn what_goes_to_a_chart_inside_counts_as_used_and_its_uses_have_the_whole_path() {
        let inner = [
            ("charts/sub/Chart.yaml", "apiVersion: v2\nname: sub\nversion: 1.0.0\n"),
            ("charts/sub/templates/s.yaml", "{{ .Values.x }}\n{{ .Values.global.y }}"),
        ];
        assert_eq!(unused_of("sub: {x: 1}\nglobal: {y: 1}\n", &inner), [""; 0]);
        let found = uses(&chart("a: 1\n", &inner), &[]).unwrap();
        let told: Vec<(String, usize)> = found.iter().map(|one| (dotted(&one.path), one.line)).collect();
        assert_eq!(told, [("sub.x".to_owned(), 1), ("global.y".to_owned(), 2), ("sub.global.y".to_owned(), 2)]);
    }
}
