//! The loop: looks at what is kept and what is seen, and has the next thing done. It remembers nothing that it could not
//! find out again, so that it may be ended at any moment.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use penstock_model::Timestamp;
use penstock_model::gateway::{Figures, GatewaySnapshot, Route};
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::core::build::label;
use crate::core::figures::{base, wants_base};
use crate::core::reconcile::reconcile;
use crate::core::seen::{Container, Seen};
use crate::core::traffic::routes;
use crate::effects::{Done, Hands, Outcome, ready};
use crate::local::Shared;
use crate::probe::{Asked, Said, Watch, watch};
use crate::state::change::Change;
use crate::state::{Pod, State};

/// Plans in one pass; more would mean that a change does not take.
const MAX_ROUNDS: usize = 32;
/// The gateway is asked this often, so that one that died is started again.
const HEARTBEAT: Duration = Duration::from_secs(1);
/// While pods drain, the gateway is asked this often: there is no event for the end of a request.
const DRAIN_LOOK: Duration = Duration::from_millis(50);
/// After something failed that the whole pass needs.
const RETRY: Duration = Duration::from_secs(1);
/// The gateway answers on a local socket.
const GATEWAY_TIMEOUT: Duration = Duration::from_secs(10);
/// What is under way when the server stops may end.
const LAST_WAIT: Duration = Duration::from_secs(5);
/// Words of watches that wait to be heard.
const WORDS: usize = 1024;

/// The loop's own things. All can be found out again.
pub struct Engine {
    shared: Arc<Shared>,
    hands: Arc<Hands>,
    effects: JoinSet<Done>,
    busy: BTreeSet<String>,
    watches: BTreeMap<String, AbortHandle>,
    watched: JoinSet<()>,
    said: mpsc::Sender<Said>,
    words: mpsc::Receiver<Said>,
    in_force: Option<BTreeMap<String, Route>>,
    version: u64,
    complaint: Option<String>,
    silent: bool,
    bridge: Option<Vec<Ipv4Addr>>,
    seen: BTreeMap<String, Container>,
    last_asked: Option<Timestamp>,
}

impl Engine {
    /// A loop that has seen nothing yet.
    pub fn new(shared: Arc<Shared>) -> Self {
        let hands = Arc::new(Hands::new(Arc::clone(&shared.runtime), Arc::clone(&shared.admission), Arc::clone(&shared.keep)));
        let (said, words) = mpsc::channel(WORDS);
        Self {
            shared,
            hands,
            effects: JoinSet::new(),
            busy: BTreeSet::new(),
            watches: BTreeMap::new(),
            watched: JoinSet::new(),
            said,
            words,
            in_force: None,
            version: 0,
            complaint: None,
            silent: false,
            bridge: None,
            seen: BTreeMap::new(),
            last_asked: None,
        }
    }

    /// Runs until it is told to stop. What it started goes on without it.
    pub async fn run(mut self, stop: CancellationToken) {
        self.find_gateway().await;
        let mut containers = self.shared.runtime.changed();
        loop {
            let wait = self.pass().await;
            tokio::select! {
                () = stop.cancelled() => break,
                () = self.shared.wake.notified() => {}
                changed = containers.changed() => {
                    if changed.is_err() {
                        tracing::error!("the container runtime is gone; the target stops");
                        break;
                    }
                }
                Some(word) = self.words.recv() => self.hear(word).await,
                Some(done) = self.effects.join_next() => self.take(done).await,
                () = tokio::time::sleep(wait) => {}
            }
        }
        self.watched.abort_all();
        let rest = async { while self.effects.join_next().await.is_some() {} };
        if timeout(LAST_WAIT, rest).await.is_err() {
            tracing::warn!("the target stops while containers are still being started or stopped; they are found again");
        }
    }

    /// Finds the gateway again and what it follows.
    async fn find_gateway(&mut self) {
        if let Err(error) = self.shared.gateway.ensure().await {
            tracing::warn!(%error, "the gateway could not be started yet");
        }
        let kept = self.shared.keep.snapshot().unwrap_or_else(|error| {
            tracing::warn!(%error, "the last snapshot is not known");
            None
        });
        let figures = self.figures().await;
        if let Some(kept) = kept {
            self.version = kept.version;
            if figures.as_ref().is_some_and(|figures| figures.version == kept.version) {
                self.in_force = Some(kept.routes);
            }
        }
        self.version = self.version.max(figures.map_or(0, |figures| figures.version));
    }

    async fn figures(&mut self) -> Option<Figures> {
        self.last_asked = Some(self.shared.clock.now());
        let asked = timeout(GATEWAY_TIMEOUT, self.shared.gateway.figures()).await;
        match asked {
            Ok(Ok(figures)) => {
                self.silent = false;
                Some(figures)
            }
            Ok(Err(error)) => {
                // said once: it is asked every second
                if !std::mem::replace(&mut self.silent, true) {
                    tracing::warn!(%error, "the gateway does not answer; it is started again");
                }
                if let Err(error) = self.shared.gateway.ensure().await {
                    tracing::warn!(%error, "the gateway could not be started");
                }
                None
            }
            Err(_) => {
                tracing::warn!("the gateway does not answer in time");
                None
            }
        }
    }

    /// Looks and has the next things done; gives how long to wait if nothing happens.
    async fn pass(&mut self) -> Duration {
        let listed = match self.shared.runtime.list().await {
            Ok(listed) => listed,
            Err(error) => {
                // never decide on half a view: a container that is not seen would be started twice
                tracing::warn!(%error, "containers cannot be listed");
                return RETRY;
            }
        };
        let containers: BTreeMap<String, Container> = listed
            .into_iter()
            .filter_map(|state| {
                let pod = state.spec.labels.get(label::POD)?.clone();
                Some((state.spec.id, Container { pod, status: state.status }))
            })
            .collect();
        let figures = self.ask_gateway().await;
        let mut seen = Seen {
            containers,
            in_force: self.in_force.clone(),
            under_way: figures.as_ref().map(|figures| figures.backends.clone()),
            complaint: self.complaint.clone(),
            busy: self.busy.clone(),
            unrouted: BTreeSet::new(),
            now: self.shared.clock.now(),
        };
        let (state, sequence, mut changed) = match self.settle(&seen, figures.as_ref()).await {
            Ok(settled) => settled,
            Err(error) => {
                tracing::error!(%error, "the target cannot write; nothing is done until it can");
                return RETRY;
            }
        };
        let published = self.publish(&state, &mut seen).await;
        let plan = reconcile(&state, &seen);
        for effect in plan.effects {
            self.begin(&state, effect);
        }
        self.keep_watch(&state, &seen);
        changed |= self.seen != seen.containers || published == Some(true);
        self.seen.clone_from(&seen.containers);
        let draining = state.pods.values().any(|pod| pod.leaving.is_some() && seen.containers.contains_key(&pod.container()));
        let again = !plan.changes.is_empty();
        let wake = plan.wake.map(|at| at.since(seen.now).max(Duration::from_millis(1)));
        self.shared.saw(seen, published.is_some().then_some(sequence), changed);
        let limit = match (again, published, draining) {
            (true, _, _) => Duration::ZERO,
            (_, None, _) => RETRY,
            (_, _, true) => DRAIN_LOOK,
            _ => HEARTBEAT,
        };
        wake.map_or(limit, |wake| wake.min(limit))
    }

    /// Asks the gateway when something needs it: a drain, a canary's beginning, the heartbeat.
    async fn ask_gateway(&mut self) -> Option<Figures> {
        let needed = {
            let state = self.shared.state.lock().await;
            state.pods.values().any(|pod| pod.leaving.is_some())
                || state
                    .objects
                    .values()
                    .any(|object| object.rollout().is_some() && object.record.canary.base.is_none() && wants_base(object, 0))
        };
        let due = self.last_asked.is_none_or(|last| self.shared.clock.now().since(last) >= HEARTBEAT);
        if !needed && !due {
            return None;
        }
        let figures = self.figures().await?;
        self.complain_again().await;
        if figures.version != self.version {
            // a gateway that lost its last snapshot, or one that somebody else told
            self.version = self.version.max(figures.version);
            self.in_force = None;
        }
        Some(figures)
    }

    /// Makes all changes of the records that follow from what is seen, and writes them.
    async fn settle(&self, seen: &Seen, figures: Option<&Figures>) -> Result<(State, u64, bool), crate::keep::KeepError> {
        let mut state = self.shared.state.lock().await;
        let sequence = self.shared.sequence();
        let mut next = state.clone();
        let mut gone = Vec::new();
        let mut any = false;
        for _ in 0..MAX_ROUNDS {
            let mut changes = reconcile(&next, seen).changes;
            changes.extend(figures.into_iter().flat_map(|figures| beginnings(&next, figures)));
            if changes.is_empty() {
                break;
            }
            for change in &changes {
                tracing::debug!(?change, "decided");
                next.evolve(change, seen.now);
                if let Change::Forget { pod } = change {
                    gone.push(pod.clone());
                }
            }
            any = true;
        }
        let next = self.shared.write(next).await?;
        state.clone_from(&next);
        for pod in gone {
            // only output for people; what cannot be removed is removed with the directory
            let _ = self.shared.keep.remove_output(&pod);
        }
        Ok((next, sequence, any))
    }

    /// Puts the routes in force if they differ. `None` if that failed, else whether there was anything to do.
    async fn publish(&mut self, state: &State, seen: &mut Seen) -> Option<bool> {
        let addresses = state.addresses();
        if self.bridge.as_ref() != Some(&addresses) {
            if let Err(error) = self.shared.runtime.ensure_addresses(&addresses).await {
                tracing::warn!(%error, "the Services' addresses are not on the bridge");
                return None;
            }
            self.bridge = Some(addresses);
        }
        seen.in_force.clone_from(&self.in_force);
        let wanted = routes(state, seen);
        if self.in_force.as_ref() == Some(&wanted) {
            return Some(false);
        }
        let snapshot = GatewaySnapshot { version: self.version + 1, routes: wanted };
        let kept = {
            let (keep, snapshot) = (Arc::clone(&self.shared.keep), snapshot.clone());
            tokio::task::spawn_blocking(move || keep.keep_snapshot(&snapshot)).await
        };
        if !matches!(kept, Ok(Ok(()))) {
            tracing::error!("the snapshot cannot be written; the traffic stays as it is");
            return None;
        }
        self.version = snapshot.version;
        // from here on it may be in force, whatever comes back
        self.in_force = None;
        seen.in_force = None;
        match timeout(GATEWAY_TIMEOUT, self.shared.gateway.publish(&snapshot)).await {
            Ok(Ok(())) => self.complaint = None,
            Ok(Err(error)) => {
                tracing::warn!(%error, "the gateway complains about the snapshot");
                // it may have taken it all the same, but for an address that somebody else listens on
                let taken = self.figures().await.is_some_and(|figures| figures.version == snapshot.version);
                if !taken {
                    return None;
                }
                self.complaint = Some(error.to_string());
            }
            Err(_) => {
                tracing::warn!("the gateway did not take the snapshot in time");
                return None;
            }
        }
        tracing::debug!(version = snapshot.version, "snapshot in force");
        seen.in_force = Some(snapshot.routes.clone());
        seen.complaint.clone_from(&self.complaint);
        self.in_force = Some(snapshot.routes);
        // what was asked before says nothing about requests that came until now
        seen.under_way = None;
        Some(true)
    }

    /// Whether an address that could not be listened on can be by now: the same snapshot once more says so.
    async fn complain_again(&mut self) {
        let (true, Some(routes)) = (self.complaint.is_some(), &self.in_force) else { return };
        let snapshot = GatewaySnapshot { version: self.version, routes: routes.clone() };
        if let Ok(answer) = timeout(GATEWAY_TIMEOUT, self.shared.gateway.publish(&snapshot)).await {
            self.complaint = answer.err().map(|error| error.to_string());
        }
    }

    fn begin(&mut self, state: &State, effect: crate::core::reconcile::Effect) {
        let pod = match &effect {
            crate::core::reconcile::Effect::Start { pod }
            | crate::core::reconcile::Effect::Stop { pod, .. }
            | crate::core::reconcile::Effect::Discard { pod, .. } => pod.clone(),
        };
        // one thing at a time for a pod
        if !self.busy.insert(pod) {
            return;
        }
        tracing::debug!(?effect, "begins");
        let needs = ready(state, &self.shared.keep, &effect);
        self.effects.spawn(Arc::clone(&self.hands).carry_out(effect, needs));
    }

    async fn take(&mut self, done: Result<Done, tokio::task::JoinError>) {
        let Ok(done) = done else {
            // a task that panicked: which pod it was for is not known, so all are looked at again
            tracing::error!("a hand of the target failed");
            self.busy.clear();
            return;
        };
        self.busy.remove(&done.pod);
        let now = self.shared.clock.now();
        match done.outcome {
            Outcome::Started(warnings) => {
                let change = |pod: &mut Pod| std::mem::replace(&mut pod.warnings, warnings.clone()) != warnings;
                self.shared.change_pod(&done.pod, change).await;
            }
            Outcome::NotStarted(why) => {
                tracing::warn!(pod = done.pod, why, "a container was not started");
                let change = move |pod: &mut Pod| {
                    pod.start_failed(now, &why);
                    true
                };
                self.shared.change_pod(&done.pod, change).await;
            }
            Outcome::Failed(why) => tracing::warn!(pod = done.pod, why, "a container was not stopped or removed"),
            Outcome::Did => {}
        }
    }

    /// Takes in what a watch said.
    async fn hear(&mut self, said: Said) {
        tracing::debug!(?said, "heard");
        let pod = said.pod.clone();
        self.shared.change_pod(&pod, move |pod| pod.container() == said.container && pod.hear(&said)).await;
    }

    /// A watch over each running container that has probes, none over what is gone.
    fn keep_watch(&mut self, state: &State, seen: &Seen) {
        let mut wanted = BTreeSet::new();
        for pod in state.pods.values().filter(|pod| pod.active() && pod.finished.is_none() && !pod.unwell) {
            let Some(template) = state.objects.get(&pod.owner).and_then(|object| object.templates.get(&pod.template)) else { continue };
            let container = template.container();
            let probed = container.startup_probe.is_some() || container.readiness_probe.is_some() || container.liveness_probe.is_some();
            if !probed || seen.running_since(pod).is_none() {
                continue;
            }
            let id = pod.container();
            wanted.insert(id.clone());
            if self.watches.contains_key(&id) {
                continue;
            }
            let asked = Asked {
                container: id.clone(),
                address: pod.address,
                ports: container.ports.clone(),
                runtime: Arc::clone(&self.shared.runtime),
            };
            let over = Watch { pod: pod.name.clone(), asked, container: container.clone(), warm: pod.warm, ready: pod.ready };
            let handle = self.watched.spawn(watch(over, self.said.clone()));
            self.watches.insert(id, handle);
        }
        self.watches.retain(|id, handle| {
            let keep = wanted.contains(id);
            if !keep {
                handle.abort();
            }
            keep
        });
        while self.watched.try_join_next().is_some() {}
    }
}

/// Canaries whose counters begin now.
fn beginnings(state: &State, figures: &Figures) -> Vec<Change> {
    state
        .objects
        .values()
        .filter(|object| wants_base(object, figures.started))
        .map(|object| Change::Began { rollout: object.record.key.clone(), base: base(state, object, figures) })
        .collect()
}
