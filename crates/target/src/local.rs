//! The target trait over the state and the loop.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use async_trait::async_trait;
use penstock_model::Clock;
use penstock_model::admission::Admission;
use penstock_model::container::ContainerRuntime;
use penstock_model::gateway::{Figures, Gateway};
use penstock_model::target::{ApplicationScope, LiveObject, ObjectKey, PodSeen, RolloutOrder, RolloutSeen, Target, TargetError};
use serde_json::Value;
use tokio::sync::{Mutex, MutexGuard, Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::core::canary::{Stance, stance};
use crate::core::figures::rollout_seen;
use crate::core::seen::Seen;
use crate::core::status::{pod_seen, status};
use crate::core::traffic::{routes_of, unrouted, weight_in_force};
use crate::engine::Engine;
use crate::keep::{Keep, KeepError};
use crate::manifest::{self, Kind};
use crate::settings::LocalSettings;
use crate::state::{Object, Pod, State};

/// An order's traffic follows within this time, or the gateway is not well.
const ORDER_TIMEOUT: Duration = Duration::from_secs(15);
/// Pods that go have their grace, and this more.
const TEAR_DOWN_TIMEOUT: Duration = Duration::from_mins(2);
/// The loop's first look after a start comes within this time.
const LOOK_TIMEOUT: Duration = Duration::from_secs(15);
/// Figures that are only shown.
const FIGURES_TIMEOUT: Duration = Duration::from_secs(2);

/// What the trait's calls and the loop share.
pub struct Shared {
    /// Runs containers.
    pub runtime: Arc<dyn ContainerRuntime>,
    /// Carries the traffic.
    pub gateway: Arc<dyn Gateway>,
    /// The door.
    pub admission: Arc<dyn Admission>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The directory.
    pub keep: Arc<Keep>,
    /// What is kept, also on the disk.
    pub state: Mutex<State>,
    /// Wakes the loop.
    pub wake: Notify,
    seen: RwLock<Arc<Seen>>,
    sequence: AtomicU64,
    passed: watch::Sender<u64>,
    looked: watch::Sender<bool>,
    changed: watch::Sender<u64>,
}

impl Shared {
    /// The number of the last change of what is wanted.
    pub fn sequence(&self) -> u64 {
        self.sequence.load(Ordering::Acquire)
    }

    /// Writes a state; gives it back, written.
    pub async fn write(&self, mut state: State) -> Result<State, KeepError> {
        if state.unwritten.is_empty() {
            return Ok(state);
        }
        let keep = Arc::clone(&self.keep);
        let written = tokio::task::spawn_blocking(move || keep.write(&mut state).map(|()| state)).await;
        written.unwrap_or_else(|error| {
            let source = std::io::Error::other(error);
            Err(KeepError::Io { what: "cannot write to", path: "the target's directory".into(), source })
        })
    }

    /// The loop looked.
    pub fn saw(&self, seen: Seen, passed: Option<u64>, changed: bool) {
        *self.seen.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(seen);
        self.looked.send_if_modified(|looked| !std::mem::replace(looked, true));
        if let Some(sequence) = passed {
            self.passed.send_if_modified(|last| std::mem::replace(last, sequence) != sequence);
        }
        if changed {
            self.changed.send_modify(|count| *count += 1);
        }
    }

    /// Changes a pod's record, if it is still there.
    pub async fn change_pod(&self, name: &str, change: impl FnOnce(&mut Pod) -> bool + Send) {
        let mut state = self.state.lock().await;
        let mut next = state.clone();
        let changed = next.pod_mut(name).is_some_and(change);
        if !changed {
            return;
        }
        match self.write(next).await {
            Ok(next) => *state = next,
            // it is heard again: probes go on, and a start that failed fails again
            Err(error) => tracing::error!(%error, pod = name, "a pod's record cannot be written"),
        }
        self.changed.send_modify(|count| *count += 1);
    }

    /// A view as of now. Before the loop's first look nothing is known, which must not be taken for nothing being there.
    async fn look(&self) -> Result<(MutexGuard<'_, State>, Seen), TargetError> {
        let mut looked = self.looked.subscribe();
        let known = timeout(LOOK_TIMEOUT, looked.wait_for(|looked| *looked)).await.is_ok_and(|known| known.is_ok());
        if !known {
            let what = format!("this machine has not been looked at for {} s: see the server's log", LOOK_TIMEOUT.as_secs());
            return Err(TargetError::Failed { what });
        }
        let state = self.state.lock().await;
        let last = Arc::clone(&self.seen.read().unwrap_or_else(PoisonError::into_inner));
        let mut seen = Seen { now: self.clock.now(), ..(*last).clone() };
        seen.unrouted = unrouted(&state, &seen);
        Ok((state, seen))
    }

    /// Writes a changed state, puts it in place and wakes the loop; gives the change's number.
    async fn commit(&self, mut state: MutexGuard<'_, State>, next: State) -> Result<u64, TargetError> {
        let next = self.write(next).await.map_err(|error| TargetError::Failed { what: error.to_string() })?;
        *state = next;
        let sequence = self.sequence.fetch_add(1, Ordering::AcqRel) + 1;
        drop(state);
        self.changed.send_modify(|count| *count += 1);
        self.wake.notify_one();
        Ok(sequence)
    }

    async fn figures(&self) -> Option<Figures> {
        timeout(FIGURES_TIMEOUT, self.gateway.figures()).await.ok()?.ok()
    }
}

/// This machine as a target.
pub struct LocalTarget {
    shared: Arc<Shared>,
}

impl LocalTarget {
    /// Opens the target's directory and finds what is kept there; starts nothing yet.
    ///
    /// # Errors
    /// When the directory cannot be used or holds something else.
    pub fn open(
        settings: &LocalSettings,
        runtime: Arc<dyn ContainerRuntime>,
        gateway: Arc<dyn Gateway>,
        admission: Arc<dyn Admission>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, TargetError> {
        let failed = |error: KeepError| TargetError::Failed { what: error.to_string() };
        let keep = Keep::open(&settings.dir).map_err(failed)?;
        let state = keep.load(settings).map_err(failed)?;
        let shared = Shared {
            runtime,
            gateway,
            admission,
            clock,
            keep: Arc::new(keep),
            state: Mutex::new(state),
            wake: Notify::new(),
            seen: RwLock::default(),
            sequence: AtomicU64::new(0),
            passed: watch::Sender::new(0),
            looked: watch::Sender::new(false),
            changed: watch::Sender::new(0),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Starts the loop that makes it so, until it is told to stop. Containers and gateway go on without it.
    pub fn spawn(&self, stop: CancellationToken) -> JoinHandle<()> {
        tokio::spawn(Engine::new(Arc::clone(&self.shared)).run(stop))
    }
}

/// The share of the wanted template by the snapshot in force, in percent.
fn published_weight(state: &State, seen: &Seen, object: &Object) -> u32 {
    let Some(workload) = object.rollout() else { return 100 };
    let Stance::Between { stable, .. } = stance(object, workload.replicas) else { return 100 };
    let routes: Vec<String> = routes_of(state, object);
    let route = seen.in_force.as_ref().and_then(|in_force| routes.iter().find_map(|name| in_force.get(name)));
    // without a Service, or while the gateway does not answer (it keeps its last snapshot): what should be
    let Some(route) = route else { return weight_in_force(state, seen, object) };
    let weight = |hash: &str| route.groups.get(hash).map_or(0, |group| group.weight);
    let (canary, rest) = (weight(&object.wanted), weight(stable));
    (canary * 100).checked_div(canary + rest).unwrap_or_default()
}

fn pods_of_application<'a>(state: &'a State, application: &'a str) -> impl Iterator<Item = &'a Pod> {
    state.pods.values().map(|pod| &**pod).filter(move |pod| pod.scope.application == application)
}

fn objects_of<'a>(state: &'a State, application: &'a str) -> impl Iterator<Item = &'a Object> {
    state.objects.values().map(|object| &**object).filter(move |object| object.record.scope.application == application)
}

#[async_trait]
impl Target for LocalTarget {
    fn check(&self, namespace: &str, manifest: &Value) -> Result<(), TargetError> {
        manifest::read(manifest, namespace).map(drop)
    }

    async fn apply(&self, scope: &ApplicationScope, manifest: &Value, epoch: u64) -> Result<(), TargetError> {
        let manifest = manifest::read(manifest, &scope.namespace)?;
        if let Some(image) = manifest.kind.template().and_then(|template| template.container().image()) {
            self.shared.admission.admit(scope, &image).await?;
        }
        let state = self.shared.state.lock().await;
        let mut next = state.clone();
        next.present(&scope.application, epoch)?;
        let changed = next.apply(scope, manifest, self.shared.clock.now())?;
        if changed || !next.unwritten.is_empty() {
            self.shared.commit(state, next).await?;
        }
        Ok(())
    }

    async fn delete(&self, scope: &ApplicationScope, key: &ObjectKey, epoch: u64) -> Result<(), TargetError> {
        let state = self.shared.state.lock().await;
        let mut next = state.clone();
        next.present(&scope.application, epoch)?;
        let changed = next.delete(&scope.application, key)?;
        if changed || !next.unwritten.is_empty() {
            self.shared.commit(state, next).await?;
        }
        Ok(())
    }

    async fn live(&self, application: &str) -> Result<Vec<LiveObject>, TargetError> {
        let (state, seen) = self.shared.look().await?;
        let live = objects_of(&state, application).map(|object| LiveObject {
            key: object.record.key.clone(),
            applied: object.record.applied.clone(),
            status: status(&state, &seen, object),
        });
        Ok(live.collect())
    }

    async fn rollouts(&self, application: &str) -> Result<Vec<RolloutSeen>, TargetError> {
        let figures = self.shared.figures().await;
        let (state, seen) = self.shared.look().await?;
        Ok(objects_of(&state, application)
            .filter_map(|object| {
                let weight = published_weight(&state, &seen, object);
                rollout_seen(&state, &seen, object, figures.as_ref(), weight)
            })
            .collect())
    }

    async fn order(&self, key: &ObjectKey, template: &str, order: &RolloutOrder, epoch: u64) -> Result<(), TargetError> {
        let mut passed = self.shared.passed.subscribe();
        let state = self.shared.state.lock().await;
        let mut next = state.clone();
        if let Some(application) = state.objects.get(key).map(|object| object.record.scope.application.clone()) {
            next.present(&application, epoch)?;
        }
        next.order(key, template, order)?;
        // also where nothing changes: what was ordered before may not be in force yet
        let sequence = self.shared.commit(state, next).await?;
        let followed = timeout(ORDER_TIMEOUT, passed.wait_for(|passed| *passed >= sequence)).await;
        match followed {
            Ok(Ok(_)) => Ok(()),
            _ => Err(TargetError::Failed {
                what: format!(
                    "{key}: the order is kept, but the gateway did not follow within {} s: see the server's log",
                    ORDER_TIMEOUT.as_secs()
                ),
            }),
        }
    }

    async fn pods(&self, application: &str) -> Result<Vec<PodSeen>, TargetError> {
        let (state, seen) = self.shared.look().await?;
        Ok(pods_of_application(&state, application).map(|pod| pod_seen(&state, &seen, pod)).collect())
    }

    async fn logs(&self, namespace: &str, pod: &str, max_bytes: usize) -> Result<String, TargetError> {
        let found = {
            let state = self.shared.state.lock().await;
            let found =
                state.pods.values().find(|known| known.owner.namespace == namespace && (known.name == pod || known.container() == pod));
            found.map(|pod| (pod.name.clone(), pod.container(), pod.attempt))
        };
        let Some((name, container, attempt)) = found else {
            return Err(TargetError::Failed { what: format!("there is no pod `{pod}` in {namespace}") });
        };
        let before = if attempt > 0 { self.shared.keep.output(&name) } else { None };
        let now = self.shared.runtime.logs(&container, max_bytes).await.unwrap_or_default();
        let mut all = before.map(|before| format!("{before}\n--- restarted ---\n")).unwrap_or_default();
        all.push_str(&now);
        let mut from = all.len().saturating_sub(max_bytes);
        while !all.is_char_boundary(from) {
            from += 1;
        }
        Ok(all.split_off(from))
    }

    async fn url(&self, application: &str) -> Result<Option<String>, TargetError> {
        let state = self.shared.state.lock().await;
        let port = objects_of(&state, application).find_map(|object| match &object.kind {
            Kind::Service(service) => service.ports.iter().find_map(|port| port.node_port),
            _ => None,
        });
        Ok(port.map(|port| format!("http://127.0.0.1:{port}")))
    }

    fn changed(&self) -> watch::Receiver<u64> {
        self.shared.changed.subscribe()
    }

    async fn tear_down(&self, application: &str) -> Result<(), TargetError> {
        let mut changed = self.shared.changed.subscribe();
        let state = self.shared.state.lock().await;
        let mut next = state.clone();
        next.remove_application(application);
        self.shared.commit(state, next).await?;
        let gone = async {
            loop {
                changed.mark_unchanged();
                if pods_of_application(&*self.shared.state.lock().await, application).next().is_none() {
                    return;
                }
                if changed.changed().await.is_err() {
                    return;
                }
            }
        };
        timeout(TEAR_DOWN_TIMEOUT, gone).await.map_err(|_| TargetError::Failed {
            what: format!("pods of {application} are still there after {} s: see the server's log", TEAR_DOWN_TIMEOUT.as_secs()),
        })
    }
}
