//! A job's steps, one after the other, with their limits; whoever starts the processes is a [`Body`].

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use penstock_model::job::{Chore, EnvValue, JobEnd, NextStep, RunnerError, StepOutcome, StepSource, StepSpec, Work};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::own_container::OwnContainer;
use super::step_files::StepFiles;
use super::{Attempt, chores, look_in};
use crate::heard::without_forbidden;
use crate::runner::{io, other, whole};
use crate::sandbox::{HOME, StepExit};
use crate::scratch::Scratch;

/// Steps of one job; a step source that never ends is stopped.
const MAX_STEPS: usize = 1_000;
/// What steps after a cancellation or the job's time limit may take, all together.
const CLEAN_UP: Duration = Duration::from_mins(5);
/// Between SIGTERM and SIGKILL.
pub(super) const GRACE: Duration = Duration::from_secs(10);

/// A step as a process to start.
#[derive(Clone)]
pub(super) struct Call {
    /// Its number in the job.
    pub(super) index: usize,
    /// What it is.
    pub(super) step: StepSpec,
    /// Its whole environment but `PATH`, secrets marked.
    pub(super) env: BTreeMap<String, EnvValue>,
    /// Directories before `PATH`.
    pub(super) path: Vec<String>,
    /// Where it starts.
    pub(super) directory: PathBuf,
}

/// When a step is stopped.
#[derive(Clone)]
pub(super) struct Limit {
    /// At this moment …
    pub(super) at: Instant,
    /// … for this reason …
    pub(super) why: Why,
    /// … or when this is cancelled.
    pub(super) cancel: CancellationToken,
}

/// Why a step was stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// Its own time limit.
    StepTime,
    /// The job's.
    JobTime,
    /// Somebody cancelled the job.
    Cancelled,
}

/// How a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// By itself.
    Exited(StepExit),
    /// Stopped.
    Stopped(Why),
}

/// Where steps are carried out.
#[async_trait]
pub(super) trait Body: Send {
    /// Carries out a step. Everything that it wrote is in the log when this returns.
    async fn run(&mut self, call: Call, limit: &Limit) -> Result<Ended, RunnerError>;
    /// Whether nothing of the steps so far is alive, as far as it is known.
    fn is_alone(&self) -> bool {
        false
    }
    /// Has a shell run at a terminal, where and as the step did, until it ends or the job is cancelled.
    async fn shell(&mut self, call: &Call, tty: OwnedFd) -> Result<(), RunnerError>;
}

/// What the steps came to.
pub(super) struct Driven {
    /// How the job ended.
    pub(super) end: JobEnd,
    /// Its outputs.
    pub(super) outputs: BTreeMap<String, String>,
    /// Time in its own processes.
    pub(super) busy: Duration,
}

/// What earlier steps left for later ones.
#[derive(Default)]
struct Carried {
    env: BTreeMap<String, String>,
    path: Vec<String>,
    /// The files by which the next step speaks, if those of the last one are as good as new.
    files: Option<StepFiles>,
}

/// Asks for steps and carries them out until the job is over.
pub(super) async fn drive(attempt: &Attempt<'_>, mut steps: Box<dyn StepSource>, body: &mut dyn Body) -> Driven {
    let mut driven = Driven { end: JobEnd::Cancelled, outputs: BTreeMap::new(), busy: Duration::ZERO };
    let mut limit = Limit { at: Instant::now() + attempt.spec.timeout, why: Why::JobTime, cancel: attempt.cancel.clone() };
    let (mut last, mut carried, mut stopped) = (None, Carried::default(), None);
    for index in 0..MAX_STEPS {
        if stopped.is_none() && attempt.cancel.is_cancelled() {
            stopped = Some(Why::Cancelled);
            limit = clean_up();
        }
        let (came, cancelled) = (last.take(), stopped.is_some());
        // expressions may look at files
        let asked = tokio::task::spawn_blocking(move || {
            let next = steps.next(came.as_ref(), cancelled);
            (steps, next)
        });
        let next = match asked.await {
            Ok((again, next)) => {
                steps = again;
                next
            }
            Err(error) => {
                driven.end = JobEnd::SystemFailure { why: format!("what comes next could not be told: {error}") };
                return driven;
            }
        };
        match next {
            NextStep::Done { exit_code, outputs } => {
                driven.outputs = outputs;
                driven.end = match stopped {
                    None => JobEnd::Exited { code: exit_code },
                    Some(Why::Cancelled) => JobEnd::Cancelled,
                    Some(_) => JobEnd::TimedOut,
                };
                return driven;
            }
            NextStep::Run(step) => match one(attempt, body, index, step, &mut limit, &mut carried, &mut driven.busy).await {
                Ok((outcome, why)) => {
                    last = Some(outcome);
                    match why {
                        None | Some(Why::StepTime) => {}
                        // the time for cleaning up is over as well
                        Some(_) if stopped.is_some() => break,
                        Some(why) => {
                            stopped = Some(why);
                            limit = clean_up();
                        }
                    }
                }
                Err(error) => {
                    let why = whole(&error);
                    attempt.log.note(&why).await;
                    driven.end = JobEnd::SystemFailure { why };
                    return driven;
                }
            },
        }
    }
    driven.end = match stopped {
        Some(Why::Cancelled) => JobEnd::Cancelled,
        Some(_) => JobEnd::TimedOut,
        None => JobEnd::SystemFailure { why: format!("the job has more than {MAX_STEPS} steps") },
    };
    driven
}

fn clean_up() -> Limit {
    Limit { at: Instant::now() + CLEAN_UP, why: Why::JobTime, cancel: CancellationToken::new() }
}

async fn one(
    attempt: &Attempt<'_>,
    body: &mut dyn Body,
    index: usize,
    step: StepSpec,
    whole_limit: &mut Limit,
    carried: &mut Carried,
    busy: &mut Duration,
) -> Result<(StepOutcome, Option<Why>), RunnerError> {
    if !step.goes_on {
        attempt.log.note(&format!("step: {}", step.name)).await;
    }
    for note in &step.notes {
        attempt.log.note(note).await;
    }
    let silent = step.goes_on || matches!(step.work, Work::Chore(_));
    let started = Instant::now();
    let limit = match step.timeout {
        Some(timeout) if started + timeout < whole_limit.at => {
            Limit { at: started + timeout, why: Why::StepTime, cancel: whole_limit.cancel.clone() }
        }
        _ => whole_limit.clone(),
    };
    let files = files(attempt, index, carried)?;
    let call = call(attempt, index, step, carried, files.as_ref())?;
    if let Some(heard) = attempt.log.heard() {
        heard.begin(&call.step.name, |name| call.env.get(name).map(|value| text(value).to_owned()));
    }
    let looked_into = (attempt.runner.terminal.is_some() && !call.step.may_fail).then(|| call.clone());
    let chore = if let Work::Chore(chore) = &call.step.work { Some(chore.clone()) } else { None };
    let (ended, outputs) = match &chore {
        Some(chore) => within(attempt, chore, &limit).await?,
        None => {
            let ended = process(attempt, body, call, &limit).await;
            *busy += started.elapsed();
            (ended?, BTreeMap::new())
        }
    };
    if !silent || ended != (Ended::Exited(StepExit { code: Some(0), signal: None })) {
        attempt.log.note(&told(ended, started.elapsed())).await;
    }
    let mut outcome = StepOutcome::default();
    match ended {
        Ended::Exited(exit) => outcome.exit_code = exit.code,
        Ended::Stopped(why) => outcome.timed_out = why == Why::JobTime,
    }
    if let Some(heard) = attempt.log.heard() {
        heard.end(&mut outcome);
    }
    outcome.outputs.extend(outputs);
    if let Some(files) = files
        && let Err(why) = take_in(attempt, body.is_alone(), files, carried, &mut outcome).await
    {
        attempt.log.note(&whole(&why)).await;
        // what cannot be read fails the step, as a value that is missing would fail a later one
        outcome.exit_code = outcome.exit_code.map(|code| if code == 0 { 1 } else { code });
    }
    carried.env.extend(outcome.env.clone());
    for directory in &outcome.path {
        carried.path.insert(0, directory.clone());
    }
    if let Some(call) = looked_into.filter(|_| outcome.exit_code != Some(0) && ended != Ended::Stopped(Why::Cancelled)) {
        // nobody is hurried by the job's time limit
        whole_limit.at += look_in::look_in(attempt, body, call).await;
    }
    let why = if let Ended::Stopped(why) = ended { Some(why) } else { None };
    Ok((outcome, why))
}

/// A step's process, where the job runs or in a container of its own.
async fn process(attempt: &Attempt<'_>, body: &mut dyn Body, call: Call, limit: &Limit) -> Result<Ended, RunnerError> {
    match &call.step.work {
        Work::Container(container) => OwnContainer::find(attempt, container).await?.run(&call, limit).await,
        _ => body.run(call, limit).await,
    }
}

/// A chore, as long as it may take.
async fn within(attempt: &Attempt<'_>, chore: &Chore, limit: &Limit) -> Result<(Ended, BTreeMap<String, String>), RunnerError> {
    let why = tokio::select! {
        came = chores::carry_out(attempt, chore) => {
            return Ok((Ended::Exited(StepExit { code: Some(came.code), signal: None }), came.outputs));
        }
        () = tokio::time::sleep_until(limit.at) => limit.why,
        () = limit.cancel.cancelled() => Why::Cancelled,
    };
    Ok((Ended::Stopped(why), BTreeMap::new()))
}

fn told(ended: Ended, took: Duration) -> String {
    let seconds = took.as_secs_f64();
    match ended {
        Ended::Exited(StepExit { code: Some(code), .. }) => format!("exit code {code} after {seconds:.2} s"),
        Ended::Exited(StepExit { signal, .. }) => format!("ended by signal {} after {seconds:.2} s", signal.unwrap_or(0)),
        Ended::Stopped(Why::StepTime) => format!("stopped: the step's time limit was reached after {seconds:.2} s"),
        Ended::Stopped(Why::JobTime) => format!("stopped: the job's time limit was reached after {seconds:.2} s"),
        Ended::Stopped(Why::Cancelled) => format!("stopped: the job was cancelled after {seconds:.2} s"),
    }
}

fn call(attempt: &Attempt<'_>, index: usize, step: StepSpec, carried: &Carried, files: Option<&StepFiles>) -> Result<Call, RunnerError> {
    let mut directory = PathBuf::from(attempt.checkout());
    if let Some(wanted) = step.working_directory.as_deref().filter(|wanted| !wanted.is_empty()) {
        // an absolute one stands for itself; whether the job may go there is for its user and root to say
        directory.push(wanted);
    }
    let plain_env = |pairs: &BTreeMap<String, String>| {
        pairs.iter().map(|(name, value)| (name.clone(), EnvValue::Plain(value.clone()))).collect::<Vec<_>>()
    };
    let mut env: BTreeMap<String, EnvValue> = BTreeMap::new();
    for (name, value) in [("HOME", HOME), ("LANG", "C.UTF-8"), ("LOGNAME", "job"), ("TMPDIR", "/tmp"), ("USER", "job"), ("CI", "true")] {
        env.insert(name.to_owned(), EnvValue::Plain(value.to_owned()));
    }
    env.extend(plain_env(&attempt.runner.environment));
    env.extend(attempt.spec.env.clone());
    env.extend(plain_env(&carried.env));
    env.extend(step.env.clone());
    if let Some(files) = files {
        env.extend(files.variables().map(|(name, path)| (name, EnvValue::Plain(path))));
        env.insert("GITHUB_EVENT_PATH".to_owned(), EnvValue::Plain(Scratch::event_path()));
    }
    if let Some(bad) =
        env.iter().find_map(|(name, value)| (name.is_empty() || name.contains(['=', '\0']) || text(value).contains('\0')).then_some(name))
    {
        return Err(other(format!("step `{}`", step.name), format!("the variable `{}` cannot be handed to a process", bad.escape_debug())));
    }
    Ok(Call { index, step, env, path: carried.path.clone(), directory })
}

/// A variable's text, for the process that needs it.
pub(super) fn text(value: &EnvValue) -> &str {
    match value {
        EnvValue::Plain(text) => text,
        EnvValue::Secret(secret) => secret.expose(),
    }
}

/// The files by which a step speaks, which only a workflow's knows.
fn files(attempt: &Attempt<'_>, index: usize, carried: &mut Carried) -> Result<Option<StepFiles>, RunnerError> {
    match carried.files.take() {
        None if attempt.log.heard().is_some() => StepFiles::make(&attempt.scratch, index).map(Some).map_err(io("making the step's files")),
        files => Ok(files),
    }
}

/// What a step said by its files, which the next one gets if they are as good as new.
async fn take_in(
    attempt: &Attempt<'_>,
    alone: bool,
    files: StepFiles,
    carried: &mut Carried,
    outcome: &mut StepOutcome,
) -> Result<(), RunnerError> {
    read_files(attempt, &files, outcome).await?;
    // whoever is left of the step could write into what the next one takes for its own
    if alone && files.are_untouched(&attempt.scratch).map_err(io("looking at the step's files"))? {
        carried.files = Some(files);
    }
    Ok(())
}

async fn read_files(attempt: &Attempt<'_>, files: &StepFiles, outcome: &mut StepOutcome) -> Result<(), RunnerError> {
    let read = |name: &str| files.read(&attempt.scratch, name).map_err(io(format!("reading {name}")));
    let values = |name: &str| crate::files::values(name, &read(name)?).map_err(|error| other("a step's file is malformed", error));
    outcome.outputs.extend(values("GITHUB_OUTPUT")?);
    let mut env = values("GITHUB_ENV")?;
    for name in without_forbidden(&mut env) {
        attempt.log.note(&format!("error: the variable {name} cannot be set for later steps")).await;
    }
    outcome.env.extend(env);
    outcome.path.extend(crate::files::paths(&read("GITHUB_PATH")?));
    outcome.state.extend(values("GITHUB_STATE")?);
    match read("GITHUB_STEP_SUMMARY") {
        Ok(summary) => attempt.left.summarize(&summary),
        // as at GitHub, a summary that is too large is left out, and the step goes on
        Err(why) => attempt.log.note(&format!("error: the summary is left out: {}", whole(&why))).await,
    }
    Ok(())
}
