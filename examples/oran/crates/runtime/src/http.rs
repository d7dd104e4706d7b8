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
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "unmatched".to_owned(), |path| path.as_str().to_owned());
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

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, SocketAddr};
    use std::time::Duration;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;
    use tokio::task::JoinHandle;

    use super::*;
    use crate::Identity;

    async fn start(context: &Context) -> (SocketAddr, JoinHandle<Result<(), Failure>>) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let slow = async || {
            tokio::time::sleep(Duration::from_millis(300)).await;
            "slow but there"
        };
        let routes = Router::new().route("/slow/{number}", get(slow));
        let context = context.clone();
        (address, tokio::spawn(async move { serve(listener, routes, &context).await }))
    }

    async fn ask(address: SocketAddr, path: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    fn context() -> Context {
        Context::detached(Identity { name: "test", version: "0" })
    }

    #[tokio::test]
    async fn a_request_under_way_is_answered_though_the_service_was_told_to_stop() {
        let context = context();
        let (address, server) = start(&context).await;
        let answer = tokio::spawn(async move { ask(address, "/slow/1").await });
        tokio::time::sleep(Duration::from_millis(100)).await;
        context.lifecycle.stop();
        let answer = answer.await.unwrap();
        assert!(answer.ends_with("slow but there"), "{answer}");
        server.await.unwrap().unwrap();
        assert!(TcpStream::connect(address).await.is_err());
    }

    #[tokio::test]
    async fn figures_are_by_route_and_not_by_path() {
        let context = context();
        let (address, _server) = start(&context).await;
        for path in ["/slow/1", "/slow/2", "/made/up", "/readyz"] {
            ask(address, path).await;
        }
        let text = ask(address, "/metrics").await;
        assert!(text.contains(r#"http_requests_total{method="GET",route="/slow/{number}",code="200"} 2"#), "{text}");
        assert!(text.contains(r#"http_requests_total{method="GET",route="unmatched",code="404"} 1"#), "{text}");
        assert!(!text.contains("readyz"), "{text}");
    }
}
