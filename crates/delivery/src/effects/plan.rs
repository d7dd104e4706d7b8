//! Planning a run.

use penstock_model::RunId;
use penstock_model::git::GitError;
use penstock_model::ids::Actor;
use penstock_pipeline::{Dialect, PushEvent, RunCommand, RunEvent, Source, Trigger};

use super::EffectError;
use crate::events::WorkEvent;
use crate::library::{self, OnHost};
use crate::parts::Parts;
use crate::world::RunRecord;
use crate::{project, streams};

/// Reads the pipeline file at the commit and keeps the plan, or says why there is none.
pub(super) async fn plan(parts: &Parts, run: &RunId) -> Result<(), EffectError> {
    let world = parts.journal.world();
    let Some(record) = world.runs.get(run) else { return Ok(()) };
    let stream = streams::run(run);
    match read(parts, record).await? {
        Ok(plan) => {
            let command = RunCommand::Plan { run: run.clone(), plan: Box::new(plan) };
            parts
                .journal
                .change(&stream, Actor::Penstock, |world, _| -> Vec<RunEvent> {
                    let state = world.runs.get(run).and_then(|record| record.run.clone()).unwrap_or_default();
                    // planned meanwhile: nothing to add
                    state.decide(command).unwrap_or_default()
                })
                .await?;
        }
        Err(diagnostics) => {
            parts.journal.record(&stream, Actor::Penstock, WorkEvent::Rejected { diagnostics }).await?;
        }
    }
    Ok(())
}

async fn read(parts: &Parts, record: &RunRecord) -> Result<Result<penstock_pipeline::Plan, String>, EffectError> {
    let world = parts.journal.world();
    let Some(project) = world.projects.get(&record.project) else { return Ok(Err("the project is gone".to_owned())) };
    let repository = record.project.clone().into();
    let path = match project::pipeline_path(&*parts.git, &repository, &record.push.commit).await {
        Ok(path) => path,
        Err(why) => return Ok(Err(why)),
    };
    let limit = u64::try_from(Source::MAX_BYTES).unwrap_or(u64::MAX);
    let found = match parts.git.read(&repository, &record.push.commit, &path, limit).await {
        // trying again changes nothing: whoever pushed it can
        Err(GitError::Refused { why, .. }) => return Ok(Err(format!("error: {why}\n --> {path}"))),
        found => found?,
    };
    let Some(bytes) = found else {
        return Ok(Err(format!("{path} is not there\nhelp: {} names it as the pipeline file", project::FILE)));
    };
    let text = match Source::decode(&path, bytes) {
        Ok(text) => text,
        Err(problem) => return Ok(Err(problem.render(""))),
    };
    let event = push_event(parts, record, &project.branch, &project.variables).await?;
    let source = Source { path: &path, text: &text };
    let shelf = OnHost {
        git: &*parts.git,
        world: &world,
        repository: &repository,
        commit: &record.push.commit,
        who: &record.push.pusher,
        mirror: &parts.settings.mirror,
    };
    let mut planned = library::planned(Dialect::of_path(&path), &source, &event, &shelf).await?;
    if let Ok(plan) = &mut planned
        && let Err(why) = project::process_modes(&*parts.git, &repository, &record.push.commit, plan).await
    {
        return Ok(Err(why));
    }
    Ok(planned)
}

async fn push_event(
    parts: &Parts,
    record: &RunRecord,
    branch: &str,
    variables: &std::collections::BTreeMap<String, String>,
) -> Result<PushEvent, EffectError> {
    let repository = record.project.clone().into();
    let commit = parts.git.commit(&repository, &record.push.commit).await?;
    let changed = match &record.push.before {
        Some(before) => Some(parts.git.changed(&repository, Some(before), &record.push.commit).await?),
        None => None,
    };
    Ok(PushEvent {
        trigger: Trigger::Push,
        project: record.project.clone(),
        files: parts.git.files(&repository, &record.push.commit, "").await?,
        repository,
        reference: record.push.reference.clone(),
        commit: record.push.commit.clone(),
        before: record.push.before.clone(),
        default_branch: branch.to_owned(),
        message: commit.message,
        pusher: record.push.pusher.clone(),
        changed,
        variables: variables.clone(),
        server_url: parts.settings.url.clone(),
        registry: parts.settings.registry.clone(),
    })
}
