//! Checkouts: a commit's files, and for jobs a `.git` beside them.

use std::path::Path;
use std::sync::Arc;

use penstock_model::git::{GitError, History, WorkTree};
use penstock_model::{CommitId, RepositoryName};
use tokio::fs;

use crate::borrow::{Objects, objects};
use crate::checkout::{Checkout, DotGit, FILES, FOLDERS, Fault, Refs};
use crate::host::BareRepositories;
use crate::names::is_reference;
use crate::program::failed;
use crate::refs;

/// Writes a commit's files with a `.git`, if the repository has all of its objects itself.
pub(crate) async fn write(
    host: &BareRepositories,
    repository: &RepositoryName,
    commit: &CommitId,
    into: &Path,
    keep: &[String],
    wanted: &WorkTree,
) -> Result<History, GitError> {
    let history = history(&host.directory(repository).await?);
    let History::Objects { borrowed, .. } = &history else {
        files(host, repository, commit, into, keep, None).await?;
        return Ok(history);
    };
    let mut wanted = wanted.clone();
    // what Git would not take as a branch stays detached
    wanted.branch = wanted.branch.filter(|branch| is_reference(&format!("refs/heads/{branch}")));
    files(host, repository, commit, into, keep, Some((wanted, borrowed.is_some()))).await?;
    Ok(history)
}

/// What a repository has of its objects.
fn history(directory: &Path) -> History {
    let own = directory.join("objects");
    match objects(directory) {
        Objects::Own => History::Objects { own, borrowed: None },
        Objects::Borrowed(from) => History::Objects { own, borrowed: Some(from) },
        Objects::Elsewhere => History::Absent {
            why: format!(
                "the repository borrows objects of another one, which jobs do not see; run `git repack -a -d` in {} and remove objects/info/alternates there",
                directory.display()
            ),
        },
    }
}

/// Writes the origin without any checkout, if the repository has all of its objects itself.
pub(crate) async fn origin(
    host: &BareRepositories,
    repository: &RepositoryName,
    commit: &CommitId,
    wanted: &WorkTree,
) -> Result<History, GitError> {
    let directory = host.directory(repository).await?;
    let history = history(&directory);
    if let History::Objects { borrowed, .. } = &history {
        let (refs, head) = shown(host, &directory).await?;
        let git = DotGit { commit: commit.clone(), wanted: wanted.clone(), refs, head, borrows: borrowed.is_some() };
        blocking(move || git.origin()).await?.map_err(|error| failed(&["origin"], error.to_string()))?;
    }
    Ok(history)
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
    let listed = host.whole(repository, commit).await?;
    let (emptied, left): (&[_], &[_]) = if wanted.is_some() { (FOLDERS, FILES) } else { (&[], &[]) };
    let (program, reads) = (host.program.clone(), Arc::clone(&host.reads));
    let job = Checkout { program, reads, directory: directory.clone(), into: into.to_owned(), keep: keep.to_owned(), emptied, left };
    let writing = blocking(move || job.write(listed.to_vec()));
    let Some((wanted, borrows)) = wanted else { return told(repository, commit, writing.await?).map(drop) };
    // git tells what the repository's branches are while the files are written
    let (tree, shown) = tokio::join!(writing, shown(host, &directory));
    let (tree, (refs, head)) = (told(repository, commit, tree?)?, shown?);
    let git = DotGit { commit: commit.clone(), wanted, refs, head, borrows };
    let into = into.to_owned();
    told(repository, commit, blocking(move || git.write(&into, &tree)).await?)
}

/// A fault in words.
fn told<T>(repository: &RepositoryName, commit: &CommitId, written: Result<T, Fault>) -> Result<T, GitError> {
    written.map_err(|fault| match fault {
        Fault::Refused(why) => GitError::Refused { repository: repository.clone(), commit: commit.clone(), why },
        Fault::Failed(why) => failed(&["checkout"], why),
    })
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, GitError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| failed(&["checkout"], error.to_string()))
}

/// Branches and tags, and what the repository's `HEAD` says.
async fn shown(host: &BareRepositories, directory: &Path) -> Result<(Arc<Refs>, Vec<u8>), GitError> {
    let (refs, head) = tokio::join!(refs::shown(host, directory), fs::read(directory.join("HEAD")));
    Ok((refs?, head.map_err(|error| failed(&["HEAD"], error.to_string()))?))
}
