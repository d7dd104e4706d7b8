//! Updates beside those of the real helm.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use penstock_model::cluster::{Change, Cluster as _, CustomMerge, ObjectName, Outcome, Patch, Until, ownership};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::Stage;
use super::objects::definition;
use crate::cluster::helm;

/// A chart of these templates.
pub(crate) fn chart(name: &str, templates: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("templates")).unwrap();
    std::fs::write(folder.path().join("Chart.yaml"), format!("apiVersion: v2\nname: {name}\nversion: 0.1.0\n")).unwrap();
    for (file, text) in templates {
        std::fs::write(folder.path().join("templates").join(file), text).unwrap();
    }
    folder
}

/// Runs the real helm; its output, or what it complained of.
pub(crate) async fn run_helm(kubeconfig: &Path, namespace: &str, words: &[&str]) -> Result<String, String> {
    let mut command = tokio::process::Command::new(helm());
    command.args(words).args(["--namespace", namespace]).arg("--kubeconfig").arg(kubeconfig);
    let out = command.output().await.unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    if out.status.success() { Ok(text(out.stdout)) } else { Err(text(out.stderr)) }
}

/// Installs or upgrades the release `web` to these objects.
async fn helms(stage: &Stage, namespace: &str, objects: &[Value]) -> Result<String, String> {
    let documents: Vec<String> = objects.iter().map(ToString::to_string).collect();
    let folder = chart("web", &[("all.yaml", &documents.join("\n---\n"))]);
    run_helm(&stage.kubeconfig, namespace, &["upgrade", "--install", "web", folder.path().to_str().unwrap()]).await
}

/// The same by the cluster trait, as Helm's upgrade calls it.
async fn ours(stage: &Stage, namespace: &str, from: &[Value], to: &[Value], force: bool) -> Outcome {
    let mut change = Change { force, custom: CustomMerge::TwoWay, ..Change::default() };
    for object in from {
        change.original.push(stage.cluster.place(object.clone(), namespace).await.unwrap());
    }
    for object in to {
        let mut object = stage.cluster.place(object.clone(), namespace).await.unwrap();
        ownership::mark(&mut object, ownership::Owner { release: "web", namespace });
        change.target.push(object);
    }
    stage.cluster.update(&change).await
}

fn whole(outcome: Outcome) {
    if let Some(failure) = outcome.failure {
        panic!("{failure}");
    }
}

fn workload(kind: &str, pod: Value, rest: Value) -> Value {
    let mut spec = json!({"selector": {"matchLabels": {"app": "web"}}, "template": {"metadata": {"labels": {"app": "web"}}, "spec": pod}});
    for (key, value) in rest.as_object().unwrap() {
        spec[key] = value.clone();
    }
    json!({"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": "web"}, "spec": spec})
}

fn named(api_version: &str, kind: &str, rest: Value) -> Value {
    let mut object = json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": "web"}});
    for (key, value) in rest.as_object().unwrap() {
        object[key] = value.clone();
    }
    object
}

/// Three versions of a product: fields come, change and go, in every manner that patches know.
fn version(at: usize) -> Vec<Value> {
    let pick = |of: [Value; 3]| of[at - 1].clone();
    let image = "localhost/busybox:1";
    let containers = pick([
        json!([
            {"name": "a", "image": image, "args": ["x"], "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
             "ports": [{"containerPort": 80, "name": "http"}, {"containerPort": 53, "protocol": "UDP", "name": "dns"}]},
            {"name": "b", "image": image, "volumeMounts": [{"name": "v", "mountPath": "/v"}]}
        ]),
        json!([
            {"name": "b", "image": image, "volumeMounts": [{"name": "v", "mountPath": "/w"}], "resources": {"limits": {"cpu": "100m"}}},
            {"name": "a", "image": image, "env": [{"name": "B", "value": "3"}], "ports": [{"containerPort": 80, "name": "web"}]}
        ]),
        json!([{"name": "a", "image": image, "env": [{"name": "C", "value": "1"}], "command": ["/bin/sh"]}]),
    ]);
    let volumes = pick([json!([{"name": "v", "emptyDir": {}}]), json!([{"name": "v", "configMap": {"name": "web"}}]), json!([])]);
    let pod = json!({"containers": containers, "volumes": volumes, "tolerations": pick([json!([{"key": "a", "operator": "Exists"}]), json!([]), json!([{"key": "b", "operator": "Exists"}])])});
    let strategy = pick([json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}), json!({"type": "Recreate"}), json!({})]);
    let rule = |host: &str| json!({"host": host, "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": {"service": {"name": "web", "port": {"number": 80}}}}]}});
    let mut objects = vec![
        named("v1", "ConfigMap", json!({"data": pick([json!({"a": "1", "b": "2"}), json!({"b": "3", "c": "4"}), json!({"c": "4"})])})),
        named(
            "v1",
            "ServiceAccount",
            json!({"imagePullSecrets": pick([json!([{"name": "a"}, {"name": "b"}]), json!([{"name": "b"}]), json!([{"name": "c"}, {"name": "b"}])])}),
        ),
        named(
            "v1",
            "Service",
            json!({"spec": {"selector": {"app": "web"}, "ports": pick([
                json!([{"port": 80, "name": "http"}, {"port": 81, "name": "other"}]),
                json!([{"port": 80, "name": "http", "targetPort": 8080}]),
                json!([{"port": 82, "name": "third"}, {"port": 80, "name": "http"}]),
            ])}}),
        ),
        workload("Deployment", pod.clone(), json!({"replicas": 0, "strategy": strategy})),
        workload("DaemonSet", json!({"nodeSelector": {"none": "none"}, "containers": containers, "volumes": volumes}), json!({})),
        named(
            "networking.k8s.io/v1",
            "Ingress",
            json!({"spec": {"rules": pick([json!([rule("a"), rule("b")]), json!([rule("b")]), json!([rule("c"), rule("b")])])}}),
        ),
        named(
            "batch/v1",
            "CronJob",
            json!({"spec": {"schedule": pick([json!("0 0 1 1 *"), json!("0 0 2 1 *"), json!("0 0 1 1 *")]), "suspend": at == 2,
            "jobTemplate": {"spec": {"template": {"spec": {"restartPolicy": "Never", "containers": containers, "volumes": volumes}}}}}}),
        ),
        named(
            "stories.example.com/v1",
            "Widget",
            json!({"spec": pick([
                json!({"size": 1, "list": [{"name": "a"}, {"name": "b"}], "gone": {"x": 1}}),
                json!({"size": 2.5, "list": [{"name": "b"}], "wide": 100_000_000}),
                json!({"list": [], "gone": {"y": null, "z": 1e21}}),
            ])}),
        ),
    ];
    objects[0]["metadata"]["labels"] = pick([json!({"x": "1", "y": "1"}), json!({"y": "2"}), json!({"z": "1"})]);
    objects[3]["metadata"]["annotations"] = pick([json!({"x": "<1> & \"2\""}), json!({"y": "1"}), json!({})]);
    if at != 2 {
        objects.push(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "sometimes"}, "data": {"at": at.to_string()}}));
    }
    objects
}

/// What is there, without what two objects never share.
async fn seen(stage: &Stage, namespace: &str, objects: &[Value]) -> BTreeMap<String, Value> {
    let mut all = BTreeMap::new();
    for object in objects {
        let name = ObjectName::of(&stage.cluster.place(object.clone(), namespace).await.unwrap()).unwrap();
        let mut live = stage.cluster.get(&name).await.unwrap().unwrap_or_default();
        if let Some(metadata) = live.get_mut("metadata").and_then(Value::as_object_mut) {
            for own in ["uid", "resourceVersion", "creationTimestamp", "managedFields", "namespace"] {
                metadata.shift_remove(own);
            }
            if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
                annotations.shift_remove("meta.helm.sh/release-namespace");
                // a controller's, sooner or later
                annotations.shift_remove("deployment.kubernetes.io/revision");
                annotations.shift_remove("deprecated.daemonset.template.generation");
            }
        }
        for (part, own) in [("spec", "clusterIP"), ("spec", "clusterIPs")] {
            if let Some(map) = live.get_mut(part).and_then(Value::as_object_mut) {
                map.shift_remove(own);
            }
        }
        if let Some(map) = live.as_object_mut() {
            map.shift_remove("status");
        }
        all.insert(format!("{} {}", name.kind, name.name), live);
    }
    all
}

/// Somebody's hands on what was delivered.
async fn drift(stage: &Stage, namespace: &str, round: usize) {
    let name = |api_version: &str, kind: &str| ObjectName {
        api_version: api_version.into(),
        kind: kind.into(),
        namespace: namespace.into(),
        name: "web".into(),
    };
    let sidecar =
        json!({"spec": {"replicas": 1, "template": {"spec": {"containers": [{"name": "sidecar", "image": "localhost/busybox:1"}]}}}});
    let drifts = [
        (
            name("apps/v1", "Deployment"),
            Patch::Strategic(if round == 1 { sidecar } else { json!({"spec": {"paused": true, "replicas": 0}}) }),
        ),
        (name("v1", "ConfigMap"), Patch::Merge(json!({"data": {"b": "drifted", "theirs": "1"}}))),
        (name("stories.example.com/v1", "Widget"), Patch::Merge(json!({"spec": {"size": 9, "theirs": true}}))),
        (name("v1", "Service"), Patch::Strategic(json!({"spec": {"ports": [{"port": 99, "name": "theirs"}]}}))),
    ];
    for (name, patch) in drifts {
        stage.cluster.patch(&name, &patch).await.unwrap();
    }
}

/// Other stories may bring the same kind.
async fn widgets(stage: &Stage) {
    let definition = definition("widgets", "Widget");
    match stage.cluster.create(&definition).await {
        Err(error) if !error.is_already_exists() => panic!("{error}"),
        _ => {}
    }
    stage.cluster.wait(&[ObjectName::of(&definition).unwrap()], Until::Ready { jobs: false }, Duration::from_secs(30)).await.unwrap();
}

pub(crate) async fn ours_and_helms_upgrades_end_alike(stage: &Stage) {
    widgets(stage).await;
    let theirs = format!("{}-helm", stage.namespace);
    stage.cluster.create(&json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": theirs}})).await.unwrap();
    let mut before = Vec::new();
    let mut known = version(1);
    for (round, at) in [1, 2, 3, 2, 1, 3].into_iter().enumerate() {
        let objects = version(at);
        let (mine, helm) = tokio::join!(ours(stage, &stage.namespace, &before, &objects, false), helms(stage, &theirs, &objects));
        helm.unwrap();
        whole(mine);
        known.extend(objects.iter().cloned());
        let (mine, helm) = (seen(stage, &stage.namespace, &known).await, seen(stage, &theirs, &known).await);
        for (name, live) in &mine {
            assert_eq!(live, &helm[name], "{name} after round {round}, version {at}");
        }
        tokio::join!(drift(stage, &stage.namespace, round), drift(stage, &theirs, round));
        before = objects;
    }
}

pub(crate) async fn ours_then_helm_then_ours(stage: &Stage) {
    widgets(stage).await;
    let versions = |all: &BTreeMap<String, Value>| -> BTreeMap<String, Value> {
        all.iter().map(|(name, live)| (name.clone(), live["metadata"]["resourceVersion"].clone())).collect()
    };
    let mut all = version(1);
    all.retain(|object| object["metadata"]["name"] != "sometimes");
    let raw = || async {
        let mut lives = BTreeMap::new();
        for object in &all {
            let name = ObjectName::of(&stage.cluster.place(object.clone(), &stage.namespace).await.unwrap()).unwrap();
            // controllers write into these at any time
            if !matches!(name.kind.as_str(), "Deployment" | "DaemonSet" | "CronJob") {
                lives.insert(name.kind.clone(), stage.cluster.get(&name).await.unwrap().unwrap());
            }
        }
        lives
    };
    helms(stage, &stage.namespace, &version(1)).await.unwrap();
    // what we brought is as helm wants it: it changes nothing, and so on in turn
    whole(ours(stage, &stage.namespace, &version(1), &version(2), false).await);
    let after_ours = versions(&raw().await);
    helms(stage, &stage.namespace, &version(2)).await.unwrap();
    assert_eq!(versions(&raw().await), after_ours);
    helms(stage, &stage.namespace, &version(3)).await.unwrap();
    let after_helm = versions(&raw().await);
    // what helm created meanwhile is taken in as it is wanted, as an upgrade does with what is its own
    let known: Vec<Value> = version(2).into_iter().chain(version(3).pop()).collect();
    whole(ours(stage, &stage.namespace, &known, &version(3), false).await);
    assert_eq!(versions(&raw().await), after_helm);
    let shown = run_helm(&stage.kubeconfig, &stage.namespace, &["rollback", "web", "1"]).await.unwrap();
    assert!(shown.contains("Rollback was a success"), "{shown}");
    let map = stage.live(&stage.object("v1", "ConfigMap", "web", json!({}))).await;
    assert_eq!(map["data"], json!({"a": "1", "b": "2"}));
}

pub(crate) async fn what_is_not_ours_is_refused_in_helms_words(stage: &Stage) {
    let mut map = stage.object("v1", "ConfigMap", "a", json!({"data": {"a": "1"}}));
    map["metadata"]["labels"] = json!({"app.kubernetes.io/managed-by": "somebody"});
    stage.cluster.create(&map).await.unwrap();
    let said = helms(stage, &stage.namespace, &[map.clone()]).await.unwrap_err();
    let owner = ownership::Owner { release: "web", namespace: &stage.namespace };
    let name = ObjectName::of(&map).unwrap();
    let why = ownership::conflict(&name, &stage.live(&map).await, owner).unwrap();
    assert_eq!(said.trim_end().rsplit("Unable to continue with install: ").next().unwrap(), why);
    let mut ours = map.clone();
    ownership::mark(&mut ours, owner);
    stage.cluster.replace(&ours).await.unwrap();
    assert_eq!(ownership::conflict(&name, &stage.live(&map).await, owner), None);
    helms(stage, &stage.namespace, &[map]).await.unwrap();
}

pub(crate) async fn an_update_tells_what_it_did_where_it_fails(stage: &Stage) {
    let theirs = format!("{}-helm", stage.namespace);
    stage.cluster.create(&json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": theirs}})).await.unwrap();
    let pod = json!({"containers": [{"name": "a", "image": "localhost/busybox:1"}]});
    let deployment = workload("Deployment", pod, json!({"replicas": 0}));
    let map = |name: &str| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}});
    let mut kept = map("kept");
    kept["metadata"]["annotations"] = json!({"helm.sh/resource-policy": "keep"});
    let first = [deployment.clone(), kept.clone(), map("gone")];
    whole(ours(stage, &stage.namespace, &[], &first, false).await);
    helms(stage, &theirs, &first).await.unwrap();

    let mut moved = deployment.clone();
    moved["spec"]["selector"]["matchLabels"] = json!({"app": "other"});
    moved["spec"]["template"]["metadata"]["labels"] = json!({"app": "other"});
    let second = [map("new"), moved];
    let outcome = ours(stage, &stage.namespace, &first, &second, false).await;
    let said = helms(stage, &theirs, &second).await.unwrap_err();
    assert_eq!(format!("Error: UPGRADE FAILED: {}", outcome.failure.unwrap()), said.trim_end());
    let names =
        |objects: &[Value]| objects.iter().map(|object| object["metadata"]["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    assert_eq!((names(&outcome.updated.created), names(&outcome.updated.updated)), (vec!["new".into()], vec!["web".into()]));
    assert!(outcome.updated.deleted.is_empty(), "nothing is deleted where something failed");

    let third = [map("new"), deployment];
    let outcome = ours(stage, &stage.namespace, &[first.as_slice(), &[map("new")]].concat(), &third, true).await;
    assert_eq!(outcome.failure.map(|error| error.to_string()), None);
    assert_eq!(outcome.updated.deleted.iter().map(|name| name.name.as_str()).collect::<Vec<_>>(), ["gone"]);
    let left: Vec<_> = outcome.updated.left.iter().map(|(name, why)| (name.name.as_str(), why.as_str())).collect();
    assert_eq!(left, [("kept", "kept by helm.sh/resource-policy: keep")]);

    let stranger = ours(stage, &stage.namespace, &[], &[map("new")], false).await.failure.unwrap();
    assert_eq!(stranger.to_string(), "no ConfigMap with the name \"new\" found");
}
