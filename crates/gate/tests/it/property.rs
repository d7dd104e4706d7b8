//! What holds for every set of statements.

use penstock_model::evidence::{Evidence, Subject, Witness, predicate};
use penstock_model::release::{ImageRef, ReleaseId};
use penstock_model::{Digest, Timestamp};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::world::{HOUR, NOW, World};

/// Statements that answer a question of security: they count only when Penstock saw it itself.
fn security(e: &Evidence) -> bool {
    !matches!((&e.subject, e.predicate_type.as_str()), (Subject::Commit(_), predicate::TEST_RESULT | predicate::COVERAGE))
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        prop_oneof!["PASSED", "observed", "staging", "[a-z]{0,4}"].prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        let key = prop_oneof!["findings", "summary", "paths", "result", "percent", "leftOut", "level", "expires", "[a-z]{1,3}"];
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::vec((key, inner), 0..4).prop_map(|entries| entries.into_iter().collect()),
        ]
    })
}

fn stranger() -> impl Strategy<Value = Evidence> {
    let subject = prop_oneof![
        "[b-f]{40}".prop_map(|commit| Subject::Commit(commit.parse().unwrap())),
        any::<u8>().prop_map(|n| Subject::Image(ImageRef { name: "oran/api-gateway".parse().unwrap(), digest: Digest::of([n]) })),
        // the digest of an image of the release, under another name
        Just(Subject::Image(ImageRef { name: "oran/elsewhere".parse().unwrap(), digest: Digest::of("oran/api-gateway") })),
        any::<u8>().prop_map(|n| Subject::Release(ReleaseId(Digest::of([n])))),
    ];
    let kind = prop_oneof![
        Just(predicate::FINDINGS),
        Just(predicate::TEST_RESULT),
        Just(predicate::PROVENANCE),
        Just(predicate::APPROVAL),
        Just(predicate::BREAK_GLASS),
        Just(predicate::ENVIRONMENT_CHECK),
        Just(predicate::IMPORT),
        Just(predicate::VSA),
    ];
    let name = prop_oneof!["gitleaks", "advisories", "self-test", "load", "approval"];
    (subject, kind, name, any_json(), any::<u64>(), 0..HOUR).prop_map(|(subject, kind, name, said, id, ago)| Evidence {
        envelope: Digest::of(id.to_le_bytes()),
        subject,
        predicate_type: kind.to_owned(),
        predicate: said,
        witness: Witness::Observed,
        name,
        at: Timestamp(NOW.0 - ago),
        key_id: "key".to_owned(),
    })
}

fn world(production: bool) -> World {
    if production { World::production() } else { World::staging() }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn no_subset_of_the_evidence_passes(production: bool, keep in proptest::collection::vec(proptest::bool::weighted(0.95), 40)) {
        let mut world = world(production);
        let all = world.input.evidence.len();
        let mut keep = keep.into_iter().cycle();
        world.input.evidence.retain(|_| keep.next().unwrap());
        let decision = world.decide();
        prop_assert_eq!(decision.allow, world.input.evidence.len() == all, "{} of {}", world.input.evidence.len(), all);
        prop_assert_eq!(decision.allow, decision.denials.is_empty());
    }

    #[test]
    fn a_report_never_answers_a_question_of_security(production: bool, which: prop::sample::Index) {
        let mut world = world(production);
        let evidence = &mut world.input.evidence[..];
        let e = which.get_mut(evidence);
        let was = (security(e), e.witness);
        e.witness = Witness::Reported;
        prop_assert_eq!(world.decide().allow, !was.0 && was.1 == Witness::Reported);
    }

    #[test]
    fn statements_about_something_else_change_nothing(production: bool, lacking: Option<prop::sample::Index>, others in proptest::collection::vec(stranger(), 1..12)) {
        let mut world = world(production);
        if let Some(which) = lacking {
            world.input.evidence.remove(which.index(world.input.evidence.len()));
        }
        let before = world.decide();
        world.input.evidence.extend(others);
        prop_assert_eq!(world.decide(), before);
    }

    #[test]
    fn the_order_of_statements_changes_nothing(order in Just((0..31_usize).collect::<Vec<_>>()).prop_shuffle(), twice: prop::sample::Index) {
        let mut world = World::production();
        let before = world.decide();
        let old = std::mem::take(&mut world.input.evidence);
        world.input.evidence = order.into_iter().filter_map(|n| old.get(n).cloned()).collect();
        world.input.evidence.extend(old.get(31..).unwrap_or_default().iter().cloned());
        world.input.evidence.push(old[twice.index(old.len())].clone());
        prop_assert_eq!(world.decide(), before);
    }

    #[test]
    fn a_statement_that_says_anything_else_is_no_pass(which: prop::sample::Index, said in any_json()) {
        let mut world = World::production();
        let e = which.get_mut(&mut world.input.evidence[..]);
        // that there is a document is all that is asked of an SBOM
        prop_assume!(e.predicate_type != predicate::SPDX && e.predicate != said);
        let fine = matches!(e.predicate_type.as_str(), predicate::TEST_RESULT) && said["result"] == json!("PASSED");
        let fine = fine || said["percent"].as_f64().is_some_and(|percent| percent >= 70.0);
        e.predicate = said;
        let decision = world.decide();
        prop_assert!(fine || !decision.allow, "{:#?}", decision);
    }

    #[test]
    fn one_bad_finding_is_enough(tool in prop_oneof!["bandit", "gitleaks", "hadolint", "pylint", "trivy-config", "trivy-secret", "yamllint", "advisories"], good in 0_usize..40, at: prop::sample::Index) {
        let harmless = json!({"rule": "r", "level": "note", "severity": "LOW", "message": "m", "location": {"path": "a", "line": 1}});
        let mut findings = vec![harmless; if tool == "gitleaks" || tool == "trivy-secret" { 0 } else { good }];
        findings.insert(at.index(findings.len() + 1), json!({"rule": "bad", "level": "error", "severity": "HIGH", "message": "m"}));
        let world = World::staging().change(predicate::FINDINGS, &tool, |e| e.predicate = crate::world::with(Value::from(findings)));
        prop_assert_eq!(world.decide().denials.len(), 1);
    }
}
