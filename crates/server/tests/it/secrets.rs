//! Which jobs a project's secrets reach, through the API and the spine that starts the jobs.

use penstock_api::{ClientError, Explanation, SecretValue, SecretView};
use penstock_delivery::effects::carry_out;
use penstock_delivery::events::SettingEvent;
use penstock_delivery::wanted::{Effect, wanted};
use penstock_delivery::{log_id, orders, streams};
use penstock_model::RunId;
use penstock_model::ids::Actor;
use penstock_model::job::{AttemptId, EnvValue};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::project::{Project, user};
use super::small::Small;

const PIPELINE: &str = "deploy: {script: ['./deploy $DEPLOY_KEY']}\n";

struct Shop {
    small: Small,
    project: Project,
}

impl Shop {
    async fn open() -> Self {
        let small = Small::open().await;
        let project = Project::create(&small.house, "oran").await;
        Self { small, project }
    }

    async fn set(&self, name: &str, value: &str, all_branches: bool) {
        let value = SecretValue { value: value.to_owned(), all_branches };
        let _: Value = self.small.root.put(&format!("/projects/oran/secrets/{name}"), &value).await.unwrap();
    }

    /// A run of a branch whose job is carried out: what it is given under a name.
    async fn given(&self, branch: &str, name: &str) -> Option<String> {
        let run = self.ran(branch).await;
        self.env(&run, name)
    }

    async fn ran(&self, branch: &str) -> RunId {
        let title = format!("Change {}", self.project.world().position);
        let run = self.project.push("root", branch, &title, PIPELINE).await;
        self.work(&run).await;
        run
    }

    async fn work(&self, run: &RunId) {
        let parts = &self.small.house.parts;
        let effects = wanted(&self.project.world(), parts.journal.now()).effects;
        let job = effects.into_iter().find(|effect| matches!(effect, Effect::Job { run: of, .. } if of == run)).unwrap();
        carry_out(parts, &job, CancellationToken::new()).await.unwrap();
    }

    fn env(&self, run: &RunId, name: &str) -> Option<String> {
        let attempt = attempt(run);
        let value = self.small.runner.env(&attempt).unwrap().get(name).cloned()?;
        let EnvValue::Secret(value) = value else { panic!("{name} is not masked") };
        Some(value.expose().to_owned())
    }

    async fn log(&self, run: &RunId) -> String {
        let part = self.small.house.parts.logs.read(&log_id(&attempt(run)), 0, 1 << 20).await.unwrap();
        part.lines.into_iter().map(|line| line.text + "\n").collect()
    }

    async fn explained(&self, what: &str) -> String {
        let explanation: Explanation = self.small.root.get(&format!("/explain/{what}")).await.unwrap();
        let said = explanation.reasons.into_iter().map(|reason| format!("{}: {} {}", reason.topic, reason.text, reason.fix));
        said.collect::<Vec<_>>().join("\n")
    }
}

fn attempt(run: &RunId) -> AttemptId {
    AttemptId { run: run.clone(), job: "deploy".parse().unwrap(), attempt: 1 }
}

fn value(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[tokio::test]
async fn a_secret_reaches_jobs_of_the_delivered_branch_alone() {
    let shop = Shop::open().await;
    shop.set("DEPLOY_KEY", "hunter2", false).await;
    shop.set("OTHER", "hunter3", false).await;
    assert_eq!(shop.given("main", "DEPLOY_KEY").await, value("hunter2"));
    for branch in ["topic", "main2", "refs/heads/main", "a/main"] {
        let run = shop.ran(branch).await;
        assert_eq!((shop.env(&run, "DEPLOY_KEY"), shop.env(&run, "OTHER")), (None, None), "{branch}");
        let first = shop.log(&run).await.lines().next().unwrap().to_owned();
        assert!(first.contains("withheld") && first.contains("`DEPLOY_KEY`") && first.contains("`main`"), "{first}");
        assert!(!first.contains("OTHER"), "the job does not name it: {first}");
        let of_job = shop.explained(&format!("{run}%2Fdeploy")).await;
        assert!(of_job.contains("DEPLOY_KEY (which the job names), OTHER") && of_job.contains("--all-branches"), "{of_job}");
        assert!(shop.explained(run.as_str()).await.contains("DEPLOY_KEY, OTHER"));
    }
    let run = shop.ran("main").await;
    assert!(!shop.log(&run).await.contains("withheld") && !shop.explained(run.as_str()).await.contains("withheld"));
}

#[tokio::test]
async fn a_tag_gets_no_protected_secret() {
    let shop = Shop::open().await;
    shop.set("DEPLOY_KEY", "hunter2", false).await;
    let run = shop.project.push("root", "main", "Begin", PIPELINE).await;
    let parts = &shop.small.house.parts;
    let commit = shop.project.world().runs[&run].push.commit.clone();
    for tag in ["refs/tags/v1", "refs/tags/main", "refs/tags/refs/heads/main"] {
        let run = orders::pushed(parts, &shop.project.name, &user("root"), tag, &commit).await.unwrap().unwrap();
        carry_out(parts, &Effect::Plan { run: run.clone() }, CancellationToken::new()).await.unwrap();
        shop.work(&run).await;
        assert_eq!(shop.env(&run, "DEPLOY_KEY"), None, "{tag}");
    }
}

#[tokio::test]
async fn a_secret_for_all_branches_reaches_them_until_it_is_set_without() {
    let shop = Shop::open().await;
    shop.set("DEPLOY_KEY", "test", true).await;
    assert_eq!(shop.given("topic", "DEPLOY_KEY").await, value("test"));
    assert_eq!(shop.given("main", "DEPLOY_KEY").await, value("test"));
    shop.set("DEPLOY_KEY", "production", false).await;
    assert_eq!(shop.given("topic", "DEPLOY_KEY").await, None);
    assert_eq!(shop.given("main", "DEPLOY_KEY").await, value("production"));
    let page = reqwest::Client::builder().no_proxy().build().unwrap().get(shop.small.url("/audit"));
    let page = page.header("cookie", format!("penstock={}", shop.small.root_token)).send().await.unwrap().text().await.unwrap();
    for words in ["DEPLOY_KEY of oran, for jobs of every branch", "DEPLOY_KEY of oran, for jobs of the delivered branch alone"] {
        assert!(page.contains(words), "{page}");
    }
}

#[tokio::test]
async fn what_was_set_before_branches_counted_is_protected() {
    let shop = Shop::open().await;
    shop.set("DEPLOY_KEY", "hunter2", true).await;
    // as version 1 wrote it: no word about branches
    let old: SettingEvent = serde_json::from_str(r#"{"event":"secret_set","name":"DEPLOY_KEY"}"#).unwrap();
    let parts = &shop.small.house.parts;
    parts.journal.record(&streams::settings(&shop.project.name), Actor::Penstock, old).await.unwrap();
    assert_eq!(shop.given("topic", "DEPLOY_KEY").await, None);
    assert_eq!(shop.given("main", "DEPLOY_KEY").await, value("hunter2"));
    // and one of which the log knows nothing
    parts.secrets.set(&shop.project.name, "STRAY", &penstock_model::Secret::new("x")).await.unwrap();
    assert_eq!(shop.given("topic", "STRAY").await, None);
}

#[tokio::test]
async fn secrets_are_listed_without_values_and_removed_by_administrators() {
    let shop = Shop::open().await;
    let (ada, _) = shop.small.user("ada", "developer").await;
    shop.set("DEPLOY_KEY", "hunter2", false).await;
    shop.set("TEST_KEY", "hunter3", true).await;
    let answer: Value = ada.get("/projects/oran/secrets").await.unwrap();
    assert!(!answer.to_string().contains("hunter"), "{answer}");
    let listed: Vec<SecretView> = serde_json::from_value(answer).unwrap();
    let listed: Vec<_> = listed.iter().map(|secret| (secret.name.as_str(), secret.all_branches, secret.by.as_str())).collect();
    assert_eq!(listed, [("DEPLOY_KEY", false, "root"), ("TEST_KEY", true, "root")]);
    let status = |answer: Result<Value, ClientError>| match answer {
        Err(ClientError::Refused { status, .. }) => status,
        other => panic!("{other:?}"),
    };
    let new = SecretValue { value: "x".to_owned(), all_branches: true };
    assert_eq!(status(ada.delete("/projects/oran/secrets/DEPLOY_KEY").await), 403);
    assert_eq!(status(ada.put("/projects/oran/secrets/DEPLOY_KEY", &new).await), 403);
    let _: Value = shop.small.root.delete("/projects/oran/secrets/DEPLOY_KEY").await.unwrap();
    assert_eq!(shop.given("main", "DEPLOY_KEY").await, None);
    assert_eq!(status(shop.small.root.delete("/projects/oran/secrets/DEPLOY_KEY").await), 404);
    assert_eq!(status(shop.small.root.get("/projects/nothing/secrets").await), 404);
    let events: Value = shop.small.root.get("/events?limit=1000").await.unwrap();
    assert!(!events.to_string().contains("hunter"));
}
