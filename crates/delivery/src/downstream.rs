//! Jobs that start a pipeline, and the runs of these: one story, told by the log.
//!
//! The run's id follows from the attempt that starts it, so that a server that dies between the two neither loses nor doubles it:
//! the next one looks whether there is a run of that id. How the job stands is read off the run whenever somebody looks.

use penstock_model::ids::Actor;
use penstock_model::job::{AttemptId, JobEnd};
use penstock_model::{Digest, JobName, RunId, Secret};
use penstock_pipeline::{
    AllowFailure, Downstream, JobContext, JobInputs, JobState, Plan, PlannedJob, Run, RunCommand, RunStatus, Status, Strategy, Triggered,
    TriggeredOf,
};

use crate::world::{RunRecord, World};

/// How deep child pipelines may stand in each other (GitLab's own bound).
pub const MAX_DEPTH: usize = 2;
/// The most pipelines of one tree, of all projects (GitLab's own bound).
pub const MAX_TREE: usize = 1_000;

/// What is to be done next about a job that starts a pipeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Its attempt starts.
    Start,
    /// Its run is to be made.
    Make,
    /// It ends.
    End(JobEnd),
    /// It stands otherwise now, and is not over.
    Follow(Status),
}

/// The run that an attempt of a job starts.
pub fn run_of(record: &RunRecord, job: &JobName, attempt: u32) -> Option<RunId> {
    let times = record.times.get(job).filter(|times| times.attempt == attempt)?;
    let digest = Digest::of(format!("{}\0{job}\0{attempt}", record.id));
    let bits = digest.as_bytes().iter().take(16).fold(0_u128, |bits, byte| bits << 8 | u128::from(*byte));
    Some(RunId::from_parts(u64::try_from(times.started.0).unwrap_or(0), bits))
}

/// What is to be done about this attempt of a job now, if something is.
pub fn due(world: &World, record: &RunRecord, job: &JobName, attempt: u32) -> Option<Step> {
    let state = record.run.as_ref()?;
    let planned = state.plan()?.job(job)?;
    let trigger = planned.trigger.as_ref()?;
    let stands = state.job(job)?;
    if *stands == JobState::Ready && state.attempts(job) + 1 == attempt {
        return Some(Step::Start);
    }
    if state.begun(job) != Some(attempt) {
        return None;
    }
    let runs = matches!(stands, JobState::Running { .. });
    if let Downstream::Latest { .. } = trigger.downstream {
        return match latest(world, record, planned, attempt) {
            Ok(other) => follow(stands, trigger.strategy, other, record, job).filter(|_| runs || *stands == JobState::Manual),
            Err(why) => runs.then_some(Step::End(JobEnd::SystemFailure { why })),
        };
    }
    match world.runs.get(&run_of(record, job, attempt)?) {
        None => runs.then_some(Step::Make),
        Some(other) => follow(stands, trigger.strategy, other, record, job),
    }
}

/// How a job goes on, given how the pipeline stands that it follows.
fn follow(stands: &JobState, strategy: Option<Strategy>, other: &RunRecord, record: &RunRecord, job: &JobName) -> Option<Step> {
    let runs = matches!(stands, JobState::Running { .. });
    let fails = |why: String| runs.then_some(Step::End(JobEnd::SystemFailure { why }));
    if other.rejected.is_some() {
        return fails("the pipeline that it starts cannot be made".to_owned());
    }
    let run = other.run.as_ref()?;
    if run.plan().is_some_and(Plan::is_empty) {
        return fails("the pipeline that it starts has no job".to_owned());
    }
    let Some(strategy) = strategy else {
        return runs.then_some(Step::End(JobEnd::Exited { code: 0 }));
    };
    let status = run.status();
    if other.ended.is_none() {
        return match (stands, status) {
            (JobState::Running { .. }, RunStatus::Blocked) if strategy == Strategy::Mirror => Some(Step::Follow(Status::Manual)),
            (JobState::Running { .. }, _) | (JobState::Manual, RunStatus::Blocked) => None,
            // what was cancelled before its pipeline was told so does not go on
            (JobState::Cancelled { .. }, _) => {
                let since = record.times.get(job).and_then(|times| times.ended);
                other.taken_up.filter(|at| since.is_some_and(|since| *at > since)).map(|_| Step::Follow(Status::Running))
            }
            (JobState::Manual | JobState::Succeeded | JobState::Failed { .. } | JobState::Skipped { .. }, _) => {
                Some(Step::Follow(Status::Running))
            }
            _ => None,
        };
    }
    if *stands == JobState::Manual {
        return Some(Step::Follow(Status::Running));
    }
    if !runs {
        return None;
    }
    match status {
        RunStatus::Success | RunStatus::SuccessWithWarnings => Some(Step::End(JobEnd::Exited { code: 0 })),
        RunStatus::Cancelled => Some(Step::End(JobEnd::Cancelled)),
        RunStatus::Skipped if strategy == Strategy::Mirror => Some(Step::Follow(Status::Skipped)),
        RunStatus::Skipped => fails("nothing ran in the pipeline that it started".to_owned()),
        _ => fails(format!("the pipeline that it started failed: {}", failed_jobs(run))),
    }
}

/// The first jobs that failed, for people.
fn failed_jobs(run: &Run) -> String {
    let failed = run.jobs().filter(|(_, state)| matches!(state, JobState::Failed { allowed: false, .. }));
    failed.take(3).map(|(job, _)| format!("`{}`", job.name)).collect::<Vec<_>>().join(", ")
}

/// The last run of another project's main branch when the job started.
fn latest<'w>(world: &'w World, record: &RunRecord, planned: &PlannedJob, attempt: u32) -> Result<&'w RunRecord, String> {
    let Some(Triggered { of: TriggeredOf::Latest { project }, .. }) = triggered(world, record, planned, attempt, JobInputs::default())?
    else {
        return Err("it stands for no pipeline".to_owned());
    };
    let found = project.parse().ok().and_then(|name| world.projects.get(&name));
    let found = found.ok_or_else(|| format!("this server has no project `{project}`"))?;
    let started = record.times.get(&planned.name).map(|times| times.started);
    let runs = found.runs.iter().rev().filter_map(|id| world.runs.get(id));
    let of_main = |run: &&std::sync::Arc<RunRecord>| {
        found.delivers(&run.push.reference) && !run.brings_plan && run.child_of().is_none() && started.is_some_and(|at| run.push.at <= at)
    };
    runs.filter(|run| run.id != record.id)
        .find(of_main)
        .map(|run| &**run)
        .ok_or_else(|| format!("`{project}` has no pipeline of `{}` yet", found.branch))
}

/// What an attempt of a job starts, its variables filled in. Of secrets only the names are known here.
///
/// # Errors
/// Why it cannot be started, for people.
pub fn triggered(
    world: &World,
    record: &RunRecord,
    planned: &PlannedJob,
    attempt: u32,
    inputs: JobInputs,
) -> Result<Option<Triggered>, String> {
    let Some(plan) = record.run.as_ref().and_then(Run::plan) else { return Ok(None) };
    plan.triggered(&planned.name, &context(world, record, &planned.name, attempt, inputs))
}

/// What a job's variables are filled in from before it has a place to run.
pub fn context(world: &World, record: &RunRecord, job: &JobName, attempt: u32, inputs: JobInputs) -> JobContext {
    let project = world.projects.get(&record.project);
    let names = project.into_iter().flat_map(|project| project.secrets.keys());
    JobContext {
        run: record.id.clone(),
        number: number_of(world, record),
        attempt,
        workspace: String::new(),
        created_at: record.push.at,
        started_at: record.times.get(job).map_or(record.push.at, |times| times.started),
        // where the name is handed to, it is filled in again
        secrets: names.map(|(name, _)| (name.clone(), Secret::new(format!("${{{name}}}")))).collect(),
        plain: std::collections::BTreeMap::new(),
        files: std::collections::BTreeMap::new(),
        token: None,
        id_tokens: std::collections::BTreeMap::new(),
        tags: Vec::new(),
        inputs,
    }
}

/// A run's number within its project.
pub fn number_of(world: &World, record: &RunRecord) -> u64 {
    let place = world.projects.get(&record.project).and_then(|project| project.runs.iter().position(|run| *run == record.id));
    place.map_or(1, |place| place as u64 + 1)
}

/// Child pipelines that go on although the pipeline of their parent was cancelled.
pub fn to_be_cancelled(world: &World, record: &RunRecord) -> bool {
    let Some(parent) = record.child_of().and_then(|by| world.runs.get(&by.run)) else { return false };
    let open = record.ended.is_none() && record.run.as_ref().is_some_and(|run| !run.is_cut() && !run.status().is_finished());
    // somebody who takes it up again afterwards wants it all the same
    open && parent.cut.is_some_and(|cut| record.taken_up.is_none_or(|at| at < cut))
}

/// What a child is told whose parent was cancelled.
pub fn cancel() -> RunCommand {
    RunCommand::Cancel { by: Actor::Penstock }
}

impl RunRecord {
    /// The job of the parent pipeline, if this is a child.
    pub fn child_of(&self) -> Option<&AttemptId> {
        self.upstream.as_ref().filter(|upstream| upstream.child).map(|upstream| &upstream.by)
    }
}

impl World {
    /// The pipeline above all parents of a child; any other is its own.
    pub fn root<'w>(&'w self, record: &'w RunRecord) -> &'w RunRecord {
        self.above(record).last().unwrap_or(record)
    }

    /// The parent of a child pipeline, its parent, and so on.
    pub fn above<'w>(&'w self, record: &'w RunRecord) -> impl Iterator<Item = &'w RunRecord> {
        let up = |record: &&'w RunRecord| record.child_of().and_then(|by| self.runs.get(&by.run)).map(|parent| &**parent);
        std::iter::successors(up(&record), up).take(MAX_TREE)
    }

    /// The pipelines that started this one, whatever project they are of.
    pub fn upstream<'w>(&'w self, record: &'w RunRecord) -> impl Iterator<Item = &'w RunRecord> {
        let up = |record: &&'w RunRecord| record.upstream.as_ref().and_then(|up| self.runs.get(&up.by.run)).map(|parent| &**parent);
        std::iter::successors(up(&record), up).take(MAX_TREE)
    }

    /// Runs that jobs of this one started, oldest first, each with the job.
    pub fn downstream<'w>(&'w self, run: &RunId) -> Vec<(&'w JobName, &'w RunRecord)> {
        let started = self.starts.get(run).into_iter().flatten().filter_map(|id| self.runs.get(id));
        started.filter_map(|record| Some((&record.upstream.as_ref()?.by.job, &**record))).collect()
    }

    /// How many pipelines there are in the tree of this one.
    pub fn tree_size(&self, record: &RunRecord) -> usize {
        let top = self.upstream(record).last().unwrap_or(record);
        let (mut count, mut open) = (0, vec![&top.id]);
        while let Some(id) = open.pop() {
            count += 1;
            open.extend(self.starts.get(id).into_iter().flatten());
        }
        count
    }

    /// The runs whose images make one release: this one, those beside it, and the children of all of these; `None` while one of
    /// them is not over or did not come to a good end.
    pub fn parts_of_release<'w>(&'w self, record: &'w RunRecord, fine: &dyn Fn(&RunRecord) -> bool) -> Option<Vec<&'w RunRecord>> {
        // of an image that several built, the push's own counts
        let mut own = self.with_children(record, fine)?;
        own.reverse();
        let mut all = Vec::new();
        for other in self.beside(&record.id) {
            all.extend(self.with_children(other, fine)?);
        }
        all.extend(own);
        Some(all)
    }

    /// A run and its children, near and far, whose images make one release; `None` while one of them is not over or did not come
    /// to a good end. A child that failed stands in nobody's way if its job may fail: what it built is left out.
    pub fn with_children<'w>(&'w self, record: &'w RunRecord, fine: &dyn Fn(&RunRecord) -> bool) -> Option<Vec<&'w RunRecord>> {
        if !fine(record) {
            return None;
        }
        let mut all = vec![record];
        let jobs = record.run.iter().flat_map(Run::jobs).filter(|(job, _)| job.trigger.is_some());
        for (job, _) in jobs {
            let attempt = record.run.as_ref().and_then(|run| run.begun(&job.name));
            let child = attempt.and_then(|attempt| self.runs.get(&run_of(record, &job.name, attempt)?));
            let Some(child) = child.filter(|child| child.child_of().is_some()) else { continue };
            match self.with_children(child, fine) {
                Some(more) => all.extend(more),
                None if child.ended.is_some() && job.allow_failure != AllowFailure::No => {}
                None => return None,
            }
        }
        Some(all)
    }
}
