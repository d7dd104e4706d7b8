//! Environments that jobs of pipeline files name.

use penstock_api::{DeployedView, NamedEnvironmentView};
use penstock_delivery::environments::{NamedEnvironment, Standing};
use penstock_delivery::{ProjectRecord, World};
use penstock_model::job::DeploymentAction;

/// All of a project, by their names.
pub fn named_environments(world: &World, project: &ProjectRecord) -> Vec<NamedEnvironmentView> {
    project.environments.iter().map(|(name, environment)| named_environment(world, name, environment)).collect()
}

/// One of them.
pub fn named_environment(world: &World, name: &str, environment: &NamedEnvironment) -> NamedEnvironmentView {
    let state = match environment.standing(world) {
        Standing::Available => "available",
        Standing::Stopping => "stopping",
        Standing::Stopped => "stopped",
    };
    let deployed = environment.deployed.clone().map(|of| DeployedView {
        run: of.run,
        job: of.job,
        commit: of.commit,
        reference: of.reference,
        at: of.at,
    });
    let NamedEnvironment { tier, url, on_stop, stops_at, .. } = environment.clone();
    NamedEnvironmentView { name: name.to_owned(), state: state.to_owned(), tier, url, deployed, on_stop, stops_at }
}

/// What kept runs did to an environment, the newest first: each with what it did (`deployed`, `stopped`).
pub fn deployments(world: &World, project: &ProjectRecord, name: &str, limit: usize) -> Vec<(&'static str, DeployedView)> {
    let mut found = Vec::new();
    for run in project.runs.iter().rev().filter_map(|id| world.runs.get(id)) {
        let of_run = run.times.iter().filter_map(|(job, times)| {
            let deployment = times.report.as_ref()?.deployment.as_ref().filter(|deployment| deployment.environment == name)?;
            let what = match deployment.action {
                DeploymentAction::Start => "deployed",
                DeploymentAction::Stop => "stopped",
                _ => return None,
            };
            let (reference, commit) = (run.push.reference.clone(), run.push.commit.clone());
            Some((what, DeployedView { run: run.id.clone(), job: job.clone(), commit, reference, at: times.ended? }))
        });
        found.extend(of_run);
        if found.len() >= 2 * limit {
            break;
        }
    }
    found.sort_by_key(|(_, of)| std::cmp::Reverse(of.at));
    found.truncate(limit);
    found
}
