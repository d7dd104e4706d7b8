//! Reports that jobs and checks leave: tests, coverage, load.

use quick_xml::Reader;
use quick_xml::events::BytesStart;

pub mod cobertura;
pub mod junit;
pub mod k6;
pub mod sarif;

/// The largest report that is read.
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

/// The text of an XML report: UTF-8, as everything writes it here.
pub(crate) fn xml<'a>(kind: &'static str, bytes: &'a [u8]) -> Result<Reader<&'a [u8]>, ReportError> {
    check_size(kind, bytes)?;
    let text = std::str::from_utf8(bytes).map_err(|error| ReportError::form(kind, &error))?;
    Ok(Reader::from_str(text))
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
