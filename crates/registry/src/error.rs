//! Why the registry refuses or fails: finer than what crosses to the rest of the house, since HTTP has a code for each.

use penstock_model::Digest;
use penstock_model::blob::BlobError;
use penstock_model::registry::RegistryError;
use penstock_model::release::ImageName;

/// Why the registry refused or failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such repository.
    #[error("the registry has no repository `{0}`")]
    NoRepository(ImageName),
    /// The repository has no such manifest or tag.
    #[error("{name} has no manifest or tag `{reference}`")]
    NoManifest {
        /// The repository.
        name: ImageName,
        /// What was asked for.
        reference: String,
    },
    /// The repository does not have the blob, though the store may.
    #[error("{name} has no blob {digest}")]
    NoBlob {
        /// The repository.
        name: ImageName,
        /// The blob.
        digest: Digest,
    },
    /// A manifest names what is not there.
    #[error("{name}: the manifest names {digest}, which is not there; push it first")]
    Incomplete {
        /// The repository.
        name: ImageName,
        /// What is missing.
        digest: Digest,
    },
    /// A manifest that cannot be read, or does not say what it was pushed as.
    #[error("not a manifest that is taken: {0}")]
    InvalidManifest(String),
    /// A name that is too long for a file.
    #[error("the name `{0}` has more than 200 bytes")]
    InvalidName(ImageName),
    /// Text that is no tag.
    #[error("`{0}` is not a tag: a letter, digit or `_`, then letters, digits, `_`, `.` and `-`, at most 128")]
    InvalidTag(String),
    /// A tag that names a commit is never moved.
    #[error("{name}:{tag} is {is} and stays so: a tag that names a commit is never moved; delete the tag first if the image was wrong")]
    Immutable {
        /// The repository.
        name: ImageName,
        /// The tag.
        tag: String,
        /// What it names.
        is: Digest,
    },
    /// More than is taken.
    #[error("{what} of more than {limit} bytes is not taken")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// The limit.
        limit: u64,
    },
    /// The blob store failed or refused.
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// The registry's own files failed.
    #[error("registry: {what}")]
    Io {
        /// What was tried and what to do.
        what: String,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
}

impl Error {
    /// In the words of the house.
    pub(crate) fn of(self, name: &ImageName) -> RegistryError {
        match self {
            Self::Immutable { name, tag, is } => RegistryError::Immutable { name, tag, there: is },
            Self::InvalidTag(tag) => RegistryError::Tag(tag),
            Self::Blob(error) => RegistryError::Blob(error),
            Self::Io { what, source } => RegistryError::Io { what, source },
            other => RegistryError::Manifest { name: name.clone(), why: other.to_string() },
        }
    }
}
