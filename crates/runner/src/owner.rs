//! Handing whole trees to another user, while processes of a job may still be at work in them.
//!
//! Every directory is opened from the root of the tree without following a link, and entries are changed in the open directory. So
//! whoever moves things about meanwhile loses nothing but his own files' owner.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Dir, FileType, Gid, Mode, OFlags, ResolveFlags, Uid, chownat, fchown, fstat, openat, openat2, statat};
use rustix::io::Errno;

/// Gives everything below a directory, and the directory, to a user and the group of the same number. What goes away meanwhile
/// is no fault.
pub(crate) fn give(root: &Path, uid: u32) -> io::Result<()> {
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::RDONLY | OFlags::CLOEXEC;
    let top = openat(CWD, root, flags, Mode::empty())?;
    let (user, group) = (Some(Uid::from_raw(uid)), Some(Gid::from_raw(uid)));
    if fstat(&top)?.st_uid != uid {
        fchown(&top, user, group)?;
    }
    let mut open = vec![PathBuf::new()];
    while let Some(folder) = open.pop() {
        let inside = if folder.as_os_str().is_empty() { Path::new(".") } else { &folder };
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        let Some(directory) = there(openat2(&top, inside, flags, Mode::empty(), resolve))? else { continue };
        for entry in Dir::read_from(&directory)? {
            let entry = entry?;
            let name = OsStr::from_bytes(entry.file_name().to_bytes());
            if name == "." || name == ".." {
                continue;
            }
            let Some(found) = there(statat(&directory, name, AtFlags::SYMLINK_NOFOLLOW))? else { continue };
            if found.st_uid != uid || found.st_gid != uid {
                there(chownat(&directory, name, user, group, AtFlags::SYMLINK_NOFOLLOW))?;
            }
            if FileType::from_raw_mode(found.st_mode) == FileType::Directory {
                open.push(folder.join(name));
            }
        }
    }
    Ok(())
}

/// What came of asking for something; nothing if it is not there, or not what it was a moment ago.
fn there<T>(asked: Result<T, Errno>) -> io::Result<Option<T>> {
    match asked {
        Ok(found) => Ok(Some(found)),
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt, symlink};

    use super::*;

    #[test]
    fn everything_below_changes_hands_and_nothing_that_a_link_leads_to() {
        let (dir, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        std::fs::write(outside.path().join("theirs"), "").unwrap();
        std::fs::create_dir_all(dir.path().join("a/b")).unwrap();
        std::fs::write(dir.path().join("a/b/file"), "").unwrap();
        symlink(outside.path(), dir.path().join("a/folder")).unwrap();
        symlink(outside.path().join("theirs"), dir.path().join("a/file")).unwrap();
        give(dir.path(), 4_321).unwrap();
        let owner = |path: PathBuf| std::fs::symlink_metadata(path).map(|found| (found.uid(), found.gid())).unwrap();
        for path in ["", "a", "a/b", "a/b/file", "a/folder", "a/file"] {
            assert_eq!(owner(dir.path().join(path)), (4_321, 4_321), "{path}");
        }
        let own = owner(std::env::temp_dir());
        assert_eq!((owner(outside.path().to_owned()), owner(outside.path().join("theirs"))), (own, own));
    }
}
