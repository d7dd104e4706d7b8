//! The real Git, in jobs over the real host of repositories.

use std::collections::BTreeMap;
use std::sync::Arc;

use penstock_git::{BareRepositories, HostSettings};
use penstock_model::clock::SystemClock;
use penstock_model::git::{CommitChange, GitHost, Signature};
use penstock_model::job::{CachePolicy, CacheSpec, Checkout, JobEnd, JobReport, JobRunner, JobSpec};
use penstock_model::{CommitId, Timestamp};
use penstock_runner::{Hands, Runner};
use penstock_testkit::{FakeRuntime, MemoryBlobs};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use crate::support::{Job, Log, settings};

/// A runner over a repository `shop` with two commits on `main` and one on `topic`.
struct Place {
    dir: TempDir,
    runner: Runner,
    containers: Arc<FakeRuntime>,
    topic: CommitId,
}

async fn place() -> Place {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    std::fs::create_dir(&data).unwrap();
    let host = HostSettings { root: data.join("git"), git: "git".into(), hook: "/bin/true".into() };
    let git = BareRepositories::open(host).await.unwrap();
    let commit = async |branch: &str, expected: Option<&CommitId>, text: &str| {
        let name = "shop".parse().unwrap();
        git.create(&name).await.unwrap();
        let change = CommitChange {
            branch: branch.to_owned(),
            expected: expected.cloned(),
            files: BTreeMap::from([(format!("{branch}.txt"), Some(text.as_bytes().to_vec()))]),
            author: Signature { name: "Ada".to_owned(), email: "ada@example.org".to_owned() },
            at: Timestamp(1_700_000_000_000),
            message: text.to_owned(),
        };
        git.commit_change(&name, &change).await.unwrap()
    };
    let first = commit("main", None, "one").await;
    // a branch begins where its first commit's parent is
    let bare = data.join("git/shop.git");
    let made = std::process::Command::new("git").args(["branch", "topic", first.as_str()]).env("GIT_DIR", &bare).status().unwrap();
    assert!(made.success());
    commit("main", Some(&first), "two").await;
    let topic = commit("topic", Some(&first), "three").await;
    let containers = Arc::new(FakeRuntime::default());
    let hands = Hands {
        git: Arc::new(git.clone()),
        blobs: Arc::new(MemoryBlobs::default()),
        containers: Some(containers.clone() as Arc<_>),
        clock: Arc::new(SystemClock),
    };
    let runner = Runner::new(settings(dir.path()), hands, dir.path().join("tools"), BTreeMap::new()).unwrap();
    Place { dir, runner, containers, topic }
}

impl Place {
    async fn run(&self, job: Job) -> (JobReport, Log) {
        let (log, commit) = (Log::default(), self.topic.clone());
        let job = job.with(|spec| spec.commit = commit);
        let report = self.runner.run(job.spec, Box::new(job.steps), Arc::new(log.clone()), CancellationToken::new()).await.unwrap();
        (report, log)
    }

    /// What a job says that succeeds.
    async fn says(&self, job: Job) -> String {
        let (report, log) = self.run(job).await;
        assert_eq!(report.end, JobEnd::Exited { code: 0 }, "{}{}", log.err(), log.notes());
        log.out()
    }
}

fn cached(job: Job) -> Job {
    job.with(|spec| {
        spec.caches =
            vec![CacheSpec { key: "k".into(), paths: vec!["kept".into()], policy: CachePolicy::PullPush, ..CacheSpec::default() }];
    })
}

#[tokio::test]
async fn git_in_a_job_sees_the_history_and_nothing_changed() {
    let place = place().await;
    let said = place.says(Job::new("git status --porcelain; git log --format=%s; git diff --name-only origin/main...HEAD; git fetch -q origin main; git log -1 --format=%s FETCH_HEAD")).await;
    assert_eq!(said, "three\none\ntopic.txt\ntwo\n");
    let said = place.says(Job::new("git branch --show-current").with(|spec| spec.branch = Some("topic".to_owned()))).await;
    assert_eq!(said, "topic\n");
}

#[tokio::test]
async fn what_a_job_does_to_its_git_is_gone_in_the_next_and_never_in_the_repository() {
    let place = place().await;
    let evil = "git -c user.name=J -c user.email=j@example.org commit -q --allow-empty -m own
        git config core.fsmonitor 'touch /tmp/ran; false'; git config alias.status '!echo hijacked'
        printf '#!/bin/sh\\necho hooked\\n' > .git/hooks/post-checkout; chmod +x .git/hooks/post-checkout
        for place in /penstock/origin /penstock/origin/objects; do touch $place/x 2>/dev/null && echo \"wrote to $place\"; done
        git push -q origin HEAD:refs/heads/stolen 2>/dev/null && echo pushed
        git log -1 --format=%s";
    assert_eq!(place.says(cached(Job::new(evil))).await, "own\n");
    // the same checkout, cache and all
    let next =
        "git status --porcelain; git log -1 --format=%s; git checkout -q -b next; ls .git/hooks; git config core.fsmonitor || ls /tmp";
    assert_eq!(place.says(cached(Job::new(next))).await, "three\n");
    let linked = "rm -rf .git && ln -s /builds/shop/kept .git";
    place.says(cached(Job::new(linked))).await;
    assert_eq!(place.says(cached(Job::new("git status --porcelain; git log -1 --format=%s; ls kept"))).await, "three\n");
    let refs = std::fs::read_dir(place.dir.path().join("data/git/shop.git/refs/heads")).unwrap().count();
    assert_eq!(refs, 2);
}

#[tokio::test]
async fn a_job_in_an_image_is_shown_the_same_and_cannot_write_to_it() {
    let place = place().await;
    let image: penstock_model::release::ImageRef = format!("oran/base@sha256:{}", "0".repeat(64)).parse().unwrap();
    place.says(Job::new("git log").with(|spec| spec.image = Some(image.into()))).await;
    let ran = place.containers.ran();
    let mounts = &ran[0].0.mounts;
    let shown: Vec<_> = mounts.iter().filter(|mount| mount.path.starts_with("/penstock/origin")).collect();
    let places: Vec<_> = shown.iter().map(|mount| (mount.path.as_str(), mount.writable)).collect();
    assert_eq!(places, [("/penstock/origin", false), ("/penstock/origin/objects", false)]);
    assert_eq!(shown[1].source, place.dir.path().join("data/git/shop.git/objects"));
}

#[tokio::test]
async fn a_job_without_the_source_has_its_artifacts_and_caches_alone() {
    let place = place().await;
    let kept = |spec: &mut JobSpec| spec.artifacts.paths = vec!["dist".to_owned()];
    let (built, _) = place.run(Job::new("mkdir dist; echo tool > dist/a").with(kept)).await;
    place.says(cached(Job::new("mkdir -p loose/kept; touch kept/a loose/kept/b; ln -s kept link; ln -s /etc out"))).await;
    let bare = |spec: &mut JobSpec| {
        spec.checkout = Checkout::Empty;
        spec.inputs = built.artifacts.into_iter().collect();
    };
    let looks = "find . -mindepth 1 | sort; ! git log 2>/dev/null";
    let (report, log) = place.run(cached(Job::new(looks).with(bare))).await;
    assert_eq!((report.end, log.out().as_str()), (JobEnd::Exited { code: 0 }, "./dist\n./dist/a\n./kept\n./kept/a\n"), "{}", log.err());
    assert!(log.notes().contains("without the source"), "{}", log.notes());
    // one beside it has the source again
    assert_eq!(place.says(cached(Job::new("git status --porcelain -uno; ls"))).await, "kept\nmain.txt\ntopic.txt\n");
}

#[tokio::test]
async fn what_the_commit_does_not_have_is_kept_if_it_is_asked_for() {
    let place = place().await;
    let script = "echo changed > topic.txt; mkdir -p out/sub; echo '*.o' > .gitignore; echo 1 > out/a.o; echo 2 > out/sub/b; echo 3 > left
        echo 4 > kept/c; ln -s /etc away; git init -q other; echo 5 > other/d; git add out";
    let all = |spec: &mut JobSpec| {
        spec.artifacts.untracked = true;
        spec.artifacts.exclude = vec!["left".to_owned()];
    };
    let (made, log) = place.run(cached(Job::new(script).with(all))).await;
    assert_eq!(made.end, JobEnd::Exited { code: 0 }, "{}{}", log.err(), log.notes());
    assert!(log.notes().contains("not kept: away"), "{}", log.notes());
    let bare = |spec: &mut JobSpec| {
        spec.checkout = Checkout::Empty;
        spec.inputs = made.artifacts.into_iter().collect();
    };
    assert_eq!(place.says(Job::new("find . -type f | sort").with(bare)).await, "./.gitignore\n./out/a.o\n./out/sub/b\n");
    let (nothing, log) = place.run(Job::new("true").with(all)).await;
    assert_eq!(nothing.artifacts, None);
    assert!(log.notes().contains("no artifact matches what the commit does not have"), "{}", log.notes());
}

#[tokio::test]
async fn a_job_without_the_source_clones_it_itself() {
    let place = place().await;
    let script = "test ! -e .git && git clone -q --depth 1 --branch topic file:///penstock/origin here && cat here/topic.txt
        git -C here rev-list --count HEAD; git clone -q file:///penstock/origin whole && git -C whole log --format=%s origin/main
        if git -C whole push -q origin HEAD:refs/heads/x 2>/dev/null; then echo pushed; fi";
    let said = place.says(Job::new(script).with(|spec| spec.checkout = Checkout::Empty)).await;
    assert_eq!(said, "three1\ntwo\none\n");
}

#[tokio::test]
async fn a_checkout_is_where_the_job_wants_it() {
    let place = place().await;
    let job = || {
        Job::new("pwd; git status --porcelain; cat main.txt; cat topic.txt; touch made")
            .with(|spec| spec.artifacts.paths = vec!["made".to_owned()])
    };
    let (report, log) = place.run(job().with(|spec| spec.place = Some("/builds/go/src/shop".to_owned()))).await;
    assert_eq!((report.end, log.out().as_str()), (JobEnd::Exited { code: 0 }, "/builds/go/src/shop\nonethree\n"), "{}", log.err());
    assert!(report.artifacts.is_some(), "what it leaves is found there");
    assert_eq!(place.says(job()).await, "/builds/shop\nonethree\n", "the next one is where jobs are");
    assert_eq!(place.says(job().with(|spec| spec.place = Some("/builds".to_owned()))).await, "/builds\nonethree\n");
}
