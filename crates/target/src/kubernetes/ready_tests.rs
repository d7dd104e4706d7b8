use serde_json::json;

use super::*;

#[track_caller]
fn check(live: Value, related: &[Value], expected: &str) {
    let name = ObjectName::of(&live).unwrap();
    let seen = match verdict(&name, &live, &related.iter().collect::<Vec<_>>()) {
        Verdict::Ready => "ready".to_owned(),
        Verdict::Waiting(why) => why,
        Verdict::Failed(why) => format!("failed: {why}"),
    };
    assert_eq!(seen, expected);
}

fn object(api_version: &str, kind: &str, spec: Value, status: Value) -> Value {
    json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": "web", "namespace": "shop", "uid": "u1", "generation": 2}, "spec": spec, "status": status})
}

fn replica_set(template: Value, ready: i64) -> Value {
    json!({"metadata": {"name": "web-1", "generation": 1, "ownerReferences": [{"uid": "u1", "controller": true}]},
        "spec": {"template": template}, "status": {"observedGeneration": 1, "readyReplicas": ready}})
}

fn deployment(replicas: i64, strategy: Value) -> Value {
    let spec = json!({"replicas": replicas, "strategy": strategy, "template": {"metadata": {"labels": {"app": "web"}}}});
    object("apps/v1", "Deployment", spec, json!({"observedGeneration": 2}))
}

#[test]
fn a_deployment_is_ready_with_the_pods_of_its_own_template() {
    let rolling = |surge: Value, unavailable: Value| json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable}});
    let template = json!({"metadata": {"labels": {"app": "web", "pod-template-hash": "x"}, "creationTimestamp": null}});
    let live = deployment(4, rolling(json!("25%"), json!("25%")));
    check(live.clone(), &[], "no ReplicaSet of its template yet");
    check(live.clone(), &[replica_set(json!({"metadata": {"labels": {"app": "old"}}}), 4)], "no ReplicaSet of its template yet");
    check(live.clone(), &[replica_set(template.clone(), 2)], "2 of 3 expected pods are ready");
    check(live, &[replica_set(template.clone(), 3)], "ready");
    check(deployment(1, rolling(json!(0), json!("25%"))), &[replica_set(template.clone(), 0)], "ready");
    check(deployment(2, json!({"type": "Recreate"})), &[replica_set(template, 1)], "1 of 2 expected pods are ready");
    let mut paused = deployment(2, json!({}));
    paused["spec"]["paused"] = json!(true);
    check(paused, &[], "ready");
}

#[test]
fn a_replica_set_of_somebody_else_does_not_count() {
    let mut stranger = replica_set(json!({"metadata": {"labels": {"app": "web"}}}), 9);
    stranger["metadata"]["ownerReferences"][0]["uid"] = json!("u2");
    check(deployment(1, json!({})), &[stranger], "no ReplicaSet of its template yet");
}

#[test]
fn a_stateful_set_waits_for_every_pod_and_for_the_revision() {
    let set = |spec: Value, status: Value| object("apps/v1", "StatefulSet", spec, status);
    let rolling =
        |partition: i64| json!({"replicas": 3, "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": partition}}});
    let status = |updated: i64, ready: i64, current: &str| json!({"observedGeneration": 2, "updatedReplicas": updated, "readyReplicas": ready, "currentRevision": current, "updateRevision": "b"});
    check(set(rolling(0), status(2, 3, "b")), &[], "2 of 3 expected pods are scheduled");
    check(set(rolling(0), status(3, 2, "b")), &[], "2 of 3 expected pods are ready");
    check(set(rolling(0), status(3, 3, "a")), &[], "revision a is not yet b");
    check(set(rolling(2), status(1, 3, "a")), &[], "ready");
    check(set(json!({"updateStrategy": {"type": "OnDelete"}}), json!({"observedGeneration": 2})), &[], "ready");
    check(set(rolling(0), json!({"observedGeneration": 1})), &[], "its controller has seen generation 1 of 2");
}

#[test]
fn a_daemon_set_waits_for_as_many_as_must_be_available() {
    let set = |unavailable: Value, updated: i64, ready: i64| {
        object(
            "apps/v1",
            "DaemonSet",
            json!({"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": unavailable}}}),
            json!({"observedGeneration": 2, "desiredNumberScheduled": 3, "updatedNumberScheduled": updated, "numberReady": ready}),
        )
    };
    check(set(json!(1), 2, 3), &[], "2 of 3 expected pods are scheduled");
    check(set(json!(1), 3, 1), &[], "1 of 2 expected pods are ready");
    check(set(json!("34%"), 3, 1), &[], "ready");
    check(set(json!("rubbish"), 3, 0), &[], "ready");
}

#[test]
fn a_service_needs_an_address() {
    let service = |spec: Value, status: Value| object("v1", "Service", spec, status);
    check(service(json!({"type": "ExternalName"}), json!({})), &[], "ready");
    check(service(json!({"type": "ClusterIP"}), json!({})), &[], "no cluster address");
    let balanced = json!({"type": "LoadBalancer", "clusterIP": "10.0.0.1"});
    check(service(balanced.clone(), json!({"loadBalancer": {}})), &[], "no address of a load balancer");
    check(service(balanced, json!({"loadBalancer": {"ingress": [{"ip": "1.2.3.4"}]}})), &[], "ready");
    check(service(json!({"type": "LoadBalancer", "clusterIP": "10.0.0.1", "externalIPs": ["1.1.1.1"]}), json!({})), &[], "ready");
}

#[test]
fn jobs_pods_claims_and_definitions_follow_their_status() {
    let job = |status: Value| object("batch/v1", "Job", json!({"backoffLimit": 1, "completions": 2}), status);
    check(job(json!({"succeeded": 1})), &[], "1 of 2 completions");
    check(job(json!({"succeeded": 2})), &[], "ready");
    check(job(json!({"failed": 2})), &[], "failed: job is failed: shop/web");
    let ready = json!({"conditions": [{"type": "Ready", "status": "True"}]});
    check(object("v1", "Pod", json!({}), ready.clone()), &[], "ready");
    check(object("v1", "Pod", json!({}), json!({})), &[], "the pod is not ready");
    check(object("v1", "PersistentVolumeClaim", json!({}), json!({"phase": "Pending"})), &[], "not bound");
    let definition = |status: Value| object("apiextensions.k8s.io/v1", "CustomResourceDefinition", json!({}), status);
    check(definition(json!({})), &[], "not established");
    check(definition(json!({"conditions": [{"type": "NamesAccepted", "status": "False"}]})), &[], "ready");
    let controller = object("v1", "ReplicationController", json!({}), json!({"observedGeneration": 2}));
    check(controller.clone(), &[object("v1", "Pod", json!({}), json!({}))], "pod web is not ready");
    check(controller, &[], "ready");
}

#[test]
fn a_hook_is_over_when_its_job_or_pod_is() {
    let done = |kind: &str, status: Value| {
        let live = object(if kind == "Job" { "batch/v1" } else { "v1" }, kind, json!({}), status);
        completed(&ObjectName::of(&live).unwrap(), &live)
    };
    let condition = |of: &str| json!({"conditions": [{"type": of, "status": "True", "reason": "BackoffLimitExceeded"}]});
    assert_eq!(done("Job", condition("Complete")), Verdict::Ready);
    assert_eq!(done("Job", condition("Failed")), Verdict::Failed("job web failed: BackoffLimitExceeded".into()));
    assert_eq!(done("Job", json!({"active": 1})), Verdict::Waiting("1 active, 0 failed, 0 succeeded".into()));
    assert_eq!(done("Pod", json!({"phase": "Failed"})), Verdict::Failed("pod web failed".into()));
    assert_eq!(done("Pod", json!({"phase": "Succeeded"})), Verdict::Ready);
    assert_eq!(done("ConfigMap", json!({})), Verdict::Ready);
}

#[test]
fn kinds_of_other_groups_have_no_rule() {
    let name = |api_version: &str, kind: &str| ObjectName {
        api_version: api_version.into(),
        kind: kind.into(),
        namespace: "a".into(),
        name: "b".into(),
    };
    assert!(!has_rule(&name("serving.knative.dev/v1", "Service"), true));
    assert!(!has_rule(&name("batch/v1", "Job"), false) && has_rule(&name("batch/v1", "Job"), true));
    assert!(has_rule(&name("apps/v1", "Deployment"), false) && !has_rule(&name("v1", "Deployment"), false));
}
