//! The parts of a pipeline as they would be written: what an error text shows between `<` and `>`.

use super::tree::{NameId, Node, NodeId};
use crate::value::Str;

enum Piece<'a> {
    Node(NodeId),
    Text(&'a [u8]),
    Quoted(&'a [u8]),
}

/// A node as it would be written. Not by recursion: parentheses may stand ten thousand deep.
pub(super) fn wording(nodes: &[(usize, Node)], names: &[Str], id: NodeId) -> Vec<u8> {
    let it = Wording { nodes, names };
    let mut out = Vec::new();
    let mut left = vec![Piece::Node(id)];
    while let Some(piece) = left.pop() {
        match piece {
            Piece::Text(text) => out.extend_from_slice(text),
            Piece::Quoted(text) => out.extend_from_slice(crate::format::quoted(text).as_bytes()),
            Piece::Node(id) => {
                let mut parts = Vec::new();
                it.parts(id, &mut parts);
                left.extend(parts.into_iter().rev());
            }
        }
    }
    out
}

struct Wording<'a> {
    nodes: &'a [(usize, Node)],
    names: &'a [Str],
}

impl<'a> Wording<'a> {
    fn node(&self, id: NodeId) -> Option<&'a Node> {
        self.nodes.get(id as usize).map(|(_, node)| node)
    }

    fn name(&self, id: NameId) -> Piece<'a> {
        Piece::Text(self.names.get(id as usize).map_or(b"", |name| name.as_bytes()))
    }

    fn fields(&self, names: &[NameId], parts: &mut Vec<Piece<'a>>) {
        parts.extend(names.iter().flat_map(|name| [Piece::Text(b"."), self.name(*name)]));
    }

    /// A word of a command: a pipeline stands in parentheses.
    fn word(&self, id: NodeId, parts: &mut Vec<Piece<'a>>) {
        let pipe = matches!(self.node(id), Some(Node::Pipe { .. }));
        parts.extend(pipe.then_some(Piece::Text(b"(")));
        parts.push(Piece::Node(id));
        parts.extend(pipe.then_some(Piece::Text(b")")));
    }

    fn parts(&self, id: NodeId, parts: &mut Vec<Piece<'a>>) {
        let Some(node) = self.node(id) else { return };
        match node {
            Node::Dot => parts.push(Piece::Text(b".")),
            Node::Nil => parts.push(Piece::Text(b"nil")),
            Node::Bool(it) => parts.push(Piece::Text(if *it { b"true" } else { b"false" })),
            Node::Number(number) => parts.push(Piece::Text(&number.text)),
            Node::Text(written, _) => parts.push(Piece::Text(written.as_bytes())),
            Node::Function(name) => parts.push(Piece::Text(name.as_bytes())),
            Node::Field(names) => self.fields(names, parts),
            Node::Variable(names) => {
                let Some((variable, fields)) = names.split_first() else { return };
                parts.push(self.name(*variable));
                self.fields(fields, parts);
            }
            Node::Chain(head, names) => {
                self.word(*head, parts);
                self.fields(names, parts);
            }
            Node::Command(words) => {
                for (place, word) in words.iter().enumerate() {
                    parts.extend((place > 0).then_some(Piece::Text(b" ")));
                    self.word(*word, parts);
                }
            }
            Node::Pipe { assigns, variables, commands } => {
                for (place, variable) in variables.iter().enumerate() {
                    parts.extend((place > 0).then_some(Piece::Text(b", ")));
                    parts.push(Piece::Node(*variable));
                }
                let sign: &[u8] = if *assigns { b" = " } else { b" := " };
                parts.extend((!variables.is_empty()).then_some(Piece::Text(sign)));
                for (place, command) in commands.iter().enumerate() {
                    parts.extend((place > 0).then_some(Piece::Text(b" | ")));
                    parts.push(Piece::Node(*command));
                }
            }
            Node::Template(name, pipe) => {
                parts.extend([Piece::Text(b"{{template "), Piece::Quoted(name.as_bytes())]);
                if let Some(pipe) = pipe {
                    parts.extend([Piece::Text(b" "), Piece::Node(*pipe)]);
                }
                parts.push(Piece::Text(b"}}"));
            }
        }
    }
}
