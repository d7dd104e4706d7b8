//! How many pods each template of a Rollout has, and how the traffic is shared between them.

use crate::state::{Canary, Object};

/// How a Rollout stands between two templates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stance<'a> {
    /// Nothing was ever promoted: the wanted template goes to all of it at once, replacing what there is.
    First,
    /// The wanted template is stable.
    Settled,
    /// The wanted template runs beside the stable one.
    Between {
        /// The stable template's hash.
        stable: &'a str,
        /// Pods that the wanted template has to have.
        pods: u32,
    },
}

/// How it stands. The stable template keeps all its pods, so that the way back is at once.
pub fn stance(object: &Object, replicas: u32) -> Stance<'_> {
    match object.record.canary.stable.as_deref() {
        None => Stance::First,
        Some(stable) if stable == object.wanted => Stance::Settled,
        Some(stable) => Stance::Between { stable, pods: pods_wanted(&object.record.canary, &object.wanted, replicas) },
    }
}

/// Pods that a canary has to have: at least one while it lasts, all before it takes everything.
pub fn pods_wanted(canary: &Canary, wanted: &str, replicas: u32) -> u32 {
    if canary.aborted.as_deref() == Some(wanted) { 0 } else { pods_for(canary.weight, replicas) }
}

/// Pods for a weight.
pub fn pods_for(weight: u32, replicas: u32) -> u32 {
    let share = (u64::from(replicas) * u64::from(weight.min(100))).div_ceil(100);
    u32::try_from(share).unwrap_or(u32::MAX).max(1).min(replicas)
}

/// The share of the traffic that follows now, in percent: what was ordered, as soon as there are ready pods enough for
/// it; what it had before, until then.
pub fn effective(canary: &Canary, replicas: u32, ready: u32) -> u32 {
    if ready == 0 {
        0
    } else if ready >= pods_for(canary.weight, replicas) {
        canary.weight
    } else {
        canary.reached.min(canary.weight)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_canary_has_pods_for_its_weight_at_least_one_and_all_before_it_takes_everything() {
        for (weight, replicas, pods) in
            [(0, 2, 1), (5, 2, 1), (25, 2, 1), (50, 2, 1), (51, 2, 2), (100, 2, 2), (5, 40, 2), (50, 0, 0), (100, 1, 1)]
        {
            assert_eq!(pods_for(weight, replicas), pods, "{weight} % of {replicas}");
        }
    }

    #[test]
    fn traffic_follows_when_the_pods_are_ready_and_stays_when_one_dies() {
        let at = |weight, reached| Canary { weight, reached, ..Canary::default() };
        assert_eq!(effective(&at(100, 50), 2, 1), 50, "only one of two is ready: not all of it yet");
        assert_eq!(effective(&at(100, 50), 2, 2), 100);
        assert_eq!(effective(&at(100, 100), 2, 1), 100, "it had it all: one that dies does not send it back");
        assert_eq!(effective(&at(5, 50), 2, 1), 5, "down is at once");
        assert_eq!(effective(&at(50, 50), 2, 0), 0, "nobody is there to answer");
    }
}
