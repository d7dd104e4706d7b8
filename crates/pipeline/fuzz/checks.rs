//! What must hold of any text. A panic is a fault, and so is an answer whose place lies outside of the text.

use std::collections::BTreeMap;

use penstock_pipeline::{Dialect, EvalError, Evaluated, Library, PushEvent, Source, Unplanned, WorkflowContexts, eval_gitlab, plan};

fn event() -> PushEvent {
    let json = serde_json::json!({
        "project": "oran", "repository": "oran", "reference": "refs/heads/main", "commit": "a".repeat(40), "before": null,
        "default_branch": "main", "message": "m", "pusher": "ada", "changed": ["a"], "files": ["a"], "variables": {"A": "a"},
        "server_url": "http://127.0.0.1", "registry": "127.0.0.1",
    });
    serde_json::from_value(json).expect("the event is whole")
}

/// A pipeline file of either dialect is a plan, or problems with places in it.
pub fn yaml(text: &str) {
    for dialect in [Dialect::GitlabCi, Dialect::GithubWorkflow] {
        match plan(dialect, &Source { path: "x.yml", text }, &event(), &Library::new()) {
            Ok(plan) => {
                let stored = serde_json::to_string(&plan).expect("a plan is JSON");
                let read: penstock_pipeline::Plan = serde_json::from_str(&stored).expect("a stored plan is read");
                assert_eq!(read, plan);
            }
            Err(Unplanned::Wants(files)) => assert!(!files.is_empty()),
            Err(Unplanned::Refused(problems)) => {
                assert!(!problems.is_empty());
                for problem in problems {
                    let lines = text.split(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']).count();
                    assert!((1..=lines + 1).contains(&problem.line) && problem.column >= 1, "{problem:?}");
                    assert!(!problem.render(text).is_empty());
                }
            }
        }
    }
}

/// A workflow expression comes to the same value each time, or to an error with a place in it.
pub fn github_expression(text: &str) {
    let contexts = serde_json::json!({
        "github": {"ref": "main", "n": 1.5, "list": [1, "a", {"b": null}], "empty": {}, "deep": {"x": {"y": [[1], []]}}},
        "needs": {"a": {"result": "success"}},
    });
    let contexts = WorkflowContexts::new(contexts.as_object().expect("a mapping"), None);
    answered(text, || contexts.eval(text));
}

/// So does a condition of a GitLab file.
pub fn gitlab_condition(text: &str) {
    let variables = [("A", Some("a")), ("B", Some("")), ("P", Some("/^a/i")), ("N", None)];
    let variables: BTreeMap<String, Option<String>> = variables.map(|(name, value)| (name.to_owned(), value.map(str::to_owned))).into();
    answered(text, || eval_gitlab(text, &variables));
}

fn answered(text: &str, eval: impl Fn() -> Result<Evaluated, EvalError>) {
    let first = eval();
    assert_eq!(first, eval());
    match first {
        Ok(value) => assert!(["Null", "Boolean", "Number", "String", "Array", "Object"].contains(&value.kind)),
        Err(error) => {
            let line = text.split('\n').nth(error.line - 1).expect("the line is there");
            assert!(error.column >= 1 && error.column <= line.chars().count() + 1, "{error:?}");
            assert!(!error.message.is_empty());
        }
    }
}
