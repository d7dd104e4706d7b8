//! The hand itself: containers of one instance on this machine.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::net::Ipv4Addr;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use penstock_model::blob::{BlobStore, LogSink};
use penstock_model::container::{ContainerError, ContainerRuntime, ContainerSpec, ContainerState, ContainerStatus, ExecOutput, Network};
use rustix::fs::{FlockOperation, flock};
use rustix::process::Signal;
use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader, Interest};
use tokio::process::Command;
use tokio::sync::{Mutex, watch};

use crate::helper::MONITOR;
use crate::launch::{Answer, Launch, Root};
use crate::layers::Layers;
use crate::network::Subnet;
use crate::one_shot::OneShot;
use crate::state::{Home, Started};
use crate::{image, logfile, network, probe, sweep};

/// How long a monitor may take to say that its container runs.
const START_LIMIT: Duration = Duration::from_secs(60);
/// How long the kernel may take to end a killed process.
const KILL_LIMIT: Duration = Duration::from_secs(20);

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
    turns: Mutex<HashMap<String, Arc<Mutex<()>>>>,
}

impl Runtime {
    /// Makes its directories and its bridge, removes what a dead server's one-shot containers left, and finds the
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
        network::ensure_bridge(&settings.instance, settings.subnet)
            .map_err(|source| ContainerError::Io { what: "making the instance's bridge".to_owned(), source })?;
        let runtime = Self {
            layers: Layers::new(settings.dir.join("layers"), Arc::clone(&blobs)),
            settings,
            blobs,
            changed: Arc::new(watch::Sender::new(0)),
            turns: Mutex::default(),
        };
        runtime.sweep_runs().await?;
        for home in runtime.homes()? {
            if let Ok(Some(started)) = home.started() {
                runtime.watch(&started);
            }
        }
        Ok(runtime)
    }

    /// This instance's addresses.
    pub fn subnet(&self) -> Subnet {
        self.settings.subnet
    }

    fn home(&self, id: &str) -> Home {
        Home(self.settings.dir.join("containers").join(id))
    }

    /// Where one-shot containers live.
    pub(crate) fn one_shot(&self, id: &str) -> OneShot {
        OneShot { program: self.settings.program.clone(), home: Home(self.settings.dir.join("runs").join(id)) }
    }

    fn homes(&self) -> Result<Vec<Home>, ContainerError> {
        entries(&self.settings.dir.join("containers")).map(|paths| paths.into_iter().map(Home).collect())
    }

    /// One-shot containers whose server has died end by themselves; their directories are removed here.
    async fn sweep_runs(&self) -> Result<(), ContainerError> {
        let runs = entries(&self.settings.dir.join("runs"))?;
        let instance = self.settings.instance.clone();
        blocking(move || {
            for run in runs {
                let held =
                    fs::File::open(run.join("lock")).is_ok_and(|lock| flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err());
                if !held {
                    sweep::end_cgroup(&instance, &name_of(&run));
                    sweep::remove_tree(&run)?;
                }
            }
            Ok(())
        })
        .await
        .map_err(|source| ContainerError::Io { what: "removing what one-shot containers left".to_owned(), source })
    }

    /// Tells of the end of a container's monitor, which follows the end of the container and its record.
    fn watch(&self, started: &Started) {
        let Some(handle) = started.monitor.open() else { return };
        let changed = Arc::clone(&self.changed);
        tokio::spawn(async move {
            ended(handle).await;
            changed.send_modify(|count| *count += 1);
        });
    }

    async fn turn(&self, id: &str) -> tokio::sync::OwnedMutexGuard<()> {
        let mut turns = self.turns.lock().await;
        // those that nobody waits for are not kept
        turns.retain(|_, turn| Arc::strong_count(turn) > 1);
        let turn = Arc::clone(turns.entry(id.to_owned()).or_default());
        drop(turns);
        turn.lock_owned().await
    }

    /// The container of this id if there is one; what is left of a start that was cut short is removed.
    async fn existing(&self, home: &Home, id: &str) -> Result<Option<ContainerState>, ContainerError> {
        if !home.0.exists() {
            return Ok(None);
        }
        let io = |source| ContainerError::Io { what: format!("container {id}: looking for it"), source };
        let lock = home.path("starting");
        // waits for a start under way, of a server that has died meanwhile too
        blocking(move || match fs::File::open(lock) {
            Ok(lock) => Ok(flock(&lock, FlockOperation::LockExclusive)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        })
        .await
        .map_err(io)?;
        if let Some(state) = state(home).map_err(io)? {
            return Ok(Some(state));
        }
        self.wipe(home, id).await?;
        Ok(None)
    }

    async fn wipe(&self, home: &Home, id: &str) -> Result<(), ContainerError> {
        let (instance, name, directory) = (self.settings.instance.clone(), id.to_owned(), home.0.clone());
        blocking(move || {
            sweep::end_cgroup(&instance, &name);
            sweep::remove_tree(&directory)
        })
        .await
        .map_err(|source| ContainerError::Io { what: format!("container {id}: removing it"), source })
    }

    /// Every choice about a container, made.
    async fn launch(&self, spec: &ContainerSpec, attached: bool) -> Result<Launch, ContainerError> {
        if !is_word(&spec.id, 63) {
            return Err(runtime_error(&spec.id, "its id must be of [a-z0-9-], at most 63"));
        }
        if let Network::Bridge(address) = spec.network
            && !self.settings.subnet.gives(address)
        {
            let why = format!("{address} is not an address of this instance's subnet, {}/24", self.settings.subnet.address(0));
            return Err(runtime_error(&spec.id, why));
        }
        let ready = image::prepare(self.blobs.as_ref(), &self.layers, &spec.image).await?;
        let run = &ready.config.config;
        let args = image::arguments(&ready.config, spec);
        if args.is_empty() {
            return Err(ContainerError::Image { image: spec.image.clone(), why: "it names no program: give a command".to_owned() });
        }
        let home = if attached { self.one_shot(&spec.id).home } else { self.home(&spec.id) };
        Ok(Launch {
            id: spec.id.clone(),
            instance: self.settings.instance.clone(),
            layers_dir: self.layers.dir.clone(),
            layers: ready.layers,
            root: if spec.read_only_root { Root::ReadOnly } else { Root::Writable(home.0) },
            args,
            env: image::environment(&ready.config, spec),
            cwd: spec
                .working_dir
                .clone()
                .or_else(|| run.working_dir.clone())
                .filter(|cwd| !cwd.is_empty())
                .unwrap_or_else(|| "/".to_owned()),
            user: spec.user.clone().or_else(|| run.user.clone()).unwrap_or_default(),
            network: spec.network.clone(),
            mounts: spec.mounts.clone(),
            tmpfs: spec.tmpfs.clone(),
            hosts: spec.hosts.clone(),
            stop_signal: run.stop_signal.clone(),
            memory: spec.memory,
            cpu_millis: spec.cpu_millis,
            building: false,
            attached,
        })
    }

    /// Starts the monitor and waits for its word.
    async fn begin(&self, home: &Home, spec: &ContainerSpec, launch: &Launch) -> Result<(), ContainerError> {
        let failed = |what: &str| {
            let what = format!("container {}: {what}", spec.id);
            move |source| ContainerError::Io { what, source }
        };
        fs::create_dir(&home.0).map_err(failed("making its directory"))?;
        let lock = fs::File::create(home.path("starting")).map_err(failed("its lock"))?;
        flock(&lock, FlockOperation::LockExclusive).map_err(|error| failed("its lock")(error.into()))?;
        home.write("spec.json", spec).and_then(|()| home.write("launch.json", launch)).map_err(failed("its description"))?;
        let complaints = fs::File::create(home.path("monitor.log")).map_err(failed("its monitor's log"))?;
        let mut child = Command::new(&self.settings.program)
            .arg(MONITOR)
            .arg(&home.0)
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::from(lock))
            .stdout(Stdio::piped())
            .stderr(Stdio::from(complaints))
            .spawn()
            .map_err(failed("starting its monitor"))?;
        let mut line = String::new();
        if let Some(stdout) = child.stdout.take() {
            let mut stdout = BufReader::new(stdout.take(64 * 1024));
            let read = tokio::time::timeout(START_LIMIT, stdout.read_line(&mut line)).await;
            read.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())).map_err(failed("waiting for its monitor"))?;
        }
        match serde_json::from_str(&line) {
            Ok(Answer::Runs) => Ok(()),
            Ok(Answer::Failed(why)) => {
                let _ = child.wait().await;
                Err(runtime_error(&spec.id, why))
            }
            Err(_) => {
                let _ = child.kill().await;
                let said = logfile::tail(&home.path("monitor.log"), 2000).unwrap_or_default();
                Err(runtime_error(&spec.id, format!("its monitor ended without a word: {said}")))
            }
        }
    }
}

#[async_trait]
impl ContainerRuntime for Runtime {
    async fn start(&self, spec: &ContainerSpec) -> Result<ContainerState, ContainerError> {
        let _turn = self.turn(&spec.id).await;
        let launch = self.launch(spec, false).await?;
        let home = self.home(&spec.id);
        if let Some(state) = self.existing(&home, &spec.id).await? {
            return Ok(state);
        }
        if let Err(error) = self.begin(&home, spec, &launch).await {
            self.wipe(&home, &spec.id).await?;
            return Err(error);
        }
        let io = |source| ContainerError::Io { what: format!("container {}: reading its state", spec.id), source };
        if let Some(started) = home.started().map_err(io)? {
            self.watch(&started);
        }
        self.changed.send_modify(|count| *count += 1);
        state(&home).map_err(io)?.ok_or_else(|| runtime_error(&spec.id, "it was removed while it started"))
    }

    async fn run(&self, spec: &ContainerSpec, timeout: Duration, log: Arc<dyn LogSink>) -> Result<i32, ContainerError> {
        let launch = self.launch(spec, true).await?;
        self.one_shot(&spec.id).run(launch, timeout, log).await
    }

    async fn list(&self) -> Result<Vec<ContainerState>, ContainerError> {
        let mut found = Vec::new();
        for home in self.homes()? {
            // one without a state is being started or removed
            let state = state(&home).map_err(|source| ContainerError::Io { what: format!("reading {}", home.0.display()), source })?;
            found.extend(state);
        }
        found.sort_by(|a, b| a.spec.id.cmp(&b.spec.id));
        Ok(found)
    }

    async fn stop(&self, id: &str, grace: Duration) -> Result<(), ContainerError> {
        let home = self.checked_home(id)?;
        let io = |source| ContainerError::Io { what: format!("container {id}: stopping it"), source };
        let Some(started) = home.started().map_err(io)? else { return Ok(()) };
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

    async fn tear_down(&self) -> Result<(), ContainerError> {
        let homes = self.homes()?;
        for started in homes.iter().filter_map(|home| home.started().ok().flatten()) {
            let Some(monitor) = started.monitor.open() else { continue };
            started.init.signal(Signal::KILL);
            // a monitor that hangs is ended with its cgroup's processes below
            let _ = tokio::time::timeout(KILL_LIMIT, ended(monitor)).await;
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
        if is_word(id, 63) { Ok(self.home(id)) } else { Err(runtime_error(id, "there is no such id")) }
    }
}

/// What a container's files and processes say.
fn state(home: &Home) -> io::Result<Option<ContainerState>> {
    let (Some(spec), Some(started)) = (home.read::<ContainerSpec>("spec.json")?, home.started()?) else { return Ok(None) };
    let status = match home.ended(&started)? {
        Some(ended) => ContainerStatus::Exited { code: ended.code, at: ended.at },
        None => ContainerStatus::Running { pid: started.init.pid.unsigned_abs(), since: started.since },
    };
    Ok(Some(ContainerState { spec, status }))
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

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(io::Error::other(error)))
}

fn entries(directory: &Path) -> Result<Vec<PathBuf>, ContainerError> {
    let read = || -> io::Result<Vec<PathBuf>> { fs::read_dir(directory)?.map(|entry| Ok(entry?.path())).collect() };
    read().map_err(|source| ContainerError::Io { what: format!("reading {}", directory.display()), source })
}

fn name_of(path: &Path) -> String {
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
