//! One attempt of one job, from checkout to report.

mod archived;
mod chores;
mod container;
mod gather;
mod host;
mod left;
mod look_in;
mod own_container;
mod reports;
mod services;
mod shell;
mod step_files;
mod steps;
mod tree;

pub(crate) use container::LABEL as CONTAINER_LABEL;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::Arc;

use penstock_model::Digest;
use penstock_model::blob::LogSink;
use penstock_model::container::ImageFacts;
use penstock_model::git::{History, WorkTree};
use penstock_model::job::{ACTIONS, Checkout, EnvValue, JobEnd, JobReport, JobRunner, JobSpec, ORIGIN, RunnerError, StepSource};
use tokio_util::io::SyncIoBridge;
use tokio_util::sync::CancellationToken;

use crate::archive::unpack;
use crate::heard::Heard;
use crate::joblog::JobLog;
use crate::mask::Masks;
use crate::places::Places;
use crate::runner::{Runner, blocking, io, other, whole};
use crate::sandbox::HOME;
use crate::scratch::{Scratch, remove};
use crate::workspace::Workspace;

/// What an attempt has, for whoever carries out its steps.
struct Attempt<'a> {
    runner: &'a Runner,
    spec: &'a JobSpec,
    log: Arc<JobLog>,
    cancel: CancellationToken,
    workspace: Arc<Workspace>,
    scratch: Arc<Scratch>,
    /// The repository's objects on this machine, if the checkout has a `.git` that needs them, and where they are seen.
    objects: Vec<(PathBuf, &'static str)>,
    /// What the job's image says about itself, if it has one.
    facts: Option<ImageFacts>,
    /// Names by which its services are reached.
    hosts: BTreeMap<String, Ipv4Addr>,
    /// What steps have left so far.
    left: left::Left,
}

impl Attempt<'_> {
    /// The checkout as the job sees it.
    fn checkout(&self) -> String {
        let usual = || self.runner.workspace(&self.spec.project, &self.spec.id.job, self.spec.image.as_ref().map(|image| &image.image));
        self.spec.place.clone().unwrap_or_else(usual)
    }

    /// The directories of the job that the runner may read.
    fn places(&self) -> Places {
        Places::new(vec![
            (self.checkout(), self.workspace.tree.clone()),
            (HOME.to_owned(), self.scratch.path("home")),
            ("/tmp".to_owned(), self.scratch.path("tmp")),
        ])
        .also(own_container::WORKSPACE)
    }

    /// Trees of other repositories' actions: from where on this machine, and where the job sees them, read-only.
    fn actions(&self) -> impl Iterator<Item = (PathBuf, String)> {
        self.spec.actions.iter().map(|action| (action.tree.clone(), format!("{ACTIONS}/{}", action.place)))
    }

    /// What the job is shown of the repository, read-only: from where on this machine, and where; the outer before the inner.
    fn origin(&self) -> impl Iterator<Item = (PathBuf, String)> {
        let origin = self.objects.first().map(|_| (self.workspace.origin.clone(), ORIGIN.to_owned()));
        origin.into_iter().chain(self.objects.iter().map(|(objects, name)| (objects.clone(), format!("{ORIGIN}/{name}"))))
    }
}

/// Carries one attempt out.
pub(crate) async fn run(
    runner: &Runner,
    spec: JobSpec,
    steps: Box<dyn StepSource>,
    sink: Arc<dyn LogSink>,
    cancel: CancellationToken,
) -> Result<JobReport, RunnerError> {
    let log = JobLog::new(sink, Arc::clone(&runner.hands.clock), masks(&spec));
    if let Some(terminal) = &runner.terminal {
        tokio::select! {
            () = terminal.free() => {}
            () = cancel.cancelled() => return Ok(JobReport::bare(JobEnd::Cancelled)),
        }
    }
    let entered = tokio::select! {
        entered = runner.workspaces.enter(&spec.project, &spec.id.job, &spec.caches, spec.checkout, &log) => entered,
        () = cancel.cancelled() => return Ok(JobReport::bare(JobEnd::Cancelled)),
    };
    let mut workspace = entered.map_err(|error| other("making the workspace", error))?;
    let facts = describe(runner, &spec).await?;
    if let Some(facts) = &facts {
        // whoever the image says works in the checkout
        workspace.uid = facts.uid;
    }
    let workspace = Arc::new(workspace);
    let (objects, scratch) = tokio::join!(fetch(runner, &spec, &workspace, &log), scratch(runner, &spec, workspace.uid));
    let scratch = scratch?;
    let objects = match objects {
        Ok(objects) => objects,
        Err(error) => {
            remove(scratch).await;
            return Err(error);
        }
    };
    let mut attempt = Attempt {
        runner,
        spec: &spec,
        log: Arc::clone(&log),
        cancel,
        workspace,
        scratch: Arc::clone(&scratch),
        objects,
        left: left::Left::default(),
        facts,
        hosts: BTreeMap::new(),
    };
    let result = carry_out(&mut attempt, steps).await;
    remove(scratch).await;
    let mut report = result?;
    if let Some(error) = log.failure().await {
        report.end = JobEnd::SystemFailure { why: format!("the job's log could not be written: {}", whole(&error)) };
    }
    Ok(report)
}

/// What the job's image says about itself.
async fn describe(runner: &Runner, spec: &JobSpec) -> Result<Option<ImageFacts>, RunnerError> {
    let Some(image) = &spec.image else { return Ok(None) };
    let Some(runtime) = &runner.hands.containers else { return Err(container::no_runtime(&image.image)) };
    let facts = runtime.describe(&image.image, image.user.as_deref()).await;
    facts.map(Some).map_err(|error| other("looking at the job's image", error))
}

async fn carry_out(attempt: &mut Attempt<'_>, mut steps: Box<dyn StepSource>) -> Result<JobReport, RunnerError> {
    if attempt.cancel.is_cancelled() {
        return Ok(JobReport::bare(JobEnd::Cancelled));
    }
    let services = services::start(attempt).await?;
    if let Some(services) = &services {
        steps.services(&services.up());
    }
    attempt.hosts = services.as_ref().map(|services| services.hosts.clone()).unwrap_or_default();
    let attempt = &*attempt;
    if let Some(event) = steps.event() {
        attempt.scratch.event(&event).map_err(io("writing the event's file"))?;
        attempt.log.listen(Heard::new(attempt.places()));
        steps.files(Arc::new(tree::Tree::new(attempt.checkout(), attempt.workspace.tree.clone())));
    }
    let driven = match &attempt.spec.image {
        None => host::carry_out(attempt, steps).await,
        Some(image) => container::carry_out(attempt, image, steps).await,
    };
    let failed = !matches!(&driven, Ok(driven) if driven.end == JobEnd::Exited { code: 0 });
    if let Some(services) = services {
        services.end(attempt, failed).await?;
    }
    let driven = driven?;
    let mut report = JobReport::bare(driven.end);
    report.outputs = driven.outputs;
    report.busy_ms = u64::try_from(driven.busy.as_millis()).unwrap_or(u64::MAX);
    let gathered = match left::gather(attempt, &mut report).await {
        Ok(()) => gather::gather(attempt, &mut report).await,
        failed => failed,
    };
    let gathered = match gathered {
        Ok(()) => archived::save(attempt, &report.end).await,
        failed => failed,
    };
    if let Err(error) = gathered {
        attempt.log.note(&format!("what the job leaves could not be kept: {}", whole(&error))).await;
        report.end = JobEnd::SystemFailure { why: whole(&error) };
    }
    Ok(report)
}

fn masks(spec: &JobSpec) -> Masks {
    let secrets = spec.env.values().filter_map(|value| match value {
        EnvValue::Secret(secret) => Some(secret.clone()),
        EnvValue::Plain(_) => None,
    });
    Masks::new(secrets.chain(spec.masks.iter().cloned()))
}

/// What the job starts in: the source, if it is to have any, and what earlier jobs left. Gives where the repository's objects
/// are, and the name in `origin` by which each of them is seen.
async fn fetch(
    runner: &Runner,
    spec: &JobSpec,
    workspace: &Arc<Workspace>,
    log: &JobLog,
) -> Result<Vec<(PathBuf, &'static str)>, RunnerError> {
    let objects = match spec.checkout {
        Checkout::Commit => check_out(runner, spec, workspace, log).await?,
        Checkout::Empty => {
            let place = Arc::clone(workspace);
            blocking("emptying the workspace", move || place.clear().map_err(io("emptying the workspace"))).await?;
            log.note("the job starts without the source: `GIT_STRATEGY` says so").await;
            // for a job that clones it itself
            let history = runner.hands.git.origin(&spec.repository, &spec.commit, &work_tree(spec, workspace)).await;
            shown(history.map_err(|error| other("showing the repository", error))?, log).await
        }
    };
    let place = Arc::clone(workspace);
    blocking("handing the checkout over", move || place.hand_over().map_err(io("handing the checkout over to the job's user"))).await?;
    archived::restore(runner, spec, workspace, log).await?;
    for digest in &spec.inputs {
        input(runner, *digest, workspace).await?;
    }
    Ok(objects)
}

/// The commit's tree with its history.
async fn check_out(
    runner: &Runner,
    spec: &JobSpec,
    workspace: &Arc<Workspace>,
    log: &JobLog,
) -> Result<Vec<(PathBuf, &'static str)>, RunnerError> {
    let place = Arc::clone(workspace);
    blocking("tidying the workspace", move || place.disarm().map_err(io("tidying the workspace"))).await?;
    let what = || format!("checking out {} at {}", spec.repository, spec.commit.short());
    let wanted = work_tree(spec, workspace);
    let written = runner.hands.git.work_tree(&spec.repository, &spec.commit, &workspace.tree, &workspace.keep, &wanted).await;
    Ok(shown(written.map_err(|error| other(what(), error))?, log).await)
}

fn work_tree(spec: &JobSpec, workspace: &Workspace) -> WorkTree {
    WorkTree { branch: spec.branch.clone(), origin: workspace.origin.clone(), seen_at: ORIGIN.into() }
}

/// Where the repository's objects are, and the name in `origin` by which each of them is seen.
async fn shown(history: History, log: &JobLog) -> Vec<(PathBuf, &'static str)> {
    match history {
        History::Objects { own, borrowed } => {
            [Some((own, "objects")), borrowed.map(|borrowed| (borrowed, "borrowed"))].into_iter().flatten().collect()
        }
        History::Absent { why } => {
            log.note(&format!("the job sees no repository: {why}")).await;
            Vec::new()
        }
    }
}

async fn input(runner: &Runner, digest: Digest, workspace: &Arc<Workspace>) -> Result<(), RunnerError> {
    let what = move || format!("unpacking the artifacts {}", digest.short());
    let stream = runner.hands.blobs.get(digest).await.map_err(|error| other(what(), error))?;
    let (bridge, place) = (SyncIoBridge::new(stream), Arc::clone(workspace));
    blocking("unpacking artifacts", move || unpack(bridge, &place.tree, place.uid).map_err(|error| other(what(), error))).await
}

async fn scratch(runner: &Runner, spec: &JobSpec, uid: u32) -> Result<Arc<Scratch>, RunnerError> {
    let name = format!("{}-{}-{}", spec.id.run, Digest::of(spec.id.job.as_str()).short(), spec.id.attempt);
    let dir = runner.settings.dir.clone();
    // a workflow's actions keep tools there; any other job finds its home empty
    let files = spec.files.clone();
    let keeps_tools = spec.env.contains_key("RUNNER_TOOL_CACHE");
    let make = move || {
        let scratch = Scratch::make(&dir, &name, uid)?;
        scratch.variables(&files)?;
        if keeps_tools {
            scratch.folder("home/.toolcache", 0o755)?;
        }
        Ok(Arc::new(scratch))
    };
    blocking("making the job's directories", move || make().map_err(io("making the job's directories"))).await
}
