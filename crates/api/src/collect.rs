//! Collecting what nothing needs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Body of `POST /gc`.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Collect {
    /// Only say what would go.
    #[serde(default)]
    pub dry_run: bool,
    /// What runs left and what was pushed in so many days stays; 30 unless given.
    #[serde(default = "Collect::month")]
    pub days: u32,
}

impl Collect {
    /// How long things stay unless something else is asked for.
    pub const DAYS: u32 = 30;

    fn month() -> u32 {
        Self::DAYS
    }
}

/// Its answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Collected {
    /// Whether everything is there still.
    pub dry_run: bool,
    /// Things that went, or would go.
    pub removed: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Blobs that stay.
    pub kept: u64,
    /// The same by sort: `image`, `blob`, `build-result`, `layer`, `log`, `checkout`.
    pub kinds: BTreeMap<String, CollectedKind>,
    /// Each thing, at most [`Collected::MAX_THINGS`].
    pub things: Vec<CollectedThing>,
    /// How many things are not among them.
    pub left_off: u64,
}

impl Collected {
    /// The most things that are named one by one.
    pub const MAX_THINGS: usize = 10_000;
}

/// Things of one sort that went, or would go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CollectedKind {
    /// How many.
    pub removed: u64,
    /// Their bytes. An image has none of its own: they are among the blobs.
    pub bytes: u64,
}

/// A thing that went, or would go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CollectedThing {
    /// Its sort.
    pub kind: String,
    /// Its name: an image by digest, a digest, a log's or a folder's path.
    pub name: String,
    /// Its bytes.
    pub bytes: u64,
}
