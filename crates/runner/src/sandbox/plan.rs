//! What the two ends of the socket say to each other: one JSON value a line.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The longest line on the socket.
pub(crate) const MAX_LINE: usize = 16 * 1024 * 1024;

/// A file or directory of the machine at a place inside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Bind {
    /// On the machine.
    pub(crate) from: PathBuf,
    /// Inside.
    pub(crate) to: PathBuf,
    /// Read-only unless set.
    pub(crate) writable: bool,
}

impl Bind {
    /// Something to look at.
    pub(crate) fn shown(from: impl Into<PathBuf>, to: impl Into<PathBuf>) -> Self {
        Self { from: from.into(), to: to.into(), writable: false }
    }

    /// Something to write to.
    pub(crate) fn writable(from: impl Into<PathBuf>, to: impl Into<PathBuf>) -> Self {
        Self { from: from.into(), to: to.into(), writable: true }
    }
}

/// A directory whose changes are kept apart and thrown away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Overlay {
    /// What is seen, the uppermost first.
    pub(crate) lower: Vec<PathBuf>,
    /// Where changes go and overlayfs's work directory; read-only without.
    pub(crate) upper: Option<(PathBuf, PathBuf)>,
    /// Inside.
    pub(crate) to: PathBuf,
}

/// What the helper makes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SandboxPlan {
    /// Directories that stay empty though they lie below something that is shown.
    pub(crate) hidden: Vec<PathBuf>,
    /// What is shown besides the system's own directories, in this order.
    pub(crate) binds: Vec<Bind>,
    /// Directories whose changes are thrown away.
    pub(crate) overlays: Vec<Overlay>,
    /// The user and group of everything inside.
    pub(crate) uid: u32,
    /// Whether the machine's network is seen; otherwise there is none.
    pub(crate) network: bool,
}

/// What the server tells the sandbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Order {
    /// Start this. One at a time.
    Run {
        /// Program and arguments.
        argv: Vec<String>,
        /// The whole environment.
        env: BTreeMap<String, String>,
        /// Inside.
        directory: PathBuf,
        /// Whether the terminal that came with this order is its standard input, output and error.
        #[serde(default)]
        terminal: bool,
    },
    /// End every process with SIGTERM, then, after a grace, with SIGKILL.
    Stop {
        /// Milliseconds between the two.
        grace_ms: u64,
    },
    /// End the sandbox.
    End,
}

/// What the sandbox tells the server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum News {
    /// The root stands and the rights are gone.
    Ready,
    /// It cannot be made, or a program cannot be started.
    Failed {
        /// What was tried and what came back.
        why: String,
    },
    /// What was started has ended.
    Exited {
        /// Its exit code, if no signal ended it.
        code: Option<i32>,
        /// The signal that did.
        signal: Option<i32>,
        /// Whether nothing else that was started here is alive.
        alone: bool,
    },
    /// Nothing that was started here is alive, and nothing will be started.
    Ended,
}
