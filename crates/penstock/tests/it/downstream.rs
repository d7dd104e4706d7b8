//! Child pipelines through the program: on a server that is killed meanwhile, and in a developer's own clone.

use penstock_api::{JobView, RunView};

use crate::house::House;
use crate::local_run::Shop;
use crate::shop::{Repository, run_in};

/// A child that is in the repository, and one that a job makes.
const PIPELINE: &str = "stages: [make, go, after]
make:
  stage: make
  script: [\"printf 'made:\\\\n  script: [test $WORD = hello]\\\\n' > made.yml\"]
  artifacts: {paths: [made.yml]}
static: {stage: go, trigger: {include: child.yml, strategy: depend}}
dynamic: {stage: go, variables: {WORD: hello}, trigger: {include: [{artifact: made.yml, job: make}], strategy: depend}}
after: {stage: after, script: [echo over]}
";

/// It fails in the first attempt.
const CHILD: &str = "unit: {script: ['case $CI_JOB_ID in *-2) ;; *) exit 1 ;; esac']}\n";

fn job<'v>(view: &'v RunView, name: &str) -> &'v JobView {
    view.jobs.iter().find(|job| job.name.as_str() == name).unwrap()
}

fn words(view: &RunView) -> Vec<(&str, &str)> {
    view.jobs.iter().map(|job| (job.name.as_str(), job.status.as_str())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn children_are_made_once_whichever_server_lives_and_their_failure_goes_up_and_back() {
    let mut house = House::open().await;
    let admin = house.admin();
    let clone = Repository::alone(&house, "shop").await;
    clone.write(".gitlab-ci.yml", PIPELINE);
    clone.write("child.yml", CHILD);
    clone.commit("first").await;
    let run = run_in(&clone.push().await.unwrap());
    // killed as soon as a child is about to be made
    house.until(&run, |view| view.jobs.iter().any(|job| job.name.as_str() == "static" && job.attempt == 1)).await;
    house.kill().await;
    house.start().await;
    let view = house.ended(&run).await;
    assert_eq!(words(&view), [("make", "success"), ("static", "failed"), ("dynamic", "success"), ("after", "skipped")]);
    let children = ["static", "dynamic"].map(|name| job(&view, name).pipelines.clone());
    assert_eq!(children.each_ref().map(Vec::len), [1, 1], "{children:?}");
    let child: RunView = admin.client.get(&format!("/runs/{}", children[0][0].run)).await.unwrap();
    let by = child.summary.started_by.clone().unwrap();
    assert_eq!((by.run.to_string(), by.job.as_str(), by.child), (run.clone(), "static", true));
    // what failed below is tried again there, and everything above goes on
    let again: serde_json::Value = admin.client.post(&format!("/runs/{}/retry", child.summary.id), &serde_json::json!({})).await.unwrap();
    assert_eq!(again["done"], true);
    let view = house.until(&run, |view| view.summary.status == "success" && view.summary.ended.is_some()).await;
    assert_eq!(job(&view, "static").pipelines.len(), 1, "no other one was made");
    house.stop().await;
}

#[test]
fn a_local_run_has_its_children_and_takes_up_what_failed_in_them() {
    let shop = Shop::new(PIPELINE);
    std::fs::write(shop.at.join("child.yml"), CHILD).unwrap();
    let said = shop.says(&[], 1, &["static / unit", "dynamic / made", "the pipeline that it started failed: `unit`"]);
    assert!(!said.contains("over\n"), "{said}");
    let said = shop.says(&["--from", "failed"], 0, &["static / unit", "over"]);
    assert!(!said.contains("$ test $WORD = hello"), "the other child is not run again: {said}");
}
