//! The line below a run's output that says what runs and for how long. On a terminal it is written anew every second;
//! elsewhere each job is named once, when it starts.

use std::collections::BTreeSet;
use std::io::{IsTerminal as _, Write as _};

use penstock_cli::Output;
use penstock_cli::terminal::{between, dim, plain};
use penstock_model::Timestamp;
use penstock_model::job::AttemptId;

use super::family::Member;

/// How many jobs are named; the others are counted.
const NAMED: usize = 4;

/// Goes to standard error, so that what a run says can be kept without it.
pub struct Live {
    /// Nothing is said beside JSON.
    silent: bool,
    terminal: bool,
    /// Whether the line is on the screen.
    shown: bool,
    named: BTreeSet<AttemptId>,
}

impl Live {
    /// One for this output.
    pub fn new(output: Output) -> Self {
        let terminal = std::io::stderr().is_terminal();
        Self { silent: output == Output::Json, terminal, shown: false, named: BTreeSet::new() }
    }

    /// Whether the line changes as time passes.
    pub fn ticks(&self) -> bool {
        self.terminal && !self.silent
    }

    /// Takes the line away, so that something else can be written.
    pub fn clear(&mut self) {
        if std::mem::take(&mut self.shown) {
            eprint!("\r\x1b[K");
        }
    }

    /// Says what runs now.
    pub fn show(&mut self, members: &[Member<'_>], now: Timestamp) {
        if self.silent {
            return;
        }
        let mut running: Vec<(String, AttemptId, Timestamp)> = Vec::new();
        for member in members {
            for (job, times) in member.record.times.iter().filter(|(_, times)| times.ended.is_none()) {
                let attempt = AttemptId { run: member.record.id.clone(), job: job.clone(), attempt: times.attempt };
                running.push((member.name(job), attempt, times.started));
            }
        }
        if self.terminal {
            self.clear();
            let jobs: Vec<(&str, String)> = running.iter().map(|(job, _, started)| (job.as_str(), between(*started, now))).collect();
            if !jobs.is_empty() {
                eprint!("{}", dim(&line(&jobs)));
                self.shown = true;
            }
            // a line that cannot be shown is no reason to end a run
            drop(std::io::stderr().flush());
            return;
        }
        for (job, attempt, _) in running {
            if self.named.insert(attempt) {
                eprintln!("{job} started");
            }
        }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.clear();
    }
}

/// The jobs and their times in one line.
fn line(jobs: &[(&str, String)]) -> String {
    let named: Vec<String> = jobs.iter().take(NAMED).map(|(job, time)| format!("{} {time}", plain(job))).collect();
    let rest = jobs.len().saturating_sub(NAMED);
    let rest = if rest > 0 { format!(", and {rest} more") } else { String::new() };
    format!("running: {}{rest}", named.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_names_the_first_jobs_and_counts_the_rest() {
        let jobs = |count: usize| vec![("compile", "3.0 s".to_owned()); count];
        assert_eq!(line(&jobs(1)), "running: compile 3.0 s");
        assert!(line(&jobs(6)).ends_with(", compile 3.0 s, and 2 more"), "{}", line(&jobs(6)));
        assert_eq!(line(&[("\u{1b}[2Jx", "1 s".to_owned())]).matches('\u{1b}').count(), 0);
    }
}
