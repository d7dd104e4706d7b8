//! The images of a job and of its services, found by name.

use penstock_model::job::AttemptId;
use penstock_model::release::ImageRef;
use penstock_model::service::{JobImage, ServiceSpec};
use penstock_pipeline::{JobContext, Plan, WantedContainer};

use super::EffectError;
use crate::parts::Parts;
use crate::world::RunRecord;

/// A job's containers, by digest.
pub(super) struct Containers {
    pub(super) image: Option<JobImage>,
    pub(super) services: Vec<ServiceSpec>,
}

/// Finds what a job runs in and beside.
pub(super) async fn find(
    parts: &Parts,
    record: &RunRecord,
    plan: &Plan,
    id: &AttemptId,
    context: &JobContext,
) -> Result<Containers, EffectError> {
    let fault = |why: String| EffectError::Other(format!("job `{}`: {why}", id.job));
    let image = match penstock_pipeline::job_container(plan, &id.job, context).map_err(fault)? {
        None => None,
        Some(wanted) => {
            let image = resolve(parts, record, id, &wanted).await?;
            let WantedContainer { entrypoint, user, memory, cpu_millis, env, .. } = wanted;
            Some(JobImage { image, entrypoint, user, memory, cpu_millis, env })
        }
    };
    let mut services = Vec::new();
    for wanted in penstock_pipeline::job_services(plan, &id.job, context).map_err(fault)? {
        let image = resolve(parts, record, id, &wanted.container).await?;
        let WantedContainer { entrypoint, command, user, memory, cpu_millis, env, .. } = wanted.container;
        let (name, aliases, ports, ready) = (wanted.name, wanted.aliases, wanted.ports, wanted.ready);
        services.push(ServiceSpec { name, aliases, image, entrypoint, command, env, user, ports, ready, memory, cpu_millis });
    }
    Ok(Containers { image, services })
}

/// An image of the own registry by digest, whatever the file calls it.
async fn resolve(parts: &Parts, record: &RunRecord, id: &AttemptId, wanted: &WantedContainer) -> Result<ImageRef, EffectError> {
    let text = &wanted.image;
    let registry = format!("{}/", parts.settings.registry);
    let name = text.strip_prefix(&registry).unwrap_or(text);
    let refuse = |why: &str| {
        EffectError::Other(format!(
            "job `{}` wants the image `{text}`: {why}\nhelp: push it to the own registry first (`{registry}{}/NAME`); a job with an image never runs on the host",
            id.job, record.project
        ))
    };
    if let Some(platform) = wanted.platform.as_deref().filter(|platform| *platform != here()) {
        return Err(refuse(&format!("it is asked for as {platform}, and this machine is {}", here())));
    }
    if let Ok(image) = name.parse::<ImageRef>() {
        // the store holds other bytes too, of others: what a repository does not hold is no image of it
        let here = parts.registry.manifest(&image.name, image.digest).await.map_err(|error| refuse(&error.to_string()))?;
        return if here.is_some() { Ok(image) } else { Err(refuse("it is not in the own registry")) };
    }
    let (repository, tag) = match name.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => (repository, tag),
        _ => (name, "latest"),
    };
    let repository = repository.parse().map_err(|_| refuse("that is no name of an image here"))?;
    let found = parts.registry.resolve(&repository, tag).await.map_err(|error| refuse(&error.to_string()))?;
    let digest = found.ok_or_else(|| refuse("it is not in the own registry"))?;
    Ok(ImageRef { name: repository, digest })
}

/// This machine's platform, as images name it.
fn here() -> &'static str {
    match std::env::consts::ARCH {
        "aarch64" => "linux/arm64",
        _ => "linux/amd64",
    }
}
