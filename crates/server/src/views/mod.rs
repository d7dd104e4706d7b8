//! The world as the wire types have it. Pages, API and command line all show these.

mod annotations;
mod clocks;
mod environments;
mod explain;
mod glass;
mod merge_requests;
mod named;
mod releases;
mod runs;
mod statements;
mod tag_releases;
mod tests;
mod trace;

pub use clocks::clocks;
pub use environments::{environment, environment_summaries};
pub use explain::explain;
pub use glass::{asked, glass, glass_of, opened};
pub use merge_requests::{merge_request, merge_requests};
pub use named::{deployments, named_environment, named_environments};
pub use releases::step_word;
pub use releases::{release, releases};
pub use runs::{first_line, run, run_summary, runs, status_word};
pub use statements::{statement_view, summary as statement_summary};
pub use tag_releases::tag_releases;
pub use tests::{tested_refs, tests};
pub use trace::trace;

use penstock_api::{ProjectSummary, Status, Trouble};
use penstock_delivery::{ProjectRecord, RunRecord, World};
use penstock_model::UserName;

use crate::App;

/// How the server stands.
pub fn status(app: &App, user: Option<UserName>) -> Status {
    let world = app.parts.journal.world();
    let troubles = app.parts.troubles.list();
    Status {
        version: app.version.to_owned(),
        since: app.since,
        user,
        projects: world.projects.values().map(|project| project_summary(app, project)).collect(),
        troubles: troubles
            .into_iter()
            .map(|trouble| Trouble { effect: trouble.effect, error: trouble.error, tries: trouble.tries, again: trouble.again })
            .collect(),
        position: world.position,
    }
}

/// The last run that is no child of another one.
fn last_run<'w>(world: &'w World, project: &ProjectRecord) -> Option<&'w RunRecord> {
    let runs = project.runs.iter().rev().filter_map(|id| world.runs.get(id));
    runs.map(|record| &**record).find(|record| record.child_of().is_none())
}

/// A project in a list.
pub fn project_summary(app: &App, project: &ProjectRecord) -> ProjectSummary {
    let world = app.parts.journal.world();
    let url = &app.parts.settings.url;
    ProjectSummary {
        name: project.name.clone(),
        config: project.config_repository.to_string(),
        branch: project.branch.clone(),
        clone_url: format!("{url}/git/{}.git", project.name),
        config_clone_url: format!("{url}/git/{}.git", project.config_repository),
        last_run: last_run(&world, project).map(run_summary),
        environments: environment_summaries(app, project),
        config_error: project.config.as_ref().and_then(|seen| seen.error.clone()),
    }
}
