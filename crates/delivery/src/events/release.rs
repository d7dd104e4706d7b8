//! What happens to a release.

use std::collections::BTreeSet;

use penstock_gate::{Author, Decision};
use penstock_model::event::{DomainEvent, EventType};
use penstock_model::release::{Release, Revision};
use penstock_model::{CommitId, Digest, EnvironmentName, RunId, Timestamp, UserName};
use serde::{Deserialize, Serialize};

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

domain!(ReleaseEvent, "release", {
    Self::Created { .. } => "created", Self::Gated { .. } => "gated", Self::Approved { .. } => "approved",
    Self::GlassAsked { .. } => "glass_asked",
    Self::Committed { .. } => "committed", Self::Delivered { .. } => "delivered", Self::Checked { .. } => "checked",
    Self::Refused { .. } => "refused", Self::TrafficTaken { .. } => "traffic_taken", Self::Reverted { .. } => "reverted",
    Self::Superseded { .. } => "superseded",
});
