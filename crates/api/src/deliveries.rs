//! Releases, environments and rollouts on the wire.

use std::collections::BTreeMap;

use penstock_model::release::{ImageName, ReleaseId};
use penstock_model::target::PodSeen;
use penstock_model::{CommitId, Digest, EnvironmentName, ProjectName, RunId, Timestamp, UserName};
use serde::{Deserialize, Serialize};

use crate::exceptions::{GlassInList, GlassView};
use crate::types::{EnvironmentSummary, StatementView};

/// `GET /releases/HEX`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ReleaseView {
    /// Its name.
    pub id: ReleaseId,
    /// Its project.
    pub project: ProjectName,
    /// The commit.
    pub commit: CommitId,
    /// The first line of the commit's message.
    pub title: String,
    /// The run that made it.
    pub run: RunId,
    /// Its images.
    pub images: BTreeMap<ImageName, Digest>,
    /// The config revision that it goes with.
    pub config: CommitId,
    /// Who pushed since the last release.
    pub pushers: Vec<UserName>,
    /// Who wrote commits since then.
    pub authors: Vec<String>,
    /// When.
    pub created: Timestamp,
    /// How it stands in each environment, in order.
    pub environments: Vec<ReleaseInEnvironment>,
    /// Everything that speaks for or against it.
    pub statements: Vec<StatementView>,
    /// The two clocks.
    pub clocks: Clocks,
}

/// Two clocks that are kept for every release.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Clocks {
    /// Push to the first environment, in milliseconds (target under 5 min, alert over 10).
    pub push_to_first_ms: Option<u64>,
    /// Approval to the last environment, less bakes, in milliseconds (target under 15 min, alert over 30).
    pub approval_to_last_ms: Option<u64>,
    /// Bakes in the last environment, in milliseconds.
    pub bakes_ms: Option<u64>,
    /// Penstock's own share: push to the last environment less the union of job, tool, bake and approval times.
    pub own_ms: Option<u64>,
}

/// A release in one environment.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ReleaseInEnvironment {
    /// Which.
    pub environment: EnvironmentName,
    /// `waiting`, `at_gate`, `gate_refused`, `awaiting_approval`, `allowed`, `rolling_out`, `checking`, `delivered`, `check_failed`, `refused`, `superseded`.
    pub step: String,
    /// What fails on its way there, and is tried again: why, and what to do, as far as it is known.
    #[serde(default)]
    pub trouble: Option<String>,
    /// The gate's answer.
    pub gate: Option<GateView>,
    /// Approvals.
    pub approvals: Vec<ApprovalView>,
    /// Wishes to open the gate, and gates that two people opened, the newest first.
    #[serde(default)]
    pub glass: Vec<GlassView>,
    /// The config commit.
    pub commit: Option<CommitId>,
    /// What it is to run.
    pub revision: Option<Digest>,
    /// Checks.
    pub checks: Vec<CheckView>,
    /// Why it must not run.
    pub refused: Option<String>,
    /// The revert.
    pub reverted: Option<CommitId>,
    /// When the gate let it in and Git knew it.
    pub committed_at: Option<Timestamp>,
    /// When everything ran.
    pub delivered_at: Option<Timestamp>,
    /// When the last check was done.
    pub checked_at: Option<Timestamp>,
}

/// A gate's answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct GateView {
    /// Whether it lets the release in.
    pub allow: bool,
    /// Why not.
    pub denials: Vec<DenialView>,
    /// What it let pass and still mentions.
    pub warnings: Vec<DenialView>,
    /// What would have denied, had two people not opened the gate.
    #[serde(default)]
    pub overridden: Vec<DenialView>,
    /// The policies' digest.
    pub policy: Digest,
    /// The signed verification summary.
    pub envelope: Digest,
    /// When.
    pub at: Timestamp,
    /// How many statements it looked at.
    pub statements: usize,
}

/// One reason of a gate.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DenialView {
    /// The rule's name.
    pub rule: String,
    /// What it is about.
    pub subject: String,
    /// What is wrong.
    pub message: String,
    /// Where, as `path:line`, or nothing.
    pub place: String,
    /// What to do.
    pub fix: String,
}

/// An approval.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ApprovalView {
    /// Who.
    pub approver: UserName,
    /// Until when it counts.
    pub expires: Timestamp,
    /// The statement.
    pub envelope: Digest,
}

/// A check against an environment.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CheckView {
    /// Its name.
    pub name: String,
    /// Whether it passed.
    pub passed: bool,
    /// One line.
    pub summary: String,
    /// Milliseconds.
    pub took_ms: u64,
}

/// `POST /releases/HEX/approve`, and other orders about an environment.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EnvironmentOrder {
    /// Which.
    pub environment: EnvironmentName,
}

/// `GET /projects/NAME/environments/NAME`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EnvironmentView {
    /// As in a list.
    #[serde(flatten)]
    pub summary: EnvironmentSummary,
    /// Its project.
    pub project: ProjectName,
    /// The application's name.
    pub application: String,
    /// The namespace.
    pub namespace: String,
    /// The config commit that it is in step with.
    pub synced: Option<CommitId>,
    /// Why it is not in step.
    pub sync_error: Option<String>,
    /// What runs.
    pub pods: Vec<PodSeen>,
    /// Its objects.
    pub objects: Vec<ObjectView>,
    /// Rollouts, newest first.
    pub rollouts: Vec<RolloutView>,
    /// Releases, newest first.
    pub releases: Vec<ReleaseInList>,
    /// Gates that stand open or are asked to be opened, and the one by which what runs came in.
    #[serde(default)]
    pub glass: Vec<GlassInList>,
    /// How its manifests differ from those of the environment before it: `path: theirs → ours`.
    pub differences: Vec<String>,
}

/// A release in an environment's list.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ReleaseInList {
    /// Its name.
    pub id: ReleaseId,
    /// The commit.
    pub commit: CommitId,
    /// The first line of the commit's message.
    pub title: String,
    /// How far it got here.
    pub step: String,
    /// When it was made.
    pub created: Timestamp,
}

/// An object.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ObjectView {
    /// Kind.
    pub kind: String,
    /// Name.
    pub name: String,
    /// `healthy`, `progressing`, `degraded`, `suspended`, `missing`, `unknown`.
    pub health: String,
    /// One line.
    pub message: String,
}

/// A rollout.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RolloutView {
    /// The Rollout's name.
    pub name: String,
    /// The pod template's hash.
    pub template: String,
    /// `progressing`, `paused`, `promoted`, `aborted`.
    pub phase: String,
    /// The weight of the new version, in percent.
    pub weight: u32,
    /// The weights of its steps.
    pub steps: Vec<u32>,
    /// The step that it is at, from 0.
    pub step: usize,
    /// One line: what it waits for, or why it ended.
    pub message: String,
    /// When it began.
    pub began: Timestamp,
    /// When its last event came.
    pub last: Timestamp,
    /// Figures over time, for the charts: the newest 600.
    pub figures: Vec<Figure>,
}

/// Figures of a canary at a moment.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Figure {
    /// When.
    pub at: Timestamp,
    /// Its weight, in percent.
    pub weight: u32,
    /// Requests that reached it, since it began.
    pub requests: u64,
    /// Of these, errors.
    pub errors: u64,
    /// The share of errors, 0 to 1.
    pub error_rate: f64,
    /// 95 % were at least this fast, in milliseconds.
    pub p95_ms: f64,
    /// The same of the stable version.
    pub stable_error_rate: f64,
    /// The same of the stable version, in milliseconds.
    pub stable_p95_ms: f64,
}
