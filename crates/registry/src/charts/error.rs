//! Why a chart could not be fetched or pushed, in words for whoever asked for it.

use std::path::PathBuf;

/// Why a chart could not be fetched or pushed. No text has a password or a token in it.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// Text that names no chart of a registry.
    #[error("`{text}` names no chart of a registry: {why}; write `oci://HOST/PATH/NAME`, with `:VERSION` or `@sha256:…` behind it")]
    Reference {
        /// What was given.
        text: String,
        /// What is wrong with it.
        why: String,
    },
    /// Text that is no address of a repository, of a chart there, or of a file.
    #[error("`{text}` is no address to fetch from: {why}")]
    Address {
        /// What was given.
        text: String,
        /// What is wrong with it.
        why: String,
    },
    /// A file that was named for logging in or for TLS.
    #[error("{}: {why}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// TLS cannot be set up.
    #[error("TLS cannot be set up: {0}")]
    Tls(String),
    /// Nobody answers, or not in a language that is understood.
    #[error("{host} cannot be reached for {what}: {why}")]
    Unreachable {
        /// Who.
        host: String,
        /// What was asked for.
        what: String,
        /// What happened.
        why: String,
    },
    /// TLS was tried, and the other side has none.
    #[error("{host} cannot be reached for {what}: it speaks HTTP without TLS; if that is meant, say `--plain-http` (or `http://`)")]
    NoTls {
        /// Who.
        host: String,
        /// What was asked for.
        what: String,
    },
    /// The other side says no.
    #[error("{host} refuses {what}: {why}")]
    Refused {
        /// Who.
        host: String,
        /// What was asked for.
        what: String,
        /// HTTP's number for it.
        status: u16,
        /// What was said, and what to do.
        why: String,
    },
    /// There is more of it than is taken.
    #[error("{what} has more than {limit} bytes, which is not taken")]
    TooLarge {
        /// What.
        what: String,
        /// The limit.
        limit: u64,
    },
    /// What was given is not what was asked for.
    #[error("{what} cannot be used: {why}")]
    Unusable {
        /// What.
        what: String,
        /// Why.
        why: String,
    },
    /// It took too long.
    #[error("{what} took more than {seconds} seconds; ask again, or allow more time")]
    TooSlow {
        /// What.
        what: String,
        /// The limit.
        seconds: u64,
    },
}

impl FetchError {
    /// Whether the other side has no such thing, which for a provenance file or a tag may be fine.
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Refused { status: 404 | 410, .. })
    }
}
