//! `.dockerignore`: which files of the context are not seen.

use crate::glob::{InvalidPattern, Pattern};

/// More lines are refused.
const MAX_LINES: usize = 10_000;

/// The rules, in order; the last one that fits decides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ignore(Vec<(Pattern, bool)>);

/// A `.dockerignore` that makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IgnoreError {
    /// A line.
    #[error(".dockerignore:{line}: {why}")]
    Line {
        /// Counted from 1.
        line: usize,
        /// What is wrong with it.
        why: InvalidPattern,
    },
    /// The file.
    #[error(".dockerignore has more than {MAX_LINES} lines")]
    TooLong,
}

impl Ignore {
    /// Reads the file's text.
    pub fn parse(text: &str) -> Result<Self, IgnoreError> {
        let mut rules = Vec::new();
        for (number, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
            if number >= MAX_LINES {
                return Err(IgnoreError::TooLong);
            }
            let line = if line.starts_with('#') { "" } else { line.trim() };
            let (line, again) = line.strip_prefix('!').map_or((line, false), |rest| (rest.trim(), true));
            let cleaned = clean(line);
            if cleaned.is_empty() {
                continue;
            }
            let pattern = Pattern::new(&cleaned).map_err(|why| IgnoreError::Line { line: number + 1, why })?;
            rules.push((pattern, !again));
        }
        Ok(Self(rules))
    }

    /// True if the path, below the context, is not seen. A rule that fits a directory counts for all below.
    pub fn hides(&self, path: &str) -> bool {
        let ends = path.match_indices('/').map(|(end, _)| end).chain([path.len()]);
        let prefixes: Vec<&str> = ends.map(|end| &path[..end]).collect();
        let fits = |pattern: &Pattern| prefixes.iter().any(|prefix| pattern.matches(prefix));
        self.0.iter().rev().find(|(pattern, _)| fits(pattern)).is_some_and(|(_, hides)| *hides)
    }

    /// True if a hidden directory may hold something that is seen again, so that it must be looked into.
    pub fn has_exceptions(&self) -> bool {
        self.0.iter().any(|(_, hides)| !hides)
    }
}

/// Without `.`, `..`, doubled and outer slashes.
fn clean(line: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in line.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(rules: &str, hidden: &[&str], seen: &[&str]) {
        let ignore = Ignore::parse(rules).unwrap();
        for path in hidden {
            assert!(ignore.hides(path), "{path} should be hidden by {rules:?}");
        }
        for path in seen {
            assert!(!ignore.hides(path), "{path} should be seen in spite of {rules:?}");
        }
    }

    #[test]
    fn the_last_rule_that_fits_decides() {
        check("*.md\n!README.md\n", &["a.md"], &["README.md", "docs/a.md"]);
        check("!README.md\n*.md", &["README.md"], &[]);
    }

    #[test]
    fn a_directory_takes_all_below_with_it_but_for_exceptions() {
        check("target\n# a comment\n/node_modules/\n", &["target", "target/debug/x", "node_modules/a"], &["src/target", "targets"]);
        check("**/target", &["target/x", "a/b/target/y"], &["a/targets"]);
        check("*\n!src\n!Cargo.toml", &["x", "docs/a"], &["src/main.rs", "Cargo.toml", "src"]);
        check("./a/../b\n", &["b/c"], &["a"]);
    }

    #[test]
    fn a_line_that_makes_no_sense_is_named() {
        assert!(Ignore::parse("ok\n[a").unwrap_err().to_string().starts_with(".dockerignore:2: "));
    }
}
