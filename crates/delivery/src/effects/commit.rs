//! The config commit: the release's digests written into the environment's manifests or files of values, by compare-and-swap, once.

use std::collections::BTreeMap;

use penstock_gate::Environment;
use penstock_gitops::Manifest;
use penstock_model::git::{CommitChange, GitError, Signature};
use penstock_model::ids::Actor;
use penstock_model::release::{Release, ReleaseId, Revision};
use penstock_model::target::TargetError;
use penstock_model::{CommitId, EnvironmentName, RepositoryName};
use tokio_util::sync::CancellationToken;

use super::EffectError;
use crate::config_repository::{self, BRANCH, environment_files};
use crate::events::ReleaseEvent;
use crate::parts::Parts;
use crate::streams;

/// Names the release in a config commit.
pub const RELEASE_TRAILER: &str = "Penstock-Release";
/// Names the environment in a config commit.
pub const ENVIRONMENT_TRAILER: &str = "Penstock-Environment";
/// Marks a revert, naming what it reverts.
pub const REVERT_TRAILER: &str = "Penstock-Revert";
/// How far back a commit is looked for before it is made.
const LOOK_BACK: usize = 500;
/// How often a moved branch is tried again before the effect starts over.
const TRIES: usize = 5;

/// An environment's files with a release's images in them.
pub(super) struct WithImages {
    /// Paths whose text differs from what the commit has.
    pub changed: BTreeMap<String, String>,
    /// What it renders to.
    pub revision: Revision,
}

pub(super) async fn with_images(
    parts: &Parts,
    repository: &RepositoryName,
    commit: &CommitId,
    environment: &Environment,
    release: &Release,
    cancel: &CancellationToken,
) -> Result<WithImages, EffectError> {
    let shared = shared(parts, repository, commit, environment, release).await?;
    let files = environment_files(parts, repository, commit, environment).await?.until(cancel.clone());
    let namespace = files.application.namespace.clone();
    let found = files.with_digests(&release.images, shared).await?;
    deliverable(parts, &namespace, &found.manifests)?;
    Ok(WithImages { changed: found.changed, revision: penstock_gitops::revision(&found.manifests) })
}

/// Refuses what would be refused when it is applied: by then the config commit would be made.
fn deliverable(parts: &Parts, namespace: &str, manifests: &[Manifest]) -> Result<(), EffectError> {
    let refused = |manifest: &Manifest| {
        if let Err(error) = penstock_gitops::order::wishes(manifest) {
            return Some(error.to_string());
        }
        let error = parts.target.check(namespace, &manifest.value).err()?;
        let path = if let TargetError::Unsupported { what, .. } = &error { what.as_str() } else { "" };
        Some(format!("{}: {error}", manifest.place(path)))
    };
    let refused: Vec<String> = manifests.iter().filter_map(refused).collect();
    if refused.is_empty() { Ok(()) } else { Err(EffectError::Other(refused.join("\n"))) }
}

/// Files of values that other environments read, too, and which: a digest in one of these would be theirs before their gate.
async fn shared(
    parts: &Parts,
    repository: &RepositoryName,
    commit: &CommitId,
    environment: &Environment,
    release: &Release,
) -> Result<BTreeMap<String, String>, EffectError> {
    let config = parts.journal.world().config(&release.project);
    let others = config.iter().flat_map(|config| &config.environments).filter(|other| other.name != environment.name);
    let mut applications = Vec::new();
    for other in others {
        // one that cannot be read delivers nothing
        let Ok(application) = config_repository::application(parts, repository, commit, other).await else { continue };
        applications.push((other, application));
    }
    let name_files = applications.iter().filter_map(|(_, application)| application.helm.as_ref()).any(|helm| !helm.value_files.is_empty());
    let all = if name_files { parts.git.files(repository, commit, "").await? } else { Vec::new() };
    let files = applications.iter().flat_map(|(other, application)| {
        config_repository::value_files(application, &all).into_iter().map(|file| (file, other.name.to_string()))
    });
    Ok(files.collect())
}

/// Penstock as an author of commits.
pub(super) fn author() -> Signature {
    Signature { name: "Penstock".to_owned(), email: "penstock@localhost".to_owned() }
}

/// Makes the commit, or finds the one that an earlier server made.
pub(super) async fn commit(parts: &Parts, id: ReleaseId, name: &EnvironmentName, cancel: CancellationToken) -> Result<(), EffectError> {
    let world = parts.journal.world();
    let Some(record) = world.releases.get(&id) else { return Ok(()) };
    let project = &record.release.project;
    let Some(environment) = world.environment(project, name) else { return Ok(()) };
    let Some(repository) = world.projects.get(project).map(|project| project.config_repository.clone()) else { return Ok(()) };
    let allowed = record.environments.get(name).and_then(|state| state.gate.as_ref()).filter(|answer| answer.decision.allow);
    let Some(answer) = allowed else { return Ok(()) };
    if let Some(why) = world.refused(project, name, &answer.revision) {
        let event = ReleaseEvent::Refused { environment: name.clone(), revision: answer.revision, why };
        parts.journal.record(&streams::release(id), Actor::Penstock, event).await?;
        return Ok(());
    }
    for _ in 0..TRIES {
        let Some(head) = parts.git.resolve(&repository, &format!("refs/heads/{BRANCH}")).await? else { return Ok(()) };
        if let Some((commit, previous)) = find(parts, &repository, &head, id, name).await? {
            return done(parts, id, name, commit, answer.revision, previous).await;
        }
        let wanted = with_images(parts, &repository, &head, &environment, &record.release, &cancel).await?;
        if wanted.revision != answer.revision {
            // the manifests changed since the gate answered: it will be asked again once the branch has been read
            config_repository::read(parts, project).await?;
            return Ok(());
        }
        if wanted.changed.is_empty() {
            return done(parts, id, name, head, answer.revision, None).await;
        }
        let change = CommitChange {
            branch: BRANCH.to_owned(),
            expected: Some(head.clone()),
            files: wanted.changed.into_iter().map(|(path, text)| (path, Some(text.into_bytes()))).collect(),
            author: author(),
            at: parts.journal.now(),
            message: message(&record.release, id, name),
        };
        match parts.git.commit_change(&repository, &change).await {
            Ok(commit) => return done(parts, id, name, commit, answer.revision, Some(head)).await,
            Err(GitError::Moved { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(EffectError::Other(format!("{BRANCH} of {repository} moved {TRIES} times meanwhile")))
}

fn message(release: &Release, id: ReleaseId, environment: &EnvironmentName) -> String {
    let images: Vec<_> = release.images.iter().map(|(name, digest)| format!("  {name}@{digest}")).collect();
    format!(
        "Deliver {} {} to {environment}\n\n{}\n\n{RELEASE_TRAILER}: {id}\n{ENVIRONMENT_TRAILER}: {environment}\n",
        release.project,
        release.commit.short(),
        images.join("\n")
    )
}

/// Looks for the commit that carries the trailers of a release in an environment. Gives it with its parent.
async fn find(
    parts: &Parts,
    repository: &RepositoryName,
    head: &CommitId,
    id: ReleaseId,
    environment: &EnvironmentName,
) -> Result<Option<(CommitId, Option<CommitId>)>, EffectError> {
    let (release, place) = (format!("{RELEASE_TRAILER}: {id}"), format!("{ENVIRONMENT_TRAILER}: {environment}"));
    let history = parts.git.history(repository, None, head, LOOK_BACK).await?;
    let has = |message: &str, line: &str| message.lines().any(|found| found.trim() == line);
    // a revert carries the same trailers after it: then it is not made a second time either
    let found = history
        .into_iter()
        .find(|commit| has(&commit.message, &release) && has(&commit.message, &place) && !commit.message.contains(REVERT_TRAILER));
    Ok(found.map(|commit| (commit.id, commit.parents.into_iter().next())))
}

async fn done(
    parts: &Parts,
    id: ReleaseId,
    environment: &EnvironmentName,
    commit: CommitId,
    revision: Revision,
    previous: Option<CommitId>,
) -> Result<(), EffectError> {
    let event = ReleaseEvent::Committed { environment: environment.clone(), commit, revision, previous };
    parts.journal.record(&streams::release(id), Actor::Penstock, event).await?;
    let world = parts.journal.world();
    if let Some(record) = world.releases.get(&id) {
        config_repository::read(parts, &record.release.project).await?;
    }
    Ok(())
}
