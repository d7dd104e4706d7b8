//! Arguments of `penstock actions`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `actions`.
#[derive(Debug, Subcommand)]
pub enum Actions {
    /// Keep the commits that the tags and branches of other repositories' actions stand for.
    Lock(LockArgs),
}

/// `actions lock`.
#[derive(Debug, Args)]
pub struct LockArgs {
    /// Workflow files; all of the repository's unless given.
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// The repository.
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    pub repository: PathBuf,
    /// Write nothing: say what is not locked, was moved, or is locked for nothing.
    #[arg(long)]
    pub check: bool,
}
