//! What people let through on their own word: broken glass, and images that were not built here.

use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use penstock_api::{BreakGlass, GlassView, ImportView, NewImport};
use penstock_delivery::events::Role;
use penstock_delivery::glass::{GlassOrder, Glassed, break_glass};
use penstock_delivery::imports::{ImportOrder, import};

use super::reads::release_id;
use crate::App;
use crate::auth::Caller;
use crate::problem::Failure;
use crate::views;

pub(super) async fn glass(
    State(app): State<App>,
    caller: Caller,
    Path(release): Path<String>,
    Json(order): Json<BreakGlass>,
) -> Result<Json<GlassView>, Failure> {
    caller.must_be(Role::Developer)?;
    let order = GlassOrder {
        by: caller.user,
        release: release_id(&app, &release)?,
        environment: order.environment,
        reason: order.reason,
        lasts: order.expires_seconds.map(Duration::from_secs),
        confirm: order.confirm,
    };
    Ok(Json(match break_glass(&app.parts, &order).await? {
        Glassed::Asked(ask) => views::asked(&order.environment, &ask),
        Glassed::Opened(glass) => views::opened(&glass, app.parts.journal.now()),
    }))
}

pub(super) async fn let_in(State(app): State<App>, caller: Caller, Json(new): Json<NewImport>) -> Result<Json<ImportView>, Failure> {
    caller.must_be(Role::Developer)?;
    let order = ImportOrder {
        by: caller.user,
        reference: new.reference,
        reason: new.reason,
        lasts: new.expires_seconds.map(Duration::from_secs),
        project: new.project,
    };
    let made = import(&app.parts, &order).await?;
    let (image, project, envelope) = (made.image, made.project, made.envelope);
    Ok(Json(ImportView { image, project, by: made.said.by, reason: made.said.reason, expires: made.said.expires, envelope }))
}
