//! Where workloads live, behind one trait: a Kubernetes cluster, or this machine.

use std::collections::BTreeMap;
use std::fmt;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::watch;

use crate::gateway::Counters;
use crate::{EnvironmentName, ProjectName};

/// Names one object: group, kind, namespace, name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ObjectKey {
    /// API group, empty for the core.
    pub group: String,
    /// Kind.
    pub kind: String,
    /// Namespace, empty for what has none.
    pub namespace: String,
    /// Name.
    pub name: String,
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}/{}", self.kind, self.namespace, self.name)
    }
}

impl ObjectKey {
    /// Reads the key off a manifest; `namespace` is used where the manifest has none and its kind wants one.
    pub fn of(manifest: &Value, namespace: &str) -> Option<Self> {
        let text = |path: &str| manifest.pointer(path).and_then(Value::as_str);
        let api = text("/apiVersion")?;
        let kind = text("/kind")?.to_owned();
        let namespaced = !matches!(
            kind.as_str(),
            "Namespace" | "ClusterRole" | "ClusterRoleBinding" | "CustomResourceDefinition" | "PersistentVolume" | "StorageClass"
        );
        Some(Self {
            group: api.split_once('/').map_or("", |(group, _)| group).to_owned(),
            namespace: if namespaced { text("/metadata/namespace").unwrap_or(namespace).to_owned() } else { String::new() },
            name: text("/metadata/name")?.to_owned(),
            kind,
        })
    }
}

/// Why a target refused or failed.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// A kind or field that this target does not carry out.
    #[error("{object}: {what} is not carried out here: {hint}")]
    Unsupported {
        /// The object.
        object: ObjectKey,
        /// The kind or the field's path.
        what: String,
        /// What to do.
        hint: String,
    },
    /// The door stayed shut.
    #[error(transparent)]
    Denied(#[from] crate::admission::Denied),
    /// A later epoch has been seen.
    #[error("superseded: epoch {0} is in force")]
    Superseded(u64),
    /// Anything else.
    #[error("{what}")]
    Failed {
        /// What was tried, what came back, what to do.
        what: String,
    },
}

/// What belongs together and where it goes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ApplicationScope {
    /// The Application's name; its objects carry it (`app.kubernetes.io/instance`).
    pub application: String,
    /// The project, for the door: what another one's gate let in is not let in here. Absent in what was kept before it was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<ProjectName>,
    /// The environment, for the door.
    pub environment: EnvironmentName,
    /// The destination namespace.
    pub namespace: String,
}

/// A canary as the target sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RolloutSeen {
    /// Which Rollout.
    pub key: ObjectKey,
    /// The stable pod template's hash, if any pod of it was ever promoted.
    pub stable: Option<String>,
    /// The wanted pod template's hash.
    pub wanted: String,
    /// Ready pods of the stable template.
    pub stable_ready: u32,
    /// Ready pods of the wanted template.
    pub wanted_ready: u32,
    /// Pods of the wanted template that there should be now.
    pub wanted_replicas: u32,
    /// The weight in force, in percent, of the wanted template.
    pub weight: u32,
    /// Restarts and failed probes of pods of the wanted template since they began.
    pub wanted_failures: u32,
    /// What the gateway counted for the wanted template: it starts at zero when the canary begins.
    pub canary: Counters,
    /// The same for the stable one, in the same time.
    pub baseline: Counters,
    /// When the last request of the canary was counted or zero; tells a dead gateway from no traffic.
    pub figures_known: bool,
}

/// What the rollout room decides and the target carries out. Each is idempotent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "do")]
pub enum RolloutOrder {
    /// Send this share of the traffic to the wanted template, in percent.
    SetWeight {
        /// 0 to 100.
        percent: u32,
    },
    /// The wanted template is stable from now on; the old one drains and goes.
    Promote,
    /// Weight 0 now; the wanted template's pods drain and go. The template is kept out until it changes.
    Abort,
}

/// A live object.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LiveObject {
    /// Which.
    pub key: ObjectKey,
    /// The manifest as it was applied (without what the target added).
    pub applied: Value,
    /// `status` as Kubernetes has it for this kind.
    pub status: Value,
}

/// A pod as people see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PodSeen {
    /// Namespace.
    pub namespace: String,
    /// Name; also the container's id.
    pub name: String,
    /// `Deployment/api-gateway`.
    pub owner: String,
    /// Images.
    pub images: Vec<String>,
    /// The pod template's hash.
    pub template: String,
    /// `stable` or `canary`.
    pub role: String,
    /// Passed its readiness probe.
    pub ready: bool,
    /// Restarts.
    pub restarts: u32,
    /// One line.
    pub message: String,
    /// Labels and annotations.
    pub labels: BTreeMap<String, String>,
}

/// Where workloads live.
#[async_trait]
pub trait Target: Send + Sync {
    /// Whether a manifest is one that [`Self::apply`] carries out; nothing is done.
    fn check(&self, namespace: &str, manifest: &Value) -> Result<(), TargetError>;
    /// Makes an object so. Refuses what it cannot carry out before anything changes; asks the door for each image.
    async fn apply(&self, scope: &ApplicationScope, manifest: &Value, epoch: u64) -> Result<(), TargetError>;
    /// Takes an object away. Fine if it is absent.
    async fn delete(&self, scope: &ApplicationScope, key: &ObjectKey, epoch: u64) -> Result<(), TargetError>;
    /// The application's objects with their status.
    async fn live(&self, application: &str) -> Result<Vec<LiveObject>, TargetError>;
    /// Its canaries.
    async fn rollouts(&self, application: &str) -> Result<Vec<RolloutSeen>, TargetError>;
    /// Carries an order out; returns when the traffic follows it.
    async fn order(&self, key: &ObjectKey, template: &str, order: &RolloutOrder, epoch: u64) -> Result<(), TargetError>;
    /// Its pods.
    async fn pods(&self, application: &str) -> Result<Vec<PodSeen>, TargetError>;
    /// The last output of a pod.
    async fn logs(&self, namespace: &str, pod: &str, max_bytes: usize) -> Result<String, TargetError>;
    /// Where a person or a test reaches the application: the first exposed Service, as `http://127.0.0.1:30080`.
    async fn url(&self, application: &str) -> Result<Option<String>, TargetError>;
    /// Wakes when anything above may have changed.
    fn changed(&self) -> watch::Receiver<u64>;
    /// Removes every object of the application.
    async fn tear_down(&self, application: &str) -> Result<(), TargetError>;
}
