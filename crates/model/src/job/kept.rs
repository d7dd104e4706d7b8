//! What outlives a job: artifacts and caches.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Files that outlive the job.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArtifactSpec {
    /// Glob patterns below the checkout.
    pub paths: Vec<String>,
    /// Whether files that the commit does not have are kept too, but for those in caches.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub untracked: bool,
    /// Patterns to leave out.
    pub exclude: Vec<String>,
    /// When to keep them.
    pub when: KeepWhen,
    /// JUnit files.
    pub junit: Vec<String>,
    /// A Cobertura file.
    pub cobertura: Option<String>,
    /// A `JaCoCo` file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jacoco: Option<String>,
    /// `NAME=value` lines that become variables of later jobs.
    pub dotenv: Vec<String>,
    /// Files of other reports by kind, kept as they are.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub reports: BTreeMap<String, Vec<String>>,
    /// A file that is kept if it is there, as [`crate::tag_release::DESCRIPTION_FILE`]: no pattern.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description_file: Option<String>,
    /// Who may download the archive. Later jobs get it all the same.
    #[serde(default, skip_serializing_if = "ArtifactAccess::is_usual")]
    pub access: ArtifactAccess,
    /// What people call the archive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What people read where a merge request is looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exposed_as: Option<String>,
    /// For how many seconds they are kept; `None` is as long as the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expire_in: Option<u64>,
}

/// Who may download artifacts (GitLab's `artifacts: access`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ArtifactAccess {
    /// Whoever may see the project.
    #[default]
    All,
    /// Whoever may push.
    Developer,
    /// Whoever administers.
    Maintainer,
    /// Nobody.
    None,
}

impl ArtifactAccess {
    /// Whether nothing was said.
    pub fn is_usual(&self) -> bool {
        *self == Self::All
    }
}

/// When artifacts are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeepWhen {
    /// After success.
    #[default]
    OnSuccess,
    /// After failure.
    OnFailure,
    /// Always.
    Always,
}

/// Files that are kept between runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CacheSpec {
    /// The key, expanded.
    pub key: String,
    /// Folders below the checkout; of an archive patterns too.
    pub paths: Vec<String>,
    /// Whether it is read, written or both.
    pub policy: CachePolicy,
    /// How it is kept as an archive; `None` is in place.
    pub archive: Option<CacheArchive>,
    /// Whether runs from which secrets are withheld share it with others.
    pub unprotect: bool,
}

/// A cache that is put aside when a job ends and copied to where it was when another one starts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CacheArchive {
    /// Keys under which it is looked for, in order, when there is none of its own.
    pub fallback_keys: Vec<String>,
    /// After which ends it is written.
    pub when: KeepWhen,
    /// Whether what the commit does not have is kept too.
    pub untracked: bool,
}

/// Which way a cache goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CachePolicy {
    /// Read, then written.
    #[default]
    PullPush,
    /// Only read.
    Pull,
    /// Only written.
    Push,
}
