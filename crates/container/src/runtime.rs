//! The hand itself: containers of one instance on this machine.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fs;
use std::io;
use std::net::Ipv4Addr;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use penstock_model::Digest;
use penstock_model::blob::{BlobStore, LogSink};
use penstock_model::container::{ContainerError, ContainerRuntime, ContainerSpec, ContainerState, ContainerStatus, ExecOutput, ImageFacts};
use penstock_model::release::ImageRef;
use rustix::process::Signal;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::{Mutex, OwnedRwLockReadGuard, RwLock, watch};

use crate::launch::Launch;
use crate::layers::Layers;
use crate::network::Subnet;
use crate::one_shot::{OneShot, Streams};
use crate::state::{Home, ProcessId, Started};
use crate::{image, logfile, network, probe, sweep};

/// How long the kernel may take to end a killed process.
const KILL_LIMIT: Duration = Duration::from_secs(20);

/// Between two looks at a one-shot container that starts, and how many there are.
const START_LOOK: Duration = Duration::from_millis(10);
const START_LOOKS: usize = 1000;

/// What a runtime is built with.
#[derive(Clone, Debug)]
pub struct RuntimeSettings {
    /// Its own directory: layers, containers.
    pub dir: PathBuf,
    /// The program that answers to [`crate::helper_main`]: the penstock binary.
    pub program: PathBuf,
    /// A name that is unique on this machine: `[a-z0-9-]`, at most 40.
    pub instance: String,
    /// Its addresses; [`Subnet::for_instance`] unless there is a reason.
    pub subnet: Subnet,
}

/// Runs containers of one instance.
pub struct Runtime {
    pub(crate) settings: RuntimeSettings,
    pub(crate) blobs: Arc<dyn BlobStore>,
    pub(crate) layers: Layers,
    changed: Arc<watch::Sender<u64>>,
    watched: Arc<std::sync::Mutex<HashSet<ProcessId>>>,
    turns: Mutex<HashMap<String, Arc<Mutex<()>>>>,
    /// Held for reading while layers are being found and are not yet written down as used.
    pub(crate) using_layers: Arc<RwLock<()>>,
}

impl Runtime {
    /// Makes its directories, removes what a dead server's one-shot containers left, and finds the
    /// containers that still run. Must be called inside a tokio runtime, as root.
    pub async fn open(settings: RuntimeSettings, blobs: Arc<dyn BlobStore>) -> Result<Self, ContainerError> {
        if !is_word(&settings.instance, 40) {
            return Err(runtime_error("", format!("`{}` is no instance name: [a-z0-9-], at most 40", settings.instance)));
        }
        if !nix::unistd::geteuid().is_root() {
            return Err(runtime_error("", "containers need root: start the server as root"));
        }
        for directory in ["layers", "containers", "runs"] {
            let path = settings.dir.join(directory);
            fs::create_dir_all(&path).map_err(|source| ContainerError::Io { what: format!("making {}", path.display()), source })?;
        }
        let runtime = Self {
            layers: Layers::new(settings.dir.join("layers"), Arc::clone(&blobs)),
            settings,
            blobs,
            changed: Arc::new(watch::Sender::new(0)),
            watched: Arc::default(),
            turns: Mutex::default(),
            using_layers: Arc::default(),
        };
        runtime.sweep_dead().await?;
        runtime.list().await?;
        Ok(runtime)
    }

    /// Makes the instance's bridge, which the first container on it would do too: a server wants to know beforehand
    /// whether its subnet is free.
    pub fn make_bridge(&self) -> Result<(), ContainerError> {
        network::ensure_bridge(&self.settings.instance, self.settings.subnet).map(drop).map_err(bridge_failed)
    }

    /// This instance's addresses.
    pub fn subnet(&self) -> Subnet {
        self.settings.subnet
    }

    pub(crate) fn home(&self, id: &str) -> Home {
        Home(self.settings.dir.join("containers").join(id))
    }

    /// Where a one-shot container lives.
    pub(crate) fn run_home(&self, id: &str) -> Home {
        Home(self.settings.dir.join("runs").join(id))
    }

    /// A one-shot container whose layers are being found.
    pub(crate) fn one_shot(&self, id: &str, using_layers: OwnedRwLockReadGuard<()>) -> OneShot {
        OneShot { program: self.settings.program.clone(), home: self.run_home(id), using_layers }
    }

    pub(crate) fn homes(&self) -> Result<Vec<Home>, ContainerError> {
        entries(&self.settings.dir.join("containers")).map(|paths| paths.into_iter().map(Home).collect())
    }

    /// Tells of the end of a container's monitor, which follows the end of the container and its record. Once each.
    fn watch(&self, started: &Started) {
        let watched = |of: &std::sync::Mutex<HashSet<ProcessId>>, change: &dyn Fn(&mut HashSet<ProcessId>) -> bool| {
            change(&mut of.lock().unwrap_or_else(PoisonError::into_inner))
        };
        if !watched(&self.watched, &|all| all.insert(started.monitor.clone())) {
            return;
        }
        let (changed, all, monitor) = (Arc::clone(&self.changed), Arc::clone(&self.watched), started.monitor.clone());
        let handle = monitor.open();
        tokio::spawn(async move {
            if let Some(handle) = handle {
                ended(handle).await;
            }
            watched(&all, &|all| all.remove(&monitor));
            changed.send_modify(|count| *count += 1);
        });
    }

    /// What a container's files and processes say; one that runs is watched, whoever started it.
    fn look(&self, home: &Home) -> io::Result<Option<ContainerState>> {
        let state = state(home)?;
        if matches!(&state, Some(ContainerState { status: ContainerStatus::Running { .. }, .. }))
            && let Some(started) = home.started()?
        {
            self.watch(&started);
        }
        Ok(state)
    }

    async fn turn(&self, id: &str) -> tokio::sync::OwnedMutexGuard<()> {
        let mut turns = self.turns.lock().await;
        // those that nobody waits for are not kept
        turns.retain(|_, turn| Arc::strong_count(turn) > 1);
        let turn = Arc::clone(turns.entry(id.to_owned()).or_default());
        drop(turns);
        turn.lock_owned().await
    }
}

pub(crate) fn bridge_failed(source: io::Error) -> ContainerError {
    ContainerError::Io { what: "making the instance's bridge".to_owned(), source }
}

#[async_trait]
impl ContainerRuntime for Runtime {
    async fn start(&self, spec: &ContainerSpec) -> Result<ContainerState, ContainerError> {
        let home = self.checked_home(&spec.id)?;
        let _turn = self.turn(&spec.id).await;
        if let Some(state) = self.existing(&home, &spec.id).await? {
            // perhaps of a start whose caller did not wait for its end
            let _ = self.look(&home);
            return Ok(state);
        }
        let _using = self.using_layers.read().await;
        let launch = self.launch(spec, false).await?;
        if let Err(error) = self.begin(&home, spec, &launch).await {
            self.wipe(&home, &spec.id).await?;
            return Err(error);
        }
        let io = |source| ContainerError::Io { what: format!("container {}: reading its state", spec.id), source };
        self.changed.send_modify(|count| *count += 1);
        self.look(&home).map_err(io)?.ok_or_else(|| runtime_error(&spec.id, "it was removed while it started"))
    }

    async fn run(&self, spec: &ContainerSpec, timeout: Duration, log: Arc<dyn LogSink>) -> Result<i32, ContainerError> {
        let using = Arc::clone(&self.using_layers).read_owned().await;
        let launch = self.launch(spec, true).await?;
        self.one_shot(&spec.id, using).run(launch, timeout, Streams::Kept(log)).await
    }

    async fn run_at(&self, spec: &ContainerSpec, terminal: OwnedFd) -> Result<i32, ContainerError> {
        let using = Arc::clone(&self.using_layers).read_owned().await;
        let launch = Launch { terminal: true, ..self.launch(spec, true).await? };
        self.one_shot(&spec.id, using).run(launch, Duration::MAX, Streams::Terminal(terminal)).await
    }

    async fn list(&self) -> Result<Vec<ContainerState>, ContainerError> {
        let mut found = Vec::new();
        for home in self.homes()? {
            // one without a state is being started or removed
            let state = self.look(&home).map_err(|source| ContainerError::Io { what: format!("reading {}", home.0.display()), source })?;
            found.extend(state);
        }
        found.sort_by(|a, b| a.spec.id.cmp(&b.spec.id));
        Ok(found)
    }

    async fn stop(&self, id: &str, grace: Duration) -> Result<(), ContainerError> {
        let io = |source| ContainerError::Io { what: format!("container {id}: stopping it"), source };
        let (home, one_shot) = (self.checked_home(id)?, self.run_home(id));
        let one_shot = (!home.0.exists()).then_some(one_shot);
        let started = match &one_shot {
            Some(home) => started_one_shot(home).await.map_err(io)?,
            None => home.started().map_err(io)?,
        };
        let home = one_shot.unwrap_or(home);
        let Some(started) = started else { return Ok(()) };
        let Some(monitor) = started.monitor.open() else { return Ok(()) };
        let launch: Option<Launch> = home.read("launch.json").map_err(io)?;
        let signal = launch.and_then(|launch| launch.stop_signal).and_then(|name| signal_named(&name)).unwrap_or(Signal::TERM);
        started.init.signal(signal);
        let end = ended(monitor);
        tokio::pin!(end);
        if tokio::time::timeout(grace, &mut end).await.is_ok() {
            return Ok(());
        }
        started.init.signal(Signal::KILL);
        match tokio::time::timeout(KILL_LIMIT, end).await {
            Ok(()) => Ok(()),
            Err(_) => Err(runtime_error(id, "it was killed and is still there: the kernel waits for a disk or a device")),
        }
    }

    async fn remove(&self, id: &str) -> Result<(), ContainerError> {
        let home = self.checked_home(id)?;
        let _turn = self.turn(id).await;
        if let Some(ContainerState { status: ContainerStatus::Running { .. }, .. }) = self.existing(&home, id).await? {
            return Err(runtime_error(id, "it runs: stop it first"));
        }
        self.wipe(&home, id).await?;
        self.changed.send_modify(|count| *count += 1);
        Ok(())
    }

    async fn exec(&self, id: &str, command: &[String], timeout: Duration) -> Result<ExecOutput, ContainerError> {
        let home = self.checked_home(id)?;
        probe::exec(&self.settings.program, &home, command, timeout).await.map_err(|why| runtime_error(id, why))
    }

    async fn logs(&self, id: &str, max_bytes: usize) -> Result<String, ContainerError> {
        let path = self.checked_home(id)?.path("log");
        blocking(move || logfile::tail(&path, max_bytes))
            .await
            .map_err(|source| ContainerError::Io { what: format!("container {id}: reading its output"), source })
    }

    fn changed(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    async fn ensure_addresses(&self, addresses: &[Ipv4Addr]) -> Result<(), ContainerError> {
        network::ensure_addresses(&self.settings.instance, self.settings.subnet, addresses)
            .map_err(|source| ContainerError::Io { what: "putting Service addresses on the bridge".to_owned(), source })
    }

    async fn make_network(&self, name: &str) -> Result<Ipv4Addr, ContainerError> {
        let _turn = self.turn("networks").await;
        self.own_network(name)
    }

    async fn remove_network(&self, name: &str) -> Result<(), ContainerError> {
        let _turn = self.turn("networks").await;
        self.drop_network(name)
    }

    async fn networks(&self) -> Result<Vec<String>, ContainerError> {
        self.own_networks()
    }

    async fn describe(&self, image: &ImageRef, user: Option<&str>) -> Result<ImageFacts, ContainerError> {
        let _using = self.using_layers.read().await;
        let ready = image::prepare(self.blobs.as_ref(), &self.layers, image).await?;
        image::facts(&ready, &self.layers.dir, user).map_err(|why| ContainerError::Image { image: image.clone(), why })
    }

    async fn remove_unused_layers(&self, keep: &BTreeSet<Digest>, dry_run: bool) -> Result<Vec<(Digest, u64)>, ContainerError> {
        self.unused_layers(keep, dry_run).await
    }

    async fn tear_down(&self) -> Result<(), ContainerError> {
        let homes = self.homes()?;
        for started in homes.iter().filter_map(|home| home.started().ok().flatten()) {
            let Some(monitor) = started.monitor.open() else { continue };
            started.init.signal(Signal::KILL);
            // a monitor that hangs is ended with its cgroup's processes below
            let _ = tokio::time::timeout(KILL_LIMIT, ended(monitor)).await;
        }
        for name in self.own_networks()? {
            self.drop_network(&name)?;
        }
        let (instance, dir) = (self.settings.instance.clone(), self.settings.dir.clone());
        blocking(move || {
            sweep::end_instance(&instance);
            network::remove_bridge(&instance)?;
            for directory in ["containers", "runs"] {
                sweep::remove_tree(&dir.join(directory))?;
                fs::create_dir_all(dir.join(directory))?;
            }
            Ok(())
        })
        .await
        .map_err(|source| ContainerError::Io { what: "taking the instance down".to_owned(), source })?;
        self.changed.send_modify(|count| *count += 1);
        Ok(())
    }
}

impl Runtime {
    fn checked_home(&self, id: &str) -> Result<Home, ContainerError> {
        if is_word(id, 63) { Ok(self.home(id)) } else { Err(runtime_error(id, "its id must be of [a-z0-9-], at most 63")) }
    }
}

/// What a container's files and processes say.
pub(crate) fn state(home: &Home) -> io::Result<Option<ContainerState>> {
    let (Some(spec), Some(started)) = (home.read::<ContainerSpec>("spec.json")?, home.started()?) else { return Ok(None) };
    let status = match home.ended(&started)? {
        Some(ended) => ContainerStatus::Exited { code: ended.code, at: ended.at },
        None => ContainerStatus::Running { pid: started.init.pid.unsigned_abs(), since: started.since },
    };
    Ok(Some(ContainerState { spec, status }))
}

/// Who a one-shot container's processes are: its program may already have spoken when its monitor has not written it down yet.
/// `None` if there is no such container.
async fn started_one_shot(home: &Home) -> io::Result<Option<Started>> {
    for _ in 0..START_LOOKS {
        match home.started()? {
            None if home.0.exists() => tokio::time::sleep(START_LOOK).await,
            started => return Ok(started),
        }
    }
    Err(io::Error::other("it has been starting for long"))
}

/// Waits for a process to end.
async fn ended(handle: OwnedFd) {
    #[allow(unsafe_code, reason = "an owned descriptor stays the same until it is dropped")]
    let watched = unsafe { AsyncFd::register_with_interest(handle, Interest::READABLE) };
    match watched {
        Ok(handle) => {
            let _ = handle.readable().await;
        }
        Err(error) => tracing::error!(%error, "the end of a process cannot be watched"),
    }
}

pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(io::Error::other(error)))
}

pub(crate) fn entries(directory: &Path) -> Result<Vec<PathBuf>, ContainerError> {
    let read = || -> io::Result<Vec<PathBuf>> { fs::read_dir(directory)?.map(|entry| Ok(entry?.path())).collect() };
    read().map_err(|source| ContainerError::Io { what: format!("reading {}", directory.display()), source })
}

pub(crate) fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

pub(crate) fn runtime_error(id: &str, why: impl Into<String>) -> ContainerError {
    ContainerError::Runtime { id: id.to_owned(), why: why.into() }
}

pub(crate) fn is_word(text: &str, most: usize) -> bool {
    let valid = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !text.is_empty() && text.len() <= most && text.bytes().all(valid) && !text.starts_with('-')
}

fn signal_named(name: &str) -> Option<Signal> {
    let number = match name.strip_prefix("SIG").unwrap_or(name) {
        "HUP" => 1,
        "INT" => 2,
        "QUIT" => 3,
        "KILL" => 9,
        "USR1" => 10,
        "USR2" => 12,
        "TERM" => 15,
        "WINCH" => 28,
        other => other.parse().ok()?,
    };
    Signal::from_named_raw(number)
}
