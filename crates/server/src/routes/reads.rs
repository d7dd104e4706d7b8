//! Questions.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use penstock_api::{
    EnvironmentView, EventView, Explanation, ProjectSummary, ReleaseView, RunSummary, RunView, Status, TestsView, Trace, Verification,
};
use penstock_delivery::events::Role;
use penstock_model::release::ReleaseId;
use penstock_model::{Digest, EnvironmentName, ProjectName, RunId};
use serde::Deserialize;

use crate::App;
use crate::auth::Caller;
use crate::problem::Failure;
use crate::views;

/// The most rows of a list.
const MAX_ROWS: usize = 1_000;
/// The largest statement that is shown.
const MAX_STATEMENT: u64 = 16 * 1024 * 1024;

/// Which rows.
#[derive(Debug, Deserialize)]
pub(super) struct ListQuery {
    project: Option<ProjectName>,
    limit: Option<usize>,
    after: Option<u64>,
    branch: Option<String>,
}

impl ListQuery {
    fn limit(&self) -> usize {
        self.limit.unwrap_or(50).min(MAX_ROWS)
    }
}

pub(super) async fn status(State(app): State<App>, caller: Caller) -> Json<Status> {
    Json(views::status(&app, Some(caller.user)))
}

pub(super) async fn projects(State(app): State<App>, _: Caller) -> Json<Vec<ProjectSummary>> {
    Json(views::status(&app, None).projects)
}

pub(super) async fn runs(State(app): State<App>, _: Caller, Query(query): Query<ListQuery>) -> Json<Vec<RunSummary>> {
    Json(views::runs(&app, query.project.as_ref(), query.limit()))
}

pub(super) async fn run(State(app): State<App>, _: Caller, Path(run): Path<RunId>) -> Result<Json<RunView>, Failure> {
    let world = app.parts.journal.world();
    let record = world.runs.get(&run).ok_or_else(|| Failure::absent(format!("run {run}")))?;
    Ok(Json(views::run(&app, record)))
}

pub(super) async fn tests(
    State(app): State<App>,
    _: Caller,
    Path(project): Path<ProjectName>,
    Query(query): Query<ListQuery>,
) -> Result<Json<TestsView>, Failure> {
    let world = app.parts.journal.world();
    let record = world.projects.get(&project).ok_or_else(|| Failure::absent(format!("project `{project}`")))?;
    let branch = query.branch.as_ref().unwrap_or(&record.branch);
    Ok(Json(views::tests(&world, record, branch, query.limit())))
}

pub(super) async fn releases(
    State(app): State<App>,
    _: Caller,
    Path(project): Path<ProjectName>,
    Query(query): Query<ListQuery>,
) -> Json<Vec<ReleaseView>> {
    Json(views::releases(&app, &project, query.limit()))
}

/// A release by its digest, or the beginning of it if only one begins so; `latest` is the newest.
pub(crate) fn release_id(app: &App, text: &str) -> Result<ReleaseId, Failure> {
    let world = app.parts.journal.world();
    let digits = text.strip_prefix("sha256:").unwrap_or(text);
    if text == "latest" {
        let newest = world.releases.values().max_by_key(|record| record.created);
        return newest.map(|record| record.id).ok_or_else(|| Failure::absent("release yet"));
    }
    if digits.len() < 6 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(Failure::bad("a release is named by its digest, or the first six digits of it or more"));
    }
    let mut found = world.releases.keys().filter(|id| id.0.hex().starts_with(digits));
    match (found.next(), found.next()) {
        (Some(id), None) => Ok(*id),
        (None, _) => Err(Failure::absent(format!("release {digits}"))),
        _ => Err(Failure::bad(format!("more than one release begins with {digits}: give more digits"))),
    }
}

pub(super) async fn release(State(app): State<App>, _: Caller, Path(release): Path<String>) -> Result<Json<ReleaseView>, Failure> {
    let id = release_id(&app, &release)?;
    let world = app.parts.journal.world();
    let record = world.releases.get(&id).ok_or_else(|| Failure::absent(format!("release {release}")))?;
    Ok(Json(views::release(&app, record)))
}

pub(super) async fn environment(
    State(app): State<App>,
    _: Caller,
    Path((project, environment)): Path<(ProjectName, EnvironmentName)>,
) -> Result<Json<EnvironmentView>, Failure> {
    let view = views::environment(&app, &project, &environment).await;
    view.map(Json).ok_or_else(|| Failure::absent(format!("environment `{environment}` in project `{project}`")))
}

pub(super) async fn explain(State(app): State<App>, _: Caller, Path(what): Path<String>) -> Result<Json<Explanation>, Failure> {
    views::explain(&app, &what).map(Json)
}

pub(super) async fn trace(State(app): State<App>, _: Caller, Path(what): Path<String>) -> Result<Json<Trace>, Failure> {
    views::trace(&app, &what).await.map(Json)
}

/// The signed bundle itself, as any verifier takes it.
pub(super) async fn statement(State(app): State<App>, _: Caller, Path(envelope): Path<Digest>) -> Result<Response, Failure> {
    let world = app.parts.journal.world();
    // only what was recorded as a statement: the store holds other bytes too
    let known = world.evidence.values().any(|record| record.keys.values().any(|digest| *digest == envelope));
    if !known {
        return Err(Failure::absent(format!("statement {envelope}")));
    }
    let bytes = app.parts.blobs.get_bytes(envelope, MAX_STATEMENT).await.map_err(Failure::internal)?;
    Ok(([("content-type", "application/vnd.dev.sigstore.bundle.v0.3+json")], bytes).into_response())
}

pub(super) async fn events(State(app): State<App>, _: Caller, Query(query): Query<ListQuery>) -> Result<Json<Vec<EventView>>, Failure> {
    // what the world has not taken in yet is not shown: who acts on an event may count on it
    let known = app.parts.journal.world().position;
    let events = app.parts.journal.log().after(query.after.unwrap_or(0), query.limit()).await.map_err(Failure::internal)?;
    Ok(Json(events.iter().take_while(|event| event.position <= known).map(event_view).collect()))
}

/// An event for people and programs.
pub(crate) fn event_view(event: &penstock_model::event::Recorded) -> EventView {
    EventView {
        position: event.position,
        stream: event.stream.to_string(),
        kind: event.kind.name.clone(),
        actor: event.actor.to_string(),
        at: event.at,
        data: event.data.clone(),
        hash: event.hash,
    }
}

/// Recomputes every chain and checkpoint, and verifies every statement again from its bytes.
pub(super) async fn verify(State(app): State<App>, caller: Caller) -> Result<Json<Verification>, Failure> {
    caller.must_be(Role::Developer)?;
    let mut problems = Vec::new();
    let world = app.parts.journal.world();
    let checkpoint = match app.parts.journal.log().verify().await {
        Ok(checkpoint) => Some(checkpoint),
        Err(error) => {
            problems.push(error.to_string());
            None
        }
    };
    let mut statements = 0;
    for evidence in world.evidence.values().flat_map(|record| record.by_subject.values().flatten()) {
        statements += 1;
        if let Err(why) = penstock_delivery::evidence::verify_again(&app.parts, evidence).await {
            problems.push(format!("statement {} ({}): {why}", evidence.envelope.short(), evidence.name));
        }
    }
    Ok(Json(Verification {
        position: checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.position),
        root: checkpoint.map_or_else(|| Digest::of(b""), |checkpoint| checkpoint.root),
        statements,
        problems,
    }))
}
