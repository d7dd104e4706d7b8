//! `penstock eval`: one JSON line, and an exit code that says whether there is a value.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use crate::house::directory;

/// Runs it in a folder, with a context on standard input.
fn eval(folder: &std::path::Path, dialect: &str, context: &str, expression: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_penstock"));
    command.current_dir(folder).args(["eval", "--dialect", dialect, "--context", "-", expression]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(context.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn line(output: &Output) -> Value {
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(text.lines().count(), 1, "{output:?}");
    serde_json::from_str(&text).unwrap()
}

#[test]
fn a_value_is_one_line_of_json_and_an_error_too() {
    let folder = directory();
    std::fs::create_dir(folder.path().join("a")).unwrap();
    std::fs::write(folder.path().join("a/x.lock"), "x").unwrap();
    let contexts = r#"{"github": {"ref": "refs/heads/main", "n": [1, 2]}}"#;
    for (dialect, context, expression, code, expected) in [
        ("github", contexts, "${{ github.n[1] }}", 0, json!({"kind": "Number", "value": 2})),
        ("github", contexts, "-1", 0, json!({"kind": "Number", "value": -1})),
        ("gitlab", r#"{"A": "x", "B": null}"#, "$A && $B == null", 0, json!({"kind": "Boolean", "value": true})),
        (
            "gitlab",
            "{}",
            "$A ==",
            1,
            json!({"error": {"kind": "parsing", "message": "a value is missing at the end", "line": 1, "column": 6}}),
        ),
        (
            "github",
            "{}",
            "hashFiles('**/*.lock')",
            0,
            // the digest of the digest of `x`, by coreutils' sha256sum and xxd
            json!({"kind": "String", "value": "0a325ca303eb3014c43ae004970f343634db176fa1697bcc8c9efac94626488d"}),
        ),
    ] {
        let output = eval(folder.path(), dialect, context, expression);
        assert_eq!((output.status.code(), line(&output)), (Some(code), expected), "{expression}");
    }
    let output = eval(folder.path(), "gitlab", r#"{"A": 1}"#, "$A");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("-: invalid type") && said.contains("texts or null by name"), "{said}");
}
