//! What the gateway counted, seen from a canary's beginning.

use penstock_model::gateway::{Counters, Figures};
use penstock_model::target::RolloutSeen;

use super::canary::{Stance, stance};
use super::seen::{Seen, ready_of};
use super::traffic::routes_of;
use crate::state::{Base, Object, State};

/// The counters of a template, over all routes of its workload.
pub fn counted(state: &State, object: &Object, template: &str, figures: &Figures) -> Counters {
    let mut sum = Counters::default();
    for route in routes_of(state, object) {
        if let Some(counters) = figures.routes.get(&route).and_then(|groups| groups.get(template)) {
            add(&mut sum, counters);
        }
    }
    sum
}

fn add(sum: &mut Counters, more: &Counters) {
    sum.requests += more.requests;
    sum.errors += more.errors;
    sum.in_flight += more.in_flight;
    sum.latency.resize(sum.latency.len().max(more.latency.len()), 0);
    for (total, count) in sum.latency.iter_mut().zip(&more.latency) {
        *total += count;
    }
}

/// What came since; a counter that fell counts from zero again.
pub fn since(now: &Counters, base: &Counters) -> Counters {
    if now.requests < base.requests || now.errors < base.errors {
        return now.clone();
    }
    let latency = now.latency.iter().enumerate();
    Counters {
        requests: now.requests - base.requests,
        errors: now.errors - base.errors,
        in_flight: now.in_flight,
        latency: latency.map(|(n, count)| count.saturating_sub(base.latency.get(n).copied().unwrap_or_default())).collect(),
    }
}

/// Where a canary's counters stand now, to begin with.
pub fn base(state: &State, object: &Object, figures: &Figures) -> Base {
    let stable = object.record.canary.stable.as_deref();
    Base {
        started: figures.started,
        canary: counted(state, object, &object.wanted, figures),
        baseline: stable.map(|stable| counted(state, object, stable, figures)).unwrap_or_default(),
    }
}

/// True if a canary has no base yet, or one of another start of the gateway.
pub fn wants_base(object: &Object, started: u64) -> bool {
    let Some(workload) = object.rollout() else { return false };
    let between = matches!(stance(object, workload.replicas), Stance::Between { pods, .. } if pods > 0);
    between && object.record.canary.base.as_ref().is_none_or(|base| base.started != started)
}

/// A canary as the rollout room sees it. `weight` is the one in force.
pub fn rollout_seen(state: &State, seen: &Seen, object: &Object, figures: Option<&Figures>, weight: u32) -> Option<RolloutSeen> {
    let workload = object.rollout()?;
    let record = &object.record;
    let key = &record.key;
    let wanted_replicas = match stance(object, workload.replicas) {
        Stance::First | Stance::Settled => workload.replicas,
        Stance::Between { pods, .. } => pods,
    };
    let stable = record.canary.stable.clone();
    let based = record.canary.base.as_ref().zip(figures).filter(|(base, figures)| base.started == figures.started);
    let between = stable.as_deref().is_some_and(|stable| stable != object.wanted);
    let (canary, baseline) = match (based, &stable) {
        (Some((base, figures)), Some(stable)) => (
            since(&counted(state, object, &object.wanted, figures), &base.canary),
            since(&counted(state, object, stable, figures), &base.baseline),
        ),
        _ => (Counters::default(), Counters::default()),
    };
    Some(RolloutSeen {
        key: key.clone(),
        stable_ready: stable.as_ref().map_or(0, |stable| ready_of(state, seen, key, stable)),
        wanted: object.wanted.clone(),
        wanted_ready: ready_of(state, seen, key, &object.wanted),
        wanted_replicas,
        weight,
        wanted_failures: state.pods_of(key).filter(|pod| pod.template == object.wanted).map(|pod| pod.failures).sum(),
        canary,
        baseline,
        figures_known: if between { based.is_some() } else { figures.is_some() },
        stable,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_count_from_the_canarys_beginning() {
        let count = |requests, errors, latency: &[u64]| Counters { requests, errors, in_flight: 1, latency: latency.to_vec() };
        assert_eq!(since(&count(10, 2, &[7, 3]), &count(4, 1, &[4])), count(6, 1, &[3, 3]));
        assert_eq!(since(&count(1, 0, &[1]), &count(4, 1, &[4])), count(1, 0, &[1]), "the counters fell: they began anew");
    }
}
