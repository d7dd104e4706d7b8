//! Random lives of a machine: whatever dies, is ordered, applied or crashes, it converges, and what is promised holds on
//! the way.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use penstock_model::container::ContainerStatus;
use penstock_model::target::RolloutOrder;
use proptest::prelude::*;
use serde_json::json;

use super::{Stance, stance};
use crate::core::sim::{ROUTE, Sim, deployment, rollout};
use crate::core::traffic::weight_in_force;

#[derive(Clone, Debug)]
enum Op {
    Pass,
    Complete(u8),
    Probe(u8),
    Kill(u8),
    Unwell(u8),
    Apply(u8, u8),
    Weight(u8),
    Promote,
    Abort,
    Crash(u8),
    Time(u8),
    Busy(u8),
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        8 => Just(Op::Pass),
        8 => any::<u8>().prop_map(Op::Complete),
        6 => any::<u8>().prop_map(Op::Probe),
        2 => any::<u8>().prop_map(Op::Kill),
        1 => any::<u8>().prop_map(Op::Unwell),
        2 => (0u8..3, 0u8..4).prop_map(|(version, replicas)| Op::Apply(version, replicas)),
        2 => (0u8..=100).prop_map(Op::Weight),
        1 => Just(Op::Promote),
        1 => Just(Op::Abort),
        1 => any::<u8>().prop_map(Op::Crash),
        2 => any::<u8>().prop_map(Op::Time),
        1 => any::<u8>().prop_map(Op::Busy),
    ]
}

fn nth<T: Clone>(items: &[T], choice: u8) -> Option<T> {
    if items.is_empty() { None } else { items.get(choice as usize % items.len()).cloned() }
}

fn pods(sim: &Sim) -> Vec<String> {
    sim.state.pods.keys().cloned().collect()
}

fn invariants(sim: &Sim) {
    let seen = sim.seen();
    let mut running: BTreeMap<&str, u32> = BTreeMap::new();
    for container in sim.containers.values().filter(|c| matches!(c.status, ContainerStatus::Running { .. })) {
        *running.entry(&container.pod).or_default() += 1;
    }
    assert!(running.values().all(|count| *count == 1), "two containers for one pod: {running:?}");
    let addresses: BTreeSet<_> = sim.state.pods.values().map(|pod| pod.address).collect();
    assert_eq!(addresses.len(), sim.state.pods.len(), "two pods with one address");
    let _ = seen;
}

/// What the traffic must be right after a pass.
fn traffic_holds(sim: &Sim) {
    let seen = sim.seen();
    let Some(route) = sim.in_force.as_ref().and_then(|routes| routes.get(ROUTE)) else { return };
    for (hash, group) in &route.groups {
        for name in group.backends.keys() {
            let pod = &sim.state.pods[name];
            let template = sim.state.objects[&pod.owner].templates.get(hash);
            assert!(seen.is_ready(pod, template), "traffic to {name}, which is not ready");
        }
    }
    let Some(object) = sim.state.objects.values().find(|object| object.rollout().is_some()) else { return };
    let replicas = object.rollout().unwrap().replicas;
    if let Stance::Between { stable, .. } = stance(object, replicas) {
        let weight = weight_in_force(&sim.state, &seen, object);
        let canary = &object.record.canary;
        let stable_there = route.groups.contains_key(stable);
        assert!(weight <= canary.weight || !stable_there, "{weight} where {} was ordered", canary.weight);
        let total: u32 = route.groups.values().map(|group| group.weight).sum();
        if stable_there {
            let given = route.groups.get(&object.wanted).map_or(0, |group| group.weight);
            assert_eq!((given, total), (weight, 100), "{:?}", sim.shape());
        }
        let there = sim.state.pods_of(&object.record.key).filter(|pod| pod.active() && pod.template == stable).count();
        assert_eq!(there, replicas as usize, "the stable template has all its pods");
    }
}

fn ready_all(sim: &Sim) -> u32 {
    let seen = sim.seen();
    let pods = sim.state.pods.values();
    let ready = pods.filter(|pod| sim.state.objects.get(&pod.owner).is_some_and(|o| seen.is_ready(pod, o.templates.get(&pod.template))));
    u32::try_from(ready.count()).unwrap()
}

fn carry_out(sim: &mut Sim, op: &Op, make: &dyn Fn(&str, u32) -> serde_json::Value) {
    match op {
        Op::Pass => sim.pass(),
        Op::Complete(choice) => {
            if !sim.pending.is_empty() {
                let index = *choice as usize % sim.pending.len();
                sim.complete(index);
            }
        }
        Op::Probe(choice) => {
            if let Some(pod) = nth(&pods(sim), *choice) {
                sim.probe(&pod);
            }
        }
        Op::Kill(choice) => {
            let ids: Vec<String> = sim.containers.keys().cloned().collect();
            if let Some(id) = nth(&ids, *choice) {
                sim.kill(&id, 137);
            }
        }
        Op::Unwell(choice) => {
            if let Some(pod) = nth(&pods(sim), *choice)
                && let Some(pod) = sim.state.pod_mut(&pod).filter(|pod| pod.started)
            {
                pod.unwell = true;
            }
        }
        Op::Apply(version, replicas) => {
            let version = ["v1", "v2", "v3"][*version as usize];
            sim.apply(&make(version, u32::from(*replicas))).unwrap();
        }
        Op::Weight(percent) => drop(sim.order_if_any(&RolloutOrder::SetWeight { percent: u32::from(*percent) })),
        Op::Promote => drop(sim.order_if_any(&RolloutOrder::Promote)),
        Op::Abort => drop(sim.order_if_any(&RolloutOrder::Abort)),
        Op::Crash(bits) => sim.crash(|index| bits >> (index % 8) & 1 == 1),
        Op::Time(seconds) => sim.now = sim.now.after(Duration::from_secs(u64::from(*seconds))),
        Op::Busy(choice) => {
            if let Some(pod) = nth(&pods(sim), *choice) {
                let requests = u64::from(*choice % 3);
                sim.under_way.insert(pod, requests);
            }
        }
    }
}

fn rests_well(sim: &mut Sim, kind: &str) {
    sim.under_way.clear();
    sim.settle();
    let object = sim.object(kind);
    let replicas = object.workload().unwrap().replicas;
    let running = sim.containers.values().filter(|c| matches!(c.status, ContainerStatus::Running { .. })).count();
    let wanted = match stance(object, replicas) {
        Stance::Between { pods, .. } if kind == "Rollout" => replicas + pods,
        _ => replicas,
    };
    assert_eq!(
        (running, sim.containers.len(), sim.state.pods.len()),
        (wanted as usize, wanted as usize, wanted as usize),
        "{}",
        sim.shape()
    );
    assert_eq!(ready_all(sim), wanted);
    traffic_holds(sim);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(700))]

    #[test]
    fn a_rollout_converges_whatever_happens(ops in prop::collection::vec(op(), 1..80)) {
        let mut sim = Sim::new();
        sim.apply(&rollout("v1", 2)).unwrap();
        for op in &ops {
            carry_out(&mut sim, op, &rollout);
            invariants(&sim);
            if matches!(op, Op::Pass) {
                traffic_holds(&sim);
            }
        }
        rests_well(&mut sim, "Rollout");
    }

    #[test]
    fn a_deployment_converges_whatever_happens(ops in prop::collection::vec(op(), 1..80), recreate: bool) {
        let make = move |version: &str, replicas: u32| {
            let strategy = if recreate { json!({"type": "Recreate"}) } else { json!({}) };
            deployment(version, replicas, &strategy)
        };
        let mut sim = Sim::new();
        sim.apply(&make("v1", 2)).unwrap();
        for op in &ops {
            carry_out(&mut sim, op, &make);
            invariants(&sim);
            if matches!(op, Op::Pass) {
                traffic_holds(&sim);
            }
        }
        rests_well(&mut sim, "Deployment");
    }

    #[test]
    fn a_rolling_update_keeps_enough_ready(
        ops in prop::collection::vec(prop_oneof![3 => Just(Op::Pass), 3 => any::<u8>().prop_map(Op::Complete), 2 => any::<u8>().prop_map(Op::Probe), 1 => (0u8..3).prop_map(|v| Op::Apply(v, 4)), 1 => any::<u8>().prop_map(Op::Crash)], 1..120),
        surge in 0u32..3, unavailable in 0u32..3,
    ) {
        prop_assume!(surge + unavailable > 0);
        let make = move |version: &str, replicas: u32| deployment(version, replicas, &json!({"rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable}}));
        let mut sim = Sim::new();
        sim.apply(&make("v1", 4)).unwrap();
        sim.settle();
        for op in &ops {
            carry_out(&mut sim, op, &make);
            let ready = ready_all(&sim);
            prop_assert!(ready >= 4 - unavailable, "{ready} ready after {op:?}: {}", sim.shape());
            let active = sim.state.pods.values().filter(|pod| pod.active()).count();
            prop_assert!(active <= (4 + surge) as usize);
        }
    }
}
