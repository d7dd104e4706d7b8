//! The target with the real runtime and the real gateway, under real traffic. Needs root.

use std::time::{Duration, Instant};

use penstock_model::container::ContainerRuntime as _;
use penstock_model::target::{RolloutOrder, Target as _};
use penstock_testkit::{eventually, until};
use serde_json::json;

use crate::machine::{Machine, key, scope};

#[tokio::test(flavor = "multi_thread")]
async fn a_rolling_update_under_load_fails_no_request() {
    let machine = Machine::new().await;
    machine.shop().await;
    machine.apply(&machine.workload("Deployment", "v1", 2)).await;
    let before = machine.ready(2).await;
    let load = machine.load(&["/", "/slow?300"]);
    load.requests(50).await;
    machine.apply(&machine.workload("Deployment", "v2", 2)).await;
    until("only new pods", machine.target().changed(), || async {
        let pods = machine.target().pods("app").await.unwrap();
        (pods.len() == 2 && pods.iter().all(|pod| pod.ready && !before.contains(&pod.name))).then_some(())
    })
    .await;
    load.requests(200).await;
    let tally = load.stop().await;
    assert_eq!(tally.failed, Vec::<String>::new());
    assert!(tally.versions["v1"] > 0 && tally.versions["v2"] > 0, "{tally:?}");
    assert_eq!(machine.starts.lock().unwrap().len(), 4);
    machine.tear_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_process_is_back_at_once() {
    let machine = Machine::new().await;
    machine.shop().await;
    machine.apply(&machine.workload("Deployment", "v1", 1)).await;
    let pod = machine.ready(1).await.remove(0);
    let pid = machine.pids().await[&pod];
    let killed = Instant::now();
    assert!(std::process::Command::new("kill").args(["-9", &pid.to_string()]).status().unwrap().success());
    eventually("an answer again", || async {
        match machine.get("/").await {
            Ok((200, _)) if machine.pids().await.get(&pod) != Some(&pid) => Ok(()),
            other => Err(other),
        }
    })
    .await;
    println!("back after {:?}", killed.elapsed());
    assert_eq!(*machine.starts.lock().unwrap(), [pod.clone(), pod.clone()]);
    let seen = machine.target().pods("app").await.unwrap();
    assert_eq!((seen[0].restarts, seen.len()), (1, 1));
    assert!(machine.target().logs("shop", &pod, 10_000).await.unwrap().contains("--- restarted ---"));
    machine.tear_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_server_fails_no_request_and_the_next_one_starts_nothing() {
    let mut machine = Machine::new().await;
    machine.shop().await;
    machine.apply(&machine.workload("Rollout", "v1", 2)).await;
    machine.ready(2).await;
    let pids = machine.pids().await;
    let load = machine.load(&["/", "/slow?50"]);
    for _ in 0..3 {
        machine.kill().await;
        load.requests(20).await;
        machine.start().await;
        let seen = machine.rollout("it is found again", |seen| seen.stable_ready == 2).await;
        assert_eq!((seen.weight, seen.wanted_failures), (100, 0));
    }
    let tally = load.stop().await;
    assert_eq!(tally.failed, Vec::<String>::new());
    assert_eq!(machine.pids().await, pids);
    machine.tear_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_canary_takes_exactly_its_share_and_is_counted() {
    let machine = Machine::new().await;
    machine.shop().await;
    machine.apply(&machine.workload("Rollout", "v1", 2)).await;
    machine.rollout("stable", |seen| seen.stable.is_some()).await;
    let mut load = machine.load(&["/"]);
    load.requests(50).await;
    machine.apply(&machine.workload("Rollout", "v2", 2)).await;
    let canary = machine.rollout("a canary", |seen| seen.wanted_ready == 1 && seen.figures_known).await;
    assert_eq!((canary.weight, canary.canary.requests), (0, 0));
    for percent in [5, 25, 50, 100] {
        machine.order(&canary, RolloutOrder::SetWeight { percent }).await.unwrap();
        machine.rollout("the weight", |seen| seen.weight == percent).await;
        load.begin_anew();
        load.requests(400).await;
        let seen = machine.rollout("counted", |_| true).await;
        assert!(seen.canary.requests > 0);
    }
    let done = machine.rollout("all of it", |seen| seen.wanted_ready == 2 && seen.weight == 100).await;
    assert_eq!((done.canary.errors, done.baseline.errors), (0, 0));
    machine.order(&canary, RolloutOrder::Promote).await.unwrap();
    machine.rollout("promoted", |seen| seen.stable.as_deref() == Some(&canary.wanted)).await;
    machine.ready(2).await;
    let tally = load.stop().await;
    assert_eq!(tally.failed, Vec::<String>::new());
    assert_eq!(machine.starts.lock().unwrap().len(), 4);
    machine.tear_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_canarys_share_is_dealt_exactly() {
    let machine = Machine::new().await;
    machine.shop().await;
    machine.apply(&machine.workload("Rollout", "v1", 1)).await;
    machine.rollout("stable", |seen| seen.stable.is_some()).await;
    machine.apply(&machine.workload("Rollout", "v2", 1)).await;
    let canary = machine.rollout("a canary", |seen| seen.wanted_ready == 1 && seen.figures_known).await;
    for (percent, of_a_hundred) in [(5u32, 5u64), (25, 25)] {
        machine.order(&canary, RolloutOrder::SetWeight { percent }).await.unwrap();
        let before = machine.rollout("before", |seen| seen.weight == percent).await;
        for _ in 0..100 {
            assert_eq!(machine.get("/").await.unwrap().0, 200);
        }
        let after = machine
            .rollout("after", |seen| {
                seen.canary.requests + seen.baseline.requests >= before.canary.requests + before.baseline.requests + 100
            })
            .await;
        assert_eq!(after.canary.requests - before.canary.requests, of_a_hundred);
    }
    // errors are the canary's own
    for _ in 0..100 {
        let _ = machine.get("/fail").await;
    }
    let failing = machine.rollout("errors", |seen| seen.canary.errors + seen.baseline.errors >= 100).await;
    assert_eq!(failing.canary.errors, 25);
    let before = Instant::now();
    machine.order(&canary, RolloutOrder::Abort).await.unwrap();
    println!("an abort took {:?}", before.elapsed());
    for _ in 0..20 {
        assert_eq!(machine.get("/").await.unwrap(), (200, "v1".into()));
    }
    machine.ready(1).await;
    machine.tear_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sick_pod_loses_its_traffic_and_no_more() {
    let machine = Machine::new().await;
    machine.shop().await;
    machine.apply(&machine.workload("Deployment", "v1", 2)).await;
    machine.ready(2).await;
    assert_eq!(machine.get("/sicken").await.unwrap().0, 200);
    let pods = until("one is not ready", machine.target().changed(), || async {
        let pods = machine.target().pods("app").await.unwrap();
        (pods.iter().filter(|pod| pod.ready).count() == 1).then_some(pods)
    })
    .await;
    let sick = pods.iter().find(|pod| !pod.ready).unwrap();
    assert!(sick.message.contains("readiness probe failed: GET /readyz gave 503"), "{}", sick.message);
    // the gateway is told a moment after the probe said so
    eventually("ten answers of the well one", || async {
        for _ in 0..10 {
            let (status, body) = machine.get("/readyz").await?;
            if status != 200 {
                return Err(body);
            }
        }
        Ok(())
    })
    .await;
    assert_eq!(machine.starts.lock().unwrap().len(), 2, "it is not restarted: it is alive");
    machine.tear_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_sees_its_settings_and_its_neighbours_and_cannot_change_itself() {
    let machine = Machine::new().await;
    machine.shop().await;
    machine.apply(&json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"LEVEL": "info", "motd": "hello\n"}})).await;
    let mut manifest = machine.workload("Deployment", "v1", 1);
    let pod = &mut manifest["spec"]["template"]["spec"];
    pod["volumes"] = json!([{"name": "files", "configMap": {"name": "settings"}}, {"name": "tmp", "emptyDir": {"sizeLimit": "1Mi"}}]);
    pod["containers"][0]["volumeMounts"] = json!([{"name": "files", "mountPath": "/etc/web"}, {"name": "tmp", "mountPath": "/tmp"}]);
    pod["containers"][0]["envFrom"] = json!([{"configMapRef": {"name": "settings"}}]);
    pod["containers"][0]["resources"] = json!({"limits": {"memory": "64Mi", "cpu": "500m"}});
    machine.apply(&manifest).await;
    machine.ready(1).await;
    for (path, expected) in [
        ("/file?/etc/web/motd", "hello\n"),
        ("/env?LEVEL", "info"),
        ("/write?/tmp/x", "written"),
        ("/fetch?web:80", "v1"),
        ("/fetch?web.shop.svc.cluster.local:80", "v1"),
    ] {
        assert_eq!(machine.get(path).await.unwrap(), (200, expected.into()), "{path}");
    }
    let refused = machine.get("/write?/x").await.unwrap().1;
    assert!(refused.contains("Read-only") || refused.contains("Permission denied"), "{refused}");
    let refused = machine.get("/write?/etc/web/motd").await.unwrap().1;
    assert!(refused.contains("Read-only") || refused.contains("Permission denied"), "{refused}");
    machine.tear_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_runs_to_completion_once_also_when_the_server_dies() {
    let mut machine = Machine::new().await;
    machine.shop().await;
    let mut pod = machine.pod("v1");
    pod["restartPolicy"] = json!("Never");
    let container = pod["containers"][0].as_object_mut().unwrap();
    for probe in ["startupProbe", "readinessProbe", "livenessProbe"] {
        container.remove(probe);
    }
    container.insert("args".into(), json!(["job"]));
    machine.apply(&json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "web"}, "spec": {"backoffLimit": 0, "template": {"spec": pod}}})).await;
    machine.kill().await;
    machine.start().await;
    until("the job is complete", machine.target().changed(), || async {
        let live = machine.target().live("app").await.unwrap();
        live.iter().any(|object| object.status["conditions"][0]["type"] == "Complete").then_some(())
    })
    .await;
    assert_eq!(machine.starts.lock().unwrap().len(), 1);
    let pod = machine.target().pods("app").await.unwrap().remove(0);
    assert_eq!(machine.target().logs("shop", &pod.name, 1000).await.unwrap(), "job done with \n");
    machine.target().delete(&scope(), &key("Job", "batch"), 1).await.unwrap();
    machine.ready(0).await;
    assert!(machine.runtime().list().await.unwrap().is_empty());
    machine.tear_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_dies_at_twenty_moments_starts_each_pod_once_and_fails_no_request() {
    let mut machine = Machine::new().await;
    machine.shop().await;
    machine.apply(&machine.workload("Deployment", "v0", 2)).await;
    machine.ready(2).await;
    let load = machine.load(&["/"]);
    let seed = u64::from(std::process::id());
    println!("seed {seed}");
    let mut random = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut expected = 2;
    for moment in 0..20 {
        if moment % 2 == 0 {
            machine.apply(&machine.workload("Deployment", &format!("v{}", moment + 1), 2)).await;
            expected += 2;
        }
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        tokio::time::sleep(Duration::from_millis(random % 400)).await;
        machine.kill().await;
        machine.start().await;
        if moment % 2 == 1 {
            machine.ready(2).await;
        }
    }
    machine.ready(2).await;
    let tally = load.stop().await;
    assert_eq!(tally.failed, Vec::<String>::new(), "seed {seed}");
    let starts = machine.starts.lock().unwrap().clone();
    let different: std::collections::BTreeSet<&String> = starts.iter().collect();
    assert_eq!(starts.len(), different.len(), "seed {seed}: a pod was started twice");
    assert_eq!(starts.len(), expected, "seed {seed}");
    machine.tear_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_gateway_is_back_and_the_canary_counts_anew() {
    let machine = Machine::new().await;
    machine.shop().await;
    machine.apply(&machine.workload("Rollout", "v1", 1)).await;
    machine.rollout("stable", |seen| seen.stable.is_some()).await;
    machine.apply(&machine.workload("Rollout", "v2", 1)).await;
    let canary = machine.rollout("a canary", |seen| seen.wanted_ready == 1 && seen.figures_known).await;
    machine.order(&canary, RolloutOrder::SetWeight { percent: 50 }).await.unwrap();
    for _ in 0..10 {
        machine.get("/").await.unwrap();
    }
    machine.rollout("counted", |seen| seen.canary.requests == 5).await;
    let pid = machine.gateway.pid().await.unwrap();
    assert!(std::process::Command::new("kill").args(["-9", &pid.to_string()]).status().unwrap().success());
    let killed = Instant::now();
    eventually("an answer again", || async {
        match machine.get("/").await {
            Ok((200, _)) => Ok(()),
            other => Err(other),
        }
    })
    .await;
    println!("the gateway is back after {:?}", killed.elapsed());
    let again = eventually("figures again", || async {
        let seen = machine.target().rollouts("app").await.unwrap().remove(0);
        if seen.figures_known { Ok(seen) } else { Err(seen) }
    })
    .await;
    assert_eq!((again.weight, again.wanted_failures), (50, 0), "the last snapshot is in force");
    assert!(again.canary.requests < 5, "{again:?}");
    machine.tear_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_somebody_else_listens_on_is_said_and_the_rest_goes_on() {
    let machine = Machine::new().await;
    let taken = std::net::TcpListener::bind(("127.0.0.1", machine.node_port)).unwrap();
    machine.shop().await;
    machine.apply(&machine.workload("Deployment", "v1", 1)).await;
    machine.ready(1).await;
    let listening = |status: &serde_json::Value| status["conditions"][0]["status"] != "False";
    let status = || async {
        let live = machine.target().live("app").await.unwrap();
        live.into_iter().find(|object| object.key.kind == "Service").unwrap().status
    };
    eventually("the complaint", || async {
        let status = status().await;
        if listening(&status) { Err(status) } else { Ok(()) }
    })
    .await;
    drop(taken);
    eventually("it listens", || async {
        let status = status().await;
        if listening(&status) { Ok(()) } else { Err(status) }
    })
    .await;
    assert_eq!(machine.get("/").await.unwrap(), (200, "v1".into()));
    machine.tear_down().await;
}
