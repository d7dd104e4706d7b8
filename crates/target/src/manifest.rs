//! Manifests, read strictly: what this target does not carry out is refused with its path, before anything changes.

pub mod data;
pub mod env;
pub mod pod;
pub mod probe;
pub mod quantity;
pub mod service;
pub mod volume;
pub mod workload;

use std::collections::BTreeMap;

use penstock_model::target::{ObjectKey, TargetError};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::refuse::{Read, Refusal, tidy};
use data::Data;
use pod::PodTemplate;
use service::Service;
use workload::{Job, Workload};

/// What an object is, read and checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A namespace.
    Namespace,
    /// Settings.
    ConfigMap(Data),
    /// Settings that nobody should see.
    Secret(Data),
    /// A name in front of pods.
    Service(Service),
    /// A Deployment or a Rollout.
    Workload(Box<Workload>),
    /// A Job.
    Job(Box<Job>),
    /// Kept for the rollout room.
    AnalysisTemplate,
}

impl Kind {
    /// The pod template, if there is one.
    pub fn template(&self) -> Option<&PodTemplate> {
        match self {
            Self::Workload(workload) => Some(&workload.template),
            Self::Job(job) => Some(&job.template),
            _ => None,
        }
    }
}

/// Labels and annotations of a pod template.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PodMeta {
    /// Labels.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// Annotations.
    #[serde(default)]
    pub annotations: BTreeMap<String, String>,
}

/// An object's metadata.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Meta {
    #[serde(rename = "name")]
    _name: String,
    #[serde(rename = "namespace")]
    _namespace: Option<String>,
    #[serde(default, rename = "labels")]
    _labels: BTreeMap<String, String>,
    #[serde(default, rename = "annotations")]
    _annotations: BTreeMap<String, String>,
}

/// `status` in a manifest says nothing; only an empty one passes.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmptyStatus {
    #[serde(default, rename = "loadBalancer")]
    _load_balancer: NoFields,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct NoFields {}

/// A port of a container.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[allow(clippy::struct_field_names, reason = "Kubernetes' names")]
pub struct ContainerPort {
    /// Its name.
    pub name: Option<String>,
    /// Its number.
    pub container_port: u16,
    protocol: Option<String>,
}

impl ContainerPort {
    fn check(&self, path: &str) -> Read<()> {
        if self.protocol.as_deref().is_some_and(|protocol| protocol != "TCP") {
            return Err(Refusal::new(format!("`{path}.protocol`"), "TCP is carried here"));
        }
        if self.container_port == 0 {
            return Err(Refusal::new(format!("`{path}.containerPort` 0"), "a port is expected"));
        }
        Ok(())
    }
}

/// A port by number or by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PortRef {
    /// By number.
    Number(u16),
    /// By a container port's name.
    Name(String),
}

impl<'de> Deserialize<'de> for PortRef {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "a port's number or name")]
        enum Form {
            Number(u16),
            Name(String),
        }
        Ok(match Form::deserialize(from)? {
            Form::Number(number) => Self::Number(number),
            Form::Name(name) => Self::Name(name),
        })
    }
}

impl PortRef {
    /// The number, by the container's ports.
    pub fn number(&self, ports: &[ContainerPort]) -> Option<u16> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Name(name) => ports.iter().find(|port| port.name.as_ref() == Some(name)).map(|port| port.container_port),
        }
    }

    fn resolve(&self, ports: &[ContainerPort], path: &str) -> Read<u16> {
        self.number(ports)
            .filter(|number| *number > 0)
            .ok_or_else(|| Refusal::new(format!("`{path}`"), "a number, or the name of one of the container's ports, is expected"))
    }
}

/// A manifest that was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Manifest {
    /// Which object.
    pub key: ObjectKey,
    /// What it is.
    pub kind: Kind,
    /// The manifest itself, as it was given.
    pub applied: Value,
}

/// Reads a manifest; `namespace` is used where it has none.
pub fn read(manifest: &Value, namespace: &str) -> Result<Manifest, TargetError> {
    let Some(key) = ObjectKey::of(manifest, namespace) else {
        let what = "a manifest needs apiVersion, kind and metadata.name".to_owned();
        return Err(TargetError::Failed { what });
    };
    let version = manifest.get("apiVersion").and_then(Value::as_str).unwrap_or_default();
    let kind = tidy(manifest).and_then(|tidied| {
        check_names(&key)?;
        kind_of(version, &key.kind, &tidied)
    });
    match kind {
        Ok(kind) => Ok(Manifest { key, kind, applied: manifest.clone() }),
        Err(refusal) => Err(refusal.about(&key)),
    }
}

fn kind_of(version: &str, kind: &str, manifest: &Value) -> Read<Kind> {
    Ok(match (version, kind) {
        ("v1", "Namespace") => data::kept(manifest).map(|()| Kind::Namespace)?,
        ("v1", "ConfigMap") => Kind::ConfigMap(data::config_map(manifest)?),
        ("v1", "Secret") => Kind::Secret(data::secret(manifest)?),
        ("v1", "Service") => Kind::Service(service::read(manifest)?),
        ("apps/v1", "Deployment") => Kind::Workload(Box::new(workload::deployment(manifest)?)),
        ("argoproj.io/v1alpha1", "Rollout") => Kind::Workload(Box::new(workload::rollout(manifest)?)),
        ("argoproj.io/v1alpha1", "AnalysisTemplate") => data::kept(manifest).map(|()| Kind::AnalysisTemplate)?,
        ("batch/v1", "Job") => Kind::Job(Box::new(workload::job(manifest)?)),
        _ => {
            let hint = "on this machine run Namespace, ConfigMap, Secret, Service, Deployment, Rollout, AnalysisTemplate and Job; remove it, or use a cluster";
            return Err(Refusal::new(format!("`{kind}` of `{version}`"), hint));
        }
    })
}

/// Names become parts of container names, host names and files.
fn check_names(key: &ObjectKey) -> Read<()> {
    let label = |text: &str| {
        let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        (1..=63).contains(&text.len()) && text.bytes().all(inner) && !text.starts_with('-') && !text.ends_with('-')
    };
    let subdomain = matches!(key.kind.as_str(), "ConfigMap" | "Secret" | "AnalysisTemplate");
    let good = if subdomain { key.name.len() <= 253 && key.name.split('.').all(label) } else { label(&key.name) };
    if !good {
        let hint = "lower-case letters, digits and inner `-` are expected, at most 63";
        return Err(Refusal::new("the value of `metadata.name`", hint));
    }
    if key.kind != "Namespace" && !label(&key.namespace) {
        return Err(Refusal::new("the value of `metadata.namespace`", "lower-case letters, digits and inner `-` are expected, at most 63"));
    }
    Ok(())
}

#[cfg(test)]
#[path = "manifest/tests.rs"]
mod tests;
