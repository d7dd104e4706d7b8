//! An HTTP/1 server with the routes that every service has, counted, timed and traced.

use std::time::Instant;

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;
use tracing::Instrument;

use crate::{Context, Failure, metrics, traces};

/// Routes that nobody wants to read about in logs and figures.
const QUIET: [&str; 3] = ["/healthz", "/readyz", "/metrics"];

/// Serves `routes`, and the routes that every service has, until the service is told to stop; then ends what is under
/// way, for a bounded time. The service is ready from the moment it listens.
pub async fn serve(listener: TcpListener, routes: Router, context: &Context) -> Result<(), Failure> {
    let router = router(routes, context);
    let life = &context.lifecycle;
    tracing::info!(address = %listener.local_addr()?, "listening");
    life.ready();
    let server = axum::serve(listener, router).with_graceful_shutdown(life.clone().stopped());
    tokio::select! {
        outcome = server => Ok(outcome?),
        () = life.clone().out_of_grace() => Err("requests were still under way when the grace period ended".into()),
    }
}

/// `routes` with `/healthz`, `/readyz` and `/metrics`, all measured.
pub fn router(routes: Router, context: &Context) -> Router {
    let operations = Router::new()
        .route("/healthz", get(async || "alive\n"))
        .route("/readyz", get(readiness))
        .route("/metrics", get(figures))
        .with_state(context.clone());
    routes.merge(operations).layer(middleware::from_fn_with_state(context.clone(), measure))
}

async fn readiness(State(context): State<Context>) -> (StatusCode, &'static str) {
    if context.lifecycle.is_ready() {
        (StatusCode::OK, "ready\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not ready\n")
    }
}

async fn figures(State(context): State<Context>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], context.metrics.text())
}

async fn measure(State(context): State<Context>, request: Request, next: Next) -> Response {
    // The route, not the path: what is asked for cannot make new series or spans without end.
    let route =
        request.extensions().get::<MatchedPath>().map_or_else(|| "unmatched".to_owned(), |path| path.as_str().to_owned());
    if QUIET.contains(&route.as_str()) {
        return next.run(request).await;
    }
    let method = request.method().clone();
    let span = tracing::info_span!("request", otel.kind = "server", http.request.method = %method, http.route = route);
    traces::adopt(&span, request.headers().get(traces::TRACEPARENT).and_then(|value| value.to_str().ok()));
    let started = Instant::now();
    let response = next.run(request).instrument(span.clone()).await;
    let (code, took) = (response.status(), started.elapsed());
    context.metrics.answered(method.as_str(), &route, code.as_u16(), took);
    span.in_scope(|| {
        let milliseconds = took.as_secs_f64() * 1000.0;
        if code.is_server_error() {
            tracing::warn!(code = code.as_u16(), milliseconds, "failed");
        } else {
            tracing::debug!(code = code.as_u16(), milliseconds, "answered");
        }
    });
    response
}
