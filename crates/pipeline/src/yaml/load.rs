//! From the parser's events to nodes: anchors, merge keys, keys that are given twice.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Span};

use super::{At, Budget, Is, Key, Malformed, NODE_WEIGHT, Node, Schema, Value};
use crate::input::Source;
use crate::reader::shown;

/// How deep a file may nest.
const MAX_DEPTH: usize = 64;
/// How many entries one mapping or list may have.
const MAX_ENTRIES: usize = 20_000;
/// The most lines that are read as if they stood further right.
const MAX_SHIFTS: usize = 64;
/// How many bytes are read again for that at most.
const READ_AGAIN: usize = 2 << 20;

/// Reads the documents of a file, of which there may be so many. `file` is its number for places; what is to be known of it,
/// though it can be read, is added to `warnings`.
pub(crate) fn documents(
    source: &Source<'_>,
    file: u16,
    schema: Schema,
    most: usize,
    budget: &mut Budget,
    warnings: &mut Vec<Malformed>,
) -> Result<Vec<Node>, Malformed> {
    if source.text.len() > Source::MAX_BYTES {
        let message = format!("the file has {} bytes; at most {} are read", source.text.len(), Source::MAX_BYTES);
        return Err(Malformed { at: At::start(file), message, help: "move scripts into files of their own" });
    }
    printable(source.text, file)?;
    let mut text = Levelled { text: source.text.into(), shifts: BTreeMap::new() };
    let (before, heard) = (budget.clone(), warnings.len());
    loop {
        let builder = Builder {
            file,
            schema,
            most,
            budget,
            warnings,
            shifts: &text.shifts,
            open: Vec::new(),
            anchors: HashMap::new(),
            roots: Vec::new(),
        };
        let (malformed, marker) = match builder.read(&text.text) {
            Ok(roots) => return Ok(roots),
            Err(failed) => failed,
        };
        if !marker.is_some_and(|marker| text.shift(&marker)) {
            return Err(malformed);
        }
        budget.clone_from(&before);
        warnings.truncate(heard);
    }
}

/// A file's text, with lines moved to the right that stand too far left within brackets. YAML forbids it; libyaml, which reads
/// these files at GitLab, and the parser of GitHub let it be, and people close a list where its key stands.
struct Levelled<'t> {
    text: Cow<'t, str>,
    /// By how much each line was moved.
    shifts: BTreeMap<usize, usize>,
}

impl Levelled<'_> {
    /// Moves the line at which the parser stopped; false if it is not to be helped.
    fn shift(&mut self, marker: &Marker) -> bool {
        let (line, column) = (marker.line(), marker.col());
        let most = (READ_AGAIN / self.text.len().max(1)).clamp(1, MAX_SHIFTS);
        if self.shifts.len() >= most || self.shifts.contains_key(&line) || line == 0 {
            return false;
        }
        let before = self.text.lines().take(line - 1).filter(|line| !line.trim().is_empty()).last().unwrap_or_default();
        // past the key of the line before, which may be an item's
        let wanted = (before.len() - before.trim_start_matches([' ', '-']).len()).max(column) + 1;
        let start: usize = self.text.split_inclusive('\n').take(line - 1).map(str::len).sum();
        if self.text[start..].chars().take(column).any(|c| c != ' ') {
            return false;
        }
        self.text.to_mut().insert_str(start, &" ".repeat(wanted - column));
        self.shifts.insert(line, wanted - column);
        true
    }
}

fn at(file: u16, marker: &Marker) -> At {
    At { file, line: marker.line().max(1), column: marker.col() + 1 }
}

fn too_deep(at: At) -> Malformed {
    Malformed { at, message: format!("the file nests deeper than {MAX_DEPTH} levels"), help: "flatten it" }
}

/// Control characters have no place in YAML.
fn printable(text: &str, file: u16) -> Result<(), Malformed> {
    let is_control = |c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{85}');
    let Some((before, c)) = text.find(is_control).and_then(|at| Some((&text[..at], text[at..].chars().next()?))) else { return Ok(()) };
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    let message = format!("this is not YAML: the control character {} stands here", c.escape_unicode());
    Err(Malformed { at: At { file, line, column }, message, help: "remove it, or write it as an escape in double quotes" })
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
    schema: Schema,
    most: usize,
    budget: &'b mut Budget,
    warnings: &'b mut Vec<Malformed>,
    shifts: &'b BTreeMap<usize, usize>,
    open: Vec<Open>,
    anchors: HashMap<usize, Node>,
    roots: Vec<Node>,
}

impl Builder<'_> {
    /// Reads all of a text. A place beside the failure is where something stands too far left within brackets.
    fn read(mut self, text: &str) -> Result<Vec<Node>, (Malformed, Option<Marker>)> {
        let mut parser = Parser::new_from_str(text);
        while let Some(next) = parser.next_event() {
            let (event, span) = next.map_err(|error| {
                let at = self.at(error.marker());
                if error.info().contains("recursion limit") {
                    return (too_deep(at), None);
                }
                let message = format!("this is not YAML: {}", error.info());
                let help = "look at the indentation and quotes of this line and the one before";
                (Malformed { at, message, help }, (error.info() == "invalid indentation").then(|| *error.marker()))
            })?;
            if matches!(event, Event::StreamEnd) {
                break;
            }
            self.take(event, span).map_err(|malformed| (malformed, None))?;
        }
        Ok(self.roots)
    }

    /// Where the file has it.
    fn at(&self, marker: &Marker) -> At {
        let mut at = at(self.file, marker);
        at.column -= self.shifts.get(&at.line).copied().unwrap_or_default().min(at.column - 1);
        at
    }

    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), Malformed> {
        let at = self.at(&span.start);
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let plain = match &tag {
                    None => style == ScalarStyle::Plain,
                    // `!!str` makes it text, whatever it looks like, and so does `!`, but not to Ruby
                    Some(tag) if tag.handle.is_empty() && tag.suffix == "!" => style == ScalarStyle::Plain && self.schema == Schema::Psych,
                    Some(tag) if tag.is_yaml_core_schema() => style == ScalarStyle::Plain && tag.suffix != "str",
                    Some(tag) => return Err(unknown_tag(&format!("{}{}", tag.handle, tag.suffix), at)),
                };
                let block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
                let node = Node::scalar(&text, plain, block, self.schema, at).map_err(|message| Malformed {
                    at,
                    message: message.to_owned(),
                    help: "put it in quotes",
                })?;
                self.done(node, anchor)
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
                self.budget.take_alias(node.weight(), at)?;
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
            return Err(too_deep(open.at));
        }
        self.open.push(open);
        Ok(())
    }

    fn end(&mut self) -> Result<(), Malformed> {
        let Some(Open { node, at, anchor, reference }) = self.open.pop() else { return Ok(()) };
        let mut node = match node {
            Collection::Seq(items) => Node::seq(items, at),
            Collection::Map(entries, _) => Node::map(self.merged(entries)?, at),
        };
        node.reference = reference;
        self.done(node, anchor)
    }

    /// A node is complete: it becomes a key, a value, an item or the root.
    fn done(&mut self, node: Node, anchor: usize) -> Result<(), Malformed> {
        // what is inside of it has been paid for unless it came by an alias; paying again only makes the bound tighter
        let own = if matches!(node.value, Value::Scalar { .. }) || anchor != 0 { node.weight() } else { NODE_WEIGHT };
        self.budget.take(own, node.at)?;
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        let schema = self.schema;
        let full = match self.open.last().map(|open| &open.node) {
            Some(Collection::Seq(items)) => items.len() >= MAX_ENTRIES,
            Some(Collection::Map(entries, pending)) => pending.is_none() && entries.len() >= MAX_ENTRIES,
            None => false,
        };
        if full {
            let message = format!("a mapping or list has more than {MAX_ENTRIES} entries");
            return Err(Malformed { at: node.at, message, help: "split it" });
        }
        match self.open.last_mut().map(|open| &mut open.node) {
            None => self.roots.push(node),
            Some(Collection::Seq(items)) => items.push(node),
            Some(Collection::Map(entries, pending)) => match pending.take() {
                Some(key) => entries.push((key, node)),
                None => *pending = Some(key_of(node, schema)?),
            },
        }
        Ok(())
    }

    /// A mapping's entries once it is complete: each key once, and `<<` carried out where it means something.
    fn merged(&mut self, entries: Vec<(Key, Node)>) -> Result<Vec<(Key, Node)>, Malformed> {
        let mut out = Entries::default();
        for (key, node) in entries {
            if key.text == MERGE {
                self.merge(&key, node, &mut out)?;
                continue;
            }
            let Some(first) = out.place(&key.text, self.schema) else {
                out.add(key, node, self.schema);
                continue;
            };
            let (line, before) = (out.list[first].0.at.line, shown(&key.text));
            if out.is_own[first] {
                match self.schema {
                    Schema::Core => {
                        let message = format!("`{before}` is given twice, whatever its case; the first time is on line {line}");
                        return Err(Malformed { at: key.at, message, help: "keep one of the two" });
                    }
                    Schema::Psych => {
                        let message = format!("`{before}` is given twice, and the last one counts: the one on line {line} is passed over");
                        self.warnings.push(Malformed { at: key.at, message, help: "keep one of the two" });
                    }
                }
            }
            out.set(first, key, node);
        }
        Ok(out.list)
    }

    /// `<<`, as Ruby carries it out where it stands: what it brings goes over the keys above it, those below go over it.
    fn merge(&mut self, key: &Key, node: Node, out: &mut Entries) -> Result<(), Malformed> {
        if self.schema == Schema::Core {
            return Err(Malformed { at: key.at, message: "workflows know no merge keys (`<<`)".into(), help: "write the keys out" });
        }
        // of several mappings the first goes over the later ones
        let maps = match node.value {
            Value::Seq(items) => items.iter().rev().cloned().collect(),
            _ => vec![node],
        };
        for map in maps {
            let Ok(entries) = map.into_entries() else {
                return Err(Malformed { at: key.at, message: "`<<` takes mappings".into(), help: "let it name an anchor of a mapping" });
            };
            for (inner, value) in entries {
                match out.place(&inner.text, self.schema) {
                    None => out.merge_in(inner, value, self.schema),
                    Some(place) => {
                        if out.is_own[place] {
                            let message = format!("`<<` stands below `{}`, so that GitLab takes the merged value", shown(&inner.text));
                            self.warnings.push(Malformed { at: key.at, message, help: "move `<<` above it" });
                        }
                        out.list[place].1 = value;
                    }
                }
            }
        }
        Ok(())
    }
}

/// The key that brings in other mappings.
const MERGE: &str = "<<";

/// A mapping's entries while it is read, with the places of its keys.
#[derive(Default)]
struct Entries {
    list: Vec<(Key, Node)>,
    /// Whether a key stands in the mapping itself, and was not merged in.
    is_own: Vec<bool>,
    places: HashMap<String, usize>,
}

impl Entries {
    /// GitHub takes keys for one that differ in case alone.
    fn named(key: &str, schema: Schema) -> String {
        if schema == Schema::Core { crate::github::folded(key) } else { key.to_owned() }
    }

    fn place(&self, key: &str, schema: Schema) -> Option<usize> {
        self.places.get(&Self::named(key, schema)).copied()
    }

    fn add(&mut self, key: Key, node: Node, schema: Schema) {
        self.places.insert(Self::named(&key.text, schema), self.list.len());
        self.list.push((key, node));
        self.is_own.push(true);
    }

    fn merge_in(&mut self, key: Key, node: Node, schema: Schema) {
        self.add(key, node, schema);
        if let Some(last) = self.is_own.last_mut() {
            *last = false;
        }
    }

    fn set(&mut self, place: usize, key: Key, node: Node) {
        self.list[place] = (key, node);
        self.is_own[place] = true;
    }
}

fn key_of(node: Node, schema: Schema) -> Result<Key, Malformed> {
    let refused = |message: String, help: &'static str| Malformed { at: node.at, message, help };
    let Value::Scalar { text, is, .. } = &node.value else {
        return Err(refused("a key must be text, not a list or a mapping".into(), "quote it if it was meant as text"));
    };
    let takes_text = match schema {
        Schema::Core => true,
        Schema::Psych => *is == Is::Text || (*is == Is::Integer && node.written.is_none()),
    };
    if !takes_text {
        let written = shown(node.written.as_deref().unwrap_or(text));
        let read = if *is == Is::Null { "nothing" } else { &**text };
        return Err(refused(format!("a key must be text, and GitLab reads `{written}` as {read}"), "put it in quotes"));
    }
    Ok(Key { text: text.to_string(), at: node.at })
}

fn unknown_tag(tag: &str, at: At) -> Malformed {
    Malformed {
        at,
        message: format!("the tag `{tag}` means nothing here"),
        help: "remove it; only `!reference [job, key]` is known, and only to GitLab",
    }
}
