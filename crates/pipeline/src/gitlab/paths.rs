//! `changes` and `exists`: which paths they look at, and whether one of them is meant.
//!
//! As GitLab has it (its `rules/rule/changes.rb`, `exists.rb` and `clause`): `compare_to` compares with where a branch, tag or
//! commit and this one parted, whatever the pipeline is for; `project` and `ref` look at what another repository has.

use std::borrow::Cow;

use regex::Regex;

use super::Facts;
use super::include::filled_in;
use crate::expand::{self, Values, expand_known};
use crate::input::PushEvent;
use crate::library::FileRef;
use crate::pattern::ruby_glob;
use crate::reader::{Fields, Problems, Unsupported, join, shown, text, texts};
use crate::yaml::{At, Node, Value};

/// The most patterns in one (GitLab's own bound).
const MAX_PATTERNS: usize = 50;

/// Patterns, and where they are looked for.
#[derive(Debug)]
pub(super) struct Paths {
    patterns: Vec<(String, At)>,
    /// Of `changes`: what is compared with.
    compare_to: Option<(String, At)>,
    /// Of `exists`: another project, and a branch, tag or commit of it.
    project: Option<(String, At)>,
    reference: Option<String>,
    path: String,
}

/// What is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Changes,
    Exists,
}

impl Paths {
    /// Reads a list, or a mapping with `paths`.
    pub(super) fn read(node: &Node, path: &str, kind: Kind, problems: &mut Problems) -> Self {
        let mut paths = Self { patterns: Vec::new(), compare_to: None, project: None, reference: None, path: path.to_owned() };
        if matches!(node.value, Value::Map(_)) {
            paths.read_mapping(node, kind, problems);
        } else {
            paths.patterns = texts(node, path, problems);
        }
        if paths.patterns.len() > MAX_PATTERNS {
            problems.add(node.at, path, format!("more than {MAX_PATTERNS} patterns"), "use `**/*` patterns of folders");
            paths.patterns.truncate(MAX_PATTERNS);
        }
        for (pattern, at) in &paths.patterns {
            glob(pattern, *at, path, problems);
        }
        paths
    }

    fn read_mapping(&mut self, node: &Node, kind: Kind, problems: &mut Problems) {
        let Some(mut fields) = Fields::of(node, &self.path, problems) else { return };
        self.patterns = fields.get("paths").map(|node| texts(node, &fields.path_of("paths"), problems)).unwrap_or_default();
        let one = |name: &'static str, fields: &mut Fields<'_>, problems: &mut Problems| {
            fields.get(name).and_then(|node| Some((text(node, &join(&self.path, name), problems)?, node.at)))
        };
        let regexp: Unsupported = ("regexp", "write patterns in `paths`");
        match kind {
            Kind::Changes => {
                self.compare_to = one("compare_to", &mut fields, problems);
                fields.finish(&[regexp], problems);
            }
            Kind::Exists => {
                self.project = one("project", &mut fields, problems);
                let reference = one("ref", &mut fields, problems);
                if let (Some((_, at)), None) = (&reference, &self.project) {
                    problems.add(*at, &join(&self.path, "ref"), "`ref` belongs to `project`", "name the project, or remove it");
                }
                self.reference = reference.map(|(reference, _)| reference);
                fields.finish(&[regexp], problems);
            }
        }
    }

    /// The variables on whose values it depends.
    pub(super) fn named(&self) -> impl Iterator<Item = &str> {
        let others = self.compare_to.iter().chain(&self.project).map(|(text, _)| text).chain(&self.reference);
        self.patterns.iter().map(|(text, _)| text).chain(others).flat_map(|text| expand::names(text))
    }

    /// Whether something of interest changed, and why.
    pub(super) fn changed(&self, facts: Facts<'_>, variables: &dyn Values, problems: &mut Problems) -> (bool, String) {
        let Some((since, at)) = &self.compare_to else {
            return changes(facts.event, |changed| self.first(changed, variables));
        };
        let Some(since) = filled_in(since, *at, &join(&self.path, "compare_to"), variables, problems) else {
            return (false, "it is made of a masked variable".to_owned());
        };
        let file = FileRef::Changes { since: since.clone() };
        let Some(changed) = self.listed(facts, &file, *at, "compare_to", problems) else {
            return (false, "it is not known yet".to_owned());
        };
        match self.first(&changed, variables) {
            Some((pattern, path)) => (true, format!("`{}` changed since `{}`, which `{pattern}` matches", shown(path), shown(&since))),
            None => (false, format!("nothing changed since `{}` that `changes` matches", shown(&since))),
        }
    }

    /// Whether something of interest is there, and why.
    pub(super) fn exist(&self, facts: Facts<'_>, variables: &dyn Values, problems: &mut Problems) -> (bool, String) {
        let (files, of) = match &self.project {
            None => (Cow::Borrowed(facts.event.files.as_slice()), String::new()),
            Some((project, at)) => {
                let mut filled = |text: &str| filled_in(text, *at, &join(&self.path, "project"), variables, problems);
                let (project, reference) = (filled(project), self.reference.as_deref().map(filled));
                let (Some(project), Some(reference)) = (project, reference.map_or(Some(None), |reference| reference.map(Some))) else {
                    return (false, "it is made of a masked variable".to_owned());
                };
                let file = FileRef::Paths { project, reference };
                let Some(files) = self.listed(facts, &file, *at, "project", problems) else {
                    return (false, "it is not known yet".to_owned());
                };
                (Cow::Owned(files), format!(" in `{}`", shown(&file.to_string())))
            }
        };
        match self.first(&files, variables) {
            Some((pattern, path)) => (true, format!("`{}` exists{of}, which `{pattern}` matches", shown(path))),
            None => (false, format!("nothing exists{of} that `exists` matches")),
        }
    }

    fn listed(&self, facts: Facts<'_>, file: &FileRef, at: At, key: &str, problems: &mut Problems) -> Option<Vec<String>> {
        let found = problems.found(facts.library, file, at, &join(&self.path, key))?;
        Some(found.text.split('\0').filter(|path| !path.is_empty()).map(str::to_owned).collect())
    }

    fn first<'p>(&self, paths: &'p [String], variables: &dyn Values) -> Option<(String, &'p String)> {
        self.patterns.iter().find_map(|(pattern, _)| {
            let expanded = expand_known(pattern, variables);
            // read without fault before; with a variable's value in it, it may have become one that matches nothing
            let regex: Regex = ruby_glob(&expanded.text).ok()?;
            let told = if expanded.secret { pattern } else { &expanded.text };
            paths.iter().find(|path| regex.is_match(path)).map(|path| (shown(told), path))
        })
    }
}

/// A pattern of paths that can match one; what never does is told.
pub(super) fn glob(pattern: &str, at: At, path: &str, problems: &mut Problems) -> Option<Regex> {
    let shown = shown(pattern);
    if pattern.starts_with("./") || pattern.starts_with('/') {
        let message = format!("the pattern `{shown}` matches nothing: paths start at the top of the repository, as `src/a.py` does");
        problems.add(at, path, message, "remove what stands before the first name");
        return None;
    }
    let read = ruby_glob(pattern);
    if let Err(invalid) = &read {
        problems.add(at, path, format!("the pattern `{shown}` cannot be read: {}", invalid.0), "as in `src/**/*.py`");
    }
    read.ok()
}

/// Whether a push changed something of interest: `first` gives the first pattern that matches a changed path, and the path.
pub(super) fn changes<'e>(event: &'e PushEvent, first: impl FnOnce(&'e [String]) -> Option<(String, &'e String)>) -> (bool, String) {
    match event.diff() {
        None if event.tag().is_some() => (true, "`changes` holds for a tag".to_owned()),
        None if event.trigger.is_push() => (true, "`changes` holds for a new ref".to_owned()),
        None => (true, format!("`changes` holds for {}, where nothing is compared", event.trigger.words())),
        Some(changed) => match first(changed) {
            Some((pattern, path)) => (true, format!("`{}` changed, which `{pattern}` matches", shown(path))),
            None => (false, "nothing changed that `changes` matches".to_owned()),
        },
    }
}
