//! A snapshot as it is carried out: routes with their groups, backends and the dealing of requests.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use penstock_model::gateway::{BackendGroup, GatewaySnapshot, Protocol, Route};

use crate::choose::Smooth;
use crate::counters::{GroupCounters, Registry};
use crate::limits;
use crate::upstream::Backend;

/// A snapshot that cannot be carried out; nothing of it is in force.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSnapshot {
    /// Two routes want the same address.
    #[error("{address} is wanted by both `{first}` and `{second}`; give each Service port an address of its own")]
    Shared {
        /// The address.
        address: SocketAddr,
        /// A route.
        first: String,
        /// Another.
        second: String,
    },
    /// Beyond a bound.
    #[error("{what} is beyond the limit of {limit}")]
    TooMuch {
        /// What.
        what: String,
        /// The bound.
        limit: u64,
    },
    /// Port 0 would be another port at each start.
    #[error("`{route}` wants port 0; name the port")]
    NoPort {
        /// The route.
        route: String,
    },
}

/// Checks a snapshot against the bounds.
pub fn validate(snapshot: &GatewaySnapshot) -> Result<(), InvalidSnapshot> {
    let bound = |what: String, seen: usize, limit: usize| {
        if seen > limit { Err(InvalidSnapshot::TooMuch { what, limit: limit as u64 }) } else { Ok(()) }
    };
    bound("the number of routes".to_owned(), snapshot.routes.len(), limits::MAX_ROUTES)?;
    let mut seen: HashMap<SocketAddr, &str> = HashMap::new();
    for (name, route) in &snapshot.routes {
        bound(format!("the number of groups of `{name}`"), route.groups.len(), limits::MAX_GROUPS)?;
        for address in &route.listen {
            if address.port() == 0 {
                return Err(InvalidSnapshot::NoPort { route: name.clone() });
            }
            if let Some(first) = seen.insert(*address, name) {
                return Err(InvalidSnapshot::Shared { address: *address, first: first.to_owned(), second: name.clone() });
            }
        }
        for (group, backends) in &route.groups {
            bound(format!("the number of backends of `{group}` of `{name}`"), backends.backends.len(), limits::MAX_BACKENDS)?;
            bound(format!("the weight of `{group}` of `{name}`"), backends.weight as usize, limits::MAX_WEIGHT as usize)?;
        }
    }
    Ok(())
}

/// A group as it is served.
pub struct Group {
    /// Its counters.
    pub counters: Arc<GroupCounters>,
    name: String,
    weight: u32,
    backends: Vec<(String, Arc<Backend>)>,
    next: AtomicUsize,
}

impl Group {
    /// All backends, each once, beginning with the one whose turn it is.
    pub fn turn(&self) -> impl Iterator<Item = &Arc<Backend>> {
        let count = self.backends.len();
        let first = self.next.fetch_add(1, Ordering::Relaxed);
        (0..count).map(move |step| &self.backends[(first.wrapping_add(step)) % count].1)
    }
}

/// A route as it is served.
pub struct RouteState {
    /// Its name in the snapshot.
    pub name: String,
    /// What is spoken.
    pub protocol: Protocol,
    groups: Vec<Group>,
    dealer: Mutex<Smooth>,
    only: Option<usize>,
}

impl RouteState {
    /// The group that takes the next request; `None` if none has both a weight and a backend.
    pub fn group(&self) -> Option<&Group> {
        let index = match self.only {
            Some(index) => Some(index),
            None => self.dealer.lock().unwrap_or_else(PoisonError::into_inner).pick(),
        };
        index.and_then(|index| self.groups.get(index))
    }

    /// All its backends.
    pub fn backends(&self) -> impl Iterator<Item = &Arc<Backend>> {
        self.groups.iter().flat_map(|group| group.backends.iter().map(|(_, backend)| backend))
    }

    /// Makes a route from a snapshot, with the connections, turns and counters of the one before it.
    fn make(name: &str, route: &Route, before: Option<&Self>, registry: &Arc<Registry>) -> Self {
        let same = before.filter(|before| before.protocol == route.protocol);
        let groups: Vec<Group> = route.groups.iter().map(|(key, group)| make_group(name, key, group, same, registry)).collect();
        let weights = groups.iter().map(|group| if group.backends.is_empty() { 0 } else { group.weight }).collect();
        let mut dealer = Smooth::new(weights);
        if let Some(before) = before
            && before.groups.iter().map(|group| &group.name).eq(groups.iter().map(|group| &group.name))
        {
            let kept = before.dealer.lock().unwrap_or_else(PoisonError::into_inner);
            if kept.weights() == dealer.weights() {
                dealer = kept.clone();
            }
        }
        Self { name: name.to_owned(), protocol: route.protocol, groups, only: dealer.only(), dealer: Mutex::new(dealer) }
    }
}

fn make_group(route: &str, name: &str, group: &BackendGroup, before: Option<&RouteState>, registry: &Arc<Registry>) -> Group {
    let kept = |id: &str, address: SocketAddr| {
        let mut all = before.into_iter().flat_map(|before| before.groups.iter().flat_map(|group| &group.backends));
        all.find(|(key, backend)| key == id && backend.address == address).map(|(_, backend)| Arc::clone(backend))
    };
    let backends = group.backends.iter().map(|(id, address)| {
        (id.clone(), kept(id, *address).unwrap_or_else(|| Arc::new(Backend::new(id, *address, Arc::clone(registry)))))
    });
    let next = before.and_then(|before| before.groups.iter().find(|group| group.name == name));
    Group {
        name: name.to_owned(),
        weight: group.weight,
        backends: backends.collect(),
        next: AtomicUsize::new(next.map_or(0, |group| group.next.load(Ordering::Relaxed))),
        counters: registry.group(route, name),
    }
}

/// All routes of a snapshot.
#[derive(Clone, Default)]
pub struct Table {
    /// By name.
    pub routes: BTreeMap<String, Arc<RouteState>>,
}

impl Table {
    /// Makes the table of a snapshot out of the one before it. The old one's is untouched until [`Self::retire`].
    pub fn next(&self, snapshot: &GatewaySnapshot, registry: &Arc<Registry>) -> Self {
        let make = |(name, route): (&String, &Route)| {
            let before = self.routes.get(name).map(|route| &**route);
            (name.clone(), Arc::new(RouteState::make(name, route, before, registry)))
        };
        Self { routes: snapshot.routes.iter().map(make).collect() }
    }

    /// The next table is in force: what is not in it takes no new requests and closes its idle connections.
    pub fn retire(&self, next: &Self, registry: &Registry) {
        let alive: HashSet<*const Backend> = next.routes.values().flat_map(|route| route.backends()).map(Arc::as_ptr).collect();
        for backend in self.routes.values().flat_map(|route| route.backends()) {
            if !alive.contains(&Arc::as_ptr(backend)) {
                backend.retire();
            }
        }
        for (name, route) in &self.routes {
            for group in &route.groups {
                let stays = next.routes.get(name).is_some_and(|route| route.groups.iter().any(|other| other.name == group.name));
                if !stays {
                    registry.retire(name, &group.name);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot(version: u64, weights: &[(&str, u32, &[&str])]) -> GatewaySnapshot {
        let groups = weights.iter().map(|(name, weight, backends)| {
            let backends = backends.iter().map(|address| ((*address).to_owned(), address.parse().unwrap()));
            ((*name).to_owned(), BackendGroup { weight: *weight, backends: backends.collect() })
        });
        let route = Route { listen: vec!["127.0.0.1:80".parse().unwrap()], protocol: Protocol::Http, groups: groups.collect() };
        GatewaySnapshot { version, routes: BTreeMap::from([("r".to_owned(), route)]) }
    }

    #[test]
    fn a_group_without_backends_takes_no_share() {
        let registry = Arc::new(Registry::default());
        let table = Table::default().next(&snapshot(1, &[("a", 95, &["127.0.0.1:1"]), ("b", 5, &[])]), &registry);
        for _ in 0..200 {
            assert_eq!(table.routes["r"].group().unwrap().name, "a");
        }
        let table = table.next(&snapshot(2, &[("a", 0, &["127.0.0.1:1"]), ("b", 5, &[])]), &registry);
        assert!(table.routes["r"].group().is_none());
    }

    #[test]
    fn a_new_snapshot_keeps_backends_and_whose_turn_it_is() {
        let registry = Arc::new(Registry::default());
        let parts: &[(&str, u32, &[&str])] = &[("a", 3, &["127.0.0.1:1", "127.0.0.1:2"]), ("b", 1, &["127.0.0.1:3"])];
        let first = Table::default().next(&snapshot(1, parts), &registry);
        let names = |table: &Table, n: usize| (0..n).map(|_| table.routes["r"].group().unwrap().name.clone()).collect::<Vec<_>>();
        let mut seen = names(&first, 2);
        let second = first.next(&snapshot(2, parts), &registry);
        seen.extend(names(&second, 2));
        assert_eq!(seen.iter().filter(|name| *name == "b").count(), 1);
        assert!(first.routes["r"].backends().zip(second.routes["r"].backends()).all(|(a, b)| Arc::ptr_eq(a, b)));
    }

    #[test]
    fn two_routes_cannot_share_an_address() {
        let mut wanted = snapshot(1, &[]);
        let other = wanted.routes["r"].clone();
        wanted.routes.insert("s".into(), other);
        assert!(matches!(validate(&wanted), Err(InvalidSnapshot::Shared { .. })));
        let mut wanted = snapshot(1, &[("a", limits::MAX_WEIGHT + 1, &[])]);
        assert!(matches!(validate(&wanted), Err(InvalidSnapshot::TooMuch { .. })));
        wanted.routes.get_mut("r").unwrap().listen = vec!["127.0.0.1:0".parse().unwrap()];
        assert!(matches!(validate(&wanted), Err(InvalidSnapshot::NoPort { .. })));
    }
}
