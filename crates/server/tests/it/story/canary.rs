//! A canary, and the figures that it is judged by.

use std::time::Duration;

use penstock_delivery::keeper::Keeper;
use penstock_model::Digest;
use penstock_model::gateway::{Counters, LATENCY_BOUNDS_MS};
use penstock_model::target::{ObjectKey, PodSeen, RolloutSeen};
use serde_json::json;

use super::{SERVICES, STABLE, key};
use crate::project::{Project, place};

/// What comes between two looks.
pub(super) struct Counted {
    pub(super) requests: u64,
    pub(super) errors: u64,
    pub(super) millis: u32,
}

fn count(counters: &mut Counters, counted: &Counted) {
    counters.latency.resize(LATENCY_BOUNDS_MS.len() + 1, 0);
    counters.requests += counted.requests;
    counters.errors += counted.errors;
    counters.latency[LATENCY_BOUNDS_MS.partition_point(|bound| *bound < counted.millis)] += counted.requests;
}

/// A canary that is looked at so many times, 20 seconds apart, under the traffic that `traffic` tells.
pub(super) async fn canary(project: &Project, keeper: &Keeper, api: &ObjectKey, looks: u64, traffic: &dyn Fn(u64) -> Counted) {
    let (house, application) = (&project.house, api.namespace.clone());
    for service in SERVICES {
        house.target.set_status(&key(project, service), json!({"phase": "Healthy"}));
        for deployment in ["staging", "production"] {
            let mut key = key(project, service);
            (key.group, key.kind, key.namespace) = ("apps".to_owned(), "Deployment".to_owned(), format!("{}-{deployment}", project.name));
            house.target.set_status(&key, json!({"replicas": 1, "updatedReplicas": 1, "readyReplicas": 1, "availableReplicas": 1}));
        }
    }
    house.target.set_url("http://127.0.0.1:30081");
    house.target.set_pods(&application, pods(project, &application));
    house.target.set_pods(&format!("{}-staging", project.name), pods(project, &format!("{}-staging", project.name)));
    let seen = RolloutSeen {
        key: api.clone(),
        stable: Some(STABLE.to_owned()),
        wanted: "b0fe781462".to_owned(),
        stable_ready: 2,
        wanted_ready: 1,
        wanted_replicas: 1,
        weight: 0,
        wanted_failures: 0,
        canary: Counters::default(),
        baseline: Counters::default(),
        figures_known: true,
    };
    house.target.set_rollout(&application, seen);
    for look in 0..looks {
        house.clock.advance(Duration::from_secs(20));
        let now = house.parts.journal.now();
        house.target.change_rollout(api, |seen| {
            let new = traffic(look);
            count(&mut seen.baseline, &Counted { requests: new.requests * 12, errors: u64::from(look % 13 == 12), millis: new.millis });
            count(&mut seen.canary, &new);
        });
        let measured = || {
            let seen = keeper.seen(&project.name, &place("production"));
            seen.figures.values().flatten().any(|figure| figure.at == now) || seen.rollouts.iter().any(|seen| seen.wanted_replicas == 0)
        };
        crate::site::until("a figure of the canary", &mut keeper.changed(), measured).await;
    }
}

fn pods(project: &Project, application: &str) -> Vec<PodSeen> {
    let pod = |service: &str, template: &str, role: &str, number: u32| PodSeen {
        namespace: application.to_owned(),
        name: format!("{service}-{template}-{number}"),
        owner: format!("Rollout/{service}"),
        images: vec![format!("{}/{service}@{}", project.name, Digest::of(service))],
        template: template.to_owned(),
        role: role.to_owned(),
        ready: true,
        restarts: 0,
        message: String::new(),
        labels: [].into(),
    };
    let mut pods: Vec<_> = SERVICES.iter().flat_map(|service| (0..2).map(|number| pod(service, STABLE, "stable", number))).collect();
    pods.insert(2, pod("api-gateway", "b0fe781462", "canary", 0));
    pods
}
