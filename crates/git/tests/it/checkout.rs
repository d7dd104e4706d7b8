use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::time::{Duration, SystemTime};

use penstock_model::CommitId;
use penstock_model::git::{GitError, GitHost};

use crate::fixture::{Fixture, fixture, git};

async fn checkout(it: &Fixture, commit: &CommitId, into: &Path, keep: &[&str]) -> Result<(), GitError> {
    let keep: Vec<_> = keep.iter().map(|path| (*path).to_owned()).collect();
    it.host.checkout(&it.name, commit, into, &keep).await
}

/// Sets a file's time back, as if it had been written long ago.
fn age(path: &Path) -> SystemTime {
    let then = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    fs::File::options().write(true).open(path).unwrap().set_modified(then).unwrap();
    then
}

fn time(path: &Path) -> SystemTime {
    fs::metadata(path).unwrap().modified().unwrap()
}

#[tokio::test]
async fn the_directory_equals_the_tree_and_unchanged_files_keep_their_times() {
    let it = fixture().await;
    let first = it.commit(&[("same", Some("1")), ("changes", Some("1")), ("dir/gone", Some("1")), ("dir2/x", Some("x"))]).await;
    let second = it.commit(&[("changes", Some("2")), ("dir/gone", None), ("dir", Some("now a file"))]).await;
    let into = it.dir.path().join("deep/work");
    checkout(&it, &first, &into, &[]).await.unwrap();
    let then = age(&into.join("same"));
    age(&into.join("changes"));
    fs::write(into.join("untracked"), "u").unwrap();
    fs::create_dir_all(into.join("junk/deep")).unwrap();
    fs::write(into.join("dir2/junk"), "j").unwrap();
    checkout(&it, &second, &into, &[]).await.unwrap();
    assert_eq!(fs::read_to_string(into.join("changes")).unwrap(), "2");
    assert_eq!(fs::read_to_string(into.join("dir")).unwrap(), "now a file");
    assert_eq!(time(&into.join("same")), then);
    assert_ne!(time(&into.join("changes")), then);
    let mut names: Vec<_> = fs::read_dir(&into).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names, ["changes", "dir", "dir2", "same"]);
    assert!(!into.join("dir2/junk").exists());
}

#[tokio::test]
async fn what_is_kept_stays_and_files_of_the_tree_below_it_are_still_right() {
    let it = fixture().await;
    let commit = it.commit(&[(".cargo/config.toml", Some("c")), ("a", Some("a"))]).await;
    let into = it.dir.path().join("work");
    fs::create_dir_all(into.join("target/debug")).unwrap();
    fs::create_dir_all(into.join("sub/node_modules/x")).unwrap();
    fs::create_dir_all(into.join(".cargo/registry")).unwrap();
    fs::write(into.join("sub/junk"), "j").unwrap();
    fs::write(into.join(".cargo/config.toml"), "by a job").unwrap();
    checkout(&it, &commit, &into, &["./target", ".cargo/", "sub/node_modules"]).await.unwrap();
    assert!(into.join("target/debug").exists() && into.join("sub/node_modules/x").exists() && into.join(".cargo/registry").exists());
    assert!(!into.join("sub/junk").exists());
    assert_eq!(fs::read_to_string(into.join(".cargo/config.toml")).unwrap(), "c");
    assert!(checkout(&it, &commit, &into, &["../other"]).await.is_err());
}

#[tokio::test]
async fn links_that_an_earlier_job_left_are_not_followed() {
    let it = fixture().await;
    let commit = it.commit(&[("src/main.rs", Some("new")), ("file", Some("new")), ("hard", Some("new"))]).await;
    let (outside, into) = (it.dir.path().join("outside"), it.dir.path().join("work"));
    fs::create_dir_all(&outside).unwrap();
    fs::create_dir_all(&into).unwrap();
    fs::write(outside.join("main.rs"), "precious").unwrap();
    fs::write(outside.join("other"), "precious").unwrap();
    symlink(&outside, into.join("src")).unwrap();
    symlink(outside.join("other"), into.join("file")).unwrap();
    symlink(&outside, into.join("junk")).unwrap();
    symlink(&outside, into.join("target")).unwrap();
    fs::hard_link(outside.join("other"), into.join("hard")).unwrap();
    checkout(&it, &commit, &into, &["target"]).await.unwrap();
    assert_eq!(fs::read_to_string(outside.join("main.rs")).unwrap(), "precious");
    assert_eq!(fs::read_to_string(outside.join("other")).unwrap(), "precious");
    assert_eq!(fs::read_to_string(into.join("src/main.rs")).unwrap(), "new");
    for file in ["file", "hard"] {
        assert!(fs::symlink_metadata(into.join(file)).unwrap().is_file());
        assert_eq!(fs::read_to_string(into.join(file)).unwrap(), "new");
    }
    symlink(&into, it.dir.path().join("alias")).unwrap();
    assert!(checkout(&it, &commit, &it.dir.path().join("alias"), &[]).await.is_err());
}

#[tokio::test]
async fn modes_and_links_come_as_the_tree_has_them() {
    let it = fixture().await;
    let (program, target) = (it.blob("#!/bin/sh\n"), it.blob("run.sh"));
    let commit = it.commit_tree(&format!("120000 blob {target}\tlink\n100755 blob {program}\trun.sh\n"));
    let into = it.dir.path().join("work");
    checkout(&it, &commit, &into, &[]).await.unwrap();
    assert_eq!(fs::metadata(into.join("run.sh")).unwrap().mode() & 0o777, 0o755);
    assert_eq!(fs::read_link(into.join("link")).unwrap(), Path::new("run.sh"));
    fs::set_permissions(into.join("run.sh"), fs::Permissions::from_mode(0o600)).unwrap();
    fs::remove_file(into.join("link")).unwrap();
    symlink("elsewhere", into.join("link")).unwrap();
    checkout(&it, &commit, &into, &[]).await.unwrap();
    assert_eq!(fs::metadata(into.join("run.sh")).unwrap().mode() & 0o777, 0o755);
    assert_eq!(fs::read_link(into.join("link")).unwrap(), Path::new("run.sh"));
}

#[tokio::test]
async fn a_tree_that_would_leave_its_directory_is_refused_before_anything_is_written() {
    let it = fixture().await;
    let fine = it.blob("fine");
    let sub = |entries: &str| {
        let commit = it.commit_tree(entries);
        git(&it.bare(), &["rev-parse", &format!("{commit}^{{tree}}")])
    };
    let file = format!("100644 blob {fine}\t");
    let inner = sub(&format!("{file}hooks\n"));
    let crafted = [
        format!("120000 blob {}\tlink\n", it.blob("/etc/passwd")),
        format!("120000 blob {}\tlink\n", it.blob("../outside")),
        format!("040000 tree {inner}\t.GIT\n"),
        format!("040000 tree {inner}\t..\n"),
        format!("160000 commit {}\tmodule\n", "1".repeat(40)),
        format!("120000 blob {}\tdir\n040000 tree {inner}\tdir\n", it.blob("/etc")),
    ];
    for entries in crafted {
        let commit = it.commit_tree(&format!("{file}a\n{entries}"));
        let into = it.dir.path().join("work");
        let refused = checkout(&it, &commit, &into, &[]).await.unwrap_err();
        assert!(matches!(refused, GitError::Refused { .. }), "{entries}: {refused}");
        assert!(!into.exists(), "{entries}");
    }
}

#[tokio::test]
async fn a_large_file_keeps_its_time_too_and_is_replaced_when_it_changes() {
    let it = fixture().await;
    let large = "x".repeat(9 * 1024 * 1024);
    let first = it.commit(&[("large", Some(&large))]).await;
    let second = it.commit(&[("large", Some(&large.replacen('x', "y", 1)))]).await;
    let into = it.dir.path().join("work");
    checkout(&it, &first, &into, &[]).await.unwrap();
    let then = age(&into.join("large"));
    checkout(&it, &first, &into, &[]).await.unwrap();
    assert_eq!(time(&into.join("large")), then);
    checkout(&it, &second, &into, &[]).await.unwrap();
    assert!(fs::read_to_string(into.join("large")).unwrap().starts_with("yx"));
    assert_eq!(fs::read_dir(&into).unwrap().count(), 1);
}
