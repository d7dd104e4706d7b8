//! What is told of a commit, its project and its people, besides what every event has.

use penstock_model::git::{Commit, Signature};
use penstock_model::{CommitId, LocalTime};
use serde::{Deserialize, Serialize};

use crate::project_variables::ProjectVariables;

/// What is known of an event besides itself. Nothing of it is made up: what nobody told is absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventFacts {
    /// What the commit says of itself; `None` before the first commit of a clone, and of events that were kept before it was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<Box<CommitFacts>>,
    /// What the tag says, if the event is of an annotated one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag_message: Option<String>,
    /// What a push brought; `None` for whatever is no push, and where no workflow is there to ask.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub push: Option<Box<PushFacts>>,
    /// What the project says of itself; empty if it says nothing.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// The first address of whoever pushed; empty if they have none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub email: String,
    /// The project's variables that reach the pipeline, for planning alone: they are not in a plan.
    #[serde(skip)]
    pub variables: ProjectVariables,
}

impl EventFacts {
    /// True if nothing is known.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What a push brought.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushFacts {
    /// Whether the ref lost something that it had.
    #[serde(default)]
    pub forced: bool,
    /// Commits that the ref did not have before, the oldest first. Of many the newest alone.
    #[serde(default)]
    pub commits: Vec<PushedCommit>,
}

impl PushFacts {
    /// The most commits that are told.
    pub const MAX_COMMITS: usize = 100;
    /// The most bytes of their messages together: they are kept with each run.
    const MAX_TEXT: usize = 256 << 10;

    /// Of commits as Git lists them, the newest first.
    pub fn new(forced: bool, newest_first: impl IntoIterator<Item = Commit>) -> Self {
        let mut room = Self::MAX_TEXT;
        let fits = |commit: &Commit| match room.checked_sub(commit.message.len()) {
            Some(left) => {
                room = left;
                true
            }
            None => false,
        };
        let told = newest_first.into_iter().take(Self::MAX_COMMITS).take_while(fits);
        let mut commits: Vec<_> =
            told.map(|commit| PushedCommit { id: commit.id.clone(), message: commit.message.clone(), facts: commit.into() }).collect();
        commits.reverse();
        Self { forced, commits }
    }
}

/// A commit that a push brought.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushedCommit {
    /// Its id.
    pub id: CommitId,
    /// Its whole message.
    pub message: String,
    /// What else it says.
    #[serde(flatten)]
    pub facts: CommitFacts,
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

#[cfg(test)]
mod tests {
    use penstock_model::Timestamp;

    use super::*;

    #[test]
    fn of_many_commits_the_newest_are_told_and_the_oldest_of_them_first() {
        let commit = |number: usize, message: &str| {
            let who = Signature { name: "Ada".to_owned(), email: "ada@example.org".to_owned() };
            let at = LocalTime { at: Timestamp(0), east: 0 };
            Commit {
                id: format!("{number:040}").parse().unwrap(),
                tree: String::new(),
                parents: Vec::new(),
                author: who.clone(),
                authored: at,
                committer: who,
                committed: at,
                message: message.to_owned(),
            }
        };
        let told = |commits: Vec<Commit>| {
            let facts = PushFacts::new(false, commits);
            facts.commits.iter().map(|commit| commit.id.as_str().trim_start_matches('0').to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(told(vec![commit(3, "c"), commit(2, "b"), commit(1, "a")]), ["1", "2", "3"]);
        let many = told((1..=150).map(|number| commit(number, "x")).collect());
        assert_eq!((many.len(), many[0].as_str(), many[99].as_str()), (100, "100", "1"));
        let long = "x".repeat(200 << 10);
        assert_eq!(told(vec![commit(3, "c"), commit(2, &long), commit(1, &long)]), ["2", "3"]);
        let facts = PushFacts::new(true, [commit(1, "a")]);
        assert_eq!(serde_json::from_str::<PushFacts>(&serde_json::to_string(&facts).unwrap()).unwrap(), facts);
    }
}
