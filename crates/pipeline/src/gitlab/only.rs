//! `only` and `except`: read, and asked for one push.
//!
//! Read as `Gitlab::Ci::Config::Entry::Policy` has it: a list is `refs`, an `only` without `refs` has those of every branch
//! and tag. Asked as `Gitlab::Ci::Build::Policy` has it: all keys of `only` must hold and none of `except`; within a key one
//! item is enough. `variables` are compared as they are written there, not expanded as in `rules`.

use std::collections::BTreeMap;
use std::sync::Arc;

use regex::Regex;

use super::condition::{Condition, whole_pattern};
use super::paths;
use super::rules::{self, Matched, Verdict};
use crate::expand::{Expanded, Over, Values};
use crate::input::PushEvent;
use crate::plan::Variable;
use crate::reader::{Fields, Problems, join, shown};
use crate::yaml::{At, Node, Value};

/// The most items that one key may have.
const MAX_ITEMS: usize = 500;
/// Where pipelines of GitLab come from, as `refs` names them. Each means no other, unless its branch is called so.
const SOURCES: &[&str] = &[
    "api",
    "chat",
    "external",
    "external_pull_request",
    "external_pull_requests",
    "merge_request",
    "merge_requests",
    "parent_pipeline",
    "parent_pipelines",
    "pipeline",
    "pipelines",
    "schedule",
    "schedules",
    "trigger",
    "triggers",
    "web",
    "webide",
];

/// Which of the two a policy is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Only,
    Except,
}

/// What a job says of the pipelines that it belongs to.
#[derive(Debug)]
pub(super) struct Policies(Vec<Policy>);

/// `only` or `except`.
#[derive(Debug)]
struct Policy {
    kind: Kind,
    at: At,
    path: String,
    refs: Option<Vec<Reference>>,
    variables: Option<Vec<(Arc<Condition>, String, At)>>,
    changes: Option<Vec<(String, Regex)>>,
    kubernetes: bool,
}

/// An item of `refs`.
#[derive(Debug)]
struct Reference {
    written: String,
    name: Name,
    /// After `@`: the only project that is meant.
    project: Option<String>,
}

#[derive(Debug)]
enum Name {
    Text(String),
    Pattern(Regex),
}

/// Reads the two keys of a job; `None` if it has neither.
pub(super) fn read(fields: &mut Fields<'_>, problems: &mut Problems) -> Option<Policies> {
    let mut policies = Vec::new();
    for (name, kind) in [("only", Kind::Only), ("except", Kind::Except)] {
        let Some(node) = fields.get(name) else { continue };
        let (at, path) = (fields.key_at(name), fields.path_of(name));
        let ruled = fields.get("rules").is_some();
        if ruled {
            let help = "say it in `rules` alone; `only: null` takes one away that the job extends";
            problems.add(at, &path, format!("`{name}` may not stand beside `rules`"), help.replace("only", name));
        }
        policies.extend(policy(node, kind, at, path, problems));
    }
    (!policies.is_empty()).then_some(Policies(policies))
}

fn policy(node: &Node, kind: Kind, at: At, path: String, problems: &mut Problems) -> Option<Policy> {
    let mut policy = Policy { kind, at, path, refs: None, variables: None, changes: None, kubernetes: false };
    match &node.value {
        Value::Seq(_) => policy.refs = Some(refs(node, &policy.path, problems)),
        Value::Map(entries) if entries.is_empty() => {
            problems.add(node.at, &policy.path, "this mapping is empty", "remove it, or give it `refs`, `variables` or `changes`");
        }
        Value::Map(entries) => {
            for (key, _) in entries.iter().filter(|(_, node)| node.is_null()) {
                let message = format!("`{}` is empty here, which GitLab reads as a list that nothing matches", shown(&key.text));
                problems.add(key.at, &join(&policy.path, &key.text), message, "remove it");
            }
            policy.read_keys(node, problems);
        }
        Value::Scalar { .. } => {
            let message = format!("a list or a mapping is expected here, not {}", node.kind());
            problems.add(node.at, &policy.path, message, "put it in brackets: `[main]`");
            return None;
        }
    }
    Some(policy)
}

impl Policy {
    fn read_keys(&mut self, node: &Node, problems: &mut Problems) {
        let Some(mut fields) = Fields::of(node, &self.path, problems) else { return };
        self.refs = fields.get("refs").map(|node| refs(node, &fields.path_of("refs"), problems));
        self.variables = fields.get("variables").map(|node| {
            let path = fields.path_of("variables");
            items(node, &path, problems).iter().filter_map(|item| rules::condition(item, &path, problems)).collect()
        });
        self.changes = fields.get("changes").map(|node| changes(node, &fields.path_of("changes"), problems));
        if let Some(node) = fields.get("kubernetes") {
            self.kubernetes = true;
            if node.text() != Some("active") {
                problems.add(node.at, &fields.path_of("kubernetes"), "the only value here is `active`", "write `kubernetes: active`");
            }
        }
        fields.finish(&[], problems);
    }
}

/// A list of texts; GitLab takes neither a text alone, nor a number, nor a list within.
fn items<'n>(node: &'n Node, path: &str, problems: &mut Problems) -> Vec<&'n Node> {
    let Value::Seq(items) = &node.value else {
        problems.add(node.at, path, format!("a list is expected here, not {}", node.kind()), "put it in brackets");
        return Vec::new();
    };
    if items.len() > MAX_ITEMS {
        problems.add(node.at, path, format!("more than {MAX_ITEMS} items"), "use patterns");
    }
    let mut out = Vec::new();
    for item in items.iter().take(MAX_ITEMS) {
        if item.kind() == "text" {
            out.push(item);
        } else {
            problems.add(item.at, path, format!("text is expected here, not {}", item.kind()), "write text, in quotes if need be");
        }
    }
    out
}

fn refs(node: &Node, path: &str, problems: &mut Problems) -> Vec<Reference> {
    items(node, path, problems).into_iter().filter_map(|item| reference(item, path, problems)).collect()
}

/// `NAME`, `/REGEX/FLAGS`, and both with `@PROJECT`. GitLab cuts at the first `@`, also in a regex.
fn reference(node: &Node, path: &str, problems: &mut Problems) -> Option<Reference> {
    let written = node.text()?;
    let (name, project) = written.split_once('@').map_or((written, None), |(name, project)| (name, Some(project.to_owned())));
    let name = match whole_pattern(name) {
        Some(Ok(pattern)) => Name::Pattern(pattern),
        Some(Err(why)) => {
            problems.add(node.at, path, why, "write it as RE2 has it, without looking ahead or back");
            return None;
        }
        None if name.starts_with('/') => {
            let cut = project.is_some() && whole_pattern(written).is_some();
            let (message, help) = if cut {
                ("this regex matches nothing, since GitLab takes what follows `@` for a project", "write `.` for the `@` in it")
            } else {
                ("this matches nothing: it starts as a regex and is none", "write `/…/`, with the flags i, m, s, U alone after it")
            };
            problems.add(node.at, path, format!("`{}`: {message}", shown(written)), help);
            return None;
        }
        None => Name::Text(name.to_owned()),
    };
    Some(Reference { written: shown(written), name, project })
}

fn changes(node: &Node, path: &str, problems: &mut Problems) -> Vec<(String, Regex)> {
    let mut out = Vec::new();
    for item in items(node, path, problems) {
        let Some(text) = item.text() else { continue };
        out.extend(paths::glob(text, item.at, path, problems).map(|regex| (shown(text), regex)));
    }
    out
}

/// The variables that `rules` would see, with those of the file and of the project as they are written there.
pub(super) fn written<'v>(variables: &'v dyn Values, file: [&BTreeMap<String, Variable>; 2], event: &PushEvent) -> Over<'v> {
    let file = file.into_iter().flatten().map(|(name, variable)| (name, &variable.value));
    let given = event.given.iter().map(|(name, variable)| (name, &variable.value));
    let plain = |(name, text): (&String, &String)| (name.clone(), Expanded::plain(text));
    let of_project = event.facts.variables.names().filter_map(|name| Some((name.to_owned(), variables.value(name)?.clone())));
    Over::new(variables, file.map(plain).chain(of_project).chain(event.variables.iter().chain(given).map(plain)))
}

impl Policies {
    /// Whether one of them is `only`.
    pub(super) fn has_only(&self) -> bool {
        self.0.iter().any(|policy| policy.kind == Kind::Only)
    }

    /// The variables on whose values it depends what they come to.
    pub(super) fn named(&self) -> Vec<&str> {
        let mut names = Vec::new();
        self.0.iter().flat_map(|policy| policy.variables.iter().flatten()).for_each(|(condition, ..)| condition.variables(&mut names));
        names
    }

    /// Asks `only` and then `except`, with the variables as they are [`written`].
    pub(super) fn ask(&self, event: &PushEvent, seen: &dyn Values, problems: &mut Problems) -> Verdict {
        let mut verdict = Verdict::default();
        for policy in &self.0 {
            for (condition, _, at) in policy.variables.iter().flatten() {
                rules::absent_in(condition, *at, &join(&policy.path, "variables"), seen, problems);
            }
            let (stays, why) = policy.ask(event, seen, problems);
            verdict.because.push(why);
            if !stays {
                return verdict;
            }
        }
        verdict.matched = Some(Matched::default());
        verdict
    }
}

impl Policy {
    /// Whether the job stays, and why.
    fn ask(&self, event: &PushEvent, variables: &dyn Values, problems: &mut Problems) -> (bool, String) {
        let mut answers = Vec::new();
        match &self.refs {
            Some(refs) => answers.push(ref_among(refs, event)),
            None if self.kind == Kind::Only && event.branch().is_none() && event.tag().is_none() => {
                answers.push((false, "without `refs` it is for branches and tags, and this is a merge request's pipeline".to_owned()));
            }
            None => {}
        }
        if let Some(conditions) = &self.variables {
            answers.push(condition_among(conditions, &join(&self.path, "variables"), variables, problems));
        }
        if let Some(changes) = &self.changes {
            answers.push(change_among(changes, event));
        }
        if self.kubernetes {
            answers.push((false, "no Kubernetes cluster belongs to the project".to_owned()));
        }
        // the first that decides is told; without one, all are
        let decides = self.kind == Kind::Except;
        let deciding = answers.iter().find(|(holds, _)| *holds == decides).map(|(_, why)| why.clone());
        let why = deciding.clone().unwrap_or_else(|| answers.into_iter().map(|(_, why)| why).collect::<Vec<_>>().join(", and "));
        let line = problems.line(self.at);
        match (self.kind, deciding.is_none()) {
            (Kind::Only, true) => (true, format!("`only` on {line} holds: {why}")),
            (Kind::Only, false) => (false, format!("`only` on {line} does not hold: {why}")),
            (Kind::Except, true) => (true, format!("`except` on {line} does not exclude it: {why}")),
            (Kind::Except, false) => (false, format!("`except` on {line} excludes it: {why}")),
        }
    }
}

fn ref_among(refs: &[Reference], event: &PushEvent) -> (bool, String) {
    let (kind, every, name) = match (event.branch(), event.tag()) {
        (Some(branch), _) => ("branch", "branches", Some(branch)),
        (None, Some(tag)) => ("tag", "tags", Some(tag)),
        // of a merge request's branch nothing is asked but whether it is a merge request
        (None, None) => ("merge request", "", None),
    };
    let source = event.trigger.gitlab_source().unwrap_or_default().trim_end_matches("_event");
    let began = |text: &str| text.strip_prefix(source).is_some_and(|rest| matches!(rest, "" | "s") || source == "push" && rest == "es");
    let project = event.project.as_str();
    for reference in refs.iter().filter(|reference| reference.project.as_deref().is_none_or(|path| path == project)) {
        let written = &reference.written;
        match &reference.name {
            Name::Text(text) if text == every => return (true, format!("`{written}` holds for every {kind}")),
            Name::Text(text) if event.trigger.is_push() && began(text) => return (true, format!("`{written}` holds for every push")),
            Name::Text(text) if began(text) => return (true, format!("`{written}` is how this pipeline began")),
            Name::Text(text) if Some(&**text) == name => return (true, format!("`{written}` is the {kind}'s name")),
            Name::Pattern(pattern) if name.is_some_and(|name| pattern.is_match(name)) => {
                return (true, format!("`{written}` matches the {kind} `{}`", shown(event.ref_name())));
            }
            Name::Text(_) | Name::Pattern(_) => {}
        }
    }
    let mut why = match name {
        Some(name) => format!("none of its refs is the {kind} `{}`", shown(name)),
        None => "none of its refs is `merge_requests`".to_owned(),
    };
    if let Some(source) = refs.iter().find(|reference| SOURCES.contains(&&*reference.written)) {
        why = format!("{why}, and `{}` is not how this pipeline began, which is {}", source.written, event.trigger.words());
    } else if let Some(Reference { project: Some(other), .. }) = refs.iter().find(|reference| reference.project.is_some()) {
        why = format!("{why} of the project `{}` (`{}` is another)", shown(project), shown(other));
    }
    (false, why)
}

fn condition_among(
    conditions: &[(Arc<Condition>, String, At)],
    path: &str,
    variables: &dyn Values,
    problems: &mut Problems,
) -> (bool, String) {
    let mut not = Vec::new();
    for condition in conditions {
        let (holds, why) = rules::holds(condition, path, variables, problems);
        if holds {
            return (true, why);
        }
        not.push(why);
    }
    (false, if not.is_empty() { "its list of `variables` is empty".to_owned() } else { not.join(", ") })
}

fn change_among(patterns: &[(String, Regex)], event: &PushEvent) -> (bool, String) {
    paths::changes(event, |changed| {
        patterns.iter().find_map(|(pattern, regex)| Some((pattern.clone(), changed.iter().find(|path| regex.is_match(path))?)))
    })
}
