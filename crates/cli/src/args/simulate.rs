//! Arguments of `simulate`.

use std::path::PathBuf;

use clap::Args;

use super::local::{DialectArg, EventArgs};

/// `simulate`.
#[derive(Debug, Args)]
pub struct SimulateArgs {
    /// The pipeline file.
    pub file: PathBuf,
    /// What happens, a JSON object a line; `-` reads it from standard input.
    #[arg(long, value_name = "SCRIPT")]
    pub events: Option<PathBuf>,
    /// Whose language the file speaks; told by its place and content unless given.
    #[arg(long, value_enum)]
    pub dialect: Option<DialectArg>,
    /// What it is planned for.
    #[command(flatten)]
    pub event: EventArgs,
}
