//! Random values files, and where in them what kind of value stands.

use super::{random::Random, signatures::Kind};

/// A values file in the flow style, and the paths of it.
#[derive(Clone, Debug)]
pub struct Values {
    /// What stands in it.
    pub root: Node,
    /// Each path with its kind.
    pub paths: Vec<(Vec<String>, Kind)>,
}

/// A value, its scalars as they are written.
#[derive(Clone, Debug)]
pub enum Node {
    /// A scalar.
    Scalar(String, Kind),
    /// A list.
    List(Vec<Node>),
    /// A mapping.
    Map(Vec<(String, Node)>),
}

const NAMES: &[&str] = &["a", "b", "c", "name", "image", "port", "enabled", "list", "nested", "labels", "x_y", "n1"];
const SCALARS: &[(&str, Kind)] = &[
    ("1", "float"),
    ("0", "float"),
    ("80", "float"),
    ("-5", "float"),
    ("1.5", "float"),
    ("1000000", "float"),
    ("123456789", "float"),
    ("1e3", "float"),
    ("0x1F", "float"),
    ("1.0", "float"),
    ("12345678901234567890", "float"),
    (".5", "float"),
    ("1e21", "float"),
    ("true", "bool"),
    ("false", "bool"),
    ("yes", "bool"),
    ("off", "bool"),
    ("null", "any"),
    ("~", "any"),
    ("\"\"", "text"),
    ("hello", "text"),
    ("\"1\"", "text"),
    ("\"true\"", "text"),
    ("a b c", "text"),
    ("Grüße", "text"),
    ("\"x\\ny\\n\"", "text"),
    ("'it''s'", "text"),
    ("nginx:1.2.3", "text"),
    ("1.2.3", "text"),
    ("2020-01-02", "text"),
    ("/a/b.txt", "text"),
    ("\"{{ .Values.name }}\"", "text"),
    ("a,b,c", "text"),
    ("\"  pad \"", "text"),
    ("http://a.b/c?d=e", "text"),
    ("1h30m", "text"),
];

/// Grows a values file.
pub fn grow(random: &mut Random) -> Values {
    let mut entries = Vec::new();
    for name in NAMES {
        if random.percent(60) {
            entries.push(((*name).to_owned(), node(random, 3)));
        }
    }
    let root = Node::Map(entries);
    let mut paths = Vec::new();
    root.walk(&mut Vec::new(), &mut paths);
    Values { root, paths }
}

fn node(random: &mut Random, depth: usize) -> Node {
    match random.below(if depth == 0 { 6 } else { 10 }) {
        6 | 7 => {
            let same = random.percent(60);
            let first = random.below(SCALARS.len());
            let count = random.below(4);
            Node::List((0..count).map(|_| if same { scalar(SCALARS[first]) } else { node(random, depth - 1) }).collect())
        }
        8 | 9 => {
            let count = random.below(4);
            let mut names: Vec<&str> = (0..count).map(|_| *random.pick(NAMES)).collect();
            names.sort_unstable();
            names.dedup();
            Node::Map(names.into_iter().map(|name| (name.to_owned(), node(random, depth - 1))).collect())
        }
        _ => scalar(*random.pick(SCALARS)),
    }
}

fn scalar((text, kind): (&str, Kind)) -> Node {
    Node::Scalar(text.to_owned(), kind)
}

impl Node {
    fn walk(&self, path: &mut Vec<String>, found: &mut Vec<(Vec<String>, Kind)>) {
        if !path.is_empty() {
            found.push((path.clone(), self.kind()));
        }
        if let Self::Map(entries) = self {
            for (name, below) in entries {
                path.push(name.clone());
                below.walk(path, found);
                path.pop();
            }
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Scalar(_, kind) => kind,
            Self::List(_) => "list",
            Self::Map(_) => "map",
        }
    }

    /// It as YAML in the flow style.
    pub fn yaml(&self) -> String {
        match self {
            Self::Scalar(text, _) if text.contains(',') || text.contains("://") => format!("\"{text}\""),
            Self::Scalar(text, _) => text.clone(),
            Self::List(items) => format!("[{}]", items.iter().map(Self::yaml).collect::<Vec<_>>().join(", ")),
            Self::Map(entries) => {
                format!("{{{}}}", entries.iter().map(|(name, below)| format!("{name}: {}", below.yaml())).collect::<Vec<_>>().join(", "))
            }
        }
    }

    /// Every value that is this one with an entry or item less.
    pub fn smaller(&self) -> Vec<Self> {
        match self {
            Self::Scalar(..) => Vec::new(),
            Self::List(items) => (0..items.len())
                .map(|at| Self::List(without(items, at)))
                .chain(items.iter().enumerate().flat_map(|(at, item)| {
                    item.smaller().into_iter().map(move |smaller| {
                        let mut items = items.clone();
                        items[at] = smaller;
                        Self::List(items)
                    })
                }))
                .collect(),
            Self::Map(entries) => (0..entries.len())
                .map(|at| Self::Map(without(entries, at)))
                .chain(entries.iter().enumerate().flat_map(|(at, (_, below))| {
                    below.smaller().into_iter().map(move |smaller| {
                        let mut entries = entries.clone();
                        entries[at].1 = smaller;
                        Self::Map(entries)
                    })
                }))
                .collect(),
        }
    }
}

fn without<T: Clone>(from: &[T], at: usize) -> Vec<T> {
    from.iter().enumerate().filter(|(index, _)| *index != at).map(|(_, item)| item.clone()).collect()
}
