//! The documents name every keyword of both references, and what they say of each is so.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use penstock_pipeline::{Diagnostic, FileRef};

use crate::support::{GITLAB, WORKFLOW, plan_finding, push};

const GITLAB_DOCUMENT: &str = include_str!("../../../../docs/gitlab-ci.md");
const GITLAB_KEYWORDS: &str = include_str!("../keywords/gitlab.txt");
const GITLAB_PROBES: &str = include_str!("../keywords/gitlab-probes.txt");
const WORKFLOW_DOCUMENT: &str = include_str!("../../../../docs/github-workflows.md");
const WORKFLOW_KEYWORDS: &str = include_str!("../keywords/github.txt");
const WORKFLOW_PROBES: &str = include_str!("../keywords/github-probes.txt");

/// A row of a document's table: `| keyword | state | what is narrow, or why it is refused | [test](file) |`.
pub struct Row<'a> {
    pub keyword: &'a str,
    pub state: &'a str,
    pub text: &'a str,
    pub test: &'a str,
}

/// The rows of the table below a heading.
pub fn rows<'a>(document: &'a str, heading: &str) -> Vec<Row<'a>> {
    let table = document.lines().skip_while(|line| *line != heading).skip(1).take_while(|line| !line.starts_with('#'));
    let rows = table.filter_map(|line| line.strip_prefix("| `")?.strip_suffix(" |")?.split_once("` | "));
    rows.map(|(keyword, rest)| {
        let (state, rest) = rest.split_once(" | ").unwrap_or_else(|| panic!("`{keyword}`: four cells, please"));
        let (text, test) = rest.rsplit_once("| ").unwrap_or_else(|| panic!("`{keyword}`: four cells, please"));
        Row { keyword, state, text: text.trim(), test }
    })
    .collect()
}

fn lines<'a>(list: &'a str, place: &str) -> Vec<&'a str> {
    list.lines().filter_map(|line| line.strip_prefix(place)?.strip_prefix(' ')).collect()
}

/// Checks one table: every keyword once and in order, states and reasons, and that the test is there.
fn check_table(document: &str, heading: &str, keywords: &[&str]) -> Vec<String> {
    let rows = rows(document, heading);
    let listed: Vec<&str> = rows.iter().map(|row| row.keyword).collect();
    let mut faults: Vec<String> =
        keywords.iter().filter(|keyword| !listed.contains(keyword)).map(|keyword| format!("no row for `{keyword}`")).collect();
    for Row { keyword, state, text, test } in &rows {
        if !keywords.contains(keyword) || listed.iter().filter(|other| other == &keyword).count() > 1 {
            faults.push(format!("`{keyword}` is no keyword of the list, or there twice"));
        }
        if !["carried out", "narrow", "refused"].contains(state) {
            faults.push(format!("`{keyword}`: what is the state `{state}`?"));
        }
        if *state != "carried out" && text.is_empty() {
            faults.push(format!("`{keyword}`: why is it {state}?"));
        }
        if !has_test(test) {
            faults.push(format!("`{keyword}`: there is no test {test}"));
        }
    }
    faults
}

/// True of a link `[name](../path)` in `docs/`, if that file has the test.
pub fn has_test(link: &str) -> bool {
    let link = link.strip_prefix('[').and_then(|link| link.strip_suffix(')')).and_then(|link| link.split_once("](../"));
    let Some((name, path)) = link else { return false };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    fs::read_to_string(root.join(path)).is_ok_and(|text| text.contains(&format!("fn {name}(")))
}

fn gitlab_probes(place: &str) -> BTreeMap<&'static str, String> {
    lines(GITLAB_PROBES, place)
        .into_iter()
        .map(|line| {
            let (keyword, snippet) = line.split_once(" = ").unwrap();
            (keyword, if place == "top" { at_the_top(snippet) } else { in_a_job(snippet) })
        })
        .collect()
}

fn at_the_top(snippet: &str) -> String {
    let divide = if snippet.starts_with("spec:") { "\n---\n" } else { "\n" };
    let snippet = snippet.replace("}, default:", "}\ndefault:").replace("}, b:", "}\nb:");
    format!("{snippet}{divide}a: {{script: [x]}}\n")
}

fn in_a_job(snippet: &str) -> String {
    let (job, more) = snippet.split_once(" ;; ").unwrap_or((snippet, ""));
    let own = ["script", "trigger", "run"].iter().any(|key| job.starts_with(key) && !job.starts_with("run:name"));
    let stage = if job.starts_with("stage:") { "" } else { "stage: test, " };
    let script = if own { "" } else { "script: [x], " };
    format!(
        "stages: [earlier, test]\n.t: {{script: [x]}}\nt: {{stage: earlier, script: [x], artifacts: {{paths: [a]}}}}\n\
         m: {{stage: earlier, script: [x], parallel: {{matrix: [{{A: [x, y]}}]}}}}\na: {{{stage}{script}{job}}}\n{more}\n"
    )
}

/// A workflow that uses a keyword.
fn workflow_probe(keyword: &str, snippet: &str) -> String {
    if keyword.starts_with("jobs.<job_id>.steps[*].") {
        // what waits needs somebody to wait for
        let before = if ["wait: j", "cancel: j"].contains(&snippet) { ", {run: x, id: j, background: true}" } else { "" };
        format!("on: push\n{}", workflow_jobs("", &format!("{before}, {{{snippet}}}")))
    } else if keyword.starts_with("jobs.<job_id>.") {
        format!("on: push\n{}", workflow_jobs(snippet, ""))
    } else if keyword.starts_with("on") {
        format!("{snippet}\n{}", workflow_jobs("outputs: {x: '${{ steps.i.outputs.x }}'}", ""))
    } else {
        format!("on: push\n{snippet}\n{}", workflow_jobs("", ""))
    }
}

/// Two jobs, the first with these keys and this last step.
fn workflow_jobs(keys: &str, step: &str) -> String {
    let mut own: Vec<String> = if keys.is_empty() { Vec::new() } else { vec![keys.to_owned()] };
    if !keys.starts_with("runs-on") && !keys.starts_with("uses") {
        own.push("runs-on: ubuntu-latest".to_owned());
    }
    if !keys.starts_with("steps") && !keys.starts_with("uses") {
        own.push(format!("steps: [{{run: x, id: i}}{step}]"));
    }
    format!("jobs: {{a: {{{}}}, b: {{runs-on: ubuntu-latest, steps: [{{run: x}}]}}}}\n", own.join(", "))
}

fn workflow_probes() -> Vec<(&'static str, String)> {
    let lines = WORKFLOW_PROBES.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.split_once(" = ").unwrap()).map(|(keyword, snippet)| (keyword, workflow_probe(keyword, snippet))).collect()
}

/// What included files have.
fn included(file: &FileRef) -> Option<String> {
    Some(match file {
        FileRef::Paths { .. } => "README.md\0".to_owned(),
        file if file.to_string().contains("inputs.yml") => "inputs: {z: {default: x}}\n".to_owned(),
        FileRef::Local { path } if path.starts_with(".github/") => {
            "on: {workflow_call: {inputs: {a: {type: string}}}}\njobs: {c: {runs-on: ubuntu-latest, steps: [{run: x}]}}\n".to_owned()
        }
        _ => "spec: {inputs: {a: {default: x}}}\n---\nb: {script: [x]}\n".to_owned(),
    })
}

/// What the planner says of a keyword against what the document does.
fn check_state(row: &Row<'_>, planned: Result<(), Vec<Diagnostic>>) -> Option<String> {
    let keyword = row.keyword;
    match (row.state, planned) {
        ("refused", Ok(())) => Some(format!("`{keyword}` is planned, not refused")),
        ("carried out" | "narrow", Err(problems)) => Some(format!("`{keyword}` is refused: {}", problems[0].message)),
        ("refused", Err(problems)) => {
            let parts = keyword.split([':', '.']);
            let named =
                parts.clone().any(|part| problems.iter().any(|problem| problem.message.contains(part) || problem.key.contains(part)));
            (!named).then(|| format!("`{keyword}` is refused for something else: {}", problems[0].message))
        }
        _ => None,
    }
}

#[track_caller]
pub fn nothing_wrong(faults: Vec<String>) {
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

const GITLAB_TABLES: [(&str, &str); 2] = [("top", "### At the top of the file"), ("job", "### In a job")];

#[test]
fn every_gitlab_keyword_has_its_row_with_a_reason_and_a_test() {
    nothing_wrong(
        GITLAB_TABLES
            .into_iter()
            .flat_map(|(place, heading)| check_table(GITLAB_DOCUMENT, heading, &lines(GITLAB_KEYWORDS, place)))
            .collect(),
    );
}

#[test]
fn every_gitlab_row_holds() {
    let mut faults = Vec::new();
    for (place, heading) in GITLAB_TABLES {
        let probes = gitlab_probes(place);
        for row in rows(GITLAB_DOCUMENT, heading) {
            let planned = plan_finding(GITLAB, &probes[row.keyword], included, &push()).map(drop).map_err(|(problems, _)| problems);
            faults.extend(check_state(&row, planned));
        }
    }
    nothing_wrong(faults);
}

const WORKFLOW_TABLE: &str = "## Every keyword";

#[test]
fn every_workflow_keyword_has_its_row_with_a_reason_and_a_test() {
    let keywords: Vec<&str> = WORKFLOW_KEYWORDS.lines().filter(|line| !line.starts_with('#')).collect();
    nothing_wrong(check_table(WORKFLOW_DOCUMENT, WORKFLOW_TABLE, &keywords));
}

#[test]
fn every_workflow_row_holds() {
    let probes: BTreeMap<&str, String> = workflow_probes().into_iter().collect();
    let mut faults = Vec::new();
    for row in rows(WORKFLOW_DOCUMENT, WORKFLOW_TABLE) {
        let planned = plan_finding(WORKFLOW, &probes[row.keyword], included, &push()).map(drop).map_err(|(problems, _)| problems);
        faults.extend(check_state(&row, planned));
    }
    nothing_wrong(faults);
}
