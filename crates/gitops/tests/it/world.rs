//! A Git directory, a target and a driver that may die between any two things it does.

use std::collections::BTreeMap;
use std::time::Duration;

use penstock_gitops::app::AppState;
use penstock_gitops::health::overall;
use penstock_gitops::{
    AppEvent, Application, Command, Health, Home, Look, Manifest, Plan, Step, decide, health, parse_application, parse_manifests, plan,
    revision, wanted,
};
use penstock_model::target::{LiveObject, ObjectKey};
use penstock_model::{CommitId, Timestamp};
use serde_json::{Value, json};

pub struct World {
    pub application: Application,
    pub files: BTreeMap<String, String>,
    manifests: Vec<Manifest>,
    state: AppState,
    pub commit: u32,
    pub live: BTreeMap<ObjectKey, LiveObject>,
    pub now: Timestamp,
    pub events: Vec<AppEvent>,
    /// `apply Deployment/api`, in order.
    pub done: Vec<String>,
    /// Objects whose application fails.
    pub broken: Vec<String>,
    /// Jobs that fail.
    pub failing: Vec<String>,
    /// Nothing gets well.
    pub unwell: bool,
}

pub fn application(policy: &str) -> Application {
    let text = format!(
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {{name: app}}\nspec:\n  source: {{repoURL: config, targetRevision: main, path: prod}}\n  destination: {{namespace: prod}}\n{policy}"
    );
    parse_application("app.yaml", &text, Home { repository: &"config".parse().unwrap(), branch: "main" }).unwrap()
}

pub const AUTOMATED: &str = "  syncPolicy: {automated: {prune: true, selfHeal: true}}\n";

pub fn object(kind: &str, name: &str, annotations: &Value, body: &str) -> String {
    let api = match kind {
        "Deployment" => "apps/v1",
        "Job" => "batch/v1",
        "Rollout" => "argoproj.io/v1alpha1",
        _ => "v1",
    };
    format!("apiVersion: {api}\nkind: {kind}\nmetadata: {{name: {name}, annotations: {annotations}}}\n{body}\n")
}

impl World {
    pub fn new(policy: &str) -> Self {
        Self {
            application: application(policy),
            files: BTreeMap::new(),
            manifests: Vec::new(),
            state: AppState::default(),
            commit: 1,
            live: BTreeMap::new(),
            now: Timestamp(1_000_000_000),
            events: Vec::new(),
            done: Vec::new(),
            broken: Vec::new(),
            failing: Vec::new(),
            unwell: false,
        }
    }

    pub fn commit(&mut self, objects: &[String]) {
        self.commit += 1;
        self.files = objects.iter().enumerate().map(|(n, text)| (format!("prod/{n}.yaml"), text.clone())).collect();
        self.manifests = parse_manifests(&self.files, "prod").unwrap();
    }

    pub fn commit_id(&self) -> CommitId {
        format!("{:040x}", self.commit).parse().unwrap()
    }

    pub fn manifests(&self) -> Vec<Manifest> {
        self.manifests.clone()
    }

    pub fn plan(&self) -> Plan {
        let manifests = &self.manifests;
        let live: Vec<LiveObject> = self.live.values().cloned().collect();
        plan(&self.application, manifests, revision(manifests), &live).unwrap()
    }

    pub fn parts(&self) -> BTreeMap<ObjectKey, Health> {
        self.live.iter().map(|(key, object)| (key.clone(), health(object))).collect()
    }

    pub fn state(&self) -> AppState {
        self.state.clone()
    }

    pub fn seen(&self) -> Look {
        let parts = self.parts();
        Look { application: self.application.clone(), commit: self.commit_id(), plan: self.plan(), health: overall(parts.iter()), parts }
    }

    pub fn say(&mut self, command: Command) -> Result<(), penstock_gitops::Refusal> {
        for event in decide(&self.state, command, self.now)? {
            self.state.evolve(&event);
            self.events.push(event);
        }
        Ok(())
    }

    pub fn look(&mut self) {
        self.say(Command::Look(Box::new(self.seen()))).unwrap();
    }

    /// Carries out what is wanted, at most so many steps.
    pub fn act(&mut self, most: usize) {
        let plan = self.plan();
        for step in wanted(&self.state(), &plan, &self.parts()).into_iter().take(most) {
            let name = format!("{}/{}", step.key().kind, step.key().name);
            if self.broken.contains(&name) {
                let command = Command::StepFailed { revision: plan.revision, key: step.key().clone(), why: "it will not".into() };
                self.say(command).unwrap();
                return;
            }
            match step {
                Step::Apply { key, manifest, .. } => {
                    self.done.push(format!("apply {name}"));
                    self.live.insert(key.clone(), LiveObject { key, applied: manifest, status: json!({}) });
                }
                Step::Delete { key } => {
                    self.done.push(format!("delete {name}"));
                    self.live.remove(&key);
                }
            }
        }
    }

    /// Time passes; workloads get well, Jobs end.
    pub fn wait(&mut self, seconds: u64) {
        self.now = self.now.after(Duration::from_secs(seconds));
        if self.unwell {
            return;
        }
        for (key, object) in &mut self.live {
            let name = format!("{}/{}", key.kind, key.name);
            let condition = |kind: &str| json!({"conditions": [{"type": kind, "status": "True", "reason": "r", "message": "m"}]});
            object.status = match key.kind.as_str() {
                "Deployment" => json!({"replicas": 1, "updatedReplicas": 1, "availableReplicas": 1}),
                "Rollout" => json!({"phase": "Healthy"}),
                "Job" if self.failing.contains(&name) => condition("Failed"),
                "Job" => condition("Complete"),
                _ => json!({}),
            };
        }
    }

    pub fn run(&mut self, seconds: u64) {
        for _ in 0..seconds {
            self.look();
            self.act(usize::MAX);
            self.wait(1);
        }
        self.look();
    }

    /// Names of the events since the last call, but for health.
    pub fn told(&mut self, from: &mut usize) -> Vec<String> {
        use penstock_model::event::DomainEvent as _;
        let names = self.events[*from..].iter().map(|event| event.event_type().name.trim_start_matches("app.").to_owned());
        let names = names.filter(|name| name != "health_changed").collect();
        *from = self.events.len();
        names
    }
}
