//! Planning a run.

use std::collections::BTreeMap;

use penstock_model::git::GitError;
use penstock_model::ids::Actor;
use penstock_model::{Digest, RunId};
use penstock_pipeline::{
    Allowed, Dialect, EventFacts, Plan, PushEvent, Run, RunCommand, RunEvent, Source, Trigger, WorkflowTime, workflow_times,
};

use super::EffectError;
use crate::events::{ProjectEvent, ScheduledTime, WorkEvent};
use crate::library::{self, InFamily, OnHost};
use crate::parts::Parts;
use crate::world::{RunRecord, TimeRecord, World};
use crate::{project, streams};

/// Reads the pipeline files at the commit and keeps the plan of the first, or says why there is none. Each further one that counts
/// has a run of its own beside this one.
pub(super) async fn plan(parts: &Parts, run: &RunId) -> Result<(), EffectError> {
    let world = parts.journal.world();
    let Some(record) = world.runs.get(run) else { return Ok(()) };
    if record.child_of().is_some() {
        let planned = child(parts, record).await?;
        return keep(parts, run, planned).await;
    }
    let repository = record.project.clone().into();
    let mut chosen = match project::chosen(&*parts.git, &repository, &record.push.commit).await {
        Ok(chosen) => chosen,
        Err(why) => return keep(parts, run, Err(why)).await,
    };
    if record.upstream.is_some() {
        // what GitLab's pipelines start are GitLab's pipelines
        chosen.paths.retain(|path| Dialect::of_path(path) == Dialect::GitlabCi);
        chosen.paths.truncate(1);
        if chosen.paths.is_empty() {
            return keep(parts, run, Err(format!("{} has no pipeline file of GitLab's kind\nhelp: add `.gitlab-ci.yml`", record.project)))
                .await;
        }
    }
    let Some((first, others)) = chosen.paths.split_first() else { return Ok(()) };
    for path in others {
        let beside = beside(parts, record, path).await?;
        let planned = parts.journal.world().runs.get(&beside).is_some_and(|record| record.run.is_some() || record.rejected.is_some());
        if !planned {
            keep(parts, &beside, read(parts, record, path, &chosen.allowed).await?).await?;
        }
    }
    // before the plan: once there is one, nobody comes here again
    timetable(parts, record, &chosen).await?;
    keep(parts, run, read(parts, record, first, &chosen.allowed).await?).await
}

/// Keeps when pipelines start by themselves, if the push is of the delivered branch and says something new of it.
async fn timetable(parts: &Parts, record: &RunRecord, chosen: &project::Chosen) -> Result<(), EffectError> {
    let world = parts.journal.world();
    let Some(project) = world.projects.get(&record.project) else { return Ok(()) };
    let (reference, commit) = (&record.push.reference, &record.push.commit);
    if record.order.is_some() || !project.delivers(reference) || project.refs.get(reference) != Some(commit) {
        return Ok(());
    }
    let mut times = chosen.file.as_ref().map(|file| file.times(&project.branch)).unwrap_or_default();
    for path in &chosen.paths {
        for time in workflow(parts, record, path).await? {
            let scheduled = ScheduledTime { cron: time.cron.clone(), reference: reference.clone(), variables: BTreeMap::new() };
            match time.zone {
                None => drop(times.insert(format!("{path}: {}", time.cron), scheduled)),
                Some(zone) => tracing::warn!(%path, %zone, cron = %time.cron, "a time in another zone than UTC starts nothing"),
            }
        }
    }
    let same = |known: &BTreeMap<String, TimeRecord>| {
        known.len() == times.len() && known.iter().all(|(name, known)| times.get(name) == Some(&known.time))
    };
    if same(&project.timetable) {
        return Ok(());
    }
    let event = ProjectEvent::TimetableRead { commit: commit.clone(), times: times.clone() };
    parts.journal.record(&streams::project(&record.project), Actor::Penstock, event).await?;
    Ok(())
}

/// The times of a workflow at the commit.
async fn workflow(parts: &Parts, record: &RunRecord, path: &str) -> Result<Vec<WorkflowTime>, EffectError> {
    let limit = u64::try_from(Source::MAX_BYTES).unwrap_or(u64::MAX);
    // what cannot be read was told when it was planned
    let found = parts.git.read(&record.project.clone().into(), &record.push.commit, path, limit).await.ok().flatten();
    let text = found.and_then(|bytes| String::from_utf8(bytes).ok());
    Ok(text.map(|text| workflow_times(&Source { path, text: &text })).unwrap_or_default())
}

/// The run of another pipeline file of the same push, begun once however often this is asked.
async fn beside(parts: &Parts, record: &RunRecord, path: &str) -> Result<RunId, EffectError> {
    let digest = Digest::of(format!("{}\0{path}", record.id));
    let bits = digest.as_bytes().iter().take(16).fold(0_u128, |bits, byte| bits << 8 | u128::from(*byte));
    let run = RunId::from_parts(u64::try_from(record.push.at.0).unwrap_or(0), bits);
    let started = ProjectEvent::Started {
        reference: record.push.reference.clone(),
        before: record.push.before.clone(),
        commit: record.push.commit.clone(),
        pusher: record.push.pusher.clone(),
        run: run.clone(),
        beside: Some(record.id.clone()),
    };
    let stream = streams::project(&record.project);
    parts
        .journal
        .change(&stream, Actor::Penstock, |world, _| if world.runs.contains_key(&run) { Vec::new() } else { vec![started] })
        .await?;
    Ok(run)
}

/// Keeps a run's plan, or why it has none.
async fn keep(parts: &Parts, run: &RunId, plan: Result<Plan, String>) -> Result<(), EffectError> {
    let stream = streams::run(run);
    match plan {
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

async fn read(parts: &Parts, record: &RunRecord, path: &str, allowed: &Allowed) -> Result<Result<Plan, String>, EffectError> {
    let world = parts.journal.world();
    let Some(project) = world.projects.get(&record.project) else { return Ok(Err("the project is gone".to_owned())) };
    let repository = record.project.clone().into();
    let limit = u64::try_from(Source::MAX_BYTES).unwrap_or(u64::MAX);
    let found = match parts.git.read(&repository, &record.push.commit, path, limit).await {
        // trying again changes nothing: whoever pushed it can
        Err(GitError::Refused { why, .. }) => return Ok(Err(format!("error: {why}\n --> {path}"))),
        found => found?,
    };
    let Some(bytes) = found else {
        return Ok(Err(format!("{path} is not there\nhelp: {} names it as the pipeline file", project::FILE)));
    };
    let text = match Source::decode(path, bytes) {
        Ok(text) => text,
        Err(problem) => return Ok(Err(problem.render(""))),
    };
    let event = push_event(parts, record, &project.branch, &project.variables).await?;
    carried_out(parts, &world, record, &Source { path, text: &text }, &event, allowed).await
}

/// The plan of a child pipeline: of what the job that starts it includes, for the event of its parent.
async fn child(parts: &Parts, record: &RunRecord) -> Result<Result<Plan, String>, EffectError> {
    let world = parts.journal.world();
    let Some(upstream) = &record.upstream else { return Ok(Err("it has no parent".to_owned())) };
    let parent = world.runs.get(&upstream.by.run);
    let plan = parent.and_then(|parent| parent.run.as_ref()).and_then(Run::plan);
    let (Some(plan), Some(text)) = (plan, plan.and_then(|plan| plan.text_of_child(&upstream.by.job))) else {
        return Ok(Err("the parent pipeline has no such job".to_owned()));
    };
    let repository = record.project.clone().into();
    let allowed = match project::allowed(&*parts.git, &repository, &record.push.commit).await {
        Ok(allowed) => allowed,
        Err(why) => return Ok(Err(why)),
    };
    let files = parts.git.files(&repository, &record.push.commit, "").await?;
    let event = plan.event_of_child(upstream.given.clone(), files);
    carried_out(parts, &world, record, &Source { path: &plan.path, text: &text }, &event, &allowed).await
}

/// Plans from the files at the run's commit, and those that they name.
async fn carried_out(
    parts: &Parts,
    world: &World,
    record: &RunRecord,
    source: &Source<'_>,
    event: &PushEvent,
    allowed: &Allowed,
) -> Result<Result<Plan, String>, EffectError> {
    let repository = record.project.clone().into();
    let host = OnHost {
        git: &*parts.git,
        world,
        repository: &repository,
        commit: &record.push.commit,
        who: &record.push.pusher,
        mirror: &parts.settings.mirror,
    };
    let parent = record.child_of().and_then(|by| world.runs.get(&by.run)).map(|parent| &**parent);
    let shelf = InFamily { host, parent, blobs: &*parts.blobs };
    let mut planned = library::carried_out(Dialect::of_path(source.path), source, event, &shelf, allowed).await?;
    if let Ok(plan) = &mut planned
        && let Err(why) = project::fill_in(&*parts.git, &repository, &record.push.commit, plan).await
    {
        return Ok(Err(why));
    }
    Ok(planned)
}

async fn push_event(
    parts: &Parts,
    record: &RunRecord,
    branch: &str,
    variables: &BTreeMap<String, String>,
) -> Result<PushEvent, EffectError> {
    let repository = record.project.clone().into();
    let commit = parts.git.commit(&repository, &record.push.commit).await?;
    let changed = match &record.push.before {
        Some(before) => Some(parts.git.changed(&repository, Some(before), &record.push.commit).await?),
        None => None,
    };
    let tag_message = parts.git.tag_message(&repository, &record.push.reference, &record.push.commit).await?;
    // several pipeline files of one commit start by the same
    let world = parts.journal.world();
    let first = record.beside.as_ref().and_then(|id| world.runs.get(id)).map_or(record, AsRef::as_ref);
    let order = first.order.as_deref();
    let mut variables = variables.clone();
    variables.extend(order.map(|order| order.variables.clone()).unwrap_or_default());
    Ok(PushEvent {
        trigger: match (&record.upstream, order) {
            (Some(upstream), _) => Trigger::Pipeline { inputs: upstream.inputs.clone() },
            (None, Some(order)) => order.trigger.clone(),
            (None, None) => Trigger::Push,
        },
        project: record.project.clone(),
        files: parts.git.files(&repository, &record.push.commit, "").await?,
        repository,
        reference: record.push.reference.clone(),
        commit: record.push.commit.clone(),
        before: record.push.before.clone(),
        default_branch: branch.to_owned(),
        message: commit.message.clone(),
        facts: EventFacts { commit: Some(Box::new(commit.into())), tag_message },
        pusher: record.push.pusher.clone(),
        changed,
        variables,
        given: record.upstream.as_ref().map(|upstream| upstream.given.clone()).unwrap_or_default(),
        server_url: parts.settings.url.clone(),
        registry: parts.settings.registry.clone(),
    })
}
