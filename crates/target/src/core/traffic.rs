//! Which pods get which share of which Service's traffic.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddr};

use penstock_model::gateway::{BackendGroup, Protocol, Route};
use penstock_model::target::ObjectKey;

use super::canary::{Stance, effective, stance};
use super::seen::{Seen, ready_of};
use crate::manifest::pod::PodTemplate;
use crate::manifest::service::{Service, ServicePort};
use crate::manifest::workload::Strategy;
use crate::manifest::{Kind, PortRef};
use crate::state::{Object, State};

/// The name of a route.
pub fn route_name(service: &ObjectKey, port: u16) -> String {
    format!("{}/{}:{port}", service.namespace, service.name)
}

/// The routes of all Services. Groups are named by template hash, so that a new template's counters begin at zero.
pub fn routes(state: &State, seen: &Seen) -> BTreeMap<String, Route> {
    let mut routes = BTreeMap::new();
    for object in state.objects.values() {
        let (Kind::Service(service), Some(address)) = (&object.kind, object.record.address) else { continue };
        let behind: Vec<&Object> = workloads_behind(state, service, &object.record.key.namespace).collect();
        for port in &service.ports {
            let mut listen = vec![SocketAddr::from((address, port.port))];
            listen.extend(port.node_port.map(|number| SocketAddr::from((Ipv4Addr::LOCALHOST, number))));
            let protocol = port.spoken().unwrap_or(Protocol::Tcp);
            let groups = groups(state, seen, service, port, &behind);
            routes.insert(route_name(&object.record.key, port.port), Route { listen, protocol, groups });
        }
    }
    routes
}

/// Pods that should have traffic and that the gateway does not send any to yet.
pub fn unrouted(state: &State, seen: &Seen) -> BTreeSet<String> {
    let Some(in_force) = &seen.in_force else { return BTreeSet::new() };
    let mut pods = BTreeSet::new();
    for (name, route) in routes(state, seen) {
        let told = |pod: &str| in_force.get(&name).is_some_and(|route| route.groups.values().any(|group| group.backends.contains_key(pod)));
        let wanted = route.groups.into_values().flat_map(|group| group.backends.into_keys());
        pods.extend(wanted.filter(|pod| !told(pod)));
    }
    pods
}

fn selects(service: &Service, template: &PodTemplate) -> bool {
    service.selector.iter().all(|(name, value)| template.metadata.labels.get(name) == Some(value))
}

fn workloads_behind<'a>(state: &'a State, service: &'a Service, namespace: &'a str) -> impl Iterator<Item = &'a Object> {
    state.objects.values().map(|object| &**object).filter(move |object| {
        object.record.key.namespace == namespace
            && object.workload().is_some()
            && object.templates.values().any(|template| selects(service, template))
    })
}

/// The names of the routes through which a workload gets its traffic.
pub fn routes_of(state: &State, workload: &Object) -> Vec<String> {
    let mut names = Vec::new();
    for object in state.objects.values().filter(|object| object.record.key.namespace == workload.record.key.namespace) {
        let Kind::Service(service) = &object.kind else { continue };
        if workload.templates.values().any(|template| selects(service, template)) {
            names.extend(service.ports.iter().map(|port| route_name(&object.record.key, port.port)));
        }
    }
    names
}

fn groups(state: &State, seen: &Seen, service: &Service, port: &ServicePort, behind: &[&Object]) -> BTreeMap<String, BackendGroup> {
    let mut groups: BTreeMap<String, BackendGroup> = BTreeMap::new();
    for object in behind {
        let key = &object.record.key;
        for (hash, template) in object.templates.iter().filter(|(_, template)| selects(service, template)) {
            let same = PortRef::Number(port.port);
            let Some(number) = port.target_port.as_ref().unwrap_or(&same).number(&template.container().ports) else { continue };
            let ready = state.pods_of(key).filter(|pod| pod.template == *hash && seen.is_ready(pod, Some(template)));
            let backends: BTreeMap<String, SocketAddr> =
                ready.map(|pod| (pod.name.clone(), SocketAddr::from((pod.address, number)))).collect();
            if !backends.is_empty() {
                let weight = weight(state, seen, object, hash, behind.len() == 1);
                groups.insert(hash.clone(), BackendGroup { weight, backends });
            }
        }
    }
    // where weights leave nobody who could answer, whoever is ready does
    if groups.values().all(|group| group.weight == 0) {
        for group in groups.values_mut() {
            group.weight = 1;
        }
    }
    groups
}

/// A group's weight. `alone`: no other workload is behind the Service, so that percentages stay percentages; else each
/// workload weighs as much as its replicas, as in Kubernetes each pod does.
fn weight(state: &State, seen: &Seen, object: &Object, hash: &str, alone: bool) -> u32 {
    let Some(workload) = object.workload() else { return 0 };
    let key = &object.record.key;
    let by_pods = 100 * ready_of(state, seen, key, hash);
    if workload.strategy != Strategy::Canary {
        return by_pods;
    }
    match stance(object, workload.replicas) {
        Stance::First => by_pods,
        Stance::Settled => {
            let percent = if hash == object.wanted { 100 } else { 0 };
            percent * if alone { 1 } else { workload.replicas }
        }
        Stance::Between { stable, .. } => {
            let canary = weight_in_force(state, seen, object);
            let percent = if hash == object.wanted {
                canary
            } else if hash == stable {
                100 - canary
            } else {
                0
            };
            percent * if alone { 1 } else { workload.replicas }
        }
    }
}

/// The share of a Rollout's traffic that goes to its wanted template, in percent.
pub fn weight_in_force(state: &State, seen: &Seen, object: &Object) -> u32 {
    let Some(workload) = object.rollout() else { return 100 };
    let ready = ready_of(state, seen, &object.record.key, &object.wanted);
    match stance(object, workload.replicas) {
        Stance::First | Stance::Settled => 100,
        Stance::Between { stable, pods } => {
            if pods == 0 {
                return 0;
            }
            let stable_ready = ready_of(state, seen, &object.record.key, stable);
            let ordered = effective(&object.record.canary, workload.replicas, ready);
            // nobody else is there to answer
            if stable_ready == 0 && ready > 0 { 100 } else { ordered }
        }
    }
}
