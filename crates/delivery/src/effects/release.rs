//! A run's images become a release.

use std::collections::{BTreeMap, BTreeSet};

use penstock_gate::Author;
use penstock_model::ids::Actor;
use penstock_model::release::{ImageName, Release, ReleaseId};
use penstock_model::{Digest, EnvironmentName, RunId, UserName};

use super::EffectError;
use crate::events::{ReleaseEvent, WorkEvent};
use crate::parts::Parts;
use crate::streams;
use crate::wanted;
use crate::world::{RunRecord, World};

/// The most commits that are looked at for their authors.
const MAX_HISTORY: usize = 10_000;

/// Makes the release of a run.
pub(super) async fn release(parts: &Parts, run: &RunId) -> Result<(), EffectError> {
    let world = parts.journal.world();
    let Some(record) = world.runs.get(run) else { return Ok(()) };
    let Some(built) = world.parts_of_release(record, &|part| part.id == *run || wanted::is_fine(part)) else { return Ok(()) };
    for part in &built {
        there(parts, part).await?;
    }
    let Some(seen) = world.projects.get(&record.project).and_then(|project| project.config.as_ref()) else { return Ok(()) };
    let release = Release {
        project: record.project.clone(),
        commit: record.push.commit.clone(),
        images: images(&built),
        config: seen.commit.clone(),
    };
    let since = last_in_last_environment(&world, &release);
    let repository = record.project.clone().into();
    let commits = parts.git.history(&repository, since.as_ref(), &release.commit, MAX_HISTORY).await?;
    let authors: BTreeSet<Author> = commits
        .iter()
        .flat_map(|commit| [&commit.author, &commit.committer])
        .map(|person| Author { name: person.name.clone(), mail: person.email.clone() })
        .collect();
    let ids: BTreeSet<_> = commits.iter().map(|commit| &commit.id).collect();
    let pushers: BTreeSet<UserName> = world
        .runs
        .values()
        .filter(|other| other.project == record.project && (ids.contains(&other.push.commit) || other.id == record.id))
        .map(|other| other.push.pusher.clone())
        .collect();
    let id = release.id();
    let event = ReleaseEvent::Created { release, run: run.clone(), pushers, authors, pushed: record.push.at };
    parts
        .journal
        .change(&streams::release(id), Actor::Penstock, |world, _| if world.releases.contains_key(&id) { Vec::new() } else { vec![event] })
        .await?;
    parts.journal.record(&streams::run(run), Actor::Penstock, WorkEvent::Released { release: id }).await?;
    Ok(())
}

/// What these runs built. An image that several built is that of the last of them, the push's own run: it was built once if
/// nothing differed.
fn images(runs: &[&RunRecord]) -> BTreeMap<ImageName, Digest> {
    runs.iter().flat_map(|run| &run.images).map(|(name, image)| (name.clone(), image.digest)).collect()
}

/// A run that was over for long and is taken up again may have built images that were collected meanwhile.
async fn there(parts: &Parts, record: &RunRecord) -> Result<(), EffectError> {
    for (name, image) in &record.images {
        let found = parts.registry.resolve(name, &image.digest.to_string()).await;
        if found.map_err(|error| EffectError::Other(crate::chain(&error)))?.is_none() {
            return Err(EffectError::Other(format!(
                "{name}@{} is not in the registry any more: try the job `{}` again, which builds it",
                image.digest, image.job
            )));
        }
    }
    Ok(())
}

/// The commit that the last environment took last.
fn last_in_last_environment(world: &World, release: &Release) -> Option<penstock_model::CommitId> {
    let config = world.config(&release.project)?;
    let last = config.environments.last()?;
    world.last_delivered(&release.project, &last.name).map(|record| record.release.commit.clone())
}

/// A newer release has taken this one's place.
pub(super) async fn supersede(parts: &Parts, release: ReleaseId, environment: &EnvironmentName) -> Result<(), EffectError> {
    let event = ReleaseEvent::Superseded { environment: environment.clone() };
    parts.journal.record(&streams::release(release), Actor::Penstock, event).await?;
    Ok(())
}
