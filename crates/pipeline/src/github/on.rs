//! `on`: whether a push starts the workflow, and why (not).

use regex::Regex;

use crate::input::PushEvent;
use crate::pattern::github_filter;
use crate::reader::{Fields, Problems, shown, texts};
use crate::yaml::{At, Key, Node, Value};

/// Whether a push starts the workflow, and why (not).
pub(super) struct Trigger {
    pub(super) starts: bool,
    pub(super) because: String,
}

/// A pattern; with `!` it takes back what those before it let in.
struct Filter {
    negative: bool,
    regex: Regex,
}

#[derive(Default)]
struct Push {
    branches: Option<(bool, Vec<Filter>, At)>,
    tags: Option<(bool, Vec<Filter>, At)>,
    paths: Option<(bool, Vec<Filter>, At)>,
}

/// Reads `on` and asks it for one push.
pub(super) fn ask(node: Option<&Node>, event: &PushEvent, problems: &mut Problems) -> Option<Trigger> {
    let Some(node) = node else {
        problems.add(At::start(0), "on", "the workflow has no `on`", "write `on: push`");
        return None;
    };
    let mut push = None;
    match &node.value {
        Value::Scalar { .. } => named(node, &mut push, problems),
        Value::Seq(items) => items.iter().for_each(|item| named(item, &mut push, problems)),
        Value::Map(entries) => {
            for (key, value) in entries {
                if key.text == "push" {
                    push = Some((read(key, value, problems), key.at));
                } else {
                    refuse(&key.text, key.at, problems);
                }
            }
        }
    }
    let Some((push, at)) = push else {
        problems.add(node.at, "on", "nothing here starts the workflow", "write `on: push`");
        return None;
    };
    Some(asked(&push, at, event))
}

fn named(node: &Node, push: &mut Option<(Push, At)>, problems: &mut Problems) {
    match node.text() {
        Some("push") => *push = Some((Push::default(), node.at)),
        Some(other) => refuse(other, node.at, problems),
        None => problems.add(node.at, "on", format!("an event's name is expected here, not {}", node.kind()), "write `on: push`"),
    }
}

fn refuse(event: &str, at: At, problems: &mut Problems) {
    let help = "only `push` starts a run here; remove it, or keep it in a workflow file of its own";
    problems.add(at, &format!("on.{}", shown(event)), format!("the event `{}` is not carried out", shown(event)), help);
}

fn read(key: &Key, node: &Node, problems: &mut Problems) -> Push {
    let mut push = Push::default();
    if node.is_null() {
        return push;
    }
    let Some(mut fields) = Fields::of(node, "on.push", problems) else { return push };
    push.branches = either(&mut fields, "branches", "branches-ignore", key, problems);
    push.tags = either(&mut fields, "tags", "tags-ignore", key, problems);
    push.paths = either(&mut fields, "paths", "paths-ignore", key, problems);
    fields.finish(&[], problems);
    push
}

/// One of two lists: what is let in, or what is kept out (`true`).
fn either(
    fields: &mut Fields<'_>,
    include: &'static str,
    ignore: &'static str,
    key: &Key,
    problems: &mut Problems,
) -> Option<(bool, Vec<Filter>, At)> {
    let (inside, outside) = (fields.get(include), fields.get(ignore));
    if inside.is_some() && outside.is_some() {
        problems.add(
            key.at,
            "on.push",
            format!("`{include}` and `{ignore}` cannot stand together"),
            format!("use `{include}` with patterns that start with `!`"),
        );
    }
    let (node, name, ignores) = inside.map(|node| (node, include, false)).or(outside.map(|node| (node, ignore, true)))?;
    let path = fields.path_of(name);
    let mut filters = Vec::new();
    for (pattern, at) in texts(node, &path, problems) {
        let (negative, positive) = match pattern.strip_prefix('!') {
            Some(rest) if !ignores => (true, rest),
            _ => (false, &*pattern),
        };
        match github_filter(positive) {
            Ok(regex) => filters.push(Filter { negative, regex }),
            Err(invalid) => {
                problems.add(at, &path, format!("the pattern `{}` cannot be read: {}", shown(&pattern), invalid.0), "as in `releases/**`");
            }
        }
    }
    if !filters.is_empty() && filters.iter().all(|filter| filter.negative) {
        problems.add(node.at, &path, "at least one pattern must not start with `!`", format!("put `'**'` before it, or use `{ignore}`"));
    }
    Some((ignores, filters, fields.key_at(name)))
}

/// The last pattern that matches decides.
fn lets_in(filters: &[Filter], name: &str) -> bool {
    filters.iter().rev().find(|filter| filter.regex.is_match(name)).is_some_and(|filter| !filter.negative)
}

fn asked(push: &Push, at: At, event: &PushEvent) -> Trigger {
    let verdict = |starts, because: String| Trigger { starts, because };
    let tag = event.reference.strip_prefix("refs/tags/");
    let name = tag.or_else(|| event.reference.strip_prefix("refs/heads/")).unwrap_or(&event.reference);
    let (own, other, what) = if tag.is_some() { (&push.tags, &push.branches, "tag") } else { (&push.branches, &push.tags, "branch") };
    let mut because = format!("`on: push` (line {}) names this push", at.line);
    match own {
        Some((ignores, filters, at)) => {
            let matches = lets_in(filters, name);
            if matches == *ignores {
                let why = if *ignores { "keep out" } else { "do not let in" };
                return verdict(false, format!("the patterns on line {} {why} the {what} `{}`", at.line, shown(name)));
            }
            because = format!("the patterns on line {} let the {what} `{}` in", at.line, shown(name));
        }
        None if other.is_some() => {
            return verdict(
                false,
                format!("`on: push` (line {}) names no {what}, only {}", at.line, if tag.is_some() { "branches" } else { "tags" }),
            );
        }
        None => {}
    }
    // paths are not asked for tags, and a new branch has nothing to compare with
    if let (Some((ignores, filters, at)), Some(changed), None) = (&push.paths, &event.changed, tag) {
        match changed.iter().find(|path| lets_in(filters, path) != *ignores) {
            Some(path) => because = format!("{because}, and `{}` changed, which the patterns on line {} let in", shown(path), at.line),
            None => return verdict(false, format!("nothing changed that the patterns on line {} let in", at.line)),
        }
    }
    verdict(true, because)
}
