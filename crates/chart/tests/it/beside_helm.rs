//! Ours and Helm's own packages, asked the same: what one makes the other makes, and what one refuses the other refuses with the same text.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use penstock_chart::{functions, load, render::Files};
use serde_json::{Value as Json, json};

use crate::differential::{
    charts as charts_in_charts,
    compare::{Case, Tally, Verdict, confirm, told},
    directory, documents, flags, lints, manifests,
    oracle::{self, Oracle, Outcome},
    render, schemas, signatures, sources, templates, texts, warnings,
};

fn charts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/charts")
}

/// The cases of every chart of ours: its directory, and the question.
fn cases() -> Vec<(PathBuf, Json)> {
    let mut found = Vec::new();
    for chart in std::fs::read_dir(charts()).expect("the charts are there") {
        let chart = chart.expect("the charts can be read").path();
        let cases = std::fs::read(chart.join("cases.json")).expect("a chart has its cases");
        let mut cases: Vec<Json> = serde_json::from_slice(&cases).expect("cases are a list");
        cases.extend(values_in(&chart.join("chart/ci")));
        for mut question in cases {
            let texts = question.get("values").and_then(Json::as_array).cloned().unwrap_or_default();
            // a mapping is written as JSON, which is YAML, too
            let texts: Vec<Json> =
                texts.iter().map(|text| text.as_str().map_or_else(|| json!(text.to_string()), |text| json!(text))).collect();
            question["op"] = json!("render");
            question["goVersion"] = json!("go1.24.4");
            question["helmVersion"] = json!("v3.18.4");
            if question["kubeVersion"].is_null() {
                question["kubeVersion"] = json!("1.33.0");
            }
            question["values"] = json!(texts);
            question["directory"] = json!(chart.join("chart"));
            found.push((chart.join("chart"), question));
        }
    }
    found.extend(["staging", "production"].map(sample));
    found
}

/// A case for each file of values that a chart is tried with.
fn values_in(folder: &Path) -> Vec<Json> {
    let Ok(files) = std::fs::read_dir(folder) else { return Vec::new() };
    let files = files.map(|file| file.expect("values can be read").path());
    files.map(|file| json!({ "name": file.file_name().and_then(|name| name.to_str()), "values": [std::fs::read_to_string(&file).expect("values are text")] })).collect()
}

/// The chart of the sample product in an environment.
fn sample(environment: &str) -> (PathBuf, Json) {
    let chart = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/oran-config/chart");
    let values = std::fs::read_to_string(chart.join(format!("values-{environment}.yaml"))).expect("an environment has its values");
    let release = json!({ "name": "sdr", "namespace": format!("sdr-{environment}") });
    let question = json!({
        "name": environment, "op": "render", "goVersion": "go1.24.4", "kubeVersion": "1.33.0", "values": [values], "release": release, "directory": chart,
    });
    (chart, question)
}

fn ours(chart: &Path, question: &Json) -> Outcome {
    render::chart(question, load::files(directory::files(chart).expect("a chart can be read")))
}

/// What Helm makes, without what it warned of.
fn helm(oracle: &mut Oracle, question: &Json) -> Outcome {
    match oracle.outcome(question, "*") {
        Outcome::Made(answer) => {
            let mut answer: Json = serde_json::from_slice(&answer).expect("an answer is JSON");
            answer.as_object_mut().and_then(|answer| answer.remove("log"));
            Outcome::Made(answer.to_string().into_bytes())
        }
        other => other,
    }
}

/// Tells where two outcomes part; nothing when they do not.
fn parting(ours: &Outcome, helm: &Outcome) -> Option<String> {
    let files = |outcome: &Outcome| match outcome {
        Outcome::Made(answer) => serde_json::from_slice::<Json>(answer).ok(),
        _ => None,
    };
    if ours == helm || lines(ours).is_some_and(|ours| Some(ours) == lines(helm)) {
        return None;
    }
    let (Some(made), Some(there)) = (files(ours), files(helm)) else { return Some(format!("ours {}\nhelm {}", shown(ours), shown(helm))) };
    let there = there["files"].as_object().cloned().unwrap_or_default();
    let name = there.keys().find(|name| made["files"][name.as_str()] != there[name.as_str()]);
    let Some(name) = name else { return Some("other files".to_owned()) };
    let (one, two) = (made["files"][name].as_str().unwrap_or_default(), there[name].as_str().unwrap_or_default());
    let line = one.lines().zip(two.lines()).find(|(one, two)| one != two);
    Some(format!("{name}:\nours {}\nhelm {}", line.map_or(one, |it| it.0), line.map_or(two, |it| it.1)))
}

/// What is wrong with values is found in the order of a Go map, which is none.
fn lines(outcome: &Outcome) -> Option<Vec<&[u8]>> {
    let Outcome::Refused(text) = outcome else { return None };
    let mut lines: Vec<&[u8]> = text.split(|byte| *byte == b'\n').collect();
    lines.sort_unstable();
    Some(lines)
}

fn shown(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Made(_) => "made it".to_owned(),
        Outcome::Refused(text) => format!("refused: {}", String::from_utf8_lossy(text)),
        Outcome::None(why) => why.clone(),
    }
}

fn every_case(oracle: &mut Oracle, takes: impl Fn(&Json) -> bool) -> Vec<String> {
    let mut parted = Vec::new();
    for (chart, question) in cases().into_iter().filter(|(_, question)| takes(question)) {
        if let Some(where_) = parting(&ours(&chart, &question), &helm(oracle, &question)) {
            parted.push(format!("{} / {}: {where_}", chart.display(), question["name"]));
        }
    }
    parted
}

#[test]
fn every_chart_renders_as_helm_renders_it() {
    let parted = every_case(&mut Oracle::new(), |_| true);
    assert!(parted.is_empty(), "{} differ:\n{}", parted.len(), parted.join("\n"));
}

#[test]
fn what_needs_nothing_newer_renders_as_helm_3_14_renders_it() {
    let older = |question: &Json| question["newer"] != json!(true);
    let parted = every_case(&mut Oracle::of("helm-oracle-3.14"), older);
    assert!(parted.is_empty(), "{} differ:\n{}", parted.len(), parted.join("\n"));
}

#[test]
fn what_was_rendered_is_sorted_as_helm_sorts_it() {
    let mut oracle = Oracle::new();
    for (chart, question) in cases() {
        let Outcome::Made(answer) = helm(&mut oracle, &question) else { continue };
        let answer: Json = serde_json::from_slice(&answer).expect("an answer is JSON");
        let files = answer["files"].as_object().expect("files are rendered");
        let rendered: Files = files.iter().map(|(name, text)| (name.as_str().into(), oracle::bytes(text).into())).collect();
        let sorted = helm(&mut oracle, &json!({ "op": "manifests", "files": files }));
        let (ours, helm) = (render::manifests(&rendered), sorted);
        assert_eq!(shown_whole(&ours), shown_whole(&helm), "{} / {}", chart.display(), question["name"]);
    }
}

fn shown_whole(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Made(text) => String::from_utf8_lossy(text).into_owned(),
        other => shown(other),
    }
}

#[test]
fn what_helm_template_prints_is_printed() {
    let mut seen = BTreeSet::new();
    for (chart, question) in cases() {
        let large = ["shop/chart", "monitoring/chart"].iter().any(|it| chart.ends_with(it));
        // the flags that the program has no word for are left to the other tests, and a process costs: one case of each chart will do
        // what is missing below charts/ is looked for by the command, not by a render
        let whole = !chart.ends_with("dependencies/chart");
        let has_flags = question["objects"].is_null() && question["strict"] != json!(true);
        let counts = large || !question["release"].is_object() && seen.insert(chart.clone());
        if !(whole && has_flags && counts) {
            continue;
        }
        let (ours, helm) =
            (render::printed(&question, load::files(directory::files(&chart).expect("a chart can be read"))), printed(&chart, &question));
        if parting(&ours, &helm).is_some() {
            assert_eq!(shown_whole(&ours), shown_whole(&helm), "{} / {}", chart.display(), question["name"]);
        }
    }
}

/// What the program prints.
fn printed(chart: &Path, question: &Json) -> Outcome {
    let texts =
        |field: &str| question[field].as_array().cloned().unwrap_or_default().into_iter().filter_map(|it| it.as_str().map(str::to_owned));
    let release = |field: &str, without: &str| question["release"][field].as_str().unwrap_or(without).to_owned();
    let values = tempfile::tempdir().expect("a directory");
    let mut command = std::process::Command::new(oracle::place("helm"));
    command.arg("template").arg(release("name", "release-name")).arg(chart).args(["--namespace", &release("namespace", "default")]);
    for (index, text) in texts("values").enumerate() {
        let file = values.path().join(format!("{index}.yaml"));
        std::fs::write(&file, text).expect("values can be written");
        command.arg("--values").arg(file);
    }
    for (field, flag) in [("set", "--set"), ("setString", "--set-string"), ("setJson", "--set-json"), ("apiVersions", "--api-versions")] {
        texts(field).for_each(|text| {
            command.args([flag, &text]);
        });
    }
    if question["release"]["upgrade"] == json!(true) {
        command.arg("--is-upgrade");
    }
    command.args(["--kube-version", question["kubeVersion"].as_str().unwrap_or("1.33.0")]).env("TZ", "UTC");
    let output = command.output().expect("helm starts");
    if output.status.success() {
        return Outcome::Made(output.stdout);
    }
    // the oracle names a file of values by its number alone
    let said = String::from_utf8_lossy(&output.stderr).replace(&format!("{}/", values.path().display()), "");
    let said = said.lines().skip_while(|line| !line.starts_with("Error: ")).collect::<Vec<_>>().join("\n");
    let said = said.trim_start_matches("Error: ").trim_end_matches("\n\nUse --debug flag to render out invalid YAML");
    Outcome::Refused(said.as_bytes().to_vec())
}

/// Compares as many cases, and tells the first that differ.
fn alike<C: Case>(cases: impl Iterator<Item = C>) -> Tally {
    let mut oracle = Oracle::new();
    let mut tally = Tally::default();
    let mut parted = Vec::new();
    for case in cases {
        let verdict = confirm(&case, &mut oracle);
        tally.count(&case, &verdict);
        if matches!(verdict, Verdict::Differs(..)) && parted.len() < 5 {
            parted.push(told(&case, &verdict));
        }
    }
    assert_eq!(tally.differ, 0, "of {} cases:\n{}", tally.cases(), parted.join("\n"));
    tally
}

#[test]
fn random_templates_render_as_helm_renders_them() {
    let signatures = signatures::all();
    let tally = alike((0..1_200).map(|number| templates::case(number, &signatures)));
    assert!(tally.share_made() >= 50, "only {} of a hundred were made", tally.share_made());
}

#[test]
fn documents_are_read_and_written_as_helm_does() {
    alike((0..4_000).map(documents::grow));
}

#[test]
fn flags_set_values_as_helm_does() {
    alike((0..4_000).map(flags::grow));
}

#[test]
fn spoilt_texts_are_taken_or_refused_as_by_helm() {
    let signatures = signatures::all();
    let fitting = texts::fitting(&signatures);
    alike((0..2_500).map(|number| texts::grow(number, &fitting)));
}

#[test]
fn spoilt_templates_are_parsed_or_refused_as_by_helm() {
    let signatures = signatures::all();
    alike((0..2_000).map(|number| sources::grow(number, &signatures)));
}

#[test]
fn charts_in_charts_get_their_values_as_in_helm() {
    alike((0..500).map(charts_in_charts::grow));
}

#[test]
fn merging_values_warns_as_in_helm() {
    alike((0..400).map(warnings::grow));
}

#[test]
fn charts_are_linted_as_by_helm() {
    alike((0..200).map(lints::grow));
}

#[test]
fn values_are_held_against_schemas_as_by_helm() {
    alike((0..1_500).map(schemas::grow));
}

#[test]
fn documents_are_told_from_hooks_as_by_helm() {
    alike((0..1_500).map(manifests::grow));
}

#[test]
fn every_function_is_called_by_random_templates() {
    let called: BTreeSet<&str> = signatures::all().iter().map(|it| it.name).collect();
    // those that the constructs of templates call themselves
    let otherwise = ["include", "tpl", "printf", "call"];
    let missing: Vec<&str> = functions::names().filter(|name| !called.contains(name) && !otherwise.contains(name)).collect();
    assert!(missing.is_empty(), "no signature says how to call {missing:?}");
}
