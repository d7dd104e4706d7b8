//! What people order about merge requests that are there.

use std::sync::Arc;

use penstock_model::ids::Actor;
use penstock_model::{CommitId, ProjectName, RunId, UserName};

use super::event::{Head, MergeRequestChange};
use super::follow::change;
use super::merging::names_closing;
use super::record::{MergeRequestRecord, MergeRequestState, reference};
use crate::effects::EffectError;
use crate::events::{ProjectEvent, Role};
use crate::orders::{OrderError, new_run, refused};
use crate::parts::Parts;
use crate::streams;
use crate::world::{ProjectRecord, World};

pub(super) fn absent_project(project: &ProjectName) -> OrderError {
    OrderError::Absent(format!("project `{project}`"))
}

pub(super) fn known(
    world: &World,
    project: &ProjectName,
    number: u64,
) -> Result<(Arc<ProjectRecord>, Arc<MergeRequestRecord>), OrderError> {
    let record = world.projects.get(project).ok_or_else(|| absent_project(project))?;
    let request = record.merge_requests.get(&number).ok_or_else(|| OrderError::Absent(format!("merge request {number} in `{project}`")))?;
    Ok((record.clone(), request.clone()))
}

/// Decides on one merge request as it is, and writes what comes of it; nothing else is written in between.
async fn decide(
    parts: &Parts,
    by: &UserName,
    project: &ProjectName,
    number: u64,
    decide: impl FnOnce(&ProjectRecord, &MergeRequestRecord) -> Result<MergeRequestChange, OrderError> + Send,
) -> Result<MergeRequestChange, OrderError> {
    let mut refusal = None;
    let decide = |world: &World, _| match known(world, project, number).and_then(|(record, request)| decide(&record, &request)) {
        Ok(what) => vec![change(number, what)],
        Err(error) => {
            refusal = Some(error);
            Vec::new()
        }
    };
    let events = parts.journal.change(&streams::project(project), Actor::User(by.clone()), decide).await?;
    match (events.into_iter().next(), refusal) {
        (Some(ProjectEvent::MergeRequest { change, .. }), _) => Ok(change),
        (_, Some(error)) => Err(error),
        _ => Err(OrderError::Absent(format!("merge request {number} in `{project}`"))),
    }
}

pub(super) fn must_be_open(request: &MergeRequestRecord) -> Result<(), OrderError> {
    match &request.state {
        MergeRequestState::Open => Ok(()),
        MergeRequestState::Closed { by } => {
            refused(format!("it was closed by {by}"), format!("`penstock merge-request reopen {}` opens it again", request.number))
        }
        MergeRequestState::Merged { by, .. } => refused(format!("it was merged by {by}"), "open another one"),
    }
}

/// Has the refs of a project's merge requests name their last commits. A commit that is gone is told and stands in nobody's way.
pub async fn kept(parts: &Parts, project: &ProjectName, only: Option<u64>) -> Result<(), EffectError> {
    let world = parts.journal.world();
    let Some(record) = world.projects.get(project) else { return Ok(()) };
    let repository = project.clone().into();
    for request in record.merge_requests.values().filter(|request| only.is_none_or(|only| only == request.number)) {
        let name = reference(request.number);
        if parts.git.resolve(&repository, &name).await?.as_ref() == Some(&request.head) {
            continue;
        }
        if let Err(error) = parts.git.keep(&repository, &name, &request.head).await {
            tracing::warn!(%project, number = request.number, %error, "the ref of a merge request cannot be written; the next start tries again");
        }
    }
    Ok(())
}

/// Lets the pipeline of a commit from outside have what a developer's has, and starts it again. The word counts for this commit alone.
pub async fn allow(parts: &Parts, by: &UserName, project: &ProjectName, number: u64, commit: &CommitId) -> Result<RunId, OrderError> {
    let run = new_run(parts);
    let changed = decide(parts, by, project, number, |_, request| {
        must_be_open(request)?;
        if request.head != *commit {
            return refused(
                format!("it has another commit meanwhile: {}", request.head.short()),
                "look at that one before you let it have your secrets",
            );
        }
        if !request.outside {
            return refused(format!("{} may push here: nothing is withheld from it", request.pusher), "nothing has to be done");
        }
        if let Some(other) = &request.allowed {
            return refused(format!("{other} has allowed {} already", commit.short()), "nothing has to be done");
        }
        if request.pusher == *by {
            return refused("it is your own", "ask another developer");
        }
        Ok(MergeRequestChange::Allowed { commit: commit.clone(), by: by.clone(), run })
    });
    match changed.await? {
        MergeRequestChange::Allowed { run, .. } => Ok(run),
        _ => Err(absent_project(project)),
    }
}

/// Closes a merge request without merging it. Whoever opened it may, too.
pub async fn close(parts: &Parts, by: &UserName, project: &ProjectName, number: u64) -> Result<(), OrderError> {
    let (_, request) = known(&parts.journal.world(), project, number)?;
    own_or_developer(parts, by, &request)?;
    let run = names_closing(parts, project, &request.head).await.then(|| new_run(parts));
    decide(parts, by, project, number, |_, request| {
        must_be_open(request)?;
        Ok(MergeRequestChange::Closed { run, by: by.clone() })
    })
    .await
    .map(drop)
}

fn own_or_developer(parts: &Parts, by: &UserName, request: &MergeRequestRecord) -> Result<(), OrderError> {
    let developer = parts.journal.world().users.get(by).is_some_and(|user| user.role >= Role::Developer);
    if developer || request.author == *by { Ok(()) } else { refused(format!("it is {}'s", request.author), "ask them, or a developer") }
}

/// Opens a closed merge request again, with what its branch has now.
pub async fn reopen(parts: &Parts, by: &UserName, project: &ProjectName, number: u64) -> Result<(), OrderError> {
    let (_, request) = known(&parts.journal.world(), project, number)?;
    own_or_developer(parts, by, &request)?;
    let branch = format!("refs/heads/{}", request.source);
    let now = if request.offered { None } else { parts.git.resolve(&project.clone().into(), &branch).await? };
    let run = new_run(parts);
    decide(parts, by, project, number, |project, request| {
        if !matches!(request.state, MergeRequestState::Closed { .. }) {
            return refused("it is not closed", "nothing has to be done");
        }
        let twin = |other: &&Arc<MergeRequestRecord>| {
            other.is_open() && other.offered == request.offered && other.source == request.source && other.target == request.target
        };
        if let Some(twin) = project.merge_requests.values().find(twin) {
            return refused(format!("merge request {} is open for the two meanwhile", twin.number), "go on with that one");
        }
        let commit = now.unwrap_or_else(|| request.head.clone());
        let head = Head { commit, pusher: request.pusher.clone(), outside: request.outside, run };
        Ok(MergeRequestChange::Reopened { head })
    })
    .await?;
    kept(parts, project, Some(number)).await?;
    Ok(())
}

/// Says that a draft may be merged now.
pub async fn ready(parts: &Parts, by: &UserName, project: &ProjectName, number: u64) -> Result<(), OrderError> {
    decide(parts, by, project, number, |_, request| {
        must_be_open(request)?;
        if !request.draft {
            return refused("it is no draft", "nothing has to be done");
        }
        Ok(MergeRequestChange::Edited { title: None, description: None, draft: Some(false) })
    })
    .await
    .map(drop)
}
