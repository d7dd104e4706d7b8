//! The two clocks, and Penstock's own share of a delivery.

use penstock_api::Clocks;
use penstock_delivery::{ReleaseRecord, World};
use penstock_model::Timestamp;

/// A span of time.
type Span = (Timestamp, Timestamp);

/// The clocks of a release, as far as they have run.
pub fn clocks(world: &World, record: &ReleaseRecord) -> Clocks {
    let Some(config) = world.config(&record.release.project) else { return Clocks::default() };
    let first = config.environments.first().and_then(|place| record.environments.get(&place.name));
    let last = config.environments.last().and_then(|place| record.environments.get(&place.name));
    let name = config.environments.last().map(|place| &place.name);
    let delivered = last.and_then(|state| state.delivered_at);
    let bakes = name.map(|name| bakes(world, record, name)).unwrap_or_default();
    let bake_time = delivered.map(|_| total(&bakes));
    let approval = last.and_then(|state| Some(millis(state.approved_at?, delivered?)));
    Clocks {
        push_to_first_ms: first.and_then(|state| state.delivered_at).map(|at| millis(record.pushed, at)),
        approval_to_last_ms: approval.map(|all| all.saturating_sub(bake_time.unwrap_or(0))),
        bakes_ms: bake_time,
        own_ms: delivered.map(|at| own(world, record, at, bakes)),
    }
}

fn millis(from: Timestamp, to: Timestamp) -> u64 {
    u64::try_from(to.since(from).as_millis()).unwrap_or(u64::MAX)
}

/// When rollouts of the last environment were baking.
fn bakes(world: &World, record: &ReleaseRecord, environment: &penstock_model::EnvironmentName) -> Vec<Span> {
    let Some(state) = record.environments.get(environment) else { return Vec::new() };
    let (Some(from), Some(to)) = (state.committed_at, state.delivered_at) else { return Vec::new() };
    let spans = world
        .rollouts
        .values()
        .filter(|rollout| rollout.id.project == record.release.project && rollout.id.environment == *environment)
        .flat_map(|rollout| &rollout.canaries)
        .filter(|canary| canary.began >= from && canary.began <= to)
        .map(|canary| (canary.began, canary.last.min(to)));
    union(spans.collect())
}

/// Push to the end, less the union of everything that is not Penstock's: jobs, checks, bakes, and waiting for a person.
fn own(world: &World, record: &ReleaseRecord, end: Timestamp, bakes: Vec<Span>) -> u64 {
    let mut others = bakes;
    if let Some(run) = world.runs.get(&record.run) {
        others.extend(run.times.values().filter_map(|times| Some((times.started, times.ended?))));
    }
    for state in record.environments.values() {
        others.extend(state.delivered_at.zip(state.checked_at));
        others.extend(state.gate.as_ref().and_then(|_| Some((waiting_since(record)?, state.approved_at?))));
        // starting containers and waiting for their probes
        others.extend(state.committed_at.zip(state.delivered_at).filter(|_| state.approved_at.is_none()));
    }
    let clipped = others.into_iter().map(|(from, to)| (from.max(record.pushed), to.min(end))).filter(|(from, to)| from < to).collect();
    millis(record.pushed, end).saturating_sub(total(&union(clipped)))
}

/// A person may approve once the environment before has it.
fn waiting_since(record: &ReleaseRecord) -> Option<Timestamp> {
    record.environments.values().filter_map(|state| state.checked_at.or(state.delivered_at)).min()
}

fn total(spans: &[Span]) -> u64 {
    spans.iter().map(|(from, to)| millis(*from, *to)).sum()
}

fn union(mut spans: Vec<Span>) -> Vec<Span> {
    spans.sort();
    let mut merged: Vec<Span> = Vec::new();
    for (from, to) in spans {
        match merged.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(to),
            _ => merged.push((from, to)),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlapping_spans_are_counted_once() {
        let spans = [(0, 10), (5, 20), (30, 40), (31, 32)].map(|(from, to)| (Timestamp(from), Timestamp(to)));
        assert_eq!(total(&union(spans.to_vec())), 30);
    }
}
