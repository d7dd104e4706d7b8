//! What must never happen, in random worlds with a driver that dies at random.

use std::collections::BTreeMap;

use penstock_model::ids::Actor;
use penstock_model::target::RolloutOrder;
use penstock_rollout::{Command, RolloutEvent, RolloutState, Verdict, wanted};
use proptest::prelude::*;

use crate::world::{MIN_REQUESTS, Traffic, World};

#[derive(Clone, Debug)]
enum Happening {
    /// Seconds pass; the driver dies before it looks or before it acts as the bits say.
    Time {
        seconds: usize,
        dies: u64,
        traffic: Traffic,
    },
    GatewayRestarts,
    FiguresVanish(bool),
    PodsFail(u32),
    PodsStart(bool),
    Want(usize),
    Say(usize),
}

fn happening() -> impl Strategy<Value = Happening> {
    let traffic = (
        prop_oneof![Just(0u64), Just(100), Just(2000)],
        prop_oneof![4 => Just(0u64), 1 => 1u64..200],
        prop_oneof![4 => Just(0u64), 1 => 0u64..20],
    )
        .prop_map(|(per_second, fail_every, slow_percent)| Traffic { per_second, fail_every, slow_percent });
    prop_oneof![
        8 => (1usize..40, any::<u64>(), traffic).prop_map(|(seconds, dies, traffic)| Happening::Time { seconds, dies, traffic }),
        1 => Just(Happening::GatewayRestarts),
        1 => any::<bool>().prop_map(Happening::FiguresVanish),
        1 => (0u32..5).prop_map(Happening::PodsFail),
        1 => any::<bool>().prop_map(Happening::PodsStart),
        1 => (0usize..4).prop_map(Happening::Want),
        1 => (0usize..4).prop_map(Happening::Say),
    ]
}

fn happen(world: &mut World, happening: &Happening) {
    let by = || Actor::User("grace".parse().unwrap());
    match happening {
        Happening::Time { seconds, dies, traffic } => {
            for second in 0..*seconds {
                let bits = dies.rotate_left(u32::try_from(second * 2).unwrap());
                if bits & 1 == 0 {
                    world.look();
                    check(world);
                }
                if bits & 2 == 0 {
                    world.act();
                }
                world.second(*traffic);
            }
        }
        Happening::GatewayRestarts => world.counters = penstock_model::gateway::Counters { latency: vec![0; 23], ..Default::default() },
        Happening::FiguresVanish(known) => world.known = *known,
        Happening::PodsFail(failures) => world.failures = *failures,
        Happening::PodsStart(start) => world.pods_start = *start,
        Happening::Want(which) => {
            let template = ["old", "a", "b", "c"][*which];
            if world.wanted != template {
                world.want(template);
            }
        }
        Happening::Say(which) => {
            let why = "said so".to_owned();
            let command = [
                Command::Pause { by: by() },
                Command::Resume { by: by() },
                Command::Promote { by: by() },
                Command::Abort { by: by(), why },
            ];
            let _ = world.say(command[*which].clone());
        }
    }
}

/// The laws, over the whole history and what is wanted now.
fn check(world: &World) {
    let mut passes: BTreeMap<&str, usize> = BTreeMap::new();
    let mut free: BTreeMap<&str, bool> = BTreeMap::new();
    for event in &world.events {
        match event {
            RolloutEvent::Started { template, stable, .. } => {
                passes.insert(template, 0);
                free.insert(template, stable.is_none());
            }
            RolloutEvent::Judged { template, judgement, .. } if judgement.verdict == Verdict::Pass => {
                assert!(judgement.requests >= MIN_REQUESTS, "passed with {judgement:?}");
                assert!(
                    judgement.errors * 100 <= judgement.requests && judgement.p95_ms.is_some_and(|p95| p95 <= 500),
                    "passed with {judgement:?}"
                );
                *passes.get_mut(template.as_str()).unwrap() += 1;
            }
            RolloutEvent::Skipped { template, .. } => {
                free.insert(template, true);
            }
            _ => {}
        }
    }
    let state = world.state();
    let Some(order) = wanted(&state, &world.seen()) else { return };
    if state.refused.contains_key(&order.template) {
        assert_eq!(order.order, RolloutOrder::Abort, "only Abort for what was aborted");
        return;
    }
    let (passed, free) = (passes[order.template.as_str()], free[order.template.as_str()]);
    match order.order {
        RolloutOrder::SetWeight { percent } if !free => assert_eq!(percent, [5, 25, 50, 100][passed], "a weight without its verdict"),
        RolloutOrder::Promote if !free => assert_eq!(passed, 3),
        RolloutOrder::Abort => panic!("abort of what was not aborted"),
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn no_weight_without_a_verdict_and_no_verdict_without_requests(happenings in prop::collection::vec(happening(), 1..30)) {
        let mut world = World::new(Some("old"), "a");
        for happening in &happenings {
            happen(&mut world, happening);
            check(&world);
        }
        // folding in one go, one by one, and through text give one state
        let mut state = RolloutState::default();
        for event in &world.events {
            let text = serde_json::to_string(event).unwrap();
            state.evolve(&serde_json::from_str(&text).unwrap());
        }
        prop_assert_eq!(state, world.state());
    }

    #[test]
    fn a_driver_that_dies_at_any_time_ends_where_one_that_lives_ends(dies in any::<u64>(), bad in any::<bool>()) {
        let traffic = Traffic { per_second: 4000, fail_every: if bad { 20 } else { 0 }, slow_percent: 0 };
        let mut world = World::new(Some("old"), "new");
        happen(&mut world, &Happening::Time { seconds: 400, dies, traffic });
        world.run(100, traffic);
        prop_assert_eq!(world.stable.as_deref(), Some(if bad { "old" } else { "new" }));
        prop_assert_eq!(world.weight, 0);
        prop_assert!(world.state().active().is_none());
        let promotions = world.orders.iter().filter(|(_, order)| *order == RolloutOrder::Promote).count();
        prop_assert_eq!(promotions, usize::from(!bad));
    }
}
