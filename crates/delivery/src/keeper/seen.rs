//! What is seen of an environment; not state of ours, so not events.

use std::collections::{BTreeMap, VecDeque};

use penstock_gitops::Health;
use penstock_model::Timestamp;
use penstock_model::target::{ObjectKey, RolloutSeen};
use penstock_rollout::Window;
use serde::Serialize;

/// The most figures that are kept of a Rollout.
const MAX_FIGURES: usize = 600;

/// An object with its health.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ObjectSeen {
    /// Which.
    pub key: ObjectKey,
    /// How it is.
    pub health: Health,
}

/// An environment as it was seen last.
#[derive(Clone, Debug, Default)]
pub struct EnvironmentSeen {
    /// The application's name.
    pub application: String,
    /// The namespace.
    pub namespace: String,
    /// Where it is reached.
    pub url: Option<String>,
    /// Its objects.
    pub objects: Vec<ObjectSeen>,
    /// All of them together.
    pub health: Option<Health>,
    /// Its Rollouts.
    pub rollouts: Vec<RolloutSeen>,
    /// Figures by Rollout and template.
    pub figures: BTreeMap<(String, String), VecDeque<FigureSeen>>,
    /// Why it could not be looked at, or brought in step.
    pub trouble: Option<String>,
    /// How it differs from the environment before it.
    pub differences: Vec<String>,
}

/// Figures of a canary at a moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FigureSeen {
    /// When.
    pub at: Timestamp,
    /// Its weight, in percent.
    pub weight: u32,
    /// Requests that reached it since it began.
    pub requests: u64,
    /// Of these, errors.
    pub errors: u64,
    /// The share of errors in the last stretch, 0 to 1.
    pub error_rate: f64,
    /// 95 % were at least this fast in the last stretch, in milliseconds.
    pub p95_ms: f64,
    /// The same of the stable version.
    pub stable_error_rate: f64,
    /// The same of the stable version.
    pub stable_p95_ms: f64,
}

impl EnvironmentSeen {
    /// Takes in the figures of a canary.
    pub(super) fn measure(&mut self, seen: &RolloutSeen, at: Timestamp) {
        if !seen.figures_known || seen.stable.as_ref() == Some(&seen.wanted) {
            return;
        }
        let (canary, stable) = (Window::whole(&seen.canary), Window::whole(&seen.baseline));
        let p95 = |window: &Window| window.p95_ms().map_or(0.0, |bound| f64::from(bound.unwrap_or(u32::MAX).min(60_000)));
        let figure = FigureSeen {
            at,
            weight: seen.weight,
            requests: canary.requests,
            errors: canary.errors,
            error_rate: canary.error_rate().unwrap_or(0.0),
            p95_ms: p95(&canary),
            stable_error_rate: stable.error_rate().unwrap_or(0.0),
            stable_p95_ms: p95(&stable),
        };
        let figures = self.figures.entry((seen.key.name.clone(), seen.wanted.clone())).or_default();
        if figures.len() == MAX_FIGURES {
            figures.pop_front();
        }
        figures.push_back(figure);
    }
}
