//! The records that a world is made of.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use penstock_gate::{Author, Decision, DeliveryConfig};
use penstock_model::event::StreamId;
use penstock_model::evidence::{Evidence, Subject};
use penstock_model::ids::Actor;
use penstock_model::job::{AttemptId, JobReport};
use penstock_model::release::{ImageName, Release, ReleaseId, Revision};
use penstock_model::{CommitId, Digest, EnvironmentName, JobName, ProjectName, RepositoryName, RunId, Timestamp, UserName};
use penstock_pipeline::{Cron, Variable};
use serde::Serialize;

use super::tested::{FlakyRecord, TestedAttempt};
use crate::environments::NamedEnvironment;
use crate::events::{Approval, CheckResult, GlassAsk, Handling, PipelineOrder, Role, ScheduledTime};
use crate::merge_requests::event::Ask;
use crate::merge_requests::{MergeRequestRecord, OfMergeRequest};
use crate::tag_releases::TagReleaseRecord;

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

/// What started a run.
#[derive(Clone, Debug, Serialize)]
pub struct PushSeen {
    /// The full ref.
    pub reference: String,
    /// Where it was.
    pub before: Option<CommitId>,
    /// Where it is.
    pub commit: CommitId,
    /// Who pushed, as authenticated.
    pub pusher: UserName,
    /// When.
    pub at: Timestamp,
}

/// The job that started a run, and what it gave.
#[derive(Clone, Debug)]
pub struct Upstream {
    /// The attempt.
    pub by: AttemptId,
    /// Whether the run is of the same commit, and of what the job includes.
    pub child: bool,
    /// Variables over all others.
    pub given: BTreeMap<String, Variable>,
    /// For the inputs of the pipeline file.
    pub inputs: BTreeMap<String, serde_json::Value>,
}

/// An image that a run built.
#[derive(Clone, Debug, Serialize)]
pub struct BuiltImage {
    /// Its manifest's digest.
    pub digest: Digest,
    /// By which job.
    pub job: JobName,
    /// When it was done.
    pub at: Timestamp,
    /// Milliseconds.
    pub took_ms: u64,
    /// Of these Penstock's own.
    pub own_ms: u64,
}

/// When an attempt of a job began and ended.
#[derive(Clone, Debug, Serialize)]
pub struct JobTimes {
    /// The last attempt's number.
    pub attempt: u32,
    /// Of the last attempt.
    pub started: Timestamp,
    /// Of the last attempt.
    pub ended: Option<Timestamp>,
    /// What it left.
    pub report: Option<JobReport>,
}

/// A run.
#[derive(Clone)]
pub struct RunRecord {
    /// Its id.
    pub id: RunId,
    /// Its project.
    pub project: ProjectName,
    /// What started it.
    pub push: PushSeen,
    /// The run of the same push that it is beside; its own images are part of that one's release.
    pub beside: Option<RunId>,
    /// The job of another run that started it.
    pub upstream: Option<Upstream>,
    /// How it was started, if no push started it.
    pub order: Option<Arc<PipelineOrder>>,
    /// What it is of a merge request, if that started it.
    pub merge_request: Option<OfMergeRequest>,
    /// Whether its starter brings the plan, so that nobody else makes one.
    pub brings_plan: bool,
    /// The pipeline's state machine, once there is a plan.
    pub run: Option<penstock_pipeline::Run>,
    /// Why there is none.
    pub rejected: Option<String>,
    /// What it built.
    pub images: BTreeMap<ImageName, BuiltImage>,
    /// Job times.
    pub times: BTreeMap<JobName, JobTimes>,
    /// What attempts said of tests and coverage, the last few of each job.
    pub tests: BTreeMap<JobName, Vec<TestedAttempt>>,
    /// Artifacts and report files that its attempts left, all of them.
    pub left: BTreeSet<Digest>,
    /// Those of them whose time the file gives: until when they are kept, whatever becomes of the run.
    pub left_until: BTreeMap<Digest, Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// When somebody last had something of it started or tried again.
    pub taken_up: Option<Timestamp>,
    /// When all that was open in it was told to end, unless something was taken up again since.
    pub cut: Option<Timestamp>,
    /// The release it made.
    pub release: Option<ReleaseId>,
}

impl RunRecord {
    /// Whether it is of `penstock run`, which does nothing beyond this machine.
    pub fn is_local(&self) -> bool {
        self.brings_plan && self.beside.is_none()
    }
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

/// What a gate answered.
#[derive(Clone, Debug, Serialize)]
pub struct GateAnswer {
    /// What the environment would run.
    pub revision: Revision,
    /// What it said.
    pub decision: Decision,
    /// What it had seen.
    pub inputs: Digest,
    /// The signed verification summary.
    pub envelope: Digest,
    /// When.
    pub at: Timestamp,
    /// Milliseconds.
    pub took_ms: u64,
}

/// How far the way back has got.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WayBack {
    /// The refusal is recorded; traffic comes next.
    Refused,
    /// No traffic; Git comes next.
    TrafficTaken,
    /// Done.
    Reverted {
        /// The revert.
        commit: CommitId,
    },
}

/// How far a release has got in an environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ReleaseStep {
    /// It is not its turn: an environment comes before.
    Waiting,
    /// The gate has not answered yet.
    AtGate,
    /// The gate refuses.
    GateRefused,
    /// Only an approval is missing.
    AwaitingApproval,
    /// The gate lets it in; the config commit comes next.
    Allowed,
    /// Committed; being synced or rolled out.
    RollingOut,
    /// It runs; checks are under way.
    Checking,
    /// It runs and every check passed.
    Delivered,
    /// It runs, and a check failed.
    CheckFailed,
    /// It must not run there.
    Refused,
    /// A newer one took its place.
    Superseded,
}

/// A release in one environment.
#[derive(Clone, Debug, Default, Serialize)]
pub struct EnvironmentState {
    /// The gate's last answer.
    pub gate: Option<GateAnswer>,
    /// Approvals.
    pub approvals: Vec<Approval>,
    /// The last wish to have the gate opened, confirmed, lapsed or neither.
    pub asked: Option<GlassAsk>,
    /// When the last approval came.
    pub approved_at: Option<Timestamp>,
    /// The config commit.
    pub commit: Option<CommitId>,
    /// The commit to go back to.
    pub previous: Option<CommitId>,
    /// What it runs.
    pub revision: Option<Revision>,
    /// When it was committed.
    pub committed_at: Option<Timestamp>,
    /// When everything ran.
    pub delivered_at: Option<Timestamp>,
    /// Checks that are done.
    pub checks: Vec<CheckResult>,
    /// When the last check was done.
    pub checked_at: Option<Timestamp>,
    /// Why it must not run.
    pub refused: Option<String>,
    /// How far the way back has got.
    pub way_back: Option<WayBack>,
    /// When the way back was done.
    pub reverted_at: Option<Timestamp>,
    /// A newer one took its place.
    pub superseded: bool,
}

/// A release.
#[derive(Clone, Debug)]
pub struct ReleaseRecord {
    /// Its name.
    pub id: ReleaseId,
    /// What it is.
    pub release: Release,
    /// The run that made it.
    pub run: RunId,
    /// Who pushed since the last release in the last environment.
    pub pushers: BTreeSet<UserName>,
    /// Who wrote commits since then.
    pub authors: BTreeSet<Author>,
    /// When the push came.
    pub pushed: Timestamp,
    /// When it was made.
    pub created: Timestamp,
    /// How it stands in each environment.
    pub environments: BTreeMap<EnvironmentName, EnvironmentState>,
}

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

/// What people were told about one thing.
#[derive(Clone, Debug, Default, Serialize)]
pub struct NoticeRecord {
    /// Channel → text.
    pub sent: BTreeMap<String, String>,
    /// Channel → why not.
    pub given_up: BTreeMap<String, String>,
}

/// Somebody who may log in.
#[derive(Clone, Debug)]
pub struct UserRecord {
    /// Their name.
    pub name: UserName,
    /// What they may do.
    pub role: Role,
    /// The digest of their token.
    pub token: Digest,
    /// Addresses under which they write commits.
    pub emails: Vec<String>,
    /// Since when they may log in.
    pub since: Timestamp,
    /// Since when they have this token.
    pub token_since: Timestamp,
}
