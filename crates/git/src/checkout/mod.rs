//! Writing a commit's tree into a directory.
//!
//! By our own writer and not by `git checkout`: a job ran in that directory before, as another user, and may have
//! left links where folders were. Every step goes by a handle of the folder and follows no link. Everything
//! that could be refused is refused before the first byte is written.

mod index;
mod known;
mod repository;
pub(crate) mod tree;
mod write;

pub(crate) use known::Known;
pub(crate) use repository::{DotGit, FILES, FOLDERS, Refs, id, packed, refs};
pub(crate) use tree::Kind;

use std::path::PathBuf;
use std::sync::Arc;

use crate::program::Program;
use crate::reads::Reads;

/// The most files of one checkout.
pub(crate) const MAX_FILES: usize = 200_000;
/// The most bytes of one checkout.
pub(crate) const MAX_BYTES: u64 = 8 * 1024 * 1024 * 1024;
/// The deepest folder.
pub(crate) const MAX_DEPTH: usize = 64;
/// The longest target of a link.
pub(crate) const MAX_LINK: u64 = 4096;

/// Why there is no checkout.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The tree holds what is not let out.
    Refused(String),
    /// The disk or git failed.
    Failed(String),
}

/// What is to be written where.
pub(crate) struct Checkout {
    pub program: Program,
    pub reads: Arc<Reads>,
    /// The repository's directory.
    pub directory: PathBuf,
    pub into: PathBuf,
    /// Paths that stay though the tree does not have them.
    pub keep: Vec<String>,
    /// Folders that stay, or are made by whoever asks for them, and lose what is in them: making one anew costs more than emptying it.
    pub emptied: &'static [&'static str],
    /// Files that stay there, for whoever asked for the folders to look at: most are as they will be.
    pub left: &'static [&'static str],
}
