//! What jobs published about tags.

use penstock_model::tag_release::TagRelease;
use penstock_model::{CommitId, JobName, RunId, Timestamp, UserName};
use serde::{Deserialize, Serialize};

/// One of the list of `GET /projects/NAME/tag-releases`, the newest first.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TagReleaseView {
    /// What was published.
    #[serde(flatten)]
    pub release: TagRelease,
    /// The commit that the tag named.
    pub commit: CommitId,
    /// The run of the job that made it.
    pub run: RunId,
    /// The job.
    pub job: JobName,
    /// Who started that run.
    pub by: UserName,
    /// When it was made.
    pub made: Timestamp,
}
