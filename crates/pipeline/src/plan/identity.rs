//! How a job proves to others which job it is.

use serde::{Deserialize, Serialize};

/// For whom an identity token is, not expanded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Audience {
    /// For one.
    One(String),
    /// For several.
    Several(Vec<String>),
}

impl Audience {
    /// With each of them changed.
    #[must_use]
    pub(crate) fn map(&self, mut change: impl FnMut(&str) -> String) -> Self {
        match self {
            Self::One(one) => Self::One(change(one)),
            Self::Several(several) => Self::Several(several.iter().map(|one| change(one)).collect()),
        }
    }
}
