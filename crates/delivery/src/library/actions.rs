//! Actions of other repositories: of this server's own, or of copies in the mirror.

use std::path::{Path, PathBuf};

use penstock_model::git::{GitError, GitHost};
use penstock_model::{CommitId, Digest, RepositoryName};
use penstock_pipeline::{FileRef, Found, Source};

use super::mirror::Mirror;
use super::{text, tree};

/// The repository of this server that `OWNER/NAME` is: `NAME`, if the owner has that name too, as `github.repository` has it;
/// otherwise `OWNER-NAME`.
pub(super) fn own_name(repository: &str) -> Option<RepositoryName> {
    let (owner, name) = repository.split_once('/')?;
    let whole = if owner.eq_ignore_ascii_case(name) { name.to_owned() } else { format!("{owner}-{name}") };
    let label: String = whole.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    label.parse().ok()
}

impl Mirror {
    /// A bare copy of an action's repository, if the mirror has one.
    fn copy_of(&self, repository: &str) -> Option<PathBuf> {
        Some(self.root().join("actions").join(format!("{repository}.git"))).filter(|copy| copy.is_dir())
    }

    /// A file, also of a bare copy of an action's repository.
    ///
    /// # Errors
    /// Why it is not there, and what to do.
    pub async fn look(&self, file: &FileRef) -> Result<Found, String> {
        match file {
            FileRef::Tag { repository, name } => {
                let commit = self.reference(repository, &format!("refs/tags/{name}")).await?;
                Ok(Found::new(commit.map(|commit| commit.to_string()).unwrap_or_default()))
            }
            FileRef::Action { repository, reference, path } => {
                let (Some(git), Some(copy)) = (self.git(), self.copy_of(repository)) else { return self.plain(file, repository) };
                let Ok(commit) = reference.parse::<CommitId>() else { return self.find(file) };
                if !git.has(&copy, &commit).await.map_err(said)? {
                    return self.find(file).map_err(|_| lacking(&copy, &commit));
                }
                let limit = u64::try_from(Source::MAX_BYTES).unwrap_or(u64::MAX);
                match git.read(&copy, &commit, path, limit).await.map_err(said)? {
                    Some(bytes) => text(bytes).map(|found| Found { commit: Some(commit.to_string()), ..found }),
                    None => Err(format!("{} has no such file at {}\nhelp: look at its spelling", copy.display(), commit.short())),
                }
            }
            _ => self.find(file),
        }
    }

    /// A file of a plain copy.
    fn plain(&self, file: &FileRef, repository: &str) -> Result<Found, String> {
        self.find(file).map_err(|why| {
            let (what, _) = why.split_once("\nhelp: ").unwrap_or((&why, ""));
            format!("{what}\nhelp: {}", self.clone_words(repository))
        })
    }

    /// How a repository comes into the mirror.
    fn clone_words(&self, repository: &str) -> String {
        let copy = self.root().join("actions").join(format!("{repository}.git"));
        format!("where there is an Internet: `git clone --mirror https://github.com/{repository} {}`", copy.display())
    }

    /// The commit that a full ref of an action's repository names; `None` where there is no such copy, or no such ref.
    ///
    /// # Errors
    /// The copy cannot be read.
    async fn reference(&self, repository: &str, full: &str) -> Result<Option<CommitId>, String> {
        let (Some(git), Some(copy)) = (self.git(), self.copy_of(repository)) else { return Ok(None) };
        Ok(git.refs(&copy).await.map_err(said)?.get(full).cloned())
    }

    /// The commit that a tag or branch of an action's repository stands for now.
    ///
    /// # Errors
    /// There is none, in words for people.
    pub async fn stands_for(&self, repository: &str, reference: &str) -> Result<CommitId, String> {
        for full in [format!("refs/tags/{reference}"), format!("refs/heads/{reference}")] {
            if let Some(commit) = self.reference(repository, &full).await? {
                return Ok(commit);
            }
        }
        Err(match self.copy_of(repository) {
            Some(copy) => {
                format!("{} has no tag or branch `{reference}`\nhelp: `git -C {0} remote update` fetches what is new", copy.display())
            }
            None => format!("the mirror has no copy of `{repository}`\nhelp: {}", self.clone_words(repository)),
        })
    }

    /// Writes the tree of an action's repository into a folder that is not there yet; gives what it comes to. With `own`, this
    /// server's repositories are looked at first.
    ///
    /// # Errors
    /// It is not there, or holds what is not let out, in words for people.
    pub async fn lay_out(&self, own: Option<&dyn GitHost>, repository: &str, commit: &CommitId, into: &Path) -> Result<Digest, String> {
        std::fs::create_dir_all(into).map_err(|error| format!("{}: {error}", into.display()))?;
        if !written_by_own(own, repository, commit, into).await? {
            self.write(repository, commit, into).await?;
        }
        let into = into.to_owned();
        blocking(move || tree::digest(&into)).await
    }

    async fn write(&self, repository: &str, commit: &CommitId, into: &Path) -> Result<(), String> {
        let copy = self.copy_of(repository);
        if let (Some(git), Some(copy)) = (self.git(), &copy)
            && git.has(copy, commit).await.map_err(said)?
        {
            return git.checkout(copy, commit, into).await.map_err(said);
        }
        let plain = self.root().join("actions").join(format!("{repository}@{commit}"));
        if plain.is_dir() {
            let into = into.to_owned();
            return blocking(move || tree::copy(&plain, &into)).await;
        }
        Err(match copy {
            Some(copy) => lacking(&copy, commit),
            None => format!("the mirror has no copy of `{repository}`\nhelp: {}", self.clone_words(repository)),
        })
    }
}

/// Whether a repository of this server has the commit; then its tree is written.
async fn written_by_own(own: Option<&dyn GitHost>, repository: &str, commit: &CommitId, into: &Path) -> Result<bool, String> {
    let (Some(git), Some(name)) = (own, own_name(repository)) else { return Ok(false) };
    match git.commit(&name, commit).await {
        Ok(_) => git.checkout(&name, commit, into, &[]).await.map(|()| true).map_err(said),
        Err(GitError::Absent { .. } | GitError::NoRepository(_)) => Ok(false),
        Err(fault) => Err(said(fault)),
    }
}

fn lacking(copy: &Path, commit: &CommitId) -> String {
    format!("{} has no commit {commit}\nhelp: `git -C {0} remote update` fetches what is new", copy.display())
}

#[allow(clippy::needless_pass_by_value, reason = "for `map_err`")]
fn said(error: GitError) -> String {
    crate::effects::chain(&error)
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> std::io::Result<T> + Send + 'static) -> Result<T, String> {
    let done = tokio::task::spawn_blocking(work).await.map_err(|error| error.to_string())?;
    done.map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_of_this_server_is_named_by_its_project_or_by_owner_and_name() {
        for (repository, own) in [
            ("shop/shop", Some("shop")),
            ("actions/cache", Some("actions-cache")),
            ("Swatinem/rust-cache", Some("swatinem-rust-cache")),
            ("a/b.c_d", Some("a-b-c-d")),
            ("a/-", None),
        ] {
            assert_eq!(own_name(repository).as_ref().map(RepositoryName::as_str), own, "{repository}");
        }
    }
}
