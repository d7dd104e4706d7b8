//! Who may do what: asked, not decided.

use async_trait::async_trait;
use base64::Engine;
use http::{HeaderMap, header};
use penstock_model::Secret;
use penstock_model::release::ImageName;

/// What a client shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credentials {
    /// Nothing.
    None,
    /// A user's name, and a password or token.
    Basic {
        /// The name as given.
        user: String,
        /// What came with it.
        password: Secret,
    },
    /// A token.
    Bearer(Secret),
}

/// What a client wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// Read.
    Pull,
    /// Write, and move tags.
    Push,
    /// Remove manifests, tags and links.
    Delete,
}

/// The answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Yes.
    Granted,
    /// Not for this one.
    Denied,
    /// Not without showing (other) credentials.
    Unauthenticated,
}

/// Decides who may do what. Asked for every request.
#[async_trait]
pub trait RegistryAuth: Send + Sync {
    /// May whoever shows this do that to a repository? Without a repository: may they speak to the registry at all?
    async fn access(&self, credentials: &Credentials, repository: Option<&ImageName>, action: Action) -> Access;
}

/// Reads the header. What cannot be read is as good as nothing.
pub(crate) fn credentials(headers: &HeaderMap) -> Credentials {
    let read = || {
        let (scheme, rest) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
        if scheme.eq_ignore_ascii_case("bearer") {
            return Some(Credentials::Bearer(Secret::new(rest.trim())));
        }
        if !scheme.eq_ignore_ascii_case("basic") {
            return None;
        }
        let plain = String::from_utf8(base64::engine::general_purpose::STANDARD.decode(rest.trim()).ok()?).ok()?;
        let (user, password) = plain.split_once(':')?;
        Some(Credentials::Basic { user: user.to_owned(), password: Secret::new(password) })
    };
    read().unwrap_or(Credentials::None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_and_odd_ones_are_nothing() {
        let of = |text: &str| credentials(&HeaderMap::from_iter([(header::AUTHORIZATION, text.parse().unwrap())]));
        // "ada:s3:cret"
        assert_eq!(of("Basic YWRhOnMzOmNyZXQ="), Credentials::Basic { user: "ada".to_owned(), password: Secret::new("s3:cret") });
        assert_eq!(of("bearer abc"), Credentials::Bearer(Secret::new("abc")));
        for odd in ["Basic !!", "Basic YWRh", "Digest x", "x"] {
            assert_eq!(of(odd), Credentials::None, "{odd}");
        }
    }
}
