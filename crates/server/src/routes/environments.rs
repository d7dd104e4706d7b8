//! Environments that jobs name.

use axum::Json;
use axum::extract::{Path, State};
use penstock_api::{DeployedView, NamedEnvironmentView};
use penstock_delivery::environments::{self, NamedEnvironment, Standing};
use penstock_delivery::events::Role;
use penstock_model::ProjectName;
use penstock_model::ids::Actor;

use super::orders::{Answer, done};
use crate::App;
use crate::auth::Caller;
use crate::problem::Failure;

pub(super) async fn list(
    State(app): State<App>,
    _: Caller,
    Path(project): Path<ProjectName>,
) -> Result<Json<Vec<NamedEnvironmentView>>, Failure> {
    let world = app.parts.journal.world();
    let record = world.projects.get(&project).ok_or_else(|| Failure::absent(format!("project `{project}`")))?;
    let view = |(name, environment): (&String, &NamedEnvironment)| {
        let state = match environment.standing(&world) {
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
        NamedEnvironmentView { name: name.clone(), state: state.to_owned(), tier, url, deployed, on_stop, stops_at }
    };
    Ok(Json(record.environments.iter().map(view).collect()))
}

pub(super) async fn stop(State(app): State<App>, caller: Caller, Path((project, name)): Path<(ProjectName, String)>) -> Answer {
    caller.must_be(Role::Developer)?;
    environments::stop(&app.parts, Actor::User(caller.user), &project, &name).await?;
    done()
}
