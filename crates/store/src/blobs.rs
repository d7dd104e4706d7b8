//! Blobs as files, named by their digest.
//!
//! `sha256/ab/ab12…` holds a blob; `tmp/` holds what is being written. A file gets its name only when its bytes
//! are on the disk and have that digest. Writers of the same blob do not meet: each renames its own file, and
//! the last one wins with the same bytes. So a file's time is when its blob was last stored; whoever removes what is old
//! looks at it while no file is being named, and never takes one that was stored a moment ago.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use async_trait::async_trait;
use bytes::Bytes;
use penstock_model::blob::{BlobError, BlobStore, ByteStream};
use penstock_model::digest::Hasher;
use penstock_model::{Digest, Timestamp};
use rustix::fs::{FlockOperation, flock};
use tokio::fs;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, ReadBuf};
use tokio::sync::RwLock;

/// How much is read and written at once.
const CHUNK: usize = 256 * 1024;

/// A directory of blobs.
#[derive(Clone, Debug)]
pub struct DirBlobs {
    root: PathBuf,
    /// Held for reading while a file gets its name, for writing while an old one is looked at and removed.
    naming: Arc<RwLock<()>>,
}

impl DirBlobs {
    /// Opens a directory, making it if it is absent, and removes what writers that died left half-written.
    pub async fn open(root: &Path) -> Result<Self, BlobError> {
        let store = Self { root: root.to_owned(), naming: Arc::default() };
        for directory in [store.root.join("sha256"), store.root.join("tmp")] {
            fs::create_dir_all(&directory).await.map_err(|e| io_error(format!("making {}", directory.display()), e))?;
        }
        let tmp = store.root.join("tmp");
        let swept = tokio::task::spawn_blocking(move || sweep(&tmp)).await.unwrap_or_else(|e| Err(io::Error::other(e)));
        swept.map_err(|e| io_error(format!("cleaning {}", root.display()), e))?;
        Ok(store)
    }

    fn file(&self, digest: Digest) -> PathBuf {
        let hex = digest.hex();
        self.root.join("sha256").join(&hex[..2]).join(hex)
    }

    async fn write(&self, mut bytes: ByteStream, expected: Option<Digest>, limit: u64) -> Result<(Digest, u64), BlobError> {
        let mut half = Half::make(&self.root.join("tmp")).await?;
        let (mut hasher, mut size) = (Hasher::new(), 0u64);
        let mut chunk = vec![0; CHUNK];
        loop {
            let read = bytes.read(&mut chunk).await.map_err(|e| io_error("reading what is to be stored".to_owned(), e))?;
            if read == 0 {
                break;
            }
            size += read as u64;
            if size > limit {
                return Err(BlobError::TooLarge { limit });
            }
            hasher.update(&chunk[..read]);
            half.file.write_all(&chunk[..read]).await.map_err(writing)?;
        }
        let digest = hasher.finish();
        if let Some(expected) = expected
            && expected != digest
        {
            return Err(BlobError::Mismatch { expected, actual: digest });
        }
        half.file.flush().await.map_err(writing)?;
        half.file.sync_all().await.map_err(writing)?;
        let target = self.file(digest);
        // our own path has a parent
        let parent = target.parent().unwrap_or(&self.root);
        if fs::create_dir(parent).await.is_ok() {
            sync_directory(&self.root.join("sha256")).await?;
        }
        {
            let _naming = self.naming.read().await;
            half.name(&target).await?;
        }
        sync_directory(parent).await?;
        Ok((digest, size))
    }
}

#[async_trait]
impl BlobStore for DirBlobs {
    async fn put(&self, bytes: ByteStream, expected: Option<Digest>, limit: u64) -> Result<(Digest, u64), BlobError> {
        self.write(bytes, expected, limit).await
    }

    async fn put_bytes(&self, bytes: Bytes) -> Result<Digest, BlobError> {
        let digest = Digest::of(&bytes);
        let size = bytes.len() as u64;
        self.write(Box::pin(io::Cursor::new(bytes)), Some(digest), size).await.map(|(digest, _)| digest)
    }

    async fn get(&self, digest: Digest) -> Result<ByteStream, BlobError> {
        let file = fs::File::open(self.file(digest)).await.map_err(|e| absent(digest, e))?;
        Ok(Box::pin(Verified { inner: file, hasher: Some(Hasher::new()), digest }))
    }

    async fn get_bytes(&self, digest: Digest, limit: u64) -> Result<Bytes, BlobError> {
        let file = fs::File::open(self.file(digest)).await.map_err(|e| absent(digest, e))?;
        let mut bytes = Vec::new();
        file.take(limit.saturating_add(1)).read_to_end(&mut bytes).await.map_err(|e| io_error(format!("reading {digest}"), e))?;
        if bytes.len() as u64 > limit {
            return Err(BlobError::TooLarge { limit });
        }
        let actual = Digest::of(&bytes);
        if actual != digest {
            return Err(BlobError::Mismatch { expected: digest, actual });
        }
        Ok(bytes.into())
    }

    async fn size(&self, digest: Digest) -> Result<Option<u64>, BlobError> {
        match fs::metadata(self.file(digest)).await {
            Ok(metadata) => Ok(Some(metadata.len())),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(io_error(format!("looking for {digest}"), e)),
        }
    }

    fn path(&self, digest: Digest) -> Option<PathBuf> {
        Some(self.file(digest))
    }

    async fn delete(&self, digest: Digest) -> Result<(), BlobError> {
        match fs::remove_file(self.file(digest)).await {
            Ok(()) => Ok(()),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(e) => Err(io_error(format!("removing {digest}"), e)),
        }
    }

    async fn list(&self) -> Result<Vec<Digest>, BlobError> {
        let root = self.root.join("sha256");
        let listed = tokio::task::spawn_blocking(move || list(&root)).await.unwrap_or_else(|e| Err(io::Error::other(e)));
        listed.map_err(|e| io_error("listing the blobs".to_owned(), e))
    }

    async fn stored(&self, digest: Digest) -> Result<Option<(u64, Timestamp)>, BlobError> {
        let looking = |e| io_error(format!("looking for {digest}"), e);
        match fs::metadata(self.file(digest)).await {
            Ok(metadata) => Ok(Some((metadata.len(), changed(&metadata).map_err(looking)?))),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(looking(e)),
        }
    }

    async fn delete_older(&self, digest: Digest, than: Timestamp) -> Result<bool, BlobError> {
        let _nobody_names = self.naming.write().await;
        match self.stored(digest).await? {
            Some((_, since)) if since < than => self.delete(digest).await.map(|()| true),
            _ => Ok(false),
        }
    }
}

/// When a file was last written.
fn changed(metadata: &std::fs::Metadata) -> io::Result<Timestamp> {
    let since = metadata.modified()?.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Ok(Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX)))
}

/// A file that is being written; gone when dropped without a name. Its writer holds its lock, so that whoever
/// sweeps can tell it from what a dead writer left.
struct Half {
    file: fs::File,
    path: Option<PathBuf>,
}

impl Half {
    async fn make(directory: &Path) -> Result<Self, BlobError> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        loop {
            let path = directory.join(format!("{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed)));
            let made = fs::OpenOptions::new().write(true).create_new(true).mode(0o644).open(&path).await;
            let file = match made {
                Ok(file) => file,
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => continue, // a dead writer had our number
                Err(e) => return Err(writing(e)),
            };
            let half = Self { file, path: Some(path) };
            let locked = flock(&half.file, FlockOperation::NonBlockingLockExclusive).is_ok();
            if locked && half.file.metadata().await.map_err(writing)?.nlink() > 0 {
                return Ok(half);
            } // swept between the two calls
        }
    }

    async fn name(&mut self, target: &Path) -> Result<(), BlobError> {
        if let Some(path) = &self.path {
            fs::rename(path, target).await.map_err(writing)?;
            self.path = None;
        }
        Ok(())
    }
}

impl Drop for Half {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            drop(std::fs::remove_file(path));
        }
    }
}

/// Removes files in `tmp` that nobody is writing.
fn sweep(tmp: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(tmp)? {
        let path = entry?.path();
        let Ok(file) = std::fs::File::open(&path) else { continue };
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok() {
            std::fs::remove_file(&path)?;
        }
    }
    Ok(())
}

fn list(root: &Path) -> io::Result<Vec<Digest>> {
    let mut digests = Vec::new();
    for part in std::fs::read_dir(root)? {
        for file in std::fs::read_dir(part?.path())? {
            let name = file?.file_name();
            digests.extend(name.to_str().and_then(|hex| format!("sha256:{hex}").parse::<Digest>().ok()));
        }
    }
    digests.sort_unstable();
    Ok(digests)
}

/// Makes a rename in a directory last.
async fn sync_directory(directory: &Path) -> Result<(), BlobError> {
    let opened = fs::File::open(directory).await.map_err(writing)?;
    opened.sync_all().await.map_err(writing)
}

/// Hashes what streams past, and fails at the end if it is not what was asked for.
struct Verified {
    inner: fs::File,
    hasher: Option<Hasher>,
    digest: Digest,
}

impl AsyncRead for Verified {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        if buf.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        match Pin::new(&mut self.inner).poll_read(cx, buf) {
            Poll::Ready(Ok(())) => {}
            other => return other,
        }
        let fresh = &buf.filled()[before..];
        if !fresh.is_empty() {
            if let Some(hasher) = &mut self.hasher {
                hasher.update(fresh);
            }
            return Poll::Ready(Ok(()));
        }
        if self.hasher.take().is_none_or(|hasher| hasher.finish() == self.digest) {
            return Poll::Ready(Ok(()));
        }
        let error = format!("{} is damaged on the disk: delete it and store it again", self.digest);
        Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, error)))
    }
}

fn writing(source: io::Error) -> BlobError {
    io_error("writing".to_owned(), source)
}

fn absent(digest: Digest, source: io::Error) -> BlobError {
    if source.kind() == io::ErrorKind::NotFound { BlobError::Absent(digest) } else { io_error(format!("opening {digest}"), source) }
}

/// An error of the disk, with what to do.
pub(crate) fn io_error(doing: String, source: io::Error) -> BlobError {
    BlobError::Io { what: format!("{doing}: {source}{}", advice(source.kind())), source }
}

pub(crate) fn advice(kind: io::ErrorKind) -> &'static str {
    match kind {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "; the disk is full: free some space (`penstock gc` removes what nothing needs) and try again"
        }
        io::ErrorKind::PermissionDenied => "; give the server's user the right to write there",
        io::ErrorKind::ReadOnlyFilesystem => "; mount the disk read-write",
        _ => "",
    }
}
