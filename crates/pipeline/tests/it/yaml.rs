//! YAML as each dialect reads it: what is carried out otherwise than it is written is told.

use std::fmt::Write as _;

use crate::support::{GITLAB, WORKFLOW, must_plan, problems};

/// What is told of a file that is carried out: `line:column key: message`.
fn warnings(path: &str, text: &str) -> String {
    must_plan(path, text).warnings.iter().fold(String::new(), |mut out, one| {
        let _ = writeln!(out, "{}:{} {}: {}", one.line, one.column, one.key, one.message);
        out
    })
}

fn variable(text: &str) -> (String, String) {
    let text = format!("variables: {{A: {text}}}\na: {{script: [x]}}\n");
    (must_plan(GITLAB, &text).variables["A"].value.clone(), warnings(GITLAB, &text))
}

#[test]
fn a_variable_is_what_ruby_makes_of_it() {
    for (written, value) in [
        ("3.10", "3.1"),
        ("yes", "true"),
        ("Off", "false"),
        ("0755", "493"),
        ("22:22", "80520"),
        ("1_000", "1000"),
        ("0x1F", "31"),
        ("1.50", "1.5"),
        (":name", "name"),
    ] {
        let warning = format!("1:16 variables.A: GitLab reads `{written}` as {value}\n");
        assert_eq!(variable(written), (value.to_owned(), warning), "{written}");
        assert_eq!(variable(&format!("'{written}'")), (written.to_owned(), String::new()), "{written}");
    }
    for written in ["3.11", "1.0", "22", "-7", "1.2.3", "v1", "a:b", "true", "10m", "2026-01", "08", "0o17", "1e3", "y"] {
        assert_eq!(variable(written), (written.to_owned(), String::new()), "{written}");
    }
}

#[test]
fn a_date_keeps_a_gitlab_file_from_being_read() {
    let told = "1:16 : GitLab does not read files with dates in them";
    for date in ["2026-01-02", "2026-1-2", "2026-01-02T03:04:05Z"] {
        assert_eq!(problems(GITLAB, &format!("variables: {{A: {date}}}\na: {{script: [x]}}\n")), told, "{date}");
    }
    let workflow = "on: push\nenv: {A: 2026-01-02}\njobs: {a: {runs-on: linux, steps: [{run: x}]}}\n";
    assert_eq!(must_plan(WORKFLOW, workflow).variables["A"].value, "2026-01-02");
}

#[test]
fn of_two_keys_gitlab_takes_the_last_and_github_none() {
    let text = "a: {script: [x]}\nb: {script: [x]}\na:\n  script: [y]\n  script: [z]\n";
    let plan = must_plan(GITLAB, text);
    assert_eq!(plan.jobs.iter().map(|job| job.name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    assert!(format!("{:?}", plan.jobs[0].steps).contains("\"z\""), "{:?}", plan.jobs[0].steps);
    assert_eq!(
        warnings(GITLAB, text),
        "3:1 : `a` is given twice, and the last one counts: the one on line 1 is passed over\n\
         5:3 : `script` is given twice, and the last one counts: the one on line 4 is passed over\n"
    );
    for (first, second) in [("run", "run"), ("run", "RUN")] {
        let text = format!("on: push\njobs:\n  a:\n    runs-on: linux\n    steps:\n      - {first}: x\n        {second}: y\n");
        let told = format!("7:9 : `{second}` is given twice, whatever its case; the first time is on line 6");
        assert_eq!(problems(WORKFLOW, &text), told);
    }
}

#[test]
fn merge_keys_count_where_they_stand_as_in_ruby() {
    for (job, image, warned) in [
        ("<<: *t\n  image: own", "own", ""),
        ("image: own\n  <<: *t", "first", "5:3 : `<<` stands below `image`, so that GitLab takes the merged value\n"),
        ("<<: [*t, *u]", "first", ""),
        ("<<: [*u, *t]", "second", ""),
        ("<<: *t\n  <<: *u", "second", ""),
        ("'<<': *t", "first", ""),
    ] {
        let text = format!(".t: &t {{image: first}}\n.u: &u {{image: second, script: [x]}}\na:\n  {job}\n  script: [x]\n");
        let plan = must_plan(GITLAB, &text);
        assert_eq!(plan.jobs[0].image.as_ref().map(|image| image.image.as_str()), Some(image), "{job}");
        assert_eq!(warnings(GITLAB, &text), warned, "{job}");
    }
    let workflow = "on: push\n.t: &t {runs-on: linux}\njobs: {a: {<<: *t, steps: [{run: x}]}}\n";
    assert_eq!(problems(WORKFLOW, workflow), "3:12 : workflows know no merge keys (`<<`)");
}

#[test]
fn keys_are_text() {
    for (key, read) in [("yes", "true"), ("ON", "true"), ("~", "nothing"), ("null", "nothing"), ("1.5", "1.5"), ("0755", "493")] {
        let told = format!("1:1 : a key must be text, and GitLab reads `{key}` as {read}");
        assert_eq!(problems(GITLAB, &format!("{key}: {{script: [x]}}\n")), told);
        assert_eq!(problems(GITLAB, &format!("'{key}': {{script: [x]}}\n")), "a plan of 1 jobs");
    }
    assert_eq!(problems(GITLAB, "12: {script: [x]}\n"), "a plan of 1 jobs");
    assert_eq!(problems(WORKFLOW, "on: push\nenv: {on: x, yes: y}\njobs: {a: {runs-on: linux, steps: [{run: x}]}}\n"), "a plan of 1 jobs");
}

#[test]
fn github_writes_numbers_in_its_own_way() {
    let text = "on: push\nenv: {A: 3.10, B: 0o17, C: 1e3, D: 0755, E: True, F: yes, G: '3.10'}\njobs: {a: {runs-on: linux, strategy: {matrix: {py: [3.10]}}, steps: [{run: x}]}}\n";
    let plan = must_plan(WORKFLOW, text);
    let values: Vec<&str> = plan.variables.values().map(|variable| variable.value.as_str()).collect();
    assert_eq!(values, ["3.1", "15", "1000", "755", "true", "yes", "3.10"]);
    assert_eq!(plan.jobs[0].name.as_str(), "a (3.1)");
    assert_eq!(
        warnings(WORKFLOW, text),
        "2:10 env.A: GitHub reads `3.10` as 3.1\n2:19 env.B: GitHub reads `0o17` as 15\n2:28 env.C: GitHub reads `1e3` as 1000\n\
         2:36 env.D: GitHub reads `0755` as 755\n2:45 env.E: GitHub reads `True` as true\n\
         3:53 jobs.a.strategy.matrix.py: GitHub reads `3.10` as 3.1\n"
    );
}
