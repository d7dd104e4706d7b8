//! YAML with the place of every key and value: anchors, merge keys, and a bound on what aliases may unfold to.

use std::collections::HashMap;
use std::rc::Rc;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Span};

use crate::input::Source;

/// How deep a file may nest.
const MAX_DEPTH: usize = 64;
/// What a file may weigh once its aliases, `extends` and references are unfolded: bytes of text and a fee for each node.
const MAX_WEIGHT: usize = 16 << 20;
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

/// Something that keeps a file from being read at all.
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
    weight: usize,
}

/// What a node holds.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    /// Text, and whether it stands there without quotes (so that it may mean a number, `true` or nothing).
    Scalar {
        text: Rc<str>,
        plain: bool,
        block: bool,
    },
    Seq(Vec<Node>),
    Map(Vec<(Key, Node)>),
}

/// A mapping's key.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    pub(crate) text: String,
    pub(crate) at: At,
}

/// What may still be unfolded.
#[derive(Debug)]
pub(crate) struct Budget(usize);

impl Budget {
    pub(crate) fn new() -> Self {
        Self(MAX_WEIGHT)
    }

    /// Takes a node's weight off.
    pub(crate) fn take(&mut self, weight: usize, at: At) -> Result<(), Malformed> {
        self.0 = self.0.checked_sub(weight).ok_or_else(|| Malformed {
            at,
            message: format!("aliases, `extends` and references unfold to more than {} MiB", MAX_WEIGHT >> 20),
            help: "use fewer aliases of aliases",
        })?;
        Ok(())
    }
}

impl Node {
    /// What it weighs with everything below it.
    pub(crate) fn weight(&self) -> usize {
        self.weight
    }

    /// A mapping made of others' entries.
    pub(crate) fn map(entries: Vec<(Key, Self)>, at: At) -> Self {
        let weight = NODE_WEIGHT + entries.iter().map(|(key, node)| key.text.len() + node.weight).sum::<usize>();
        Self { value: Value::Map(entries), at, reference: false, weight }
    }

    /// A sequence made of others' items.
    pub(crate) fn seq(items: Vec<Self>, at: At) -> Self {
        let weight = NODE_WEIGHT + items.iter().map(|node| node.weight).sum::<usize>();
        Self { value: Value::Seq(items), at, reference: false, weight }
    }

    /// Text that was made from others'; problems within it are told at its start.
    pub(crate) fn made(text: &str, plain: bool, at: At) -> Self {
        Self::scalar(text, plain, true, at)
    }

    fn scalar(text: &str, plain: bool, block: bool, at: At) -> Self {
        Self { value: Value::Scalar { text: text.into(), plain, block }, at, reference: false, weight: NODE_WEIGHT + text.len() }
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
        matches!(&self.value, Value::Scalar { text, plain: true, .. } if matches!(&**text, "" | "~" | "null" | "Null" | "NULL"))
    }

    /// `true` or `false` (YAML 1.2).
    pub(crate) fn bool(&self) -> Option<bool> {
        match self.plain()? {
            "true" | "True" | "TRUE" => Some(true),
            "false" | "False" | "FALSE" => Some(false),
            _ => None,
        }
    }

    /// A decimal integer.
    pub(crate) fn integer(&self) -> Option<i64> {
        self.plain()?.parse().ok()
    }

    /// A number as YAML 1.2's core schema has it.
    pub(crate) fn number(&self) -> Option<f64> {
        let text = self.plain()?;
        let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
        if let Some(hex) = unsigned.strip_prefix("0x") {
            // the core schema's hexadecimal integers; more than 53 bits lose their last digits, as in any JSON reader
            #[allow(clippy::cast_precision_loss, reason = "as JSON readers do")]
            return u64::from_str_radix(hex, 16).ok().map(|n| n as f64);
        }
        let starts = unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.');
        let numeric = unsigned.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+' | b'-'));
        (starts && numeric && unsigned.bytes().any(|b| b.is_ascii_digit())).then(|| text.parse().ok()).flatten()
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
            Value::Scalar { .. } if self.is_null() => "nothing",
            Value::Scalar { .. } if self.bool().is_some() => "true or false",
            Value::Scalar { .. } if self.number().is_some() => "a number",
            Value::Scalar { .. } => "text",
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
            Value::Map(entries) => Ok(entries),
            _ => Err(self),
        }
    }

    /// A mapping without one of its keys.
    pub(crate) fn without(self, name: &str) -> Self {
        match self.value {
            Value::Map(entries) => Self::map(entries.into_iter().filter(|(key, _)| key.text != name).collect(), self.at),
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

/// Reads one document. `file` is its number for places, `merge` is whether `<<` means something.
pub(crate) fn read(source: &Source<'_>, file: u16, merge: bool, budget: &mut Budget) -> Result<Node, Malformed> {
    let root = documents(source, file, merge, 1, budget)?.pop();
    Ok(root.unwrap_or_else(|| Node::map(Vec::new(), At::start(file))))
}

/// Reads the documents of a file, of which there may be so many.
pub(crate) fn documents(source: &Source<'_>, file: u16, merge: bool, most: usize, budget: &mut Budget) -> Result<Vec<Node>, Malformed> {
    if source.text.len() > Source::MAX_BYTES {
        let message = format!("the file has {} bytes; at most {} are read", source.text.len(), Source::MAX_BYTES);
        return Err(Malformed { at: At::start(file), message, help: "move scripts into files of their own" });
    }
    let mut builder = Builder { file, merge, most, budget, open: Vec::new(), anchors: HashMap::new(), roots: Vec::new() };
    let mut parser = Parser::new_from_str(source.text);
    while let Some(next) = parser.next_event() {
        let (event, span) = next.map_err(|error| Malformed {
            at: at(file, error.marker()),
            message: format!("this is not YAML: {}", error.info()),
            help: "look at the indentation and quotes of this line and the one before",
        })?;
        if matches!(event, Event::StreamEnd) {
            break;
        }
        builder.take(event, span)?;
    }
    Ok(builder.roots)
}

fn at(file: u16, marker: &Marker) -> At {
    At { file, line: marker.line().max(1), column: marker.col() + 1 }
}

/// A collection that is not closed yet.
struct Open {
    node: Collection,
    at: At,
    anchor: usize,
    reference: bool,
}

enum Collection {
    Seq(Vec<Node>),
    Map(Vec<(Key, Node)>, Option<Key>),
}

struct Builder<'b> {
    file: u16,
    merge: bool,
    most: usize,
    budget: &'b mut Budget,
    open: Vec<Open>,
    anchors: HashMap<usize, Node>,
    roots: Vec<Node>,
}

impl Builder<'_> {
    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), Malformed> {
        let at = at(self.file, &span.start);
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let plain = match &tag {
                    None => style == ScalarStyle::Plain,
                    // `!` and `!!str` make it text, whatever it looks like
                    Some(tag) if tag.handle.is_empty() && tag.suffix == "!" => false,
                    Some(tag) if tag.is_yaml_core_schema() => style == ScalarStyle::Plain && tag.suffix != "str",
                    Some(tag) => return Err(unknown_tag(&format!("{}{}", tag.handle, tag.suffix), at)),
                };
                let block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
                self.done(Node::scalar(&text, plain, block, at), anchor)
            }
            Event::SequenceStart(anchor, tag) => {
                let name = tag.as_ref().map(|tag| format!("{}{}", tag.handle, tag.suffix));
                let reference = name.as_deref() == Some("!reference");
                match (&tag, name) {
                    (Some(tag), Some(name)) if !reference && !tag.is_yaml_core_schema() => Err(unknown_tag(&name, at)),
                    _ => self.begin(Open { node: Collection::Seq(Vec::new()), at, anchor, reference }),
                }
            }
            Event::MappingStart(anchor, tag) => match tag {
                Some(tag) if !tag.is_yaml_core_schema() => Err(unknown_tag(&format!("{}{}", tag.handle, tag.suffix), at)),
                _ => self.begin(Open { node: Collection::Map(Vec::new(), None), at, anchor, reference: false }),
            },
            Event::SequenceEnd | Event::MappingEnd => self.end(),
            Event::Alias(anchor) => {
                let mut node = self.anchors.get(&anchor).cloned().ok_or_else(|| Malformed {
                    at,
                    message: "this alias stands inside of what it names".to_owned(),
                    help: "name something that ended before it",
                })?;
                // a problem at the place of the alias is easier to find than one at the anchor only for the value as a whole
                node.at = at;
                self.done(node, 0)
            }
            Event::DocumentStart(_) if self.roots.len() >= self.most => Err(Malformed {
                at,
                message: if self.most == 1 { "the file holds a second document" } else { "the file holds a third document" }.into(),
                help: if self.most == 1 {
                    "keep one document; nothing may follow a second `---`"
                } else {
                    "keep the header with `spec:` and one document after it"
                },
            }),
            _ => Ok(()),
        }
    }

    fn begin(&mut self, open: Open) -> Result<(), Malformed> {
        if self.open.len() >= MAX_DEPTH {
            return Err(Malformed { at: open.at, message: format!("the file nests deeper than {MAX_DEPTH} levels"), help: "flatten it" });
        }
        self.open.push(open);
        Ok(())
    }

    fn end(&mut self) -> Result<(), Malformed> {
        let Some(Open { node, at, anchor, reference }) = self.open.pop() else { return Ok(()) };
        let mut node = match node {
            Collection::Seq(items) => Node::seq(items, at),
            Collection::Map(entries, _) => Node::map(if self.merge { merged(entries)? } else { entries }, at),
        };
        node.reference = reference;
        self.done(node, anchor)
    }

    /// A node is complete: it becomes a key, a value, an item or the root.
    fn done(&mut self, node: Node, anchor: usize) -> Result<(), Malformed> {
        // what is inside of it has been paid for unless it came by an alias; paying again only makes the bound tighter
        let own = if matches!(node.value, Value::Scalar { .. }) || anchor != 0 { node.weight } else { NODE_WEIGHT };
        self.budget.take(own, node.at)?;
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        match self.open.last_mut().map(|open| &mut open.node) {
            None => self.roots.push(node),
            Some(Collection::Seq(items)) => items.push(node),
            Some(Collection::Map(entries, pending)) => match pending.take() {
                Some(key) => entries.push((key, node)),
                None => *pending = Some(key_of(node, entries, self.merge)?),
            },
        }
        Ok(())
    }
}

fn key_of(node: Node, before: &[(Key, Node)], merge: bool) -> Result<Key, Malformed> {
    let Value::Scalar { text, .. } = node.value else {
        return Err(Malformed {
            at: node.at,
            message: "a key must be text, not a list or a mapping".into(),
            help: "quote it if it was meant as text",
        });
    };
    if let Some((first, _)) = before.iter().find(|(key, _)| *key.text == *text && !(merge && key.text == "<<")) {
        let message = format!("`{text}` is given twice; the first time is on line {}", first.at.line);
        return Err(Malformed { at: node.at, message, help: "keep one of the two" });
    }
    if !merge && &*text == "<<" {
        return Err(Malformed { at: node.at, message: "workflows know no merge keys (`<<`)".into(), help: "write the keys out" });
    }
    Ok(Key { text: text.to_string(), at: node.at })
}

/// Carries `<<` out: a mapping's own keys win, then those of the first merged mapping.
fn merged(entries: Vec<(Key, Node)>) -> Result<Vec<(Key, Node)>, Malformed> {
    if !entries.iter().any(|(key, _)| key.text == "<<") {
        return Ok(entries);
    }
    let (merges, mut own): (Vec<_>, Vec<_>) = entries.into_iter().partition(|(key, _)| key.text == "<<");
    for (key, node) in merges {
        let maps = match node.value {
            Value::Seq(items) => items,
            _ => vec![node],
        };
        for map in maps {
            let Value::Map(entries) = map.value else {
                return Err(Malformed { at: key.at, message: "`<<` takes mappings".into(), help: "let it name an anchor of a mapping" });
            };
            for (key, node) in entries {
                if !own.iter().any(|(existing, _)| existing.text == key.text) {
                    own.push((key, node));
                }
            }
        }
    }
    Ok(own)
}

fn unknown_tag(tag: &str, at: At) -> Malformed {
    Malformed {
        at,
        message: format!("the tag `{tag}` means nothing here"),
        help: "remove it; only `!reference [job, key]` is known, and only to GitLab",
    }
}
