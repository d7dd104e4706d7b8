//! What builds keep, when it is no longer used.

use std::time::{Duration, SystemTime};

use penstock_model::Timestamp;
use penstock_model::container::LayerRef;

use crate::cache::Cache;
use crate::{BuildError, Builder};

/// What is kept and what went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tidied {
    /// Results of steps that went, or in a dry run would go, with the bytes of their entries. Their layers stay in the store.
    pub gone: Vec<(String, u64)>,
    /// Layers of the results that stay: a build counts on them.
    pub layers: Vec<LayerRef>,
}

impl Builder {
    /// Removes results of steps that no build used at this moment or later, and those whose layer is gone. Nobody may build
    /// meanwhile.
    ///
    /// # Errors
    /// When the store or the directory fails.
    pub async fn tidy(&self, unused_since: Timestamp, dry_run: bool) -> Result<Tidied, BuildError> {
        let since = SystemTime::UNIX_EPOCH + Duration::from_millis(u64::try_from(unused_since.0).unwrap_or(0));
        let entries = Cache(self.dir.join("kept")).all().map_err(BuildError::io("reading what builds keep"))?;
        let mut tidied = Tidied::default();
        for entry in entries {
            let layer = entry.kept.as_ref().and_then(|kept| kept.layer.as_ref());
            let there = match layer {
                Some(layer) => self.blobs.size(layer.blob.digest).await? == Some(layer.blob.size),
                None => entry.kept.is_some(),
            };
            if there && entry.used >= since {
                tidied.layers.extend(layer.cloned());
                continue;
            }
            if !dry_run {
                std::fs::remove_file(&entry.path).map_err(BuildError::io(format!("removing {}", entry.path.display())))?;
            }
            let name = entry.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            tidied.gone.push((name, entry.size));
        }
        Ok(tidied)
    }
}
