//! Errors as the specification has them.

use crate::error::Error;
use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, StatusCode, header};
use penstock_model::blob::BlobError;

use crate::uploads::UploadError;

/// The specification's codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Code {
    BlobUnknown,
    UploadInvalid,
    UploadUnknown,
    DigestInvalid,
    ManifestBlobUnknown,
    ManifestInvalid,
    ManifestUnknown,
    NameInvalid,
    NameUnknown,
    SizeInvalid,
    Unauthorized,
    Denied,
    Unsupported,
    TooManyRequests,
    /// Ours: the disk failed.
    Unavailable,
}

impl Code {
    fn text(self) -> (StatusCode, &'static str) {
        match self {
            Self::BlobUnknown => (StatusCode::NOT_FOUND, "BLOB_UNKNOWN"),
            Self::UploadInvalid => (StatusCode::BAD_REQUEST, "BLOB_UPLOAD_INVALID"),
            Self::UploadUnknown => (StatusCode::NOT_FOUND, "BLOB_UPLOAD_UNKNOWN"),
            Self::DigestInvalid => (StatusCode::BAD_REQUEST, "DIGEST_INVALID"),
            Self::ManifestBlobUnknown => (StatusCode::NOT_FOUND, "MANIFEST_BLOB_UNKNOWN"),
            Self::ManifestInvalid => (StatusCode::BAD_REQUEST, "MANIFEST_INVALID"),
            Self::ManifestUnknown => (StatusCode::NOT_FOUND, "MANIFEST_UNKNOWN"),
            Self::NameInvalid => (StatusCode::BAD_REQUEST, "NAME_INVALID"),
            Self::NameUnknown => (StatusCode::NOT_FOUND, "NAME_UNKNOWN"),
            Self::SizeInvalid => (StatusCode::PAYLOAD_TOO_LARGE, "SIZE_INVALID"),
            Self::Unauthorized => (StatusCode::UNAUTHORIZED, "UNAUTHORIZED"),
            Self::Denied => (StatusCode::FORBIDDEN, "DENIED"),
            Self::Unsupported => (StatusCode::METHOD_NOT_ALLOWED, "UNSUPPORTED"),
            Self::TooManyRequests => (StatusCode::TOO_MANY_REQUESTS, "TOOMANYREQUESTS"),
            Self::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE"),
        }
    }
}

/// Why a request is not carried out.
#[derive(Debug)]
pub(super) struct Failure {
    code: Code,
    message: String,
    status: Option<StatusCode>,
    headers: Vec<(HeaderName, String)>,
}

impl Failure {
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), status: None, headers: Vec::new() }
    }

    pub fn unsupported() -> Self {
        Self::new(Code::Unsupported, "this method does nothing here")
    }

    pub fn with(mut self, status: StatusCode, headers: Vec<(HeaderName, String)>) -> Self {
        self.status = Some(status);
        self.headers = headers;
        self
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let code = match &error {
            Error::NoRepository(_) => Code::NameUnknown,
            Error::NoManifest { .. } => Code::ManifestUnknown,
            Error::NoBlob { .. } | Error::Blob(BlobError::Absent(_)) => Code::BlobUnknown,
            Error::Incomplete { .. } => Code::ManifestBlobUnknown,
            Error::InvalidManifest(_) | Error::InvalidTag(_) => Code::ManifestInvalid,
            Error::Immutable { .. } => Code::Denied,
            Error::TooLarge { .. } | Error::Blob(BlobError::TooLarge { .. }) => Code::SizeInvalid,
            Error::Blob(BlobError::Mismatch { .. }) => Code::DigestInvalid,
            Error::InvalidName(_) => Code::NameInvalid,
            Error::Blob(BlobError::Io { .. }) | Error::Io { .. } => {
                tracing::warn!(%error, "the registry's disk");
                Code::Unavailable
            }
        };
        Self::new(code, error.to_string())
    }
}

impl From<UploadError> for Failure {
    fn from(error: UploadError) -> Self {
        match error {
            UploadError::Unknown => Self::new(Code::UploadUnknown, "there is no such upload in this repository; begin again"),
            UploadError::Busy => Self::new(Code::UploadInvalid, "another request is at this upload").with(StatusCode::CONFLICT, Vec::new()),
            UploadError::OutOfOrder { offset } => {
                let range = (header::RANGE, format!("0-{}", offset.saturating_sub(1)));
                Self::new(Code::UploadInvalid, format!("the next piece begins at {offset}"))
                    .with(StatusCode::RANGE_NOT_SATISFIABLE, vec![range])
            }
            UploadError::Length => Self::new(Code::UploadInvalid, "the piece is not as long as it says"),
            UploadError::Cut => Self::new(Code::UploadInvalid, "the piece was cut; ask where to go on"),
            UploadError::TooMany => Self::new(Code::TooManyRequests, "too many uploads are under way; try again later"),
            UploadError::Other(error) => error.into(),
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let (usual, code) = self.code.text();
        let body = serde_json::json!({ "errors": [{ "code": code, "message": self.message }] });
        let mut response = (self.status.unwrap_or(usual), axum::Json(body)).into_response();
        if self.code == Code::Unauthorized {
            let challenge = HeaderValue::from_static("Basic realm=\"Penstock\", charset=\"UTF-8\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        for (name, value) in self.headers {
            if let Ok(value) = HeaderValue::from_str(&value) {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}
