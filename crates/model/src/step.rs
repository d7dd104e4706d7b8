//! A job's steps: what they are, how they end, and whoever says what comes next.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::job::EnvValue;
use crate::service::ServiceUp;
use crate::{Digest, Secret};

/// Where jobs find their checkouts: `/builds/PROJECT` unless they say otherwise.
pub const BUILDS: &str = "/builds";
/// Where a job finds the repository that its checkout's `.git` belongs to, bare and read-only.
pub const ORIGIN: &str = "/penstock/origin";
/// Where a job finds the trees of other repositories' actions: `OWNER/NAME/REF` below it.
pub const ACTIONS: &str = "/penstock/_actions";

/// Which program reads a step's script.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shell {
    /// `bash`, stopping at the first failure (`--noprofile --norc -e -o pipefail`, as both dialects do where it is named).
    #[default]
    Bash,
    /// `bash -e`, or `sh -e` where there is no bash: what a workflow has that names no shell.
    BashOrSh,
    /// `sh -e`.
    Sh,
    /// `python3`, the script as a file.
    Python,
    /// PowerShell, stopping at the first failure.
    Pwsh,
    /// A command with its arguments, of which `{0}` is the script's file.
    Custom(String),
}

/// What a step is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Work {
    /// A script that a shell reads.
    Script {
        /// Its text.
        text: String,
        /// What reads it.
        shell: Shell,
    },
    /// A program with its arguments.
    Program(Vec<String>),
    /// A container of its own, whatever the job runs in.
    Container(StepContainer),
    /// Something that the runner does itself.
    Chore(Chore),
}

/// A step's own container: a container action of a workflow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepContainer {
    /// Which of [`crate::job::JobSpec::step_images`].
    pub image: String,
    /// The program in place of the image's entrypoint; the image's arguments are then left out.
    pub entrypoint: Option<String>,
    /// Arguments in place of the image's.
    pub args: Option<Vec<String>>,
}

/// Something that the runner does itself, without a process of the job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Chore {
    /// Nothing: what the step has to say is all of it.
    Nothing,
    /// Keeps files under a name, for people and for other jobs of the run. Outputs: `artifact-id`, `artifact-digest`; none if
    /// there are no such files.
    KeepArtifact {
        /// Unique in the run.
        name: String,
        /// Patterns, below the checkout or absolute; `!` leaves out.
        paths: Vec<String>,
        /// Whether files and folders that begin with a dot are kept as well.
        hidden: bool,
        /// Whether it may take the place of one of this name.
        overwrite: bool,
    },
    /// Puts artifacts of the run where the job finds them. Output: `download-path`.
    FetchArtifacts {
        /// Which ones.
        which: Fetch,
        /// The folder, below the checkout or absolute.
        into: String,
        /// Whether several share the folder, instead of one below it each.
        merge: bool,
    },
    /// Puts back what an earlier job kept under a key. Output: `cache-matched-key`, empty if there is none.
    RestoreCache {
        /// The key.
        key: String,
        /// Beginnings of keys, asked in order; of several the newest.
        restore_keys: Vec<String>,
        /// What it has: paths below the checkout, absolute, or of the home directory (`~/`).
        paths: Vec<String>,
        /// Whether it is enough to know.
        lookup_only: bool,
    },
    /// Keeps files as reports of a kind ([`crate::job::ReportFile::kind`]). Outputs: `count`, and `digest` of the last.
    Report {
        /// The kind.
        kind: String,
        /// Patterns below the checkout.
        paths: Vec<String>,
    },
    /// Keeps files under a key for later jobs. What is kept under the key already stays.
    SaveCache {
        /// The key.
        key: String,
        /// As in [`Chore::RestoreCache`].
        paths: Vec<String>,
    },
}

/// Which artifacts of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fetch {
    /// One.
    Name(String),
    /// Those whose names a pattern matches.
    Pattern(String),
    /// By what `artifact-id` said.
    Ids(Vec<String>),
    /// All.
    All,
}

/// An artifact that a job kept by itself while it ran.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptArtifact {
    /// Unique in the run.
    pub name: String,
    /// A number that stands for it.
    pub id: String,
    /// A tar archive of its files.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
}

/// A step to carry out now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepSpec {
    /// Shown in the log.
    pub name: String,
    /// A step's `id` in a workflow.
    pub id: Option<String>,
    /// What it is.
    pub work: Work,
    /// Variables for this step alone, over the job's.
    pub env: BTreeMap<String, EnvValue>,
    /// Below the checkout, or absolute.
    pub working_directory: Option<String>,
    /// Its own time limit.
    pub timeout: Option<Duration>,
    /// What the log says before it.
    pub notes: Vec<String>,
    /// Whether it goes on with the step before: the log has no heading and no end for it.
    pub goes_on: bool,
    /// Whether the job does not fail if it does.
    pub may_fail: bool,
}

impl StepSpec {
    /// A script and nothing else.
    pub fn script(name: impl Into<String>, text: impl Into<String>, shell: Shell) -> Self {
        Self::of(name, Work::Script { text: text.into(), shell })
    }

    /// Work and nothing else.
    pub fn of(name: impl Into<String>, work: Work) -> Self {
        Self {
            name: name.into(),
            id: None,
            work,
            env: BTreeMap::new(),
            working_directory: None,
            timeout: None,
            notes: Vec::new(),
            goes_on: false,
            may_fail: false,
        }
    }

    /// Its script; nothing if it has none.
    pub fn text(&self) -> &str {
        match &self.work {
            Work::Script { text, .. } => text,
            Work::Program(_) | Work::Container(_) | Work::Chore(_) => "",
        }
    }
}

/// How a step ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepOutcome {
    /// Exit code; `None` if it was ended by a signal, a time limit or a cancellation.
    pub exit_code: Option<i32>,
    /// `GITHUB_OUTPUT`: what the step wrote there.
    pub outputs: BTreeMap<String, String>,
    /// `GITHUB_ENV`: variables for the steps after it.
    pub env: BTreeMap<String, String>,
    /// `GITHUB_PATH`: directories put before `PATH`.
    pub path: Vec<String>,
    /// `GITHUB_STATE`: what an action keeps for its last step.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub state: BTreeMap<String, String>,
    /// What it wants masked from now on.
    #[serde(skip)]
    pub masks: Vec<Secret>,
    /// Whether the job's time limit ended it.
    #[serde(default)]
    pub timed_out: bool,
}

impl StepOutcome {
    /// Of a step that ended by itself and left nothing.
    pub fn exited(code: i32) -> Self {
        Self { exit_code: Some(code), ..Self::default() }
    }
}

/// What a job does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NextStep {
    /// Carry this out. After a cancellation only steps marked for it come.
    Run(StepSpec),
    /// The job is over.
    Done {
        /// The exit code that counts (0 for success).
        exit_code: i32,
        /// The job's outputs.
        outputs: BTreeMap<String, String>,
    },
}

/// The job's steps as a pure state machine of the pipeline room, driven by the runner.
pub trait StepSource: Send {
    /// The next step, given how the last ended (`None` at the start) and whether the job was cancelled or timed out.
    fn next(&mut self, last: Option<&StepOutcome>, cancelled: bool) -> NextStep;

    /// The checkout's files, for expressions that ask for them; told once, before the first step.
    fn files(&mut self, files: Arc<dyn JobFiles>) {
        let _ = files;
    }

    /// The event, as the file that `GITHUB_EVENT_PATH` names has it, if the steps are a workflow's: then lines of their
    /// output that begin with `::` may be commands.
    fn event(&self) -> Option<String> {
        None
    }
    /// The job's services are up; told once, before the first step, if it has any.
    fn services(&mut self, up: &[ServiceUp]) {
        let _ = up;
    }
}

/// The files of a job's checkout as they are now.
pub trait JobFiles: std::fmt::Debug + Send + Sync {
    /// The checkout's path, as the job sees it.
    fn root(&self) -> &str;

    /// The paths of all files below it: regular ones and links to such. With `follow`, what folders hold that links lead to is
    /// there too, by the path of the link. Nothing outside of the checkout.
    fn paths(&self, follow: bool) -> Result<Vec<String>, String>;

    /// The digest of a file's content.
    fn digest(&self, path: &str) -> Result<Digest, String>;
}

/// What a job wants said about its source, at a place of it or as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Annotation {
    /// How bad it is.
    pub level: AnnotationLevel,
    /// What is said.
    pub message: String,
    /// A heading.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Below the checkout, if it is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// From 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// The last line, if there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_line: Option<u32>,
    /// From 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
    /// The last column, if there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_column: Option<u32>,
    /// The step's name.
    pub step: String,
}

/// How bad an annotation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnnotationLevel {
    /// A fault.
    Error,
    /// Something to look at.
    Warning,
    /// Good to know.
    Notice,
}
