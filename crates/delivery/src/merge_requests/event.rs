//! What happens to a merge request, as the log has it.

use penstock_model::{CommitId, RunId, UserName};
use serde::{Deserialize, Serialize};

/// A change of one merge request. Whoever caused it is the event's actor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "what")]
pub enum MergeRequestChange {
    /// It was opened.
    Opened {
        /// Its title, one line.
        title: String,
        /// What its author says of it.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        description: String,
        /// What is to be merged: a branch; or, of what was offered, `USER/TOPIC`.
        source: String,
        /// Whether it was offered (`refs/for/BRANCH`) and is no branch.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        offered: bool,
        /// The branch that it is to be merged into.
        target: String,
        /// Whether it is not to be merged yet.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        draft: bool,
        /// Who opened it, as authenticated.
        author: UserName,
        /// What it starts with.
        head: Head,
    },
    /// It has another commit.
    Updated {
        /// Which.
        head: Head,
    },
    /// Somebody with the right let the pipeline of a commit from outside have what a developer's has.
    Allowed {
        /// The commit: the word counts for no other.
        commit: CommitId,
        /// Who.
        by: UserName,
        /// The run that starts again.
        run: RunId,
    },
    /// It is described otherwise.
    Edited {
        /// Its title from now on.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        title: Option<String>,
        /// Its description from now on.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        description: Option<String>,
        /// Whether it is not to be merged yet.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        draft: Option<bool>,
    },
    /// It was closed without being merged.
    Closed {
        /// The run of the workflow that names this.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        run: Option<RunId>,
        /// Who.
        by: UserName,
    },
    /// It is open again.
    Reopened {
        /// With what.
        head: Head,
    },
    /// Its target has what it had.
    Merged {
        /// Where the target was then.
        commit: CommitId,
        /// The run of the workflow that names this.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        run: Option<RunId>,
        /// Who pushed or merged.
        by: UserName,
    },
}

/// A commit of a merge request, and the run that answers it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The commit.
    pub commit: CommitId,
    /// Who pushed it, as authenticated.
    pub pusher: UserName,
    /// Whether they had no right to push branches then.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub outside: bool,
    /// The run.
    pub run: RunId,
}

/// What a push of a branch asks for besides (`git push -o merge_request.create`), kept from before the push to when it came: a server
/// that dies between the two still knows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ask {
    /// Whether one is to be opened if none is.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub create: bool,
    /// The branch to merge into; the one that is delivered unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// Its title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Its description.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Whether it is not to be merged yet.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub draft: bool,
}
