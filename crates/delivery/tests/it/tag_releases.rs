//! What jobs publish about tags.

use std::sync::Arc;

use bytes::Bytes;
use penstock_delivery::effects::carry_out;
use penstock_delivery::events::Role;
use penstock_delivery::tag_releases::TagReleaseRecord;
use penstock_delivery::wanted::Effect;
use penstock_delivery::{log_id, orders};
use penstock_model::CommitId;
use penstock_model::RunId;
use penstock_model::git::GitHost;
use penstock_model::ids::Actor;
use penstock_model::job::{AttemptId, JobEnd, ReportFile};
use penstock_model::tag_release::DESCRIPTION_FILE;
use penstock_testkit::FakeRunner;
use tokio_util::sync::CancellationToken;

use crate::house::{House, oran, user};

const FILE: &str = "
publish:
  script: [x]
  release: {tag_name: v1.0, name: First, description: notes.md, tag_message: of $CI_COMMIT_BRANCH}
  rules: [{if: $CI_COMMIT_BRANCH}]
tagged:
  script: [x]
  rules: [{if: $CI_COMMIT_TAG}]
";

struct Place {
    house: House,
}

impl Place {
    async fn new() -> Self {
        let mut house = House::new().await;
        let notes = house.parts.blobs.put_bytes(Bytes::from_static(b"# What is new\n")).await.unwrap();
        let file = ReportFile { kind: DESCRIPTION_FILE.to_owned(), path: "notes.md".to_owned(), digest: notes };
        let runner = FakeRunner::default().leaving(move |attempt, report| {
            if attempt.job.as_str() == "publish" {
                report.reports.push(file.clone());
            }
        });
        Arc::get_mut(&mut house.parts).unwrap().runner = Arc::new(runner);
        Self { house }
    }

    fn commit(&self, branch: &str, file: &str) -> CommitId {
        self.house.git.push(&oran().into(), branch, &[(".gitlab-ci.yml", Some(file))], "ada", "change")
    }

    async fn push(&self, who: &str, branch: &str, file: &str) -> RunId {
        let commit = self.commit(branch, file);
        let pushed = orders::pushed(&self.house.parts, &oran(), &user(who), &format!("refs/heads/{branch}"), &commit).await;
        let run = pushed.unwrap().unwrap();
        self.go_on().await;
        run
    }

    async fn go_on(&self) {
        let ours = |effect: &Effect| matches!(effect, Effect::Plan { .. } | Effect::Job { .. } | Effect::FinishRun { .. });
        for _ in 0..10 {
            for effect in self.house.wanted(ours) {
                carry_out(&self.house.parts, &effect, CancellationToken::new()).await.unwrap();
            }
        }
    }

    fn made(&self) -> Option<TagReleaseRecord> {
        self.house.world().projects[&oran()].tag_releases.get("v1.0").cloned()
    }

    fn end(&self, run: &RunId) -> JobEnd {
        self.house.world().runs[run].times[&"publish".parse().unwrap()].report.clone().unwrap().end
    }

    async fn log(&self, run: &RunId, attempt: u32) -> String {
        let id = AttemptId { run: run.clone(), job: "publish".parse().unwrap(), attempt };
        let part = self.house.parts.logs.read(&log_id(&id), 0, 1 << 20).await.unwrap();
        part.lines.into_iter().map(|line| line.text + "\n").collect()
    }

    async fn tag(&self) -> Option<CommitId> {
        self.house.git.resolve(&oran().into(), "refs/tags/v1.0").await.unwrap()
    }
}

const FAILED: JobEnd = JobEnd::Exited { code: 1 };

#[tokio::test]
async fn a_job_that_succeeds_publishes_and_makes_the_tag_which_starts_its_pipeline() {
    let place = Place::new().await;
    let run = place.push("ada", "topic", FILE).await;
    let made = place.made().unwrap();
    assert_eq!((&*made.release.name, &*made.release.description), ("First", "# What is new\n"));
    assert_eq!((&made.by.run, made.by.job.as_str(), made.who.as_str()), (&run, "publish", "ada"));
    assert_eq!(place.tag().await.as_ref(), Some(&made.commit));
    let world = place.house.world();
    assert_eq!(made.commit, world.runs[&run].push.commit);
    assert!(world.runs[&run].times.values().all(|times| times.report.as_ref().unwrap().reports.is_empty()), "nobody else needs the file");
    let tagged: Vec<_> = world.runs.values().filter(|run| run.push.reference == "refs/tags/v1.0").collect();
    assert_eq!(tagged.len(), 1, "as after a push of the tag");
    assert_eq!((tagged[0].push.pusher.as_str(), tagged[0].times.contains_key(&"tagged".parse().unwrap())), ("ada", true));
    assert!(place.log(&run, 1).await.contains("published the tag release `v1.0`"));
}

#[tokio::test]
async fn a_second_job_with_the_same_tag_fails_and_hears_whose_it_is_while_the_first_may_be_tried_again() {
    let place = Place::new().await;
    let first = place.push("ada", "topic", FILE).await;
    let made = place.made();
    let second = place.push("grace", "other", &format!("{FILE}# other\n")).await;
    assert_eq!((place.end(&first), place.end(&second)), (JobEnd::Exited { code: 0 }, FAILED));
    assert!(place.log(&second, 1).await.contains(&format!("there is a tag release `v1.0` already: {first}/publish made it")));
    let again = orders::RunOrder::Retry("publish".parse().unwrap());
    orders::order_run(&place.house.parts, &user("ada"), &first, again).await.unwrap();
    place.go_on().await;
    assert_eq!(place.end(&first), JobEnd::Exited { code: 0 });
    assert!(place.log(&first, 2).await.contains("is there already: attempt 1 of this job made it"));
    assert_eq!(place.made(), made);
}

#[tokio::test]
async fn a_tag_that_is_there_stays_where_it_is() {
    let place = Place::new().await;
    let old = place.commit("topic", "a: {script: [x]}\n");
    let tag = penstock_model::git::NewTag {
        name: "v1.0".to_owned(),
        commit: old.clone(),
        message: None,
        by: user("ada"),
        at: penstock_model::Timestamp(0),
    };
    assert!(place.house.git.create_tag(&oran().into(), &tag).await.unwrap());
    place.push("ada", "topic", FILE).await;
    assert_eq!((place.made().unwrap().commit, place.tag().await.unwrap()), (old.clone(), old));
}

#[tokio::test]
async fn whoever_may_not_push_publishes_nothing() {
    let place = Place::new().await;
    orders::add_user(&place.house.parts, Actor::Penstock, &user("rita"), Role::Reader, Vec::new()).await.unwrap();
    for who in ["rita", "penstock"] {
        let run = place.push(who, "topic", &format!("{FILE}# {who}\n")).await;
        assert_eq!((place.end(&run), place.made(), place.tag().await), (FAILED, None, None));
        assert!(place.log(&run, 1).await.contains(&format!("{who} may not publish tag releases")));
    }
}

#[tokio::test]
async fn a_ref_that_is_not_there_fails_the_job() {
    let place = Place::new().await;
    let run = place.push("ada", "topic", &FILE.replace("name: First", "ref: nowhere")).await;
    assert_eq!((place.end(&run), place.made()), (FAILED, None));
    assert!(place.log(&run, 1).await.contains("there is no branch, tag or commit `nowhere`"));
}
