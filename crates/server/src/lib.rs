//! What people, programs and Git talk to: the HTTP API, the pages, live logs, webhooks, and who may do what.
//!
//! Everything shown is read off the world; everything ordered goes through [`penstock_delivery::orders`]. This room
//! decides nothing about a delivery, opens no file and starts no process. Every route needs a token but health,
//! metrics and the page where one logs in.

pub mod auth;
pub mod git;
mod metrics;
mod origin;
mod pages;
mod problem;
mod routes;
pub mod views;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use http::HeaderValue;
use http::header::{CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS};
use penstock_delivery::keeper::Keeper;
use penstock_delivery::{JobCalls, Parts};
use penstock_model::Timestamp;
use tower_http::set_header::SetResponseHeaderLayer;

pub use auth::Caller;
pub use problem::Failure;

/// The longest body of a call that is not streamed.
const MAX_BODY: usize = 1024 * 1024;
/// No script but the server's own, no frame, nothing from elsewhere.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Nothing to others. Not `no-referrer`: with that, browsers do not say where a form was either, and every button would
/// be refused.
const REFERRER: &str = "same-origin";

/// What every route has at hand.
#[derive(Clone)]
pub struct App {
    /// The spine's parts.
    pub parts: Arc<Parts>,
    /// What runs now.
    pub keeper: Arc<Keeper>,
    /// What jobs may call.
    pub calls: Arc<JobCalls>,
    /// Git over HTTP.
    pub git: Arc<dyn git::GitService>,
    /// When the server started.
    pub since: Timestamp,
    /// The program's version.
    pub version: &'static str,
    /// Whether cookies must only travel over TLS.
    pub secure: bool,
}

/// All routes, with the registry's own router mounted beside them.
pub fn router(app: App, registry: Router) -> Router {
    let header = |name, value: &'static str| SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value));
    let own = axum::middleware::from_fn_with_state(app.parts.settings.url.clone(), origin::own);
    let pages = pages::router().layer(tower_http::compression::CompressionLayer::new());
    Router::new()
        .nest(penstock_api::PREFIX, routes::router())
        .merge(routes::open())
        .merge(pages)
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .merge(git::router())
        .fallback(pages::lost)
        .with_state(app)
        .merge(registry)
        .layer(own)
        .layer(header(CONTENT_SECURITY_POLICY, POLICY))
        .layer(header(X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(header(X_FRAME_OPTIONS, "DENY"))
        .layer(header(REFERRER_POLICY, REFERRER))
}
