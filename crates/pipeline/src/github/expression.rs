//! Workflow expressions: read, checked, evaluated.

use std::collections::BTreeMap;

use super::functions::{self, Function};
use super::parse::parse;
use super::value::Value;

/// The longest expression that is read (GitHub's own bound).
const MAX_LENGTH: usize = 21_000;

/// What is wrong with an expression, and at which character (from 0).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Invalid {
    pub(crate) offset: usize,
    pub(crate) message: String,
}

/// An expression, read.
#[derive(Clone, Debug)]
pub(crate) struct Expression(Tree);

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
    pub(crate) status: StatusFunctions,
}

impl Expression {
    /// Reads an expression, without `${{ }}`.
    pub(crate) fn read(text: &str) -> Result<Self, Invalid> {
        if text.len() > MAX_LENGTH {
            return Err(Invalid { offset: 0, message: format!("the expression is longer than {MAX_LENGTH} characters") });
        }
        parse(text).map(Self)
    }

    /// Its value. An error is for people: a function that got what it cannot take.
    pub(crate) fn evaluate(&self, contexts: &Contexts) -> Result<Value, String> {
        self.0.evaluate(contexts).map(|(value, _)| value)
    }

    /// Whether it asks `success()`, `failure()`, `cancelled()` or `always()`.
    pub(crate) fn asks_status(&self) -> bool {
        let mut found = false;
        self.0.visit(&mut |tree| found |= matches!(tree, Tree::Call { function, .. } if function.is_status()));
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

    /// The value, and whether it is the list that `*` made, of which a property is that property of each.
    fn evaluate(&self, contexts: &Contexts) -> Result<(Value, bool), String> {
        let value = match self {
            Self::Literal(value) => value.clone(),
            Self::Context { name, .. } => contexts.values.get(name.as_str()).cloned().unwrap_or_default(),
            Self::Index(of, index) => return of.indexed(index, contexts),
            Self::Each(of) => {
                let (value, each) = of.evaluate(contexts)?;
                let inner: Vec<Value> = match (&value, each) {
                    (Value::Array(items), false) => items.to_vec(),
                    (Value::Array(items), true) => items.iter().flat_map(members).collect(),
                    _ => members(&value),
                };
                return Ok((Value::Array(inner.into()), true));
            }
            Self::Call { function, arguments, .. } => {
                let values: Result<Vec<Value>, String> =
                    arguments.iter().map(|argument| argument.evaluate(contexts).map(|(value, _)| value)).collect();
                functions::call(*function, &values?, contexts.status)?
            }
            Self::Not(of) => Value::Bool(!of.evaluate(contexts)?.0.is_true()),
            Self::Compare(comparison, a, b) => Value::Bool(comparison.holds(&a.evaluate(contexts)?.0, &b.evaluate(contexts)?.0)),
            Self::And(list) => decisive(list, contexts, false)?,
            Self::Or(list) => decisive(list, contexts, true)?,
        };
        Ok((value, false))
    }

    fn indexed(&self, index: &Self, contexts: &Contexts) -> Result<(Value, bool), String> {
        let (of, each) = self.evaluate(contexts)?;
        let (index, _) = index.evaluate(contexts)?;
        if let (Value::Array(items), true) = (&of, each) {
            let found = items.iter().map(|item| item.index(&index)).filter(|value| !matches!(value, Value::Null));
            return Ok((Value::Array(found.collect()), true));
        }
        Ok((of.index(&index), false))
    }
}

fn members(value: &Value) -> Vec<Value> {
    match value {
        Value::Array(items) => items.to_vec(),
        Value::Object(entries) => entries.iter().map(|(_, value)| value.clone()).collect(),
        _ => Vec::new(),
    }
}

/// The first value that is as true as asked for, or the last.
fn decisive(list: &[Tree], contexts: &Contexts, wanted: bool) -> Result<Value, String> {
    let mut value = Value::Null;
    for item in list {
        value = item.evaluate(contexts)?.0;
        if value.is_true() == wanted {
            break;
        }
    }
    Ok(value)
}

impl Comparison {
    fn holds(self, a: &Value, b: &Value) -> bool {
        match self {
            Self::Equal => a.equals(b),
            Self::Unequal => !a.equals(b),
            Self::Less => a.compare(b).is_some_and(std::cmp::Ordering::is_lt),
            Self::LessOrEqual => a.compare(b).is_some_and(std::cmp::Ordering::is_le),
            Self::Greater => a.compare(b).is_some_and(std::cmp::Ordering::is_gt),
            Self::GreaterOrEqual => a.compare(b).is_some_and(std::cmp::Ordering::is_ge),
        }
    }
}
