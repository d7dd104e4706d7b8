//! An approval is given once and whole.

use penstock_delivery::events::Role;
use penstock_delivery::orders::{self, OrderError};
use penstock_delivery::{ReleaseStep, config_repository};
use penstock_gate::Author;
use penstock_model::Digest;
use penstock_model::ids::Actor;

use crate::house::{House, oran, production, user};

const CONFIG: &str = "version: 1
environments:
  - {name: production, application: applications/production.yaml, gate: [policies/gate.rego], approvals: {required: 1}}
approvers: [grace]
";
const POLICY: &str = "package penstock.gate\ndefault allow := true\n";

async fn before_approval() -> House {
    let house = House::new().await;
    let files = [("penstock.yaml", Some(CONFIG)), ("policies/gate.rego", Some(POLICY))];
    house.git.push(&"oran-config".parse().unwrap(), "main", &files, "root", "ask for an approval");
    config_repository::read(&house.parts, &oran()).await.unwrap();
    house.gate().await;
    assert_eq!(house.step(), ReleaseStep::AwaitingApproval);
    house
}

#[tokio::test]
async fn an_approval_is_one_event_so_that_none_is_ever_half_given() {
    let house = before_approval().await;
    let before = house.world().position;
    orders::approve(&house.parts, &user("grace"), house.release, &production()).await.unwrap();
    let world = house.world();
    assert_eq!(world.position, before + 1);
    let given = &world.releases[&house.release].environments[&production()];
    assert_eq!(given.approvals.iter().map(|given| given.approver.clone()).collect::<Vec<_>>(), [user("grace")]);
    assert!(given.approved_at.is_some());
    house.gate().await;
    assert_eq!(house.step(), ReleaseStep::Allowed);
}

#[tokio::test]
async fn who_has_approved_does_not_approve_again() {
    let house = before_approval().await;
    orders::approve(&house.parts, &user("grace"), house.release, &production()).await.unwrap();
    let again = orders::approve(&house.parts, &user("grace"), house.release, &production()).await;
    let Err(OrderError::Refused { why, .. }) = again else { panic!("{again:?}") };
    assert!(why.contains("approved it already"), "{why}");
    assert_eq!(house.world().releases[&house.release].environments[&production()].approvals.len(), 1);
}

#[tokio::test]
async fn nobody_is_called_as_the_audit_trail_calls_the_server() {
    let house = House::new().await;
    for name in ["penstock", "Penstock"] {
        let made = orders::add_user(&house.parts, Actor::User(user("root")), &user(name), Role::Developer, Vec::new()).await;
        let Err(OrderError::Refused { why, .. }) = made else { panic!("{name} is a user") };
        assert!(why.contains("calls itself"), "{why}");
    }
}

#[tokio::test]
async fn a_removed_user_approves_no_more_and_what_they_approved_still_counts() {
    let house = before_approval().await;
    orders::approve(&house.parts, &user("grace"), house.release, &production()).await.unwrap();
    orders::remove_user(&house.parts, &user("root"), &user("grace")).await.unwrap();
    house.gate().await;
    assert_eq!(house.step(), ReleaseStep::Allowed);
    let house = before_approval().await;
    orders::remove_user(&house.parts, &user("root"), &user("grace")).await.unwrap();
    let late = orders::approve(&house.parts, &user("grace"), house.release, &production()).await;
    let Err(OrderError::Refused { why, .. }) = late else { panic!("{late:?}") };
    assert!(why.contains("no user any more"), "{why}");
}

#[tokio::test]
async fn who_wrote_a_commit_stays_known_when_they_are_removed() {
    let house = House::new().await;
    let add = async |mail: &str| {
        let mails = vec![mail.to_owned()];
        orders::add_user(&house.parts, Actor::User(user("root")), &user("eve"), Role::Developer, mails).await.unwrap();
    };
    add("alias@example.org").await;
    let mut record = (*house.world().releases[&house.release]).clone();
    record.authors = [Author { name: "Somebody".to_owned(), mail: "alias@example.org".to_owned() }].into();
    orders::remove_user(&house.parts, &user("root"), &user("eve")).await.unwrap();
    assert!(house.world().authors(&record).include(&user("eve")));
    // nor does coming back under another address make them somebody else
    add("new@example.org").await;
    assert!(house.world().authors(&record).include(&user("eve")));
}

#[tokio::test]
async fn a_token_that_has_ended_makes_no_new_one() {
    let house = House::new().await;
    let by = || Actor::User(user("root"));
    let old = Digest::of(orders::add_user(&house.parts, by(), &user("eve"), Role::Admin, Vec::new()).await.unwrap().expose());
    orders::renew_token(&house.parts, &user("eve"), &old, &user("eve")).await.unwrap();
    // two calls with one token that was stolen: the first ends it for the second
    for of in ["eve", "ada"] {
        let late = orders::renew_token(&house.parts, &user("eve"), &old, &user(of)).await;
        let Err(OrderError::Refused { why, .. }) = late else { panic!("a new token for {of}") };
        assert!(why.contains("ended meanwhile"), "{why}");
    }
}
