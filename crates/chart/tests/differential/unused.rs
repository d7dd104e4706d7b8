//! Values that are said to be unused, changed: what is rendered stays the same.

use penstock_chart::{
    chart::Chart,
    origins::Layer,
    random::Seeded,
    release::{Request, compose},
    render::{Release, Surroundings},
    uses::{dotted, unused, uses},
    value::{Data, Str, Table},
};

/// Of the values that no template of a chart is said to use: how many there are, and those that change what is rendered all the same.
/// None where the chart does not render as it is.
pub fn wrongly_unused(chart: &Chart, given: &Table) -> Option<(usize, Vec<String>)> {
    let before = rendered(chart, given)?;
    let layers = [Layer { from: "given".to_owned(), text: None, values: given.clone() }];
    let uses = uses(chart, &layers).ok()?;
    let mut paths = unused(chart, &chart.values, &uses);
    paths.extend(unused(chart, given, &uses));
    paths.sort();
    paths.dedup();
    let changes = |paths: &[Vec<Str>]| {
        let mut given = given.clone();
        paths.iter().for_each(|path| change(chart, &mut given, path));
        rendered(chart, &given).as_ref() != Some(&before)
    };
    let wrong =
        if changes(&paths) { paths.iter().filter(|path| changes(std::slice::from_ref(path))).cloned().collect() } else { Vec::new() };
    Some((paths.len(), wrong.iter().map(|path| dotted(path)).collect()))
}

fn rendered(chart: &Chart, values: &Table) -> Option<String> {
    let now = "2026-01-02T03:04:05[UTC]".parse().ok()?;
    let mut random = Seeded::new([7; 32]);
    let release = Release { name: "web".into(), namespace: "apps".into(), revision: 1, is_upgrade: false };
    let request = Request { values: values.clone(), release, check_schema: false, ..Request::default() };
    let composed = compose(chart, &request, &mut Surroundings::new(&now, &mut random)).ok()?;
    let hooks: String = composed.hooks.iter().map(|hook| hook.manifest.content.to_string()).collect();
    Some(format!("{}{hooks}{}", composed.manifest, composed.notes))
}

/// Gives another value for what stands at a path, in what is given or in the chart.
fn change(chart: &Chart, given: &mut Table, path: &[Str]) {
    let at = |table: &Table| -> Option<Data> {
        let (first, rest) = path.split_first()?;
        rest.iter().try_fold(table.get(first)?.clone(), |at, key| at.as_map()?.get(key).cloned())
    };
    let Some(value) = at(given).or_else(|| at(&chart.values)) else { return };
    let Some((last, above)) = path.split_last() else { return };
    let mut table = given;
    for key in above {
        let below = table.entry(key.clone()).or_insert_with(|| Data::Map(Table::new()));
        let Data::Map(below) = below else { return };
        table = below;
    }
    table.insert(last.clone(), other(&value));
}

fn other(value: &Data) -> Data {
    match value {
        Data::Null => Data::Text("changed".into()),
        Data::Bool(it) => Data::Bool(!it),
        Data::Int(it) => Data::Int(it.wrapping_add(7)),
        Data::Float(it) => Data::Float(it + 7.0),
        Data::Text(text) => Data::Text(format!("{text}-changed").as_str().into()),
        Data::List(items) if items.is_empty() => Data::List(vec![Data::Text("changed".into())]),
        Data::List(_) => Data::List(Vec::new()),
        Data::Map(table) if table.is_empty() => Data::Map(Table::from([("changed".into(), Data::Bool(true))])),
        Data::Map(table) => Data::Map(table.iter().map(|(key, value)| (key.clone(), other(value))).collect()),
    }
}
