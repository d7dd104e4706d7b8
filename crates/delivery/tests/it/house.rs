//! A project before a gate that refuses, over fakes; the registry is the real one.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use penstock_builder::{BaseImage, BaseImages, Builder};
use penstock_delivery::effects::carry_out;
use penstock_delivery::events::{ReleaseEvent, Role};
use penstock_delivery::wanted::{Effect, wanted};
use penstock_delivery::{
    JobTokens, Journal, Messenger, Parts, Random, ReleaseStep, Settings, Troubles, Vaults, World, config_repository, orders, streams,
};
use penstock_model::blob::{BlobError, BlobStore};
use penstock_model::ids::Actor;
use penstock_model::image::media;
use penstock_model::log::Epoch;
use penstock_model::registry::ImageRegistry;
use penstock_model::release::{ImageName, ImageRef, Release, ReleaseId};
use penstock_model::target::ApplicationScope;
use penstock_model::{Clock, Digest, EnvironmentName, ProjectName, RunId, Secret, UserName};
use penstock_pipeline::VaultRead;
use penstock_registry::{Limits, Registry, Remote};
use penstock_testkit::{
    FakeClock, FakeRunner, FakeRuntime, FakeTarget, FakeTools, MemoryBlobs, MemoryEvents, MemoryGit, MemoryLogs, MemorySecrets, NoBuilds,
};
use penstock_trust::{SigningKey, TokenIssuer, TrustedKeys};
use serde_json::json;
use tokio_util::sync::CancellationToken;

pub const HOUR: Duration = Duration::from_secs(3600);
pub const HOST: &str = "127.0.0.1:7420";

const POLICY: &str = r#"package penstock.gate
import rego.v1
default allow := false
deny contains {"rule": "secrets", "subject": "source", "message": "a key was found", "fix": "take it out"}
"#;
const APPLICATION: &str = "apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: oran-production, namespace: argocd}
spec:
  project: default
  source: {repoURL: oran-config, targetRevision: main, path: production}
  destination: {name: in-cluster, namespace: oran-production}
";
const MANIFEST: &str = "apiVersion: apps/v1
kind: Deployment
metadata: {name: app}
spec:
  replicas: 1
  selector: {matchLabels: {app: app}}
  template:
    metadata: {labels: {app: app}}
    spec:
      containers:
        - name: app
          image: oran/app
";

pub fn user(name: &str) -> UserName {
    name.parse().unwrap()
}

pub fn production() -> EnvironmentName {
    "production".parse().unwrap()
}

/// Where a target asks the door for.
pub fn at(project: &str, environment: &EnvironmentName) -> ApplicationScope {
    let (project, environment) = (Some(project.parse().unwrap()), environment.clone());
    ApplicationScope { application: "app".to_owned(), project, environment, namespace: "app".to_owned() }
}

pub fn oran() -> ProjectName {
    "oran".parse().unwrap()
}

/// What people were sent: the way and the text, of a mail with its subject before it.
#[derive(Default)]
pub struct Heard(pub Mutex<Vec<(&'static str, String)>>);

#[async_trait]
impl Messenger for Heard {
    async fn slack(&self, _: &Secret, text: &str, _: &str) -> Result<(), String> {
        self.0.lock().unwrap().push(("slack", text.to_owned()));
        Ok(())
    }
    async fn email(&self, _: &[String], subject: &str, text: &str, _: &str) -> Result<(), String> {
        self.0.lock().unwrap().push(("email", format!("{subject}\n{text}")));
        Ok(())
    }
}

#[async_trait]
impl Vaults for NoBases {
    async fn read(&self, _: &VaultRead) -> Result<Secret, String> {
        Err("no vault in these tests".to_owned())
    }
}

struct Chance(Mutex<u128>);

impl Random for Chance {
    fn bits(&self) -> u128 {
        let mut last = self.0.lock().unwrap();
        *last += 1;
        *last
    }
    fn token(&self) -> Secret {
        Secret::new(format!("{:064x}", self.bits()))
    }
}

/// No image is built on another here.
struct NoBases;

#[async_trait]
impl BaseImages for NoBases {
    async fn resolve(&self, _: &str) -> Result<Option<BaseImage>, BlobError> {
        Ok(None)
    }
}

pub struct House {
    pub parts: Arc<Parts>,
    pub clock: Arc<FakeClock>,
    pub git: Arc<MemoryGit>,
    pub heard: Arc<Heard>,
    pub events: Arc<MemoryEvents>,
    /// Before the gate of production, which refuses by `secrets`.
    pub release: ReleaseId,
    pub dir: tempfile::TempDir,
}

fn parts(dir: &Path, journal: Journal, clock: Arc<FakeClock>, git: Arc<MemoryGit>, heard: Arc<Heard>) -> Parts {
    let blobs: Arc<dyn BlobStore> = Arc::new(MemoryBlobs::by(clock.clone()));
    let key = SigningKey::generate([7; 32]).unwrap();
    let builder = Builder::new(dir.join("builds"), blobs.clone(), Arc::new(NoBuilds), Arc::new(NoBases)).unwrap();
    let registry = Arc::new(Registry::open(&dir.join("registry"), blobs.clone(), clock, Limits::default()).unwrap());
    Parts {
        journal,
        logs: Arc::new(MemoryLogs::default()),
        git,
        remote: Arc::new(Remote::new(blobs.clone(), registry.clone()).unwrap()),
        registry,
        blobs,
        runtime: Arc::new(FakeRuntime::default()),
        builder: Arc::new(builder),
        unpack: Arc::new(|_, _| Ok(())),
        target: Arc::new(FakeTarget::default()),
        runner: Arc::new(FakeRunner::default()),
        tools: Arc::new(FakeTools::default()),
        secrets: Arc::new(MemorySecrets::default()),
        messenger: heard,
        random: Arc::new(Chance(Mutex::new(0))),
        trusted: TrustedKeys::new([key.public().clone()]).unwrap(),
        key,
        issuer: TokenIssuer::new(SigningKey::generate([8; 32]).unwrap(), []).unwrap(),
        vaults: Arc::new(NoBases),
        tokens: JobTokens::default(),
        charts: Arc::default(),
        troubles: Troubles::default(),
        settings: Settings {
            url: format!("http://{HOST}"),
            dir: dir.join("calls"),
            registry: HOST.to_owned(),
            mirror: penstock_delivery::library::Mirror::new(dir.join("mirror"), &format!("http://{HOST}")),
            advisories: Vec::new(),
            tags: None,
        },
    }
}

impl House {
    /// Pushed by ada and alan; both are approvers too, beside those who are named.
    pub async fn with(approvers: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (clock, git, heard) = (Arc::new(FakeClock::default()), Arc::new(MemoryGit::default()), Arc::new(Heard::default()));
        let events = Arc::new(MemoryEvents::default());
        let epoch = Epoch { lease: "delivery".to_owned(), number: 1 };
        let journal = Journal::open(events.clone(), epoch, clock.clone()).await.unwrap();
        let parts = Arc::new(parts(dir.path(), journal, clock.clone(), git.clone(), heard.clone()));
        for (name, role) in [("root", Role::Admin), ("ada", Role::Developer), ("grace", Role::Developer), ("mallory", Role::Developer)] {
            orders::add_user(&parts, Actor::Penstock, &user(name), role, Vec::new()).await.unwrap();
        }
        orders::create_project(&parts, &user("root"), &oran(), &"oran-config".parse().unwrap(), "main").await.unwrap();
        let release = ReleaseId(Digest::of(b""));
        let mut house = Self { parts, clock, git, heard, events, release, dir };
        house.parts.secrets.set(&oran(), "hook", &Secret::new("http://127.0.0.1/hook")).await.unwrap();
        house.configure(&format!("approvers: [{}]", approvers.join(", ")), POLICY).await;
        house.release().await;
        house.gate().await;
        assert_eq!(house.step(), ReleaseStep::GateRefused);
        house
    }

    pub async fn new() -> Self {
        Self::with(&["ada", "alan", "grace", "Grace", "linus"]).await
    }

    pub fn world(&self) -> Arc<World> {
        self.parts.journal.world()
    }

    /// Pushes to the config repository, as a person does.
    pub async fn configure(&self, approvers: &str, policy: &str) {
        let config = format!(
            "version: 1
environments:
  - {{name: production, application: applications/production.yaml, gate: [policies/gate.rego]}}
{approvers}
notifications: [{{slack: {{url_secret: hook}}}}, {{email: {{to: [team@example.org]}}}}]
"
        );
        let files = [
            ("penstock.yaml", Some(config.as_str())),
            ("policies/gate.rego", Some(policy)),
            ("applications/production.yaml", Some(APPLICATION)),
            ("production/app.yaml", Some(MANIFEST)),
        ];
        self.git.push(&"oran-config".parse().unwrap(), "main", &files, "root", "configure");
        config_repository::read(&self.parts, &oran()).await.unwrap();
        let seen = self.world().projects[&oran()].config.clone().unwrap();
        assert_eq!(seen.error, None);
    }

    /// Another policy that refuses too.
    pub async fn change_policy(&self) {
        let config = self.world().config(&oran()).unwrap();
        let approvers: Vec<_> = config.approvers.iter().map(ToString::to_string).collect();
        self.configure(&format!("approvers: [{}]", approvers.join(", ")), &format!("{POLICY}# changed\n")).await;
    }

    async fn release(&mut self) {
        let release = Release {
            project: oran(),
            commit: "a".repeat(40).parse().unwrap(),
            images: [("oran/app".parse().unwrap(), Digest::of("app"))].into(),
            config: self.world().projects[&oran()].config.clone().unwrap().commit,
        };
        self.release = release.id();
        let event = ReleaseEvent::Created {
            release,
            run: RunId::from_parts(1, 1),
            pushers: [user("ada"), user("alan")].into(),
            authors: [].into(),
            pushed: self.clock.now(),
        };
        self.parts.journal.record(&streams::release(self.release), Actor::Penstock, event).await.unwrap();
    }

    /// Everything that is wanted now and that `which` picks.
    pub fn wanted(&self, which: fn(&Effect) -> bool) -> Vec<Effect> {
        wanted(&self.world(), self.clock.now()).effects.into_iter().filter(which).collect()
    }

    pub fn wants_gate(&self) -> bool {
        !self.wanted(|effect| matches!(effect, Effect::Gate { .. })).is_empty()
    }

    pub fn wants_commit(&self) -> bool {
        !self.wanted(|effect| matches!(effect, Effect::Commit { .. })).is_empty()
    }

    async fn carry(&self, which: fn(&Effect) -> bool) {
        for effect in self.wanted(which) {
            carry_out(&self.parts, &effect, CancellationToken::new()).await.unwrap();
        }
    }

    /// Asks the gate if it wants to be asked.
    pub async fn gate(&self) {
        self.carry(|effect| matches!(effect, Effect::Gate { .. })).await;
        assert!(!self.wants_gate(), "an answer asks no new question");
    }

    pub async fn commit(&self) {
        self.carry(|effect| matches!(effect, Effect::Commit { .. })).await;
    }

    /// Tells people; gives what they heard since the last time.
    pub async fn tell(&self) -> Vec<(&'static str, String)> {
        self.carry(|effect| matches!(effect, Effect::Notify { .. })).await;
        std::mem::take(&mut *self.heard.0.lock().unwrap())
    }

    pub fn step(&self) -> ReleaseStep {
        let world = self.world();
        world.step(&world.releases[&self.release], &world.environment(&oran(), &production()).unwrap())
    }

    /// Pushes an image, as `crane` does.
    pub async fn push(&self, name: &str, tag: &str, content: &str) -> ImageRef {
        self.push_as(name, tag, content, media::CONFIG).await
    }

    pub async fn push_as(&self, name: &str, tag: &str, content: &str, config: &str) -> ImageRef {
        let name: ImageName = name.parse().unwrap();
        let put = async |text: &str| self.parts.blobs.put_bytes(Bytes::from(text.to_owned())).await.unwrap();
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": media::MANIFEST,
            "config": { "mediaType": config, "digest": put("{}").await, "size": 2 },
            "layers": [{ "mediaType": media::LAYER_TAR, "digest": put(content).await, "size": content.len() }],
        });
        let manifest = put_text(&*self.parts.registry, &name, manifest.to_string(), &self.parts.blobs, tag).await;
        ImageRef { name, digest: manifest }
    }
}

async fn put_text(registry: &dyn ImageRegistry, name: &ImageName, text: String, blobs: &Arc<dyn BlobStore>, tag: &str) -> Digest {
    let bytes = Bytes::from(text);
    blobs.put_bytes(bytes.clone()).await.unwrap();
    registry.put_image(name, bytes, &[tag.to_owned()]).await.unwrap()
}
