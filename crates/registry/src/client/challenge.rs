//! How a registry says that it wants to be logged in to (RFC 9110, section 11.6.1).

use base64::Engine as _;
use reqwest::Url;
use serde::Deserialize;

/// The longest header that is looked at.
const MAX_HEADER: usize = 4096;

/// What is wanted.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Challenge {
    /// Name and password.
    Basic,
    /// A token from this place.
    Bearer {
        /// Its address.
        realm: String,
        /// For whom the token is.
        service: Option<String>,
    },
}

/// Reads a `WWW-Authenticate` header.
pub(crate) fn read(header: &str) -> Option<Challenge> {
    let header = header.trim();
    let (scheme, rest) = header.split_once(' ').unwrap_or((header, ""));
    if scheme.eq_ignore_ascii_case("basic") {
        return Some(Challenge::Basic);
    }
    if !scheme.eq_ignore_ascii_case("bearer") || header.len() > MAX_HEADER {
        return None;
    }
    let (mut realm, mut service) = (None, None);
    let mut rest = rest.trim();
    while let Some((name, after)) = rest.split_once('=') {
        let (value, after) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => after.split_once(',').unwrap_or((after, "")),
        };
        match name.trim().to_ascii_lowercase().as_str() {
            "realm" => realm = Some(value.to_owned()),
            "service" => service = Some(value.to_owned()),
            _ => {}
        }
        rest = after.trim_start().trim_start_matches(',').trim_start();
    }
    Some(Challenge::Bearer { realm: realm?, service })
}

/// The header of somebody who logs in by name and password.
pub(crate) fn basic(username: &str, password: &str) -> String {
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("{username}:{password}")))
}

/// Where a token is asked for: never without TLS from another machine, since a password may go there.
pub(crate) fn token_url(realm: &str, service: Option<&str>, scope: &str, is_local: bool) -> Result<Url, String> {
    let mut url = Url::parse(realm).map_err(|error| format!("its token server `{realm}`: {error}"))?;
    let local = is_local && matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    if url.scheme() != "https" && !local {
        return Err(format!("its token server {realm} is asked over TLS or not at all"));
    }
    url.query_pairs_mut().extend_pairs(service.map(|service| ("service", service))).append_pair("scope", scope);
    Ok(url)
}

/// The token in what a token server answers.
pub(crate) fn token(answer: &[u8]) -> Result<String, String> {
    #[derive(Deserialize)]
    struct Token {
        token: Option<String>,
        access_token: Option<String>,
    }
    let token: Token = serde_json::from_slice(answer).map_err(|error| format!("what its token server says: {error}"))?;
    token.token.or(token.access_token).ok_or_else(|| "its token server gives no token".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenges_are_read_as_registries_write_them() {
        let bearer =
            |realm: &str, service: Option<&str>| Some(Challenge::Bearer { realm: realm.to_owned(), service: service.map(str::to_owned) });
        let docker =
            r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:library/alpine:pull,push""#;
        assert_eq!(read(docker), bearer("https://auth.docker.io/token", Some("registry.docker.io")));
        assert_eq!(read("bearer scope=\"a,b\", realm=https://x/t"), bearer("https://x/t", None));
        assert_eq!(read("Basic realm=\"x\""), Some(Challenge::Basic));
        for nothing in ["", "Digest realm=\"x\"", "Bearer", "Bearer service=\"x\"", "Bearer realm=\"x"] {
            assert_eq!(read(nothing), None, "{nothing}");
        }
    }
}
