//! What only workflows say of a run and its jobs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::{Condition, Matrix, Variable};
use crate::library::FileRef;

/// What a job's token may do with one kind of thing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// Nothing.
    #[default]
    None,
    /// Look at it.
    Read,
    /// Look at it and change it.
    Write,
}

/// What a job's token may do (`permissions`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Permissions {
    /// With whatever is not named.
    #[serde(default)]
    pub rest: Access,
    /// With what is named: `contents`, `packages`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub scopes: BTreeMap<String, Access>,
}

impl Permissions {
    /// The same for everything.
    pub fn all(rest: Access) -> Self {
        Self { rest, scopes: BTreeMap::new() }
    }

    /// What the token may do with this.
    pub fn of(&self, scope: &str) -> Access {
        self.scopes.get(scope).copied().unwrap_or(self.rest)
    }

    /// Those that both give: a called workflow gets no more than its caller has.
    #[must_use]
    pub fn within(&self, outer: &Self) -> Self {
        let names = self.scopes.keys().chain(outer.scopes.keys());
        let scopes = names.map(|name| (name.clone(), self.of(name).min(outer.of(name)))).collect();
        Self { rest: self.rest.min(outer.rest), scopes }
    }
}

/// What a job has the server do under its token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenUse {
    /// `penstock build`: an image is published.
    Build,
    /// `penstock check`: the commit is looked at.
    Check,
    /// `penstock test-image`: an image is run.
    TestImage,
}

impl Permissions {
    /// Whether they let a job have the server do this.
    ///
    /// # Errors
    /// Why not, and what to write.
    pub fn allow(&self, what: TokenUse) -> Result<(), String> {
        let (command, scope, least, word) = match what {
            TokenUse::Build => ("build", "packages", Access::Write, "write"),
            TokenUse::Check => ("check", "contents", Access::Read, "read"),
            TokenUse::TestImage => ("test-image", "packages", Access::Read, "read"),
        };
        if self.of(scope) >= least {
            return Ok(());
        }
        Err(format!("the job's `permissions` do not let it call `penstock {command}`\nhelp: add `{scope}: {word}` to them"))
    }
}

/// What keeps runs or jobs from being at work at the same time (`concurrency`). No text of it is evaluated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Concurrency {
    /// Its line in the file.
    pub line: usize,
    /// Of those with the same group one is at work, and one waits.
    pub group: String,
    /// Whether a new one cancels the one at work: `true`, `false` or an expression.
    pub cancel_in_progress: String,
    /// Whether all wait for their turn and not only the newest (`queue: max`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub all_wait: bool,
}

/// A job of a workflow that calls another one. The called workflow's jobs stand in the plan, named after it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlannedCall {
    /// Unique in the plan: `deploy`, `deploy (eu)`; in a workflow that is itself called, `release / deploy (eu)`.
    pub name: String,
    /// What people read in its place.
    pub title: String,
    /// What `needs` means by it: the name without what a matrix adds.
    pub group: String,
    /// The call in whose workflow it stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<String>,
    /// The line of its key in the file.
    pub line: usize,
    /// The called workflow.
    pub file: FileRef,
    /// What it waits for: groups of jobs and calls.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<String>,
    /// Its `if`, asked once what it waits for is done. `None` is `success()`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub condition: Option<Condition>,
    /// What the called workflow gets.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub inputs: BTreeMap<String, CallInput>,
    /// The secrets that it gets.
    pub secrets: CallSecrets,
    /// What it gives: expressions over its jobs.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub outputs: BTreeMap<String, String>,
    /// The called workflow's `env`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub variables: BTreeMap<String, Variable>,
    /// What the called workflow's tokens may do at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permissions: Option<Permissions>,
    /// Its place among the calls of its group, if that is a matrix.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matrix: Option<Matrix>,
}

/// What a called workflow gets for an input.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "of")]
pub enum CallInput {
    /// It is known.
    Value {
        /// The value.
        value: Json,
    },
    /// It is known once what the call waits for is done.
    Expression {
        /// Text with expressions.
        text: String,
        /// What it must come to.
        kind: InputKind,
    },
}

/// What kind of value an input of a called workflow is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InputKind {
    /// Text.
    String,
    /// `true` or `false`.
    Boolean,
    /// A number.
    Number,
}

/// The secrets that a called workflow gets, besides its token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallSecrets {
    /// All that its caller has.
    Inherit,
    /// Those that are named: expressions by name.
    Named(BTreeMap<String, String>),
}

/// A file that is read again once more is known, kept with the plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedSource {
    /// The file.
    pub file: FileRef,
    /// Its text.
    pub text: String,
}
