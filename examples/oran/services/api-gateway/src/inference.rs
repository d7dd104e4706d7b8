//! Decisions of the resource policy.

use axum::Router;
use axum::extract::State;
use axum::http::Method;
use axum::response::Response;
use axum::routing::{get, post};
use bytes::Bytes;

use crate::problem::Problem;
use crate::routes::Gateway;

pub fn router() -> Router<Gateway> {
    Router::new().route("/v1/inference/policy", get(policy)).route("/v1/inference/decisions", post(decide))
}

async fn policy(State(gateway): State<Gateway>) -> Result<Response, Problem> {
    gateway.drl.pass(Method::GET, "/v1/policy", Bytes::new()).await
}

async fn decide(State(gateway): State<Gateway>, body: Bytes) -> Result<Response, Problem> {
    gateway.drl.pass(Method::POST, "/v1/policy/decisions", body).await
}
