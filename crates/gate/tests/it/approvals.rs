//! Approvals, freeze windows, break-glass, and the order of environments: whatever the policy says.

use penstock_gate::{Author, BreakGlass, FreezeWindow, Identity, Moment};
use penstock_model::evidence::{Evidence, Subject, Witness, predicate};
use penstock_model::{Digest, Timestamp};
use serde_json::{Value, json};

use crate::world::{HOUR, NOW, World, user};

fn approved(who: &str, change: impl FnOnce(&mut Value)) -> World {
    let mut world = World::production().without(predicate::APPROVAL, "approval");
    world.approve(who, change);
    world
}

#[track_caller]
fn does_not_count(world: &World, why: &str) {
    world.check(&["approval"]);
    let warnings = world.decide().warnings;
    assert!(warnings.iter().any(|w| w.message.contains(why)), "{warnings:#?}");
    assert!(world.decide().waits_for_approval_only());
}

#[test]
fn an_approval_binds_release_environment_revision_policy_and_time() {
    approved("grace", |_| {}).check(&[]);
    does_not_count(&approved("grace", |said| said["environment"] = json!("staging")), "it is for staging");
    does_not_count(&approved("grace", |said| said["revision"] = json!(Digest::of(b"other"))), "what would run has changed");
    does_not_count(&approved("grace", |said| said["policy"] = json!(Digest::of(b"other"))), "the policy has changed");
    does_not_count(&approved("grace", |said| said["expires"] = json!(NOW)), "it expired");
    let mut old = World::production();
    old.input.release.config = "d".repeat(40).parse().unwrap();
    assert!(old.rules().contains(&"approval".to_owned()), "another release");
}

#[test]
fn a_rule_that_was_tightened_holds_for_earlier_approvals() {
    let mut world = World::production();
    world.input.config.environments[1].approvals.as_mut().unwrap().expires = "30m".parse().unwrap();
    does_not_count(&world, "it expired");
}

#[test]
fn an_approval_from_the_future_or_by_report_does_not_count() {
    let world = World::production().change(predicate::APPROVAL, "approval", |e| e.at = Timestamp(NOW.0 + 1));
    does_not_count(&world, "future");
    World::production().change(predicate::APPROVAL, "approval", |e| e.witness = Witness::Reported).check(&["approval"]);
}

#[test]
fn pushers_authors_and_outsiders_do_not_approve() {
    does_not_count(&approved("linus", |_| {}), "not among the approvers");
    let mut world = World::production();
    world.input.pushers.insert(user("grace"));
    does_not_count(&world, "grace pushed");
    let mut world = World::production();
    world.input.authors.commits.insert(Author { name: "G.".to_owned(), mail: "hopper@navy.mil".to_owned() });
    world.check(&[]);
    assert!(world.decide().warnings.iter().any(|w| w.rule == "authors"), "an author whom nobody knows is named");
    let known = Identity { user: user("grace"), mails: vec!["Hopper@Navy.mil".to_owned()], names: vec![] };
    world.input.authors.known.push(known);
    does_not_count(&world, "grace wrote");
}

#[test]
fn one_person_counts_once() {
    let mut world = World::production();
    world.input.config.environments[1].approvals.as_mut().unwrap().required = 2;
    world.input.config.approvers.push(user("linus"));
    world.approve("grace", |_| {});
    world.check(&["approval"]);
    world.approve("linus", |_| {});
    world.check(&[]);
}

#[test]
fn a_freeze_window_keeps_everything_out_while_it_holds() {
    let frozen = |from, to| {
        let mut world = World::production();
        let window = FreezeWindow { from: Moment(Timestamp(from)), to: Moment(Timestamp(to)), reason: "holidays".to_owned() };
        world.input.config.environments[1].freeze.push(window);
        world
    };
    let world = frozen(NOW.0, NOW.0 + 1);
    world.check(&["freeze"]);
    assert!(world.decide().waits_only() && world.decide().denials[0].message.contains("holidays"));
    frozen(NOW.0 - HOUR, NOW.0).check(&[]);
    frozen(NOW.0 + 1, NOW.0 + HOUR).check(&[]);
}

#[test]
fn checks_count_for_this_release_in_that_environment_only() {
    let changed =
        |change: fn(&mut Evidence)| World::production().change(predicate::ENVIRONMENT_CHECK, "load", change).check(&["promotion"]);
    changed(|e| e.predicate["result"] = json!("FAILED"));
    changed(|e| e.predicate["environment"] = json!("production"));
    changed(|e| e.predicate["check"] = json!("other"));
    changed(|e| e.witness = Witness::Reported);
    changed(|e| e.subject = Subject::Commit("a".repeat(40).parse().unwrap()));
    let mut world = World::production();
    let release = Subject::Release(world.input.release.id());
    world.add(release, predicate::VSA, "staging", json!({"verificationResult": "FAILED", "penstock_environment": "staging"}));
    world.check(&["promotion"]);
}

fn broken(change: impl FnOnce(&mut Value)) -> World {
    let mut world = World::production().without(predicate::APPROVAL, "approval").without(predicate::FINDINGS, "gitleaks");
    let mut said = json!({
        "environment": "production",
        "revision": world.input.revision,
        "policy": world.policy.digest(),
        "people": ["grace", "linus"],
        "reason": "the site is down",
        "expires": NOW.0 + HOUR,
    });
    change(&mut said);
    let release = Subject::Release(world.input.release.id());
    world.add(release, predicate::BREAK_GLASS, "break-glass", said);
    world
}

#[test]
fn two_people_open_the_gate_and_what_they_overrode_is_kept() {
    let decision = broken(|_| {}).decide();
    assert!(decision.allow);
    let rules: Vec<_> = decision.overridden.iter().map(|d| d.rule.as_str()).collect();
    assert_eq!(rules, ["approval", "evidence"]);
    assert!(matches!(decision.broken_glass, Some(BreakGlass { people: [one, _], .. }) if one == user("grace")));
    // who needs it not has not used it
    let mut fine = World::production();
    let glass = broken(|_| {}).input.evidence.pop().unwrap();
    fine.input.evidence.push(glass);
    assert_eq!(fine.decide().broken_glass, None);
}

#[test]
fn the_glass_is_not_broken_by_one_by_the_wrong_ones_or_for_ever() {
    let stays_shut = |world: &World| {
        let decision = world.decide();
        assert!(!decision.allow && decision.broken_glass.is_none() && decision.overridden.is_empty());
    };
    stays_shut(&broken(|said| said["people"] = json!(["grace", "grace"])));
    stays_shut(&broken(|said| said["people"] = json!(["grace", "Grace"])));
    stays_shut(&broken(|said| said["people"] = json!(["grace"])));
    stays_shut(&broken(|said| said["people"] = json!(["ada", "linus"])));
    stays_shut(&broken(|said| said["expires"] = json!(NOW)));
    stays_shut(&broken(|said| said["environment"] = json!("staging")));
    stays_shut(&broken(|said| said["reason"] = json!(" ")));
    stays_shut(&broken(|said| said["policy"] = json!(Digest::of("another"))));
    stays_shut(&broken(|said| said["revision"] = json!(Digest::of("another"))));
    stays_shut(&broken(|_| {}).change(predicate::BREAK_GLASS, "break-glass", |e| e.witness = Witness::Reported));
    let for_ever = broken(|said| said["expires"] = json!(i64::MAX));
    assert!(for_ever.decide().allow);
    stays_shut(&for_ever.change(predicate::BREAK_GLASS, "break-glass", |e| e.at = Timestamp(NOW.0 - 24 * HOUR)));
}
