//! Artifacts as a tar archive: the same files give the same bytes.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use tar::{Archive, Builder, EntryType, Header};

use crate::beneath::{Dir, plain};
use crate::globs::{Found, GIT, MAX_FILES, leaves};

/// The largest archive, packed or unpacked.
pub(crate) const MAX_ARCHIVE: u64 = 8 << 30;

/// Why an archive was refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ArchiveError {
    /// An entry that does not belong into one.
    #[error("the archive's entry `{path}` is refused: {why}")]
    Refused {
        /// The entry.
        path: String,
        /// Why.
        why: &'static str,
    },
    /// Too much.
    #[error("the archive is larger than {limit} {what}")]
    TooLarge {
        /// The limit.
        limit: u64,
        /// Of what.
        what: &'static str,
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

/// Writes the files below `root`: sorted, owned by nobody, at no time.
pub(crate) fn pack(root: &Path, files: &BTreeMap<PathBuf, Found>, out: impl Write) -> Result<(), ArchiveError> {
    let named = |path: &Path| path.to_path_buf();
    let mut tar = Builder::new(out);
    add(&mut tar, root, files, named, false)?;
    tar.into_inner().and_then(|mut out| out.flush()).map_err(|source| ArchiveError::Io { path: root.to_path_buf(), source })
}

/// Adds the files below `root` to an archive, each by the name that it is to have there; with their times, or at none.
pub(crate) fn add(
    tar: &mut Builder<impl Write>,
    root: &Path,
    files: &BTreeMap<PathBuf, Found>,
    named: impl Fn(&Path) -> PathBuf,
    times: bool,
) -> Result<(), ArchiveError> {
    let at = |path: &Path| {
        let path = path.to_path_buf();
        move |source| ArchiveError::Io { path, source }
    };
    let below = Dir::open(root).map_err(at(root))?;
    let mut total = 0;
    for (path, kind) in files {
        let name = named(path);
        let mut header = Header::new_gnu();
        header.set_mtime(0);
        header.set_uid(0);
        header.set_gid(0);
        match kind {
            Found::Directory => {
                header.set_entry_type(EntryType::Directory);
                header.set_mode(0o755);
                header.set_size(0);
                tar.append_data(&mut header, name, io::empty()).map_err(at(path))?;
            }
            Found::Link(target) => {
                header.set_entry_type(EntryType::Symlink);
                header.set_mode(0o777);
                header.set_size(0);
                tar.append_link(&mut header, name, target).map_err(at(path))?;
            }
            Found::File { executable } => {
                let file = below.read(path).map_err(at(path))?;
                let found = file.metadata().map_err(at(path))?;
                let size = found.len();
                total += size;
                if total > MAX_ARCHIVE {
                    return Err(ArchiveError::TooLarge { limit: MAX_ARCHIVE, what: "bytes" });
                }
                header.set_entry_type(EntryType::Regular);
                header.set_mode(if *executable { 0o755 } else { 0o644 });
                header.set_size(size);
                if times {
                    header.set_mtime(u64::try_from(found.mtime()).unwrap_or(0));
                }
                tar.append_data(&mut header, name, file.take(size)).map_err(at(path))?;
            }
        }
    }
    Ok(())
}

/// Unpacks below `root` for a user. Nothing gets out: no absolute path, no `..`, no link that leaves or on the way.
pub(crate) fn unpack(archive: impl Read, root: &Path, owner: u32) -> Result<(), ArchiveError> {
    unpack_to(archive, &|path| Some((root.to_path_buf(), path.to_path_buf())), root, owner)
}

/// As [`unpack`]; `place` says for each entry below which directory it goes, and where; or that it is left out.
pub(crate) fn unpack_to(
    archive: impl Read,
    place: &dyn Fn(&Path) -> Option<(PathBuf, PathBuf)>,
    shown_root: &Path,
    owner: u32,
) -> Result<(), ArchiveError> {
    let root = shown_root;
    let at = |path: &Path| {
        let path = path.to_path_buf();
        move |source| ArchiveError::Io { path, source }
    };
    let mut open: Option<(PathBuf, Dir)> = None;
    let mut total = 0;
    let mut archive = Archive::new(archive);
    for (index, entry) in archive.entries().map_err(at(root))?.enumerate() {
        let mut entry = entry.map_err(at(root))?;
        let shown = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let refused = |why| ArchiveError::Refused { path: shown.chars().take(200).collect(), why };
        let path = plain(&shown).ok_or_else(|| refused("its path leaves the tree or is too deep"))?;
        if index >= MAX_FILES {
            return Err(ArchiveError::TooLarge { limit: MAX_FILES as u64, what: "entries" });
        }
        total += entry.size();
        if total > MAX_ARCHIVE {
            return Err(ArchiveError::TooLarge { limit: MAX_ARCHIVE, what: "bytes" });
        }
        // an archive of before jobs had one; what this job's Git does is not said by another's artifacts
        if path.starts_with(GIT) {
            continue;
        }
        let Some((root, path)) = place(&path) else { continue };
        if open.as_ref().is_none_or(|(known, _)| *known != root) {
            open = Some((root.clone(), Dir::open(&root).map_err(at(&root))?));
        }
        let Some((_, below)) = &open else { continue };
        let name = path.file_name().map(PathBuf::from).unwrap_or_default();
        let directory = below.make(path.parent().unwrap_or(Path::new("")), owner).map_err(at(&path))?;
        match entry.header().entry_type() {
            EntryType::Directory => drop(directory.make(&name, owner).map_err(at(&path))?),
            EntryType::Regular => {
                let mode = if entry.header().mode().unwrap_or(0) & 0o100 == 0 { 0o644 } else { 0o755 };
                let mut file = directory.create(&name, mode, owner).map_err(at(&path))?;
                io::copy(&mut entry, &mut file).map_err(at(&path))?;
                if let Some(time) = entry.header().mtime().ok().filter(|time| *time > 0) {
                    file.set_modified(UNIX_EPOCH + Duration::from_secs(time)).map_err(at(&path))?;
                }
            }
            EntryType::Symlink => {
                let target = entry.link_name().map_err(at(&path))?.ok_or_else(|| refused("it is a link to nowhere"))?.into_owned();
                if leaves(&path, &target) {
                    return Err(refused("it is a link that leaves the tree"));
                }
                directory.link(&name, &target, owner).map_err(at(&path))?;
            }
            _ => return Err(refused("it is neither file, directory nor link")),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;
    use crate::globs::matching;

    fn packed(root: &Path) -> Vec<u8> {
        let (files, _) = matching(root, &["out".to_owned()], &[]).unwrap();
        let mut bytes = Vec::new();
        pack(root, &files, &mut bytes).unwrap();
        bytes
    }

    fn tree(root: &Path) {
        fs::create_dir_all(root.join("out/deep")).unwrap();
        fs::write(root.join("out/deep/run"), "#!/bin/sh\n").unwrap();
        fs::set_permissions(root.join("out/deep/run"), fs::Permissions::from_mode(0o755)).unwrap();
        symlink("deep/run", root.join("out/link")).unwrap();
        symlink("/etc/passwd", root.join("out/leaves")).unwrap();
    }

    #[test]
    fn what_is_packed_comes_out_again_and_twice_the_same() {
        let (one, two, back) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        tree(one.path());
        tree(two.path());
        assert_eq!(packed(one.path()), packed(two.path()));
        unpack(&packed(one.path())[..], back.path(), 0).unwrap();
        assert_eq!(fs::read_to_string(back.path().join("out/link")).unwrap(), "#!/bin/sh\n");
        assert_eq!(fs::metadata(back.path().join("out/deep/run")).unwrap().permissions().mode() & 0o777, 0o755);
        assert!(!back.path().join("out/leaves").is_symlink(), "a link that leaves is not packed");
    }

    fn refused(kind: EntryType, path: &str, link: &str) -> bool {
        let (dir, mut bytes) = (tempfile::tempdir().unwrap(), Vec::new());
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_size(0);
        header.as_gnu_mut().unwrap().name[..path.len()].copy_from_slice(path.as_bytes());
        header.as_gnu_mut().unwrap().linkname[..link.len()].copy_from_slice(link.as_bytes());
        header.set_cksum();
        Builder::new(&mut bytes).append(&header, io::empty()).unwrap();
        matches!(unpack(&bytes[..], dir.path(), 0), Err(ArchiveError::Refused { .. }))
    }

    #[test]
    fn an_entry_that_would_get_out_is_refused() {
        assert!(refused(EntryType::Regular, "../a", ""));
        assert!(refused(EntryType::Regular, "/etc/a", ""));
        assert!(refused(EntryType::Symlink, "a", "../../etc"));
        assert!(refused(EntryType::Link, "a", "b"));
        assert!(refused(EntryType::Char, "a", ""));
    }

    #[test]
    fn an_entry_below_a_link_that_is_there_already_is_refused() {
        let (from, to, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        tree(from.path());
        symlink(outside.path(), to.path().join("out")).unwrap();
        assert!(unpack(&packed(from.path())[..], to.path(), 0).is_err());
        assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
    }
}
