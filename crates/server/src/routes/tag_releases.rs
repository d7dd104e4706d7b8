//! Tag releases: what jobs published about tags.

use axum::Json;
use axum::extract::{Path, State};
use penstock_api::TagReleaseView;
use penstock_model::ProjectName;

use crate::auth::Caller;
use crate::problem::Failure;
use crate::{App, views};

pub(super) async fn list(
    State(app): State<App>,
    _: Caller,
    Path(project): Path<ProjectName>,
) -> Result<Json<Vec<TagReleaseView>>, Failure> {
    let world = app.parts.journal.world();
    let record = world.projects.get(&project).ok_or_else(|| Failure::absent(format!("project `{project}`")))?;
    Ok(Json(views::tag_releases(record)))
}
