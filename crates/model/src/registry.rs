//! The registry as the rest of the house uses it, within the process.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use bytes::Bytes;

use crate::Digest;
use crate::blob::BlobError;
use crate::image::Descriptor;
use crate::release::ImageName;

/// Why the registry refused or failed.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// The manifest cannot be read, or names blobs that are not there.
    #[error("the manifest of {name} is refused: {why}")]
    Manifest {
        /// The repository.
        name: ImageName,
        /// Why.
        why: String,
    },
    /// A tag that never moves would have moved.
    #[error("tag {tag} of {name} names {there} and does not move")]
    Immutable {
        /// The repository.
        name: ImageName,
        /// The tag.
        tag: String,
        /// What it names.
        there: Digest,
    },
    /// A tag that is none.
    #[error("`{0}` is no tag: a letter, digit or `_`, then at most 127 of these, `.` and `-`")]
    Tag(String),
    /// The store.
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// Files.
    #[error("registry: {what}")]
    Io {
        /// What was tried and what to do.
        what: String,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
}

/// The registry over the blob store. Tags that are full commit ids never move.
#[async_trait]
pub trait ImageRegistry: Send + Sync {
    /// Links a manifest whose blobs are in the store to a repository, and tags it. Gives its digest.
    async fn put_image(&self, name: &ImageName, manifest: Bytes, tags: &[String]) -> Result<Digest, RegistryError>;
    /// What a tag or a digest names, if it is linked to the repository.
    async fn resolve(&self, name: &ImageName, reference: &str) -> Result<Option<Digest>, RegistryError>;
    /// A manifest's bytes and media type.
    async fn manifest(&self, name: &ImageName, digest: Digest) -> Result<Option<(String, Bytes)>, RegistryError>;
    /// Attaches bytes to a manifest as an artifact of its own (OCI 1.1 referrers). The same bytes are attached once. Gives
    /// the artifact's manifest digest.
    async fn attach(
        &self,
        name: &ImageName,
        subject: Digest,
        artifact_type: &str,
        media_type: &str,
        bytes: Bytes,
        annotations: BTreeMap<String, String>,
    ) -> Result<Digest, RegistryError>;
    /// What is attached to a manifest.
    async fn referrers(&self, name: &ImageName, subject: Digest) -> Result<Vec<Descriptor>, RegistryError>;
    /// All repositories.
    async fn repositories(&self) -> Result<Vec<ImageName>, RegistryError>;
    /// Tags with what they name.
    async fn tags(&self, name: &ImageName) -> Result<BTreeMap<String, Digest>, RegistryError>;
    /// Unlinks a manifest, its tags and what is attached to it. Fine if it is absent.
    async fn remove(&self, name: &ImageName, digest: Digest) -> Result<(), RegistryError>;
    /// Every blob that is reachable from any repository: manifests, configurations, layers, attached things.
    async fn reachable(&self) -> Result<BTreeSet<Digest>, RegistryError>;
}
