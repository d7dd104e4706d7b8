//! The tree of a document: its nodes in one row, each known by its place there.

use std::collections::HashMap;

use super::{
    ReadError,
    parser::{Event, Parser},
    scanner::Text,
};
use crate::budget::Budget;

/// For how many nodes there is room before one is read.
const FORESEEN: usize = 1_024;

/// A node and the line that it begins on, from zero.
pub(super) struct Node<'a> {
    pub line: usize,
    pub kind: NodeKind<'a>,
    /// The node behind it and all that is in it: what it holds stands between the two.
    pub next: usize,
}

pub(super) enum NodeKind<'a> {
    Scalar {
        tag: Text<'a>,
        value: Text<'a>,
        /// Whether it may be something else than a text.
        implicit: bool,
    },
    /// How many items it has.
    Sequence(usize),
    /// How many keys and values it has; they stand in turn.
    Mapping(usize),
    /// The node that is meant; it may hold this one.
    Alias(Text<'a>, usize),
}

/// The nodes of the first document. The root is the first; there is none where the text has no document.
pub(super) fn compose<'a>(parser: &mut Parser<'a>, budget: &mut Budget) -> Result<Vec<Node<'a>>, ReadError> {
    let mut nodes: Vec<Node<'a>> = Vec::with_capacity((parser.scanner.text.len() / 16).min(FORESEEN));
    let mut anchors: HashMap<Text<'a>, usize> = HashMap::new();
    let mut open: Vec<usize> = Vec::new();
    loop {
        let (event, line) = parser.next()?;
        budget.make(std::mem::take(&mut parser.made))?;
        let (anchor, kind) = match event {
            Event::StreamStart | Event::DocumentStart => continue,
            Event::StreamEnd | Event::DocumentEnd => return Ok(nodes),
            Event::SequenceEnd | Event::MappingEnd => {
                let next = nodes.len();
                if let Some(ended) = open.pop().and_then(|ended| nodes.get_mut(ended)) {
                    ended.next = next;
                }
                continue;
            }
            Event::Alias(name) => {
                let Some(meant) = anchors.get(&name).copied() else {
                    return Err(ReadError::said(format!("unknown anchor '{}' referenced", String::from_utf8_lossy(&name))));
                };
                (None, NodeKind::Alias(name, meant))
            }
            Event::Scalar { anchor, tag, value, implicit } => (anchor, NodeKind::Scalar { tag, value, implicit }),
            Event::SequenceStart(anchor) => (anchor, NodeKind::Sequence(0)),
            Event::MappingStart(anchor) => (anchor, NodeKind::Mapping(0)),
        };
        let place = nodes.len();
        budget.make(size_of::<Node<'_>>())?;
        if let Some(Node { kind: NodeKind::Sequence(children) | NodeKind::Mapping(children), .. }) =
            open.last().and_then(|parent| nodes.get_mut(*parent))
        {
            *children += 1;
        }
        if matches!(kind, NodeKind::Sequence(_) | NodeKind::Mapping(_)) {
            open.push(place);
        }
        if let Some(name) = anchor {
            anchors.insert(name, place);
        }
        nodes.push(Node { line, kind, next: place + 1 });
    }
}
