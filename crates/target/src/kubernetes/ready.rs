//! When an object is ready: Helm's rules, kind by kind.

use penstock_model::cluster::{ObjectName, Query};
use serde_json::Value;

use super::selector;

/// What an object is, by its rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// As it should be.
    Ready,
    /// Not yet, and what it lacks.
    Waiting(String),
    /// It cannot become ready any more.
    Failed(String),
}

impl Verdict {
    fn when(ready: bool, otherwise: impl FnOnce() -> String) -> Self {
        if ready { Self::Ready } else { Self::Waiting(otherwise()) }
    }

    fn and(self, next: impl FnOnce() -> Self) -> Self {
        if self == Self::Ready { next() } else { self }
    }

    /// What it lacks.
    pub(super) fn why(self) -> Option<String> {
        match self {
            Self::Ready => None,
            Self::Waiting(why) | Self::Failed(why) => Some(why),
        }
    }
}

/// Whether there is a rule for an object's kind. What has none is ready.
pub(super) fn has_rule(object: &ObjectName, jobs: bool) -> bool {
    match (object.group(), object.kind.as_str()) {
        ("apps" | "extensions", "Deployment" | "DaemonSet" | "StatefulSet" | "ReplicaSet") => true,
        ("", "Pod" | "PersistentVolumeClaim" | "Service" | "ReplicationController") => true,
        ("apiextensions.k8s.io", "CustomResourceDefinition") => true,
        ("batch", "Job") => jobs,
        _ => false,
    }
}

/// Which objects the rule looks at besides the object itself.
pub(super) fn related(object: &ObjectName, live: &Value) -> Option<Query> {
    let selected = |api_version: &str, kind: &str, labels: String| Query {
        api_version: api_version.into(),
        kind: kind.into(),
        namespace: object.namespace.clone(),
        labels,
        fields: String::new(),
    };
    let selector = live.pointer("/spec/selector")?;
    match object.kind.as_str() {
        "Deployment" => Some(selected("apps/v1", "ReplicaSet", selector::of(selector)?)),
        "ReplicaSet" => Some(selected("v1", "Pod", selector::of(selector)?)),
        "ReplicationController" => Some(selected("v1", "Pod", selector::of_labels(selector)?)),
        _ => None,
    }
}

/// Whether an object is ready.
pub(super) fn verdict(object: &ObjectName, live: &Value, related: &[&Value]) -> Verdict {
    match object.kind.as_str() {
        "Pod" => pod(live),
        "Job" => job(object, live),
        "Deployment" => deployment(live, related),
        "PersistentVolumeClaim" => Verdict::when(text(live, "/status/phase") == "Bound", || "not bound".into()),
        "Service" => service(live),
        "DaemonSet" => daemon_set(live),
        "StatefulSet" => stateful_set(live),
        "CustomResourceDefinition" => definition(live),
        "ReplicaSet" | "ReplicationController" => observed(live).and(|| {
            let unready = related.iter().find(|pod_| pod(pod_) != Verdict::Ready);
            unready.map_or(Verdict::Ready, |pod| Verdict::Waiting(format!("pod {} is not ready", text(pod, "/metadata/name"))))
        }),
        _ => Verdict::Ready,
    }
}

/// Whether what runs once has run to its end.
pub(super) fn completed(object: &ObjectName, live: &Value) -> Verdict {
    match object.kind.as_str() {
        "Job" => {
            for condition in conditions(live).filter(|condition| text(condition, "/status") == "True") {
                match text(condition, "/type") {
                    "Complete" => return Verdict::Ready,
                    "Failed" => return Verdict::Failed(format!("job {} failed: {}", object.name, text(condition, "/reason"))),
                    _ => {}
                }
            }
            let count = |of: &str| number(live, &format!("/status/{of}"));
            Verdict::Waiting(format!("{} active, {} failed, {} succeeded", count("active"), count("failed"), count("succeeded")))
        }
        "Pod" => match text(live, "/status/phase") {
            "Succeeded" => Verdict::Ready,
            "Failed" => Verdict::Failed(format!("pod {} failed", object.name)),
            phase => Verdict::Waiting(format!("the pod is {}", phase.to_lowercase())),
        },
        _ => Verdict::Ready,
    }
}

fn text<'a>(value: &'a Value, path: &str) -> &'a str {
    value.pointer(path).and_then(Value::as_str).unwrap_or_default()
}

fn number(value: &Value, path: &str) -> i64 {
    value.pointer(path).and_then(Value::as_i64).unwrap_or_default()
}

fn conditions(live: &Value) -> impl Iterator<Item = &Value> {
    live.pointer("/status/conditions").and_then(Value::as_array).into_iter().flatten()
}

fn has_condition(live: &Value, of: &str, status: &str) -> bool {
    conditions(live).any(|condition| text(condition, "/type") == of && text(condition, "/status") == status)
}

/// Whether the controller has seen what is wanted now.
fn observed(live: &Value) -> Verdict {
    let (seen, wanted) = (number(live, "/status/observedGeneration"), number(live, "/metadata/generation"));
    Verdict::when(seen == wanted, || format!("its controller has seen generation {seen} of {wanted}"))
}

fn pod(live: &Value) -> Verdict {
    Verdict::when(has_condition(live, "Ready", "True"), || "the pod is not ready".into())
}

fn job(object: &ObjectName, live: &Value) -> Verdict {
    let limit = live.pointer("/spec/backoffLimit").and_then(Value::as_i64).unwrap_or(6);
    if number(live, "/status/failed") > limit {
        return Verdict::Failed(format!("job is failed: {}/{}", object.namespace, object.name));
    }
    let succeeded = number(live, "/status/succeeded");
    match live.pointer("/spec/completions").and_then(Value::as_i64) {
        Some(wanted) => Verdict::when(succeeded >= wanted, || format!("{succeeded} of {wanted} completions")),
        None => Verdict::Ready,
    }
}

fn service(live: &Value) -> Verdict {
    let of = text(live, "/spec/type");
    if of == "ExternalName" {
        return Verdict::Ready;
    }
    let filled = |path: &str| live.pointer(path).and_then(Value::as_array).is_some_and(|list| !list.is_empty());
    Verdict::when(!text(live, "/spec/clusterIP").is_empty(), || "no cluster address".into()).and(|| {
        let reachable = of != "LoadBalancer" || filled("/spec/externalIPs") || live.pointer("/status/loadBalancer/ingress").is_some();
        Verdict::when(reachable, || "no address of a load balancer".into())
    })
}

fn deployment(live: &Value, replica_sets: &[&Value]) -> Verdict {
    if live.pointer("/spec/paused").and_then(Value::as_bool) == Some(true) {
        return Verdict::Ready;
    }
    let Some(newest) = current_replica_set(live, replica_sets) else {
        return Verdict::Waiting("no ReplicaSet of its template yet".into());
    };
    observed(newest).and(|| observed(live)).and(|| {
        let replicas = live.pointer("/spec/replicas").and_then(Value::as_i64).unwrap_or(1);
        let (ready, wanted) = (number(newest, "/status/readyReplicas"), replicas - max_unavailable(live, replicas));
        Verdict::when(ready >= wanted, || format!("{ready} of {wanted} expected pods are ready"))
    })
}

/// The oldest `ReplicaSet` of the Deployment's own that has its template.
fn current_replica_set<'a>(deployment: &Value, replica_sets: &[&'a Value]) -> Option<&'a Value> {
    let uid = text(deployment, "/metadata/uid");
    let owned = |set: &&Value| {
        let owners = set.pointer("/metadata/ownerReferences").and_then(Value::as_array).into_iter().flatten();
        let mut controllers = owners.filter(|owner| owner.get("controller").and_then(Value::as_bool) == Some(true));
        controllers.next().is_some_and(|owner| text(owner, "/uid") == uid)
    };
    let template = bare(deployment.pointer("/spec/template")?);
    let of_template =
        replica_sets.iter().copied().filter(owned).filter(|set| set.pointer("/spec/template").map(bare).as_ref() == Some(&template));
    of_template.min_by_key(|set| (text(set, "/metadata/creationTimestamp"), text(set, "/metadata/name")))
}

/// A template without the label that tells replica sets apart, and without what is empty.
fn bare(template: &Value) -> Value {
    let mut template = template.clone();
    if let Some(labels) = template.pointer_mut("/metadata/labels").and_then(Value::as_object_mut) {
        labels.shift_remove("pod-template-hash");
    }
    filled(&template)
}

fn filled(value: &Value) -> Value {
    let is_empty = |value: &Value| match value {
        Value::Null => true,
        Value::Object(map) => map.is_empty(),
        Value::Array(list) => list.is_empty(),
        _ => false,
    };
    match value {
        Value::Object(map) => {
            Value::Object(map.iter().filter(|(_, value)| !is_empty(value)).map(|(key, value)| (key.clone(), filled(value))).collect())
        }
        Value::Array(list) => Value::Array(list.iter().map(filled).collect()),
        other => other.clone(),
    }
}

fn max_unavailable(deployment: &Value, replicas: i64) -> i64 {
    if text(deployment, "/spec/strategy/type") != "RollingUpdate" || replicas == 0 {
        return 0;
    }
    let scaled = |name: &str, up: bool| match deployment.pointer(&format!("/spec/strategy/rollingUpdate/{name}")) {
        None => Some(0),
        Some(value) => share(value, replicas, up),
    };
    match (scaled("maxSurge", true), scaled("maxUnavailable", false)) {
        // rounding must not leave an update without a step to take
        (Some(0), Some(0)) => 1,
        (Some(_), Some(unavailable)) => unavailable,
        _ => 0,
    }
    .min(replicas)
}

/// A count, or a share of a total.
fn share(value: &Value, total: i64, up: bool) -> Option<i64> {
    match value {
        Value::String(text) => {
            let percent: i64 = text.strip_suffix('%')?.parse().ok()?;
            let hundredths = percent.saturating_mul(total);
            let rest = i64::from(up && hundredths % 100 != 0);
            Some(hundredths / 100 + rest)
        }
        other => other.as_i64(),
    }
}

fn daemon_set(live: &Value) -> Verdict {
    observed(live).and(|| {
        if text(live, "/spec/updateStrategy/type") != "RollingUpdate" {
            return Verdict::Ready;
        }
        let (updated, desired) = (number(live, "/status/updatedNumberScheduled"), number(live, "/status/desiredNumberScheduled"));
        Verdict::when(updated == desired, || format!("{updated} of {desired} expected pods are scheduled")).and(|| {
            let unavailable = live.pointer("/spec/updateStrategy/rollingUpdate/maxUnavailable");
            let unavailable = unavailable.and_then(|value| share(value, desired, true)).unwrap_or(desired);
            let (ready, wanted) = (number(live, "/status/numberReady"), desired - unavailable);
            Verdict::when(ready >= wanted, || format!("{ready} of {wanted} expected pods are ready"))
        })
    })
}

fn stateful_set(live: &Value) -> Verdict {
    observed(live).and(|| {
        if text(live, "/spec/updateStrategy/type") != "RollingUpdate" {
            return Verdict::Ready;
        }
        let partition = number(live, "/spec/updateStrategy/rollingUpdate/partition");
        let replicas = live.pointer("/spec/replicas").and_then(Value::as_i64).unwrap_or(1);
        let (updated, wanted) = (number(live, "/status/updatedReplicas"), replicas - partition);
        let ready = number(live, "/status/readyReplicas");
        Verdict::when(updated >= wanted, || format!("{updated} of {wanted} expected pods are scheduled"))
            .and(|| Verdict::when(ready == replicas, || format!("{ready} of {replicas} expected pods are ready")))
            .and(|| {
                let (at, to) = (text(live, "/status/currentRevision"), text(live, "/status/updateRevision"));
                Verdict::when(partition != 0 || at == to, || format!("revision {at} is not yet {to}"))
            })
    })
}

/// Whether this is a definition of a kind, and one that the server has taken in.
pub(super) fn is_established(object: &ObjectName, live: &Value) -> bool {
    object.kind == "CustomResourceDefinition" && has_condition(live, "Established", "True")
}

fn definition(live: &Value) -> Verdict {
    // a name that is taken is not this wait's to tell
    let settled = has_condition(live, "Established", "True") || has_condition(live, "NamesAccepted", "False");
    Verdict::when(settled, || "not established".into())
}

#[cfg(test)]
#[path = "ready_tests.rs"]
mod tests;
