//! Looking up what a repository holds: the files of a commit, and commits.

use std::sync::Arc;

use penstock_model::git::{Commit, GitError};
use penstock_model::{CommitId, RepositoryName};

use crate::checkout::tree::{self, Entry, Kind};
use crate::commit::{objects, parse};
use crate::host::BareRepositories;
use crate::program::failed;
use crate::reads::Listed;

impl BareRepositories {
    /// A tree's entries, by `ls-tree` with these words.
    async fn entries(&self, repository: &RepositoryName, commit: &CommitId, arguments: &[&str]) -> Result<Vec<Entry>, GitError> {
        let directory = self.directory(repository).await?;
        let all = [&["ls-tree", "-z", "-l"], arguments].concat();
        let output = self.program.run(&directory, &all, b"").await?;
        if output.code == Some(0) {
            let refused = |why: String| GitError::Refused { repository: repository.clone(), commit: commit.clone(), why };
            return tree::entries(&output.stdout).map_err(refused);
        }
        Err(self.missing(repository, commit).await.unwrap_or_else(|| failed(&["ls-tree"], output.stderr)))
    }

    /// All files of a commit.
    pub(crate) async fn whole(&self, repository: &RepositoryName, commit: &CommitId) -> Result<Arc<[Entry]>, GitError> {
        let key = (repository.clone(), commit.clone());
        if let Some(Listed::Whole(entries)) = self.reads.listed(&key) {
            return Ok(entries);
        }
        let entries: Arc<[Entry]> = self.entries(repository, commit, &["-r", commit.as_str()]).await?.into();
        self.reads.keep(key, &entries);
        Ok(entries)
    }

    /// What a commit has at a path: a file, a link or a submodule.
    pub(crate) async fn entry(&self, repository: &RepositoryName, commit: &CommitId, path: &str) -> Result<Option<Entry>, GitError> {
        if let Some(Listed::Large) = self.reads.listed(&(repository.clone(), commit.clone())) {
            return Ok(self
                .entries(repository, commit, &[commit.as_str(), "--", path])
                .await?
                .pop()
                .filter(|entry| entry.kind != Kind::Folder));
        }
        let entries = self.whole(repository, commit).await?;
        let found = entries.binary_search_by(|entry| entry.path.as_slice().cmp(path.as_bytes()));
        Ok(found.ok().and_then(|at| entries.get(at)).cloned())
    }

    /// The right error for a commit that is not there, if that is what is wrong.
    pub(crate) async fn missing(&self, repository: &RepositoryName, commit: &CommitId) -> Option<GitError> {
        let directory = self.directory(repository).await.ok()?;
        let object = format!("{commit}^{{commit}}");
        let output = self.program.run(&directory, &["cat-file", "-e", &object], b"").await.ok()?;
        (output.code != Some(0)).then(|| GitError::Absent { repository: repository.clone(), what: format!("commit {commit}") })
    }

    /// Commits, all in one call of git.
    pub(crate) async fn commits(&self, repository: &RepositoryName, ids: &[CommitId]) -> Result<Vec<Commit>, GitError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let directory = self.directory(repository).await?;
        let asked: String = ids.iter().flat_map(|id| [id.as_str(), "\n"]).collect();
        let output = self.program.must(&directory, &["cat-file", "--batch"], asked.as_bytes()).await?;
        let objects = objects(&output).ok_or_else(|| failed(&["cat-file"], "its answer cannot be read".to_owned()))?;
        let read = ids.iter().zip(objects).map(|(id, object)| {
            let commit = object.filter(|(kind, _)| kind == "commit").and_then(|(_, raw)| parse(id.clone(), raw));
            commit.ok_or_else(|| GitError::Absent { repository: repository.clone(), what: format!("commit {id}") })
        });
        read.collect()
    }
}
