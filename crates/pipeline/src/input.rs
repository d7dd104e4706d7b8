//! What a plan is made from.

use std::collections::BTreeMap;

use penstock_model::{CommitId, ProjectName, RepositoryName, UserName};
use serde::{Deserialize, Serialize};

use crate::diagnostic::{Diagnostic, Severity};
use crate::event_facts::EventFacts;
use crate::plan::Variable;
use crate::trigger::Trigger;

/// Whose language a pipeline file speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Dialect {
    /// `.gitlab-ci.yml`.
    GitlabCi,
    /// `.github/workflows/*.yml`.
    GithubWorkflow,
}

impl Dialect {
    /// The dialect that a file's path promises: workflows lie in `.github/workflows/`, everything else is GitLab's.
    pub fn of_path(path: &str) -> Self {
        if path.trim_start_matches("./").starts_with(".github/workflows/") { Self::GithubWorkflow } else { Self::GitlabCi }
    }
}

/// A user's pipeline file.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// Its path in the repository, for messages.
    pub path: &'a str,
    /// Its text; at most [`Source::MAX_BYTES`].
    pub text: &'a str,
}

impl Source<'_> {
    /// The largest file that is read.
    pub const MAX_BYTES: usize = 1 << 20;

    /// A file's text; or where its first byte is that is no UTF-8.
    pub fn decode(path: &str, bytes: Vec<u8>) -> Result<String, Box<Diagnostic>> {
        String::from_utf8(bytes).map_err(|error| {
            let sound = error.utf8_error().valid_up_to();
            let before = String::from_utf8_lossy(&error.as_bytes()[..sound]);
            Box::new(Diagnostic {
                severity: Severity::Error,
                path: path.to_owned(),
                line: before.matches('\n').count() + 1,
                column: before.rsplit('\n').next().unwrap_or_default().chars().count() + 1,
                key: String::new(),
                message: "the file is not UTF-8".to_owned(),
                help: "save it as UTF-8".to_owned(),
            })
        })
    }
}

/// A push or whatever else starts a pipeline, with everything that a plan may depend on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushEvent {
    /// What started it.
    #[serde(default, skip_serializing_if = "Trigger::is_push")]
    pub trigger: Trigger,
    /// The project.
    pub project: ProjectName,
    /// Its source repository.
    pub repository: RepositoryName,
    /// The full ref: `refs/heads/main`, `refs/tags/v1`; of a merge request its source branch.
    pub reference: String,
    /// Where the ref is now.
    pub commit: CommitId,
    /// Where it was; `None` for a new ref, and for whatever is no push.
    pub before: Option<CommitId>,
    /// The project's main branch, without `refs/heads/`.
    pub default_branch: String,
    /// The commit's whole message.
    pub message: String,
    /// What else is known of the commit and of what the event is of.
    #[serde(default, skip_serializing_if = "EventFacts::is_empty")]
    pub facts: Box<EventFacts>,
    /// Who pushed, or did whatever else it was, as authenticated.
    pub pusher: UserName,
    /// Paths that the push changed, or the merge request since its base; `None` for a new ref and where nothing is compared
    /// (a schedule, the API): `changes` is true there as GitLab has it.
    pub changed: Option<Vec<String>>,
    /// All paths at the commit, for `exists`.
    pub files: Vec<String>,
    /// The project's own variables, plain. Secrets are not known while planning.
    pub variables: BTreeMap<String, String>,
    /// Variables of this pipeline alone, over all others: what whoever started it gave.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub given: BTreeMap<String, Variable>,
    /// Numbers of the open merge requests whose source is the branch, the newest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub open_merge_requests: Vec<u64>,
    /// The server's address, such as `http://127.0.0.1:7070`.
    pub server_url: String,
    /// The registry's address, such as `127.0.0.1:7070`.
    pub registry: String,
}

impl PushEvent {
    /// The branch, if it is of one and not of a merge request.
    pub fn branch(&self) -> Option<&str> {
        self.reference.strip_prefix("refs/heads/").filter(|_| self.trigger.merge_request().is_none_or(|request| request.of_target))
    }

    /// The tag, if it is of one.
    pub fn tag(&self) -> Option<&str> {
        self.reference.strip_prefix("refs/tags/")
    }

    /// The ref without `refs/heads/` or `refs/tags/`.
    pub fn ref_name(&self) -> &str {
        self.reference.strip_prefix("refs/heads/").or_else(|| self.tag()).unwrap_or(&self.reference)
    }

    /// Paths that changed, if there is something to compare with: after the push of a branch that was there, and in a merge request.
    pub fn diff(&self) -> Option<&[String]> {
        let compared = match self.trigger.origin() {
            Trigger::Push => self.tag().is_none(),
            Trigger::MergeRequest(_) => true,
            _ => false,
        };
        self.changed.as_deref().filter(|_| compared)
    }
}
