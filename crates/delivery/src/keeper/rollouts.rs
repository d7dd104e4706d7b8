//! Canaries: look, decide, append, order.

use std::time::Duration;

use penstock_model::ids::Actor;
use penstock_model::target::{RolloutOrder, RolloutSeen};
use penstock_rollout::{Command, Plan, RolloutEvent, RolloutState, next_look, wanted};

use super::Place;
use crate::effects::EffectError;
use crate::orders::OrderError;
use crate::parts::Parts;
use crate::world::{RolloutId, World};

/// The most events that one look leads to.
const MAX_STEPS: usize = 8;

fn state(world: &World, id: &RolloutId) -> RolloutState {
    world.rollouts.get(id).map(|record| record.state.clone()).unwrap_or_default()
}

/// Its name.
pub(super) fn id(place: &Place, seen: &RolloutSeen) -> RolloutId {
    RolloutId { project: place.0.clone(), environment: place.1.clone(), namespace: seen.key.namespace.clone(), name: seen.key.name.clone() }
}

/// A person's word.
pub(super) async fn say(parts: &Parts, id: &RolloutId, by: &Actor, command: Command) -> Result<(), OrderError> {
    let stream = id.stream().ok_or_else(|| OrderError::Absent(format!("Rollout {}", id.name)))?;
    let mut refusal = None;
    parts
        .journal
        .change(&stream, by.clone(), |world, now| -> Vec<RolloutEvent> {
            penstock_rollout::decide(&state(world, id), command, now).unwrap_or_else(|why| {
                refusal = Some(why);
                Vec::new()
            })
        })
        .await?;
    match refusal {
        Some(why) => Err(OrderError::Refused { why: why.to_string(), hint: "`penstock rollout` shows it".to_owned() }),
        None => Ok(()),
    }
}

/// What one look at a Rollout came to.
pub(super) struct Looked {
    /// Why its template is refused.
    pub refused: Option<String>,
    /// It is stable and nothing is left to do.
    pub settled: bool,
    /// When to look again.
    pub again: Option<Duration>,
}

/// One look: events first, durable, then the order that follows from them.
pub(super) async fn look(parts: &Parts, place: &Place, seen: &RolloutSeen, plan: &Plan) -> Result<Looked, EffectError> {
    let id = id(place, seen);
    let stream = id.stream().ok_or_else(|| EffectError::Other(format!("`{}` is too long a name for a Rollout", id.name)))?;
    for _ in 0..MAX_STEPS {
        let command = Command::Look { seen: Box::new(seen.clone()), plan: plan.clone() };
        let events = parts
            .journal
            .change(&stream, Actor::Penstock, |world, now| -> Vec<RolloutEvent> {
                let before = state(world, &id);
                // a look is never refused
                let mut events = penstock_rollout::decide(&before, command, now).unwrap_or_default();
                events.extend(known_good(world, &id, &events, now));
                events
            })
            .await?;
        if events.is_empty() {
            break;
        }
    }
    let world = parts.journal.world();
    let state = state(&world, &id);
    if let Some(order) = wanted(&state, seen) {
        let epoch = parts.journal.epoch().number;
        parts.target.order(&seen.key, &order.template, &order.order, epoch).await?;
        if order.order == RolloutOrder::Promote {
            // what is seen next says that it is stable
            return Ok(Looked { refused: None, settled: false, again: Some(Duration::from_millis(50)) });
        }
    }
    let now = parts.journal.now();
    Ok(Looked {
        refused: state.refused.get(&seen.wanted).cloned(),
        settled: seen.stable.as_ref() == Some(&seen.wanted) && state.active().is_none(),
        again: next_look(&state, now).map(|at| at.since(now)),
    })
}

/// The way back to a template that was stable before takes no steps: it is known to be good.
fn known_good(world: &World, id: &RolloutId, events: &[RolloutEvent], now: penstock_model::Timestamp) -> Option<RolloutEvent> {
    let started = events.iter().find_map(|event| match event {
        RolloutEvent::Started { template, stable: Some(_), .. } => Some(template),
        _ => None,
    })?;
    let known = world.rollouts.get(id).is_some_and(|record| record.promoted.contains(started));
    known.then(|| RolloutEvent::Skipped { template: started.clone(), by: Actor::Penstock, at: now })
}
