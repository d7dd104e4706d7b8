//! `tag-release`.

use clap::Subcommand;
use penstock_model::ProjectName;

/// `tag-release`.
#[derive(Debug, Subcommand)]
pub enum TagRelease {
    /// List what a project's jobs published about tags, the newest first.
    List {
        /// The project.
        #[arg(long)]
        project: ProjectName,
    },
    /// Show one of them: description and links.
    Show {
        /// The project.
        #[arg(long)]
        project: ProjectName,
        /// The tag.
        tag: String,
    },
}
