//! Planning a run.

use std::collections::BTreeMap;

use penstock_model::git::{GitError, GitHost};
use penstock_model::ids::Actor;
use penstock_model::{Digest, RunId};
use penstock_pipeline::{
    Allowed, Dialect, EventFacts, MergeRequest, Plan, PushEvent, PushFacts, Run, RunCommand, RunEvent, Source, Trigger, WorkflowTime,
    workflow_times,
};

use super::EffectError;
use crate::events::{ProjectEvent, ScheduledTime, WorkEvent};
use crate::library::{self, InFamily, OnHost};
use crate::merge_requests::OfMergeRequest;
use crate::parts::Parts;
use crate::secrets::for_planning;
use crate::world::{ProjectRecord, RunRecord, TimeRecord, World};
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
    let first = first(&world, record);
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
    if first.merge_request.as_ref().is_some_and(|of| of.action == "closed") {
        // GitLab starts nothing then
        chosen.paths.retain(|path| Dialect::of_path(path) == Dialect::GithubWorkflow);
    }
    let Some((first, others)) = chosen.paths.split_first() else { return Ok(()) };
    for path in others {
        let beside = beside(parts, record, path).await?;
        let planned = parts.journal.world().runs.get(&beside).is_some_and(|record| record.run.is_some() || record.rejected.is_some());
        if !planned {
            keep(parts, &beside, read(parts, record, path, &chosen).await?).await?;
        }
    }
    // before the plan: once there is one, nobody comes here again
    timetable(parts, record, &chosen).await?;
    keep(parts, run, read(parts, record, first, &chosen).await?).await
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

async fn read(parts: &Parts, record: &RunRecord, path: &str, chosen: &project::Chosen) -> Result<Result<Plan, String>, EffectError> {
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
    let mut event = match push_event(parts, &world, record, project).await? {
        Ok(event) => event,
        Err(why) => return Ok(Err(why)),
    };
    if Dialect::of_path(path) == Dialect::GithubWorkflow && event.trigger == Trigger::Push {
        event.facts.push = Some(Box::new(brought(&*parts.git, &event).await?));
    }
    event.facts.description = chosen.file.as_ref().map(|file| file.project.description.clone()).unwrap_or_default();
    carried_out(parts, &world, record, &Source { path, text: &text }, &event, &chosen.allowed).await
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
    let mut event = plan.event_of_child(upstream.given.clone(), files);
    event.facts.variables = for_planning(parts, record).await?;
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

/// Of several pipeline files of one commit, the run of the first: all of them start by the same.
fn first<'w>(world: &'w World, record: &'w RunRecord) -> &'w RunRecord {
    record.beside.as_ref().and_then(|id| world.runs.get(id)).map_or(record, AsRef::as_ref)
}

/// What a push brought: of a branch that was there since it was there, of a new one what the delivered branch does not have.
async fn brought(git: &dyn GitHost, event: &PushEvent) -> Result<PushFacts, GitError> {
    let repository = &event.repository;
    if event.tag().is_some() {
        return Ok(PushFacts::default());
    }
    let delivered = format!("refs/heads/{}", event.default_branch);
    let (since, forced) = match &event.before {
        Some(before) => (Some(before.clone()), git.merge_base(repository, before, &event.commit).await?.as_ref() != Some(before)),
        None if event.reference == delivered => (None, false),
        None => (git.resolve(repository, &delivered).await?, false),
    };
    let commits = git.history(repository, since.as_ref(), &event.commit, PushFacts::MAX_COMMITS).await?;
    Ok(PushFacts::new(forced, commits))
}

async fn push_event(
    parts: &Parts,
    world: &World,
    record: &RunRecord,
    project: &ProjectRecord,
) -> Result<Result<PushEvent, String>, EffectError> {
    let repository = record.project.clone().into();
    let commit = parts.git.commit(&repository, &record.push.commit).await?;
    let first = first(world, record);
    let request = match &first.merge_request {
        Some(of) => match merge_request(parts, record, project, of).await? {
            Ok(request) => Some(request),
            Err(why) => return Ok(Err(why)),
        },
        None => None,
    };
    // a merge request's changes are told from where it parted; a push's from where the ref was
    let since = request.as_ref().map(|request| &request.base).or(record.push.before.as_ref());
    let changed = match since {
        Some(since) => Some(parts.git.changed(&repository, Some(since), &record.push.commit).await?),
        None => None,
    };
    let tag_message = parts.git.tag_message(&repository, &record.push.reference, &record.push.commit).await?;
    let order = first.order.as_deref();
    let mut variables = project.variables.clone();
    variables.extend(order.map(|order| order.variables.clone()).unwrap_or_default());
    let reference =
        request.as_ref().map_or_else(|| record.push.reference.clone(), |request| format!("refs/heads/{}", request.source_branch));
    let open = reference.strip_prefix("refs/heads/").into_iter().flat_map(|branch| project.open_merge_requests(branch));
    Ok(Ok(PushEvent {
        open_merge_requests: open.map(|request| request.number).collect(),
        before: record.push.before.clone().filter(|_| request.is_none()),
        trigger: match (&record.upstream, order, request) {
            (Some(upstream), ..) => Trigger::Pipeline { inputs: upstream.inputs.clone() },
            (None, Some(order), _) => order.trigger.clone(),
            (None, None, Some(request)) => Trigger::MergeRequest(Box::new(request)),
            (None, None, None) => Trigger::Push,
        },
        project: record.project.clone(),
        files: parts.git.files(&repository, &record.push.commit, "").await?,
        repository,
        reference,
        commit: record.push.commit.clone(),
        default_branch: project.branch.clone(),
        message: commit.message.clone(),
        facts: Box::new(EventFacts {
            commit: Some(Box::new(commit.into())),
            tag_message,
            email: world.users.get(&record.push.pusher).and_then(|user| user.emails.first().cloned()).unwrap_or_default(),
            variables: for_planning(parts, record).await?,
            ..EventFacts::default()
        }),
        pusher: record.push.pusher.clone(),
        changed,
        variables,
        given: record.upstream.as_ref().map(|upstream| upstream.given.clone()).unwrap_or_default(),
        server_url: parts.settings.url.clone(),
        registry: parts.settings.registry.clone(),
    }))
}

/// A merge request as its pipeline is told of it.
async fn merge_request(
    parts: &Parts,
    record: &RunRecord,
    project: &ProjectRecord,
    of: &OfMergeRequest,
) -> Result<Result<MergeRequest, String>, EffectError> {
    let repository = record.project.clone().into();
    let Some(known) = project.merge_requests.get(&of.number) else { return Ok(Err("the merge request is gone".to_owned())) };
    let Some(target) = parts.git.resolve(&repository, &format!("refs/heads/{}", of.target)).await? else {
        return Ok(Err(format!("its target `{}` is gone\nhelp: close it, or push that branch again", of.target)));
    };
    let base = parts.git.merge_base(&repository, &record.push.commit, &target).await?;
    Ok(Ok(MergeRequest {
        action: of.action.to_owned(),
        number: of.number,
        title: known.title.clone(),
        description: known.description.clone(),
        source_branch: of.source.clone(),
        target_branch: of.target.clone(),
        // without a common beginning all of it is new
        base: base.unwrap_or_else(|| target.clone()),
        target: Some(target),
        // what a developer allowed is as a developer's own
        fork: of.outside.then(|| format!("{}/{}", known.author, record.project)),
        draft: known.draft,
        labels: Vec::new(),
        assignees: Vec::new(),
        milestone: None,
        author: Some(known.author.to_string()),
        label: None,
        of_target: false,
    }))
}
