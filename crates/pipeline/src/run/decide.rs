//! Commands in, events out.

use penstock_model::JobName;
use penstock_model::ids::Actor;

use super::{JobState, Refusal, Run, RunCommand, RunEvent};

impl Run {
    /// What a command leads to. Nothing, if it says what is known already.
    ///
    /// # Errors
    /// When the state does not allow it.
    pub fn decide(&self, command: RunCommand) -> Result<Vec<RunEvent>, Refusal> {
        if let RunCommand::Plan { run, plan } = command {
            return if self.plan.is_some() { Err(Refusal::AlreadyPlanned) } else { Ok(vec![RunEvent::Planned { run, plan }]) };
        }
        if self.plan.is_none() {
            return Err(Refusal::NotPlanned);
        }
        match command {
            RunCommand::Plan { .. } => Err(Refusal::AlreadyPlanned),
            RunCommand::StartJob { job, attempt } => self.start(job, attempt),
            RunCommand::FinishJob { job, attempt, report } => {
                let runs = self.runs(&job, attempt)?;
                Ok(runs.then_some(RunEvent::JobFinished { job, attempt, report }).into_iter().collect())
            }
            RunCommand::JobInterrupted { job, attempt } => {
                let runs = self.runs(&job, attempt)?;
                Ok(runs.then_some(RunEvent::JobInterrupted { job, attempt }).into_iter().collect())
            }
            RunCommand::PlayJob { job, by } => match self.known_job(&job)? {
                JobState::Manual => Ok(vec![RunEvent::ManualPlayed { job, by }]),
                state => Err(Refusal::WrongState { state: describe(state), job, what: "started by hand" }),
            },
            RunCommand::RetryJob { job, by } => match self.known_job(&job)? {
                JobState::Succeeded | JobState::Failed { .. } | JobState::Cancelled { .. } => Ok(vec![RunEvent::JobRetried { job, by }]),
                state => Err(Refusal::WrongState { state: describe(state), job, what: "tried again" }),
            },
            RunCommand::Cancel { by } => self.cancel(by),
            RunCommand::Finish => match self.finished {
                Some(_) => Ok(Vec::new()),
                None if self.status().is_finished() => Ok(vec![RunEvent::Finished { status: self.status() }]),
                None => Err(Refusal::NotOver),
            },
        }
    }

    fn start(&self, job: JobName, attempt: u32) -> Result<Vec<RunEvent>, Refusal> {
        let state = self.known_job(&job)?;
        let at = self.graph.index[&job];
        if *state != JobState::Ready {
            return Err(Refusal::WrongState { state: describe(state), job, what: "started" });
        }
        let next = self.facts[at].attempts + 1;
        if attempt != next {
            return Err(Refusal::WrongAttempt { job, given: attempt, expected: format!("attempt {next} is next") });
        }
        if !self.startable().contains(&at) {
            return Err(Refusal::WrongState { state: "waits for a place in its matrix".into(), job, what: "started" });
        }
        Ok(vec![RunEvent::JobStarted { job, attempt }])
    }

    /// Whether this attempt runs; `false` if it ended before.
    fn runs(&self, job: &JobName, attempt: u32) -> Result<bool, Refusal> {
        self.known_job(job)?;
        let facts = &self.facts[self.graph.index[job]];
        if facts.running == Some(attempt) {
            return Ok(true);
        }
        if attempt >= 1 && attempt <= facts.attempts {
            return Ok(false);
        }
        let expected = format!("{} have started", facts.attempts);
        Err(Refusal::WrongAttempt { job: job.clone(), given: attempt, expected })
    }

    fn cancel(&self, by: Actor) -> Result<Vec<RunEvent>, Refusal> {
        if self.status().is_finished() {
            return Err(Refusal::Over);
        }
        Ok(if self.cancelled { Vec::new() } else { vec![RunEvent::CancelRequested { by }] })
    }

    fn known_job(&self, job: &JobName) -> Result<&JobState, Refusal> {
        self.job(job).ok_or_else(|| Refusal::NoSuchJob(job.clone()))
    }
}

fn describe(state: &JobState) -> String {
    match state {
        JobState::Waiting => "waits for other jobs".into(),
        JobState::Ready => "is about to start".into(),
        JobState::Manual => "waits to be started by hand".into(),
        JobState::Running { attempt } => format!("runs (attempt {attempt})"),
        JobState::Succeeded => "has succeeded".into(),
        JobState::Failed { why, .. } => format!("has failed: {why}"),
        JobState::Cancelled { .. } => "was cancelled".into(),
        JobState::Skipped { .. } => "was skipped".into(),
    }
}
