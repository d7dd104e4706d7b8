//! Jobs that wait for their time or their turn, over the death of the server.

use penstock_api::{JobView, RunView};

use crate::house::House;
use crate::shop::{Repository, run_in};

/// A job that waits for its time, a marker of each time that it runs, and two that may not be at work at the same time.
const PIPELINE: &str = "stages: [one, two]
late: {stage: one, script: [echo ran], when: delayed, start_in: 4 seconds}
a: {stage: two, script: [echo ran], resource_group: prod}
b: {stage: two, script: [echo ran, test -n \"$CI_JOB_ID\", exit 3], resource_group: prod, allow_failure: true}
";

fn job<'v>(view: &'v RunView, name: &str) -> &'v JobView {
    view.jobs.iter().find(|job| job.name.as_str() == name).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_its_time_or_its_turn_starts_once_whichever_server_lives_then() {
    let mut house = House::open().await;
    let admin = house.admin();
    let clone = Repository::alone(&house, "shop").await;
    clone.write(".gitlab-ci.yml", PIPELINE);
    clone.commit("first").await;
    let run = run_in(&clone.push().await.unwrap());
    // the instant is settled, and then nothing happens until it has come
    house.until(&run, |view| view.jobs.iter().any(|job| job.name.as_str() == "late" && job.message.starts_with("starts at"))).await;
    house.kill().await;
    house.start().await;
    let view = house.ended(&run).await;
    let attempts = |view: &RunView| ["late", "a", "b"].map(|name| (job(view, name).status.clone(), job(view, name).attempt));
    let said = |words: [(&str, u32); 3]| words.map(|(word, attempt)| (word.to_owned(), attempt));
    assert_eq!(attempts(&view), said([("success", 1), ("success", 1), ("failed, allowed", 1)]));
    let (first, second) = (job(&view, "a"), job(&view, "b"));
    assert!(first.ended <= second.started || second.ended <= first.started, "{first:?} {second:?}");
    // all that failed, and nothing else, is tried again with the same inputs
    let again: serde_json::Value = admin.client.post(&format!("/runs/{run}/retry"), &serde_json::json!({})).await.unwrap();
    assert_eq!(again["done"], true);
    let view = house.ended(&run).await;
    assert_eq!(attempts(&view), said([("success", 1), ("success", 1), ("failed, allowed", 2)]));
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pipeline_is_started_by_a_person_or_a_program_with_variables_where_a_branch_is() {
    let mut house = House::open().await;
    let admin = house.admin();
    let clone = Repository::alone(&house, "shop").await;
    clone.write(
        ".gitlab-ci.yml",
        "pushed: {script: 'true', rules: [{if: $CI_PIPELINE_SOURCE == \"push\"}]}
by hand: {script: ['test \"$DEEP\" = \"1 2\"'], rules: [{if: $CI_PIPELINE_SOURCE == \"web\" && $DEEP}]}
by program: {script: ['test -z \"$DEEP\"'], rules: [{if: $CI_PIPELINE_SOURCE == \"api\"}]}
",
    );
    clone.commit("first").await;
    let pushed = run_in(&clone.push().await.unwrap());
    let start = |order: serde_json::Value| {
        let client = admin.client.clone();
        async move { client.post::<penstock_api::BegunRun>("/projects/shop/runs", &order).await }
    };
    let by_hand = start(serde_json::json!({ "source": "web", "variables": { "DEEP": "1 2" } })).await.unwrap();
    let by_program = start(serde_json::json!({ "branch": "main" })).await.unwrap();
    for (run, job) in [(pushed, "pushed"), (by_hand.run.to_string(), "by hand"), (by_program.run.to_string(), "by program")] {
        let view = house.ended(&run).await;
        let jobs: Vec<_> = view.jobs.iter().map(|job| (job.name.as_str(), job.status.as_str())).collect();
        assert_eq!(jobs, [(job, "success")]);
    }
    for (order, part) in [
        (serde_json::json!({ "branch": "absent" }), "there is no refs/heads/absent"),
        (serde_json::json!({ "branch": "main", "tag": "v1" }), "name one of them"),
        (serde_json::json!({ "inputs": { "a": "b" } }), "`source` must be `web`"),
        (serde_json::json!({ "variables": { "A-B": "c" } }), "`A-B` cannot be such a variable"),
    ] {
        let why = start(order).await.unwrap_err().to_string();
        assert!(why.contains(part), "{why}");
    }
    house.stop().await;
}
