//! Jobs that start a pipeline: each call does the next thing that is due, and is one event.

use std::collections::HashMap;

use penstock_model::ids::Actor;
use penstock_model::job::{AttemptId, JobEnd, JobReport};
use penstock_model::{CommitId, JobName, ProjectName, RunId};
use penstock_pipeline::{Run, RunCommand, Triggered, TriggeredOf};

use super::EffectError;
use super::job::{log_id, note, tell};
use crate::downstream::{self, MAX_DEPTH, MAX_TREE, Step};
use crate::events::{ProjectEvent, Role};
use crate::merge_requests::WITHHELD;
use crate::parts::Parts;
use crate::streams;
use crate::world::{RunRecord, World};

/// The next thing about an attempt of a job that starts a pipeline.
pub(super) async fn trigger(parts: &Parts, run: &RunId, job: &JobName, attempt: u32) -> Result<(), EffectError> {
    let world = parts.journal.world();
    let Some(record) = world.runs.get(run) else { return Ok(()) };
    let Some(step) = downstream::due(&world, record, job, attempt) else { return Ok(()) };
    let id = AttemptId { run: run.clone(), job: job.clone(), attempt };
    let command = match step {
        Step::Start => RunCommand::StartJob { job: job.clone(), attempt },
        Step::Follow(status) => RunCommand::FollowJob { job: job.clone(), attempt, status },
        Step::End(end) => return finish(parts, &world, record, id, end).await,
        Step::Make => match made(parts, &world, record, &id).await? {
            Ok(()) => return Ok(()),
            Err(why) => return finish(parts, &world, record, id, JobEnd::SystemFailure { why }).await,
        },
    };
    tell(parts, run, Actor::Penstock, command).await.map(drop)
}

/// The job ends; its log says which pipeline it was, and what is wrong with that.
async fn finish(parts: &Parts, world: &World, record: &RunRecord, id: AttemptId, end: JobEnd) -> Result<(), EffectError> {
    let other = downstream::run_of(record, &id.job, id.attempt).and_then(|run| world.runs.get(&run));
    let mut told = Vec::new();
    if let Some(other) = other {
        told.push(format!("pipeline {} of {}: {}/runs/{}", other.id, other.project, parts.settings.url, other.id));
        told.extend(other.rejected.clone());
        told.extend(other.run.as_ref().and_then(Run::plan).map(penstock_pipeline::Plan::why_empty).unwrap_or_default());
    }
    if let JobEnd::SystemFailure { why } = &end {
        told.push(why.clone());
    }
    let log_id = log_id(&id);
    let log = parts.logs.open(&log_id).await?;
    for text in told {
        note(parts, &*log, &text).await?;
    }
    parts.logs.close(&log_id).await?;
    let report = JobReport::bare(end);
    tell(parts, &id.run, Actor::Penstock, RunCommand::FinishJob { job: id.job, attempt: id.attempt, report }).await.map(drop)
}

/// Makes the run that an attempt starts, once however often this is asked; or says why there can be none.
async fn made(parts: &Parts, world: &World, record: &RunRecord, by: &AttemptId) -> Result<Result<(), String>, EffectError> {
    let Some(state) = &record.run else { return Ok(Ok(())) };
    let Some(planned) = state.plan().and_then(|plan| plan.job(&by.job)) else { return Ok(Ok(())) };
    let Some(run) = downstream::run_of(record, &by.job, by.attempt) else { return Ok(Ok(())) };
    let inputs = state.inputs_of(&by.job).unwrap_or_default();
    let triggered = match downstream::triggered(world, record, planned, by.attempt, inputs) {
        Ok(Some(triggered)) => triggered,
        Ok(None) => return Ok(Ok(())),
        Err(why) => return Ok(Err(why)),
    };
    if world.tree_size(record) >= MAX_TREE {
        return Ok(Err(format!("a pipeline starts at most {MAX_TREE} others, near and far")));
    }
    let Triggered { of, given } = triggered;
    let push = &record.push;
    let (project, reference, before, commit, child, inputs) = match of {
        TriggeredOf::Latest { .. } => return Ok(Ok(())),
        TriggeredOf::Child { .. } if world.above(record).count() >= MAX_DEPTH => {
            return Ok(Err(format!("child pipelines stand at most {MAX_DEPTH} deep in each other")));
        }
        TriggeredOf::Child { .. } => {
            (record.project.clone(), push.reference.clone(), push.before.clone(), push.commit.clone(), true, <_>::default())
        }
        TriggeredOf::Project { project, branch, inputs } => match elsewhere(parts, world, record, &project, branch.as_deref()).await? {
            Ok((project, reference, commit)) => (project, reference, None, commit, false, inputs),
            Err(why) => return Ok(Err(why)),
        },
    };
    let (pusher, by) = (push.pusher.clone(), by.clone());
    let event = ProjectEvent::Triggered { reference, before, commit, pusher, run: run.clone(), by, child, given, inputs };
    let decide = |world: &World, _| if world.runs.contains_key(&run) { Vec::new() } else { vec![event] };
    parts.journal.change(&streams::project(&project), Actor::Penstock, decide).await?;
    Ok(Ok(()))
}

/// Where a pipeline of another project is started, if whoever started this one may.
async fn elsewhere(
    parts: &Parts,
    world: &World,
    record: &RunRecord,
    path: &str,
    branch: Option<&str>,
) -> Result<Result<(ProjectName, String, CommitId), String>, EffectError> {
    let found = path.parse::<ProjectName>().ok().and_then(|name| world.projects.get(&name));
    let Some(project) = found else {
        return Ok(Err(format!("this server has no project `{path}`\nhelp: `penstock project create` makes one")));
    };
    if project.name == record.project {
        return Ok(Err("a project starts no pipeline of its own by its name\nhelp: write `trigger: include: FILE`".to_owned()));
    }
    if world.is_outside(record) {
        return Ok(Err(format!("it starts a pipeline of another project, and {WITHHELD}")));
    }
    let who = &record.push.pusher;
    if world.users.get(who).is_none_or(|user| user.role < Role::Developer) {
        return Ok(Err(format!(
            "{who} may not start pipelines of `{path}`: a pipeline is started in the name of whoever started this one"
        )));
    }
    let name = branch.unwrap_or(&project.branch);
    let repository = project.name.clone().into();
    for reference in [format!("refs/heads/{name}"), format!("refs/tags/{name}")] {
        let Some(commit) = parts.git.resolve(&repository, &reference).await? else { continue };
        if goes_round(world, record) {
            return Ok(Err("pipelines start each other in a circle".to_owned()));
        }
        return Ok(Ok((project.name.clone(), reference, commit)));
    }
    Ok(Err(format!("`{path}` has no branch or tag `{name}`")))
}

/// Whether a pipeline of the same project and ref stands above this one for the second time, as GitLab counts it.
fn goes_round(world: &World, record: &RunRecord) -> bool {
    let mut seen: HashMap<_, usize> = HashMap::new();
    let all = std::iter::once(record).chain(world.upstream(record)).filter(|record| record.child_of().is_none());
    all.for_each(|record| *seen.entry((&record.project, &record.push.reference, record.upstream.is_some())).or_default() += 1);
    seen.values().any(|count| *count > 2)
}

/// A child whose parent was cancelled is cancelled with it.
pub(super) async fn cancel(parts: &Parts, run: &RunId) -> Result<(), EffectError> {
    let decide = |world: &World, _| {
        let record = world.runs.get(run).filter(|record| downstream::to_be_cancelled(world, record));
        record.and_then(|record| record.run.as_ref()?.decide(downstream::cancel()).ok()).unwrap_or_default()
    };
    parts.journal.change(&streams::run(run), Actor::Penstock, decide).await?;
    Ok(())
}
