//! Each reader on a real output.

use penstock_scan::{NoSources, ReadError, Report, Tool, Tree};

use crate::{judged, output};

fn read(tool: Tool, code: i32, result: &[u8], stderr: &str) -> Result<Report, ReadError> {
    tool.read(&output(code, result, stderr), &judged(&[], &Tree::default(), &NoSources))
}

/// One line a finding: level, severity, rule, place.
#[track_caller]
fn check(tool: Tool, code: i32, result: &[u8], stderr: &str, expected: &str) {
    let report = read(tool, code, result, stderr).unwrap_or_else(|error| panic!("{error}"));
    let mut seen = String::new();
    for f in &report.findings {
        let level = format!("{:?}", f.level).to_lowercase();
        let severity = f.severity.map(|s| format!("/{s:?}").to_lowercase()).unwrap_or_default();
        let place = f.location.as_ref().map_or("-".to_owned(), |l| {
            let n = |n: Option<u32>| n.map(|n| format!(":{n}")).unwrap_or_default();
            format!("{}{}{}", l.path, n(l.line), n(l.column))
        });
        seen.push_str(&format!("{level}{severity} {} {place}\n", f.rule));
    }
    assert_eq!(seen.trim(), expected.trim(), "{seen}");
    let s = report.summary;
    assert_eq!(s.error + s.warning + s.note + s.none, report.findings.len());
}

#[test]
fn black_names_files_that_differ_and_files_it_cannot_parse() {
    let diff = include_bytes!("../fixtures/black.diff");
    let expected = "error parse pkg/syntax.py:1:11\nwarning format pkg/bad.py:7";
    check(Tool::Black, 123, diff, include_str!("../fixtures/black.stderr"), expected);
    let older =
        "error: cannot format /srv/penstock-fixture/pkg/syntax.py: Cannot parse for target version Python 3.13: 1:11: def broken(:\n";
    check(Tool::Black, 123, b"", older, "error parse pkg/syntax.py:1:11");
    check(Tool::Black, 0, b"", "", "");
}

#[test]
fn isort_names_files() {
    check(Tool::Isort, 1, include_bytes!("../fixtures/isort.diff"), "", "warning imports pkg/bad.py:1");
    check(Tool::Isort, 0, b"", "", "");
}

#[test]
fn pylint_messages_have_levels_and_places() {
    let report = read(Tool::Pylint, 22, include_bytes!("../fixtures/pylint.json"), "").unwrap();
    assert_eq!((report.summary.error, report.summary.warning, report.summary.note), (2, 9, 7));
    let first = &report.findings[0];
    assert_eq!((first.rule.as_str(), first.location.as_ref().unwrap().path.as_str()), ("undefined-variable", "pkg/bad.py"));
}

#[test]
fn yamllint_lines_are_read() {
    check(
        Tool::Yamllint,
        1,
        include_bytes!("../fixtures/yamllint.txt"),
        "",
        "error syntax broken.yml:2:2
error braces broken.yml:2:3
error colons conf.yaml:2:5
error indentation conf.yaml:4:1
error hyphens conf.yaml:5:4
error trailing-spaces conf.yaml:6:11
error key-duplicates conf.yaml:7:1
warning document-start broken.yml:1:1
warning document-start conf.yaml:1:1
warning document-start k8s/deploy.yaml:1:1",
    );
}

#[test]
fn hadolint_rules_are_read() {
    let report = read(Tool::Hadolint, 0, include_bytes!("../fixtures/hadolint.json"), "").unwrap();
    let errors: Vec<_> = report.findings.iter().take(2).map(|f| (f.rule.as_str(), f.location.as_ref().unwrap().line)).collect();
    assert_eq!(errors, [("DL4000", Some(2)), ("DL3020", Some(5))]);
}

#[test]
fn gitleaks_says_where_and_nothing_of_the_secret() {
    let fixture = include_bytes!("../fixtures/gitleaks.json");
    let expected = "error/critical private-key deploy.pem:1:1
error/critical aws-access-token settings.py:1:22
error/critical github-pat settings.py:2:12";
    check(Tool::Gitleaks, 0, fixture, "", expected);
    // even from a report that was not masked nothing is kept
    let loud = String::from_utf8_lossy(fixture).replace("REDACTED", "hunter2-hunter2");
    let report = read(Tool::Gitleaks, 0, loud.as_bytes(), "").unwrap();
    assert!(!format!("{report:?}").contains("hunter2"));
    check(Tool::Gitleaks, 0, b"[]", "", "");
}

#[test]
fn gitleaks_is_asked_about_a_part_by_sorting_its_report() {
    let (paths, tree) = (["settings.py".to_owned()], Tree::from_iter(["settings.py", "deploy.pem"]));
    let out = output(0, include_bytes!("../fixtures/gitleaks.json"), "");
    let report = Tool::Gitleaks.read(&out, &judged(&paths, &tree, &NoSources)).unwrap();
    assert_eq!(report.findings.len(), 2);
}

#[test]
fn bandit_issues_and_files_it_could_not_read() {
    check(
        Tool::Bandit,
        0,
        include_bytes!("../fixtures/bandit.json"),
        "",
        "error/high B602:subprocess_popen_with_shell_equals_true pkg/bad.py:9:12
error unread pkg/syntax.py
warning/medium B307:blacklist pkg/bad.py:12:12
warning/medium B108:hardcoded_tmp_directory pkg/bad.py:17:17
note/low B404:blacklist pkg/bad.py:3:1
note/low B105:hardcoded_password_string pkg/bad.py:15:16
note/low B101:assert_used pkg/bad.py:16:5",
    );
}

#[test]
fn trivy_misconfigurations_are_read() {
    check(
        Tool::TrivyConfig,
        0,
        include_bytes!("../fixtures/trivy-config.json"),
        "",
        "error/high DS002 Dockerfile
error/high DS021 Dockerfile:3
error/high DS002 docker/Good.Dockerfile
error/high KSV014 k8s/deploy.yaml:9
warning/medium DS001 Dockerfile:1
warning/medium DS013 Dockerfile:4
warning/medium DS004 Dockerfile:6
warning/medium KSV001 k8s/deploy.yaml:9
warning/medium KSV012 k8s/deploy.yaml:9
warning/medium KSV013 k8s/deploy.yaml:9
note/low DS005 Dockerfile:5
note/low DS026 docker/Good.Dockerfile
note/low KSV003 k8s/deploy.yaml:9
note/low KSV011 k8s/deploy.yaml:9",
    );
}

#[test]
fn trivy_secrets_say_where_and_nothing_of_the_secret() {
    let fixture = include_bytes!("../fixtures/trivy-secret.json");
    let expected = "error/critical aws-access-key-id settings.py:1
error/critical github-pat settings.py:2
error/high private-key deploy.pem:1";
    check(Tool::TrivySecret, 0, fixture, "", expected);
    let report = read(Tool::TrivySecret, 0, fixture, "").unwrap();
    assert!(!format!("{report:?}").contains("***"));
}

#[test]
fn a_tool_that_crashed_is_no_clean_result() {
    let crashed = |tool, code, result: &[u8], stderr| read(tool, code, result, stderr).unwrap_err();
    assert!(matches!(crashed(Tool::Black, 123, b"", "INTERNAL ERROR: oh"), ReadError::Crashed { code: 123, .. }));
    assert!(matches!(crashed(Tool::Isort, 1, b"", "bad setting"), ReadError::Crashed { .. }));
    assert!(matches!(crashed(Tool::Yamllint, 1, b"", "invalid config"), ReadError::Crashed { .. }));
    for tool in [Tool::Pylint, Tool::Hadolint, Tool::Gitleaks, Tool::Bandit, Tool::TrivyConfig, Tool::TrivySecret] {
        assert!(matches!(crashed(tool, 0, b"", ""), ReadError::Form { .. }), "{tool}: nothing at all is no result");
        assert!(matches!(crashed(tool, 0, b"{}", ""), ReadError::Form { .. }), "{tool}");
    }
    let mut out = output(137, b"[]", "Killed");
    out.ran = false;
    let killed = Tool::Gitleaks.read(&out, &judged(&[], &Tree::default(), &NoSources)).unwrap_err();
    assert_eq!(killed.to_string(), "gitleaks ended with code 137 and no result: Killed");
}
