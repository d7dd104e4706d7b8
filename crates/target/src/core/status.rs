//! `status` as Kubernetes and Argo have it, and pods as people see them.

use std::collections::BTreeMap;

use penstock_model::Timestamp;
use penstock_model::target::PodSeen;
use serde_json::{Value, json};

use super::canary::{Stance, stance};
use super::seen::{Seen, ready_of};
use super::traffic::weight_in_force;
use crate::manifest::Kind;
use crate::manifest::service::Service;
use crate::manifest::workload::{Strategy, Workload};
use crate::state::{Object, Pod, State};

/// An object's `status`.
pub fn status(state: &State, seen: &Seen, object: &Object) -> Value {
    match &object.kind {
        Kind::Namespace => json!({"phase": "Active"}),
        Kind::ConfigMap(_) | Kind::Secret(_) | Kind::AnalysisTemplate => json!({}),
        Kind::Service(service) => service_status(seen, object, service),
        Kind::Workload(workload) if workload.strategy == Strategy::Canary => rollout(state, seen, object, workload),
        Kind::Workload(workload) => deployment(state, seen, object, workload),
        Kind::Job(_) => job(state, seen, object),
    }
}

/// A Service whose address or port somebody else listens on says so.
fn service_status(seen: &Seen, object: &Object, service: &Service) -> Value {
    let address = object.record.address.map(|address| address.to_string()).unwrap_or_default();
    let complaint = seen.complaint.as_deref().unwrap_or_default();
    let listens = service.ports.iter().flat_map(|port| {
        let own = format!("{address}:{}", port.port);
        std::iter::once(own).chain(port.node_port.map(|number| format!("127.0.0.1:{number}")))
    });
    let unheard: Vec<String> = listens.filter(|listen| complaint.contains(listen.as_str())).collect();
    if unheard.is_empty() {
        return json!({"loadBalancer": {}});
    }
    json!({"loadBalancer": {}, "conditions": [condition("Listening", false, "AddressInUse", complaint)]})
}

struct Counts {
    replicas: u32,
    updated: u32,
    ready: u32,
    updated_ready: u32,
}

fn counts(state: &State, seen: &Seen, object: &Object) -> Counts {
    let key = &object.record.key;
    let active = |wanted: bool| {
        let pods = state.pods_of(key).filter(|pod| pod.active() && (!wanted || pod.template == object.wanted));
        u32::try_from(pods.count()).unwrap_or(u32::MAX)
    };
    let ready = object.templates.keys().map(|hash| ready_of(state, seen, key, hash)).sum();
    Counts { replicas: active(false), updated: active(true), ready, updated_ready: ready_of(state, seen, key, &object.wanted) }
}

fn condition(kind: &str, holds: bool, reason: &str, message: &str) -> Value {
    json!({"type": kind, "status": if holds { "True" } else { "False" }, "reason": reason, "message": message})
}

/// The most telling line about the pods that are wanted: why one of them is not there.
fn trouble(state: &State, object: &Object) -> String {
    let pods = state.pods_of(&object.record.key).filter(|pod| pod.active() && pod.template == object.wanted);
    pods.filter(|pod| !pod.message.is_empty()).map(|pod| format!("{}: {}", pod.name, pod.message)).next().unwrap_or_default()
}

/// True if nothing moved for longer than the workload allows.
fn stuck(state: &State, seen: &Seen, object: &Object, workload: &Workload) -> bool {
    if object.record.completed.as_deref() == Some(&object.wanted) {
        return false;
    }
    let pods = state.pods_of(&object.record.key).filter(|pod| pod.template == object.wanted).map(|pod| pod.since);
    let last = pods.max().unwrap_or_default().max(Timestamp(object.record.changed_at));
    seen.now > last.after(workload.progress_deadline)
}

fn deployment(state: &State, seen: &Seen, object: &Object, workload: &Workload) -> Value {
    let counts = counts(state, seen, object);
    let unavailable = workload.replicas.saturating_sub(counts.ready);
    let least = match workload.strategy {
        Strategy::Rolling { unavailable, .. } => workload.replicas.saturating_sub(unavailable),
        _ => workload.replicas,
    };
    let complete = counts.updated == workload.replicas && counts.updated_ready == workload.replicas && counts.replicas == counts.updated;
    let trouble = trouble(state, object);
    let available = if counts.ready >= least { ("MinimumReplicasAvailable", true) } else { ("MinimumReplicasUnavailable", false) };
    let progressing = if complete {
        condition("Progressing", true, "NewReplicaSetAvailable", "")
    } else if stuck(state, seen, object, workload) {
        condition("Progressing", false, "ProgressDeadlineExceeded", &trouble)
    } else {
        condition("Progressing", true, "ReplicaSetUpdated", &trouble)
    };
    json!({
        "observedGeneration": object.record.generation,
        "replicas": counts.replicas,
        "updatedReplicas": counts.updated,
        "readyReplicas": counts.ready,
        "availableReplicas": counts.ready,
        "unavailableReplicas": unavailable,
        "conditions": [condition("Available", available.1, available.0, &trouble), progressing],
    })
}

fn rollout(state: &State, seen: &Seen, object: &Object, workload: &Workload) -> Value {
    let counts = counts(state, seen, object);
    let canary = &object.record.canary;
    let aborted = canary.aborted.as_deref() == Some(&object.wanted);
    let weight = weight_in_force(state, seen, object);
    let settled = stance(object, workload.replicas) == Stance::Settled;
    let complete = settled && counts.updated_ready == workload.replicas && counts.replicas == workload.replicas;
    let trouble = trouble(state, object);
    let (phase, message) = if aborted {
        ("Degraded", "RolloutAborted: the wanted template was rolled back and is kept out until the manifest changes".to_owned())
    } else if complete {
        ("Healthy", String::new())
    } else if stuck(state, seen, object, workload)
        && counts.updated_ready < super::canary::pods_wanted(canary, &object.wanted, workload.replicas)
    {
        ("Degraded", format!("ProgressDeadlineExceeded: {trouble}"))
    } else {
        ("Progressing", if trouble.is_empty() { format!("weight {weight} %") } else { trouble.clone() })
    };
    json!({
        "observedGeneration": object.record.generation.to_string(),
        "phase": phase,
        "message": message,
        "abort": aborted,
        "replicas": counts.replicas,
        "updatedReplicas": counts.updated,
        "readyReplicas": counts.ready,
        "availableReplicas": counts.ready,
        "currentPodHash": object.wanted,
        "stableRS": canary.stable.clone().unwrap_or_default(),
        "canary": {"weights": {
            "canary": {"podTemplateHash": object.wanted, "weight": weight},
            "stable": {"podTemplateHash": canary.stable.clone().unwrap_or_default(), "weight": 100 - weight},
        }},
        "conditions": [
            condition("Available", counts.ready >= workload.replicas, if counts.ready >= workload.replicas { "AvailableReason" } else { "NotAvailable" }, &trouble),
            condition("Completed", complete, if complete { "RolloutCompleted" } else { "RolloutNotCompleted" }, ""),
        ],
    })
}

fn job(state: &State, seen: &Seen, object: &Object) -> Value {
    let Some(pod) = state.pods_of(&object.record.key).find(|pod| pod.active()) else {
        return json!({"active": 0, "succeeded": 0, "failed": 0, "conditions": []});
    };
    let time = |at: Timestamp| at.rfc3339();
    match pod.finished {
        Some(0) => json!({
            "succeeded": 1, "failed": pod.attempt, "active": 0,
            "startTime": time(pod.since), "completionTime": pod.ended.map(time),
            "conditions": [condition("Complete", true, "CompletionsReached", "")],
        }),
        Some(code) => json!({
            "succeeded": 0, "failed": pod.attempt + 1, "active": 0, "startTime": time(pod.since),
            "conditions": [condition("Failed", true, if code == 124 { "DeadlineExceeded" } else { "BackoffLimitExceeded" }, &pod.message)],
        }),
        None => json!({
            "succeeded": 0, "failed": pod.attempt, "active": u32::from(seen.running_since(pod).is_some()),
            "startTime": time(pod.since), "conditions": [],
        }),
    }
}

/// A pod as people see it.
pub fn pod_seen(state: &State, seen: &Seen, pod: &Pod) -> PodSeen {
    let object = state.objects.get(&pod.owner);
    let template = object.and_then(|object| object.templates.get(&pod.template));
    let canary = object.is_some_and(|object| {
        object.rollout().is_some()
            && object.record.canary.stable.as_deref().is_some_and(|stable| stable != pod.template)
            && pod.template == object.wanted
    });
    let ready = seen.is_ready(pod, template);
    let mut lines = Vec::new();
    if pod.leaving.is_some() {
        lines.push("going: its requests are finished first".to_owned());
    } else if !pod.message.is_empty() {
        lines.push(pod.message.clone());
    } else if !ready && seen.running_since(pod).is_some() {
        lines.push("runs; not ready yet".to_owned());
    }
    lines.extend(pod.warnings.iter().map(|warning| format!("warning: {warning}")));
    let (mut labels, mut images) = (BTreeMap::new(), Vec::new());
    if let Some(template) = template {
        labels.clone_from(&template.metadata.labels);
        labels.extend(template.metadata.annotations.clone());
        images.push(template.container().image_text().to_owned());
    }
    PodSeen {
        namespace: pod.owner.namespace.clone(),
        name: pod.name.clone(),
        owner: format!("{}/{}", pod.owner.kind, pod.owner.name),
        images,
        template: pod.template.clone(),
        role: if canary { "canary" } else { "stable" }.to_owned(),
        ready,
        restarts: pod.attempt,
        message: lines.join("; "),
        labels,
    }
}
