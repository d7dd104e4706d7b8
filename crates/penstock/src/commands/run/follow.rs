//! Shows a run until it ends, with the pipelines that its jobs started: each job's log when the job has ended.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use penstock_cli::terminal::{between, bold, dim, plain};
use penstock_cli::{CliError, Output, exit};
use penstock_delivery::orders::{self, RunOrder};
use penstock_model::RunId;
use penstock_model::blob::Channel;
use penstock_model::job::AttemptId;

use super::family::{Family, Member};
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
    shown: BTreeSet<AttemptId>,
    /// How far the log of an attempt has been printed.
    printed: BTreeMap<AttemptId, u64>,
    live: Live,
}

impl Follower {
    /// One for this output.
    pub fn new(output: Output) -> Self {
        Self { output, shown: BTreeSet::new(), printed: BTreeMap::new(), live: Live::new(output) }
    }

    /// These attempts have been shown before.
    pub fn after(mut self, shown: BTreeSet<AttemptId>) -> Self {
        self.shown = shown;
        self
    }

    /// Shows the run until it ends. The first interruption cancels it, so that its jobs may clean up; the second one ends this.
    pub async fn until_end(&mut self, session: &Session, id: &RunId) -> Result<Family, CliError> {
        let (mut interrupted, mut open) = (false, None::<Open>);
        loop {
            let lent = open.is_some();
            tokio::select! {
                family = self.watch(&session.built, id), if !lent => return family,
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

    async fn watch(&mut self, built: &Built, id: &RunId) -> Result<Family, CliError> {
        let parts = &built.parts;
        let mut changes = parts.journal.watch();
        loop {
            let world = changes.borrow_and_update().clone();
            let Some(family) = Family::of(world, id) else { break };
            self.live.clear();
            for member in family.members() {
                self.show_finished(built, &member).await?;
            }
            if family.is_over(parts.journal.now()) {
                return Ok(family);
            }
            self.live.show(&family.members(), parts.journal.now());
            let next = changes.changed();
            let changed = if self.live.ticks() { tokio::time::timeout(TICK, next).await.unwrap_or(Ok(())) } else { next.await };
            if changed.is_err() {
                break;
            }
        }
        Err(CliError::other("the run was lost", "", exit::FAILED))
    }

    /// Prints the log of each job that ended, whole, so that jobs that run side by side do not mix.
    async fn show_finished(&mut self, built: &Built, member: &Member<'_>) -> Result<(), CliError> {
        let record = member.record;
        for (job, times) in record.times.iter().filter(|(_, times)| times.ended.is_some()) {
            let attempt = AttemptId { run: record.id.clone(), job: job.clone(), attempt: times.attempt };
            if self.output == Output::Json || self.shown.contains(&attempt) {
                continue;
            }
            let took = times.ended.map(|ended| between(times.started, ended)).unwrap_or_default();
            self.print_log(built, &attempt, &member.name(job), &took).await?;
            self.shown.insert(attempt);
        }
        Ok(())
    }

    /// Prints what is new in an attempt's log.
    async fn print_log(&mut self, built: &Built, attempt: &AttemptId, name: &str, beside: &str) -> Result<(), CliError> {
        println!("\n{} {}", bold(name), dim(beside));
        let log = penstock_delivery::log_id(attempt);
        loop {
            let from = self.printed.get(attempt).copied().unwrap_or(0);
            let part = built.parts.logs.read(&log, from, PART).await.map_err(|error| broken("the log", &error))?;
            for line in &part.lines {
                let text = plain(&line.text);
                let text = if line.channel == Channel::Note { dim(&text) } else { text };
                if line.ends { println!("  {text}") } else { print!("  {text}") }
            }
            if part.lines.is_empty() {
                return Ok(());
            }
            self.printed.insert(attempt.clone(), part.next);
        }
    }

    /// Hands the terminal to a job, once what it has said so far can be read above.
    async fn lend(&mut self, session: &Session, request: Request) -> Result<Option<Open>, CliError> {
        let Some(desk) = &session.desk else { return Ok(None) };
        self.live.clear();
        self.print_log(&session.built, &request.attempt, &plain(request.attempt.job.as_str()), "failed").await?;
        let said = format!(
            "a shell where `{}` failed, with its files, user and variables; no job begins meanwhile; `exit` ends it, and the job has failed",
            plain(&request.step)
        );
        eprintln!("{}", dim(&said));
        desk.lend(request).map(Some)
    }
}
