//! Environments that jobs of pipeline files name.

use penstock_model::{CommitId, JobName, RunId, Timestamp};
use serde::{Deserialize, Serialize};

/// One of them in the list of `GET /projects/NAME/named-environments`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NamedEnvironmentView {
    /// Its name.
    pub name: String,
    /// `available`, `stopping` or `stopped`.
    pub state: String,
    /// What kind it is: `production`, `staging`, `testing`, `development` or `other`.
    pub tier: String,
    /// Its address.
    pub url: Option<String>,
    /// What was deployed to it last.
    pub deployed: Option<DeployedView>,
    /// The jobs that stop it.
    pub on_stop: Vec<String>,
    /// When it is stopped by itself.
    pub stops_at: Option<Timestamp>,
}

/// A deployment.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DeployedView {
    /// The run.
    pub run: RunId,
    /// The job.
    pub job: JobName,
    /// The commit.
    pub commit: CommitId,
    /// The full ref.
    pub reference: String,
    /// When the job had ended.
    pub at: Timestamp,
}
