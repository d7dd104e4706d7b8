//! Environments that jobs name.

use axum::Json;
use axum::extract::{Path, State};
use penstock_api::NamedEnvironmentView;
use penstock_delivery::environments;
use penstock_delivery::events::Role;
use penstock_model::ProjectName;
use penstock_model::ids::Actor;

use super::orders::{Answer, done};
use crate::auth::Caller;
use crate::problem::Failure;
use crate::{App, views};

pub(super) async fn list(
    State(app): State<App>,
    _: Caller,
    Path(project): Path<ProjectName>,
) -> Result<Json<Vec<NamedEnvironmentView>>, Failure> {
    let world = app.parts.journal.world();
    let record = world.projects.get(&project).ok_or_else(|| Failure::absent(format!("project `{project}`")))?;
    Ok(Json(views::named_environments(&world, record)))
}

pub(super) async fn stop(State(app): State<App>, caller: Caller, Path((project, name)): Path<(ProjectName, String)>) -> Answer {
    caller.must_be(Role::Developer)?;
    environments::stop(&app.parts, Actor::User(caller.user), &project, &name).await?;
    done()
}
