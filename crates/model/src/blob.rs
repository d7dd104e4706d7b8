//! Bytes by digest, and the logs of jobs.

use std::path::PathBuf;
use std::pin::Pin;

use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::io::AsyncRead;
use tokio::sync::watch;

use crate::{Digest, Timestamp};

/// Bytes as they stream in or out.
pub type ByteStream = Pin<Box<dyn AsyncRead + Send + 'static>>;

/// Why a blob could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// There is no such blob.
    #[error("there is no blob {0}")]
    Absent(Digest),
    /// The bytes have another digest than was promised.
    #[error("the bytes have the digest {actual} where {expected} was promised")]
    Mismatch {
        /// What was promised.
        expected: Digest,
        /// What came.
        actual: Digest,
    },
    /// More bytes than the caller allows.
    #[error("more than the {limit} bytes that are allowed")]
    TooLarge {
        /// The limit.
        limit: u64,
    },
    /// The disk failed or is full.
    #[error("blob store: {what}")]
    Io {
        /// What was tried and what to do.
        what: String,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
}

/// A content-addressed store. A blob is whole or absent; both ways are verified.
#[async_trait]
pub trait BlobStore: Send + Sync {
    /// Stores a stream of at most `limit` bytes; if `expected` is given, only under that digest. Gives digest and size.
    async fn put(&self, bytes: ByteStream, expected: Option<Digest>, limit: u64) -> Result<(Digest, u64), BlobError>;
    /// Stores a few bytes.
    async fn put_bytes(&self, bytes: Bytes) -> Result<Digest, BlobError>;
    /// Streams a blob; the stream fails at its end if the bytes are not the digest's.
    async fn get(&self, digest: Digest) -> Result<ByteStream, BlobError>;
    /// A blob of at most `limit` bytes, verified.
    async fn get_bytes(&self, digest: Digest, limit: u64) -> Result<Bytes, BlobError>;
    /// Its size, or `None` if it is absent.
    async fn size(&self, digest: Digest) -> Result<Option<u64>, BlobError>;
    /// Where it lies as a file, if the store is a directory (for unpacking without a copy).
    fn path(&self, digest: Digest) -> Option<PathBuf>;
    /// Removes it; fine if it is absent.
    async fn delete(&self, digest: Digest) -> Result<(), BlobError>;
    /// All digests, for garbage collection.
    async fn list(&self) -> Result<Vec<Digest>, BlobError>;
    /// Its size and when it was last stored, or `None` if it is absent. Storing the same bytes again makes it young.
    ///
    /// A store that does not know says that everything is young, so that nothing of it is ever collected.
    async fn stored(&self, digest: Digest) -> Result<Option<(u64, Timestamp)>, BlobError> {
        Ok(self.size(digest).await?.map(|size| (size, Timestamp(i64::MAX))))
    }
    /// Removes it unless it was stored at this moment or later; true if it was there and is gone. Whoever stores the same
    /// bytes meanwhile finds them there afterwards.
    async fn delete_older(&self, digest: Digest, than: Timestamp) -> Result<bool, BlobError> {
        let old = self.stored(digest).await?.is_some_and(|(_, since)| since < than);
        if old {
            self.delete(digest).await?;
        }
        Ok(old)
    }
}

/// A job attempt's log: `run/job/attempt`, or any other name of `[A-Za-z0-9._-]` parts joined by `/`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LogId(pub String);

/// Where a line came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Channel {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
    /// Penstock itself: section marks, why a thing ended.
    Note,
}

/// A piece of a log: a line, or part of one that was longer than [`LogLine::MAX`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// When it came.
    pub at: Timestamp,
    /// From where.
    pub channel: Channel,
    /// The text, secrets masked, invalid UTF-8 replaced, without its line end.
    pub text: String,
    /// False if the line goes on in the next piece.
    pub ends: bool,
}

impl LogLine {
    /// The longest piece, in bytes.
    pub const MAX: usize = 16 * 1024;
}

/// Takes a log's pieces as they come; cheap and never blocking for long.
#[async_trait]
pub trait LogSink: Send + Sync {
    /// Appends some pieces.
    async fn write(&self, lines: Vec<LogLine>) -> Result<(), BlobError>;
}

/// A part of a log that was read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogPart {
    /// The pieces.
    pub lines: Vec<LogLine>,
    /// Where to go on reading.
    pub next: u64,
    /// True when nothing will follow.
    pub closed: bool,
}

/// Logs of jobs: appended in pieces, read while they grow.
#[async_trait]
pub trait LogStore: Send + Sync {
    /// Opens a log for appending (again, after a restart).
    async fn open(&self, log: &LogId) -> Result<std::sync::Arc<dyn LogSink>, BlobError>;
    /// Nothing will follow.
    async fn close(&self, log: &LogId) -> Result<(), BlobError>;
    /// Reads from an offset (0, or a part's `next`), at most about `max_bytes`.
    async fn read(&self, log: &LogId, from: u64, max_bytes: usize) -> Result<LogPart, BlobError>;
    /// Wakes when the log grows or closes; the value is its size in bytes.
    fn changed(&self, log: &LogId) -> watch::Receiver<u64>;
    /// All logs with their sizes in bytes, for garbage collection.
    async fn list(&self) -> Result<Vec<(LogId, u64)>, BlobError>;
    /// Removes a log; false if it is absent or open for appending, which it stays.
    async fn remove(&self, log: &LogId) -> Result<bool, BlobError>;
}
