//! What is so: the fold of the log. Everything that the drivers decide, and everything that people see, is read off this.
//!
//! A world is a value. Applying an event copies only what it changes, so a reader keeps the world it has.

mod apply;
mod ask;
mod record;
mod tested;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use penstock_gitops::AppState;
use penstock_model::event::{Position, StreamId, Version};
use penstock_model::release::ReleaseId;
use penstock_model::{EnvironmentName, ProjectName, RunId, UserName};

pub use record::{
    BuiltImage, CanarySpan, ConfigSeen, EnvironmentState, EvidenceRecord, GateAnswer, JobTimes, NoticeRecord, ProjectRecord, PushSeen,
    ReleaseRecord, ReleaseStep, RolloutId, RolloutRecord, RunRecord, SecretRecord, TimeRecord, Upstream, UserRecord, WayBack,
};
pub use tested::{FlakyRecord, TestedAttempt};

/// The fold of the log.
#[derive(Clone, Default)]
pub struct World {
    /// The last event that is in it.
    pub position: Position,
    /// How many events each stream has.
    pub versions: BTreeMap<StreamId, Version>,
    /// Projects.
    pub projects: BTreeMap<ProjectName, Arc<ProjectRecord>>,
    /// Runs; ids sort by time.
    pub runs: BTreeMap<RunId, Arc<RunRecord>>,
    /// Runs that jobs of a run started, oldest first.
    pub starts: BTreeMap<RunId, Vec<RunId>>,
    /// Releases.
    pub releases: BTreeMap<ReleaseId, Arc<ReleaseRecord>>,
    /// Releases of a project in the order in which they were made.
    pub release_order: BTreeMap<ProjectName, Vec<ReleaseId>>,
    /// Evidence of each project.
    pub evidence: BTreeMap<ProjectName, Arc<EvidenceRecord>>,
    /// Rollouts.
    pub rollouts: BTreeMap<RolloutId, Arc<RolloutRecord>>,
    /// How each environment stands with its config repository.
    pub apps: BTreeMap<(ProjectName, EnvironmentName), Arc<AppState>>,
    /// What people were told, by key.
    pub notices: BTreeMap<String, Arc<NoticeRecord>>,
    /// Who may log in.
    pub users: BTreeMap<UserName, Arc<UserRecord>>,
    /// Addresses of users that were removed: who wrote a commit stays known.
    pub former: BTreeMap<UserName, BTreeSet<String>>,
    /// Events of a type that this program does not know: written by a newer one. Drivers stop then.
    pub unknown: BTreeSet<String>,
}
