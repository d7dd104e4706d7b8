//! How a registry says that it wants to be logged in to (RFC 9110, section 11.6.1).

use base64::Engine as _;

/// The longest header that is looked at.
const MAX_HEADER: usize = 4096;

/// What is wanted.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Challenge {
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
pub(super) fn read(header: &str) -> Option<Challenge> {
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
pub(super) fn basic(username: &str, password: &str) -> String {
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("{username}:{password}")))
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
