//! Names of objects and kinds, and what finds them.

use std::fmt;

use serde_json::Value;

/// How a kind is served.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ApiResource {
    /// `v1`, `apps/v1`.
    pub api_version: String,
    /// `Deployment`.
    pub kind: String,
    /// Its name in paths: `deployments`.
    pub plural: String,
    /// Whether its objects live in namespaces.
    pub namespaced: bool,
}

/// Names one object of one version of its kind.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectName {
    /// `v1`, `apps/v1`.
    pub api_version: String,
    /// `Deployment`.
    pub kind: String,
    /// Empty for what has none.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl ObjectName {
    /// Reads the name off an object that is where it belongs ([`super::Cluster::place`]); `None` if it lacks one.
    pub fn of(object: &Value) -> Option<Self> {
        let text = |path: &str| object.pointer(path).and_then(Value::as_str).map(str::to_owned);
        Some(Self {
            api_version: text("/apiVersion")?,
            kind: text("/kind")?,
            namespace: text("/metadata/namespace").unwrap_or_default(),
            name: text("/metadata/name")?,
        })
    }

    /// The API group, empty for the core.
    pub fn group(&self) -> &str {
        self.api_version.split_once('/').map_or("", |(group, _)| group)
    }

    /// Whether both are the same object, in whichever version of their kind.
    pub fn is_same_object(&self, other: &Self) -> bool {
        self.name == other.name && self.namespace == other.namespace && self.kind == other.kind && self.group() == other.group()
    }
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.namespace.as_str() {
            "" => write!(f, "{} {}", self.kind, self.name),
            namespace => write!(f, "{} {namespace}/{}", self.kind, self.name),
        }
    }
}

/// Which objects of a kind to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// `v1`, `apps/v1`.
    pub api_version: String,
    /// `Secret`.
    pub kind: String,
    /// In this namespace; empty for all of them.
    pub namespace: String,
    /// A label selector as the API takes it: `owner=helm,name=web`. Empty finds all.
    pub labels: String,
    /// A field selector: `metadata.name=web`. Empty finds all.
    pub fields: String,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_object_is_the_same_in_another_version_of_its_group_but_not_in_another_group() {
        let named = |version: &str| {
            ObjectName::of(&json!({"apiVersion": version, "kind": "Ingress", "metadata": {"name": "a", "namespace": "b"}})).unwrap()
        };
        assert!(named("networking.k8s.io/v1").is_same_object(&named("networking.k8s.io/v1beta1")));
        assert!(!named("networking.k8s.io/v1").is_same_object(&named("extensions/v1beta1")));
    }
}
