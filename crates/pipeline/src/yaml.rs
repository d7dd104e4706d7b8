//! YAML with the place of every key and value, as each dialect reads it, and a bound on what aliases may unfold to.

mod load;
mod scalar;

use std::ops::Deref;
use std::sync::Arc;

pub(crate) use load::documents;
pub(crate) use scalar::{Is, Schema};

/// What a file may weigh once its aliases, `extends` and references are unfolded: bytes of text and a fee for each node.
const MAX_WEIGHT: usize = 16 << 20;
/// What aliases alone may unfold to.
const MAX_ALIASED: usize = 4 << 20;
/// The fee for each node.
const NODE_WEIGHT: usize = 64;

/// A place: line and column from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct At {
    /// The file, as the problems count them; 0 is the pipeline file.
    pub(crate) file: u16,
    pub(crate) line: usize,
    pub(crate) column: usize,
}

impl At {
    /// Where a file begins.
    pub(crate) fn start(file: u16) -> Self {
        Self { file, line: 1, column: 1 }
    }
}

/// Something that keeps a file from being read at all, or that is to be known of it.
#[derive(Clone, Debug)]
pub(crate) struct Malformed {
    pub(crate) at: At,
    pub(crate) message: String,
    pub(crate) help: &'static str,
}

/// A value and its place.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) value: Value,
    pub(crate) at: At,
    /// GitLab's `!reference` on a sequence.
    pub(crate) reference: bool,
    /// What stands there, where that is not the text that it is read as: `0755` for 493.
    written: Option<Arc<str>>,
    weight: usize,
}

/// What a node holds.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    /// Text, and whether it stands there without quotes (so that it may mean a number, `true` or nothing).
    Scalar {
        text: Arc<str>,
        plain: bool,
        block: bool,
        /// What it is read as.
        is: Is,
    },
    Seq(Parts<Node>),
    Map(Parts<(Key, Node)>),
}

/// What a list or a mapping consists of. Anchors, `extends` and `include` bring the same to many places, which share it.
#[derive(Clone, Debug)]
pub(crate) struct Parts<T>(Arc<Vec<T>>);

impl<T> Deref for Parts<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<'p, T> IntoIterator for &'p Parts<T> {
    type Item = &'p T;
    type IntoIter = std::slice::Iter<'p, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

/// A mapping's key.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    pub(crate) text: String,
    pub(crate) at: At,
}

/// What may still be unfolded.
#[derive(Clone, Debug)]
pub(crate) struct Budget {
    left: usize,
    aliased: usize,
}

impl Budget {
    pub(crate) fn new() -> Self {
        Self { left: MAX_WEIGHT, aliased: MAX_ALIASED }
    }

    /// Takes a node's weight off.
    pub(crate) fn take(&mut self, weight: usize, at: At) -> Result<(), Malformed> {
        self.left = self.left.checked_sub(weight).ok_or_else(|| too_much(MAX_WEIGHT, "aliases, `extends` and references", at))?;
        Ok(())
    }

    /// What was taken off since it was like this.
    pub(crate) fn since(&self, before: &Self) -> Spent {
        Spent { left: before.left.saturating_sub(self.left), aliased: before.aliased.saturating_sub(self.aliased) }
    }

    /// Takes the same off again; false, and nothing is taken, if that is too much.
    pub(crate) fn spend(&mut self, spent: Spent) -> bool {
        let (left, aliased) = (self.left.checked_sub(spent.left), self.aliased.checked_sub(spent.aliased));
        let enough = left.zip(aliased);
        if let Some((left, aliased)) = enough {
            *self = Self { left, aliased };
        }
        enough.is_some()
    }

    /// As [`Self::take`], for what an alias brings.
    fn take_alias(&mut self, weight: usize, at: At) -> Result<(), Malformed> {
        self.aliased = self.aliased.checked_sub(weight).ok_or_else(|| too_much(MAX_ALIASED, "aliases", at))?;
        self.take(weight, at)
    }
}

/// What reading a file took off a budget.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spent {
    left: usize,
    aliased: usize,
}

fn too_much(most: usize, what: &str, at: At) -> Malformed {
    let message = format!("{what} unfold to more than {} MiB", most >> 20);
    Malformed { at, message, help: "use fewer aliases of aliases" }
}

impl Node {
    /// What it weighs with everything below it.
    pub(crate) fn weight(&self) -> usize {
        self.weight
    }

    /// A mapping made of others' entries.
    pub(crate) fn map(entries: Vec<(Key, Self)>, at: At) -> Self {
        let weight = NODE_WEIGHT + entries.iter().map(|(key, node)| key.text.len() + node.weight).sum::<usize>();
        Self { value: Value::Map(Parts(Arc::new(entries))), at, reference: false, written: None, weight }
    }

    /// A sequence made of others' items.
    pub(crate) fn seq(items: Vec<Self>, at: At) -> Self {
        let weight = NODE_WEIGHT + items.iter().map(|node| node.weight).sum::<usize>();
        Self { value: Value::Seq(Parts(Arc::new(items))), at, reference: false, written: None, weight }
    }

    /// Text that was made from others' in a GitLab file; problems within it are told at its start.
    pub(crate) fn made(text: &str, plain: bool, at: At) -> Self {
        Self::scalar(text, plain, true, Schema::Psych, at).unwrap_or_else(|_| Self::text_of(text.into(), plain, true, Is::Text, at))
    }

    /// What stands there, by the rules of a dialect; or why that cannot be read.
    fn scalar(text: &str, plain: bool, block: bool, schema: Schema, at: At) -> Result<Self, &'static str> {
        if !plain {
            return Ok(Self::text_of(text.into(), plain, block, Is::Text, at));
        }
        let (is, read) = scalar::resolve(text, schema)?;
        let written = (*read != *text).then(|| text.into());
        Ok(Self { written, ..Self::text_of((*read).into(), plain, block, is, at) })
    }

    fn text_of(text: Arc<str>, plain: bool, block: bool, is: Is, at: At) -> Self {
        let weight = NODE_WEIGHT + text.len();
        Self { value: Value::Scalar { text, plain, block, is }, at, reference: false, written: None, weight }
    }

    fn is(&self) -> Option<Is> {
        match &self.value {
            Value::Scalar { is, .. } => Some(*is),
            _ => None,
        }
    }

    /// What stands in the file where the dialect reads something else: `3.10` for the text 3.1.
    pub(crate) fn misread(&self) -> Option<&str> {
        self.written.as_deref()
    }

    /// Text of any scalar but an empty one.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar { text, .. } if !self.is_null() => Some(text),
            _ => None,
        }
    }

    /// True for nothing, `~` and `null`.
    pub(crate) fn is_null(&self) -> bool {
        self.is() == Some(Is::Null)
    }

    /// `true` or `false`, as the dialect writes them.
    pub(crate) fn bool(&self) -> Option<bool> {
        match self.is()? {
            Is::Bool(value) => Some(value),
            _ => None,
        }
    }

    /// A whole number.
    pub(crate) fn integer(&self) -> Option<i64> {
        self.plain().filter(|_| self.is() == Some(Is::Integer))?.parse().ok()
    }

    /// A number.
    pub(crate) fn number(&self) -> Option<f64> {
        match self.is()? {
            Is::Float(value) => Some(value),
            Is::Integer => self.plain()?.parse().ok(),
            _ => None,
        }
    }

    /// Text that stands there without quotes.
    pub(crate) fn plain(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar { text, plain: true, .. } => Some(text),
            _ => None,
        }
    }

    /// What it is, for messages.
    pub(crate) fn kind(&self) -> &'static str {
        match &self.value {
            Value::Scalar { is: Is::Null, .. } => "nothing",
            Value::Scalar { is: Is::Bool(_), .. } => "true or false",
            Value::Scalar { is: Is::Integer | Is::Float(_), .. } => "a number",
            Value::Scalar { is: Is::Text, .. } => "text",
            Value::Seq(_) => "a list",
            Value::Map(_) => "a mapping",
        }
    }

    /// The place of a mapping's key.
    pub(crate) fn key_at(&self, name: &str) -> Option<At> {
        match &self.value {
            Value::Map(entries) => entries.iter().find(|(key, _)| key.text == name).map(|(key, _)| key.at),
            _ => None,
        }
    }

    /// The same value at another place.
    pub(crate) fn placed(mut self, at: At) -> Self {
        self.at = at;
        self
    }

    /// A mapping's entries, or what it is instead.
    pub(crate) fn into_entries(self) -> Result<Vec<(Key, Self)>, Self> {
        match self.value {
            Value::Map(entries) => Ok(Arc::unwrap_or_clone(entries.0)),
            _ => Err(self),
        }
    }

    /// A mapping without one of its keys.
    pub(crate) fn without(self, name: &str) -> Self {
        match &self.value {
            Value::Map(entries) => Self::map(entries.iter().filter(|(key, _)| key.text != name).cloned().collect(), self.at),
            _ => self,
        }
    }

    /// As JSON: numbers, `true`, `false` and nothing where they stand without quotes.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        match &self.value {
            Value::Seq(items) => items.iter().map(Self::to_json).collect(),
            Value::Map(entries) => entries.iter().map(|(key, node)| (key.text.clone(), node.to_json())).collect(),
            Value::Scalar { .. } if self.is_null() => serde_json::Value::Null,
            Value::Scalar { text, .. } => {
                let number = self.integer().map(serde_json::Value::from).or_else(|| self.number().map(serde_json::Value::from));
                self.bool().map(serde_json::Value::from).or(number).unwrap_or_else(|| text.to_string().into())
            }
        }
    }

    /// A mapping's value.
    pub(crate) fn get(&self, name: &str) -> Option<&Self> {
        match &self.value {
            Value::Map(entries) => entries.iter().find(|(key, _)| key.text == name).map(|(_, node)| node),
            _ => None,
        }
    }
}
