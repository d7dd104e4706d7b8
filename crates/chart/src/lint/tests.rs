//! `lint.jsonl` holds what Helm 3.18.4 said of charts.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::{Directory, Options, Severity, lint, unused};
use crate::{
    chart::File,
    origins::Layer,
    random::Seeded,
    render::{KubeVersion, Surroundings},
    value::Str,
    yaml,
};

fn messages(files: &BTreeMap<String, String>, given: &str, kube_version: Option<&str>) -> Vec<super::Message> {
    let files = files.iter().map(|(name, data)| File { name: name.as_str().into(), data: data.as_str().into() });
    let options = Options {
        values: yaml::read_table(given.as_bytes()).expect("values"),
        namespace: "ns".to_owned(),
        kube_version: kube_version.map(|version| KubeVersion::parse(version).expect("a version")),
        skip_schema: false,
    };
    let now = "2020-01-01T00:00:00Z[UTC]".parse().expect("a time");
    let mut random = Seeded::new([0; 32]);
    lint(&Directory::of("DIR", files.collect()), &options, &mut Surroundings::new(&now, &mut random))
}

#[test]
fn every_rule_says_what_it_says_in_helm() {
    for line in include_str!("lint.jsonl").lines() {
        let case: Json = serde_json::from_str(line).expect("a case");
        let files = serde_json::from_value(case["files"].clone()).expect("files");
        let given = case["given"].as_str().expect("values");
        let seen: Vec<String> = messages(&files, given, Some("1.33.0")).iter().map(ToString::to_string).collect();
        assert_eq!(Json::from(seen), case["messages"], "{case}");
    }
}

#[test]
fn a_deprecation_counts_from_its_version_on() {
    let files = BTreeMap::from([
        ("Chart.yaml".to_owned(), "apiVersion: v2\nname: c\nversion: 0.1.0\nicon: a:b\n".to_owned()),
        ("values.yaml".to_owned(), String::new()),
        ("templates/a.yaml".to_owned(), "apiVersion: batch/v1beta1\nkind: CronJob\nmetadata: {name: c}\n".to_owned()),
    ]);
    assert_eq!(messages(&files, "{}", Some("1.20")), []);
    let seen = messages(&files, "{}", None);
    assert_eq!(seen.iter().map(|it| it.severity).max(), Some(Severity::Warning));
    assert_eq!(
        seen.first().map(ToString::to_string).as_deref(),
        Some("[WARNING] templates/a.yaml: batch/v1beta1 CronJob is deprecated in v1.21+, unavailable in v1.25+; use batch/v1 CronJob")
    );
}

#[test]
fn a_value_that_no_template_uses_is_named_with_its_line() {
    let file = |name: &str, data: &str| File { name: name.into(), data: data.into() };
    let files = vec![
        file("Chart.yaml", "apiVersion: v2\nname: c\nversion: 0.1.0\n"),
        file("values.yaml", "# first\nused: 1\nouter:\n  used: 1\n  forgotten: 2\nlost: {a: 1}\n"),
        file("templates/a.yaml", "{{ .Values.used }}{{ .Values.outer.used }}"),
    ];
    let layer = |from: &str, text: Option<&str>, values: &str| Layer {
        from: from.to_owned(),
        text: text.map(Str::from),
        values: yaml::read_table(values.as_bytes()).expect("values"),
    };
    let more = "used: 2\nouter: {usd: 1}\n";
    let layers = [layer("more.yaml", Some(more), more), layer("--set pass.word=x", None, "pass: {word: x}")];
    let seen: Vec<String> = unused(&Directory::of("DIR", files), &layers).iter().map(ToString::to_string).collect();
    assert_eq!(
        seen,
        [
            "[INFO] values.yaml:5: no template uses the value outer.forgotten",
            "[INFO] values.yaml:6: no template uses the value lost",
            "[INFO] more.yaml:2: no template uses the value outer.usd",
            "[INFO] --set: no template uses the value pass",
        ]
    );
}
