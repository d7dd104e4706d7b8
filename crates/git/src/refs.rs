//! What a repository's refs are, asked of git only when they may have changed: each job of a run wants to know, and starting git
//! costs more than looking.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use penstock_model::git::GitError;
use walkdir::WalkDir;

use crate::checkout::{Refs, refs};
use crate::host::BareRepositories;
use crate::program::failed;

/// With more files of refs than this, git is asked each time.
const MAX_LOOSE: usize = 512;
/// A file of one ref is no larger.
const MAX_REF: u64 = 4096;

/// Everything that git would read, as it was at one moment: it replaces these files and never writes into them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Written {
    packed: Option<Stamp>,
    loose: Vec<(PathBuf, Stamp, Vec<u8>)>,
}

/// Which file it is, its size, and when its content and its inode changed.
type Stamp = (u64, u64, (i64, i64), (i64, i64));

fn stamp(found: &std::fs::Metadata) -> Stamp {
    (found.ino(), found.len(), (found.mtime(), found.mtime_nsec()), (found.ctime(), found.ctime_nsec()))
}

impl Written {
    /// Of the branches and tags of a repository; `None` if that cannot be told by looking.
    fn of(directory: &Path) -> io::Result<Option<Self>> {
        if directory.join("reftable").exists() {
            return Ok(None);
        }
        let packed = match std::fs::symlink_metadata(directory.join("packed-refs")) {
            Ok(found) if found.is_file() => Some(stamp(&found)),
            Ok(_) => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let mut loose = Vec::new();
        for kind in ["refs/heads", "refs/tags"] {
            for entry in WalkDir::new(directory.join(kind)).sort_by_file_name() {
                let entry = entry?;
                if entry.file_type().is_dir() {
                    continue;
                }
                let found = entry.metadata()?;
                if !found.is_file() || found.len() > MAX_REF || loose.len() >= MAX_LOOSE {
                    return Ok(None);
                }
                let content = std::fs::read(entry.path())?;
                loose.push((entry.into_path(), stamp(&found), content));
            }
        }
        Ok(Some(Self { packed, loose }))
    }
}

/// Branches and tags of a repository.
pub(crate) async fn shown(host: &BareRepositories, directory: &Path) -> Result<Arc<Refs>, GitError> {
    let before = written(directory).await;
    if let Some(known) = before.as_ref().and_then(|written| host.reads.refs(directory, written)) {
        return Ok(known);
    }
    let arguments = ["show-ref", "--heads", "--tags", "--dereference"];
    let output = host.program.run(directory, &arguments, b"").await?;
    // 1 is what it says where there is none
    if !matches!(output.code, Some(0 | 1)) {
        return Err(failed(&arguments, output.stderr));
    }
    let told = Arc::new(refs(&output.stdout));
    // what changed meanwhile is asked anew by the next one
    if let Some(written) = before
        && self::written(directory).await.as_ref() == Some(&written)
    {
        host.reads.keep_refs(directory, written, Arc::clone(&told));
    }
    Ok(told)
}

/// What cannot be looked at, as a file that goes while it is read, is asked of git.
async fn written(directory: &Path) -> Option<Written> {
    let directory = directory.to_owned();
    tokio::task::spawn_blocking(move || Written::of(&directory).ok().flatten()).await.ok().flatten()
}
