//! The committed policy gives the decisions that PyTorch gave when it was exported, and the same ones every time.

use std::time::Instant;

use sdr_runtime::Checks;
use serde::Deserialize;

use crate::policy::{ACTIONS, FEATURES, Policy};

const EXPECTED: &str = include_str!("../models/policy.expected.json");

/// How far a score may be from PyTorch's: another order of the same sums.
const TOLERANCE: f32 = 1e-4;

/// How often each decision is taken again.
const REPETITIONS: usize = 20;

#[derive(Deserialize)]
struct Expected {
    features: Vec<String>,
    actions: Vec<i32>,
    decisions: Vec<Known>,
}

#[derive(Deserialize)]
struct Known {
    state: [f32; FEATURES.len()],
    scores: [f32; ACTIONS.len()],
    action: usize,
}

pub async fn run(checks: &mut Checks) {
    let expected: Option<Expected> = checks.note("the expectation is readable", serde_json::from_str(EXPECTED));
    let policy = checks.note("the network is readable", Policy::load());
    let (Some(expected), Some(policy)) = (expected, policy) else { return };
    checks.equal("the features are those of the training", &expected.features, &FEATURES.map(String::from).to_vec());
    checks.equal("the actions are those of the training", &expected.actions, &ACTIONS.to_vec());
    for (number, known) in expected.decisions.iter().enumerate() {
        checks.note(&format!("decision {number} is the one of the training"), same(&policy, known));
    }
    let started = Instant::now();
    checks.note("a decision is the same every time", steady(&policy, &expected.decisions));
    let decisions = expected.decisions.len() * REPETITIONS;
    println!("# {decisions} decisions in {:?}", started.elapsed());
}

fn same(policy: &Policy, known: &Known) -> Result<(), String> {
    let seen = policy.decide(&known.state).map_err(|error| error.to_string())?;
    if seen.action != known.action {
        return Err(format!("action {}, expected {}", seen.action, known.action));
    }
    let furthest = seen.scores.iter().zip(&known.scores).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    if furthest <= TOLERANCE { Ok(()) } else { Err(format!("a score is off by {furthest}")) }
}

fn steady(policy: &Policy, decisions: &[Known]) -> Result<(), String> {
    for known in decisions {
        let first = policy.decide(&known.state).map_err(|error| error.to_string())?;
        for _ in 1..REPETITIONS {
            let again = policy.decide(&known.state).map_err(|error| error.to_string())?;
            if again != first {
                return Err(format!("{again:?} after {first:?}"));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_self_test_passes() {
        let mut checks = Checks::default();
        run(&mut checks).await;
        checks.finish().unwrap();
    }
}
