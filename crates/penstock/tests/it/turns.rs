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
    let made: serde_json::Value =
        admin.client.post("/projects", &serde_json::json!({ "name": "shop", "config": null, "branch": null })).await.unwrap();
    assert_eq!(made["done"], true);
    let clone = Repository::new(&house, "shop", &admin).await;
    clone.write(".gitlab-ci.yml", PIPELINE);
    clone.commit("first").await;
    let run = run_in(&clone.push().await.unwrap());
    // the instant is settled, and then nothing happens until it has come
    let mut changes = admin.client.stream::<serde_json::Value>("/live?form=lines").await.unwrap();
    loop {
        let view: RunView = admin.client.get(&format!("/runs/{run}")).await.unwrap();
        if view.jobs.iter().any(|job| job.name.as_str() == "late" && job.message.starts_with("starts at")) {
            break;
        }
        changes.next().await.unwrap();
    }
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
