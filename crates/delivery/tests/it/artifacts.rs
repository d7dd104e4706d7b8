//! What people download of what jobs left.

use std::sync::Arc;

use bytes::Bytes;
use penstock_delivery::artifacts::{NoDownload, Wanted, open};
use penstock_delivery::effects::carry_out;
use penstock_delivery::events::Role;
use penstock_delivery::orders;
use penstock_delivery::wanted::Effect;
use penstock_model::RunId;
use penstock_testkit::FakeRunner;
use tokio::io::AsyncReadExt;
use tokio_util::sync::CancellationToken;

use crate::house::{House, oran, user};

const FILE: &str = "
open: {script: [x], artifacts: {paths: [dist]}}
closed: {script: [x], artifacts: {paths: [dist], public: false}}
own: {script: [x], artifacts: {paths: [dist], access: maintainer}}
hidden: {script: [x], artifacts: {paths: [dist], access: none}}
nothing: {script: [x]}
";

fn archive() -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (path, text) in [("dist/a.txt", "first"), ("dist/deep/b.txt", "second")] {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, path, text.as_bytes()).unwrap();
    }
    tar.into_inner().unwrap()
}

async fn house() -> (House, RunId) {
    let mut house = House::new().await;
    let digest = house.parts.blobs.put_bytes(Bytes::from(archive())).await.unwrap();
    let runner = FakeRunner::default().leaving(move |attempt, report| {
        report.artifacts = Some(digest).filter(|_| attempt.job.as_str() != "nothing");
    });
    Arc::get_mut(&mut house.parts).unwrap().runner = Arc::new(runner);
    let commit = house.git.push(&oran().into(), "topic", &[(".gitlab-ci.yml", Some(FILE))], "ada", "change");
    let run = orders::pushed(&house.parts, &oran(), &user("ada"), "refs/heads/topic", &commit).await.unwrap().unwrap();
    let ours = |effect: &Effect| matches!(effect, Effect::Plan { .. } | Effect::Job { .. });
    for _ in 0..4 {
        for effect in house.wanted(ours) {
            carry_out(&house.parts, &effect, CancellationToken::new()).await.unwrap();
        }
    }
    (house, run)
}

async fn asked(house: &House, run: &RunId, role: Role, job: &str, path: Option<&str>) -> Result<Vec<u8>, NoDownload> {
    let wanted = Wanted { name: None, path: path.map(str::to_owned) };
    let mut got = open(&house.parts, role, run, &job.parse().unwrap(), &wanted).await?;
    let mut bytes = Vec::new();
    got.bytes.read_to_end(&mut bytes).await.unwrap();
    assert_eq!(got.size, Some(bytes.len() as u64));
    Ok(bytes)
}

#[tokio::test]
async fn artifacts_are_downloaded_by_whoever_the_file_lets() {
    let (house, run) = house().await;
    let roles = [Role::Reader, Role::Developer, Role::Admin];
    for (job, may) in [("open", [true; 3]), ("closed", [false, true, true]), ("own", [false, false, true]), ("hidden", [false; 3])] {
        for (role, may) in roles.into_iter().zip(may) {
            match asked(&house, &run, role, job, None).await {
                Ok(bytes) => assert!(may && bytes == archive(), "{job} {role:?}"),
                Err(NoDownload::Forbidden(why)) => assert!(!may && why.contains(job), "{job} {role:?}: {why}"),
                Err(error) => panic!("{job} {role:?}: {error}"),
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_file_is_had_by_its_path_and_nothing_by_another() {
    let (house, run) = house().await;
    let file = async |path: &str| asked(&house, &run, Role::Reader, "open", Some(path)).await;
    assert_eq!(file("dist/deep/b.txt").await.unwrap(), b"second");
    assert_eq!(file("./dist/a.txt").await.unwrap(), b"first");
    for absent in ["dist", "dist/c.txt", "../dist/a.txt", "/dist/a.txt", ""] {
        assert!(file(absent).await.is_err(), "{absent}");
    }
    let none = asked(&house, &run, Role::Admin, "nothing", None).await;
    assert!(matches!(none, Err(NoDownload::Order(orders::OrderError::Absent(_)))));
}
