//! The example's policies, rule by rule.

use penstock_model::Digest;
use penstock_model::evidence::{Witness, predicate};
use penstock_model::release::ImageRef;
use serde_json::{Value, json};

use crate::world::{NOW, TOOLS, World, with};

#[test]
fn a_release_with_everything_passes() {
    World::staging().check(&[]);
    World::production().check(&[]);
    assert_eq!(World::production().decide().warnings, []);
}

#[test]
fn whatever_is_missing_denies_by_a_rule_that_says_what_to_do() {
    let missing = |kind: &str, name: &str, rule: &str| {
        let world = World::production().without(kind, name);
        world.check(&[rule]);
        let denials = world.decide().denials;
        assert!(denials.iter().all(|d| !d.fix.is_empty() && !d.message.is_empty() && !d.subject.is_empty()), "{denials:#?}");
    };
    for tool in TOOLS {
        missing(predicate::FINDINGS, tool, "evidence");
    }
    missing(predicate::TEST_RESULT, "pytest", "tests");
    missing(predicate::COVERAGE, "pytest", "coverage");
    missing(predicate::PROVENANCE, "build", "provenance");
    missing(predicate::SPDX, "syft", "sbom");
    missing(predicate::TEST_RESULT, "self-test", "self-test");
    missing(predicate::FINDINGS, "advisories", "evidence");
    missing(predicate::ENVIRONMENT_CHECK, "load", "promotion");
    missing(predicate::ENVIRONMENT_CHECK, "integration", "promotion");
    missing(predicate::VSA, "staging", "promotion");
    missing(predicate::APPROVAL, "approval", "approval");
}

#[test]
fn a_secret_is_refused_by_name_place_and_what_to_do() {
    let leak = json!([{
        "rule": "private-key", "level": "error", "severity": "CRITICAL", "message": "a private key",
        "location": {"path": "deploy.pem", "line": 1}, "fix": "revoke it", "fingerprint": "x:1",
    }]);
    let world = World::staging().change(predicate::FINDINGS, "gitleaks", |e| e.predicate = with(leak));
    let [denial] = &world.decide().denials[..] else { panic!("one denial: {:#?}", world.decide()) };
    assert_eq!((denial.rule.as_str(), denial.where_.as_deref(), denial.fix.as_str()), ("secrets", Some("deploy.pem:1"), "revoke it"));
    assert_eq!(denial.subject, format!("commit {}", "a".repeat(40)));
    assert!(denial.message.contains("gitleaks: a private key (private-key)"), "{}", denial.message);
}

/// tool, finding, the rule that denies (or none) and whether there is a warning
#[track_caller]
fn finding(tool: &str, finding: &Value, denies: Option<&str>, warns: bool) {
    let world = World::staging().change(predicate::FINDINGS, tool, |e| e.predicate = with(json!([finding])));
    world.check(denies.as_slice());
    assert_eq!(!world.decide().warnings.is_empty(), warns, "{finding}");
}

#[test]
fn findings_are_weighed_by_tool_level_and_severity() {
    let of = |level: &str, severity: Option<&str>| {
        let mut finding = json!({"rule": "r", "level": level, "message": "m", "location": {"path": "a.py"}});
        if let Some(severity) = severity {
            finding["severity"] = json!(severity);
        }
        finding
    };
    for tool in ["pylint", "hadolint", "yamllint"] {
        finding(tool, &of("error", None), Some(tool), false);
        finding(tool, &of("warning", None), None, true);
        finding(tool, &of("note", None), None, false);
    }
    for tool in ["black", "isort"] {
        finding(tool, &of("warning", None), Some("format"), false);
    }
    for tool in ["bandit", "trivy-config", "advisories"] {
        for severity in ["HIGH", "CRITICAL", "UNKNOWN"] {
            finding(tool, &of("error", Some(severity)), Some(tool), false);
        }
        finding(tool, &of("warning", Some("MEDIUM")), None, true);
        finding(tool, &of("note", Some("LOW")), None, false);
        // a level and a severity that do not fit together
        finding(tool, &of("error", Some("LOW")), Some(tool), false);
        finding(tool, &of("none", Some("HIGH")), Some(tool), false);
    }
    finding("advisories", &of("note", None), None, false);
    finding("bandit", &of("note", None), Some("bandit"), false);
    for tool in ["gitleaks", "trivy-secret"] {
        finding(tool, &of("none", Some("LOW")), Some("secrets"), false);
    }
    // of a kind that no policy knows
    finding("hadolint", &json!({}), Some("hadolint"), false);
    finding("hadolint", &json!("text"), Some("hadolint"), false);
}

#[test]
fn a_later_look_at_a_clean_corner_hides_nothing() {
    let leak = json!([{"rule": "key", "level": "error", "message": "m"}]);
    let mut world = World::staging().change(predicate::FINDINGS, "gitleaks", |e| e.predicate = with(leak));
    let commit = world.commit();
    world.add(commit, predicate::FINDINGS, "gitleaks", with(json!([])));
    world.check(&["secrets"]);
    let corner = World::staging().change(predicate::FINDINGS, "gitleaks", |e| e.predicate["paths"] = json!(["docs"]));
    corner.check(&["evidence"]);
}

#[test]
fn a_list_that_is_not_whole_proves_nothing() {
    World::staging().change(predicate::FINDINGS, "bandit", |e| e.predicate["summary"]["leftOut"] = json!(1)).check(&["bandit"]);
    World::staging().change(predicate::FINDINGS, "advisories", |e| e.predicate = json!({})).check(&["advisories"]);
    World::staging().change(predicate::FINDINGS, "pylint", |e| e.predicate["findings"] = json!({})).check(&["pylint"]);
}

#[test]
fn an_image_has_to_be_built_from_this_very_commit() {
    let provenance = |dependencies: Value| {
        World::staging().change(predicate::PROVENANCE, "build", |e| e.predicate["buildDefinition"]["resolvedDependencies"] = dependencies)
    };
    let (own, other) = ("a".repeat(40), "b".repeat(40));
    provenance(json!([{"digest": {"gitCommit": other}}])).check(&["provenance"]);
    provenance(json!([{"digest": {"gitCommit": own}}, {"digest": {"gitCommit": other}}])).check(&["provenance"]);
    provenance(json!([])).check(&["provenance"]);
    provenance(json!([{"digest": {"gitCommit": own}}])).check(&[]);
}

#[test]
fn an_imported_image_needs_no_build_and_no_self_test_while_the_import_holds() {
    let imported = |expires: Value| {
        let mut world = World::staging();
        let image = world.images()[0].clone();
        world.input.evidence.retain(|e| e.subject != image || matches!(e.predicate_type.as_str(), predicate::SPDX | predicate::FINDINGS));
        world.add(image, predicate::IMPORT, "import", json!({"source": "example.org/x", "by": "grace", "expires": expires}));
        world
    };
    imported(Value::Null).check(&[]);
    imported(json!(NOW.0 + 1)).check(&[]);
    imported(json!(NOW.0)).check(&["provenance", "self-test"]);
    imported(Value::Null).change(predicate::IMPORT, "import", |e| e.witness = Witness::Reported).check(&["provenance", "self-test"]);
}

#[test]
fn the_newest_test_counts() {
    let mut world = World::staging();
    let (image, commit) = (world.images()[0].clone(), world.commit());
    world.add(image.clone(), predicate::TEST_RESULT, "self-test", json!({"result": "FAILED"}));
    world.check(&["self-test"]);
    world.add(image.clone(), predicate::TEST_RESULT, "self-test", json!({"result": "PASSED"}));
    world.check(&[]);
    world.add(image, predicate::TEST_RESULT, "another", json!({"result": "FAILED"}));
    world.report(commit, predicate::TEST_RESULT, "pytest", json!({"result": "FAILED", "failedTests": ["a", "b"]}));
    world.check(&["self-test", "tests"]);
    assert!(world.decide().denials.iter().any(|d| d.message.contains("`pytest` failed: a, b")));
}

#[test]
fn coverage_passes_warns_or_is_refused_exactly_at_its_bounds() {
    for (percent, denied, warned) in
        [(80.0, false, false), (79.99, false, true), (70.0, false, true), (69.99, true, false), (0.0, true, false)]
    {
        let world = World::staging().change(predicate::COVERAGE, "pytest", |e| e.predicate["percent"] = json!(percent));
        let decision = world.decide();
        assert_eq!((decision.allow, decision.warnings.len()), (!denied, usize::from(warned)), "{percent}: {decision:#?}");
    }
    World::staging().change(predicate::COVERAGE, "pytest", |e| e.predicate = json!({"percent": "99"})).check(&["coverage"]);
}

#[test]
fn a_policy_of_another_environment_does_not_let_in() {
    let mut world = World::production();
    world.policy = World::staging().policy;
    world.approve("grace", |_| {});
    assert!(!world.decide().allow);
}

#[test]
fn a_release_without_an_image_is_refused() {
    let mut world = World::staging();
    world.input.release.images.clear();
    world.check(&["release"]);
}

#[test]
fn each_image_needs_its_own_evidence() {
    let mut world = World::staging();
    let image = ImageRef { name: "oran/extra".parse().unwrap(), digest: Digest::of(b"extra") };
    world.input.release.images.insert(image.name.clone(), image.digest);
    world.check(&["evidence", "provenance", "sbom", "self-test"]);
    let about_it = world.decide().denials.iter().filter(|d| d.subject == format!("image {image}")).count();
    assert_eq!(about_it, 4);
}
