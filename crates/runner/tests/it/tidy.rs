//! What is removed when nothing used it for long, and what is not.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use penstock_model::job::{CachePolicy, CacheSpec, JobEnd, JobRunner};
use penstock_model::{Clock, Timestamp, clock::SystemClock};
use tokio_util::sync::CancellationToken;

use crate::support::{House, Job, Log, until};

/// As if it had been written a day ago.
fn age(path: &Path) {
    File::open(path).unwrap().set_modified(SystemTime::now() - Duration::from_hours(24)).unwrap();
}

fn an_hour_ago() -> Timestamp {
    Timestamp(SystemClock.now().0 - 3_600_000)
}

fn cached(script: &str, key: &str) -> Job {
    let cache = CacheSpec { key: key.to_owned(), paths: vec!["c".to_owned()], policy: CachePolicy::PullPush, ..CacheSpec::default() };
    Job::new(script).with(|spec| spec.caches = vec![cache])
}

fn places(house: &House) -> Vec<PathBuf> {
    let work = house.dir.path().join("data/runner/work/shop");
    let mut places: Vec<_> = std::fs::read_dir(work).unwrap().map(|entry| entry.unwrap().path()).collect();
    places.sort();
    places
}

#[tokio::test]
async fn jobs_without_caches_take_turns_in_one_checkout_and_find_nothing_of_each_other() {
    let house = House::new();
    let named = |name: &str, script: &str| {
        let name = name.parse().unwrap();
        Job::new(script).with(|spec| spec.id.job = name)
    };
    let (report, _) = house.run(named("one", "mkdir -p left/here; echo secret > left/here/.it; echo more >> .gitignore; ls -A")).await;
    assert_eq!(report.end, JobEnd::Exited { code: 0 });
    let (report, log) = house.run(named("two", "test ! -e left; test -z \"$(cat .gitignore 2>/dev/null)\"; ls -A")).await;
    assert_eq!(report.end, JobEnd::Exited { code: 0 }, "{}", log.notes());
    assert_eq!(places(&house).len(), 1);
}

#[tokio::test]
async fn a_checkout_and_its_cache_go_when_no_job_used_them_for_long() {
    let house = House::new();
    for key in ["old", "young"] {
        let (report, log) = house.run(cached("echo kept > c/file", key)).await;
        assert_eq!(report.end, JobEnd::Exited { code: 0 }, "{}", log.notes());
    }
    let old = places(&house).into_iter().find(|place| place.to_str().unwrap().contains("cache-old")).unwrap();
    age(&old.join("used"));
    let would = house.runner.tidy(an_hour_ago(), true).await.unwrap();
    assert_eq!(places(&house).len(), 2, "a dry run removes nothing");
    let gone = house.runner.tidy(an_hour_ago(), false).await.unwrap();
    assert_eq!(would, gone);
    assert_eq!(gone.len(), 1);
    assert!(gone[0].0.starts_with("work/shop/cache-old") && gone[0].1 > 0, "{gone:?}");
    assert!(!old.exists() && places(&house).len() == 1);
    assert!(house.runner.tidy(an_hour_ago(), false).await.unwrap().is_empty());
    let (report, _) = house.run(cached("test ! -e c/file", "old")).await;
    assert_eq!(report.end, JobEnd::Exited { code: 0 }, "a job begins with an empty cache");
}

#[tokio::test]
async fn what_a_job_uses_stays_however_old_it_is_and_what_a_dead_one_left_goes() {
    let house = House::new();
    let (log, never) = (Log::default(), CancellationToken::new());
    let running = house.start(cached("echo in; read -r line < c/door; echo $line", "k"), &log, &never);
    let before = house.run(cached("mkfifo c/door", "k")).await;
    assert_eq!(before.0.end, JobEnd::Exited { code: 0 });
    let scratch = house.dir.path().join("data/runner/scratch");
    let left = scratch.join("a-dead-attempt");
    std::fs::create_dir(&left).unwrap();
    let young = scratch.join("just-being-made");
    std::fs::create_dir(&young).unwrap();
    age(&left);
    let look = async {
        until("the job runs", || log.out().contains("in")).await;
        let place = places(&house).remove(0);
        age(&place.join("used"));
        for entry in std::fs::read_dir(&scratch).unwrap().map(|entry| entry.unwrap().path()) {
            if entry != young {
                age(&entry);
            }
        }
        let gone = house.runner.tidy(an_hour_ago(), false).await.unwrap();
        assert_eq!(gone, [("scratch/a-dead-attempt".to_owned(), 0)]);
        assert!(!left.exists() && young.exists());
        std::fs::write(place.join("tree/c/door"), "open\n").unwrap();
    };
    let (report, ()) = tokio::join!(running, look);
    assert_eq!(report.unwrap().end, JobEnd::Exited { code: 0 });
    assert_eq!(log.out(), "in\nopen\n");
}
