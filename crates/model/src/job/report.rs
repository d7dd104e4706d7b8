//! What an attempt left.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Annotation, AttemptId, KeptArtifact};
use crate::Digest;

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "how")]
pub enum JobEnd {
    /// The steps said so.
    Exited {
        /// 0 is success.
        code: i32,
    },
    /// The time limit.
    TimedOut,
    /// Somebody cancelled it.
    Cancelled,
    /// Not the job's fault: no disk, a missing tool, the sandbox.
    SystemFailure {
        /// What happened and what to do.
        why: String,
    },
}

/// A report file that a job left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportFile {
    /// `junit`, `cobertura`, `sarif` or `summary`.
    pub kind: String,
    /// Its path below the checkout.
    pub path: String,
    /// Its bytes.
    pub digest: Digest,
}

/// What a job's result depends on: digests by what they are of.
pub type Fingerprint = BTreeMap<String, Digest>;

/// Whether a job whose inputs are named was run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reuse {
    /// What its result depends on.
    pub fingerprint: Fingerprint,
    /// The attempt whose result this is; `None` if the job was run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken_from: Option<AttemptId>,
    /// Why it was run or not, for people.
    pub because: String,
}

/// What an attempt left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobReport {
    /// How it ended.
    pub end: JobEnd,
    /// A tar archive of the artifacts, if any.
    pub artifacts: Option<Digest>,
    /// Its size in bytes.
    pub artifacts_size: u64,
    /// Report files.
    pub reports: Vec<ReportFile>,
    /// Variables from dotenv reports.
    pub dotenv: BTreeMap<String, String>,
    /// Outputs of a workflow's job.
    pub outputs: BTreeMap<String, String>,
    /// Milliseconds in the job's own processes, for telling Penstock's share.
    pub busy_ms: u64,
    /// What it wants said about the source.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub annotations: Vec<Annotation>,
    /// What its output says of its coverage, in hundredths of a percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coverage: Option<u32>,
    /// For how many seconds its artifacts are kept; `None` is as long as the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expire_in: Option<u64>,
    /// Artifacts that it kept by itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kept: Vec<KeptArtifact>,
    /// What it did to the environment that its file names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment: Option<Deployment>,
    /// Whether it was run, if its inputs are named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reuse: Option<Box<Reuse>>,
}

/// What a job did to the environment that its file names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deployment {
    /// The environment's name.
    pub environment: String,
    /// What it did.
    pub action: DeploymentAction,
    /// What kind of environment it is.
    pub tier: String,
    /// Its address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The key of the job that stops it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_stop: Option<String>,
    /// After how many seconds it is stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stops_in: Option<u64>,
}

/// What a job does to an environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeploymentAction {
    /// Deploys to it.
    Start,
    /// Stops it.
    Stop,
    /// Gets it ready, without a deployment.
    Prepare,
    /// Looks at it.
    Verify,
    /// Uses it.
    Access,
}

impl JobReport {
    /// The attempt whose result this is, if the job was not run.
    pub fn taken_from(&self) -> Option<&AttemptId> {
        self.reuse.as_ref().and_then(|reuse| reuse.taken_from.as_ref())
    }

    /// Of a job that leaves nothing but its end.
    pub fn bare(end: JobEnd) -> Self {
        Self {
            end,
            artifacts: None,
            artifacts_size: 0,
            reports: Vec::new(),
            dotenv: BTreeMap::new(),
            outputs: BTreeMap::new(),
            busy_ms: 0,
            annotations: Vec::new(),
            coverage: None,
            expire_in: None,
            kept: Vec::new(),
            deployment: None,
            reuse: None,
        }
    }
}
