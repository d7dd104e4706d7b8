use penstock_model::Digest;
use penstock_model::gateway::Protocol;
use penstock_model::target::TargetError;
use serde_json::{Value, json};

use super::*;

fn image() -> String {
    format!("oran/api-gateway@{}", Digest::of("image"))
}

/// What the sample product's own workloads look like, with everything that is carried out.
fn full() -> Value {
    serde_json::from_str(&FULL.replace("IMAGE", &image())).unwrap()
}

const FULL: &str = r#"{
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "api-gateway", "namespace": "sdr", "labels": {"a": "b"}, "annotations": {"c": "d"}, "creationTimestamp": null},
        "spec": {
            "replicas": 2, "revisionHistoryLimit": 3, "progressDeadlineSeconds": 60, "minReadySeconds": 0, "paused": false,
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": 0}},
            "selector": {"matchLabels": {"app": "x"}},
            "template": {
                "metadata": {"labels": {"app": "x", "more": "y"}, "annotations": {"prometheus.io/port": "8080"}},
                "spec": {
                    "automountServiceAccountToken": false, "serviceAccountName": "api", "enableServiceLinks": false,
                    "terminationGracePeriodSeconds": 10, "restartPolicy": "Always",
                    "securityContext": {"runAsNonRoot": true, "runAsUser": 10001, "runAsGroup": 10001, "seccompProfile": {"type": "RuntimeDefault"}},
                    "volumes": [
                        {"name": "config", "configMap": {"name": "settings", "items": [{"key": "a", "path": "b/c"}], "defaultMode": 420}},
                        {"name": "keys", "secret": {"secretName": "keys", "optional": true}},
                        {"name": "tmp", "emptyDir": {"medium": "Memory", "sizeLimit": "8Mi"}}
                    ],
                    "containers": [{
                        "name": "api", "image": "IMAGE", "imagePullPolicy": "IfNotPresent",
                        "command": ["/api"], "args": ["--name", "$(POD)"], "workingDir": "/srv",
                        "ports": [{"name": "http", "containerPort": 8080, "protocol": "TCP"}],
                        "envFrom": [{"configMapRef": {"name": "settings"}}, {"prefix": "S_", "secretRef": {"name": "keys", "optional": true}}],
                        "env": [
                            {"name": "A", "value": "1"}, {"name": "EMPTY"},
                            {"name": "POD", "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.name"}}},
                            {"name": "K", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "k", "optional": true}}}
                        ],
                        "startupProbe": {"httpGet": {"path": "/readyz", "port": "http", "scheme": "HTTP", "httpHeaders": [{"name": "X", "value": "y"}]}, "periodSeconds": 1, "failureThreshold": 30},
                        "readinessProbe": {"tcpSocket": {"port": 8080}, "successThreshold": 2},
                        "livenessProbe": {"grpc": {"port": 8080, "service": "s"}, "initialDelaySeconds": 1, "timeoutSeconds": 2},
                        "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"cpu": 1, "memory": "128Mi"}},
                        "securityContext": {"readOnlyRootFilesystem": true, "allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}},
                        "volumeMounts": [{"name": "config", "mountPath": "/etc/api", "readOnly": true}, {"name": "keys", "mountPath": "/keys/k", "subPath": "k"}, {"name": "tmp", "mountPath": "/tmp"}]
                    }]
                }
            }
        },
        "status": {}
    }"#;

#[track_caller]
fn refused(manifest: &Value) -> (String, String) {
    match read(manifest, "sdr") {
        Err(TargetError::Unsupported { what, hint, .. }) => (what, hint),
        other => panic!("not refused: {other:?}"),
    }
}

/// Sets one field of the full manifest; the refusal must name it.
#[track_caller]
fn check(pointer: &str, value: Value, expected: &str) {
    let mut manifest = full();
    let (parent, field) = pointer.rsplit_once('/').unwrap();
    let parent = manifest.pointer_mut(parent).unwrap_or_else(|| panic!("no {parent}"));
    match parent {
        Value::Array(items) => items.push(value),
        parent => parent[field] = value,
    }
    let (what, hint) = refused(&manifest);
    assert!(what.contains(expected), "{pointer}: `{what}` does not name {expected}");
    assert!(!hint.is_empty());
}

#[test]
fn everything_that_is_carried_out_is_read() {
    let read = read(&full(), "other").unwrap();
    assert_eq!(read.key.namespace, "sdr");
    let Kind::Workload(workload) = read.kind else { panic!("no workload") };
    assert_eq!(workload.strategy, workload::Strategy::Rolling { surge: 1, unavailable: 0 });
    let template = &workload.template;
    assert_eq!((template.user().as_deref(), template.grace().as_secs()), (Some("10001:10001"), 10));
    let container = template.container();
    assert_eq!((container.memory(), container.cpu_millis()), (Some(128 << 20), Some(1000)));
    assert_eq!(container.image().unwrap().to_string(), image());
}

#[test]
fn what_is_not_carried_out_is_refused_with_its_path() {
    let pod = "/spec/template/spec";
    let container = "/spec/template/spec/containers/0";
    for (pointer, value, expected) in [
        (format!("{pod}/initContainers"), json!([]), "`spec.template.spec.initContainers`"),
        (format!("{pod}/affinity"), json!({}), "`spec.template.spec.affinity`"),
        (format!("{pod}/hostNetwork"), json!(true), "`spec.template.spec.hostNetwork`"),
        (format!("{pod}/containers/-"), json!({"name": "b", "image": image()}), "`spec.template.spec.containers` with 2 containers"),
        (format!("{pod}/automountServiceAccountToken"), json!(true), "automountServiceAccountToken"),
        (format!("{pod}/restartPolicy"), json!("Never"), "restartPolicy"),
        (format!("{pod}/securityContext/fsGroup"), json!(1), "`spec.template.spec.securityContext.fsGroup`"),
        (format!("{pod}/securityContext/runAsUser"), json!(0), "runAsNonRoot"),
        (format!("{pod}/securityContext/runAsUser"), Value::Null, "`runAsNonRoot` without `runAsUser`"),
        (format!("{pod}/securityContext/seccompProfile"), json!({"type": "Unconfined"}), "Unconfined"),
        (format!("{pod}/volumes/-"), json!({"name": "d", "hostPath": {"path": "/"}}), "`spec.template.spec.volumes[3].hostPath`"),
        (format!("{pod}/volumes/-"), json!({"name": "tmp", "emptyDir": {}}), "the name `tmp`"),
        (
            format!("{pod}/volumes/-"),
            json!({"name": "x", "configMap": {"name": "a", "items": [{"key": "k", "path": "../x"}]}}),
            "a path of",
        ),
        (format!("{container}/image"), json!("oran/api-gateway"), "`spec.template.spec.containers[0].image`"),
        (format!("{container}/image"), json!("oran/api-gateway:latest"), ".image`"),
        (format!("{container}/lifecycle"), json!({}), "`spec.template.spec.containers[0].lifecycle`"),
        (format!("{container}/securityContext/readOnlyRootFilesystem"), json!(false), "readOnlyRootFilesystem` false"),
        (format!("{container}/securityContext/allowPrivilegeEscalation"), json!(true), "privileges"),
        (format!("{container}/securityContext/privileged"), json!(true), "privileges"),
        (format!("{container}/securityContext/capabilities"), json!({"add": ["NET_ADMIN"]}), "capabilities.add`"),
        (format!("{container}/resources/limits"), json!({"nvidia.com/gpu": 1}), "limits.nvidia.com/gpu"),
        (format!("{container}/resources/limits"), json!({"cpu": "much"}), "limits.cpu"),
        (format!("{container}/ports/0/hostPort"), json!(80), "ports[0].hostPort`"),
        (format!("{container}/ports/0/protocol"), json!("UDP"), "ports[0].protocol`"),
        (
            format!("{container}/env/-"),
            json!({"name": "X", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}),
            "env[4].valueFrom.fieldRef.fieldPath` spec.nodeName",
        ),
        (format!("{container}/env/-"), json!({"name": "X", "valueFrom": {"resourceFieldRef": {}}}), "resourceFieldRef`"),
        (format!("{container}/env/-"), json!({"name": "X", "value": 1}), "env[4].value`"),
        (format!("{container}/livenessProbe/successThreshold"), json!(2), "livenessProbe.successThreshold"),
        (format!("{container}/startupProbe/exec"), json!({"command": ["x"]}), "startupProbe` without exactly one handler"),
        (format!("{container}/startupProbe/httpGet/scheme"), json!("HTTPS"), "httpGet.scheme`"),
        (format!("{container}/startupProbe/httpGet/port"), json!("web"), "startupProbe.httpGet.port`"),
        (format!("{container}/startupProbe/httpGet/host"), json!("x"), "httpGet.host`"),
        (format!("{container}/volumeMounts/-"), json!({"name": "tmp", "mountPath": "../x"}), "mountPath"),
        (format!("{container}/volumeMounts/-"), json!({"name": "tmp", "mountPath": "/proc/x"}), "mountPath"),
        (format!("{container}/volumeMounts/-"), json!({"name": "no", "mountPath": "/x"}), "volumeMounts[3].name` no"),
        (format!("{container}/volumeMounts/-"), json!({"name": "tmp", "mountPath": "/x", "mountPropagation": "None"}), "mountPropagation`"),
        ("/spec/minReadySeconds".into(), json!(3), "minReadySeconds"),
        ("/spec/paused".into(), json!(true), "paused"),
        ("/spec/replicas".into(), json!(1000), "replicas"),
        ("/spec/replicas".into(), json!(-1), "spec.replicas"),
        ("/spec/selector".into(), json!({"matchLabels": {"app": "z"}}), "matchLabels"),
        ("/spec/selector/matchExpressions".into(), json!([]), "`spec.selector.matchExpressions`"),
        ("/spec/strategy/rollingUpdate".into(), json!({"maxSurge": 0, "maxUnavailable": 0}), "both numbers 0"),
        ("/spec/strategy/rollingUpdate/maxSurge".into(), json!("a%"), "maxSurge"),
        ("/spec/strategy/type".into(), json!("Recreate"), "rollingUpdate` with type Recreate"),
        ("/metadata/finalizers".into(), json!([]), "`metadata.finalizers`"),
        ("/metadata/name".into(), json!("../x"), "metadata.name"),
        ("/metadata/namespace".into(), json!("A"), "metadata.namespace"),
        ("/status/replicas".into(), json!(2), "`status.replicas`"),
        ("/extra".into(), json!(1), "`extra`"),
        ("/apiVersion".into(), json!("apps/v1beta1"), "`Deployment` of `apps/v1beta1`"),
        ("/kind".into(), json!("StatefulSet"), "`StatefulSet` of `apps/v1`"),
    ] {
        check(&pointer, value, expected);
    }
}

#[test]
fn the_samples_own_rollout_is_read_and_foreign_traffic_is_not() {
    let mut manifest = full();
    manifest["apiVersion"] = json!("argoproj.io/v1alpha1");
    manifest["kind"] = json!("Rollout");
    manifest["spec"]["strategy"] = json!({"canary": {"steps": [{"setWeight": 5}, {"pause": {"duration": "15m"}}], "analysis": {"templates": [{"templateName": "requests"}]}}});
    let Kind::Workload(workload) = read(&manifest, "").unwrap().kind else { panic!("no workload") };
    assert_eq!(workload.strategy, workload::Strategy::Canary);
    manifest["spec"]["strategy"]["canary"]["trafficRouting"] = json!({});
    assert_eq!(refused(&manifest).0, "`spec.strategy.canary.trafficRouting`");
    manifest["spec"]["strategy"] = json!({"blueGreen": {}});
    assert_eq!(refused(&manifest).1, "use `canary` with the steps you want");
}

#[test]
fn services_say_what_is_spoken() {
    let service = |port: Value| json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"}, "spec": {"type": "NodePort", "selector": {"a": "b"}, "ports": [port]}});
    for (fields, protocol) in [
        (json!({"port": 80, "nodePort": 30080, "appProtocol": "http"}), Protocol::Http),
        (json!({"port": 80, "nodePort": 30080, "appProtocol": "kubernetes.io/h2c"}), Protocol::H2c),
        (json!({"port": 80, "nodePort": 30080, "name": "grpc-e2"}), Protocol::H2c),
        (json!({"port": 80, "nodePort": 30080, "name": "http"}), Protocol::Http),
        (json!({"port": 80, "nodePort": 30080}), Protocol::Tcp),
    ] {
        let Kind::Service(read) = read(&service(fields), "n").unwrap().kind else { panic!("no service") };
        assert_eq!(read.ports[0].spoken(), Some(protocol));
    }
    for (fields, expected) in [
        (json!({"port": 80}), "without `nodePort`"),
        (json!({"port": 80, "nodePort": 80}), "nodePort` 80"),
        (json!({"port": 80, "nodePort": 30080, "protocol": "UDP"}), "protocol`"),
        (json!({"port": 80, "nodePort": 30080, "appProtocol": "https"}), "appProtocol` https"),
        (json!({"port": 0, "nodePort": 30080}), "port` 0"),
        (json!({"port": 70000, "nodePort": 30080}), "spec.ports[0].port"),
    ] {
        let (what, _) = refused(&service(fields));
        assert!(what.contains(expected), "{what}");
    }
    let mut other = service(json!({"port": 80, "nodePort": 30080}));
    other["spec"]["clusterIP"] = json!("None");
    assert_eq!(refused(&other).0, "`spec.clusterIP`");
    other["spec"] = json!({"type": "LoadBalancer", "selector": {"a": "b"}, "ports": []});
    assert!(refused(&other).1.contains("NodePort"));
    other["spec"] = json!({"ports": [{"port": 80}]});
    assert!(refused(&other).0.contains("selector"));
}

#[test]
fn secrets_are_decoded_and_a_refusal_never_shows_them() {
    let secret = |data: Value| json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "type": "Opaque", "data": data, "stringData": {"t": "u"}});
    let Kind::Secret(data) = read(&secret(json!({"k": "aHVudGVyMg=="})), "n").unwrap().kind else { panic!("no secret") };
    assert_eq!((&data.0["k"][..], &data.0["t"][..]), (&b"hunter2"[..], &b"u"[..]));
    assert!(!format!("{data:?}").contains("hunter2"));
    for bad in
        [json!({"k": "hunter2!"}), json!({"k": {"x": "hunter2"}}), json!({"../k": "aGk="}), json!({"k": ["hunter2"]}), json!("hunter2")]
    {
        let (what, hint) = refused(&secret(bad));
        assert!(!format!("{what} {hint}").contains("hunter2"), "{what}: {hint}");
    }
}

#[test]
fn a_job_ends_and_nothing_probes_it() {
    let mut manifest = full();
    manifest["apiVersion"] = json!("batch/v1");
    manifest["kind"] = json!("Job");
    let mut template = manifest["spec"]["template"].clone();
    template["spec"]["restartPolicy"] = json!("Never");
    manifest["spec"] = json!({"backoffLimit": 1, "activeDeadlineSeconds": 60, "template": template});
    assert!(refused(&manifest).0.contains("probe"));
    for probe in ["startupProbe", "readinessProbe", "livenessProbe"] {
        manifest["spec"]["template"]["spec"]["containers"][0].as_object_mut().unwrap().remove(probe);
    }
    assert!(matches!(read(&manifest, "n").unwrap().kind, Kind::Job(_)));
    manifest["spec"]["completions"] = json!(3);
    assert!(refused(&manifest).0.contains("completions"));
    manifest["spec"]["completions"] = json!(1);
    manifest["spec"]["template"]["spec"]["restartPolicy"] = json!("Always");
    assert!(refused(&manifest).0.contains("restartPolicy"));
}

#[test]
fn garbage_is_refused_and_never_panics() {
    for garbage in [
        json!(null),
        json!([]),
        json!({"apiVersion": "v1", "kind": "ConfigMap"}),
        json!({"apiVersion": 1, "kind": "ConfigMap", "metadata": {"name": "x"}}),
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "x"}, "spec": null}),
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "x"}, "spec": {"selector": {"matchLabels": {}}, "template": {"spec": {"containers": []}}}}),
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}, "data": {"k": "x".repeat(2 << 20)}}),
    ] {
        assert!(read(&garbage, "n").is_err());
    }
}
