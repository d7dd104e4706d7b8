//! Shows a run until it ends: each job's log when the job has ended, and in the end how all of them did.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use penstock_cli::terminal::{between, bold, dim, plain, status as word, table};
use penstock_cli::{CliError, Output, exit};
use penstock_delivery::RunRecord;
use penstock_delivery::orders::{self, RunOrder};
use penstock_model::blob::Channel;
use penstock_model::job::AttemptId;
use penstock_model::{JobName, RunId};
use penstock_pipeline::{Plan, RunStatus};

use super::live::Live;
use super::refused;
use super::session::Session;
use super::shell::{Open, Request};
use crate::parts::{Built, broken};

/// How much of a log is read at a time.
const PART: usize = 64 * 1024;
/// On a terminal, what runs is said anew this often.
const TICK: Duration = Duration::from_secs(1);

/// Who looks at one run.
pub struct Follower {
    output: Output,
    shown: BTreeSet<(JobName, u32)>,
    /// How far the log of an attempt has been printed.
    printed: BTreeMap<(JobName, u32), u64>,
    live: Live,
}

impl Follower {
    /// One for this output.
    pub fn new(output: Output) -> Self {
        Self { output, shown: BTreeSet::new(), printed: BTreeMap::new(), live: Live::new(output) }
    }

    /// These attempts have been shown before.
    pub fn after(mut self, shown: BTreeSet<(JobName, u32)>) -> Self {
        self.shown = shown;
        self
    }

    /// Shows the run until it ends. The first interruption cancels it, so that its jobs may clean up; the second one ends this.
    pub async fn until_end(&mut self, session: &Session, id: &RunId) -> Result<Arc<RunRecord>, CliError> {
        let (mut interrupted, mut open) = (false, None::<Open>);
        loop {
            let lent = open.is_some();
            tokio::select! {
                record = self.watch(&session.built, id), if !lent => return record,
                Some(request) = session.asked(), if !lent => open = self.lend(session, request).await?,
                () = async { if let Some(open) = &mut open { open.closed().await } }, if lent => open = None,
                // without signals there is nothing to hear
                Ok(()) = tokio::signal::ctrl_c() => {
                    if std::mem::replace(&mut interrupted, true) {
                        return Err(CliError::other("interrupted", "", exit::NOT_GOOD));
                    }
                    self.live.clear();
                    eprintln!("{}", dim("cancelling; once more ends it at once"));
                    let order = orders::order_run(&session.built.parts, &session.who, id, RunOrder::Cancel).await;
                    order.map_err(|error| refused(&error))?;
                }
            }
        }
    }

    async fn watch(&mut self, built: &Built, id: &RunId) -> Result<Arc<RunRecord>, CliError> {
        let parts = &built.parts;
        let mut changes = parts.journal.watch();
        loop {
            let world = changes.borrow_and_update().clone();
            let Some(record) = world.runs.get(id) else { break };
            self.live.clear();
            self.show_finished(built, record).await?;
            // nobody can start a manual job here: there is no server to ask
            if record.ended.is_some() || waits_for_a_person(record) {
                return Ok(Arc::clone(record));
            }
            self.live.show(record, parts.journal.now());
            let next = changes.changed();
            let changed = if self.live.ticks() { tokio::time::timeout(TICK, next).await.unwrap_or(Ok(())) } else { next.await };
            if changed.is_err() {
                break;
            }
        }
        Err(CliError::other("the run was lost", "", exit::FAILED))
    }

    /// Prints the log of each job that ended, whole, so that jobs that run side by side do not mix.
    async fn show_finished(&mut self, built: &Built, record: &RunRecord) -> Result<(), CliError> {
        for (job, times) in record.times.iter().filter(|(_, times)| times.ended.is_some()) {
            if self.output == Output::Json || self.shown.contains(&(job.clone(), times.attempt)) {
                continue;
            }
            let took = times.ended.map(|ended| between(times.started, ended)).unwrap_or_default();
            self.print_log(built, &AttemptId { run: record.id.clone(), job: job.clone(), attempt: times.attempt }, &took).await?;
            self.shown.insert((job.clone(), times.attempt));
        }
        Ok(())
    }

    /// Prints what is new in an attempt's log.
    async fn print_log(&mut self, built: &Built, attempt: &AttemptId, beside: &str) -> Result<(), CliError> {
        println!("\n{} {}", bold(&plain(attempt.job.as_str())), dim(beside));
        let log = penstock_delivery::log_id(attempt);
        let key = (attempt.job.clone(), attempt.attempt);
        loop {
            let from = self.printed.get(&key).copied().unwrap_or(0);
            let part = built.parts.logs.read(&log, from, PART).await.map_err(|error| broken("the log", &error))?;
            for line in &part.lines {
                let text = plain(&line.text);
                let text = if line.channel == Channel::Note { dim(&text) } else { text };
                if line.ends { println!("  {text}") } else { print!("  {text}") }
            }
            if part.lines.is_empty() {
                return Ok(());
            }
            self.printed.insert(key.clone(), part.next);
        }
    }

    /// Hands the terminal to a job, once what it has said so far can be read above.
    async fn lend(&mut self, session: &Session, request: Request) -> Result<Option<Open>, CliError> {
        let Some(desk) = &session.desk else { return Ok(None) };
        self.live.clear();
        self.print_log(&session.built, &request.attempt, "failed").await?;
        let said = format!(
            "a shell where `{}` failed, with its files, user and variables; no job begins meanwhile; `exit` ends it, and the job has failed",
            plain(&request.step)
        );
        eprintln!("{}", dim(&said));
        desk.lend(request).map(Some)
    }
}

/// Whether a manual job that may not be left alone is all that the run waits for.
fn waits_for_a_person(record: &RunRecord) -> bool {
    record.run.as_ref().is_some_and(|run| run.status() == RunStatus::Blocked)
}

/// Says how the run ended; gives whether it is good.
pub fn summary(record: &RunRecord, output: Output) -> bool {
    let state = record.run.as_ref();
    let good = state.is_some_and(|run| run.status().is_success());
    let jobs: Vec<_> =
        state.into_iter().flat_map(penstock_pipeline::Run::jobs).map(|(job, state)| (job.name.clone(), state.clone())).collect();
    if output == Output::Json {
        let jobs: Vec<_> =
            jobs.iter().map(|(name, state)| serde_json::json!({ "job": name, "state": state, "times": record.times.get(name) })).collect();
        let run = serde_json::json!({
            "run": record.id, "commit": record.push.commit, "success": good, "rejected": record.rejected, "jobs": jobs,
        });
        println!("{run}");
        return good;
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
        eprintln!("the run waits for a manual job: `penstock run --manual JOB` starts one as soon as it can");
    }
    good
}
