use std::collections::BTreeMap;

use super::*;
use crate::{
    budget::Limits,
    chart::File,
    load,
    values::{Given, Nulls, ValuesFile, coalesce, settle, table_of},
};

fn budget() -> Budget {
    Budget::new(Limits::default())
}

fn chart<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Chart {
    let file = |(name, data): (&str, &str)| File { name: name.into(), data: data.into() };
    load::files(files.into_iter().map(file).collect()).expect("a chart").chart
}

/// Every key of a table that leads to no mapping, and what stands there.
fn leaves(table: &Table, at: &mut Vec<Str>, found: &mut Vec<(Vec<Str>, Data)>) {
    for (key, value) in table {
        at.push(key.clone());
        match value {
            Data::Map(inner) => leaves(inner, at, found),
            leaf => found.push((at.clone(), leaf.clone())),
        }
        at.pop();
    }
}

/// Every value that templates see, but for mappings, beside what is said to win.
fn beside(chart: &Chart, given: &Table, layers: &[Layer]) -> Vec<(Vec<Str>, Data, Option<Setting>)> {
    let settled = settle(chart, given, Nulls::Keep, &mut budget()).expect("settled").chart;
    let (values, _) = coalesce(&settled, given, &mut budget()).expect("values");
    let mut found = Vec::new();
    leaves(&table_of(&values, &mut budget()).expect("values"), &mut Vec::new(), &mut found);
    let first = |path: &[Str]| origins(&settled, layers, path, &mut budget()).expect("origins").into_iter().next();
    found.into_iter().map(|(path, value)| (path.clone(), value, first(&path))).collect()
}

/// Charts that were grown at random, for which Helm's answer is known.
#[test]
fn what_wins_is_what_templates_see() {
    let (mut seen, mut unknown) = (0, Vec::new());
    for case in include_str!("../values/settle.jsonl").lines() {
        let case: serde_json::Value = serde_json::from_str(case).expect("a case");
        let files: BTreeMap<String, String> = serde_json::from_value(case["files"].clone()).expect("files");
        if case.get("error").is_some() {
            continue;
        }
        let text = case["given"].as_str().expect("values");
        let values = yaml::read_table(text.as_bytes()).expect("values");
        let layers = [Layer { from: "given".to_owned(), text: None, values: values.clone() }];
        for (path, value, first) in beside(&chart(files.iter().map(|(name, data)| (name.as_str(), data.as_str()))), &values, &layers) {
            seen += 1;
            match first {
                Some(first) => assert!(first.is_whole && first.value == value, "{path:?} {case}"),
                None => unknown.push(path),
            }
        }
    }
    // what a chart inside adds to a mapping of `global` is seen outside, too
    assert!(seen > 1000 && unknown.len() == 1 && unknown[0][0] == GLOBAL, "{seen} {unknown:?}");
}

#[test]
fn a_later_file_wins_and_a_mapping_replaces_what_is_none() {
    let chart = chart([("Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.0.0"), ("values.yaml", "a: {b: {c: 0, d: 0}}\nx: {w: 0}")]);
    let kinds = ["{}", "{a: 1}", "{a: {b: 2}}", "{a: {b: {c: 3}}}", "{a: {b: {d: 4}}, x: 5}", "{a: null}", "{a: {b: null}, x: {z: 6}}"];
    let mut looked = 0;
    for number in 0..kinds.len().pow(3) {
        let files: Vec<ValuesFile> = (0..3)
            .map(|place| (place, kinds[number / kinds.len().pow(place) % kinds.len()]))
            .map(|(place, text)| ValuesFile { name: format!("{place}.yaml"), text: text.into() })
            .collect();
        let layer = |file: &ValuesFile| Layer {
            from: file.name.clone(),
            text: Some(file.text.clone()),
            values: yaml::read_table(&file.text).expect("values"),
        };
        let layers: Vec<Layer> = files.iter().map(layer).collect();
        let given = Given { files, ..Given::default() }.merge(&mut |_| Ok(Str::default()), &mut budget()).expect("values");
        for (path, value, first) in beside(&chart, &given, &layers) {
            looked += 1;
            assert!(first.is_some_and(|first| first.is_whole && first.value == value), "{path:?} {number}");
        }
    }
    assert!(looked > 700, "{looked}");
}

const PARENT: &str = "apiVersion: v2
name: web
version: 1.0.0
dependencies:
- {name: db, alias: main, version: '*', repository: '', import-values: [x, {child: deep, parent: taken}]}
";
const DB: &str = "size: 1
global: {zone: eu, team: db}
exports: {x: {port: 1}}
deep: {w: 2}
";

fn told(given: &str, path: &str) -> Vec<String> {
    let chart = chart([
        ("Chart.yaml", PARENT),
        ("values.yaml", "main: {size: 2}\nglobal: {zone: us}"),
        ("charts/db/Chart.yaml", "apiVersion: v2\nname: db\nversion: 1.0.0\n"),
        ("charts/db/values.yaml", DB),
    ]);
    let values = yaml::read_table(given.as_bytes()).expect("values");
    let settled = settle(&chart, &values, Nulls::Keep, &mut budget()).expect("settled").chart;
    let layers = [Layer { from: "given.yaml".to_owned(), text: Some(given.into()), values }];
    let path: Vec<Str> = path.split('.').map(Str::from).collect();
    let found = origins(&settled, &layers, &path, &mut budget()).expect("origins");
    let one = |one: &Setting| format!("{}:{} {}", one.from, one.line.unwrap_or_default(), crate::json::value(&one.value));
    found.iter().map(one).collect()
}

#[test]
fn a_value_comes_down_from_above_and_up_where_it_is_imported() {
    let db = "web/charts/main/values.yaml";
    assert_eq!(told("", "main.size"), ["web/values.yaml:1 2".to_owned(), format!("{db}:1 1")]);
    assert_eq!(told("main: {size: 3}", "main.size")[0], "given.yaml:1 3");
    assert_eq!(told("", "main.global.zone"), ["web/values.yaml:2 \"us\"".to_owned(), format!("{db}:2 \"eu\"")]);
    assert_eq!(told("", "main.global.team"), [format!("{db}:2 \"db\"")]);
    assert_eq!(told("", "global.team"), [""; 0]);
    assert_eq!(told("", "port"), [format!("{db}:3 1")]);
    assert_eq!(told("", "taken.w"), [format!("{db}:4 2")]);
    assert_eq!(told("taken: {w: 5}", "taken.w"), ["given.yaml:1 5".to_owned(), format!("{db}:4 2")]);
    assert_eq!(told("taken: null", "taken.w"), ["given.yaml:1 null".to_owned(), format!("{db}:4 2")]);
    assert_eq!(told("", "main").len(), 2);
}
