//! Why pods are not as they should be, as far as they say so themselves.

use penstock_model::cluster::{ObjectName, Query};
use serde_json::Value;

use super::selector;

/// The most that is told of what one container says.
const LONGEST: usize = 300;
/// What a container waits for that is no trouble yet.
const USUAL: [&str; 2] = ["ContainerCreating", "PodInitializing"];

/// Which pods an object that makes some has.
pub(super) fn pods_of(object: &ObjectName, live: &Value) -> Option<Query> {
    let selector = live.pointer("/spec/selector")?;
    let labels = match object.kind.as_str() {
        "Deployment" | "DaemonSet" | "StatefulSet" | "ReplicaSet" | "Job" => selector::of(selector)?,
        "ReplicationController" => selector::of_labels(selector)?,
        _ => return None,
    };
    Some(Query { api_version: "v1".into(), kind: "Pod".into(), namespace: object.namespace.clone(), labels, fields: String::new() })
}

/// What keeps an object from its pods, or the first of them that says so from being ready.
pub(super) fn of(live: &Value, pods: &[Value]) -> Option<String> {
    let refused = condition(live, "ReplicaFailure", "True").map(|condition| text(condition, "/message").to_owned());
    refused.or_else(|| pods.iter().find_map(of_pod)).map(|why| why.chars().take(LONGEST).collect())
}

fn of_pod(pod: &Value) -> Option<String> {
    let name = text(pod, "/metadata/name");
    if let Some(waits) = condition(pod, "PodScheduled", "False") {
        return Some(format!("pod {name} has no node: {}", text(waits, "/message")));
    }
    let statuses = |of: &str| pod.pointer(of).and_then(Value::as_array).into_iter().flatten();
    let mut containers = statuses("/status/initContainerStatuses").chain(statuses("/status/containerStatuses"));
    containers.find_map(of_container).map(|why| format!("pod {name}: {why}"))
}

fn of_container(status: &Value) -> Option<String> {
    let name = text(status, "/name");
    let ended = |of: &str| status.pointer(of).and_then(Value::as_i64).filter(|code| *code != 0);
    let waits = text(status, "/state/waiting/reason");
    if !waits.is_empty() && !USUAL.contains(&waits) {
        let message = text(status, "/state/waiting/message");
        let code = ended("/lastState/terminated/exitCode").map(|code| format!("ended with exit code {code}"));
        let parts = [Some(waits.to_owned()), code, Some(message.to_owned()).filter(|message| !message.is_empty())];
        return Some(format!("container {name}: {}", parts.into_iter().flatten().collect::<Vec<_>>().join(": ")));
    }
    if let Some(code) = ended("/state/terminated/exitCode") {
        return Some(format!("container {name} ended with exit code {code}"));
    }
    let unready = status.pointer("/state/running").is_some() && status.pointer("/ready").and_then(Value::as_bool) == Some(false);
    unready.then(|| format!("container {name} runs and is not ready"))
}

fn condition<'a>(of: &'a Value, kind: &str, status: &str) -> Option<&'a Value> {
    let mut conditions = of.pointer("/status/conditions").and_then(Value::as_array).into_iter().flatten();
    conditions.find(|condition| text(condition, "/type") == kind && text(condition, "/status") == status)
}

fn text<'a>(value: &'a Value, path: &str) -> &'a str {
    value.pointer(path).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(status: Value, wanted: Option<&str>) {
        let fine =
            json!({"metadata": {"name": "a"}, "status": {"containerStatuses": [{"name": "c", "ready": true, "state": {"running": {}}}]}});
        let pods = [fine, json!({"metadata": {"name": "b"}, "status": status})];
        assert_eq!(of(&json!({}), &pods).as_deref(), wanted);
    }

    fn container(status: Value) -> Value {
        let mut status = status;
        status["name"] = json!("c");
        json!({ "containerStatuses": [status] })
    }

    #[test]
    fn a_pod_tells_what_keeps_it_from_being_ready() {
        let waits = json!({"waiting": {"reason": "ErrImagePull", "message": "no such host"}});
        check(container(json!({ "state": waits })), Some("pod b: container c: ErrImagePull: no such host"));
        let again = json!({"state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": {"terminated": {"exitCode": 3}}});
        check(container(again), Some("pod b: container c: CrashLoopBackOff: ended with exit code 3"));
        check(container(json!({"state": {"terminated": {"exitCode": 1}}})), Some("pod b: container c ended with exit code 1"));
        check(container(json!({"state": {"running": {}}, "ready": false})), Some("pod b: container c runs and is not ready"));
        let nowhere = json!({"conditions": [{"type": "PodScheduled", "status": "False", "message": "0/1 nodes are available"}]});
        check(nowhere, Some("pod b has no node: 0/1 nodes are available"));
    }

    #[test]
    fn what_is_only_being_made_is_no_trouble() {
        check(container(json!({"state": {"waiting": {"reason": "ContainerCreating"}}})), None);
        check(container(json!({"state": {"terminated": {"exitCode": 0}}})), None);
        check(json!({}), None);
    }

    #[test]
    fn pods_that_are_refused_are_told_by_what_should_make_them() {
        let live = json!({"status": {"conditions": [{"type": "ReplicaFailure", "status": "True", "message": "exceeded quota"}]}});
        assert_eq!(of(&live, &[]).as_deref(), Some("exceeded quota"));
        let object = ObjectName { api_version: "apps/v1".into(), kind: "Deployment".into(), namespace: "shop".into(), name: "web".into() };
        let query = pods_of(&object, &json!({"spec": {"selector": {"matchLabels": {"app": "web"}}}})).unwrap();
        assert_eq!((query.kind.as_str(), query.namespace.as_str(), query.labels.as_str()), ("Pod", "shop", "app=web"));
    }
}
