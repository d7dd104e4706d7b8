use penstock_model::target::RolloutOrder;
use serde_json::json;

use super::*;
use crate::core::sim::{ROUTE, Sim, deployment, image, job, key, rollout, template};
use crate::core::status::{pod_seen, status};
use crate::core::traffic::weight_in_force;

fn rolling() -> serde_json::Value {
    json!({"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}})
}

fn settled(manifest: &serde_json::Value) -> Sim {
    let mut sim = Sim::new();
    sim.apply(manifest).unwrap();
    sim.settle();
    sim
}

#[test]
fn a_deployment_gets_its_pods_and_its_traffic() {
    let sim = settled(&deployment("v1", 3, &rolling()));
    assert_eq!(sim.shape(), "v1=3/3@300");
    assert_eq!(sim.starts.len(), 3);
    let route = &sim.in_force.as_ref().unwrap()[ROUTE];
    let listen: Vec<String> = route.listen.iter().map(ToString::to_string).collect();
    assert_eq!(listen, ["10.1.1.1:80", "127.0.0.1:30080"]);
    let group = route.groups.values().next().unwrap();
    assert!(group.backends.values().all(|address| address.port() == 8080));
}

#[test]
fn a_pod_that_dies_comes_back_at_once_under_a_new_container() {
    let mut sim = settled(&deployment("v1", 1, &rolling()));
    let id = sim.containers.keys().next().unwrap().clone();
    sim.kill(&id, 137);
    sim.pass();
    assert_eq!(sim.in_force.as_ref().unwrap()[ROUTE].groups.len(), 0, "no traffic to the dead");
    let now = sim.now;
    for _ in 0..4 {
        sim.pass();
        while !sim.pending.is_empty() {
            sim.complete(0);
        }
    }
    assert_eq!(sim.now, now);
    assert_eq!(sim.containers.keys().cloned().collect::<Vec<_>>(), [format!("{id}-r1")]);
    assert_eq!(sim.stopped, Vec::<String>::new());
}

#[test]
fn a_pod_that_dies_again_and_again_waits_longer_each_time() {
    let mut sim = settled(&deployment("v1", 1, &rolling()));
    for _ in 0..3 {
        let id = sim.containers.keys().next().unwrap().clone();
        sim.kill(&id, 1);
        sim.pass();
        sim.pending.clear();
        sim.containers.clear();
        sim.pass();
        if sim.pending.is_empty() {
            let pod = sim.state.pods.values().next().unwrap();
            let wait = pod.not_before.unwrap().since(sim.now);
            assert_eq!(wait, Pod::back_off(pod.streak));
            assert!(pod.message.contains("exit code 1"), "{}", pod.message);
            sim.now = sim.now.after(wait);
            sim.pass();
        }
        assert_eq!(sim.pending.len(), 1, "it is started again");
        sim.complete(0);
        sim.pass();
    }
}

#[test]
fn a_rolling_update_replaces_one_after_the_other() {
    let mut sim = settled(&deployment("v1", 2, &rolling()));
    sim.apply(&deployment("v2", 2, &rolling())).unwrap();
    sim.pass();
    assert_eq!(sim.pending.len(), 1, "one more than two");
    sim.settle();
    assert_eq!(sim.shape(), "v2=2/2@200");
    assert_eq!(sim.containers.len(), 2);
    assert!(sim.object("Deployment").record.templates.is_empty(), "the old template is forgotten");
}

#[test]
fn a_bad_template_never_takes_the_good_pods_away() {
    let mut sim = settled(&deployment("v1", 2, &rolling()));
    sim.bad.insert(image("v2"));
    sim.apply(&deployment("v2", 2, &rolling())).unwrap();
    sim.settle();
    assert!(sim.shape().contains("v1=2/2@200"), "{}", sim.shape());
    let seen = Seen { now: sim.now.after(Duration::from_secs(700)), ..sim.seen() };
    let status = status(&sim.state, &seen, sim.object("Deployment"));
    assert_eq!(status["conditions"][1]["reason"], "ProgressDeadlineExceeded");
    assert_eq!(status["readyReplicas"], 2);
    // and the way back
    sim.apply(&deployment("v1", 2, &rolling())).unwrap();
    let before = sim.starts.len();
    sim.settle();
    assert_eq!(sim.shape(), "v1=2/2@200");
    assert_eq!(sim.starts.len(), before, "nothing had to be started");
}

#[test]
fn recreate_waits_until_the_old_ones_are_gone() {
    let strategy = json!({"type": "Recreate"});
    let mut sim = settled(&deployment("v1", 2, &strategy));
    sim.apply(&deployment("v2", 2, &strategy)).unwrap();
    for _ in 0..10 {
        sim.pass();
        let both = sim.containers.len();
        assert!(both <= 2);
        if !sim.pending.is_empty() {
            sim.complete(0);
        }
    }
    sim.settle();
    assert_eq!(sim.shape(), "v2=2/2@200");
}

#[test]
fn a_pod_leaves_the_gateway_then_drains_then_stops() {
    let mut sim = settled(&deployment("v1", 1, &rolling()));
    let pod = sim.state.pods.keys().next().unwrap().clone();
    sim.under_way.insert(pod.clone(), 3);
    sim.apply(&deployment("v1", 0, &rolling())).unwrap();
    sim.pass();
    assert!(!sim.seen().is_routed(&pod));
    assert!(sim.pending.is_empty(), "three requests are under way");
    let plan = reconcile(&sim.state, &sim.seen());
    assert_eq!(plan.wake, Some(sim.now.after(Duration::from_secs(10))), "the grace is the bound");
    sim.under_way.clear();
    sim.pass();
    assert!(matches!(&sim.pending[..], [Effect::Stop { grace, .. }] if *grace == Duration::from_secs(10)));
    sim.settle();
    assert!(sim.state.pods.is_empty() && sim.containers.is_empty());
}

#[test]
fn a_pod_that_never_drains_is_stopped_after_its_grace() {
    let mut sim = settled(&deployment("v1", 1, &rolling()));
    let pod = sim.state.pods.keys().next().unwrap().clone();
    sim.under_way.insert(pod, 1);
    sim.apply(&deployment("v1", 0, &rolling())).unwrap();
    sim.pass();
    sim.now = sim.now.after(Duration::from_secs(10));
    sim.pass();
    assert_eq!(sim.pending.len(), 1);
}

#[test]
fn nothing_is_stopped_while_the_gateway_may_still_send_to_it() {
    let mut sim = settled(&deployment("v1", 1, &rolling()));
    sim.apply(&deployment("v1", 0, &rolling())).unwrap();
    // decided, but the gateway was not told yet
    for change in reconcile(&sim.state, &sim.seen()).changes {
        sim.state.evolve(&change, sim.now);
    }
    for in_force in [None, sim.in_force.clone()] {
        let seen = Seen { in_force, now: sim.now.after(Duration::from_secs(100)), ..sim.seen() };
        assert_eq!(reconcile(&sim.state, &seen).effects, []);
    }
}

#[test]
fn the_first_template_of_a_rollout_takes_everything_and_becomes_stable() {
    let sim = settled(&rollout("v1", 2));
    assert_eq!(sim.shape(), "v1=2/2@100");
    let object = sim.object("Rollout");
    assert_eq!(object.record.canary.stable.as_ref(), Some(&object.wanted));
    assert_eq!(status(&sim.state, &sim.seen(), object)["phase"], "Healthy");
}

#[test]
fn a_canary_takes_what_it_is_ordered_and_the_stable_one_keeps_its_pods() {
    let mut sim = settled(&rollout("v1", 2));
    sim.apply(&rollout("v2", 2)).unwrap();
    sim.settle();
    assert_eq!(shape_sorted(&sim), "v1=2/2@100 v2=1/1@0");
    for (percent, shape) in
        [(5, "v1=2/2@95 v2=1/1@5"), (25, "v1=2/2@75 v2=1/1@25"), (50, "v1=2/2@50 v2=1/1@50"), (100, "v1=2/2@0 v2=2/2@100")]
    {
        sim.order(&RolloutOrder::SetWeight { percent }).unwrap();
        sim.settle();
        assert_eq!(shape_sorted(&sim), shape);
    }
    let status = status(&sim.state, &sim.seen(), sim.object("Rollout"));
    assert_eq!((&status["phase"], &status["canary"]["weights"]["canary"]["weight"]), (&json!("Progressing"), &json!(100)));
    sim.order(&RolloutOrder::Promote).unwrap();
    sim.settle();
    assert_eq!(sim.shape(), "v2=2/2@100");
    assert_eq!(sim.starts.len(), 4);
}

fn shape_sorted(sim: &Sim) -> String {
    let shape = sim.shape();
    let mut parts: Vec<&str> = shape.split(' ').collect();
    parts.sort_unstable();
    parts.join(" ")
}

#[test]
fn the_traffic_of_a_large_step_waits_for_its_pods() {
    let mut sim = settled(&rollout("v1", 4));
    sim.apply(&rollout("v2", 4)).unwrap();
    sim.order(&RolloutOrder::SetWeight { percent: 25 }).unwrap();
    sim.settle();
    sim.order(&RolloutOrder::Promote).unwrap();
    sim.pass();
    assert_eq!(weight_in_force(&sim.state, &sim.seen(), sim.object("Rollout")), 25, "three of four are not there yet");
    assert_eq!(sim.pending.len(), 3);
    sim.settle();
    assert_eq!(sim.shape(), "v2=4/4@100");
}

#[test]
fn an_abort_gives_the_traffic_back_at_once_and_keeps_the_template_out() {
    let mut sim = settled(&rollout("v1", 2));
    sim.apply(&rollout("v2", 2)).unwrap();
    sim.order(&RolloutOrder::SetWeight { percent: 50 }).unwrap();
    sim.settle();
    sim.order(&RolloutOrder::Abort).unwrap();
    sim.pass();
    assert_eq!(sim.shape(), "v1=2/2@100", "in the same pass");
    sim.settle();
    assert_eq!(sim.containers.len(), 2);
    assert_eq!(status(&sim.state, &sim.seen(), sim.object("Rollout"))["phase"], "Degraded");
    assert!(!sim.order(&RolloutOrder::Abort).unwrap(), "once more changes nothing");
    assert!(sim.order(&RolloutOrder::SetWeight { percent: 5 }).is_err());
    // applied again, unchanged: still out
    assert!(!sim.apply(&rollout("v2", 2)).unwrap());
    sim.settle();
    assert_eq!(sim.shape(), "v1=2/2@100");
    // the revert, and the same template once more after it
    sim.apply(&rollout("v1", 2)).unwrap();
    sim.settle();
    assert_eq!(status(&sim.state, &sim.seen(), sim.object("Rollout"))["phase"], "Healthy");
    assert_eq!(sim.starts.len(), 3, "the stable pods were never touched");
    sim.apply(&rollout("v2", 2)).unwrap();
    sim.settle();
    assert_eq!(shape_sorted(&sim), "v1=2/2@100 v2=1/1@0");
}

#[test]
fn a_third_template_takes_the_place_of_the_canary() {
    let mut sim = settled(&rollout("v1", 2));
    sim.apply(&rollout("v2", 2)).unwrap();
    sim.order(&RolloutOrder::SetWeight { percent: 50 }).unwrap();
    sim.settle();
    sim.apply(&rollout("v3", 2)).unwrap();
    sim.pass();
    assert_eq!(shape_sorted(&sim), "v1=2/2@100 v3=0/1@-");
    sim.settle();
    assert_eq!(shape_sorted(&sim), "v1=2/2@100 v3=1/1@0");
}

#[test]
fn orders_for_what_is_not_wanted_are_refused_with_the_reason() {
    let mut sim = settled(&rollout("v1", 2));
    let stable = sim.object("Rollout").wanted.clone();
    let key = key("Rollout", "web");
    let why = |sim: &mut Sim, template: &str, order: RolloutOrder| sim.state.order(&key, template, &order).unwrap_err().to_string();
    assert!(why(&mut sim, "gone", RolloutOrder::Promote).contains("not wanted any more"));
    assert!(why(&mut sim, &stable, RolloutOrder::Abort).contains("is stable"));
    assert!(why(&mut sim, &stable, RolloutOrder::SetWeight { percent: 101 }).contains("0 to 100"));
    assert!(!sim.state.order(&key, &stable, &RolloutOrder::Promote).unwrap());
    assert!(!sim.state.order(&key, "gone", &RolloutOrder::Abort).unwrap());
}

#[test]
fn a_canary_whose_pods_fail_loses_its_traffic() {
    let mut sim = settled(&rollout("v1", 1));
    sim.apply(&rollout("v2", 1)).unwrap();
    sim.order(&RolloutOrder::SetWeight { percent: 100 }).unwrap();
    sim.settle();
    assert_eq!(shape_sorted(&sim), "v1=1/1@0 v2=1/1@100");
    sim.bad.insert(image("v2"));
    sim.probe_all();
    sim.pass();
    assert_eq!(shape_sorted(&sim), "v1=1/1@100 v2=0/1@-");
}

#[test]
fn a_job_runs_to_its_end_once() {
    let mut sim = Sim::new();
    sim.apply(&job("v1", 2)).unwrap();
    sim.pass();
    sim.complete(0);
    let id = sim.containers.keys().next().unwrap().clone();
    sim.kill(&id, 0);
    sim.settle();
    assert_eq!(sim.starts.len(), 1);
    let status = status(&sim.state, &sim.seen(), sim.object("Job"));
    assert_eq!((&status["succeeded"], &status["conditions"][0]["type"]), (&json!(1), &json!("Complete")));
    sim.crash(|_| true);
    sim.settle();
    assert_eq!(sim.starts.len(), 1, "also after a restart of the server");
}

#[test]
fn a_job_that_fails_is_tried_as_often_as_it_says() {
    let mut sim = Sim::new();
    sim.apply(&job("v1", 2)).unwrap();
    for _ in 0..30 {
        sim.pass();
        while !sim.pending.is_empty() {
            sim.complete(0);
        }
        let ids: Vec<String> = sim.containers.keys().cloned().collect();
        for id in &ids {
            sim.kill(id, 3);
        }
        sim.now = sim.now.after(Duration::from_secs(90));
    }
    assert_eq!(sim.starts.len(), 3);
    let status = status(&sim.state, &sim.seen(), sim.object("Job"));
    assert_eq!((&status["failed"], &status["conditions"][0]["reason"]), (&json!(3), &json!("BackoffLimitExceeded")));
    assert!(sim.apply(&job("v2", 2)).unwrap_err().to_string().contains("cannot change"));
}

#[test]
fn what_a_deleted_workload_leaves_is_drained_and_removed() {
    let mut sim = settled(&deployment("v1", 2, &rolling()));
    sim.state.delete("app", &key("Deployment", "web")).unwrap();
    sim.settle();
    assert!(sim.containers.is_empty() && sim.state.pods.is_empty());
    assert_eq!(sim.stopped.len(), 2);
}

#[test]
fn containers_of_ours_that_nobody_wants_are_removed() {
    let mut sim = Sim::new();
    let status = ContainerStatus::Running { pid: 7, since: sim.now };
    sim.containers.insert("web-old-0".into(), super::super::seen::Container { pod: "web-old-0".into(), status });
    sim.settle();
    assert!(sim.containers.is_empty());
}

#[test]
fn a_pod_that_is_unwell_is_restarted() {
    let mut sim = settled(&deployment("v1", 1, &rolling()));
    let pod = sim.state.pods.keys().next().unwrap().clone();
    let record = sim.state.pod_mut(&pod).unwrap();
    record.unwell = true;
    record.message = "liveness probe failed: no answer".into();
    sim.pass();
    assert!(matches!(&sim.pending[..], [Effect::Stop { .. }]));
    sim.complete(0);
    sim.pass();
    let record = &sim.state.pods[&pod];
    assert_eq!((record.attempt, record.unwell, record.failures), (1, false, 1));
    assert!(pod_seen(&sim.state, &sim.seen(), record).message.contains("liveness probe failed"));
    sim.settle();
    assert_eq!(sim.shape(), "v1=1/1@100");
}

#[test]
fn two_workloads_behind_one_service_share_it_by_their_pods() {
    let mut sim = settled(&rollout("v1", 3));
    let mut second = deployment("v2", 1, &rolling());
    second["metadata"]["name"] = json!("other");
    sim.apply(&second).unwrap();
    sim.settle();
    let route = &sim.in_force.as_ref().unwrap()[ROUTE];
    let mut weights: Vec<(usize, u32)> = route.groups.values().map(|group| (group.backends.len(), group.weight)).collect();
    weights.sort_unstable();
    assert_eq!(weights, [(1, 100), (3, 300)]);
}

#[test]
fn hashes_of_two_namespaces_differ_so_that_names_are_unique() {
    let here = key("Deployment", "web");
    let there = penstock_model::target::ObjectKey { namespace: "other".into(), ..here.clone() };
    let (here, there) =
        (crate::state::object::template_hash(&here, &template("v1")), crate::state::object::template_hash(&there, &template("v1")));
    assert_ne!(here, there);
}
