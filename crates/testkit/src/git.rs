//! A Git host in memory: commits are whole trees of files.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Mutex;

use async_trait::async_trait;
use penstock_model::git::{Commit, CommitChange, GitError, GitHost, Merge, Merged, NewTag, Signature};
use penstock_model::{CommitId, Digest, LocalTime, RepositoryName, Timestamp};

use crate::held;

type Files = BTreeMap<String, Vec<u8>>;

#[derive(Debug, Default)]
struct Repository {
    refs: BTreeMap<String, CommitId>,
    commits: BTreeMap<CommitId, (Commit, Files)>,
}

/// Repositories in memory.
#[derive(Debug, Default)]
pub struct MemoryGit {
    repositories: Mutex<BTreeMap<RepositoryName, Repository>>,
}

fn tree_of(files: &Files) -> String {
    let mut all = Vec::new();
    for (path, bytes) in files {
        all.extend_from_slice(path.as_bytes());
        all.push(0);
        all.extend_from_slice(Digest::of(bytes).as_bytes());
    }
    Digest::of(all).hex()[..40].to_owned()
}

impl Repository {
    fn files(&self, repository: &RepositoryName, commit: &CommitId) -> Result<&(Commit, Files), GitError> {
        self.commits.get(commit).ok_or_else(|| GitError::Absent { repository: repository.clone(), what: format!("commit {commit}") })
    }

    fn add(&mut self, branch: &str, files: Files, author: Signature, at: Timestamp, message: &str) -> CommitId {
        let name = format!("refs/heads/{branch}");
        let parents: Vec<CommitId> = self.refs.get(&name).cloned().into_iter().collect();
        let tree = tree_of(&files);
        let said = format!("{tree}\n{parents:?}\n{author:?}\n{}\n{message}", at.0);
        // 40 hexadecimal digits are a commit's id
        #[allow(clippy::unwrap_used)]
        let id: CommitId = Digest::of(said).hex()[..40].parse().unwrap();
        let (author, when) = ((author.clone(), author), LocalTime { at, east: 60 });
        let commit = Commit {
            id: id.clone(),
            tree,
            parents,
            author: author.0,
            authored: when,
            committer: author.1,
            committed: when,
            message: message.to_owned(),
        };
        self.commits.insert(id.clone(), (commit, files));
        self.refs.insert(name, id.clone());
        id
    }

    fn reachable(&self, from: &CommitId) -> BTreeSet<CommitId> {
        let (mut seen, mut open) = (BTreeSet::new(), vec![from.clone()]);
        while let Some(id) = open.pop() {
            if seen.insert(id.clone())
                && let Some((commit, _)) = self.commits.get(&id)
            {
                open.extend(commit.parents.clone());
            }
        }
        seen
    }
}

impl MemoryGit {
    /// Commits files over a branch's own, as a person's push does; `None` removes.
    pub fn push(&self, repository: &RepositoryName, branch: &str, files: &[(&str, Option<&str>)], author: &str, message: &str) -> CommitId {
        let mut all = held(&self.repositories);
        let kept = all.entry(repository.clone()).or_default();
        let tip = kept.refs.get(&format!("refs/heads/{branch}")).and_then(|id| kept.commits.get(id));
        let mut tree = tip.map(|(_, files)| files.clone()).unwrap_or_default();
        for (path, content) in files {
            match content {
                Some(text) => drop(tree.insert((*path).to_owned(), text.as_bytes().to_vec())),
                None => drop(tree.remove(*path)),
            }
        }
        let author = Signature { name: author.to_owned(), email: format!("{author}@example.org") };
        let at = Timestamp(1_767_225_600_000 + i64::try_from(kept.commits.len()).unwrap_or_default() * 1000);
        kept.add(branch, tree, author, at, message)
    }

    /// Has a ref stand for a commit, as `git update-ref` does.
    pub fn point(&self, repository: &RepositoryName, reference: &str, commit: &CommitId) {
        let mut all = held(&self.repositories);
        all.entry(repository.clone()).or_default().refs.insert(reference.to_owned(), commit.clone());
    }

    fn with<T>(&self, repository: &RepositoryName, look: impl FnOnce(&mut Repository) -> Result<T, GitError>) -> Result<T, GitError> {
        let mut all = held(&self.repositories);
        look(all.get_mut(repository).ok_or_else(|| GitError::NoRepository(repository.clone()))?)
    }
}

#[async_trait]
impl GitHost for MemoryGit {
    async fn create(&self, repository: &RepositoryName) -> Result<(), GitError> {
        held(&self.repositories).entry(repository.clone()).or_default();
        Ok(())
    }

    async fn repositories(&self) -> Result<Vec<RepositoryName>, GitError> {
        Ok(held(&self.repositories).keys().cloned().collect())
    }

    async fn refs(&self, repository: &RepositoryName) -> Result<BTreeMap<String, CommitId>, GitError> {
        self.with(repository, |kept| Ok(kept.refs.clone()))
    }

    async fn resolve(&self, repository: &RepositoryName, reference: &str) -> Result<Option<CommitId>, GitError> {
        self.with(repository, |kept| Ok(kept.refs.get(reference).cloned()))
    }

    async fn commit(&self, repository: &RepositoryName, id: &CommitId) -> Result<Commit, GitError> {
        self.with(repository, |kept| kept.files(repository, id).map(|(commit, _)| commit.clone()))
    }

    async fn history(
        &self,
        repository: &RepositoryName,
        from: Option<&CommitId>,
        to: &CommitId,
        limit: usize,
    ) -> Result<Vec<Commit>, GitError> {
        self.with(repository, |kept| {
            kept.files(repository, to)?;
            let known = from.map(|from| kept.reachable(from)).unwrap_or_default();
            let mut commits: Vec<Commit> =
                kept.reachable(to).difference(&known).filter_map(|id| kept.commits.get(id)).map(|(commit, _)| commit.clone()).collect();
            commits.sort_by_key(|commit| std::cmp::Reverse((commit.committed.at, commit.parents.len())));
            commits.truncate(limit);
            Ok(commits)
        })
    }

    async fn read(&self, repository: &RepositoryName, commit: &CommitId, path: &str, limit: u64) -> Result<Option<Vec<u8>>, GitError> {
        self.with(repository, |kept| {
            let bytes = kept.files(repository, commit)?.1.get(path).cloned();
            match bytes {
                Some(bytes) if bytes.len() as u64 > limit => Err(GitError::Refused {
                    repository: repository.clone(),
                    commit: commit.clone(),
                    why: format!("{path} is larger than {limit} bytes"),
                }),
                other => Ok(other),
            }
        })
    }

    async fn files(&self, repository: &RepositoryName, commit: &CommitId, folder: &str) -> Result<Vec<String>, GitError> {
        self.with(repository, |kept| {
            let below = |path: &&String| {
                folder.is_empty() || path.strip_prefix(folder.trim_end_matches('/')).is_some_and(|rest| rest.starts_with('/'))
            };
            Ok(kept.files(repository, commit)?.1.keys().filter(below).cloned().collect())
        })
    }

    async fn contents(&self, repository: &RepositoryName, commit: &CommitId) -> Result<Vec<(String, String)>, GitError> {
        let mut found = Vec::new();
        for path in self.files(repository, commit, "").await? {
            let content = self.read(repository, commit, &path, u64::MAX).await?.unwrap_or_default();
            found.push((path, Digest::of(content).to_string()));
        }
        Ok(found)
    }
    async fn changed(&self, repository: &RepositoryName, from: Option<&CommitId>, to: &CommitId) -> Result<Vec<String>, GitError> {
        self.with(repository, |kept| {
            let empty = Files::new();
            let before = match from {
                Some(from) => &kept.files(repository, from)?.1,
                None => &empty,
            };
            let after = &kept.files(repository, to)?.1;
            let paths: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
            Ok(paths.into_iter().filter(|path| before.get(*path) != after.get(*path)).cloned().collect())
        })
    }

    async fn checkout(&self, _repository: &RepositoryName, commit: &CommitId, into: &Path, _keep: &[String]) -> Result<(), GitError> {
        let what = format!("checkout of {commit} into {}", into.display());
        Err(GitError::Failed { what, stderr: "the memory host writes no files: use the real one for this test".to_owned() })
    }

    async fn commit_change(&self, repository: &RepositoryName, change: &CommitChange) -> Result<CommitId, GitError> {
        self.with(repository, |kept| {
            let actual = kept.refs.get(&format!("refs/heads/{}", change.branch)).cloned();
            if actual != change.expected {
                let text = |id: &Option<CommitId>| id.as_ref().map_or_else(|| "none".to_owned(), ToString::to_string);
                return Err(GitError::Moved {
                    repository: repository.clone(),
                    branch: change.branch.clone(),
                    expected: text(&change.expected),
                    actual: text(&actual),
                });
            }
            let mut files = actual.and_then(|id| kept.commits.get(&id)).map(|(_, files)| files.clone()).unwrap_or_default();
            for (path, content) in &change.files {
                match content {
                    Some(bytes) => drop(files.insert(path.clone(), bytes.clone())),
                    None => drop(files.remove(path)),
                }
            }
            Ok(kept.add(&change.branch, files, change.author.clone(), change.at, &change.message))
        })
    }

    async fn create_tag(&self, repository: &RepositoryName, tag: &NewTag) -> Result<bool, GitError> {
        self.with(repository, |kept| {
            kept.files(repository, &tag.commit)?;
            let name = format!("refs/tags/{}", tag.name);
            if kept.refs.contains_key(&name) {
                return Ok(false);
            }
            kept.refs.insert(name, tag.commit.clone());
            Ok(true)
        })
    }

    async fn keep(&self, repository: &RepositoryName, reference: &str, commit: &CommitId) -> Result<(), GitError> {
        self.with(repository, |kept| {
            kept.files(repository, commit)?;
            kept.refs.insert(reference.to_owned(), commit.clone());
            Ok(())
        })
    }

    /// Follows only: commits of both are the real host's business.
    async fn merge(&self, repository: &RepositoryName, merge: &Merge) -> Result<Merged, GitError> {
        self.with(repository, |kept| {
            let name = format!("refs/heads/{}", merge.branch);
            if !kept.reachable(&merge.head).contains(&merge.expected) {
                return Ok(Merged::Conflict(vec!["both".to_owned()]));
            }
            kept.refs.insert(name, merge.head.clone());
            Ok(Merged::At(merge.head.clone()))
        })
    }
}
