//! Where what a job sees lies on the machine.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::beneath::{Dir, plain};

/// Directories of a job that the runner may read as well: the path inside, and where it is outside.
#[derive(Clone, Debug, Default)]
pub(crate) struct Places(Vec<(String, PathBuf)>);

impl Places {
    /// The first is the checkout, from which relative paths start.
    pub(crate) fn new(places: Vec<(String, PathBuf)>) -> Self {
        Self(places)
    }

    /// With another name of the checkout, by which some of its processes have it.
    #[must_use]
    pub(crate) fn also(mut self, name: &str) -> Self {
        let checkout = self.0.first().map(|(_, outside)| (name.to_owned(), outside.clone()));
        self.0.extend(checkout);
        self
    }

    /// Where each of them lies on the machine.
    pub(crate) fn roots(&self) -> Vec<PathBuf> {
        let mut roots: Vec<PathBuf> = Vec::new();
        for (_, outside) in &self.0 {
            if !roots.contains(outside) {
                roots.push(outside.clone());
            }
        }
        roots
    }

    /// A path below the checkout, without the checkout; otherwise as it is.
    pub(crate) fn relative<'p>(&self, path: &'p str) -> &'p str {
        let checkout = self.0.first().map(|(_, outside)| outside);
        let mut names = self.0.iter().filter(|(_, outside)| Some(outside) == checkout).map(|(inside, _)| inside);
        let below = names.find_map(|name| path.strip_prefix(name.as_str())?.strip_prefix('/'));
        below.unwrap_or(path).trim_start_matches("./")
    }

    /// The directory that holds a path, and the path below it (nothing for the directory itself).
    pub(crate) fn find(&self, path: &str) -> Option<(&Path, Option<PathBuf>)> {
        if !path.starts_with('/') {
            let checkout = &self.0.first()?.1;
            return if path.is_empty() || path == "." { Some((checkout, None)) } else { Some((checkout, Some(plain(path)?))) };
        }
        self.0.iter().find_map(|(inside, outside)| {
            let rest = path.strip_prefix(inside)?;
            match rest.strip_prefix('/').map(|rest| rest.trim_start_matches('/')) {
                None | Some("") if rest.is_empty() || rest.starts_with('/') => Some((outside.as_path(), None)),
                None | Some("") => None,
                Some(rest) => Some((outside.as_path(), Some(plain(rest)?))),
            }
        })
    }

    /// A small file of the job, without following a link.
    pub(crate) fn read(&self, path: &str, limit: u64) -> io::Result<Vec<u8>> {
        let outside = || io::Error::new(io::ErrorKind::NotFound, format!("`{path}` is no file of the job"));
        let (root, below) = self.find(path).ok_or_else(outside)?;
        let file = Dir::open(root)?.read(&below.ok_or_else(outside)?)?;
        let mut bytes = Vec::new();
        file.take(limit + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > limit {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("`{path}` is larger than {} KiB", limit >> 10)));
        }
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_of_the_job_is_found_on_the_machine() {
        let places =
            Places::new(vec![("/builds/shop".into(), "/m/tree".into()), ("/tmp".into(), "/m/tmp".into())]).also("/github/workspace");
        let seen = |path: &str| {
            places.find(path).map(|(root, below)| match below {
                Some(below) => root.join(below).display().to_string(),
                None => root.display().to_string(),
            })
        };
        for (path, expected) in [
            ("a/b", Some("/m/tree/a/b")),
            (".", Some("/m/tree")),
            ("/builds/shop", Some("/m/tree")),
            ("/builds/shop/", Some("/m/tree")),
            ("/builds/shop/./a", Some("/m/tree/a")),
            ("/builds/shopping/a", None),
            ("/tmp/x", Some("/m/tmp/x")),
            ("/github/workspace/a", Some("/m/tree/a")),
            ("/etc/passwd", None),
            ("../x", None),
            ("/tmp/../etc", None),
        ] {
            assert_eq!(seen(path).as_deref(), expected, "{path}");
        }
        for (path, expected) in [("/builds/shop/a.c", "a.c"), ("/github/workspace/a.c", "a.c"), ("./a.c", "a.c"), ("/x", "/x")] {
            assert_eq!(places.relative(path), expected);
        }
        assert_eq!(places.roots().len(), 2);
    }
}
