//! Effects for people: what is being tried.

use std::fmt;

use penstock_model::EnvironmentName;
use penstock_model::release::ReleaseId;

use super::Effect;

impl Effect {
    /// The release and the environment that it is about.
    pub fn place(&self) -> Option<(ReleaseId, &EnvironmentName)> {
        match self {
            Self::Gate { release, environment }
            | Self::Commit { release, environment }
            | Self::Check { release, environment, .. }
            | Self::WayBack { release, environment }
            | Self::Supersede { release, environment } => Some((*release, environment)),
            _ => None,
        }
    }
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plan { run } => write!(f, "planning run {run}"),
            Self::Job { run, job, attempt } => write!(f, "job `{job}` of run {run}, attempt {attempt}"),
            Self::Trigger { run, job, .. } => write!(f, "the pipeline that job `{job}` of run {run} starts"),
            Self::CancelChild { run } => write!(f, "cancelling run {run}, whose parent was cancelled"),
            Self::Schedule { run, job } | Self::Enqueue { run, job } => write!(f, "starting the delayed job `{job}` of run {run}"),
            Self::Turn { .. } => write!(f, "giving a run or a job its turn"),
            Self::Redundant { run } => write!(f, "cancelling run {run}, which a newer push makes needless"),
            Self::StopEnvironment { project, environment } => write!(f, "stopping the environment `{environment}` of {project}"),
            Self::Fire { project, time } => write!(f, "starting the pipeline of {project} at the time `{time}`"),
            Self::FinishRun { run } => write!(f, "finishing run {run}"),
            Self::Release { run } => write!(f, "making a release of run {run}"),
            Self::Gate { release, environment } => write!(f, "asking the gate of {environment} for release {}", release.0.short()),
            Self::Commit { release, environment } => write!(f, "the config commit of release {} for {environment}", release.0.short()),
            Self::Check { release, environment, check } => write!(f, "check `{check}` of release {} in {environment}", release.0.short()),
            Self::WayBack { release, environment } => write!(f, "taking release {} back in {environment}", release.0.short()),
            Self::Supersede { release, environment } => {
                write!(f, "putting a newer release in the place of {} in {environment}", release.0.short())
            }
            Self::Notify { notice } => write!(f, "telling people: {notice:?}"),
        }
    }
}
