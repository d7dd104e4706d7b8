//! What is told of a commit, its project and its people, besides what every event has.

use penstock_model::git::{Commit, Signature};
use penstock_model::{CommitId, LocalTime};
use serde::{Deserialize, Serialize};

/// What is known of an event besides itself. Nothing of it is made up: what nobody told is absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventFacts {
    /// What the commit says of itself; `None` before the first commit of a clone, and of events that were kept before it was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<Box<CommitFacts>>,
    /// What the tag says, if the event is of an annotated one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag_message: Option<String>,
}

impl EventFacts {
    /// True if nothing is known.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What a commit says of itself besides its id and its message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitFacts {
    /// Its tree's id.
    pub tree: String,
    /// Its parents.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parents: Vec<CommitId>,
    /// Who wrote it: a claim, not an authentication.
    pub author: Signature,
    /// When it was written.
    pub authored: LocalTime,
    /// Who committed it: a claim too.
    pub committer: Signature,
    /// When it was committed.
    pub committed: LocalTime,
}

impl From<Commit> for CommitFacts {
    fn from(commit: Commit) -> Self {
        let Commit { tree, parents, author, authored, committer, committed, .. } = commit;
        Self { tree, parents, author, authored, committer, committed }
    }
}
