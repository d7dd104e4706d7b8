//! Users come, get other tokens and go, through the API as people use it.

use std::time::Duration;

use penstock_api::{Client, ClientError, NewUser, NewUserToken, Status, UserView};
use reqwest::StatusCode;
use reqwest::header::COOKIE;
use serde_json::{Value, json};

use super::project::user;
use super::small::Small;

/// How long anything is waited for.
const LIMIT: Duration = Duration::from_secs(30);

#[track_caller]
fn refused<T>(answer: Result<T, ClientError>, with: u16, words: &str) {
    match answer {
        Err(ClientError::Refused { status, error, hint }) => {
            assert!(status == with && error.contains(words) && (!hint.is_empty() || with == 400), "{status} {error} ({hint})");
        }
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it was not refused: {words}"),
    }
}

/// Every door that a token opens, each with what it answers.
async fn doors(small: &Small, token: &str) -> [StatusCode; 4] {
    // a redirect to the login is an answer too
    let http = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let api = http.get(small.url("/api/v1/status")).bearer_auth(token);
    let git = http.get(small.url("/git/oran.git/info/refs?service=git-upload-pack")).basic_auth("ada", Some(token));
    let page = http.get(small.url("/runs")).header(COOKIE, format!("penstock={token}"));
    let press = http.post(small.url("/runs/01M8AHPMQW97YW08M8WAXE0Y1X/cancel")).header(COOKIE, format!("penstock={token}"));
    let mut answers = [StatusCode::OK; 4];
    for (answer, request) in answers.iter_mut().zip([api, git, page, press]) {
        *answer = request.send().await.unwrap().status();
    }
    answers
}

/// What the four say to a developer: the fake Git fails behind the check, and there is no such run.
const OPEN: [StatusCode; 4] = [StatusCode::OK, StatusCode::INTERNAL_SERVER_ERROR, StatusCode::OK, StatusCode::NOT_FOUND];
/// What they say to nobody.
const SHUT: [StatusCode; 4] = [StatusCode::UNAUTHORIZED, StatusCode::UNAUTHORIZED, StatusCode::SEE_OTHER, StatusCode::SEE_OTHER];

async fn listed(client: &Client) -> Vec<(String, String)> {
    let users: Vec<UserView> = client.get("/users").await.unwrap();
    users.into_iter().map(|user| (user.name.to_string(), user.role)).collect()
}

#[tokio::test]
async fn a_removed_user_is_refused_at_every_door_at_once() {
    let small = Small::open().await;
    let (ada, token) = small.user("ada", "developer").await;
    assert_eq!(doors(&small, &token).await, OPEN);
    let mut live = ada.stream::<Value>("/live?form=lines").await.unwrap();
    let _: Value = small.root.delete("/users/ada").await.unwrap();
    assert_eq!(doors(&small, &token).await, SHUT);
    let end = tokio::time::timeout(LIMIT, live.next()).await.expect("what a removed user listens to ends");
    assert!(end.unwrap().is_none());
    assert_eq!(listed(&small.root).await, [("root".to_owned(), "admin".to_owned())]);
    refused(small.root.delete::<Value>("/users/ada").await, 404, "user `ada`");
    refused(small.root.post::<Value>("/users/ada/token", &json!({})).await, 404, "user `ada`");
    // history keeps the name, and says in words what happened
    let page = reqwest::Client::builder().no_proxy().build().unwrap().get(small.url("/audit"));
    let page = page.header(COOKIE, format!("penstock={}", small.root_token)).send().await.unwrap().text().await.unwrap();
    assert!(page.contains("ada may not log in any more") && page.contains("ada may log in as developer"), "{page}");
}

#[tokio::test]
async fn a_new_token_ends_the_old_one_at_once() {
    let small = Small::open().await;
    let (ada, old) = small.user("ada", "reader").await;
    small.house.clock.advance(Duration::from_secs(60));
    let renewed: NewUserToken = ada.post("/users/ada/token", &json!({})).await.unwrap();
    assert_eq!(doors(&small, &old).await, SHUT);
    let status: Status = small.client(&renewed.token).get("/status").await.unwrap();
    assert_eq!(status.user, Some(user("ada")));
    let again: NewUserToken = small.root.post("/users/ada/token", &json!({})).await.unwrap();
    assert_eq!(doors(&small, &renewed.token).await, SHUT);
    let users: Vec<UserView> = small.client(&again.token).get("/users").await.unwrap();
    let times: Vec<_> = users.iter().map(|user| (user.name.as_str(), user.token_since.0 - user.since.0)).collect();
    assert_eq!(times, [("ada", 60_000), ("root", 0)]);
    // the log has digests alone
    let events: Value = small.root.get("/events?limit=1000").await.unwrap();
    let text = events.to_string();
    assert!([&old, &renewed.token, &again.token, &small.root_token].iter().all(|token| !text.contains(token.as_str())));
}

#[tokio::test]
async fn a_follower_of_a_log_loses_it_with_the_token() {
    let small = Small::open().await;
    let (ada, _) = small.user("ada", "reader").await;
    let project = super::project::Project::create(&small.house, "oran").await;
    let run = project.push("root", "topic", "Wait", "unit: {script: [make]}\n").await;
    project.print(&run, "unit", &[(penstock_model::blob::Channel::Out, "begun")]).await;
    let mut log = ada.stream::<Value>(&format!("/runs/{run}/jobs/unit/log?follow=true")).await.unwrap();
    assert!(log.next().await.unwrap().unwrap().to_string().contains("begun"));
    let _: Value = small.root.delete("/users/ada").await.unwrap();
    let end = tokio::time::timeout(LIMIT, log.next()).await.expect("the log ends for a removed user");
    assert!(end.unwrap().is_none());
}

#[tokio::test]
async fn the_last_administrator_stays_and_two_do_not_remove_each_other() {
    let small = Small::open().await;
    let (ada, _) = small.user("ada", "admin").await;
    let (one, other) = tokio::join!(ada.delete::<Value>("/users/root"), small.root.delete::<Value>("/users/ada"));
    assert!(one.is_ok() != other.is_ok(), "one of two is left");
    let (left, name) = if one.is_ok() { (&ada, "ada") } else { (&small.root, "root") };
    refused(left.delete::<Value>(&format!("/users/{name}")).await, 409, "the last administrator");
    let less = NewUser { name: user(name), role: "developer".to_owned(), emails: Vec::new() };
    refused(left.post::<Value>("/users", &less).await, 409, "the last administrator");
    assert_eq!(listed(left).await, [(name.to_owned(), "admin".to_owned())]);
    // with another one there is no last one
    let second = NewUser { name: user("grace"), role: "admin".to_owned(), emails: Vec::new() };
    let _: Value = left.post("/users", &second).await.unwrap();
    let _: Value = left.delete(&format!("/users/{name}")).await.unwrap();
}

#[tokio::test]
async fn users_change_their_own_token_and_nothing_else() {
    let small = Small::open().await;
    let (ada, _) = small.user("ada", "developer").await;
    small.user("grace", "developer").await;
    refused(ada.post::<Value>("/users/grace/token", &json!({})).await, 403, "Admin");
    refused(ada.delete::<Value>("/users/grace").await, 403, "Admin");
    refused(ada.delete::<Value>("/users/ada").await, 403, "Admin");
    let names: Vec<_> = listed(&ada).await.into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["ada", "grace", "root"]);
    refused(small.client("nobody's").get::<Value>("/users").await, 401, "token");
}
