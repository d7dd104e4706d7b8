//! The spine's part that builds: from a Dockerfile and its context to an image in the blob store.
//!
//! It joins the image room, which decides everything about bytes, with whatever runs a step and keeps blobs, over
//! traits of the model. What it must read of files (the context, what a step wrote, an earlier stage) it reads here.
//! Never here: a container started, a registry asked, a Dockerfile understood. The result of a step is kept by a key
//! of all that it depends on; a build leaves nothing else behind.

mod build;
mod cache;
mod context;
mod copy;
mod diff;
mod output;
mod owner;
mod tidy;
mod tree;
mod turns;

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use penstock_image::DockerfileError;
use penstock_image::ignore::IgnoreError;
use penstock_model::Digest;
use penstock_model::blob::{BlobError, BlobStore};
use penstock_model::container::{BuildRuntime, ContainerError};
use penstock_model::image::{ImageConfig, Manifest};

pub use tidy::Tidied;

/// What to build.
#[derive(Clone, Debug)]
pub struct BuildRequest {
    /// The unpacked context.
    pub context: PathBuf,
    /// The Dockerfile's path below the context.
    pub dockerfile: String,
    /// `--build-arg`.
    pub build_args: BTreeMap<String, String>,
    /// `SOURCE_DATE_EPOCH` in seconds: when the image says it was created. Layers do not depend on it.
    pub source_date_epoch: i64,
    /// Labels over the Dockerfile's own.
    pub labels: BTreeMap<String, String>,
    /// Whether a `RUN` that does not say has the machine's network.
    pub network: bool,
    /// Images by what the Dockerfile calls them, each as [`BaseImages::resolve`] knows it; others are asked for as they are called.
    pub images: BTreeMap<String, String>,
    /// Runs every `RUN` twice, whatever is kept, and tells which paths differ.
    pub verify: bool,
    /// The time limit of one `RUN`.
    pub step_timeout: Duration,
}

/// An image that was built. Its blobs are in the store; the manifest is left to whoever tags it.
#[derive(Clone, Debug)]
pub struct Built {
    /// Names the image.
    pub manifest_digest: Digest,
    /// The manifest's bytes, in the store too.
    pub manifest: Bytes,
    /// The configuration.
    pub config: ImageConfig,
    /// Bytes of all layers, compressed.
    pub size: u64,
    /// Images that it is made of, as the Dockerfile names them.
    pub materials: Vec<(String, Digest)>,
    /// Steps whose layers were kept from before.
    pub cached_steps: usize,
    /// Steps that make layers, in all stages that were needed.
    pub steps: usize,
    /// Steps that gave different files when run twice, with the paths; empty unless asked for.
    pub differing: Vec<(String, Vec<String>)>,
    /// How long it took.
    pub took: Duration,
}

/// An image to build on.
#[derive(Clone, Debug)]
pub struct BaseImage {
    /// Its manifest's digest.
    pub digest: Digest,
    /// Its manifest, of one platform.
    pub manifest: Manifest,
    /// Its configuration.
    pub config: ImageConfig,
}

/// Finds images to build on.
#[async_trait]
pub trait BaseImages: Send + Sync {
    /// The image of this reference, as a Dockerfile writes it; `None` if there is none.
    async fn resolve(&self, reference: &str) -> Result<Option<BaseImage>, BlobError>;
}

/// Why there is no image.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The Dockerfile, or what it asks for.
    #[error(transparent)]
    Dockerfile(#[from] DockerfileError),
    /// The `.dockerignore`.
    #[error(transparent)]
    Ignore(#[from] IgnoreError),
    /// A command failed.
    #[error("{file}:{line}: `{text}` ended with code {code}{hint}")]
    Step {
        /// The Dockerfile.
        file: String,
        /// The line.
        line: usize,
        /// The instruction.
        text: String,
        /// The exit code, 124 at the time limit.
        code: i32,
        /// What may help.
        hint: &'static str,
    },
    /// The runtime.
    #[error(transparent)]
    Container(#[from] ContainerError),
    /// The store.
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// Files.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// The cause.
        source: io::Error,
    },
}

impl BuildError {
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }
}

/// Builds images, for whoever has a turn.
pub struct Builder {
    dir: PathBuf,
    architecture: String,
    blobs: Arc<dyn BlobStore>,
    runtime: Arc<dyn BuildRuntime>,
    images: Arc<dyn BaseImages>,
    turns: turns::Turns,
}

impl Builder {
    /// A builder that keeps its results' names in this directory, which must be on a local disk.
    pub fn new(
        dir: PathBuf,
        blobs: Arc<dyn BlobStore>,
        runtime: Arc<dyn BuildRuntime>,
        images: Arc<dyn BaseImages>,
    ) -> Result<Self, BuildError> {
        // what a dead server's steps wrote
        let work = dir.join("work");
        if work.exists() {
            std::fs::remove_dir_all(&work).map_err(BuildError::io(format!("emptying {}", work.display())))?;
        }
        for part in ["kept", "work"] {
            let path = dir.join(part);
            std::fs::create_dir_all(&path).map_err(BuildError::io(format!("making {}", path.display())))?;
        }
        let architecture = match std::env::consts::ARCH {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            other => other,
        };
        Ok(Self { dir, architecture: architecture.to_owned(), blobs, runtime, images, turns: turns::Turns::default() })
    }
}
