//! What only workflows say of a run and its jobs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

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
