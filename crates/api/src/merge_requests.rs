//! Merge requests.

use penstock_model::{CommitId, ProjectName, RunId, Timestamp, UserName};
use serde::{Deserialize, Serialize};

use crate::RunSummary;

/// One of the list of `GET /projects/NAME/merge-requests`, and of `GET /projects/NAME/merge-requests/NUMBER`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MergeRequestView {
    /// The project.
    pub project: ProjectName,
    /// Its number within the project.
    pub number: u64,
    /// Its title.
    pub title: String,
    /// What its author says of it.
    pub description: String,
    /// What is to be merged: a branch, or `USER/TOPIC` if it was offered.
    pub source: String,
    /// Whether it was offered (`refs/for/BRANCH`) and is no branch.
    pub offered: bool,
    /// The branch that it is merged into.
    pub target: String,
    /// `open`, `closed` or `merged`.
    pub state: String,
    /// Who closed or merged it.
    pub ended_by: Option<UserName>,
    /// Whether it is not to be merged yet.
    pub draft: bool,
    /// Who opened it.
    pub author: UserName,
    /// Its last commit.
    pub commit: CommitId,
    /// The ref that keeps it.
    pub reference: String,
    /// Who pushed that commit.
    pub pusher: UserName,
    /// Whether that one had no right to push branches.
    pub outside: bool,
    /// Who let the pipeline of that commit have what a developer's has.
    pub allowed_by: Option<UserName>,
    /// How the pipeline of that commit stands: `none`, `running`, `failed` or `success`.
    pub pipeline: String,
    /// That pipeline.
    pub pipeline_run: Option<RunId>,
    /// Its pipelines that have jobs, the newest first.
    pub runs: Vec<RunSummary>,
    /// When it was opened.
    pub opened: Timestamp,
    /// When something last happened to it.
    pub changed: Timestamp,
}

/// `POST /projects/NAME/merge-requests`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NewMergeRequest {
    /// The branch that is to be merged.
    pub source: String,
    /// The branch that gets it; the one that is delivered unless given.
    #[serde(default)]
    pub target: Option<String>,
    /// Its title; the commit's unless given.
    #[serde(default)]
    pub title: Option<String>,
    /// Its description.
    #[serde(default)]
    pub description: String,
    /// Whether it is not to be merged yet.
    #[serde(default)]
    pub draft: bool,
}

/// `POST /projects/NAME/merge-requests/NUMBER/allow`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AllowCommit {
    /// The commit that was looked at: the word counts for no other.
    pub commit: CommitId,
}

/// `POST /projects/NAME/merge-requests/NUMBER/merge`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct MergeOrder {
    /// Whether it is merged although its pipeline has not succeeded.
    #[serde(default)]
    pub force: bool,
}

/// What came of a merge.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MergedAt {
    /// Where the target is now.
    pub commit: CommitId,
}
