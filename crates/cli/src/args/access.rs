//! Arguments of what an administrator has at hand: projects, users, secrets.

use clap::Subcommand;
use penstock_model::{ProjectName, UserName};

/// `secret`.
#[derive(Debug, Subcommand)]
pub enum Secret {
    /// Set a secret; its value is read from standard input, or asked for.
    Set {
        /// The project.
        #[arg(long)]
        project: ProjectName,
        /// The secret's name.
        name: String,
        /// Give it to jobs of every branch, and not only of the one that is delivered.
        #[arg(long)]
        all_branches: bool,
    },
    /// List a project's secrets: names, never values.
    List {
        /// The project.
        #[arg(long)]
        project: ProjectName,
    },
    /// Remove a secret.
    Remove {
        /// The project.
        #[arg(long)]
        project: ProjectName,
        /// The secret's name.
        name: String,
    },
}

/// `environment`.
#[derive(Debug, Subcommand)]
pub enum Environment {
    /// List the environments that a project's jobs name, with what was deployed to each last.
    List {
        /// The project.
        #[arg(long)]
        project: ProjectName,
    },
    /// Stop one: start the job that its file names for that (`on_stop`).
    Stop {
        /// The project.
        #[arg(long)]
        project: ProjectName,
        /// The environment's name.
        name: String,
    },
}

/// `project`.
#[derive(Debug, Subcommand)]
pub enum Project {
    /// Create a project and its config repository.
    Create {
        /// Its name.
        name: ProjectName,
        /// Its config repository; `NAME-config` unless given.
        #[arg(long)]
        config: Option<String>,
        /// The branch that is delivered.
        #[arg(long, default_value = "main")]
        branch: String,
    },
    /// List projects.
    List,
}

/// `user`.
#[derive(Debug, Subcommand)]
pub enum User {
    /// Add a user and print their token, once.
    Add {
        /// Their name.
        name: UserName,
        /// `reader`, `developer` or `admin`.
        #[arg(long, default_value = "developer")]
        role: String,
        /// Addresses under which they write commits.
        #[arg(long)]
        email: Vec<String>,
    },
    /// List users.
    List,
    /// Print a new token of a user, once; the old one ends at once.
    Token {
        /// Their name.
        name: UserName,
    },
    /// Remove a user: their token and sessions end at once.
    Remove {
        /// Their name.
        name: UserName,
    },
}
