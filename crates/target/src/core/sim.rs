//! A machine as values, for the tests of the pure core: containers start, stop and die when they are told to.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::Duration;

use penstock_model::container::ContainerStatus;
use penstock_model::target::{ApplicationScope, ObjectKey, RolloutOrder, TargetError};
use penstock_model::{Digest, Timestamp};
use serde_json::{Value, json};

use super::reconcile::{Effect, reconcile};
use super::seen::{Container, Seen};
use super::traffic::routes;
use crate::address::Addresses;
use crate::manifest;
use crate::state::change::Change;
use crate::state::{Object, Pod, State};

pub const NS: &str = "shop";

pub fn scope() -> ApplicationScope {
    ApplicationScope { application: "app".into(), project: None, environment: "staging".parse().unwrap(), namespace: NS.into() }
}

pub fn key(kind: &str, name: &str) -> ObjectKey {
    let group = match kind {
        "Deployment" => "apps",
        "Rollout" => "argoproj.io",
        "Job" => "batch",
        _ => "",
    };
    ObjectKey { group: group.into(), kind: kind.into(), namespace: NS.into(), name: name.into() }
}

pub fn image(version: &str) -> String {
    format!("shop/web@{}", Digest::of(version))
}

pub fn template(version: &str) -> Value {
    json!({
        "metadata": {"labels": {"app": "web"}},
        "spec": {
            "terminationGracePeriodSeconds": 10,
            "containers": [{
                "name": "web", "image": image(version),
                "ports": [{"name": "http", "containerPort": 8080}],
                "readinessProbe": {"httpGet": {"path": "/", "port": "http"}, "periodSeconds": 1},
            }],
        },
    })
}

pub fn deployment(version: &str, replicas: u32, strategy: &Value) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
        "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": "web"}}, "strategy": strategy, "template": template(version)},
    })
}

pub fn rollout(version: &str, replicas: u32) -> Value {
    json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": {"name": "web"},
        "spec": {
            "replicas": replicas, "selector": {"matchLabels": {"app": "web"}}, "template": template(version),
            "strategy": {"canary": {"steps": [{"setWeight": 5}]}},
        },
    })
}

pub fn job(version: &str, backoff: u32) -> Value {
    let mut template = template(version);
    template["spec"]["restartPolicy"] = json!("Never");
    template["spec"]["containers"][0].as_object_mut().unwrap().remove("readinessProbe");
    json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "web"}, "spec": {"backoffLimit": backoff, "template": template}})
}

pub fn service() -> Value {
    json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
        "spec": {"type": "NodePort", "selector": {"app": "web"}, "ports": [{"name": "http", "port": 80, "targetPort": "http", "nodePort": 30080}]},
    })
}

pub const ROUTE: &str = "shop/web:80";

/// The machine.
pub struct Sim {
    pub state: State,
    pub containers: BTreeMap<String, Container>,
    pub in_force: Option<BTreeMap<String, penstock_model::gateway::Route>>,
    pub under_way: BTreeMap<String, u64>,
    pub pending: Vec<Effect>,
    pub now: Timestamp,
    /// Images whose containers never become ready.
    pub bad: BTreeSet<String>,
    /// How often each intended attempt was really started.
    pub starts: BTreeMap<(String, u32), u32>,
    incarnations: BTreeMap<String, u32>,
    pub stopped: Vec<String>,
}

impl Sim {
    /// A machine with the namespace and the Service.
    pub fn new() -> Self {
        let range = |third: u8| Addresses::new([10, 1, third, 1].into(), [10, 1, third, 250].into());
        let mut sim = Self {
            state: State::new(range(0), range(1)),
            containers: BTreeMap::new(),
            in_force: None,
            under_way: BTreeMap::new(),
            pending: Vec::new(),
            now: Timestamp(1_000_000),
            bad: BTreeSet::new(),
            starts: BTreeMap::new(),
            incarnations: BTreeMap::new(),
            stopped: Vec::new(),
        };
        sim.apply(&json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NS}})).unwrap();
        sim.apply(&service()).unwrap();
        sim
    }

    pub fn apply(&mut self, manifest: &Value) -> Result<bool, TargetError> {
        self.state.apply(&scope(), manifest::read(manifest, NS)?, self.now)
    }

    pub fn object(&self, kind: &str) -> &Object {
        &self.state.objects[&key(kind, "web")]
    }

    pub fn order(&mut self, order: &RolloutOrder) -> Result<bool, TargetError> {
        let wanted = self.object("Rollout").wanted.clone();
        self.state.order(&key("Rollout", "web"), &wanted, order)
    }

    /// The same where there may be no Rollout, or none that takes the order.
    pub fn order_if_any(&mut self, order: &RolloutOrder) -> Option<bool> {
        self.state.objects.contains_key(&key("Rollout", "web")).then(|| self.order(order).unwrap_or_default())
    }

    pub fn seen(&self) -> Seen {
        Seen {
            containers: self.containers.clone(),
            in_force: self.in_force.clone(),
            complaint: None,
            unrouted: BTreeSet::new(),
            under_way: Some(self.under_way.clone()),
            busy: self.pending.iter().map(|effect| pod_of(effect).to_owned()).collect(),
            now: self.now,
        }
    }

    /// One pass of the loop.
    pub fn pass(&mut self) {
        for round in 0.. {
            assert!(round < 30, "changes do not come to an end");
            let changes = reconcile(&self.state, &self.seen()).changes;
            if changes.is_empty() {
                break;
            }
            for change in &changes {
                if let Change::Create { owner, template, ordinal } = change {
                    *self.incarnations.entry(crate::state::pod::pod_name(&owner.name, template, *ordinal)).or_default() += 1;
                }
                self.state.evolve(change, self.now);
            }
        }
        self.in_force = Some(routes(&self.state, &self.seen()));
        let effects = reconcile(&self.state, &self.seen()).effects;
        let mut seen = self.seen();
        for effect in effects {
            assert!(!seen.busy.contains(pod_of(&effect)), "{effect:?} while something is done for its pod");
            if let Effect::Stop { pod, .. } = &effect {
                let unwell = self.state.pods.get(pod).is_some_and(|pod| pod.unwell || pod.finished.is_some());
                assert!(unwell || !seen.is_routed(pod), "{pod} is stopped while traffic goes to it");
            }
            seen.busy.insert(pod_of(&effect).to_owned());
            self.pending.push(effect);
        }
    }

    /// A hand does what it was told. `Start` of a container that is there starts nothing.
    pub fn complete(&mut self, index: usize) {
        let effect = self.pending.remove(index);
        self.do_it(&effect);
    }

    pub fn do_it(&mut self, effect: &Effect) {
        match effect {
            Effect::Start { pod } => {
                let Some(record) = self.state.pods.get(pod) else { return };
                let id = record.container();
                if self.containers.contains_key(&id) {
                    return;
                }
                let others =
                    self.containers.values().filter(|c| c.pod == *pod && matches!(c.status, ContainerStatus::Running { .. })).count();
                assert_eq!(others, 0, "two containers for {pod}");
                let incarnation = self.incarnations.get(pod).copied().unwrap_or_default();
                let count = self.starts.entry((id.clone(), incarnation)).or_default();
                *count += 1;
                assert_eq!(*count, 1, "{id} was started twice");
                let status = ContainerStatus::Running { pid: 1, since: self.now };
                self.containers.insert(id, Container { pod: pod.clone(), status });
            }
            Effect::Stop { container, .. } => {
                self.stopped.push(container.clone());
                self.kill(container, 143);
            }
            Effect::Discard { container, .. } => {
                self.containers.remove(container);
            }
        }
    }

    pub fn kill(&mut self, id: &str, code: i32) {
        if let Some(container) = self.containers.get_mut(id)
            && matches!(container.status, ContainerStatus::Running { .. })
        {
            container.status = ContainerStatus::Exited { code, at: self.now };
        }
    }

    /// Good containers that run pass their readiness probe.
    pub fn probe(&mut self, pod: &str) {
        let Some(record) = self.state.pods.get(pod).cloned() else { return };
        let runs = self.seen().running_since(&record).is_some();
        let image = self
            .state
            .objects
            .get(&record.owner)
            .and_then(|o| o.templates.get(&record.template))
            .map(|t| t.container().image_text().to_owned());
        let good = image.is_some_and(|image| !self.bad.contains(&image));
        if let Some(record) = self.state.pod_mut(pod).filter(|pod| pod.started) {
            record.ready = runs && good;
        }
    }

    pub fn probe_all(&mut self) {
        let names: Vec<String> = self.state.pods.keys().cloned().collect();
        for name in &names {
            self.probe(name);
        }
    }

    /// The server dies: some of what was under way happened, and only what was written is left.
    pub fn crash(&mut self, happened: impl Fn(usize) -> bool) {
        let pending = std::mem::take(&mut self.pending);
        for (index, effect) in pending.iter().enumerate() {
            if happened(index) {
                self.do_it(effect);
            }
        }
        let mut fresh = Self::new().state;
        for object in self.state.objects.values() {
            let text = serde_json::to_string(&object.record).unwrap();
            let object = Object::load(serde_json::from_str(&text).unwrap()).unwrap();
            if let Some(address) = object.record.address {
                fresh.service_addresses.found(address);
            }
            fresh.objects.insert(object.record.key.clone(), object.into());
        }
        for pod in self.state.pods.values() {
            let pod: Pod = serde_json::from_str(&serde_json::to_string(&**pod).unwrap()).unwrap();
            fresh.pod_addresses.found(pod.address);
            fresh.pods.insert(pod.name.clone(), pod.into());
        }
        self.state = fresh;
        self.in_force = None;
    }

    /// Everything is carried out until nothing is left to do.
    pub fn settle(&mut self) {
        let mut idle = 0;
        for _ in 0..300 {
            self.pass();
            // longer than the longest back-off
            idle = if self.pending.is_empty() { idle + 1 } else { 0 };
            if idle > 4 {
                break;
            }
            while !self.pending.is_empty() {
                self.complete(0);
            }
            self.probe_all();
            self.now = self.now.after(Duration::from_secs(30));
        }
        self.pass();
        assert!(self.pending.is_empty(), "never at rest: {:?}", self.pending);
    }

    /// Ready pods of the workload by version of the template: `v1=2`.
    pub fn shape(&self) -> String {
        let seen = self.seen();
        let mut shape = String::new();
        for object in self.state.objects.values().filter(|object| object.workload().is_some()) {
            for (hash, template) in &object.templates {
                let pods: Vec<_> = self.state.pods_of(&object.record.key).filter(|pod| pod.active() && pod.template == *hash).collect();
                if pods.is_empty() {
                    continue;
                }
                let ready = pods.iter().filter(|pod| seen.is_ready(pod, Some(template))).count();
                let version = ["v1", "v2", "v3"].into_iter().find(|v| image(v) == template.container().image_text()).unwrap_or("?");
                let weight = self.in_force.as_ref().and_then(|r| r.get(ROUTE)).and_then(|r| r.groups.get(hash)).map(|g| g.weight);
                let weight = weight.map_or("-".to_owned(), |weight| weight.to_string());
                let _ = write!(shape, "{version}={ready}/{}@{weight} ", pods.len());
            }
        }
        shape.trim_end().to_owned()
    }
}

pub fn pod_of(effect: &Effect) -> &str {
    match effect {
        Effect::Start { pod } | Effect::Stop { pod, .. } | Effect::Discard { pod, .. } => pod,
    }
}
