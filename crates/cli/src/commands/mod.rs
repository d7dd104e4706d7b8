//! The commands that speak to a server.

mod access;
mod artifacts;
mod environment;
mod exceptions;
mod gc;
mod init;
mod job;
mod merge_request;
mod play;
mod reads;
mod rollout;
mod tag_release;
mod tests;
mod variable;

use std::process::ExitCode;

use clap::CommandFactory;
use penstock_api::{BegunRun, EnvironmentOrder, NewRun, RunSource};
use serde_json::{Value, json};

pub use self::reads::print_explanation;
use crate::args::{Cli, Command, JobArg, Output, RetryArgs, Start};
use crate::context::Context;
use crate::{CliError, exit};

/// Carries a command out, unless it is one of the roof's: that one comes back.
///
/// # Errors
/// What went wrong, with its exit code.
pub async fn dispatch(cli: Cli) -> Result<Result<ExitCode, Command>, CliError> {
    if matches!(cli.command, Command::Chart(_)) {
        // they have more forms than the others
        return Ok(Err(cli.command));
    }
    let context = Context { output: cli.output.plain()?, server: cli.server };
    let context = &context;
    let code = match cli.command {
        command @ (Command::Server(_)
        | Command::Run(_)
        | Command::Plan(_)
        | Command::Lint(_)
        | Command::Actions(_)
        | Command::Chart(_)
        | Command::Explain(_)
        | Command::Eval(_)
        | Command::Simulate(_)
        | Command::Doctor(_)
        | Command::Down(_)
        | Command::Mirror(_)
        | Command::Schema { .. }) => {
            return Ok(Err(command));
        }
        Command::Init(args) => init::init(context, &args)?,
        Command::Completion { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "penstock", &mut std::io::stdout());
            exit::OK
        }
        Command::Login(args) => access::login(context, &args).await?,
        Command::Project(args) => access::project(context, args).await?,
        Command::User(args) => access::user(context, args).await?,
        Command::MergeRequest(args) => merge_request::merge_request(context, args).await?,
        Command::Secret(args) => access::secret(context, args).await?,
        Command::Environment(args) => environment::environment(context, args).await?,
        Command::TagRelease(args) => tag_release::tag_release(context, args).await?,
        Command::Variable(args) => variable::variable(context, args).await?,
        Command::Status => reads::status(context).await?,
        Command::Runs(args) => reads::runs(context, &args).await?,
        Command::Logs(args) => reads::logs(context, &args).await?,
        Command::Artifacts(args) => artifacts::artifacts(context, args).await?,
        Command::Tests(args) => tests::tests(context, &args).await?,
        Command::Trace(what) => reads::trace(context, &what.what).await?,
        Command::Verify => reads::verify(context).await?,
        Command::Approve(args) => {
            let order = EnvironmentOrder { environment: args.environment };
            order_and_say(context, &format!("/releases/{}/approve", args.release), &order, "approved").await?
        }
        Command::Import(args) => exceptions::import(context, args).await?,
        Command::BreakGlass(args) => exceptions::break_glass(context, args).await?,
        Command::Rollout(args) => rollout::rollout(context, &args).await?,
        Command::Gc(args) => gc::gc(context, &args).await?,
        Command::Rollback(place) => {
            let path = format!("/projects/{}/environments/{}/rollback", place.project, place.environment);
            order_and_say(context, &path, &json!({}), "taken back: `penstock rollout --follow` shows it").await?
        }
        Command::Start(args) => start(context, args).await?,
        Command::Cancel(args) => order_and_say(context, &format!("/runs/{}/cancel", args.run), &json!({}), "cancelled").await?,
        Command::Retry(RetryArgs { run, job: Some(job) }) => {
            order_and_say(context, &job_path(&JobArg { run, job }, "retry"), &json!({}), "tried again").await?
        }
        Command::Retry(RetryArgs { run, job: None }) => {
            order_and_say(context, &format!("/runs/{run}/retry"), &json!({}), "what failed is tried again").await?
        }
        Command::Play(args) => play::play(context, &args).await?,
        Command::Build(args) => job::build(context, args).await?,
        Command::Check(args) => job::check(context, args).await?,
        Command::TestImage(args) => job::test_image(context, args).await?,
    };
    Ok(Ok(ExitCode::from(code)))
}

/// Has the server explain a run, a job of one, or a release.
///
/// # Errors
/// What went wrong, with its exit code.
pub async fn explain(output: Output, server: Option<url::Url>, what: &str) -> Result<ExitCode, CliError> {
    reads::explain(&Context { output, server }, what).await.map(ExitCode::from)
}

fn job_path(args: &JobArg, verb: &str) -> String {
    format!("/runs/{}/jobs/{}/{verb}", args.run, segment(args.job.as_str()))
}

/// One segment of a path, percent-encoded.
pub(crate) fn segment(text: &str) -> String {
    let mut url = url::Url::parse("http://x/").expect("a constant URL");
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.clear().push(text);
    }
    url.path().trim_start_matches('/').to_owned()
}

/// Starts a pipeline, and names the run.
async fn start(context: &Context, args: Start) -> Result<u8, CliError> {
    let order = NewRun {
        branch: args.branch,
        tag: args.tag,
        source: RunSource::Web,
        variables: args.variables.into_iter().collect(),
        inputs: args.inputs.into_iter().map(|(name, value)| (name, Value::String(value))).collect(),
    };
    let started: BegunRun = context.client()?.post(&format!("/projects/{}/runs", args.project), &order).await?;
    context.show(&started, |started| println!("{}", started.run));
    Ok(exit::OK)
}

/// Gives an order and says that it was taken.
async fn order_and_say<B: serde::Serialize + Sync>(context: &Context, path: &str, body: &B, words: &str) -> Result<u8, CliError> {
    let answer: Value = context.client()?.post(path, body).await?;
    context.show(&answer, |_| println!("{words}"));
    Ok(exit::OK)
}

#[cfg(test)]
mod segments {
    use super::*;

    #[test]
    fn a_job_name_stays_one_segment() {
        assert_eq!(segment("test: a/b 1/3?"), "test:%20a%2Fb%201%2F3%3F");
    }
}
