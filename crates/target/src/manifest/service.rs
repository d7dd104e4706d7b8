//! Services.

use std::collections::{BTreeMap, BTreeSet};

use penstock_model::gateway::Protocol;
use serde::Deserialize;

use super::{Meta, PortRef};
use crate::refuse::{Read, Refusal};

/// A Service's manifest.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServiceManifest {
    #[serde(rename = "apiVersion")]
    _api_version: String,
    #[serde(rename = "kind")]
    _kind: String,
    #[serde(rename = "metadata")]
    _metadata: Meta,
    spec: Service,
    #[serde(default, rename = "status")]
    _status: super::EmptyStatus,
}

/// What a Service asks for.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Service {
    #[serde(default, rename = "type")]
    kind: Type,
    /// Labels of the pods behind it.
    #[serde(default)]
    pub selector: BTreeMap<String, String>,
    /// Its ports.
    pub ports: Vec<ServicePort>,
    session_affinity: Option<String>,
    #[serde(default)]
    publish_not_ready_addresses: bool,
}

/// How far it is reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
enum Type {
    #[default]
    ClusterIP,
    NodePort,
    LoadBalancer,
    ExternalName,
}

/// One port.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServicePort {
    /// Its name.
    pub name: Option<String>,
    /// Where the Service listens.
    pub port: u16,
    /// Where the pod listens; the same number if nothing is said.
    pub target_port: Option<PortRef>,
    /// Where the machine listens, on 127.0.0.1.
    pub node_port: Option<u16>,
    protocol: Option<String>,
    app_protocol: Option<String>,
}

impl ServicePort {
    /// What is spoken: by `appProtocol`, else by the port's name (`http`, `http-…`, `grpc`, `grpc-…`, `h2c`), else bytes.
    pub fn spoken(&self) -> Option<Protocol> {
        if let Some(said) = &self.app_protocol {
            return match said.as_str() {
                "http" => Some(Protocol::Http),
                "kubernetes.io/h2c" | "grpc" => Some(Protocol::H2c),
                "tcp" => Some(Protocol::Tcp),
                _ => None,
            };
        }
        let name = self.name.as_deref().unwrap_or_default();
        Some(match name.split('-').next().unwrap_or_default() {
            "http" => Protocol::Http,
            "grpc" | "h2c" => Protocol::H2c,
            _ => Protocol::Tcp,
        })
    }
}

/// Reads and checks a Service.
pub fn read(value: &serde_json::Value) -> Read<Service> {
    let service = crate::refuse::strict::<ServiceManifest>(value)?.spec;
    match service.kind {
        Type::ClusterIP | Type::NodePort => {}
        Type::LoadBalancer => return Err(Refusal::new("`spec.type` LoadBalancer", "use NodePort: it is reached at 127.0.0.1")),
        Type::ExternalName => return Err(Refusal::new("`spec.type` ExternalName", "write the address where the Service's name stands")),
    }
    if service.selector.is_empty() {
        return Err(Refusal::new("a Service without `spec.selector`", "select the pods by their labels"));
    }
    if service.session_affinity.as_deref().is_some_and(|affinity| affinity != "None") {
        return Err(Refusal::new("`spec.sessionAffinity`", "requests go round: write None or remove it"));
    }
    if service.publish_not_ready_addresses {
        return Err(Refusal::new("`spec.publishNotReadyAddresses`", "traffic goes to ready pods alone: remove it"));
    }
    if service.ports.is_empty() || service.ports.len() > 100 {
        return Err(Refusal::new("the number of `spec.ports`", "1 to 100 ports are expected"));
    }
    let mut taken = BTreeSet::new();
    for (index, port) in service.ports.iter().enumerate() {
        let path = format!("spec.ports[{index}]");
        if port.port == 0 || !taken.insert(port.port) {
            return Err(Refusal::new(format!("`{path}.port` {}", port.port), "each port is a number of its own, not 0"));
        }
        if port.protocol.as_deref().is_some_and(|protocol| protocol != "TCP") {
            return Err(Refusal::new(format!("`{path}.protocol`"), "TCP is carried here"));
        }
        if port.spoken().is_none() {
            let what = format!("`{path}.appProtocol` {}", port.app_protocol.as_deref().unwrap_or_default());
            return Err(Refusal::new(what, "`http`, `kubernetes.io/h2c`, `grpc` or `tcp` is expected"));
        }
        if let Some(PortRef::Number(0)) = port.target_port {
            return Err(Refusal::new(format!("`{path}.targetPort` 0"), "a port is expected"));
        }
        match (service.kind, port.node_port) {
            (Type::NodePort, None) => {
                return Err(Refusal::new(format!("`{path}` without `nodePort`"), "give it a number, so that it is the same the next time"));
            }
            (Type::NodePort, Some(number)) if number < 1024 => {
                return Err(Refusal::new(format!("`{path}.nodePort` {number}"), "1024 or more is expected"));
            }
            (Type::ClusterIP, Some(_)) => {
                return Err(Refusal::new(format!("`{path}.nodePort`"), "it needs `spec.type: NodePort`"));
            }
            _ => {}
        }
    }
    Ok(service)
}
