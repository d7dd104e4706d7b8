//! Merges that Penstock makes: in the object store alone, moved in by compare-and-swap.

use penstock_model::git::{GitError, GitHost, Merge, Merged};
use penstock_model::{CommitId, RepositoryName};

use crate::change::{check_words, moved};
use crate::host::BareRepositories;
use crate::names::is_reference;
use crate::program::{LOCAL, OUTPUT, failed, finish, succeeded};

/// The most files that a conflict names.
const MAX_NAMED: usize = 50;

pub(crate) async fn keep(host: &BareRepositories, repository: &RepositoryName, reference: &str, commit: &CommitId) -> Result<(), GitError> {
    let directory = host.directory(repository).await?;
    if !is_reference(reference) {
        return Err(failed(&["update-ref"], format!("`{reference}` is not a ref's name")));
    }
    host.program.must(&directory, &["update-ref", "-m", "penstock", reference, commit.as_str()], b"").await.map(drop)
}

pub(crate) async fn merge(host: &BareRepositories, repository: &RepositoryName, merge: &Merge) -> Result<Merged, GitError> {
    let directory = host.directory(repository).await?;
    let branch = format!("refs/heads/{}", merge.branch);
    if !is_reference(&branch) {
        return Err(failed(&["merge"], format!("`{}` is not a branch's name", merge.branch)));
    }
    check_words(&merge.author, &merge.message)?;
    let base = host.merge_base(repository, &merge.expected, &merge.head).await?;
    let id = if base.as_ref() == Some(&merge.expected) {
        merge.head.clone()
    } else if base.as_ref() == Some(&merge.head) {
        return Ok(Merged::At(merge.expected.clone()));
    } else {
        let arguments = ["merge-tree", "--write-tree", "--name-only", "--no-messages", "-z", merge.expected.as_str(), merge.head.as_str()];
        let output = host.program.run(&directory, &arguments, b"").await?;
        let mut parts = output.stdout.split(|byte| *byte == 0).map(|part| String::from_utf8_lossy(part).trim().to_owned());
        let tree = parts.next().unwrap_or_default();
        match output.code {
            Some(0) => commit(host, &directory, &tree, merge).await?,
            // git's own word for a conflict
            Some(1) => return Ok(Merged::Conflict(parts.filter(|path| !path.is_empty()).take(MAX_NAMED).collect())),
            _ => return Err(failed(&arguments, output.stderr)),
        }
    };
    let mut command = host.program.command(Some(&directory), &[]);
    // as a push by them stands in the ref's log
    command.env("GIT_COMMITTER_NAME", merge.who.as_str()).env("GIT_COMMITTER_EMAIL", crate::http::through(&merge.who));
    let arguments = ["update-ref", "-m", "merge", &branch, id.as_str(), merge.expected.as_str()];
    command.args(arguments);
    let output = finish(command, &arguments, b"", OUTPUT, LOCAL).await?;
    if output.code == Some(0) {
        return Ok(Merged::At(id));
    }
    let actual = host.resolve(repository, &branch).await?;
    if actual.as_ref() == Some(&merge.expected) {
        return Err(failed(&["update-ref"], output.stderr));
    }
    Err(moved(repository, &merge.branch, Some(&merge.expected), actual.as_ref()))
}

/// The commit of both; the same merge gives the same id.
async fn commit(host: &BareRepositories, directory: &std::path::Path, tree: &str, merge: &Merge) -> Result<CommitId, GitError> {
    let mut command = host.program.command(Some(directory), &[]);
    let date = format!("@{} +0000", merge.at.0.div_euclid(1000));
    for role in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{role}_NAME"), &merge.author.name);
        command.env(format!("GIT_{role}_EMAIL"), &merge.author.email);
        command.env(format!("GIT_{role}_DATE"), &date);
    }
    command.args(["commit-tree", tree, "-p", merge.expected.as_str(), "-p", merge.head.as_str(), "-F", "-"]);
    let output = finish(command, &["commit-tree"], merge.message.as_bytes(), OUTPUT, LOCAL).await?;
    let id = String::from_utf8_lossy(&succeeded(&["commit-tree"], output)?).trim().to_owned();
    id.parse().map_err(|_| failed(&["commit-tree"], format!("`{id}` is not a commit's id")))
}
