//! A collection carried out: what goes is gone, what stays works, and the audit trail says who had it done.

use std::sync::Arc;

use bytes::Bytes;
use penstock_delivery::collect::{Kind, Outcome, collect};
use penstock_delivery::effects::carry_out;
use penstock_delivery::events::{ProjectEvent, ReleaseEvent, WorkEvent};
use penstock_delivery::evidence::{Saying, attach_again, say, verify_again};
use penstock_delivery::orders::OrderError;
use penstock_delivery::wanted::Effect;
use penstock_delivery::{JobCalls, config_repository, streams};
use penstock_model::blob::{Channel, LogId, LogLine};
use penstock_model::evidence::{Subject, Witness};
use penstock_model::ids::Actor;
use penstock_model::job::{JobEnd, JobReport};
use penstock_model::release::{ImageRef, Revision};
use penstock_model::{Clock, CommitId, Digest, RunId};
use penstock_pipeline::{RunEvent, RunStatus};
use penstock_trust::predicate::Coverage;
use tokio_util::sync::CancellationToken;

use crate::house::{HOUR, House, oran, production, user};

/// A house with a run that was over long ago.
struct Old {
    house: House,
    calls: Arc<JobCalls>,
    commit: CommitId,
    run: RunId,
    /// What the run built.
    built: ImageRef,
    /// Tagged by the same commit, and named by a manifest of production.
    named: ImageRef,
    /// Tagged by a person.
    tagged: ImageRef,
    artifacts: Digest,
    statement: Digest,
}

fn log_of(run: &RunId) -> LogId {
    LogId(format!("{run}/build/1"))
}

impl Old {
    async fn new() -> Self {
        let house = House::new().await;
        let calls = Arc::new(JobCalls::open(house.dir.path().join("calls")).unwrap());
        let (commit, run): (CommitId, _) = ("b".repeat(40).parse().unwrap(), RunId::from_parts(2, 2));
        let pushed = ProjectEvent::Pushed {
            reference: "refs/heads/side".to_owned(),
            before: None,
            commit: commit.clone(),
            pusher: user("ada"),
            run: run.clone(),
        };
        house.parts.journal.record(&streams::project(&oran()), Actor::Penstock, pushed).await.unwrap();
        let built = house.push("oran/app", commit.as_str(), "the app").await;
        let named = house.push("oran/db", commit.as_str(), "the database").await;
        let tagged = house.push("oran/tool", "v1", "the tool").await;
        let artifacts = house.parts.blobs.put_bytes(Bytes::from_static(b"artifacts")).await.unwrap();
        let mut old = Self { house, calls, commit, run, built, named, tagged, artifacts, statement: artifacts };
        old.finish().await;
        old.deliver().await;
        old.statement = old.say().await;
        old
    }

    async fn finish(&self) {
        let report =
            JobReport { artifacts: Some(self.artifacts), artifacts_size: 9, busy_ms: 1, ..JobReport::bare(JobEnd::Exited { code: 0 }) };
        let (stream, job) = (streams::run(&self.run), "build".parse().unwrap());
        let journal = &self.house.parts.journal;
        let image = WorkEvent::ImageBuilt { job, image: self.built.name.clone(), digest: self.built.digest, took_ms: 1, own_ms: 1 };
        journal.record(&stream, Actor::Penstock, image).await.unwrap();
        let job = "build".parse().unwrap();
        journal.record(&stream, Actor::Penstock, RunEvent::JobFinished { job, attempt: 1, report }).await.unwrap();
        journal.record(&stream, Actor::Penstock, RunEvent::Finished { status: RunStatus::Success }).await.unwrap();
        let log = self.house.parts.logs.open(&log_of(&self.run)).await.unwrap();
        let line = LogLine { at: self.house.clock.now(), channel: Channel::Out, text: "made".to_owned(), ends: true };
        log.write(vec![line]).await.unwrap();
        let source = self.house.dir.path().join("calls/sources/oran").join(self.commit.as_str());
        std::fs::create_dir_all(&source).unwrap();
        std::fs::write(source.join("main.rs"), "12345").unwrap();
    }

    /// Production runs the house's release, and a database besides that no run made.
    async fn deliver(&self) {
        let manifest = format!(
            "apiVersion: apps/v1
kind: Deployment
metadata: {{name: db}}
spec:
  replicas: 1
  selector: {{matchLabels: {{app: db}}}}
  template:
    metadata: {{labels: {{app: db}}}}
    spec:
      containers: [{{name: db, image: \"{}\"}}]
",
            self.named
        );
        self.configure("production/db.yaml", &manifest).await;
        let commit = self.house.world().projects[&oran()].config.clone().unwrap().commit;
        let committed =
            ReleaseEvent::Committed { environment: production(), commit, revision: Revision(Digest::of("revision")), previous: None };
        let stream = streams::release(self.house.release);
        self.house.parts.journal.record(&stream, Actor::Penstock, committed).await.unwrap();
    }

    async fn configure(&self, path: &str, text: &str) {
        self.house.git.push(&"oran-config".parse().unwrap(), "main", &[(path, Some(text))], "root", "configure");
        config_repository::read(&self.house.parts, &oran()).await.unwrap();
    }

    async fn say(&self) -> Digest {
        let coverage = Coverage::new(9, 10);
        let saying = Saying {
            project: &oran(),
            run: Some(&self.run),
            subject: Subject::Image(self.built.clone()),
            name: "cobertura",
            witness: Witness::Observed,
            key: "coverage".to_owned(),
            predicate: &coverage,
        };
        say(&self.house.parts, saying).await.unwrap()
    }

    /// Forty days go by.
    fn wait(&self) {
        self.house.clock.advance(HOUR * 24 * 40);
    }

    async fn collect(&self, dry_run: bool) -> Result<Outcome, OrderError> {
        collect(self.house.parts.clone(), self.calls.clone(), user("root"), 30, dry_run).await
    }

    async fn has(&self, digest: Digest) -> bool {
        self.house.parts.blobs.size(digest).await.unwrap().is_some()
    }

    /// What the audit trail says of collections: who, and what.
    fn trail(&self) -> Vec<(String, String)> {
        let events = self.house.events.all().into_iter().filter(|event| event.stream == streams::collections());
        events.map(|event| (event.actor.to_string(), event.kind.name)).collect()
    }
}

fn names(outcome: &Outcome, kind: Kind) -> Vec<&str> {
    outcome.gone.iter().filter(|gone| gone.kind == kind).map(|gone| gone.name.as_str()).collect()
}

#[tokio::test]
async fn an_old_run_goes_with_all_that_nothing_else_needs() {
    let old = Old::new().await;
    let parts = &old.house.parts;
    assert_eq!(old.collect(false).await.unwrap().gone.iter().filter(|gone| gone.kind != Kind::Checkout).count(), 0, "it is young");
    let source = format!("sources/oran/{}", old.commit);
    std::fs::create_dir_all(old.house.dir.path().join("calls").join(&source)).unwrap();
    let loose = parts.blobs.put_bytes(Bytes::from_static(b"loose")).await.unwrap();
    old.wait();
    let young = parts.blobs.put_bytes(Bytes::from_static(b"young")).await.unwrap();
    let before = old.house.events.all().len();
    let would = old.collect(true).await.unwrap();
    assert_eq!(old.house.events.all().len(), before, "a dry run is no event");
    assert!(old.has(loose).await && old.has(old.artifacts).await, "a dry run removes nothing");
    let outcome = old.collect(false).await.unwrap();
    assert_eq!(outcome, would);
    let images = names(&outcome, Kind::Image);
    assert!(images.contains(&old.built.to_string().as_str()) && images.len() == 2, "the image and its statement's manifest: {images:?}");
    assert_eq!(names(&outcome, Kind::Log), [log_of(&old.run).0]);
    assert_eq!(names(&outcome, Kind::Checkout), [source]);
    for gone in [loose, old.artifacts, old.built.digest, Digest::of("the app")] {
        assert!(!old.has(gone).await, "{gone}");
        assert!(names(&outcome, Kind::Blob).contains(&gone.to_string().as_str()), "{gone}");
    }
    let stay = ["the database", "the tool", "{}"].map(Digest::of);
    for stays in [young, old.statement, old.named.digest, old.tagged.digest].into_iter().chain(stay) {
        assert!(old.has(stays).await, "{stays}");
    }
    let world = old.house.world();
    for said in world.evidence[&oran()].by_subject.values().flatten() {
        verify_again(parts, said).await.unwrap();
    }
    assert_eq!(parts.registry.resolve(&old.named.name, old.commit.as_str()).await.unwrap(), Some(old.named.digest));
    assert_eq!(old.collect(false).await.unwrap().gone, [], "what stays, stays");
    let trail: Vec<_> = old.trail().into_iter().take(2).collect();
    assert_eq!(trail, ["collection.ordered", "collection.collected"].map(|kind| ("root".to_owned(), kind.to_owned())));
}

#[tokio::test]
async fn what_an_image_is_made_of_stays_though_no_repository_names_it_any_more() {
    let old = Old::new().await;
    old.wait();
    old.house.parts.registry.remove(&old.named.name, old.named.digest).await.unwrap();
    old.collect(false).await.unwrap();
    assert!(old.has(old.named.digest).await && old.has(Digest::of("the database")).await, "production runs it");
}

#[tokio::test]
async fn only_an_administrator_has_anything_collected_or_listed() {
    let old = Old::new().await;
    old.wait();
    for who in ["ada", "nobody"] {
        for dry_run in [true, false] {
            let refused = collect(old.house.parts.clone(), old.calls.clone(), user(who), 30, dry_run).await;
            assert!(matches!(&refused, Err(OrderError::Refused { why, .. }) if why.contains("no administrator")), "{who}: {refused:?}");
        }
    }
    assert!(old.has(old.artifacts).await && old.trail().is_empty());
}

#[tokio::test]
async fn nothing_is_collected_while_it_is_not_known_what_an_environment_needs() {
    let old = Old::new().await;
    old.wait();
    old.configure("production/db.yaml", "apiVersion: [broken").await;
    for dry_run in [true, false] {
        let refused = old.collect(dry_run).await.unwrap_err();
        let OrderError::Refused { why, hint } = &refused else { panic!("{refused:?}") };
        assert!(
            why.contains("production of `oran`") && why.contains("db.yaml") && hint.contains("put the config repository right"),
            "{why}"
        );
    }
    assert!(old.has(old.artifacts).await && old.has(Digest::of("the database")).await);
    let last = old.house.events.all().into_iter().rfind(|event| event.stream == streams::collections()).unwrap();
    assert!(last.data["failed"].as_str().unwrap().contains("db.yaml"), "{}", last.data);
}

#[tokio::test]
async fn a_run_whose_image_was_collected_makes_no_release_and_says_what_to_do() {
    let old = Old::new().await;
    old.wait();
    old.collect(false).await.unwrap();
    let release = Effect::Release { run: old.run.clone() };
    let error = carry_out(&old.house.parts, &release, CancellationToken::new()).await.unwrap_err().to_string();
    assert!(error.contains(&old.built.to_string()) && error.contains("try the job `build` again"), "{error}");
}

#[tokio::test]
async fn an_image_that_is_built_again_after_it_was_collected_has_its_statements() {
    let old = Old::new().await;
    old.wait();
    old.collect(false).await.unwrap();
    let again = old.house.push("oran/app", "main", "the app").await;
    assert_eq!(again, old.built);
    let registry = &old.house.parts.registry;
    assert!(registry.referrers(&again.name, again.digest).await.unwrap().is_empty());
    for _ in 0..2 {
        attach_again(&old.house.parts, &oran(), &again, "coverage").await.unwrap();
        assert_eq!(registry.referrers(&again.name, again.digest).await.unwrap().len(), 1);
    }
}
