//! What happened to a Rollout, for ever: names, versions and forms only grow.

use penstock_model::Timestamp;
use penstock_model::event::{DomainEvent, EventType};
use penstock_model::gateway::Counters;
use penstock_model::ids::Actor;
use penstock_model::target::ObjectKey;
use serde::{Deserialize, Serialize};

use crate::judge::Judgement;
use crate::strategy::Plan;

/// An event of the stream `rollout/ENVIRONMENT/NAMESPACE/NAME`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum RolloutEvent {
    /// A new pod template showed up.
    Started {
        /// Which Rollout.
        key: ObjectKey,
        /// The new template's hash.
        template: String,
        /// The one that serves; `None` for a first deployment, which has no steps.
        stable: Option<String>,
        /// What it goes by.
        plan: Plan,
        /// When.
        at: Timestamp,
    },
    /// A step's weight is in force and its pods are ready: it bakes from now on.
    StepBegan {
        /// The canary's template.
        template: String,
        /// Which step, from 0.
        index: usize,
        /// Its weight.
        weight: u32,
        /// The canary's counters then: the step is judged by what comes after.
        canary: Counters,
        /// The stable one's.
        baseline: Counters,
        /// When.
        at: Timestamp,
    },
    /// The gateway began to count anew: what it counted before is not known, and the step is judged by what comes now.
    FiguresLost {
        /// The canary's template.
        template: String,
        /// The canary's counters now.
        canary: Counters,
        /// When.
        at: Timestamp,
    },
    /// A step ended with its verdict, or a verdict ended the canary.
    Judged {
        /// The canary's template.
        template: String,
        /// Which step; the number of steps for the last stretch at 100 %.
        index: usize,
        /// The verdict and its figures.
        judgement: Judgement,
        /// When.
        at: Timestamp,
    },
    /// A person holds it where it is.
    Paused {
        /// The canary's template.
        template: String,
        /// Who.
        by: Actor,
        /// When.
        at: Timestamp,
    },
    /// A person lets it go on; this also ends a step that waits for one.
    Resumed {
        /// The canary's template.
        template: String,
        /// Who.
        by: Actor,
        /// When.
        at: Timestamp,
    },
    /// A person skips the rest of the steps.
    Skipped {
        /// The canary's template.
        template: String,
        /// Who.
        by: Actor,
        /// When.
        at: Timestamp,
    },
    /// It is the stable one now.
    Promoted {
        /// The canary's template.
        template: String,
        /// When.
        at: Timestamp,
    },
    /// It is taken back. The template is refused from now on.
    Aborted {
        /// The canary's template.
        template: String,
        /// Why.
        why: String,
        /// Who: Penstock by its judge, or a person.
        by: Actor,
        /// When.
        at: Timestamp,
    },
    /// Another template was wanted before this one had passed: it is over, and not refused.
    Superseded {
        /// The canary's template.
        template: String,
        /// What is wanted instead.
        wanted: String,
        /// When.
        at: Timestamp,
    },
}

impl DomainEvent for RolloutEvent {
    fn event_type(&self) -> EventType {
        let name = match self {
            Self::Started { .. } => "rollout.started",
            Self::StepBegan { .. } => "rollout.step_began",
            Self::FiguresLost { .. } => "rollout.figures_lost",
            Self::Judged { .. } => "rollout.judged",
            Self::Paused { .. } => "rollout.paused",
            Self::Resumed { .. } => "rollout.resumed",
            Self::Skipped { .. } => "rollout.skipped",
            Self::Promoted { .. } => "rollout.promoted",
            Self::Aborted { .. } => "rollout.aborted",
            Self::Superseded { .. } => "rollout.superseded",
        };
        EventType { name: name.to_owned(), version: 1 }
    }
}
