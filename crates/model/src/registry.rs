//! The registry as the rest of the house uses it, within the process.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use bytes::Bytes;

use crate::blob::BlobError;
use crate::image::Descriptor;
use crate::release::{ImageName, ImageRef};
use crate::{Digest, Timestamp};

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

/// What of a registry is to stay.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keep {
    /// These images, whatever names them. What is attached to an image stays with it, and what an index names too.
    pub images: BTreeSet<ImageRef>,
    /// Tags that keep nothing by themselves, by repository. Every other tag keeps its image.
    pub spent: BTreeMap<ImageName, BTreeSet<String>>,
    /// Manifests that were pushed at this moment or later stay.
    pub since: Timestamp,
}

/// What is left after some went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sifted {
    /// Manifests that went: images and what was attached to them.
    pub gone: Vec<ImageRef>,
    /// Every blob that is reachable still, as [`ImageRegistry::reachable`] has it.
    pub reachable: BTreeSet<Digest>,
}

/// Nobody links a manifest or a blob before this is dropped.
pub type Hold = Box<dyn Send + Sync>;

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
    /// Lets whoever is linking a manifest or blob end, and nobody begin. What nobody can reach under a hold is nobody's.
    async fn hold(&self) -> Hold;
    /// Unlinks what is not to stay, and blobs that no manifest names and that were pushed more than a day ago. A dry run
    /// unlinks nothing and gives what would be left.
    async fn sift(&self, keep: &Keep, dry_run: bool) -> Result<Sifted, RegistryError>;
}
