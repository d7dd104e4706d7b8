//! The calls: what was asked for, offline, and not steered by the commit that is judged.

use penstock_scan::{CallError, Level, NoSources, Tool, Tree, tools};

use crate::{ROOT, judged, output};

fn args(tool: Tool, paths: &[&str], tree: &[&str]) -> Result<Option<String>, CallError> {
    let paths: Vec<_> = paths.iter().map(|path| (*path).to_owned()).collect();
    let call = tool.call(&judged(&paths, &tree.iter().copied().collect(), &NoSources))?;
    Ok(call.map(|call| format!("{} {}", call.program, call.args.join(" "))))
}

#[test]
fn every_tool_has_a_name_that_names_it() {
    for tool in tools() {
        assert_eq!(tool.name().parse(), Ok(*tool));
    }
    assert!("semgrep".parse::<Tool>().is_err());
}

#[test]
fn paths_and_the_projects_own_settings_are_handed_on() {
    let seen = args(Tool::Pylint, &["./client/", "tests"], &["client/a.py", "tests/b.py", "pyproject.toml"]).unwrap().unwrap();
    assert!(seen.starts_with("pylint --output-format=json2"), "{seen}");
    assert!(seen.ends_with("--rcfile={input}/pyproject.toml {input}/client {input}/tests"), "{seen}");
    let seen = args(Tool::Hadolint, &[], &["a/Dockerfile", "b/x", ".hadolint.yaml"]).unwrap().unwrap();
    assert!(seen.ends_with("--config {input}/.hadolint.yaml {input}/a/Dockerfile"), "{seen}");
}

#[test]
fn a_tool_with_nothing_to_judge_is_not_called() {
    for tool in [Tool::Black, Tool::Isort, Tool::Pylint, Tool::Bandit, Tool::Yamllint, Tool::Hadolint] {
        assert_eq!(args(tool, &[], &["README.md"]), Ok(None), "{tool}");
    }
    assert!(args(Tool::Gitleaks, &[], &["README.md"]).unwrap().is_some(), "a secret may be anywhere");
}

#[test]
fn paths_that_leave_the_tree_or_pose_as_options_are_refused() {
    for bad in ["/etc", "..", "a/../../b", "-o", "--config=x", "", "{output}", "a\nb"] {
        assert!(matches!(args(Tool::Bandit, &[bad], &["a/b.py"]), Err(CallError::Path(_))), "{bad:?}");
    }
    assert_eq!(args(Tool::Bandit, &["nowhere"], &["a/b.py"]), Err(CallError::Missing("nowhere".to_owned())));
}

#[test]
fn security_tools_do_not_listen_to_the_commit() {
    assert!(args(Tool::Gitleaks, &[], &[]).unwrap().unwrap().contains("--ignore-gitleaks-allow"));
    assert!(args(Tool::Bandit, &[], &["a.py"]).unwrap().unwrap().contains("--ignore-nosec"));
    for (tool, file, result) in [
        (Tool::Gitleaks, ".gitleaks.toml", &b"[]"[..]),
        (Tool::Gitleaks, ".gitleaksignore", b"[]"),
        (Tool::TrivySecret, "trivy-secret.yaml", br#"{"SchemaVersion": 2}"#),
        (Tool::TrivyConfig, ".trivyignore", br#"{"SchemaVersion": 2}"#),
        (Tool::Bandit, "deep/.bandit", br#"{"errors": [], "results": []}"#),
    ] {
        let tree = Tree::from_iter([file]);
        let report = tool.read(&output(0, result, ""), &judged(&[], &tree, &NoSources)).unwrap();
        let found: Vec<_> = report.findings.iter().map(|f| (f.rule.as_str(), f.level)).collect();
        assert_eq!(found, [("own-configuration", Level::Error)], "{file}");
        assert_eq!(tool.nothing(&judged(&[], &tree, &NoSources)).summary.error, 1);
    }
}

#[test]
fn nothing_but_the_input_is_named() {
    for tool in tools() {
        let seen = args(*tool, &[], &["a.py", "b.yaml", "Dockerfile"]).unwrap().unwrap();
        assert!(!seen.contains(ROOT) && seen.contains("{input}"), "{seen}");
    }
}
