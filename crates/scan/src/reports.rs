//! Reports that jobs and checks leave: tests, coverage, load.

use quick_xml::events::BytesStart;

pub mod cobertura;
pub mod codequality;
pub mod jacoco;
pub mod junit;
pub mod k6;
mod markup;
mod reached;
pub mod sarif;
pub mod security;

/// The largest report that is read from memory.
pub const MAX_REPORT: usize = 64 << 20;
/// The deepest that elements may be nested.
pub(crate) const MAX_DEPTH: usize = 64;

/// Why a report cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReportError {
    /// Too large, too deep, or too many of something.
    #[error("the {kind} report is too large: {what}")]
    TooLarge {
        /// Which kind of report.
        kind: &'static str,
        /// What is too large.
        what: String,
    },
    /// Another form than is read.
    #[error("this is not a {kind} report: {what}")]
    Form {
        /// Which kind of report.
        kind: &'static str,
        /// What does not fit.
        what: String,
    },
}

impl ReportError {
    pub(crate) fn form(kind: &'static str, what: &dyn std::fmt::Display) -> Self {
        Self::Form { kind, what: what.to_string().chars().take(300).collect() }
    }
}

pub(crate) fn check_size(kind: &'static str, bytes: &[u8]) -> Result<(), ReportError> {
    if bytes.len() > MAX_REPORT {
        return Err(ReportError::TooLarge { kind, what: format!("{} bytes, and at most {MAX_REPORT} are read", bytes.len()) });
    }
    Ok(())
}

/// An attribute's text, unescaped; `None` if it is not there.
pub(crate) fn attribute(kind: &'static str, element: &BytesStart<'_>, name: &str) -> Result<Option<String>, ReportError> {
    for attribute in element.attributes() {
        let attribute = attribute.map_err(|error| ReportError::form(kind, &error))?;
        if attribute.key.local_name().as_ref() == name {
            let text = quick_xml::escape::unescape(&attribute.value).map_err(|error| ReportError::form(kind, &error))?;
            return Ok(Some(text.into_owned()));
        }
    }
    Ok(None)
}

/// A path of the checkout as reports write it.
pub(crate) fn below(path: &str) -> String {
    crate::finding::shorten(path.trim_start_matches("./").trim_start_matches('/'), 1_024)
}
