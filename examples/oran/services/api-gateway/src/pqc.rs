//! Post-quantum keys, secrets and signatures.

use axum::Router;
use axum::extract::{Path, State};
use axum::http::Method;
use axum::response::Response;
use axum::routing::post;
use bytes::Bytes;

use crate::problem::Problem;
use crate::routes::Gateway;

/// What may be asked for: nothing else of the service is reachable from outside.
const OPERATIONS: [&str; 6] =
    ["kem/keygen", "kem/encapsulate", "kem/decapsulate", "dsa/keygen", "dsa/sign", "dsa/verify"];

pub fn router() -> Router<Gateway> {
    Router::new().route("/v1/pqc/{family}/{operation}", post(pass))
}

async fn pass(
    State(gateway): State<Gateway>,
    Path((family, operation)): Path<(String, String)>,
    body: Bytes,
) -> Result<Response, Problem> {
    let wanted = format!("{family}/{operation}");
    if !OPERATIONS.contains(&wanted.as_str()) {
        return Err(Problem::NotFound(format!("operation {wanted}")));
    }
    gateway.pqc.pass(Method::POST, &format!("/v1/{wanted}"), body).await
}
