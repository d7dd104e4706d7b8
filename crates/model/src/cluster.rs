//! A Kubernetes cluster as releases, and whatever else delivers to one, ask of it.
//!
//! Objects are JSON as the cluster's API has them. Every call of [`Cluster`] ends: those that take no deadline after the
//! one that the cluster was opened with.

mod change;
mod error;
mod object;
pub mod ownership;
mod wait;

use std::collections::BTreeSet;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use serde_json::Value;

pub use change::{Change, CustomMerge, Outcome, Updated};
pub use error::{Cause, ClusterError, Refusal, Unbuilt};
pub use object::{ApiResource, ObjectName, Query};
pub use wait::{Told, Until, Waiting};

/// What a cluster is and serves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerInfo {
    /// The server's version as it writes it: `v1.32.9`.
    pub version: String,
    /// `1`.
    pub major: String,
    /// `32`, on some clouds `32+`.
    pub minor: String,
    /// Every served group version and every kind in one: `v1`, `apps/v1`, `apps/v1/Deployment`.
    pub api_versions: BTreeSet<String>,
}

/// What becomes of an object's dependents when it is deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Propagation {
    /// The object goes at once, its dependents after it.
    #[default]
    Background,
    /// The dependents go first.
    Foreground,
    /// The dependents stay.
    Orphan,
}

/// A patch of one object, by what it means.
#[derive(Clone, Debug, PartialEq)]
pub enum Patch {
    /// JSON merge patch (RFC 7386).
    Merge(Value),
    /// Kubernetes' strategic merge patch, for built-in kinds alone.
    Strategic(Value),
}

/// How a server-side apply goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApplyAs {
    /// Who owns the fields that are applied.
    pub manager: String,
    /// Take the fields that somebody else owns. Without it, one such field refuses the whole, and each is told
    /// ([`Refusal::conflicts`]).
    pub force: bool,
    /// Say what would come of it, and change nothing.
    pub dry_run: bool,
}

/// A cluster.
#[async_trait]
pub trait Cluster: Send + Sync {
    /// Version and served kinds, asked anew each time.
    async fn server(&self) -> Result<ServerInfo, ClusterError>;

    /// How a kind is served. What is not known is asked for anew once, since a definition may have come meanwhile.
    async fn resource(&self, api_version: &str, kind: &str) -> Result<ApiResource, ClusterError>;

    /// Puts a manifest where it belongs: `namespace` for what needs one and names none, none for what has none.
    async fn place(&self, manifest: Value, namespace: &str) -> Result<Value, ClusterError>;

    /// An object, or `None` where there is none of that name.
    async fn get(&self, object: &ObjectName) -> Result<Option<Value>, ClusterError>;

    /// Every object that a query finds, however many pages it takes.
    async fn list(&self, query: &Query) -> Result<Vec<Value>, ClusterError>;

    /// An object as its server would have it shown to people: a `Table` of `meta.k8s.io`, or the object where the server makes none.
    /// `None` where there is none of that name.
    async fn table(&self, object: &ObjectName) -> Result<Option<Value>, ClusterError>;

    /// The same of every object that a query finds: one table, or the list where the server makes none.
    async fn table_of(&self, query: &Query) -> Result<Value, ClusterError>;

    /// Creates an object, and gives it as the cluster has it.
    async fn create(&self, object: &Value) -> Result<Value, ClusterError>;

    /// Replaces an object by another in whole. Without a `resourceVersion` of its own it replaces whatever is there.
    async fn replace(&self, object: &Value) -> Result<Value, ClusterError>;

    /// Patches an object, and gives it as it is then.
    async fn patch(&self, object: &ObjectName, patch: &Patch) -> Result<Value, ClusterError>;

    /// Applies an object on the server's side, and gives it as it is then.
    async fn apply(&self, object: &Value, how: &ApplyAs) -> Result<Value, ClusterError>;

    /// Brings a cluster from one list of objects to another as Helm does: what is missing is created, what is there is
    /// patched by what changed between the lists and in the cluster, what is wanted no more is deleted.
    async fn update(&self, change: &Change) -> Outcome;

    /// Deletes an object. `false` if there was none.
    async fn delete(&self, object: &ObjectName, propagation: Propagation) -> Result<bool, ClusterError>;

    /// Waits until all of these objects are as they should be; watches, and asks again only where a watch broke off. What is waited
    /// for longer than a moment is told, and again when what it lacks is something else.
    async fn wait_telling(&self, objects: &[ObjectName], until: Until, deadline: Duration, told: Told<'_>) -> Result<(), ClusterError>;

    /// The same, where nobody listens.
    async fn wait(&self, objects: &[ObjectName], until: Until, deadline: Duration) -> Result<(), ClusterError> {
        self.wait_telling(objects, until, deadline, &|_| ()).await
    }

    /// What a container has written, at most `limit` bytes of it.
    async fn logs(&self, namespace: &str, pod: &str, container: &str, limit: u64) -> Result<Bytes, ClusterError>;
}
