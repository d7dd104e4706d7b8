//! How well a live object is, read off its `status`; one file for each kind that can be unwell.

mod deployment;
mod job;
mod other;
mod rollout;
mod service;

use penstock_model::target::{LiveObject, ObjectKey};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How well; the later, the worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HealthStatus {
    /// As wanted.
    Healthy,
    /// Held on purpose: a canary at a step that waits for a person.
    Paused,
    /// On its way.
    Progressing,
    /// Not there.
    Missing,
    /// Something is wrong.
    Degraded,
}

/// How well, and why not better.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// How well.
    pub status: HealthStatus,
    /// One line; empty for the healthy.
    pub message: String,
}

impl Health {
    fn new(status: HealthStatus, message: impl Into<String>) -> Self {
        Self { status, message: message.into() }
    }
    fn healthy() -> Self {
        Self::new(HealthStatus::Healthy, "")
    }
    fn progressing(message: impl Into<String>) -> Self {
        Self::new(HealthStatus::Progressing, message)
    }
    fn degraded(message: impl Into<String>) -> Self {
        Self::new(HealthStatus::Degraded, message)
    }
    /// Of an object that does not live.
    pub fn missing() -> Self {
        Self::new(HealthStatus::Missing, "it is not there")
    }
}

/// How well a live object is.
pub fn health(object: &LiveObject) -> Health {
    let key = &object.key;
    match (key.group.as_str(), key.kind.as_str()) {
        ("apps", "Deployment") => deployment::health(object),
        ("argoproj.io", "Rollout") => rollout::health(object),
        ("batch", "Job") => job::health(object),
        ("", "Service") => service::health(object),
        _ => other::health(object),
    }
}

/// How well all of it is together: as the worst part of it.
pub fn overall<'a>(parts: impl IntoIterator<Item = (&'a ObjectKey, &'a Health)>) -> Health {
    let worst = parts.into_iter().max_by_key(|(_, health)| health.status);
    match worst {
        None => Health::healthy(),
        Some((_, health)) if health.status == HealthStatus::Healthy => Health::healthy(),
        Some((key, health)) => Health::new(health.status, format!("{key}: {}", health.message)),
    }
}

fn count(object: &LiveObject, field: &str) -> u64 {
    object.status.get(field).and_then(Value::as_u64).unwrap_or(0)
}

fn wanted_replicas(object: &LiveObject) -> u64 {
    object.applied.pointer("/spec/replicas").and_then(Value::as_u64).unwrap_or(1)
}

/// A condition as (holds, reason, message).
fn condition<'a>(object: &'a LiveObject, kind: &str) -> Option<(bool, &'a str, &'a str)> {
    let conditions = object.status.get("conditions")?.as_array()?;
    let found = conditions.iter().find(|condition| condition.get("type").and_then(Value::as_str) == Some(kind))?;
    let text = |field: &str| found.get(field).and_then(Value::as_str).unwrap_or_default();
    Some((text("status") == "True", text("reason"), text("message")))
}

fn has_status(object: &LiveObject) -> bool {
    object.status.as_object().is_some_and(|status| !status.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn object(group: &str, kind: &str, applied: Value, status: Value) -> LiveObject {
        let key = ObjectKey { group: group.into(), kind: kind.into(), namespace: "n".into(), name: "x".into() };
        LiveObject { key, applied, status }
    }

    #[track_caller]
    fn check(group: &str, kind: &str, replicas: u64, status: Value, expected: &str) {
        let seen = health(&object(group, kind, json!({"spec": {"replicas": replicas}}), status));
        assert_eq!(format!("{:?} {}", seen.status, seen.message).trim_end(), expected);
    }

    #[test]
    fn deployments() {
        let check = |replicas, status, expected| check("apps", "Deployment", replicas, status, expected);
        let full = json!({"replicas": 2, "updatedReplicas": 2, "readyReplicas": 2, "availableReplicas": 2});
        check(2, full.clone(), "Healthy");
        check(0, json!({"replicas": 0}), "Healthy");
        check(2, json!({}), "Progressing nothing is known of it yet");
        check(3, full, "Progressing 2 of 3 pods are of the wanted template");
        check(2, json!({"replicas": 3, "updatedReplicas": 2, "availableReplicas": 3}), "Progressing 1 old pods are still there");
        check(2, json!({"replicas": 2, "updatedReplicas": 2, "availableReplicas": 1}), "Progressing 1 of 2 pods are available");
        let stuck =
            json!([{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "x-1: exit code 1"}]);
        check(2, json!({"replicas": 2, "updatedReplicas": 2, "conditions": stuck}), "Degraded ProgressDeadlineExceeded: x-1: exit code 1");
    }

    #[test]
    fn rollouts() {
        let check = |status, expected| check("argoproj.io", "Rollout", 2, status, expected);
        check(json!({"phase": "Healthy"}), "Healthy");
        check(json!({"phase": "Progressing", "message": "weight 5 %"}), "Progressing weight 5 %");
        check(json!({"phase": "Paused", "message": "CanaryPauseStep"}), "Paused CanaryPauseStep");
        check(json!({"phase": "Degraded", "message": "RolloutAborted"}), "Degraded RolloutAborted");
        check(json!({}), "Progressing nothing is known of it yet");
        check(json!({"phase": "Odd"}), "Progressing `Odd`");
    }

    #[test]
    fn jobs() {
        let check = |status, expected| check("batch", "Job", 1, status, expected);
        check(json!({"conditions": [{"type": "Complete", "status": "True"}]}), "Healthy");
        check(
            json!({"conditions": [{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded", "message": "exit code 3"}]}),
            "Degraded BackoffLimitExceeded: exit code 3",
        );
        check(json!({"active": 1, "conditions": []}), "Progressing it runs");
        check(json!({}), "Progressing it has not begun");
        check(json!({"conditions": [{"type": "Suspended", "status": "True"}]}), "Paused it is suspended");
    }

    #[test]
    fn services_and_others() {
        check("", "Service", 1, json!({"loadBalancer": {}}), "Healthy");
        check("", "ConfigMap", 1, json!({}), "Healthy");
        check("", "Namespace", 1, json!({"phase": "Active"}), "Healthy");
        check("", "Namespace", 1, json!({"phase": "Terminating"}), "Progressing it is being removed");
        let balanced = object("", "Service", json!({"spec": {"type": "LoadBalancer"}}), json!({"loadBalancer": {}}));
        assert_eq!(health(&balanced).status, HealthStatus::Progressing);
    }

    #[test]
    fn all_of_it_is_as_well_as_its_worst_part() {
        let parts = [
            object("", "ConfigMap", json!({}), json!({})),
            object("argoproj.io", "Rollout", json!({}), json!({"phase": "Degraded", "message": "m"})),
        ];
        let parts: Vec<_> = parts.iter().map(|part| (&part.key, health(part))).collect();
        let seen = overall(parts.iter().map(|(key, health)| (*key, health)));
        assert_eq!((seen.status, seen.message.as_str()), (HealthStatus::Degraded, "Rollout n/x: m"));
        assert_eq!(overall([]).status, HealthStatus::Healthy);
    }
}
