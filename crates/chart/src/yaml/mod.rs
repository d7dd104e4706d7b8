//! YAML, read and written as `sigs.k8s.io/yaml` does: YAML 1.1 by way of JSON.
//!
//! Reading takes the first document of a text. What it gives is what is left when it has been JSON in between: keys are texts,
//! a number is a `float64`. An error's text is Helm's, with the line that Helm tells.

mod bytes;
mod collections;
mod decode;
mod directives;
mod emit;
mod keys;
mod nodes;
mod order;
mod parser;
mod place;
mod pretty;
mod raw;
mod resolve;
mod scalars;
mod scanner;
mod style;
#[cfg(test)]
mod tests;
mod text;
mod tokens;
mod write;

use thiserror::Error;

pub use place::line_of;
pub(crate) use place::lines_of;
pub(crate) use pretty::write_pretty;
pub(crate) use write::write;
pub use write::write_data;

use crate::{
    budget::{Budget, Exhausted, Limits},
    function::Fault,
    value::{Data, Table},
};

/// Why a document was not read. The text is Helm's.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ReadError {
    /// It is wrong.
    #[error("{0}")]
    Said(String),
    /// It is too much.
    #[error(transparent)]
    Limit(#[from] Exhausted),
}

impl ReadError {
    /// The YAML library's own text.
    fn said(problem: impl AsRef<str>) -> Self {
        Self::Said(format!("yaml: {}", problem.as_ref()))
    }

    /// The same with the line, unless that is the first.
    fn at(line: usize, problem: impl Into<String>) -> Self {
        let problem = problem.into();
        if line == 0 { Self::said(problem) } else { Self::said(format!("line {line}: {problem}")) }
    }

    fn prefixed(self, prefix: &str) -> Self {
        match self {
            Self::Said(text) => Self::Said(format!("{prefix}: {text}")),
            limit @ Self::Limit(_) => limit,
        }
    }
}

impl From<ReadError> for Fault {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Said(text) => Self::said(text),
            ReadError::Limit(limit) => Self::Limit(limit),
        }
    }
}

/// How a document is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rules {
    /// Whether a key may not come twice in a mapping.
    pub strict: bool,
    /// Whether whole numbers stay [`Data::Int`], and those that are too large for it a text of their digits. Helm makes texts of numbers where a field of `Chart.yaml` wants one, and a whole
    /// number then is written in another way than a fraction.
    pub integers: bool,
    /// Whether only what stands at the front of a manifest is kept: `apiVersion`, `kind` and `metadata`. All the rest of a mapping is
    /// left out; what is wrong with it is told all the same.
    pub head: bool,
}

/// Reads a document.
pub fn read(text: &[u8]) -> Result<Data, ReadError> {
    read_by(Rules::default(), text, &mut Budget::new(Limits::default()))
}

/// Reads of a document what a manifest says of itself: see [`Rules::head`].
pub(crate) fn read_head(text: &[u8], budget: &mut Budget) -> Result<Data, ReadError> {
    read_by(Rules { head: true, ..Rules::default() }, text, budget)
}

/// Reads a document that is a mapping, or nothing, which is an empty one.
pub fn read_table(text: &[u8]) -> Result<Table, ReadError> {
    table(read(text)?)
}

/// The mapping that a document is; an error as of Go for anything else, an empty one for `null`.
pub fn table(data: Data) -> Result<Table, ReadError> {
    let kind = match data {
        Data::Map(table) => return Ok(table),
        Data::Null => return Ok(Table::new()),
        other => crate::json::kind(&other),
    };
    Err(ReadError::Said(format!(
        "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal {kind} into Go value of type map[string]interface {{}}"
    )))
}

/// Reads a document by these rules and within a budget.
pub(crate) fn read_by(rules: Rules, text: &[u8], budget: &mut Budget) -> Result<Data, ReadError> {
    document(rules, text, budget).map_err(|error| error.prefixed("error converting YAML to JSON"))
}

fn document(rules: Rules, text: &[u8], budget: &mut Budget) -> Result<Data, ReadError> {
    budget.scan(text.len())?;
    let decoded = text::decode(text);
    let mut parser = parser::Parser::new(scanner::Scanner::new(&decoded));
    let nodes = nodes::compose(&mut parser, budget)?;
    if nodes.is_empty() {
        return Ok(Data::Null);
    }
    decode::Decoder::new(&nodes, rules, budget).document()
}
