//! The gateway's state: the snapshot in force, its table, its listeners. The only place that changes them.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use penstock_model::gateway::{Figures, GatewaySnapshot};
use tokio_util::task::TaskTracker;

use crate::counters::Registry;
use crate::listener::Listener;
use crate::metrics::{self, Totals};
use crate::state::{self, StateError};
use crate::table::{InvalidSnapshot, Table, validate};

/// Why a snapshot is not, or not wholly, in force.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// A later one is.
    #[error("snapshot {offered} is refused: {in_force} is in force, and only a higher version replaces it")]
    Older {
        /// What was offered.
        offered: u64,
        /// What is in force.
        in_force: u64,
    },
    /// Another of the same version is.
    #[error("snapshot {0} is refused: another one of this version is in force; give each its own version")]
    Differs(u64),
    /// It cannot be carried out.
    #[error("snapshot {version} is refused: {why}")]
    Invalid {
        /// What was offered.
        version: u64,
        /// Why.
        #[source]
        why: InvalidSnapshot,
    },
    /// In force but for these addresses, which are tried again every second.
    #[error("snapshot {version} is in force, but cannot listen at {}; free or add the address, it is tried again every second", list(.failed))]
    Unbound {
        /// What was offered.
        version: u64,
        /// Addresses and causes.
        failed: BTreeMap<SocketAddr, String>,
    },
    /// In force, and forgotten when the process ends.
    #[error("snapshot {version} is in force, but a restart of the gateway would not find it: {why}")]
    NotKept {
        /// What was offered.
        version: u64,
        /// Why.
        #[source]
        why: StateError,
    },
}

fn list(failed: &BTreeMap<SocketAddr, String>) -> String {
    failed.iter().map(|(address, why)| format!("{address} ({why})")).collect::<Vec<_>>().join(", ")
}

#[derive(Default)]
struct Inner {
    snapshot: GatewaySnapshot,
    table: Table,
    listeners: HashMap<SocketAddr, Listener>,
    unbound: BTreeMap<SocketAddr, String>,
}

/// The gateway.
pub struct Core {
    inner: Mutex<Inner>,
    registry: Arc<Registry>,
    started: u64,
    state: PathBuf,
    /// What must end before the process does.
    pub tasks: TaskTracker,
}

impl Core {
    /// A gateway that serves nothing yet. `started` tells one start from the next.
    pub fn new(started: u64, state: PathBuf) -> Self {
        Self { inner: Mutex::default(), registry: Arc::default(), started, state, tasks: TaskTracker::new() }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a snapshot in force and keeps it on disk. The same one again is fine.
    pub fn publish(&self, snapshot: GatewaySnapshot) -> Result<(), PublishError> {
        let version = snapshot.version;
        let mut inner = self.lock();
        let in_force = inner.snapshot.version;
        if version < in_force {
            return Err(PublishError::Older { offered: version, in_force });
        }
        if version == in_force && snapshot != inner.snapshot {
            return Err(PublishError::Differs(version));
        }
        validate(&snapshot).map_err(|why| PublishError::Invalid { version, why })?;
        self.apply(&mut inner, snapshot);
        // traffic follows before the disk does: a full disk must not keep a canary at its weight
        state::save(&self.state, &inner.snapshot).map_err(|why| PublishError::NotKept { version, why })?;
        if inner.unbound.is_empty() { Ok(()) } else { Err(PublishError::Unbound { version, failed: inner.unbound.clone() }) }
    }

    /// Puts the snapshot that the last process kept in force; addresses that cannot be bound are tried again.
    pub fn resume(&self, snapshot: GatewaySnapshot) {
        self.apply(&mut self.lock(), snapshot);
    }

    fn apply(&self, inner: &mut Inner, snapshot: GatewaySnapshot) {
        let table = inner.table.next(&snapshot, &self.registry);
        let wanted: HashMap<SocketAddr, &str> =
            snapshot.routes.iter().flat_map(|(name, route)| route.listen.iter().map(move |address| (*address, name.as_str()))).collect();
        for (address, listener) in &inner.listeners {
            listener.slot.set(wanted.get(address).and_then(|name| table.routes.get(*name)).map(Arc::clone));
        }
        inner.listeners.retain(|address, listener| {
            let stays = wanted.contains_key(address);
            if !stays {
                listener.stop();
            }
            stays
        });
        inner.table.retire(&table, &self.registry);
        (inner.table, inner.snapshot) = (table, snapshot);
        self.bind_missing(inner);
        tracing::info!(version = inner.snapshot.version, routes = inner.table.routes.len(), "snapshot in force");
    }

    fn bind_missing(&self, inner: &mut Inner) {
        let mut failed = BTreeMap::new();
        for (name, route) in &inner.snapshot.routes {
            let Some(state) = inner.table.routes.get(name) else { continue };
            for address in &route.listen {
                if inner.listeners.contains_key(address) {
                    continue;
                }
                match Listener::start(*address, Arc::clone(state), &self.registry, &self.tasks) {
                    Ok(listener) => {
                        inner.listeners.insert(*address, listener);
                    }
                    Err(error) => {
                        failed.insert(*address, error.to_string());
                    }
                }
            }
        }
        if failed != inner.unbound && !failed.is_empty() {
            tracing::warn!(addresses = list(&failed), "cannot listen; tried again every second");
        }
        inner.unbound = failed;
    }

    /// Tries again what could not be bound.
    pub fn rebind(&self) {
        let mut inner = self.lock();
        if !inner.unbound.is_empty() {
            self.bind_missing(&mut inner);
        }
    }

    /// Closes connections to backends that have idled long enough.
    pub fn sweep(&self) {
        let table = self.lock().table.clone();
        let now = Instant::now();
        for backend in table.routes.values().flat_map(|route| route.backends()) {
            backend.sweep(now);
        }
    }

    /// Tells this start of the process from others.
    pub fn started(&self) -> u64 {
        self.started
    }

    /// What was counted.
    pub fn figures(&self) -> Figures {
        let version = self.lock().snapshot.version;
        Figures { started: self.started, version, routes: self.registry.read(), backends: self.registry.visits() }
    }

    /// The same in Prometheus' format.
    pub fn metrics(&self) -> String {
        let read = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
        let totals =
            Totals { unrouted: read(&self.registry.unrouted), refused: read(&self.registry.refused), stale: read(&self.registry.stale) };
        metrics::text(&self.figures(), totals)
    }

    /// Stops listening; what is under way ends. Wait on `tasks` afterwards.
    pub fn stop(&self) {
        let mut inner = self.lock();
        for listener in inner.listeners.values() {
            listener.stop();
        }
        inner.listeners.clear();
        inner.unbound.clear();
        inner.snapshot.routes.clear();
        self.tasks.close();
    }
}
