//! The HTTP interface: six operations, JSON in and out, bytes as hexadecimal.

use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Extension, Json, Router};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use sdr_runtime::Metrics;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::dsa::{self, DsaError};
use crate::kem::{self, KemError};
use crate::octets::Octets;

/// The largest request: a message of 64 KiB as hexadecimal, its signature, and room.
const MAX_BODY: usize = 192 * 1024;

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Operation {
    operation: &'static str,
}

type Operations = Family<Operation, Counter>;

/// The service's routes.
pub fn router(metrics: &Metrics) -> Router {
    let operations = metrics.register("pqc_operations", "Operations carried out", Operations::default());
    Router::new()
        .route("/v1/kem/keygen", post(kem_keygen))
        .route("/v1/kem/encapsulate", post(kem_encapsulate))
        .route("/v1/kem/decapsulate", post(kem_decapsulate))
        .route("/v1/dsa/keygen", post(dsa_keygen))
        .route("/v1/dsa/sign", post(dsa_sign))
        .route("/v1/dsa/verify", post(dsa_verify))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(Extension(operations))
}

/// A request that cannot be carried out.
pub struct Refused(StatusCode, String);

impl From<KemError> for Refused {
    fn from(error: KemError) -> Self {
        Self(StatusCode::UNPROCESSABLE_ENTITY, error.to_string())
    }
}

impl From<DsaError> for Refused {
    fn from(error: DsaError) -> Self {
        let code = match error {
            DsaError::Signing => StatusCode::INTERNAL_SERVER_ERROR,
            DsaError::SigningKey | DsaError::VerifyingKey | DsaError::Context => StatusCode::UNPROCESSABLE_ENTITY,
        };
        Self(code, error.to_string())
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        (self.0, Json(json!({ "error": self.1 }))).into_response()
    }
}

type Answer<T> = Result<Json<T>, Refused>;

fn done<T>(operations: &Operations, operation: &'static str, answer: T) -> Answer<T> {
    operations.get_or_create(&Operation { operation }).inc();
    Ok(Json(answer))
}

#[derive(Serialize)]
struct KemKeys {
    algorithm: &'static str,
    encapsulation_key: Octets,
    decapsulation_key: Octets,
}

async fn kem_keygen(Extension(operations): Extension<Operations>) -> Answer<KemKeys> {
    let (public, seed) = kem::generate();
    let keys = KemKeys { algorithm: "ML-KEM-768", encapsulation_key: Octets(public), decapsulation_key: Octets(seed) };
    done(&operations, "kem_keygen", keys)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Encapsulate {
    encapsulation_key: Octets,
}

#[derive(Serialize)]
struct Encapsulated {
    ciphertext: Octets,
    shared_secret: Octets,
}

async fn kem_encapsulate(
    Extension(operations): Extension<Operations>,
    Json(request): Json<Encapsulate>,
) -> Answer<Encapsulated> {
    let (ciphertext, secret) = kem::encapsulate(&request.encapsulation_key.0)?;
    let answer = Encapsulated { ciphertext: Octets(ciphertext), shared_secret: Octets(secret) };
    done(&operations, "kem_encapsulate", answer)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Decapsulate {
    decapsulation_key: Octets,
    ciphertext: Octets,
}

#[derive(Serialize)]
struct Decapsulated {
    shared_secret: Octets,
}

async fn kem_decapsulate(
    Extension(operations): Extension<Operations>,
    Json(request): Json<Decapsulate>,
) -> Answer<Decapsulated> {
    let secret = kem::decapsulate(&request.decapsulation_key.0, &request.ciphertext.0)?;
    done(&operations, "kem_decapsulate", Decapsulated { shared_secret: Octets(secret) })
}

#[derive(Serialize)]
struct DsaKeys {
    algorithm: &'static str,
    verifying_key: Octets,
    signing_key: Octets,
}

async fn dsa_keygen(Extension(operations): Extension<Operations>) -> Answer<DsaKeys> {
    let (public, seed) = dsa::generate();
    let keys = DsaKeys { algorithm: "ML-DSA-65", verifying_key: Octets(public), signing_key: Octets(seed) };
    done(&operations, "dsa_keygen", keys)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sign {
    signing_key: Octets,
    message: Octets,
    #[serde(default)]
    context: Octets,
}

#[derive(Serialize)]
struct Signed {
    signature: Octets,
}

async fn dsa_sign(Extension(operations): Extension<Operations>, Json(request): Json<Sign>) -> Answer<Signed> {
    let signature = dsa::sign(&request.signing_key.0, &request.message.0, &request.context.0)?;
    done(&operations, "dsa_sign", Signed { signature: Octets(signature) })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Verify {
    verifying_key: Octets,
    message: Octets,
    #[serde(default)]
    context: Octets,
    signature: Octets,
}

#[derive(Serialize)]
struct Verified {
    valid: bool,
}

async fn dsa_verify(Extension(operations): Extension<Operations>, Json(request): Json<Verify>) -> Answer<Verified> {
    let Verify { verifying_key, message, context, signature } = request;
    let valid = dsa::verify(&verifying_key.0, &message.0, &context.0, &signature.0)?;
    done(&operations, "dsa_verify", Verified { valid })
}
