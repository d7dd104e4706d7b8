//! Carrying a collection out, or finding out what it would do.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use penstock_model::blob::BlobError;
use penstock_model::registry::{Hold, Keep};
use penstock_model::release::ImageRef;
use penstock_model::remote::RemoteImage;
use penstock_model::{CommitId, Digest, EnvironmentName, ProjectName, RunId, Timestamp};
use serde_json::Value;
use tokio::sync::SemaphorePermit;

use super::needed::{MIN_AGE, Needed, commits_in_force, needed};
use super::{Gone, Kind, Outcome};
use crate::calls::JobCalls;
use crate::config_repository::{environment_files, parse};
use crate::effects::{EffectError, pinned_by};
use crate::orders::{OrderError, refused};
use crate::parts::Parts;
use crate::world::World;

/// The largest manifest or configuration of an image.
const MAX_DOCUMENT: u64 = 4 * 1024 * 1024;

/// Who is held off while what they may count on is removed, and no longer.
pub(super) struct Held<'a> {
    /// No image is built.
    pub builds: SemaphorePermit<'a>,
    /// Nothing is linked in the registry.
    pub registry: Hold,
}

/// Looks at the world, then has every hand remove what is not needed. Without anybody held off it is a dry run.
pub(super) async fn carry_out(
    parts: &Parts,
    calls: &JobCalls,
    keep: Duration,
    held: Option<Held<'_>>,
    outcome: &mut Outcome,
) -> Result<(), OrderError> {
    let dry_run = held.is_none();
    let (builds, registry) = held.map(|held| (held.builds, held.registry)).unzip();
    let world = parts.journal.world();
    if !world.unknown.is_empty() {
        return refused("the log has events that this program does not know", "a newer Penstock wrote it: collect with that one");
    }
    let running = running(parts, &world).await?;
    let now = parts.journal.now();
    let needed = needed(&world, &running, now, keep);
    let contents = Contents::of(parts, &needed.images).await?;
    let stay = names(parts, &needed, &contents, dry_run, outcome).await?;
    let too_young = Timestamp(now.0.saturating_sub(i64::try_from(MIN_AGE.as_millis()).unwrap_or(i64::MAX)));
    bytes(parts, &stay.blobs, too_young, dry_run, outcome).await?;
    drop(registry);
    let layers = parts.runtime.remove_unused_layers(&stay.layers, dry_run).await;
    let layers = layers.map_err(|error| EffectError::Other(crate::chain(&error)))?;
    outcome.add(Kind::Layer, layers.into_iter().map(|(digest, bytes)| (digest.to_string(), bytes)));
    drop(builds);
    logs(parts, &world, &needed, dry_run, outcome).await?;
    let checkouts = parts.runner.tidy(needed.since, dry_run).await.map_err(EffectError::from)?;
    outcome.add(Kind::Checkout, checkouts);
    outcome.add(Kind::Checkout, calls.tidy_sources(parts, dry_run).await.map_err(EffectError::Other)?);
    Ok(())
}

impl Outcome {
    fn add(&mut self, kind: Kind, gone: impl IntoIterator<Item = (String, u64)>) {
        self.gone.extend(gone.into_iter().map(|(name, bytes)| Gone { kind, name, bytes }));
    }
}

/// Images of containers that are there, of what lives in an environment, and of the manifests that an environment runs or
/// comes back to. What cannot be read may need anything: then nothing is collected.
async fn running(parts: &Parts, world: &World) -> Result<BTreeSet<ImageRef>, OrderError> {
    let containers = parts.runtime.list().await.map_err(|error| EffectError::Other(crate::chain(&error)))?;
    let mut images: BTreeSet<ImageRef> = containers.into_iter().map(|container| container.spec.image).collect();
    for (project, environment, commit) in commits_in_force(world) {
        if let Err(error) = at_commit(parts, world, &project, &environment, &commit, &mut images).await {
            return refused(
                format!("what {environment} of `{project}` needs cannot be read at {}: {}", commit.short(), crate::chain(&error)),
                "put the config repository right first: nothing is collected while it is not known what is needed",
            );
        }
    }
    Ok(images)
}

async fn at_commit(
    parts: &Parts,
    world: &World,
    project: &ProjectName,
    environment: &EnvironmentName,
    commit: &CommitId,
    images: &mut BTreeSet<ImageRef>,
) -> Result<(), EffectError> {
    let Some(record) = world.projects.get(project) else { return Ok(()) };
    let repository = &record.config_repository;
    // as the repository had it then; where its file cannot be read, as it was read last
    let config = parse(parts, repository, commit).await?.ok().or_else(|| world.config(project).map(|config| (*config).clone()));
    let environment = config.and_then(|config| config.environments.into_iter().find(|known| known.name == *environment));
    let Some(environment) = environment else { return Ok(()) };
    let (application, manifests) = environment_files(parts, repository, commit, &environment).await?.manifests().await?;
    for manifest in &manifests {
        images_in(&manifest.value, images);
    }
    for object in parts.target.live(&application.name).await? {
        images_in(&object.applied, images);
    }
    Ok(())
}

/// Every image by digest that a manifest names, wherever.
fn images_in(value: &Value, images: &mut BTreeSet<ImageRef>) {
    match value {
        Value::String(text) => images.extend(text.parse::<ImageRef>().ok()),
        Value::Array(items) => items.iter().for_each(|item| images_in(item, images)),
        Value::Object(fields) => fields.values().for_each(|field| images_in(field, images)),
        _ => {}
    }
}

/// What needed images are made of, whether a repository still names them or not.
#[derive(Default)]
struct Contents {
    blobs: BTreeSet<Digest>,
    /// Digests of what layers unpack to.
    layers: BTreeSet<Digest>,
}

impl Contents {
    async fn of(parts: &Parts, images: &BTreeSet<ImageRef>) -> Result<Self, EffectError> {
        let mut contents = Self::default();
        let mut manifests: Vec<Digest> = images.iter().map(|image| image.digest).collect();
        while let Some(digest) = manifests.pop() {
            if !contents.blobs.insert(digest) {
                continue;
            }
            let Some(manifest) = document(parts, digest).await? else { continue };
            manifests.extend(named(&manifest, "/manifests"));
            contents.blobs.extend(named(&manifest, "/layers"));
            let Some(config) = manifest.pointer("/config/digest").and_then(digest_of) else { continue };
            contents.blobs.insert(config);
            let Some(config) = document(parts, config).await? else { continue };
            let unpacked = config.pointer("/rootfs/diff_ids").and_then(Value::as_array);
            contents.layers.extend(unpacked.into_iter().flatten().filter_map(digest_of));
        }
        Ok(contents)
    }
}

/// A small JSON document; `None` if it is gone already or is none.
async fn document(parts: &Parts, digest: Digest) -> Result<Option<Value>, BlobError> {
    match parts.blobs.get_bytes(digest, MAX_DOCUMENT).await {
        Ok(bytes) => Ok(serde_json::from_slice(&bytes).ok()),
        Err(BlobError::Absent(_) | BlobError::TooLarge { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

fn named(manifest: &Value, list: &str) -> Vec<Digest> {
    let items = manifest.pointer(list).and_then(Value::as_array);
    items.into_iter().flatten().filter_map(|item| digest_of(item.get("digest")?)).collect()
}

fn digest_of(value: &Value) -> Option<Digest> {
    value.as_str()?.parse().ok()
}

/// What stays in the store and among the unpacked layers.
struct Stay {
    blobs: BTreeSet<Digest>,
    layers: BTreeSet<Digest>,
}

/// First the names go, then what nobody can reach by a name any more: a crash between the two loses nothing.
async fn names(parts: &Parts, needed: &Needed, contents: &Contents, dry_run: bool, outcome: &mut Outcome) -> Result<Stay, OrderError> {
    let mut spent = BTreeMap::new();
    for name in parts.registry.repositories().await.map_err(|error| EffectError::Other(crate::chain(&error)))? {
        if RemoteImage::is_kept(&name) {
            // fetched anew whenever it is needed; while a run is kept, so is what it meant by a name
            let tags = parts.registry.tags(&name).await.map_err(|error| EffectError::Other(crate::chain(&error)))?;
            let meant = |tag: &String| needed.runs.iter().any(|run| tag.starts_with(&pinned_by(run)));
            spent.insert(name, tags.into_keys().filter(|tag| !meant(tag)).collect());
            continue;
        }
        // a project's images are PROJECT/NAME
        let project = name.as_str().split('/').next().and_then(|project| project.parse::<ProjectName>().ok());
        if let Some(tags) = project.and_then(|project| needed.spent.get(&project)) {
            spent.insert(name, tags.clone());
        }
    }
    let keep = Keep { images: needed.images.clone(), spent, since: needed.since };
    let sifted = parts.registry.sift(&keep, dry_run).await.map_err(|error| EffectError::Other(crate::chain(&error)))?;
    outcome.add(Kind::Image, sifted.gone.into_iter().map(|image| (image.to_string(), 0)));
    let kept = parts.builder.tidy(needed.since, dry_run).await.map_err(|error| EffectError::Other(crate::chain(&error)))?;
    outcome.add(Kind::BuildResult, kept.gone);
    let of_builds = kept.layers.iter().map(|layer| layer.blob.digest);
    Ok(Stay {
        blobs: needed.blobs.iter().chain(&contents.blobs).chain(&sifted.reachable).copied().chain(of_builds).collect(),
        layers: contents.layers.iter().copied().chain(kept.layers.iter().map(|layer| layer.diff_id)).collect(),
    })
}

async fn bytes(
    parts: &Parts,
    keep: &BTreeSet<Digest>,
    too_young: Timestamp,
    dry_run: bool,
    outcome: &mut Outcome,
) -> Result<(), EffectError> {
    for digest in parts.blobs.list().await? {
        // one that went meanwhile
        let Some((size, since)) = parts.blobs.stored(digest).await? else { continue };
        let goes = !keep.contains(&digest) && since < too_young && (dry_run || parts.blobs.delete_older(digest, too_young).await?);
        if goes {
            outcome.add(Kind::Blob, [(digest.to_string(), size)]);
        } else {
            outcome.kept += 1;
        }
    }
    Ok(())
}

/// Logs of runs that the world knows and nothing needs.
async fn logs(parts: &Parts, world: &World, needed: &Needed, dry_run: bool, outcome: &mut Outcome) -> Result<(), EffectError> {
    for (log, size) in parts.logs.list().await? {
        let run = log.0.split('/').next().and_then(|run| run.parse::<RunId>().ok());
        let old = run.is_some_and(|run| world.runs.contains_key(&run) && !needed.runs.contains(&run));
        if old && (dry_run || parts.logs.remove(&log).await?) {
            outcome.add(Kind::Log, [(log.0, size)]);
        }
    }
    Ok(())
}
