//! Arguments of the commands for repositories that have names.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `chart repo`.
#[derive(Debug, Subcommand)]
pub enum Repo {
    /// Give a repository a name, once its index was read.
    Add(Box<RepoAdd>),
    /// List the repositories that have names.
    List,
    /// Forget repositories.
    Remove(RepoRemove),
    /// Read the indexes of repositories anew, and lay them where Helm looks for them.
    Update(RepoUpdate),
}

/// `chart repo add`.
#[derive(Debug, Args)]
pub struct RepoAdd {
    /// The name: charts are then called `NAME/CHART`.
    pub name: String,
    /// The address, `https://…`.
    pub url: String,
    /// Who asks it.
    #[arg(long)]
    pub username: Option<String>,
    /// Read the user's password from standard input; it is kept in the file.
    #[arg(long, requires = "username")]
    pub password_stdin: bool,
    /// Show user and password to other hosts that the index names, too.
    #[arg(long)]
    pub pass_credentials: bool,
    /// Certificates of authorities that are trusted instead of the system's.
    #[arg(long, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
    /// The certificate that is shown to the repository.
    #[arg(long, value_name = "FILE", requires = "key_file")]
    pub cert_file: Option<PathBuf>,
    /// The certificate's key.
    #[arg(long, value_name = "FILE", requires = "cert_file")]
    pub key_file: Option<PathBuf>,
    /// Take whatever certificate the repository shows.
    #[arg(long)]
    pub insecure_skip_tls_verify: bool,
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
}
