//! What a file says, each node with its line.

use std::collections::BTreeMap;
use std::ops::Range;

use serde_json::{Map, Value};

/// How a scalar is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Without quotes.
    Plain,
    /// `'…'`
    Single,
    /// `"…"`
    Double,
    /// `|` or `>`.
    Block,
}

/// A node and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// From 1.
    pub line: usize,
    /// What it is.
    pub kind: Kind,
}

/// What a node is.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// Text, number, boolean or null.
    Scalar {
        /// Its meaning.
        value: Value,
        /// How it is written.
        style: Style,
        /// Its bytes in the file, quotes included.
        bytes: Range<usize>,
    },
    /// Keys in their order.
    Mapping(Vec<(String, Node)>),
    /// A list.
    Sequence(Vec<Node>),
}

impl Node {
    /// A mapping's entry.
    pub fn get(&self, key: &str) -> Option<&Self> {
        match &self.kind {
            Kind::Mapping(entries) => entries.iter().find(|(name, _)| name == key).map(|(_, node)| node),
            _ => None,
        }
    }

    /// A list's items; none for anything else.
    pub fn items(&self) -> &[Self] {
        if let Kind::Sequence(items) = &self.kind { items } else { &[] }
    }

    /// Whether it is null (or nothing was written).
    pub fn is_null(&self) -> bool {
        matches!(&self.kind, Kind::Scalar { value: Value::Null, .. })
    }

    /// As JSON.
    pub fn to_value(&self) -> Value {
        match &self.kind {
            Kind::Scalar { value, .. } => value.clone(),
            Kind::Mapping(entries) => {
                Value::Object(entries.iter().map(|(key, node)| (key.clone(), node.to_value())).collect::<Map<_, _>>())
            }
            Kind::Sequence(items) => Value::Array(items.iter().map(Self::to_value).collect()),
        }
    }

    /// Lines by path, as `spec.containers[0].image`.
    pub fn lines(&self) -> BTreeMap<String, usize> {
        let mut lines = BTreeMap::new();
        self.collect(&mut String::new(), &mut lines);
        lines
    }

    fn collect(&self, path: &mut String, lines: &mut BTreeMap<String, usize>) {
        lines.insert(path.clone(), self.line);
        let length = path.len();
        match &self.kind {
            Kind::Scalar { .. } => {}
            Kind::Mapping(entries) => {
                for (key, node) in entries {
                    if length > 0 {
                        path.push('.');
                    }
                    path.push_str(key);
                    node.collect(path, lines);
                    path.truncate(length);
                }
            }
            Kind::Sequence(items) => {
                for (index, node) in items.iter().enumerate() {
                    path.push_str(&format!("[{index}]"));
                    node.collect(path, lines);
                    path.truncate(length);
                }
            }
        }
    }

    /// How many nodes it is, itself included.
    pub(super) fn count(&self) -> usize {
        1 + match &self.kind {
            Kind::Scalar { .. } => 0,
            Kind::Mapping(entries) => entries.iter().map(|(_, node)| node.count()).sum(),
            Kind::Sequence(items) => items.iter().map(Self::count).sum(),
        }
    }
}
