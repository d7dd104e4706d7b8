//! The buttons. A form comes only from this server's own pages: [`crate::origin`] looks after that.

use std::time::Duration;

use axum::Form;
use axum::extract::{FromRequestParts, Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::request::Parts as Head;
use penstock_api::EnvironmentOrder;
use penstock_delivery::events::Role;
use penstock_delivery::glass::{self, GlassOrder};
use penstock_delivery::orders::{self, RunOrder};
use penstock_model::{EnvironmentName, JobName, ProjectName, RunId};
use serde::Deserialize;

use super::{PageFailure, Viewer};
use crate::App;
use crate::auth::Caller;
use crate::problem::Failure;
use crate::routes::release_id;

/// Somebody who pressed a button on one of our pages.
pub(super) struct Presser(pub Caller);

impl FromRequestParts<App> for Presser {
    type Rejection = Response;
    async fn from_request_parts(head: &mut Head, app: &App) -> Result<Self, Response> {
        let Viewer(caller) = Viewer::from_request_parts(head, app).await?;
        caller.must_be(Role::Developer).map_err(|failure| PageFailure(failure).into_response())?;
        Ok(Self(caller))
    }
}

pub(super) type Pressed = Result<Redirect, PageFailure>;

pub(super) async fn approve(
    State(app): State<App>,
    Presser(caller): Presser,
    Path(release): Path<String>,
    Form(order): Form<EnvironmentOrder>,
) -> Pressed {
    let id = release_id(&app, &release)?;
    orders::approve(&app.parts, &caller.user, id, &order.environment).await.map_err(Failure::from)?;
    Ok(Redirect::to(&format!("/releases/{}", id.0.hex())))
}

/// The form under a gate that refuses: to ask, and to confirm.
#[derive(Deserialize)]
pub(super) struct GlassForm {
    environment: EnvironmentName,
    #[serde(default)]
    reason: String,
    hours: Option<u64>,
    #[serde(default)]
    confirm: bool,
}

pub(super) async fn break_glass(
    State(app): State<App>,
    Presser(caller): Presser,
    Path(release): Path<String>,
    Form(form): Form<GlassForm>,
) -> Pressed {
    let id = release_id(&app, &release)?;
    let order = GlassOrder {
        by: caller.user,
        release: id,
        environment: form.environment,
        reason: form.reason,
        lasts: form.hours.map(|hours| Duration::from_secs(hours.saturating_mul(3600))),
        confirm: form.confirm,
    };
    glass::break_glass(&app.parts, &order).await.map_err(Failure::from)?;
    Ok(Redirect::to(&format!("/releases/{}", id.0.hex())))
}

pub(super) async fn rollout(
    State(app): State<App>,
    Presser(caller): Presser,
    Path((project, environment, order)): Path<(ProjectName, EnvironmentName, String)>,
) -> Pressed {
    app.keeper.order(&app.parts, &caller.user, &project, &environment, &order).await.map_err(Failure::from)?;
    Ok(Redirect::to(&format!("/projects/{project}/environments/{environment}")))
}

pub(super) async fn roll_back(
    State(app): State<App>,
    Presser(caller): Presser,
    Path((project, environment)): Path<(ProjectName, EnvironmentName)>,
) -> Pressed {
    orders::roll_back(&app.parts, &caller.user, &project, &environment).await.map_err(Failure::from)?;
    Ok(Redirect::to(&format!("/projects/{project}/environments/{environment}")))
}

async fn run_order(app: &App, caller: &Caller, run: &RunId, order: RunOrder) -> Pressed {
    orders::order_run(&app.parts, &caller.user, run, order).await.map_err(Failure::from)?;
    Ok(Redirect::to(&format!("/runs/{run}")))
}

pub(super) async fn cancel(State(app): State<App>, Presser(caller): Presser, Path(run): Path<RunId>) -> Pressed {
    run_order(&app, &caller, &run, RunOrder::Cancel).await
}

pub(super) async fn retry_failed(State(app): State<App>, Presser(caller): Presser, Path(run): Path<RunId>) -> Pressed {
    run_order(&app, &caller, &run, RunOrder::RetryFailed).await
}

pub(super) async fn retry(State(app): State<App>, Presser(caller): Presser, Path((run, job)): Path<(RunId, JobName)>) -> Pressed {
    run_order(&app, &caller, &run, RunOrder::Retry(job)).await
}

pub(super) async fn play(State(app): State<App>, Presser(caller): Presser, Path((run, job)): Path<(RunId, JobName)>) -> Pressed {
    run_order(&app, &caller, &run, RunOrder::Play(job)).await
}
