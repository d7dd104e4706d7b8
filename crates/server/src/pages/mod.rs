//! The pages: rendered here from the wire types, readable without script, kept fresh by a small one.

mod audit;
mod chart;
mod environment;
mod forms;
mod glass;
mod graph;
mod layout;
mod log;
mod login;
mod markdown;
mod merge_request;
mod named;
mod overview;
mod parts;
mod release;
mod run;
mod tag_release;
mod tests;
mod trend;

use axum::Router;
use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::request::Parts as Head;
use http::{StatusCode, Uri};

use crate::App;
use crate::auth::{Caller, caller_of};
use crate::problem::Failure;

/// All pages.
pub(crate) fn router() -> Router<App> {
    Router::new()
        .route("/", get(overview::page))
        .route("/login", get(login::page).post(login::enter))
        .route("/logout", post(login::leave))
        .route("/projects/{project}", get(overview::project))
        .route("/projects/{project}/environments/{environment}", get(environment::page))
        .route("/projects/{project}/environments/{environment}/rollout/{order}", post(forms::rollout))
        .route("/projects/{project}/environments/{environment}/rollback", post(forms::roll_back))
        .route("/projects/{project}/named-environments", get(named::list))
        .route("/projects/{project}/named-environments/{name}", get(named::page))
        .route("/projects/{project}/named-environments/{name}/stop", post(named::stop))
        .route("/projects/{project}/tests", get(tests::page))
        .route("/projects/{project}/tag-releases/{tag}", get(tag_release::page))
        .route("/projects/{project}/merge-requests", get(merge_request::list))
        .route("/projects/{project}/merge-requests/{number}", get(merge_request::page))
        .route("/projects/{project}/merge-requests/{number}/allow", post(merge_request::allow))
        .route("/projects/{project}/merge-requests/{number}/merge", post(merge_request::merge))
        .route("/projects/{project}/merge-requests/{number}/ready", post(merge_request::ready))
        .route("/projects/{project}/merge-requests/{number}/close", post(merge_request::close))
        .route("/projects/{project}/merge-requests/{number}/reopen", post(merge_request::reopen))
        .route("/runs", get(run::list))
        .route("/runs/{run}", get(run::page))
        .route("/runs/{run}/cancel", post(forms::cancel))
        .route("/runs/{run}/retry", post(forms::retry_failed))
        .route("/runs/{run}/jobs/{job}", get(log::page))
        .route("/runs/{run}/jobs/{job}/artifacts", get(log::artifacts))
        .route("/runs/{run}/jobs/{job}/retry", post(forms::retry))
        .route("/runs/{run}/jobs/{job}/play", post(forms::play))
        .route("/releases/{release}", get(release::page))
        .route("/releases/{release}/approve", post(forms::approve))
        .route("/releases/{release}/break-glass", post(forms::break_glass))
        .route("/audit", get(audit::page))
        .route("/assets/style.css", get(|| asset("text/css; charset=utf-8", include_str!("style.css"))))
        .route("/assets/live.js", get(|| asset("text/javascript; charset=utf-8", include_str!("live.js"))))
        .route("/assets/icon.svg", get(|| asset("image/svg+xml", include_str!("icon.svg"))))
}

#[allow(clippy::unused_async, reason = "a handler")]
async fn asset(kind: &'static str, text: &'static str) -> impl IntoResponse {
    ([(CONTENT_TYPE, kind), (CACHE_CONTROL, "max-age=300")], text)
}

/// Somebody who looks at pages. Whoever is not logged in is sent to the page where one does.
pub(crate) struct Viewer(pub Caller);

impl FromRequestParts<App> for Viewer {
    type Rejection = Response;
    async fn from_request_parts(head: &mut Head, app: &App) -> Result<Self, Response> {
        let caller = caller_of(&app.parts.journal.world(), &head.headers);
        caller.map(Self).ok_or_else(|| Redirect::to(&login::address(head.uri.path())).into_response())
    }
}

/// A failure as a page.
pub(crate) struct PageFailure(pub Failure);

impl From<Failure> for PageFailure {
    fn from(failure: Failure) -> Self {
        Self(failure)
    }
}

impl IntoResponse for PageFailure {
    fn into_response(self) -> Response {
        let Failure { status, problem } = self.0;
        let title = match status {
            StatusCode::NOT_FOUND => "Not found",
            StatusCode::FORBIDDEN => "Not allowed",
            StatusCode::CONFLICT => "Not now",
            _ => "That did not work",
        };
        let body = maud::html! {
            div.card.failure {
                p { (parts::prose(&sentence(&problem.error))) }
                @if !problem.hint.is_empty() { p.hint { (parts::prose(&sentence(&problem.hint))) } }
                p { a href="/" { "Back to the overview" } }
            }
        };
        (status, layout::failure(title, &body)).into_response()
    }
}

/// An error's text as a sentence of its own.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let begun: String = letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect();
    if begun.ends_with(['.', '!', '?', '\n']) { begun } else { format!("{begun}.") }
}

/// An address that leads nowhere: a page for people, an error for programs.
pub(crate) async fn lost(uri: Uri) -> Response {
    let failure = Failure::absent(format!("`{}` here", uri.path()));
    if uri.path().starts_with(penstock_api::PREFIX) { failure.into_response() } else { PageFailure(failure).into_response() }
}
