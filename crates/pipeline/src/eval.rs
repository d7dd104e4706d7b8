//! One expression of either dialect, for somebody who tries it out.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value as Json;

use crate::hash_files::FilesToHash;
use crate::{github, gitlab};

/// What an expression comes to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Evaluated {
    /// `Null`, `Boolean`, `Number`, `String`, `Array` or `Object`.
    pub kind: &'static str,
    /// The value. Numbers that JSON has not are the texts `NaN`, `Infinity` and `-Infinity`.
    pub value: Json,
}

/// What an expression stumbled over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum EvalErrorKind {
    /// A word that is none.
    Lexing,
    /// Words in an order that makes no sense, and names that nobody knows.
    Parsing,
    /// Values with which it cannot go on.
    Evaluation,
}

/// Why an expression comes to nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EvalError {
    /// What it stumbled over.
    pub kind: EvalErrorKind,
    /// What is wrong.
    pub message: String,
    /// Its line, from 1.
    pub line: usize,
    /// Its column, from 1, in characters.
    pub column: usize,
}

impl EvalError {
    pub(crate) fn at(kind: EvalErrorKind, message: impl Into<String>, text: &str, offset: usize) -> Self {
        let before: Vec<char> = text.chars().take(offset).collect();
        let line = before.iter().filter(|c| **c == '\n').count() + 1;
        let column = before.iter().rev().take_while(|c| **c != '\n').count() + 1;
        Self { kind, message: message.into(), line, column }
    }
}

impl fmt::Display for EvalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.line, self.column, self.message)
    }
}

impl std::error::Error for EvalError {}

/// What workflow expressions may see.
#[derive(Clone, Debug)]
pub struct WorkflowContexts(github::Given);

impl WorkflowContexts {
    /// All contexts that there are, by name: another one in an expression is an error. The status functions answer by
    /// `job.status` if it is there, otherwise by the results in `needs`; with neither, all went well.
    pub fn new(contexts: &serde_json::Map<String, Json>, files: Option<Arc<dyn FilesToHash>>) -> Self {
        Self(github::Given::new(contexts, files))
    }

    /// Evaluates an expression, with or without `${{ }}`; text around that makes the whole a text.
    pub fn eval(&self, expression: &str) -> Result<Evaluated, EvalError> {
        self.0.eval(expression)
    }
}

/// Evaluates a condition of a GitLab file to what GitLab's own evaluation gives: a `String` or `Null` too, where no comparison
/// makes a `Boolean` of it. The rule holds if it is neither `Null` nor `false` nor only blanks.
///
/// `variables` without a value are as absent.
pub fn eval_gitlab(expression: &str, variables: &BTreeMap<String, Option<String>>) -> Result<Evaluated, EvalError> {
    gitlab::eval(expression, variables)
}
