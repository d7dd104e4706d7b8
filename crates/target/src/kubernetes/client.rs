//! One request and its answer.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Limited};
use kube::Client;
use kube::client::Body;
use penstock_model::cluster::{Cause, ClusterError, Refusal};
use serde::Deserialize;
use serde_json::Value;
use url::form_urlencoded;

/// No answer of an API server is larger: a page of five hundred objects of at most 1.5 MB each would be, and is asked for anew in parts.
const LARGEST: usize = 512 << 20;

/// How often a request is sent anew that the server wants to see later. As often as client-go does.
const LATER: u32 = 10;

/// A request.
pub(super) struct Ask<'a> {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) query: Vec<(&'a str, String)>,
    pub(super) accept: &'a str,
    /// Content type and bytes.
    pub(super) body: Option<(&'a str, Vec<u8>)>,
}

impl<'a> Ask<'a> {
    pub(super) fn new(method: Method, path: impl Into<String>) -> Self {
        Self { method, path: path.into(), query: Vec::new(), accept: JSON, body: None }
    }

    pub(super) fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path)
    }

    /// Adds a parameter, unless it is empty.
    pub(super) fn with(mut self, name: &'a str, value: impl Into<String>) -> Self {
        let value = value.into();
        if !value.is_empty() {
            self.query.push((name, value));
        }
        self
    }

    pub(super) fn json(mut self, value: &Value) -> Self {
        self.body = Some((JSON, value.to_string().into_bytes()));
        self
    }

    /// The request as the client wants it.
    pub(super) fn request(&self) -> Result<Request<Vec<u8>>, ClusterError> {
        let query: String = form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.query).finish();
        let uri = if query.is_empty() { self.path.clone() } else { format!("{}?{query}", self.path) };
        let mut request = Request::builder().method(&self.method).uri(uri).header(http::header::ACCEPT, self.accept);
        let mut bytes = Vec::new();
        if let Some((of, body)) = &self.body {
            request = request.header(http::header::CONTENT_TYPE, *of);
            bytes.clone_from(body);
        }
        request.body(bytes).map_err(|error| ClusterError::Unreadable(format!("a request that is none: {error}")))
    }
}

/// The media type of JSON.
pub(super) const JSON: &str = "application/json";

/// Asks, and gives the answer's bytes.
pub(super) async fn bytes(client: &Client, ask: Ask<'_>, deadline: Duration) -> Result<Bytes, ClusterError> {
    answer(client, ask, deadline).await.0
}

/// Asks, and gives the answer's bytes and what the server would rather not see, whether it refused or not: fields that it does not
/// know, versions that go away, pods that a policy would refuse. What it wants to see later is sent again, as long as there is time.
pub(super) async fn answer(client: &Client, ask: Ask<'_>, deadline: Duration) -> (Result<Bytes, ClusterError>, Vec<String>) {
    let mut warned = Vec::new();
    let what = format!("{} {}", ask.method, ask.path);
    let answered = async {
        let mut left = LATER;
        loop {
            let response = client.send(ask.request()?.map(Body::from)).await.map_err(|error| unreachable(&error))?;
            let (status, later) = (response.status(), later(&response));
            warned = warnings(&response);
            let body = Limited::new(response.into_body(), LARGEST).collect().await;
            let body = body.map_err(|error| ClusterError::Unreachable(format!("{what} broke off: {error}")))?.to_bytes();
            match later {
                _ if status.is_success() => return Ok(body),
                Some(pause) if left > 0 => {
                    left -= 1;
                    tokio::time::sleep(pause).await;
                }
                _ => return Err(ClusterError::Refused(refusal(status, &body))),
            }
        }
    };
    let answered = tokio::time::timeout(deadline, answered).await;
    (answered.unwrap_or_else(|_| Err(ClusterError::TimedOut(format!("{what} in {deadline:?}")))), warned)
}

/// When a busy server wants to be asked again.
fn later<T>(response: &http::Response<T>) -> Option<Duration> {
    let busy = response.status() == StatusCode::TOO_MANY_REQUESTS || response.status().is_server_error();
    let seconds = response.headers().get(http::header::RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    busy.then(|| Duration::from_secs(seconds))
}

/// The texts of an answer's `Warning` headers (RFC 7234, 5.5): `299 - "text"`, with `\` before what would end the text.
fn warnings<T>(response: &http::Response<T>) -> Vec<String> {
    let text = |header: &http::HeaderValue| {
        let header = header.to_str().ok()?;
        let (_, quoted) = header.split_once('"')?;
        let mut text = String::new();
        let mut letters = quoted.chars();
        while let Some(letter) = letters.next().filter(|letter| *letter != '"') {
            text.push(if letter == '\\' { letters.next()? } else { letter });
        }
        Some(text)
    };
    response.headers().get_all(http::header::WARNING).iter().filter_map(text).collect()
}

/// A client's fault as the house tells it.
pub(super) fn unreachable(error: &kube::Error) -> ClusterError {
    if let kube::Error::Api(status) = error {
        let causes = status.details.iter().flat_map(|details| &details.causes);
        let causes = causes.map(|cause| Cause { reason: cause.reason.clone(), message: cause.message.clone(), field: cause.field.clone() });
        return ClusterError::Refused(Refusal {
            code: status.code,
            reason: status.reason.clone(),
            message: status.message.clone(),
            causes: causes.collect(),
        });
    }
    let mut shown = Vec::new();
    let mut at: Option<&dyn std::error::Error> = match error {
        // what stands before these names a layer of kube's
        kube::Error::Service(cause) => Some(&**cause),
        kube::Error::HyperError(cause) => Some(cause),
        other => Some(other),
    };
    while let Some(cause) = at {
        let text = cause.to_string();
        // most layers repeat the one below them
        if !shown.last().is_some_and(|above: &String| above.ends_with(&text)) {
            shown.push(text);
        }
        at = cause.source();
    }
    ClusterError::Unreachable(shown.join(": "))
}

#[derive(Deserialize)]
struct Status {
    #[serde(default)]
    message: String,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    details: Details,
}

#[derive(Default, Deserialize)]
struct Details {
    #[serde(default)]
    causes: Vec<Told>,
}

#[derive(Deserialize)]
struct Told {
    #[serde(default)]
    reason: String,
    #[serde(default)]
    message: String,
    #[serde(default)]
    field: String,
}

fn refusal(code: StatusCode, body: &[u8]) -> Refusal {
    let told = |cause: Told| Cause { reason: cause.reason, message: cause.message, field: cause.field };
    match serde_json::from_slice::<Status>(body) {
        Ok(status) if !status.message.is_empty() || !status.reason.is_empty() => Refusal {
            code: code.as_u16(),
            reason: status.reason,
            message: status.message,
            causes: status.details.causes.into_iter().map(told).collect(),
        },
        // a proxy before the server answers in words of its own
        _ => {
            let text: String = String::from_utf8_lossy(body).trim().chars().take(500).collect();
            let message = if text.is_empty() { format!("the server answered {code}") } else { format!("{code}: {text}") };
            Refusal { code: code.as_u16(), message, ..Refusal::default() }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_tells_code_reason_and_each_field() {
        let body = br#"{"kind":"Status","reason":"Conflict","message":"Apply failed with 1 conflict","details":{"causes":[
            {"reason":"FieldManagerConflict","message":"conflict with \"helm\"","field":".spec.replicas"}]}}"#;
        let refusal = refusal(StatusCode::CONFLICT, body);
        assert_eq!((refusal.code, refusal.reason.as_str()), (409, "Conflict"));
        assert_eq!(refusal.conflicts().map(|cause| cause.field.as_str()).collect::<Vec<_>>(), [".spec.replicas"]);
    }

    #[test]
    fn what_is_no_status_is_shown_as_it_came() {
        assert_eq!(refusal(StatusCode::BAD_GATEWAY, b"upstream is gone\n").message, "502 Bad Gateway: upstream is gone");
        assert_eq!(refusal(StatusCode::NOT_FOUND, b"{}").message, "404 Not Found: {}");
    }

    #[test]
    fn every_warning_of_an_answer_is_read() {
        let answer =
            http::Response::builder().header("Warning", r#"299 - "unknown field \"spec.a\"""#).header("Warning", r#"299 - "b" "now""#);
        assert_eq!(warnings(&answer.body(()).unwrap()), [r#"unknown field "spec.a""#, "b"]);
    }

    #[test]
    fn parameters_are_encoded_and_empty_ones_left_out() {
        let request = Ask::get("/api/v1/pods").with("labelSelector", "a in (b,c)").with("fieldSelector", "").request().unwrap();
        assert_eq!(request.uri().to_string(), "/api/v1/pods?labelSelector=a+in+%28b%2Cc%29");
    }
}
