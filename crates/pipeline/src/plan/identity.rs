//! How a job proves to others which job it is.

use serde::{Deserialize, Serialize};

/// For whom an identity token is, not expanded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Audience {
    /// For one.
    One(String),
    /// For several.
    Several(Vec<String>),
}

impl Audience {
    /// With each of them changed.
    #[must_use]
    pub(crate) fn map(&self, mut change: impl FnMut(&str) -> String) -> Self {
        match self {
            Self::One(one) => Self::One(change(one)),
            Self::Several(several) => Self::Several(several.iter().map(|one| change(one)).collect()),
        }
    }
}

/// A secret that a job gets from a vault (GitLab's `secrets`), nothing of it expanded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedSecret {
    /// Where it is.
    pub vault: VaultPlace,
    /// Whether the job gets it as a file.
    pub file: bool,
    /// The identity token by which the vault is asked, as a variable.
    pub token: String,
}

/// A place in `HashiCorp` Vault, or `OpenBao`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VaultPlace {
    /// What kind of engine keeps it: `kv-v1`, `kv-v2` or `generic`.
    pub engine: String,
    /// Where the engine is mounted.
    pub mount: String,
    /// Where the secret is in it.
    pub path: String,
    /// Which of its fields it is.
    pub field: String,
}
