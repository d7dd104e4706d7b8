//! Trees of files: what they come to, and copying them.

use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use penstock_model::Digest;
use penstock_model::digest::Hasher;

/// The most files of one tree.
const MAX_FILES: usize = 100_000;
/// The deepest folder.
const MAX_DEPTH: usize = 64;
/// How much of a file is read at a time.
const PART: usize = 256 * 1024;

/// A tree's files and links, below its root, in the order of their paths.
fn listed(root: &Path) -> io::Result<Vec<PathBuf>> {
    let (mut found, mut open) = (Vec::new(), vec![(PathBuf::new(), 0)]);
    while let Some((folder, depth)) = open.pop() {
        for entry in std::fs::read_dir(root.join(&folder))? {
            let entry = entry?;
            let path = folder.join(entry.file_name());
            let kind = entry.file_type()?;
            // the history is no part of it
            if entry.file_name() == ".git" {
                continue;
            }
            if kind.is_dir() && depth < MAX_DEPTH {
                open.push((path, depth + 1));
            } else if kind.is_file() || kind.is_symlink() {
                found.push(path);
            } else {
                return Err(io::Error::other(format!("{} is no file, or lies too deep", path.display())));
            }
            if found.len() > MAX_FILES {
                return Err(io::Error::other(format!("it has more than {MAX_FILES} files")));
            }
        }
    }
    found.sort();
    Ok(found)
}

/// What a tree's files come to: the digest of a list of them, `MODE DIGEST PATH` a line, as Git writes modes.
pub(super) fn digest(root: &Path) -> io::Result<Digest> {
    let mut whole = Hasher::new();
    for path in listed(root)? {
        let file = root.join(&path);
        let data = std::fs::symlink_metadata(&file)?;
        let (mode, digest) = if data.is_symlink() {
            ("120000", Digest::of(std::fs::read_link(&file)?.as_os_str().as_encoded_bytes()))
        } else {
            (if data.permissions().mode() & 0o100 == 0 { "100644" } else { "100755" }, content(&file)?)
        };
        whole.update(format!("{mode} {digest} ").as_bytes());
        whole.update(path.as_os_str().as_encoded_bytes());
        whole.update(b"\n");
    }
    Ok(whole.finish())
}

fn content(file: &Path) -> io::Result<Digest> {
    let (mut file, mut hasher, mut buffer) = (std::fs::File::open(file)?, Hasher::new(), vec![0; PART]);
    loop {
        match io::Read::read(&mut file, &mut buffer)? {
            0 => return Ok(hasher.finish()),
            count => hasher.update(&buffer[..count]),
        }
    }
}

/// Copies a tree without its `.git`, for everybody to read. A link that leads out of it is refused.
pub(super) fn copy(from: &Path, into: &Path) -> io::Result<()> {
    let root = std::fs::canonicalize(from)?;
    std::fs::create_dir_all(into)?;
    for path in listed(&root)? {
        let (source, target) = (root.join(&path), into.join(&path));
        if let Some(folder) = target.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let data = std::fs::symlink_metadata(&source)?;
        if data.is_symlink() {
            if !std::fs::canonicalize(&source).is_ok_and(|led| led.starts_with(&root)) {
                return Err(io::Error::other(format!("the link {} leads out of it", path.display())));
            }
            let led = std::fs::read_link(&source)?;
            if led.is_absolute() {
                return Err(io::Error::other(format!("the link {} is absolute", path.display())));
            }
            std::os::unix::fs::symlink(led, target)?;
        } else {
            std::fs::copy(&source, &target)?;
            let mode = if data.permissions().mode() & 0o100 == 0 { 0o644 } else { 0o755 };
            std::fs::set_permissions(&target, std::fs::Permissions::from_mode(mode))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (path, text) in [("action.yml", "a"), ("dist/index.js", "b"), (".git/HEAD", "c")] {
            std::fs::create_dir_all(dir.path().join(path).parent().unwrap()).unwrap();
            std::fs::write(dir.path().join(path), text).unwrap();
        }
        std::os::unix::fs::symlink("dist/index.js", dir.path().join("link")).unwrap();
        dir
    }

    #[test]
    fn a_tree_comes_to_the_same_wherever_it_lies_and_without_its_history() {
        let (one, other) = (tree(), tempfile::tempdir().unwrap());
        copy(one.path(), &other.path().join("x")).unwrap();
        assert!(!other.path().join("x/.git").exists());
        assert_eq!(digest(one.path()).unwrap(), digest(&other.path().join("x")).unwrap());
    }

    #[test]
    fn every_change_of_name_content_mode_or_link_changes_what_it_comes_to() {
        let whole = digest(tree().path()).unwrap();
        let changes: [fn(&Path); 4] = [
            |root| std::fs::write(root.join("action.yml"), "b").unwrap(),
            |root| std::fs::rename(root.join("action.yml"), root.join("action.yaml")).unwrap(),
            |root| std::fs::set_permissions(root.join("action.yml"), std::fs::Permissions::from_mode(0o755)).unwrap(),
            |root| {
                std::fs::remove_file(root.join("link")).unwrap();
                std::os::unix::fs::symlink("action.yml", root.join("link")).unwrap();
            },
        ];
        for change in changes {
            let tree = tree();
            change(tree.path());
            assert_ne!(digest(tree.path()).unwrap(), whole);
        }
    }

    #[test]
    fn a_link_that_leads_out_is_refused() {
        let (tree, into) = (tree(), tempfile::tempdir().unwrap());
        for target in ["/etc/passwd", "../outside"] {
            let link = tree.path().join("out");
            std::os::unix::fs::symlink(target, &link).unwrap();
            assert!(copy(tree.path(), &into.path().join("x")).is_err(), "{target}");
            std::fs::remove_file(link).unwrap();
        }
    }
}
