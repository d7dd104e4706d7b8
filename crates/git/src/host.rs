//! Bare repositories under one directory.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use penstock_model::git::{Commit, CommitChange, GitError, GitHost, History, Merge, Merged, NewTag, WorkTree};
use penstock_model::{CommitId, RepositoryName, UserName};
use tokio::fs;

use crate::checkout::tree::Kind;
use crate::names::{is_path, is_reference, text};
use crate::program::{Program, failed};
use crate::reads::Reads;
use crate::{change, hook, merge, new_tag, shared, tags, work_tree};

/// The most commits that one call gives.
const MAX_HISTORY: usize = 10_000;

/// What the host needs to know.
#[derive(Clone, Debug)]
pub struct HostSettings {
    /// Where the repositories lie: `<root>/<name>.git`.
    pub root: PathBuf,
    /// The git program.
    pub git: PathBuf,
    /// The program that is started as hook with [`crate::HOOK_ARGUMENT`]: Penstock's own, which calls [`crate::hook_main`].
    pub hook: PathBuf,
}

/// Why the host cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Git is missing or too old.
    #[error("git: {0}")]
    Git(String),
    /// The directory cannot be used.
    #[error("{} cannot be used for repositories: {source}; make it, or give the server's user the right to write there", .path.display())]
    Io {
        /// The directory.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
}

/// The repositories.
#[derive(Clone, Debug)]
pub struct BareRepositories {
    pub(crate) root: PathBuf,
    pub(crate) program: Program,
    pub(crate) reads: Arc<Reads>,
}

impl BareRepositories {
    /// Opens a directory of repositories, making it if it is absent, and writes the hooks.
    pub async fn open(settings: HostSettings) -> Result<Self, OpenError> {
        // git is started in another directory than ours
        let root = std::path::absolute(&settings.root).unwrap_or(settings.root);
        let (home, hooks) = (root.join(".home"), root.join(".hooks"));
        let made = async {
            for directory in [&root, &home, &hooks, &root.join(".tmp")] {
                fs::create_dir_all(directory).await?;
            }
            for name in hook::HOOKS {
                let path = hooks.join(name);
                fs::write(&path, hook::script(&settings.hook, name)).await?;
                fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).await?;
            }
            sweep(&root.join(".tmp")).await
        };
        made.await.map_err(|source| OpenError::Io { path: root.clone(), source })?;
        shared::share_all(root.clone()).await.map_err(|source| OpenError::Io { path: root.clone(), source })?;
        let program = Program::new(settings.git, home, hooks);
        let mut version = program.command(None, &[]);
        version.arg("version");
        let output = version.output().await.map_err(|e| OpenError::Git(crate::program::cannot(&e)))?;
        let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        if !recent(&text) {
            return Err(OpenError::Git(format!("2.38 or later is needed, and this is `{text}`")));
        }
        Ok(Self { root, program, reads: Arc::default() })
    }

    /// A repository's directory, if there is one.
    pub(crate) async fn directory(&self, repository: &RepositoryName) -> Result<PathBuf, GitError> {
        let directory = self.root.join(format!("{repository}.git"));
        match fs::metadata(&directory).await {
            Ok(metadata) if metadata.is_dir() => Ok(directory),
            _ => Err(GitError::NoRepository(repository.clone())),
        }
    }
}

#[async_trait]
impl GitHost for BareRepositories {
    async fn create(&self, repository: &RepositoryName) -> Result<(), GitError> {
        if self.directory(repository).await.is_ok() {
            return Ok(());
        }
        let half = self.root.join(".tmp").join(format!("{repository}-{}.git", hook::ticket()));
        let half_text = half.to_string_lossy();
        let arguments = ["init", "--quiet", "--bare", "--template=", "--initial-branch=main", &half_text];
        let mut command = self.program.command(None, &[]);
        command.args(arguments);
        let output = crate::program::finish(command, &arguments, b"", 4096, crate::program::LOCAL).await?;
        crate::program::succeeded(&arguments, output)?;
        shared::share(half.clone()).await.map_err(|error| failed(&["init"], error.to_string()))?;
        let renamed = fs::rename(&half, self.root.join(format!("{repository}.git"))).await;
        if let Err(error) = renamed {
            drop(fs::remove_dir_all(&half).await);
            // somebody else made it meanwhile
            self.directory(repository).await.map_err(|_| failed(&["init"], error.to_string()))?;
        }
        Ok(())
    }

    async fn repositories(&self) -> Result<Vec<RepositoryName>, GitError> {
        let listing = |error: io::Error| failed(&["listing", "repositories"], error.to_string());
        let mut entries = fs::read_dir(&self.root).await.map_err(listing)?;
        let mut names = Vec::new();
        while let Some(entry) = entries.next_entry().await.map_err(listing)? {
            let name = entry.file_name();
            names.extend(name.to_str().and_then(|name| name.strip_suffix(".git")).and_then(|name| name.parse::<RepositoryName>().ok()));
        }
        names.sort();
        Ok(names)
    }

    async fn refs(&self, repository: &RepositoryName) -> Result<BTreeMap<String, CommitId>, GitError> {
        let directory = self.directory(repository).await?;
        let format = "--format=%(objecttype) %(objectname) %(*objecttype) %(*objectname) %(refname)";
        let output = self.program.must(&directory, &["for-each-ref", format], b"").await?;
        let mut refs = BTreeMap::new();
        for line in String::from_utf8_lossy(&output).lines() {
            let words: Vec<_> = line.splitn(5, ' ').collect();
            let [kind, id, peeled_kind, peeled, name] = words[..] else { continue };
            let commit = match (kind, peeled_kind) {
                ("commit", _) => id.parse().ok(),
                ("tag", "commit") => peeled.parse().ok(),
                ("tag", "tag") => self.resolve(repository, name).await?,
                _ => None, // a tag of a file is nobody's commit
            };
            refs.extend(commit.map(|commit| (name.to_owned(), commit)));
        }
        Ok(refs)
    }

    async fn resolve(&self, repository: &RepositoryName, reference: &str) -> Result<Option<CommitId>, GitError> {
        let directory = self.directory(repository).await?;
        if !is_reference(reference) {
            return Ok(None);
        }
        let object = format!("{reference}^{{commit}}");
        let output = self.program.run(&directory, &["rev-parse", "--verify", "--quiet", "--end-of-options", &object], b"").await?;
        Ok(std::str::from_utf8(&output.stdout).ok().and_then(|id| id.trim().parse().ok()))
    }

    async fn tag_message(&self, repository: &RepositoryName, reference: &str, commit: &CommitId) -> Result<Option<String>, GitError> {
        let directory = self.directory(repository).await?;
        if !is_reference(reference) || !reference.starts_with("refs/tags/") {
            return Ok(None);
        }
        let arguments = ["for-each-ref", tags::ASKED, reference];
        Ok(tags::message(&self.program.must(&directory, &arguments, b"").await?, Some(commit)))
    }

    async fn mover(&self, repository: &RepositoryName, reference: &str, commit: &CommitId) -> Result<Option<UserName>, GitError> {
        let directory = self.directory(repository).await?;
        if !is_reference(reference) {
            return Ok(None);
        }
        let arguments = ["log", "--walk-reflogs", "--max-count=1", "--format=%H %gE", "--end-of-options", reference, "--"];
        let output = self.program.run(&directory, &arguments, b"").await?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let Some((id, address)) = text.trim_end().split_once(' ') else {
            // git does not walk the log of an annotated tag
            return new_tag::maker(self, &directory, reference, commit).await;
        };
        let who = address.strip_suffix(&format!("@http.{}", crate::http::THROUGH)).filter(|_| id == commit.as_str());
        Ok(who.and_then(|who| who.parse().ok()))
    }

    async fn commit(&self, repository: &RepositoryName, id: &CommitId) -> Result<Commit, GitError> {
        let absent = || GitError::Absent { repository: repository.clone(), what: format!("commit {id}") };
        self.commits(repository, std::slice::from_ref(id)).await?.pop().ok_or_else(absent)
    }

    async fn history(
        &self,
        repository: &RepositoryName,
        from: Option<&CommitId>,
        to: &CommitId,
        limit: usize,
    ) -> Result<Vec<Commit>, GitError> {
        let directory = self.directory(repository).await?;
        for commit in from.into_iter().chain([to]) {
            if let Some(error) = self.missing(repository, commit).await {
                return Err(error);
            }
        }
        let count = format!("--max-count={}", limit.min(MAX_HISTORY));
        let without = from.map(|from| format!("^{from}"));
        let arguments: Vec<&str> = ["rev-list", &count, to.as_str()].into_iter().chain(without.as_deref()).chain(["--"]).collect();
        let output = self.program.must(&directory, &arguments, b"").await?;
        let ids: Vec<CommitId> = String::from_utf8_lossy(&output).lines().filter_map(|id| id.parse().ok()).collect();
        self.commits(repository, &ids).await
    }

    async fn last_change(&self, repository: &RepositoryName, commit: &CommitId, path: &str) -> Result<Option<CommitId>, GitError> {
        let directory = self.directory(repository).await?;
        let arguments = ["rev-list", "--max-count=1", commit.as_str(), "--", path];
        let output = self.program.must(&directory, &arguments, b"").await?;
        Ok(String::from_utf8_lossy(&output).trim().parse().ok())
    }

    async fn merge_base(&self, repository: &RepositoryName, one: &CommitId, other: &CommitId) -> Result<Option<CommitId>, GitError> {
        let directory = self.directory(repository).await?;
        let arguments = ["merge-base", one.as_str(), other.as_str()];
        let output = self.program.run(&directory, &arguments, b"").await?;
        match output.code {
            // 1 is what it says where there is none
            Some(0 | 1) => Ok(String::from_utf8_lossy(&output.stdout).trim().parse().ok()),
            _ => Err(failed(&arguments, output.stderr)),
        }
    }

    async fn read(&self, repository: &RepositoryName, commit: &CommitId, path: &str, limit: u64) -> Result<Option<Vec<u8>>, GitError> {
        if !is_path(path) {
            return Ok(None);
        }
        let refused = |why: String| GitError::Refused { repository: repository.clone(), commit: commit.clone(), why };
        let Some(entry) = self.entry(repository, commit, path).await? else { return Ok(None) };
        if !matches!(entry.kind, Kind::File | Kind::Program) {
            return Err(refused(format!("`{path}` is a link; put the file itself there")));
        }
        if entry.size > limit {
            return Err(refused(format!("`{path}` has {} bytes, and {limit} are allowed", entry.size)));
        }
        let directory = self.directory(repository).await?;
        let (program, reads) = (self.program.clone(), Arc::clone(&self.reads));
        let read = move || {
            let mut git = reads.reader(&program, &directory)?;
            let content = git.whole(&entry.id, entry.size)?;
            reads.give_back(git);
            Ok::<_, io::Error>(content)
        };
        let failure = |error: io::Error| failed(&["cat-file"], crate::program::cannot(&error));
        tokio::task::spawn_blocking(read).await.map_err(|error| failure(error.into()))?.map(Some).map_err(failure)
    }

    async fn files(&self, repository: &RepositoryName, commit: &CommitId, folder: &str) -> Result<Vec<String>, GitError> {
        let folder = folder.trim_end_matches('/');
        if !folder.is_empty() && !is_path(folder) {
            return Ok(Vec::new());
        }
        let below = if folder.is_empty() { Vec::new() } else { format!("{folder}/").into_bytes() };
        let refused = |why: String| GitError::Refused { repository: repository.clone(), commit: commit.clone(), why };
        let entries = self.whole(repository, commit).await?;
        let first = entries.partition_point(|entry| entry.path < below);
        let there = entries[first..].iter().take_while(|entry| entry.path.starts_with(&below));
        there.filter(|entry| entry.kind != Kind::Submodule).map(|entry| text(entry.path.clone()).map_err(refused)).collect()
    }

    async fn contents(&self, repository: &RepositoryName, commit: &CommitId) -> Result<Vec<(String, String)>, GitError> {
        let refused = |why: String| GitError::Refused { repository: repository.clone(), commit: commit.clone(), why };
        let entries = self.whole(repository, commit).await?;
        entries.iter().map(|entry| Ok((text(entry.path.clone()).map_err(refused)?, format!("{:?} {}", entry.kind, entry.id)))).collect()
    }

    async fn changed(&self, repository: &RepositoryName, from: Option<&CommitId>, to: &CommitId) -> Result<Vec<String>, GitError> {
        let Some(from) = from else { return self.files(repository, to, "").await };
        for commit in [from, to] {
            if let Some(error) = self.missing(repository, commit).await {
                return Err(error);
            }
        }
        let directory = self.directory(repository).await?;
        let arguments = ["diff-tree", "-r", "-z", "--name-only", "--no-renames", from.as_str(), to.as_str(), "--"];
        let output = self.program.must(&directory, &arguments, b"").await?;
        let refused = |why: String| GitError::Refused { repository: repository.clone(), commit: to.clone(), why };
        output.split(|b| *b == 0).filter(|path| !path.is_empty()).map(|path| text(path.to_owned()).map_err(refused)).collect()
    }

    async fn checkout(&self, repository: &RepositoryName, commit: &CommitId, into: &Path, keep: &[String]) -> Result<(), GitError> {
        work_tree::files(self, repository, commit, into, keep, None).await
    }

    async fn work_tree(
        &self,
        repository: &RepositoryName,
        commit: &CommitId,
        into: &Path,
        keep: &[String],
        wanted: &WorkTree,
    ) -> Result<History, GitError> {
        work_tree::write(self, repository, commit, into, keep, wanted).await
    }

    async fn origin(&self, repository: &RepositoryName, commit: &CommitId, wanted: &WorkTree) -> Result<History, GitError> {
        work_tree::origin(self, repository, commit, wanted).await
    }

    async fn commit_change(&self, repository: &RepositoryName, change: &CommitChange) -> Result<CommitId, GitError> {
        change::commit(self, repository, change).await
    }

    async fn create_tag(&self, repository: &RepositoryName, tag: &NewTag) -> Result<bool, GitError> {
        new_tag::create(self, repository, tag).await
    }

    async fn keep(&self, repository: &RepositoryName, reference: &str, commit: &CommitId) -> Result<(), GitError> {
        merge::keep(self, repository, reference, commit).await
    }

    async fn merge(&self, repository: &RepositoryName, merge: &Merge) -> Result<Merged, GitError> {
        merge::merge(self, repository, merge).await
    }
}

/// Removes what a server that died left half-made.
async fn sweep(tmp: &Path) -> io::Result<()> {
    let mut entries = fs::read_dir(tmp).await?;
    while let Some(entry) = entries.next_entry().await? {
        if entry.file_type().await?.is_dir() {
            fs::remove_dir_all(entry.path()).await?;
        } else {
            fs::remove_file(entry.path()).await?;
        }
    }
    Ok(())
}

/// `git version 2.39.5` is recent enough: configuration by environment, `core.fsync`, `merge-tree --write-tree`.
fn recent(version: &str) -> bool {
    let mut numbers = version.trim_start_matches("git version ").split('.').map_while(|part| part.parse::<u32>().ok());
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) >= (2, 38)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_git_is_not_recent() {
        assert!(recent("git version 2.39.5") && recent("git version 2.50.1 (Apple Git-155)") && recent("git version 3.0"));
        assert!(!recent("git version 2.37.7") && !recent(""));
    }
}
