//! The API's routes: read the call, check the role, ask the world or give the order, answer.

mod access;
mod artifacts;
mod collect;
mod environments;
mod exceptions;
mod identity;
mod jobs;
mod merge_requests;
mod orders;
mod reads;
pub(crate) use artifacts::{Part, download};
pub(crate) use reads::{event_view, release_id};
mod stream;
mod tag_releases;
mod variables;

use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::response::IntoResponse;
use axum::routing::{delete, get, post, put};

use crate::App;

/// Everything below the API's prefix.
pub(crate) fn router() -> Router<App> {
    Router::new()
        .route("/status", get(reads::status))
        .route("/projects", get(reads::projects).post(orders::create_project))
        .route("/projects/{project}/runs", post(orders::start))
        .route("/projects/{project}/releases", get(reads::releases))
        .route("/projects/{project}/tests", get(reads::tests))
        .route("/projects/{project}/environments/{environment}", get(reads::environment))
        .route("/projects/{project}/environments/{environment}/rollout/{order}", post(orders::rollout))
        .route("/projects/{project}/environments/{environment}/rollback", post(orders::roll_back))
        .route("/projects/{project}/named-environments", get(environments::list))
        .route("/projects/{project}/named-environments/{name}/stop", post(environments::stop))
        .route("/projects/{project}/tag-releases", get(tag_releases::list))
        .route("/projects/{project}/secrets", get(access::secrets))
        .route("/projects/{project}/secrets/{name}", put(access::set_secret).delete(access::remove_secret))
        .route("/projects/{project}/variables", get(variables::list))
        .route("/projects/{project}/variables/{name}", get(variables::get).put(variables::set).delete(variables::remove))
        .route("/projects/{project}/merge-requests", get(merge_requests::list).post(merge_requests::create))
        .route("/projects/{project}/merge-requests/{number}", get(merge_requests::show))
        .route("/projects/{project}/merge-requests/{number}/allow", post(merge_requests::allow))
        .route("/projects/{project}/merge-requests/{number}/merge", post(merge_requests::merge))
        .route("/projects/{project}/merge-requests/{number}/ready", post(merge_requests::ready))
        .route("/projects/{project}/merge-requests/{number}/close", post(merge_requests::close))
        .route("/projects/{project}/merge-requests/{number}/reopen", post(merge_requests::reopen))
        .route("/runs", get(reads::runs))
        .route("/runs/{run}", get(reads::run))
        .route("/runs/{run}/cancel", post(orders::cancel))
        .route("/runs/{run}/retry", post(orders::retry_failed))
        .route("/runs/{run}/jobs/{job}/retry", post(orders::retry))
        .route("/runs/{run}/jobs/{job}/play", post(orders::play))
        .route("/runs/{run}/jobs/{job}/artifacts", get(artifacts::get))
        .route("/runs/{run}/jobs/{job}/log", get(stream::log))
        .route("/releases/{release}", get(reads::release))
        .route("/releases/{release}/approve", post(orders::approve))
        .route("/releases/{release}/break-glass", post(exceptions::glass))
        .route("/imports", post(exceptions::let_in))
        .route("/explain/{what}", get(reads::explain))
        .route("/trace/{what}", get(reads::trace))
        .route("/statements/{envelope}", get(reads::statement))
        .route("/events", get(reads::events))
        .route("/verify", get(reads::verify))
        .route("/live", get(stream::live))
        .route("/users", get(access::users).post(access::add_user))
        .route("/users/{name}", delete(access::remove_user))
        .route("/users/{name}/token", post(access::renew_token))
        .route("/gc", post(collect::gc))
        .route("/job/build", post(jobs::build).layer(DefaultBodyLimit::disable()))
        .route("/job/check", post(jobs::check))
        .route("/job/test-image", post(jobs::test_image))
        .route("/job/id-token", get(identity::id_token))
}

/// What needs no token.
pub(crate) fn open() -> Router<App> {
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/metrics", get(metrics))
        .route("/.well-known/openid-configuration", get(identity::configuration))
        .route(identity::KEYS, get(identity::keys))
}

async fn metrics(State(app): State<App>) -> impl IntoResponse {
    ([("content-type", "text/plain; version=0.0.4; charset=utf-8")], crate::metrics::text(&app))
}
