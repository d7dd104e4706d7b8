//! A run of which nothing is run: a script says how its jobs end, and each line shows how everything stands then.
//!
//! It is the same [`Run`] that a server drives; only what happens comes from the script.

use penstock_model::ids::Actor;
use penstock_model::job::JobEnd;
use penstock_model::{JobName, RunId};
use serde::Deserialize;

use crate::input::Dialect;
use crate::plan::Plan;
use crate::run::{Run, RunCommand, RunEvent, Standing, next_turns};

/// The longest line of a script, in bytes.
const MAX_LINE: usize = 1 << 20;
/// The most names that a message shows.
const MAX_NAMES: usize = 10;

/// A run that a script drives.
#[derive(Clone, Debug)]
pub struct Simulation {
    run: Run,
}

/// What happens, as a line of a script says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Happening {
    Run,
    Success,
    Drop,
    Play,
    Cancel,
    Retry,
    Enqueue,
    Schedule,
}

/// A line of a script.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    event: Happening,
    /// Names as the plan has them. Without any, `cancel` and `retry` are of the whole pipeline.
    jobs: Option<Vec<String>>,
    /// With which exit code a job is dropped.
    exit_code: Option<i32>,
}

impl Simulation {
    /// A run that has its plan, and in which nothing has happened yet.
    pub fn new(plan: Plan) -> Self {
        let mut run = Run::new();
        run.evolve(&RunEvent::Planned { run: RunId::from_parts(0, 0), plan: Box::new(plan) });
        let mut simulation = Self { run };
        simulation.take_turns();
        simulation
    }

    /// Gives each job its turn that can have it, as if there was no other run.
    fn take_turns(&mut self) {
        loop {
            let steps = next_turns(&[&self.run]);
            for step in &steps {
                // what is decided for this state is not refused by it
                for event in self.run.decide(step.command()).unwrap_or_default() {
                    self.run.evolve(&event);
                }
            }
            if steps.is_empty() {
                return;
            }
        }
    }

    /// How everything stands.
    pub fn standing(&self) -> Standing {
        self.run.standing()
    }

    /// Lets happen what a line of a script says: `{"event": "success", "jobs": ["build"]}`.
    ///
    /// # Errors
    /// What is wrong with the line, or why this cannot happen now, for people. Then nothing has happened.
    pub fn event(&mut self, line: &str) -> Result<(), String> {
        if line.len() > MAX_LINE {
            return Err(format!("the line has more than {MAX_LINE} bytes"));
        }
        let line: Line = serde_json::from_str(line).map_err(|error| format!("this is no event: {error}"))?;
        let workflow = self.run.plan().is_some_and(|plan| plan.dialect == Dialect::GithubWorkflow);
        if workflow && matches!(line.event, Happening::Play | Happening::Enqueue | Happening::Schedule) {
            return Err("a workflow has no manual and no delayed jobs: `play`, `enqueue` and `schedule` are for GitLab files".to_owned());
        }
        match line.exit_code {
            Some(_) if line.event != Happening::Drop => return Err("`exit_code` goes with `drop` only".to_owned()),
            Some(0) => return Err("a job that is dropped has failed, so that its `exit_code` is not 0".to_owned()),
            _ => {}
        }
        let mut events = Vec::new();
        for command in self.commands(line)? {
            events.extend(self.run.decide(command).map_err(|refusal| refusal.to_string())?);
        }
        // as in GitLab's own tests, all of it happens before the pipeline goes on
        for event in &events {
            self.run.take_in(event);
        }
        self.run.look();
        self.take_turns();
        Ok(())
    }

    /// What a line asks of the run.
    fn commands(&self, line: Line) -> Result<Vec<RunCommand>, String> {
        let by = Actor::Penstock;
        let Some(jobs) = line.jobs else {
            return match line.event {
                Happening::Cancel => Ok(vec![RunCommand::Cancel { by }]),
                Happening::Retry => Ok(vec![RunCommand::Retry { by }]),
                _ => Err("`jobs` is missing: only `cancel` and `retry` can be of the whole pipeline".to_owned()),
            };
        };
        if jobs.is_empty() {
            return Err("`jobs` is empty".to_owned());
        }
        let mut commands = Vec::new();
        for (at, name) in jobs.iter().enumerate() {
            let job = self.named(name)?;
            if jobs[..at].contains(name) {
                return Err(format!("`{job}` is named twice"));
            }
            let by = by.clone();
            commands.push(match line.event {
                Happening::Run => RunCommand::StartJob { attempt: self.run.attempts(&job) + 1, job },
                Happening::Success => RunCommand::ConcludeJob { job, end: JobEnd::Exited { code: 0 } },
                Happening::Drop => RunCommand::ConcludeJob { job, end: dropped(line.exit_code) },
                Happening::Play => RunCommand::PlayJob { job, by },
                Happening::Cancel => RunCommand::CancelJob { job, by },
                Happening::Retry => RunCommand::RetryJob { job, by },
                Happening::Enqueue => RunCommand::EnqueueJob { job },
                Happening::Schedule => RunCommand::ScheduleJob { job, until: None },
            });
        }
        Ok(commands)
    }

    fn named(&self, name: &str) -> Result<JobName, String> {
        let known = name.parse::<JobName>().ok().filter(|name| self.run.job(name).is_some());
        known.ok_or_else(|| {
            let mut names: Vec<&str> = self.run.jobs().map(|(job, _)| job.name.as_str()).collect();
            let more = if names.len() > MAX_NAMES { ", …" } else { "" };
            names.truncate(MAX_NAMES);
            format!("the plan has no job `{}`; it has {}{more}", crate::reader::shown(name), names.join(", "))
        })
    }
}

/// How a job ends that is dropped. Without an exit code it is nobody's in particular, so that `allow_failure: exit_codes` does not hold.
fn dropped(code: Option<i32>) -> JobEnd {
    code.map_or_else(|| JobEnd::SystemFailure { why: "it was dropped".to_owned() }, |code| JobEnd::Exited { code })
}
