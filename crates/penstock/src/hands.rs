//! Where two rooms meet that do not know each other: Git's pushes become events, users become the registry's.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use penstock_builder::{BaseImage, BaseImages};
use penstock_delivery::events::Role;
use penstock_delivery::{Parts, World, config_repository, orders};
use penstock_git::{GitHttp, Offered, PushListener, RefUpdate};
use penstock_model::blob::{BlobError, BlobStore};
use penstock_model::git::MayPush;
use penstock_model::ids::Actor;
use penstock_model::image::media;
use penstock_model::registry::ImageRegistry;
use penstock_model::release::ImageName;
use penstock_model::{Digest, RepositoryName, RunId, UserName};
use penstock_pipeline::Plan;
use penstock_registry::{Access, Action, Credentials, Registry, RegistryAuth};
use penstock_server::auth::user_of;
use penstock_server::git::GitService;

mod offers;

/// How long a push waits to hear whether its pipeline file can be carried out.
const PLAN_WAIT: Duration = Duration::from_secs(3);
/// Warnings of a pipeline file that a push is told.
const MAX_WARNINGS: usize = 20;
/// The largest configuration of an image.
const MAX_CONFIG: u64 = 4 * 1024 * 1024;

/// What a push means.
pub struct Pushes(pub Arc<Parts>);

#[async_trait]
impl PushListener for Pushes {
    async fn allowed(
        &self,
        repository: &RepositoryName,
        who: &UserName,
        updates: &[RefUpdate],
        options: &[String],
    ) -> Result<(), Vec<String>> {
        let world = self.0.journal.world();
        if let Some(why) = updates.iter().find_map(|update| refusal(&world, repository, who, update)) {
            return Err(vec![why]);
        }
        offers::allowed(&self.0, repository, who, updates, options).await
    }

    async fn offered(
        &self,
        repository: &RepositoryName,
        who: &UserName,
        updates: Vec<RefUpdate>,
        options: Vec<String>,
    ) -> (Vec<Offered>, Vec<String>) {
        offers::offered(&self.0, repository, who, updates, options).await
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
                let Some(commit) = &update.new else {
                    if let Err(error) = orders::deleted(&self.0, &project.name, Actor::User(who.clone()), &update.reference).await {
                        lines.push(format!("penstock: {error}"));
                    }
                    continue;
                };
                match orders::answered(&self.0, &project.name, who, &update.reference, commit).await {
                    Ok(events) => lines.extend(offers::answer(&self.0, &project.name, &events).await),
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

/// Branches that are delivered, and the branch that gates come from, are never rewritten or removed; and who may approve, and
/// what gates ask, is not for those to change who are asked.
fn refusal(world: &World, repository: &RepositoryName, who: &UserName, update: &RefUpdate) -> Option<String> {
    let branch = update.reference.strip_prefix("refs/heads/")?;
    let mut projects = world.projects.values();
    let gates = branch == config_repository::BRANCH && projects.clone().any(|project| project.config_repository == *repository);
    let delivered = projects.any(|project| RepositoryName::from(project.name.clone()) == *repository && project.branch == branch);
    if !gates && !delivered {
        return None;
    }
    if gates && world.users.get(who).is_none_or(|user| user.role < Role::Admin) {
        return Some(format!(
            "penstock: {branch} of {repository} says who may approve and what gates ask: only an administrator pushes there. Push another branch and have it merged."
        ));
    }
    if update.new.is_none() {
        return Some(format!("penstock: {branch} is protected and cannot be removed"));
    }
    update.forced.then(|| format!("penstock: {branch} is protected: its history cannot be rewritten. Merge what is there and push again."))
}

/// Why the pipeline file cannot be carried out, or what is doubtful in it, for whoever waits at the terminal; nothing if all
/// is well, or it is not read yet.
async fn planned_words(parts: &Parts, run: &RunId, what: &str) -> Vec<String> {
    let mut changes = parts.journal.watch();
    let planned = async {
        loop {
            let world = changes.borrow_and_update().clone();
            if let Some(record) = world.runs.get(run) {
                if let Some(why) = &record.rejected {
                    return why.lines().map(|line| format!("penstock: {line}")).collect();
                }
                if let Some(run) = &record.run {
                    return run.plan().map(|plan| words(plan, what)).unwrap_or_default();
                }
            }
            if changes.changed().await.is_err() {
                return Vec::new();
            }
        }
    };
    tokio::time::timeout(PLAN_WAIT, planned).await.unwrap_or_default()
}

/// What is hardly meant in the pipeline file; that the push starts no job, and why.
fn words(plan: &Plan, what: &str) -> Vec<String> {
    let more = plan.warnings.len().saturating_sub(MAX_WARNINGS);
    let more = (more > 0).then(|| format!("penstock: and {more} warnings more: `penstock lint` says all"));
    let doubts = plan.warnings.iter().take(MAX_WARNINGS).map(|warning| format!("penstock: {warning}")).chain(more);
    let whys = plan.why_empty();
    let head = (!whys.is_empty()).then(|| format!("penstock: {} has no job for this {what}", plan.path));
    doubts.chain(head).chain(whys.iter().map(|why| format!("penstock: {why}"))).collect()
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
        may: MayPush,
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
                may,
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

#[cfg(test)]
mod tests {
    use penstock_delivery::events::{ProjectEvent, UserEvent};
    use penstock_model::Timestamp;
    use penstock_model::event::{DomainEvent, NewEvent, Recorded};
    use penstock_model::ids::Actor;

    use super::*;

    fn say<E: DomainEvent>(world: &mut World, stream: &str, event: &E) {
        let NewEvent { kind, actor, at, data } = NewEvent::of(event, Actor::Penstock, Timestamp(0)).unwrap();
        let (position, stream) = (world.position + 1, stream.parse().unwrap());
        world.apply(&Recorded { position, stream, version: 0, kind, actor, at, data, previous: None, hash: Digest::of("") });
    }

    /// `shop` is delivered from `main`, and its config repository is also the source of another project, by mistake.
    fn world() -> World {
        let mut world = World::default();
        for (name, role) in [("root", Role::Admin), ("ada", Role::Developer)] {
            say(&mut world, &format!("user/{name}"), &UserEvent::Added { role, token: Digest::of(name), emails: Vec::new() });
        }
        for (project, config, branch) in [("shop-config", "other", "stable"), ("shop", "shop-config", "main")] {
            let (name, config) = (project.parse().unwrap(), config.parse().unwrap());
            say(&mut world, &format!("project/{project}"), &ProjectEvent::Created { project: name, config, branch: branch.to_owned() });
        }
        assert!(world.unknown.is_empty(), "{:?}", world.unknown);
        world
    }

    #[track_caller]
    fn check(who: &str, repository: &str, reference: &str, new: bool, forced: bool, expected: Option<&str>) {
        let commit = || Some("a".repeat(40).parse().unwrap());
        let update = RefUpdate { reference: reference.to_owned(), old: commit(), new: new.then(commit).flatten(), forced };
        let why = refusal(&world(), &repository.parse().unwrap(), &who.parse().unwrap(), &update);
        match expected {
            None => assert_eq!(why, None, "{who} {repository} {reference}"),
            Some(part) => assert!(why.as_ref().is_some_and(|why| why.contains(part)), "{who} {repository} {reference}: {why:?}"),
        }
    }

    #[test]
    fn only_administrators_change_what_gates_ask_and_nobody_rewrites_it() {
        for who in ["ada", "nobody"] {
            check(who, "shop-config", "refs/heads/main", true, false, Some("only an administrator"));
            check(who, "shop-config", "refs/heads/change", true, true, None);
        }
        check("root", "shop-config", "refs/heads/main", true, false, None);
        check("root", "shop-config", "refs/heads/main", true, true, Some("rewritten"));
        check("root", "shop-config", "refs/heads/main", false, false, Some("removed"));
    }

    #[test]
    fn developers_push_what_is_delivered_and_rewrite_it_not_whatever_else_the_repository_is() {
        check("ada", "shop", "refs/heads/main", true, false, None);
        check("ada", "shop", "refs/heads/main", true, true, Some("rewritten"));
        check("ada", "shop-config", "refs/heads/stable", false, false, Some("removed"));
        check("ada", "shop", "refs/heads/feature/main", false, true, None);
        check("ada", "shop", "refs/tags/main", false, false, None);
    }
}
