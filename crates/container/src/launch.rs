//! What the helper is told: a container with every choice made, as JSON in the container's directory.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::PathBuf;

use penstock_model::container::{FileMount, Network};
use serde::{Deserialize, Serialize};

/// What a container's file system may take.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Root {
    /// Nothing: a change is a new image.
    ReadOnly,
    /// Whatever is written goes into `upper` in this directory.
    Writable(PathBuf),
}

/// A container, decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Launch {
    /// Its id.
    pub id: String,
    /// Its instance.
    pub instance: String,
    /// Where unpacked layers lie.
    pub layers_dir: PathBuf,
    /// Names of layers in there, lowest first.
    pub layers: Vec<String>,
    /// What the file system takes.
    pub root: Root,
    /// Program and arguments.
    pub args: Vec<String>,
    /// `NAME=value`.
    pub env: Vec<String>,
    /// Working directory.
    pub cwd: String,
    /// User as the image or the caller wrote it; empty is root.
    pub user: String,
    /// Which network.
    pub network: Network,
    /// Files and directories bound into it.
    pub mounts: Vec<FileMount>,
    /// Empty tmpfs directories.
    pub tmpfs: BTreeMap<String, u64>,
    /// Lines of `/etc/hosts`.
    pub hosts: BTreeMap<String, Ipv4Addr>,
    /// The signal that asks it to stop, as the image wrote it.
    pub stop_signal: Option<String>,
    /// Memory limit in bytes.
    pub memory: Option<u64>,
    /// CPU limit in thousandths of a core.
    pub cpu_millis: Option<u32>,
    /// More capabilities for root: what installing packages needs.
    pub building: bool,
    /// True if the server holds the other end of standard input and output, and the container ends when it lets go.
    pub attached: bool,
    /// True if the monitor's standard output is a terminal, which is the program's own in everything.
    #[serde(default)]
    pub terminal: bool,
}

/// What the helper answers when the container runs, or cannot: one line on its standard output.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Answer {
    /// It runs.
    Runs,
    /// It does not, and nothing of it is left.
    Failed(String),
}
