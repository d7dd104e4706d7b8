use penstock_model::git::{GitError, GitHost};

use crate::fixture::{change, fixture, git};

#[tokio::test]
async fn a_change_keeps_what_it_does_not_name_and_modes() {
    let it = fixture().await;
    it.commit(&[("run.sh", Some("1")), ("keep/a", Some("a")), ("gone", Some("g"))]).await;
    // a client makes it executable
    let work = it.dir.path().join("work");
    git(it.dir.path(), &["clone", "--quiet", it.bare().to_str().unwrap(), "work"]);
    git(&work, &["update-index", "--chmod=+x", "run.sh"]);
    git(&work, &["commit", "--quiet", "-m", "x"]);
    git(&it.bare(), &["fetch", "--quiet", work.to_str().unwrap(), "main:main"]);
    let last = it.commit(&[("run.sh", Some("2")), ("gone", None), ("new/deep/file", Some("n\0\u{1}"))]).await;
    let listed = git(&it.bare(), &["ls-tree", "-r", "--format=%(objectmode) %(path)", last.as_str()]);
    assert_eq!(listed, "100644 keep/a\n100644 new/deep/file\n100755 run.sh");
    assert_eq!(it.host.read(&it.name, &last, "new/deep/file", 10).await.unwrap().unwrap(), b"n\0\x01");
    git(&it.bare(), &["fsck", "--strict"]);
    assert_eq!(std::fs::read_dir(it.dir.path().join("git/.tmp")).unwrap().count(), 0);
}

#[tokio::test]
async fn of_many_changes_at_once_from_one_commit_one_wins_and_the_others_hear_where_the_branch_is() {
    let it = fixture().await;
    let base = it.commit(&[("a", Some("0"))]).await;
    let tries: Vec<_> = (0..8)
        .map(|n| {
            let (host, name, base) = (it.host.clone(), it.name.clone(), base.clone());
            tokio::spawn(async move { host.commit_change(&name, &change(Some(base), &[("a", Some(&format!("by {n}")))])).await })
        })
        .collect();
    let mut won = Vec::new();
    let mut lost = Vec::new();
    for one in tries {
        match one.await.unwrap() {
            Ok(id) => won.push(id),
            Err(GitError::Moved { actual, expected, .. }) => lost.push((actual, expected)),
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!((won.len(), lost.len()), (1, 7));
    assert_eq!(it.host.resolve(&it.name, "refs/heads/main").await.unwrap().as_ref(), won.first());
    assert!(lost.iter().all(|(actual, expected)| *actual == won[0].to_string() && *expected == base.to_string()), "{lost:?}");
}

#[tokio::test]
async fn a_new_branch_is_made_only_where_none_is() {
    let it = fixture().await;
    let first = it.host.commit_change(&it.name, &change(None, &[("a", Some("1"))])).await.unwrap();
    let again = it.host.commit_change(&it.name, &change(None, &[("a", Some("2"))])).await.unwrap_err();
    assert!(matches!(again, GitError::Moved { expected, actual, .. } if expected == "none" && actual == first.to_string()));
}

#[tokio::test]
async fn the_same_change_is_the_same_commit() {
    let (one, two) = (fixture().await, fixture().await);
    assert_eq!(one.commit(&[("a", Some("1"))]).await, two.commit(&[("a", Some("1"))]).await);
}

#[tokio::test]
async fn changes_that_a_tree_or_a_commit_cannot_hold_are_refused() {
    let it = fixture().await;
    let refuse = |change| {
        let (host, name) = (it.host.clone(), it.name.clone());
        async move { assert!(host.commit_change(&name, &change).await.is_err(), "{change:?}") }
    };
    for path in ["../x", "/x", ".git/config", "a//b", ""] {
        refuse(change(None, &[(path, Some("1"))])).await;
    }
    refuse(penstock_model::git::CommitChange { branch: "a..b".to_owned(), ..change(None, &[("a", Some("1"))]) }).await;
    refuse(penstock_model::git::CommitChange { branch: "-d".to_owned(), message: String::new(), ..change(None, &[("a", Some("1"))]) })
        .await;
    let mut author = change(None, &[("a", Some("1"))]);
    author.author.name = "a\nparent 1".to_owned();
    refuse(author).await;
    let target = it.blob("a");
    let linked = it.commit_tree(&format!("120000 blob {target}\tlink\n"));
    git(&it.bare(), &["update-ref", "refs/heads/main", linked.as_str()]);
    refuse(change(Some(linked), &[("link", Some("1"))])).await;
}
