//! The lock of a data directory.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

/// Why a data directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process has it.
    #[error("{} is in use by process {holder}: stop that server, or give this one another `server.data`", .path.display())]
    InUse {
        /// The directory.
        path: PathBuf,
        /// The process id that the holder wrote down.
        holder: String,
    },
    /// It cannot be made or written.
    #[error("{} cannot be used as data directory: {source}; make it, or give this user the right to write there", .path.display())]
    Io {
        /// The directory.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
}

/// The right to use a data directory, for as long as it lives. The kernel takes it back when the process ends, however it ends.
#[derive(Debug)]
pub struct DataLock {
    _file: File,
    path: PathBuf,
}

impl DataLock {
    /// Makes the directory if it is absent (readable by its owner alone) and locks it.
    pub fn acquire(directory: &Path) -> Result<Self, LockError> {
        let path = directory.to_owned();
        let io = |source| LockError::Io { path: path.clone(), source };
        DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(io)?;
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(directory.join("lock")).map_err(io)?;
        if let Err(error) = flock(&file, FlockOperation::NonBlockingLockExclusive) {
            if error != rustix::io::Errno::WOULDBLOCK {
                return Err(io(error.into()));
            }
            let mut holder = String::new();
            file.take(20).read_to_string(&mut holder).map_err(io)?;
            return Err(LockError::InUse { path, holder: holder.trim().to_owned() });
        }
        file.set_len(0).and_then(|()| file.rewind()).and_then(|()| writeln!(file, "{}", std::process::id())).map_err(io)?;
        Ok(Self { _file: file, path })
    }

    /// The directory that is locked.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_server_is_told_who_holds_the_directory_and_gets_it_afterwards() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data");
        let first = DataLock::acquire(&data).unwrap();
        let refused = DataLock::acquire(&data).unwrap_err();
        assert!(refused.to_string().contains(&format!("in use by process {}", std::process::id())), "{refused}");
        drop(first);
        DataLock::acquire(&data).unwrap();
    }
}
