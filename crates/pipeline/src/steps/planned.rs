//! Steps as a plan has them.

use std::collections::{BTreeMap, BTreeSet};

use penstock_model::job::Shell;
use penstock_model::{CommitId, Digest};
use serde::{Deserialize, Serialize};

use super::container_action::ContainerAction;
use crate::github::BuiltIn;
use crate::plan::Condition;

/// What a file gives: a value, or an expression that is asked for it when the step runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Asked<T> {
    /// A value.
    Given(T),
    /// Text with `${{ }}` around an expression.
    Expression(String),
}

impl<T: Default> Default for Asked<T> {
    fn default() -> Self {
        Self::Given(T::default())
    }
}

impl<T> Asked<T> {
    /// The value, if the file gives one.
    pub(crate) fn given(&self) -> Option<&T> {
        if let Self::Given(value) = self { Some(value) } else { None }
    }

    /// The expression, if the file has one.
    pub(crate) fn expression(&self) -> Option<&str> {
        if let Self::Expression(text) = self { Some(text) } else { None }
    }
}

impl Asked<BTreeMap<String, String>> {
    /// Bytes of text.
    pub(crate) fn weight(&self) -> usize {
        match self {
            Self::Given(texts) => texts.iter().map(|(name, value)| name.len() + value.len()).sum(),
            Self::Expression(text) => text.len(),
        }
    }
}

/// A step of a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum PlannedStep {
    /// GitLab's `hooks: pre_get_sources_script`, in a shell of its own.
    BeforeSources {
        /// Its lines.
        commands: Vec<String>,
    },
    /// GitLab's `before_script` and `script`, as one shell.
    Script {
        /// Its lines.
        commands: Vec<String>,
    },
    /// GitLab's `after_script`, in a shell of its own, whatever happened before.
    AfterScript {
        /// Its lines.
        commands: Vec<String>,
    },
    /// A workflow's `run`.
    Run {
        /// Its line in the file.
        line: usize,
        /// Its `id`.
        id: Option<String>,
        /// Its `name`, not evaluated.
        name: Option<String>,
        /// Its script, not evaluated.
        script: String,
        /// What reads it; `None` is `bash -e`. In an action, and by a job's `defaults`, it may be an expression.
        shell: Option<Asked<Shell>>,
        /// Its `if`; `None` is `success()`.
        condition: Option<Condition>,
        /// Its variables, not evaluated.
        env: Asked<BTreeMap<String, String>>,
        /// Its folder, not evaluated.
        working_directory: Option<String>,
        /// Whether the job goes on when it fails.
        continue_on_error: Asked<bool>,
        /// Its own time limit in minutes.
        timeout_minutes: Option<Asked<u64>>,
    },
    /// A workflow's `uses`.
    Uses {
        /// Its line in the file.
        line: usize,
        /// Its `id`.
        id: Option<String>,
        /// Its `name`, not evaluated.
        name: Option<String>,
        /// The action as the file names it: `actions/checkout@v4`.
        uses: String,
        /// What carries it out.
        action: Action,
        /// Why that is a copy of the action, though Penstock carries it out itself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        instead: Option<String>,
        /// Its inputs, not evaluated, by their names in lower case.
        with: BTreeMap<String, String>,
        /// Its `if`; `None` is `success()`.
        condition: Option<Condition>,
        /// Its variables, not evaluated.
        env: Asked<BTreeMap<String, String>>,
        /// Whether the job goes on when it fails.
        continue_on_error: Asked<bool>,
        /// Its own time limit in minutes.
        timeout_minutes: Option<Asked<u64>>,
    },
    /// A step of a workflow that runs beside those after it (`background`, `parallel`).
    Background {
        /// By which others wait for it: its `id`, or a name made for it.
        key: String,
        /// What it does.
        step: Box<PlannedStep>,
    },
    /// A workflow's `wait`, `wait-all` or `cancel`.
    Wait {
        /// Its line in the file.
        line: usize,
        /// Its `id`.
        id: Option<String>,
        /// Its `name`, not evaluated.
        name: Option<String>,
        /// Which steps, and what of them.
        awaited: Awaited,
        /// Whether the job goes on when one of them failed.
        continue_on_error: Asked<bool>,
    },
}

/// Steps in the background that another step waits for or ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "what")]
pub enum Awaited {
    /// It waits for these.
    For {
        /// Their keys.
        steps: Vec<String>,
    },
    /// It waits for all that still run.
    All,
    /// It ends these.
    Cancel {
        /// Their keys.
        steps: Vec<String>,
    },
}

impl PlannedStep {
    /// The other repositories that its action, and those within it, are of.
    pub fn origins(&self) -> BTreeSet<&ActionOrigin> {
        let step = if let Self::Background { step, .. } = self { step } else { self };
        let Self::Uses { action, .. } = step else { return BTreeSet::new() };
        let within: &[Self] = if let Action::Composite { steps, .. } = action { steps } else { &[] };
        action.origin().into_iter().chain(within.iter().flat_map(Self::origins)).collect()
    }

    /// Why a copy of its action is carried out, though Penstock has the action itself.
    pub(crate) fn instead(&self) -> Option<&str> {
        match self {
            Self::Uses { instead, .. } => instead.as_deref(),
            Self::Background { step, .. } => step.instead(),
            _ => None,
        }
    }

    /// A workflow step's `id`.
    pub(crate) fn id(&self) -> Option<&String> {
        match self {
            Self::Run { id, .. } | Self::Uses { id, .. } | Self::Wait { id, .. } => id.as_ref(),
            Self::Background { step, .. } => step.id(),
            Self::BeforeSources { .. } | Self::Script { .. } | Self::AfterScript { .. } => None,
        }
    }

    /// Bytes of text that it carries into the plan, about.
    pub(crate) fn weight(&self) -> usize {
        match self {
            Self::BeforeSources { commands } | Self::Script { commands } | Self::AfterScript { commands } => {
                commands.iter().map(String::len).sum()
            }
            Self::Background { step, .. } => step.weight() + 64,
            Self::Wait { .. } => 256,
            Self::Run { script, env, .. } => script.len() + env.weight() + 256,
            Self::Uses { with, env, action, .. } => {
                let inner = if let Action::Composite { steps, .. } = action { steps.iter().map(Self::weight).sum() } else { 0 };
                let own = if let Action::Container(container) = action { container.weight() } else { 0 };
                own + inner + with.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>() + env.weight() + 256
            }
        }
    }
}

/// What carries an action out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "by")]
pub enum Action {
    /// Penstock itself.
    BuiltIn {
        /// Which action.
        name: BuiltIn,
    },
    /// A folder of the repository whose `action.yml` is still to be read. No plan that is kept has it.
    Unread {
        /// The folder, from the root of the repository.
        path: String,
        /// Where it is named.
        at: NamedAt,
    },
    /// Likewise, of another repository.
    Elsewhere {
        /// `owner/name`.
        repository: String,
        /// A commit, tag or branch.
        reference: String,
        /// The folder, from the root of the repository.
        path: String,
        /// Where it is named.
        at: NamedAt,
        /// What Penstock's own lacks, if it has the action: a copy is taken if there is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        lack: Option<Box<Lack>>,
    },
    /// Steps of its own.
    Composite {
        /// Its folder, from the root of the repository.
        path: String,
        /// The other repository that it is of.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        origin: Option<ActionOrigin>,
        /// Its inputs by their names in lower case.
        inputs: BTreeMap<String, ActionInput>,
        /// Its outputs, not evaluated.
        outputs: BTreeMap<String, String>,
        /// What it does.
        steps: Vec<PlannedStep>,
    },
    /// A container.
    Container(Box<ContainerAction>),
    /// Node.js.
    #[serde(rename = "javascript")]
    JavaScript {
        /// Its folder, from the root of the repository.
        path: String,
        /// The other repository that it is of.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        origin: Option<ActionOrigin>,
        /// What it does before the job's first step.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pre: Option<String>,
        /// When; `None` is always.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pre_if: Option<String>,
        /// Its inputs by their names in lower case.
        inputs: BTreeMap<String, ActionInput>,
        /// Its script.
        main: String,
        /// What it does at the job's end.
        post: Option<String>,
        /// When; `None` is always.
        post_if: Option<String>,
    },
}

/// Where a file names an action, beside the line.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedAt {
    /// The column.
    pub column: usize,
    /// The key.
    pub key: String,
}

/// What an action lacks that Penstock carries out itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lack {
    /// What the file asks for, in words.
    pub why: String,
    /// What to do about it.
    pub help: String,
    /// Its line.
    pub line: usize,
    /// Where it stands in the line.
    pub at: NamedAt,
    /// What is carried out if there is no copy; `None` is nothing.
    pub own: Option<BuiltIn>,
    /// Inputs that it does not know, and passes over.
    pub unknown: Vec<String>,
}

impl Action {
    /// Whether its file has an input, by its name in lower case.
    pub(crate) fn has_input(&self, name: &str) -> bool {
        match self {
            Self::Composite { inputs, .. } | Self::JavaScript { inputs, .. } => inputs.contains_key(name),
            Self::Container(container) => container.has_input(name),
            Self::BuiltIn { .. } | Self::Unread { .. } | Self::Elsewhere { .. } => false,
        }
    }

    /// The other repository that it is of.
    pub fn origin(&self) -> Option<&ActionOrigin> {
        match self {
            Self::Composite { origin, .. } | Self::JavaScript { origin, .. } => origin.as_ref(),
            Self::Container(container) => container.origin.as_ref(),
            Self::BuiltIn { .. } | Self::Unread { .. } | Self::Elsewhere { .. } => None,
        }
    }
}

/// The other repository that an action is of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ActionOrigin {
    /// `owner/name`.
    pub repository: String,
    /// As the file names it: a commit, tag or branch.
    pub reference: String,
    /// The commit that is carried out.
    pub commit: CommitId,
    /// What the commit's files come to, if that is locked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
}

impl ActionOrigin {
    /// Where its tree lies, below the folder of all of them.
    pub fn place(&self) -> String {
        format!("{}/{}", self.repository, self.reference)
    }
}

/// An input of an action.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionInput {
    /// As the action writes it.
    pub name: String,
    /// What it is if nobody says, not evaluated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    /// Whether the action wants it to be given.
    #[serde(default)]
    pub required: bool,
    /// Why it should not be given any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deprecated: Option<String>,
}
