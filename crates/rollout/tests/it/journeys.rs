use penstock_model::ids::Actor;
use penstock_model::target::RolloutOrder;
use penstock_rollout::{Command, Pause, Phase, Refusal, RolloutEvent, Verdict, judge, next_look};

use crate::world::{GOOD, MIN_REQUESTS, Traffic, World, plan};

fn person() -> Actor {
    Actor::User("grace".parse().unwrap())
}

/// One line for each event, as `step_began 0 5 %`.
fn told(world: &World) -> Vec<String> {
    let line = |event: &RolloutEvent| match event {
        RolloutEvent::Started { template, .. } => format!("started {template}"),
        RolloutEvent::StepBegan { index, weight, .. } => format!("step {index}: {weight} %"),
        RolloutEvent::FiguresLost { .. } => "figures lost".into(),
        RolloutEvent::Judged { index, judgement, .. } => format!("judged {index}: {:?}", judgement.verdict),
        RolloutEvent::Paused { .. } => "paused".into(),
        RolloutEvent::Resumed { .. } => "resumed".into(),
        RolloutEvent::Skipped { .. } => "skipped".into(),
        RolloutEvent::Promoted { .. } => "promoted".into(),
        RolloutEvent::Aborted { why, .. } => format!("aborted: {why}"),
        RolloutEvent::Superseded { wanted, .. } => format!("superseded by {wanted}"),
    };
    world.events.iter().map(line).collect()
}

fn weights(world: &World) -> Vec<u32> {
    let mut all: Vec<u32> = world
        .orders
        .iter()
        .filter_map(|(_, order)| if let RolloutOrder::SetWeight { percent } = order { Some(*percent) } else { None })
        .collect();
    all.dedup();
    all
}

#[test]
fn a_good_release_goes_by_its_steps_and_becomes_stable() {
    let mut world = World::new(Some("old"), "new");
    world.run(60, GOOD);
    assert_eq!(
        told(&world),
        ["started new", "step 0: 5 %", "judged 0: Pass", "step 1: 25 %", "judged 1: Pass", "step 2: 50 %", "judged 2: Pass", "promoted"]
    );
    assert_eq!(weights(&world), [5, 25, 50, 100]);
    assert_eq!(world.stable.as_deref(), Some("new"));
    let orders = world.orders.len();
    world.run(20, GOOD);
    assert_eq!(world.orders.len(), orders, "nothing is wanted of a stable one");
}

#[test]
fn a_first_deployment_has_no_steps() {
    let mut world = World::new(None, "new");
    world.run(5, GOOD);
    assert_eq!(told(&world), ["started new", "promoted"]);
    assert_eq!(weights(&world), [100]);
}

#[test]
fn a_first_deployment_that_does_not_get_ready_is_tried_on() {
    let mut world = World::new(None, "new");
    world.pods_start = false;
    world.failures = 50;
    world.run(200, GOOD);
    assert_eq!(told(&world), ["started new"]);
    let why = "patience".to_owned();
    assert_eq!(world.say(Command::Abort { by: person(), why }), Err(Refusal::NothingBefore));
    world.pods_start = true;
    world.run(3, GOOD);
    assert_eq!(told(&world), ["started new", "promoted"]);
}

#[test]
fn every_twentieth_request_failing_takes_it_back_and_keeps_it_out() {
    let mut world = World::new(Some("old"), "bad");
    world.run(40, Traffic { fail_every: 20, ..GOOD });
    let told_ = told(&world);
    assert_eq!(told_[..3], ["started bad", "step 0: 5 %", "judged 0: Fail"]);
    let why = "errors: 8 of 150 requests failed already, and of the 500 that a verdict needs at most 5 (1 %) may";
    assert_eq!(told_[3], format!("aborted: {why}"), "{told_:?}");
    assert_eq!((world.weight, world.stable.as_deref()), (0, Some("old")));
    assert_eq!(world.orders.last().unwrap().1, RolloutOrder::Abort);
    // Git is reverted; then somebody tries the same again
    world.want("old");
    world.run(5, GOOD);
    world.want("bad");
    world.run(5, GOOD);
    assert_eq!(told(&world).len(), told_.len(), "nothing starts");
    assert_eq!(world.weight, 0);
    world.want("better");
    world.run(60, GOOD);
    assert_eq!(world.stable.as_deref(), Some("better"));
}

#[test]
fn slow_answers_take_it_back() {
    let mut world = World::new(Some("old"), "slow");
    world.run(40, Traffic { slow_percent: 6, ..GOOD });
    assert!(
        told(&world).last().unwrap().contains("latency: 30 of 500 requests took longer than 500 ms, more than 5 %"),
        "{:?}",
        told(&world)
    );
    let mut world = World::new(Some("old"), "fine");
    world.run(60, Traffic { slow_percent: 4, ..GOOD });
    assert_eq!(world.stable.as_deref(), Some("fine"));
}

#[test]
fn too_few_requests_hold_for_ever_and_never_pass() {
    let mut world = World::new(Some("old"), "new");
    world.run(499, Traffic { per_second: 20, ..GOOD }); // one a second reaches the canary
    assert_eq!(told(&world), ["started new", "step 0: 5 %"]);
    let judgement = judge(world.state().active().unwrap(), &world.seen());
    assert_eq!(judgement.verdict, Verdict::Hold);
    assert!(judgement.requests < MIN_REQUESTS && judgement.requests > 490, "{judgement:?}");
    world.run(10, Traffic { per_second: 20, ..GOOD });
    assert_eq!(told(&world)[2], "judged 0: Pass");
}

#[test]
fn each_step_is_judged_by_its_own_requests() {
    let mut world = World::new(Some("old"), "new");
    while told(&world).len() < 4 {
        world.run(1, GOOD);
    }
    // thousands were good before; now as many fail as a step may not have
    world.run(3, Traffic { fail_every: 50, ..GOOD });
    assert!(told(&world).last().unwrap().starts_with("aborted: errors"), "{:?}", told(&world));
}

#[test]
fn failed_health_checks_need_no_traffic() {
    let mut world = World::new(Some("old"), "new");
    world.run(5, Traffic { per_second: 0, ..GOOD });
    world.failures = 2;
    world.run(5, Traffic { per_second: 0, ..GOOD });
    assert_eq!(told(&world).len(), 2, "two may come from outside");
    world.failures = 3;
    world.run(1, GOOD);
    assert!(told(&world).last().unwrap().starts_with("aborted: 3 restarts or failed health checks"));
}

#[test]
fn pods_that_do_not_get_ready_in_time_take_it_back() {
    let mut world = World::new(Some("old"), "new");
    world.pods_start = false;
    world.run(60, GOOD);
    assert_eq!(told(&world), ["started new"]);
    world.run(2, GOOD);
    assert_eq!(told(&world)[1], "aborted: 5 % was not reached within 60 s: 0 of 1 pods are ready, the weight is 0 %");
}

#[test]
fn a_gateway_that_begins_anew_makes_the_step_begin_anew() {
    let mut world = World::new(Some("old"), "new");
    world.run(11, GOOD);
    world.counters = penstock_model::gateway::Counters { latency: vec![0; 23], ..Default::default() };
    world.run(1, GOOD);
    assert_eq!(told(&world).last().unwrap(), "figures lost");
    world.known = false;
    world.run(50, GOOD);
    assert_eq!(told(&world).last().unwrap(), "figures lost", "unknown figures hold");
    world.known = true;
    world.run(60, GOOD);
    assert_eq!(world.stable.as_deref(), Some("new"));
    let passed = world
        .events
        .iter()
        .find_map(|event| if let RolloutEvent::Judged { judgement, .. } = event { Some(judgement.requests) } else { None });
    assert!(passed.unwrap() >= MIN_REQUESTS);
}

#[test]
fn a_person_holds_resumes_skips_and_takes_back() {
    let mut world = World::new(Some("old"), "new");
    assert_eq!(world.say(Command::Pause { by: person() }), Err(Refusal::NoCanary));
    world.run(3, GOOD);
    assert_eq!(world.say(Command::Resume { by: person() }), Err(Refusal::NotPaused));
    world.say(Command::Pause { by: person() }).unwrap();
    assert_eq!(world.say(Command::Pause { by: person() }), Err(Refusal::AlreadyPaused(person())));
    world.run(100, GOOD);
    assert_eq!(weights(&world), [5]);
    world.say(Command::Resume { by: person() }).unwrap();
    world.run(1, GOOD);
    assert_eq!(told(&world).last().unwrap(), "judged 0: Pass");
    world.say(Command::Promote { by: person() }).unwrap();
    assert_eq!(world.say(Command::Promote { by: person() }), Err(Refusal::AlreadyFinishing));
    world.run(4, GOOD);
    assert_eq!(told(&world).last().unwrap(), "promoted");
    world.want("next");
    world.run(3, GOOD);
    world.say(Command::Abort { by: person(), why: "the numbers look odd".into() }).unwrap();
    world.run(2, GOOD);
    assert_eq!((world.weight, world.stable.as_deref()), (0, Some("new")));
    assert_eq!(world.state().refused["next"], "the numbers look odd");
}

#[test]
fn a_paused_canary_that_fails_is_taken_back_all_the_same() {
    let mut world = World::new(Some("old"), "new");
    world.run(3, GOOD);
    world.say(Command::Pause { by: person() }).unwrap();
    world.run(20, Traffic { fail_every: 2, ..GOOD });
    assert!(told(&world).last().unwrap().starts_with("aborted"));
    assert_eq!(world.weight, 0);
}

#[test]
fn a_pause_without_a_duration_waits_for_a_person() {
    let mut world = World::new(Some("old"), "new");
    world.plan.steps[0].pause = Pause::UntilResumed;
    world.run(500, GOOD);
    assert_eq!(weights(&world), [5]);
    world.say(Command::Resume { by: person() }).unwrap();
    world.run(60, GOOD);
    assert_eq!(world.stable.as_deref(), Some("new"));
}

#[test]
fn another_template_supersedes_and_a_revert_withdraws() {
    let mut world = World::new(Some("old"), "new");
    world.run(5, GOOD);
    world.want("newer");
    world.run(2, GOOD);
    assert_eq!(told(&world)[2..4], ["superseded by newer", "started newer"]);
    world.want("old");
    world.run(5, GOOD);
    assert_eq!(told(&world).last().unwrap(), "superseded by old");
    assert!(world.state().active().is_none() && world.state().refused.is_empty());
}

#[test]
fn it_is_looked_at_when_a_bake_ends() {
    let mut world = World::new(Some("old"), "new");
    world.plan.steps[0].pause = Pause::For { millis: 1500 };
    world.run(1, GOOD);
    world.look();
    let state = world.state();
    assert!(matches!(state.active().unwrap().phase, Phase::Baking { .. }));
    assert_eq!(next_look(&state, world.now).unwrap().since(world.now).as_millis(), 1000);
    world.second(GOOD);
    assert_eq!(next_look(&state, world.now).unwrap().since(world.now).as_millis(), 500);
    assert_eq!(plan().analysis.interval_ms, 1000);
}
