//! `penstock run`: this repository's pipeline, here, by the same engine that the server has; its data in `.penstock/run`.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use penstock_cli::terminal::{between, bold, dim, plain, status as word, table};
use penstock_cli::{CliError, Output, args::Run, exit};
use penstock_delivery::{RunRecord, orders};
use penstock_model::blob::Channel;
use penstock_model::job::AttemptId;
use penstock_model::{JobName, UserName};
use penstock_pipeline::Plan;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::live::Live;
use super::plan::{git, project_name};
use crate::config::ServerSection;
use crate::parts::{Built, broken, build};
use crate::serve::start;

/// How much of a log is read at a time.
const PART: usize = 64 * 1024;
/// On a terminal, what runs is said anew this often.
const TICK: Duration = Duration::from_secs(1);

/// Runs the commit that is checked out; what is not committed is not in it, as on a server.
pub async fn run(args: &Run, output: Output) -> Result<ExitCode, CliError> {
    let io = |what: &str| {
        let what = what.to_owned();
        move |source| CliError::Io { what, source }
    };
    let repository = std::fs::canonicalize(&args.repository).map_err(io("the repository"))?;
    let project = project_name(&repository)?;
    let (commit, uncommitted, tracked) = tokio::try_join!(
        git(&repository, &["rev-parse", "HEAD"]),
        git(&repository, &["status", "--porcelain"]),
        git(&repository, &["ls-files", "-z", "--", ".penstock"]),
    )?;
    if !uncommitted.is_empty() {
        eprintln!("{}", dim("note: what is not committed is not in the run"));
    }
    if let Some(path) = tracked.split('\0').find(|path| brings_data(path)) {
        return Err(CliError::other(
            format!("the repository holds `{path}`, where `penstock run` keeps its own data"),
            "take it out: `git rm -r --cached .penstock`; if it is not your repository, ask yourself why it is there",
            exit::USAGE,
        ));
    }
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.map_err(io("a port on loopback"))?;
    let address = listener.local_addr().map_err(io("a port on loopback"))?;
    let mut settings = ServerSection::load(args.config.as_deref(), Some(repository.join(".penstock/run")), Some(address))?;
    settings.url = None;
    let built = build(&settings, penstock_store::Durability::ProcessEnd).await?;
    let stop = CancellationToken::new();
    let running = start(&settings, &built, &stop).await?;
    let (router, drain) = (running.router.clone(), stop.clone());
    let serving = tokio::spawn(async move { axum::serve(listener, router).with_graceful_shutdown(drain.cancelled_owned()).await });
    let result = follow(&built, &project, &repository, &commit, output).await;
    stop.cancel();
    running.tasks.close();
    running.tasks.wait().await;
    // the answer that counts is the run's
    let _ = serving.await;
    super::down::end(&built).await?;
    result
}

/// A repository that brought the data would say what Git and the server do with it, outside every sandbox.
fn brings_data(tracked: &str) -> bool {
    matches!(tracked.strip_prefix(".penstock"), Some("" | "/run")) || tracked.starts_with(".penstock/run/")
}

async fn follow(
    built: &Built,
    project: &penstock_model::ProjectName,
    repository: &std::path::Path,
    commit: &str,
    output: Output,
) -> Result<ExitCode, CliError> {
    let refused = |error: orders::OrderError| CliError::other(error.to_string(), "", exit::FAILED);
    let parts = &built.parts;
    let who: UserName = "admin".parse().map_err(|error| broken("a user", &error))?;
    let config = format!("{project}-config").parse().map_err(|error| broken("a repository", &error))?;
    orders::create_project(parts, &who, project, &config, "main").await.map_err(refused)?;
    let url = format!("file://{}", repository.display());
    built.git.fetch_mirror(&project.clone().into(), &url, None).await.map_err(|error| broken("fetching the commit", &error))?;
    let commit = commit.parse().map_err(|error| broken("the commit", &error))?;
    // each call is a push of its own, so that the same commit runs again
    let reference = format!("refs/heads/local-{:08x}", parts.random.bits() & 0xffff_ffff);
    let id = orders::pushed(parts, project, &who, &reference, &commit).await.map_err(refused)?;
    let id = id.ok_or_else(|| CliError::other("the commit starts no run", "", exit::FAILED))?;
    let mut changes = parts.journal.watch();
    let mut shown = BTreeSet::new();
    let mut live = Live::new(output);
    loop {
        let world = changes.borrow_and_update().clone();
        let Some(record) = world.runs.get(&id) else { break };
        live.clear();
        show_finished(built, record, &mut shown, output).await?;
        // nobody can start a manual job here: there is no server to ask
        if record.ended.is_some() || waits_for_a_person(record) {
            return Ok(summary(record, output));
        }
        live.show(record, parts.journal.now());
        let next = changes.changed();
        let changed = if live.ticks() { tokio::time::timeout(TICK, next).await.unwrap_or(Ok(())) } else { next.await };
        if changed.is_err() {
            break;
        }
    }
    Err(CliError::other("the run was lost", "", exit::FAILED))
}

/// Whether a manual job that may not be left alone is all that the run waits for.
fn waits_for_a_person(record: &RunRecord) -> bool {
    record.run.as_ref().is_some_and(|run| run.status() == penstock_pipeline::RunStatus::Blocked)
}

/// Prints the log of each job that ended, whole, so that jobs that run side by side do not mix.
async fn show_finished(built: &Built, record: &RunRecord, shown: &mut BTreeSet<(JobName, u32)>, output: Output) -> Result<(), CliError> {
    for (job, times) in record.times.iter().filter(|(_, times)| times.ended.is_some()) {
        if output == Output::Json || !shown.insert((job.clone(), times.attempt)) {
            continue;
        }
        println!("\n{} {}", bold(&plain(job.as_str())), dim(&times.ended.map(|ended| between(times.started, ended)).unwrap_or_default()));
        let log = penstock_delivery::log_id(&AttemptId { run: record.id.clone(), job: job.clone(), attempt: times.attempt });
        let mut from = 0;
        loop {
            let part = built.parts.logs.read(&log, from, PART).await.map_err(|error| broken("the log", &error))?;
            for line in &part.lines {
                let text = plain(&line.text);
                let text = if line.channel == Channel::Note { dim(&text) } else { text };
                if line.ends { println!("  {text}") } else { print!("  {text}") }
            }
            if part.lines.is_empty() {
                break;
            }
            from = part.next;
        }
    }
    Ok(())
}

fn summary(record: &RunRecord, output: Output) -> ExitCode {
    let state = record.run.as_ref();
    let good = state.is_some_and(|run| run.status().is_success());
    let jobs: Vec<_> =
        state.into_iter().flat_map(penstock_pipeline::Run::jobs).map(|(job, state)| (job.name.clone(), state.clone())).collect();
    if output == Output::Json {
        let jobs: Vec<_> =
            jobs.iter().map(|(name, state)| serde_json::json!({ "job": name, "state": state, "times": record.times.get(name) })).collect();
        println!("{}", serde_json::json!({ "run": record.id, "success": good, "rejected": record.rejected, "jobs": jobs }));
        return ExitCode::from(if good { exit::OK } else { exit::NOT_GOOD });
    }
    if let Some(why) = &record.rejected {
        eprintln!("{why}");
    }
    for why in state.and_then(penstock_pipeline::Run::plan).map(Plan::why_empty).unwrap_or_default() {
        eprintln!("no job is for this commit: {why}");
    }
    println!();
    let rows: Vec<_> = jobs
        .iter()
        .map(|(name, state)| {
            let text = serde_json::to_value(state)
                .ok()
                .and_then(|value| value.get("state").and_then(|word| word.as_str().map(str::to_owned)))
                .unwrap_or_default();
            let shown = if text == "succeeded" { "success" } else { &text };
            let time = record.times.get(name).and_then(|times| Some(between(times.started, times.ended?))).unwrap_or_default();
            vec![plain(name.as_str()), word(shown), time]
        })
        .collect();
    table(&["JOB", "STATUS", "TIME"], &rows);
    if waits_for_a_person(record) {
        eprintln!("the run waits for a manual job; on a server, `penstock play` or the run's page starts it");
    }
    ExitCode::from(if good { exit::OK } else { exit::NOT_GOOD })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_does_not_bring_the_data_of_its_own_run() {
        for bad in [".penstock", ".penstock/run", ".penstock/run/git/shop.git/config"] {
            assert!(brings_data(bad), "{bad}");
        }
        for good in [".penstock/tools.txt", ".penstockrc", ".penstock/runs"] {
            assert!(!brings_data(good), "{good}");
        }
    }
}
