//! Projects and their evidence.

use std::collections::BTreeMap;
use std::sync::Arc;

use penstock_gate::DeliveryConfig;
use penstock_model::evidence::{Evidence, Subject};
use penstock_model::ids::Actor;
use penstock_model::{CommitId, Digest, ProjectName, RepositoryName, RunId, Timestamp};
use penstock_pipeline::Cron;

use crate::environments::NamedEnvironment;
use crate::events::{Handling, ScheduledTime};
use crate::merge_requests::MergeRequestRecord;
use crate::merge_requests::event::Ask;
use crate::tag_releases::TagReleaseRecord;
use crate::world::tested::FlakyRecord;

/// A project.
#[derive(Clone, Debug)]
pub struct ProjectRecord {
    /// Its name, also its repository's.
    pub name: ProjectName,
    /// Where its environments are written.
    pub config_repository: RepositoryName,
    /// The branch that is delivered.
    pub branch: String,
    /// Where each ref was when it was last answered.
    pub refs: BTreeMap<String, CommitId>,
    /// Its runs, oldest first.
    pub runs: Vec<RunId>,
    /// The config repository as last read.
    pub config: Option<ConfigSeen>,
    /// Its secrets and other variables by name, and by the environments that they are for; their values are elsewhere, encrypted.
    pub secrets: BTreeMap<(String, Option<String>), SecretRecord>,
    /// Its plain variables.
    pub variables: BTreeMap<String, String>,
    /// Environments that its jobs name.
    pub environments: BTreeMap<String, NamedEnvironment>,
    /// What its jobs published about tags, by the tags' names.
    pub tag_releases: BTreeMap<String, TagReleaseRecord>,
    /// Tests that passed and failed at one commit, by name.
    pub flaky: BTreeMap<String, FlakyRecord>,
    /// When its pipelines start by themselves, by name.
    pub timetable: BTreeMap<String, TimeRecord>,
    /// Its merge requests by number.
    pub merge_requests: BTreeMap<u64, Arc<MergeRequestRecord>>,
    /// What pushes asked for that have not come yet, by the full ref, with where they take it.
    pub asked: BTreeMap<String, (CommitId, Ask)>,
    /// When it was created.
    pub created: Timestamp,
}

/// A time at which a pipeline starts by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeRecord {
    /// What the project says of it.
    pub time: ScheduledTime,
    /// When it was read first, or started something last: the first time after this is the next.
    pub since: Timestamp,
}

impl TimeRecord {
    /// The next time; none if there is no such day.
    pub fn next(&self) -> Option<Timestamp> {
        Cron::parse(&self.time.cron).ok()?.next_after(self.since)
    }
}

impl ProjectRecord {
    /// Whether this ref is the branch that is delivered.
    pub fn delivers(&self, reference: &str) -> bool {
        reference.strip_prefix("refs/heads/") == Some(self.branch.as_str())
    }
}

/// A secret or another variable, without its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretRecord {
    /// When it was set last.
    pub set: Timestamp,
    /// By whom.
    pub by: Actor,
    /// How jobs get it.
    pub how: Handling,
}

/// The config repository's branch as it was read.
#[derive(Clone, Debug)]
pub struct ConfigSeen {
    /// The commit.
    pub commit: CommitId,
    /// What it says, the last time that it could be read.
    pub config: Option<Arc<DeliveryConfig>>,
    /// Why this commit cannot be read.
    pub error: Option<String>,
}

/// A project's evidence.
#[derive(Clone, Debug, Default)]
pub struct EvidenceRecord {
    /// By subject.
    pub by_subject: BTreeMap<Subject, Vec<Arc<Evidence>>>,
    /// Keys that have been made, with the statement's envelope.
    pub keys: BTreeMap<String, Digest>,
    /// The run of each envelope.
    pub runs: BTreeMap<Digest, RunId>,
}
