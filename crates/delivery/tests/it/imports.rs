//! Importing: who may, what may be imported, and what the door makes of it.

use std::time::Duration;

use penstock_delivery::admission::admit;
use penstock_delivery::events::WorkEvent;
use penstock_delivery::evidence::verify_again;
use penstock_delivery::imports::{ImportOrder, Imported, import, named, project_of};
use penstock_delivery::orders::{self, OrderError};
use penstock_delivery::streams;
use penstock_model::evidence::Subject;
use penstock_model::ids::Actor;
use penstock_model::release::ImageRef;
use penstock_model::{CommitId, Digest};

use crate::house::{HOST, HOUR, House, at, oran, production, user};

fn order(by: &str, reference: &str) -> ImportOrder {
    let reason = "looked at by hand".to_owned();
    ImportOrder { by: user(by), reference: reference.to_owned(), reason, lasts: None, project: None }
}

#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T, OrderError>, with: &str) {
    let Err(OrderError::Refused { why, hint }) = &result else { panic!("{result:?} instead of a refusal: {with}") };
    assert!(why.contains(with) && !hint.is_empty(), "{why} ({hint})");
}

async fn may_run(house: &House, image: &ImageRef) -> bool {
    admit(&house.parts, &at("oran", &production()), image).await.is_ok()
}

async fn imported(house: &House, order: ImportOrder) -> Imported {
    import(&house.parts, &order).await.unwrap()
}

#[tokio::test]
async fn an_image_runs_once_an_approver_imported_its_digest_and_no_other_does() {
    let house = House::new().await;
    let image = house.push("oran/cache", "7", "one").await;
    let other = house.push("oran/cache", "8", "two").await;
    assert!(!may_run(&house, &image).await);
    let made = imported(&house, order("grace", &format!("{HOST}/oran/cache:7"))).await;
    assert_eq!((&made.image, &made.project, made.said.expires), (&image, &oran(), None));
    assert!(may_run(&house, &image).await && !may_run(&house, &other).await);
    // the tag moves, the statement does not
    let moved = house.push("oran/cache", "7", "three").await;
    assert!(may_run(&house, &image).await && !may_run(&house, &moved).await);
}

#[tokio::test]
async fn the_statement_verifies_lies_beside_the_image_and_the_audit_trail_names_who_made_it() {
    let house = House::new().await;
    let image = house.push("oran/cache", "7", "one").await;
    let made = imported(&house, order("grace", "oran/cache:7")).await;
    let world = house.world();
    let said = world.evidence[&oran()].by_subject[&Subject::Image(image.clone())].last().unwrap().clone();
    assert_eq!(said.envelope, made.envelope);
    verify_again(&house.parts, &said).await.unwrap();
    assert_eq!(house.parts.registry.referrers(&image.name, image.digest).await.unwrap().len(), 1);
    let last = house.events.all().pop().unwrap();
    assert_eq!((last.kind.name.as_str(), last.actor), ("evidence.recorded", Actor::User(user("grace"))));
    // the same once more is the same statement
    assert_eq!(imported(&house, order("grace", "oran/cache:7")).await, made);
    assert_eq!(house.events.all().len(), usize::try_from(last.position).unwrap());
}

#[tokio::test]
async fn an_import_counts_until_it_expires() {
    let house = House::new().await;
    let image = house.push("oran/cache", "7", "one").await;
    imported(&house, ImportOrder { lasts: Some(HOUR), ..order("grace", &image.to_string()) }).await;
    house.clock.advance(HOUR.saturating_sub(Duration::from_millis(1)));
    assert!(may_run(&house, &image).await);
    house.clock.advance(Duration::from_millis(1));
    assert!(!may_run(&house, &image).await);
}

#[tokio::test]
async fn an_import_counts_in_its_project_and_in_no_other() {
    let house = House::new().await;
    let image = house.push("oran/cache", "7", "one").await;
    imported(&house, order("grace", "oran/cache:7")).await;
    assert!(may_run(&house, &image).await);
    let why = admit(&house.parts, &at("shop", &production()), &image).await.unwrap_err();
    assert!(why.contains("--project shop"), "{why}");
}

#[tokio::test]
async fn approvers_and_administrators_import_and_nobody_else() {
    for (who, expected) in [("grace", true), ("root", true), ("linus", true), ("mallory", false), ("nobody", false)] {
        let house = House::new().await;
        let image = house.push("oran/cache", "7", "one").await;
        let made = import(&house.parts, &order(who, "oran/cache:7")).await;
        if !expected {
            refused(made, &format!("{who} is neither an administrator nor among the approvers of oran"));
        }
        assert_eq!(may_run(&house, &image).await, expected, "{who}");
    }
}

#[tokio::test]
async fn what_was_built_here_goes_through_the_gate_under_every_name() {
    let house = House::new().await;
    let image = house.push("oran/app", "1", "app").await;
    let run = orders::pushed(&house.parts, &oran(), &user("ada"), "refs/heads/main", &commit()).await.unwrap().unwrap();
    let built =
        WorkEvent::ImageBuilt { job: "build".parse().unwrap(), image: image.name.clone(), digest: image.digest, took_ms: 1, own_ms: 1 };
    house.parts.journal.record(&streams::run(&run), Actor::Penstock, built).await.unwrap();
    house.push("other/name", "1", "app").await;
    for reference in ["oran/app:1", "other/name:1"] {
        refused(import(&house.parts, &order("grace", reference)).await, "was built here");
    }
}

fn commit() -> CommitId {
    "b".repeat(40).parse().unwrap()
}

#[tokio::test]
async fn only_one_image_that_lies_here_is_imported_and_only_for_a_reason() {
    let house = House::new().await;
    house.push("oran/cache", "7", "one").await;
    house.push_as("oran/chart", "1", "chart", "application/vnd.cncf.helm.config.v1+json").await;
    let refuses = async |order: ImportOrder, why: &str| refused(import(&house.parts, &order).await, why);
    refuses(order("grace", "oran/cache:8"), "has no `8` in this registry").await;
    refuses(order("grace", "docker.io/library/redis:7"), "has no `7` in this registry").await;
    refuses(order("grace", &format!("oran/cache@{}", Digest::of("x"))), "in this registry").await;
    refuses(order("grace", "oran/chart:1"), "is not one image").await;
    refuses(order("grace", "elsewhere:5000/Cache"), "is not an image name").await;
    refuses(ImportOrder { reason: " ".to_owned(), ..order("grace", "oran/cache:7") }, "needs a reason").await;
    refuses(ImportOrder { lasts: Some(Duration::ZERO), ..order("grace", "oran/cache:7") }, "more than nothing").await;
    let absent = ImportOrder { project: Some("another".parse().unwrap()), ..order("grace", "oran/cache:7") };
    assert!(matches!(import(&house.parts, &absent).await, Err(OrderError::Absent(_))));
}

#[test]
fn references_are_read_as_people_write_them() {
    let digest = Digest::of("x").to_string();
    for (given, name, tag) in [
        ("oran/cache:7".to_owned(), "oran/cache", "7"),
        ("oran/cache".to_owned(), "oran/cache", "latest"),
        (format!("{HOST}/oran/cache:7"), "oran/cache", "7"),
        (format!("oran/cache@{digest}"), "oran/cache", &digest),
        (format!("{HOST}/oran/cache:7@{digest}"), "oran/cache", &digest),
    ] {
        assert_eq!(named(&given, HOST).unwrap(), (name.parse().unwrap(), tag.to_owned()), "{given}");
    }
    for bad in ["", ":7", "@", "localhost:5000/x", "Oran/cache", "../x"] {
        assert!(named(bad, HOST).is_err(), "{bad}");
    }
}

#[tokio::test]
async fn the_project_is_told_by_the_name_by_there_being_one_or_by_the_person() {
    let house = House::new().await;
    let cache = "cache".parse().unwrap();
    assert_eq!(project_of(&house.world(), &cache, None).unwrap(), oran());
    orders::create_project(&house.parts, &user("root"), &"shop".parse().unwrap(), &"shop-config".parse().unwrap(), "main").await.unwrap();
    refused(project_of(&house.world(), &cache, None), "any of 2 projects");
    assert_eq!(project_of(&house.world(), &"shop/cache".parse().unwrap(), None).unwrap().as_str(), "shop");
    assert_eq!(project_of(&house.world(), &"shop/cache".parse().unwrap(), Some(&oran())).unwrap(), oran());
}
