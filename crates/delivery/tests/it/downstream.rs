//! Jobs that start a pipeline, through the log: made once, followed, cancelled, released. After each step another server reads the
//! whole log, and must want the same.

mod elsewhere;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use penstock_delivery::effects::carry_out;
use penstock_delivery::events::WorkEvent;
use penstock_delivery::wanted::{Effect, wanted};
use penstock_delivery::{Journal, RunRecord, orders, orders::RunOrder, streams};
use penstock_model::Clock as _;
use penstock_model::ids::Actor;
use penstock_model::job::{AttemptId, EnvValue, JobReport, StepOutcome};
use penstock_model::{CommitId, Digest, ProjectName, RunId};
use penstock_testkit::FakeRunner;
use tokio_util::sync::CancellationToken;

use crate::house::{House, oran, user};

/// A house whose jobs do what their scripts say: `fail` fails, `fail once` fails in the first attempt.
struct Family {
    house: House,
    runner: Arc<FakeRunner>,
}

type Files<'f> = &'f [(&'f str, &'f str)];

impl Family {
    async fn new() -> Self {
        Self::leaving(|_, _| {}).await
    }

    async fn leaving(finish: impl Fn(&AttemptId, &mut JobReport) + Send + Sync + 'static) -> Self {
        let mut house = House::new().await;
        let step = |id: &AttemptId, step: &penstock_model::job::StepSpec| {
            let text = step.text();
            let fails = text.contains("fail once") && id.attempt == 1 || text.contains("fail always");
            StepOutcome::exited(i32::from(fails))
        };
        let runner = Arc::new(FakeRunner::new(step).leaving(finish));
        Arc::get_mut(&mut house.parts).unwrap().runner = runner.clone();
        Self { house, runner }
    }

    fn commit(&self, project: &ProjectName, files: Files<'_>) -> CommitId {
        let files: Vec<_> = files.iter().map(|(path, text)| (*path, Some(*text))).collect();
        self.house.git.push(&project.clone().into(), "main", &files, "ada", "change")
    }

    async fn push(&self, files: Files<'_>) -> RunId {
        let commit = self.commit(&oran(), files);
        self.house.clock.advance(std::time::Duration::from_secs(1));
        orders::pushed(&self.house.parts, &oran(), &user("ada"), "refs/heads/main", &commit).await.unwrap().unwrap()
    }

    /// What is to be done for runs now.
    fn wants(&self) -> Vec<Effect> {
        self.house.wanted(|effect| {
            use Effect::{CancelChild, Enqueue, FinishRun, Job, Plan, Redundant, Release, Schedule, Trigger, Turn};
            matches!(
                effect,
                Plan { .. }
                    | Job { .. }
                    | Trigger { .. }
                    | CancelChild { .. }
                    | FinishRun { .. }
                    | Release { .. }
                    | Turn { .. }
                    | Schedule { .. }
                    | Enqueue { .. }
                    | Redundant { .. }
            )
        })
    }

    /// Carries out one thing after the other until nothing is wanted, but for jobs of these names, which run on.
    async fn go_on_but(&self, busy: &[&str]) {
        for _ in 0..400 {
            self.house.clock.advance(std::time::Duration::from_millis(1));
            self.another_server_wants_the_same().await;
            let free = |effect: &Effect| !matches!(effect, Effect::Job { job, .. } if busy.contains(&job.as_str()));
            let Some(effect) = self.wants().into_iter().find(free) else { return };
            carry_out(&self.house.parts, &effect, CancellationToken::new()).await.unwrap();
            if !matches!(effect, Effect::Job { .. }) {
                // done twice, as by a server that did not hear that it was done
                carry_out(&self.house.parts, &effect, CancellationToken::new()).await.ok();
            }
        }
        panic!("it does not end: {:?}", self.wants());
    }

    async fn go_on(&self) {
        self.go_on_but(&[]).await;
    }

    /// All that is known of jobs and pipelines is in the log.
    async fn another_server_wants_the_same(&self) {
        let epoch = self.house.parts.journal.epoch().clone();
        let other = Journal::open(self.house.events.clone(), epoch, self.house.clock.clone()).await.unwrap();
        let (mine, theirs) = (self.house.world(), other.world());
        assert_eq!(wanted(&mine, self.house.clock.now()), wanted(&theirs, self.house.clock.now()));
    }

    fn record(&self, run: &RunId) -> Arc<RunRecord> {
        self.house.world().runs[run].clone()
    }

    /// How the jobs of a run stand, and those of what they started, in GitLab's words.
    fn shows(&self, run: &RunId) -> String {
        let world = self.house.world();
        let record = &world.runs[run];
        let Some(state) = &record.run else { return if record.rejected.is_some() { "refused".to_owned() } else { "new".to_owned() } };
        let standing = state.standing();
        let jobs = standing.jobs.iter().map(|(name, word)| {
            let started = world.downstream(run).into_iter().filter(|(job, _)| job.as_str() == name);
            let inner: Vec<String> = started.map(|(_, child)| self.shows(&child.id)).collect();
            if inner.is_empty() { format!("{name} {word}") } else { format!("{name} {word} [{}]", inner.join(" | ")) }
        });
        format!("{}: {}", standing.pipeline, jobs.collect::<Vec<_>>().join(", "))
    }

    #[track_caller]
    fn check(&self, run: &RunId, expected: &str) {
        assert_eq!(self.shows(run), expected);
    }

    async fn order(&self, run: &RunId, order: RunOrder) {
        orders::order_run(&self.house.parts, &user("ada"), run, order).await.unwrap();
    }

    fn child(&self, run: &RunId) -> RunId {
        self.house.world().downstream(run).last().unwrap().1.id.clone()
    }

    async fn log(&self, run: &RunId, job: &str, attempt: u32) -> String {
        let id = AttemptId { run: run.clone(), job: job.parse().unwrap(), attempt };
        let lines = self.house.parts.logs.read(&penstock_delivery::log_id(&id), 0, 1 << 20).await.unwrap().lines;
        lines.into_iter().map(|line| line.text + "\n").collect()
    }

    fn env(&self, run: &RunId, job: &str) -> BTreeMap<String, EnvValue> {
        self.runner.env(&AttemptId { run: run.clone(), job: job.parse().unwrap(), attempt: 1 }).unwrap()
    }
}

fn plain(text: &str) -> Option<EnvValue> {
    Some(EnvValue::Plain(text.to_owned()))
}

const DEPEND: &str =
    "stages: [one, two]\ngo: {stage: one, trigger: {include: child.yml, strategy: depend}}\nafter: {stage: two, script: [x]}\n";
const MIRROR: &str =
    "stages: [one, two]\ngo: {stage: one, trigger: {include: child.yml, strategy: mirror}}\nafter: {stage: two, script: [x]}\n";
const LOOSE: &str = "stages: [one, two]\ngo: {stage: one, trigger: {include: child.yml}}\nafter: {stage: two, script: [x]}\n";

#[tokio::test]
async fn a_job_with_a_strategy_follows_the_pipeline_that_it_started() {
    let family = Family::new().await;
    let run = family.push(&[(".gitlab-ci.yml", DEPEND), ("child.yml", "a: {script: [x]}\n")]).await;
    family.go_on_but(&["a"]).await;
    family.check(&run, "running: go running [pending: a pending], after created");
    family.go_on().await;
    family.check(&run, "success: go success [success: a success], after success");
    let child = family.record(&family.child(&run));
    assert_eq!((&child.push.commit, &child.push.pusher), (&family.record(&run).push.commit, &user("ada")));
    let log = family.log(&run, "go", 1).await;
    assert!(log.contains(&format!("pipeline {} of oran", child.id)), "{log}");
}

#[tokio::test]
async fn a_failure_goes_up_and_what_is_tried_again_below_takes_the_job_above_up() {
    let family = Family::new().await;
    let run = family.push(&[(".gitlab-ci.yml", DEPEND), ("child.yml", "a: {script: [fail once]}\nb: {script: [x]}\n")]).await;
    family.go_on().await;
    family.check(&run, "failed: go failed [failed: a failed, b success], after skipped");
    assert!(family.log(&run, "go", 1).await.contains("the pipeline that it started failed: `a`"));
    family.order(&family.child(&run), RunOrder::Retry("a".parse().unwrap())).await;
    family.go_on_but(&["a"]).await;
    family.check(&run, "running: go running [running: a pending, b success], after created");
    family.go_on().await;
    family.check(&run, "success: go success [success: a success, b success], after success");
    assert!(family.record(&run).ended.is_some());
}

#[tokio::test]
async fn a_job_that_is_tried_again_starts_another_pipeline() {
    let family = Family::new().await;
    let run = family.push(&[(".gitlab-ci.yml", DEPEND), ("child.yml", "a: {script: [fail once]}\n")]).await;
    family.go_on().await;
    family.order(&run, RunOrder::RetryFailed).await;
    family.go_on().await;
    // each attempt of the job has a pipeline of its own
    family.check(&run, "failed: go failed [failed: a failed | failed: a failed], after skipped");
    let started: Vec<_> = family.house.world().downstream(&run).into_iter().map(|(_, run)| run.id.clone()).collect();
    assert_eq!(started.len(), 2);
    assert_ne!(started[0], started[1]);
}

#[tokio::test]
async fn without_a_strategy_the_job_is_done_once_the_pipeline_is_made() {
    let family = Family::new().await;
    let run = family.push(&[(".gitlab-ci.yml", LOOSE), ("child.yml", "a: {script: [fail always]}\n")]).await;
    family.go_on_but(&["a"]).await;
    family.check(&run, "success: go success [pending: a pending], after success");
    family.go_on().await;
    family.check(&run, "success: go success [failed: a failed], after success");
}

#[tokio::test]
async fn a_mirror_waits_for_a_person_and_is_skipped_as_its_pipeline_is() {
    let family = Family::new().await;
    let manual = "a: {script: [x], rules: [{when: manual}]}\n";
    let run = family.push(&[(".gitlab-ci.yml", MIRROR), ("child.yml", manual)]).await;
    family.go_on().await;
    family.check(&run, "manual: go manual [manual: a manual], after created");
    assert!(orders::order_run(&family.house.parts, &user("ada"), &run, RunOrder::Play("go".parse().unwrap())).await.is_err());
    family.order(&family.child(&run), RunOrder::Play("a".parse().unwrap())).await;
    family.go_on().await;
    family.check(&run, "success: go success [success: a success], after success");
    let skipped = "a: {script: [x], when: on_failure}\n";
    for (parent, expected) in [
        (MIRROR, "success: go skipped [skipped: a skipped], after success"),
        (DEPEND, "failed: go failed [skipped: a skipped], after skipped"),
    ] {
        let run = family.push(&[(".gitlab-ci.yml", parent), ("child.yml", skipped)]).await;
        family.go_on().await;
        family.check(&run, expected);
    }
    // with depend, whoever waits for a person waits
    let run = family.push(&[(".gitlab-ci.yml", DEPEND), ("child.yml", manual)]).await;
    family.go_on().await;
    family.check(&run, "running: go running [manual: a manual], after created");
}

#[tokio::test]
async fn a_pipeline_that_cannot_be_made_fails_its_job_which_says_why() {
    let family = Family::new().await;
    for (child, why) in [
        ("a: {script: [x], scirpt: [y]}\n", "did you mean `script`?"),
        ("workflow: {rules: [{when: never}]}\na: {script: [x]}\n", "the pipeline that it starts has no job"),
        ("a: {script: [x], rules: [{if: $CI_PIPELINE_SOURCE == \"push\"}]}\n", "the pipeline that it starts has no job"),
    ] {
        for parent in [DEPEND, LOOSE] {
            let run = family.push(&[(".gitlab-ci.yml", parent), ("child.yml", child)]).await;
            family.go_on().await;
            assert!(family.shows(&run).starts_with("failed: go failed ["), "{}", family.shows(&run));
            let log = family.log(&run, "go", 1).await;
            assert!(log.contains(why), "{log}");
        }
    }
    let run = family.push(&[(".gitlab-ci.yml", "go: {trigger: {include: absent.yml}, allow_failure: true}\nb: {script: [x]}\n")]).await;
    family.go_on().await;
    family.check(&run, "success: go failed [refused], b success");
    assert!(family.log(&run, "go", 1).await.contains("`absent.yml` is not there"));
}

/// An archive with one file.
fn archive(path: &str, text: &str) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_ustar();
    header.set_size(text.len() as u64);
    header.set_mode(0o644);
    tar.append_data(&mut header, path, text.as_bytes()).unwrap();
    tar.into_inner().unwrap()
}

#[tokio::test]
async fn a_child_is_what_a_job_made_and_gets_the_artifacts_and_variables_of_its_parent() {
    let made: Arc<Mutex<Option<Digest>>> = Arc::default();
    let left = made.clone();
    let family = Family::leaving(move |id, report| {
        if id.job.as_str() == "make" {
            report.artifacts = *left.lock().unwrap();
            report.dotenv = BTreeMap::from([("BUILT".to_owned(), "v7".to_owned())]);
        }
    })
    .await;
    let text = "a:\n  script: [x]\n  needs: [{pipeline: $PARENT, job: make}]\n  rules: [{if: $WORD == \"hello\"}]\n";
    *made.lock().unwrap() = Some(family.house.parts.blobs.put_bytes(archive("out/ci.yml", text).into()).await.unwrap());
    let parent = "stages: [one, two]\nvariables: {WORD: hello}\nmake: {stage: one, script: [x]}\ngo:\n  stage: two\n  variables: {PARENT: $CI_PIPELINE_ID}\n  trigger: {include: [{artifact: out/ci.yml, job: make}], strategy: depend}\n";
    let run = family.push(&[(".gitlab-ci.yml", parent)]).await;
    family.go_on().await;
    family.check(&run, "success: make success, go success [success: a success]");
    let env = family.env(&family.child(&run), "a");
    assert_eq!(env.get("BUILT").cloned(), plain("v7"));
    assert_eq!(env.get("CI_PIPELINE_SOURCE").cloned(), plain("parent_pipeline"));
    assert_eq!(env.get("PARENT").cloned(), plain(run.as_ref()));
    // a job that is not there, and one that did not succeed
    for (needs, why) in [
        ("{pipeline: $PARENT, job: none}", "it is not in it"),
        ("{pipeline: $PARENT, job: go}", "it did not succeed in it"),
        ("{pipeline: 01ARZ3NDEKTSV4RRFFQ69G5FAV, job: make}", "is no pipeline of this family"),
    ] {
        let text = format!("a: {{script: [x], needs: [{needs}]}}\n");
        *made.lock().unwrap() = Some(family.house.parts.blobs.put_bytes(archive("out/ci.yml", &text).into()).await.unwrap());
        let run = family.push(&[(".gitlab-ci.yml", parent)]).await;
        family.go_on().await;
        let log = family.log(&family.child(&run), "a", 1).await;
        assert!(log.contains(why), "{log}");
    }
    // a file that is not among the artifacts
    let run = family.push(&[(".gitlab-ci.yml", &parent.replace("artifact: out/ci.yml", "artifact: other.yml"))]).await;
    family.go_on().await;
    assert!(family.log(&run, "go", 1).await.contains("it is not among the artifacts of `make`"));
}

#[tokio::test]
async fn children_are_cancelled_with_their_parent_but_what_somebody_takes_up_again() {
    let family = Family::new().await;
    for (parent, cut) in [
        (DEPEND, "canceled: go canceled [canceled: a canceled], after canceled"),
        (LOOSE, "canceled: go success [canceled: a canceled], after canceled"),
    ] {
        let run = family.push(&[(".gitlab-ci.yml", parent), ("child.yml", "a: {script: [x]}\n")]).await;
        family.go_on_but(&["a", "after"]).await;
        family.order(&run, RunOrder::Cancel).await;
        family.go_on_but(&["a", "after"]).await;
        family.check(&run, cut);
        family.order(&family.child(&run), RunOrder::RetryFailed).await;
        family.go_on().await;
        assert!(family.shows(&run).contains("[success: a success]"), "{}", family.shows(&run));
    }
}

#[tokio::test]
async fn a_newer_push_cancels_children_of_the_older_one_too() {
    let family = Family::new().await;
    let run = family.push(&[(".gitlab-ci.yml", LOOSE), ("child.yml", "a: {script: [x], interruptible: true}\n")]).await;
    family.go_on_but(&["a"]).await;
    family.push(&[(".gitlab-ci.yml", "b: {script: [x]}\n")]).await;
    family.go_on_but(&["a"]).await;
    family.check(&run, "success: go success [canceled: a canceled], after success");
}

#[tokio::test]
async fn children_stand_two_deep_in_each_other_and_no_deeper() {
    let family = Family::new().await;
    let next = "go: {trigger: {include: next.yml, strategy: depend}}\n";
    let run = family.push(&[(".gitlab-ci.yml", next), ("next.yml", next)]).await;
    family.go_on().await;
    family.check(&run, "failed: go failed [failed: go failed [failed: go failed]]");
    let deepest = family.child(&family.child(&run));
    assert!(family.log(&deepest, "go", 1).await.contains("at most 2 deep"));
}

#[tokio::test]
async fn what_a_child_builds_is_in_the_release_of_the_commit() {
    let family = Family::new().await;
    let built = async |run: &RunId, name: &str| {
        let image = family.house.push(&format!("oran/{name}"), "1", name).await;
        let event = WorkEvent::ImageBuilt { job: "a".parse().unwrap(), image: image.name, digest: image.digest, took_ms: 1, own_ms: 1 };
        family.house.parts.journal.record(&streams::run(run), Actor::Penstock, event).await.unwrap();
    };
    let images = |run: &RunId| -> Option<Vec<String>> {
        let release = &family.house.world().releases[&family.record(run).release?].release;
        Some(release.images.keys().map(ToString::to_string).collect())
    };
    let run = family.push(&[(".gitlab-ci.yml", LOOSE), ("child.yml", "a: {script: [x]}\n")]).await;
    family.go_on_but(&["a"]).await;
    built(&run, "parent").await;
    let child = family.child(&run);
    built(&child, "child").await;
    assert_eq!(images(&run), None, "the child is not over");
    family.go_on().await;
    assert_eq!(images(&run).unwrap(), ["oran/child", "oran/parent"]);
    assert_eq!(images(&child), None, "one release, of the push's own run");
    // a child that failed keeps the release back, unless its job may fail: then what it built is left out
    for (allowed, expected) in [(false, None), (true, Some(vec!["oran/parent".to_owned()]))] {
        let parent = format!("go: {{trigger: {{include: child.yml}}, allow_failure: {allowed}}}\n");
        let run = family.push(&[(".gitlab-ci.yml", &parent), ("child.yml", "a: {script: [fail always]}\n")]).await;
        family.go_on_but(&["a"]).await;
        built(&run, "parent").await;
        built(&family.child(&run), "child").await;
        family.go_on().await;
        assert_eq!(images(&run), expected);
    }
}
