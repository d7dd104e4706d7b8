//! Results of steps by key: small files that name blobs. A blob that is gone makes its entry worth nothing.

use std::fs;
use std::io;
use std::path::PathBuf;

use penstock_image::key::Key;
use penstock_model::container::LayerRef;
use serde::{Deserialize, Serialize};

/// What a step made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// `None` if it changed nothing.
    pub layer: Option<LayerRef>,
}

/// The directory of results.
pub struct Cache(pub PathBuf);

impl Cache {
    fn path(&self, key: Key) -> PathBuf {
        self.0.join(key.0.hex())
    }

    /// What was kept; anything unreadable is as good as nothing.
    pub fn get(&self, key: Key) -> Option<Kept> {
        serde_json::from_slice(&fs::read(self.path(key)).ok()?).ok()
    }

    /// Keeps a result, whole or not at all.
    pub fn put(&self, key: Key, kept: &Kept) -> io::Result<()> {
        let partial = tempfile::NamedTempFile::new_in(&self.0)?;
        fs::write(partial.path(), serde_json::to_vec(kept)?)?;
        partial.persist(self.path(key))?;
        Ok(())
    }
}
