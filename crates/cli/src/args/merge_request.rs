//! Arguments of merge requests.

use clap::{Args, Subcommand};
use penstock_model::{CommitId, ProjectName};

/// `merge-request`.
#[derive(Debug, Subcommand)]
pub enum MergeRequest {
    /// Open a merge request of a branch that is on the server.
    Create {
        /// The project.
        #[arg(long)]
        project: ProjectName,
        /// The branch that is to be merged.
        #[arg(long)]
        source: String,
        /// The branch that gets it; the one that is delivered unless given.
        #[arg(long)]
        target: Option<String>,
        /// Its title; the commit's unless given.
        #[arg(long)]
        title: Option<String>,
        /// Its description.
        #[arg(long, default_value = "")]
        description: String,
        /// Say that it is not to be merged yet.
        #[arg(long)]
        draft: bool,
    },
    /// List a project's merge requests, open ones first.
    List {
        /// The project.
        #[arg(long)]
        project: ProjectName,
    },
    /// Show one, with its pipelines.
    Show(Numbered),
    /// Let the pipeline of a commit from outside have what a developer's has, and start it again.
    Allow {
        /// Which.
        #[command(flatten)]
        which: Numbered,
        /// The commit that you have looked at; the one that it has now unless given.
        #[arg(long)]
        commit: Option<CommitId>,
    },
    /// Merge it into its target, if its pipeline has succeeded.
    Merge {
        /// Which.
        #[command(flatten)]
        which: Numbered,
        /// Merge it whatever its pipeline says.
        #[arg(long)]
        force: bool,
    },
    /// Say that a draft may be merged now.
    Ready(Numbered),
    /// Close it without merging it.
    Close(Numbered),
    /// Open a closed one again.
    Reopen(Numbered),
}

/// One merge request of one project.
#[derive(Debug, Args)]
pub struct Numbered {
    /// Its number.
    pub number: u64,
    /// The project.
    #[arg(long)]
    pub project: ProjectName,
}
