//! Why a request has no answer, as HTTP says it.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;
use thiserror::Error;
use tonic::{Code, Status};

/// A request that could not be answered.
#[derive(Debug, Error)]
pub enum Problem {
    /// The request is not one that can be carried out.
    #[error("{0}")]
    Invalid(String),
    /// There is no such thing.
    #[error("there is no {0}")]
    NotFound(String),
    /// A service behind the front door could not be reached, or broke off.
    #[error("{service} cannot be reached: {why}")]
    Unreachable {
        /// Which one.
        service: &'static str,
        /// What happened.
        why: String,
    },
    /// A service behind the front door took too long.
    #[error("{service} did not answer in time")]
    TooSlow {
        /// Which one.
        service: &'static str,
    },
    /// The E2 server refused.
    #[error("{}", .0.message())]
    E2(#[from] Status),
}

impl Problem {
    fn code(&self) -> StatusCode {
        match self {
            Self::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::Unreachable { .. } => StatusCode::BAD_GATEWAY,
            Self::TooSlow { .. } => StatusCode::GATEWAY_TIMEOUT,
            Self::E2(status) => match status.code() {
                Code::InvalidArgument => StatusCode::UNPROCESSABLE_ENTITY,
                Code::NotFound => StatusCode::NOT_FOUND,
                Code::FailedPrecondition => StatusCode::CONFLICT,
                Code::ResourceExhausted => StatusCode::TOO_MANY_REQUESTS,
                Code::DeadlineExceeded | Code::Cancelled => StatusCode::GATEWAY_TIMEOUT,
                _ => StatusCode::BAD_GATEWAY,
            },
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let code = self.code();
        if code.is_server_error() {
            tracing::warn!(error = %self, "a request could not be answered");
        }
        (code, Json(json!({ "error": self.to_string() }))).into_response()
    }
}
