//! Workflow expressions: read and checked. How they are evaluated: [`super::evaluate`].

use std::collections::BTreeMap;
use std::sync::Arc;

use super::functions::Function;
use super::parse::{Known, parse};
use super::value::Value;
use crate::hash_files::FilesToHash;

/// The longest expression that is read (GitHub's own bound).
const MAX_LENGTH: usize = 21_000;

/// What an expression stumbled over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ErrorKind {
    /// A word that is none.
    Lexing,
    /// Words in an order that makes no sense, and names that nobody knows.
    Parsing,
    /// Values that a function cannot take, and values that become too large.
    Evaluation,
}

/// What is wrong with an expression, and at which character (from 0).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Invalid {
    pub(crate) kind: ErrorKind,
    pub(crate) offset: usize,
    pub(crate) message: String,
}

/// An expression, read.
#[derive(Clone, Debug)]
pub(crate) struct Expression(pub(super) Tree);

/// An expression as a tree, at most [`super::parse::MAX_DEPTH`] deep.
#[derive(Clone, Debug)]
pub(super) enum Tree {
    Literal(Value),
    Context {
        name: String,
        offset: usize,
    },
    Index(Box<Self>, Box<Self>),
    /// `.*` and `[*]`
    Each(Box<Self>),
    Call {
        function: Function,
        arguments: Vec<Self>,
        offset: usize,
    },
    Not(Box<Self>),
    Compare(Comparison, Box<Self>, Box<Self>),
    And(Vec<Self>),
    Or(Vec<Self>),
}

/// A comparison.
#[derive(Clone, Copy, Debug)]
pub(super) enum Comparison {
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// What `success()`, `failure()` and `cancelled()` say.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct StatusFunctions {
    pub(crate) success: bool,
    pub(crate) failure: bool,
    pub(crate) cancelled: bool,
}

/// What an expression may see.
#[derive(Clone, Debug, Default)]
pub(crate) struct Contexts {
    pub(crate) values: BTreeMap<&'static str, Value>,
    /// Contexts by names that are not known beforehand, as one mapping; those in `values` go before.
    pub(crate) given: Value,
    pub(crate) status: StatusFunctions,
    /// What `hashFiles` looks at; without it the function is an error.
    pub(crate) files: Option<Arc<dyn FilesToHash>>,
}

impl Contexts {
    /// A context by its name in lower case; nothing if there is none.
    pub(super) fn named(&self, name: &str) -> Value {
        match self.values.get(name) {
            Some(value) => value.clone(),
            None => self.given.index(&Value::text(name)).cloned().unwrap_or_default(),
        }
    }
}

impl Expression {
    /// Reads an expression, without `${{ }}`.
    pub(crate) fn read(text: &str) -> Result<Self, Invalid> {
        Self::read_among(text, None)
    }

    /// As [`Self::read`]; a context that is not known is an error.
    pub(super) fn read_among(text: &str, known: Option<Known<'_>>) -> Result<Self, Invalid> {
        if text.len() > MAX_LENGTH && text.encode_utf16().count() > MAX_LENGTH {
            let message = format!("the expression is longer than {MAX_LENGTH} characters");
            return Err(Invalid { kind: ErrorKind::Lexing, offset: 0, message });
        }
        parse(text, known).map(Self)
    }

    /// Whether it asks `success()`, `failure()`, `cancelled()` or `always()`.
    pub(crate) fn asks_status(&self) -> bool {
        let mut found = false;
        self.0.visit(&mut |tree| found |= matches!(tree, Tree::Call { function, .. } if function.is_status()));
        found
    }

    /// Where it first asks a status function about certain jobs (`success('build')`), which GitHub knows for jobs alone.
    pub(crate) fn status_of_jobs(&self) -> Option<usize> {
        let mut found = None;
        self.0.visit(&mut |tree| match tree {
            Tree::Call { function, arguments, offset } if function.is_status() && !arguments.is_empty() => found = found.or(Some(*offset)),
            _ => {}
        });
        found
    }

    /// The contexts that it names, each with its place.
    pub(crate) fn contexts(&self) -> Vec<(&str, usize)> {
        let mut out = Vec::new();
        self.0.visit(&mut |tree| {
            if let Tree::Context { name, offset } = tree {
                out.push((name.as_str(), *offset));
            }
        });
        out
    }

    /// The functions that it calls, each with its place.
    pub(crate) fn functions(&self) -> Vec<(Function, usize)> {
        let mut out = Vec::new();
        self.0.visit(&mut |tree| {
            if let Tree::Call { function, offset, .. } = tree {
                out.push((*function, *offset));
            }
        });
        out
    }

    /// What it asks contexts for, as far as that is literal: `github.event.after` as three words, and its beginnings too;
    /// each with the place of its context.
    pub(crate) fn paths(&self) -> Vec<(Vec<String>, usize)> {
        let mut out = Vec::new();
        self.0.visit(&mut |tree| out.extend(tree.path()));
        out
    }

    /// Properties of a context that it names literally: `github.run_id` for `github`.
    pub(crate) fn properties_of(&self, context: &str) -> Vec<String> {
        let mut out = Vec::new();
        self.0.visit(&mut |tree| {
            if let Tree::Index(of, index) = tree
                && let (Tree::Context { name, .. }, Tree::Literal(property)) = (&**of, &**index)
                && name == context
            {
                out.push(property.to_text().to_lowercase());
            }
        });
        out
    }
}

impl Tree {
    fn visit<'t>(&'t self, visitor: &mut impl FnMut(&'t Self)) {
        visitor(self);
        match self {
            Self::Literal(_) | Self::Context { .. } => {}
            Self::Index(a, b) | Self::Compare(_, a, b) => {
                a.visit(visitor);
                b.visit(visitor);
            }
            Self::Each(of) | Self::Not(of) => of.visit(visitor),
            Self::Call { arguments: list, .. } | Self::And(list) | Self::Or(list) => list.iter().for_each(|item| item.visit(visitor)),
        }
    }

    /// The words of a literal path from a context on.
    fn path(&self) -> Option<(Vec<String>, usize)> {
        let (mut words, mut tree) = (Vec::new(), self);
        loop {
            match tree {
                Self::Index(of, index) => {
                    let Self::Literal(word) = &**index else { return None };
                    words.push(word.to_text().to_lowercase());
                    tree = of;
                }
                Self::Context { name, offset } => {
                    words.push(name.clone());
                    words.reverse();
                    return Some((words, *offset));
                }
                _ => return None,
            }
        }
    }
}
