//! A gateway that carries no traffic; the test says what it would have counted.

use std::collections::BTreeMap;
use std::sync::Mutex;

use async_trait::async_trait;
use penstock_model::gateway::{Counters, Figures, Gateway, GatewayError, GatewaySnapshot, LATENCY_BOUNDS_MS, Route};
use tokio::sync::watch;

use crate::held;

#[derive(Debug, Default)]
struct Inner {
    in_force: GatewaySnapshot,
    published: Vec<GatewaySnapshot>,
    figures: BTreeMap<String, BTreeMap<String, Counters>>,
    backends: BTreeMap<String, u64>,
    started: u64,
    down: bool,
    ensured: u32,
}

/// A gateway without a process.
#[derive(Debug)]
pub struct FakeGateway {
    inner: Mutex<Inner>,
    changed: watch::Sender<u64>,
}

impl Default for FakeGateway {
    fn default() -> Self {
        Self { inner: Mutex::new(Inner { started: 1, ..Inner::default() }), changed: watch::Sender::new(0) }
    }
}

fn refused() -> GatewayError {
    GatewayError { what: "told to fail".to_owned() }
}

impl FakeGateway {
    /// Wakes with each snapshot.
    pub fn changed(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// The routes in force.
    pub fn routes(&self) -> BTreeMap<String, Route> {
        held(&self.inner).in_force.routes.clone()
    }

    /// Every snapshot that was put in force, in order.
    pub fn published(&self) -> Vec<GatewaySnapshot> {
        held(&self.inner).published.clone()
    }

    /// A route's groups as `group=weight[pods]`, for assertions.
    pub fn shape(&self, route: &str) -> String {
        let inner = held(&self.inner);
        let Some(route) = inner.in_force.routes.get(route) else { return "no route".to_owned() };
        let groups = route.groups.iter().map(|(name, group)| format!("{name}={}[{}]", group.weight, group.backends.len()));
        groups.collect::<Vec<_>>().join(" ")
    }

    /// Counts requests to a group: all of the same latency, some of them errors.
    pub fn count(&self, route: &str, group: &str, requests: u64, errors: u64, millis: u32) {
        let mut inner = held(&self.inner);
        let counters = inner.figures.entry(route.to_owned()).or_default().entry(group.to_owned()).or_default();
        counters.latency.resize(LATENCY_BOUNDS_MS.len() + 1, 0);
        counters.requests += requests;
        counters.errors += errors;
        counters.latency[LATENCY_BOUNDS_MS.partition_point(|bound| *bound < millis)] += requests;
    }

    /// Sets how many requests are under way to a pod.
    pub fn under_way(&self, pod: &str, requests: u64) {
        held(&self.inner).backends.insert(pod.to_owned(), requests);
    }

    /// Fails every call from now on, or no longer. `ensure` fails too.
    pub fn down(&self, down: bool) {
        held(&self.inner).down = down;
    }

    /// Dies and comes back: counters begin at zero, the last snapshot stays in force.
    pub fn restart(&self) {
        let mut inner = held(&self.inner);
        inner.started += 1;
        inner.figures.clear();
        inner.backends.clear();
    }

    /// How often `ensure` was called.
    pub fn ensured(&self) -> u32 {
        held(&self.inner).ensured
    }
}

#[async_trait]
impl Gateway for FakeGateway {
    async fn ensure(&self) -> Result<(), GatewayError> {
        let mut inner = held(&self.inner);
        inner.ensured += 1;
        if inner.down { Err(refused()) } else { Ok(()) }
    }

    async fn publish(&self, snapshot: &GatewaySnapshot) -> Result<(), GatewayError> {
        {
            let mut inner = held(&self.inner);
            if inner.down {
                return Err(refused());
            }
            if snapshot.version <= inner.in_force.version {
                return Err(GatewayError { what: format!("version {} is older than {}", snapshot.version, inner.in_force.version) });
            }
            inner.in_force = snapshot.clone();
            inner.published.push(snapshot.clone());
        }
        self.changed.send_modify(|count| *count += 1);
        Ok(())
    }

    async fn figures(&self) -> Result<Figures, GatewayError> {
        let inner = held(&self.inner);
        if inner.down {
            return Err(refused());
        }
        Ok(Figures {
            started: inner.started,
            version: inner.in_force.version,
            routes: inner.figures.clone(),
            backends: inner.backends.clone(),
        })
    }

    async fn shut_down(&self) -> Result<(), GatewayError> {
        held(&self.inner).in_force.routes.clear();
        self.changed.send_modify(|count| *count += 1);
        Ok(())
    }
}
