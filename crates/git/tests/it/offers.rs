//! Commits that are offered for a branch, options of a push, and merges.

use std::fs;

use penstock_model::Timestamp;
use penstock_model::git::{GitError, GitHost, Merge, Merged, Signature};

use crate::fixture::{Fixture, fixture};
use crate::http::{Served, served};

async fn with_main() -> Served {
    let served = served().await;
    served.cloned().await;
    served.git(&served.work, &["push", "--quiet", "origin", "HEAD:main"]).await;
    served.git(&served.work, &["commit", "--quiet", "--allow-empty", "-m", "offered"]).await;
    served
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_offered_moves_no_branch_and_comes_with_its_options_and_words() {
    let served = with_main().await;
    let main = served.main().await;
    let guest = served.remote("guest");
    let said = served.git(&served.work, &["push", "-o", "topic=a", "-o", "title=A b", &guest, "HEAD:refs/for/main"]).await;
    assert!(said.contains("remote: penstock: thank you") && said.contains("refs/merge-requests/7/head"), "{said}");
    assert_eq!(served.main().await, main);
    let offers = served.listener.offers.lock().unwrap().clone();
    assert_eq!(offers, [("guest".to_owned(), "refs/for/main".to_owned(), vec!["topic=a".to_owned(), "title=A b".to_owned()])]);
    assert_eq!(served.listener.options.lock().unwrap().as_slice(), ["topic=a", "title=A b"], "asked before anything is kept too");
    assert!(!served.it.host.refs(&served.it.name).await.unwrap().keys().any(|name| name.starts_with("refs/for")));
    let (ok, said) = served.try_git(&served.work, &["push", &guest, "HEAD:refs/for/none"]).await;
    assert!(!ok && said.contains("there is no such branch"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_may_only_offer_moves_nothing_else_and_nobody_moves_what_the_server_keeps() {
    let served = with_main().await;
    let before = served.it.host.refs(&served.it.name).await.unwrap();
    let guest = served.remote("guest");
    for target in ["HEAD:main", "HEAD:refs/heads/topic", "HEAD:refs/tags/v1", ":main", "HEAD:refs/notes/x"] {
        let (ok, said) = served.try_git(&served.work, &["push", "--force", &guest, target]).await;
        assert!(!ok && said.contains("guest may not push"), "{target}: {said}");
        // nor along with what is offered
        let (ok, said) = served.try_git(&served.work, &["push", "--force", &guest, "HEAD:refs/for/main", target]).await;
        assert!(!ok && said.contains("guest may not push"), "{target}: {said}");
    }
    for who in ["guest", "ada"] {
        let (ok, said) = served.try_git(&served.work, &["push", &served.remote(who), "HEAD:refs/merge-requests/1/head"]).await;
        assert!(!ok && said.contains("is the server's own"), "{who}: {said}");
    }
    assert_eq!(served.it.host.refs(&served.it.name).await.unwrap(), before);
    assert!(served.listener.offers.lock().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_server_nothing_is_taken() {
    let served = with_main().await;
    fs::remove_file(served.it.dir.path().join("hook.sock")).unwrap();
    let (ok, said) = served.try_git(&served.work, &["push", &served.remote("guest"), "HEAD:refs/for/main"]).await;
    assert!(!ok && said.contains("the server cannot be asked"), "{said}");
}

/// `main` and `topic` with a common beginning.
async fn two(main: &[(&str, &str)], topic: &[(&str, &str)]) -> (Fixture, Merge) {
    let it = fixture().await;
    let base = it.commit(&[("a", Some("1")), ("b", Some("1"))]).await;
    let files = |files: &[(&str, &str)]| files.iter().map(|(path, text)| ((*path).to_owned(), Some(text.as_bytes().to_vec()))).collect();
    it.host.keep(&it.name, "refs/heads/topic", &base).await.unwrap();
    let mut head = base.clone();
    let mut expected = base;
    if !topic.is_empty() {
        let mut change = crate::fixture::change(Some(head.clone()), &[]);
        (change.branch, change.files) = ("topic".to_owned(), files(topic));
        head = it.host.commit_change(&it.name, &change).await.unwrap();
    }
    if !main.is_empty() {
        let mut change = crate::fixture::change(Some(expected.clone()), &[]);
        change.files = files(main);
        expected = it.host.commit_change(&it.name, &change).await.unwrap();
    }
    let author = Signature { name: "Ada".to_owned(), email: "ada@example.org".to_owned() };
    let (branch, who, at, message) = ("main".to_owned(), "ada".parse().unwrap(), Timestamp(1_000), "Merge".to_owned());
    (it, Merge { branch, expected, head, who, author, at, message })
}

#[tokio::test]
async fn a_branch_that_is_behind_follows_and_one_that_went_on_gets_a_commit_of_both() {
    let (it, merge) = two(&[], &[("a", "2")]).await;
    assert_eq!(it.host.merge(&it.name, &merge).await.unwrap(), Merged::At(merge.head.clone()));
    let main = async |it: &Fixture| it.host.resolve(&it.name, "refs/heads/main").await.unwrap().unwrap();
    assert_eq!(main(&it).await, merge.head);
    let (it, merge) = two(&[("b", "2")], &[("a", "2")]).await;
    let Merged::At(id) = it.host.merge(&it.name, &merge).await.unwrap() else { panic!() };
    assert_eq!(main(&it).await, id);
    let commit = it.host.commit(&it.name, &id).await.unwrap();
    assert_eq!(commit.parents, [merge.expected.clone(), merge.head.clone()]);
    for path in ["a", "b"] {
        assert_eq!(it.host.read(&it.name, &id, path, 10).await.unwrap().unwrap(), b"2");
    }
    assert_eq!(it.host.mover(&it.name, "refs/heads/main", &id).await.unwrap(), Some(merge.who.clone()), "it is a push of theirs");
    assert!(matches!(it.host.merge(&it.name, &merge).await, Err(GitError::Moved { .. })), "it moved meanwhile");
}

#[tokio::test]
async fn a_conflict_names_the_files_and_changes_nothing() {
    let (it, merge) = two(&[("a", "2"), ("b", "2")], &[("a", "3"), ("b", "3"), ("c", "1")]).await;
    let before = it.host.refs(&it.name).await.unwrap();
    assert_eq!(it.host.merge(&it.name, &merge).await.unwrap(), Merged::Conflict(vec!["a".to_owned(), "b".to_owned()]));
    assert_eq!(it.host.refs(&it.name).await.unwrap(), before);
}
