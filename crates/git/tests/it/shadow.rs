//! A clone's shadow, with the real git as the judge of what the clone notices.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use penstock_git::{BareRepositories, LocalClone};
use penstock_model::git::{Commit, GitHost, History, WorkTree};

use crate::fixture::fixture;

fn git(at: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new("git");
    command.args(["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]).args(arguments).current_dir(at);
    let output = command.env("GIT_CONFIG_GLOBAL", "/dev/null").output().unwrap();
    assert!(output.status.success(), "git {arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A clone with one commit.
fn cloned(dir: &Path) -> PathBuf {
    let at = dir.join("clone");
    git(dir, &["init", "--quiet", "--initial-branch=main", "clone"]);
    for (path, content) in [("kept", "kept\n"), ("changed", "old\n"), ("removed", "old\n"), (".gitignore", "/ignored\n")] {
        fs::write(at.join(path), content).unwrap();
    }
    git(&at, &["add", "."]);
    git(&at, &["commit", "--quiet", "--message=First"]);
    open(&at.join(".git/objects"));
    at
}

/// What `umask 022` leaves.
fn open(path: &Path) {
    let folder = path.is_dir();
    fs::set_permissions(path, fs::Permissions::from_mode(if folder { 0o755 } else { 0o444 })).unwrap();
    if folder {
        fs::read_dir(path).unwrap().for_each(|entry| open(&entry.unwrap().path()));
    }
}

/// Every file of a folder with its content, time and mode.
fn all(folder: &Path, found: &mut BTreeMap<PathBuf, (Vec<u8>, std::time::SystemTime, u32)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let data = fs::symlink_metadata(&path).unwrap();
        if data.is_dir() {
            all(&path, found);
        }
        let content = if data.is_file() { fs::read(&path).unwrap() } else { Vec::new() };
        found.insert(path, (content, data.modified().unwrap(), data.permissions().mode()));
    }
}

fn seen(folder: &Path) -> BTreeMap<PathBuf, (Vec<u8>, std::time::SystemTime, u32)> {
    let mut found = BTreeMap::new();
    all(folder, &mut found);
    found
}

async fn open_clone(at: &Path) -> LocalClone {
    LocalClone::open(Path::new("git"), at).await.unwrap().unwrap()
}

async fn content(host: &BareRepositories, commit: &penstock_model::CommitId) -> BTreeMap<String, String> {
    let name = "shadow".parse().unwrap();
    let mut found = BTreeMap::new();
    for path in host.files(&name, commit, "").await.unwrap() {
        let bytes = host.read(&name, commit, &path, 1000).await.unwrap().unwrap();
        found.insert(path, String::from_utf8(bytes).unwrap());
    }
    found
}

#[tokio::test]
async fn a_snapshot_has_the_working_tree_as_it_is_and_the_clone_is_left_as_it_was() {
    let it = fixture().await;
    let at = cloned(it.dir.path());
    let name = "shadow".parse().unwrap();
    fs::write(at.join("changed"), "new\n").unwrap();
    fs::write(at.join("staged"), "staged\n").unwrap();
    git(&at, &["add", "staged"]);
    fs::write(at.join("staged"), "and changed again\n").unwrap();
    fs::write(at.join("untracked"), "untracked\n").unwrap();
    fs::write(at.join("ignored"), "ignored\n").unwrap();
    fs::remove_file(at.join("removed")).unwrap();
    git(&at, &["stash", "list"]);
    let before = seen(&at);
    let clone = open_clone(&at).await;
    it.host.shadow(&name, &clone).await.unwrap();
    let snapshot = it.host.snapshot(&name, &clone).await.unwrap();
    assert_eq!(seen(&at), before, "not even a time has changed");
    assert!(snapshot.changed);
    let found = content(&it.host, &snapshot.commit).await;
    let wanted = [
        (".gitignore", "/ignored\n"),
        ("changed", "new\n"),
        ("kept", "kept\n"),
        ("staged", "and changed again\n"),
        ("untracked", "untracked\n"),
    ];
    assert_eq!(found, wanted.map(|(path, content)| (path.to_owned(), content.to_owned())).into());
    let commit = it.host.commit(&name, &snapshot.commit).await.unwrap();
    assert_eq!(commit.parents, [clone.head.clone().unwrap().id]);
    assert_eq!((commit.message.trim(), &*commit.author.name), ("First", "Ada"));
    let mut changed = clone.changed_since(&clone.head.clone().unwrap().id).await.unwrap();
    changed.sort();
    assert_eq!(changed, ["changed", "removed", "staged", "untracked"]);
    assert_eq!(it.host.changed(&name, Some(&commit.parents[0]), &snapshot.commit).await.unwrap(), changed);
    let mut files = clone.files().await.unwrap();
    files.sort();
    assert_eq!(files, found.into_keys().collect::<Vec<_>>());
    assert_eq!(it.host.snapshot(&name, &clone).await.unwrap(), snapshot, "the same tree is the same commit");
}

#[tokio::test]
async fn a_clone_in_which_nothing_was_changed_is_its_own_commit_and_lends_its_objects() {
    let it = fixture().await;
    let at = cloned(it.dir.path());
    git(&at, &["tag", "--annotate", "--message=one", "v1"]);
    open(&at.join(".git/objects"));
    let name = "shadow".parse().unwrap();
    let clone = open_clone(&at).await;
    it.host.shadow(&name, &clone).await.unwrap();
    let snapshot = it.host.snapshot(&name, &clone).await.unwrap();
    assert_eq!((snapshot.commit.to_string(), snapshot.changed), (git(&at, &["rev-parse", "HEAD"]), false));
    let head = clone.head.clone().unwrap();
    let told = it.host.commit(&name, &head.id).await.unwrap();
    assert_eq!(Commit { message: format!("{}\n", head.message), ..head }, told, "the clone and the host read a commit alike");
    assert_eq!(clone.tag_message("v1").await.unwrap().as_deref(), Some("one"));
    assert_eq!(clone.tag_message("v2").await.unwrap(), None);
    assert_eq!(clone.branch.as_deref(), Some("main"));
    let wanted = WorkTree { branch: Some("main".to_owned()), origin: it.dir.path().join("origin"), seen_at: "/origin".into() };
    let tree = it.dir.path().join("work");
    let history = it.host.work_tree(&name, &snapshot.commit, &tree, &[], &wanted).await.unwrap();
    let History::Objects { borrowed: Some(borrowed), own } = history else { panic!("{history:?}") };
    assert_eq!(borrowed, at.join(".git/objects"));
    assert!(fs::read_dir(own).unwrap().count() == 2, "nothing was copied");
    assert_eq!(fs::read_to_string(tree.join(".git/objects/info/alternates")).unwrap(), "/origin/objects\n/origin/borrowed\n");
    let refs = it.host.refs(&name).await.unwrap();
    assert_eq!(refs.keys().collect::<Vec<_>>(), ["refs/heads/main", "refs/tags/v1"]);
}

#[tokio::test]
async fn objects_that_others_may_not_read_or_that_the_clone_borrows_itself_are_copied() {
    let it = fixture().await;
    let at = cloned(it.dir.path());
    git(it.dir.path(), &["clone", "--quiet", "--shared", "clone", "borrower"]);
    let borrower = it.dir.path().join("borrower");
    fs::set_permissions(at.join(".git/objects"), fs::Permissions::from_mode(0o700)).unwrap();
    for (number, place) in [&at, &borrower].into_iter().enumerate() {
        git(place, &["switch", "--quiet", "--detach"]);
        fs::write(place.join("later"), "later\n").unwrap();
        git(place, &["add", "."]);
        git(place, &["commit", "--quiet", "--message=On no branch"]);
        let name = format!("shadow-{number}").parse().unwrap();
        let clone = open_clone(place).await;
        assert_eq!(clone.branch, None);
        it.host.shadow(&name, &clone).await.unwrap();
        let snapshot = it.host.snapshot(&name, &clone).await.unwrap();
        let wanted = WorkTree { branch: None, origin: it.dir.path().join("origin"), seen_at: "/origin".into() };
        let tree = it.dir.path().join(format!("work-{number}"));
        let history = it.host.work_tree(&name, &snapshot.commit, &tree, &[], &wanted).await.unwrap();
        assert!(matches!(history, History::Objects { borrowed: None, .. }), "{history:?}");
        assert_eq!(fs::read_to_string(tree.join("later")).unwrap(), "later\n");
    }
}

#[tokio::test]
async fn a_clone_without_a_commit_has_a_snapshot_too_and_a_folder_that_is_none_is_none() {
    let it = fixture().await;
    let at = it.dir.path().join("new");
    git(it.dir.path(), &["init", "--quiet", "--initial-branch=trunk", "new"]);
    fs::write(at.join("first"), "first\n").unwrap();
    let name = "shadow".parse().unwrap();
    let clone = open_clone(&at).await;
    assert_eq!((clone.branch.as_deref(), clone.default_branch(), clone.head.is_none()), (Some("trunk"), "trunk", true));
    it.host.shadow(&name, &clone).await.unwrap();
    let snapshot = it.host.snapshot(&name, &clone).await.unwrap();
    assert_eq!(content(&it.host, &snapshot.commit).await, [("first".to_owned(), "first\n".to_owned())].into());
    let plain = it.dir.path().join("plain");
    fs::create_dir(&plain).unwrap();
    assert!(LocalClone::open(Path::new("git"), &plain).await.unwrap().is_none());
}

#[tokio::test]
async fn what_a_checkout_will_not_have_is_known() {
    let it = fixture().await;
    let at = cloned(it.dir.path());
    git(&at, &["init", "--quiet", "inner"]);
    git(&at.join("inner"), &["commit", "--quiet", "--allow-empty", "--message=Inner"]);
    fs::write(at.join(".gitattributes"), "*.bin filter=lfs diff=lfs\n").unwrap();
    let name = "shadow".parse().unwrap();
    let clone = open_clone(&at).await;
    it.host.shadow(&name, &clone).await.unwrap();
    let snapshot = it.host.snapshot(&name, &clone).await.unwrap();
    let missed = it.host.not_inside(&name, &snapshot.commit).await.unwrap();
    assert_eq!((missed.submodules, missed.lfs), (vec!["inner".to_owned()], true));
}
