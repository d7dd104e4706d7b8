//! The files that a plan is made from besides the pipeline file: what is asked for, and what was found.
//!
//! Planning is pure, so it cannot fetch. [`plan`](crate::plan()) says what it wants, the hands fetch it into a [`Library`] and
//! ask again, until there is a plan or an answer why there is none.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::diagnostic::Diagnostic;
use crate::input::Source;

/// The most files that one plan may be made from.
pub const MAX_FILES: usize = 400;

/// A file that a pipeline file names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "of")]
pub enum FileRef {
    /// Of the project itself, at the event's commit.
    Local {
        /// From the root of the repository, without a `/` in front.
        path: String,
    },
    /// Of another project of this server.
    Project {
        /// Its whole path, such as `group/name`.
        project: String,
        /// A branch, tag or commit; `None` is the head of its main branch.
        reference: Option<String>,
        /// From the root of its repository, without a `/` in front.
        path: String,
    },
    /// What there is of paths in another project, as text with a NUL after each.
    Paths {
        /// Its whole path.
        project: String,
        /// A branch, tag or commit; `None` is the head of its main branch.
        reference: Option<String>,
    },
    /// What there is of paths that changed since the event's commit and another parted, as text with a NUL after each.
    Changes {
        /// A branch, tag or commit of the project; `refs/heads/…` too.
        since: String,
    },
    /// Of a web server.
    Remote {
        /// Its address.
        url: String,
    },
    /// What a job of the parent pipeline left among its artifacts.
    Artifact {
        /// The job.
        job: String,
        /// From the root of its artifacts.
        path: String,
    },
    /// One of GitLab's own templates.
    Template {
        /// Its name, such as `Jobs/Build.gitlab-ci.yml`.
        name: String,
    },
    /// A component of a catalog.
    Component {
        /// The server, such as `gitlab.com`.
        host: String,
        /// Project and component, such as `group/project/name`.
        path: String,
        /// A commit, tag or branch, `1.2`, or `~latest`.
        version: String,
    },
    /// Of an action's repository.
    Action {
        /// `owner/name`.
        repository: String,
        /// A commit, tag or branch.
        reference: String,
        /// From the root of its repository.
        path: String,
    },
    /// The commit that a tag of an action's repository stands for now, as text; nothing where nobody knows such a tag.
    Tag {
        /// `owner/name`.
        repository: String,
        /// The tag.
        name: String,
    },
}

impl fmt::Display for FileRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = |reference: &Option<String>| reference.as_ref().map(|reference| format!("@{reference}")).unwrap_or_default();
        match self {
            Self::Local { path } => write!(f, "{path}"),
            Self::Project { project, reference, path } => write!(f, "{project}{}:{path}", at(reference)),
            Self::Paths { project, reference } => write!(f, "{project}{}", at(reference)),
            Self::Changes { since } => write!(f, "changes since {since}"),
            Self::Remote { url } => write!(f, "{url}"),
            Self::Artifact { job, path } => write!(f, "artifact {path} of {job}"),
            Self::Template { name } => write!(f, "template {name}"),
            Self::Component { host, path, version } => write!(f, "{host}/{path}@{version}"),
            Self::Action { repository, reference, path } => write!(f, "{repository}@{reference}:{path}"),
            Self::Tag { repository, name } => write!(f, "{repository}@{name}"),
        }
    }
}

/// A file that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its text.
    pub text: String,
    /// The commit that a branch or tag stood for; `None` where there is none (a web server).
    pub commit: Option<String>,
    /// The version of a component, if what was asked for is a release.
    pub version: Option<String>,
}

impl Found {
    /// A file of which no more is known than its text.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), commit: None, version: None }
    }
}

/// What was looked for: the file, or why there is none and what to do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Library(BTreeMap<FileRef, Result<Found, String>>);

impl Library {
    /// Nothing was looked for yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Keeps what became of looking for a file.
    pub fn put(&mut self, file: FileRef, found: Result<Found, String>) {
        self.0.insert(file, found);
    }

    /// What became of looking for a file; `None` if nobody looked yet.
    pub fn get(&self, file: &FileRef) -> Option<Result<&Found, &str>> {
        self.0.get(file).map(|found| found.as_ref().map_err(String::as_str))
    }

    /// The files that were found.
    pub(crate) fn found(&self) -> impl Iterator<Item = (&FileRef, &Found)> {
        self.0.iter().filter_map(|(file, found)| Some((file, found.as_ref().ok()?)))
    }

    /// How many were looked for.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True if nothing was looked for.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The files that were found, by the names that messages have for them.
    pub fn texts(&self) -> impl Iterator<Item = (String, &str)> {
        self.0.iter().filter_map(|(file, found)| Some((file.to_string(), found.as_ref().ok()?.text.as_str())))
    }

    /// What is wrong, for a terminal: each with the line of the file that it is in.
    pub fn render(&self, source: &Source<'_>, problems: &[Diagnostic]) -> String {
        let named: BTreeMap<String, &str> = self.texts().collect();
        let text = |path: &str| if path == source.path { source.text } else { named.get(path).copied().unwrap_or_default() };
        problems.iter().map(|problem| problem.render(text(&problem.path))).collect::<Vec<_>>().join("\n")
    }
}

/// Why there is no plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unplanned {
    /// These files are to be looked for, and the plan asked for again.
    Wants(BTreeSet<FileRef>),
    /// Everything that is wrong, in the order of files and lines.
    Refused(Vec<Diagnostic>),
}
