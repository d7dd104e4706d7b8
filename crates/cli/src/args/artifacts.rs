//! `artifacts`.

use std::path::PathBuf;

use clap::Subcommand;
use penstock_model::{JobName, RunId};

/// `artifacts`.
#[derive(Debug, Subcommand)]
pub enum Artifacts {
    /// Download what a job left, and unpack it; or one file of it.
    Get {
        /// The run.
        run: RunId,
        /// The job.
        job: JobName,
        /// One file of it; all of it unless given.
        path: Option<String>,
        /// An artifact that a step of a workflow kept, by its name; what the job's `artifacts` keep unless given.
        #[arg(long)]
        name: Option<String>,
        /// The directory where it is put.
        #[arg(long, default_value = ".")]
        into: PathBuf,
    },
}
