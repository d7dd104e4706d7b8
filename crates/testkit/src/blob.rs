//! Blobs and logs in memory.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use penstock_model::blob::{BlobError, BlobStore, ByteStream, LogId, LogLine, LogPart, LogSink, LogStore};
use penstock_model::{Clock, Digest, Timestamp};
use tokio::io::AsyncReadExt as _;
use tokio::sync::watch;

use crate::{FakeClock, held};

/// A content-addressed store in memory.
#[derive(Debug, Default)]
pub struct MemoryBlobs {
    blobs: Mutex<BTreeMap<Digest, (Bytes, Timestamp)>>,
    clock: Arc<FakeClock>,
}

impl MemoryBlobs {
    /// A store whose blobs are as old as this clock says.
    pub fn by(clock: Arc<FakeClock>) -> Self {
        Self { blobs: Mutex::default(), clock }
    }

    fn insert(&self, digest: Digest, bytes: Bytes) {
        let now = self.clock.now();
        held(&self.blobs).insert(digest, (bytes, now));
    }

    /// Changes a blob's bytes behind its digest's back.
    pub fn corrupt(&self, digest: Digest, bytes: &[u8]) {
        self.insert(digest, Bytes::copy_from_slice(bytes));
    }
}

#[async_trait]
impl BlobStore for MemoryBlobs {
    async fn put(&self, mut bytes: ByteStream, expected: Option<Digest>, limit: u64) -> Result<(Digest, u64), BlobError> {
        let mut all = Vec::new();
        let read = (&mut bytes).take(limit.saturating_add(1)).read_to_end(&mut all).await;
        read.map_err(|source| BlobError::Io { what: "reading the stream".to_owned(), source })?;
        let size = all.len() as u64;
        if size > limit {
            return Err(BlobError::TooLarge { limit });
        }
        let actual = Digest::of(&all);
        if let Some(expected) = expected.filter(|expected| *expected != actual) {
            return Err(BlobError::Mismatch { expected, actual });
        }
        self.insert(actual, all.into());
        Ok((actual, size))
    }

    async fn put_bytes(&self, bytes: Bytes) -> Result<Digest, BlobError> {
        let digest = Digest::of(&bytes);
        self.insert(digest, bytes);
        Ok(digest)
    }

    async fn get(&self, digest: Digest) -> Result<ByteStream, BlobError> {
        let bytes = self.get_bytes(digest, u64::MAX).await?;
        Ok(Box::pin(Cursor::new(bytes)))
    }

    async fn get_bytes(&self, digest: Digest, limit: u64) -> Result<Bytes, BlobError> {
        let (bytes, _) = held(&self.blobs).get(&digest).cloned().ok_or(BlobError::Absent(digest))?;
        if bytes.len() as u64 > limit {
            return Err(BlobError::TooLarge { limit });
        }
        let actual = Digest::of(&bytes);
        if actual == digest { Ok(bytes) } else { Err(BlobError::Mismatch { expected: digest, actual }) }
    }

    async fn size(&self, digest: Digest) -> Result<Option<u64>, BlobError> {
        Ok(held(&self.blobs).get(&digest).map(|(bytes, _)| bytes.len() as u64))
    }

    fn path(&self, _digest: Digest) -> Option<PathBuf> {
        None
    }

    async fn delete(&self, digest: Digest) -> Result<(), BlobError> {
        held(&self.blobs).remove(&digest);
        Ok(())
    }

    async fn list(&self) -> Result<Vec<Digest>, BlobError> {
        Ok(held(&self.blobs).keys().copied().collect())
    }

    async fn stored(&self, digest: Digest) -> Result<Option<(u64, Timestamp)>, BlobError> {
        Ok(held(&self.blobs).get(&digest).map(|(bytes, since)| (bytes.len() as u64, *since)))
    }

    async fn delete_older(&self, digest: Digest, than: Timestamp) -> Result<bool, BlobError> {
        let mut blobs = held(&self.blobs);
        let old = blobs.get(&digest).is_some_and(|(_, since)| *since < than);
        if old {
            blobs.remove(&digest);
        }
        Ok(old)
    }
}

#[derive(Debug)]
struct OneLog {
    lines: Mutex<(Vec<LogLine>, bool)>,
    changed: watch::Sender<u64>,
}

impl Default for OneLog {
    fn default() -> Self {
        Self { lines: Mutex::default(), changed: watch::Sender::new(0) }
    }
}

#[async_trait]
impl LogSink for OneLog {
    async fn write(&self, lines: Vec<LogLine>) -> Result<(), BlobError> {
        let bytes: usize = lines.iter().map(|line| line.text.len() + 1).sum();
        held(&self.lines).0.extend(lines);
        self.changed.send_modify(|size| *size += bytes as u64);
        Ok(())
    }
}

/// Logs in memory. An offset counts the bytes of pieces, and one more for each.
#[derive(Debug, Default)]
pub struct MemoryLogs {
    logs: Mutex<BTreeMap<LogId, Arc<OneLog>>>,
}

impl MemoryLogs {
    fn log(&self, log: &LogId) -> Arc<OneLog> {
        Arc::clone(held(&self.logs).entry(log.clone()).or_default())
    }

    /// The text of a log.
    pub fn text(&self, log: &LogId) -> String {
        let log = self.log(log);
        let lines = held(&log.lines);
        lines.0.iter().flat_map(|line| [line.text.as_str(), if line.ends { "\n" } else { "" }]).collect()
    }
}

#[async_trait]
impl LogStore for MemoryLogs {
    async fn open(&self, log: &LogId) -> Result<Arc<dyn LogSink>, BlobError> {
        let log: Arc<dyn LogSink> = self.log(log);
        Ok(log)
    }

    async fn close(&self, log: &LogId) -> Result<(), BlobError> {
        let log = self.log(log);
        held(&log.lines).1 = true;
        log.changed.send_modify(|_| {});
        Ok(())
    }

    async fn read(&self, log: &LogId, from: u64, max_bytes: usize) -> Result<LogPart, BlobError> {
        let log = self.log(log);
        let lines = held(&log.lines);
        let (mut part, mut at, mut bytes) = (LogPart { next: from, ..LogPart::default() }, 0, 0);
        let size = |line: &LogLine| line.text.len() as u64 + 1;
        for line in &lines.0 {
            let begins = at;
            at += size(line);
            // an offset that falls into a piece leaves it out
            if begins < from {
                part.next = part.next.max(at);
                continue;
            }
            if bytes > 0 && bytes + line.text.len() > max_bytes {
                break;
            }
            bytes += line.text.len();
            part.lines.push(line.clone());
            part.next = at;
        }
        part.closed = lines.1 && part.next >= lines.0.iter().map(size).sum();
        Ok(part)
    }

    fn changed(&self, log: &LogId) -> watch::Receiver<u64> {
        self.log(log).changed.subscribe()
    }

    async fn list(&self) -> Result<Vec<(LogId, u64)>, BlobError> {
        let logs: Vec<_> = held(&self.logs).iter().map(|(id, log)| (id.clone(), Arc::clone(log))).collect();
        let bytes = |log: &OneLog| held(&log.lines).0.iter().map(|line| line.text.len() as u64).sum();
        Ok(logs.into_iter().map(|(id, log)| (id, bytes(&log))).collect())
    }

    async fn remove(&self, log: &LogId) -> Result<bool, BlobError> {
        let mut logs = held(&self.logs);
        // whoever appends holds it too
        if logs.get(log).is_none_or(|log| Arc::strong_count(log) > 1) {
            return Ok(false);
        }
        Ok(logs.remove(log).is_some())
    }
}
