use penstock_git::{BareRepositories, HostSettings};
use penstock_model::git::{GitError, GitHost};
use penstock_model::{CommitId, RepositoryName};

use crate::fixture::{fixture, git};

#[tokio::test]
async fn repositories_are_made_once_and_listed() {
    let it = fixture().await;
    let other: RepositoryName = "oran-config".parse().unwrap();
    let (one, two) = tokio::join!(it.host.create(&other), it.host.create(&other));
    one.unwrap();
    two.unwrap();
    it.host.create(&it.name).await.unwrap();
    assert_eq!(it.host.repositories().await.unwrap(), [it.name.clone(), other]);
    let absent: RepositoryName = "absent".parse().unwrap();
    assert!(matches!(it.host.refs(&absent).await, Err(GitError::NoRepository(_))));
    assert_eq!(std::fs::read_dir(it.dir.path().join("git/.tmp")).unwrap().count(), 0);
}

#[tokio::test]
async fn refs_and_commits_are_read_with_tags_peeled() {
    let it = fixture().await;
    assert!(it.host.refs(&it.name).await.unwrap().is_empty());
    let first = it.commit(&[("a", Some("1"))]).await;
    let second = it.commit(&[("a", Some("2"))]).await;
    let bare = it.bare();
    git(&bare, &["tag", "-a", "-m", "x", "v1", first.as_str()]);
    git(&bare, &["tag", "-a", "-m", "x", "v2", "v1"]);
    git(&bare, &["tag", "file", &format!("{first}:a")]);
    let refs = it.host.refs(&it.name).await.unwrap();
    let expected = [("refs/heads/main", &second), ("refs/tags/v1", &first), ("refs/tags/v2", &first)];
    assert!(refs.iter().map(|(name, id)| (name.as_str(), id)).eq(expected), "{refs:?}");
    assert_eq!(it.host.resolve(&it.name, "refs/tags/v2").await.unwrap(), Some(first.clone()));
    assert_eq!(it.host.resolve(&it.name, "refs/heads/none").await.unwrap(), None);
    assert_eq!(it.host.resolve(&it.name, "refs/heads/main^").await.unwrap(), None);

    let said = async |tag: &str, of: &CommitId| it.host.tag_message(&it.name, tag, of).await.unwrap();
    git(&bare, &["tag", "-a", "-m", "Title\n\nMore", "--force", "v1", first.as_str()]);
    assert_eq!(said("refs/tags/v1", &first).await.as_deref(), Some("Title\n\nMore"));
    assert_eq!(said("refs/tags/v1", &second).await, None, "it stands for another commit");
    assert_eq!(said("refs/tags/v2", &first).await.as_deref(), Some("x"));
    git(&bare, &["tag", "light", first.as_str()]);
    for nothing in ["refs/tags/light", "refs/tags/none", "refs/heads/main", "v1", "refs/tags/v*"] {
        assert_eq!(said(nothing, &first).await, None, "{nothing}");
    }

    let commit = it.host.commit(&it.name, &second).await.unwrap();
    assert_eq!((commit.parents, commit.author.name.as_str(), commit.committed.at.0), (vec![first.clone()], "Penstock", 1_700_000_000_000));
    assert_eq!(commit.message, "Change\n\nPenstock-Release: sha256:1\n");
    let unknown: CommitId = "1".repeat(40).parse().unwrap();
    assert!(matches!(it.host.commit(&it.name, &unknown).await, Err(GitError::Absent { .. })));

    let ids = |from: Option<CommitId>, limit| {
        let (host, name, second) = (it.host.clone(), it.name.clone(), second.clone());
        async move { host.history(&name, from.as_ref(), &second, limit).await.map(|all| all.into_iter().map(|c| c.id).collect::<Vec<_>>()) }
    };
    assert_eq!(ids(None, 10).await.unwrap(), [second.clone(), first.clone()]);
    assert_eq!(ids(None, 1).await.unwrap(), vec![second.clone()]);
    assert_eq!(ids(Some(first.clone()), 10).await.unwrap(), vec![second.clone()]);
    assert!(ids(Some(second.clone()), 10).await.unwrap().is_empty());
    assert!(matches!(ids(Some(unknown), 10).await, Err(GitError::Absent { .. })));
}

#[tokio::test]
async fn what_comes_after_a_read_is_read_too_and_packing_anew_loses_nothing() {
    let it = fixture().await;
    let first = it.commit(&[("a", Some("one"))]).await;
    let read = |commit: CommitId, path: &'static str| {
        let (host, name) = (it.host.clone(), it.name.clone());
        async move { host.read(&name, &commit, path, 100).await.unwrap().map(|bytes| String::from_utf8(bytes).unwrap()) }
    };
    assert_eq!(read(first.clone(), "a").await.as_deref(), Some("one"));
    let second = it.commit(&[("a", None), ("b", Some("two"))]).await;
    assert_eq!(read(second.clone(), "b").await.as_deref(), Some("two"));
    git(&it.bare(), &["repack", "-a", "-d", "--quiet"]);
    git(&it.bare(), &["prune-packed", "--quiet"]);
    let third = it.commit(&[("c", Some("three"))]).await;
    let (one, two, three, gone) =
        tokio::join!(read(first.clone(), "a"), read(second.clone(), "b"), read(third, "c"), read(second.clone(), "a"));
    assert_eq!([one.as_deref(), two.as_deref(), three.as_deref(), gone.as_deref()], [Some("one"), Some("two"), Some("three"), None]);
}

#[tokio::test]
async fn a_list_that_is_too_long_to_keep_is_asked_for_one_path() {
    let it = fixture().await;
    let blob = it.blob("x");
    let lines: Vec<String> = (0..20_001).map(|number| format!("100644 blob {blob}\tf{number:05}\n")).collect();
    let commit = it.commit_tree(&lines.concat());
    for _ in 0..2 {
        assert_eq!(it.host.read(&it.name, &commit, "f20000", 10).await.unwrap().as_deref(), Some(&b"x"[..]));
        assert_eq!(it.host.read(&it.name, &commit, "f20001", 10).await.unwrap(), None);
        assert_eq!(it.host.files(&it.name, &commit, "").await.unwrap().len(), 20_001);
    }
}

#[tokio::test]
async fn files_are_read_listed_and_compared() {
    let it = fixture().await;
    let first = it.commit(&[("a b", Some("1")), ("sub/é.txt", Some("héllo")), ("sub/deep/x", Some("")), ("subway", Some("w"))]).await;
    let second = it.commit(&[("a b", Some("2")), ("sub/deep/x", None), ("new", Some("n"))]).await;
    let read = |path: &'static str| {
        let (host, name, first) = (it.host.clone(), it.name.clone(), first.clone());
        async move { host.read(&name, &first, path, 6).await }
    };
    assert_eq!(read("sub/é.txt").await.unwrap().unwrap(), "héllo".as_bytes());
    assert_eq!(read("sub/deep/x").await.unwrap().unwrap(), b"");
    for absent in ["none", "sub", "sub/", "../app.git/HEAD", "", "a*"] {
        assert_eq!(read(absent).await.unwrap(), None, "{absent}");
    }
    let large = it.host.read(&it.name, &first, "sub/é.txt", 5).await.unwrap_err();
    assert!(large.to_string().contains("6 bytes, and 5 are allowed"), "{large}");

    let files = |folder: &'static str| {
        let (host, name, first) = (it.host.clone(), it.name.clone(), first.clone());
        async move { host.files(&name, &first, folder).await.unwrap() }
    };
    assert_eq!(files("").await, ["a b", "sub/deep/x", "sub/é.txt", "subway"]);
    assert_eq!(files("sub").await, ["sub/deep/x", "sub/é.txt"]);
    assert_eq!(files("sub/deep/").await, ["sub/deep/x"]);
    assert!(files("none").await.is_empty());

    assert_eq!(it.host.changed(&it.name, Some(&first), &second).await.unwrap(), ["a b", "new", "sub/deep/x"]);
    assert_eq!(it.host.changed(&it.name, None, &first).await.unwrap().len(), 4);
    let unknown: CommitId = "1".repeat(40).parse().unwrap();
    assert!(matches!(it.host.files(&it.name, &unknown, "").await, Err(GitError::Absent { .. })));
    assert!(matches!(it.host.changed(&it.name, Some(&unknown), &second).await, Err(GitError::Absent { .. })));
}

#[tokio::test]
async fn a_link_is_not_read_as_the_file_it_names() {
    let it = fixture().await;
    let target = it.blob("/etc/passwd");
    let commit = it.commit_tree(&format!("120000 blob {target}\tpenstock.yaml\n"));
    let refused = it.host.read(&it.name, &commit, "penstock.yaml", 1000).await.unwrap_err();
    assert!(refused.to_string().contains("is a link"), "{refused}");
}

#[tokio::test]
async fn a_mirror_takes_branches_and_tags_and_forgets_what_is_gone() {
    let it = fixture().await;
    let first = it.commit(&[("a", Some("1"))]).await;
    git(&it.bare(), &["branch", "old"]);
    git(&it.bare(), &["tag", "v1"]);
    let mirror: RepositoryName = "mirror".parse().unwrap();
    let url = format!("file://{}", it.bare().display());
    let made = it.host.fetch_mirror(&mirror, &url, None).await.unwrap();
    assert!(made.iter().all(|update| update.old.is_none() && update.new.as_ref() == Some(&first)));
    assert_eq!(made.len(), 3);
    assert!(it.host.fetch_mirror(&mirror, &url, None).await.unwrap().is_empty());
    git(&it.bare(), &["branch", "-D", "old"]);
    let second = it.commit(&[("a", Some("2"))]).await;
    let moved = it.host.fetch_mirror(&mirror, &url, None).await.unwrap();
    assert_eq!((moved[0].new.clone(), moved[1].new.clone()), (Some(second), None));
    assert_eq!(it.host.refs(&mirror).await.unwrap().len(), 2);
    for bad in ["ext::sh -c id", "-x", "/etc", "https://a:b@example.org/x", "file:///a b", "git://x/y"] {
        assert!(it.host.fetch_mirror(&mirror, bad, None).await.is_err(), "{bad}");
    }
}

#[tokio::test]
async fn a_missing_git_says_what_to_install() {
    let dir = tempfile::tempdir().unwrap();
    let settings = HostSettings { root: dir.path().to_owned(), git: "/nonexistent/git".into(), hook: "/bin/true".into() };
    let refused = BareRepositories::open(settings).await.unwrap_err();
    assert!(refused.to_string().contains("install it (Debian package `git`)"), "{refused}");
}
