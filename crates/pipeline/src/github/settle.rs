//! A job of which more is known once what it needs is done: it becomes the jobs of its matrix, or what it calls.

use std::collections::BTreeMap;

use penstock_model::JobName;

use super::actions;
use super::called::inputs_of;
use super::contexts;
use super::late::Late;
use super::planner::{Planner, Scope};
use super::workflow::File;
use crate::input::{PushEvent, Source};
use crate::library::{FileRef, Found, Library, Unplanned};
use crate::plan::{MAX_JOBS, Plan, PlannedCall, PlannedJob};
use crate::reader::Problems;
use crate::run::{CallState, NeedResult};
use crate::yaml::{Budget, Schema};

/// What a job became.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Settled {
    pub(crate) jobs: Vec<PlannedJob>,
    pub(crate) calls: Vec<PlannedCall>,
}

/// Settles a job whose needs are done. An error is for people, and fails it.
pub(crate) fn settle(
    plan: &Plan,
    job: &PlannedJob,
    calls: &BTreeMap<String, CallState>,
    needs: &BTreeMap<String, NeedResult>,
) -> Result<Settled, String> {
    let root = FileRef::Local { path: plan.path.clone() };
    let call = plan.chain(job.call.as_deref()).next();
    let file = call.map_or(&root, |call| &call.file);
    let source = plan.sources.iter().find(|source| source.file == *file).ok_or("the plan does not keep its file")?;
    let path = if call.is_some() { file.to_string() } else { plan.path.clone() };
    // the file was read without fault before
    let mut problems = Problems::new(&path, Schema::Core);
    let tree = problems.document(&Source { path: &path, text: &source.text }, 0, &mut Budget::new()).ok_or("its file cannot be read")?;
    let read = File::read(&tree, &mut problems).ok_or("its file has no jobs")?;
    let draft = read.drafts.iter().find(|draft| draft.key == job.key()).ok_or("its file has no such job")?;
    let mut early = contexts::of_scope(plan, inputs_of(plan, job.call.as_deref(), calls), needs);
    early.values.retain(|name, _| ["github", "vars", "inputs", "needs"].contains(name));
    let permissions = match (&read.permissions, call.and_then(|call| call.permissions.as_ref())) {
        (Some(own), Some(outer)) => Some(own.within(outer)),
        (own, outer) => own.clone().or_else(|| outer.cloned()),
    };
    let mut chain: Vec<FileRef> = plan.chain(job.call.as_deref()).map(|call| call.file.clone()).chain([root.clone()]).collect();
    chain.reverse();
    let scope = Scope {
        call: job.call.clone(),
        title: call.map(|call| call.title.clone()),
        because: job.because.clone(),
        source: source.clone(),
        chain,
        early,
        late: Late::default(),
        permissions,
    };
    let mut library = Library::new();
    for source in &plan.sources {
        library.put(source.file.clone(), Ok(Found::new(&source.text)));
    }
    let mut planner = Planner::new(&plan.event, &library, true);
    planner.called = plan.calls.iter().map(|call| call.file.clone()).collect();
    let mut problems = Problems::new(&path, Schema::Core);
    planner.settle(draft, &scope, &job.because, true, &mut problems);
    let Planner { mut jobs, calls, .. } = planner;
    if draft.call.is_none() {
        // read with the files that they name, while planning
        jobs.iter_mut().for_each(|settled| settled.steps.clone_from(&job.steps));
    } else {
        let local = plan.sources.iter().filter_map(|source| match &source.file {
            FileRef::Local { path } => Some(path.clone()),
            _ => None,
        });
        let event = PushEvent { files: local.collect(), ..plan.event.clone() };
        actions::read_local(&mut jobs, &event, &library, &mut problems);
    }
    match problems.fault() {
        Some(Unplanned::Refused(problems)) => Err(problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")),
        Some(Unplanned::Wants(files)) => Err(format!("the plan does not keep {files:?}")),
        None if plan.jobs.len() + jobs.len() > MAX_JOBS => Err(format!("the run would have more than {MAX_JOBS} jobs")),
        None if jobs.is_empty() => Err("nothing is left of it".to_owned()),
        None => Ok(Settled { jobs, calls }),
    }
}

/// Puts what a job became in its place.
pub(crate) fn replace(plan: &mut Plan, job: &JobName, settled: &Settled) {
    let Some(place) = plan.jobs.iter().position(|own| own.name == *job) else { return };
    plan.jobs.splice(place..=place, settled.jobs.iter().cloned());
    plan.calls.extend(settled.calls.iter().cloned());
    super::needs::settle(plan);
}
