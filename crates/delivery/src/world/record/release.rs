//! Releases, and how they stand in each environment.

use std::collections::{BTreeMap, BTreeSet};

use penstock_gate::{Author, Decision};
use penstock_model::release::{Release, ReleaseId, Revision};
use penstock_model::{CommitId, Digest, EnvironmentName, RunId, Timestamp, UserName};
use serde::Serialize;

use crate::events::{Approval, CheckResult, GlassAsk};

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
