//! Merging, by order and by a push of the target that has it.

use std::collections::BTreeMap;

use penstock_model::git::{GitError, Merge, Merged, Signature};
use penstock_model::{CommitId, ProjectName, RepositoryName, UserName, counted};
use penstock_pipeline::{Dialect, Source, workflow_answers};

use super::orders::{known, must_be_open};
use super::record::{HeadPipeline, MergeRequestRecord};
use crate::events::Role;
use crate::orders::{OrderError, refused};
use crate::parts::Parts;
use crate::world::World;
use crate::{config_repository, project};

/// Merges: the target follows, or gets a commit of both. That is a push of the target. Gives where it is now.
pub async fn merge(parts: &Parts, by: &UserName, project: &ProjectName, number: u64, force: bool) -> Result<CommitId, OrderError> {
    let world = parts.journal.world();
    let (_, request) = known(&world, project, number)?;
    must_be_open(&request)?;
    if request.draft {
        return refused("it is a draft", format!("`penstock merge-request ready {number}` says that it is none any more"));
    }
    may_push(&world, by, project, &request.target)?;
    if !force {
        succeeded(&world, project, &request)?;
    }
    let repository: RepositoryName = project.clone().into();
    let target = format!("refs/heads/{}", request.target);
    let Some(expected) = parts.git.resolve(&repository, &target).await? else {
        return refused(format!("its target `{}` is gone", request.target), "open another one");
    };
    let email = world.users.get(by).and_then(|user| user.emails.first().cloned()).unwrap_or_else(|| format!("{by}@localhost"));
    let merge = Merge {
        branch: request.target.clone(),
        expected,
        head: request.head.clone(),
        who: by.clone(),
        author: Signature { name: by.to_string(), email },
        at: parts.journal.now(),
        message: format!(
            "Merge branch '{}' into '{}'\n\n{}\n\nSee merge request {project}!{number}\n",
            request.source, request.target, request.title
        ),
    };
    let commit = match parts.git.merge(&repository, &merge).await {
        Ok(Merged::At(commit)) => commit,
        Ok(Merged::Conflict(paths)) => {
            let named = paths.iter().map(|path| format!("`{path}`")).collect::<Vec<_>>().join(", ");
            return refused(
                format!("both changed {}: {named}", counted(paths.len(), "file")),
                format!("merge {} into its branch, settle them, and push", request.target),
            );
        }
        Err(GitError::Moved { .. }) => return refused(format!("{} has moved meanwhile", request.target), "try again"),
        Err(error) => return Err(error.into()),
    };
    crate::orders::answered(parts, project, by, &target, &commit).await?;
    Ok(commit)
}

/// Whoever merges pushes: where gates come from, only administrators do.
fn may_push(world: &World, by: &UserName, project: &ProjectName, target: &str) -> Result<(), OrderError> {
    let repository: RepositoryName = project.clone().into();
    let gates = target == config_repository::BRANCH && world.projects.values().any(|other| other.config_repository == repository);
    if gates && world.users.get(by).is_none_or(|user| user.role < Role::Admin) {
        return refused(format!("{target} of {project} says who may approve and what gates ask"), "ask an administrator");
    }
    Ok(())
}

fn succeeded(world: &World, project: &ProjectName, request: &MergeRequestRecord) -> Result<(), OrderError> {
    let why = match world.head_pipeline(project, request) {
        HeadPipeline::None | HeadPipeline::Succeeded(_) => return Ok(()),
        HeadPipeline::Running(run) => format!("its pipeline {run} is not over"),
        HeadPipeline::Failed(run) => format!("its pipeline {run} has not succeeded"),
    };
    refused(why, "wait for one that succeeds, or say `--force`")
}

/// Open merge requests into a branch whose last commits it has now, each with whether a workflow there names that.
pub(crate) async fn contained(
    parts: &Parts,
    project: &ProjectName,
    branch: &str,
    commit: &CommitId,
) -> Result<BTreeMap<u64, (CommitId, bool)>, OrderError> {
    let world = parts.journal.world();
    let mut found = BTreeMap::new();
    let requests = world.projects.get(project).into_iter().flat_map(|record| record.merge_requests.values());
    for request in requests.filter(|request| request.is_open() && request.target == branch) {
        let base = parts.git.merge_base(&project.clone().into(), &request.head, commit).await;
        // a commit that is gone is in nothing
        if base.ok().flatten().as_ref() == Some(&request.head) {
            let named = names_closing(parts, project, &request.head).await;
            found.insert(request.number, (request.head.clone(), named));
        }
    }
    Ok(found)
}

/// Whether a workflow that counts at a commit is to run when a merge request is closed or merged. GitLab's files know no such thing.
pub(super) async fn names_closing(parts: &Parts, project: &ProjectName, commit: &CommitId) -> bool {
    let repository = project.clone().into();
    let Ok(chosen) = project::chosen(&*parts.git, &repository, commit).await else { return false };
    let limit = u64::try_from(Source::MAX_BYTES).unwrap_or(u64::MAX);
    for path in chosen.paths.iter().filter(|path| Dialect::of_path(path) == Dialect::GithubWorkflow) {
        let text = parts.git.read(&repository, commit, path, limit).await.ok().flatten().and_then(|bytes| String::from_utf8(bytes).ok());
        if text.is_some_and(|text| workflow_answers(&Source { path, text: &text }, "pull_request", "closed")) {
            return true;
        }
    }
    false
}
