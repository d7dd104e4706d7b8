//! Merge requests.

use axum::Json;
use axum::extract::{Path, State};
use penstock_api::{AllowCommit, BegunRun, MergeOrder, MergeRequestView, MergedAt, NewMergeRequest};
use penstock_delivery::events::Role;
use penstock_delivery::merge_requests::{self, Making};
use penstock_model::ProjectName;

use super::orders::{Answer, done};
use crate::auth::Caller;
use crate::problem::Failure;
use crate::{App, views};

/// The most that a list has.
const MAX: usize = 1_000;

pub(super) async fn list(
    State(app): State<App>,
    _: Caller,
    Path(project): Path<ProjectName>,
) -> Result<Json<Vec<MergeRequestView>>, Failure> {
    views::merge_requests(&app, &project, MAX).map(Json)
}

pub(super) async fn show(
    State(app): State<App>,
    _: Caller,
    Path((project, number)): Path<(ProjectName, u64)>,
) -> Result<Json<MergeRequestView>, Failure> {
    views::merge_request(&app, &project, number).map(Json)
}

pub(super) async fn create(
    State(app): State<App>,
    caller: Caller,
    Path(project): Path<ProjectName>,
    Json(new): Json<NewMergeRequest>,
) -> Result<Json<MergeRequestView>, Failure> {
    caller.must_be(Role::Developer)?;
    let NewMergeRequest { source, target, title, description, draft } = new;
    let making = Making { source, target, title, description, draft };
    let number = merge_requests::create(&app.parts, &caller.user, &project, making).await?;
    views::merge_request(&app, &project, number).map(Json)
}

pub(super) async fn allow(
    State(app): State<App>,
    caller: Caller,
    Path((project, number)): Path<(ProjectName, u64)>,
    Json(seen): Json<AllowCommit>,
) -> Result<Json<BegunRun>, Failure> {
    caller.must_be(Role::Developer)?;
    let run = merge_requests::allow(&app.parts, &caller.user, &project, number, &seen.commit).await?;
    Ok(Json(BegunRun { run }))
}

pub(super) async fn merge(
    State(app): State<App>,
    caller: Caller,
    Path((project, number)): Path<(ProjectName, u64)>,
    Json(order): Json<MergeOrder>,
) -> Result<Json<MergedAt>, Failure> {
    caller.must_be(Role::Developer)?;
    let commit = merge_requests::merge(&app.parts, &caller.user, &project, number, order.force).await?;
    Ok(Json(MergedAt { commit }))
}

pub(super) async fn ready(State(app): State<App>, caller: Caller, Path((project, number)): Path<(ProjectName, u64)>) -> Answer {
    caller.must_be(Role::Developer)?;
    merge_requests::ready(&app.parts, &caller.user, &project, number).await?;
    done()
}

/// Whoever opened it may close it, too.
pub(super) async fn close(State(app): State<App>, caller: Caller, Path((project, number)): Path<(ProjectName, u64)>) -> Answer {
    merge_requests::close(&app.parts, &caller.user, &project, number).await?;
    done()
}

/// Whoever opened it may open it again, too.
pub(super) async fn reopen(State(app): State<App>, caller: Caller, Path((project, number)): Path<(ProjectName, u64)>) -> Answer {
    merge_requests::reopen(&app.parts, &caller.user, &project, number).await?;
    done()
}
