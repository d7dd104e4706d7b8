//! The doors into the helper: what the program is when it was started again by the server.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use crate::state::Home;
use crate::{exec, monitor};

/// The first argument that makes the program a container's monitor.
pub const MONITOR: &str = "container-monitor";
/// The first argument that makes it a probe's way into a container.
pub const EXEC: &str = "container-exec";

/// Runs the helper if that is what this process was started for; `None` if it was not.
///
/// The roof's `main` calls this before any thread exists and before anything else is set up.
pub fn helper_main(args: impl IntoIterator<Item = OsString>) -> Option<ExitCode> {
    let mut args = args.into_iter().skip(1);
    let door = args.next()?;
    let is = |name: &str| door.to_str() == Some(name);
    if !is(MONITOR) && !is(EXEC) {
        return None;
    }
    let home = Home(PathBuf::from(args.next()?));
    Some(if is(MONITOR) { monitor::main(&home) } else { exec::main(&home, args.collect()) })
}
