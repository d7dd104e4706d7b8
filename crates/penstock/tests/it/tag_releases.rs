//! What a job publishes about a tag, through the program: on a server, and in a developer's own clone.

use penstock_api::{RunSummary, TagReleaseView};

use crate::house::House;
use crate::local_run::Shop;
use crate::shop::{Repository, run_in};

const PIPELINE: &str = "publish:
  script: ['mkdir out', 'printf \"# New in %s\\n\" \"$VERSION\" > out/notes.md']
  variables: {VERSION: '1.0'}
  release:
    tag_name: v$VERSION
    tag_message: Version $VERSION
    name: The first
    description: ./out/notes.md
    assets: {links: [{name: tool, url: 'https://downloads.example.org/$VERSION/tool', link_type: package}]}
  rules: [{if: $CI_COMMIT_BRANCH}]
tagged:
  script: [git describe --exact-match]
  rules: [{if: $CI_COMMIT_TAG}]
";

#[tokio::test(flavor = "multi_thread")]
async fn a_job_publishes_about_a_tag_that_the_server_makes_and_the_tags_pipeline_runs() {
    let mut house = House::open().await;
    let admin = house.admin();
    let made: serde_json::Value =
        admin.client.post("/projects", &serde_json::json!({ "name": "shop", "config": null, "branch": null })).await.unwrap();
    assert_eq!(made["done"], true);
    let clone = Repository::new(&house, "shop", &admin).await;
    clone.write(".gitlab-ci.yml", PIPELINE);
    clone.commit("first").await;
    let run = run_in(&clone.push().await.unwrap());
    let view = house.ended(&run).await;
    let log = house.said(&run, "publish").await;
    assert_eq!(view.summary.status, "success", "{log}");
    let all: Vec<TagReleaseView> = admin.client.get("/projects/shop/tag-releases").await.unwrap();
    assert_eq!(all.len(), 1);
    let release = &all[0].release;
    assert_eq!((&*release.tag, &*release.name, &*release.description), ("v1.0", "The first", "# New in 1.0\n"));
    assert_eq!(release.links[0].url, "https://downloads.example.org/1.0/tool");
    assert_eq!((all[0].commit.clone(), all[0].by.as_str()), (view.summary.commit, "admin"));
    // the tag is an annotated one, which `git describe` finds
    let runs: Vec<RunSummary> = admin.client.get("/runs?project=shop").await.unwrap();
    let tagged = runs.iter().find(|run| run.reference == "refs/tags/v1.0").expect("the tag starts its pipeline");
    assert_eq!(house.ended(tagged.id.as_str()).await.summary.status, "success");
    // a second one of the same tag is none
    clone.write("more", "x");
    clone.commit("second").await;
    let second = house.ended(&run_in(&clone.push().await.unwrap())).await;
    assert_eq!(second.summary.status, "failed");
    house.kill().await;
    house.start().await;
    let again: Vec<TagReleaseView> = house.admin().client.get("/projects/shop/tag-releases").await.unwrap();
    assert_eq!(serde_json::to_value(&again).unwrap(), serde_json::to_value(&all).unwrap());
    house.stop().await;
}

#[test]
fn a_local_run_publishes_nothing_and_says_what_a_server_would() {
    let shop = Shop::new(PIPELINE);
    shop.says(&[], 0, &["a server would publish the tag release `v1.0` of ", "here, and make the tag"]);
    let tags = std::process::Command::new("git").arg("tag").current_dir(&shop.at).output().unwrap();
    assert_eq!(tags.stdout, b"", "the clone is as it was");
}
