//! GitLab's words for how jobs, stages and pipelines stand, and how those of several jobs compose.

use serde::{Deserialize, Serialize};

/// How a job, a stage or a pipeline stands, in GitLab's words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It waits for what comes before it.
    #[default]
    Created,
    /// It waits until nobody else has its `resource_group`.
    WaitingForResource,
    /// What it runs in is being made. GitLab has this for clusters that it manages; no job here comes to it by itself.
    Preparing,
    /// It waits for an answer from outside. As for [`Status::Preparing`], no job here comes to it by itself.
    WaitingForCallback,
    /// It is about to begin.
    Pending,
    /// It runs.
    Running,
    /// It succeeded.
    Success,
    /// It failed.
    Failed,
    /// It runs, and was told to end.
    Canceling,
    /// It was cancelled.
    Canceled,
    /// It does not run.
    Skipped,
    /// It waits for a person.
    Manual,
    /// It waits for an instant.
    Scheduled,
}

impl Status {
    /// All of them.
    #[cfg(test)]
    pub(super) const ALL: [Self; 13] = [
        Self::Created,
        Self::WaitingForResource,
        Self::Preparing,
        Self::WaitingForCallback,
        Self::Pending,
        Self::Running,
        Self::Success,
        Self::Failed,
        Self::Canceling,
        Self::Canceled,
        Self::Skipped,
        Self::Manual,
        Self::Scheduled,
    ];

    /// GitLab's word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::WaitingForResource => "waiting_for_resource",
            Self::Preparing => "preparing",
            Self::WaitingForCallback => "waiting_for_callback",
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Success => "success",
            Self::Failed => "failed",
            Self::Canceling => "canceling",
            Self::Canceled => "canceled",
            Self::Skipped => "skipped",
            Self::Manual => "manual",
            Self::Scheduled => "scheduled",
        }
    }

    const fn bit(self) -> u16 {
        1 << self as u16
    }

    /// True if it comes to nothing else by itself, whatever waits for it.
    pub(super) fn is_complete(self) -> bool {
        matches!(self, Self::Success | Self::Failed | Self::Canceled | Self::Skipped)
    }
}

/// Failed or cancelled, and allowed to.
const WARNING: u16 = 1 << 13;
/// Manual, and allowed to fail: nobody waits for it.
const IGNORED: u16 = 1 << 14;

/// Which statuses there are among some jobs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Statuses(u16);

impl Statuses {
    /// Takes a job in. `optional` is whether the pipeline may succeed without it.
    pub(super) fn add(&mut self, status: Status, optional: bool) {
        self.0 |= match status {
            Status::Failed | Status::Canceled if optional => WARNING,
            Status::Manual if optional => IGNORED,
            status => status.bit(),
        };
    }

    /// Takes all of them in.
    pub(super) fn extend(&mut self, others: Self) {
        self.0 |= others.0;
    }

    /// True if something failed or was cancelled that may.
    pub(super) fn has_warnings(self) -> bool {
        self.0 & WARNING != 0
    }

    /// True if some job stands so.
    pub(super) fn has(self, status: Status) -> bool {
        self.0 & status.bit() != 0
    }

    fn any(self, of: &[Status]) -> bool {
        of.iter().any(|status| self.has(*status))
    }

    /// True if there is none but these and those that count for nothing.
    fn only(self, of: &[Status], nothing: u16) -> bool {
        self.0 & !of.iter().fold(nothing, |bits, status| bits | status.bit()) == 0
    }

    /// How they stand together. `dag` is for the jobs that one job names in `needs`. Without any job it is success.
    ///
    /// The questions and their order are GitLab's (`lib/gitlab/ci/status/composite.rb`), and the order matters.
    pub(super) fn composite(self, dag: bool) -> Status {
        use Status::{
            Canceled, Canceling, Created, Failed, Manual, Pending, Preparing, Running, Scheduled, Skipped, Success, WaitingForCallback,
            WaitingForResource,
        };
        const NOTHING: u16 = WARNING | IGNORED;
        if self.0 == 0 {
            Success
        } else if dag && (self.has(Skipped) || self.0 & IGNORED != 0) || self.only(&[Skipped], IGNORED) {
            Skipped
        } else if self.only(&[Success, Skipped], NOTHING) {
            Success
        } else if self.only(&[Created], NOTHING) {
            Created
        } else if self.only(&[Preparing], NOTHING) {
            Preparing
        } else if self.only(&[Canceled, Success, Skipped], NOTHING) {
            Canceled
        } else if self.only(&[Pending, Created, Skipped], NOTHING) {
            Pending
        } else if self.any(&[Running, Pending]) {
            Running
        } else if self.has(WaitingForResource) {
            WaitingForResource
        } else if self.has(WaitingForCallback) {
            WaitingForCallback
        } else if self.has(Manual) {
            Manual
        } else if self.has(Scheduled) {
            Scheduled
        } else if self.has(Preparing) {
            Preparing
        } else if self.has(Created) {
            Running
        } else if self.has(Canceling) {
            Canceling
        } else {
            Failed
        }
    }
}

/// What a pipeline's status becomes. As in GitLab it keeps the one that it had while all of its jobs are to be asked anew, and
/// one that has begun is not pending again.
pub(super) fn of_pipeline(now: Status, composite: Status) -> Status {
    match (now, composite) {
        (now, Status::Created) | (now @ Status::WaitingForCallback, Status::Pending) | (now @ Status::Canceled, Status::Canceling) => now,
        (Status::Success | Status::Failed | Status::Canceling | Status::Canceled | Status::Running, Status::Pending) => Status::Running,
        (_, composite) => composite,
    }
}

/// What a stage's status becomes: as a pipeline's, but that it may be pending again.
pub(super) fn of_stage(now: Status, composite: Status) -> Status {
    match (now, composite) {
        (now, Status::Created) | (now @ Status::Canceled, Status::Canceling) => now,
        (_, composite) => composite,
    }
}

#[cfg(test)]
mod tests;
