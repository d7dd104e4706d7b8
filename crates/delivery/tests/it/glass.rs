//! Breaking the glass: two people, a time, a statement, and nothing less.

use std::time::Duration;

use penstock_delivery::ReleaseStep;
use penstock_delivery::admission::admit;
use penstock_delivery::evidence::verify_again;
use penstock_delivery::glass::{Glass, GlassOrder, Glassed, Turn, break_glass, decide};
use penstock_delivery::orders::{OrderError, remove_user};
use penstock_model::evidence::{Evidence, Subject, Witness, predicate};
use penstock_model::ids::Actor;
use penstock_model::release::ImageRef;
use penstock_model::{Clock, Digest};
use serde_json::json;

use crate::house::{HOUR, House, at, oran, production, user};

fn order(house: &House, by: &str) -> GlassOrder {
    GlassOrder {
        by: user(by),
        release: house.release,
        environment: production(),
        reason: "the site is down".to_owned(),
        lasts: None,
        confirm: false,
    }
}

fn confirming(house: &House, by: &str) -> GlassOrder {
    GlassOrder { reason: String::new(), confirm: true, ..order(house, by) }
}

#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T, OrderError>, with: &str) {
    let Err(OrderError::Refused { why, hint }) = &result else { panic!("{result:?} instead of a refusal: {with}") };
    assert!(why.contains(with) && !hint.is_empty(), "{why} ({hint})");
}

async fn opened(house: &House, by: &str, other: &str) -> Glass {
    break_glass(&house.parts, &order(house, by)).await.unwrap();
    let Glassed::Opened(glass) = break_glass(&house.parts, &order(house, other)).await.unwrap() else { panic!("not opened") };
    glass
}

fn statements(house: &House) -> Vec<Evidence> {
    let world = house.world();
    let all = world.evidence[&oran()].by_subject.get(&Subject::Release(house.release)).into_iter().flatten();
    all.filter(|said| said.predicate_type == predicate::BREAK_GLASS).map(|said| (**said).clone()).collect()
}

#[tokio::test]
async fn one_person_alone_opens_nothing() {
    let house = House::new().await;
    assert!(matches!(break_glass(&house.parts, &order(&house, "grace")).await, Ok(Glassed::Asked(_))));
    house.gate().await;
    assert_eq!((house.step(), statements(&house).len(), house.wants_commit()), (ReleaseStep::GateRefused, 0, false));
    refused(break_glass(&house.parts, &order(&house, "grace")).await, "one person alone");
    refused(break_glass(&house.parts, &confirming(&house, "grace")).await, "one person alone");
    refused(break_glass(&house.parts, &order(&house, "Grace")).await, "one person alone");
    assert_eq!(statements(&house).len(), 0);
}

#[tokio::test]
async fn two_approvers_open_the_gate_and_no_other_two() {
    // ada and alan pushed; mallory and root are no approvers
    for (first, second, expected) in [
        ("grace", "linus", Ok(())),
        ("ada", "grace", Ok(())),
        ("grace", "ada", Ok(())),
        ("grace", "grace", Err("one person alone")),
        ("grace", "mallory", Err("mallory is not among the approvers")),
        ("mallory", "grace", Err("mallory is not among the approvers")),
        ("root", "grace", Err("root is not among the approvers")),
        ("ada", "alan", Err("both ada and alan pushed or wrote")),
    ] {
        let house = House::new().await;
        let first = break_glass(&house.parts, &order(&house, first)).await;
        let last = if first.is_ok() { break_glass(&house.parts, &confirming(&house, second)).await } else { first };
        match expected {
            Ok(()) => assert!(matches!(last, Ok(Glassed::Opened(_))), "{last:?}"),
            Err(why) => refused(last, why),
        }
        house.gate().await;
        let step = if expected.is_ok() { ReleaseStep::Allowed } else { ReleaseStep::GateRefused };
        assert_eq!((house.step(), statements(&house).len()), (step, usize::from(expected.is_ok())));
    }
    let alone = House::with(&["grace", "Grace"]).await;
    refused(break_glass(&alone.parts, &order(&alone, "grace")).await, "the only approver");
}

#[tokio::test]
async fn the_statement_names_everything_verifies_and_the_audit_trail_names_who_confirmed() {
    let house = House::new().await;
    break_glass(&house.parts, &order(&house, "grace")).await.unwrap();
    let second = GlassOrder { reason: "ticket\n 7".to_owned(), lasts: Some(HOUR), ..order(&house, "linus") };
    let Glassed::Opened(glass) = break_glass(&house.parts, &second).await.unwrap() else { panic!("not opened") };
    let said = statements(&house).pop().unwrap();
    let world = house.world();
    let answer = world.releases[&house.release].environments[&production()].gate.clone().unwrap();
    let expected = json!({
        "environment": "production",
        "revision": answer.revision,
        "policy": answer.decision.policy,
        "people": ["grace", "linus"],
        "reason": "the site is down; ticket 7",
        "expires": house.clock.now().after(HOUR),
    });
    assert_eq!((said.predicate.clone(), said.witness, said.envelope), (expected, Witness::Observed, glass.envelope));
    verify_again(&house.parts, &said).await.unwrap();
    let changed = Evidence { predicate: json!({"environment": "staging"}), ..said };
    verify_again(&house.parts, &changed).await.unwrap_err();
    let events = house.events.all();
    let by = |kind: &str| events.iter().rev().find(|event| event.kind.name == kind).map(|event| event.actor.clone());
    assert_eq!(by("release.glass_asked"), Some(Actor::User(user("grace"))));
    assert_eq!(by("evidence.recorded"), Some(Actor::User(user("linus"))));
    house.gate().await;
    let decision = house.world().releases[&house.release].environments[&production()].gate.clone().unwrap().decision;
    assert!(decision.allow && decision.overridden.iter().any(|denial| denial.rule == "secrets"));
    assert_eq!(decision.broken_glass.unwrap().statement, glass.envelope);
}

#[tokio::test]
async fn an_open_gate_lets_the_release_through_and_what_came_in_stays_in() {
    let house = House::new().await;
    opened(&house, "grace", "linus").await;
    house.gate().await;
    house.commit().await;
    assert_eq!(house.step(), ReleaseStep::RollingOut);
    house.clock.advance(24 * HOUR);
    let image = ImageRef { name: "oran/app".parse().unwrap(), digest: Digest::of("app") };
    admit(&house.parts, &at("oran", &production()), &image).await.unwrap();
    admit(&house.parts, &at("oran", &"staging".parse().unwrap()), &image).await.unwrap_err();
    // another project may have an environment of the same name: this gate is not its gate
    admit(&house.parts, &at("shop", &production()), &image).await.unwrap_err();
    refused(break_glass(&house.parts, &order(&house, "grace")).await, "does not stand before the gate");
}

#[tokio::test]
async fn an_expired_one_lets_nothing_new_through() {
    let house = House::new().await;
    let glass = opened(&house, "grace", "linus").await;
    house.gate().await;
    assert!(house.wants_commit());
    house.clock.advance(glass.said.expires.since(house.clock.now()).saturating_sub(Duration::from_millis(1)));
    assert!(house.wants_commit() && !house.wants_gate());
    house.clock.advance(Duration::from_millis(1));
    assert!(!house.wants_commit() && house.wants_gate());
    house.gate().await;
    assert_eq!((house.step(), house.wants_commit()), (ReleaseStep::GateRefused, false));
    let image = ImageRef { name: "oran/app".parse().unwrap(), digest: Digest::of("app") };
    // the decision while it was open was signed, and it is for these digests in this environment
    admit(&house.parts, &at("oran", &production()), &image).await.unwrap();
    // a second time takes two people again
    assert!(matches!(break_glass(&house.parts, &order(&house, "linus")).await, Ok(Glassed::Asked(_))));
    house.gate().await;
    assert_eq!(house.step(), ReleaseStep::GateRefused);
}

#[tokio::test]
async fn a_wish_lapses_and_holds_for_what_was_refused_only() {
    let house = House::new().await;
    refused(break_glass(&house.parts, &confirming(&house, "linus")).await, "nobody asks");
    break_glass(&house.parts, &order(&house, "grace")).await.unwrap();
    house.clock.advance(HOUR);
    refused(break_glass(&house.parts, &confirming(&house, "linus")).await, "nobody asks");
    // the same command of another is then a wish of its own
    assert!(matches!(break_glass(&house.parts, &order(&house, "linus")).await, Ok(Glassed::Asked(_))));
    house.change_policy().await;
    house.gate().await;
    refused(break_glass(&house.parts, &confirming(&house, "grace")).await, "nobody asks");
    assert_eq!(statements(&house).len(), 0);
}

#[tokio::test]
async fn whoever_asked_has_to_be_an_approver_still() {
    let house = House::new().await;
    break_glass(&house.parts, &order(&house, "grace")).await.unwrap();
    let mut world = (*house.world()).clone();
    let project = std::sync::Arc::make_mut(world.projects.get_mut(&oran()).unwrap());
    let config = std::sync::Arc::make_mut(project.config.as_mut().unwrap().config.as_mut().unwrap());
    config.approvers.retain(|name| *name != user("grace"));
    refused(decide(&world, &confirming(&house, "linus"), house.clock.now()), "not among the approvers any more");
}

#[tokio::test]
async fn a_policy_that_changed_shuts_the_gate_again() {
    let house = House::new().await;
    opened(&house, "grace", "linus").await;
    house.gate().await;
    assert_eq!(house.step(), ReleaseStep::Allowed);
    house.change_policy().await;
    assert!(!house.wants_commit());
    house.gate().await;
    assert_eq!(house.step(), ReleaseStep::GateRefused);
    let decision = house.world().releases[&house.release].environments[&production()].gate.clone().unwrap().decision;
    assert!(decision.warnings.iter().any(|warning| warning.message.contains("has changed since the glass was broken")), "{decision:#?}");
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_with_what_to_do() {
    let house = House::new().await;
    let with = |change: fn(&mut GlassOrder)| {
        let mut order = order(&house, "grace");
        change(&mut order);
        decide(&house.world(), &order, house.clock.now())
    };
    refused(with(|order| order.reason = " \n".to_owned()), "needs a reason");
    refused(with(|order| order.reason = "a".repeat(1001)), "longer than 1000");
    refused(with(|order| order.lasts = Some(Duration::ZERO)), "24 hours at most");
    refused(with(|order| order.lasts = Some(24 * HOUR + Duration::from_secs(1))), "24 hours at most");
    assert!(matches!(with(|order| order.lasts = Some(24 * HOUR)), Ok(Turn::Ask(_))));
    assert!(matches!(with(|order| order.environment = "staging".parse().unwrap()), Err(OrderError::Absent(_))));
    assert!(matches!(with(|order| order.release.0 = Digest::of("another")), Err(OrderError::Absent(_))));
    let glass = opened(&house, "grace", "linus").await;
    assert_eq!(glass.said.expires, house.clock.now().after(4 * HOUR));
    refused(with(|_| {}), "is open until");
    house.gate().await;
    refused(with(|_| {}), "lets the release in");
}

#[tokio::test]
async fn two_who_act_at_once_make_one_statement() {
    let house = House::new().await;
    let (one, other) = (order(&house, "grace"), order(&house, "linus"));
    let (one, other) = tokio::join!(break_glass(&house.parts, &one), break_glass(&house.parts, &other));
    assert!(one.is_ok() && other.is_ok(), "one asks, and the other confirms: {one:?} {other:?}");
    assert_eq!(statements(&house).len(), 1);
    // whoever else saw the same wish says it under the same key, and what is said under a key is said once
    let house = House::new().await;
    break_glass(&house.parts, &order(&house, "grace")).await.unwrap();
    let turn = |by: &str| decide(&house.world(), &confirming(&house, by), house.clock.now());
    let (Ok(Turn::Open { key: one, .. }), Ok(Turn::Open { key: other, .. })) = (turn("linus"), turn("ada")) else { panic!("not second") };
    assert_eq!(one, other);
    let (one, other) = (confirming(&house, "linus"), confirming(&house, "ada"));
    let (one, other) = tokio::join!(break_glass(&house.parts, &one), break_glass(&house.parts, &other));
    assert!(one.is_ok() || other.is_ok());
    assert_eq!(statements(&house).len(), 1);
}

#[tokio::test]
async fn a_mails_subject_is_short_and_its_body_says_the_whole() {
    let house = House::new().await;
    let address = format!("http://127.0.0.1:7420/releases/{}", house.release.0.hex());
    let sentence = format!("oran aaaaaaaa is refused at the gate of production: secrets. {address}");
    let told = house.tell().await;
    assert!(told.contains(&("slack", sentence.clone())), "{told:?}");
    assert!(told.contains(&("email", format!("oran aaaaaaaa is refused at the gate of production\n{sentence}"))), "{told:?}");
    break_glass(&house.parts, &order(&house, "grace")).await.unwrap();
    let told = house.tell().await;
    let subject = "oran aaaaaaaa: grace asks to break the glass of production\n";
    let (_, email) = told.iter().find(|(way, text)| *way == "email" && text.starts_with(subject)).unwrap();
    assert!(email.contains("the site is down") && email.contains("--confirm") && email.ends_with(&address), "{email}");
}

#[tokio::test]
async fn the_team_hears_of_every_wish_and_of_every_broken_glass_loudly_and_once() {
    let house = House::new().await;
    house.tell().await;
    break_glass(&house.parts, &order(&house, "grace")).await.unwrap();
    let asked = house.tell().await;
    assert_eq!(asked.len(), 2, "{asked:?}");
    assert!(asked.iter().all(|(_, text)| text.contains("grace asks to break the glass of production")), "{asked:?}");
    for _ in 0..2 {
        break_glass(&house.parts, &order(&house, "linus")).await.unwrap();
        let told = house.tell().await;
        let told: Vec<_> = told.iter().filter(|(_, text)| text.contains("BREAK-GLASS")).collect();
        assert_eq!(told.len(), 2, "{told:?}");
        let (_, slack) = told.iter().find(|(way, _)| *way == "slack").unwrap();
        assert!(slack.starts_with("<!channel> BREAK-GLASS: grace and linus opened the gate of production"), "{slack}");
        let (_, email) = told.iter().find(|(way, _)| *way == "email").unwrap();
        assert!(
            email.starts_with("BREAK-GLASS: the gate of production is open for oran aaaaaaaa\nBREAK-GLASS: grace and linus"),
            "{email}"
        );
        assert!(slack.contains("the site is down") && slack.contains("secrets") && slack.contains("/releases/"), "{slack}");
        assert_eq!(house.tell().await, []);
        // expired, and broken once more: that is news again
        house.clock.advance(4 * HOUR);
        house.gate().await;
        break_glass(&house.parts, &order(&house, "grace")).await.unwrap();
    }
}

#[tokio::test]
async fn nobody_confirms_what_a_removed_user_asked() {
    let house = House::new().await;
    break_glass(&house.parts, &order(&house, "grace")).await.unwrap();
    remove_user(&house.parts, &user("root"), &user("grace")).await.unwrap();
    refused(break_glass(&house.parts, &confirming(&house, "linus")).await, "nobody asks");
    assert_eq!(statements(&house).len(), 0);
}
