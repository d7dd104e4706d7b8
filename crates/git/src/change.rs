//! Commits that Penstock makes: in an index of their own, without a work tree, moved in by compare-and-swap.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use penstock_model::git::{CommitChange, GitError, GitHost, Signature};
use penstock_model::{CommitId, RepositoryName};

use crate::host::BareRepositories;
use crate::names::{is_path, is_reference};
use crate::program::{LOCAL, OUTPUT, failed, finish, succeeded};

/// A file that is removed when this is dropped.
struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        drop(std::fs::remove_file(&self.0));
    }
}

pub(crate) async fn commit(host: &BareRepositories, repository: &RepositoryName, change: &CommitChange) -> Result<CommitId, GitError> {
    let directory = host.directory(repository).await?;
    let branch = format!("refs/heads/{}", change.branch);
    check(change, &branch)?;
    let actual = host.resolve(repository, &branch).await?;
    if actual != change.expected {
        return Err(moved(repository, &change.branch, change.expected.as_ref(), actual.as_ref()));
    }
    let index = Scratch(host.root.join(".tmp").join(format!("index-{}", crate::hook::ticket())));
    let tree = tree(host, &directory, &index.0, change).await?;
    let id = object(host, &directory, &tree, change).await?;
    // an id of zeros: the branch must not exist
    let zeros = "0".repeat(id.as_str().len());
    let expected = change.expected.as_ref().map_or(zeros.as_str(), CommitId::as_str);
    let arguments = ["update-ref", "-m", "penstock", &branch, id.as_str(), expected];
    let output = host.program.run(&directory, &arguments, b"").await?;
    if output.code == Some(0) {
        return Ok(id);
    }
    let actual = host.resolve(repository, &branch).await?;
    if actual == change.expected {
        Err(failed(&["update-ref"], output.stderr))
    } else {
        Err(moved(repository, &change.branch, change.expected.as_ref(), actual.as_ref()))
    }
}

pub(crate) fn moved(repository: &RepositoryName, branch: &str, expected: Option<&CommitId>, actual: Option<&CommitId>) -> GitError {
    let name = |commit: Option<&CommitId>| commit.map_or("none", CommitId::as_str).to_owned();
    GitError::Moved { repository: repository.clone(), branch: branch.to_owned(), expected: name(expected), actual: name(actual) }
}

fn check(change: &CommitChange, branch: &str) -> Result<(), GitError> {
    let refuse = |why: String| Err(failed(&["commit"], why));
    if !is_reference(branch) {
        return refuse(format!("`{}` is not a branch's name", change.branch));
    }
    if let Some(path) = change.files.keys().find(|path| !is_path(path)) {
        return refuse(format!("`{path}` is not a file's path"));
    }
    check_words(&change.author, &change.message)
}

/// Whether a commit can hold its author and its message.
pub(crate) fn check_words(Signature { name, email }: &Signature, message: &str) -> Result<(), GitError> {
    let refuse = |why: String| Err(failed(&["commit"], why));
    if name.trim().is_empty() || [name, email].iter().any(|text| text.contains(['<', '>', '\n', '\0'])) {
        return refuse("the author's name or address has a form that a commit cannot hold".to_owned());
    }
    if message.trim().is_empty() || message.contains('\0') {
        return refuse("the message is empty, or has a zero byte".to_owned());
    }
    Ok(())
}

/// Writes the new tree; gives its id.
async fn tree(host: &BareRepositories, directory: &Path, index: &Path, change: &CommitChange) -> Result<String, GitError> {
    let git = |arguments: Vec<String>, input: Vec<u8>| async move {
        let mut command = host.program.command(Some(directory), &[]);
        command.env("GIT_INDEX_FILE", index).args(&arguments);
        let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let output = finish(command, &words, &input, OUTPUT, LOCAL).await?;
        succeeded(&words, output)
    };
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let start = change.expected.as_ref().map_or("--empty", CommitId::as_str);
    git(words(&["read-tree", start]), Vec::new()).await?;
    let listed = git(words(&["ls-files", "--stage", "-z"]), Vec::new()).await?;
    let modes = modes(&listed);
    let mut updates = Vec::new();
    for (path, content) in &change.files {
        let mode = modes.get(path.as_bytes()).copied();
        if mode.is_some_and(|mode| mode != "100644" && mode != "100755") {
            return Err(failed(&["commit"], format!("`{path}` is a link or a submodule, and is not replaced by a file")));
        }
        let line = match content {
            // the form of a removal: mode 0 and any id
            None => format!("0 {}\t{path}\0", "0".repeat(40)),
            Some(content) => {
                let id = blob(host, directory, content).await?;
                format!("{} {id}\t{path}\0", mode.unwrap_or("100644"))
            }
        };
        updates.extend_from_slice(line.as_bytes());
    }
    if !updates.is_empty() {
        git(words(&["update-index", "--add", "--replace", "-z", "--index-info"]), updates).await?;
    }
    line(&git(words(&["write-tree"]), Vec::new()).await?)
}

/// Writes a file's content. Nothing to feed means the null device, which is the empty file.
async fn blob(host: &BareRepositories, directory: &Path, content: &[u8]) -> Result<String, GitError> {
    line(&host.program.must(directory, &["hash-object", "-w", "--no-filters", "--stdin"], content).await?)
}

/// Writes the commit object; the same change gives the same id.
async fn object(host: &BareRepositories, directory: &Path, tree: &str, change: &CommitChange) -> Result<CommitId, GitError> {
    let mut command = host.program.command(Some(directory), &[]);
    let date = format!("@{} +0000", change.at.0.div_euclid(1000));
    for who in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{who}_NAME"), &change.author.name);
        command.env(format!("GIT_{who}_EMAIL"), &change.author.email);
        command.env(format!("GIT_{who}_DATE"), &date);
    }
    let mut arguments = vec!["commit-tree", tree];
    if let Some(parent) = &change.expected {
        arguments.extend(["-p", parent.as_str()]);
    }
    arguments.extend(["-F", "-"]);
    command.args(&arguments);
    let output = finish(command, &["commit-tree"], change.message.as_bytes(), OUTPUT, LOCAL).await?;
    let id = line(&succeeded(&["commit-tree"], output)?)?;
    id.parse().map_err(|_| failed(&["commit-tree"], format!("`{id}` is not a commit's id")))
}

fn line(output: &[u8]) -> Result<String, GitError> {
    let text = std::str::from_utf8(output).map(str::trim).unwrap_or_default();
    if text.is_empty() { Err(failed(&["commit"], "no object's id came back".to_owned())) } else { Ok(text.to_owned()) }
}

/// `mode id stage\tpath\0` each.
fn modes(listed: &[u8]) -> HashMap<&[u8], &str> {
    let entries = listed.split(|b| *b == 0).filter_map(|entry| {
        let tab = entry.iter().position(|b| *b == b'\t')?;
        let mode = std::str::from_utf8(&entry[..tab]).ok()?.split(' ').next()?;
        Some((&entry[tab + 1..], mode))
    });
    entries.collect()
}
