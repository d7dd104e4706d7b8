//! Importing: an approver lets in an image that was not built here, by a signed statement about its digest.

use std::time::Duration;

use penstock_model::evidence::{Subject, Witness, predicate};
use penstock_model::ids::Actor;
use penstock_model::image::{Manifest, media};
use penstock_model::release::{ImageName, ImageRef};
use penstock_model::{Digest, ProjectName, Timestamp, UserName};
use penstock_trust::predicate::Import;

use crate::effects::EffectError;
use crate::events::Role;
use crate::evidence::{Saying, say_for};
use crate::glass::{MAX_REASON, one_line};
use crate::orders::{OrderError, refused};
use crate::parts::Parts;
use crate::world::World;

/// Manifests of one image: OCI's, and Docker's own, which clients still push.
const MANIFESTS: [&str; 2] = [media::MANIFEST, "application/vnd.docker.distribution.manifest.v2+json"];
/// Configurations of an image, and not of another artifact.
const CONFIGS: [&str; 2] = [media::CONFIG, "application/vnd.docker.container.image.v1+json"];

/// What is to be let in.
#[derive(Clone, Debug)]
pub struct ImportOrder {
    /// Who, as authenticated.
    pub by: UserName,
    /// The image as they named it: by digest, or by a tag that is resolved at once.
    pub reference: String,
    /// Why.
    pub reason: String,
    /// For how long; for ever unless given.
    pub lasts: Option<Duration>,
    /// Under which project's approvers; the image's first part or the only project unless given.
    pub project: Option<ProjectName>,
}

/// An image that was let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// It, by digest.
    pub image: ImageRef,
    /// Under which project.
    pub project: ProjectName,
    /// What was said.
    pub said: Import,
    /// The statement.
    pub envelope: Digest,
}

/// Splits a reference into the image's name and its tag or digest. `registry` is the own registry's name.
///
/// # Errors
/// Why it names nothing here, and what to do.
pub fn named(reference: &str, registry: &str) -> Result<(ImageName, String), OrderError> {
    let own = reference.strip_prefix(registry).and_then(|rest| rest.strip_prefix('/')).unwrap_or(reference);
    let (name, digest) = match own.split_once('@') {
        Some((name, digest)) => (name, Some(digest)),
        None => (own, None),
    };
    let (name, tag) = match name.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, tag),
        _ => (name, "latest"),
    };
    match name.parse() {
        Ok(name) => Ok((name, digest.unwrap_or(tag).to_owned())),
        Err(error) => refused(format!("{error}"), format!("name it as it lies here, such as `{registry}/oran/cache:7`")),
    }
}

/// Whose approvers are asked.
///
/// # Errors
/// If it cannot be told.
pub fn project_of(world: &World, image: &ImageName, given: Option<&ProjectName>) -> Result<ProjectName, OrderError> {
    if let Some(given) = given {
        return world
            .projects
            .get_key_value(given)
            .map(|(name, _)| name.clone())
            .ok_or_else(|| OrderError::Absent(format!("project `{given}`")));
    }
    let first = image.as_str().split('/').next().unwrap_or_default();
    let mut names = world.projects.keys();
    match (world.projects.keys().find(|name| name.as_str() == first), names.next(), names.next()) {
        (Some(name), ..) | (None, Some(name), None) => Ok(name.clone()),
        _ => refused(format!("`{image}` could be for any of {} projects", world.projects.len()), "name one: `--project NAME`"),
    }
}

/// May they import for a project? Approvers may, as its config repository names them, and administrators.
///
/// # Errors
/// Why not.
pub fn may_import(world: &World, by: &UserName, project: &ProjectName) -> Result<(), OrderError> {
    let admin = world.users.get(by).is_some_and(|user| user.role == Role::Admin);
    let approver = world.config(project).is_some_and(|config| config.approvers.contains(by));
    if admin || approver {
        return Ok(());
    }
    refused(
        format!("{by} is neither an administrator nor among the approvers of {project}"),
        format!("ask somebody who is named under `approvers` in the config repository of {project}"),
    )
}

/// What was built here travels through the gate, under whatever name it lies.
///
/// # Errors
/// If it was built here.
pub fn not_built_here(world: &World, digest: Digest) -> Result<(), OrderError> {
    let by_a_run = world.runs.values().any(|run| run.images.values().any(|image| image.digest == digest));
    let proven = world.evidence.values().flat_map(|kept| &kept.by_subject).any(|(subject, said)| {
        matches!(subject, Subject::Image(image) if image.digest == digest)
            && said.iter().any(|said| said.predicate_type == predicate::PROVENANCE && said.witness == Witness::Observed)
    });
    if by_a_run || proven {
        return refused(
            format!("{digest} was built here: its way into an environment is the gate, not an import"),
            "`penstock explain` says why a gate refuses; two approvers may break the glass",
        );
    }
    Ok(())
}

/// Until when it counts.
fn expiry(lasts: Option<Duration>, now: Timestamp) -> Result<Option<Timestamp>, OrderError> {
    match lasts {
        Some(lasts) if lasts.is_zero() => refused("an import counts for more than nothing", "`--expires 90d`, or leave it out"),
        lasts => Ok(lasts.map(|lasts| now.after(lasts))),
    }
}

/// Imports an image that lies in the own registry.
///
/// # Errors
/// Why not, and what to do.
pub async fn import(parts: &Parts, order: &ImportOrder) -> Result<Imported, OrderError> {
    let world = parts.journal.world();
    let reason = one_line(&order.reason);
    if reason.is_empty() || reason.len() > MAX_REASON {
        return refused(
            format!("an import needs a reason of at most {MAX_REASON} bytes"),
            "`--reason TEXT`: where the image comes from, who looked at it, why it is needed",
        );
    }
    let expires = expiry(order.lasts, parts.journal.now())?;
    let (name, tag) = named(&order.reference, &parts.settings.registry)?;
    let project = project_of(&world, &name, order.project.as_ref())?;
    may_import(&world, &order.by, &project)?;
    let image = here(parts, &name, &tag).await?;
    not_built_here(&world, image.digest)?;
    let said = Import { source: order.reference.clone(), reason: reason.clone(), by: order.by.clone(), expires };
    let until = expires.map_or_else(|| "ever".to_owned(), |at| at.0.to_string());
    let saying = Saying {
        project: &project,
        run: None,
        subject: Subject::Image(image.clone()),
        name: "import",
        witness: Witness::Observed,
        key: format!("import/{image}/{}/{until}/{}", order.by, Digest::of(&reason)),
        predicate: &said,
    };
    let envelope = say_for(parts, Actor::User(order.by.clone()), saying).await?;
    Ok(Imported { image, project, said, envelope })
}

/// The image by digest, if it lies here and is one that can run.
async fn here(parts: &Parts, name: &ImageName, tag: &str) -> Result<ImageRef, OrderError> {
    let failed = |error: penstock_model::registry::RegistryError| OrderError::Failed(EffectError::Other(error.to_string()));
    let registry = &parts.settings.registry;
    let found = match parts.registry.resolve(name, tag).await.map_err(failed)? {
        Some(digest) => parts.registry.manifest(name, digest).await.map_err(failed)?.map(|manifest| (digest, manifest)),
        None => None,
    };
    let Some((digest, (kind, bytes))) = found else {
        return refused(
            format!("`{name}` has no `{tag}` in this registry"),
            format!("push it first, such as `crane copy --platform linux/amd64 SOURCE {registry}/{name}:TAG`"),
        );
    };
    let config = serde_json::from_slice::<Manifest>(&bytes).map(|manifest| manifest.config.media_type);
    if !MANIFESTS.contains(&kind.as_str()) || !config.is_ok_and(|kind| CONFIGS.contains(&kind.as_str())) {
        return refused(
            format!("{name}@{digest} is not one image of one platform: it is a {kind}"),
            format!("push one platform of it: `crane copy --platform linux/amd64 SOURCE {registry}/{name}:TAG`"),
        );
    }
    Ok(ImageRef { name: name.clone(), digest })
}
