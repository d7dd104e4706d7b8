//! What a team needs on its second day, by the command line: who is there, who goes, whose token is old, which secrets
//! there are and whom they reach.

use std::process::{Output, Stdio};

use penstock_api::{ProjectSummary, SecretView, UserView};
use penstock_cli::exit;
use serde::de::DeserializeOwned;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::house::{House, Person, complaint};
use crate::shop::{Repository, run_in};

const PIPELINE: &str = "show:
  cache: {key: all, paths: [kept]}
  script:
    - echo \"kept=[$(ls kept)]\"
    - touch kept/$CI_COMMIT_REF_NAME
    - echo \"deploy=[${DEPLOY_KEY:-empty}] test=[${TEST_KEY:-empty}]\"
";

/// A house and the token that its commands are called with.
struct Desk<'a> {
    house: &'a House,
    token: String,
}

impl Desk<'_> {
    /// A command to its end, with something on its standard input.
    async fn call(&self, args: &[&str], input: &str) -> Output {
        let mut command = Command::new(self.house.program());
        command.args(args).env("PENSTOCK_URL", &self.house.url).env("PENSTOCK_TOKEN", &self.token);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // one that reads nothing may have ended
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes()).await;
        child.wait_with_output().await.unwrap()
    }

    /// What a command that worked printed.
    async fn says(&self, args: &[&str]) -> String {
        let output = self.call(args, "").await;
        assert!(output.status.success(), "{args:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    async fn json<T: DeserializeOwned>(&self, args: &[&str]) -> T {
        let text = self.says(&[args, &["--output", "json"]].concat()).await;
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    /// What a command that was refused said.
    async fn refused(&self, args: &[&str], code: u8, words: &str) {
        let (got, said) = complaint(&self.call(args, "").await);
        assert!(got == i32::from(code) && said.contains(words) && said.contains("help:"), "{args:?}: {got} {said}");
    }

    async fn secret(&self, args: &[&str], value: &str) -> String {
        let output = self.call(&[&["secret", "set", "--project", "shop"], args].concat(), value).await;
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn users_come_and_go_by_the_command_line() {
    let house = House::open().await;
    let admin = Desk { house: &house, token: house.admin().token };
    let token = admin.says(&["user", "add", "ada", "--email", "ada@example.org"]).await.trim().to_owned();
    let ada = Desk { house: &house, token: token.clone() };
    let listed: Vec<UserView> = ada.json(&["user", "list"]).await;
    let listed: Vec<_> = listed.iter().map(|user| (user.name.as_str(), user.role.as_str())).collect();
    assert_eq!(listed, [("ada", "developer"), ("admin", "admin")]);
    assert!(ada.says(&["user", "list"]).await.starts_with("USER "));
    ada.refused(&["user", "remove", "admin"], exit::REFUSED, "needs the role").await;
    admin.refused(&["user", "remove", "admin"], exit::REFUSED, "the last administrator").await;
    admin.refused(&["user", "remove", "grace"], exit::ABSENT, "user `grace`").await;
    // a new token, and the old one has ended
    let renewed = ada.says(&["user", "token", "ada"]).await.trim().to_owned();
    assert!(renewed.len() == 64 && renewed != token, "{renewed}");
    ada.refused(&["status"], exit::REFUSED, "token").await;
    let ada = Desk { house: &house, token: renewed.clone() };
    admin.says(&["project", "create", "shop"]).await;
    let projects: Vec<ProjectSummary> = ada.json(&["project", "list"]).await;
    assert_eq!((projects.len(), projects[0].name.as_str(), projects[0].branch.as_str()), (1, "shop", "main"));
    assert!(ada.says(&["project", "list"]).await.contains("no run yet"));
    // Git too shuts its door
    let person = Person { client: house.client(&renewed), token: renewed };
    let source = Repository::new(&house, "shop", &person).await;
    source.write("penstock.yaml", "version: 1\nproject: {name: shop, pipeline: .gitlab-ci.yml, config: shop-config}\n");
    source.write(".gitlab-ci.yml", PIPELINE);
    source.commit("Begin").await;
    source.push().await.unwrap();
    admin.says(&["user", "remove", "ada"]).await;
    source.write("more", "more\n");
    source.commit("Go on").await;
    let said = source.push().await.unwrap_err();
    assert!(said.contains("Authentication failed") || said.contains("could not read Username"), "{said}");
    ada.refused(&["status"], exit::REFUSED, "token").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_reaches_the_delivered_branch_alone_unless_it_is_for_all() {
    let house = House::open().await;
    let admin = Desk { house: &house, token: house.admin().token };
    admin.says(&["project", "create", "shop"]).await;
    assert!(admin.secret(&["DEPLOY_KEY"], "hunter2\n").await.contains("the delivered branch"));
    assert!(admin.secret(&["TEST_KEY", "--all-branches"], "hunter3\n").await.contains("every branch"));
    let source = Repository::new(&house, "shop", &house.user("ada").await).await;
    source.write("penstock.yaml", "version: 1\nproject: {name: shop, pipeline: .gitlab-ci.yml, config: shop-config}\n");
    source.write(".gitlab-ci.yml", PIPELINE);
    source.commit("Begin").await;
    let (main, topic) = ("refs/heads/main", "refs/heads/topic");
    let (with, without) = ("deploy=[[MASKED]] test=[[MASKED]]", "deploy=[empty] test=[[MASKED]]");
    let rounds = [(main, with, "kept=[]"), (topic, without, "kept=[]"), (main, with, "kept=[main]"), (topic, without, "kept=[topic]")];
    for (round, (reference, printed, kept)) in rounds.into_iter().enumerate() {
        source.write("round", &round.to_string());
        source.commit("Go on").await;
        let run = run_in(&source.push_to(reference).await.unwrap());
        assert_eq!(house.ended(&run).await.summary.status, "success");
        let log = admin.says(&["logs", &run, "show"]).await;
        assert!(log.contains(printed) && log.contains(kept), "{reference}: {log}");
        let withheld = "withheld, as this run is not of `main`: `DEPLOY_KEY`";
        assert_eq!(log.contains(withheld), reference == topic, "{log}");
        let explained = admin.says(&["explain", &format!("{run}/show")]).await;
        assert_eq!(explained.contains("secrets withheld"), reference == topic, "{explained}");
    }
    let secrets: Vec<SecretView> = admin.json(&["secret", "list", "--project", "shop"]).await;
    let listed: Vec<_> = secrets.iter().map(|secret| (secret.name.as_str(), secret.all_branches, secret.by.as_str())).collect();
    assert_eq!(listed, [("DEPLOY_KEY", false, "admin"), ("TEST_KEY", true, "admin")]);
    admin.says(&["secret", "remove", "--project", "shop", "DEPLOY_KEY"]).await;
    admin.refused(&["secret", "remove", "--project", "shop", "DEPLOY_KEY"], exit::ABSENT, "secret or variable `DEPLOY_KEY`").await;
    assert!(!house.data().join("secrets/shop/DEPLOY_KEY").exists());
    let text = admin.says(&["secret", "list", "--project", "shop"]).await;
    assert!(text.contains("every branch") && !text.contains("DEPLOY_KEY") && !text.contains("hunter"), "{text}");
}
