//! Everything that the drivers work with. The roof puts it together; nothing here knows which hand is behind a trait.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use penstock_model::Secret;
use penstock_model::blob::{BlobStore, LogStore};
use penstock_model::container::ContainerRuntime;
use penstock_model::digest::Digest;
use penstock_model::git::GitHost;
use penstock_model::job::{AttemptId, JobRunner};
use penstock_model::registry::ImageRegistry;
use penstock_model::remote::RemoteImages;
use penstock_model::secret::SecretStore;
use penstock_model::target::Target;
use penstock_model::tool::ToolRunner;
use penstock_pipeline::{Claims, VaultRead};
use penstock_trust::{SigningKey, TokenIssuer, TrustedKeys};

use crate::config_repository::Charts;
use crate::drive::Troubles;
use crate::journal::Journal;
use crate::library::Mirror;

/// Where randomness comes from.
pub trait Random: Send + Sync {
    /// 128 bits.
    fn bits(&self) -> u128;
    /// 256 bits for a token, as 64 hexadecimal digits.
    fn token(&self) -> Secret;
}

/// A way to tell people.
#[async_trait]
pub trait Messenger: Send + Sync {
    /// Posts `{"text": …}` in Slack's form.
    async fn slack(&self, url: &Secret, text: &str, key: &str) -> Result<(), String>;
    /// Sends a plain e-mail.
    async fn email(&self, to: &[String], subject: &str, text: &str, key: &str) -> Result<(), String>;
}

/// What keeps secrets of others: a `HashiCorp` Vault, or an `OpenBao`.
#[async_trait]
pub trait Vaults: Send + Sync {
    /// Logs in as the job and reads one field.
    async fn read(&self, asked: &VaultRead) -> Result<Secret, String>;
}

/// Unpacks a tar stream into a new directory, safely and within limits.
pub type Unpack = dyn Fn(Box<dyn Read + Send>, &Path) -> Result<(), String> + Send + Sync;

/// What the spine is told at start.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where people and jobs reach the server, without a final `/`.
    pub url: String,
    /// Directories of the spine: builds, checkouts for tools.
    pub dir: PathBuf,
    /// The registry's name in image references for people, such as `127.0.0.1:7420`.
    pub registry: String,
    /// Copies of what pipeline files name and lies elsewhere.
    pub mirror: Mirror,
    /// Where advisories lie in a config repository, as OSV's per-ecosystem archives.
    pub advisories: Vec<String>,
    /// Tags of GitLab jobs that this machine has; `None` is every one that names no other system.
    pub tags: Option<Vec<String>>,
}

/// All of it.
pub struct Parts {
    /// The log and the world.
    pub journal: Journal,
    /// Bytes.
    pub blobs: Arc<dyn BlobStore>,
    /// Logs of jobs.
    pub logs: Arc<dyn LogStore>,
    /// The Git host.
    pub git: Arc<dyn GitHost>,
    /// The registry.
    pub registry: Arc<dyn ImageRegistry>,
    /// Images of other registries.
    pub remote: Arc<dyn RemoteImages>,
    /// Containers, for images under test.
    pub runtime: Arc<dyn ContainerRuntime>,
    /// Builds images.
    pub builder: Arc<penstock_builder::Builder>,
    /// Unpacks what jobs send.
    pub unpack: Arc<Unpack>,
    /// Where workloads live.
    pub target: Arc<dyn Target>,
    /// Carries out jobs.
    pub runner: Arc<dyn JobRunner>,
    /// Runs pinned tools.
    pub tools: Arc<dyn ToolRunner>,
    /// Secrets.
    pub secrets: Arc<dyn SecretStore>,
    /// Vaults of others.
    pub vaults: Arc<dyn Vaults>,
    /// Tells people.
    pub messenger: Arc<dyn Messenger>,
    /// Randomness.
    pub random: Arc<dyn Random>,
    /// The server's key.
    pub key: SigningKey,
    /// Keys whose statements count.
    pub trusted: TrustedKeys,
    /// Issues the identity tokens of jobs.
    pub issuer: TokenIssuer,
    /// Tokens of jobs that run now.
    pub tokens: JobTokens,
    /// Charts that were read and parsed.
    pub charts: Arc<Charts>,
    /// What fails now.
    pub troubles: Troubles,
    /// How it was set up.
    pub settings: Settings,
}

/// Tokens of jobs, alive only while their attempt is. Kept by digest, compared in constant time.
#[derive(Default)]
pub struct JobTokens(Mutex<Vec<Held>>);

/// A token that somebody has.
struct Held {
    digest: Digest,
    attempt: AttemptId,
    /// What identity tokens say of the job, if it may ask for any.
    identity: Option<Claims>,
}

impl JobTokens {
    /// A token for an attempt; it dies with the guard.
    pub fn issue(self: &JobTokens, random: &dyn Random, attempt: AttemptId) -> (Secret, TokenGuard<'_>) {
        let token = random.token();
        let digest = Digest::of(token.expose());
        if let Ok(mut tokens) = self.0.lock() {
            tokens.push(Held { digest, attempt, identity: None });
        }
        (token, TokenGuard { tokens: self, digest })
    }

    /// Whose token it is.
    pub fn attempt(&self, token: &Secret) -> Option<AttemptId> {
        self.with(token, |held| held.attempt.clone())
    }

    /// Lets whoever has a token ask for identity tokens that say this.
    pub fn prove(&self, token: &Secret, identity: Claims) {
        self.with(token, |held| held.identity = Some(identity));
    }

    /// What identity tokens say of whoever has a token, if they may ask for any.
    pub(crate) fn identity(&self, token: &Secret) -> Option<Claims> {
        self.with(token, |held| held.identity.clone())?
    }

    fn with<T>(&self, token: &Secret, look: impl FnOnce(&mut Held) -> T) -> Option<T> {
        let digest = Digest::of(token.expose());
        let mut tokens = self.0.lock().ok()?;
        tokens.iter_mut().find(|held| held.digest.same(&digest)).map(look)
    }
}

/// Takes a job's token away when the attempt is over.
pub struct TokenGuard<'a> {
    tokens: &'a JobTokens,
    digest: Digest,
}

impl Drop for TokenGuard<'_> {
    fn drop(&mut self) {
        if let Ok(mut tokens) = self.tokens.0.lock() {
            tokens.retain(|held| !held.digest.same(&self.digest));
        }
    }
}
