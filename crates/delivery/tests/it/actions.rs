//! Actions of this server's own repositories: by commit, by locked tags, for whoever may read them.

use penstock_delivery::library::{Mirror, OnHost, planned};
use penstock_model::{CommitId, RepositoryName};
use penstock_pipeline::{ActionsLock, Dialect, Plan, PlannedStep, PushEvent, Source};

use crate::house::House;
use crate::library::{HOST, event};

const ACTION: &str = "runs: {using: composite, steps: [{run: hi, shell: sh}]}\n";

/// A server with the repository `acme-greet`, which is the action `acme/greet`.
struct Shop {
    house: House,
    greet: RepositoryName,
    first: CommitId,
}

impl Shop {
    async fn new() -> Self {
        let house = House::with(&[]).await;
        let greet: RepositoryName = "acme-greet".parse().unwrap();
        let first = house.git.push(&greet, "main", &[("action.yml", Some(ACTION))], "ada", "first");
        Self { house, greet, first }
    }

    /// What a user's push comes to whose workflow uses an action: the commit that it is of, or what is wrong.
    async fn used(&self, who: &str, uses: &str, lock: &str) -> Result<CommitId, String> {
        let (oran, who) = ("oran".parse().unwrap(), who.parse().unwrap());
        let commit = self.house.git.push(&oran, "main", &[(ActionsLock::PATH, Some(lock)), ("action.yml", Some(ACTION))], "ada", "ci");
        let world = self.house.parts.journal.world();
        let mirror = Mirror::new(self.house.dir.path().join("mirror"), &format!("http://{HOST}"));
        let shelf = OnHost { git: &*self.house.git, world: &world, repository: &oran, commit: &commit, who: &who, mirror: &mirror };
        let text = format!("on: push\njobs: {{a: {{runs-on: linux, steps: [{{uses: {}}}]}}}}\n", uses.replace("HEAD", commit.as_str()));
        let source = Source { path: ".github/workflows/ci.yml", text: &text };
        let event = PushEvent { files: vec![ActionsLock::PATH.to_owned()], ..event(&commit) };
        planned(Dialect::GithubWorkflow, &source, &event, &shelf).await.unwrap().map(|plan: Plan| {
            let PlannedStep::Uses { action, .. } = &plan.jobs[0].steps[0] else { panic!("{plan:?}") };
            action.origin().unwrap().commit.clone()
        })
    }
}

#[tokio::test]
async fn an_action_of_the_servers_own_repository_runs_by_its_commit_for_whoever_may_read_it() {
    let shop = Shop::new().await;
    let uses = format!("acme/greet@{}", shop.first);
    assert_eq!(shop.used("ada", &uses, "").await, Ok(shop.first.clone()));
    // what a time starts is as readable as what is pushed to the same branch
    assert_eq!(shop.used("penstock", &uses, "").await, Ok(shop.first.clone()));
    let refused = shop.used("nobody", &uses, "").await.unwrap_err();
    assert!(refused.contains("nobody may not read `acme-greet`"), "{refused}");
    // the project's own is readable by whoever could push to it
    assert!(shop.used("nobody", "oran/oran@HEAD", "").await.is_ok());

    // what the own repository has not, the mirror may have
    let old = "0123456789012345678901234567890123456789";
    let absent = shop.used("ada", &format!("acme/greet@{old}"), "").await.unwrap_err();
    assert!(absent.contains("is not there"), "{absent}");
    let copy = shop.house.dir.path().join(format!("mirror/actions/acme/greet@{old}"));
    std::fs::create_dir_all(&copy).unwrap();
    std::fs::write(copy.join("action.yml"), ACTION).unwrap();
    assert_eq!(shop.used("ada", &format!("acme/greet@{old}"), "").await, Ok(old.parse().unwrap()));
    let refused = shop.used("nobody", &format!("acme/greet@{old}"), "").await.unwrap_err();
    assert!(refused.contains("may not read"), "a copy is no way around that: {refused}");
}

#[tokio::test]
async fn a_tag_of_the_servers_own_repository_stands_for_what_is_locked_and_is_refused_once_it_was_moved() {
    let shop = Shop::new().await;
    let git = &shop.house.git;
    let lock = format!("acme/greet@v1 {}\n", shop.first);
    let refused = shop.used("ada", "acme/greet@v1", "").await.unwrap_err();
    assert!(refused.contains("`acme/greet@v1` may become something else"), "{refused}");
    // locked, though the server has no such tag any more
    assert_eq!(shop.used("ada", "acme/greet@v1", &lock).await, Ok(shop.first.clone()));
    git.point(&shop.greet, "refs/tags/v1", &shop.first);
    assert_eq!(shop.used("ada", "acme/greet@v1", &lock).await, Ok(shop.first.clone()));
    let second = git.push(&shop.greet, "main", &[("more", Some("x"))], "ada", "second");
    git.point(&shop.greet, "refs/tags/v1", &second);
    let refused = shop.used("ada", "acme/greet@v1", &lock).await.unwrap_err();
    let moved = format!("the tag `acme/greet@v1` was moved: it is locked to {}, and stands for {second} now", shop.first);
    assert!(refused.contains(&moved), "{refused}");
}
