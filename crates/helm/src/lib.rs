//! The spine's part that carries out Helm's operations: install, upgrade, rollback, uninstall, test.
//!
//! It joins the chart room, which renders and decides what a release is made of, with a cluster, over the trait of the model.
//! Each operation goes as Helm 3's goes, and stores its records as Helm stores them, so that either may go on where the other
//! stopped: a record is there before anything changes, and says `pending-…` until it is done.
//! Never here: a template understood, a patch made, a file read, Kubernetes spoken.

mod history;
mod hooks;
mod install;
mod interrupt;
mod lookups;
mod objects;
mod removed;
mod resources;
mod rollback;
mod storage;
mod test;
mod upgrade;

use std::time::Duration;

use penstock_chart::release::{NotAManifest, Unreadable};
use penstock_model::{
    clock::Clock,
    cluster::{Cluster, ClusterError, ObjectName, Until},
};

pub use history::Listing;
pub use install::Install;
pub use interrupt::Interrupt;
pub use lookups::{PostRender, Render, RenderRequest};
pub use removed::{Removed, Uninstall};
pub use resources::{ByKind, ResourceForm};
pub use rollback::Rollback;
pub use storage::{SYSTEM_LABELS, Storage};
pub use test::{Test, TestFilter};
pub use upgrade::{OldValues, Upgrade};

/// What an operation tells while it is under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// It begins something that may take a while.
    Doing(String),
    /// Something went otherwise than one may expect, and is no failure.
    Warning(String),
    /// What a hook's container wrote.
    Log {
        /// The pod.
        pod: String,
        /// What it wrote.
        text: String,
    },
}

/// What an operation waits for, and how long each of its steps may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Until everything is ready.
    pub ready: bool,
    /// Until jobs have ended, too.
    pub jobs: bool,
    /// The longest that one step may take.
    pub timeout: Duration,
    /// Whether hooks are run.
    pub hooks: bool,
}

/// Where releases live, and who is told what happens.
#[derive(Clone, Copy)]
pub struct Releases<'a> {
    /// The cluster.
    pub cluster: &'a dyn Cluster,
    /// The namespace of the releases and of what names none.
    pub namespace: &'a str,
    /// The time.
    pub clock: &'a dyn Clock,
    /// Told what happens.
    pub told: &'a (dyn Fn(Progress) + Send + Sync),
}

/// Why an operation did not do what was asked. Texts are Helm's where Helm has one.
#[derive(Debug, thiserror::Error)]
pub enum HelmError {
    /// There is no release of that name.
    #[error("release: not found")]
    NotFound,
    /// There is none that was deployed.
    #[error("{0:?} has no deployed releases")]
    NothingDeployed(String),
    /// There is no such revision.
    #[error("release has no {0} version")]
    NoSuchRevision(u32),
    /// An operation is under way, or died half-way.
    #[error("another operation (install/upgrade/rollback) is in progress")]
    Pending,
    /// The name is taken.
    #[error("cannot re-use a name that is still in use")]
    NameInUse,
    /// A name that is none.
    #[error("{0}")]
    Name(String),
    /// A label that Helm itself sets.
    #[error("user supplied labels contains system reserved label name. System labels: {0}")]
    SystemLabel(String),
    /// It cannot be rendered.
    #[error("{0}")]
    Render(String),
    /// A document that is no object, or none that the cluster knows.
    #[error("{0}")]
    NotAnObject(String),
    /// Objects that belong to somebody else.
    #[error("Unable to continue with {operation}: {why}")]
    Foreign {
        /// `install` or `update`.
        operation: &'static str,
        /// Whose they are.
        why: String,
    },
    /// The cluster refused or failed.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// The cluster refused or failed, at this.
    #[error("{doing}: {source}")]
    During {
        /// At what.
        doing: String,
        /// Why.
        source: Box<HelmError>,
    },
    /// Each for itself failed.
    #[error("{} errors occurred:\n\t* {}", .0.len(), .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n\t* "))]
    Several(Vec<ClusterError>),
    /// It was given up; what was begun is recorded as failed.
    #[error("context canceled")]
    Interrupted,
    /// It was given up while a template was carried out, which is before anything is recorded.
    #[error("context canceled while the chart was rendered: no revision is recorded")]
    RenderInterrupted,
    /// Somebody else stored that revision first.
    #[error("release: already exists")]
    RevisionExists,
    /// A record that cannot be read.
    #[error("{secret}: {source}")]
    Record {
        /// The Secret.
        secret: String,
        /// Why.
        source: Unreadable,
    },
    /// A record that cannot be written.
    #[error("the record cannot be written: {0}")]
    Unwritable(#[from] serde_json::Error),
    /// The stored manifest is broken.
    #[error("corrupted release record. You must manually delete the resources: {0}")]
    Corrupted(#[from] NotAManifest),
    /// A release that is gone already.
    #[error("the release named {0:?} is already deleted")]
    AlreadyDeleted(String),
    /// Several things went wrong while something was removed.
    #[error("uninstallation completed with {} error(s): {}", .0.len(), .0.join("; "))]
    Removal(Vec<String>),
}

impl HelmError {
    /// It, at something.
    pub(crate) fn during(self, doing: impl Into<String>) -> Self {
        Self::During { doing: doing.into(), source: Box::new(self) }
    }

    /// Whether there is no release of that name.
    pub fn is_not_found(&self) -> bool {
        matches!(self.cause(), Self::NotFound | Self::NothingDeployed(_))
    }

    /// It, without what was being done.
    pub fn cause(&self) -> &Self {
        match self {
            Self::During { source, .. } => source.cause(),
            cause => cause,
        }
    }
}

impl Releases<'_> {
    pub(crate) fn storage(&self) -> Storage<'_> {
        Storage::new(self)
    }

    pub(crate) fn say(&self, what: impl Into<String>) {
        (self.told)(Progress::Doing(what.into()));
    }

    /// Waits, and tells for what.
    pub(crate) async fn wait(&self, objects: &[ObjectName], until: Until, timeout: Duration) -> Result<(), ClusterError> {
        self.cluster.wait_telling(objects, until, timeout, &|waiting| self.say(format!("waiting for {waiting}"))).await
    }

    pub(crate) fn warn(&self, what: impl Into<String>) {
        (self.told)(Progress::Warning(what.into()));
    }

    /// The time, as records have it: as Go writes one, without zeros at the end of its fraction.
    pub(crate) fn now(&self) -> String {
        let now = self.clock.now().rfc3339();
        match now.strip_suffix('Z') {
            Some(digits) if digits.contains('.') => format!("{}Z", digits.trim_end_matches('0').trim_end_matches('.')),
            _ => now,
        }
    }
}

/// The names that releases may have: Helm's rule, and its words.
pub(crate) fn check_name(name: &str) -> Result<(), HelmError> {
    penstock_chart::release::check_name(name).map_err(|why| HelmError::Name(format!("release name {name:?}: {why}")))
}
