//! A Rollout's state, folded from its events.

use std::collections::BTreeMap;

use penstock_model::Timestamp;
use penstock_model::gateway::Counters;
use penstock_model::ids::Actor;
use penstock_model::target::ObjectKey;
use serde::{Deserialize, Serialize};

use crate::event::RolloutEvent;
use crate::judge::{Judgement, Verdict};
use crate::strategy::{Plan, Step};

/// Where a canary is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum Phase {
    /// A step's weight is being put in force.
    Setting {
        /// Which step.
        index: usize,
        /// Since when.
        since: Timestamp,
    },
    /// A step's weight is in force.
    Baking {
        /// Which step.
        index: usize,
        /// Since when.
        since: Timestamp,
        /// The canary's counters when it began.
        base: Counters,
        /// A person has resumed it since.
        resumed: bool,
    },
    /// All steps are done or skipped: 100 %, then promotion.
    Finishing {
        /// Since when.
        since: Timestamp,
        /// The counters that the last step began with; `None` for a first deployment.
        base: Option<Counters>,
    },
    /// It is stable.
    Promoted {
        /// Since when.
        since: Timestamp,
    },
    /// It was taken back.
    Aborted {
        /// Since when.
        since: Timestamp,
        /// Why.
        why: String,
    },
    /// Another one was wanted.
    Superseded {
        /// Since when.
        since: Timestamp,
    },
}

impl Phase {
    /// The canary's counters by which the stretch that is under way is judged.
    pub fn base(&self) -> Option<&Counters> {
        match self {
            Self::Baking { base, .. } => Some(base),
            Self::Finishing { base, .. } => base.as_ref(),
            _ => None,
        }
    }

    /// Whether nothing more happens to it.
    pub fn is_over(&self) -> bool {
        matches!(self, Self::Promoted { .. } | Self::Aborted { .. } | Self::Superseded { .. })
    }
}

/// One pod template on its way to be stable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Canary {
    /// Which Rollout.
    pub key: ObjectKey,
    /// Its hash.
    pub template: String,
    /// The one that served when it began.
    pub stable: Option<String>,
    /// What it goes by.
    pub plan: Plan,
    /// When it began.
    pub began: Timestamp,
    /// Where it is.
    pub phase: Phase,
    /// Who holds it.
    pub paused: Option<Actor>,
    /// The last verdict that was written down.
    pub last: Option<Judgement>,
}

impl Canary {
    /// The step that is being set or bakes.
    pub fn step(&self) -> Option<Step> {
        match self.phase {
            Phase::Setting { index, .. } | Phase::Baking { index, .. } => self.plan.steps.get(index).copied(),
            _ => None,
        }
    }
}

/// A Rollout: its last canary, and what it must never run again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RolloutState {
    /// The last canary, over or not.
    pub canary: Option<Canary>,
    /// Templates that were aborted, and why. They are kept out for ever; another template is another hash.
    pub refused: BTreeMap<String, String>,
}

impl RolloutState {
    /// The canary under way.
    pub fn active(&self) -> Option<&Canary> {
        self.canary.as_ref().filter(|canary| !canary.phase.is_over())
    }

    /// Folds a stream.
    pub fn of<'a>(events: impl IntoIterator<Item = &'a RolloutEvent>) -> Self {
        let mut state = Self::default();
        events.into_iter().for_each(|event| state.evolve(event));
        state
    }

    /// Takes an event in.
    pub fn evolve(&mut self, event: &RolloutEvent) {
        if let RolloutEvent::Started { key, template, stable, plan, at } = event {
            let first = stable.is_none() || plan.steps.is_empty();
            let phase = if first { Phase::Finishing { since: *at, base: None } } else { Phase::Setting { index: 0, since: *at } };
            self.canary = Some(Canary {
                key: key.clone(),
                template: template.clone(),
                stable: stable.clone(),
                plan: plan.clone(),
                began: *at,
                phase,
                paused: None,
                last: None,
            });
            return;
        }
        if let RolloutEvent::Aborted { template, why, .. } = event {
            self.refused.insert(template.clone(), why.clone());
        }
        if let Some(canary) = &mut self.canary {
            canary.evolve(event);
        }
    }
}

impl Canary {
    fn evolve(&mut self, event: &RolloutEvent) {
        match event {
            RolloutEvent::Started { .. } => {}
            RolloutEvent::StepBegan { index, canary, at, .. } => {
                self.phase = Phase::Baking { index: *index, since: *at, base: canary.clone(), resumed: false };
            }
            RolloutEvent::FiguresLost { canary, .. } => match &mut self.phase {
                Phase::Baking { base, .. } => *base = canary.clone(),
                Phase::Finishing { base: Some(base), .. } => *base = canary.clone(),
                _ => {}
            },
            RolloutEvent::Judged { index, judgement, at, .. } => {
                self.last = Some(judgement.clone());
                if judgement.verdict == Verdict::Pass {
                    self.pass(*index, *at);
                }
            }
            RolloutEvent::Paused { by, .. } => self.paused = Some(by.clone()),
            RolloutEvent::Resumed { .. } => {
                self.paused = None;
                if let Phase::Baking { resumed, .. } = &mut self.phase {
                    *resumed = true;
                }
            }
            RolloutEvent::Skipped { at, .. } => {
                self.paused = None;
                self.phase = Phase::Finishing { since: *at, base: self.phase.base().cloned() };
            }
            RolloutEvent::Promoted { at, .. } => self.phase = Phase::Promoted { since: *at },
            RolloutEvent::Aborted { why, at, .. } => self.phase = Phase::Aborted { since: *at, why: why.clone() },
            RolloutEvent::Superseded { at, .. } => self.phase = Phase::Superseded { since: *at },
        }
    }

    fn pass(&mut self, index: usize, at: Timestamp) {
        let next = index + 1;
        let same_weight = match (self.plan.steps.get(index), self.plan.steps.get(next)) {
            (Some(step), Some(after)) => step.weight == after.weight,
            _ => false,
        };
        let base = self.phase.base().cloned();
        self.phase = match (base, self.plan.steps.get(next)) {
            // two pauses at one weight: nothing is to be set, and the figures go on
            (Some(base), Some(_)) if same_weight => Phase::Baking { index: next, since: at, base, resumed: false },
            (_, Some(_)) => Phase::Setting { index: next, since: at },
            (base, None) => Phase::Finishing { since: at, base },
        };
    }
}
