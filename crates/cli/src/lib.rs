//! What a person types and sees: arguments, progress, tables, exit codes.
//!
//! Commands that speak to a server are whole here. Those that need a hand of their own (`server`, `run`, `plan`,
//! `doctor`, `down`, `gc`, `mirror`, `schema`) are parsed here and carried out by the roof, which has the hands. Nothing here
//! knows how a delivery works; it shows what the API says.

pub mod args;
mod commands;
mod context;
pub mod graph;
mod habits;
mod login;
pub mod terminal;

pub use args::{Cli, Command, Form, Output};
pub use commands::{dispatch, explain, print_explanation};
pub use habits::read;
pub use login::{Login, LoginError};

use std::process::ExitCode;

/// Exit codes, for scripts. Documented in `docs/cli.md`.
pub mod exit {
    /// It worked.
    pub const OK: u8 = 0;
    /// What was asked about is not good: a run failed, a gate refuses, a verification found something.
    pub const NOT_GOOD: u8 = 1;
    /// The arguments make no sense.
    pub const USAGE: u8 = 2;
    /// A tool crashed, or the server did.
    pub const FAILED: u8 = 3;
    /// The server cannot be reached.
    pub const UNREACHABLE: u8 = 4;
    /// The server refused: not logged in, not allowed, not now.
    pub const REFUSED: u8 = 5;
    /// There is no such thing.
    pub const ABSENT: u8 = 6;
}

/// Why a command did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// The server.
    #[error(transparent)]
    Client(#[from] penstock_api::ClientError),
    /// The stored login.
    #[error(transparent)]
    Login(#[from] LoginError),
    /// Files.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// The cause.
        source: std::io::Error,
    },
    /// In words.
    #[error("{message}")]
    Other {
        /// What happened.
        message: String,
        /// What to do.
        hint: String,
        /// The exit code.
        code: u8,
    },
}

impl CliError {
    /// An error in words.
    pub fn other(message: impl Into<String>, hint: impl Into<String>, code: u8) -> Self {
        Self::Other { message: message.into(), hint: hint.into(), code }
    }

    /// The exit code.
    pub fn code(&self) -> u8 {
        match self {
            Self::Client(penstock_api::ClientError::Unreachable { .. }) => exit::UNREACHABLE,
            Self::Client(penstock_api::ClientError::Refused { status: 404, .. }) => exit::ABSENT,
            Self::Client(penstock_api::ClientError::Refused { status: 500.., .. } | penstock_api::ClientError::Unreadable(_)) => {
                exit::FAILED
            }
            Self::Client(penstock_api::ClientError::Refused { .. }) | Self::Login(_) => exit::REFUSED,
            Self::Io { .. } => exit::FAILED,
            Self::Other { code, .. } => *code,
        }
    }

    /// What to do.
    pub fn hint(&self) -> &str {
        match self {
            Self::Client(penstock_api::ClientError::Refused { hint, .. }) | Self::Other { hint, .. } => hint,
            Self::Client(penstock_api::ClientError::Unreachable { .. }) => "start it with `penstock server`, or name another with --server",
            Self::Login(_) => "`penstock login URL` stores a token",
            Self::Io { source, .. } if source.kind() == std::io::ErrorKind::StorageFull => "free some space on the disk, and try again",
            _ => "",
        }
    }
}

/// Says what went wrong on standard error and gives the exit code.
pub fn report(error: &CliError) -> ExitCode {
    eprintln!("{} {error}", terminal::red("error:"));
    if !error.hint().is_empty() {
        eprintln!("{} {}", terminal::dim(" help:"), error.hint());
    }
    ExitCode::from(error.code())
}
