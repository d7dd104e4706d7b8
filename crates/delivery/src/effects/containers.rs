//! The images of a job and of its services, found by name.

mod of_actions;
mod remote;

use std::collections::BTreeMap;
use std::sync::Arc;

use penstock_model::Secret;
use penstock_model::blob::LogSink;
use penstock_model::job::{ActionTree, AttemptId};
use penstock_model::release::{ImageName, ImageRef};
use penstock_model::remote::RemoteImage;
use penstock_model::service::{JobImage, ServiceSpec};
use penstock_pipeline::{JobContext, Plan, PlannedJob, WantedContainer};

use self::remote::Place;
pub(crate) use self::remote::pinned_by;
use super::EffectError;
use crate::parts::Parts;
use crate::world::RunRecord;

/// A job's containers, by digest.
pub(super) struct Containers {
    pub(super) image: Option<JobImage>,
    pub(super) services: Vec<ServiceSpec>,
    /// What its container actions run, by the names that steps have for it.
    pub(super) step_images: BTreeMap<String, ImageRef>,
}

/// Finds what a job runs in and beside, and what its steps run by themselves.
pub(super) async fn find(
    parts: &Parts,
    record: &RunRecord,
    (plan, planned): (&Plan, &PlannedJob),
    id: &AttemptId,
    context: &JobContext,
    trees: &[ActionTree],
    log: &Arc<dyn LogSink>,
) -> Result<Containers, EffectError> {
    let fault = |why: String| EffectError::Other(format!("job `{}`: {why}", id.job));
    let image = match penstock_pipeline::job_container(plan, &id.job, context).map_err(fault)? {
        None => None,
        Some(wanted) => {
            let image = resolve(parts, record, id, context, &wanted).await?;
            let WantedContainer { entrypoint, user, memory, cpu_millis, env, .. } = wanted;
            Some(JobImage { image, entrypoint, user, memory, cpu_millis, env })
        }
    };
    let mut services = Vec::new();
    for wanted in penstock_pipeline::job_services(plan, &id.job, context).map_err(fault)? {
        let image = resolve(parts, record, id, context, &wanted.container).await?;
        let WantedContainer { entrypoint, command, user, memory, cpu_millis, env, .. } = wanted.container;
        let (name, aliases, ports, ready) = (wanted.name, wanted.aliases, wanted.ports, wanted.ready);
        services.push(ServiceSpec { name, aliases, image, entrypoint, command, env, user, ports, ready, memory, cpu_millis });
    }
    let step_images = of_actions::Asking { parts, record, id, context, log }.find(planned, trees).await?;
    Ok(Containers { image, services, step_images })
}

/// An image by digest, whatever the file calls it: of the own registry, or else of another, from which it is fetched.
async fn resolve(
    parts: &Parts,
    record: &RunRecord,
    id: &AttemptId,
    context: &JobContext,
    wanted: &WantedContainer,
) -> Result<ImageRef, EffectError> {
    let text = &wanted.image;
    let refuse = |why: &str, help: &str| {
        let help = if help.is_empty() { String::new() } else { format!("\nhelp: {help}") };
        EffectError::Other(format!("job `{}` wants the image `{text}`: {why}{help}", id.job))
    };
    if let Some(platform) = wanted.platform.as_deref().filter(|platform| *platform != here()) {
        return Err(refuse(&format!("it is asked for as {platform}, and this machine is {}", here()), "remove `platform`"));
    }
    let registry = format!("{}/", parts.settings.registry);
    let own = text.strip_prefix(&registry);
    if let Some(image) = in_own(parts, own.unwrap_or(text)).await.map_err(|why| refuse(&why, ""))? {
        return Ok(image);
    }
    let push = format!("push it first (`{registry}{}/NAME`); a job with an image never runs on the host", record.project);
    if own.is_some() {
        return Err(refuse("it is not in the own registry", &push));
    }
    let image: RemoteImage = text.parse().map_err(|error| refuse(&format!("{error}"), ""))?;
    let place = Place { registry: &*parts.registry, remote: &*parts.remote, project: &record.project, run: &record.id };
    let name = "DOCKER_AUTH_CONFIG";
    let plain = context.plain.get(name).map(|variable| Secret::new(&*variable.value));
    let config = context.secrets.get(name).or_else(|| context.files.get(name)).or(plain.as_ref());
    let fetched = place.find(config, wanted, &image).await;
    fetched.map_err(|why| refuse(&why, &format!("where a registry cannot be reached, push the image to the own one ({push})")))
}

/// What the own registry holds by a name.
async fn in_own(parts: &Parts, name: &str) -> Result<Option<ImageRef>, String> {
    if let Ok(image) = name.parse::<ImageRef>() {
        // the store holds other bytes too, of others: what a repository does not hold is no image of it
        let here = parts.registry.manifest(&image.name, image.digest).await.map_err(|error| error.to_string())?;
        return Ok(here.map(|_| image));
    }
    let (repository, tag) = match name.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => (repository, tag),
        _ => (name, "latest"),
    };
    let Ok(name) = repository.parse::<ImageName>() else { return Ok(None) };
    let found = parts.registry.resolve(&name, tag).await.map_err(|error| error.to_string())?;
    Ok(found.map(|digest| ImageRef { name, digest }))
}

/// This machine's platform, as images name it.
fn here() -> &'static str {
    match std::env::consts::ARCH {
        "aarch64" => "linux/arm64",
        _ => "linux/amd64",
    }
}
