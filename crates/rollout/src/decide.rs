//! What happens next: from what is seen, or a person's word, to events.

use penstock_model::Timestamp;
use penstock_model::ids::Actor;
use penstock_model::target::RolloutSeen;

use crate::event::RolloutEvent;
use crate::judge::{Verdict, judge};
use crate::state::{Canary, Phase, RolloutState};
use crate::strategy::{Pause, Plan};
use crate::window::Window;

/// What is to be decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// The target was looked at. `plan` is what the manifest's strategy says now; it counts when a canary starts.
    Look {
        /// What was seen.
        seen: Box<RolloutSeen>,
        /// What a new canary would go by.
        plan: Plan,
    },
    /// Hold it where it is. A verdict that fails still ends it.
    Pause {
        /// Who.
        by: Actor,
    },
    /// Let it go on; ends a step that waits for a person.
    Resume {
        /// Who.
        by: Actor,
    },
    /// Skip the rest of the steps, without their verdicts.
    Promote {
        /// Who.
        by: Actor,
    },
    /// Take it back, and refuse its template from now on.
    Abort {
        /// Who.
        by: Actor,
        /// Why.
        why: String,
    },
}

/// Why a person's word has no effect.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Nothing is under way.
    #[error("no canary is under way")]
    NoCanary,
    /// It is held already.
    #[error("it is paused already, by {0}")]
    AlreadyPaused(Actor),
    /// Nobody holds it and its step waits for nobody.
    #[error("it is not paused")]
    NotPaused,
    /// A first deployment cannot be taken back.
    #[error("no version was stable before this one, so that there is nothing to go back to; deliver a better one")]
    NothingBefore,
    /// The steps are done.
    #[error("all its steps are done; it is being promoted")]
    AlreadyFinishing,
}

/// Decides. For `Look`, no events means that nothing changed.
pub fn decide(state: &RolloutState, command: Command, now: Timestamp) -> Result<Vec<RolloutEvent>, Refusal> {
    let word = match command {
        Command::Look { seen, plan } => return Ok(look(state, &seen, plan, now)),
        word => word,
    };
    let canary = state.active().ok_or(Refusal::NoCanary)?;
    let template = canary.template.clone();
    let event = match word {
        Command::Pause { by } => match &canary.paused {
            Some(holder) => return Err(Refusal::AlreadyPaused(holder.clone())),
            None => RolloutEvent::Paused { template, by, at: now },
        },
        Command::Resume { by } => {
            let waits = matches!(canary.phase, Phase::Baking { resumed: false, .. })
                && canary.step().is_some_and(|step| step.pause == Pause::UntilResumed);
            if canary.paused.is_none() && !waits {
                return Err(Refusal::NotPaused);
            }
            RolloutEvent::Resumed { template, by, at: now }
        }
        Command::Promote { by } if !matches!(canary.phase, Phase::Finishing { .. }) => RolloutEvent::Skipped { template, by, at: now },
        Command::Promote { .. } => return Err(Refusal::AlreadyFinishing),
        Command::Abort { .. } if canary.stable.is_none() => return Err(Refusal::NothingBefore),
        Command::Abort { by, why } => RolloutEvent::Aborted { template, why, by, at: now },
        Command::Look { .. } => return Ok(Vec::new()), // answered above
    };
    Ok(vec![event])
}

fn look(state: &RolloutState, seen: &RolloutSeen, plan: Plan, now: Timestamp) -> Vec<RolloutEvent> {
    match state.active() {
        Some(canary) if canary.template == seen.wanted => progress(canary, seen, now),
        Some(canary) => {
            let template = canary.template.clone();
            let mut events = vec![RolloutEvent::Superseded { template, wanted: seen.wanted.clone(), at: now }];
            events.extend(start(state, seen, plan, now));
            events
        }
        None => start(state, seen, plan, now).into_iter().collect(),
    }
}

/// A template that is neither stable nor refused starts.
fn start(state: &RolloutState, seen: &RolloutSeen, plan: Plan, now: Timestamp) -> Option<RolloutEvent> {
    if seen.stable.as_ref() == Some(&seen.wanted) || state.refused.contains_key(&seen.wanted) {
        return None;
    }
    Some(RolloutEvent::Started { key: seen.key.clone(), template: seen.wanted.clone(), stable: seen.stable.clone(), plan, at: now })
}

fn progress(canary: &Canary, seen: &RolloutSeen, now: Timestamp) -> Vec<RolloutEvent> {
    let template = canary.template.clone();
    if seen.stable.as_ref() == Some(&canary.template) {
        // the order was carried out; should it have been without us, it is no less stable
        return vec![RolloutEvent::Promoted { template, at: now }];
    }
    if let Some(base) = canary.phase.base()
        && seen.figures_known
        && Window::between(base, &seen.canary).is_none()
    {
        return vec![RolloutEvent::FiguresLost { template, canary: seen.canary.clone(), at: now }];
    }
    if let Some(events) = fail(canary, seen, now) {
        return events;
    }
    match canary.phase {
        Phase::Setting { index, .. } => {
            let Some(step) = canary.plan.steps.get(index) else { return Vec::new() };
            // without known counters there is nothing to judge the step against later
            let measured = seen.figures_known || canary.plan.analysis.metrics.is_empty();
            if !in_force(seen, step.weight) || !measured {
                return Vec::new();
            }
            let (counters, baseline) = (seen.canary.clone(), seen.baseline.clone());
            vec![RolloutEvent::StepBegan { template, index, weight: step.weight, canary: counters, baseline, at: now }]
        }
        Phase::Baking { index, since, resumed, .. } => {
            let Some(step) = canary.plan.steps.get(index) else { return Vec::new() };
            let baked = match step.pause {
                Pause::None => true,
                Pause::For { millis } => now.since(since).as_millis() >= u128::from(millis),
                Pause::UntilResumed => resumed,
            };
            if !baked || canary.paused.is_some() {
                return Vec::new();
            }
            let judgement = judge(canary, seen);
            if judgement.verdict == Verdict::Pass { vec![RolloutEvent::Judged { template, index, judgement, at: now }] } else { Vec::new() }
        }
        _ => Vec::new(),
    }
}

/// Whether a weight is in force, with the pods that it needs.
pub(crate) fn in_force(seen: &RolloutSeen, weight: u32) -> bool {
    seen.weight == weight && seen.wanted_ready >= seen.wanted_replicas.max(1)
}

/// A failing verdict, or pods that do not get ready in time, end the canary at any time. A first deployment has nothing
/// to go back to and goes on trying.
fn fail(canary: &Canary, seen: &RolloutSeen, now: Timestamp) -> Option<Vec<RolloutEvent>> {
    canary.stable.as_ref()?;
    let template = canary.template.clone();
    let aborted = |why: String| RolloutEvent::Aborted { template: template.clone(), why, by: Actor::Penstock, at: now };
    let judgement = judge(canary, seen);
    if judgement.verdict == Verdict::Fail {
        let why = judgement.why.join("; ");
        let index = match canary.phase {
            Phase::Setting { index, .. } | Phase::Baking { index, .. } => index,
            _ => canary.plan.steps.len(),
        };
        return Some(vec![RolloutEvent::Judged { template: template.clone(), index, judgement, at: now }, aborted(why)]);
    }
    let (since, weight) = match canary.phase {
        Phase::Setting { index, since } => (since, canary.plan.steps.get(index)?.weight),
        Phase::Finishing { since, .. } => (since, 100),
        _ => return None,
    };
    let late = now.since(since).as_millis() >= u128::from(canary.plan.deadline_ms);
    if late && !in_force(seen, weight) {
        let why = format!(
            "{weight} % was not reached within {} s: {} of {} pods are ready, the weight is {} %",
            canary.plan.deadline_ms / 1000,
            seen.wanted_ready,
            seen.wanted_replicas.max(1),
            seen.weight
        );
        return Some(vec![aborted(why)]);
    }
    None
}
