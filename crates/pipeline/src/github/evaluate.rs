//! What workflow expressions come to.

use super::expression::{Comparison, Contexts, ErrorKind, Expression, Invalid, Tree};
use super::functions;
use super::value::Value;

/// What an evaluation may hold at a time, in GitHub's own reckoning.
const MAX_MEMORY: usize = 1 << 20;
/// What GitHub reckons for a value that is no text, and for a text besides its characters of two bytes.
const VALUE: usize = 24;
const TEXT: usize = 26;

/// What cannot be evaluated: at which character, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failed {
    pub(super) offset: usize,
    pub(super) message: String,
}

impl From<Failed> for Invalid {
    fn from(failed: Failed) -> Self {
        Self { kind: ErrorKind::Evaluation, offset: failed.offset, message: failed.message }
    }
}

impl Expression {
    /// Its value. An error is for people: a function that got what it cannot take.
    pub(crate) fn evaluate(&self, contexts: &Contexts) -> Result<Value, String> {
        self.evaluate_at(contexts).map_err(|failed| failed.message)
    }

    /// As [`Self::evaluate`], with the place of what fails.
    pub(super) fn evaluate_at(&self, contexts: &Contexts) -> Result<Value, Failed> {
        let mut scope = Scope { contexts, memory: Memory::default(), offset: 0 };
        let value = scope.evaluate(&self.0, 0)?;
        // that it came from `*` matters only inside of an expression
        Ok(if let Value::Filtered(items) = value { Value::Array(items) } else { value })
    }
}

/// What an evaluation knows and holds.
pub(super) struct Scope<'c> {
    pub(super) contexts: &'c Contexts,
    memory: Memory,
    /// The call that is being carried out, for errors.
    pub(super) offset: usize,
}

impl Scope<'_> {
    /// The value of a part. `level` is how deep it stands.
    pub(super) fn evaluate(&mut self, tree: &Tree, level: usize) -> Result<Value, Failed> {
        let value = match tree {
            Tree::Literal(value) => value.clone(),
            Tree::Context { name, .. } => self.contexts.named(name),
            Tree::Index(of, index) => self.indexed(of, index, level)?,
            Tree::Each(of) => {
                let value = self.evaluate(of, level + 1)?;
                Value::Filtered(each(&value).into())
            }
            Tree::Call { function, arguments, offset } => {
                let before = std::mem::replace(&mut self.offset, *offset);
                let value = functions::call(*function, arguments, self, level + 1)?;
                self.offset = before;
                value
            }
            Tree::Not(of) => Value::Bool(!self.evaluate(of, level + 1)?.is_true()),
            Tree::Compare(comparison, a, b) => {
                let a = self.evaluate(a, level + 1)?;
                let b = self.evaluate(b, level + 1)?;
                Value::Bool(comparison.holds(&a, &b))
            }
            Tree::And(list) => self.decisive(list, level, false)?,
            Tree::Or(list) => self.decisive(list, level, true)?,
        };
        // what comes out of a context is still held by it
        let given = matches!(tree, Tree::Context { .. } | Tree::Index(..));
        self.memory.hold(level, weight(&value) + if given && matches!(value, Value::Text(_)) { VALUE } else { 0 });
        if !given && value.is_primitive() {
            self.memory.release_below(level);
        }
        self.memory.check().map_err(|message| self.failed(message))?;
        Ok(value)
    }

    /// What is wrong here, for people.
    pub(super) fn failed(&self, message: impl Into<String>) -> Failed {
        Failed { offset: self.offset, message: message.into() }
    }

    /// `a.b` and `a[b]`. The index is not looked at where there is nothing to look into.
    fn indexed(&mut self, of: &Tree, index: &Tree, level: usize) -> Result<Value, Failed> {
        let of = self.evaluate(of, level + 1)?;
        if of.is_primitive() {
            return Ok(Value::Null);
        }
        let index = self.evaluate(index, level + 1)?;
        Ok(match &of {
            Value::Filtered(items) => Value::Filtered(items.iter().filter_map(|item| item.index(&index)).cloned().collect()),
            of => of.index(&index).cloned().unwrap_or_default(),
        })
    }

    /// The first value that is as true as asked for, or the last.
    fn decisive(&mut self, list: &[Tree], level: usize, wanted: bool) -> Result<Value, Failed> {
        let mut value = Value::Null;
        for item in list {
            value = self.evaluate(item, level + 1)?;
            if value.is_true() == wanted {
                break;
            }
        }
        Ok(value)
    }
}

/// `.*`: what is in a list or a mapping; of a list that `*` made, what is in each of its items.
fn each(value: &Value) -> Vec<Value> {
    match value {
        Value::Filtered(items) => items.iter().flat_map(members).cloned().collect(),
        other => members(other).cloned().collect(),
    }
}

fn members(value: &Value) -> Box<dyn Iterator<Item = &Value> + '_> {
    match value {
        Value::Array(items) | Value::Filtered(items) => Box::new(items.iter()),
        Value::Object(entries) => Box::new(entries.iter().map(|(_, value)| value)),
        _ => Box::new(std::iter::empty()),
    }
}

impl Comparison {
    fn holds(self, a: &Value, b: &Value) -> bool {
        let ordered = |wanted: std::cmp::Ordering| a.compare(b) == Some(wanted);
        match self {
            Self::Equal => a.equals(b),
            Self::Unequal => !a.equals(b),
            Self::Less => ordered(std::cmp::Ordering::Less),
            Self::LessOrEqual => a.equals(b) || ordered(std::cmp::Ordering::Less),
            Self::Greater => ordered(std::cmp::Ordering::Greater),
            Self::GreaterOrEqual => a.equals(b) || ordered(std::cmp::Ordering::Greater),
        }
    }
}

fn weight(value: &Value) -> usize {
    match value {
        Value::Text(text) => text_weight(text),
        // a pointer for each member
        Value::Filtered(items) => VALUE + 8 * items.len(),
        _ => VALUE,
    }
}

fn text_weight(text: &str) -> usize {
    TEXT + 2 * if text.is_ascii() { text.len() } else { text.encode_utf16().count() }
}

/// What is held at each level. Once a level has its value, what was below it is let go.
#[derive(Default)]
struct Memory {
    levels: Vec<usize>,
    total: usize,
}

impl Memory {
    fn hold(&mut self, level: usize, bytes: usize) {
        if self.levels.len() <= level {
            self.levels.resize(level + 1, 0);
        }
        self.levels[level] += bytes;
        self.total += bytes;
    }

    fn release_below(&mut self, level: usize) {
        let below: usize = self.levels.drain((level + 1).min(self.levels.len())..).sum();
        self.total -= below;
    }

    fn check(&self) -> Result<(), String> {
        if self.total > MAX_MEMORY { Err(too_large()) } else { Ok(()) }
    }
}

/// A text that grows piece by piece.
#[derive(Default)]
pub(super) struct Growing {
    pub(super) text: String,
    weight: usize,
}

impl Growing {
    /// Adds a piece, unless the whole becomes too large.
    pub(super) fn push(&mut self, piece: &str) -> Result<(), String> {
        self.weight += text_weight(piece);
        if self.weight > MAX_MEMORY {
            return Err(too_large());
        }
        self.text.push_str(piece);
        Ok(())
    }
}

fn too_large() -> String {
    format!("the values become larger than {} KiB", MAX_MEMORY >> 10)
}
