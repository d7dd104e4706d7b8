//! Which values a template looks at, read off its text: nothing is carried out.

use std::collections::BTreeSet;

use super::{
    Parsed,
    tree::{NameId, Node, NodeId, Tree},
};
use crate::value::Str;

/// Functions whose first argument is a map and whose others are keys in it, which they look at alone.
const MAP_FIRST: &[&str] = &["index", "get", "hasKey", "pick"];
/// Functions that look at all that they are given.
const SHOW: &[&str] = &["toYaml", "toYamlPretty", "toJson", "toPrettyJson", "toRawJson", "toToml", "print", "println", "printf"];
const VALUES: &str = "Values";

/// A place where a template looks at a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValueUse {
    /// The keys below `.Values`; none for all of them.
    pub path: Vec<Str>,
    /// The line, from 1.
    pub line: usize,
    /// What is written there.
    pub text: String,
}

impl Parsed {
    /// Where this text looks at values, in its order. What a template reaches over a variable or a changed dot counts as the
    /// value that this stands for, with all that is below it.
    pub fn value_uses(&self) -> Vec<ValueUse> {
        let Some(first) = self.trees.first() else { return Vec::new() };
        let lines = Lines::of(first.text.as_bytes());
        let mut uses: Vec<ValueUse> = self.trees.iter().flat_map(|tree| of_tree(tree, &lines)).collect();
        uses.sort_by(|one, two| (one.line, &one.path).cmp(&(two.line, &two.path)));
        uses.dedup();
        uses
    }
}

/// Where the lines of a text end; all of its templates share them.
struct Lines(Vec<usize>);

impl Lines {
    fn of(text: &[u8]) -> Self {
        Self(text.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at).collect())
    }

    /// The line of a place, from 1.
    fn line(&self, at: usize) -> usize {
        self.0.partition_point(|end| *end < at) + 1
    }
}

fn of_tree(tree: &Tree, lines: &Lines) -> Vec<ValueUse> {
    let mut uses = Vec::new();
    let mut reached = BTreeSet::new();
    let commands = || {
        tree.nodes.iter().enumerate().filter_map(|(place, (_, node))| match node {
            Node::Command(words) => Some((NodeId::try_from(place).ok()?, words)),
            _ => None,
        })
    };
    for (command, words) in commands() {
        if shows_everything(tree, words) {
            uses.push(used(tree, lines, Vec::new(), command));
        }
        let Some((base, keys)) = keyed(tree, words) else { continue };
        if let Some(mut path) = below_values(tree, base) {
            path.extend(keys);
            reached.insert(base);
            uses.push(used(tree, lines, path, command));
        } else if let Some(values) = keys.iter().position(|key| *key == VALUES) {
            uses.push(used(tree, lines, keys.into_iter().skip(values + 1).collect(), command));
        }
    }
    // the words of commands alone: for its errors a tree also has nodes for each part of a way
    for word in commands().flat_map(|(_, words)| words) {
        if !reached.contains(word)
            && let Some(path) = below_values(tree, *word)
        {
            uses.push(used(tree, lines, path, *word));
        }
    }
    uses
}

fn used(tree: &Tree, lines: &Lines, path: Vec<Str>, id: NodeId) -> ValueUse {
    let at = tree.nodes.get(id as usize).map_or(0, |(at, _)| *at);
    ValueUse { path, line: lines.line(at), text: String::from_utf8_lossy(&tree.wording(id)).into_owned() }
}

/// `index .Values "a" "b"`, `get .Values "a"`, `dig "a" "b" DEFAULT .Values`: the map, and the keys in it.
fn keyed(tree: &Tree, words: &[NodeId]) -> Option<(NodeId, Vec<Str>)> {
    let (function, arguments) = words.split_first()?;
    let Node::Function(name) = tree.node(*function)? else { return None };
    let texts = |nodes: &[NodeId]| -> Vec<Str> {
        let text = |id: &NodeId| match tree.node(*id) {
            Some(Node::Text(_, text)) => Some(text.clone()),
            _ => None,
        };
        nodes.iter().map_while(text).collect()
    };
    if MAP_FIRST.iter().any(|known| *name == *known) {
        let (map, keys) = arguments.split_first()?;
        // several keys of `pick` stand beside one another, not below: then it is the map that is used
        let keys = if *name == "index" || keys.len() == 1 { texts(keys) } else { Vec::new() };
        return Some((*map, keys));
    }
    if *name == "dig" {
        let (map, rest) = arguments.split_last()?;
        let (_, keys) = rest.split_last()?;
        return Some((*map, texts(keys)));
    }
    None
}

/// Whether a function shows all that templates see: `toYaml $`.
fn shows_everything(tree: &Tree, words: &[NodeId]) -> bool {
    let Some((Some(Node::Function(name)), arguments)) = words.split_first().map(|(function, rest)| (tree.node(*function), rest)) else {
        return false;
    };
    let is_root =
        |id: &NodeId| matches!(tree.node(*id), Some(Node::Variable(names)) if matches!(names[..], [name] if tree.name_of(name) == b"$"));
    SHOW.iter().any(|known| *name == *known) && arguments.iter().any(is_root)
}

/// What stands below `.Values`, if a node is that: whatever it is called that has them, `$`, a variable, or a map that a partial was
/// given (`.context.Values.a`). Below `.Subcharts.db.Values` it is what the chart has for `db`. Methods of `.Values` give all of them.
fn below_values(tree: &Tree, id: NodeId) -> Option<Vec<Str>> {
    let names: &[NameId] = match tree.node(id)? {
        Node::Field(names) | Node::Chain(_, names) => names,
        Node::Variable(names) => names.get(1..)?,
        _ => return None,
    };
    let names: Vec<&[u8]> = names.iter().map(|name| tree.name_of(*name)).collect();
    let values = names.iter().position(|name| *name == VALUES.as_bytes())?;
    let inside = names.get(..values)?.chunks(2).filter_map(|pair| match pair {
        [b"Subcharts", name] => Some(*name),
        _ => None,
    });
    let below = match names.get(values + 1..)? {
        [b"AsMap", rest @ ..] => rest,
        [b"Encode" | b"PathValue" | b"Table" | b"YAML", ..] => &[],
        rest => rest,
    };
    Some(inside.chain(below.iter().copied()).map(Str::new).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uses(text: &str) -> Vec<(String, usize)> {
        let parsed = Parsed::new(&"t".into(), &text.into()).unwrap();
        let shown = |one: &ValueUse| one.path.iter().map(ToString::to_string).collect::<Vec<_>>().join(".");
        parsed.value_uses().iter().map(|one| (shown(one), one.line)).collect()
    }

    fn one(path: &str, line: usize) -> (String, usize) {
        (path.to_owned(), line)
    }

    #[test]
    fn each_way_to_a_value_is_found_with_its_line() {
        assert_eq!(uses("{{ .Values.a.b }}\n{{ $.Values.c | quote }}"), [one("a.b", 1), one("c", 2)]);
        assert_eq!(uses("{{ with .Values.image }}\n{{ .tag }}{{ end }}"), [one("image", 1)]);
        assert_eq!(uses(r#"{{ index .Values "a-b" "c" }}{{ dig "x" "y" 1 .Values }}"#), [one("a-b.c", 1), one("x.y", 1)]);
        assert_eq!(uses("{{ define \"d\" }}{{ range $k, $v := .Values.list }}{{ $v }}{{ end }}{{ end }}"), [one("list", 1)]);
        assert_eq!(uses("{{ include \"x\" (dict \"v\" .Values) }}"), [one("", 1)]);
        assert_eq!(uses("{{ if and .Values.a (eq .Values.b.c 1) }}{{ end }}{{ .Chart.Name }}"), [one("a", 1), one("b.c", 1)]);
        assert_eq!(uses("{{ pick .Values.a \"x\" \"y\" | toYaml }}"), [one("a", 1)]);
        assert_eq!(uses("{{ omit .Values.a \"x\" | toYaml }}"), [one("a", 1)]);
        assert_eq!(uses("{{ $root := . }}\n{{ $root.Values.a.b }}"), [one("a.b", 2)]);
        assert_eq!(uses("{{ define \"d\" }}{{ .context.Values.a }}{{ (first .).Values.b }}{{ end }}"), [one("a", 1), one("b", 1)]);
        assert_eq!(uses("{{ .Subcharts.db.Values.size }}{{ .Subcharts.a.Subcharts.b.Values.c }}"), [one("a.b.c", 1), one("db.size", 1)]);
        assert_eq!(uses("{{ index $ \"Values\" \"a\" }}{{ (get . \"Values\").b }}"), [one("", 1), one("a", 1)]);
        assert_eq!(uses("{{ toYaml $ }}{{ include \"x\" $ }}"), [one("", 1)]);
    }
}
