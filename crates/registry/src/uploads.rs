//! Uploads that come in pieces.
//!
//! `uploads/oran+api-gateway/<id>` holds what came so far, so an upload goes on after a restart. An upload that was
//! not touched for a day is gone.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::error::Error;
use bytes::Bytes;
use futures::{Stream, StreamExt};
use penstock_model::release::ImageName;
use penstock_model::{Clock, Timestamp};
use tokio::fs::{self, File, OpenOptions};
use tokio::io::AsyncWriteExt;

use crate::shelf::io_error;

/// How long an upload may rest.
const REST: Duration = Duration::from_secs(24 * 60 * 60);

/// Why a piece is not taken.
#[derive(Debug)]
pub(crate) enum UploadError {
    /// No such upload in this repository.
    Unknown,
    /// Another request is at it.
    Busy,
    /// The piece does not begin where the last one ended.
    OutOfOrder {
        /// Where the next has to begin.
        offset: u64,
    },
    /// Fewer or more bytes than the piece announced.
    Length,
    /// The client went away.
    Cut,
    /// Too many at once.
    TooMany,
    Other(Error),
}

impl From<Error> for UploadError {
    fn from(error: Error) -> Self {
        Self::Other(error)
    }
}

/// All uploads.
pub(crate) struct Uploads {
    root: PathBuf,
    clock: Arc<dyn Clock>,
    max_uploads: usize,
    max_bytes: u64,
    /// Those that a request is at.
    busy: Mutex<HashSet<String>>,
}

impl Uploads {
    pub fn open(root: PathBuf, clock: Arc<dyn Clock>, max_uploads: usize, max_bytes: u64) -> Result<Self, Error> {
        std::fs::create_dir_all(&root).map_err(|e| io_error(format!("making {}", root.display()), e))?;
        Ok(Self { root, clock, max_uploads, max_bytes, busy: Mutex::default() })
    }

    /// Begins an upload; gives its id.
    pub async fn begin(&self, name: &ImageName) -> Result<String, UploadError> {
        let count = sweep(&self.root, self.clock.now()).map_err(|e| io_error("looking at uploads".to_owned(), e))?;
        if count >= self.max_uploads {
            return Err(UploadError::TooMany);
        }
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).map_err(|e| io_error("random bytes".to_owned(), io::Error::other(e)))?;
        let id = hex::encode(bytes);
        let path = self.path(name, &id).ok_or(UploadError::Unknown)?;
        let made = async {
            fs::create_dir_all(path.parent().unwrap_or(&self.root)).await?;
            File::create_new(&path).await
        };
        made.await.map_err(|e| io_error("beginning an upload".to_owned(), e))?;
        Ok(id)
    }

    fn path(&self, name: &ImageName, id: &str) -> Option<PathBuf> {
        let fine = id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit()) && name.as_str().len() <= 200;
        fine.then(|| self.root.join(name.as_str().replace('/', "+")).join(id))
    }

    /// Takes an upload for one request.
    pub async fn take(&self, name: &ImageName, id: &str) -> Result<Taken<'_>, UploadError> {
        let path = self.path(name, id).ok_or(UploadError::Unknown)?;
        if !self.busy().insert(id.to_owned()) {
            return Err(UploadError::Busy);
        }
        let mut taken = Taken { uploads: self, id: id.to_owned(), path, offset: 0 };
        taken.offset = match fs::metadata(&taken.path).await {
            Ok(metadata) => metadata.len(),
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Err(UploadError::Unknown),
            Err(e) => return Err(io_error("looking at an upload".to_owned(), e).into()),
        };
        Ok(taken)
    }

    fn busy(&self) -> std::sync::MutexGuard<'_, HashSet<String>> {
        self.busy.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An upload that one request is at.
pub(crate) struct Taken<'a> {
    uploads: &'a Uploads,
    id: String,
    pub path: PathBuf,
    /// How much is there.
    pub offset: u64,
}

impl Taken<'_> {
    /// Appends a piece. `range` is what it says it is, `length` how long it says it is. What came before the client
    /// went away stays: it asks where to go on.
    pub async fn append<E>(
        &mut self,
        range: Option<(u64, u64)>,
        length: Option<u64>,
        piece: impl Stream<Item = Result<Bytes, E>>,
    ) -> Result<(), UploadError> {
        if let Some((start, end)) = range {
            if start != self.offset {
                return Err(UploadError::OutOfOrder { offset: self.offset });
            }
            if end < start || length.is_some_and(|length| length != end - start + 1) {
                return Err(UploadError::Length);
            }
        }
        let limit = self.uploads.max_bytes;
        let too_large = || UploadError::Other(Error::TooLarge { what: "an upload", limit });
        if length.is_some_and(|length| length > limit - self.offset.min(limit)) {
            return Err(too_large());
        }
        let writing = |e| io_error("writing an upload".to_owned(), e);
        let mut file = OpenOptions::new().append(true).open(&self.path).await.map_err(writing)?;
        let mut piece = std::pin::pin!(piece);
        let (begun, mut cut) = (self.offset, false);
        while let Some(bytes) = piece.next().await {
            let Ok(bytes) = bytes else {
                cut = true;
                break;
            };
            if self.offset + bytes.len() as u64 > limit {
                return Err(too_large());
            }
            file.write_all(&bytes).await.map_err(writing)?;
            self.offset += bytes.len() as u64;
        }
        file.flush().await.map_err(writing)?;
        match range {
            _ if cut => Err(UploadError::Cut),
            Some((start, end)) if self.offset - begun != end - start + 1 => Err(UploadError::Length),
            _ => Ok(()),
        }
    }

    /// It is done with, one way or the other.
    pub async fn remove(self) {
        fs::remove_file(&self.path).await.ok();
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        self.uploads.busy().remove(&self.id);
    }
}

/// Removes uploads that rested too long; gives how many are left.
fn sweep(root: &Path, now: Timestamp) -> io::Result<usize> {
    let mut count = 0;
    for repository in std::fs::read_dir(root)? {
        for upload in std::fs::read_dir(repository?.path())? {
            let upload = upload?;
            // one that ended meanwhile
            let Ok(metadata) = upload.metadata() else { continue };
            let touched = metadata.modified()?.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
            let touched = Timestamp(i64::try_from(touched.as_millis()).unwrap_or(i64::MAX));
            if now.since(touched) > REST {
                std::fs::remove_file(upload.path()).ok();
            } else {
                count += 1;
            }
        }
    }
    Ok(count)
}
