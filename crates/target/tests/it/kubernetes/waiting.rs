//! Waiting, and what containers wrote.

use std::time::{Duration, Instant};

use penstock_model::cluster::{Cluster as _, ClusterError, ObjectName, Propagation, Query, Until, Waiting};
use serde_json::{Value, json};

use super::Stage;

const LONG: Duration = Duration::from_secs(120);

fn container(script: &str) -> Value {
    json!({"name": "a", "image": "localhost/busybox:1", "command": ["/bin/sh", "-c", script]})
}

/// A Deployment whose pods are ready a second after they began.
pub(crate) fn deployment(stage: &Stage, name: &str, replicas: u32, script: &str) -> Value {
    let mut container = container(script);
    container["readinessProbe"] = json!({"exec": {"command": ["/bin/busybox", "test", "-e", "/tmp/ready"]}, "periodSeconds": 1});
    let spec = json!({
        "replicas": replicas, "selector": {"matchLabels": {"app": name}},
        "template": {"metadata": {"labels": {"app": name}}, "spec": {"terminationGracePeriodSeconds": 0, "containers": [container]}},
    });
    stage.object("apps/v1", "Deployment", name, json!({"spec": spec}))
}

const SERVING: &str = "/bin/busybox touch /tmp/ready; exec /bin/busybox sleep 1000";

pub(crate) async fn a_deployment_is_waited_for(stage: &Stage) {
    let cluster = &stage.cluster;
    let wanted = deployment(stage, "web", 2, SERVING);
    let service = json!({"spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]}});
    let service = stage.object("v1", "Service", "web", service);
    for object in [&wanted, &service] {
        cluster.create(object).await.unwrap();
    }
    let names = [ObjectName::of(&wanted).unwrap(), ObjectName::of(&service).unwrap()];
    let began = Instant::now();
    cluster.wait(&names, Until::Ready { jobs: true }, LONG).await.unwrap();
    println!("a deployment of two is ready after {:?}", began.elapsed());
    assert!(stage.live(&wanted).await["status"]["readyReplicas"].as_i64() >= Some(1));
    let began = Instant::now();
    cluster.wait(&names, Until::Ready { jobs: true }, LONG).await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(10), "what is ready needs no wait");
}

pub(crate) async fn a_wait_tells_what_is_lacking(stage: &Stage) {
    let cluster = &stage.cluster;
    let stuck = deployment(stage, "stuck", 1, "exec /bin/busybox sleep 1000");
    let absent = stage.object("apps/v1", "StatefulSet", "absent", json!({}));
    cluster.create(&stuck).await.unwrap();
    let name = ObjectName::of(&stuck).unwrap();
    let lacking = loop {
        let error = cluster.wait(std::slice::from_ref(&name), Until::Ready { jobs: false }, Duration::from_secs(2)).await.unwrap_err();
        let told = error.to_string();
        let ClusterError::NotYet(lacking) = error else { panic!("{told}") };
        assert_eq!(told, format!("context deadline exceeded: {}", lacking[0]));
        // the controllers of a busy machine take a while to begin
        if lacking.iter().all(|waiting| waiting.why.contains("is not ready")) {
            break lacking;
        }
    };
    let [told] = lacking.as_slice() else { panic!("{lacking:?}") };
    let why = told.why.strip_prefix("0 of 1 expected pods are ready: pod stuck-").expect("what is lacking, and the pod");
    assert!(why.ends_with(": container a runs and is not ready"), "{why}");
    let error = cluster.wait(&[ObjectName::of(&absent).unwrap()], Until::Ready { jobs: false }, LONG).await.unwrap_err();
    assert!(error.is_not_found());
    assert_eq!(error.to_string(), "statefulsets.apps \"absent\" not found");
    let map = stage.object("v1", "ConfigMap", "absent", json!({}));
    cluster.wait(&[ObjectName::of(&map).unwrap()], Until::Ready { jobs: false }, LONG).await.unwrap();
}

pub(crate) async fn jobs_end_well_or_not(stage: &Stage) {
    let cluster = &stage.cluster;
    let job = |name: &str, script: &str| {
        let pod = json!({"restartPolicy": "Never", "terminationGracePeriodSeconds": 0, "containers": [container(script)]});
        stage.object("batch/v1", "Job", name, json!({"spec": {"backoffLimit": 0, "template": {"spec": pod}}}))
    };
    let (good, bad) = (job("good", "echo one; echo two"), job("bad", "echo why >&2; exit 3"));
    for job in [&good, &bad] {
        cluster.create(job).await.unwrap();
    }
    let name = |job: &Value| ObjectName::of(job).unwrap();
    cluster.wait(&[name(&good)], Until::Completed, LONG).await.unwrap();
    cluster.wait(&[name(&good)], Until::Ready { jobs: true }, LONG).await.unwrap();
    let failed = cluster.wait(&[name(&bad)], Until::Completed, LONG).await.unwrap_err();
    assert_eq!(failed.to_string(), "job bad failed: BackoffLimitExceeded");
    let failed = cluster.wait(&[name(&bad)], Until::Ready { jobs: true }, LONG).await.unwrap_err();
    assert_eq!(failed.to_string(), format!("job is failed: {}/bad", stage.namespace));
    cluster.wait(&[name(&bad)], Until::Ready { jobs: false }, LONG).await.unwrap();
    // of two channels none knows which was first: each job speaks on one
    let logs = async |labels: &str, most| {
        let query = Query {
            api_version: "v1".into(),
            kind: "Pod".into(),
            namespace: stage.namespace.clone(),
            labels: labels.into(),
            fields: String::new(),
        };
        let pods = cluster.list(&query).await.unwrap();
        cluster.logs(&stage.namespace, pods[0]["metadata"]["name"].as_str().unwrap(), "a", most).await.unwrap()
    };
    assert_eq!(logs("job-name=good", 1 << 20).await, "one\ntwo\n");
    assert_eq!(logs("job-name=good", 5).await, "one\nt");
    assert_eq!(logs("job-name=bad", 1 << 20).await, "why\n");
}

pub(crate) async fn what_is_deleted_is_waited_out(stage: &Stage) {
    let cluster = &stage.cluster;
    let mut held = stage.object("v1", "ConfigMap", "held", json!({}));
    held["metadata"]["finalizers"] = json!(["stories.example.com/hold"]);
    let wanted = deployment(stage, "gone", 1, SERVING);
    for object in [&held, &wanted] {
        cluster.create(object).await.unwrap();
    }
    let names = [ObjectName::of(&wanted).unwrap(), ObjectName::of(&held).unwrap()];
    assert!(cluster.delete(&names[0], Propagation::Foreground).await.unwrap());
    assert!(cluster.delete(&names[1], Propagation::Background).await.unwrap());
    let error = cluster.wait(&names[1..], Until::Deleted, Duration::from_secs(1)).await.unwrap_err();
    let ClusterError::NotYet(lacking) = error else { panic!("{error}") };
    assert_eq!(lacking[0].why, "still there");
    let patch = penstock_model::cluster::Patch::Merge(json!({"metadata": {"finalizers": null}}));
    let (tell, mut heard) = tokio::sync::mpsc::unbounded_channel();
    let told = move |waiting: &Waiting| tell.send(waiting.to_string()).unwrap();
    let let_go = async {
        while heard.recv().await.is_some_and(|told| told != format!("{}: still there", names[1])) {}
        cluster.patch(&names[1], &patch).await.unwrap();
    };
    let (waited, ()) = tokio::join!(cluster.wait_telling(&names, Until::Deleted, LONG, &told), let_go);
    waited.unwrap();
    let pods = Query { api_version: "v1".into(), kind: "Pod".into(), namespace: stage.namespace.clone(), ..Query::default() };
    assert_eq!(cluster.list(&pods).await.unwrap(), Vec::<Value>::new(), "foreground: the pods went first");
}
