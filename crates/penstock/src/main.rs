//! The roof: builds every part, binds, starts, drains. The only place that knows all rooms.
//!
//! Helpers come first: a container's monitor, a job's sandbox, Git's hook and the gateway are this same program
//! started again, and some of them fork, so they are dispatched before any thread exists.

#![allow(clippy::disallowed_methods, reason = "the roof is where files, processes and the environment are handed in")]

mod admission;
mod commands;
mod config;
mod hands;
mod messenger;
mod parts;
mod random;
mod serve;
mod vault;

use std::ffi::OsString;
use std::io::Write as _;
use std::process::ExitCode;

use penstock_cli::{CliError, exit};

fn main() -> ExitCode {
    if let Some(code) = helper(std::env::args_os().collect()) {
        return code;
    }
    end_when_output_cannot_be_written();
    // a second one in the same process is not an error that matters: the first stays
    let _ = rustls::crypto::ring::default_provider().install_default();
    let cli = penstock_cli::read(std::env::args_os()).unwrap_or_else(|refused| refused.exit());
    let (form, server) = (cli.output, cli.server.clone());
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(source) => return penstock_cli::report(&CliError::Io { what: "starting threads".to_owned(), source }),
    };
    let result = runtime.block_on(async {
        match penstock_cli::dispatch(cli).await {
            Ok(Ok(code)) => Ok(code),
            Ok(Err(command)) => commands::carry_out(command, form, server).await,
            Err(error) => Err(error),
        }
    });
    match result {
        Ok(code) => code,
        Err(error) => penstock_cli::report(&error),
    }
}

/// What cannot be written is no fault of the program, and `println!` takes it for one. `penstock logs … | head`: a reader that has gone
/// ends it as SIGPIPE would. A full disk is told.
fn end_when_output_cannot_be_written() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let said = panic.payload_as_str().unwrap_or_default();
        if !said.starts_with("failed printing to std") && !said.starts_with("failed to write completion file") {
            return usual(panic);
        }
        if said.contains("Broken pipe") {
            std::process::exit(128 + nix::sys::signal::Signal::SIGPIPE as i32);
        }
        // standard error may be what is full: then nothing can be said
        let _ = writeln!(std::io::stderr(), "error: the output is not whole: {said}");
        std::process::exit(exit::FAILED.into());
    }));
}

/// What this process was started again for, if it was.
fn helper(args: Vec<OsString>) -> Option<ExitCode> {
    if let Some(code) = penstock_container::helper_main(args.iter().cloned()) {
        return Some(code);
    }
    if let Some(code) = penstock_runner::dispatch() {
        return Some(code);
    }
    let first = args.get(1)?.to_str()?;
    match first {
        "gateway" => Some(penstock_gateway::main(args.into_iter().skip(2))),
        penstock_git::HOOK_ARGUMENT => Some(penstock_git::hook_main(args.into_iter().skip(2))),
        _ => None,
    }
}

/// The exit code of a command that was carried out.
fn done() -> ExitCode {
    ExitCode::from(exit::OK)
}
