//! Checkouts of commits that no tool is to look at any more.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Removes every checkout but the busy ones; gives them with their bytes.
pub(super) fn sources(dir: &Path, busy: &BTreeSet<PathBuf>, dry_run: bool) -> std::io::Result<Vec<(String, u64)>> {
    let mut gone = Vec::new();
    for project in std::fs::read_dir(dir.join("sources"))? {
        for source in std::fs::read_dir(project?.path())? {
            let source = source?.path();
            if busy.contains(&source) {
                continue;
            }
            let name = source.strip_prefix(dir).unwrap_or(&source).display().to_string();
            gone.push((name, size(&source)));
            if !dry_run {
                std::fs::remove_dir_all(&source)?;
            }
        }
    }
    gone.sort();
    Ok(gone)
}

/// The bytes of every file below; what cannot be read counts nothing.
fn size(path: &Path) -> u64 {
    let below = std::fs::read_dir(path).into_iter().flatten().flatten();
    below
        .map(|entry| match entry.metadata() {
            Ok(found) if found.is_dir() => size(&entry.path()),
            Ok(found) => found.len(),
            Err(_) => 0,
        })
        .sum()
}
