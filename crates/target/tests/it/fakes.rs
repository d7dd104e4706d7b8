//! The whole target with its loop, over a runtime and a gateway that are values.

use std::path::Path;
use std::sync::Arc;

use penstock_model::admission::Admission;
use penstock_model::clock::SystemClock;
use penstock_model::container::ContainerRuntime;
use penstock_model::gateway::Gateway;
use penstock_model::release::ImageRef;
use penstock_model::target::{ApplicationScope, ObjectKey, RolloutOrder, RolloutSeen, Target, TargetError};
use penstock_model::{Clock, Digest};
use penstock_target::{AddressRange, LocalSettings, LocalTarget};
use penstock_testkit::{FakeAdmission, FakeGateway, FakeRuntime, until};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

struct House {
    dir: tempfile::TempDir,
    runtime: Arc<FakeRuntime>,
    gateway: Arc<FakeGateway>,
    door: Arc<FakeAdmission>,
    server: Option<Server>,
}

struct Server {
    target: LocalTarget,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

fn open(dir: &Path, runtime: &Arc<FakeRuntime>, gateway: &Arc<FakeGateway>, door: &Arc<FakeAdmission>) -> Result<LocalTarget, TargetError> {
    let (pods, services) = AddressRange::split("10.99.0.0".parse().unwrap(), 24).unwrap();
    let settings = LocalSettings { dir: dir.to_owned(), pods, services };
    let runtime: Arc<dyn ContainerRuntime> = Arc::clone(runtime) as _;
    let gateway: Arc<dyn Gateway> = Arc::clone(gateway) as _;
    let door: Arc<dyn Admission> = Arc::clone(door) as _;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    LocalTarget::open(&settings, runtime, gateway, door, clock)
}

impl House {
    fn new() -> Self {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let mut house = Self {
            dir: tempfile::tempdir().unwrap(),
            runtime: Arc::new(FakeRuntime::new(clock)),
            gateway: Arc::default(),
            door: Arc::default(),
            server: None,
        };
        house.start();
        house
    }

    fn start(&mut self) {
        let target = open(self.dir.path(), &self.runtime, &self.gateway, &self.door).unwrap();
        let stop = CancellationToken::new();
        let task = target.spawn(stop.clone());
        self.server = Some(Server { target, stop, task });
    }

    /// As kill -9 does: nothing is finished.
    fn kill(&mut self) {
        let server = self.server.take().unwrap();
        server.task.abort();
    }

    fn target(&self) -> &LocalTarget {
        &self.server.as_ref().unwrap().target
    }

    async fn apply(&self, manifest: &Value) -> Result<(), TargetError> {
        self.target().apply(&scope(), manifest, 1).await
    }

    async fn shop(&self) {
        self.apply(&json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}})).await.unwrap();
        self.apply(&service()).await.unwrap();
    }

    /// Waits for a shape of the route.
    async fn shape(&self, expected: impl Fn(&str) -> bool) -> String {
        until("the gateway's shape", self.gateway.changed(), || async {
            let shape = self.gateway.shape(ROUTE);
            expected(&shape).then_some(shape)
        })
        .await
    }

    async fn rollout(&self) -> RolloutSeen {
        self.target().rollouts("app").await.unwrap().remove(0)
    }

    async fn rollout_until(&self, what: &str, holds: impl Fn(&RolloutSeen) -> bool) -> RolloutSeen {
        until(what, self.target().changed(), || async {
            let seen = self.target().rollouts("app").await.unwrap().pop();
            seen.filter(&holds)
        })
        .await
    }
}

const ROUTE: &str = "shop/web:80";

fn scope() -> ApplicationScope {
    ApplicationScope { application: "app".into(), project: None, environment: "staging".parse().unwrap(), namespace: "shop".into() }
}

fn image(version: &str) -> ImageRef {
    format!("shop/web@{}", Digest::of(version)).parse().unwrap()
}

fn workload(kind: &str, version: &str, replicas: u32) -> Value {
    let strategy = if kind == "Rollout" { json!({"canary": {"steps": [{"setWeight": 5}]}}) } else { json!({}) };
    json!({
        "apiVersion": if kind == "Rollout" { "argoproj.io/v1alpha1" } else { "apps/v1" }, "kind": kind, "metadata": {"name": "web"},
        "spec": {
            "replicas": replicas, "selector": {"matchLabels": {"app": "web"}}, "strategy": strategy,
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [{
                    "name": "web", "image": image(version).to_string(), "ports": [{"name": "http", "containerPort": 8080}],
                    "env": [{"name": "ME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}],
                }]},
            },
        },
    })
}

fn service() -> Value {
    json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
        "spec": {"type": "NodePort", "selector": {"app": "web"}, "ports": [{"name": "http", "port": 80, "targetPort": "http", "nodePort": 30080}]},
    })
}

fn key(kind: &str) -> ObjectKey {
    ObjectKey::of(&workload(kind, "v1", 1), "shop").unwrap()
}

fn pods_are(count: usize) -> impl Fn(&str) -> bool {
    move |shape: &str| shape.ends_with(&format!("[{count}]")) && !shape.contains(' ')
}

#[tokio::test]
async fn an_applied_deployment_runs_behind_its_service() {
    let house = House::new();
    house.shop().await;
    house.apply(&workload("Deployment", "v1", 2)).await.unwrap();
    house.shape(pods_are(2)).await;
    let started = house.runtime.started();
    let spec = house.runtime.spec(&started[0]).unwrap();
    assert_eq!(spec.env["ME"], started[0]);
    assert_eq!(spec.hosts["web.shop.svc"], house.runtime.addresses()[0]);
    assert!(spec.read_only_root);
    assert_eq!(house.target().url("app").await.unwrap().as_deref(), Some("http://127.0.0.1:30080"));
    let live = house.target().live("app").await.unwrap();
    let deployment = live.iter().find(|object| object.key.kind == "Deployment").unwrap();
    assert_eq!((&deployment.status["readyReplicas"], &deployment.applied), (&json!(2), &workload("Deployment", "v1", 2)));
}

#[tokio::test]
async fn a_killed_container_comes_back_and_its_output_stays() {
    let house = House::new();
    house.shop().await;
    house.apply(&workload("Deployment", "v1", 1)).await.unwrap();
    house.shape(pods_are(1)).await;
    let id = house.runtime.started()[0].clone();
    house.runtime.write_log(&id, "last words\n");
    house.runtime.end(&id, 137);
    house.shape(str::is_empty).await;
    house.shape(pods_are(1)).await;
    assert_eq!(house.runtime.running(), [format!("{id}-r1")]);
    let pods = house.target().pods("app").await.unwrap();
    assert_eq!((pods[0].name.as_str(), pods[0].restarts), (id.as_str(), 1));
    assert!(house.target().logs("shop", &id, 1000).await.unwrap().starts_with("last words\n"));
}

#[tokio::test]
async fn a_restarted_server_finds_everything_and_starts_nothing() {
    let mut house = House::new();
    house.shop().await;
    house.apply(&workload("Rollout", "v1", 2)).await.unwrap();
    house.rollout_until("stable", |seen| seen.stable.is_some()).await;
    let (started, published) = (house.runtime.started(), house.gateway.published().len());
    house.kill();
    house.start();
    house.rollout_until("stable again", |seen| seen.stable_ready == 2).await;
    // one more change, to see that the loop is past its first look
    house.apply(&workload("Rollout", "v1", 3)).await.unwrap();
    house.shape(pods_are(3)).await;
    assert_eq!(house.runtime.started()[..2], started[..]);
    assert_eq!(house.runtime.started().len(), 3);
    assert_eq!(house.runtime.stopped(), Vec::<String>::new());
    for snapshot in &house.gateway.published()[published..] {
        let backends: usize = snapshot.routes[ROUTE].groups.values().map(|group| group.backends.len()).sum();
        assert!(backends >= 2, "traffic was taken away at the restart");
    }
}

#[tokio::test]
async fn a_canary_goes_by_orders_and_is_counted_from_its_beginning() {
    let house = House::new();
    house.shop().await;
    house.apply(&workload("Rollout", "v1", 2)).await.unwrap();
    let first = house.rollout_until("stable", |seen| seen.stable.is_some()).await;
    house.gateway.count(ROUTE, &first.wanted, 1000, 100, 10);
    house.apply(&workload("Rollout", "v2", 2)).await.unwrap();
    let seen = house.rollout_until("a canary", |seen| seen.wanted_ready == 1 && seen.figures_known).await;
    assert_eq!((seen.wanted_replicas, seen.weight, seen.baseline.requests), (1, 0, 0));
    house.target().order(&key("Rollout"), &seen.wanted, &RolloutOrder::SetWeight { percent: 25 }, 1).await.unwrap();
    let shape = house.gateway.shape(ROUTE);
    assert!(shape.contains(&format!("{}=25[1]", seen.wanted)) && shape.contains(&format!("{}=75[2]", first.wanted)), "{shape}");
    house.gateway.count(ROUTE, &seen.wanted, 500, 5, 40);
    house.gateway.count(ROUTE, &first.wanted, 1500, 0, 10);
    let counted = house.rollout().await;
    assert_eq!((counted.weight, counted.canary.requests, counted.canary.errors, counted.baseline.requests), (25, 500, 5, 1500));

    house.gateway.restart();
    assert!(!house.rollout().await.figures_known, "the figures before are lost");
    let again = house.rollout_until("figures again", |seen| seen.figures_known).await;
    assert_eq!(again.canary.requests, 0);

    house.target().order(&key("Rollout"), &seen.wanted, &RolloutOrder::Promote, 1).await.unwrap();
    let done = house.rollout_until("promoted", |now| now.stable.as_deref() == Some(&seen.wanted)).await;
    assert_eq!(done.weight, 100);
    house.shape(pods_are(2)).await;
    until("the old ones are gone", house.target().changed(), || async {
        (house.target().pods("app").await.unwrap().len() == 2).then_some(())
    })
    .await;
    assert_eq!(house.runtime.started().len(), 4);
}

#[tokio::test]
async fn an_abort_is_in_force_when_the_order_returns() {
    let house = House::new();
    house.shop().await;
    house.apply(&workload("Rollout", "v1", 1)).await.unwrap();
    house.rollout_until("stable", |seen| seen.stable.is_some()).await;
    house.apply(&workload("Rollout", "v2", 1)).await.unwrap();
    let seen = house.rollout_until("a canary", |seen| seen.wanted_ready == 1).await;
    let rollout = key("Rollout");
    house.target().order(&rollout, &seen.wanted, &RolloutOrder::SetWeight { percent: 50 }, 1).await.unwrap();
    house.target().order(&rollout, &seen.wanted, &RolloutOrder::Abort, 1).await.unwrap();
    assert!(pods_are(1)(&house.gateway.shape(ROUTE)), "{}", house.gateway.shape(ROUTE));
    assert_eq!(house.rollout().await.weight, 0);
    house.target().order(&rollout, &seen.wanted, &RolloutOrder::Abort, 1).await.unwrap();
}

#[tokio::test]
async fn a_pod_is_stopped_only_after_its_last_request() {
    let house = House::new();
    house.shop().await;
    house.apply(&workload("Deployment", "v1", 1)).await.unwrap();
    house.shape(pods_are(1)).await;
    let id = house.runtime.started()[0].clone();
    house.gateway.under_way(&id, 1);
    house.apply(&workload("Deployment", "v1", 0)).await.unwrap();
    house.shape(str::is_empty).await;
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    assert_eq!(house.runtime.stopped(), Vec::<String>::new(), "a request is under way");
    house.gateway.under_way(&id, 0);
    until("it is stopped", house.runtime.changed(), || async { house.runtime.running().is_empty().then_some(()) }).await;
    assert_eq!(house.runtime.stopped(), [id]);
}

#[tokio::test]
async fn an_image_that_the_door_keeps_out_changes_nothing() {
    let house = House::new();
    house.shop().await;
    house.apply(&workload("Deployment", "v1", 1)).await.unwrap();
    house.shape(pods_are(1)).await;
    house.door.keep_out(&image("v2"), "no decision covers it");
    let denied = house.apply(&workload("Deployment", "v2", 1)).await.unwrap_err();
    assert!(matches!(denied, TargetError::Denied(_)), "{denied}");
    let live = house.target().live("app").await.unwrap();
    assert!(live.iter().any(|object| object.applied == workload("Deployment", "v1", 1)));
    // also not by a restart, should the decision have been taken back
    house.door.keep_out(&image("v1"), "taken back");
    let id = house.runtime.started()[0].clone();
    house.runtime.end(&id, 1);
    until("the refusal", house.target().changed(), || async {
        house.target().pods("app").await.unwrap()[0].message.contains("taken back").then_some(())
    })
    .await;
    house.door.let_in(&image("v1"));
    house.door.warn(&["GHSA-1 came after the decision"]);
    house.shape(pods_are(1)).await;
    until("the warning", house.target().changed(), || async {
        house.target().pods("app").await.unwrap()[0].message.contains("GHSA-1").then_some(())
    })
    .await;
}

#[tokio::test]
async fn what_is_missing_is_said_and_found_when_it_comes() {
    let house = House::new();
    house.shop().await;
    let mut manifest = workload("Deployment", "v1", 1);
    manifest["spec"]["template"]["spec"]["containers"][0]["envFrom"] = json!([{"configMapRef": {"name": "settings"}}]);
    house.apply(&manifest).await.unwrap();
    until("the reason", house.target().changed(), || async {
        house.target().pods("app").await.unwrap().first().filter(|pod| pod.message.contains("no ConfigMap `settings`")).map(|_| ())
    })
    .await;
    house
        .apply(&json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"LEVEL": "info"}}))
        .await
        .unwrap();
    house.shape(pods_are(1)).await;
    assert_eq!(house.runtime.spec(&house.runtime.started()[0]).unwrap().env["LEVEL"], "info");
}

#[tokio::test]
async fn volumes_are_files_with_their_modes() {
    use std::os::unix::fs::PermissionsExt as _;
    let house = House::new();
    house.shop().await;
    house.apply(&json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "keys"}, "data": {"k": "aHVudGVyMg=="}})).await.unwrap();
    let mut manifest = workload("Deployment", "v1", 1);
    let spec = &mut manifest["spec"]["template"]["spec"];
    spec["volumes"] = json!([{"name": "keys", "secret": {"secretName": "keys", "defaultMode": 0o440}}, {"name": "tmp", "emptyDir": {}}]);
    spec["containers"][0]["volumeMounts"] = json!([{"name": "keys", "mountPath": "/keys"}, {"name": "tmp", "mountPath": "/tmp"}]);
    house.apply(&manifest).await.unwrap();
    house.shape(pods_are(1)).await;
    let spec = house.runtime.spec(&house.runtime.started()[0]).unwrap();
    assert_eq!(spec.tmpfs, [("/tmp".to_owned(), 64 << 20)].into());
    let file = spec.mounts[0].source.join("k");
    assert_eq!(std::fs::read(&file).unwrap(), b"hunter2");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o440);
    assert_eq!(std::fs::metadata(house.dir.path()).unwrap().permissions().mode() & 0o777, 0o700);
}

#[tokio::test]
async fn a_stale_writer_and_a_foreign_application_are_refused() {
    let house = House::new();
    house.shop().await;
    house.target().apply(&scope(), &workload("Deployment", "v1", 1), 7).await.unwrap();
    for stale in [
        house.target().apply(&scope(), &workload("Deployment", "v2", 1), 6).await,
        house.target().delete(&scope(), &key("Deployment"), 6).await,
    ] {
        assert!(matches!(stale, Err(TargetError::Superseded(7))), "{stale:?}");
    }
    let other = ApplicationScope { application: "other".into(), ..scope() };
    let refused = house.target().apply(&other, &workload("Deployment", "v2", 1), 9).await.unwrap_err().to_string();
    assert!(refused.contains("belongs to the application app"), "{refused}");
    let nowhere = ApplicationScope { namespace: "nowhere".into(), ..scope() };
    let refused = house.target().apply(&nowhere, &workload("Deployment", "v1", 1), 9).await.unwrap_err().to_string();
    assert!(refused.contains("there is no namespace `nowhere`"), "{refused}");
    // the epoch is kept over a restart
    let again = open(house.dir.path(), &house.runtime, &house.gateway, &house.door).unwrap();
    assert!(matches!(again.apply(&scope(), &workload("Deployment", "v2", 1), 6).await, Err(TargetError::Superseded(7))));
}

#[tokio::test]
async fn a_dead_gateway_is_started_again_and_told_again() {
    let house = House::new();
    house.shop().await;
    house.apply(&workload("Deployment", "v1", 1)).await.unwrap();
    house.shape(pods_are(1)).await;
    let before = house.gateway.ensured();
    house.gateway.down(true);
    house.apply(&workload("Deployment", "v1", 2)).await.unwrap();
    until("the second pod", house.runtime.changed(), || async { (house.runtime.running().len() == 2).then_some(()) }).await;
    penstock_testkit::eventually("it is started again", || async {
        if house.gateway.ensured() > before { Ok(()) } else { Err(house.gateway.ensured()) }
    })
    .await;
    house.gateway.down(false);
    house.shape(pods_are(2)).await;
}

#[tokio::test]
async fn a_view_that_is_not_known_starts_nothing() {
    let house = House::new();
    house.shop().await;
    house.apply(&workload("Deployment", "v1", 1)).await.unwrap();
    house.shape(pods_are(1)).await;
    house.runtime.blind(true);
    house.apply(&workload("Deployment", "v1", 2)).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    assert_eq!(house.runtime.started().len(), 1);
    house.runtime.blind(false);
    house.shape(pods_are(2)).await;
}

#[tokio::test]
async fn tear_down_leaves_nothing() {
    let house = House::new();
    house.shop().await;
    house.apply(&workload("Rollout", "v1", 2)).await.unwrap();
    house.shape(pods_are(2)).await;
    house.target().tear_down("app").await.unwrap();
    assert_eq!(house.runtime.running(), Vec::<String>::new());
    assert!(house.gateway.routes().is_empty());
    assert!(house.target().live("app").await.unwrap().is_empty());
    for part in ["objects", "pods", "volumes", "output"] {
        assert_eq!(std::fs::read_dir(house.dir.path().join(part)).unwrap().count(), 0, "{part}");
    }
}

#[tokio::test]
async fn a_server_that_dies_at_any_moment_starts_each_container_once() {
    for moment in 0..12u32 {
        let mut house = House::new();
        house.shop().await;
        house.apply(&workload("Deployment", "v1", 3)).await.unwrap();
        for _ in 0..moment * 3 {
            tokio::task::yield_now().await;
        }
        house.kill();
        house.start();
        house.shape(pods_are(3)).await;
        let started = house.runtime.started();
        assert_eq!(started.len(), 3, "killed after {moment}: {started:?}");
    }
}

#[tokio::test]
async fn a_broken_file_is_named_with_what_to_do() {
    let house = House::new();
    house.shop().await;
    let file = std::fs::read_dir(house.dir.path().join("objects")).unwrap().next().unwrap().unwrap().path();
    std::fs::write(&file, "{").unwrap();
    let refused = open(house.dir.path(), &house.runtime, &house.gateway, &house.door).err().unwrap().to_string();
    assert!(refused.contains(&*file.to_string_lossy()) && refused.contains("backup"), "{refused}");
    assert!(house.server.as_ref().is_some_and(|server| !server.stop.is_cancelled()));
}
