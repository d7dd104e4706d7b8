//! Layers of images, each unpacked once, by the digest of its content.

use std::collections::HashMap;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use flate2::read::MultiGzDecoder;
use penstock_model::Digest;
use penstock_model::blob::{BlobStore, ByteStream};
use penstock_model::digest::Hasher;
use penstock_model::image::{Descriptor, media};
use tokio::sync::Mutex;
use tokio_util::io::SyncIoBridge;

use crate::unpack::{UnpackError, UnpackLimits, unpack};

/// Why a layer cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LayerError {
    /// A media type that is not unpacked here.
    #[error("layer {digest} has the type {media_type}; tar and tar+gzip are taken: push the image again with gzip layers")]
    Media {
        /// The blob.
        digest: Digest,
        /// Its type.
        media_type: String,
    },
    /// The blob is absent or broken.
    #[error("layer {digest}: {source}")]
    Blob {
        /// The blob.
        digest: Digest,
        /// The cause.
        source: penstock_model::blob::BlobError,
    },
    /// The archive is not to be unpacked.
    #[error("layer {digest}: {}", crate::monitor::chain(source))]
    Unpack {
        /// The blob.
        digest: Digest,
        /// The cause.
        source: UnpackError,
    },
    /// The content is not what the image says.
    #[error("layer {digest} unpacks to {actual} where the image says {expected}: the image is broken, build it again")]
    Content {
        /// The blob.
        digest: Digest,
        /// What the image's configuration says.
        expected: Digest,
        /// What came.
        actual: Digest,
    },
    /// Files.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// The cause.
        source: io::Error,
    },
}

/// The directory of unpacked layers.
pub struct Layers {
    /// Where they lie.
    pub dir: PathBuf,
    blobs: Arc<dyn BlobStore>,
    under_way: Mutex<HashMap<Digest, Arc<Mutex<()>>>>,
}

impl Layers {
    /// Layers in this directory, from these blobs.
    pub fn new(dir: PathBuf, blobs: Arc<dyn BlobStore>) -> Self {
        Self { dir, blobs, under_way: Mutex::default() }
    }

    /// Unpacks a layer unless it is there, and gives its name below the directory.
    pub async fn ensure(&self, blob: &Descriptor, diff_id: Digest) -> Result<String, LayerError> {
        let name = diff_id.hex();
        let place = self.dir.join(&name);
        if holds(&place, blob.digest) {
            return Ok(name);
        }
        let turn = Arc::clone(self.under_way.lock().await.entry(diff_id).or_default());
        let _turn = turn.lock().await;
        if !place.is_dir() {
            self.unpack(blob, diff_id).await?;
            self.under_way.lock().await.remove(&diff_id);
        } else if !holds(&place, blob.digest) {
            self.compare(blob, diff_id).await?;
        }
        Ok(name)
    }

    async fn open(&self, blob: &Descriptor) -> Result<Packed, LayerError> {
        let digest = blob.digest;
        let compressed = match blob.media_type.as_str() {
            media::LAYER_GZIP | "application/vnd.docker.image.rootfs.diff.tar.gzip" => true,
            media::LAYER_TAR => false,
            other => return Err(LayerError::Media { digest, media_type: other.to_owned() }),
        };
        let stream = self.blobs.get(digest).await.map_err(|source| LayerError::Blob { digest, source })?;
        Ok(Packed { stream: SyncIoBridge::new(stream), compressed })
    }

    /// Reads a blob against a layer that was unpacked from another one. Without this an image could name one content in its
    /// manifest, which is scanned, and have another one run that happens to be there.
    async fn compare(&self, blob: &Descriptor, diff_id: Digest) -> Result<(), LayerError> {
        let digest = blob.digest;
        let (packed, place) = (self.open(blob).await?, self.dir.join(diff_id.hex()));
        let most = UnpackLimits::LAYER.most();
        let work = move || {
            let at = |source| LayerError::Io { what: format!("reading layer {digest}"), source };
            let mut hashed = packed.content();
            let read = io::copy(&mut (&mut hashed).take(most), &mut io::sink()).map_err(at)?;
            if read == most {
                return Err(LayerError::Io { what: format!("layer {digest}"), source: io::ErrorKind::FileTooLarge.into() });
            }
            hashed.must_be(digest, diff_id)?;
            mark(&place, digest);
            Ok(())
        };
        blocking(work).await
    }

    async fn unpack(&self, blob: &Descriptor, diff_id: Digest) -> Result<(), LayerError> {
        let digest = blob.digest;
        let packed = self.open(blob).await?;
        let (directory, place) = (self.dir.clone(), self.dir.join(diff_id.hex()));
        let work = move || {
            let at = |what: &str| {
                let what = format!("{what} in {}", directory.display());
                move |source| LayerError::Io { what, source }
            };
            let partial = tempfile::Builder::new().prefix(".partial-").tempdir_in(&directory).map_err(at("making room for a layer"))?;
            fs::set_permissions(partial.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).map_err(at("a layer's rights"))?;
            let mut hashed = packed.content();
            unpack(&mut hashed, partial.path(), UnpackLimits::LAYER).map_err(|source| LayerError::Unpack { digest, source })?;
            // what follows the archive's end counts for the digest too; what never ends does not have it
            io::copy(&mut (&mut hashed).take(UnpackLimits::LAYER.most()), &mut io::sink()).map_err(at("reading a layer's end"))?;
            hashed.must_be(digest, diff_id)?;
            mark(partial.path(), digest);
            let partial = partial.keep();
            match fs::rename(&partial, &place) {
                Err(_) if place.is_dir() => fs::remove_dir_all(&partial).map_err(at("a layer that was there")),
                other => other.map_err(at("putting a layer in place")),
            }
        };
        blocking(work).await
    }
}

async fn blocking(work: impl FnOnce() -> Result<(), LayerError> + Send + 'static) -> Result<(), LayerError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| LayerError::Io { what: "unpacking".to_owned(), source: io::Error::other(error) })?
}

/// How a layer's directory says from which blobs it may come.
fn label(blob: Digest) -> String {
    format!("trusted.penstock.blob.{}", blob.hex())
}

fn holds(layer: &Path, blob: Digest) -> bool {
    rustix::fs::lgetxattr(layer, label(blob), &mut [0; 1]).is_ok()
}

fn mark(layer: &Path, blob: Digest) {
    // one that is not marked is compared each time
    let _ = rustix::fs::lsetxattr(layer, label(blob), b"", rustix::fs::XattrFlags::empty());
}

/// A layer's blob.
struct Packed {
    stream: SyncIoBridge<ByteStream>,
    compressed: bool,
}

impl Packed {
    /// What it holds, hashed on the way. For a thread that may wait: the first bytes are read here.
    fn content(self) -> Hashed<Box<dyn Read>> {
        let inner: Box<dyn Read> = if self.compressed { Box::new(MultiGzDecoder::new(self.stream)) } else { Box::new(self.stream) };
        Hashed { inner, hasher: Hasher::new() }
    }
}

struct Hashed<R> {
    inner: R,
    hasher: Hasher,
}

impl<R> Hashed<R> {
    fn must_be(self, digest: Digest, expected: Digest) -> Result<(), LayerError> {
        let actual = self.hasher.finish();
        if actual == expected { Ok(()) } else { Err(LayerError::Content { digest, expected, actual }) }
    }
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.inner.read(buffer)?;
        self.hasher.update(&buffer[..length]);
        Ok(length)
    }
}
