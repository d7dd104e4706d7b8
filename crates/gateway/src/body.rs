//! An answer's body as it passes: counted when it ends, its connection given back, its gRPC status read.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use http_body_util::{Either, Full};
use hyper::body::Incoming;

use crate::counters::Ticket;
use crate::upstream::Lease;

/// What users are sent: a backend's answer, or the gateway's own word.
pub type Answer = Either<Metered, Full<Bytes>>;

/// gRPC codes that are the server's fault (OpenTelemetry's conventions for gRPC servers): `UNKNOWN`,
/// `DEADLINE_EXCEEDED`, `UNIMPLEMENTED`, `INTERNAL`, `UNAVAILABLE`, `DATA_LOSS`.
const SERVER_FAULTS: [u32; 6] = [2, 4, 12, 13, 14, 15];

/// Whether a gRPC status among these fields is the server's fault; `None` if there is none.
pub fn grpc_fault(headers: &HeaderMap) -> Option<bool> {
    let status = headers.get("grpc-status")?;
    let code = status.to_str().ok().and_then(|text| text.parse::<u32>().ok());
    Some(code.is_none_or(|code| SERVER_FAULTS.contains(&code) || code > 16))
}

/// How to tell at its end whether an answer was an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The head has told.
    Known(bool),
    /// gRPC: the trailers tell; without them it was cut off.
    Trailers,
}

/// A backend's body on its way to the user.
pub struct Metered {
    inner: Incoming,
    outcome: Outcome,
    ticket: Option<Ticket>,
    lease: Option<Lease>,
}

impl Metered {
    /// Wraps a body.
    pub fn new(inner: Incoming, outcome: Outcome, ticket: Ticket, lease: Option<Lease>) -> Self {
        Self { inner, outcome, ticket: Some(ticket), lease }
    }

    fn ended(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            ticket.end(self.outcome != Outcome::Known(false));
        }
        if let Some(lease) = self.lease.take() {
            lease.give_back();
        }
    }
}

impl Body for Metered {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let polled = std::task::ready!(Pin::new(&mut self.inner).poll_frame(cx));
        match &polled {
            None => self.ended(),
            Some(Ok(frame)) => {
                if let Some(trailers) = frame.trailers_ref()
                    && self.outcome == Outcome::Trailers
                {
                    self.outcome = Outcome::Known(grpc_fault(trailers).unwrap_or(true));
                }
            }
            Some(Err(_)) => {
                self.lease = None;
                if let Some(ticket) = self.ticket.take() {
                    ticket.end(true);
                }
            }
        }
        Poll::Ready(polled)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl Drop for Metered {
    /// Whoever serves a body of known length does not ask for its end; otherwise the user went away, and the ticket and
    /// the connection are dropped.
    fn drop(&mut self) {
        if self.inner.is_end_stream() {
            self.ended();
        } else if let (Outcome::Known(error), Some(ticket)) = (self.outcome, self.ticket.take()) {
            ticket.end(error);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_callers_mistakes_are_not_the_servers() {
        let fault = |code: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("grpc-status", code.parse().unwrap());
            grpc_fault(&headers)
        };
        for (code, expected) in
            [("0", false), ("5", false), ("16", false), ("13", true), ("14", true), ("2", true), ("99", true), ("x", true)]
        {
            assert_eq!(fault(code), Some(expected), "{code}");
        }
        assert_eq!(grpc_fault(&HeaderMap::new()), None);
    }
}
