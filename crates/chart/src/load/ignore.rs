//! `.helmignore`: which files of a directory are not part of its chart.

use bstr::ByteSlice as _;
use thiserror::Error;

use super::pattern::{BadPattern, matches};

/// The name of the file.
pub const IGNORE_FILE: &str = ".helmignore";
/// The longest line, as Go's scanner has it.
const MAX_LINE: usize = 64 << 10;

/// A line of `.helmignore` that means nothing.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum BadRule {
    /// `**`
    #[error("double-star (**) syntax is not supported")]
    DoubleStar,
    /// A pattern.
    #[error(transparent)]
    Pattern(#[from] BadPattern),
    /// A line without an end.
    #[error("bufio.Scanner: token too long")]
    TooLong,
}

/// The rules of a directory.
#[derive(Clone, Debug, Default)]
pub struct Rules(Vec<Rule>);

#[derive(Clone, Debug)]
struct Rule {
    pattern: Vec<u8>,
    /// Everything that the pattern does not fit is ignored.
    is_negated: bool,
    is_for_directories: bool,
    /// Whether the pattern is held against the last part of a path instead of all of it.
    is_for_names: bool,
}

impl Rules {
    /// The rules of a `.helmignore`, without [`Rules::with_defaults`].
    pub fn parse(text: &[u8]) -> Result<Self, BadRule> {
        let mut rules = Self::default();
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        for line in text.split(|byte| *byte == b'\n') {
            if line.len() >= MAX_LINE {
                return Err(BadRule::TooLong);
            }
            rules.add(line)?;
        }
        Ok(rules)
    }

    /// Those that every directory has besides: files below `templates/` that begin with a dot.
    #[must_use]
    pub fn with_defaults(mut self) -> Self {
        // a pattern that is known to be one
        let _ = self.add(b"templates/.?*");
        self
    }

    fn add(&mut self, line: &[u8]) -> Result<(), BadRule> {
        let line = line.trim();
        if line.is_empty() || line.starts_with(b"#") {
            return Ok(());
        }
        if line.contains_str("**") {
            return Err(BadRule::DoubleStar);
        }
        matches(line, b"abc")?;
        let (is_negated, line) = line.strip_prefix(b"!").map_or((false, line), |line| (true, line));
        let (is_for_directories, line) = line.strip_suffix(b"/").map_or((false, line), |line| (true, line));
        let pattern = line.strip_prefix(b"/").unwrap_or(line).to_vec();
        self.0.push(Rule { pattern, is_negated, is_for_directories, is_for_names: !line.contains(&b'/') });
        Ok(())
    }

    /// Whether a file or directory, by its path from the top of the chart, is ignored; what is below an ignored directory is not looked at.
    pub fn ignores(&self, path: &[u8], is_directory: bool) -> bool {
        if matches!(path, b"" | b"." | b"./") {
            return false;
        }
        self.0.iter().any(|rule| {
            let name = if rule.is_for_names { path.rsplit(|byte| *byte == b'/').next().unwrap_or(path) } else { path };
            let fits = (is_directory || !rule.is_for_directories) && matches(&rule.pattern, name).unwrap_or_default();
            fits != rule.is_negated
        })
    }
}
