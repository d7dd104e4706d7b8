//! Objects come and go.

use std::sync::Arc;

use penstock_model::Timestamp;
use penstock_model::target::{ApplicationScope, ObjectKey, TargetError};

use super::{Object, State};
use crate::manifest::{Kind, Manifest};

/// More objects than one machine should be asked to keep.
const MAX_OBJECTS: usize = 10_000;

fn failed<T>(what: String) -> Result<T, TargetError> {
    Err(TargetError::Failed { what })
}

impl State {
    /// Makes an object so. True if anything changed. Nothing changes on an error.
    pub fn apply(&mut self, scope: &ApplicationScope, manifest: Manifest, now: Timestamp) -> Result<bool, TargetError> {
        let key = manifest.key.clone();
        self.check_owner(scope, &key)?;
        self.check_namespace(&key)?;
        self.check_node_ports(&key, &manifest.kind)?;
        let Some(present) = self.objects.get(&key) else {
            return self.create(scope, manifest, now).map(|()| true);
        };
        if present.record.applied == manifest.applied {
            return Ok(false);
        }
        if let (Kind::Job(before), Kind::Job(after)) = (&present.kind, &manifest.kind)
            && before.template != after.template
        {
            return failed(format!(
                "{key}: a Job's pod template cannot change, as in Kubernetes: give the Job another name, or delete it first"
            ));
        }
        let before = present.wanted.clone();
        let Some(object) = self.object_mut(&key) else { return Ok(false) };
        object.replace(manifest, now.0);
        if object.wanted != before {
            // another template: a canary of its own, whatever became of the one before it
            let stable = object.record.canary.stable.take();
            object.record.canary = super::Canary { stable, ..super::Canary::default() };
        }
        self.retry_starts(&key.namespace);
        Ok(true)
    }

    fn create(&mut self, scope: &ApplicationScope, manifest: Manifest, now: Timestamp) -> Result<(), TargetError> {
        if self.objects.len() >= MAX_OBJECTS {
            return failed(format!("{}: {MAX_OBJECTS} objects are kept on this machine already: delete some", manifest.key));
        }
        let key = manifest.key.clone();
        let mut object = Object::new(manifest, scope.clone(), now.0);
        if matches!(object.kind, Kind::Service(_)) {
            let Some(address) = self.service_addresses.next() else {
                return failed(format!("{key}: no address for another Service is left: delete some, or give the instance a larger subnet"));
            };
            object.record.address = Some(address);
        }
        self.unwritten.objects.insert(key.clone());
        self.retry_starts(&key.namespace);
        self.objects.insert(key, Arc::new(object));
        Ok(())
    }

    /// Takes an object away; with a Namespace, everything of the application in it. True if anything changed.
    pub fn delete(&mut self, application: &str, key: &ObjectKey) -> Result<bool, TargetError> {
        let Some(object) = self.objects.get(key) else { return Ok(false) };
        if object.record.scope.application != application {
            let owner = &object.record.scope.application;
            return failed(format!("{key} belongs to the application {owner}, not to {application}: delete it there"));
        }
        if key.kind == "Namespace" {
            let inside: Vec<ObjectKey> = self.objects.keys().filter(|inside| inside.namespace == key.name).cloned().collect();
            let foreign = inside.iter().find(|inside| self.objects[*inside].record.scope.application != application);
            if let Some(foreign) = foreign {
                return failed(format!("{key} still holds {foreign} of another application: delete that first"));
            }
            for inside in &inside {
                self.remove(inside);
            }
        }
        self.remove(key);
        Ok(true)
    }

    /// Takes everything of an application away.
    pub fn remove_application(&mut self, application: &str) {
        let all: Vec<ObjectKey> =
            self.objects.iter().filter(|(_, object)| object.record.scope.application == application).map(|(key, _)| key.clone()).collect();
        for key in &all {
            self.remove(key);
        }
        if self.epochs.remove(application).is_some() {
            self.unwritten.epochs = true;
        }
    }

    fn remove(&mut self, key: &ObjectKey) {
        if let Some(object) = self.objects.remove(key) {
            if let Some(address) = object.record.address {
                self.service_addresses.release(address);
            }
            self.unwritten.objects.insert(key.clone());
        }
    }

    /// Pods that could not be started for want of something may find it now.
    fn retry_starts(&mut self, namespace: &str) {
        let waiting: Vec<String> = self
            .pods
            .values()
            .filter(|pod| pod.owner.namespace == namespace && !pod.started && pod.not_before.is_some() && pod.ended.is_none())
            .map(|pod| pod.name.clone())
            .collect();
        for name in waiting {
            if let Some(pod) = self.pod_mut(&name) {
                pod.not_before = None;
            }
        }
    }

    fn check_owner(&self, scope: &ApplicationScope, key: &ObjectKey) -> Result<(), TargetError> {
        match self.objects.get(key).map(|object| &object.record.scope) {
            Some(owner) if owner.application != scope.application => {
                let hint = "take it out of one of the two, or delete it there first";
                failed(format!("{key} belongs to the application {}, not to {}: {hint}", owner.application, scope.application))
            }
            _ => Ok(()),
        }
    }

    fn check_namespace(&self, key: &ObjectKey) -> Result<(), TargetError> {
        let namespace =
            ObjectKey { group: String::new(), kind: "Namespace".to_owned(), namespace: String::new(), name: key.namespace.clone() };
        if key.kind == "Namespace" || self.objects.contains_key(&namespace) {
            return Ok(());
        }
        failed(format!(
            "{key}: there is no namespace `{}`: add a Namespace to the manifests, or the sync option CreateNamespace=true",
            key.namespace
        ))
    }

    fn check_node_ports(&self, key: &ObjectKey, kind: &Kind) -> Result<(), TargetError> {
        let Kind::Service(service) = kind else { return Ok(()) };
        for port in service.ports.iter().filter_map(|port| port.node_port) {
            let other = self.objects.iter().find(|(other, object)| {
                *other != key && matches!(&object.kind, Kind::Service(s) if s.ports.iter().any(|p| p.node_port == Some(port)))
            });
            if let Some((other, _)) = other {
                return failed(format!("{key}: nodePort {port} is taken by {other}: choose another"));
            }
        }
        Ok(())
    }
}
