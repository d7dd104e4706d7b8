//! What a tool judges: a commit's tree, or a part of it.

use std::collections::BTreeSet;
use std::path::Path;

/// The source's lines, for fingerprints that survive a shift of lines.
pub trait Sources {
    /// A line of a file, counted from 1, without its end; `None` if there is no such line.
    fn line(&self, path: &str, line: u32) -> Option<String>;
}

/// No source at hand: fingerprints fall back to what the tool said.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoSources;

impl Sources for NoSources {
    fn line(&self, _: &str, _: u32) -> Option<String> {
        None
    }
}

/// A commit's files, by path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree(BTreeSet<String>);

impl<S: Into<String>> FromIterator<S> for Tree {
    fn from_iter<I: IntoIterator<Item = S>>(paths: I) -> Self {
        Self(paths.into_iter().map(Into::into).collect())
    }
}

impl Tree {
    /// True if there is such a file.
    pub fn has(&self, path: &str) -> bool {
        self.0.contains(path)
    }

    /// The files, in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// The first of some names that there is.
    pub fn first_of<'a>(&self, names: &[&'a str]) -> Option<&'a str> {
        names.iter().copied().find(|name| self.has(name))
    }
}

/// What a tool judges.
#[derive(Clone, Copy)]
pub struct Judged<'a> {
    /// The directory that holds the commit's files, as the tool sees it.
    pub input: &'a Path,
    /// The paths within it that were asked for; none for all of it.
    pub paths: &'a [String],
    /// The commit's files.
    pub tree: &'a Tree,
    /// Their lines.
    pub sources: &'a dyn Sources,
}

impl std::fmt::Debug for Judged<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Judged").field("input", &self.input).field("paths", &self.paths).finish_non_exhaustive()
    }
}

impl Judged<'_> {
    /// A path as a tool printed it, relative to the tree.
    pub(crate) fn relative(&self, printed: &str) -> String {
        let root = self.input.to_string_lossy();
        let root = root.trim_end_matches('/');
        let inside = printed.strip_prefix(root).and_then(|rest| rest.strip_prefix('/')).filter(|_| !root.is_empty());
        let path = inside.unwrap_or(printed);
        path.trim_start_matches("./").trim_start_matches('/').chars().take(1024).collect()
    }

    /// Files below the paths that were asked for.
    pub(crate) fn files(&self) -> impl Iterator<Item = &str> {
        self.tree.iter().filter(|file| {
            self.paths.is_empty()
                || self.paths.iter().any(|path| {
                    let path = path.trim_start_matches("./").trim_end_matches('/');
                    path == "." || path.is_empty() || *file == path || file.strip_prefix(path).is_some_and(|rest| rest.starts_with('/'))
                })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_relative_to_the_tree_however_they_were_printed() {
        let (tree, paths) = (Tree::from_iter(["a/b.py", "ab.py", "c"]), ["./a/".to_owned()]);
        let judged = Judged { input: Path::new("/w/src/"), paths: &paths, tree: &tree, sources: &NoSources };
        for printed in ["/w/src/a/b.py", "a/b.py", "./a/b.py"] {
            assert_eq!(judged.relative(printed), "a/b.py");
        }
        assert_eq!(judged.relative("/w/srcs/x"), "w/srcs/x");
        assert_eq!(judged.files().collect::<Vec<_>>(), ["a/b.py"]);
    }
}
