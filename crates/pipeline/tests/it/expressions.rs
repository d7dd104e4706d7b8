//! Expressions of both dialects as somebody tries them out: what they come to, and where they fail.

use std::collections::BTreeMap;
use std::sync::Arc;

use penstock_model::Digest;
use penstock_pipeline::{EvalErrorKind, FilesToHash, WorkflowContexts, eval_gitlab};
use serde_json::{Value, json};

/// What it comes to, as the command prints it.
#[track_caller]
fn github(expression: &str, contexts: &Value) -> Value {
    match WorkflowContexts::new(contexts.as_object().unwrap(), None).eval(expression) {
        Ok(evaluated) => serde_json::to_value(evaluated).unwrap(),
        Err(error) => json!({ "error": error }),
    }
}

fn gitlab(expression: &str) -> Value {
    let variables = [("BRANCH", Some("main")), ("EMPTY", Some("")), ("ABSENT", None)];
    let variables: BTreeMap<_, _> = variables.map(|(name, value)| (name.to_owned(), value.map(str::to_owned))).into();
    match eval_gitlab(expression, &variables) {
        Ok(evaluated) => serde_json::to_value(evaluated).unwrap(),
        Err(error) => json!({ "error": error }),
    }
}

#[test]
fn every_kind_of_value_is_named() {
    let contexts = json!({"github": {"ref": "main", "list": [1, {"b": null, "a": 1}]}});
    for (expression, kind, value) in [
        ("", "Null", json!(null)),
        ("github.nope", "Null", json!(null)),
        ("1 == 1", "Boolean", json!(true)),
        ("1.50", "Number", json!(1.5)),
        ("-0", "Number", json!(0)),
        ("NaN", "Number", json!("NaN")),
        ("-Infinity", "Number", json!("-Infinity")),
        ("GITHUB.Ref", "String", json!("main")),
        ("github.list", "Array", json!([1, {"b": null, "a": 1}])),
        ("github.list.*.a", "Array", json!([1])),
        ("github", "Object", contexts["github"].clone()),
        ("${{ github.ref }}", "String", json!("main")),
        (" ${{ 1 }}\n", "Number", json!(1)),
        ("on ${{ github.ref }}: ${{ 1 }}", "String", json!("on main: 1")),
    ] {
        assert_eq!(github(expression, &contexts), json!({"kind": kind, "value": value}), "{expression}");
    }
    let text = serde_json::to_string(&github("github.list[1]", &contexts)["value"]).unwrap();
    assert_eq!(text, r#"{"b":null,"a":1}"#, "keys keep their order");
}

#[test]
fn errors_are_of_three_kinds_and_have_a_place() {
    let contexts = json!({"github": {}});
    for (expression, kind, line, column) in [
        ("1 = 2", "lexing", 1, 3),
        ("true &&\n  @", "lexing", 2, 3),
        ("'é' && 'x", "lexing", 1, 8),
        ("${{ 1", "lexing", 1, 1),
        ("1 2", "parsing", 1, 3),
        ("github ||\nneeds.x", "parsing", 2, 1),
        ("nope()", "parsing", 1, 1),
        ("join()", "parsing", 1, 1),
        ("  ${{ github.x }} ${{ env.x }}", "parsing", 1, 23),
        ("true && fromJSON('{')", "evaluation", 1, 9),
        ("${{ 1 }} ${{ format('{0}') }}", "evaluation", 1, 14),
    ] {
        let seen = github(expression, &contexts);
        let error = &seen["error"];
        assert_eq!(
            (&error["kind"], &error["line"], &error["column"]),
            (&json!(kind), &json!(line), &json!(column)),
            "{expression}: {seen}"
        );
    }
}

#[test]
fn status_functions_answer_by_the_contexts() {
    for (expression, contexts, expected) in [
        ("success()", json!({}), true),
        ("failure() || cancelled()", json!({}), false),
        ("failure()", json!({"job": {"status": "failure"}}), true),
        ("cancelled() && !success()", json!({"job": {"status": "cancelled"}}), true),
        ("success()", json!({"needs": {"a": {"result": "success"}, "b": {"result": "skipped"}}}), false),
        ("failure()", json!({"needs": {"a": {"result": "failure"}, "b": {"result": "success"}}}), true),
        ("success('b') && failure('a', 'b')", json!({"needs": {"a": {"result": "failure"}, "b": {"result": "success"}}}), true),
        ("success('b', 'a')", json!({"needs": {"a": {"result": "failure"}, "b": {"result": "success"}}}), false),
        ("always()", json!({"job": {"status": "failure"}}), true),
    ] {
        assert_eq!(github(expression, &contexts), json!({"kind": "Boolean", "value": expected}), "{expression} {contexts}");
    }
}

#[test]
fn conditions_of_gitlab_come_to_what_gitlab_says() {
    for (expression, kind, value) in [
        ("$BRANCH", "String", json!("main")),
        ("$EMPTY", "String", json!("")),
        ("$ABSENT", "Null", json!(null)),
        ("$ABSENT == null", "Boolean", json!(true)),
        ("$BRANCH =~ /^ma/", "Boolean", json!(true)),
        ("$BRANCH && 'x'", "String", json!("x")),
    ] {
        assert_eq!(gitlab(expression), json!({"kind": kind, "value": value}), "{expression}");
    }
    for (expression, kind, column) in
        [("$BRANCH = 1", "lexing", 9), ("$BRANCH ==", "parsing", 11), ("", "parsing", 1), ("$BRANCH =~ true", "evaluation", 1)]
    {
        let error = gitlab(expression)["error"].clone();
        assert_eq!((&error["kind"], &error["column"]), (&json!(kind), &json!(column)), "{expression}: {error}");
    }
}

/// Files whose content is their path.
#[derive(Debug)]
struct Files(Vec<String>);

impl FilesToHash for Files {
    fn root(&self) -> &'static str {
        "/builds/oran"
    }

    fn paths(&self, _follow: bool) -> Result<Vec<String>, String> {
        Ok(self.0.clone())
    }

    fn digest(&self, path: &str) -> Result<Digest, String> {
        if path == "secret" { Err("no right to read it".to_owned()) } else { Ok(Digest::of(path)) }
    }
}

#[test]
fn hash_files_digests_the_digests() {
    let files: Arc<dyn FilesToHash> = Arc::new(Files(["b.lock", "a.lock", "secret"].map(str::to_owned).to_vec()));
    let contexts = json!({"github": {"workspace": "/builds/oran"}});
    let eval = |expression: &str| WorkflowContexts::new(contexts.as_object().unwrap(), Some(Arc::clone(&files))).eval(expression);
    let both = [Digest::of("a.lock"), Digest::of("b.lock")].map(|digest| *digest.as_bytes()).concat();
    for expression in ["hashFiles('*.lock')", "hashFiles(format('{0}/**', github.workspace), '!secret')"] {
        assert_eq!(eval(expression).unwrap().value, json!(Digest::of(&both).hex()), "{expression}");
    }
    assert_eq!(eval("hashFiles('nothing')").unwrap().value, json!(""));
    let error = eval("hashFiles('**')").unwrap_err();
    assert_eq!((error.kind, &*error.message), (EvalErrorKind::Evaluation, "hashFiles: no right to read it"));
}
