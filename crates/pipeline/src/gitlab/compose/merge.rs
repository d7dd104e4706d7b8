//! Deep merging of files.

use std::collections::HashMap;

use crate::yaml::{Key, Node};

/// One tree over another: mappings merge key by key, all else is replaced.
pub(in super::super) fn merged(below: Node, above: Node) -> Node {
    let at = above.at;
    let above = match above.into_entries() {
        Ok(entries) => entries,
        Err(other) => return other,
    };
    match below.into_entries() {
        Ok(below) => Node::map(entries(below, above), at),
        Err(_) => Node::map(above, at),
    }
}

fn entries(below: Vec<(Key, Node)>, above: Vec<(Key, Node)>) -> Vec<(Key, Node)> {
    let places: HashMap<String, usize> = below.iter().enumerate().map(|(place, (key, _))| (key.text.clone(), place)).collect();
    let mut out: Vec<(Key, Option<Node>)> = below.into_iter().map(|(key, node)| (key, Some(node))).collect();
    let mut new = Vec::new();
    for (key, node) in above {
        match places.get(&key.text).and_then(|place| out.get_mut(*place)) {
            Some((known, held)) => {
                *known = key;
                *held = Some(match held.take() {
                    Some(below) => merged(below, node),
                    None => node,
                });
            }
            None => new.push((key, node)),
        }
    }
    out.into_iter().filter_map(|(key, node)| Some((key, node?))).chain(new).collect()
}
