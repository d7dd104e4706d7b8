//! Containers that exist only as values.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use penstock_model::Clock;
use penstock_model::blob::{Channel, LogLine, LogSink};
use penstock_model::container::{ContainerError, ContainerRuntime, ContainerSpec, ContainerState, ContainerStatus, ExecOutput};
use tokio::sync::watch;

use crate::{FakeClock, held};

#[derive(Debug, Default)]
struct Inner {
    containers: BTreeMap<String, ContainerState>,
    started: Vec<String>,
    stopped: Vec<String>,
    removed: Vec<String>,
    refused: BTreeMap<String, String>,
    addresses: Vec<Ipv4Addr>,
    exec: BTreeMap<String, ExecOutput>,
    logs: BTreeMap<String, String>,
    run: Vec<(ContainerSpec, i32)>,
    run_codes: BTreeMap<String, i32>,
    next_pid: u32,
    blind: bool,
}

/// A runtime without a machine: it starts what it is told, and the test ends what it likes.
pub struct FakeRuntime {
    clock: Arc<dyn Clock>,
    inner: Mutex<Inner>,
    changed: watch::Sender<u64>,
}

impl Default for FakeRuntime {
    fn default() -> Self {
        Self::new(Arc::new(FakeClock::default()))
    }
}

impl FakeRuntime {
    /// A runtime that stamps by this clock.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, inner: Mutex::default(), changed: watch::Sender::new(0) }
    }

    fn bump(&self) {
        self.changed.send_modify(|count| *count += 1);
    }

    /// Ends a container, as a crash or somebody's `kill` does. False if it does not run.
    pub fn end(&self, id: &str, code: i32) -> bool {
        let at = self.clock.now();
        let ended = match held(&self.inner).containers.get_mut(id) {
            Some(state) if matches!(state.status, ContainerStatus::Running { .. }) => {
                state.status = ContainerStatus::Exited { code, at };
                true
            }
            _ => false,
        };
        self.bump();
        ended
    }

    /// Makes a container vanish without a trace, as a reboot does.
    pub fn lose(&self, id: &str) {
        held(&self.inner).containers.remove(id);
        self.bump();
    }

    /// Refuses to start containers whose id begins so.
    pub fn refuse(&self, prefix: &str, why: &str) {
        held(&self.inner).refused.insert(prefix.to_owned(), why.to_owned());
    }

    /// Starts them again.
    pub fn accept(&self, prefix: &str) {
        held(&self.inner).refused.remove(prefix);
    }

    /// Fails `list` from now on, or no longer.
    pub fn blind(&self, blind: bool) {
        held(&self.inner).blind = blind;
        self.bump();
    }

    /// What programs in a container leave.
    pub fn answer_exec(&self, id: &str, code: i32, output: &str) {
        held(&self.inner).exec.insert(id.to_owned(), ExecOutput { code, output: output.to_owned() });
    }

    /// What a container has written.
    pub fn write_log(&self, id: &str, text: &str) {
        held(&self.inner).logs.entry(id.to_owned()).or_default().push_str(text);
    }

    /// The exit code of `run` for an image, by its name; 0 for all others.
    pub fn answer_run(&self, image: &str, code: i32) {
        held(&self.inner).run_codes.insert(image.to_owned(), code);
    }

    /// The ids that were really started, in order: an id that was there already is not among them again.
    pub fn started(&self) -> Vec<String> {
        held(&self.inner).started.clone()
    }

    /// The ids that were asked to stop, in order.
    pub fn stopped(&self) -> Vec<String> {
        held(&self.inner).stopped.clone()
    }

    /// The ids that were removed, in order.
    pub fn removed(&self) -> Vec<String> {
        held(&self.inner).removed.clone()
    }

    /// The ids of what runs now.
    pub fn running(&self) -> Vec<String> {
        let inner = held(&self.inner);
        inner
            .containers
            .iter()
            .filter(|(_, state)| matches!(state.status, ContainerStatus::Running { .. }))
            .map(|(id, _)| id.clone())
            .collect()
    }

    /// What a container was started with.
    pub fn spec(&self, id: &str) -> Option<ContainerSpec> {
        held(&self.inner).containers.get(id).map(|state| state.spec.clone())
    }

    /// The addresses that were asked for on the bridge.
    pub fn addresses(&self) -> Vec<Ipv4Addr> {
        held(&self.inner).addresses.clone()
    }

    /// Everything that was run to its end, with the code.
    pub fn ran(&self) -> Vec<(ContainerSpec, i32)> {
        held(&self.inner).run.clone()
    }
}

#[async_trait]
impl ContainerRuntime for FakeRuntime {
    async fn start(&self, spec: &ContainerSpec) -> Result<ContainerState, ContainerError> {
        let state = {
            let mut inner = held(&self.inner);
            if let Some(state) = inner.containers.get(&spec.id) {
                return Ok(state.clone());
            }
            if let Some((_, why)) = inner.refused.iter().find(|(prefix, _)| spec.id.starts_with(prefix.as_str())) {
                return Err(ContainerError::Runtime { id: spec.id.clone(), why: why.clone() });
            }
            inner.next_pid += 1;
            let status = ContainerStatus::Running { pid: 1000 + inner.next_pid, since: self.clock.now() };
            let state = ContainerState { spec: spec.clone(), status };
            inner.containers.insert(spec.id.clone(), state.clone());
            inner.started.push(spec.id.clone());
            state
        };
        self.bump();
        Ok(state)
    }

    async fn run(&self, spec: &ContainerSpec, _timeout: Duration, log: Arc<dyn LogSink>) -> Result<i32, ContainerError> {
        let code = {
            let mut inner = held(&self.inner);
            let code = inner.run_codes.get(spec.image.name.as_str()).copied().unwrap_or_default();
            inner.run.push((spec.clone(), code));
            code
        };
        let text = format!("ran {}", spec.image.name);
        let line = LogLine { at: self.clock.now(), channel: Channel::Out, text, ends: true };
        let _ = log.write(vec![line]).await;
        Ok(code)
    }

    async fn list(&self) -> Result<Vec<ContainerState>, ContainerError> {
        let inner = held(&self.inner);
        if inner.blind {
            return Err(ContainerError::Runtime { id: "all".to_owned(), why: "told to fail".to_owned() });
        }
        Ok(inner.containers.values().cloned().collect())
    }

    async fn stop(&self, id: &str, _grace: Duration) -> Result<(), ContainerError> {
        held(&self.inner).stopped.push(id.to_owned());
        self.end(id, 143);
        Ok(())
    }

    async fn remove(&self, id: &str) -> Result<(), ContainerError> {
        {
            let mut inner = held(&self.inner);
            let runs = inner.containers.get(id).is_some_and(|state| matches!(state.status, ContainerStatus::Running { .. }));
            if runs {
                return Err(ContainerError::Runtime { id: id.to_owned(), why: "it runs".to_owned() });
            }
            inner.containers.remove(id);
            inner.removed.push(id.to_owned());
        }
        self.bump();
        Ok(())
    }

    async fn exec(&self, id: &str, _command: &[String], _timeout: Duration) -> Result<ExecOutput, ContainerError> {
        let inner = held(&self.inner);
        Ok(inner.exec.get(id).cloned().unwrap_or(ExecOutput { code: 0, output: String::new() }))
    }

    async fn logs(&self, id: &str, max_bytes: usize) -> Result<String, ContainerError> {
        let log = held(&self.inner).logs.get(id).cloned().unwrap_or_default();
        let mut from = log.len().saturating_sub(max_bytes);
        while !log.is_char_boundary(from) {
            from += 1;
        }
        Ok(log[from..].to_owned())
    }

    fn changed(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    async fn ensure_addresses(&self, addresses: &[Ipv4Addr]) -> Result<(), ContainerError> {
        held(&self.inner).addresses = addresses.to_vec();
        Ok(())
    }

    async fn tear_down(&self) -> Result<(), ContainerError> {
        *held(&self.inner) = Inner::default();
        self.bump();
        Ok(())
    }
}
