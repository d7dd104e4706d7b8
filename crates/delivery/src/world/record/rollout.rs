//! Rollouts.

use std::collections::BTreeSet;

use penstock_model::event::StreamId;
use penstock_model::{EnvironmentName, ProjectName, Timestamp};
use serde::Serialize;

/// Names a Rollout: the project, the environment, and the object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct RolloutId {
    /// The project.
    pub project: ProjectName,
    /// The environment.
    pub environment: EnvironmentName,
    /// The object's namespace.
    pub namespace: String,
    /// The object's name.
    pub name: String,
}

impl RolloutId {
    /// Its stream; `None` if a name is too long for one.
    pub fn stream(&self) -> Option<StreamId> {
        format!("rollout/{}/{}/{}/{}", self.project, self.environment, self.namespace, self.name).parse().ok()
    }

    /// Reads it off its stream's name.
    pub fn of(stream: &StreamId) -> Option<Self> {
        let mut parts = stream.name().split('/');
        let mut next = || parts.next();
        Some(Self {
            project: next()?.parse().ok()?,
            environment: next()?.parse().ok()?,
            namespace: next()?.to_owned(),
            name: next()?.to_owned(),
        })
    }
}

/// A Rollout.
#[derive(Clone, Debug)]
pub struct RolloutRecord {
    /// Its name.
    pub id: RolloutId,
    /// The rollout room's state machine.
    pub state: penstock_rollout::RolloutState,
    /// Its canaries, oldest first, each with when it began and when its last event came.
    pub canaries: Vec<CanarySpan>,
    /// Templates that were stable once: known to be good, so a way back to one takes no steps.
    pub promoted: BTreeSet<String>,
}

/// When a canary began and ended.
#[derive(Clone, Debug)]
pub struct CanarySpan {
    /// The pod template's hash.
    pub template: String,
    /// When it began.
    pub began: Timestamp,
    /// When its last event came.
    pub last: Timestamp,
    /// Whether there was a stable version to compare it with.
    pub first: bool,
}
