//! The arguments with which the binary is started again.

use std::ffi::OsString;
use std::path::PathBuf;

/// What the process is told on its command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Args {
    /// The control socket.
    pub socket: PathBuf,
    /// Where the last snapshot is kept.
    pub state: PathBuf,
}

/// A command line that cannot be read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidArgs {
    /// Not one of ours.
    #[error("gateway: `{0}` is not an argument; `--socket FILE --state FILE` are expected")]
    Unknown(String),
    /// One is missing.
    #[error("gateway: `{0} FILE` is missing")]
    Missing(&'static str),
}

impl Args {
    /// Reads `--socket FILE --state FILE`.
    pub fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Self, InvalidArgs> {
        let (mut socket, mut state) = (None, None);
        let mut args = args.into_iter();
        while let Some(arg) = args.next() {
            match arg.to_str() {
                Some("--socket") => socket = args.next().map(PathBuf::from),
                Some("--state") => state = args.next().map(PathBuf::from),
                _ => return Err(InvalidArgs::Unknown(arg.to_string_lossy().into_owned())),
            }
        }
        Ok(Self { socket: socket.ok_or(InvalidArgs::Missing("--socket"))?, state: state.ok_or(InvalidArgs::Missing("--state"))? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(args: &[&str]) -> Result<Args, InvalidArgs> {
        Args::parse(args.iter().map(OsString::from))
    }

    #[test]
    fn both_files_are_wanted_and_nothing_else() {
        assert!(parse(&["--socket", "/a", "--state", "/b"]).is_ok());
        assert_eq!(parse(&["--socket", "/a"]), Err(InvalidArgs::Missing("--state")));
        assert_eq!(parse(&["--state"]), Err(InvalidArgs::Missing("--socket")));
        assert_eq!(parse(&["--port"]), Err(InvalidArgs::Unknown("--port".into())));
    }
}
