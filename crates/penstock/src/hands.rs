//! Where two rooms meet that do not know each other: Git's pushes become events, users become the registry's.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use penstock_builder::{BaseImage, BaseImages};
use penstock_delivery::events::Role;
use penstock_delivery::{Parts, config_repository, orders};
use penstock_git::{GitHttp, PushListener, RefUpdate};
use penstock_model::blob::{BlobError, BlobStore};
use penstock_model::image::media;
use penstock_model::registry::ImageRegistry;
use penstock_model::release::ImageName;
use penstock_model::{Digest, RepositoryName, RunId, UserName};
use penstock_registry::{Access, Action, Credentials, Registry, RegistryAuth};
use penstock_server::auth::user_of;
use penstock_server::git::GitService;

/// How long a push waits to hear whether its pipeline file can be carried out.
const PLAN_WAIT: Duration = Duration::from_secs(3);
/// The largest configuration of an image.
const MAX_CONFIG: u64 = 4 * 1024 * 1024;

/// What a push means.
pub struct Pushes(pub Arc<Parts>);

#[async_trait]
impl PushListener for Pushes {
    /// Branches that are delivered, and the branch that gates come from, are never rewritten or removed.
    async fn allowed(&self, repository: &RepositoryName, _: &UserName, updates: &[RefUpdate]) -> Result<(), Vec<String>> {
        let world = self.0.journal.world();
        let protected = world.projects.values().find_map(|project| {
            if project.config_repository == *repository {
                Some(config_repository::BRANCH.to_owned())
            } else {
                (RepositoryName::from(project.name.clone()) == *repository).then(|| project.branch.clone())
            }
        });
        let Some(protected) = protected else { return Ok(()) };
        let name = format!("refs/heads/{protected}");
        for update in updates.iter().filter(|update| update.reference == name) {
            if update.new.is_none() {
                return Err(vec![format!("penstock: {protected} is protected and cannot be removed")]);
            }
            if update.forced {
                return Err(vec![format!(
                    "penstock: {protected} is protected: its history cannot be rewritten. Merge what is there and push again."
                )]);
            }
        }
        Ok(())
    }

    async fn pushed(&self, repository: &RepositoryName, who: &UserName, updates: Vec<RefUpdate>) -> Vec<String> {
        let world = self.0.journal.world();
        let mut lines = Vec::new();
        for project in world.projects.values() {
            if project.config_repository == *repository {
                if let Err(error) = config_repository::read(&self.0, &project.name).await {
                    lines.push(format!("penstock: {}", penstock_delivery::chain(&error)));
                }
                lines.extend(config_words(&self.0, &project.name));
            }
            if RepositoryName::from(project.name.clone()) != *repository {
                continue;
            }
            for update in &updates {
                let Some(commit) = &update.new else { continue };
                match orders::pushed(&self.0, &project.name, who, &update.reference, commit).await {
                    Ok(Some(run)) => {
                        lines.push(format!("penstock: run {}/runs/{run}", self.0.settings.url));
                        lines.extend(rejection(&self.0, &run).await);
                    }
                    Ok(None) => {}
                    Err(error) => lines.push(format!("penstock: {error}")),
                }
            }
        }
        lines
    }

    async fn found(&self) {
        if let Err(error) = penstock_delivery::compare_refs(&self.0).await {
            tracing::warn!(error = penstock_delivery::chain(&error), "refs that moved cannot be looked at; the next start does");
        }
    }
}

/// Why the pipeline file cannot be carried out, for whoever waits at the terminal; nothing if it can, or is not read yet.
async fn rejection(parts: &Parts, run: &RunId) -> Vec<String> {
    let mut changes = parts.journal.watch();
    let planned = async {
        loop {
            let world = changes.borrow_and_update().clone();
            if let Some(record) = world.runs.get(run) {
                if let Some(why) = &record.rejected {
                    return why.lines().map(|line| format!("penstock: {line}")).collect();
                }
                if record.run.is_some() {
                    return Vec::new();
                }
            }
            if changes.changed().await.is_err() {
                return Vec::new();
            }
        }
    };
    tokio::time::timeout(PLAN_WAIT, planned).await.unwrap_or_default()
}

fn config_words(parts: &Parts, project: &penstock_model::ProjectName) -> Vec<String> {
    let world = parts.journal.world();
    match world.projects.get(project).and_then(|project| project.config.as_ref()) {
        Some(seen) => match &seen.error {
            Some(error) => error.lines().map(|line| format!("penstock: {line}")).collect(),
            None => vec![format!("penstock: {project} follows {}", seen.commit.short())],
        },
        None => Vec::new(),
    }
}

/// Git over HTTP, mounted.
pub struct GitMount(pub GitHttp);

#[async_trait]
impl GitService for GitMount {
    async fn serve(
        &self,
        repository: &RepositoryName,
        path: &str,
        request: Request,
        who: &UserName,
        may_write: bool,
    ) -> Result<Response<Body>, String> {
        let (head, body) = request.into_parts();
        let query = head.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
        let answer = self
            .0
            .serve(
                repository,
                &format!("/{}{query}", path.trim_start_matches('/')),
                &head.method,
                &head.headers,
                body.into_data_stream(),
                who,
                may_write,
            )
            .await;
        Ok(answer.map(Body::new))
    }
}

/// The registry's users are the server's: whoever may look may pull, whoever may push code may push images.
pub struct RegistryUsers(pub Arc<Parts>);

#[async_trait]
impl RegistryAuth for RegistryUsers {
    async fn access(&self, credentials: &Credentials, _: Option<&ImageName>, action: Action) -> Access {
        let (name, token) = match credentials {
            Credentials::None => return Access::Unauthenticated,
            Credentials::Basic { user, password } => (Some(user), password),
            Credentials::Bearer(token) => (None, token),
        };
        let caller = user_of(&self.0.journal.world(), token).filter(|caller| name.is_none_or(|name| name == caller.user.as_str()));
        let Some(caller) = caller else { return Access::Unauthenticated };
        let needed = match action {
            Action::Pull => Role::Reader,
            Action::Push => Role::Developer,
            Action::Delete => Role::Admin,
        };
        if caller.role >= needed { Access::Granted } else { Access::Denied }
    }
}

/// Images to build on are those of the own registry.
pub struct OwnImages {
    /// The registry.
    pub registry: Arc<Registry>,
    /// The store beneath it.
    pub blobs: Arc<dyn BlobStore>,
    /// Its name in references, such as `127.0.0.1:7420`.
    pub host: String,
}

#[async_trait]
impl BaseImages for OwnImages {
    async fn resolve(&self, reference: &str) -> Result<Option<BaseImage>, BlobError> {
        let own = reference.strip_prefix(&format!("{}/", self.host)).unwrap_or(reference);
        let (name, tag) = match (own.split_once('@'), own.rsplit_once(':')) {
            (Some((name, digest)), _) => (name, digest),
            (None, Some((name, tag))) if !tag.contains('/') => (name, tag),
            _ => (own, "latest"),
        };
        // `name:tag@digest`: the digest says it all
        let name = name.rsplit_once(':').filter(|(_, tag)| !tag.contains('/')).map_or(name, |(name, _)| name);
        let Ok(name) = name.parse::<ImageName>() else { return Ok(None) };
        let failed = |error: penstock_model::registry::RegistryError| BlobError::Io {
            what: error.to_string(),
            source: std::io::Error::other("registry"),
        };
        let Some(digest) = self.registry.resolve(&name, tag).await.map_err(failed)? else { return Ok(None) };
        self.read(&name, digest).await.map_err(failed)
    }
}

impl OwnImages {
    async fn read(&self, name: &ImageName, digest: Digest) -> Result<Option<BaseImage>, penstock_model::registry::RegistryError> {
        let refused = |why: String| penstock_model::registry::RegistryError::Manifest { name: name.clone(), why };
        let Some((kind, bytes)) = self.registry.manifest(name, digest).await? else { return Ok(None) };
        if kind != media::MANIFEST {
            return Err(refused(format!("it is a {kind}; one image of one platform is expected")));
        }
        let manifest: penstock_model::image::Manifest = serde_json::from_slice(&bytes).map_err(|error| refused(error.to_string()))?;
        let config = self.blobs.get_bytes(manifest.config.digest, MAX_CONFIG).await?;
        let config = serde_json::from_slice(&config).map_err(|error| refused(error.to_string()))?;
        Ok(Some(BaseImage { digest, manifest, config }))
    }
}
