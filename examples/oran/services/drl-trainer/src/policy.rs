//! The policy: figures of a cell in, a score for each action out.

use std::io::Cursor;

use sha2::{Digest, Sha256};
use thiserror::Error;
use tract_onnx::prelude::*;

/// The network, as exported.
const NETWORK: &[u8] = include_bytes!("../models/policy.onnx");

/// What a state consists of, in this order. The same list is in `training/cell.py`.
pub const FEATURES: [&str; 5] = ["prb_used", "prb_quota", "users", "throughput", "latency"];

/// By how many percent each action moves a cell's quota. The same list is in `training/cell.py`.
pub const ACTIONS: [i32; 5] = [-20, -10, 0, 10, 20];

/// A state is scaled to about 0..1; far outside of it the policy knows nothing.
const RANGE: std::ops::RangeInclusive<f32> = -0.5..=4.0;

/// Why there is no decision.
#[derive(Debug, Error)]
pub enum PolicyError {
    /// A figure is not one that the policy was trained for.
    #[error("{feature} is {value}, and should be from {} to {}", RANGE.start(), RANGE.end())]
    OutOfRange {
        /// Which of [`FEATURES`].
        feature: &'static str,
        /// What it was.
        value: f32,
    },
    /// The network could not be read or run.
    #[error("the network failed")]
    Network(#[from] TractError),
    /// The network is not of the expected shape.
    #[error("the network gave {0} scores")]
    Shape(usize),
}

/// What to do, and how sure the policy is.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// Which of [`ACTIONS`].
    pub action: usize,
    /// The score of each action.
    pub scores: [f32; ACTIONS.len()],
}

/// A loaded policy.
#[derive(Debug)]
pub struct Policy {
    plan: Arc<TypedRunnableModel>,
    digest: String,
}

impl Policy {
    /// The policy that this program was built with.
    pub fn load() -> Result<Self, PolicyError> {
        let plan = tract_onnx::onnx().model_for_read(&mut Cursor::new(NETWORK))?.into_optimized()?.into_runnable()?;
        Ok(Self { plan, digest: hex::encode(Sha256::digest(NETWORK)) })
    }

    /// The SHA-256 of the network.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Decides for a cell in `state`. The same state always gives the same decision.
    pub fn decide(&self, state: &[f32; FEATURES.len()]) -> Result<Decision, PolicyError> {
        for (feature, value) in FEATURES.into_iter().zip(state) {
            // Not a number is in no range.
            if !RANGE.contains(value) {
                return Err(PolicyError::OutOfRange { feature, value: *value });
            }
        }
        let input = Tensor::from_shape(&[1, FEATURES.len()], state)?;
        let output = self.plan.run(tvec!(input.into()))?;
        let output = output.first().ok_or(PolicyError::Shape(0))?;
        let seen: Vec<f32> = output.to_plain_array_view::<f32>()?.iter().copied().collect();
        let scores: [f32; ACTIONS.len()] = seen.try_into().map_err(|seen: Vec<f32>| PolicyError::Shape(seen.len()))?;
        // The first of equals, as in training.
        let action = (1..scores.len()).fold(0, |best, at| if scores[at] > scores[best] { at } else { best });
        Ok(Decision { action, scores })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_policy_was_not_trained_for_is_refused() {
        let policy = Policy::load().unwrap();
        for odd in [f32::NAN, f32::INFINITY, -3.0, 100.0] {
            let refused = policy.decide(&[0.5, odd, 0.5, 1.0, 0.5]);
            assert!(matches!(refused, Err(PolicyError::OutOfRange { feature: "prb_quota", .. })));
        }
    }
}
