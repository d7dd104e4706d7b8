//! A release with everything that its gates ask for; tests take away, add and change.

use std::collections::BTreeSet;

use penstock_gate::{Authors, Decision, DeliveryConfig, GateInput, PolicySet, evaluate};
use penstock_model::evidence::{Evidence, Subject, Witness, predicate};
use penstock_model::release::{ImageRef, Release, Revision};
use penstock_model::{Digest, Timestamp, UserName};
use serde_json::{Value, json};

pub const NOW: Timestamp = Timestamp(1_764_000_000_000);
pub const HOUR: i64 = 3_600_000;
pub const TOOLS: [&str; 9] = ["bandit", "black", "gitleaks", "hadolint", "isort", "pylint", "trivy-config", "trivy-secret", "yamllint"];

pub fn user(name: &str) -> UserName {
    name.parse().unwrap()
}

fn policy(environment: &str) -> PolicySet {
    let own = match environment {
        "staging" => include_str!("../../../../examples/oran-config/policies/staging.rego"),
        _ => include_str!("../../../../examples/oran-config/policies/production.rego"),
    };
    let common = include_str!("../../../../examples/oran-config/policies/common.rego");
    PolicySet::new(vec![("policies/common.rego".to_owned(), common.to_owned()), (format!("policies/{environment}.rego"), own.to_owned())])
}

/// A gate, and all that it looks at.
#[derive(Clone, Debug)]
pub struct World {
    pub policy: PolicySet,
    pub input: GateInput,
}

impl World {
    pub fn staging() -> Self {
        Self::new("staging")
    }

    pub fn production() -> Self {
        let mut world = Self::new("production");
        let release = Subject::Release(world.input.release.id());
        let decision = json!({"verificationResult": "PASSED", "penstock_environment": "staging"});
        world.add(release.clone(), predicate::VSA, "staging", decision);
        for check in ["integration", "load"] {
            let result = json!({"environment": "staging", "check": check, "result": "PASSED"});
            world.add(release.clone(), predicate::ENVIRONMENT_CHECK, check, result);
        }
        world.approve("grace", |_| {});
        world
    }

    fn new(environment: &str) -> Self {
        let policy = policy(environment);
        assert_eq!(policy.problem(), None);
        let config = DeliveryConfig::parse("penstock.yaml", include_str!("../../../../examples/oran-config/penstock.yaml")).unwrap();
        let release = Release {
            project: "oran".parse().unwrap(),
            commit: "a".repeat(40).parse().unwrap(),
            images: ["oran/api-gateway", "oran/pqc-service"].map(|name| (name.parse().unwrap(), Digest::of(name))).into(),
            config: "c".repeat(40).parse().unwrap(),
        };
        let input = GateInput {
            environment: environment.parse().unwrap(),
            config,
            release,
            revision: Revision(Digest::of(environment)),
            now: NOW,
            evidence: vec![],
            pushers: BTreeSet::from([user("ada")]),
            authors: Authors::default(),
        };
        let mut world = Self { policy, input };
        world.fill();
        world
    }

    fn fill(&mut self) {
        let commit = self.commit();
        for tool in TOOLS {
            self.add(commit.clone(), predicate::FINDINGS, tool, clean());
        }
        self.report(commit.clone(), predicate::TEST_RESULT, "pytest", json!({"result": "PASSED"}));
        self.report(commit, predicate::COVERAGE, "pytest", json!({"percent": 91.5}));
        for image in self.images() {
            let from = json!([{"digest": {"gitCommit": self.input.release.commit}}, {"digest": {"sha256": "00"}}]);
            self.add(image.clone(), predicate::PROVENANCE, "build", json!({"buildDefinition": {"resolvedDependencies": from}}));
            self.add(image.clone(), predicate::SPDX, "syft", json!({"spdxVersion": "SPDX-2.3"}));
            self.add(image.clone(), predicate::TEST_RESULT, "self-test", json!({"result": "PASSED"}));
            self.add(image, predicate::FINDINGS, "advisories", clean());
        }
    }

    pub fn commit(&self) -> Subject {
        Subject::Commit(self.input.release.commit.clone())
    }

    pub fn images(&self) -> Vec<Subject> {
        let image = |(name, digest): (&_, &_)| Subject::Image(ImageRef { name: Clone::clone(name), digest: *digest });
        self.input.release.images.iter().map(image).collect()
    }

    pub fn add(&mut self, subject: Subject, kind: &str, name: &str, said: Value) -> &mut Evidence {
        let n = self.input.evidence.len();
        self.input.evidence.push(Evidence {
            envelope: Digest::of(format!("{n} {subject:?} {kind} {name} {said}")),
            subject,
            predicate_type: kind.to_owned(),
            predicate: said,
            witness: Witness::Observed,
            name: name.to_owned(),
            // each a little later than the one before
            at: Timestamp(NOW.0 - HOUR + i64::try_from(n).unwrap()),
            key_id: "key".to_owned(),
        });
        self.input.evidence.last_mut().unwrap()
    }

    pub fn report(&mut self, subject: Subject, kind: &str, name: &str, said: Value) {
        self.add(subject, kind, name, said).witness = Witness::Reported;
    }

    pub fn approve(&mut self, who: &str, change: impl FnOnce(&mut Value)) -> &mut Evidence {
        let mut said = json!({
            "environment": self.input.environment,
            "revision": self.input.revision,
            "policy": self.policy.digest(),
            "expires": NOW.0 + HOUR,
            "approver": who,
        });
        change(&mut said);
        self.add(Subject::Release(self.input.release.id()), predicate::APPROVAL, "approval", said)
    }

    /// Takes away every statement of a name about subjects of a kind.
    pub fn without(mut self, kind: &str, name: &str) -> Self {
        let before = self.input.evidence.len();
        self.input.evidence.retain(|e| !(e.predicate_type == kind && e.name == name));
        assert!(self.input.evidence.len() < before, "there was a statement `{name}`");
        self
    }

    /// Changes the first statement of a name.
    pub fn change(mut self, kind: &str, name: &str, change: impl FnOnce(&mut Evidence)) -> Self {
        let found = self.input.evidence.iter_mut().find(|e| e.predicate_type == kind && e.name == name);
        change(found.expect("there is such a statement"));
        self
    }

    pub fn decide(&self) -> Decision {
        evaluate(&self.policy, &self.input)
    }

    /// The rules that deny, each once.
    pub fn rules(&self) -> Vec<String> {
        let decision = self.decide();
        assert_eq!(decision.allow, decision.denials.is_empty());
        let rules: BTreeSet<_> = decision.denials.into_iter().map(|denial| denial.rule).collect();
        rules.into_iter().collect()
    }

    #[track_caller]
    pub fn check(&self, expected: &[&str]) {
        assert_eq!(self.rules(), expected, "{:#?}", self.decide().denials);
    }
}

pub fn clean() -> Value {
    json!({"paths": [], "findings": [], "summary": {"error": 0, "warning": 0, "note": 0, "none": 0, "leftOut": 0}})
}

pub fn with(findings: Value) -> Value {
    let mut said = clean();
    said["findings"] = findings;
    said
}
