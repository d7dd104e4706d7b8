//! Orders.

use axum::Json;
use axum::extract::{Path, State};
use penstock_api::{BegunRun, EnvironmentOrder, NewProject, NewRun, RunSource};
use penstock_delivery::events::{PipelineOrder, Role};
use penstock_delivery::orders::{self, RunOrder};
use penstock_model::release::ReleaseId;
use penstock_model::{EnvironmentName, JobName, ProjectName, RunId};
use penstock_pipeline::Trigger;
use serde_json::{Value, json};

use super::reads::release_id;
use crate::App;
use crate::auth::Caller;
use crate::problem::Failure;

pub(super) type Answer = Result<Json<Value>, Failure>;

#[allow(clippy::unnecessary_wraps, reason = "the end of every handler")]
pub(super) fn done() -> Answer {
    Ok(Json(json!({ "done": true })))
}

pub(super) async fn create_project(State(app): State<App>, caller: Caller, Json(new): Json<NewProject>) -> Answer {
    caller.must_be(Role::Admin)?;
    let config = new.config.unwrap_or_else(|| format!("{}-config", new.name));
    let config = config.parse().map_err(|error| Failure::bad(format!("{error}")))?;
    let branch = new.branch.unwrap_or_else(|| "main".to_owned());
    orders::create_project(&app.parts, &caller.user, &new.name, &config, &branch).await?;
    done()
}

pub(super) async fn approve(
    State(app): State<App>,
    caller: Caller,
    Path(release): Path<String>,
    Json(order): Json<EnvironmentOrder>,
) -> Answer {
    caller.must_be(Role::Developer)?;
    let id: ReleaseId = release_id(&app, &release)?;
    orders::approve(&app.parts, &caller.user, id, &order.environment).await?;
    done()
}

pub(super) async fn rollout(
    State(app): State<App>,
    caller: Caller,
    Path((project, environment, order)): Path<(ProjectName, EnvironmentName, String)>,
) -> Answer {
    caller.must_be(Role::Developer)?;
    app.keeper.order(&app.parts, &caller.user, &project, &environment, &order).await?;
    done()
}

pub(super) async fn roll_back(
    State(app): State<App>,
    caller: Caller,
    Path((project, environment)): Path<(ProjectName, EnvironmentName)>,
) -> Answer {
    caller.must_be(Role::Developer)?;
    let id = orders::roll_back(&app.parts, &caller.user, &project, &environment).await?;
    Ok(Json(json!({ "release": id })))
}

pub(super) async fn start(
    State(app): State<App>,
    caller: Caller,
    Path(project): Path<ProjectName>,
    Json(new): Json<NewRun>,
) -> Result<Json<BegunRun>, Failure> {
    caller.must_be(Role::Developer)?;
    let branch = app.parts.journal.world().projects.get(&project).map(|record| record.branch.clone());
    let reference = match (new.branch, new.tag) {
        (Some(_), Some(_)) => return Err(Failure::bad("a branch and a tag are given: name one of them")),
        (None, Some(tag)) => format!("refs/tags/{tag}"),
        (Some(branch), None) => format!("refs/heads/{branch}"),
        (None, None) => format!("refs/heads/{}", branch.unwrap_or_default()),
    };
    if new.source != RunSource::Web && !new.inputs.is_empty() {
        return Err(Failure::bad("inputs are filled in by a person: `source` must be `web`"));
    }
    let trigger = match new.source {
        RunSource::Web => Trigger::Manual { inputs: new.inputs },
        RunSource::Api => Trigger::Api { event_type: String::new(), payload: Value::Null },
        RunSource::Trigger => Trigger::Token,
    };
    let order = PipelineOrder { trigger, variables: new.variables, time: None };
    let run = orders::start_pipeline(&app.parts, &caller.user, &project, &reference, order).await?;
    Ok(Json(BegunRun { run }))
}

pub(super) async fn cancel(State(app): State<App>, caller: Caller, Path(run): Path<RunId>) -> Answer {
    caller.must_be(Role::Developer)?;
    orders::order_run(&app.parts, &caller.user, &run, RunOrder::Cancel).await?;
    done()
}

pub(super) async fn retry(State(app): State<App>, caller: Caller, Path((run, job)): Path<(RunId, JobName)>) -> Answer {
    caller.must_be(Role::Developer)?;
    orders::order_run(&app.parts, &caller.user, &run, RunOrder::Retry(job)).await?;
    done()
}

pub(super) async fn retry_failed(State(app): State<App>, caller: Caller, Path(run): Path<RunId>) -> Answer {
    caller.must_be(Role::Developer)?;
    orders::order_run(&app.parts, &caller.user, &run, RunOrder::RetryFailed).await?;
    done()
}

pub(super) async fn play(State(app): State<App>, caller: Caller, Path((run, job)): Path<(RunId, JobName)>) -> Answer {
    caller.must_be(Role::Developer)?;
    orders::order_run(&app.parts, &caller.user, &run, RunOrder::Play(job)).await?;
    done()
}
