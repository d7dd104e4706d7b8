//! A target, its traffic and a driver that may die between any two things it does.

use std::time::Duration;

use penstock_model::Timestamp;
use penstock_model::gateway::{Counters, LATENCY_BOUNDS_MS};
use penstock_model::target::{ObjectKey, RolloutOrder, RolloutSeen};
use penstock_rollout::{Analysis, Command, Measure, Metric, Pause, Plan, RolloutEvent, RolloutState, Step, decide, wanted};

pub const MIN_REQUESTS: u64 = 500;

pub fn key() -> ObjectKey {
    ObjectKey { group: "argoproj.io".into(), kind: "Rollout".into(), namespace: "prod".into(), name: "api".into() }
}

pub fn plan() -> Plan {
    let step = |weight| Step { weight, pause: Pause::For { millis: 10_000 } };
    let metric = |name: &str, measure| Metric { name: name.into(), measure, min_requests: MIN_REQUESTS };
    let metrics = vec![metric("errors", Measure::ErrorRate { max_ppm: 10_000 }), metric("latency", Measure::P95 { max_ms: 500 })];
    Plan { steps: vec![step(5), step(25), step(50)], analysis: Analysis { metrics, interval_ms: 1000 }, deadline_ms: 60_000 }
}

/// How the canary behaves: in each second, of every `every`-th request fails, `slow` of a hundred are slow.
#[derive(Clone, Copy, Debug)]
pub struct Traffic {
    pub per_second: u64,
    pub fail_every: u64,
    pub slow_percent: u64,
}

pub const GOOD: Traffic = Traffic { per_second: 1000, fail_every: 0, slow_percent: 0 };

pub struct World {
    pub now: Timestamp,
    pub stable: Option<String>,
    pub wanted: String,
    pub weight: u32,
    pub ready: u32,
    pub replicas: u32,
    pub pods_start: bool,
    pub failures: u32,
    pub counters: Counters,
    pub known: bool,
    pub plan: Plan,
    pub events: Vec<RolloutEvent>,
    pub orders: Vec<(String, RolloutOrder)>,
    sent: u64,
}

impl World {
    pub fn new(stable: Option<&str>, wanted: &str) -> Self {
        Self {
            now: Timestamp(1_000_000),
            stable: stable.map(str::to_owned),
            wanted: wanted.to_owned(),
            weight: 0,
            ready: 0,
            replicas: 0,
            pods_start: true,
            failures: 0,
            counters: zero(),
            known: true,
            plan: plan(),
            events: Vec::new(),
            orders: Vec::new(),
            sent: 0,
        }
    }

    pub fn seen(&self) -> RolloutSeen {
        RolloutSeen {
            key: key(),
            stable: self.stable.clone(),
            wanted: self.wanted.clone(),
            stable_ready: 2,
            wanted_ready: self.ready,
            wanted_replicas: self.replicas,
            weight: self.weight,
            wanted_failures: self.failures,
            canary: self.counters.clone(),
            baseline: Counters::default(),
            figures_known: self.known,
        }
    }

    pub fn state(&self) -> RolloutState {
        RolloutState::of(&self.events)
    }

    /// Somebody wants another template; the target counts it from zero.
    pub fn want(&mut self, template: &str) {
        template.clone_into(&mut self.wanted);
        (self.weight, self.ready, self.replicas, self.failures, self.counters) = (0, 0, 0, 0, zero());
    }

    /// A second passes for the traffic and the pods.
    pub fn second(&mut self, traffic: Traffic) {
        self.now = self.now.after(Duration::from_secs(1));
        if self.pods_start {
            self.ready = self.replicas;
        }
        if self.ready == 0 {
            return;
        }
        for _ in 0..traffic.per_second * u64::from(self.weight) / 100 {
            self.sent += 1;
            self.counters.requests += 1;
            self.counters.errors += u64::from(traffic.fail_every > 0 && self.sent.is_multiple_of(traffic.fail_every));
            let slow = self.sent % 100 < traffic.slow_percent;
            self.counters.latency[if slow { 18 } else { 5 }] += 1;
        }
    }

    /// The driver looks and decides; what it decides is on disk. It may die afterwards.
    pub fn look(&mut self) {
        let command = Command::Look { seen: Box::new(self.seen()), plan: self.plan.clone() };
        let decided = decide(&self.state(), command, self.now).unwrap();
        self.events.extend(decided);
    }

    pub fn say(&mut self, command: Command) -> Result<(), penstock_rollout::Refusal> {
        let decided = decide(&self.state(), command, self.now)?;
        self.events.extend(decided);
        Ok(())
    }

    /// The driver carries out what is wanted. It may die before.
    pub fn act(&mut self) {
        let Some(wanted) = wanted(&self.state(), &self.seen()) else { return };
        assert_eq!(wanted.template, self.wanted);
        self.orders.push((wanted.template, wanted.order.clone()));
        match wanted.order {
            RolloutOrder::SetWeight { percent } => {
                self.replicas = (2 * percent).div_ceil(100);
                if self.ready > 0 || self.pods_start {
                    self.weight = percent;
                }
            }
            RolloutOrder::Promote => {
                self.stable = Some(self.wanted.clone());
                (self.weight, self.replicas) = (0, 0);
            }
            RolloutOrder::Abort => (self.weight, self.replicas, self.ready) = (0, 0, 0),
        }
    }

    /// A life without accidents.
    pub fn run(&mut self, seconds: usize, traffic: Traffic) {
        for _ in 0..seconds {
            self.look();
            self.act();
            self.second(traffic);
        }
    }
}

fn zero() -> Counters {
    Counters { latency: vec![0; LATENCY_BOUNDS_MS.len() + 1], ..Counters::default() }
}
