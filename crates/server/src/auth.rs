//! Who asks, and what they may do. Tokens are 256 random bits; the log keeps their digest; comparison takes constant time.

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::request::Parts as Head;
use http::{HeaderMap, StatusCode, header};
use penstock_api::Problem;
use penstock_delivery::World;
use penstock_delivery::events::Role;
use penstock_model::job::AttemptId;
use penstock_model::{Digest, Secret, UserName};

use crate::App;

/// The session's cookie.
pub const COOKIE: &str = "penstock";
/// The longest token that is looked at.
const MAX_TOKEN: usize = 512;

/// A person, or a machine with a person's token.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Who.
    pub user: UserName,
    /// What they may do.
    pub role: Role,
    /// The digest of the token that they came with.
    pub token: Digest,
}

impl Caller {
    /// Whether their token is still theirs: an answer that goes on ends with it.
    pub fn may_stay(&self, world: &World) -> bool {
        world.users.get(&self.user).is_some_and(|user| user.token.same(&self.token))
    }

    /// Refuses whoever has a lesser role.
    pub fn must_be(&self, role: Role) -> Result<(), crate::problem::Failure> {
        if self.role >= role {
            return Ok(());
        }
        Err(crate::problem::Failure::forbidden(format!("this needs the role {role:?}, and {} has the role {:?}", self.user, self.role)))
    }
}

/// A job under its own token.
#[derive(Clone, Debug)]
pub struct JobCaller(pub AttemptId);

/// Nobody, or somebody unknown.
pub struct Unauthorized;

impl IntoResponse for Unauthorized {
    fn into_response(self) -> Response {
        let problem = Problem {
            error: "this needs a token".to_owned(),
            hint: "`penstock login URL` stores one; Git takes it as the password".to_owned(),
        };
        let challenge = [(header::WWW_AUTHENTICATE, "Basic realm=\"penstock\", charset=\"UTF-8\"")];
        (StatusCode::UNAUTHORIZED, challenge, axum::Json(problem)).into_response()
    }
}

/// The user whose token it is. Every token is compared, so that the time does not tell which.
pub fn user_of(world: &World, token: &Secret) -> Option<Caller> {
    let digest = Digest::of(token.expose());
    let mut found = None;
    for user in world.users.values() {
        if user.token.same(&digest) {
            found = Some(Caller { user: user.name.clone(), role: user.role, token: digest });
        }
    }
    found
}

/// The token in a request: `Authorization: Bearer`, the password of `Basic`, or the session's cookie.
pub fn token_of(headers: &HeaderMap) -> Option<(Option<String>, Secret)> {
    if let Some(value) = headers.get(header::AUTHORIZATION) {
        let value = value.to_str().ok().filter(|value| value.len() <= MAX_TOKEN)?;
        let (scheme, rest) = value.split_once(' ')?;
        if scheme.eq_ignore_ascii_case("bearer") {
            return Some((None, Secret::new(rest.trim())));
        }
        if !scheme.eq_ignore_ascii_case("basic") {
            return None;
        }
        let decoded = String::from_utf8(STANDARD.decode(rest.trim()).ok()?).ok()?;
        let (name, password) = decoded.split_once(':')?;
        return Some((Some(name.to_owned()), Secret::new(password)));
    }
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    cookies
        .flat_map(|line| line.split(';'))
        .find_map(|pair| pair.trim().strip_prefix(COOKIE)?.strip_prefix('='))
        .filter(|token| token.len() <= MAX_TOKEN)
        .map(|token| (None, Secret::new(token)))
}

/// The caller of a request. A name that was given must be the token's own.
pub fn caller_of(world: &World, headers: &HeaderMap) -> Option<Caller> {
    let (name, token) = token_of(headers)?;
    let caller = user_of(world, &token)?;
    match name {
        Some(name) if name != caller.user.as_str() => None,
        _ => Some(caller),
    }
}

impl FromRequestParts<App> for Caller {
    type Rejection = Unauthorized;
    async fn from_request_parts(head: &mut Head, app: &App) -> Result<Self, Unauthorized> {
        caller_of(&app.parts.journal.world(), &head.headers).ok_or(Unauthorized)
    }
}

impl OptionalFromRequestParts<App> for Caller {
    type Rejection = std::convert::Infallible;
    async fn from_request_parts(head: &mut Head, app: &App) -> Result<Option<Self>, Self::Rejection> {
        Ok(caller_of(&app.parts.journal.world(), &head.headers))
    }
}

impl FromRequestParts<App> for JobCaller {
    type Rejection = Unauthorized;
    async fn from_request_parts(head: &mut Head, app: &App) -> Result<Self, Unauthorized> {
        let (_, token) = token_of(&head.headers).ok_or(Unauthorized)?;
        app.parts.tokens.attempt(&token).map(JobCaller).ok_or(Unauthorized)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: header::HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, value.parse().unwrap())])
    }

    #[test]
    fn a_token_is_found_wherever_clients_put_it() {
        let (_, bearer) = token_of(&headers(header::AUTHORIZATION, "Bearer abc")).unwrap();
        assert_eq!(bearer.expose(), "abc");
        let basic = format!("Basic {}", STANDARD.encode("ada:abc"));
        let (name, password) = token_of(&headers(header::AUTHORIZATION, &basic)).unwrap();
        assert_eq!((name.as_deref(), password.expose()), (Some("ada"), "abc"));
        let (_, cookie) = token_of(&headers(header::COOKIE, "a=b; penstock=abc")).unwrap();
        assert_eq!(cookie.expose(), "abc");
    }

    #[test]
    fn what_is_no_token_is_nobody() {
        for value in ["", "Bearer", "Digest abc", "Basic %%%", "Basic YQ=="] {
            assert!(token_of(&headers(header::AUTHORIZATION, value)).is_none(), "{value}");
        }
        assert!(token_of(&headers(header::COOKIE, "penstocks=abc")).is_none());
    }
}
