//! Where others learn how identity tokens of jobs are verified (`OpenID` Connect Discovery 1.0), and where a workflow's job asks
//! for one. What is published is public: keys and names, and nothing about a project.

use axum::Json;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use penstock_delivery::identity;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::App;
use crate::auth::{JobCaller, Unauthorized, token_of};
use crate::problem::Failure;

/// Where the keys are.
pub(super) const KEYS: &str = "/.well-known/jwks.json";
/// For how long whoever verifies may keep what is published, in seconds: a new key is to be there before it signs.
const MAX_AGE: &str = "public, max-age=300";

/// What is said in tokens of both dialects.
const CLAIMS: &[&str] = &["aud", "exp", "iat", "iss", "jti", "nbf", "ref", "ref_protected", "ref_type", "sha", "sub"];

pub(super) async fn configuration(State(app): State<App>) -> impl IntoResponse {
    let issuer = &app.parts.settings.url;
    let document = json!({
        "issuer": issuer,
        "jwks_uri": format!("{issuer}{KEYS}"),
        "response_types_supported": ["id_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [identity::ALGORITHM],
        "scopes_supported": ["openid"],
        "claims_supported": CLAIMS,
    });
    ([("cache-control", MAX_AGE)], Json(document))
}

pub(super) async fn keys(State(app): State<App>) -> impl IntoResponse {
    ([("cache-control", MAX_AGE)], Json(app.parts.issuer.keys()))
}

/// For whom a token is to be.
#[derive(Deserialize)]
pub(super) struct Asked {
    audience: Option<String>,
}

/// The longest audience.
const MAX_AUDIENCE: usize = 2000;

pub(super) async fn id_token(
    State(app): State<App>,
    _: JobCaller,
    headers: HeaderMap,
    Query(asked): Query<Asked>,
) -> Result<Json<Value>, Response> {
    let (_, token) = token_of(&headers).ok_or_else(|| Unauthorized.into_response())?;
    let audience = asked.audience.as_deref().filter(|audience| !audience.is_empty());
    if audience.is_some_and(|audience| audience.len() > MAX_AUDIENCE) {
        return Err(Failure::bad(format!("an audience has at most {MAX_AUDIENCE} bytes")).into_response());
    }
    let issued = identity::asked(&app.parts, &token, audience).ok_or_else(|| {
        let why = "the job's `permissions` do not let it ask for an identity token";
        Failure::new(StatusCode::FORBIDDEN, why, "add `id-token: write` to them").into_response()
    })?;
    Ok(Json(json!({ "value": issued.expose() })))
}
