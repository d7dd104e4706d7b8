//! Traffic as plain values: what the gateway is told, and what it counted.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

/// Where the gateway listens and where the traffic goes: the whole of it, each time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GatewaySnapshot {
    /// Only grows; an older one is refused.
    pub version: u64,
    /// One for each port of each Service, by name `namespace/service:port`.
    pub routes: BTreeMap<String, Route>,
}

/// One port of one Service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// Where to listen.
    pub listen: Vec<SocketAddr>,
    /// What is spoken there.
    pub protocol: Protocol,
    /// Groups of backends: `stable`, `canary`, … with weights. Within a group, requests go round.
    pub groups: BTreeMap<String, BackendGroup>,
}

/// What is spoken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// HTTP/1.1.
    #[default]
    Http,
    /// HTTP/2 with prior knowledge (gRPC).
    H2c,
    /// Bytes.
    Tcp,
}

/// Backends that share a weight.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackendGroup {
    /// Out of the sum of the weights of the groups that have backends.
    pub weight: u32,
    /// Pod id → address. One that is taken out finishes what it has (drain).
    pub backends: BTreeMap<String, SocketAddr>,
}

/// Upper bounds of the latency buckets, in milliseconds; one more bucket follows for what is slower.
pub const LATENCY_BOUNDS_MS: [u32; 22] =
    [1, 2, 3, 5, 8, 10, 15, 20, 30, 50, 75, 100, 150, 200, 300, 400, 500, 750, 1000, 2000, 5000, 10000];

/// What was counted for one group of one route since the gateway started; only grows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    /// Requests that were answered, or could not be.
    pub requests: u64,
    /// Of these: status 5xx, or no answer (gRPC: by trailer, the codes that mean the server's fault).
    pub errors: u64,
    /// Requests under way now.
    pub in_flight: u64,
    /// By [`LATENCY_BOUNDS_MS`], not cumulative.
    pub latency: Vec<u64>,
}

/// All counters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figures {
    /// Tells one start of the gateway from the next: counters begin at zero in each.
    pub started: u64,
    /// The snapshot in force.
    pub version: u64,
    /// Route → group key (`group@revision`-less: the group's name) → counters.
    pub routes: BTreeMap<String, BTreeMap<String, Counters>>,
    /// Pod id → requests (or connections) under way to it, over all routes. One that was taken out stays here until what
    /// it had is finished; one that is absent has none. Whoever drains a pod waits for this before stopping it.
    #[serde(default)]
    pub backends: BTreeMap<String, u64>,
}

/// Why the gateway could not be told or asked.
#[derive(Debug, thiserror::Error)]
#[error("gateway: {what}")]
pub struct GatewayError {
    /// What was tried and what to do.
    pub what: String,
}

/// The gateway as its clients see it: a process of its own behind a Unix socket.
#[async_trait]
pub trait Gateway: Send + Sync {
    /// Starts the process unless it runs; finds it again after a restart of the server.
    async fn ensure(&self) -> Result<(), GatewayError>;
    /// Puts a snapshot in force; returns when it is. Kept on disk for the gateway's own restart.
    async fn publish(&self, snapshot: &GatewaySnapshot) -> Result<(), GatewayError>;
    /// What was counted.
    async fn figures(&self) -> Result<Figures, GatewayError>;
    /// Drains and ends the process.
    async fn shut_down(&self) -> Result<(), GatewayError>;
}
