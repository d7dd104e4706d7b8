//! Arguments of a project's variables.

use clap::{Subcommand, ValueEnum};
use penstock_model::ProjectName;

/// `variable`.
#[derive(Debug, Subcommand)]
pub enum Variable {
    /// Set a variable; its value is read from standard input, or asked for.
    Set {
        /// The project.
        #[arg(long)]
        project: ProjectName,
        /// The variable's name.
        name: String,
        /// What a job gets.
        #[arg(long = "type", value_enum, default_value = "env_var")]
        kind: VariableKind,
        /// Have logs not show it; nor is it ever sent back.
        #[arg(long)]
        masked: bool,
        /// Let `$NAME` in it stand for itself.
        #[arg(long)]
        raw: bool,
        /// Give it to jobs of every branch, and not only of the one that is delivered.
        #[arg(long)]
        all_branches: bool,
        /// Give it to jobs of these environments alone; `*` is any text.
        #[arg(long)]
        environment: Option<String>,
    },
    /// List a project's variables, its secrets among them: names, never values.
    List {
        /// The project.
        #[arg(long)]
        project: ProjectName,
    },
    /// Print the value of a variable that is not masked.
    Get {
        /// The project.
        #[arg(long)]
        project: ProjectName,
        /// The variable's name.
        name: String,
        /// The one for these environments.
        #[arg(long)]
        environment: Option<String>,
    },
    /// Remove a variable.
    Delete {
        /// The project.
        #[arg(long)]
        project: ProjectName,
        /// The variable's name.
        name: String,
        /// The one for these environments.
        #[arg(long)]
        environment: Option<String>,
    },
    /// Take over variables from standard input, as GitLab's API lists them.
    Import {
        /// The project.
        #[arg(long)]
        project: ProjectName,
    },
}

/// What a job gets a variable as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum VariableKind {
    /// The value itself.
    EnvVar,
    /// The path of a file that has the value.
    File,
}
