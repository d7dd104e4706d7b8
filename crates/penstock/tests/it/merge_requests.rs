//! Merge requests by real pushes: of somebody who may push branches, and of somebody who may not.

use penstock_api::{MergeRequestView, NewProject, NewUser, NewUserToken, RunView, SecretValue};
use penstock_model::blob::LogPart;
use serde_json::{Value, json};

use crate::house::{House, Person};
use crate::shop::Repository;

/// GitLab's own way to one pipeline for a commit, and a job that says what it has without showing it.
const PIPELINE: &str = "workflow:
  rules:
    - if: $CI_PIPELINE_SOURCE == 'merge_request_event'
    - if: $CI_COMMIT_BRANCH && $CI_OPEN_MERGE_REQUESTS
      when: never
    - if: $CI_COMMIT_BRANCH
look:
  script:
    - echo \"key ${KEY:+is there}, of $CI_PIPELINE_SOURCE $CI_MERGE_REQUEST_IID from $CI_COMMIT_REF_NAME\"
    - test -z \"$(env | grep hunter)\" || test -n \"$KEY\"
";

async fn reader(house: &House, name: &str) -> Person {
    let new = NewUser { name: name.parse().unwrap(), role: "reader".to_owned(), emails: Vec::new() };
    let added: NewUserToken = house.admin().client.post("/users", &new).await.unwrap();
    Person { client: house.client(&added.token), token: added.token }
}

/// A server with a project whose secret is for every branch, and `main` pushed.
async fn shop() -> (House, Person, Repository) {
    let house = House::open().await;
    let admin = house.admin();
    let project = NewProject { name: "shop".parse().unwrap(), config: None, branch: None };
    let _: Value = admin.client.post("/projects", &project).await.unwrap();
    let secret = SecretValue { value: "hunter22hunter".to_owned(), all_branches: true };
    let _: Value = admin.client.put("/projects/shop/secrets/KEY", &secret).await.unwrap();
    let ada = house.user("ada").await;
    let clone = Repository::new(&house, "shop", &ada).await;
    clone.write(".gitlab-ci.yml", PIPELINE);
    clone.commit("Begin").await;
    clone.push().await.unwrap();
    (house, ada, clone)
}

async fn push(house: &House, clone: &Repository, args: &[&str]) -> Result<String, String> {
    let url = format!("{}/git/shop.git", house.url);
    let (options, refs): (Vec<&str>, Vec<&str>) = args.iter().partition(|arg| !arg.contains(':') || arg.contains('='));
    let options = options.iter().flat_map(|option| ["-o", option]);
    let all: Vec<&str> = ["push"].into_iter().chain(options).chain([url.as_str()]).chain(refs).collect();
    clone.git(&all).await
}

async fn commit(clone: &Repository, text: &str) {
    clone.write("CHANGES", text);
    clone.commit(text).await;
}

async fn request(who: &Person, number: u64) -> MergeRequestView {
    who.client.get(&format!("/projects/shop/merge-requests/{number}")).await.unwrap()
}

async fn order(who: &Person, number: u64, order: &str, body: Value) -> Result<Value, String> {
    let path = format!("/projects/shop/merge-requests/{number}/{order}");
    who.client.post::<Value>(&path, &body).await.map_err(|error| error.to_string())
}

/// What the job of the newest run of a merge request printed.
async fn said(house: &House, number: u64) -> (RunView, String) {
    let admin = house.admin();
    let run = request(&admin, number).await.runs[0].id.to_string();
    let view = house.ended(&run).await;
    let mut parts = admin.client.stream::<LogPart>(&format!("/runs/{run}/jobs/look/log?follow=false")).await.unwrap();
    let mut text = String::new();
    while let Some(part) = parts.next().await.unwrap() {
        part.lines.iter().for_each(|line| text.extend([line.text.as_str(), "\n"]));
    }
    (view, text)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_branch_is_pushed_with_its_merge_request_and_merged_once_its_pipeline_has_succeeded() {
    let (mut house, ada, clone) = shop().await;
    clone.git(&["checkout", "--quiet", "-b", "topic"]).await.unwrap();
    commit(&clone, "Fix it").await;
    let refused = push(&house, &clone, &["merge_request.create", "ci.skip", "HEAD:refs/heads/topic"]).await.unwrap_err();
    assert!(refused.contains("the push option `ci.skip` is not known"), "{refused}");
    let answer = push(&house, &clone, &["merge_request.create", "merge_request.title=Mend = all", "HEAD:refs/heads/topic"]).await.unwrap();
    assert!(answer.contains("/projects/shop/merge-requests/1 opened"), "{answer}");
    assert!(answer.contains("has no job for this push"), "the branch leaves it to the merge request: {answer}");
    let (view, text) = said(&house, 1).await;
    assert_eq!(view.summary.status, "success", "{text}");
    assert!(text.contains("key is there, of merge_request_event 1 from topic"), "{text}");
    // the next commit, killed between the refs and the run
    house.kill().await;
    house.start().await;
    commit(&clone, "Fix more").await;
    let answer = push(&house, &clone, &["HEAD:refs/heads/topic"]).await.unwrap();
    assert!(answer.contains("/projects/shop/merge-requests/1 goes on"), "{answer}");
    let (view, _) = said(&house, 1).await;
    assert_eq!((view.summary.status.as_str(), request(&ada, 1).await.runs.len()), ("success", 2));
    let refused = push(&house, &clone, &["+HEAD~1:refs/merge-requests/1/head"]).await.unwrap_err();
    assert!(refused.contains("is the server's own"), "{refused}");
    order(&ada, 1, "merge", json!({})).await.unwrap();
    let view = request(&ada, 1).await;
    assert_eq!((view.state.as_str(), view.ended_by.map(|by| by.to_string()).as_deref()), ("merged", Some("ada")));
    let main = clone.git(&["ls-remote", &format!("{}/git/shop.git", house.url), "refs/heads/main"]).await.unwrap();
    assert!(main.starts_with(view.commit.as_str()), "{main}");
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_reader_offers_has_no_secret_until_a_developer_allows_that_commit() {
    let (mut house, ada, _) = shop().await;
    let eve = reader(&house, "eve").await;
    let offered = Repository::new(&house, "eves", &eve).await;
    offered.git(&["fetch", "--quiet", &format!("{}/git/shop.git", house.url), "refs/heads/main"]).await.unwrap();
    offered.git(&["reset", "--quiet", "--hard", "FETCH_HEAD"]).await.unwrap();
    commit(&offered, "Offer it").await;
    let refused = push(&house, &offered, &["HEAD:refs/heads/topic"]).await.unwrap_err();
    assert!(refused.contains("eve may not push"), "{refused}");
    let refused = push(&house, &offered, &["HEAD:refs/for/none"]).await.unwrap_err();
    assert!(refused.contains("there is no branch `none`"), "{refused}");
    let answer = push(&house, &offered, &["topic=fix", "HEAD:refs/for/main"]).await.unwrap();
    assert!(answer.contains("merge-requests/1") && answer.contains("no secrets until a developer allows this commit"), "{answer}");
    let (view, text) = said(&house, 1).await;
    assert_eq!(view.summary.status, "success", "{text}");
    assert!(text.contains("key , of merge_request_event 1 from eve/fix") && text.contains("withheld: `KEY`"), "{text}");
    let seen = request(&ada, 1).await;
    assert!(seen.outside && seen.allowed_by.is_none());
    // who may not push may not allow, merge, or start anything; nor does anybody for a commit that is not the last one
    for word in ["allow", "merge", "ready"] {
        let body = json!({ "commit": seen.commit });
        assert!(order(&eve, 1, word, body).await.unwrap_err().contains("needs the role Developer"), "{word}");
    }
    let other = json!({ "commit": "a".repeat(40) });
    assert!(order(&ada, 1, "allow", other).await.unwrap_err().contains("another commit meanwhile"));
    order(&ada, 1, "allow", json!({ "commit": seen.commit })).await.unwrap();
    let (view, text) = said(&house, 1).await;
    assert_eq!(view.summary.pusher.as_str(), "ada");
    assert!(text.contains("key is there, of merge_request_event 1 from eve/fix") && !text.contains("hunter22"), "{text}");
    // the word counts for that commit alone
    commit(&offered, "Offer more").await;
    push(&house, &offered, &["topic=fix", "HEAD:refs/for/main"]).await.unwrap();
    assert!(said(&house, 1).await.1.contains("key , of merge_request_event"));
    order(&eve, 1, "close", json!({})).await.unwrap();
    assert_eq!(request(&eve, 1).await.state, "closed");
    house.stop().await;
}
