//! Canary steps and the judge.
//!
//! A Rollout's strategy is read once, when a new pod template shows up, and kept with the canary. From then on
//! [`decide()`] turns what is seen (pods, figures, a person's word) into events, [`RolloutState::evolve`] folds them, and
//! [`wanted()`] says what the target is to do now. Whoever drives this loops: look, decide, append, evolve, order what is
//! wanted. Each order is idempotent and derived from the state alone, so a crash between any two of these costs nothing.
//!
//! What never happens here: a weight that rises without a passed verdict or a person's word; a verdict over fewer
//! requests than the analysis asks for; an order other than `Abort` for a template that was aborted. No clock, no
//! files, no network: the time comes with each command.

pub mod decide;
pub mod duration;
pub mod event;
pub mod judge;
pub mod state;
pub mod strategy;
pub mod wanted;
pub mod window;

pub use decide::{Command, Refusal, decide};
pub use event::RolloutEvent;
pub use judge::{Judgement, Verdict, judge};
pub use state::{Canary, Phase, RolloutState};
pub use strategy::{Analysis, InvalidStrategy, Measure, Metric, Pause, Plan, Step, parse_plan};
pub use wanted::{Order, next_look, wanted};
pub use window::Window;

use penstock_model::EnvironmentName;
use penstock_model::event::{InvalidStream, StreamId};
use penstock_model::target::ObjectKey;

/// The stream of one Rollout in one environment. All its canaries follow each other there, and what was aborted is
/// remembered.
pub fn stream(environment: &EnvironmentName, key: &ObjectKey) -> Result<StreamId, InvalidStream> {
    format!("rollout/{environment}/{}/{}", key.namespace, key.name).parse()
}
