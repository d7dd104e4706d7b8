//! Arguments of the commands for repositories that have names.

use clap::{Args, Subcommand};

use super::Access;

/// `chart repo`.
#[derive(Debug, Subcommand)]
pub enum Repo {
    /// Give a repository a name, once its index was read.
    Add(Box<RepoAdd>),
    /// List the repositories that have names.
    #[command(visible_alias = "ls")]
    List,
    /// Forget repositories.
    #[command(visible_alias = "rm")]
    Remove(RepoRemove),
    /// Read the indexes of repositories anew, and lay them where Helm looks for them.
    #[command(visible_alias = "up")]
    Update(RepoUpdate),
}

/// `chart repo add`.
#[derive(Debug, Args)]
pub struct RepoAdd {
    /// The name: charts are then called `NAME/CHART`.
    pub name: String,
    /// The address, `https://…`.
    pub url: String,
    /// Who asks it; all of it is kept in the file, the password too.
    #[command(flatten)]
    pub access: Access,
    /// Show user and password to other hosts that the index names, too.
    #[arg(long)]
    pub pass_credentials: bool,
    /// Replace a repository of that name.
    #[arg(long)]
    pub force_update: bool,
}

/// `chart repo remove`.
#[derive(Debug, Args)]
pub struct RepoRemove {
    /// The names.
    #[arg(value_name = "NAME", required = true)]
    pub names: Vec<String>,
}

/// `chart repo update`.
#[derive(Debug, Args)]
pub struct RepoUpdate {
    /// The names; all unless given.
    #[arg(value_name = "NAME")]
    pub names: Vec<String>,
    /// Fail where an index cannot be read; that is only told otherwise.
    #[arg(long)]
    pub fail_on_repo_update_fail: bool,
}
