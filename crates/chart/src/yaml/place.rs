//! Where in a document something stands.

use super::{
    nodes::{self, Node, NodeKind},
    parser, scanner, text,
};
use crate::budget::{Budget, Limits};

/// The line, from 1, on which the key stands that these keys lead to, one mapping below the other (an item of a list by its number,
/// from 0); none where they lead nowhere, or the text is no YAML. Of a key that comes twice it is the last, which is the one that counts.
pub fn line_of(text: &[u8], path: &[&str]) -> Option<usize> {
    let mut budget = Budget::new(Limits::default());
    budget.scan(text.len()).ok()?;
    let decoded = text::decode(text);
    let mut parser = parser::Parser::new(scanner::Scanner::new(&decoded));
    let nodes = nodes::compose(&mut parser, &mut budget).ok()?;
    let mut at = 0;
    let mut line = None;
    for key in path {
        let (found, below) = entry(&nodes, at, key)?;
        line = Some(found + 1);
        at = below;
    }
    line
}

/// The line of a key in the mapping or list at a place, and the place of its value.
fn entry(nodes: &[Node<'_>], at: usize, key: &str) -> Option<(usize, usize)> {
    let mapping = match nodes.get(at)?.kind {
        NodeKind::Alias(_, meant) => meant,
        _ => at,
    };
    let count = match nodes.get(mapping)?.kind {
        NodeKind::Mapping(count) => count,
        NodeKind::Sequence(count) => {
            let number = key.parse::<usize>().ok().filter(|number| *number < count)?;
            let item = (0..number).try_fold(mapping + 1, |item, _| Some(nodes.get(item)?.next))?;
            return Some((nodes.get(item)?.line, item));
        }
        _ => return None,
    };
    let (mut next, mut last) = (mapping + 1, None);
    for _ in 0..count / 2 {
        let name = nodes.get(next)?;
        if matches!(&name.kind, NodeKind::Scalar { value, .. } if value.as_ref() == key.as_bytes()) {
            last = Some((name.line, name.next));
        }
        next = nodes.get(name.next)?.next;
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_found_where_it_stands() {
        let text = b"# first\na:\n  b: 1\n  'c d':\n    e: {f: 2}\nx: &x\n  y: 1\nz: *x\na2: 1\n";
        assert_eq!(line_of(text, &["a"]), Some(2));
        assert_eq!(line_of(text, &["a", "b"]), Some(3));
        assert_eq!(line_of(text, &["a", "c d", "e", "f"]), Some(5));
        assert_eq!(line_of(text, &["z", "y"]), Some(7));
        assert_eq!(line_of(text, &["a", "q"]), None);
        let list = b"list:\n- name: x\n- [1]\n- name: y\n  size: 1\n";
        assert_eq!(line_of(list, &["list", "2", "size"]), Some(5));
        assert_eq!(line_of(list, &["list", "3"]), None);
        assert_eq!(line_of(b"[", &["a"]), None);
    }
}
