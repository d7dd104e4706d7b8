//! What jobs say of the source.

use penstock_model::job::AnnotationLevel;
use serde::{Deserialize, Serialize};

/// Something that a job, or a tool that looked at its commit, says of the source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnnotationView {
    /// How bad it is.
    pub level: AnnotationLevel,
    /// The job; the tool's name if the server ran it.
    pub job: String,
    /// The job's step, or what the report was read as.
    pub by: String,
    /// A heading, or the rule.
    pub title: Option<String>,
    /// What is said.
    pub message: String,
    /// Below the checkout.
    pub file: Option<String>,
    /// From 1.
    pub line: Option<u32>,
    /// From 1.
    pub column: Option<u32>,
}

impl AnnotationView {
    /// `path:line:column` as far as it is known.
    pub fn place(&self) -> Option<String> {
        let file = self.file.as_ref()?;
        let numbers = self.line.into_iter().chain(self.line.and(self.column)).map(|number| format!(":{number}"));
        Some(std::iter::once(file.clone()).chain(numbers).collect())
    }

    /// Its level in a word.
    pub fn word(&self) -> &'static str {
        match self.level {
            AnnotationLevel::Error => "error",
            AnnotationLevel::Warning => "warning",
            AnnotationLevel::Notice => "notice",
        }
    }
}
