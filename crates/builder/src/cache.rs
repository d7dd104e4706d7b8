//! Results of steps by key: small files that name blobs. A blob that is gone makes its entry worth nothing. A file's time is
//! when its result was last made or used.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::time::SystemTime;

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
        let path = self.path(key);
        let kept = serde_json::from_slice(&fs::read(&path).ok()?).ok()?;
        // one that cannot be marked as used only goes earlier than it might
        let _ = fs::File::open(&path).and_then(|file| file.set_modified(SystemTime::now()));
        Some(kept)
    }

    /// Keeps a result, whole or not at all.
    pub fn put(&self, key: Key, kept: &Kept) -> io::Result<()> {
        let partial = tempfile::NamedTempFile::new_in(&self.0)?;
        fs::write(partial.path(), serde_json::to_vec(kept)?)?;
        partial.persist(self.path(key))?;
        Ok(())
    }
}

/// An entry as it lies there.
pub struct Lying {
    /// Its file.
    pub path: PathBuf,
    /// Its bytes.
    pub size: u64,
    /// When it was last made or used.
    pub used: SystemTime,
    /// What it says, if that can be read.
    pub kept: Option<Kept>,
}

impl Cache {
    /// All entries, and what dead writers left.
    pub fn all(&self) -> io::Result<Vec<Lying>> {
        let mut all = Vec::new();
        for entry in fs::read_dir(&self.0)? {
            let path = entry?.path();
            let found = path.metadata()?;
            let kept = serde_json::from_slice(&fs::read(&path)?).ok();
            all.push(Lying { size: found.len(), used: found.modified()?, kept, path });
        }
        all.sort_by(|one, other| one.path.cmp(&other.path));
        Ok(all)
    }
}
