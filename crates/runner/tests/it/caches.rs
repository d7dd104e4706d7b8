//! Caches that are put aside as archives.

use penstock_model::job::{CacheArchive, CachePolicy, CacheSpec, KeepWhen};

use crate::support::{House, Job};

/// A job with one cache.
fn with(script: &str, cache: CacheSpec) -> Job {
    Job::new(script).with(|spec| spec.caches = vec![cache])
}

fn cache(key: &str, paths: &[&str], archive: CacheArchive) -> CacheSpec {
    let paths = paths.iter().map(|path| (*path).to_owned()).collect();
    CacheSpec { key: key.to_owned(), paths, archive: Some(archive), ..CacheSpec::default() }
}

fn falling_back(key: &str, keys: &[&str]) -> CacheSpec {
    let fallback_keys = keys.iter().map(|key| (*key).to_owned()).collect();
    cache(key, &["t/*.o"], CacheArchive { fallback_keys, ..CacheArchive::default() })
}

#[tokio::test]
async fn a_cache_put_aside_comes_back_by_its_key_or_a_fallback() {
    let house = House::new();
    house.run(with("mkdir t; echo main > t/a.o; echo no > t/b.c", falling_back("main", &[]))).await;
    let (_, log) = house.run(with("ls t; cat t/a.o; echo topic > t/a.o", falling_back("topic", &["none", "main"])).named("b")).await;
    assert_eq!(log.out(), "a.o\nmain\n", "{}", log.notes());
    assert!(log.notes().contains("restored the cache `main`"), "{}", log.notes());
    let (_, log) = house.run(with("cat t/a.o", falling_back("topic", &["main"])).named("c")).await;
    assert_eq!(log.out(), "topic\n", "its own key goes first");
    let (_, log) = house.run(with("cat t/a.o", falling_back("main", &[])).named("d")).await;
    assert_eq!(log.out(), "main\n", "nothing is kept under the key by which it was found");
    let (_, log) = house.run(with("ls", falling_back("mai", &[])).named("e")).await;
    assert!(log.out().is_empty() && log.notes().contains("there is no cache of the key `mai`"), "{}", log.notes());
}

#[tokio::test]
async fn a_cache_is_put_aside_after_the_ends_that_the_file_names() {
    let house = House::new();
    for (when, script, expected) in [
        (KeepWhen::OnSuccess, "touch a", true),
        (KeepWhen::OnSuccess, "touch a; exit 1", false),
        (KeepWhen::OnFailure, "touch a", false),
        (KeepWhen::OnFailure, "touch a; exit 1", true),
        (KeepWhen::Always, "touch a; exit 1", true),
    ] {
        let key = format!("{when:?}{expected}");
        let one = || cache(&key, &["a"], CacheArchive { when, ..CacheArchive::default() });
        house.run(with(script, one())).await;
        let (_, log) = house.run(with("ls", one()).named("later")).await;
        assert_eq!(log.out() == "a\n", expected, "{when:?} {script}: {}", log.notes());
    }
}

#[tokio::test]
async fn a_cache_keeps_what_the_commit_does_not_have() {
    let house = House::new();
    house.git.0.lock().unwrap().insert("tracked".into(), "1".into());
    let one = || cache("k", &[], CacheArchive { untracked: true, ..CacheArchive::default() });
    house.run(with("echo 2 > tracked; mkdir d; echo made > d/made", one())).await;
    let (_, log) = house.run(with("cat tracked d/made", one()).named("later")).await;
    assert_eq!(log.out(), "1made\n", "{} {}", log.err(), log.notes());
}

#[tokio::test]
async fn a_cache_that_is_only_read_or_only_written_is_so_as_an_archive_too() {
    let house = House::new();
    let one = |policy| CacheSpec { policy, ..cache("k", &["a"], CacheArchive::default()) };
    house.run(with("echo 1 > a", one(CachePolicy::Push))).await;
    let (_, log) = house.run(with("cat a; echo 2 > a", one(CachePolicy::Pull)).named("b")).await;
    assert_eq!(log.out(), "1\n");
    let (_, log) = house.run(with("ls; echo 3 > a", one(CachePolicy::Push)).named("c")).await;
    assert_eq!(log.out(), "");
    let (_, log) = house.run(with("cat a", one(CachePolicy::PullPush)).named("d")).await;
    assert_eq!(log.out(), "3\n");
}
