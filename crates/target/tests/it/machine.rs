//! The real runtime and the real gateway, with a workload of our own; everything goes when the test ends.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::{Duration, Instant};

use penstock_container::{Runtime, RuntimeSettings, Subnet};
use penstock_gateway::GatewayClient;
use penstock_model::admission::Admission;
use penstock_model::blob::BlobStore;
use penstock_model::clock::SystemClock;
use penstock_model::container::{ContainerRuntime, ContainerStatus};
use penstock_model::gateway::Gateway;
use penstock_model::image::{Descriptor, ImageConfig, Manifest, RootFs, RunConfig, media};
use penstock_model::release::ImageRef;
use penstock_model::target::{ApplicationScope, ObjectKey, RolloutOrder, RolloutSeen, Target, TargetError};
use penstock_model::{Clock, Digest};
use penstock_target::{AddressRange, LocalSettings, LocalTarget};
use penstock_testkit::{FakeAdmission, MemoryBlobs, free_port, until};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

static NEXT: AtomicU32 = AtomicU32::new(0);

/// The workload, compiled once for all tests.
static WEB: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let dir = tempfile::tempdir().unwrap();
    let program = dir.path().join("web");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/web/main.rs");
    let built = std::process::Command::new("rustc")
        .args(["--edition", "2024", "-C", "target-feature=+crt-static", "-C", "opt-level=1", "-o"])
        .args([program.as_os_str(), source.as_os_str()])
        .status()
        .expect("rustc is there where cargo is");
    assert!(built.success());
    std::fs::read(program).unwrap()
});

/// The program that container monitors and the gateway are. `cargo test` builds it, `cargo test --test it` does not.
static PARTS: LazyLock<PathBuf> = LazyLock::new(|| {
    let own = std::env::current_exe().unwrap();
    let parts = own.parent().unwrap().parent().unwrap().join("examples/parts");
    if !parts.exists() {
        let mut cargo = std::process::Command::new(env!("CARGO"));
        let built = cargo.args(["build", "--quiet", "--example", "parts"]).current_dir(env!("CARGO_MANIFEST_DIR")).status();
        assert!(built.unwrap().success());
    }
    parts
});

fn parts() -> PathBuf {
    PARTS.clone()
}

/// A machine of one test.
pub struct Machine {
    pub dir: tempfile::TempDir,
    pub instance: String,
    pub subnet: Subnet,
    pub blobs: Arc<MemoryBlobs>,
    pub gateway: Arc<GatewayClient>,
    pub door: Arc<FakeAdmission>,
    pub image: ImageRef,
    pub node_port: u16,
    pub starts: Arc<Mutex<Vec<String>>>,
    pub registrar: SocketAddr,
    pub server: Option<Server>,
}

/// How long what a dying server is at may take to be gone.
const DEATH: Duration = Duration::from_secs(20);

/// A server: what `kill -9` takes away.
pub struct Server {
    pub target: LocalTarget,
    pub runtime: Arc<Runtime>,
    /// What a process would be: whatever it is at ends with it, also what it was about to write.
    threads: tokio::runtime::Runtime,
}

impl Machine {
    pub async fn new() -> Self {
        let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "warn".into());
        let _ = tracing_subscriber::fmt().with_env_filter(filter).with_test_writer().try_init();
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let instance = format!("target-{}-{number}", std::process::id());
        let dir = tempfile::tempdir().unwrap();
        let blobs = Arc::new(MemoryBlobs::default());
        let image = add_image(&blobs).await;
        let node_port = free_port();
        std::fs::create_dir_all(dir.path().join("gateway")).unwrap();
        let mut machine = Self {
            gateway: Arc::new(GatewayClient::new(parts(), &dir.path().join("gateway"))),
            subnet: Subnet::for_instance(&instance),
            registrar: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            dir,
            instance,
            blobs,
            door: Arc::default(),
            image,
            node_port,
            starts: Arc::default(),
            server: None,
        };
        machine.start().await;
        machine.listen();
        machine
    }

    /// Counts starts of the workload by its own word.
    fn listen(&mut self) {
        let listener = TcpListener::bind((self.subnet.bridge(), 0)).unwrap();
        self.registrar = listener.local_addr().unwrap();
        let starts = Arc::clone(&self.starts);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let mut line = String::new();
                if BufReader::new(stream).read_line(&mut line).is_ok_and(|read| read > 0) {
                    starts.lock().unwrap().push(line.trim().to_owned());
                }
            }
        });
    }

    /// Starts a server, or another one after it died.
    pub async fn start(&mut self) {
        let settings = RuntimeSettings {
            dir: self.dir.path().join("containers"),
            program: parts(),
            instance: self.instance.clone(),
            subnet: self.subnet,
        };
        let runtime = Arc::new(Runtime::open(settings, Arc::clone(&self.blobs) as Arc<dyn BlobStore>).await.unwrap());
        runtime.make_bridge().unwrap();
        let (pods, services) = AddressRange::split(self.subnet.address(0), 24).unwrap();
        let settings = LocalSettings { dir: self.dir.path().join("target"), pods, services };
        let target = LocalTarget::open(
            &settings,
            Arc::clone(&runtime) as Arc<dyn ContainerRuntime>,
            Arc::clone(&self.gateway) as Arc<dyn Gateway>,
            Arc::clone(&self.door) as Arc<dyn Admission>,
            Arc::new(SystemClock) as Arc<dyn Clock>,
        )
        .unwrap();
        let threads = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let here = threads.enter();
        drop(target.spawn(CancellationToken::new()));
        drop(here);
        self.server = Some(Server { target, runtime, threads });
    }

    /// As kill -9 does: nothing is finished.
    pub async fn kill(&mut self) {
        let server = self.server.take().unwrap();
        tokio::task::spawn_blocking(move || server.threads.shutdown_timeout(DEATH)).await.unwrap();
    }

    pub fn target(&self) -> &LocalTarget {
        &self.server.as_ref().unwrap().target
    }

    pub fn runtime(&self) -> &Arc<Runtime> {
        &self.server.as_ref().unwrap().runtime
    }

    pub async fn apply(&self, manifest: &Value) {
        self.target().apply(&scope(), manifest, 1).await.unwrap();
    }

    pub async fn order(&self, rollout: &RolloutSeen, order: RolloutOrder) -> Result<(), TargetError> {
        self.target().order(&rollout.key, &rollout.wanted, &order, 1).await
    }

    /// The namespace and a Service in front of `app: web`.
    pub async fn shop(&self) {
        self.apply(&json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}})).await;
        let ports = json!([{"name": "http", "port": 80, "targetPort": "http", "nodePort": self.node_port}]);
        self.apply(&json!({
            "apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
            "spec": {"type": "NodePort", "selector": {"app": "web"}, "ports": ports},
        }))
        .await;
    }

    /// A Deployment or Rollout of the workload.
    pub fn workload(&self, kind: &str, version: &str, replicas: u32) -> Value {
        let strategy = if kind == "Rollout" { json!({"canary": {"steps": [{"setWeight": 5}]}}) } else { json!({}) };
        json!({
            "apiVersion": if kind == "Rollout" { "argoproj.io/v1alpha1" } else { "apps/v1" }, "kind": kind, "metadata": {"name": "web"},
            "spec": {
                "replicas": replicas, "selector": {"matchLabels": {"app": "web"}}, "strategy": strategy,
                "template": {"metadata": {"labels": {"app": "web"}}, "spec": self.pod(version)},
            },
        })
    }

    pub fn pod(&self, version: &str) -> Value {
        json!({
            "terminationGracePeriodSeconds": 1,
            "securityContext": {"runAsNonRoot": true, "runAsUser": 10001, "runAsGroup": 10001},
            "containers": [{
                "name": "web", "image": self.image.to_string(), "ports": [{"name": "http", "containerPort": 8080}],
                "env": [
                    {"name": "VERSION", "value": version}, {"name": "REGISTRAR", "value": self.registrar.to_string()},
                    {"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
                ],
                "startupProbe": {"httpGet": {"path": "/readyz", "port": "http"}, "periodSeconds": 1, "failureThreshold": 30},
                "readinessProbe": {"httpGet": {"path": "/readyz", "port": "http"}, "periodSeconds": 1, "failureThreshold": 1},
                "livenessProbe": {"exec": {"command": ["/web", "check"]}, "periodSeconds": 5},
            }],
        })
    }

    /// Pods that are ready, by name.
    pub async fn ready(&self, count: usize) -> Vec<String> {
        until("ready pods", self.target().changed(), || async {
            let pods = self.target().pods("app").await.unwrap();
            let all = pods.len();
            let ready: Vec<String> = pods.into_iter().filter(|pod| pod.ready).map(|pod| pod.name).collect();
            (ready.len() == count && all == count).then_some(ready)
        })
        .await
    }

    pub async fn rollout(&self, what: &str, holds: impl Fn(&RolloutSeen) -> bool) -> RolloutSeen {
        until(what, self.target().changed(), || async { self.target().rollouts("app").await.unwrap().pop().filter(&holds) }).await
    }

    /// Process ids of what runs, by container.
    pub async fn pids(&self) -> BTreeMap<String, u32> {
        let listed = self.runtime().list().await.unwrap();
        let running = listed.into_iter().filter_map(|state| match state.status {
            ContainerStatus::Running { pid, .. } => Some((state.spec.id, pid)),
            ContainerStatus::Exited { .. } => None,
        });
        running.collect()
    }

    /// One request through the node port.
    pub async fn get(&self, path: &str) -> Result<(u16, String), String> {
        get(self.node_port, path).await
    }

    /// A constant load until it is stopped.
    pub fn load(&self, paths: &'static [&'static str]) -> Load {
        let stop = CancellationToken::new();
        let tally: Arc<Mutex<Tally>> = Arc::default();
        let port = self.node_port;
        let users = (0..4).map(|user| {
            let (stop, tally) = (stop.clone(), Arc::clone(&tally));
            tokio::spawn(async move {
                let mut turn = user;
                while !stop.is_cancelled() {
                    turn += 1;
                    let path = paths[turn % paths.len()];
                    let answer = get(port, path).await;
                    let mut tally = tally.lock().unwrap();
                    match answer {
                        Ok((200, version)) => *tally.versions.entry(version).or_default() += 1,
                        other => tally.failed.push(format!("{path}: {other:?}")),
                    }
                }
            })
        });
        let users = users.collect();
        Load { stop, tally, users, began: Instant::now() }
    }

    /// Everything goes, by the target's own way.
    pub async fn tear_down(self) {
        self.target().tear_down("app").await.unwrap();
        assert!(self.runtime().list().await.unwrap().is_empty());
    }
}

impl Drop for Machine {
    /// Also after a test that failed.
    fn drop(&mut self) {
        let Some(server) = self.server.take() else { return };
        let gateway = Arc::clone(&self.gateway);
        let cleaned = std::thread::spawn(move || {
            server.threads.shutdown_timeout(DEATH);
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let _ = gateway.shut_down().await;
                let _ = server.runtime.tear_down().await;
            });
        });
        let _ = cleaned.join();
    }
}

/// What came of a load.
#[derive(Debug, Default)]
pub struct Tally {
    pub versions: BTreeMap<String, u32>,
    pub failed: Vec<String>,
}

pub struct Load {
    stop: CancellationToken,
    tally: Arc<Mutex<Tally>>,
    users: Vec<JoinHandle<()>>,
    began: Instant,
}

impl Load {
    /// Forgets what came until now.
    pub fn begin_anew(&mut self) {
        *self.tally.lock().unwrap() = Tally::default();
        self.began = Instant::now();
    }

    /// Waits until so many requests were answered since.
    pub async fn requests(&self, count: u32) {
        let answered = || self.tally.lock().unwrap().versions.values().sum::<u32>();
        penstock_testkit::eventually("requests", || async { if answered() >= count { Ok(()) } else { Err(answered()) } }).await;
    }

    pub async fn stop(self) -> Tally {
        self.stop.cancel();
        for user in self.users {
            user.await.unwrap();
        }
        std::mem::take(&mut self.tally.lock().unwrap())
    }
}

/// One request over a connection of its own.
async fn get(port: u16, path: &str) -> Result<(u16, String), String> {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let ask = async {
        let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", port)).await?;
        stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: web\r\nconnection: close\r\n\r\n").as_bytes()).await?;
        let mut all = Vec::new();
        stream.read_to_end(&mut all).await?;
        Ok::<_, std::io::Error>(String::from_utf8_lossy(&all).into_owned())
    };
    let answer = tokio::time::timeout(Duration::from_secs(20), ask).await.map_err(|_| "no answer".to_owned())?;
    let answer = answer.map_err(|error| error.to_string())?;
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or_else(|| format!("no HTTP: {answer:?}"))?;
    Ok((status, answer.split("\r\n\r\n").nth(1).unwrap_or_default().to_owned()))
}

pub fn scope() -> ApplicationScope {
    ApplicationScope { application: "app".into(), project: None, environment: "staging".parse().unwrap(), namespace: "shop".into() }
}

pub fn key(kind: &str, group: &str) -> ObjectKey {
    ObjectKey { group: group.into(), kind: kind.into(), namespace: "shop".into(), name: "web".into() }
}

/// An image with the workload alone in it.
async fn add_image(blobs: &MemoryBlobs) -> ImageRef {
    let mut archive = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_path("web").unwrap();
    header.set_size(WEB.len() as u64);
    header.set_mode(0o755);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(1_700_000_000);
    header.set_cksum();
    archive.append(&header, &WEB[..]).unwrap();
    let layer = archive.into_inner().unwrap();
    let described = |media_type: &str, bytes: &[u8]| Descriptor {
        media_type: media_type.to_owned(),
        digest: Digest::of(bytes),
        size: bytes.len() as u64,
        artifact_type: None,
        annotations: BTreeMap::new(),
    };
    let config = ImageConfig {
        created: None,
        architecture: "amd64".to_owned(),
        os: "linux".to_owned(),
        config: RunConfig { entrypoint: Some(vec!["/web".into()]), ..RunConfig::default() },
        rootfs: RootFs { kind: "layers".to_owned(), diff_ids: vec![Digest::of(&layer)] },
        history: Vec::new(),
    };
    let config = serde_json::to_vec(&config).unwrap();
    let manifest = Manifest {
        schema_version: 2,
        media_type: media::MANIFEST.to_owned(),
        artifact_type: None,
        config: described(media::CONFIG, &config),
        layers: vec![described(media::LAYER_TAR, &layer)],
        subject: None,
        annotations: BTreeMap::new(),
    };
    blobs.put_bytes(layer.into()).await.unwrap();
    blobs.put_bytes(config.into()).await.unwrap();
    let digest = blobs.put_bytes(serde_json::to_vec(&manifest).unwrap().into()).await.unwrap();
    ImageRef { name: "shop/web".parse().unwrap(), digest }
}
