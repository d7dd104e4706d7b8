//! The forms that an answer can have.

use clap::ValueEnum;

use crate::{CliError, exit};

/// The form of the output, as it is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// For people.
    #[default]
    #[value(alias = "table")]
    Text,
    /// For programs: the API's own types.
    Json,
    /// For programs, where Helm has it: what `json` says, as YAML.
    Yaml,
}

impl Form {
    /// The form for a command that has no YAML to give.
    pub fn plain(self) -> Result<Output, CliError> {
        match self {
            Self::Text => Ok(Output::Text),
            Self::Json => Ok(Output::Json),
            Self::Yaml => Err(CliError::other("this command has no YAML form", "--output json says the same", exit::USAGE)),
        }
    }
}

/// The form of the output of most commands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Output {
    /// For people.
    #[default]
    Text,
    /// For programs: the API's own types.
    Json,
}
