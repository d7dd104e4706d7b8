//! Reports of jobs and checks, as the tools really write them.

use penstock_scan::{CaseOutcome, CoverageReport, read_cobertura, read_junit, read_k6};

#[test]
fn pytests_report_is_read() {
    let report = read_junit(include_bytes!("../fixtures/junit.xml")).unwrap();
    let failed: Vec<_> = report.failures().map(|case| case.name.as_str()).collect();
    assert_eq!(failed, ["test_mod.TestB::test_wrong", "test_mod::test_broken"]);
    assert_eq!((report.count(CaseOutcome::Passed), report.count(CaseOutcome::Skipped)), (1, 1));
    assert!(report.cases[1].message.as_deref().unwrap().starts_with("AssertionError: one < two"));
}

#[test]
fn coverages_report_is_read() {
    let report = read_cobertura(include_bytes!("../fixtures/cobertura.xml"));
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
