//! What a workflow hears of the push that starts it.

use penstock_delivery::effects::carry_out;
use penstock_delivery::orders;
use penstock_delivery::wanted::Effect;
use penstock_model::CommitId;
use penstock_pipeline::{Plan, PushFacts, Run};
use tokio_util::sync::CancellationToken;

use crate::house::{House, oran, user};

const WORKFLOW: &str = "on: push\njobs: {a: {runs-on: linux, steps: [{run: x}]}}\n";

/// The plan of a push of a commit.
async fn planned(house: &House, reference: &str, commit: &CommitId) -> Plan {
    let run = orders::pushed(&house.parts, &oran(), &user("ada"), reference, commit).await.unwrap().unwrap();
    for effect in house.wanted(|effect| matches!(effect, Effect::Plan { .. })) {
        carry_out(&house.parts, &effect, CancellationToken::new()).await.unwrap();
    }
    let world = house.world();
    let record = &world.runs[&run];
    assert_eq!(record.rejected, None);
    record.run.as_ref().and_then(Run::plan).unwrap().clone()
}

/// What it knows of the push.
async fn told(house: &House, reference: &str, commit: &CommitId) -> PushFacts {
    *planned(house, reference, commit).await.event.facts.push.unwrap()
}

fn titles(facts: &PushFacts) -> (bool, Vec<&str>) {
    (facts.forced, facts.commits.iter().map(|commit| commit.message.as_str()).collect())
}

#[tokio::test]
async fn a_push_brings_what_its_ref_did_not_have() {
    let house = House::with(&[]).await;
    let push = |branch: &str, title: &str| {
        let files = [(".github/workflows/ci.yml", Some(WORKFLOW)), ("CHANGES", Some(title))];
        house.git.push(&oran().into(), branch, &files, "ada", title)
    };
    let first = push("main", "one");
    let facts = told(&house, "refs/heads/main", &first).await;
    assert_eq!(titles(&facts).1.last(), Some(&"one"));
    push("main", "two");
    let third = push("main", "three");
    assert_eq!(titles(&told(&house, "refs/heads/main", &third).await), (false, vec!["two", "three"]));

    // of a new branch what the delivered one does not have
    house.git.point(&oran().into(), "refs/heads/topic", &third);
    let topic = push("topic", "four");
    assert_eq!(titles(&told(&house, "refs/heads/topic", &topic).await), (false, vec!["four"]));
    // what it had is lost
    house.git.point(&oran().into(), "refs/heads/topic", &third);
    let other = push("topic", "five");
    assert_eq!(titles(&told(&house, "refs/heads/topic", &other).await), (true, vec!["five"]));
    // a tag brings nothing
    house.git.point(&oran().into(), "refs/tags/v1", &third);
    assert_eq!(titles(&told(&house, "refs/tags/v1", &third).await), (false, vec![]));
}

#[tokio::test]
async fn a_push_whose_message_says_so_starts_nothing() {
    let house = House::with(&[]).await;
    let push = |title: &str| {
        let files = [(".gitlab-ci.yml", Some("a: {script: x}")), ("CHANGES", Some(title))];
        house.git.push(&oran().into(), "main", &files, "ada", title)
    };
    let plan = planned(&house, "refs/heads/main", &push("one [ci skip]")).await;
    assert!(plan.why_empty()[0].ends_with("says `[ci skip]`: nothing starts for it, as at GitLab"), "{:?}", plan.why_empty());
    assert!(!planned(&house, "refs/heads/main", &push("two")).await.is_empty());
}
