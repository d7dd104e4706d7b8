//! The way into a container's life: every choice made, the monitor started, its word heard; and the way out.

use std::fs;
use std::io;
use std::process::Stdio;
use std::time::Duration;

use penstock_model::container::{ContainerError, ContainerSpec, ContainerState, Network};
use rustix::fs::{FlockOperation, flock};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::Command;

use crate::helper::MONITOR;
use crate::launch::{Answer, Launch, Root};
use crate::runtime::{Runtime, blocking, bridge_failed, is_word, runtime_error, state};
use crate::state::Home;
use crate::{image, logfile, network, sweep};

/// How long a monitor may take to say that its container runs.
const START_LIMIT: Duration = Duration::from_mins(1);

impl Runtime {
    /// The container of this id if there is one; what is left of a start that was cut short is removed.
    pub(crate) async fn existing(&self, home: &Home, id: &str) -> Result<Option<ContainerState>, ContainerError> {
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

    pub(crate) async fn wipe(&self, home: &Home, id: &str) -> Result<(), ContainerError> {
        let (instance, name, directory) = (self.settings.instance.clone(), id.to_owned(), home.0.clone());
        blocking(move || {
            sweep::end_cgroup(&instance, &name);
            sweep::remove_tree(&directory)
        })
        .await
        .map_err(|source| ContainerError::Io { what: format!("container {id}: removing it"), source })
    }

    /// Every choice about a container, made.
    pub(crate) async fn launch(&self, spec: &ContainerSpec, attached: bool) -> Result<Launch, ContainerError> {
        if !is_word(&spec.id, 63) {
            return Err(runtime_error(&spec.id, "its id must be of [a-z0-9-], at most 63"));
        }
        if let Network::Bridge(address) = spec.network {
            if !self.settings.subnet.gives(address) {
                let why = format!("{address} is not an address of this instance's subnet, {}/24", self.settings.subnet.address(0));
                return Err(runtime_error(&spec.id, why));
            }
            network::there_or_made(&self.settings.instance, self.settings.subnet).map_err(bridge_failed)?;
        }
        if let Network::Own { network, address } = &spec.network {
            self.on_network(&spec.id, network, *address)?;
        }
        let ready = image::prepare(self.blobs.as_ref(), &self.layers, &spec.image).await?;
        let run = &ready.config.config;
        let args = image::arguments(&ready.config, spec);
        if args.is_empty() {
            return Err(ContainerError::Image { image: spec.image.clone(), why: "it names no program: give a command".to_owned() });
        }
        let home = if attached { self.run_home(&spec.id) } else { self.home(&spec.id) };
        Ok(Launch {
            id: spec.id.clone(),
            instance: self.settings.instance.clone(),
            layers_dir: self.layers.dir.clone(),
            layers: ready.layers,
            root: if spec.read_only_root { Root::ReadOnly } else { Root::Writable(spec.written.clone().unwrap_or(home.0)) },
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
            building: spec.building,
            attached,
            terminal: false,
        })
    }

    /// Starts the monitor and waits for its word.
    pub(crate) async fn begin(&self, home: &Home, spec: &ContainerSpec, launch: &Launch) -> Result<(), ContainerError> {
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
