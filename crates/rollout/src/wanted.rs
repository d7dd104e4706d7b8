//! What the target is to do now, derived from the state and what is seen.

use std::time::Duration;

use penstock_model::Timestamp;
use penstock_model::target::{RolloutOrder, RolloutSeen};

use crate::decide::in_force;
use crate::state::{Phase, RolloutState};
use crate::strategy::Pause;

/// Where no analysis says how often to look.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// An order about one template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Which template; the target refuses an order about another one than it knows.
    pub template: String,
    /// What to do.
    pub order: RolloutOrder,
}

/// What is to be done now. Nothing, if what is seen is as it should be.
pub fn wanted(state: &RolloutState, seen: &RolloutSeen) -> Option<Order> {
    let order = |order| Some(Order { template: seen.wanted.clone(), order });
    if seen.stable.as_ref() == Some(&seen.wanted) {
        return None;
    }
    if state.refused.contains_key(&seen.wanted) {
        let gone = seen.weight == 0 && seen.wanted_ready == 0 && seen.wanted_replicas == 0;
        return if gone { None } else { order(RolloutOrder::Abort) };
    }
    let canary = state.active().filter(|canary| canary.template == seen.wanted)?;
    match canary.phase {
        // a person's pause holds the weight where it is
        Phase::Setting { .. } if canary.paused.is_some() => None,
        Phase::Setting { index, .. } | Phase::Baking { index, .. } => {
            let percent = canary.plan.steps.get(index)?.weight;
            if in_force(seen, percent) { None } else { order(RolloutOrder::SetWeight { percent }) }
        }
        Phase::Finishing { .. } if canary.paused.is_some() => None,
        Phase::Finishing { .. } if in_force(seen, 100) => order(RolloutOrder::Promote),
        Phase::Finishing { .. } => order(RolloutOrder::SetWeight { percent: 100 }),
        _ => None,
    }
}

/// When to look again at the latest, even if nothing wakes the driver.
pub fn next_look(state: &RolloutState, now: Timestamp) -> Option<Timestamp> {
    let canary = state.active()?;
    let interval = match canary.plan.analysis.interval_ms {
        0 | u64::MAX => LOOK_EVERY,
        millis => Duration::from_millis(millis),
    };
    let regular = now.after(interval);
    let baked = match (&canary.phase, canary.step().map(|step| step.pause)) {
        (Phase::Baking { since, .. }, Some(Pause::For { millis })) => since.after(Duration::from_millis(millis)),
        _ => return Some(regular),
    };
    Some(if baked > now { regular.min(baked) } else { regular })
}
