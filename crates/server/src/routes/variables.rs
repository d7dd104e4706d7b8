//! A project's variables, of which its secrets are some. Values go in, and come out only where logs may show them.

use axum::Json;
use axum::extract::{Path, Query, State};
use penstock_api::{VariableScope, VariableType, VariableValue, VariableView};
use penstock_delivery::events::{Handling, Role};
use penstock_delivery::{SecretRecord, orders};
use penstock_model::{ProjectName, Secret};
use serde_json::{Value, json};

use super::orders::{Answer, done};
use crate::App;
use crate::auth::Caller;
use crate::problem::Failure;

pub(super) async fn list(State(app): State<App>, _: Caller, Path(project): Path<ProjectName>) -> Result<Json<Vec<VariableView>>, Failure> {
    let world = app.parts.journal.world();
    let record = world.projects.get(&project).ok_or_else(|| Failure::absent(format!("project `{project}`")))?;
    let view = |((name, environment), known): (&(String, Option<String>), &SecretRecord)| VariableView {
        name: name.clone(),
        variable_type: if known.how.file { VariableType::File } else { VariableType::EnvVar },
        masked: !known.how.plain,
        raw: !known.how.expand,
        all_branches: known.how.all_branches,
        environment: environment.clone().unwrap_or_else(|| "*".to_owned()),
        set: known.set,
        by: known.by.to_string(),
    };
    Ok(Json(record.secrets.iter().map(view).collect()))
}

pub(super) async fn set(
    State(app): State<App>,
    caller: Caller,
    Path((project, name)): Path<(ProjectName, String)>,
    Json(new): Json<VariableValue>,
) -> Answer {
    caller.must_be(Role::Admin)?;
    let value = Secret::new(new.value);
    if let Some(why) = orders::unmaskable(&value, !new.raw).filter(|_| new.masked) {
        return Err(Failure::bad(format!("`{name}` cannot be masked: {why}")));
    }
    let how = Handling {
        all_branches: new.all_branches,
        environment: scope(new.environment),
        file: new.variable_type == VariableType::File,
        plain: !new.masked,
        expand: !new.raw,
    };
    orders::set_secret(&app.parts, &caller.user, &project, &name, value, how).await?;
    done()
}

pub(super) async fn get(
    State(app): State<App>,
    caller: Caller,
    Path((project, name)): Path<(ProjectName, String)>,
    Query(of): Query<VariableScope>,
) -> Result<Json<Value>, Failure> {
    caller.must_be(Role::Admin)?;
    let value = orders::shown_value(&app.parts, &project, &name, scope(of.environment)).await?;
    Ok(Json(json!({ "name": name, "value": value.expose() })))
}

pub(super) async fn remove(
    State(app): State<App>,
    caller: Caller,
    Path((project, name)): Path<(ProjectName, String)>,
    Query(of): Query<VariableScope>,
) -> Answer {
    caller.must_be(Role::Admin)?;
    orders::remove_secret(&app.parts, &caller.user, &project, &name, scope(of.environment)).await?;
    done()
}

/// `*` is every job, as if nothing were said.
fn scope(given: Option<String>) -> Option<String> {
    given.map(|scope| scope.trim().to_owned()).filter(|scope| scope != "*")
}
