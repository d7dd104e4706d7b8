//! What the target keeps: the objects as they were applied, and a record for each pod. Pure values; `keep` writes them.

pub mod apply;
pub mod change;
pub mod object;
pub mod order;
pub mod pod;

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::sync::Arc;

use penstock_model::target::{ObjectKey, TargetError};

pub use object::{Base, Canary, Object, Record};
pub use pod::Pod;

use crate::address::Addresses;

/// Everything that the target keeps.
#[derive(Clone, Debug)]
pub struct State {
    /// The objects.
    pub objects: BTreeMap<ObjectKey, Arc<Object>>,
    /// The pods, by name.
    pub pods: BTreeMap<String, Arc<Pod>>,
    /// The epoch of the last writer of each application.
    pub epochs: BTreeMap<String, u64>,
    /// Addresses of pods.
    pub pod_addresses: Addresses,
    /// Addresses of Services.
    pub service_addresses: Addresses,
    /// What was changed since it was last written.
    pub unwritten: Unwritten,
}

/// What has to be written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unwritten {
    /// Objects.
    pub objects: BTreeSet<ObjectKey>,
    /// Pods.
    pub pods: BTreeSet<String>,
    /// Applications whose epoch grew.
    pub epochs: bool,
}

impl Unwritten {
    /// True if there is nothing.
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty() && self.pods.is_empty() && !self.epochs
    }
}

impl State {
    /// Nothing yet, with addresses from these ranges.
    pub fn new(pods: Addresses, services: Addresses) -> Self {
        Self {
            objects: BTreeMap::new(),
            pods: BTreeMap::new(),
            epochs: BTreeMap::new(),
            pod_addresses: pods,
            service_addresses: services,
            unwritten: Unwritten::default(),
        }
    }

    /// Takes a writer's epoch in; an older one than the last is refused.
    pub fn present(&mut self, application: &str, epoch: u64) -> Result<(), TargetError> {
        let kept = self.epochs.get(application).copied().unwrap_or_default();
        if epoch < kept {
            return Err(TargetError::Superseded(kept));
        }
        if epoch > kept {
            self.epochs.insert(application.to_owned(), epoch);
            self.unwritten.epochs = true;
        }
        Ok(())
    }

    /// An object to change; it is written with the next flush.
    pub(crate) fn object_mut(&mut self, key: &ObjectKey) -> Option<&mut Object> {
        let object = self.objects.get_mut(key)?;
        self.unwritten.objects.insert(key.clone());
        Some(Arc::make_mut(object))
    }

    /// A pod to change; it is written with the next flush.
    pub(crate) fn pod_mut(&mut self, name: &str) -> Option<&mut Pod> {
        let pod = self.pods.get_mut(name)?;
        self.unwritten.pods.insert(name.to_owned());
        Some(Arc::make_mut(pod))
    }

    /// The pods of an owner.
    pub fn pods_of<'a>(&'a self, owner: &'a ObjectKey) -> impl Iterator<Item = &'a Pod> {
        self.pods.values().map(|pod| &**pod).filter(move |pod| pod.owner == *owner)
    }

    /// The addresses of all Services, for the bridge.
    pub fn addresses(&self) -> Vec<Ipv4Addr> {
        self.objects.values().filter_map(|object| object.record.address).collect()
    }

    /// Names in `/etc/hosts` for the pods of a namespace.
    pub fn hosts(&self, namespace: &str) -> BTreeMap<String, Ipv4Addr> {
        let mut hosts = BTreeMap::new();
        for object in self.objects.values().filter(|object| object.record.key.namespace == namespace) {
            let Some(address) = object.record.address else { continue };
            let name = &object.record.key.name;
            hosts.insert(name.clone(), address);
            for suffix in ["", ".svc", ".svc.cluster.local"] {
                hosts.insert(format!("{name}.{namespace}{suffix}"), address);
            }
        }
        hosts
    }
}
