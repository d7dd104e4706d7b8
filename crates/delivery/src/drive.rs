//! The loop: look at the world, have what is wanted carried out, look again when the world changed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use penstock_model::Timestamp;
use serde::Serialize;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::effects;
use crate::parts::Parts;
use crate::wanted::{Effect, Stop, wanted};

/// Jobs that run at the same time.
pub const MAX_JOBS: usize = 4;
/// The longest time between two tries of an effect that fails.
const MAX_BACK_OFF: Duration = Duration::from_secs(60);
/// Time-bound things (freeze windows, expiring approvals) are looked at this often when nothing else happens.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// An effect that failed and will be tried again; shown to people.
#[derive(Clone, Debug, Serialize)]
pub struct Trouble {
    /// What was tried.
    pub effect: String,
    /// What came back.
    pub error: String,
    /// How often.
    pub tries: u32,
    /// When it is tried again.
    pub again: Timestamp,
}

/// What is failing now, for pages and `status`.
#[derive(Clone, Default)]
pub struct Troubles(Arc<Mutex<BTreeMap<Effect, Trouble>>>);

impl Troubles {
    /// All of them.
    pub fn list(&self) -> Vec<Trouble> {
        self.0.lock().map(|map| map.values().cloned().collect()).unwrap_or_default()
    }

    fn failed(&self, effect: &Effect, error: String, now: Timestamp) {
        let Ok(mut map) = self.0.lock() else { return };
        let tries = map.get(effect).map_or(1, |trouble| trouble.tries + 1);
        let pause = Duration::from_secs(1 << tries.min(6)).min(MAX_BACK_OFF);
        map.insert(effect.clone(), Trouble { effect: format!("{effect:?}"), error, tries, again: now.after(pause) });
    }

    fn cleared(&self, effect: &Effect) {
        if let Ok(mut map) = self.0.lock() {
            map.remove(effect);
        }
    }

    fn waits_until(&self, effect: &Effect) -> Option<Timestamp> {
        self.0.lock().ok()?.get(effect).map(|trouble| trouble.again)
    }
}

/// Runs until `stop`; then waits for what is under way, except jobs, which are ended and begun anew by the next server.
pub async fn drive(parts: Arc<Parts>, stop: CancellationToken) {
    let mut changes = parts.journal.watch();
    let (done, mut finished) = mpsc::channel::<(Effect, Result<(), effects::EffectError>)>(1024);
    let mut under_way: BTreeMap<Effect, CancellationToken> = BTreeMap::new();
    let mut tasks = JoinSet::new();
    loop {
        let now = parts.journal.now();
        let world = changes.borrow_and_update().clone();
        let wants = wanted(&world, now);
        stop_jobs(&under_way, &wants.stops);
        let next_try = start(&parts, &wants.effects, &mut under_way, &mut tasks, &done, &stop, now);
        let pause = next_try.map_or(LOOK_AGAIN, |at| at.since(now).max(Duration::from_millis(10))).min(LOOK_AGAIN);
        tokio::select! {
            () = stop.cancelled() => break,
            changed = changes.changed() => if changed.is_err() { break },
            Some((effect, result)) = finished.recv() => settle(&parts, &mut under_way, effect, result),
            () = tokio::time::sleep(pause) => {}
        }
        while let Ok((effect, result)) = finished.try_recv() {
            settle(&parts, &mut under_way, effect, result);
        }
        while tasks.try_join_next().is_some() {}
    }
    drop(done);
    while tasks.join_next().await.is_some() {}
}

fn stop_jobs(under_way: &BTreeMap<Effect, CancellationToken>, stops: &[Stop]) {
    let stops: BTreeSet<_> = stops.iter().map(|stop| (&stop.run, &stop.job)).collect();
    for (effect, cancel) in under_way {
        if let Effect::Job { run, job, .. } = effect
            && stops.contains(&(run, job))
        {
            cancel.cancel();
        }
    }
}

/// Starts what is wanted, not under way, not waiting after a failure, and within the bound on jobs. Gives the next moment to look.
fn start(
    parts: &Arc<Parts>,
    effects: &[Effect],
    under_way: &mut BTreeMap<Effect, CancellationToken>,
    tasks: &mut JoinSet<()>,
    done: &mpsc::Sender<(Effect, Result<(), effects::EffectError>)>,
    stop: &CancellationToken,
    now: Timestamp,
) -> Option<Timestamp> {
    let mut next_try: Option<Timestamp> = None;
    for effect in effects {
        if under_way.contains_key(effect) {
            continue;
        }
        if let Some(at) = parts.troubles.waits_until(effect).filter(|at| *at > now) {
            next_try = Some(next_try.map_or(at, |next| next.min(at)));
            continue;
        }
        let jobs = under_way.keys().filter(|effect| matches!(effect, Effect::Job { .. })).count();
        if matches!(effect, Effect::Job { .. }) && jobs >= MAX_JOBS {
            continue;
        }
        let cancel = stop.child_token();
        under_way.insert(effect.clone(), cancel.clone());
        let (parts, effect, done) = (parts.clone(), effect.clone(), done.clone());
        tasks.spawn(async move {
            let result = effects::carry_out(&parts, &effect, cancel).await;
            // the loop may be gone: then nobody needs to know
            let _ = done.send((effect, result)).await;
        });
    }
    next_try
}

fn settle(parts: &Parts, under_way: &mut BTreeMap<Effect, CancellationToken>, effect: Effect, result: Result<(), effects::EffectError>) {
    under_way.remove(&effect);
    match result {
        Ok(()) => {
            parts.troubles.cleared(&effect);
            info!(?effect, "done");
        }
        Err(error) => {
            let text = effects::chain(&error);
            warn!(?effect, error = %text, "failed, will be tried again");
            parts.troubles.failed(&effect, text, parts.journal.now());
        }
    }
}
