//! A tree as a list, and what is not let out of it. Pure.

use std::collections::{HashMap, HashSet, VecDeque};

use super::{MAX_BYTES, MAX_DEPTH, MAX_FILES};

/// How many links one link may lead through (as the kernel's own limit).
const MAX_HOPS: usize = 40;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    File,
    /// A file that may be run.
    Program,
    Link,
    Folder,
    Submodule,
}

/// A line of `ls-tree -l -z`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub kind: Kind,
    pub id: String,
    pub size: u64,
    pub path: Vec<u8>,
}

/// Reads `mode type id size\tpath\0…`.
pub(crate) fn entries(output: &[u8]) -> Result<Vec<Entry>, String> {
    let lines = output.split(|b| *b == 0).filter(|line| !line.is_empty());
    lines.map(|line| entry(line).ok_or_else(|| format!("the tree's entry `{}` cannot be read", String::from_utf8_lossy(line)))).collect()
}

fn entry(line: &[u8]) -> Option<Entry> {
    let tab = line.iter().position(|b| *b == b'\t')?;
    let mut words = std::str::from_utf8(&line[..tab]).ok()?.split_ascii_whitespace();
    let (mode, _, id, size) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let kind = match mode {
        "100644" | "100664" => Kind::File,
        "100755" => Kind::Program,
        "120000" => Kind::Link,
        "040000" => Kind::Folder,
        "160000" => Kind::Submodule,
        _ => return None,
    };
    Some(Entry { kind, id: id.to_owned(), size: size.parse().unwrap_or(0), path: line[tab + 1..].to_owned() })
}

/// Why a path is not let out, if it is not.
pub(crate) fn refusal(path: &[u8]) -> Option<&'static str> {
    if path.len() > 4000 || path.contains(&0) {
        return Some("it is too long");
    }
    if path.split(|b| *b == b'/').count() > MAX_DEPTH {
        return Some("it is too deep");
    }
    for part in path.split(|b| *b == b'/') {
        match part {
            b"" => return Some("it has an empty part"),
            b"." | b".." => return Some("it would leave the tree"),
            part if part.eq_ignore_ascii_case(b".git") => return Some("it would change Git's own files"),
            part if part.len() > 255 => return Some("it is too long"),
            _ => {}
        }
    }
    None
}

/// A tree that may be let out once its links were looked at.
#[derive(Debug)]
pub(crate) struct Tree {
    /// Files and links, as git sorts them.
    pub entries: Vec<Entry>,
    /// Where each lies in `entries`.
    pub files: HashMap<Vec<u8>, usize>,
    pub folders: HashSet<Vec<u8>>,
}

impl Tree {
    /// Refuses paths that leave the tree, two entries at one place, submodules, and more than the limits.
    pub fn new(entries: Vec<Entry>) -> Result<Self, String> {
        if entries.len() > MAX_FILES {
            return Err(format!("it has {} files, and {MAX_FILES} are allowed", entries.len()));
        }
        let size = entries.iter().fold(0u64, |sum, entry| sum.saturating_add(entry.size));
        if size > MAX_BYTES {
            return Err(format!("it has {size} bytes, and {MAX_BYTES} are allowed"));
        }
        let (mut files, mut folders) = (HashMap::new(), HashSet::new());
        for (index, entry) in entries.iter().enumerate() {
            let name = || String::from_utf8_lossy(&entry.path).into_owned();
            if let Some(why) = refusal(&entry.path) {
                return Err(format!("the path `{}` is not let out: {why}; remove it from the commit", name()));
            }
            match entry.kind {
                Kind::Submodule => {
                    return Err(format!(
                        "`{}` is a submodule, which is not fetched; add the files themselves, or fetch it in a job",
                        name()
                    ));
                }
                Kind::Folder => return Err(format!("`{}` is a folder where files were listed", name())),
                Kind::File | Kind::Program | Kind::Link => {}
            }
            if files.insert(entry.path.clone(), index).is_some() {
                return Err(format!("`{}` is there twice", name()));
            }
            for (at, _) in entry.path.iter().enumerate().filter(|(_, b)| **b == b'/') {
                folders.insert(entry.path[..at].to_owned());
            }
        }
        if let Some(both) = folders.iter().find(|folder| files.contains_key(*folder)) {
            return Err(format!("`{}` is a folder and a file", String::from_utf8_lossy(both)));
        }
        Ok(Self { entries, files, folders })
    }

    /// Refuses links that lead out of the tree, by whatever way; `targets` has every link's target.
    pub fn check_links(&self, targets: &HashMap<Vec<u8>, Vec<u8>>) -> Result<(), String> {
        for (path, target) in targets {
            let name = || (String::from_utf8_lossy(path).into_owned(), String::from_utf8_lossy(target).into_owned());
            if !stays(targets, path, target) {
                let (path, target) = name();
                return Err(format!(
                    "the link `{path}` → `{target}` leads out of the tree or in a circle; make it point at a file of the tree"
                ));
            }
        }
        Ok(())
    }
}

/// Follows a link as the kernel would, within the tree.
fn stays(targets: &HashMap<Vec<u8>, Vec<u8>>, path: &[u8], target: &[u8]) -> bool {
    if target.is_empty() || target.contains(&0) {
        return false;
    }
    let parts = |path: &[u8]| path.split(|b| *b == b'/').map(<[u8]>::to_vec).collect::<Vec<_>>();
    let mut at = parts(path);
    at.pop();
    let mut todo: VecDeque<Vec<u8>> = parts(target).into();
    let mut hops = 0;
    if target.starts_with(b"/") {
        return false;
    }
    while let Some(part) = todo.pop_front() {
        match part.as_slice() {
            b"" | b"." => {}
            b".." => {
                if at.pop().is_none() {
                    return false;
                }
            }
            _ => {
                at.push(part);
                let Some(next) = targets.get(&at.join(&b'/')) else { continue };
                hops += 1;
                if hops > MAX_HOPS || next.starts_with(b"/") {
                    return false;
                }
                at.pop();
                for part in parts(next).into_iter().rev() {
                    todo.push_front(part);
                }
            }
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(links: &[(&str, &str)], stay: bool) {
        let targets = links.iter().map(|(path, target)| (path.as_bytes().to_vec(), target.as_bytes().to_vec())).collect();
        let tree = Tree { entries: Vec::new(), files: HashMap::new(), folders: HashSet::new() };
        assert_eq!(tree.check_links(&targets).is_ok(), stay, "{links:?}");
    }

    #[test]
    fn links_within_the_tree_are_let_out() {
        check(&[("a", "b")], true);
        check(&[("a/b/c", "../../d/e")], true);
        check(&[("a/b", ".."), ("c", "a/b/x")], true);
        check(&[("a", "absent/../b")], true);
    }

    #[test]
    fn links_that_leave_the_tree_are_not() {
        check(&[("a", "/etc/passwd")], false);
        check(&[("a", "..")], false);
        check(&[("a/b", "../../x")], false);
        check(&[("a", "b/../../x")], false);
        // each looks harmless by its letters, and together they leave
        check(&[("a/b/c/d", "../../.."), ("a/l", "b/c/d/../x")], false);
        check(&[("a", "")], false);
        check(&[("a", "b"), ("b", "a")], false);
    }

    #[test]
    fn paths_that_leave_the_tree_or_touch_gits_files_are_not_let_out() {
        for bad in ["../x", "a/../x", "a//x", "/x", ".git/config", "a/.GIT/hooks/x", "", "a/."] {
            assert!(refusal(bad.as_bytes()).is_some(), "{bad}");
        }
        assert!(refusal(&[b'a'; 256]).is_some());
        assert!(refusal("a/".repeat(100).trim_end_matches('/').as_bytes()).is_some());
        assert_eq!(refusal(".github/workflows/ci.yml".as_bytes()), None);
    }

    #[test]
    fn a_file_below_a_link_and_a_submodule_are_not_let_out() {
        let line = |mode: &str, path: &str| format!("{mode} blob 1234 5\t{path}\0");
        let tree = |lines: &[String]| Tree::new(entries(lines.concat().as_bytes()).unwrap());
        assert!(tree(&[line("120000", "a"), line("100644", "a/b")]).unwrap_err().contains("a folder and a file"));
        assert!(tree(&[line("100644", "a"), line("100644", "a")]).unwrap_err().contains("twice"));
        assert!(tree(&[line("160000", "a")]).unwrap_err().contains("submodule"));
        assert!(tree(&[line("100644", "a/b"), line("100755", "a/c")]).unwrap().folders.contains(&b"a"[..]));
    }
}
