//! Bare copies of other repositories, wherever they lie on this machine. Nothing is fetched into them, whatever their own
//! configuration says.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use penstock_model::CommitId;
use penstock_model::git::{GitCopies, GitError};

use crate::checkout::tree::entries;
use crate::checkout::{Checkout, Fault};
use crate::program::{Output, Program, failed, succeeded};
use crate::reads::Reads;

/// Reads copies by the git program.
#[derive(Clone, Debug)]
pub struct Copies {
    git: PathBuf,
    reads: Arc<Reads>,
}

impl Copies {
    /// By this program.
    pub fn new(git: PathBuf) -> Self {
        Self { git, reads: Arc::default() }
    }

    /// Git without what user and machine configure.
    fn program(&self, directory: &Path) -> Program {
        Program::new(self.git.clone(), directory.to_owned(), directory.join("no-hooks"))
    }

    async fn ask(&self, directory: &Path, arguments: &[&str]) -> Result<Output, GitError> {
        self.program(directory).run(directory, arguments, b"").await
    }
}

#[async_trait]
impl GitCopies for Copies {
    async fn refs(&self, directory: &Path) -> Result<BTreeMap<String, CommitId>, GitError> {
        let format = "--format=%(objecttype) %(objectname) %(*objecttype) %(*objectname) %(refname)";
        let arguments = ["for-each-ref", format, "refs/tags", "refs/heads"];
        let listed = succeeded(&arguments, self.ask(directory, &arguments).await?)?;
        let mut refs = BTreeMap::new();
        for line in String::from_utf8_lossy(&listed).lines() {
            let words: Vec<_> = line.splitn(5, ' ').collect();
            let [kind, id, peeled_kind, peeled, name] = words[..] else { continue };
            let commit = match (kind, peeled_kind) {
                ("commit", _) => id.parse().ok(),
                ("tag", "commit") => peeled.parse().ok(),
                _ => None,
            };
            refs.extend(commit.map(|commit| (name.to_owned(), commit)));
        }
        Ok(refs)
    }

    async fn has(&self, directory: &Path, commit: &CommitId) -> Result<bool, GitError> {
        let object = format!("{commit}^{{commit}}");
        Ok(self.ask(directory, &["cat-file", "-e", &object]).await?.code == Some(0))
    }

    async fn read(&self, directory: &Path, commit: &CommitId, path: &str, limit: u64) -> Result<Option<Vec<u8>>, GitError> {
        let named = format!("{commit}:{path}");
        let size = self.ask(directory, &["cat-file", "-s", &named]).await?;
        if size.code != Some(0) {
            return Ok(None);
        }
        let bytes = String::from_utf8_lossy(&size.stdout).trim().parse::<u64>().unwrap_or(u64::MAX);
        if bytes > limit {
            return Err(failed(&["cat-file"], format!("`{path}` has {bytes} bytes, and {limit} are allowed")));
        }
        let content = self.ask(directory, &["cat-file", "blob", &named]).await?;
        Ok((content.code == Some(0)).then_some(content.stdout))
    }

    async fn checkout(&self, directory: &Path, commit: &CommitId, into: &Path) -> Result<(), GitError> {
        let arguments = ["ls-tree", "-z", "-l", "-r", commit.as_str()];
        let listed = succeeded(&arguments, self.ask(directory, &arguments).await?)?;
        let entries = entries(&listed).map_err(|why| failed(&["ls-tree"], why))?;
        let (program, reads) = (self.program(directory), Arc::clone(&self.reads));
        let (directory, into) = (directory.to_owned(), into.to_owned());
        let job = Checkout { program, reads, directory, into, keep: Vec::new(), emptied: &[], left: &[] };
        let written = tokio::task::spawn_blocking(move || job.write(entries)).await;
        match written.map_err(|error| failed(&["checkout"], error.to_string()))? {
            Ok(_) => Ok(()),
            Err(Fault::Refused(why) | Fault::Failed(why)) => Err(failed(&["checkout"], why)),
        }
    }
}
