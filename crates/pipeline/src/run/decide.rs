//! Commands in, events out.

use penstock_model::JobName;
use penstock_model::ids::Actor;
use penstock_model::job::JobEnd;

use super::{JobState, Refusal, Run, RunCommand, RunEvent, Status, settle};
use crate::plan::{PlannedJob, When};

impl Run {
    /// What a command leads to. Nothing, if it says what is known already.
    ///
    /// # Errors
    /// When the state does not allow it.
    pub fn decide(&self, command: RunCommand) -> Result<Vec<RunEvent>, Refusal> {
        self.asked(command).map(|events| self.with_settled(events))
    }

    fn asked(&self, command: RunCommand) -> Result<Vec<RunEvent>, Refusal> {
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
            RunCommand::ScheduleJob { job, until } => match self.known_job(&job)? {
                JobState::Waiting | JobState::Scheduled { until: None } if self.is_gitlab() => {
                    Ok(vec![RunEvent::JobScheduled { job, until }])
                }
                JobState::Scheduled { .. } => Ok(Vec::new()),
                state => Err(wrong(state, job, "delayed")),
            },
            RunCommand::EnqueueJob { job } => match self.known_job(&job)? {
                JobState::Waiting | JobState::Skipped { .. } | JobState::Manual | JobState::Scheduled { .. } if self.is_gitlab() => {
                    Ok(vec![RunEvent::JobEnqueued { job }])
                }
                state => Err(wrong(state, job, "enqueued")),
            },
            RunCommand::GiveTurn { job } => self.give_turn(job),
            RunCommand::UnscheduleJob { job, by } => match self.known_job(&job)? {
                JobState::Scheduled { .. } => Ok(vec![RunEvent::JobUnscheduled { job, by }]),
                state => Err(wrong(state, job, "taken out of the schedule")),
            },
            RunCommand::FollowJob { job, attempt, status } => self.followed(job, attempt, status),
            RunCommand::ConcludeJob { job, end } => self.conclude(job, end),
            RunCommand::PlayJob { job, by } => self.start_by_hand(job, by),
            RunCommand::RetryJob { job, by } => match self.known_job(&job)? {
                JobState::Succeeded | JobState::Failed { .. } | JobState::Cancelled { .. } => Ok(vec![RunEvent::JobRetried { job, by }]),
                state => Err(wrong(state, job, "tried again")),
            },
            RunCommand::Retry { by } => {
                let any = self.states.iter().any(|state| matches!(state, JobState::Failed { .. } | JobState::Cancelled { .. }));
                if any { Ok(vec![RunEvent::Retried { by }]) } else { Err(Refusal::NothingToRetry) }
            }
            RunCommand::CancelJob { job, by } => match self.known_job(&job)? {
                JobState::Running { .. } if self.facts[self.graph.index[&job]].cancelled => Ok(Vec::new()),
                JobState::Succeeded | JobState::Failed { .. } | JobState::Cancelled { .. } | JobState::Skipped { .. } => {
                    Err(wrong(self.known_job(&job)?, job, "cancelled"))
                }
                _ => Ok(vec![RunEvent::JobCancelRequested { job, by }]),
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
            return Err(wrong(state, job, "started"));
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

    fn give_turn(&self, job: Option<JobName>) -> Result<Vec<RunEvent>, Refusal> {
        match job {
            Some(job) => match self.known_job(&job)? {
                JobState::WaitingForResource => Ok(vec![RunEvent::TurnGiven { job: Some(job) }]),
                state => Err(wrong(state, job, "given a turn")),
            },
            None if self.waits_for_turn() => Ok(vec![RunEvent::TurnGiven { job: None }]),
            None => Ok(Vec::new()),
        }
    }

    /// Starts a job by hand; one that ended already is tried again, as in GitLab.
    fn start_by_hand(&self, job: JobName, by: Actor) -> Result<Vec<RunEvent>, Refusal> {
        let state = self.known_job(&job)?;
        let by_hand = |job: &PlannedJob| matches!(job.when, When::Manual | When::Delayed);
        match state {
            JobState::Manual if self.facts[self.graph.index[&job]].has_begun() => {
                Err(Refusal::WrongState { state: "stands as the pipeline does that it started".into(), job, what: "started by hand" })
            }
            JobState::Manual | JobState::Scheduled { .. } => Ok(vec![RunEvent::ManualPlayed { job, by }]),
            JobState::Succeeded | JobState::Failed { .. } | JobState::Cancelled { .. }
                if self.plan().and_then(|plan| plan.job(&job)).is_some_and(by_hand) =>
            {
                Ok(vec![RunEvent::JobRetried { job, by }])
            }
            state => Err(wrong(state, job, "started by hand")),
        }
    }

    /// A job stands as the pipeline does that its last attempt started.
    fn followed(&self, job: JobName, attempt: u32, status: Status) -> Result<Vec<RunEvent>, Refusal> {
        let state = self.known_job(&job)?;
        let at = self.graph.index[&job];
        let follows = self.plan().is_some_and(|plan| plan.jobs[at].trigger.is_some());
        let attempts = self.facts[at].attempts;
        if attempt != attempts || attempt == 0 {
            let expected = format!("{attempts} have started");
            return Err(Refusal::WrongAttempt { job, given: attempt, expected });
        }
        let fits = match (status, state) {
            (Status::Running, JobState::Running { .. }) => return Ok(Vec::new()),
            (Status::Running, state) => matches!(state, JobState::Manual) || settle::is_over(state),
            (Status::Manual | Status::Skipped, JobState::Running { .. }) => true,
            _ => false,
        };
        if follows && fits { Ok(vec![RunEvent::JobFollowed { job, attempt, status }]) } else { Err(wrong(state, job, "told so")) }
    }

    /// A job that is not over, and is not at work either, ends as something else did.
    fn conclude(&self, job: JobName, end: JobEnd) -> Result<Vec<RunEvent>, Refusal> {
        let state = self.known_job(&job)?;
        let gitlab = self.is_gitlab();
        let allowed = match state {
            JobState::Ready | JobState::Running { .. } => true,
            JobState::Waiting | JobState::WaitingForResource => gitlab,
            JobState::Manual | JobState::Scheduled { .. } => gitlab && end != JobEnd::Exited { code: 0 },
            _ => false,
        };
        if allowed { Ok(vec![RunEvent::JobConcluded { job, end }]) } else { Err(wrong(state, job, "ended")) }
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

fn wrong(state: &JobState, job: JobName, what: &'static str) -> Refusal {
    Refusal::WrongState { state: describe(state), job, what }
}

fn describe(state: &JobState) -> String {
    match state {
        JobState::Waiting => "waits for other jobs".into(),
        JobState::Ready => "is about to start".into(),
        JobState::WaitingForResource => "waits for its turn".into(),
        JobState::Manual => "waits to be started by hand".into(),
        JobState::Scheduled { .. } => "waits for its time".into(),
        JobState::Running { attempt } => format!("runs (attempt {attempt})"),
        JobState::Succeeded => "has succeeded".into(),
        JobState::Failed { why, .. } => format!("has failed: {why}"),
        JobState::Cancelled { .. } => "was cancelled".into(),
        JobState::Skipped { .. } => "was skipped".into(),
    }
}
