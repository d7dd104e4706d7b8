//! A service behind the front door that speaks HTTP.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, Request, Uri, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use sdr_runtime::{Failure, traces};

use crate::problem::Problem;

/// How long an answer may take.
const TIMEOUT: Duration = Duration::from_secs(2);

/// How long to try to connect.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// How long a connection is kept for the next request.
const IDLE: Duration = Duration::from_secs(10);

/// The largest answer that is passed on.
const MAX_ANSWER: usize = 1024 * 1024;

/// An HTTP service, and the connections to it.
#[derive(Clone, Debug)]
pub struct Upstream {
    name: &'static str,
    base: String,
    client: Client<HttpConnector, Full<Bytes>>,
}

impl Upstream {
    /// The service called `name` at the URL `base`.
    pub fn new(name: &'static str, base: &str) -> Result<Self, Failure> {
        let base = base.trim_end_matches('/').to_owned();
        let uri: Uri = base.parse().map_err(|error| format!("{name}: {base} is not a URL: {error}"))?;
        if uri.scheme_str() != Some("http") || uri.authority().is_none() {
            return Err(format!("{name}: {base} is not a URL like http://{name}:8080").into());
        }
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .build(connector);
        Ok(Self { name, base, client })
    }

    /// Sends a request on and passes the answer back, whatever the service said.
    pub async fn pass(&self, method: Method, path: &str, body: Bytes) -> Result<Response, Problem> {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.base));
        if !body.is_empty() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        if let Some(context) = traces::current() {
            request = request.header(traces::TRACEPARENT, context);
        }
        let request = request.body(Full::new(body)).map_err(|error| self.unreachable(&error))?;
        tokio::time::timeout(TIMEOUT, self.exchange(request))
            .await
            .map_err(|_| Problem::TooSlow { service: self.name })?
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> Result<Response, Problem> {
        let (head, body) = self.client.request(request).await.map_err(|error| self.unreachable(&error))?.into_parts();
        let body = Limited::new(body, MAX_ANSWER).collect().await.map_err(|error| self.unreachable(&*error))?;
        let kind = head.headers.get(header::CONTENT_TYPE).cloned();
        let mut response = (head.status, Body::from(body.to_bytes())).into_response();
        if let Some(kind) = kind {
            response.headers_mut().insert(header::CONTENT_TYPE, kind);
        }
        Ok(response)
    }

    fn unreachable(&self, error: &dyn std::error::Error) -> Problem {
        let mut why = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            why = format!("{why}: {cause}");
            source = cause.source();
        }
        Problem::Unreachable { service: self.name, why }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_address_is_refused_at_the_start() {
        assert!(Upstream::new("pqc-service", "http://pqc-service:8080/").is_ok());
        for bad in ["", "pqc-service", "https://pqc-service", "/v1"] {
            assert!(Upstream::new("pqc-service", bad).is_err(), "{bad}");
        }
    }

    #[tokio::test]
    async fn a_service_that_is_not_there_is_a_problem() {
        let nobody = Upstream::new("pqc-service", "http://127.0.0.1:1").unwrap();
        let problem = nobody.pass(Method::GET, "/", Bytes::new()).await.unwrap_err();
        assert!(matches!(problem, Problem::Unreachable { service: "pqc-service", .. }), "{problem}");
    }
}
