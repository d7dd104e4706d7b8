//! The demo: what a newcomer does with Penstock, carried out through the built binary, Git and the API, with live
//! progress, and judged. It knows no room of the house but the API's types: it is a user.
//!
//! `--once` ends with exit code 0 only if everything happened as it should. Whatever happens, what was started is
//! ended, and nothing is left outside the demo's own directory.

#![allow(clippy::disallowed_methods, reason = "the demo starts programs and writes files, as a user would")]

mod acts;
mod shell;
mod sinks;
mod stage;
mod table;
mod traffic;
mod watch;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

/// The arguments.
#[derive(Debug, Parser)]
struct Args {
    /// The penstock program.
    #[arg(long)]
    penstock: PathBuf,
    /// The tools' directory.
    #[arg(long)]
    tools: PathBuf,
    /// The examples' directory.
    #[arg(long, default_value = "examples")]
    examples: PathBuf,
    /// Everything that the demo makes; removed at its start and its end.
    #[arg(long, default_value = ".penstock/demo")]
    dir: PathBuf,
    /// Where the server listens.
    #[arg(long, default_value = "127.0.0.1:7420")]
    listen: std::net::SocketAddr,
    /// Seconds of each bake of a canary.
    #[arg(long, default_value_t = 10)]
    bake: u64,
    /// Requests a second of the traffic that production gets.
    #[arg(long, default_value_t = 400)]
    rate: u32,
    /// End after the last act, with a verdict, and remove everything.
    #[arg(long)]
    once: bool,
    /// Keep the server's log and data for a look at what went wrong.
    #[arg(long)]
    keep: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    let (once, keep) = (args.once, args.keep);
    let mut stage = match stage::Stage::set(args).await {
        Ok(stage) => stage,
        Err(error) => {
            eprintln!("the demo could not begin: {error}");
            return ExitCode::FAILURE;
        }
    };
    let played = tokio::select! {
        played = acts::play(&mut stage) => played,
        _ = tokio::signal::ctrl_c() => Err("interrupted".to_owned()),
    };
    table::print(&stage.rows);
    if let Err(error) = &played {
        eprintln!("\nthe demo did not go as it should: {error}");
    }
    if !once && played.is_ok() {
        println!("\nThe pages: {}  (log in with the token in {})\nCtrl-C ends everything.", stage.url(), stage.token_file().display());
        // an error means that signals cannot be waited for: then it ends now
        let _ = tokio::signal::ctrl_c().await;
    }
    let cleared = stage.clear(keep).await;
    if let Err(error) = &cleared {
        eprintln!("{error}");
    }
    if played.is_ok() && cleared.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
