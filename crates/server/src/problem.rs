//! Errors as people and programs see them.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use penstock_api::Problem;
use penstock_delivery::orders::OrderError;

/// An answer that is not a success: a status, what happened, what to do.
#[derive(Debug)]
pub struct Failure {
    /// The status.
    pub status: StatusCode,
    /// What happened, and what to do.
    pub problem: Problem,
}

impl Failure {
    /// A failure.
    pub fn new(status: StatusCode, error: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { status, problem: Problem { error: error.into(), hint: hint.into() } }
    }

    /// There is no such thing, or the caller may not know of it.
    pub fn absent(what: impl std::fmt::Display) -> Self {
        Self::new(StatusCode::NOT_FOUND, format!("there is no {what}"), "`penstock status` lists what there is")
    }

    /// The call cannot be read.
    pub fn bad(error: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, error, "")
    }

    /// The caller may not.
    pub fn forbidden(error: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, error, "ask an administrator for the role")
    }

    /// The server failed. The text is logged and shown: it speaks of the server's own state, never of secrets.
    pub fn internal(error: impl std::fmt::Display) -> Self {
        let text = error.to_string();
        tracing::error!(error = %text, "a request failed");
        let full = ["No space left on device", "disk is full"].iter().any(|words| text.contains(words));
        let hint = if full {
            "free some space on the server's disk: `penstock gc` removes what nothing needs"
        } else {
            "the server's log says more"
        };
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, text, hint)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        (self.status, Json(self.problem)).into_response()
    }
}

impl From<OrderError> for Failure {
    fn from(error: OrderError) -> Self {
        match error {
            OrderError::Absent(what) => Self::absent(what),
            OrderError::Refused { why, hint } => Self::new(StatusCode::CONFLICT, why, hint),
            OrderError::Failed(error) => Self::internal(penstock_delivery::chain(&error)),
        }
    }
}
