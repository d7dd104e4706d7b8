//! What a job leaves: artifacts, reports, variables, caches.

use std::collections::BTreeMap;

use penstock_model::Digest;
use penstock_model::blob::BlobStore;
use penstock_model::job::{ArtifactSpec, CachePolicy, CacheSpec, JobEnd, JobRunner, KeepWhen};
use tokio_util::sync::CancellationToken;

use crate::support::{House, Job, Log};

fn kept(job: Job, paths: &[&str]) -> Job {
    job.with(|spec| {
        spec.artifacts = ArtifactSpec { paths: paths.iter().map(|path| (*path).to_owned()).collect(), ..ArtifactSpec::default() }
    })
}

#[tokio::test]
async fn artifacts_reach_a_later_job_and_the_same_files_give_the_same_digest() {
    let house = House::new();
    let script = "mkdir -p dist/deep; echo tool > dist/deep/a; printf '#!/bin/sh\\necho ran\\n' > dist/run; chmod +x dist/run; ln -s run dist/link; ln -s /etc/passwd dist/out; mkfifo dist/pipe";
    let (one, log) = house.run(kept(Job::new(script), &["dist/"])).await;
    assert_eq!(one.end, JobEnd::Exited { code: 0 }, "{}", log.notes());
    assert!(log.notes().contains("not kept: dist/out is a link that leaves"), "{}", log.notes());
    let (two, _) = house.run(kept(Job::new(&format!("sleep 1; {script}")), &["dist/"]).named("twin")).await;
    assert_eq!(one.artifacts, two.artifacts);
    assert_eq!(house.blobs.size(one.artifacts.unwrap()).await.unwrap(), Some(one.artifacts_size));
    let (report, log) = house
        .run(
            Job::new("cat dist/deep/a; dist/link; ls dist; echo more >> dist/deep/a")
                .named("later")
                .with(|spec| spec.inputs = vec![one.artifacts.unwrap()]),
        )
        .await;
    assert_eq!((report.end, log.out().as_str()), (JobEnd::Exited { code: 0 }, "tool\nran\ndeep\nlink\nrun\n"), "{}", log.err());
}

#[tokio::test]
async fn artifacts_are_kept_when_the_job_says_so() {
    let house = House::new();
    for (when, script, expected) in [
        (KeepWhen::OnSuccess, "touch a; exit 1", false),
        (KeepWhen::OnFailure, "touch a; exit 1", true),
        (KeepWhen::OnFailure, "touch a", false),
        (KeepWhen::Always, "touch a; exit 1", true),
    ] {
        let (report, _) = house.run(kept(Job::new(script), &["a"]).with(|spec| spec.artifacts.when = when)).await;
        assert_eq!(report.artifacts.is_some(), expected, "{when:?} {script}");
    }
}

#[tokio::test]
async fn an_archive_that_is_gone_or_damaged_is_an_error_before_the_job_starts() {
    let (house, log) = (House::new(), Log::default());
    let (report, _) = house.run(kept(Job::new("touch a"), &["a"])).await;
    let digest = report.artifacts.unwrap();
    house.blobs.corrupt(digest, b"something else");
    for input in [digest, Digest::of("never stored")] {
        let job = Job::new("echo ran").with(|spec| spec.inputs = vec![input]);
        assert!(house.start(job, &log, &CancellationToken::new()).await.is_err());
    }
    assert_eq!(log.out(), "");
}

#[tokio::test]
async fn a_malformed_dotenv_report_fails_a_job_that_has_not_failed_already() {
    let house = House::new();
    for (code, told) in [(0, "a dotenv report is malformed"), (3, "no variables are kept: a dotenv report is malformed")] {
        let job = Job::new(&format!("echo nonsense > build.env; exit {code}"))
            .with(|spec| spec.artifacts = ArtifactSpec { dotenv: vec!["build.env".into()], ..ArtifactSpec::default() });
        let (report, log) = house.run(job).await;
        assert_eq!(matches!(report.end, JobEnd::SystemFailure { .. }), code == 0, "{:?}", report.end);
        assert!(log.notes().contains(told), "{}", log.notes());
    }
}

#[tokio::test]
async fn reports_and_variables_are_read_after_failure_too() {
    let house = House::new();
    let job = |code: i32| {
        Job::new(&format!("mkdir r; echo '<a/>' > r/junit.xml; echo '<b/>' > cov.xml; echo 'VERSION=1.2' > build.env; exit {code}")).with(
            |spec| {
                spec.artifacts = ArtifactSpec {
                    junit: vec!["r/*.xml".into()],
                    cobertura: Some("cov.xml".into()),
                    dotenv: vec!["build.env".into()],
                    ..ArtifactSpec::default()
                };
            },
        )
    };
    let (report, _) = house.run(job(1)).await;
    assert_eq!(
        report.reports.iter().map(|report| (report.kind.as_str(), report.path.as_str())).collect::<Vec<_>>(),
        [("junit", "r/junit.xml"), ("cobertura", "cov.xml")]
    );
    assert_eq!(house.blobs.get_bytes(report.reports[0].digest, 100).await.unwrap().as_ref(), b"<a/>\n");
    assert_eq!(report.dotenv, BTreeMap::from([("VERSION".into(), "1.2".into())]));
    let (report, _) = house.run(job(0)).await;
    assert_eq!(report.dotenv, BTreeMap::from([("VERSION".into(), "1.2".into())]));
}

#[tokio::test]
async fn a_report_that_is_a_link_is_not_followed() {
    let house = House::new();
    let job = Job::new("ln -s /etc/passwd junit.xml").with(|spec| spec.artifacts.junit = vec!["junit.xml".into()]);
    let (report, log) = house.run(job).await;
    assert_eq!((report.end, report.reports), (JobEnd::Exited { code: 0 }, Vec::new()));
    assert!(log.notes().contains("no report matches junit.xml"));
}

#[tokio::test]
async fn a_report_that_is_too_large_is_left_out_and_the_others_are_kept() {
    let house = House::new();
    let script = "truncate -s 1025M a.xml; echo '<a/>' > b.xml";
    let job = Job::new(script).with(|spec| spec.artifacts.junit = vec!["*.xml".into()]);
    let (report, log) = house.run(job).await;
    assert_eq!(report.end, JobEnd::Exited { code: 0 });
    assert_eq!(report.reports.iter().map(|report| report.path.as_str()).collect::<Vec<_>>(), ["b.xml"]);
    assert!(log.notes().contains("a report is left out: a.xml is larger than 1024 MiB"), "{}", log.notes());
}

#[tokio::test]
async fn nothing_is_kept_of_what_is_not_below_the_checkout_and_the_log_says_so() {
    let house = House::new();
    let (report, log) = house.run(kept(Job::new("touch a"), &["../../etc", "/etc/passwd", "a"])).await;
    assert!(report.artifacts.is_some() && report.artifacts_size < 10_000, "{report:?}");
    for path in ["../../etc", "/etc/passwd"] {
        assert!(log.notes().contains(&format!("nothing is kept of `{path}`: it is not below the checkout")), "{}", log.notes());
    }
}

fn cached(script: &str, policy: CachePolicy) -> Job {
    Job::new(script).with(|spec| {
        spec.caches =
            vec![CacheSpec { key: "cargo".into(), paths: vec!["target".into(), ".home/x".into()], policy, ..CacheSpec::default() }];
    })
}

#[tokio::test]
async fn a_cache_stays_in_place_for_every_job_that_names_it() {
    let house = House::new();
    let (_, log) =
        house.run(cached("echo 1 > target/a; echo 1 > .home/x/b; touch loose; stat -c %i target/a", CachePolicy::PullPush)).await;
    let (_, again) = house.run(cached("stat -c %i target/a; cat .home/x/b; ls", CachePolicy::PullPush).named("another")).await;
    assert_eq!(again.out(), format!("{}1\ntarget\n", log.out()), "{}", again.err());
}

#[tokio::test]
async fn a_cache_that_is_only_read_does_not_change() {
    let house = House::new();
    house.run(cached("echo 1 > target/a", CachePolicy::PullPush)).await;
    let (report, log) = house.run(cached("cat target/a; echo 2 > target/a; rm -rf .home/x/*; cat target/a", CachePolicy::Pull)).await;
    assert_eq!((report.end, log.out().as_str()), (JobEnd::Exited { code: 0 }, "1\n2\n"), "{}", log.err());
    let (_, log) = house.run(cached("cat target/a", CachePolicy::PullPush)).await;
    assert_eq!(log.out(), "1\n");
}

#[tokio::test]
async fn a_cache_that_is_only_written_starts_empty() {
    let house = House::new();
    house.run(cached("echo 1 > target/a", CachePolicy::PullPush)).await;
    let (_, log) = house.run(cached("ls target; echo 2 > target/b", CachePolicy::Push)).await;
    assert_eq!(log.out(), "");
    let (_, log) = house.run(cached("ls target", CachePolicy::Pull)).await;
    assert_eq!(log.out(), "b\n");
}

#[tokio::test]
async fn a_cache_path_that_leaves_or_is_a_pattern_is_refused() {
    let house = House::new();
    for path in ["../x", "/root", "**/node_modules", ".git"] {
        let job = Job::new("true").with(|spec| {
            spec.caches =
                vec![CacheSpec { key: "k".into(), paths: vec![path.into()], policy: CachePolicy::PullPush, ..CacheSpec::default() }];
        });
        let error = house
            .runner
            .run(job.spec, Box::new(job.steps), std::sync::Arc::new(Log::default()), CancellationToken::new())
            .await
            .unwrap_err();
        assert!(std::error::Error::source(&error).unwrap().to_string().contains("refused"), "{path}");
    }
}

#[tokio::test]
async fn reports_that_nobody_reads_here_are_kept_as_files_whatever_becomes_of_the_job() {
    let house = House::new();
    let job = Job::new("mkdir out; echo one > out/a.json; echo two > out/b.json; exit 3").with(|spec| {
        let reports = [("sast", "out/a.json"), ("terraform", "out/*.json"), ("dast", "absent.json")];
        let reports = reports.map(|(kind, pattern)| (kind.to_owned(), vec![pattern.to_owned()])).into();
        spec.artifacts = ArtifactSpec { reports, expire_in: Some(60), ..ArtifactSpec::default() };
    });
    let (report, log) = house.run(job).await;
    let kept: Vec<_> = report.reports.iter().map(|file| (file.kind.as_str(), file.path.as_str())).collect();
    assert_eq!(kept, [("sast", "out/a.json"), ("terraform", "out/a.json"), ("terraform", "out/b.json")]);
    assert_eq!(house.blobs.get_bytes(report.reports[2].digest, 100).await.unwrap(), "two\n");
    assert_eq!(report.expire_in, Some(60));
    assert!(log.notes().contains("no report matches absent.json"), "{}", log.notes());
}
