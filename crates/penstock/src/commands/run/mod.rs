//! `penstock run`: the working tree's pipeline, here, by the same engine that the server has; its data in `.penstock/run`.

mod bounds;
mod family;
mod follow;
mod live;
mod session;
mod shell;
mod watch;

use std::collections::BTreeSet;
use std::process::ExitCode;

use penstock_cli::terminal::dim;
use penstock_cli::{CliError, Output, args::Run, exit};
use penstock_delivery::orders::{self, OrderError, RunOrder};
use penstock_git::Snapshot;
use penstock_model::job::AttemptId;
use penstock_model::{JobName, RunId};
use penstock_pipeline::NotChosen;

use self::family::Family;
use self::follow::Follower;
use self::session::Session;
use super::local::Place;

/// Runs the working tree as it is, or resumes the last run.
pub async fn run(args: &Run, output: Output) -> Result<ExitCode, CliError> {
    if args.shell_on_failure {
        shell::check(output == Output::Json)?;
    }
    let place = Place::of(&args.repository).await?;
    if place.clone.is_none() {
        return Err(CliError::other(
            format!("{} is in no Git repository with a working tree", args.repository.display()),
            "`git init` makes one; a commit is not needed",
            exit::USAGE,
        ));
    }
    let session = Session::open(place, args).await?;
    let result = carry_out(&session, args, output).await;
    session.close().await?;
    result
}

async fn carry_out(session: &Session, args: &Run, output: Output) -> Result<ExitCode, CliError> {
    if args.watch {
        return watch::watch(session, args, output).await;
    }
    let snapshot = session.snapshot(output).await?;
    let (runs, before) = match &args.from {
        Some(from) => {
            let (run, before) = resume(session, from, &snapshot, output).await?;
            (vec![run], before)
        }
        None => (session.start(args, &snapshot, None).await?, BTreeSet::new()),
    };
    let mut good = true;
    for run in runs {
        good &= Follower::new(output).after(before.clone()).until_end(session, &run).await?.summary(output);
    }
    Ok(ExitCode::from(if good { exit::OK } else { exit::NOT_GOOD }))
}

/// Takes the last run up again, with its commit, its plan and what its jobs left. Gives the attempts that there were before too.
async fn resume(session: &Session, from: &str, snapshot: &Snapshot, output: Output) -> Result<(RunId, BTreeSet<AttemptId>), CliError> {
    let world = session.built.parts.journal.world();
    let nothing = |what: String| CliError::other(what, "`penstock run` runs the working tree as it is now", exit::ABSENT);
    let record = session.last(&world).and_then(|id| world.runs.get(id)).ok_or_else(|| nothing("there is no run to resume".to_owned()))?;
    let run = record.run.as_ref().ok_or_else(|| nothing("the last run never had a plan".to_owned()))?;
    let family = Family::of(world.clone(), &record.id).ok_or_else(|| nothing("there is no run to resume".to_owned()))?;
    let jobs: Vec<(RunId, JobName)> = if from.eq_ignore_ascii_case("failed") {
        family.stopped()
    } else {
        let named = run.plan().ok_or_else(|| nothing("the last run never had a plan".to_owned()))?.named(from).map_err(not_chosen)?;
        named.into_iter().map(|job| (record.id.clone(), job.name.clone())).collect()
    };
    if jobs.is_empty() && run.status().is_finished() {
        return Err(nothing("no job of the last run failed".to_owned()));
    }
    if output == Output::Text && record.push.commit != snapshot.commit {
        eprintln!("{}", dim("note: the working tree has changed since; the run goes on with what it had"));
    }
    for (of, job) in jobs {
        let order = orders::order_run(&session.built.parts, &session.who, &of, RunOrder::Retry(job)).await;
        order.map_err(|error| refused(&error))?;
    }
    Ok((record.id.clone(), family.ended()))
}

fn refused(error: &OrderError) -> CliError {
    CliError::other(error.to_string(), "", exit::FAILED)
}

/// A name that chose nothing.
fn not_chosen(why: NotChosen) -> CliError {
    let (help, code) = match &why {
        NotChosen::Unknown { .. } => ("`penstock plan` shows all jobs; a repository is named by --repository", exit::ABSENT),
        NotChosen::LeftOut { .. } => ("--event, --branch, --tag, --var and --changed say what it is planned for", exit::NOT_GOOD),
        NotChosen::NotManual { .. } => ("leave --manual out", exit::USAGE),
    };
    CliError::other(why.to_string(), help, code)
}
