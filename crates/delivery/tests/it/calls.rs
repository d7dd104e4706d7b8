//! What a job may have, and what becomes of what it asks for.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use penstock_delivery::effects::carry_out;
use penstock_delivery::events::WorkEvent;
use penstock_delivery::wanted::Effect;
use penstock_delivery::{JobCalls, TestImageCall, orders, streams};
use penstock_model::Digest;
use penstock_model::RunId;
use penstock_model::blob::{BlobError, LogLine, LogSink};
use penstock_model::evidence::{Subject, predicate};
use penstock_model::ids::Actor;
use penstock_model::job::{AttemptId, JobEnd, ReportFile};
use penstock_testkit::FakeRunner;
use tokio_util::sync::CancellationToken;

use crate::house::{HOST, House, oran, user};

struct Quiet;

#[async_trait]
impl LogSink for Quiet {
    async fn write(&self, _: Vec<LogLine>) -> Result<(), BlobError> {
        Ok(())
    }
}

async fn pushed(house: &House, pipeline: &str) -> RunId {
    let commit = house.git.push(&oran().into(), "main", &[(".gitlab-ci.yml", Some(pipeline))], "ada", "change");
    orders::pushed(&house.parts, &oran(), &user("ada"), "refs/heads/main", &commit).await.unwrap().unwrap()
}

#[tokio::test]
async fn what_a_second_look_at_an_image_sees_is_a_statement_too() {
    let house = House::new().await;
    let image = house.push("oran/app", "1", "another app").await;
    let run = pushed(&house, "test:\n  script: make\n").await;
    let built =
        WorkEvent::ImageBuilt { job: "build".parse().unwrap(), image: image.name.clone(), digest: image.digest, took_ms: 1, own_ms: 1 };
    house.parts.journal.record(&streams::run(&run), Actor::Penstock, built).await.unwrap();
    let calls = JobCalls::open(house.dir.path().join("calls")).unwrap();
    for args in ["self-test", "load", "load"] {
        let attempt = AttemptId { run: run.clone(), job: "test".parse().unwrap(), attempt: 1 };
        let (image, args, timeout) = ("app".to_owned(), vec![args.to_owned()], Duration::from_secs(1));
        let done = calls.test_image(&house.parts, TestImageCall { attempt, image, args, timeout }, Arc::new(Quiet)).await;
        assert_eq!((done.exit_code, done.error), (0, None));
    }
    let world = house.world();
    let said = &world.evidence[&oran()].by_subject[&Subject::Image(image)];
    let names: Vec<_> = said.iter().filter(|said| said.predicate_type == predicate::TEST_RESULT).map(|said| said.name.as_str()).collect();
    assert_eq!(names, ["self-test", "load"], "the same twice is one");
}

/// How a job in this image ended.
async fn ends(house: &House, image: &str) -> String {
    let run = pushed(house, &format!("test:\n  image: {image}\n  script: make\n")).await;
    for which in [|effect: &Effect| matches!(effect, Effect::Plan { .. }), |effect: &Effect| matches!(effect, Effect::Job { .. })] {
        for effect in house.wanted(which) {
            carry_out(&house.parts, &effect, CancellationToken::new()).await.unwrap();
        }
    }
    let world = house.world();
    assert_eq!(world.runs[&run].rejected, None);
    format!("{:?}", world.runs[&run].times[&"test".parse().unwrap()].report.as_ref().unwrap().end)
}

#[tokio::test]
async fn a_job_runs_in_an_image_that_its_repository_holds_and_in_no_other_bytes_of_the_store() {
    let house = House::new().await;
    let image = house.push("oran/base", "1", "base").await;
    assert_eq!(ends(&house, &image.to_string()).await, "Exited { code: 0 }");
    // the same bytes under a name that does not hold them, and bytes that are no image of anybody
    let secret = house.parts.blobs.put_bytes("somebody's artifact".into()).await.unwrap();
    for image in [format!("other/base@{}", image.digest), format!("oran/base@{secret}"), format!("oran/base@{}", Digest::of("absent"))] {
        assert!(ends(&house, &format!("{HOST}/{image}")).await.contains("it is not in the own registry"), "{image}");
    }
}

#[tokio::test]
async fn a_report_that_cannot_be_read_is_left_out_and_told_and_the_job_ends() {
    let mut house = House::new().await;
    let good = "<testsuite name='s' tests='1'><testcase classname='c' name='ok'/></testsuite>";
    let mut digests = Vec::new();
    for text in ["nonsense", good] {
        digests.push(house.parts.blobs.put_bytes(text.into()).await.unwrap());
    }
    let files: Vec<_> = digests
        .iter()
        .flat_map(|digest| {
            ["junit", "cobertura"].map(|kind| ReportFile { kind: kind.into(), path: format!("{kind}.xml"), digest: *digest })
        })
        .collect();
    let runner = FakeRunner::default().leaving(move |_, report| report.reports = files.clone());
    Arc::get_mut(&mut house.parts).unwrap().runner = Arc::new(runner);
    let run = pushed(&house, "test:\n  script: make\n").await;
    for which in [|effect: &Effect| matches!(effect, Effect::Plan { .. }), |effect: &Effect| matches!(effect, Effect::Job { .. })] {
        for effect in house.wanted(which) {
            carry_out(&house.parts, &effect, CancellationToken::new()).await.unwrap();
        }
    }
    let job = "test".parse().unwrap();
    let world = house.world();
    let report = world.runs[&run].times[&job].report.clone().unwrap();
    assert_eq!(report.end, JobEnd::Exited { code: 0 });
    assert_eq!(report.reports.iter().map(|file| (file.kind.as_str(), file.digest)).collect::<Vec<_>>(), [("junit", digests[1])]);
    let log = penstock_delivery::log_id(&AttemptId { run, job, attempt: 1 });
    let lines = house.parts.logs.read(&log, 0, 1 << 20).await.unwrap().lines;
    let told: Vec<_> = lines.iter().filter(|line| line.text.starts_with("a report is left out: ")).collect();
    assert_eq!(told.len(), 3, "{lines:?}");
    assert!(told[0].text.contains("junit.xml cannot be read as junit"), "{told:?}");
}
