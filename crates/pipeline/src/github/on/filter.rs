//! Patterns of branches, tags, paths and names.

use regex::Regex;

use crate::pattern::github_filter;
use crate::reader::{Fields, Problems, shown, texts};
use crate::yaml::{At, Key};

/// The most patterns of a list.
const MAX_PATTERNS: usize = 1000;

/// A pattern; with `!` it takes back what those before it let in.
struct Pattern {
    negative: bool,
    regex: Regex,
}

/// A list of patterns: what is let in, or what is kept out.
pub(super) struct Filter {
    /// The key without `-ignore`.
    pub(super) of: &'static str,
    ignores: bool,
    patterns: Vec<Pattern>,
    pub(super) at: At,
}

impl Filter {
    /// Whether it lets a name in: the last pattern that matches decides.
    pub(super) fn lets_in(&self, name: &str) -> bool {
        let matches = self.patterns.iter().rev().find(|pattern| pattern.regex.is_match(name)).is_some_and(|pattern| !pattern.negative);
        matches != self.ignores
    }

    /// What it does to a name that it does not let in.
    pub(super) fn refusal(&self) -> &'static str {
        if self.ignores { "keep out" } else { "do not let in" }
    }
}

/// The key that keeps out what its brother lets in.
fn ignoring(key: &str) -> Option<&'static str> {
    [("branches", "branches-ignore"), ("tags", "tags-ignore"), ("paths", "paths-ignore")]
        .into_iter()
        .find(|(name, _)| *name == key)
        .map(|(_, ignore)| ignore)
}

/// Reads one of two keys: what is let in, or what is kept out.
pub(super) fn read(fields: &mut Fields<'_>, include: &'static str, key: &Key, path: &str, problems: &mut Problems) -> Option<Filter> {
    let ignore = ignoring(include);
    let (inside, outside) = (fields.get(include), ignore.and_then(|ignore| fields.get(ignore)));
    if inside.is_some() && outside.is_some() {
        let message = format!("`{include}` and `{include}-ignore` cannot stand together");
        problems.add(key.at, path, message, format!("use `{include}` with patterns that start with `!`"));
    }
    let (node, name, ignores) = inside.map(|node| (node, include, false)).or(outside.zip(ignore).map(|(node, name)| (node, name, true)))?;
    let path = fields.path_of(name);
    let mut patterns = Vec::new();
    let list = texts(node, &path, problems);
    if list.len() > MAX_PATTERNS {
        problems.add(node.at, &path, format!("more than {MAX_PATTERNS} patterns"), "use patterns of folders: `docs/**`");
    }
    for (pattern, at) in list.iter().take(MAX_PATTERNS) {
        let (negative, positive) = match pattern.strip_prefix('!') {
            Some(rest) if !ignores => (true, rest),
            _ => (false, &**pattern),
        };
        match github_filter(positive) {
            Ok(_) if positive.is_empty() => problems.add(*at, &path, "a pattern is empty", "remove it"),
            Ok(regex) => patterns.push(Pattern { negative, regex }),
            Err(invalid) => {
                problems.add(*at, &path, format!("the pattern `{}` cannot be read: {}", shown(pattern), invalid.0), "as in `releases/**`");
            }
        }
    }
    let all = |(pattern, _): &(String, At)| matches!(pattern.as_str(), "!*" | "!**");
    if !patterns.is_empty() && patterns.iter().all(|pattern| pattern.negative) && !list.iter().any(all) {
        let instead = ignore.map(|ignore| format!(", or use `{ignore}`")).unwrap_or_default();
        problems.warn(node.at, &path, "no pattern lets anything in: all start with `!`", format!("put `'**'` before them{instead}"));
    }
    Some(Filter { of: include, ignores, patterns, at: node.at })
}
