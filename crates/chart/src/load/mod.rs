//! A chart from bytes: from the files of a directory, or from an archive.
//!
//! Whoever reads a directory goes through it in the order of names, follows [`Rules`] and gives every file's path from the top. Nothing
//! is opened, written or followed here: a link in an archive is a file that holds nothing, as Helm has it.

mod address;
mod archive;
mod assemble;
mod draft;
mod ignore;
mod listed;
mod named;
mod object;
mod path;
mod pattern;
mod sniff;
mod tar;
#[cfg(test)]
mod tests;
mod validate;

use thiserror::Error;

use crate::{budget::Exhausted, yaml::ReadError};

pub(crate) use address::{address, whole_address};
use archive::MAX_TOTAL;
pub use archive::{MAX_CHART, MAX_FILE, MAX_FILES, unpack};
use assemble::MAX_NESTED;
pub use assemble::{Loaded, archive, files, metadata};
pub use ignore::{BadRule, IGNORE_FILE, Rules};
pub(crate) use listed::{ListedChart, read_index};
pub(crate) use named::read_named;
pub(crate) use object::{Object, annotations_of_items, object};
pub(crate) use path::clean;
pub use pattern::{BadPattern, matches};
pub use sniff::check_archive;
pub(crate) use validate::is_one_name;

/// Why there is no chart.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum LoadError {
    /// What Helm says.
    #[error("{0}")]
    Said(String),
    /// Too many files.
    #[error("the chart and the archives inside it hold more than {MAX_FILES} files")]
    Files,
    /// Too many bytes.
    #[error("the chart and the archives inside it hold more than {MAX_TOTAL} bytes")]
    Total,
    /// Too deep.
    #[error("charts stand more than {MAX_NESTED} deep in one another")]
    Depth,
    /// A file of it takes too much to read.
    #[error(transparent)]
    Limit(#[from] Exhausted),
}

impl From<ReadError> for LoadError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Said(text) => Self::Said(text),
            ReadError::Limit(limit) => Self::Limit(limit),
        }
    }
}

impl LoadError {
    fn said(text: impl Into<String>) -> Self {
        Self::Said(text.into())
    }

    /// The same, with what was being done in front.
    fn during(self, what: &str) -> Self {
        match self {
            Self::Said(text) => Self::Said(format!("{what}: {text}")),
            limit => limit,
        }
    }
}

/// Without a byte order mark.
fn trimmed(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
}
