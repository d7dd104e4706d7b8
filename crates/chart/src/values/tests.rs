//! `set.jsonl` and `settle.jsonl` hold what Helm 3.18.4 made of flags, and of charts that were grown at random.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::{Given, Nulls, Taken, ValuesFile, coalesce, lay_over, set, settle, table_of};
use crate::{
    budget::{Budget, Exhausted, Limits},
    chart::{Chart, File},
    format,
    function::Fault,
    json as documents, load,
    value::{Data, Str, Table},
};

fn budget() -> Budget {
    Budget::new(Limits::default())
}

/// Values in JSON, with the kinds of numbers told apart.
fn typed(data: &Data) -> Json {
    match data {
        Data::Null => Json::Null,
        Data::Bool(it) => json!(it),
        Data::Int(it) => json!({ "$int64": it.to_string() }),
        Data::Float(it) => json!({ "$float64": format::float(*it, 'g', None) }),
        Data::Text(it) => json!(it.to_string()),
        Data::List(items) => items.iter().map(typed).collect(),
        Data::Map(table) => table.iter().map(|(key, value)| (key.to_string(), typed(value))).collect(),
    }
}

fn table(text: &str) -> Table {
    documents::read_table(text.as_bytes()).expect("values")
}

fn read(path: &str) -> Result<Str, String> {
    match path {
        "one" => Ok("1\n".into()),
        "two" => Ok("two,2".into()),
        _ => Err(format!("open {path}: no such file or directory")),
    }
}

fn lines(text: &str) -> impl Iterator<Item = Json> {
    text.lines().map(|line| serde_json::from_str(line).expect("a case"))
}

#[test]
fn flags_set_what_they_set_in_helm() {
    for case in lines(include_str!("set.jsonl")) {
        let mut read = read;
        let taken = match case["kind"].as_str() {
            Some("set") => Taken::Typed,
            Some("string") => Taken::Text,
            Some("json") => Taken::Json,
            Some("literal") => Taken::Literal,
            _ => Taken::File(&mut read),
        };
        let mut values = table(case["base"].as_str().expect("a base"));
        let text = case["text"].as_str().expect("a text");
        match set(text.as_bytes(), taken, &mut values, &mut budget()) {
            Ok(()) => assert_eq!(typed(&Data::Map(values)), case["values"], "{case}"),
            Err(fault) => assert_eq!(fault.to_string(), case["error"], "{case}"),
        }
    }
}

fn chart(files: &[(&str, &str)]) -> Chart {
    let file = |(name, data): &(&str, &str)| File { name: (*name).into(), data: (*data).into() };
    load::files(files.iter().map(file).collect()).expect("a chart").chart
}

fn names(chart: &Chart) -> Json {
    json!({ "name": chart.name(), "charts": chart.dependencies.iter().map(names).collect::<Vec<_>>() })
}

#[test]
fn charts_are_settled_and_their_values_merged_as_in_helm() {
    for case in lines(include_str!("settle.jsonl")) {
        let files: BTreeMap<String, String> = serde_json::from_value(case["files"].clone()).expect("files");
        let files: Vec<(&str, &str)> = files.iter().map(|(name, data)| (name.as_str(), data.as_str())).collect();
        let chart = chart(&files);
        let given = crate::yaml::read_table(case["given"].as_str().expect("values").as_bytes()).expect("values");
        let seen = settle(&chart, &given, Nulls::Keep, &mut budget()).and_then(|settled| {
            let (values, warnings) = coalesce(&settled.chart, &given, &mut budget())?;
            let mut warnings = [settled.warnings, warnings].concat();
            warnings.sort();
            Ok((settled.chart, table_of(&values, &mut budget())?, warnings))
        });
        match seen {
            Err(fault) => assert_eq!(fault.to_string(), case["error"], "{case}"),
            Ok((chart, values, warnings)) => {
                assert_eq!(typed(&Data::Map(values)), case["values"], "{case}");
                assert_eq!(names(&chart), case["charts"], "{case}");
                assert_eq!(json!(warnings), case.get("warnings").cloned().unwrap_or(json!([])), "{case}");
            }
        }
    }
}

const PARENT: &str = "apiVersion: v2\nname: top\nversion: 1.0.0\ndependencies:\n- {name: sub, version: '*', repository: ''";
const SUB: &str = "apiVersion: v2\nname: sub\nversion: 1.0.0\n";

#[test]
fn a_mapping_of_globals_that_a_subchart_adds_to_is_its_parents_too() {
    let parent = format!("{PARENT}}}\n");
    let chart = chart(&[
        ("Chart.yaml", &parent),
        ("values.yaml", "global: {a: {b: {mine: 1}}}\nsub: {global: {a: {b: {yours: 2}}}}"),
        ("charts/sub/Chart.yaml", SUB),
    ]);
    let (values, _) = coalesce(&chart, &Table::new(), &mut budget()).expect("values");
    let inner = |path: &str| super::table(&values, path).expect("a mapping");
    assert!(inner("global.a.b").is(&inner("sub.global.a.b")));
    assert!(inner("global.a.b").get("yours").is_some());
}

#[test]
fn what_stands_inside_a_chart_with_an_alias_keeps_the_place_it_was_loaded_at() {
    let parent = format!("{PARENT}, alias: other}}\n");
    let chart = chart(&[
        ("Chart.yaml", &parent),
        ("charts/sub/Chart.yaml", SUB),
        ("charts/sub/charts/deep/Chart.yaml", "apiVersion: v2\nname: deep\nversion: 1.0.0\n"),
    ]);
    let settled = settle(&chart, &Table::new(), Nulls::Keep, &mut budget()).expect("settled").chart;
    let other = settled.dependencies.first().expect("the alias");
    assert_eq!((other.name(), other.path.as_str()), ("other", "top/charts/other"));
    assert_eq!(other.dependencies.first().map(|deep| deep.path.as_str()), Some("top/charts/sub/charts/deep"));
}

#[test]
fn a_loaded_chart_is_not_changed_by_settling_it() {
    let parent = format!("{PARENT}, condition: sub.enabled, import-values: [x]}}\n");
    let chart =
        chart(&[("Chart.yaml", &parent), ("charts/sub/Chart.yaml", SUB), ("charts/sub/values.yaml", "exports: {x: {imported: true}}")]);
    let off = settle(&chart, &table(r#"{"sub":{"enabled":false}}"#), Nulls::Keep, &mut budget()).expect("settled");
    assert!(off.chart.dependencies.is_empty());
    let on = settle(&chart, &Table::new(), Nulls::Keep, &mut budget()).expect("settled");
    assert_eq!(on.chart.values.get("imported".as_bytes()), Some(&Data::Bool(true)));
}

#[test]
fn flags_go_over_files_in_helms_order() {
    let file = |name: &str, text: &str| ValuesFile { name: name.to_owned(), text: text.into() };
    let given = Given {
        files: vec![file("a", "a: {x: 1, w: 1}\nb: 1"), file("b", "a: {w: null, z: [2]}\nb: {c: 2}"), file("c", "")],
        json: vec!["j={\"k\":1}".to_owned()],
        typed: vec!["j.k=2,a.z[0]=3".to_owned()],
        text: vec!["b.c=4".to_owned()],
        file: vec!["f=one".to_owned()],
        literal: vec!["l=a,b".to_owned()],
    };
    let values = given.merge(&mut read, &mut budget()).expect("values");
    let expected = json!({
        "a": { "x": { "$float64": "1" }, "w": null, "z": [{ "$int64": "3" }] },
        "b": { "c": "4" }, "f": "1\n", "j": { "k": { "$int64": "2" } }, "l": "a,b",
    });
    assert_eq!(typed(&Data::Map(values)), expected);
}

#[track_caller]
fn refused(given: &Given, expected: &str) {
    assert_eq!(given.merge(&mut read, &mut budget()).unwrap_err().to_string(), expected);
}

#[test]
fn a_file_or_flag_that_is_wrong_is_named() {
    let files = vec![ValuesFile { name: "v.yaml".to_owned(), text: "[1]".into() }];
    refused(
        &Given { files, ..Given::default() },
        "failed to parse v.yaml: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal array into Go value of type map[string]interface {}",
    );
    refused(&Given { typed: vec!["a".into()], ..Given::default() }, "failed parsing --set data: key \"a\" has no value");
    refused(&Given { json: vec!["a=x".into()], ..Given::default() }, "failed parsing --set-json data a=x");
}

#[test]
fn nulls_of_values_laid_over_others_take_keys_away_or_stay() {
    let (above, below) = (table(r#"{"a":null,"b":{"c":null}}"#), table(r#"{"a":1,"b":{"c":2,"d":3}}"#));
    let merged = |nulls| typed(&Data::Map(lay_over(&above, &below, nulls, &mut budget()).expect("values").0));
    assert_eq!(merged(Nulls::Remove), json!({ "b": { "d": { "$float64": "3" } } }));
    assert_eq!(merged(Nulls::Keep), json!({ "a": null, "b": { "c": null, "d": { "$float64": "3" } } }));
}

/// What settling a chart takes more of than so much.
fn too_much(dependencies: &str, charts: usize, values: &str, limits: Limits) -> Option<Exhausted> {
    let text = format!("apiVersion: v2\nname: web\nversion: 1.0.0\ndependencies:\n{dependencies}");
    let inside = (0..charts).map(|number| (format!("charts/c{number}/Chart.yaml"), "apiVersion: v2\nname: x\nversion: 1.0.0\n".to_owned()));
    let all: Vec<(String, String)> = std::iter::once(("Chart.yaml".to_owned(), text)).chain(inside).collect();
    let all: Vec<(&str, &str)> = all.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    match settle(&chart(&all), &table(values), Nulls::Keep, &mut Budget::new(limits)) {
        Err(Fault::Limit(limit)) => Some(limit),
        _ => None,
    }
}

#[test]
fn a_constraint_is_paid_for_each_time_it_is_read_and_a_warning_each_time_it_is_given() {
    let long = ">=1.0.0 ".repeat(1_000);
    let needs = (0..10).map(|number| format!("- {{name: x, alias: a{number}, version: '{long}'}}\n")).collect::<Vec<_>>().concat();
    let few = Limits { steps: 100_000, ..Limits::default() };
    assert_eq!(too_much(&needs, 20, "{}", few), Some(Exhausted::Steps(few.steps)));
    let conditions = format!("- {{name: x, alias: {}, version: '*', condition: '{}'}}\n", "a".repeat(2_000), "y,".repeat(2_000));
    let little = Limits { memory: 2 << 20, ..Limits::default() };
    assert_eq!(too_much(&conditions, 1, r#"{"y":"no truth"}"#, little), Some(Exhausted::Memory(little.memory)));
}

#[test]
fn lists_in_lists_end_at_a_limit() {
    let deep = format!("a{}=1", "[0]".repeat(100_000));
    let fault = set(deep.as_bytes(), Taken::Typed, &mut Table::new(), &mut budget()).unwrap_err();
    assert!(matches!(fault, Fault::Limit(Exhausted::Depth(_))), "{fault}");
    let wide = format!("a{}=1", "[65536]".repeat(900));
    let fault = set(wide.as_bytes(), Taken::Typed, &mut Table::new(), &mut budget()).unwrap_err();
    assert!(matches!(fault, Fault::Limit(Exhausted::Memory(_))), "{fault}");
}

/// The threads of tests have 2 MiB of stack, as those of a server do.
#[test]
fn values_as_deep_as_they_may_be_fit_the_stack() {
    let nested = |deep: usize| table(&format!("{}1{}", "{\"a\":".repeat(deep), "}".repeat(deep)));
    let deep = nested(990);
    let parent = format!("{PARENT}, import-values: [{{child: a, parent: b}}]}}\n");
    let chart = chart(&[("Chart.yaml", &parent), ("charts/sub/Chart.yaml", SUB)]);
    let given = Table::from([(Str::from("sub"), Data::Map(nested(980)))]);
    let settled = settle(&chart, &given, Nulls::Keep, &mut budget()).expect("settled");
    let (values, _) = coalesce(&settled.chart, &given, &mut budget()).expect("values");
    assert_eq!(table_of(&values, &mut budget()).expect("values").get("sub".as_bytes()).map(|it| it.at(["a"]).is_some()), Some(true));
    assert!(lay_over(&deep, &deep, Nulls::Remove, &mut budget()).is_ok());
    assert!(super::flags::merge_files(deep.clone(), deep, &mut budget()).is_ok());
}

proptest! {
    #[test]
    fn no_flag_makes_the_parser_panic(text in r#"([ab.=,{}\[\]\\" 01]|\[[0-3]\]|\PC)*"#, kind in 0_usize..4) {
        let taken = [Taken::Typed, Taken::Text, Taken::Json, Taken::Literal].into_iter().nth(kind).expect("a kind");
        let _ = set(text.as_bytes(), taken, &mut table(r#"{"a":{"b":[1,{"a":2}]},"b":[[1],null]}"#), &mut budget());
    }
}
