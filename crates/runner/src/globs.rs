//! Which files a job wants kept.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use walkdir::{DirEntry, WalkDir};

use crate::beneath::plain;

/// Files that one job may keep.
pub(crate) const MAX_FILES: usize = 100_000;
/// Entries that are looked at for one set of patterns.
const MAX_SEEN: usize = 2_000_000;

/// What the checkout has from Penstock and not from the commit or the job, which nobody keeps.
pub(crate) const GIT: &str = ".git";

/// A pattern or a tree that is refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum GlobError {
    /// It leaves the checkout or is not a pattern.
    #[error("the path `{pattern}` cannot be kept: {why}")]
    Pattern {
        /// The pattern.
        pattern: String,
        /// What to do.
        why: String,
    },
    /// More files than the limit.
    #[error("more than {limit} files match: keep an archive of them, or fewer")]
    TooMany {
        /// The limit.
        limit: usize,
    },
    /// Files.
    #[error("{path}")]
    Io {
        /// Where.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
}

/// What kind of thing a path is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// A regular file, and whether it may be executed.
    File {
        /// By its owner.
        executable: bool,
    },
    /// A link that stays below the checkout, and where it leads.
    Link(PathBuf),
    /// A directory.
    Directory,
}

/// What was found, sorted; and links that leave the tree.
pub(crate) type Matches = (BTreeMap<PathBuf, Found>, Vec<PathBuf>);

/// Everything below `root` that a pattern matches or that lies below a match, sorted, without what `exclude` matches:
/// there a folder does not stand for what lies below it. A pattern's `*` does not match `/`, `**` does. Pipes, sockets
/// and devices are left out; a link that leaves is given in the second list.
pub(crate) fn matching(root: &Path, patterns: &[String], exclude: &[String]) -> Result<Matches, GlobError> {
    let (wanted, unwanted) = (set(patterns)?, set(exclude)?);
    let mut all = Matches::default();
    for start in starts(patterns) {
        // a link on the way to where a pattern starts is not followed
        if start.ancestors().skip(1).any(|above| root.join(above).is_symlink()) {
            continue;
        }
        if start.starts_with(GIT) {
            continue;
        }
        let own = |entry: &DirEntry| entry.path().strip_prefix(root) != Ok(Path::new(GIT));
        let chosen = |path: &Path, _: &DirEntry| below(&wanted, path) && !unwanted.is_match(path);
        walk(root, &start, &own, &chosen, &mut all)?;
    }
    Ok(all)
}

/// Every file and link below `root` that is not among `tracked`, neither below a folder of `keep` nor in another repository,
/// without what `exclude` matches.
pub(crate) fn untracked(root: &Path, tracked: &HashSet<PathBuf>, keep: &[String], exclude: &[String]) -> Result<Matches, GlobError> {
    let (unwanted, mut all) = (set(exclude)?, Matches::default());
    let own = |entry: &DirEntry| {
        let path = entry.path().strip_prefix(root).unwrap_or(entry.path());
        let other = || entry.file_type().is_dir() && entry.path().join(GIT).symlink_metadata().is_ok();
        path.as_os_str().is_empty() || !(path == Path::new(GIT) || keep.iter().any(|kept| Path::new(kept) == path) || other())
    };
    let chosen = |path: &Path, entry: &DirEntry| !entry.file_type().is_dir() && !tracked.contains(path) && !unwanted.is_match(path);
    walk(root, Path::new(""), &own, &chosen, &mut all)?;
    Ok(all)
}

/// Adds what is chosen of what lies at and below `start`, of folders that are `own`.
fn walk(
    root: &Path,
    start: &Path,
    own: &dyn Fn(&DirEntry) -> bool,
    chosen: &dyn Fn(&Path, &DirEntry) -> bool,
    (found, leaving): &mut Matches,
) -> Result<(), GlobError> {
    let walk = WalkDir::new(root.join(start)).follow_root_links(false).into_iter();
    for (seen, entry) in walk.filter_entry(own).enumerate() {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) if error.io_error().is_some_and(|e| e.kind() == std::io::ErrorKind::NotFound) => continue,
            Err(error) => return Err(GlobError::Io { path: error.path().unwrap_or(root).to_path_buf(), source: error.into() }),
        };
        if seen > MAX_SEEN {
            return Err(GlobError::TooMany { limit: MAX_SEEN });
        }
        let Ok(path) = entry.path().strip_prefix(root) else { continue };
        if path.as_os_str().is_empty() || !chosen(path, &entry) {
            continue;
        }
        match kind(root, path, &entry)? {
            Some(Found::Link(target)) if leaves(path, &target) => leaving.push(path.to_path_buf()),
            Some(kind) => {
                found.insert(path.to_path_buf(), kind);
            }
            None => {}
        }
        if found.len() > MAX_FILES {
            return Err(GlobError::TooMany { limit: MAX_FILES });
        }
    }
    Ok(())
}

fn kind(root: &Path, path: &Path, entry: &DirEntry) -> Result<Option<Found>, GlobError> {
    use std::os::unix::fs::PermissionsExt;
    let failed = |source| GlobError::Io { path: path.to_path_buf(), source };
    let kind = entry.file_type();
    Ok(if kind.is_symlink() {
        Some(Found::Link(std::fs::read_link(root.join(path)).map_err(failed)?))
    } else if kind.is_dir() {
        Some(Found::Directory)
    } else if kind.is_file() {
        let mode = entry.metadata().map_err(|error| failed(error.into()))?.permissions().mode();
        Some(Found::File { executable: mode & 0o100 != 0 })
    } else {
        None
    })
}

/// Whether a link at `path` may lead out of the tree. Only leading `..` are counted: one after a name may lead anywhere.
pub(crate) fn leaves(path: &Path, target: &Path) -> bool {
    use std::path::Component;
    let depth = path.components().count().saturating_sub(1);
    let up = target
        .components()
        .take_while(|part| matches!(part, Component::ParentDir | Component::CurDir))
        .filter(|part| *part == Component::ParentDir)
        .count();
    let plain = target
        .components()
        .skip_while(|part| matches!(part, Component::ParentDir | Component::CurDir))
        .all(|part| matches!(part, Component::Normal(_)));
    !plain || up > depth
}

fn below(set: &GlobSet, path: &Path) -> bool {
    path.ancestors().any(|above| !above.as_os_str().is_empty() && set.is_match(above))
}

fn set(patterns: &[String]) -> Result<GlobSet, GlobError> {
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        let refused = |why: &str| GlobError::Pattern { pattern: pattern.clone(), why: why.to_owned() };
        let clean = plain(pattern).ok_or_else(|| refused("it must be relative to the checkout, without `..`"))?;
        let text = clean.to_str().ok_or_else(|| refused("it is not UTF-8"))?;
        let glob = GlobBuilder::new(text).literal_separator(true).build().map_err(|error| refused(&error.to_string()))?;
        set.add(glob);
    }
    set.build().map_err(|error| GlobError::Pattern { pattern: patterns.join(", "), why: error.to_string() })
}

/// The directories from which each pattern's matches can be reached, none below another.
fn starts(patterns: &[String]) -> Vec<PathBuf> {
    let mut starts: Vec<PathBuf> = patterns
        .iter()
        .filter_map(|pattern| plain(pattern))
        .map(|pattern| {
            pattern.components().take_while(|part| !part.as_os_str().to_string_lossy().contains(['*', '?', '[', '{', '\\'])).collect()
        })
        .collect();
    starts.sort();
    let mut outer: Vec<PathBuf> = Vec::new();
    for start in starts {
        if !outer.iter().any(|above| start.starts_with(above)) {
            outer.push(start);
        }
    }
    outer
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(patterns: &[&str], exclude: &[&str], expected: &[&str]) {
        let dir = tempfile::tempdir().unwrap();
        for path in ["dist/a", "dist/sub/b", "top.xml", "reports/junit.xml", "reports/deep/junit.xml"] {
            std::fs::create_dir_all(dir.path().join(path).parent().unwrap()).unwrap();
            std::fs::write(dir.path().join(path), path).unwrap();
        }
        let owned = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let (found, _) = matching(dir.path(), &owned(patterns), &owned(exclude)).unwrap();
        let files: Vec<_> =
            found.iter().filter(|(_, kind)| **kind != Found::Directory).map(|(path, _)| path.to_str().unwrap().to_owned()).collect();
        assert_eq!(files, expected);
    }

    #[test]
    fn a_directory_brings_everything_in_it() {
        check(&["dist/"], &[], &["dist/a", "dist/sub/b"]);
        check(&["./dist/sub"], &[], &["dist/sub/b"]);
    }

    #[test]
    fn a_star_stays_in_its_directory_and_two_do_not() {
        check(&["*.xml"], &[], &["top.xml"]);
        check(&["**/*.xml"], &[], &["reports/deep/junit.xml", "reports/junit.xml", "top.xml"]);
        check(&["reports/*.xml"], &[], &["reports/junit.xml"]);
    }

    #[test]
    fn what_is_excluded_is_left_out_and_what_is_missing_is_nothing() {
        check(&["dist", "nowhere"], &["dist/sub/**"], &["dist/a"]);
        check(&["dist"], &["dist/**/*"], &[]);
        check(&["**/*.xml"], &["reports/**/*.xml"], &["top.xml"]);
    }

    #[test]
    fn an_excluded_folder_does_not_stand_for_what_is_in_it() {
        check(&["dist"], &["dist/sub", "dist/sub/"], &["dist/a", "dist/sub/b"]);
    }

    #[test]
    fn no_pattern_takes_git_along_and_another_repository_below_is_the_jobs_own() {
        let dir = tempfile::tempdir().unwrap();
        for path in [".git/config", ".gitignore", "vendor/.git/config"] {
            std::fs::create_dir_all(dir.path().join(path).parent().unwrap()).unwrap();
            std::fs::write(dir.path().join(path), path).unwrap();
        }
        let files = |patterns: &[&str]| {
            let patterns: Vec<_> = patterns.iter().map(|pattern| (*pattern).to_owned()).collect();
            let (found, _) = matching(dir.path(), &patterns, &[]).unwrap();
            let files = found.into_iter().filter(|(_, kind)| *kind != Found::Directory);
            files.map(|(path, _)| path.to_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        for all in ["**", "**/*", "*", ".*", ".git*", "./**/config"] {
            assert!(!files(&[all]).iter().any(|path| path.starts_with(".git/")), "{all}");
        }
        assert_eq!(files(&["**"]), [".gitignore", "vendor/.git/config"]);
        assert!(files(&[".git", ".git/config", "./.git/**"]).is_empty());
    }

    #[test]
    fn a_pattern_that_leaves_is_refused() {
        assert!(matches!(matching(Path::new("/"), &["../x".to_owned()], &[]), Err(GlobError::Pattern { .. })));
    }

    #[test]
    fn a_link_that_may_leave_is_known() {
        for (path, target, expected) in [
            ("a", "b", false),
            ("d/a", "../b", false),
            ("a", "../b", true),
            ("a", "/etc", true),
            ("d/a", "../x/../../b", true),
            ("d/a", "./b", false),
        ] {
            assert_eq!(leaves(Path::new(path), Path::new(target)), expected, "{path} -> {target}");
        }
    }
}
