//! What started a pipeline, as both dialects tell it.

use std::collections::BTreeMap;

use penstock_model::CommitId;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// What started a pipeline. The ref and the commit are the event's own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "by")]
pub enum Trigger {
    /// A push of a branch or a tag.
    #[default]
    Push,
    /// A merge request, GitHub's pull request.
    MergeRequest(Box<MergeRequest>),
    /// A timetable.
    Schedule {
        /// When, as `crontab` writes it: `30 5 * * 1-5`.
        cron: String,
        /// What GitLab calls the schedule's description.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        description: String,
    },
    /// A person, from a page or the command line: GitLab's `web`, GitHub's `workflow_dispatch`.
    Manual {
        /// What was filled in.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        inputs: BTreeMap<String, Json>,
    },
    /// A call of the API: GitLab's `api`, GitHub's `repository_dispatch`.
    Api {
        /// The type of event that `repository_dispatch` names.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        event_type: String,
        /// What was sent with it.
        #[serde(default, skip_serializing_if = "Json::is_null")]
        payload: Json,
    },
    /// A trigger token of GitLab's (`trigger`).
    Token,
    /// A job of another project's pipeline (GitLab's `pipeline`).
    Pipeline {
        /// What it gives for the inputs that the pipeline file declares.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        inputs: BTreeMap<String, Json>,
    },
    /// A job of a pipeline of the same project and commit (GitLab's `parent_pipeline`).
    Parent {
        /// What started the pipeline above all parents.
        #[serde(default, skip_serializing_if = "is_push")]
        origin: Box<Trigger>,
    },
    /// A release of the tag that the ref names.
    Release {
        /// What happened to it: `published`.
        action: String,
        /// Its name, if it is not the tag's.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        name: String,
        /// Whether it is a draft.
        #[serde(default)]
        draft: bool,
        /// Whether it is one before the real one.
        #[serde(default)]
        prerelease: bool,
    },
    /// Any other event, by the name that GitHub has for it: `issues`, `workflow_run`, `merge_group`.
    Named {
        /// The name.
        name: String,
        /// What happened, for events of several types: `opened`.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        action: String,
        /// What the host told of it.
        #[serde(default, skip_serializing_if = "Json::is_null")]
        payload: Json,
    },
}

#[allow(clippy::borrowed_box, reason = "as serde hands it over")]
fn is_push(trigger: &Box<Trigger>) -> bool {
    trigger.is_push()
}

/// A merge request, GitHub's pull request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MergeRequest {
    /// What happened to it, in GitHub's words: `opened`, `synchronize`, `reopened`, `labeled`.
    pub action: String,
    /// Its number within the project.
    pub number: u64,
    /// Its title.
    pub title: String,
    /// What its author says of it.
    #[serde(default)]
    pub description: String,
    /// The branch that is to be merged, without `refs/heads/`.
    pub source_branch: String,
    /// The branch that it is merged into.
    pub target_branch: String,
    /// Where the two parted: what the merge request changes is told from here.
    pub base: CommitId,
    /// Where the target branch is now, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<CommitId>,
    /// The path of the project that it comes from, if that is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fork: Option<String>,
    /// Whether it is not to be merged yet.
    #[serde(default)]
    pub draft: bool,
    /// Its labels.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    /// Who is to see to it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub assignees: Vec<String>,
    /// Its milestone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub milestone: Option<String>,
    /// Who opened it, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// The label that `labeled` and `unlabeled` speak of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Whether the event's commit is the target branch's and not the merge request's (GitHub's `pull_request_target`).
    #[serde(default)]
    pub of_target: bool,
}

impl Trigger {
    /// True for a push, which is what nobody needs to say.
    pub fn is_push(&self) -> bool {
        *self == Self::Push
    }

    /// What started it; of a child pipeline, what started the one above all of its parents.
    pub fn origin(&self) -> &Self {
        match self {
            Self::Parent { origin } => origin,
            _ => self,
        }
    }

    /// The merge request, if it is one; a child pipeline has that of its parent.
    pub fn merge_request(&self) -> Option<&MergeRequest> {
        match self.origin() {
            Self::MergeRequest(request) => Some(request),
            _ => None,
        }
    }

    /// GitLab's word for it (`CI_PIPELINE_SOURCE`); `None` where GitLab starts no pipeline.
    pub fn gitlab_source(&self) -> Option<&'static str> {
        match self {
            Self::Push => Some("push"),
            Self::MergeRequest(_) => Some("merge_request_event"),
            Self::Schedule { .. } => Some("schedule"),
            Self::Manual { .. } => Some("web"),
            Self::Api { .. } => Some("api"),
            Self::Token => Some("trigger"),
            Self::Pipeline { .. } => Some("pipeline"),
            Self::Parent { .. } => Some("parent_pipeline"),
            Self::Release { .. } | Self::Named { .. } => None,
        }
    }

    /// GitHub's word for it (`github.event_name`); `None` where GitHub starts no workflow.
    pub fn github_event(&self) -> Option<&str> {
        match self {
            Self::Push => Some("push"),
            Self::MergeRequest(request) if request.of_target => Some("pull_request_target"),
            Self::MergeRequest(_) => Some("pull_request"),
            Self::Schedule { .. } => Some("schedule"),
            Self::Manual { .. } => Some("workflow_dispatch"),
            Self::Api { .. } => Some("repository_dispatch"),
            Self::Release { .. } => Some("release"),
            Self::Named { name, .. } => Some(name),
            Self::Token | Self::Pipeline { .. } | Self::Parent { .. } => None,
        }
    }

    /// What happened, for events of several types (GitHub's `types`).
    pub fn action(&self) -> Option<&str> {
        let action = match self {
            Self::MergeRequest(request) => &request.action,
            Self::Api { event_type, .. } => event_type,
            Self::Release { action, .. } | Self::Named { action, .. } => action,
            _ => return None,
        };
        Some(action.as_str()).filter(|action| !action.is_empty())
    }

    /// What was given for the inputs that the pipeline file declares.
    pub fn inputs(&self) -> &BTreeMap<String, Json> {
        static NONE: BTreeMap<String, Json> = BTreeMap::new();
        match self {
            Self::Manual { inputs } | Self::Pipeline { inputs } => inputs,
            _ => &NONE,
        }
    }

    /// In words: `a push`, `a merge request`.
    pub fn words(&self) -> &str {
        match self {
            Self::Push => "a push",
            Self::MergeRequest(_) => "a merge request",
            Self::Schedule { .. } => "a schedule",
            Self::Manual { .. } => "a person",
            Self::Api { .. } => "the API",
            Self::Token => "a trigger token",
            Self::Pipeline { .. } => "another project's pipeline",
            Self::Parent { .. } => "a parent pipeline",
            Self::Release { .. } => "a release",
            Self::Named { name, .. } => name,
        }
    }
}
