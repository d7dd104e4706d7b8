//! The HTTP interface.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use sdr_runtime::Metrics;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::policy::{ACTIONS, FEATURES, Policy, PolicyError};

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Action {
    quota_change: i32,
}

#[derive(Clone)]
struct Deciding {
    policy: Arc<Policy>,
    decisions: Family<Action, Counter>,
}

/// The service's routes.
pub fn router(policy: Arc<Policy>, metrics: &Metrics) -> Router {
    let decisions = metrics.register("drl_decisions", "Decisions taken", Family::default());
    Router::new()
        .route("/v1/policy", get(describe))
        .route("/v1/policy/decisions", post(decide))
        .with_state(Deciding { policy, decisions })
}

#[derive(Serialize)]
struct Description {
    digest: String,
    features: [&'static str; FEATURES.len()],
    quota_changes: [i32; ACTIONS.len()],
}

async fn describe(State(deciding): State<Deciding>) -> Json<Description> {
    let digest = deciding.policy.digest().to_owned();
    Json(Description { digest, features: FEATURES, quota_changes: ACTIONS })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Figures {
    prb_used: f32,
    prb_quota: f32,
    users: f32,
    throughput: f32,
    latency: f32,
}

#[derive(Serialize)]
struct Decided {
    quota_change: i32,
    scores: [f32; ACTIONS.len()],
}

async fn decide(State(deciding): State<Deciding>, Json(figures): Json<Figures>) -> Result<Json<Decided>, Refused> {
    let Figures { prb_used, prb_quota, users, throughput, latency } = figures;
    let decision = deciding.policy.decide(&[prb_used, prb_quota, users, throughput, latency])?;
    let quota_change = ACTIONS[decision.action];
    deciding.decisions.get_or_create(&Action { quota_change }).inc();
    Ok(Json(Decided { quota_change, scores: decision.scores }))
}

struct Refused(PolicyError);

impl From<PolicyError> for Refused {
    fn from(error: PolicyError) -> Self {
        Self(error)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let code = match self.0 {
            PolicyError::OutOfRange { .. } => StatusCode::UNPROCESSABLE_ENTITY,
            PolicyError::Network(_) | PolicyError::Shape(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        (code, Json(json!({ "error": self.0.to_string() }))).into_response()
    }
}
