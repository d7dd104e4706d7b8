//! One request from a user to a backend and back.

use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST, HeaderValue};
use http::{Method, Request, Response, StatusCode, Uri, Version, uri};
use http_body::Body;
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use penstock_model::gateway::Protocol;

use crate::body::{Answer, Metered, Outcome, grpc_fault};
use crate::counters::{Ticket, Visit};
use crate::listener::Slot;
use crate::table::{Group, RouteState};
use crate::upstream::{Lease, OpenError, SendError};
use crate::{headers, limits};

/// Says on an answer of the gateway's own what it is.
const REASON: &str = "x-penstock-gateway";

/// Why a user got the gateway's own answer.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("nothing is served at this address any more")]
    NoRoute,
    #[error("this address speaks another protocol now; connect again")]
    OtherProtocol,
    #[error("`{0}` has no backend that takes requests; see whether its pods are ready")]
    NoBackend(String),
    #[error("CONNECT is not carried out here; this is no forward proxy")]
    Connect,
    #[error("the request names no path")]
    NoPath,
    #[error("the backend changed the protocol although nobody asked for it")]
    Unasked,
    #[error("the backend {0} {1}")]
    Backend(SocketAddr, SendError),
}

impl Trouble {
    fn status(&self) -> (StatusCode, &'static str) {
        match self {
            Self::NoRoute => (StatusCode::NOT_FOUND, "no-route"),
            Self::OtherProtocol => (StatusCode::MISDIRECTED_REQUEST, "other-protocol"),
            Self::NoBackend(_) => (StatusCode::SERVICE_UNAVAILABLE, "no-backend"),
            Self::Connect => (StatusCode::NOT_IMPLEMENTED, "connect"),
            Self::NoPath => (StatusCode::BAD_REQUEST, "no-path"),
            Self::Unasked => (StatusCode::BAD_GATEWAY, "protocol"),
            Self::Backend(_, SendError::Open(OpenError::Refused, _)) => (StatusCode::BAD_GATEWAY, "refused"),
            Self::Backend(_, SendError::Open(OpenError::TimedOut, _)) => (StatusCode::GATEWAY_TIMEOUT, "connect-timeout"),
            Self::Backend(_, SendError::Open(OpenError::Failed(_), _)) => (StatusCode::BAD_GATEWAY, "connect-failed"),
            Self::Backend(_, SendError::Broken(_)) => (StatusCode::BAD_GATEWAY, "no-answer"),
            Self::Backend(_, SendError::TimedOut(_)) => (StatusCode::GATEWAY_TIMEOUT, "answer-timeout"),
        }
    }

    /// As HTTP says it, or as gRPC does where the user speaks that.
    fn answer(&self, grpc: bool) -> Response<Answer> {
        let (status, reason) = self.status();
        let text = format!("gateway: {self}\n");
        let mut response = Response::new(Either::Right(Full::new(if grpc { Bytes::new() } else { Bytes::from(text.clone()) })));
        let fields = response.headers_mut();
        fields.insert(REASON, HeaderValue::from_static(reason));
        if grpc {
            let code = if status.is_server_error() { "14" } else { "12" };
            fields.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
            fields.insert("grpc-status", HeaderValue::from_static(code));
            if let Ok(message) = HeaderValue::try_from(text.trim_end()) {
                fields.insert("grpc-message", message);
            }
        } else {
            fields.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
            *response.status_mut() = status;
        }
        response
    }
}

fn is_grpc<B>(message: &Request<B>) -> bool {
    message.headers().get(CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(b"application/grpc"))
}

/// Answers one request of a user.
pub async fn answer(slot: &Slot, protocol: Protocol, peer: SocketAddr, request: Request<Incoming>) -> Response<Answer> {
    let grpc = is_grpc(&request);
    if request.method() == Method::CONNECT {
        return Trouble::Connect.answer(grpc);
    }
    let mut request = match prepare(request, protocol, peer) {
        Ok(request) => request,
        Err(trouble) => return trouble.answer(grpc),
    };
    let mut upgrade = headers::upgrade(request.headers()).map(|_| hyper::upgrade::on(&mut request));
    for _ in 0..limits::MAX_TURNS {
        let route = match slot.route() {
            None => return Trouble::NoRoute.answer(grpc),
            Some(route) if route.protocol != protocol => return Trouble::OtherProtocol.answer(grpc),
            Some(route) => route,
        };
        let Some(group) = route.group() else {
            slot.registry.unrouted.fetch_add(1, Ordering::Relaxed);
            return Trouble::NoBackend(route.name.clone()).answer(grpc);
        };
        let ticket = Ticket::begin(&group.counters);
        match pass(slot, &route, group, request, ticket, &mut upgrade).await {
            Ok(Passed::Answered(response)) => return response,
            Ok(Passed::TakenOut(untouched)) => request = *untouched,
            Err((trouble, ticket)) => {
                tracing::debug!(route = route.name, %trouble, "no answer");
                ticket.end(true);
                return trouble.answer(grpc);
            }
        }
    }
    Trouble::NoRoute.answer(grpc)
}

enum Passed {
    Answered(Response<Answer>),
    /// Every backend of the group left between the choice and the visit; a new snapshot is in force.
    TakenOut(Box<Request<Incoming>>),
}

async fn pass(
    slot: &Slot,
    route: &RouteState,
    group: &Group,
    request: Request<Incoming>,
    mut ticket: Ticket,
    upgrade: &mut Option<OnUpgrade>,
) -> Result<Passed, (Trouble, Ticket)> {
    let (mut response, lease) = match send(group, route.protocol, slot, request).await {
        Ok(Sent::Answered { response, lease, visit }) => {
            ticket.answered(visit);
            (response, lease)
        }
        Ok(Sent::TakenOut(request)) => {
            ticket.cancel();
            return Ok(Passed::TakenOut(request));
        }
        Err(trouble) => return Err((trouble, ticket)),
    };
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        let Some(user) = upgrade.take() else { return Err((Trouble::Unasked, ticket)) };
        let backend = hyper::upgrade::on(&mut response);
        slot.tasks.spawn(crate::upgrade::join(user, backend, ticket));
        return Ok(Passed::Answered(response.map(|_| Either::Right(Full::new(Bytes::new())))));
    }
    let outcome = outcome(&response, route.protocol);
    headers::strip_hop_by_hop(response.headers_mut());
    *response.version_mut() = if route.protocol == Protocol::H2c { Version::HTTP_2 } else { Version::HTTP_11 };
    Ok(Passed::Answered(response.map(|body| Either::Left(Metered::new(body, outcome, ticket, lease)))))
}

/// What the head says of how it will end.
fn outcome(response: &Response<Incoming>, protocol: Protocol) -> Outcome {
    let grpc = response.headers().get(CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(b"application/grpc"));
    if response.status().is_server_error() {
        Outcome::Known(true)
    } else if protocol == Protocol::H2c && grpc {
        grpc_fault(response.headers()).map_or(Outcome::Trailers, Outcome::Known)
    } else {
        Outcome::Known(false)
    }
}

fn prepare(request: Request<Incoming>, protocol: Protocol, peer: SocketAddr) -> Result<Request<Incoming>, Trouble> {
    let (mut head, body) = request.into_parts();
    let authority = head.uri.authority().map(|authority| authority.as_str().to_owned());
    let host = authority.clone().or_else(|| head.headers.get(HOST).and_then(|host| host.to_str().ok()).map(str::to_owned));
    headers::to_backend(&mut head.headers, peer, host.as_deref(), protocol);
    let path = head.uri.path_and_query().cloned().ok_or(Trouble::NoPath)?;
    let mut parts = uri::Parts::default();
    parts.path_and_query = Some(path);
    if protocol == Protocol::H2c {
        parts.scheme = Some(uri::Scheme::HTTP);
        parts.authority = host.as_deref().and_then(|host| host.parse().ok());
        if parts.authority.is_none() {
            parts.authority = Some(uri::Authority::from_static("backend"));
        }
        head.headers.remove(HOST);
        head.version = Version::HTTP_2;
    } else {
        // an absolute address names the host itself (RFC 9112, 3.2.2)
        if let Some(host) = host.filter(|_| authority.is_some() || !head.headers.contains_key(HOST)) {
            head.headers.insert(HOST, HeaderValue::try_from(host).map_err(|_| Trouble::NoPath)?);
        }
        head.version = Version::HTTP_11;
    }
    head.uri = Uri::from_parts(parts).map_err(|_| Trouble::NoPath)?;
    Ok(Request::from_parts(head, body))
}

fn limit(request: &Request<Incoming>) -> Duration {
    let small = request.body().is_end_stream() || request.body().size_hint().upper().is_some_and(|size| size <= limits::SMALL_BODY);
    if small { limits::ANSWER_TIMEOUT } else { limits::LONG_ANSWER_TIMEOUT }
}

enum Sent {
    Answered { response: Response<Incoming>, lease: Option<Lease>, visit: Visit },
    TakenOut(Box<Request<Incoming>>),
}

/// Sends to the backend whose turn it is. Only where it refuses the connection, so that nothing can have been sent, the
/// next one of the same group is asked, each at most once.
async fn send(group: &Group, protocol: Protocol, slot: &Slot, mut request: Request<Incoming>) -> Result<Sent, Trouble> {
    let limit = limit(&request);
    let hostless = protocol == Protocol::Http && !request.headers().contains_key(HOST);
    let mut refused = None;
    for backend in group.turn() {
        let Some(visit) = backend.visit() else { continue };
        if hostless {
            let host = HeaderValue::try_from(backend.address.to_string()).map_err(|_| Trouble::NoPath)?;
            request.headers_mut().insert(HOST, host);
        }
        let sent = match protocol {
            Protocol::H2c => backend.send2(request).await.map(|response| (response, None)),
            Protocol::Http | Protocol::Tcp => backend.send1(request, limit).await.map(|(response, lease)| (response, Some(lease))),
        };
        match sent {
            Ok((response, lease)) => return Ok(Sent::Answered { response, lease, visit }),
            Err(SendError::Open(OpenError::Refused, unsent)) => {
                slot.registry.refused.fetch_add(1, Ordering::Relaxed);
                refused = Some(backend.address);
                request = *unsent;
            }
            Err(error) => return Err(Trouble::Backend(backend.address, error)),
        }
    }
    match refused {
        Some(address) => Err(Trouble::Backend(address, SendError::Open(OpenError::Refused, Box::new(request)))),
        None => Ok(Sent::TakenOut(Box::new(request))),
    }
}
