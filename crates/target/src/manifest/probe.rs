//! Probes as a pod's manifest has them.

use std::time::Duration;

use serde::Deserialize;

use super::PortRef;
use crate::refuse::{Read, Refusal};

/// How a container is asked how it is.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Probe {
    /// A GET that must give 200 to 399.
    pub http_get: Option<HttpGet>,
    /// A connection that must open.
    pub tcp_socket: Option<TcpSocket>,
    /// `grpc.health.v1`.
    pub grpc: Option<Grpc>,
    /// A program in the container that must exit with 0.
    pub exec: Option<Exec>,
    #[serde(default)]
    initial_delay_seconds: u64,
    #[serde(default = "ten")]
    period_seconds: u64,
    #[serde(default = "one")]
    timeout_seconds: u64,
    /// Failures in a row until it counts as failed.
    #[serde(default = "three")]
    pub failure_threshold: u32,
    /// Successes in a row until it counts as passed again.
    #[serde(default = "once")]
    pub success_threshold: u32,
}

fn ten() -> u64 {
    10
}
fn one() -> u64 {
    1
}
fn three() -> u32 {
    3
}
fn once() -> u32 {
    1
}

/// An HTTP question.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HttpGet {
    /// Path and query.
    #[serde(default = "slash")]
    pub path: String,
    /// Where.
    pub port: PortRef,
    scheme: Option<String>,
    /// More headers.
    #[serde(default)]
    pub http_headers: Vec<Header>,
}

fn slash() -> String {
    "/".to_owned()
}

/// A header.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// A connection to open.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TcpSocket {
    /// Where.
    pub port: PortRef,
}

/// A health check by gRPC.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grpc {
    /// Where; by number alone, as in Kubernetes.
    pub port: u16,
    /// The service that is asked for; empty for the whole server.
    #[serde(default)]
    pub service: String,
}

/// A program to run.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exec {
    /// Program and arguments.
    pub command: Vec<String>,
}

impl Probe {
    /// The wait before the first question.
    pub fn initial_delay(&self) -> Duration {
        Duration::from_secs(self.initial_delay_seconds)
    }

    /// The time from one question to the next.
    pub fn period(&self) -> Duration {
        Duration::from_secs(self.period_seconds)
    }

    /// How long an answer may take.
    pub fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout_seconds)
    }

    /// Refuses what cannot be asked. `only_one_success`: liveness and startup know no success threshold.
    pub fn check(&self, path: &str, ports: &[super::ContainerPort], only_one_success: bool) -> Read<()> {
        let handlers = [self.http_get.is_some(), self.tcp_socket.is_some(), self.grpc.is_some(), self.exec.is_some()];
        if handlers.iter().filter(|there| **there).count() != 1 {
            return Err(Refusal::new(format!("`{path}` without exactly one handler"), "write one of httpGet, tcpSocket, grpc, exec"));
        }
        let numbers = [self.period_seconds, self.timeout_seconds, self.failure_threshold.into(), self.success_threshold.into()];
        if numbers.iter().any(|n| !(1..=86_400).contains(n)) || self.initial_delay_seconds > 86_400 {
            return Err(Refusal::new(format!("a number of `{path}`"), "periods, time-outs and thresholds are from 1 to 86400"));
        }
        if only_one_success && self.success_threshold != 1 {
            return Err(Refusal::new(
                format!("`{path}.successThreshold` {}", self.success_threshold),
                "it must be 1 here, as in Kubernetes",
            ));
        }
        if let Some(http) = &self.http_get {
            if http.scheme.as_deref().is_some_and(|scheme| scheme != "HTTP") {
                return Err(Refusal::new(format!("`{path}.httpGet.scheme`"), "only HTTP is asked: use tcpSocket or exec"));
            }
            let printable = http.path.bytes().all(|b| b.is_ascii_graphic()) && http.path.starts_with('/');
            if !printable {
                return Err(Refusal::new(format!("the value of `{path}.httpGet.path`"), "a path such as `/healthz` is expected"));
            }
            http.port.resolve(ports, &format!("{path}.httpGet.port"))?;
        }
        if let Some(tcp) = &self.tcp_socket {
            tcp.port.resolve(ports, &format!("{path}.tcpSocket.port"))?;
        }
        if self.exec.as_ref().is_some_and(|exec| exec.command.is_empty()) {
            return Err(Refusal::new(format!("an empty `{path}.exec.command`"), "write program and arguments"));
        }
        Ok(())
    }
}
