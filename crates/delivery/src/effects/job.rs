//! Carrying out one attempt of a job, and what it leaves.

use std::collections::BTreeMap;
use std::sync::Arc;

use penstock_model::blob::{Channel, LogId, LogLine, LogSink};
use penstock_model::ids::Actor;
use penstock_model::job::{AttemptId, Checkout, Deployment, EnvValue, JobEnd, JobReport, JobSpec, KeptArtifact};
use penstock_model::{Digest, JobName, RunId, Secret};
use penstock_pipeline::{JobContext, JobInputs, Plan, PlannedJob, RunCommand, RunEffect, RunEvent};
use tokio_util::sync::CancellationToken;

use self::caches::{MAX_KEY_FILE, Scope, cache_scopes, caches};
use self::reports::ReadReport;
use super::{EffectError, actions, containers, elsewhere};
use crate::downstream::number_of;
use crate::identity;
use crate::merge_requests::WITHHELD;
use crate::parts::Parts;
use crate::streams;
use crate::tag_releases;
use crate::tested::{self, Results};
use crate::world::RunRecord;

mod belongings;
mod caches;
mod reports;
mod reuse;

/// How much of a log is read at a time, and the longest line in which a job's coverage is looked for.
const LOG_PART: usize = 1 << 20;
const MAX_LINE: usize = 64 << 10;

/// The log of an attempt.
pub fn log_id(attempt: &AttemptId) -> LogId {
    let name: String = attempt.job.as_str().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).take(40).collect();
    // names that differ only in what was replaced must not share a log
    LogId(format!("{}/{name}-{}/{}", attempt.run, Digest::of(attempt.job.as_str()).short(), attempt.attempt))
}

/// Gives a run a command; what the run refuses changes nothing.
pub(crate) async fn tell(parts: &Parts, run: &RunId, actor: Actor, command: RunCommand) -> Result<Vec<RunEvent>, EffectError> {
    let mut refusal = None;
    let events = parts
        .journal
        .change(&streams::run(run), actor, |world, _| match world.runs.get(run).and_then(|record| record.run.as_ref()) {
            Some(state) => state.decide(command).unwrap_or_else(|why| {
                refusal = Some(why.to_string());
                Vec::new()
            }),
            None => Vec::new(),
        })
        .await?;
    match refusal {
        Some(why) => Err(EffectError::Other(why)),
        None => Ok(events),
    }
}

/// Nothing is left to do: the run says how it ended.
pub(super) async fn finish(parts: &Parts, run: &RunId) -> Result<(), EffectError> {
    tell(parts, run, Actor::Penstock, RunCommand::Finish).await.map(drop)
}

/// One attempt, from the event that it starts to the event that it ended. Its evidence is complete before the latter.
pub(super) async fn job(parts: &Parts, run: &RunId, job: &JobName, attempt: u32, cancel: CancellationToken) -> Result<(), EffectError> {
    let world = parts.journal.world();
    let Some(record) = world.runs.get(run) else { return Ok(()) };
    let Some(state) = &record.run else { return Ok(()) };
    let inputs = state.wanted().into_iter().find_map(|effect| match effect {
        RunEffect::StartJob { job: wanted, attempt: number, inputs } if wanted == *job && number == attempt => Some(inputs),
        _ => None,
    });
    let Some(inputs) = inputs else { return Ok(()) };
    let Some(plan) = state.plan() else { return Ok(()) };
    let Some(planned) = plan.job(job) else { return Ok(()) };
    tell(parts, run, Actor::Penstock, RunCommand::StartJob { job: job.clone(), attempt }).await?;
    let id = AttemptId { run: run.clone(), job: job.clone(), attempt };
    let (mut report, read, results) = match carry_out(parts, record, plan, planned, &id, inputs, cancel.clone()).await {
        Ok(came) => came,
        Err(error) => (JobReport::bare(JobEnd::SystemFailure { why: super::chain(&error) }), Vec::new(), Results::default()),
    };
    if cancel.is_cancelled() && matches!(report.end, JobEnd::Cancelled) && !asked_for(parts, run) {
        // the server stops: the next one begins this job anew
        return Ok(());
    }
    // the attempt ends whatever happens: a run must not wait for it for ever
    if let Err(error) = say_all(parts, record, &id, read, results).await {
        report.end = JobEnd::SystemFailure { why: super::chain(&error) };
    }
    tell(parts, run, Actor::Penstock, RunCommand::FinishJob { job: job.clone(), attempt, report }).await?;
    Ok(())
}

/// Says what the reports of an attempt say.
async fn say_all(parts: &Parts, record: &RunRecord, id: &AttemptId, read: Vec<ReadReport>, results: Results) -> Result<(), EffectError> {
    // what comes from outside is shown, and states nothing
    if !parts.journal.world().is_outside(record) {
        for read in read {
            reports::record(parts, record, &id.job, read).await?;
        }
    }
    tested::record(parts, record, &id.job, id.attempt, results).await
}

fn asked_for(parts: &Parts, run: &RunId) -> bool {
    let world = parts.journal.world();
    let state = world.runs.get(run).and_then(|record| record.run.as_ref());
    state.is_some_and(|state| state.wanted().iter().any(|effect| matches!(effect, RunEffect::CancelJob { .. })))
}

async fn carry_out(
    parts: &Parts,
    record: &RunRecord,
    plan: &Plan,
    planned: &PlannedJob,
    id: &AttemptId,
    inputs: JobInputs,
    cancel: CancellationToken,
) -> Result<(JobReport, Vec<ReadReport>, Results), EffectError> {
    let log_id = log_id(id);
    let log = parts.logs.open(&log_id).await?;
    let (mut read, mut results) = (Vec::new(), Results::default());
    let mut result = attempt(parts, record, plan, planned, id, inputs, log.clone(), cancel).await;
    let told = match &mut result {
        Ok(report) if report.taken_from().is_some() => Vec::new(),
        Ok(report) => {
            let mut told;
            let watched = tested::watched(&parts.journal.world(), record, &id.job);
            (read, results, told) = reports::read_all(parts, report, &watched).await;
            report.coverage = coverage(parts, planned, &log_id).await?;
            if let Some(share) = report.coverage {
                told.push(format!("coverage: {}.{:02} %", share / 100, share % 100));
            }
            if let JobEnd::SystemFailure { why } = &report.end {
                told.push(why.clone());
            }
            told
        }
        Err(error) => vec![super::chain(error)],
    };
    for why in told {
        // whoever reads the log looks for the reason there
        note(parts, &*log, &why).await?;
    }
    parts.logs.close(&log_id).await?;
    result.map(|report| (report, read, results))
}

/// What the job's output says of its coverage.
async fn coverage(parts: &Parts, planned: &PlannedJob, log: &LogId) -> Result<Option<u32>, EffectError> {
    if planned.coverage.is_none() {
        return Ok(None);
    }
    let (mut from, mut line, mut last) = (0, String::new(), None);
    loop {
        let part = parts.logs.read(log, from, LOG_PART).await?;
        for piece in part.lines.iter().filter(|piece| piece.channel != Channel::Note) {
            line.push_str(&piece.text);
            if piece.ends || line.len() > MAX_LINE {
                last = penstock_pipeline::coverage(planned, [line.as_str()]).or(last);
                line.clear();
            }
        }
        if part.lines.is_empty() || part.next == from {
            return Ok(penstock_pipeline::coverage(planned, [line.as_str()]).or(last));
        }
        from = part.next;
    }
}

pub(super) async fn note(parts: &Parts, log: &dyn LogSink, text: &str) -> Result<(), EffectError> {
    let line = |text: &str| LogLine {
        at: parts.journal.now(),
        channel: Channel::Note,
        text: text[..text.floor_char_boundary(LogLine::MAX)].to_owned(),
        ends: true,
    };
    Ok(log.write(text.lines().map(line).collect()).await?)
}

/// Why a job cannot begin, whatever it gets.
fn hindered(parts: &Parts, plan: &Plan, planned: &PlannedJob, outside: bool) -> Option<String> {
    let unserved = penstock_pipeline::unserved(plan.dialect, planned, parts.settings.tags.as_deref());
    unserved.or_else(|| (outside && planned.environment.is_some()).then(|| format!("the job is of an environment, and {WITHHELD}")))
}

/// What is known of an attempt before anything is looked up for it.
fn begun(parts: &Parts, record: &RunRecord, id: &AttemptId, token: Secret, inputs: JobInputs) -> JobContext {
    JobContext {
        run: id.run.clone(),
        number: number_of(&parts.journal.world(), record),
        attempt: id.attempt,
        workspace: parts.runner.workspace(&record.project, &id.job, None),
        created_at: record.push.at,
        started_at: parts.journal.now(),
        secrets: BTreeMap::new(),
        plain: BTreeMap::new(),
        files: BTreeMap::new(),
        token: Some(token),
        id_tokens: BTreeMap::new(),
        tags: parts.settings.tags.clone().unwrap_or_default(),
        inputs,
    }
}

/// Where the checkout is, if the job says so itself, and the job's variables.
fn surroundings(
    parts: &Parts,
    plan: &Plan,
    planned: &PlannedJob,
    id: &AttemptId,
    context: &mut JobContext,
) -> Result<(Option<String>, BTreeMap<String, EnvValue>), String> {
    let mut env = penstock_pipeline::job_env(plan, &id.job, context);
    let place = penstock_pipeline::clone_path(plan.dialect, &env)?;
    if let Some(place) = &place {
        // what the job's variables say of its checkout is of that place
        context.workspace.clone_from(place);
        env = penstock_pipeline::job_env(plan, &id.job, context);
    }
    identity::let_ask(parts, plan, planned, context, &mut env);
    env.insert("PENSTOCK_URL".to_owned(), EnvValue::Plain(parts.settings.url.clone()));
    Ok((place, env))
}

#[allow(clippy::too_many_arguments, reason = "what an attempt needs, each once")]
async fn attempt(
    parts: &Parts,
    record: &RunRecord,
    plan: &Plan,
    planned: &PlannedJob,
    id: &AttemptId,
    inputs: JobInputs,
    log: Arc<dyn LogSink>,
    cancel: CancellationToken,
) -> Result<JobReport, EffectError> {
    let outside = parts.journal.world().is_outside(record);
    if let Some(why) = hindered(parts, plan, planned, outside) {
        return Ok(JobReport::bare(JobEnd::SystemFailure { why }));
    }
    let (token, _guard) = parts.tokens.issue(&*parts.random, id.clone());
    let mut context = begun(parts, record, id, token.clone(), inputs);
    if let Err(why) = elsewhere::add(&parts.journal.world(), record, plan, &id.job, &mut context) {
        return Ok(JobReport::bare(JobEnd::SystemFailure { why }));
    }
    let (mut masks, withheld) = match belongings::give(parts, record, plan, planned, &mut context, &*log, &cancel).await? {
        Ok(given) => given,
        Err(why) => return Ok(JobReport::bare(JobEnd::SystemFailure { why })),
    };
    let actions = actions::lay_out(parts, id, planned).await?;
    let found = containers::find(parts, record, (plan, planned), id, &context, &actions, &log);
    let Some(containers) = cancel.run_until_cancelled(found).await.transpose()? else { return Ok(JobReport::bare(JobEnd::Cancelled)) };
    context.workspace = parts.runner.workspace(&record.project, &id.job, containers.image.as_ref().map(|image| &image.image));
    let (place, env) = match surroundings(parts, plan, planned, id, &mut context) {
        Ok(known) => known,
        Err(why) => return Ok(JobReport::bare(JobEnd::SystemFailure { why })),
    };
    masks.extend(context.secrets.values().chain(context.id_tokens.values()).chain([&token]).cloned());
    let scope = Scope::of(record, outside, withheld.is_empty());
    let caches = caches(parts, record, planned, &env, &scope).await?;
    let checkout = checkout(parts, record, plan, &env).await?;
    let kept = kept_artifacts(record, plan, &id.job);
    let given = reuse::Given { context: &context, env: &env, containers: &containers, kept: &kept };
    let reuse = match reuse::ask(parts, record, (plan, planned), id, &given, &*log).await? {
        reuse::Asked::Taken(report) => return Ok(*report),
        reuse::Asked::Run(reuse) => reuse,
    };
    let steps = penstock_pipeline::steps(plan, &id.job, &context).map_err(|error| EffectError::Other(error.to_string()))?;
    let spec = JobSpec {
        id: id.clone(),
        project: record.project.clone(),
        repository: record.project.clone().into(),
        commit: record.push.commit.clone(),
        checkout,
        branch: plan.checked_out().map(str::to_owned),
        place,
        caches,
        artifacts: penstock_pipeline::artifact_spec(planned, &env),
        env,
        files: context.files,
        masks,
        image: containers.image,
        services: containers.services,
        step_images: containers.step_images,
        actions,
        inputs: context.inputs.artifacts,
        kept,
        cache_scopes: cache_scopes(parts, record, &scope),
        timeout: planned.timeout,
    };
    let env = spec.env.clone();
    let mut report = parts.runner.run(spec, steps, log.clone(), cancel).await?;
    publish(parts, record, planned, id, &env, &mut report, &*log).await?;
    Ok(JobReport { deployment: deployment(plan, planned, &env, &report), reuse, ..report })
}

/// Makes the tag release of a job that has succeeded, and says so in its log; where that cannot be, the job has failed.
async fn publish(
    parts: &Parts,
    record: &RunRecord,
    planned: &PlannedJob,
    id: &AttemptId,
    env: &BTreeMap<String, EnvValue>,
    report: &mut JobReport,
    log: &dyn LogSink,
) -> Result<(), EffectError> {
    match tag_releases::publish(parts, record, planned, id, env, report).await? {
        None => Ok(()),
        Some(Ok(said)) => note(parts, log, &said).await,
        Some(Err(why)) => {
            report.end = JobEnd::Exited { code: 1 };
            note(parts, log, &why).await
        }
    }
}

/// What a job that succeeded did to the environment that its file names.
fn deployment(plan: &Plan, planned: &PlannedJob, env: &BTreeMap<String, EnvValue>, report: &JobReport) -> Option<Deployment> {
    let good = report.end == JobEnd::Exited { code: 0 };
    good.then(|| penstock_pipeline::deployment(plan, planned, env, &report.dotenv)).flatten()
}

/// Artifacts that other jobs of the run have kept by name so far. Its own of an attempt before do not stand in a job's way.
fn kept_artifacts(record: &RunRecord, plan: &Plan, job: &JobName) -> Vec<KeptArtifact> {
    let Some(state) = &record.run else { return Vec::new() };
    let others = plan.jobs.iter().filter(|other| other.name != *job);
    others.filter_map(|other| state.report(&other.name)).flat_map(|report| report.kept.iter().cloned()).collect()
}

/// What a job starts in, by its variables.
async fn checkout(parts: &Parts, record: &RunRecord, plan: &Plan, env: &BTreeMap<String, EnvValue>) -> Result<Checkout, EffectError> {
    let checkout = penstock_pipeline::checkout(plan.dialect, env).map_err(EffectError::Other)?;
    if !penstock_pipeline::asks_for_lfs(plan.dialect, env) {
        return Ok(checkout);
    }
    let attributes = parts.git.read(&record.project.clone().into(), &record.push.commit, ".gitattributes", MAX_KEY_FILE).await?;
    if attributes.is_some_and(|bytes| String::from_utf8_lossy(&bytes).contains("filter=lfs")) {
        let why = "the job asks for files of Git LFS (`GIT_LFS_SKIP_SMUDGE: 0`), and `.gitattributes` names some: nobody fetches them here";
        return Err(EffectError::Other(why.to_owned()));
    }
    Ok(checkout)
}
