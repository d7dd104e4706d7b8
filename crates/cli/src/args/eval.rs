//! Arguments of `eval`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// `eval`.
#[derive(Debug, Args)]
pub struct Eval {
    /// Whose language it is.
    #[arg(long, value_enum)]
    pub dialect: Language,
    /// A JSON file: contexts by name for GitHub, variables by name for GitLab; `-` for standard input, nothing is known unless given.
    #[arg(long, value_name = "FILE")]
    pub context: Option<PathBuf>,
    /// The expression; for GitHub with or without `${{ }}`, for GitLab as after `if:`.
    #[arg(value_name = "EXPR", allow_hyphen_values = true)]
    pub expression: String,
}

/// A language of expressions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Language {
    /// Expressions of workflows.
    Github,
    /// Conditions in `rules`.
    Gitlab,
}
