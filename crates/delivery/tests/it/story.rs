//! A world told in few words: days, runs and releases by number.

use std::collections::BTreeMap;

use penstock_delivery::World;
use penstock_delivery::events::{EvidenceEvent, ProjectEvent, ReleaseEvent, WorkEvent};
use penstock_gate::{Decision, DeliveryConfig};
use penstock_model::event::{DomainEvent, NewEvent, Recorded, StreamId};
use penstock_model::evidence::{Evidence, Subject, Witness};
use penstock_model::ids::Actor;
use penstock_model::job::{JobEnd, JobReport, ReportFile};
use penstock_model::release::{ImageName, ImageRef, Release, ReleaseId, Revision};
use penstock_model::{CommitId, Digest, RunId, Timestamp};
use penstock_pipeline::{Dialect, Library, PushEvent, RunEvent, RunStatus, Source, plan};
use serde_json::Value;

pub const DAY: i64 = 24 * 60 * 60 * 1000;

const CONFIG: &str = "version: 1
environments:
  - {name: staging, application: a.yaml, gate: [g.rego]}
  - {name: production, after: staging, application: b.yaml, gate: [g.rego]}
";

pub fn commit(number: u32) -> CommitId {
    format!("{number:040x}").parse().unwrap()
}

pub fn run(number: u32) -> RunId {
    RunId::from_parts(1, u128::from(number))
}

pub fn image(number: u32) -> ImageRef {
    ImageRef { name: app(), digest: Digest::of(format!("image {number}")) }
}

pub fn app() -> ImageName {
    "oran/app".parse().unwrap()
}

pub fn artifacts(number: u32) -> Digest {
    Digest::of(format!("artifacts {number}"))
}

pub fn report(number: u32) -> Digest {
    Digest::of(format!("report {number}"))
}

fn release_of(number: u32) -> Release {
    let images = BTreeMap::from([(app(), image(number).digest)]);
    Release { project: "oran".parse().unwrap(), commit: commit(number), images, config: commit(0) }
}

pub fn release(number: u32) -> ReleaseId {
    release_of(number).id()
}

fn revision(number: u32) -> Revision {
    Revision(Digest::of(format!("revision {number}")))
}

/// The config repository's commit that brings a release into an environment.
pub fn written(number: u32, environment: &str) -> CommitId {
    format!("{:040x}", 1000 + number * 10 + u32::from(environment == "production")).parse().unwrap()
}

/// Events on the day that it is, folded.
pub struct Story {
    pub world: World,
    pub day: i64,
}

impl Story {
    pub fn new() -> Self {
        let mut story = Self { world: World::default(), day: 0 };
        let project =
            ProjectEvent::Created { project: "oran".parse().unwrap(), config: "oran-config".parse().unwrap(), branch: "main".to_owned() };
        story.say("project/oran", &project);
        let config = DeliveryConfig::parse("penstock.yaml", CONFIG).unwrap();
        story.say("project/oran", &ProjectEvent::ConfigRead { commit: commit(0), config: Some(config), error: None });
        story
    }

    pub fn now(&self) -> Timestamp {
        Timestamp(self.day * DAY)
    }

    pub fn on(&mut self, day: i64) -> &mut Self {
        assert!(day >= self.day, "stories go forward");
        self.day = day;
        self
    }

    pub fn say<E: DomainEvent>(&mut self, stream: &str, event: &E) -> &mut Self {
        let stream: StreamId = stream.parse().unwrap();
        let NewEvent { kind, actor, at, data } = NewEvent::of(event, Actor::Penstock, self.now()).unwrap();
        let version = self.world.versions.get(&stream).copied().unwrap_or(0);
        let position = self.world.position + 1;
        self.world.apply(&Recorded { position, stream, version, kind, actor, at, data, previous: None, hash: Digest::of("") });
        assert!(self.world.unknown.is_empty(), "{:?}", self.world.unknown);
        self
    }

    /// A push of the commit of this number begins the run of this number.
    pub fn begin(&mut self, number: u32) -> &mut Self {
        let event = ProjectEvent::Pushed {
            reference: "refs/heads/main".to_owned(),
            before: None,
            commit: commit(number),
            pusher: "ada".parse().unwrap(),
            run: run(number),
        };
        self.say("project/oran", &event)
    }

    /// A push of the commit of this number to a branch begins the run of this number, which has the one job `build`.
    pub fn push_to(&mut self, number: u32, branch: &str) -> &mut Self {
        let event = ProjectEvent::Pushed {
            reference: format!("refs/heads/{branch}"),
            before: None,
            commit: commit(number),
            pusher: "ada".parse().unwrap(),
            run: run(number),
        };
        self.say("project/oran", &event).plan(number)
    }

    /// The pipeline has the one job that [`Self::build`] tells of.
    pub fn plan(&mut self, number: u32) -> &mut Self {
        self.plan_of(number, "build:\n  script: make\n")
    }

    /// The pipeline is that of this file.
    pub fn plan_of(&mut self, number: u32, text: &str) -> &mut Self {
        let event = PushEvent {
            trigger: penstock_pipeline::Trigger::Push,
            project: "oran".parse().unwrap(),
            repository: "oran".parse().unwrap(),
            reference: "refs/heads/main".to_owned(),
            commit: commit(number),
            before: None,
            default_branch: "main".to_owned(),
            message: "change\n".to_owned(),
            facts: Box::default(),
            pusher: "ada".parse().unwrap(),
            changed: None,
            files: Vec::new(),
            variables: BTreeMap::new(),
            given: BTreeMap::new(),
            open_merge_requests: Vec::new(),
            server_url: "http://127.0.0.1".to_owned(),
            registry: "127.0.0.1".to_owned(),
        };
        let source = Source { path: ".gitlab-ci.yml", text };
        let plan = plan(Dialect::of_path(source.path), &source, &event, &Library::new()).unwrap();
        self.say(&format!("run/{}", run(number)), &RunEvent::Planned { run: run(number), plan: Box::new(plan) })
    }

    /// A job leaves artifacts and a report, and builds the image of this number.
    pub fn build(&mut self, number: u32) -> &mut Self {
        let stream = format!("run/{}", run(number));
        let reports = vec![ReportFile { kind: "junit".to_owned(), path: "r.xml".to_owned(), digest: report(number) }];
        let report = JobReport {
            artifacts: Some(artifacts(number)),
            artifacts_size: 1,
            reports,
            busy_ms: 1,
            ..JobReport::bare(JobEnd::Exited { code: 0 })
        };
        let image = image(number);
        self.say(&stream, &RunEvent::JobStarted { job: "build".parse().unwrap(), attempt: 1 });
        let built = WorkEvent::ImageBuilt { job: "build".parse().unwrap(), image: image.name, digest: image.digest, took_ms: 1, own_ms: 1 };
        self.say(&stream, &built);
        self.say(&stream, &RunEvent::JobFinished { job: "build".parse().unwrap(), attempt: 1, report })
    }

    pub fn end(&mut self, number: u32) -> &mut Self {
        self.say(&format!("run/{}", run(number)), &RunEvent::Finished { status: RunStatus::Success })
    }

    /// A whole run without a release.
    pub fn ran(&mut self, number: u32) -> &mut Self {
        self.begin(number).build(number).end(number)
    }

    /// A whole run that makes the release of its number.
    pub fn made(&mut self, number: u32) -> &mut Self {
        self.ran(number);
        let created = ReleaseEvent::Created {
            release: release_of(number),
            run: run(number),
            pushers: ["ada".parse().unwrap()].into(),
            authors: [].into(),
            pushed: self.now(),
        };
        self.about(number, &created);
        self.say(&format!("run/{}", run(number)), &WorkEvent::Released { release: release(number) })
    }

    fn about(&mut self, number: u32, event: &ReleaseEvent) -> &mut Self {
        self.say(&format!("release/{}", release(number).0.hex()), event)
    }

    pub fn refused_at_gate(&mut self, number: u32, environment: &str) -> &mut Self {
        let decision = Decision {
            allow: false,
            denials: Vec::new(),
            warnings: Vec::new(),
            overridden: Vec::new(),
            broken_glass: None,
            evidence_used: Vec::new(),
            policy: Digest::of("policy"),
        };
        let gated = ReleaseEvent::Gated {
            environment: environment.parse().unwrap(),
            revision: revision(number),
            decision,
            inputs: Digest::of("inputs"),
            envelope: Digest::of("summary"),
            took_ms: 1,
        };
        self.about(number, &gated)
    }

    pub fn committed(&mut self, number: u32, environment: &str, previous: Option<CommitId>) -> &mut Self {
        let event = ReleaseEvent::Committed {
            environment: environment.parse().unwrap(),
            commit: written(number, environment),
            revision: revision(number),
            previous,
        };
        self.about(number, &event)
    }

    pub fn delivered(&mut self, number: u32, environment: &str) -> &mut Self {
        self.committed(number, environment, None);
        self.about(number, &ReleaseEvent::Delivered { environment: environment.parse().unwrap(), revision: revision(number) })
    }

    /// Staging took it, and a newer one took its place before production.
    pub fn passed(&mut self, number: u32) -> &mut Self {
        self.delivered(number, "staging").superseded(number, "production")
    }

    pub fn refused(&mut self, number: u32, environment: &str) -> &mut Self {
        let (environment, why) = (environment.parse().unwrap(), "the canary failed".to_owned());
        self.about(number, &ReleaseEvent::Refused { environment, revision: revision(number), why })
    }

    pub fn reverted(&mut self, number: u32, environment: &str) -> &mut Self {
        self.about(number, &ReleaseEvent::Reverted { environment: environment.parse().unwrap(), commit: commit(9999) })
    }

    pub fn superseded(&mut self, number: u32, environment: &str) -> &mut Self {
        self.about(number, &ReleaseEvent::Superseded { environment: environment.parse().unwrap() })
    }

    /// A statement; its envelope is the digest of its key.
    pub fn said(&mut self, key: &str, subject: Subject, kind: &str, predicate: Value, in_run: Option<u32>) -> &mut Self {
        let evidence = Evidence {
            envelope: Digest::of(key),
            subject,
            predicate_type: kind.to_owned(),
            predicate,
            witness: Witness::Observed,
            name: "a check".to_owned(),
            at: self.now(),
            key_id: "key".to_owned(),
        };
        self.say("evidence/oran", &EvidenceEvent::Recorded { evidence, run: in_run.map(run), key: key.to_owned() })
    }
}
