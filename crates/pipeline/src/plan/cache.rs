//! The caches of a job.

use penstock_model::job::{CachePolicy, KeepWhen};
use serde::{Deserialize, Serialize};

/// A cache, before its key is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedCache {
    /// Its key.
    pub key: CacheKey,
    /// Folders and patterns below the checkout, not expanded.
    pub paths: Vec<String>,
    /// Whether it is read, written or both.
    pub policy: CachePolicy,
    /// A text with variables that says so instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy_by: Option<String>,
    /// When it is written, if the file says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<KeepWhen>,
    /// Whether what the commit does not have is kept too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub untracked: bool,
    /// Whether runs that get protected secrets share it with those that do not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unprotect: bool,
    /// Keys under which it is looked for when there is none of its own, not expanded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fallback_keys: Vec<String>,
}

/// What names a cache.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CacheKey {
    /// Text, not expanded.
    Text(String),
    /// The content of files at the commit.
    Files {
        /// Put before it, not expanded.
        prefix: Option<String>,
        /// Their paths.
        files: Vec<String>,
    },
    /// The commits that last changed files.
    FilesCommits {
        /// Put before it, not expanded.
        prefix: Option<String>,
        /// Their paths.
        files: Vec<String>,
    },
}
