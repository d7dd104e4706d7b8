//! Containers of a job: the image that it runs in, and the services beside it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::job::EnvValue;
use crate::release::ImageRef;

/// When an image is fetched from its registry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PullPolicy {
    /// The registry is asked what the name means.
    #[default]
    Always,
    /// The registry is asked only if no image of that name is here.
    IfNotPresent,
    /// The registry is not asked.
    Never,
}

/// The image that a job runs in, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobImage {
    /// The image.
    pub image: ImageRef,
    /// What the shell is handed to: `None` is the image's own entrypoint, an empty list none at all.
    pub entrypoint: Option<Vec<String>>,
    /// User, by name or number; `None` is the image's.
    pub user: Option<String>,
    /// Memory limit in bytes.
    pub memory: Option<u64>,
    /// CPU limit in thousandths of a core.
    pub cpu_millis: Option<u32>,
    /// Variables that only processes in the image see, below the job's own.
    pub env: BTreeMap<String, EnvValue>,
}

impl From<ImageRef> for JobImage {
    fn from(image: ImageRef) -> Self {
        Self { image, entrypoint: None, user: None, memory: None, cpu_millis: None, env: BTreeMap::new() }
    }
}

/// A service beside a job: a container that the job reaches by name, there before its first step and gone after its last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceSpec {
    /// What people read.
    pub name: String,
    /// Host names by which the job, if it is in a container, and the other services reach it.
    pub aliases: Vec<String>,
    /// The image.
    pub image: ImageRef,
    /// Replaces the image's entrypoint.
    pub entrypoint: Option<Vec<String>>,
    /// Replaces the image's arguments.
    pub command: Option<Vec<String>>,
    /// Its variables, over the image's own.
    pub env: BTreeMap<String, EnvValue>,
    /// User, by name or number; `None` is the image's.
    pub user: Option<String>,
    /// Ports by which a job on the host reaches it.
    pub ports: Vec<PortMapping>,
    /// When it is ready.
    pub ready: Readiness,
    /// Memory limit in bytes.
    pub memory: Option<u64>,
    /// CPU limit in thousandths of a core.
    pub cpu_millis: Option<u32>,
}

/// A port of a service on the machine's loopback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PortMapping {
    /// On the machine; `None` is any that is free.
    pub host: Option<u16>,
    /// In the container.
    pub container: u16,
}

/// When a service is ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// Once these TCP ports answer, or the lowest that its image exposes; the job starts all the same after the time limit, with a
    /// warning (GitLab).
    Port {
        /// A port given by hand.
        port: Option<u16>,
        /// The time limit.
        timeout: Duration,
    },
    /// Once its health command says so, if it has one; otherwise at once. A service that is not healthy in the end fails the job
    /// (GitHub).
    Health(Option<HealthCheck>),
}

/// A command that tells whether a service is healthy (Docker's `HEALTHCHECK`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthCheck {
    /// Program and arguments, run in the container; healthy if it exits with 0.
    pub command: Vec<String>,
    /// Between two looks.
    pub interval: Duration,
    /// How long one look may take.
    pub timeout: Duration,
    /// How many failures in a row make it unhealthy.
    pub retries: u32,
    /// Failures this long after the start do not count.
    pub start_period: Duration,
}

/// A service that is up, as a workflow's `job.services` context tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceUp {
    /// [`ServiceSpec::name`].
    pub name: String,
    /// The container's id.
    pub id: String,
    /// The network's name.
    pub network: String,
    /// Ports in the container, with those of the machine's loopback that lead there.
    pub ports: BTreeMap<u16, u16>,
}
