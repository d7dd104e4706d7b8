//! The loop: look at the world, have what is wanted carried out, look again when the world changed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use penstock_model::event::Position;
use penstock_model::release::ReleaseId;
use penstock_model::{CommitId, EnvironmentName, Timestamp};
use serde::Serialize;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::effects;
use crate::parts::Parts;
use crate::wanted::{Effect, Stop, wanted};
use crate::world::World;

/// Jobs that run at the same time.
pub const MAX_JOBS: usize = 4;
/// The longest time between two tries of an effect that fails.
const MAX_BACK_OFF: Duration = Duration::from_secs(60);
/// Time-bound things (freeze windows, expiring approvals) are looked at this often when nothing else happens.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// An effect that failed and will be tried again; shown to people.
#[derive(Clone, Debug, Serialize)]
pub struct Trouble {
    /// What was tried, in words.
    pub effect: String,
    /// What came back.
    pub error: String,
    /// How often.
    pub tries: u32,
    /// When it is tried again, if the config repository does not change before.
    pub again: Timestamp,
    /// The config repository's commit that it was tried with, if it is about a release.
    #[serde(skip)]
    config: Option<CommitId>,
}

/// What is failing now, for pages and `status`.
#[derive(Clone, Default)]
pub struct Troubles(Arc<Mutex<BTreeMap<Effect, Trouble>>>);

impl Troubles {
    /// All of them.
    pub fn list(&self) -> Vec<Trouble> {
        self.0.lock().map(|map| map.values().cloned().collect()).unwrap_or_default()
    }

    /// What fails about a release in an environment.
    pub fn of(&self, release: ReleaseId, environment: &EnvironmentName) -> Option<Trouble> {
        let map = self.0.lock().ok()?;
        map.iter().find(|(effect, _)| effect.place() == Some((release, environment))).map(|(_, trouble)| trouble.clone())
    }

    fn failed(&self, effect: &Effect, error: String, now: Timestamp, config: Option<CommitId>) {
        let Ok(mut map) = self.0.lock() else { return };
        let tries = map.get(effect).map_or(1, |trouble| trouble.tries + 1);
        let pause = Duration::from_secs(1 << tries.min(6)).min(MAX_BACK_OFF);
        map.insert(effect.clone(), Trouble { effect: effect.to_string(), error, tries, again: now.after(pause), config });
    }

    fn cleared(&self, effect: &Effect) {
        if let Ok(mut map) = self.0.lock() {
            map.remove(effect);
        }
    }

    /// Until when an effect waits. What somebody may just have put right in the config repository does not.
    fn waits_until(&self, effect: &Effect, config: Option<&CommitId>) -> Option<Timestamp> {
        self.0.lock().ok()?.get(effect).filter(|trouble| trouble.config.as_ref() == config).map(|trouble| trouble.again)
    }
}

/// An effect that is being carried out.
struct UnderWay {
    cancel: CancellationToken,
    /// The world that it was read off.
    position: Position,
    /// The commit of the config repository in it.
    config: Option<CommitId>,
}

/// What is being carried out, and what was, although the world says that it should still be.
#[derive(Default)]
struct Hands {
    under_way: BTreeMap<Effect, UnderWay>,
    resting: Resting,
    tasks: JoinSet<()>,
}

/// Effects that ended well in a world in which they are wanted still: another try would do the same again, at once and
/// for ever. They rest until the world changes, or until it is time to look again anyway.
#[derive(Default)]
struct Resting(BTreeMap<Effect, (Position, Timestamp)>);

impl Resting {
    fn lay(&mut self, effect: Effect, position: Position, now: Timestamp) {
        self.0.insert(effect, (position, now.after(LOOK_AGAIN)));
    }

    fn wake(&mut self, position: Position, now: Timestamp) {
        self.0.retain(|_, (of, until)| *of == position && *until > now);
    }

    fn rests_until(&self, effect: &Effect) -> Option<Timestamp> {
        self.0.get(effect).map(|(_, until)| *until)
    }
}

type Done = (Effect, Result<(), effects::EffectError>);

/// Runs until `stop`; then waits for what is under way, except jobs, which are ended and begun anew by the next server.
pub async fn drive(parts: Arc<Parts>, stop: CancellationToken) {
    let mut changes = parts.journal.watch();
    let (done, mut finished) = mpsc::channel::<Done>(1024);
    let mut hands = Hands::default();
    loop {
        let now = parts.journal.now();
        let world = changes.borrow_and_update().clone();
        let wants = wanted(&world, now);
        stop_jobs(&hands.under_way, &wants.stops);
        give_up_renders(&hands.under_way, &world);
        hands.resting.wake(world.position, now);
        let next_try = start(&parts, &wants.effects, world.position, &mut hands, &done, &stop);
        let next_look = next_try.into_iter().chain(wants.again).min();
        let pause = next_look.map_or(LOOK_AGAIN, |at| at.since(now).max(Duration::from_millis(10))).min(LOOK_AGAIN);
        tokio::select! {
            () = stop.cancelled() => break,
            changed = changes.changed() => if changed.is_err() { break },
            Some(done) = finished.recv() => settle(&parts, &mut hands, done),
            () = tokio::time::sleep(pause) => {}
        }
        while let Ok(done) = finished.try_recv() {
            settle(&parts, &mut hands, done);
        }
        while hands.tasks.try_join_next().is_some() {}
    }
    drop(done);
    while hands.tasks.join_next().await.is_some() {}
}

fn stop_jobs(under_way: &BTreeMap<Effect, UnderWay>, stops: &[Stop]) {
    let stops: BTreeSet<_> = stops.iter().map(|stop| (&stop.run, &stop.job)).collect();
    for (effect, way) in under_way {
        if let Effect::Job { run, job, .. } = effect
            && stops.contains(&(run, job))
        {
            way.cancel.cancel();
        }
    }
}

/// Gives up what is rendered of a commit that counts no longer: somebody may have put right what renders for ever.
fn give_up_renders(under_way: &BTreeMap<Effect, UnderWay>, world: &World) {
    for (effect, way) in under_way {
        if matches!(effect, Effect::Gate { .. } | Effect::Commit { .. }) && way.config.as_ref() != config_of(world, effect) {
            way.cancel.cancel();
        }
    }
}

/// Starts what is wanted, not under way, not waiting after a failure, not resting, and within the bound on jobs. Gives the
/// next moment to look.
fn start(
    parts: &Arc<Parts>,
    effects: &[Effect],
    position: Position,
    hands: &mut Hands,
    done: &mpsc::Sender<Done>,
    stop: &CancellationToken,
) -> Option<Timestamp> {
    let (now, world) = (parts.journal.now(), parts.journal.world());
    let mut next_try: Option<Timestamp> = None;
    for effect in effects {
        if hands.under_way.contains_key(effect) {
            continue;
        }
        let waits = parts.troubles.waits_until(effect, config_of(&world, effect)).filter(|at| *at > now);
        if let Some(at) = waits.or_else(|| hands.resting.rests_until(effect)) {
            next_try = Some(next_try.map_or(at, |next| next.min(at)));
            continue;
        }
        let jobs = hands.under_way.keys().filter(|effect| matches!(effect, Effect::Job { .. })).count();
        if matches!(effect, Effect::Job { .. }) && jobs >= MAX_JOBS {
            continue;
        }
        let cancel = stop.child_token();
        let config = config_of(&world, effect).cloned();
        hands.under_way.insert(effect.clone(), UnderWay { cancel: cancel.clone(), position, config });
        let (parts, effect, done) = (parts.clone(), effect.clone(), done.clone());
        hands.tasks.spawn(async move {
            let result = effects::carry_out(&parts, &effect, cancel).await;
            // the loop may be gone: then nobody needs to know
            let _ = done.send((effect, result)).await;
        });
    }
    next_try
}

/// The config repository's commit that an effect about a release is carried out with.
fn config_of<'w>(world: &'w World, effect: &Effect) -> Option<&'w CommitId> {
    let (release, _) = effect.place()?;
    let record = world.releases.get(&release)?;
    world.projects.get(&record.release.project)?.config.as_ref().map(|seen| &seen.commit)
}

fn settle(parts: &Parts, hands: &mut Hands, (effect, result): Done) {
    let began = hands.under_way.remove(&effect);
    let is_given_up = began.as_ref().is_some_and(|began| began.config.is_some() && began.cancel.is_cancelled());
    match result {
        // of another commit it may be otherwise
        Err(_) if is_given_up => parts.troubles.cleared(&effect),
        Ok(()) => {
            parts.troubles.cleared(&effect);
            info!(?effect, "done");
            if let Some(began) = began {
                hands.resting.lay(effect, began.position, parts.journal.now());
            }
        }
        Err(error) => {
            let text = effects::chain(&error);
            warn!(?effect, error = %text, "failed, will be tried again");
            parts.troubles.failed(&effect, text, parts.journal.now(), began.and_then(|began| began.config));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> Effect {
        Effect::Plan { run: penstock_model::RunId::from_parts(1, 1) }
    }

    #[test]
    fn what_ended_well_and_is_wanted_still_rests_until_the_world_changes() {
        let (mut resting, now) = (Resting::default(), Timestamp(1_000));
        resting.lay(plan(), 7, now);
        resting.wake(7, now);
        assert!(resting.rests_until(&plan()).is_some(), "nothing has changed: it would only spin");
        resting.wake(8, now);
        assert_eq!(resting.rests_until(&plan()), None);
    }

    #[test]
    fn what_failed_about_a_release_is_tried_at_once_when_the_config_repository_changed() {
        let (troubles, now) = (Troubles::default(), Timestamp(1_000));
        let (release, environment) = (ReleaseId(penstock_model::Digest::of("release")), "staging".parse().unwrap());
        let gate = Effect::Gate { release, environment };
        let [before, after] = ["a", "b"].map(|digit| digit.repeat(40).parse::<CommitId>().unwrap());
        troubles.failed(&gate, "it does not render".to_owned(), now, Some(before.clone()));
        assert!(troubles.waits_until(&gate, Some(&before)).is_some());
        assert_eq!(troubles.waits_until(&gate, Some(&after)), None);
        let told = troubles.of(release, &"staging".parse().unwrap()).unwrap();
        assert!(told.effect.starts_with("asking the gate of staging for release "), "{}", told.effect);
        assert!(troubles.of(release, &"production".parse().unwrap()).is_none());
    }

    #[test]
    fn what_rests_is_looked_at_again_in_time() {
        let (mut resting, now) = (Resting::default(), Timestamp(1_000));
        resting.lay(plan(), 7, now);
        resting.wake(7, now.after(LOOK_AGAIN));
        assert_eq!(resting.rests_until(&plan()), None);
    }
}
