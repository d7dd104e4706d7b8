//! A layer on its way: entries collected in order, written, stored.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use penstock_image::layer::{Entry, Finished, Kind, LayerWriter};
use penstock_model::Digest;

/// Entries by the parts of their paths, which is their order, with the file that holds the content.
#[derive(Debug, Default)]
pub struct Entries(pub BTreeMap<Vec<String>, (Entry, Option<PathBuf>)>);

/// The parts of a path, the key of [`Entries`].
pub fn key(path: &str) -> Vec<String> {
    path.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

impl Entries {
    /// Puts an entry in, over an earlier one of the same path.
    pub fn put(&mut self, entry: Entry, content: Option<PathBuf>) {
        self.0.insert(key(&entry.path), (entry, content));
    }

    /// Writes the layer into a new file of this directory; `None` if there is nothing to write.
    pub fn write(self, directory: &Path) -> io::Result<Option<(tempfile::TempPath, Finished)>> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let file = tempfile::NamedTempFile::new_in(directory)?;
        let (file, path) = file.into_parts();
        let mut writer = LayerWriter::new(io::BufWriter::new(file));
        for (entry, content) in self.0.into_values() {
            match content {
                Some(content) if matches!(entry.kind, Kind::File(_)) => writer.entry(&entry, File::open(content)?)?,
                _ => writer.entry(&entry, io::empty())?,
            }
        }
        let (file, finished) = writer.finish()?;
        file.into_inner().map_err(io::IntoInnerError::into_error)?;
        Ok(Some((path, finished)))
    }

    /// A digest of each entry with its content, for telling two runs of a step apart.
    pub fn summary(&self) -> io::Result<BTreeMap<String, Digest>> {
        let one = |(entry, content): &(Entry, Option<PathBuf>)| {
            let content = content.as_ref().filter(|_| matches!(entry.kind, Kind::File(_))).map(fs::read).transpose()?;
            // the time is no part of the layer
            let entry = Entry { mtime: 0, ..entry.clone() };
            Ok((entry.path.clone(), Digest::of(format!("{entry:?} {:?}", content.map(Digest::of)))))
        };
        self.0.values().map(one).collect()
    }
}
