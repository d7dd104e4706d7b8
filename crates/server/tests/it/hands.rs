//! Hands that do nothing, where the fakes of the testkit do not reach.

use std::path::Path;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use penstock_builder::{BaseImage, BaseImages, Builder};
use penstock_delivery::{JobTokens, Journal, Messenger, Parts, Random, Settings, Troubles, Vaults};
use penstock_model::blob::{BlobError, BlobStore};
use penstock_model::git::MayPush;
use penstock_model::{RepositoryName, Secret, UserName};
use penstock_pipeline::VaultRead;
use penstock_registry::{Limits, Registry, Remote};
use penstock_server::git::GitService;
use penstock_testkit::{
    FakeClock, FakeRunner, FakeRuntime, FakeTarget, FakeTools, MemoryBlobs, MemoryGit, MemoryLogs, MemorySecrets, NoBuilds,
};
use penstock_trust::{SigningKey, TokenIssuer, TrustedKeys};

/// Stands in for whatever these tests have no use for.
pub struct Nobody;

#[async_trait]
impl Messenger for Nobody {
    async fn slack(&self, _: &Secret, _: &str, _: &str) -> Result<(), String> {
        Ok(())
    }
    async fn email(&self, _: &[String], _: &str, _: &str, _: &str) -> Result<(), String> {
        Ok(())
    }
}

#[async_trait]
impl BaseImages for Nobody {
    async fn resolve(&self, _: &str) -> Result<Option<BaseImage>, BlobError> {
        Ok(None)
    }
}

#[async_trait]
impl GitService for Nobody {
    async fn serve(&self, _: &RepositoryName, _: &str, _: Request, _: &UserName, _: MayPush) -> Result<Response<Body>, String> {
        Err("no Git in these tests".to_owned())
    }
}

#[async_trait]
impl Vaults for Nobody {
    async fn read(&self, asked: &VaultRead) -> Result<Secret, String> {
        // whoever logs in as the job reads what is there for it
        if asked.path == "absent" { Err("it answered 404 Not Found".to_owned()) } else { Ok(Secret::new(format!("from {}", asked.path))) }
    }
}

/// Counts, and calls it chance.
#[derive(Default)]
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

/// The spine's parts over fakes; the registry is the real one.
pub fn parts(dir: &Path, journal: Journal, clock: Arc<FakeClock>, git: Arc<MemoryGit>, target: Arc<FakeTarget>) -> Parts {
    let blobs: Arc<dyn BlobStore> = Arc::new(MemoryBlobs::default());
    let key = SigningKey::generate([7; 32]).unwrap();
    let builder = Builder::new(dir.join("builds"), blobs.clone(), Arc::new(NoBuilds), Arc::new(Nobody)).unwrap();
    let host = "penstock.example.org".to_owned();
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
        target,
        runner: Arc::new(FakeRunner::default()),
        tools: Arc::new(FakeTools::default()),
        secrets: Arc::new(MemorySecrets::default()),
        messenger: Arc::new(Nobody),
        random: Arc::new(Chance::default()),
        trusted: TrustedKeys::new([key.public().clone()]).unwrap(),
        key,
        issuer: TokenIssuer::new(SigningKey::generate([8; 32]).unwrap(), []).unwrap(),
        vaults: Arc::new(Nobody),
        tokens: JobTokens::default(),
        charts: Arc::default(),
        troubles: Troubles::default(),
        settings: Settings {
            url: format!("https://{host}"),
            dir: dir.join("calls"),
            mirror: penstock_delivery::library::Mirror::new(dir.join("mirror"), &host),
            registry: host,
            advisories: Vec::new(),
            tags: None,
        },
    }
}
