//! Git's index of a checkout that was just written: every file as the tree has it, with the size and time that it has on disk.
//!
//! Made here and not by `git reset`: that would read every file again to learn what the writer knows.

use std::os::fd::OwnedFd;

use ring::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY, SHA256};
use rustix::fs::{AtFlags, Stat};

use super::Fault;
use super::tree::{Entry, Kind, Tree};
use super::write::{Folders, name};

/// What the bits for a path's length can say at most.
const MAX_LENGTH: usize = 0xfff;

/// The index of a tree (version 2 of the format) whose files lie below `root`.
pub(super) fn index(root: OwnedFd, tree: &Tree) -> Result<Vec<u8>, Fault> {
    let mut entries: Vec<&Entry> = tree.entries.iter().collect();
    entries.sort_unstable_by(|one, other| one.path.cmp(&other.path));
    let mut folders = Folders::new(root);
    let mut index = b"DIRC\0\0\0\x02".to_vec();
    index.extend(low(entries.len() as u64));
    for entry in entries {
        let folder = folders.of(&entry.path)?;
        let found = name(entry).and_then(|name| Ok(rustix::fs::statat(folder, &name, AtFlags::SYMLINK_NOFOLLOW)?));
        append(&mut index, entry, &found.map_err(|e| Fault::at(&entry.path, e))?)?;
    }
    // the digest is of the kind that the objects' ids are
    let long = tree.entries.first().is_some_and(|entry| entry.id.len() == 64);
    let mut digest = Context::new(if long { &SHA256 } else { &SHA1_FOR_LEGACY_USE_ONLY });
    digest.update(&index);
    index.extend(digest.finish().as_ref());
    Ok(index)
}

fn append(index: &mut Vec<u8>, entry: &Entry, found: &Stat) -> Result<(), Fault> {
    let id = hex::decode(&entry.id).map_err(|_| Fault::Failed(format!("`{}` is not an object's id", entry.id)))?;
    let mode = match entry.kind {
        Kind::Program => 0o100_755,
        Kind::Link => 0o120_000,
        _ => 0o100_644,
    };
    let start = index.len();
    for number in [
        // the time of the last change, which a new owner would change
        0,
        0,
        found.st_mtime.cast_unsigned(),
        found.st_mtime_nsec,
        found.st_dev,
        found.st_ino,
        mode,
        u64::from(found.st_uid),
        u64::from(found.st_gid),
        found.st_size.cast_unsigned(),
    ] {
        index.extend(low(number));
    }
    index.extend(id);
    index.extend([&low(entry.path.len().min(MAX_LENGTH) as u64)[2..], &entry.path].concat());
    // at least one zero ends the path, and the next entry begins at a multiple of eight
    let length = (index.len() - start) / 8 * 8 + 8;
    index.resize(start + length, 0);
    Ok(())
}

/// The lower half of a number, as Git writes it.
fn low(number: u64) -> [u8; 4] {
    let [_, _, _, _, a, b, c, d] = number.to_be_bytes();
    [a, b, c, d]
}
