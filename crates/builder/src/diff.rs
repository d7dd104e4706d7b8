//! What a step wrote, as overlayfs left it, to entries of a layer.

use std::collections::HashMap;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use penstock_image::layer::{Entry, Kind};

use crate::output::Entries;
use crate::tree::{Tree, entry_of, is_opaque, is_whiteout};

/// Reads a step's upper directory.
pub fn entries(upper: &Path) -> io::Result<Entries> {
    let mut entries = Entries::default();
    // whiteouts must be seen here, so the directory is read as it is
    let mut open = vec![(upper.to_owned(), String::new())];
    let mut all = Vec::new();
    while let Some((directory, inside)) = open.pop() {
        for entry in std::fs::read_dir(&directory)? {
            let entry = entry?;
            let name = crate::tree::text(&entry.file_name())?;
            let path = if inside.is_empty() { name } else { format!("{inside}/{name}") };
            let meta = entry.metadata()?;
            if meta.is_dir() {
                open.push((entry.path(), path.clone()));
            }
            all.push((path, entry.path(), meta));
        }
    }
    // the first name in order holds the content, so that links do not depend on how a directory is read
    all.sort_by(|(a, ..), (b, ..)| a.split('/').cmp(b.split('/')));
    let mut links = HashMap::new();
    for (path, real, meta) in all {
        if is_whiteout(&meta) {
            entries.put(Entry::whiteout(&path), None);
            continue;
        }
        if meta.is_dir() && is_opaque(&real) {
            entries.put(Entry::opaque(&path), None);
        }
        let inode = (meta.dev(), meta.ino());
        let shared = meta.is_file() && meta.nlink() > 1;
        let found = crate::tree::Found { path: path.clone(), real: real.clone(), meta };
        let Some(mut entry) = entry_of(&found, &path)? else { continue };
        if shared {
            if let Some(first) = links.get(&inode) {
                entry = Entry { kind: Kind::Link(String::clone(first)), xattrs: std::collections::BTreeMap::new(), ..entry };
            } else {
                links.insert(inode, path);
            }
        }
        entries.put(entry, Some(real));
    }
    Ok(entries)
}

/// The entry of a directory that has to be there: as the stage has it already, or as one is made.
pub fn directory_entry(tree: &Tree, path: &str) -> io::Result<Entry> {
    match tree.at(path)? {
        Some(found) if found.is_dir() => Ok(entry_of(&found, path)?.unwrap_or_else(|| Entry::directory(path))),
        _ => Ok(Entry::directory(path)),
    }
}
