//! Containers as plain values, and the hand that runs them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::blob::LogSink;
use crate::image::Descriptor;
use crate::release::ImageRef;
use crate::service::HealthCheck;
use crate::{Digest, Secret, Timestamp};

/// Why a container could not be run.
#[derive(Debug, thiserror::Error)]
pub enum ContainerError {
    /// The image is not in the registry, or its layers do not fit.
    #[error("image {image} cannot be used: {why}")]
    Image {
        /// The image.
        image: ImageRef,
        /// Why.
        why: String,
    },
    /// The kernel or the runtime refused.
    #[error("container {id}: {why}")]
    Runtime {
        /// The container.
        id: String,
        /// What was tried, what came back, what to do.
        why: String,
    },
    /// Files.
    #[error("{what}")]
    Io {
        /// What was tried.
        what: String,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
}

/// The network that a container sees.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Network {
    /// Loopback alone.
    None,
    /// The machine's own.
    Host,
    /// A veth pair to the instance's bridge, with this address.
    Bridge(Ipv4Addr),
    /// A veth pair to a network that [`ContainerRuntime::make_network`] made.
    Own {
        /// Its name.
        network: String,
        /// The container's address in it.
        address: Ipv4Addr,
    },
}

/// What an image says about itself, as far as whoever runs it beside other things wants to know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImageFacts {
    /// Who its processes are, by number.
    pub uid: u32,
    /// Their group.
    pub gid: u32,
    /// That user's home, if the image knows the user.
    pub home: Option<String>,
    /// TCP ports that it exposes, lowest first.
    pub ports: Vec<u16>,
    /// How it tells that it is healthy.
    pub health: Option<HealthCheck>,
}

/// A file put into a container: from a `ConfigMap` or Secret, `/etc/hosts`, …
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileMount {
    /// Where in the container.
    pub path: String,
    /// The file or directory on the machine, bound.
    pub source: PathBuf,
    /// Read-only unless set.
    pub writable: bool,
    /// What is written into the directory goes into this one and leaves the directory as it is; it lies beside another, empty one
    /// of the same name with `.work` at its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changes: Option<PathBuf>,
}

/// What to run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainerSpec {
    /// `[a-z0-9-]`, at most 63; unique within the instance. Starting the same id twice starts it once.
    pub id: String,
    /// The image.
    pub image: ImageRef,
    /// Replaces the image's entrypoint.
    pub command: Option<Vec<String>>,
    /// Replaces the image's arguments.
    pub args: Option<Vec<String>>,
    /// Over the image's own.
    pub env: BTreeMap<String, String>,
    /// Over these: variables that are not given back by `list` nor kept in the container's description.
    #[serde(skip)]
    pub secrets: BTreeMap<String, Secret>,
    /// `uid` or `uid:gid`; `None` is the image's.
    pub user: Option<String>,
    /// `None` is the image's.
    pub working_dir: Option<String>,
    /// What network it sees.
    pub network: Network,
    /// Files and directories bound into it.
    pub mounts: Vec<FileMount>,
    /// Empty tmpfs directories, path → limit in bytes (`/tmp`, emptyDir volumes).
    pub tmpfs: BTreeMap<String, u64>,
    /// Lines for `/etc/hosts`: name → address.
    pub hosts: BTreeMap<String, Ipv4Addr>,
    /// Always for workloads; false only for builds and jobs.
    pub read_only_root: bool,
    /// What is written into a root that is not read-only is kept in this directory, and found again by the next container that
    /// names it; `None` goes with the container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub written: Option<PathBuf>,
    /// More rights for root inside: what installing packages needs. Never for workloads.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub building: bool,
    /// Memory limit in bytes.
    pub memory: Option<u64>,
    /// CPU limit in thousandths of a core.
    pub cpu_millis: Option<u32>,
    /// Free words, kept with the container and given back by `list`.
    pub labels: BTreeMap<String, String>,
}

/// How a container stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum ContainerStatus {
    /// Its process runs.
    Running {
        /// In the machine's PID namespace.
        pid: u32,
        /// Since when.
        since: Timestamp,
    },
    /// It ended.
    Exited {
        /// Exit code, 128 + signal if it was killed.
        code: i32,
        /// When.
        at: Timestamp,
    },
}

/// A container as the runtime knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainerState {
    /// What it was started with.
    pub spec: ContainerSpec,
    /// How it stands.
    pub status: ContainerStatus,
}

/// What a program inside a container left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExecOutput {
    /// Exit code, 128 + signal.
    pub code: i32,
    /// Standard output and error, at most 1 MiB, the end.
    pub output: String,
}

/// Runs containers. Each has a monitor process of its own, so that it outlives the server, which finds it again.
#[async_trait]
pub trait ContainerRuntime: Send + Sync {
    /// Starts it, unless one of this id is there already. Returns when its process runs.
    async fn start(&self, spec: &ContainerSpec) -> Result<ContainerState, ContainerError>;
    /// Runs it to its end, its output into a log; removed afterwards. Ended at the time limit (code 124).
    async fn run(&self, spec: &ContainerSpec, timeout: Duration, log: Arc<dyn LogSink>) -> Result<i32, ContainerError>;
    /// Runs it to its end at a terminal, which is its standard input, output and error and its controlling terminal; removed
    /// afterwards.
    async fn run_at(&self, spec: &ContainerSpec, terminal: OwnedFd) -> Result<i32, ContainerError> {
        drop(terminal);
        Err(ContainerError::Runtime { id: spec.id.clone(), why: "this runtime runs nothing at a terminal".to_owned() })
    }
    /// Every container of this instance, found on the machine, not remembered.
    async fn list(&self) -> Result<Vec<ContainerState>, ContainerError>;
    /// The image's stop signal, then SIGKILL after a grace. Fine if it has ended.
    async fn stop(&self, id: &str, grace: Duration) -> Result<(), ContainerError>;
    /// Removes an ended container and its files. Fine if it is absent.
    async fn remove(&self, id: &str) -> Result<(), ContainerError>;
    /// Runs a program in a running container.
    async fn exec(&self, id: &str, command: &[String], timeout: Duration) -> Result<ExecOutput, ContainerError>;
    /// The last lines of its output, at most `max_bytes`.
    async fn logs(&self, id: &str, max_bytes: usize) -> Result<String, ContainerError>;
    /// Wakes when any container of this instance starts or ends.
    fn changed(&self) -> watch::Receiver<u64>;
    /// Makes these addresses exist on the instance's bridge, beside the bridge's own, so that the gateway can listen on
    /// them and containers reach it there (the addresses of Services). The whole set each time: one that is no longer
    /// named goes. Makes the bridge if it is not there yet; cheap when nothing changes.
    ///
    /// For whoever writes a runtime: secondary addresses (`ip addr add A/32 dev BRIDGE`), kept through `start` and
    /// removed with the bridge.
    async fn ensure_addresses(&self, addresses: &[Ipv4Addr]) -> Result<(), ContainerError> {
        let why = format!("this runtime has no bridge that {} Service addresses could be put on", addresses.len());
        Err(ContainerError::Runtime { id: "bridge".to_owned(), why })
    }
    /// Makes a network of its own, unless there is one of this name, and gives the machine's address in it, `.1` of a /24: the rest
    /// is for containers on it. They reach each other and the machine, and nothing else.
    async fn make_network(&self, name: &str) -> Result<Ipv4Addr, ContainerError> {
        Err(ContainerError::Runtime { id: name.to_owned(), why: "this runtime makes no networks".to_owned() })
    }
    /// Removes a network that has no containers any more. Fine if it is absent.
    async fn remove_network(&self, name: &str) -> Result<(), ContainerError> {
        let _ = name;
        Ok(())
    }
    /// The networks that were made and not removed.
    async fn networks(&self) -> Result<Vec<String>, ContainerError> {
        Ok(Vec::new())
    }
    /// What an image says about itself; `user` as [`ContainerSpec::user`] has it. Unpacks it, as starting it would.
    async fn describe(&self, image: &ImageRef, user: Option<&str>) -> Result<ImageFacts, ContainerError> {
        let _ = (image, user);
        Ok(ImageFacts::default())
    }
    /// Removes unpacked layers but for these contents and those of containers that are there; they are unpacked again when
    /// they are needed. Gives what went, or in a dry run would go, with its bytes. Nobody may build an image meanwhile.
    ///
    /// A runtime that keeps nothing unpacked has nothing to remove.
    async fn remove_unused_layers(&self, keep: &BTreeSet<Digest>, dry_run: bool) -> Result<Vec<(Digest, u64)>, ContainerError> {
        let _ = (keep, dry_run);
        Ok(Vec::new())
    }
    /// Stops and removes everything of this instance: containers, mounts, bridge, rules.
    async fn tear_down(&self) -> Result<(), ContainerError>;
}

/// A layer of an image: its blob, and the digest of its content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LayerRef {
    /// The blob, as the manifest names it.
    pub blob: Descriptor,
    /// The digest of the archive, not compressed.
    pub diff_id: Digest,
}

/// A `RUN` of a Dockerfile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildStep {
    /// `[a-z0-9-]`, at most 63; unique within the instance.
    pub id: String,
    /// What it runs on, lowest first.
    pub layers: Vec<LayerRef>,
    /// An empty directory on a local disk. What the step wrote is in `upper` below it afterwards, as overlayfs has it:
    /// a character device 0:0 stands for what was removed, the attribute `trusted.overlay.opaque` for what was replaced.
    pub dir: PathBuf,
    /// Program and arguments.
    pub args: Vec<String>,
    /// `NAME=value`.
    pub env: Vec<String>,
    /// As the Dockerfile has it; `None` is root.
    pub user: Option<String>,
    /// Working directory.
    pub working_dir: String,
    /// [`Network::None`] unless asked for.
    pub network: Network,
    /// Its time limit.
    pub timeout: Duration,
}

/// Runs the steps of builds.
#[async_trait]
pub trait BuildRuntime: Send + Sync {
    /// Runs a step to its end and gives its exit code (124 at the time limit). When the future is dropped, it is ended.
    async fn run_step(&self, step: &BuildStep, log: Arc<dyn LogSink>) -> Result<i32, ContainerError>;
    /// Directories of these layers unpacked, lowest first, each as overlayfs has it. They are shared: only for reading.
    async fn unpacked(&self, layers: &[LayerRef]) -> Result<Vec<PathBuf>, ContainerError>;
}
