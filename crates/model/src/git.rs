//! What the rest needs of Git.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{CommitId, LocalTime, RepositoryName, Timestamp, UserName};

/// Why Git refused or failed.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// No such repository.
    #[error("there is no repository `{0}`")]
    NoRepository(RepositoryName),
    /// No such commit, branch or path.
    #[error("{repository} has no {what}")]
    Absent {
        /// The repository.
        repository: RepositoryName,
        /// What was asked for.
        what: String,
    },
    /// The branch moved meanwhile: look again and decide again.
    #[error("{branch} of {repository} is at {actual} where {expected} was expected")]
    Moved {
        /// The repository.
        repository: RepositoryName,
        /// The branch.
        branch: String,
        /// What was expected (`none` for a new branch).
        expected: String,
        /// Where it is.
        actual: String,
    },
    /// The tree holds something that is not let out: a link that leaves it, a path with `..`, more than the limit.
    #[error("{repository} at {commit} is refused: {why}")]
    Refused {
        /// The repository.
        repository: RepositoryName,
        /// The commit.
        commit: CommitId,
        /// Why, and what to do.
        why: String,
    },
    /// The program failed.
    #[error("git {what} failed: {stderr}")]
    Failed {
        /// What was tried.
        what: String,
        /// What it said, cut.
        stderr: String,
    },
}

/// A person as a commit names them (a claim, not an authentication).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signature {
    /// Name.
    pub name: String,
    /// E-mail address.
    pub email: String,
}

/// A commit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commit {
    /// Its id.
    pub id: CommitId,
    /// Its tree's id.
    pub tree: String,
    /// Its parents.
    pub parents: Vec<CommitId>,
    /// Who wrote it.
    pub author: Signature,
    /// When it was written.
    pub authored: LocalTime,
    /// Who committed it.
    pub committer: Signature,
    /// When it was committed.
    pub committed: LocalTime,
    /// The whole message, trailers included.
    pub message: String,
}

/// What somebody may push.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MayPush {
    /// Nothing.
    Nothing,
    /// Only to `refs/for/BRANCH`, which moves no branch.
    Offers,
    /// Every ref that the listener lets through.
    Everything,
}

/// A branch's way into another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merge {
    /// The branch that gets it, without `refs/heads/`.
    pub branch: String,
    /// Where that branch must be.
    pub expected: CommitId,
    /// What is merged.
    pub head: CommitId,
    /// Who merges, for Git's own log of the branch.
    pub who: UserName,
    /// Author and committer of the commit, if one is needed.
    pub author: Signature,
    /// When.
    pub at: Timestamp,
    /// The commit's message.
    pub message: String,
}

/// What came of a merge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Merged {
    /// The branch is here now: at what was merged if it only had to follow, otherwise at a new commit of both.
    At(CommitId),
    /// Both changed these files, and nothing was done.
    Conflict(Vec<String>),
}

/// A change that Penstock commits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitChange {
    /// The branch, without `refs/heads/`.
    pub branch: String,
    /// Where the branch must be; `None` for a branch that must not exist.
    pub expected: Option<CommitId>,
    /// Path → new content; `None` removes.
    pub files: BTreeMap<String, Option<Vec<u8>>>,
    /// Author and committer.
    pub author: Signature,
    /// When.
    pub at: Timestamp,
    /// The message with its trailers.
    pub message: String,
}

/// A tag that Penstock makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTag {
    /// Its name, without `refs/tags/`.
    pub name: String,
    /// The commit that it names.
    pub commit: CommitId,
    /// What an annotated tag says; `None` is a tag that is a name and nothing more.
    pub message: Option<String>,
    /// In whose name, as the log of the ref says it.
    pub by: UserName,
    /// When.
    pub at: Timestamp,
}

/// What a job's checkout has besides the files: a `.git` with the whole history, of which nothing is copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkTree {
    /// The branch that is checked out; `None` leaves `HEAD` detached at the commit.
    pub branch: Option<String>,
    /// A directory that is made on this machine: the remote `origin`, with the refs and an empty `objects`.
    pub origin: PathBuf,
    /// Where the job finds it.
    pub seen_at: PathBuf,
}

/// What became of a checkout's `.git`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum History {
    /// It is there, once the job sees these objects, read-only.
    Objects {
        /// Seen as `objects` of [`WorkTree::seen_at`].
        own: PathBuf,
        /// Those of another repository that this one is made on, seen as `borrowed` there.
        borrowed: Option<PathBuf>,
    },
    /// There is none.
    Absent {
        /// Why, and what to do.
        why: String,
    },
}

/// The Git host: bare repositories under one directory.
#[async_trait]
pub trait GitHost: Send + Sync {
    /// Makes a repository; fine if it exists.
    async fn create(&self, repository: &RepositoryName) -> Result<(), GitError>;
    /// All repositories.
    async fn repositories(&self) -> Result<Vec<RepositoryName>, GitError>;
    /// All refs with their commits (`refs/heads/main` → …; annotated tags peeled).
    async fn refs(&self, repository: &RepositoryName) -> Result<BTreeMap<String, CommitId>, GitError>;
    /// The commit that a full ref names.
    async fn resolve(&self, repository: &RepositoryName, reference: &str) -> Result<Option<CommitId>, GitError>;
    /// What an annotated tag that stands for a commit says, without the line breaks at its end; `None` if it is no such tag, or stands
    /// for another one by now.
    async fn tag_message(&self, _repository: &RepositoryName, _reference: &str, _commit: &CommitId) -> Result<Option<String>, GitError> {
        Ok(None)
    }
    /// Who moved a ref to a commit last, as they were authenticated; `None` if that is not known.
    async fn mover(&self, _repository: &RepositoryName, _reference: &str, _commit: &CommitId) -> Result<Option<UserName>, GitError> {
        Ok(None)
    }
    /// One commit.
    async fn commit(&self, repository: &RepositoryName, id: &CommitId) -> Result<Commit, GitError>;
    /// Commits reachable from `to` and not from `from`, newest first, at most `limit`.
    async fn history(
        &self,
        repository: &RepositoryName,
        from: Option<&CommitId>,
        to: &CommitId,
        limit: usize,
    ) -> Result<Vec<Commit>, GitError>;
    /// Where two commits parted; `None` if they have nothing in common.
    async fn merge_base(&self, repository: &RepositoryName, one: &CommitId, other: &CommitId) -> Result<Option<CommitId>, GitError> {
        let (mut behind, mut open) = (std::collections::BTreeSet::new(), vec![one.clone()]);
        while let Some(id) = open.pop() {
            if behind.insert(id.clone()) {
                open.extend(self.commit(repository, &id).await?.parents);
            }
        }
        let (mut seen, mut open) = (std::collections::BTreeSet::new(), std::collections::VecDeque::from([other.clone()]));
        while let Some(id) = open.pop_front() {
            if behind.contains(&id) {
                return Ok(Some(id));
            }
            if seen.insert(id.clone()) {
                open.extend(self.commit(repository, &id).await?.parents);
            }
        }
        Ok(None)
    }
    /// The last commit, seen from another one, that changed a path; `None` if there never was such a file.
    async fn last_change(&self, repository: &RepositoryName, commit: &CommitId, path: &str) -> Result<Option<CommitId>, GitError> {
        for commit in self.history(repository, None, commit, usize::MAX).await? {
            let changed = self.changed(repository, commit.parents.first(), &commit.id).await?;
            if changed.iter().any(|changed| changed == path) {
                return Ok(Some(commit.id));
            }
        }
        Ok(None)
    }
    /// A file's content at a commit, `None` if it is absent; refused above `limit` bytes.
    async fn read(&self, repository: &RepositoryName, commit: &CommitId, path: &str, limit: u64) -> Result<Option<Vec<u8>>, GitError>;
    /// Paths of all files below a folder (`""` for all) at a commit.
    async fn files(&self, repository: &RepositoryName, commit: &CommitId, folder: &str) -> Result<Vec<String>, GitError>;
    /// All files of a commit: the path, and what is the same exactly when kind and content are.
    async fn contents(&self, repository: &RepositoryName, commit: &CommitId) -> Result<Vec<(String, String)>, GitError> {
        let what = format!("listing of {}", commit.short());
        Err(GitError::Absent { repository: repository.clone(), what })
    }
    /// Paths that differ between two commits (all files if `from` is `None`).
    async fn changed(&self, repository: &RepositoryName, from: Option<&CommitId>, to: &CommitId) -> Result<Vec<String>, GitError>;
    /// Writes a commit's tree into a directory, which it then equals (untracked files in `keep` stay); links out of the tree are refused.
    /// Files whose content is already there keep their times.
    async fn checkout(&self, repository: &RepositoryName, commit: &CommitId, into: &Path, keep: &[String]) -> Result<(), GitError>;
    /// [`Self::checkout`] with a `.git` beside the files, as a clone has it: every branch is `origin/BRANCH`, every tag is there, and
    /// nothing is changed. Whatever `.git` was there before is removed. It lasts as long as nobody writes to the files but the one
    /// for whom it is: another owner changes nothing.
    async fn work_tree(
        &self,
        repository: &RepositoryName,
        commit: &CommitId,
        into: &Path,
        keep: &[String],
        wanted: &WorkTree,
    ) -> Result<History, GitError> {
        let _ = wanted;
        self.checkout(repository, commit, into, keep).await?;
        Ok(History::Absent { why: "this host of repositories shows files alone".to_owned() })
    }
    /// Of [`Self::work_tree`] the origin alone: for a job that starts without the source, and may clone it.
    async fn origin(&self, _repository: &RepositoryName, _commit: &CommitId, _wanted: &WorkTree) -> Result<History, GitError> {
        Ok(History::Absent { why: "this host of repositories shows files alone".to_owned() })
    }
    /// Commits by compare-and-swap of the branch.
    async fn commit_change(&self, repository: &RepositoryName, change: &CommitChange) -> Result<CommitId, GitError>;
    /// Makes a tag where there is none of the name; `false` if there is one, which stays as it is.
    async fn create_tag(&self, repository: &RepositoryName, tag: &NewTag) -> Result<bool, GitError> {
        Err(GitError::Failed { what: format!("tag {}", tag.name), stderr: format!("this host makes no tags in {repository}") })
    }
    /// Has a ref that is the server's own (`refs/merge-requests/1/head`) name a commit, wherever it was.
    async fn keep(&self, repository: &RepositoryName, reference: &str, commit: &CommitId) -> Result<(), GitError> {
        let what = format!("keeping {reference} at {}", commit.short());
        Err(GitError::Failed { what, stderr: format!("this host keeps no refs of {repository}") })
    }
    /// Merges by compare-and-swap of the branch, without a work tree.
    async fn merge(&self, repository: &RepositoryName, merge: &Merge) -> Result<Merged, GitError> {
        let what = format!("merging {} into {}", merge.head.short(), merge.branch);
        Err(GitError::Failed { what, stderr: format!("this host merges nothing in {repository}") })
    }
}

/// Bare copies of other people's repositories, each by its directory on this machine.
#[async_trait]
pub trait GitCopies: std::fmt::Debug + Send + Sync {
    /// Branches and tags with their commits (`refs/tags/v1` → …; annotated tags peeled).
    async fn refs(&self, directory: &Path) -> Result<BTreeMap<String, CommitId>, GitError>;
    /// Whether it has a commit.
    async fn has(&self, directory: &Path, commit: &CommitId) -> Result<bool, GitError>;
    /// A file's content at a commit, `None` if either is absent; refused above `limit` bytes.
    async fn read(&self, directory: &Path, commit: &CommitId, path: &str, limit: u64) -> Result<Option<Vec<u8>>, GitError>;
    /// Writes a commit's tree, without a `.git`, into a directory, which it then equals; links out of the tree are refused.
    async fn checkout(&self, directory: &Path, commit: &CommitId, into: &Path) -> Result<(), GitError>;
}
