//! How a set of jobs stands together, as GitLab composes it.

use super::JobState;

/// How a set of jobs stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Composite {
    /// Nobody has begun.
    Created,
    /// Somebody is about to begin, or must end first.
    Pending,
    Running,
    /// A person is waited for.
    Manual,
    Success,
    Failed,
    Cancelled,
    Skipped,
}

/// A set of jobs, counted by state.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    waiting: usize,
    ready: usize,
    running: usize,
    manual: usize,
    success: usize,
    failed: usize,
    cancelled: usize,
    skipped: usize,
    /// Failed or cancelled, and allowed to.
    warnings: usize,
    /// Manual, and allowed to fail: nobody waits for it.
    ignored: usize,
}

impl Tally {
    /// Counts a job. `optional` is whether it may fail.
    pub(super) fn add(&mut self, state: &JobState, optional: bool) {
        let count = match state {
            JobState::Waiting => &mut self.waiting,
            JobState::Ready => &mut self.ready,
            JobState::Running { .. } => &mut self.running,
            JobState::Manual if optional => &mut self.ignored,
            JobState::Manual => &mut self.manual,
            JobState::Succeeded => &mut self.success,
            JobState::Failed { allowed: true, .. } => &mut self.warnings,
            JobState::Cancelled { .. } if optional => &mut self.warnings,
            JobState::Failed { .. } => &mut self.failed,
            JobState::Cancelled { .. } => &mut self.cancelled,
            JobState::Skipped { .. } => &mut self.skipped,
        };
        *count += 1;
    }

    /// True if something failed or was cancelled that may.
    pub(super) fn has_warnings(&self) -> bool {
        self.warnings > 0
    }

    fn total(&self) -> usize {
        self.waiting
            + self.ready
            + self.running
            + self.manual
            + self.success
            + self.failed
            + self.cancelled
            + self.skipped
            + self.warnings
            + self.ignored
    }

    /// How they stand. `dag` is for the jobs that one job names in `needs`; without any job the answer is success.
    ///
    /// The order of the questions is GitLab's (`lib/gitlab/ci/status/composite.rb`), and it matters. One thing differs:
    /// GitLab calls what a job needs skipped as soon as one of them is, so that a job with `when: always` starts while
    /// another that it needs still runs or waits for a person; here it waits for that one too.
    pub(super) fn composite(&self, dag: bool) -> Composite {
        let total = self.total();
        let only = |counts: &[usize]| counts.iter().sum::<usize>() == total;
        if total == 0 {
            Composite::Success
        } else if dag && self.waiting + self.ready + self.running + self.manual > 0 {
            Composite::Pending
        } else if dag && self.skipped + self.ignored > 0 {
            // what is needed does not run at all
            Composite::Skipped
        } else if dag && !only(&[self.success, self.failed, self.cancelled, self.skipped, self.warnings]) {
            Composite::Pending
        } else if only(&[self.skipped, self.ignored]) {
            Composite::Skipped
        } else if only(&[self.success, self.skipped, self.warnings, self.ignored]) {
            Composite::Success
        } else if only(&[self.waiting, self.warnings, self.ignored]) {
            Composite::Created
        } else if only(&[self.cancelled, self.success, self.skipped, self.warnings, self.ignored]) {
            Composite::Cancelled
        } else if only(&[self.ready, self.waiting, self.skipped, self.warnings, self.ignored]) {
            Composite::Pending
        } else if self.running + self.ready > 0 {
            Composite::Running
        } else if self.manual > 0 {
            Composite::Manual
        } else if self.waiting > 0 {
            Composite::Running
        } else {
            Composite::Failed
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One letter a job: w(aiting) r(eady) R(unning) m(anual) s(uccess) f(ailed) c(ancelled) k (skipped); with `!` after it, it may fail.
    #[track_caller]
    fn check(jobs: &str, dag: bool, expected: Composite) {
        let why = String::new;
        let mut tally = Tally::default();
        let letters: Vec<char> = jobs.chars().collect();
        for (at, letter) in letters.iter().enumerate() {
            let optional = letters.get(at + 1) == Some(&'!');
            let state = match letter {
                'w' => JobState::Waiting,
                'r' => JobState::Ready,
                'R' => JobState::Running { attempt: 1 },
                'm' => JobState::Manual,
                's' => JobState::Succeeded,
                'f' => JobState::Failed { allowed: optional, why: why() },
                'c' => JobState::Cancelled { why: why() },
                'k' => JobState::Skipped { why: why() },
                _ => continue,
            };
            tally.add(&state, optional);
        }
        assert_eq!(tally.composite(dag), expected, "{jobs}");
    }

    #[test]
    fn a_stage_stands_as_gitlab_says() {
        for (jobs, expected) in [
            ("", Composite::Success),
            ("ss", Composite::Success),
            ("sf!", Composite::Success),
            ("sf", Composite::Failed),
            ("sk", Composite::Success),
            ("k", Composite::Skipped),
            ("m!", Composite::Skipped),
            ("sm!", Composite::Success),
            ("sm", Composite::Manual),
            ("fm", Composite::Manual),
            ("sR", Composite::Running),
            ("fR", Composite::Running),
            ("sw", Composite::Running),
            ("w", Composite::Created),
            ("rw", Composite::Pending),
            ("sc", Composite::Cancelled),
            ("fc", Composite::Failed),
            ("sc!", Composite::Success),
            ("mw", Composite::Manual),
            ("f!", Composite::Success),
        ] {
            check(jobs, false, expected);
        }
    }

    #[test]
    fn what_a_job_needs_stands_as_gitlab_says() {
        for (jobs, expected) in [
            ("", Composite::Success),
            ("ss", Composite::Success),
            ("sk", Composite::Skipped),
            ("sm!", Composite::Skipped),
            ("sm", Composite::Pending),
            ("sf", Composite::Failed),
            ("sf!", Composite::Success),
            ("sR", Composite::Pending),
            ("fw", Composite::Pending),
            ("sc", Composite::Cancelled),
            ("kR", Composite::Pending),
            ("km", Composite::Pending),
        ] {
            check(jobs, true, expected);
        }
    }
}
