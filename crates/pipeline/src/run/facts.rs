//! What the events said of each job. How a job stands follows from this; nothing else is remembered.

use penstock_model::Timestamp;
use penstock_model::job::{JobEnd, JobReport};

use super::status::Status;
use crate::plan::{AllowFailure, PlannedJob, Retry, RetryOn};

/// After so many lost attempts a job is not tried again: the machine is at fault, and going on would not end.
const MAX_INTERRUPTIONS: u32 = 100;

/// What the events said of a job.
#[derive(Clone, Debug, Default)]
pub(super) struct Facts {
    /// How many attempts have started.
    pub(super) attempts: u32,
    /// How many had when it was last begun anew.
    earlier: u32,
    /// The attempt that runs.
    pub(super) running: Option<u32>,
    /// How it ended for good: no attempt follows by itself.
    pub(super) ended: Option<Ended>,
    /// What the last attempt that ended left.
    pub(super) report: Option<JobReport>,
    /// Attempts that failed since the job was last started by hand.
    tries: u32,
    /// Attempts that were lost since then.
    interruptions: u32,
    /// A person has started it, or had it tried again: a workflow's job starts whatever it waits for, a GitLab job waits for no
    /// person and no instant.
    pub(super) by_hand: bool,
    /// It was cancelled before it began, or is to be cancelled while it runs.
    pub(super) cancelled: bool,
    /// What became of a GitLab job when what it waits for was over.
    pub(super) settled: Option<Settled>,
    /// It was given its turn, and has it until it ends.
    pub(super) has_turn: bool,
    /// When a delayed job starts.
    pub(super) until: Option<Timestamp>,
}

/// What becomes of a GitLab job when what it waits for is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Settled {
    /// It is to start.
    Enqueued,
    /// A person is to start it.
    Manual,
    /// An instant is to start it.
    Scheduled,
    /// It does not run.
    Skipped { why: String },
}

/// How a job ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    Succeeded,
    Failed { allowed: bool, why: String },
    Cancelled,
}

impl Facts {
    pub(super) fn started(&mut self, attempt: u32) {
        self.attempts = self.attempts.max(attempt);
        self.running = Some(attempt);
        self.ended = None;
    }

    /// Its attempt ended. `gives_in` is whether a job that was told to end is cancelled whatever it made of that, as in GitLab.
    pub(super) fn finished(&mut self, job: &PlannedJob, attempt: u32, report: &JobReport, gives_in: bool) {
        if self.running != Some(attempt) {
            return;
        }
        self.running = None;
        self.report = Some(report.clone());
        self.conclude(job, if gives_in && self.cancelled { &JobEnd::Cancelled } else { &report.end });
    }

    /// It ended so; another attempt may follow.
    pub(super) fn conclude(&mut self, job: &PlannedJob, end: &JobEnd) {
        self.has_turn = false;
        let ended = ended(job, end);
        if matches!(ended, Ended::Failed { .. }) && !self.cancelled && self.tries < job.retry.max && tries_again(&job.retry, end) {
            self.tries += 1;
            // asked again whether it is its turn, as if somebody had it tried again
            (self.settled, self.by_hand) = (None, true);
            return;
        }
        self.ended = Some(ended);
    }

    pub(super) fn interrupted(&mut self, attempt: u32) {
        if self.running != Some(attempt) {
            return;
        }
        self.running = None;
        self.interruptions += 1;
        if self.cancelled {
            self.ended = Some(Ended::Cancelled);
        } else if self.interruptions >= MAX_INTERRUPTIONS {
            self.ended = Some(Ended::Failed {
                allowed: false,
                why: format!("{MAX_INTERRUPTIONS} attempts were lost with the server or the runner"),
            });
        }
    }

    /// Begins anew; its attempts are counted on.
    pub(super) fn anew(&self) -> Self {
        Self { attempts: self.attempts, earlier: self.attempts, running: self.running, ..Self::default() }
    }

    /// True if an attempt has started since it was last begun anew.
    pub(super) fn has_begun(&self) -> bool {
        self.attempts > self.earlier
    }

    /// True if an attempt of a workflow's job follows by itself as soon as it can, whatever the job waited for.
    pub(super) fn goes_on(&self) -> bool {
        self.by_hand || self.has_begun()
    }

    /// How a GitLab job stands.
    pub(super) fn status(&self, job: &PlannedJob) -> Status {
        match (&self.running, &self.ended, &self.settled) {
            (Some(_), ..) if self.cancelled => Status::Canceling,
            (Some(_), ..) => Status::Running,
            (None, Some(Ended::Succeeded), _) => Status::Success,
            (None, Some(Ended::Failed { .. }), _) => Status::Failed,
            (None, Some(Ended::Cancelled), _) => Status::Canceled,
            (None, None, None) => Status::Created,
            (None, None, Some(Settled::Enqueued)) if job.turns.resource_group.is_some() && !self.has_turn => Status::WaitingForResource,
            (None, None, Some(Settled::Enqueued)) => Status::Pending,
            (None, None, Some(Settled::Manual)) => Status::Manual,
            (None, None, Some(Settled::Scheduled)) => Status::Scheduled,
            (None, None, Some(Settled::Skipped { .. })) => Status::Skipped,
        }
    }

    /// Whether what waits for it need not mind how it ended.
    pub(super) fn is_optional(&self, job: &PlannedJob) -> bool {
        match &self.ended {
            Some(Ended::Failed { allowed, .. }) => *allowed,
            _ => is_optional(job),
        }
    }
}

fn ended(job: &PlannedJob, end: &JobEnd) -> Ended {
    let (why, code) = match end {
        JobEnd::Exited { code: 0 } => return Ended::Succeeded,
        JobEnd::Cancelled => return Ended::Cancelled,
        JobEnd::Exited { code } => (format!("exit code {code}"), Some(*code)),
        JobEnd::TimedOut => (format!("it ran longer than its {} s", job.timeout.as_secs()), None),
        JobEnd::SystemFailure { why } => (why.clone(), None),
    };
    let allowed = match &job.allow_failure {
        AllowFailure::No => false,
        AllowFailure::Yes => true,
        AllowFailure::ExitCodes(codes) => code.is_some_and(|code| codes.contains(&code)),
    };
    Ended::Failed { allowed, why }
}

fn tries_again(retry: &Retry, end: &JobEnd) -> bool {
    let (kind, code) = match end {
        JobEnd::Exited { code } => (RetryOn::ScriptFailure, Some(*code)),
        JobEnd::TimedOut => (RetryOn::Timeout, None),
        JobEnd::SystemFailure { .. } => (RetryOn::SystemFailure, None),
        JobEnd::Cancelled => return false,
    };
    let any = retry.on.is_empty() && retry.exit_codes.is_empty();
    any || retry.on.iter().any(|on| matches!(on, RetryOn::Always) || *on == kind)
        || code.is_some_and(|code| retry.exit_codes.contains(&code))
}

/// Whether a manual job is one that nobody waits for, and a cancelled one is no failure.
pub(super) fn is_optional(job: &PlannedJob) -> bool {
    job.allow_failure == AllowFailure::Yes
}
