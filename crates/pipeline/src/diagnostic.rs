//! What is wrong with a pipeline file, where, and what to do.

use std::fmt::{self, Write as _};

use serde::{Deserialize, Serialize};

/// The longest part of a source line that is shown.
const MAX_SHOWN: usize = 160;

/// Whether something keeps a pipeline file from being carried out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// It does.
    #[default]
    Error,
    /// It does not, but is hardly what was meant.
    Warning,
}

impl Severity {
    /// Whether it is what nobody has to say.
    #[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
    fn is_error(&self) -> bool {
        *self == Self::Error
    }

    fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// One thing that is wrong with a pipeline file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Diagnostic {
    /// Whether it keeps the file from being carried out.
    #[serde(default, skip_serializing_if = "Severity::is_error")]
    pub severity: Severity,
    /// The file.
    pub path: String,
    /// Its line, from 1.
    pub line: usize,
    /// Its column, from 1, in characters.
    pub column: usize,
    /// The key, from the outside in: `build.artifacts.expire_in`. Empty for the file as a whole.
    pub key: String,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: String,
}

impl Diagnostic {
    /// For a terminal: the message, the place, the source line with a caret, and what to do.
    ///
    /// `text` is the file's text; a place outside it is shown without its line.
    pub fn render(&self, text: &str) -> String {
        let mut out = format!("{}: {}\n", self.severity.word(), self.message);
        let number = self.line.to_string();
        let gutter = " ".repeat(number.len());
        let key = if self.key.is_empty() { String::new() } else { format!(" ({})", self.key) };
        // writing to a String cannot fail
        let _ = writeln!(out, "{gutter}--> {}:{}:{}{key}", self.path, self.line, self.column);
        if let Some(line) = self.line.checked_sub(1).and_then(|index| text.lines().nth(index)) {
            let start = self.column.saturating_sub(1);
            // a long line is shown from shortly before the place
            let skip = start.saturating_sub(MAX_SHOWN / 2);
            let shown: String = line.chars().skip(skip).take(MAX_SHOWN).map(|c| if c.is_control() { ' ' } else { c }).collect();
            let width = shown.chars().skip(start - skip).take_while(|c| c.is_alphanumeric() || "_-.$".contains(*c)).count().max(1);
            let _ = writeln!(out, "{gutter} |\n{number} | {shown}\n{gutter} | {}{}", " ".repeat(start - skip), "^".repeat(width));
        }
        if !self.help.is_empty() {
            let _ = writeln!(out, "{gutter} = help: {}", self.help);
        }
        out
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = if self.severity == Severity::Warning { "warning: " } else { "" };
        write!(f, "{}:{}:{}: {word}{}", self.path, self.line, self.column, self.message)?;
        if self.help.is_empty() { Ok(()) } else { write!(f, "; {}", self.help) }
    }
}

impl std::error::Error for Diagnostic {}
