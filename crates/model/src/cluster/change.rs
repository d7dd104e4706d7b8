//! From one list of objects to another.

use serde_json::Value;

use super::{ClusterError, ObjectName};

/// How objects of kinds that are not Kubernetes' own are patched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CustomMerge {
    /// By what changed between the lists alone: what somebody changed in the cluster stays so. Helm's upgrade and rollback.
    #[default]
    TwoWay,
    /// By what the cluster has, too. Helm's `install --take-ownership`.
    ThreeWay,
}

/// From one list of objects to another. Each object is where it belongs ([`super::Cluster::place`]).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Change {
    /// The objects as they were last asked for.
    pub original: Vec<Value>,
    /// The objects as they are to be.
    pub target: Vec<Value>,
    /// Replace what is there instead of patching it.
    pub force: bool,
    /// How custom resources are patched.
    pub custom: CustomMerge,
}

/// What was done. Where it failed midway, what was done until then and what was tried.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Updated {
    /// Created, as the cluster has them; the last one as it was asked for, where creating it failed.
    pub created: Vec<Value>,
    /// Was there already: patched, replaced, or found as it should be.
    pub updated: Vec<Value>,
    /// Deleted.
    pub deleted: Vec<ObjectName>,
    /// What could not be deleted, or is kept on purpose, and why.
    pub left: Vec<(ObjectName, String)>,
}

/// What came of a change.
#[derive(Debug, Default)]
pub struct Outcome {
    /// What was done.
    pub updated: Updated,
    /// Why it is not whole.
    pub failure: Option<ClusterError>,
}
