//! Where in a document something stands.

use std::{borrow::Cow, collections::HashMap};

use super::{
    nodes::{self, Node, NodeKind},
    parser, scanner, text,
};
use crate::budget::{Budget, Limits};

/// The line, from 1, on which the key stands that these keys lead to, one mapping below the other (an item of a list by its number,
/// from 0); none where they lead nowhere, or the text is no YAML. Of a key that comes twice it is the last, which is the one that counts.
pub fn line_of(text: &[u8], path: &[&str]) -> Option<usize> {
    lines_of(text, std::iter::once(path)).pop()?
}

/// The same for several paths, by one reading of the text.
pub(crate) fn lines_of<'p, K: AsRef<[u8]> + 'p>(text: &[u8], paths: impl Iterator<Item = &'p [K]>) -> Vec<Option<usize>> {
    let mut budget = Budget::new(Limits::default());
    let decoded = text::decode(text);
    let mut parser = parser::Parser::new(scanner::Scanner::new(&decoded));
    let nodes = match budget.scan(text.len()) {
        Ok(()) => nodes::compose(&mut parser, &mut budget).unwrap_or_default(),
        Err(_) => Vec::new(),
    };
    let mut known = HashMap::new();
    paths.map(|path| line(&nodes, path, &mut known)).collect()
}

/// What a mapping or a list holds, by key or number: the line, and the place of the value.
type Entries<'n> = HashMap<Cow<'n, [u8]>, (usize, usize)>;

fn line<'n, K: AsRef<[u8]>>(nodes: &'n [Node<'_>], path: &[K], known: &mut HashMap<usize, Entries<'n>>) -> Option<usize> {
    let (mut at, mut line) = (0, None);
    for key in path {
        let holder = match nodes.get(at)?.kind {
            NodeKind::Alias(_, meant) => meant,
            _ => at,
        };
        let entries = known.entry(holder).or_insert_with(|| entries(nodes, holder).unwrap_or_default());
        let (found, below) = *entries.get(key.as_ref())?;
        line = Some(found + 1);
        at = below;
    }
    line
}

/// The entries of the mapping or list at a place, each as its key comes last.
fn entries<'n>(nodes: &'n [Node<'_>], holder: usize) -> Option<Entries<'n>> {
    let mut entries = Entries::new();
    let mut next = holder + 1;
    match nodes.get(holder)?.kind {
        NodeKind::Mapping(count) => {
            for _ in 0..count / 2 {
                let name = nodes.get(next)?;
                if let NodeKind::Scalar { value, .. } = &name.kind {
                    entries.insert(Cow::Borrowed(value.as_ref()), (name.line, name.next));
                }
                next = nodes.get(name.next)?.next;
            }
        }
        NodeKind::Sequence(count) => {
            for number in 0..count {
                let item = nodes.get(next)?;
                entries.insert(Cow::Owned(number.to_string().into_bytes()), (item.line, next));
                next = item.next;
            }
        }
        _ => {}
    }
    Some(entries)
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
