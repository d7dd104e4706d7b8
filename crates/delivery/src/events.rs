//! The spine's own events. Each stream has one kind of them; runs, rollouts and applications are the features' own.

use std::collections::{BTreeMap, BTreeSet};

use penstock_gate::{Author, Decision, DeliveryConfig};
use penstock_model::event::{DomainEvent, EventType};
use penstock_model::evidence::Evidence;
use penstock_model::job::AttemptId;
use penstock_model::release::{ImageName, Release, ReleaseId, Revision};
use penstock_model::tag_release::TagRelease;
use penstock_model::{CommitId, Digest, EnvironmentName, JobName, ProjectName, RepositoryName, RunId, Timestamp, UserName};
use penstock_pipeline::{Trigger, Variable};
use penstock_scan::{CoverageReport, TestTotals};
use serde::{Deserialize, Serialize};

use crate::merge_requests::event::{Ask, MergeRequestChange};

/// What happens to a project, on `project/NAME`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "event")]
pub enum ProjectEvent {
    /// Somebody created it.
    Created {
        /// Its name, also its repository's.
        project: ProjectName,
        /// Where its environments are written.
        config: RepositoryName,
        /// The branch that is delivered.
        branch: String,
    },
    /// A ref of its repository moved, and a run answers it.
    Pushed {
        /// The full ref.
        reference: String,
        /// Where it was.
        before: Option<CommitId>,
        /// Where it is.
        commit: CommitId,
        /// Who pushed, as authenticated.
        pusher: UserName,
        /// The run.
        run: RunId,
    },
    /// Somebody started a run and brings its plan, as `penstock run` does for a working tree. No ref moved.
    Started {
        /// The full ref that it is taken to be of.
        reference: String,
        /// What the commit is compared with.
        before: Option<CommitId>,
        /// The commit.
        commit: CommitId,
        /// Who, as authenticated.
        pusher: UserName,
        /// The run.
        run: RunId,
        /// The run of the same push whose images make one release with this one's.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        beside: Option<RunId>,
    },
    /// A job of another run started a run. Its id follows from the attempt.
    Triggered {
        /// The full ref that it is of.
        reference: String,
        /// What the commit is compared with.
        before: Option<CommitId>,
        /// The commit.
        commit: CommitId,
        /// Who started the other run: this one is started in their name.
        pusher: UserName,
        /// The run.
        run: RunId,
        /// The attempt of the job.
        by: AttemptId,
        /// Whether it is of the same commit, and of what the job includes.
        child: bool,
        /// Its variables, over all others.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        given: BTreeMap<String, Variable>,
        /// What its pipeline file gets for its inputs.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        inputs: BTreeMap<String, serde_json::Value>,
    },
    /// A branch or tag was deleted.
    Deleted {
        /// The full ref.
        reference: String,
    },
    /// The job that stops an environment that jobs name was started.
    EnvironmentStopping {
        /// The environment.
        environment: String,
        /// The run.
        run: RunId,
        /// The job.
        job: JobName,
    },
    /// An environment that jobs name is stopped, and no job has anything to do for it.
    EnvironmentStopped {
        /// The environment.
        environment: String,
    },
    /// A job published something about a tag: a tag release. What is delivered is another thing.
    TagReleased {
        /// What it published.
        release: Box<TagRelease>,
        /// The commit that the tag names.
        commit: CommitId,
        /// Which attempt of a job.
        by: AttemptId,
        /// In whose name: who started the pipeline.
        who: UserName,
    },
    /// Somebody had a pipeline start where a ref is. No ref moved.
    Ordered {
        /// The full ref.
        reference: String,
        /// Where it is.
        commit: CommitId,
        /// Who, as authenticated.
        pusher: UserName,
        /// The run.
        run: RunId,
        /// How it was started, and with what.
        order: PipelineOrder,
    },
    /// A push is about to come that asks for a merge request by its options. Without the push it means nothing.
    MergeRequestAsked {
        /// The full ref.
        reference: String,
        /// Where the push takes it.
        commit: CommitId,
        /// What it asks for.
        ask: Ask,
    },
    /// Something happened to a merge request.
    MergeRequest {
        /// Its number within the project.
        number: u64,
        /// What.
        change: MergeRequestChange,
    },
    /// The delivered branch moved, and says at which times pipelines start by themselves.
    TimetableRead {
        /// The commit.
        commit: CommitId,
        /// The times by name.
        times: BTreeMap<String, ScheduledTime>,
    },
    /// The config repository's branch moved and was read.
    ConfigRead {
        /// The commit.
        commit: CommitId,
        /// What it says, unless it cannot be read.
        config: Option<DeliveryConfig>,
        /// Why it cannot be read.
        error: Option<String>,
    },
}

/// How a pipeline was started that no push started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PipelineOrder {
    /// What started it.
    pub trigger: Trigger,
    /// Its variables, over the project's.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub variables: BTreeMap<String, String>,
    /// The name of the time at which it started by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
}

/// A time at which a pipeline starts by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScheduledTime {
    /// As `crontab` writes it, in UTC.
    pub cron: String,
    /// The full ref where it starts.
    pub reference: String,
    /// Its variables, over the project's.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub variables: BTreeMap<String, String>,
}

/// What the spine adds to a run's stream, `run/ID`, beside the pipeline's own events.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "event")]
pub enum WorkEvent {
    /// The pipeline file cannot be carried out.
    Rejected {
        /// For people: file, line, caret, what to do.
        diagnostics: String,
    },
    /// An image was built.
    ImageBuilt {
        /// By which job.
        job: JobName,
        /// Its name.
        image: ImageName,
        /// Its manifest's digest.
        digest: Digest,
        /// Milliseconds.
        took_ms: u64,
        /// Milliseconds that were Penstock's own and not a RUN's.
        own_ms: u64,
    },
    /// What the reports of an attempt said of tests and coverage.
    Tested {
        /// Of which job.
        job: JobName,
        /// The attempt's number.
        attempt: u32,
        /// The tests, in figures and a few names.
        totals: TestTotals,
        /// The reports that they were read from.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        reports: Vec<Digest>,
        /// Lines that tests reached.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        coverage: Option<CoverageReport>,
        /// Tests that ended otherwise in another attempt of the job at this commit.
        #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
        flaky: BTreeSet<String>,
    },
    /// Its images became a release, or are one that was there already.
    Released {
        /// Which.
        release: ReleaseId,
    },
}

/// Evidence as it comes, on `evidence/PROJECT`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "event")]
pub enum EvidenceEvent {
    /// A statement was signed, verified and kept.
    Recorded {
        /// What it says.
        evidence: Evidence,
        /// In which run.
        run: Option<RunId>,
        /// Why it was made: the same key is not made twice.
        key: String,
    },
}

/// How a check against an environment went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckResult {
    /// Its name.
    pub name: String,
    /// Whether it passed.
    pub passed: bool,
    /// One line for people.
    pub summary: String,
    /// The statement.
    pub envelope: Digest,
    /// Milliseconds.
    pub took_ms: u64,
}

/// An approval as it was given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// Who.
    pub approver: UserName,
    /// What the environment would run.
    pub revision: Revision,
    /// The policies in force.
    pub policy: Digest,
    /// Until when it counts.
    pub expires: Timestamp,
    /// The statement.
    pub envelope: Digest,
}

/// One person's wish to have a gate opened. It opens nothing: a second person confirms it before it lapses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GlassAsk {
    /// Who asked, as authenticated.
    pub by: UserName,
    /// Why.
    pub reason: String,
    /// What the environment would run.
    pub revision: Revision,
    /// The policies in force.
    pub policy: Digest,
    /// How long the gate is to stay open once it is opened, in milliseconds.
    pub lasts_ms: u64,
    /// It can be confirmed before this moment.
    pub lapses: Timestamp,
}

/// What happens to a release, on `release/HEX`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "event")]
pub enum ReleaseEvent {
    /// A run made it.
    Created {
        /// What it is.
        release: Release,
        /// The run.
        run: RunId,
        /// Who pushed, as authenticated: since the last release in production.
        pushers: BTreeSet<UserName>,
        /// Who wrote commits since then, as the commits claim.
        authors: BTreeSet<Author>,
        /// When the push came.
        pushed: Timestamp,
    },
    /// A gate was asked.
    Gated {
        /// Of which environment.
        environment: EnvironmentName,
        /// What the environment would run.
        revision: Revision,
        /// What it said.
        decision: Decision,
        /// What it had seen: asked again when that changes.
        inputs: Digest,
        /// The signed verification summary.
        envelope: Digest,
        /// Milliseconds.
        took_ms: u64,
    },
    /// Somebody approved. Read for ever, and not written any more: the statement on `evidence/PROJECT` says it alone.
    Approved {
        /// For which environment.
        environment: EnvironmentName,
        /// The approval.
        approval: Approval,
    },
    /// Somebody asked to have the gate opened. That it was opened is a statement, on `evidence/PROJECT`.
    GlassAsked {
        /// Of which environment.
        environment: EnvironmentName,
        /// The wish.
        ask: GlassAsk,
    },
    /// The environment's config commit is on the branch.
    Committed {
        /// Which environment.
        environment: EnvironmentName,
        /// The commit.
        commit: CommitId,
        /// What the environment is to run.
        revision: Revision,
        /// The commit to go back to.
        previous: Option<CommitId>,
    },
    /// Everything runs and takes all the traffic.
    Delivered {
        /// Which environment.
        environment: EnvironmentName,
        /// What it runs.
        revision: Revision,
    },
    /// A check against the environment is done.
    Checked {
        /// Which environment.
        environment: EnvironmentName,
        /// How it went.
        result: CheckResult,
    },
    /// It must not run there: the first step of the way back.
    Refused {
        /// Which environment.
        environment: EnvironmentName,
        /// What must not run.
        revision: Revision,
        /// Why, for people.
        why: String,
    },
    /// It takes no traffic any more: the second step.
    TrafficTaken {
        /// Which environment.
        environment: EnvironmentName,
    },
    /// Git says so: the last step.
    Reverted {
        /// Which environment.
        environment: EnvironmentName,
        /// The revert.
        commit: CommitId,
    },
    /// A newer release took its place before it got here.
    Superseded {
        /// Which environment.
        environment: EnvironmentName,
    },
}

/// What people were told, on `notice/KEY`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "event")]
pub enum NoticeEvent {
    /// One way to tell them worked.
    Sent {
        /// Such as `slack` or `email`.
        channel: String,
        /// What was said.
        text: String,
    },
    /// It did not work and will not be tried again.
    GivenUp {
        /// Such as `slack` or `email`.
        channel: String,
        /// Why.
        why: String,
    },
}

/// How jobs get a variable of their project. As nothing says otherwise, it is a secret: masked, as it is, for the delivered branch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(clippy::struct_excessive_bools, reason = "each is a switch of its own, as people set them")]
pub struct Handling {
    /// Whether it reaches jobs of every branch. Version 1 did not say: such a secret is protected.
    #[serde(default)]
    pub all_branches: bool,
    /// For which environments it is, `*` standing for any text; `None` is for every job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// Whether a job gets it as a file, and the file's path as the variable.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub file: bool,
    /// Whether logs may show it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub plain: bool,
    /// Whether `$NAME` in it stands for another variable.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub expand: bool,
}

/// Settings that people change, on `settings/PROJECT`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "event")]
pub enum SettingEvent {
    /// A secret, or another variable, was set; its value is elsewhere, encrypted.
    SecretSet {
        /// Its name.
        name: String,
        /// How jobs get it.
        #[serde(flatten)]
        how: Handling,
    },
    /// It was removed, its value first.
    SecretRemoved {
        /// Its name.
        name: String,
        /// The one for these environments.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        environment: Option<String>,
    },
    /// A variable was set. Read for ever, and not written any more: its value would lie open.
    VariableSet {
        /// Its name.
        name: String,
        /// Its value.
        value: String,
    },
}

/// What a user may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Look, and offer commits for a branch: those are from outside.
    Reader,
    /// Push, start, stop, and approve where the config repository names them.
    Developer,
    /// Everything: projects, users, secrets too.
    Admin,
}

/// What happens to a user, on `user/NAME`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "event")]
pub enum UserEvent {
    /// Somebody may log in.
    Added {
        /// What they may do.
        role: Role,
        /// The digest of their token of 256 random bits.
        token: Digest,
        /// Addresses under which they write commits.
        emails: Vec<String>,
    },
    /// They have another token; the one before is void.
    TokenChanged {
        /// Its digest.
        token: Digest,
    },
    /// They may not any more.
    Removed,
}

/// Gives an enum tagged by `event` its type name and version, which is 1 unless one is given.
macro_rules! domain {
    (@version) => { 1 };
    (@version $version:literal) => { $version };
    ($type:ty, $prefix:literal, { $($pattern:pat => $name:literal $(version $version:literal)?),+ $(,)? }) => {
        impl DomainEvent for $type {
            fn event_type(&self) -> EventType {
                let (name, version) = match self { $($pattern => (concat!($prefix, ".", $name), domain!(@version $($version)?))),+ };
                EventType { name: name.to_owned(), version }
            }
        }
    };
}

domain!(ProjectEvent, "project", { Self::Created { .. } => "created", Self::Pushed { .. } => "pushed", Self::Deleted { .. } => "deleted", Self::Started { .. } => "started", Self::Triggered { .. } => "triggered", Self::Ordered { .. } => "ordered", Self::TimetableRead { .. } => "timetable_read",
    Self::MergeRequestAsked { .. } => "merge_request_asked", Self::MergeRequest { .. } => "merge_request",
    Self::EnvironmentStopping { .. } => "environment_stopping", Self::EnvironmentStopped { .. } => "environment_stopped", Self::TagReleased { .. } => "tag_released", Self::ConfigRead { .. } => "config_read" });
domain!(WorkEvent, "work", { Self::Rejected { .. } => "rejected", Self::ImageBuilt { .. } => "image_built", Self::Tested { .. } => "tested", Self::Released { .. } => "released" });
domain!(EvidenceEvent, "evidence", { Self::Recorded { .. } => "recorded" });
domain!(ReleaseEvent, "release", {
    Self::Created { .. } => "created", Self::Gated { .. } => "gated", Self::Approved { .. } => "approved",
    Self::GlassAsked { .. } => "glass_asked",
    Self::Committed { .. } => "committed", Self::Delivered { .. } => "delivered", Self::Checked { .. } => "checked",
    Self::Refused { .. } => "refused", Self::TrafficTaken { .. } => "traffic_taken", Self::Reverted { .. } => "reverted",
    Self::Superseded { .. } => "superseded",
});
domain!(NoticeEvent, "notice", { Self::Sent { .. } => "sent", Self::GivenUp { .. } => "given_up" });
domain!(SettingEvent, "setting", {
    Self::SecretSet { .. } => "secret_set" version 2, Self::SecretRemoved { .. } => "secret_removed",
    Self::VariableSet { .. } => "variable_set",
});
domain!(UserEvent, "user", {
    Self::Added { .. } => "added", Self::TokenChanged { .. } => "token_changed", Self::Removed => "removed",
});

/// Images of a run by name.
pub type Images = BTreeMap<ImageName, Digest>;
