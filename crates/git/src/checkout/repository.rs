//! The `.git` of a job's checkout, and the `origin` that it was as if cloned from.
//!
//! Both are a few small files. The objects stay where they are: the job sees the repository's own, read-only, and
//! writes its own beside them. What lies in `.git` afterwards came from here alone.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

use penstock_model::CommitId;
use penstock_model::git::WorkTree;
use rustix::fs::{CWD, Mode};

use super::tree::Tree;
use super::write::{Folders, open_folder, put_small};
use super::{Fault, index};
use crate::borrow::BORROWED;

/// The first line of a file of refs: each tag of a tag has its commit's id on the next line.
const PACKED: &[u8] = b"# pack-refs with: peeled fully-peeled sorted \n";

/// The folders of a `.git`, the outer before the inner. Scripts write into the last two without asking.
pub(crate) const FOLDERS: &[&str] =
    &[".git", ".git/objects", ".git/objects/info", ".git/refs", ".git/refs/heads", ".git/refs/tags", ".git/info", ".git/hooks"];

/// The files of a `.git`.
pub(crate) const FILES: &[&str] = &[".git/config", ".git/packed-refs", ".git/HEAD", ".git/index", ".git/objects/info/alternates"];

/// What is to be written.
pub(crate) struct DotGit {
    pub commit: CommitId,
    pub wanted: WorkTree,
    /// Its branches and tags.
    pub refs: Arc<Refs>,
    /// The repository's own `HEAD`.
    pub head: Vec<u8>,
    /// Whether the repository borrows objects, which the job sees beside its own.
    pub borrows: bool,
}

impl DotGit {
    /// Writes both, for a checkout that was just written and has no other `.git` than [`FOLDERS`] with [`FILES`], which may hold anything.
    pub fn write(&self, into: &Path, tree: &Tree) -> Result<(), Fault> {
        let at = |path: &Path| {
            let path = path.as_os_str().as_bytes().to_vec();
            move |error: io::Error| Fault::at(&path, error)
        };
        let root = || open_folder(CWD, into.as_os_str()).map_err(|error| at(into)(error.into()));
        let index = index::index(root()?, tree)?;
        self.dot_git(Folders::new(root()?), index)?;
        self.origin().map_err(at(&self.wanted.origin))
    }

    fn dot_git(&self, mut folders: Folders, index: Vec<u8>) -> Result<(), Fault> {
        for path in FOLDERS {
            let folder = folders.of(format!("{path}/").as_bytes())?;
            // one that an earlier job left may be closed
            rustix::fs::fchmod(folder, Mode::from_raw_mode(0o755)).map_err(|error| Fault::at(path.as_bytes(), error))?;
        }
        let mut objects = format!("{}/objects\n", self.wanted.seen_at.display());
        if self.borrows {
            let _ = writeln!(objects, "{}/{BORROWED}", self.wanted.seen_at.display());
        }
        let names = [c"config", c"packed-refs", c"HEAD", c"index", c"alternates"];
        let contents = [self.config(), self.refs_here(), self.head_here().into_bytes(), index, objects.into_bytes()];
        for ((path, name), content) in FILES.iter().zip(names).zip(contents) {
            let folder = folders.of(path.as_bytes())?;
            put_small(folder, name, Mode::from_raw_mode(0o644), &content).map_err(|error| Fault::at(path.as_bytes(), error))?;
        }
        Ok(())
    }

    /// Files get another owner after this: what that changes says nothing of their content.
    fn config(&self) -> Vec<u8> {
        let mut config = self.format();
        config.push_str("\tbare = false\n\tlogAllRefUpdates = true\n\tcheckStat = minimal\n\ttrustctime = false\n[gc]\n\tauto = 0\n");
        let url = quoted(&self.wanted.seen_at.to_string_lossy());
        let _ = write!(config, "[remote \"origin\"]\n\turl = {url}\n\tfetch = +refs/heads/*:refs/remotes/origin/*\n");
        if let Some(branch) = &self.wanted.branch {
            let _ =
                write!(config, "[branch {}]\n\tremote = origin\n\tmerge = {}\n", quoted(branch), quoted(&format!("refs/heads/{branch}")));
        }
        config.into_bytes()
    }

    /// The beginning of both configurations.
    fn format(&self) -> String {
        match self.commit.as_str().len() {
            64 => "[extensions]\n\tobjectFormat = sha256\n[core]\n\trepositoryFormatVersion = 1\n".to_owned(),
            _ => "[core]\n\trepositoryFormatVersion = 0\n".to_owned(),
        }
    }

    fn head_here(&self) -> String {
        match &self.wanted.branch {
            Some(branch) => format!("ref: refs/heads/{branch}\n"),
            None => format!("{}\n", self.commit),
        }
    }

    /// Branches as those of `origin`, tags as they are. The branch that is checked out is at the commit on both sides, wherever
    /// it went since.
    fn refs_here(&self) -> Vec<u8> {
        let mut refs: Refs = self.refs.iter().map(|(name, id)| (remote(name), id.clone())).collect();
        if let Some(branch) = &self.wanted.branch {
            for place in ["refs/heads", "refs/remotes/origin"] {
                refs.insert(format!("{place}/{branch}").into_bytes(), Id { id: self.commit.as_str().as_bytes().to_vec(), peeled: None });
            }
        }
        packed(&refs)
    }

    /// The remote's refs and its `HEAD`; `objects` is where the job sees those of the repository.
    pub fn origin(&self) -> io::Result<()> {
        let origin = &self.wanted.origin;
        std::fs::create_dir_all(origin.join("objects"))?;
        std::fs::create_dir_all(origin.join("refs"))?;
        if self.borrows {
            std::fs::create_dir_all(origin.join(BORROWED))?;
        }
        put(&origin.join("HEAD"), &self.head)?;
        put(&origin.join("config"), (self.format() + "\tbare = true\n").as_bytes())?;
        put(&origin.join("packed-refs"), &packed(&self.refs))
    }
}

/// Makes a file what it mostly is already. Never by writing over it: file systems wait for the disk then.
fn put(path: &Path, content: &[u8]) -> io::Result<()> {
    match std::fs::read(path) {
        Ok(there) if there == content => return Ok(()),
        Ok(_) => std::fs::remove_file(path)?,
        Err(_) => {}
    }
    std::fs::write(path, content)
}

/// A branch's name as that of a remote's; a tag's as it is.
fn remote(name: &[u8]) -> Vec<u8> {
    name.strip_prefix(b"refs/heads/").map_or_else(|| name.to_vec(), |branch| [b"refs/remotes/origin/", branch].concat())
}

/// Refs by their names.
pub(crate) type Refs = BTreeMap<Vec<u8>, Id>;

/// What a ref names, and if that is a tag, what the tag is of.
#[derive(Clone, Debug)]
pub(crate) struct Id {
    id: Vec<u8>,
    peeled: Option<Vec<u8>>,
}

/// An id and what it is of, if that is anything, as `for-each-ref` gives them.
pub(crate) fn id(id: &[u8], peeled: &[u8]) -> Id {
    Id { id: id.to_vec(), peeled: Some(peeled.to_vec()).filter(|peeled| !peeled.is_empty()) }
}

/// Reads `show-ref --dereference`: `ID NAME` each, and for what a tag is of `ID NAME^{}` after it.
pub(crate) fn refs(shown: &[u8]) -> Refs {
    let mut refs = Refs::new();
    for line in shown.split(|b| *b == b'\n') {
        let Some(blank) = line.iter().position(|b| *b == b' ') else { continue };
        let (id, name) = (line[..blank].to_vec(), &line[blank + 1..]);
        match name.strip_suffix(b"^{}") {
            None => drop(refs.insert(name.to_vec(), Id { id, peeled: None })),
            Some(name) => drop(refs.get_mut(name).map(|tag| tag.peeled = Some(id))),
        }
    }
    refs
}

/// Refs as Git packs them.
pub(crate) fn packed(refs: &Refs) -> Vec<u8> {
    let mut text = PACKED.to_vec();
    for (name, Id { id, peeled }) in refs {
        text.extend([id, &b" "[..], name, b"\n"].concat());
        text.extend(peeled.iter().flat_map(|peeled| [b"^", &peeled[..], b"\n"].concat()));
    }
    text
}

/// A text as a value or a section's name in a configuration.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
