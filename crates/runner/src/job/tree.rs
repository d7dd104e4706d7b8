//! The checkout's files, for expressions that ask for them while the job runs.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use penstock_model::Digest;
use penstock_model::digest::Hasher;
use penstock_model::job::JobFiles;
use walkdir::WalkDir;

use crate::beneath::Dir;

/// Files that one look may find.
const MAX_FILES: usize = 1_000_000;
/// How deep links may lead to folders that have links.
const MAX_LINKS: usize = 8;

/// A job's checkout.
#[derive(Debug)]
pub(super) struct Tree {
    /// Its path inside, and on the machine.
    inside: String,
    outside: PathBuf,
}

impl Tree {
    /// A checkout, by its path inside and on the machine.
    pub(super) fn new(inside: String, outside: PathBuf) -> Self {
        Self { inside, outside }
    }

    /// Where a link below the checkout leads, if it does not lead out of it.
    fn target(&self, path: &Path) -> Option<PathBuf> {
        let root = self.outside.canonicalize().ok()?;
        let target = self.outside.join(path).canonicalize().ok()?;
        target.strip_prefix(&root).ok().map(Path::to_path_buf)
    }

    /// Everything in a folder, named as if it lay at `shown`.
    fn walk(&self, folder: &Path, shown: &Path, follow: bool, links: usize, found: &mut Vec<String>) -> Result<(), String> {
        for entry in WalkDir::new(self.outside.join(folder)).follow_root_links(false) {
            // what goes away meanwhile is not there
            let Ok(entry) = entry else { continue };
            let Ok(below) = entry.path().strip_prefix(self.outside.join(folder)) else { continue };
            let (path, name) = (folder.join(below), shown.join(below));
            let kind = entry.file_type();
            if kind.is_symlink() {
                let Some(target) = self.target(&path) else { continue };
                let there = self.outside.join(&target);
                if there.is_file() {
                    found.extend(name.to_str().map(str::to_owned));
                } else if follow && links < MAX_LINKS && !path.starts_with(&target) {
                    self.walk(&target, &name, follow, links + 1, found)?;
                }
            } else if kind.is_file() {
                found.extend(name.to_str().map(str::to_owned));
            }
            if found.len() > MAX_FILES {
                return Err(format!("there are more than {MAX_FILES} files"));
            }
        }
        Ok(())
    }

    fn open(&self, path: &str) -> io::Result<File> {
        let target = self.target(Path::new(path)).ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "it leads out of the checkout"))?;
        Dir::open(&self.outside)?.read(&target)
    }
}

impl JobFiles for Tree {
    fn root(&self) -> &str {
        &self.inside
    }

    fn paths(&self, follow: bool) -> Result<Vec<String>, String> {
        let mut found = Vec::new();
        self.walk(Path::new(""), Path::new(""), follow, 0, &mut found)?;
        Ok(found)
    }

    fn digest(&self, path: &str) -> Result<Digest, String> {
        let read = || -> io::Result<Digest> {
            let (mut file, mut hasher, mut buffer) = (self.open(path)?, Hasher::new(), vec![0; 64 * 1024]);
            loop {
                match file.read(&mut buffer)? {
                    0 => return Ok(hasher.finish()),
                    count => hasher.update(&buffer[..count]),
                }
            }
        };
        read().map_err(|error| format!("{path}: {error}"))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_are_followed_as_far_as_they_stay_in_the_checkout() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("a/deep")).unwrap();
        fs::write(dir.path().join("a/deep/x"), "x").unwrap();
        for (target, link) in [("a/deep/x", "file"), ("a", "folder"), ("/etc/passwd", "out"), ("/etc", "away"), ("../..", "a/deep/loop")] {
            symlink(target, dir.path().join(link)).unwrap();
        }
        let tree = Tree::new("/builds/shop".into(), dir.path().into());
        let sorted = |follow| {
            let mut paths = tree.paths(follow).unwrap();
            paths.sort();
            paths
        };
        assert_eq!(sorted(false), ["a/deep/x", "file"]);
        assert_eq!(sorted(true), ["a/deep/x", "file", "folder/deep/x"]);
        assert_eq!(tree.digest("folder/deep/x").unwrap(), Digest::of("x"));
        assert!(tree.digest("out").unwrap_err().contains("leads out"));
    }
}
