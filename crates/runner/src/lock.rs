//! `tools.lock`: which programs there are, at which version and digest; and the check that they are still those.

use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use penstock_model::Digest;
use penstock_model::digest::Hasher;

use crate::beneath::plain;

/// The lock's own file.
pub(crate) const LOCK: &str = "tools.lock";
/// Files of one tool.
const MAX_FILES: usize = 50_000;

/// A tool that is not what the lock says.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LockError {
    /// The lock does not name it.
    #[error("{lock} has no tool `{name}`: run `./x test` or setup/setup.sh, which install the pinned tools")]
    Absent {
        /// The lock's path.
        lock: PathBuf,
        /// The tool.
        name: String,
    },
    /// A line that has another form.
    #[error("{lock}, line {line}: `NAME VERSION sha256:DIGEST file|manifest PATH` is expected")]
    Malformed {
        /// The lock's or manifest's path.
        lock: PathBuf,
        /// Where.
        line: usize,
    },
    /// The bytes differ.
    #[error(
        "{path} is not what was installed: its digest is {actual} and not {expected}. Remove the tools' directory and run setup/setup.sh"
    )]
    Changed {
        /// The file.
        path: PathBuf,
        /// What the lock says.
        expected: Digest,
        /// What it is.
        actual: Digest,
    },
    /// Files.
    #[error("{path}")]
    Io {
        /// Where.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
}

/// A tool as the lock names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tool {
    /// Its version.
    pub(crate) version: String,
    /// The digest of the program, or of the list of its files.
    pub(crate) digest: Digest,
    /// Where it is started.
    pub(crate) program: PathBuf,
}

/// A file as it was when its digest was taken: the same in all of this means the same bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Verified {
    inode: (u64, u64),
    size: u64,
    changed: (i64, i64),
    digest: Digest,
}

/// Finds a tool and makes sure that its files are the pinned ones. Files that did not change are hashed once.
pub(crate) fn find(tools: &Path, name: &str, seen: &Mutex<HashMap<PathBuf, Verified>>) -> Result<Tool, LockError> {
    let lock = tools.join(LOCK);
    let text = std::fs::read_to_string(&lock).map_err(|source| LockError::Io { path: lock.clone(), source })?;
    for (index, line) in text.lines().enumerate() {
        let malformed = || LockError::Malformed { lock: lock.clone(), line: index + 1 };
        let mut words = line.split(' ');
        let (Some(given), Some(version), Some(digest), Some(kind), Some(path)) =
            (words.next(), words.next(), words.next(), words.next(), words.next())
        else {
            return Err(malformed());
        };
        if given != name {
            continue;
        }
        let digest: Digest = digest.parse().map_err(|_| malformed())?;
        let path = tools.join(plain(path).ok_or_else(malformed)?);
        verify(&path, digest, seen)?;
        match kind {
            "file" => {}
            "manifest" => verify_manifest(tools, &path, seen)?,
            _ => return Err(malformed()),
        }
        return Ok(Tool { version: version.to_owned(), digest, program: tools.join("bin").join(name) });
    }
    Err(LockError::Absent { lock, name: name.to_owned() })
}

fn verify_manifest(tools: &Path, manifest: &Path, seen: &Mutex<HashMap<PathBuf, Verified>>) -> Result<(), LockError> {
    let file = std::fs::File::open(manifest).map_err(|source| LockError::Io { path: manifest.to_path_buf(), source })?;
    for (index, line) in BufReader::new(file).lines().enumerate() {
        let malformed = || LockError::Malformed { lock: manifest.to_path_buf(), line: index + 1 };
        let line = line.map_err(|source| LockError::Io { path: manifest.to_path_buf(), source })?;
        let (digest, path) = line.split_once(' ').ok_or_else(malformed)?;
        let digest: Digest = format!("sha256:{digest}").parse().map_err(|_| malformed())?;
        if index >= MAX_FILES {
            return Err(malformed());
        }
        verify(&tools.join(plain(path).ok_or_else(malformed)?), digest, seen)?;
    }
    Ok(())
}

fn verify(path: &Path, expected: Digest, seen: &Mutex<HashMap<PathBuf, Verified>>) -> Result<(), LockError> {
    let failed = |source| LockError::Io { path: path.to_path_buf(), source };
    let found = std::fs::metadata(path).map_err(failed)?;
    let mut now =
        Verified { inode: (found.dev(), found.ino()), size: found.size(), changed: (found.ctime(), found.ctime_nsec()), digest: expected };
    if seen.lock().unwrap_or_else(PoisonError::into_inner).get(path) == Some(&now) {
        return Ok(());
    }
    let mut file = std::fs::File::open(path).map_err(failed)?;
    let (mut hasher, mut buffer) = (Hasher::new(), vec![0; 256 * 1024]);
    loop {
        match file.read(&mut buffer).map_err(failed)? {
            0 => break,
            count => hasher.update(&buffer[..count]),
        }
    }
    now.digest = hasher.finish();
    if now.digest != expected {
        return Err(LockError::Changed { path: path.to_path_buf(), expected, actual: now.digest });
    }
    seen.lock().unwrap_or_else(PoisonError::into_inner).insert(path.to_path_buf(), now);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tool_that_was_changed_is_refused_and_an_unchanged_one_found() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("bin")).unwrap();
        std::fs::write(dir.path().join("bin/a"), "one").unwrap();
        std::fs::write(dir.path().join("list"), format!("{} bin/a\n", Digest::of("one").hex())).unwrap();
        let list = Digest::of(std::fs::read(dir.path().join("list")).unwrap());
        std::fs::write(dir.path().join(LOCK), format!("a 1.2 {} file bin/a\nb 3 {list} manifest list\n", Digest::of("one"))).unwrap();
        let seen = Mutex::default();
        for _ in 0..2 {
            assert_eq!(find(dir.path(), "a", &seen).unwrap().version, "1.2");
            assert_eq!(find(dir.path(), "b", &seen).unwrap().digest, list);
        }
        std::fs::write(dir.path().join("bin/a"), "two").unwrap();
        assert!(matches!(find(dir.path(), "a", &seen), Err(LockError::Changed { .. })));
        assert!(matches!(find(dir.path(), "b", &seen), Err(LockError::Changed { .. })));
        assert!(matches!(find(dir.path(), "c", &seen), Err(LockError::Absent { .. })));
    }
}
