//! Starting a job that waits for a person, who is asked first if the pipeline file wants that.

use std::io::IsTerminal;

use penstock_api::RunView;
use serde_json::json;

use super::{job_path, order_and_say};
use crate::args::Play;
use crate::context::Context;
use crate::terminal::plain;
use crate::{CliError, exit};

pub(super) async fn play(context: &Context, args: &Play) -> Result<u8, CliError> {
    if !args.yes {
        let run: RunView = context.client()?.get(&format!("/runs/{}", args.job.run)).await?;
        let question = run.jobs.into_iter().find(|job| job.name == args.job.job).and_then(|job| job.confirmation);
        if let Some(question) = question {
            confirm(&question)?;
        }
    }
    order_and_say(context, &job_path(&args.job, "play"), &json!({}), "started").await
}

/// Asks; only `y` and `yes` go on.
fn confirm(question: &str) -> Result<(), CliError> {
    let refused = |help: &str| CliError::other(format!("not started: {}", plain(question)), help, exit::REFUSED);
    if !std::io::stdin().is_terminal() {
        return Err(refused("the pipeline file wants somebody to confirm this: `--yes` does"));
    }
    eprint!("{} [y/N] ", plain(question));
    let mut answer = String::new();
    let read = std::io::stdin().read_line(&mut answer);
    read.map_err(|source| CliError::Io { what: "the terminal".to_owned(), source })?;
    match answer.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(refused("answer `y` to start it")),
    }
}
