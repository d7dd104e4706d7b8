//! Rendered files to manifests and hooks, each in the order in which they are carried out.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{
    head::{self, Head},
    order::{self, INSTALL},
    record::Record,
};
use crate::{
    budget::{Budget, Exhausted, Limits},
    value::Str,
    yaml,
};

/// One document of a rendered chart.
#[derive(Clone, PartialEq, Eq)]
pub struct Manifest {
    /// The file it comes from: `web/templates/service.yaml`.
    pub source: String,
    /// Its text, trimmed.
    pub content: Str,
    /// What it says of itself.
    pub head: Head,
}

/// Where it comes from and what it is, not its text.
impl fmt::Debug for Manifest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Manifest").field("source", &self.source).field("head", &self.head).finish_non_exhaustive()
    }
}

/// When a hook is carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "each is documented at https://helm.sh/docs/topics/charts_hooks/")]
pub enum HookEvent {
    PreInstall,
    PostInstall,
    PreDelete,
    PostDelete,
    PreUpgrade,
    PostUpgrade,
    PreRollback,
    PostRollback,
    Test,
}

impl HookEvent {
    const ALL: [Self; 9] = [
        Self::PreInstall,
        Self::PostInstall,
        Self::PreDelete,
        Self::PostDelete,
        Self::PreUpgrade,
        Self::PostUpgrade,
        Self::PreRollback,
        Self::PostRollback,
        Self::Test,
    ];

    fn read(text: &str) -> Option<Self> {
        // Helm 2's name of a test
        if text == "test-success" {
            return Some(Self::Test);
        }
        Self::ALL.into_iter().find(|event| event.to_string() == text)
    }
}

impl fmt::Display for HookEvent {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::PreInstall => "pre-install",
            Self::PostInstall => "post-install",
            Self::PreDelete => "pre-delete",
            Self::PostDelete => "post-delete",
            Self::PreUpgrade => "pre-upgrade",
            Self::PostUpgrade => "post-upgrade",
            Self::PreRollback => "pre-rollback",
            Self::PostRollback => "post-rollback",
            Self::Test => "test",
        })
    }
}

/// A document that is no part of the release, but is carried out at a point of its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hook {
    /// The document.
    pub manifest: Manifest,
    /// When it is carried out.
    pub events: Vec<HookEvent>,
    /// Its place among the hooks of the same event; the least comes first.
    pub weight: i64,
    /// When its object is removed: `before-hook-creation`, `hook-succeeded`, `hook-failed`, as it was written, in lower case.
    pub delete_policies: Vec<String>,
    /// When its logs are shown.
    pub output_log_policies: Vec<String>,
}

impl Hook {
    /// Whether `helm test` runs it.
    pub fn is_test(&self) -> bool {
        self.events.contains(&HookEvent::Test)
    }
}

/// What rendered files come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sorted {
    /// Hooks, in the order of their kinds.
    pub hooks: Vec<Hook>,
    /// The other documents, in the order in which they are installed.
    pub manifests: Vec<Manifest>,
    /// Hooks that name an event that is none are left out, as Helm does: their annotation, to be told.
    pub unknown_hooks: Vec<String>,
}

/// A rendered file that is no YAML, or no object.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("YAML parse error on {file}: {reason}")]
pub struct NotAManifest {
    /// The file.
    pub file: String,
    /// What the reader said.
    pub reason: String,
}

/// Splits files that were rendered and read before into documents and sorts them (Helm's `releaseutil.SortManifests`).
pub fn sort(files: &BTreeMap<Str, Str>, order: &[&str]) -> Result<Sorted, NotAManifest> {
    let mut budget = Budget::new(Limits { steps: u64::MAX, ..Limits::default() });
    sort_within(files, order, &mut budget).map_err(|unsorted| match unsorted {
        Unsorted::Not(not) => not,
        Unsorted::Limit(limit) => NotAManifest { file: String::new(), reason: limit.to_string() },
    })
}

/// Why rendered files were not sorted.
pub(super) enum Unsorted {
    Not(NotAManifest),
    Limit(Exhausted),
}

/// The same of files that nobody has read yet. Each document has memory of its own, which is given back, and takes its steps from the render: some lines
/// of aliases are as much to read as megabytes.
pub(super) fn sort_within(files: &BTreeMap<Str, Str>, order: &[&str], budget: &mut Budget) -> Result<Sorted, Unsorted> {
    let mut sorted = Sorted::default();
    for (path, content) in files {
        let path = path.lossy();
        if path.rsplit('/').next().unwrap_or_default().starts_with('_') || head::go_trim(content.as_bytes()).is_empty() {
            continue;
        }
        for document in head::documents(content.as_bytes()) {
            let not = |reason: String| Unsorted::Not(NotAManifest { file: path.clone().into_owned(), reason });
            let (read, cost) = Budget::new(Limits::default()).measured(|own| yaml::read_head(document.as_bytes(), own));
            budget.step(cost.steps).map_err(Unsorted::Limit)?;
            let data = read.map_err(|error| not(error.to_string()))?;
            let head = head::head(&data).map_err(not)?;
            place(Manifest { source: path.clone().into_owned(), content: document, head }, &mut sorted);
        }
    }
    order::sort_by_kind(&mut sorted.hooks, order, |hook| &hook.manifest.head.kind);
    order::sort_by_kind(&mut sorted.manifests, order, |manifest| &manifest.head.kind);
    Ok(sorted)
}

impl Record {
    /// The documents and hooks of a record, sorted as those of a render are.
    pub fn sorted(&self) -> Result<Sorted, NotAManifest> {
        let mut files: BTreeMap<String, String> = BTreeMap::new();
        let mut add = |source: &str, document: &str| files.entry(source.to_owned()).or_default().push_str(&format!("---\n{document}\n"));
        for document in head::documents(self.manifest.as_bytes()) {
            let document = document.lossy();
            add(source_of(&document).unwrap_or_default(), &document);
        }
        self.hooks.iter().for_each(|hook| add(&hook.path, &hook.manifest));
        sort(&files.into_iter().map(|(source, text)| (source.into(), text.into())).collect(), INSTALL)
    }
}

/// The file that a document says that it comes from: `web/templates/service.yaml`.
pub fn source_of(document: &str) -> Option<&str> {
    document.split_once("# Source: ")?.1.lines().next()
}

fn place(manifest: Manifest, sorted: &mut Sorted) {
    let Some(annotation) = manifest.head.annotation("helm.sh/hook") else {
        sorted.manifests.push(manifest);
        return;
    };
    let events: Option<Vec<HookEvent>> = parts(annotation).map(|part| HookEvent::read(&part)).collect();
    let Some(events) = events else {
        sorted.unknown_hooks.push(annotation.to_owned());
        return;
    };
    let policies = |name| manifest.head.annotation(name).map_or_else(Vec::new, |text| parts(text).collect());
    let weight = manifest.head.annotation("helm.sh/hook-weight").and_then(|text| text.parse().ok()).unwrap_or(0);
    let (delete_policies, output_log_policies) = (policies("helm.sh/hook-delete-policy"), policies("helm.sh/hook-output-log-policy"));
    sorted.hooks.push(Hook { manifest, events, weight, delete_policies, output_log_policies });
}

/// The parts of a list with commas, trimmed and in lower case.
fn parts(text: &str) -> impl Iterator<Item = String> {
    text.split(',').map(|part| part.trim().to_lowercase())
}
