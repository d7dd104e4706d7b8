//! `penstock simulate`, as a person calls it.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::house::directory;

const FILE: &str = "stages: [build, test]\nlib: {stage: build, script: [x]}\nunit: {stage: test, script: [x]}\n";

fn simulate(file: &Path, script: &[u8]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_penstock"));
    command.arg("simulate").arg(file).args(["--events", "-"]).env("GIT_CEILING_DIRECTORIES", file.parent().unwrap());
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(script).unwrap();
    child.wait_with_output().unwrap()
}

#[test]
fn a_script_is_followed_line_by_line_up_to_the_line_that_is_wrong() {
    let dir = directory();
    let file = dir.path().join("ci.yml");
    std::fs::write(&file, FILE).unwrap();
    let output = simulate(&file, b"{\"event\": \"success\", \"jobs\": [\"lib\"]}\n\n{\"event\": \"drop\", \"jobs\": [\"unit\"]}\n");
    let expected = [
        r#"{"pipeline":"pending","stages":{"build":"pending","test":"created"},"jobs":{"lib":"pending","unit":"created"}}"#,
        r#"{"pipeline":"running","stages":{"build":"success","test":"pending"},"jobs":{"lib":"success","unit":"pending"}}"#,
        r#"{"pipeline":"failed","stages":{"build":"success","test":"failed"},"jobs":{"lib":"success","unit":"failed"}}"#,
    ];
    assert_eq!(String::from_utf8_lossy(&output.stdout).lines().collect::<Vec<_>>(), expected);
    assert!(output.status.success());
    for (script, why) in [
        (
            &b"\n{\"event\": \"success\", \"jobs\": [\"libs\"]}\n"[..],
            "standard input, line 2: the plan has no job `libs`; it has lib, unit",
        ),
        (b"{\"event\": \"succes\"}\n", "standard input, line 1: this is no event: unknown variant `succes`"),
        (b"\xff\n", "standard input, line 1: this is not UTF-8"),
    ] {
        let output = simulate(&file, script);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains(why), "{said}");
        assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stdout).lines().count()), (Some(2), 1));
    }
}
