//! Files below a directory that a job may have filled: no link is followed on the way.
//!
//! Nothing of a job is alive while the runner works on its files, but what it left may be links to anywhere.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Component, Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Gid, Mode, OFlags, ResolveFlags, Uid, chownat, mkdirat, openat, openat2};

/// The deepest path that is handled.
pub(crate) const MAX_DEPTH: usize = 64;

/// A path that stays below where it starts: relative, of plain names.
pub(crate) fn plain(path: &str) -> Option<PathBuf> {
    let mut clean = PathBuf::new();
    for component in Path::new(path).components() {
        match component {
            Component::Normal(name) => clean.push(name),
            Component::CurDir => {}
            _ => return None,
        }
    }
    (!clean.as_os_str().is_empty() && clean.components().count() <= MAX_DEPTH && !path.contains('\0')).then_some(clean)
}

/// An open directory.
pub(crate) struct Dir(OwnedFd);

impl Dir {
    /// Opens one of the runner's own directories.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        Ok(Self(openat(CWD, path, OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())?))
    }

    /// Opens a regular file below, for reading. A pipe or device there is refused, not waited for.
    pub(crate) fn read(&self, path: &Path) -> io::Result<File> {
        let file = File::from(self.resolve(path, OFlags::RDONLY | OFlags::NONBLOCK)?);
        if !file.metadata()?.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
        }
        Ok(file)
    }

    /// Makes a directory below, and those on the way, for a user. What is there already stays.
    pub(crate) fn make(&self, path: &Path, owner: u32) -> io::Result<Self> {
        let mut at = Self(self.0.try_clone()?);
        for name in path.components() {
            match mkdirat(&at.0, name.as_os_str(), Mode::from_raw_mode(0o755)) {
                Ok(()) => at.give(name.as_os_str(), owner)?,
                Err(rustix::io::Errno::EXIST) => {}
                Err(error) => return Err(error.into()),
            }
            at = Self(at.resolve(Path::new(name.as_os_str()), OFlags::DIRECTORY)?);
        }
        Ok(at)
    }

    /// The user that it belongs to.
    pub(crate) fn owner(&self) -> io::Result<u32> {
        Ok(rustix::fs::fstat(&self.0)?.st_uid)
    }

    /// Writes a new file in this directory, in place of a file or link of that name.
    pub(crate) fn create(&self, name: &Path, mode: u32, owner: u32) -> io::Result<File> {
        self.clear(name)?;
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = openat(&self.0, name, flags, Mode::from_raw_mode(mode))?;
        rustix::fs::fchown(&file, Some(Uid::from_raw(owner)), Some(Gid::from_raw(owner)))?;
        rustix::fs::fchmod(&file, Mode::from_raw_mode(mode))?;
        Ok(File::from(file))
    }

    /// Makes a link in this directory, in place of a file or link of that name.
    pub(crate) fn link(&self, name: &Path, target: &Path, owner: u32) -> io::Result<()> {
        self.clear(name)?;
        rustix::fs::symlinkat(target, &self.0, name)?;
        self.give(name.as_os_str(), owner)
    }

    fn clear(&self, name: &Path) -> io::Result<()> {
        match rustix::fs::unlinkat(&self.0, name, AtFlags::empty()) {
            Ok(()) | Err(rustix::io::Errno::NOENT) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Gives an entry of this directory to a user.
    pub(crate) fn give(&self, name: &std::ffi::OsStr, owner: u32) -> io::Result<()> {
        chownat(self.0.as_fd(), name, Some(Uid::from_raw(owner)), Some(Gid::from_raw(owner)), AtFlags::SYMLINK_NOFOLLOW)?;
        Ok(())
    }

    fn resolve(&self, path: &Path, flags: OFlags) -> io::Result<OwnedFd> {
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        Ok(openat2(&self.0, path, flags | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty(), resolve)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_leaves_is_not_plain() {
        for bad in ["", "/etc", "..", "a/../b", "a\0", &"a/".repeat(65)] {
            assert_eq!(plain(bad), None, "{bad:?}");
        }
        assert_eq!(plain("./a//b/"), Some(PathBuf::from("a/b")));
    }

    #[test]
    fn a_link_on_the_way_is_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/etc", dir.path().join("out")).unwrap();
        let opened = Dir::open(dir.path()).unwrap();
        assert!(opened.read(Path::new("out/passwd")).is_err());
        assert!(opened.make(Path::new("out/x"), 0).is_err());
    }
}
