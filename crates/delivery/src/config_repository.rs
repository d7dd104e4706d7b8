//! The config repository: reading it when its branch moved, and what an environment is made of at a commit.

mod annotations;
mod chart;
mod environment;
mod render;

use penstock_gate::DeliveryConfig;
use penstock_model::git::GitError;
use penstock_model::ids::Actor;
use penstock_model::{CommitId, ProjectName, RepositoryName};

pub use chart::Charts;
pub use environment::{EnvironmentFiles, application, environment_files, value_files};

use crate::effects::EffectError;
use crate::events::ProjectEvent;
use crate::parts::Parts;
use crate::{project, streams};

/// The branch that counts.
pub const BRANCH: &str = "main";
/// The largest file.
const MAX_FILE: u64 = 1024 * 1024;
/// The most files of an environment, or of its chart.
const MAX_FILES: usize = 2_000;

/// Reads the config repository if its branch moved since the last time.
pub async fn read(parts: &Parts, name: &ProjectName) -> Result<(), EffectError> {
    let world = parts.journal.world();
    let Some(record) = world.projects.get(name) else { return Ok(()) };
    let repository = &record.config_repository;
    let Some(head) = parts.git.resolve(repository, &format!("refs/heads/{BRANCH}")).await? else { return Ok(()) };
    if record.config.as_ref().is_some_and(|seen| seen.commit == head) {
        return Ok(());
    }
    let (config, error) = match parse(parts, repository, &head).await? {
        Ok(config) => (Some(config), None),
        Err(error) => (None, Some(error)),
    };
    let event = ProjectEvent::ConfigRead { commit: head.clone(), config, error };
    parts
        .journal
        .change(&streams::project(name), Actor::Penstock, |world, _| {
            let known = world.projects.get(name).and_then(|record| record.config.as_ref()).is_some_and(|seen| seen.commit == head);
            if known { Vec::new() } else { vec![event] }
        })
        .await?;
    Ok(())
}

/// What the file says at a commit, or in words why it cannot be read.
pub(crate) async fn parse(
    parts: &Parts,
    repository: &RepositoryName,
    commit: &CommitId,
) -> Result<Result<DeliveryConfig, String>, GitError> {
    let Some(bytes) = parts.git.read(repository, commit, project::FILE, MAX_FILE).await? else {
        return Ok(Err(format!("{} is not in {repository} at {}\nhelp: `penstock init` writes one", project::FILE, commit.short())));
    };
    Ok(match String::from_utf8(bytes) {
        Ok(text) => DeliveryConfig::parse(project::FILE, &text).map_err(|error| error.to_string()),
        Err(_) => Err(format!("{} is not UTF-8", project::FILE)),
    })
}

/// A text file of the config repository.
pub async fn text(parts: &Parts, repository: &RepositoryName, commit: &CommitId, path: &str) -> Result<String, EffectError> {
    let bytes = parts.git.read(repository, commit, path, MAX_FILE).await?;
    let bytes = bytes.ok_or_else(|| EffectError::Other(format!("{path} is not in {repository} at {}", commit.short())))?;
    String::from_utf8(bytes).map_err(|_| EffectError::Other(format!("{path} of {repository} is not UTF-8")))
}

/// Several errors of a user's files, one a line.
pub(crate) fn all(errors: &[penstock_gitops::ManifestError]) -> EffectError {
    EffectError::Other(errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
}
