//! Checkouts: a commit's files, and for jobs a `.git` beside them.

use std::path::Path;
use std::sync::Arc;

use penstock_model::git::{GitError, History, WorkTree};
use penstock_model::{CommitId, RepositoryName};
use tokio::fs;

use crate::borrow::{Objects, objects};
use crate::checkout::{Checkout, DotGit, FOLDERS, Fault, Refs, refs};
use crate::host::{BareRepositories, is_reference};
use crate::program::failed;

/// Writes a commit's files with a `.git`, if the repository has all of its objects itself.
pub(crate) async fn write(
    host: &BareRepositories,
    repository: &RepositoryName,
    commit: &CommitId,
    into: &Path,
    keep: &[String],
    wanted: &WorkTree,
) -> Result<History, GitError> {
    let directory = host.directory(repository).await?;
    let own = directory.join("objects");
    let borrowed = match objects(&directory) {
        Objects::Own => None,
        Objects::Borrowed(from) => Some(from),
        Objects::Elsewhere => {
            files(host, repository, commit, into, keep, None).await?;
            let why = format!(
                "the repository borrows objects of another one, which jobs do not see; run `git repack -a -d` in {} and remove objects/info/alternates there",
                directory.display()
            );
            return Ok(History::Absent { why });
        }
    };
    let mut wanted = wanted.clone();
    // what Git would not take as a branch stays detached
    wanted.branch = wanted.branch.filter(|branch| is_reference(&format!("refs/heads/{branch}")));
    files(host, repository, commit, into, keep, Some((wanted, borrowed.is_some()))).await?;
    Ok(History::Objects { own, borrowed })
}

/// Writes a commit's tree, and the `.git` that is wanted beside it; with it, whether the repository borrows objects.
pub(crate) async fn files(
    host: &BareRepositories,
    repository: &RepositoryName,
    commit: &CommitId,
    into: &Path,
    keep: &[String],
    wanted: Option<(WorkTree, bool)>,
) -> Result<(), GitError> {
    let directory = host.directory(repository).await?;
    let (listed, git) = match wanted {
        None => (host.whole(repository, commit).await?, None),
        Some((wanted, borrows)) => {
            let (listed, shown) = tokio::join!(host.whole(repository, commit), shown(host, &directory));
            let ((refs, head), commit) = (shown?, commit.clone());
            (listed?, Some(DotGit { commit, wanted, refs, head, borrows }))
        }
    };
    let emptied = if git.is_some() { FOLDERS } else { &[] };
    let (program, reads) = (host.program.clone(), Arc::clone(&host.reads));
    let job = Checkout { program, reads, directory, into: into.to_owned(), keep: keep.to_owned(), emptied };
    let into = into.to_owned();
    let done = tokio::task::spawn_blocking(move || {
        let tree = job.write(listed.to_vec())?;
        git.map_or(Ok(()), |git| git.write(&into, &tree))
    });
    match done.await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(Fault::Refused(why))) => Err(GitError::Refused { repository: repository.clone(), commit: commit.clone(), why }),
        Ok(Err(Fault::Failed(why))) => Err(failed(&["checkout"], why)),
        Err(error) => Err(failed(&["checkout"], error.to_string())),
    }
}

/// Branches and tags, and what the repository's `HEAD` says.
async fn shown(host: &BareRepositories, directory: &Path) -> Result<(Refs, Vec<u8>), GitError> {
    let arguments = ["show-ref", "--heads", "--tags", "--dereference"];
    let (output, head) = tokio::join!(host.program.run(directory, &arguments, b""), fs::read(directory.join("HEAD")));
    let output = output?;
    // 1 is what it says where there is none
    if !matches!(output.code, Some(0 | 1)) {
        return Err(failed(&arguments, output.stderr));
    }
    Ok((refs(&output.stdout), head.map_err(|error| failed(&["HEAD"], error.to_string()))?))
}
