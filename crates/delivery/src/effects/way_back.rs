//! The way back, step by step: the refusal is recorded first, then no traffic, then Git says so. Each step is found
//! again after a crash; none needs an approval.

use std::collections::BTreeMap;

use penstock_model::git::{CommitChange, GitError};
use penstock_model::ids::Actor;
use penstock_model::release::ReleaseId;
use penstock_model::target::RolloutOrder;
use penstock_model::{CommitId, EnvironmentName, RepositoryName};

use super::EffectError;
use super::commit::{ENVIRONMENT_TRAILER, RELEASE_TRAILER, REVERT_TRAILER, author};
use crate::config_repository::{self, BRANCH, application};
use crate::events::ReleaseEvent;
use crate::parts::Parts;
use crate::streams;
use crate::world::{EnvironmentState, WayBack};

/// How far back a revert is looked for before it is made.
const LOOK_BACK: usize = 500;
/// The largest file that is put back.
const MAX_FILE: u64 = 1024 * 1024;

/// The next step.
pub(super) async fn way_back(parts: &Parts, id: ReleaseId, name: &EnvironmentName) -> Result<(), EffectError> {
    let world = parts.journal.world();
    let Some(record) = world.releases.get(&id) else { return Ok(()) };
    let project = &record.release.project;
    let Some(state) = record.environments.get(name) else { return Ok(()) };
    let Some(repository) = world.projects.get(project).map(|project| project.config_repository.clone()) else { return Ok(()) };
    let event = match state.way_back {
        Some(WayBack::Refused) => {
            take_traffic(parts, &repository, project, name).await?;
            ReleaseEvent::TrafficTaken { environment: name.clone() }
        }
        Some(WayBack::TrafficTaken) => {
            let commit = revert(parts, &repository, id, name, state).await?;
            ReleaseEvent::Reverted { environment: name.clone(), commit }
        }
        Some(WayBack::Reverted { .. }) | None => return Ok(()),
    };
    parts.journal.record(&streams::release(id), Actor::Penstock, event).await?;
    config_repository::read(parts, project).await
}

/// Every canary of the environment gets weight 0 and goes.
async fn take_traffic(
    parts: &Parts,
    repository: &RepositoryName,
    project: &penstock_model::ProjectName,
    name: &EnvironmentName,
) -> Result<(), EffectError> {
    let world = parts.journal.world();
    let Some(environment) = world.environment(project, name) else { return Ok(()) };
    let Some(seen) = world.projects.get(project).and_then(|project| project.config.as_ref()) else { return Ok(()) };
    let application = application(parts, repository, &seen.commit, &environment).await?;
    for rollout in parts.target.rollouts(&application.name).await? {
        let is_canary = rollout.stable.as_ref().is_some_and(|stable| *stable != rollout.wanted);
        if is_canary {
            parts.target.order(&rollout.key, &rollout.wanted, &RolloutOrder::Abort, parts.journal.epoch().number).await?;
        }
    }
    Ok(())
}

/// Puts the files that the release's commit changed back to what they were, by compare-and-swap, once.
async fn revert(
    parts: &Parts,
    repository: &RepositoryName,
    id: ReleaseId,
    environment: &EnvironmentName,
    state: &EnvironmentState,
) -> Result<CommitId, EffectError> {
    let head = parts.git.resolve(repository, &format!("refs/heads/{BRANCH}")).await?;
    let head = head.ok_or_else(|| EffectError::Other(format!("{repository} has no branch {BRANCH}")))?;
    let (Some(commit), Some(previous)) = (&state.commit, &state.previous) else {
        // nothing was written for it: the revision was refused before its commit
        return Ok(head);
    };
    let trailer = format!("{REVERT_TRAILER}: {commit}");
    let history = parts.git.history(repository, None, &head, LOOK_BACK).await?;
    if let Some(made) = history.into_iter().find(|made| made.message.lines().any(|line| line.trim() == trailer)) {
        return Ok(made.id);
    }
    let mut files = BTreeMap::new();
    for path in parts.git.changed(repository, Some(previous), commit).await? {
        let before = parts.git.read(repository, previous, &path, MAX_FILE).await?;
        files.insert(path, before);
    }
    let why = state.refused.as_deref().unwrap_or("refused");
    let change = CommitChange {
        branch: BRANCH.to_owned(),
        expected: Some(head.clone()),
        files,
        author: author(),
        at: parts.journal.now(),
        message: format!(
            "Revert {environment} to what it was before {}\n\n{why}\n\n{RELEASE_TRAILER}: {id}\n{ENVIRONMENT_TRAILER}: {environment}\n{trailer}\n",
            commit.short()
        ),
    };
    match parts.git.commit_change(repository, &change).await {
        Ok(commit) => Ok(commit),
        Err(GitError::Moved { .. }) => Err(EffectError::Other(format!("{BRANCH} of {repository} moved meanwhile"))),
        Err(error) => Err(error.into()),
    }
}
