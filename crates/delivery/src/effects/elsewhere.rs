//! Artifacts of jobs of other pipelines.

use std::collections::BTreeMap;

use penstock_model::job::JobReport;
use penstock_model::{JobName, RunId};
use penstock_pipeline::{JobContext, JobState, Place, Plan};

use crate::merge_requests::WITHHELD;
use crate::world::{RunRecord, World};

/// Adds what a job gets from other pipelines to what it gets from its own, which goes over it; or says why it cannot start.
pub(super) fn add(world: &World, record: &RunRecord, plan: &Plan, job: &JobName, context: &mut JobContext) -> Result<(), String> {
    let (mut artifacts, mut dotenv) = (Vec::new(), BTreeMap::new());
    for (place, name) in plan.elsewhere(job, context) {
        let report = report(world, record, &place, &name).map_err(|why| format!("the job needs `{name}` of another pipeline: {why}"))?;
        artifacts.extend(report.artifacts);
        dotenv.extend(report.dotenv.iter().map(|(name, value)| (name.clone(), value.clone())));
    }
    artifacts.append(&mut context.inputs.artifacts);
    dotenv.append(&mut context.inputs.dotenv);
    (context.inputs.artifacts, context.inputs.dotenv) = (artifacts, dotenv);
    Ok(())
}

fn report<'w>(world: &'w World, record: &RunRecord, place: &Place, name: &str) -> Result<&'w JobReport, String> {
    let job = name.parse::<JobName>().map_err(|_| "this is no job's name".to_owned())?;
    let succeeded = |run: &'w RunRecord| {
        let state = run.run.as_ref().filter(|state| state.job(&job) == Some(&JobState::Succeeded))?;
        state.report(&job)
    };
    match place {
        Place::Pipeline { pipeline } => {
            let run = pipeline.parse::<RunId>().ok().and_then(|id| world.runs.get(&id));
            let family = |run: &RunRecord| world.root(run).id == world.root(record).id;
            let run = run.filter(|run| family(run)).ok_or_else(|| {
                format!("`{pipeline}` is no pipeline of this family\nhelp: hand the id to the child: `variables: {{PARENT_PIPELINE_ID: $CI_PIPELINE_ID}}`")
            })?;
            succeeded(run).ok_or_else(|| {
                let why =
                    if run.run.as_ref().is_some_and(|state| state.job(&job).is_some()) { "did not succeed in it" } else { "is not in it" };
                format!("it {why}\nhelp: let the job with `trigger` need it")
            })
        }
        Place::Project { project, reference } => {
            let found = project.parse().ok().and_then(|name| world.projects.get(&name));
            let found = found.ok_or_else(|| format!("this server has no project `{project}`"))?;
            if world.is_outside(record) {
                return Err(WITHHELD.to_owned());
            }
            let who = &record.push.pusher;
            if found.name != record.project && !world.users.contains_key(who) {
                return Err(format!("{who} may not read `{project}`: artifacts are had in the name of whoever started the pipeline"));
            }
            let of = |run: &&std::sync::Arc<RunRecord>| {
                let full = &run.push.reference;
                let name = full.strip_prefix("refs/heads/").or_else(|| full.strip_prefix("refs/tags/"));
                name == Some(reference.as_str()) && !run.brings_plan && run.child_of().is_none()
            };
            let mut runs = found.runs.iter().rev().filter_map(|id| world.runs.get(id)).filter(of);
            runs.find_map(|run| succeeded(run)).ok_or_else(|| format!("no pipeline of `{project}` for `{reference}` has it with success"))
        }
    }
}
