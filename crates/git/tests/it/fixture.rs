//! A host in a temporary directory, and a client's git.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use penstock_git::{BareRepositories, HostSettings};
use penstock_model::git::{CommitChange, GitHost, Signature};
use penstock_model::{CommitId, RepositoryName, Timestamp};

pub struct Fixture {
    pub dir: tempfile::TempDir,
    pub host: BareRepositories,
    pub name: RepositoryName,
}

/// A host with one empty repository, `app`.
pub async fn fixture() -> Fixture {
    // what the server keeps to itself is its own by default, and what jobs see is seen all the same
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    let dir = tempfile::tempdir().unwrap();
    let hook = crate::http::hook_program(dir.path());
    let settings = HostSettings { root: dir.path().join("git"), git: "git".into(), hook };
    let host = BareRepositories::open(settings).await.unwrap();
    let name: RepositoryName = "app".parse().unwrap();
    host.create(&name).await.unwrap();
    Fixture { dir, host, name }
}

impl Fixture {
    pub fn bare(&self) -> PathBuf {
        self.dir.path().join("git/app.git")
    }

    /// A commit on `main` of these files.
    pub async fn commit(&self, files: &[(&str, Option<&str>)]) -> CommitId {
        let expected = self.host.resolve(&self.name, "refs/heads/main").await.unwrap();
        self.host.commit_change(&self.name, &change(expected, files)).await.unwrap()
    }

    /// A commit with a tree that no honest client makes: `mode type id\tname` lines for `mktree`.
    pub fn commit_tree(&self, entries: &str) -> CommitId {
        let tree = git_with(&self.bare(), &["mktree", "--missing"], entries.as_bytes());
        git_with(&self.bare(), &["commit-tree", &tree, "-m", "crafted"], b"").parse().unwrap()
    }

    pub fn blob(&self, content: &str) -> String {
        git_with(&self.bare(), &["hash-object", "-w", "--stdin"], content.as_bytes())
    }
}

pub fn change(expected: Option<CommitId>, files: &[(&str, Option<&str>)]) -> CommitChange {
    CommitChange {
        branch: "main".to_owned(),
        expected,
        files: files.iter().map(|(path, content)| ((*path).to_owned(), content.map(|content| content.as_bytes().to_vec()))).collect(),
        author: Signature { name: "Penstock".to_owned(), email: "penstock@localhost".to_owned() },
        at: Timestamp(1_700_000_000_000),
        message: "Change\n\nPenstock-Release: sha256:1\n".to_owned(),
    }
}

fn client(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("git");
    command.args(arguments).current_dir(directory);
    for (name, value) in [
        ("GIT_CONFIG_GLOBAL", "/dev/null"),
        ("GIT_CONFIG_NOSYSTEM", "1"),
        ("GIT_TERMINAL_PROMPT", "0"),
        ("GIT_AUTHOR_NAME", "Ada"),
        ("GIT_AUTHOR_EMAIL", "ada@example.org"),
        ("GIT_COMMITTER_NAME", "Ada"),
        ("GIT_COMMITTER_EMAIL", "ada@example.org"),
    ] {
        command.env(name, value);
    }
    command
}

/// A client's git, whatever comes of it.
pub fn try_git(directory: &Path, arguments: &[&str]) -> Output {
    client(directory, arguments).output().unwrap()
}

/// A client's git that succeeds; gives what it said on both channels.
#[track_caller]
pub fn git(directory: &Path, arguments: &[&str]) -> String {
    let output = try_git(directory, arguments);
    let text = said(&output);
    assert!(output.status.success(), "git {arguments:?}: {text}");
    text
}

pub fn said(output: &Output) -> String {
    [&output.stdout[..], &output.stderr[..]].map(String::from_utf8_lossy).concat().trim().to_owned()
}

#[track_caller]
fn git_with(directory: &Path, arguments: &[&str], input: &[u8]) -> String {
    use std::io::Write;
    let mut command = client(directory, arguments);
    let mut child = command.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "git {arguments:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
