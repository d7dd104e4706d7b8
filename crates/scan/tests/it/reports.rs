//! Reports of jobs and checks, as the tools really write them.

use std::io::{BufReader, Read};

use penstock_scan::{
    CaseOutcome, CoverageReport, Level, Report, SecurityReport, Severity, TestCase, read_cobertura, read_codequality, read_junit, read_k6,
    read_security,
};

fn cases(bytes: &[u8]) -> Vec<TestCase> {
    let mut cases = Vec::new();
    read_junit(bytes, &mut |case| cases.push(case)).unwrap();
    cases
}

#[test]
fn pytests_report_is_read() {
    use CaseOutcome::{Errored, Failed, Passed, Skipped};
    let cases = cases(include_bytes!("../fixtures/junit.xml"));
    let named =
        |outcome: CaseOutcome| cases.iter().filter(|case| case.outcome == outcome).map(|case| case.name.as_str()).collect::<Vec<_>>();
    assert_eq!((named(Failed), named(Errored)), (vec!["test_mod.TestB::test_wrong"], vec!["test_mod::test_broken"]));
    assert_eq!((named(Passed).len(), named(Skipped).len()), (1, 1));
    assert!(cases[1].message.as_deref().unwrap().starts_with("AssertionError: one < two"));
}

#[test]
fn coverages_report_is_read() {
    let report = read_cobertura(&include_bytes!("../fixtures/cobertura.xml")[..]);
    assert_eq!(report, Ok(CoverageReport { lines_covered: 4, lines_valid: 6 }));
}

#[test]
fn k6_thresholds_are_read_the_right_way_round() {
    let good = read_k6(include_bytes!("../fixtures/k6.json")).unwrap();
    let held: Vec<_> = good.thresholds.iter().map(|t| (t.expression.as_str(), t.held)).collect();
    assert_eq!(held, [("p(95)<500", true), ("p(95)<0.0001", false), ("rate<0.01", true)]);
    assert!(!good.passed(), "one threshold was crossed");
    assert_eq!((good.requests, good.failed_rate, good.checks), (20, Some(0.0), (20, 0)));
    assert!(good.p95_ms.unwrap() > 3.0);
    // the server was down
    let refused = read_k6(include_bytes!("../fixtures/k6-refused.json")).unwrap();
    assert_eq!(refused.failed_rate, Some(1.0));
    assert!(!refused.passed());
}

#[test]
fn a_script_that_judges_nothing_did_not_pass() {
    let none = read_k6(br#"{"metrics": {"http_reqs": {"count": 9}}}"#).unwrap();
    assert!(!none.passed());
    let summary = br#"{"metrics": {"http_reqs": {"values": {"count": 9}}, "http_req_duration": {"values": {"p(95)": 3}, "thresholds": {"p(95)<5": {"ok": true}}}}}"#;
    let summary = read_k6(summary).unwrap();
    assert!(summary.passed());
    assert_eq!(summary.p95_ms, Some(3.0));
}

/// Rule, level and line of each finding; all are in one file.
fn rules<'r>(report: &'r Report, path: &str) -> Vec<(&'r str, Level, u32)> {
    let line = |finding: &penstock_scan::Finding| {
        let place = finding.location.as_ref().unwrap();
        assert_eq!(place.path, path);
        place.line.unwrap()
    };
    report.findings.iter().map(|finding| (finding.rule.as_str(), finding.level, line(finding))).collect()
}

#[test]
fn code_quality_as_ruff_and_hadolint_write_it_is_read() {
    use Level::{Error, Note, Warning};
    let ruff = read_codequality(&include_bytes!("../fixtures/ruff.gitlab.json")[..]).unwrap();
    let lines = [("D100", 1), ("E401", 2), ("S105", 6), ("S602", 7), ("S307", 12), ("E722", 13)];
    assert_eq!(rules(&ruff, "app/main.py"), lines.map(|(rule, line)| (rule, Warning, line)));
    let hadolint = read_codequality(&include_bytes!("../fixtures/hadolint.codeclimate.json")[..]).unwrap();
    let found = rules(&hadolint, "Dockerfile");
    assert_eq!((found[0], found.len()), (("DL4000", Error, 3), 6));
    assert_eq!(found[4..], [("DL3009", Note, 2), ("DL3015", Note, 2)]);
}

#[test]
fn security_reports_as_semgrep_writes_them_are_read() {
    let (sast, scanner) = read_security(SecurityReport::Sast, &include_bytes!("../fixtures/semgrep.sast.json")[..]).unwrap();
    assert_eq!(scanner.version, "Semgrep 1.185.0");
    assert_eq!(rules(&sast, "app/main.py"), [("eval-of-input", Level::Error, 12), ("shell-true", Level::Warning, 7)]);
    assert_eq!(sast.findings.iter().map(|finding| finding.severity).collect::<Vec<_>>(), [Some(Severity::High), Some(Severity::Medium)]);
    let secrets = &include_bytes!("../fixtures/semgrep.secrets.json")[..];
    let (found, _) = read_security(SecurityReport::SecretDetection, secrets).unwrap();
    assert_eq!(rules(&found, "app/main.py"), [("password-in-source", Level::Error, 6)]);
    assert!(read_security(SecurityReport::Sast, secrets).is_err(), "one kind is not taken for another");
}

/// A report that would be 500 MB as a file, made as it is read.
struct Endless {
    cases: usize,
    now: std::io::Cursor<Vec<u8>>,
}

impl Read for Endless {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        loop {
            let read = self.now.read(out)?;
            if read > 0 || self.cases == 0 {
                return Ok(read);
            }
            self.cases -= 1;
            let (name, printed) = (self.cases, "<![CDATA[a line that the test prints <&> ]] over and over\n".repeat(80));
            let end = if name == 0 { "</testsuite>" } else { "" };
            self.now = std::io::Cursor::new(
                format!("<testcase name='t{name}'><system-out>{printed}]]></system-out></testcase>{end}").into_bytes(),
            );
        }
    }
}

#[test]
fn a_junit_report_of_any_length_is_read_case_by_case() {
    const CASES: usize = 20_000;
    let begun = &b"<testsuite name='s'>"[..];
    let input = BufReader::new(begun.chain(Endless { cases: CASES, now: std::io::Cursor::default() }));
    let mut count = 0;
    read_junit(input, &mut |case| count += usize::from(case.outcome == CaseOutcome::Passed)).unwrap();
    assert_eq!(count, CASES);
}

#[test]
fn a_test_that_surefire_tried_again_is_known_as_such() {
    let cases = cases(
        b"<testsuite><testcase name='a'><flakyFailure message='m' type='T'>trace</flakyFailure></testcase><testcase name='b'>
          <failure/><rerunFailure/></testcase></testsuite>",
    );
    let seen: Vec<_> = cases.iter().map(|case| (case.outcome, case.again)).collect();
    assert_eq!(seen, [(CaseOutcome::Passed, true), (CaseOutcome::Failed, false)]);
}
