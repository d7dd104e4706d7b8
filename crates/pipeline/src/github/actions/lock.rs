//! Which commits the tags and branches of actions stand for: a file of the repository, written by `penstock actions lock`.

use std::collections::BTreeMap;
use std::fmt;

use penstock_model::{CommitId, Digest};

use crate::reader::shown;

/// The most actions that are locked.
const MAX_LOCKED: usize = 1_000;
/// What the file begins with.
const HEAD: &str =
    "# The commits that actions of other repositories stand for. Written by `penstock actions lock`: keep it in the repository.\n";

/// An action of a repository by a tag or branch, as workflows name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Locked {
    /// `owner/name`, as it is written.
    pub repository: String,
    /// The tag or branch.
    pub reference: String,
    /// The commit that it stands for.
    pub commit: CommitId,
    /// What the commit's files come to; `None` where the commit is enough.
    pub digest: Option<Digest>,
}

/// The file: `OWNER/NAME@REF COMMIT DIGEST` a line, in order; the digest may be left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ActionsLock(BTreeMap<(String, String), Locked>);

impl ActionsLock {
    /// Where it lies.
    pub const PATH: &str = ".github/penstock-actions.lock";

    /// Reads the file.
    ///
    /// # Errors
    /// The number of the line that is wrong, and why.
    pub fn read(text: &str) -> Result<Self, (usize, String)> {
        let mut lock = Self::default();
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let locked = locked(line).map_err(|why| (index + 1, why))?;
            if lock.0.len() >= MAX_LOCKED {
                return Err((index + 1, format!("more than {MAX_LOCKED} actions are locked")));
            }
            let name = format!("{}@{}", locked.repository, locked.reference);
            if lock.keep(locked).is_some() {
                return Err((index + 1, format!("`{}` is locked twice", shown(&name))));
            }
        }
        Ok(lock)
    }

    /// What an action's tag or branch is locked to. Names of repositories are not told apart by case.
    pub fn get(&self, repository: &str, reference: &str) -> Option<&Locked> {
        self.0.get(&(repository.to_lowercase(), reference.to_owned()))
    }

    /// Locks; gives what was locked before.
    pub fn keep(&mut self, locked: Locked) -> Option<Locked> {
        self.0.insert((locked.repository.to_lowercase(), locked.reference.clone()), locked)
    }

    /// All that is locked, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Locked> {
        self.0.values()
    }
}

impl fmt::Display for ActionsLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HEAD)?;
        self.iter().try_for_each(|one| {
            let digest = one.digest.map(|digest| format!(" {digest}")).unwrap_or_default();
            writeln!(f, "{}@{} {}{digest}", one.repository, one.reference, one.commit)
        })
    }
}

fn locked(line: &str) -> Result<Locked, String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let (action, commit, digest) = match words[..] {
        [action, commit] => (action, commit, None),
        [action, commit, digest] => (action, commit, Some(digest)),
        _ => return Err("a line is `OWNER/NAME@REF COMMIT sha256:DIGEST`".to_owned()),
    };
    let (repository, reference) = action.split_once('@').ok_or_else(|| format!("`{}` names no tag or branch", shown(action)))?;
    if !super::uses::is_repository(repository) || !super::uses::is_reference(reference) {
        return Err(format!("`{}` is no action of another repository", shown(action)));
    }
    let commit = commit.parse().map_err(|error| format!("{error}"))?;
    let digest = digest.map(str::parse).transpose().map_err(|error: penstock_model::digest::InvalidDigest| error.to_string())?;
    Ok(Locked { repository: repository.to_owned(), reference: reference.to_owned(), commit, digest })
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMIT: &str = "0123456789012345678901234567890123456789";

    #[test]
    fn what_is_written_is_read_again_in_order() {
        let digest = Digest::of("x");
        let text = format!("{HEAD}a/b@v1 {COMMIT} {digest}\na/b@v2 {COMMIT}\nOrg/C.d@release/v2 {COMMIT} {digest}\n");
        let lock = ActionsLock::read(&text).unwrap();
        assert_eq!(lock.to_string(), text);
        assert_eq!(lock.get("org/c.D", "release/v2").unwrap().commit.as_str(), COMMIT);
        assert!(lock.get("a/b", "V1").is_none(), "tags are told apart by case");
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        let digest = Digest::of("x");
        for (line, why) in [
            ("a/b@v1".to_owned(), "a line is"),
            (format!("a/b {COMMIT} {digest}"), "names no tag"),
            (format!("a/b/c@v1 {COMMIT} {digest}"), "is no action"),
            (format!("../b@v1 {COMMIT} {digest}"), "is no action"),
            (format!("a/b@../v1 {COMMIT} {digest}"), "is no action"),
            (format!("a/b@v1 0123 {digest}"), "commit id"),
            (format!("a/b@v1 {COMMIT} sha256:0"), "is not a digest"),
            (format!("a/b@v1 {COMMIT} {digest}\nA/B@v1 {COMMIT} {digest}"), "locked twice"),
        ] {
            let (at, told) = ActionsLock::read(&format!("# note\n\n{line}\n")).unwrap_err();
            assert!(told.contains(why) && at == 3 + line.matches('\n').count(), "{line}: {at} {told}");
        }
    }
}
