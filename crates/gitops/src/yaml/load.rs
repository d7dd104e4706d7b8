//! From text to nodes, within bounds.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};

use saphyr_parser::{Event, Parser, ScalarStyle, Span, StrInput, Tag};
use serde_json::Value;

use super::node::{Kind, Node, Style};
use super::scalar::plain;

/// Bytes in one file.
pub const MAX_FILE: usize = 4 << 20;
/// Mappings and lists within each other.
pub const MAX_DEPTH: usize = 64;
/// Nodes in one file, aliases counted as what they stand for.
pub const MAX_NODES: usize = 200_000;

/// Text that is not read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct YamlError {
    /// From 1.
    pub line: usize,
    /// What, and what to do.
    pub what: String,
}

/// Reads all documents of a file. Empty ones are left out.
pub fn parse(text: &str) -> Result<Vec<Node>, YamlError> {
    load(text, true)
}

/// Reads a file whose meaning another reader knows, for its places: what readers differ on is text, merge keys (`<<`) are keys like
/// any other, tags are passed over, of equal keys the last one counts, and tabs behind a colon are blanks.
pub fn parse_loosely(text: &str) -> Result<Vec<Node>, YamlError> {
    // as many bytes, so that each has its place
    if text.contains(":\t") || text.contains(" \t") { load(&without_tabs(text), false) } else { load(text, false) }
}

/// Blanks where tabs stand behind a colon.
fn without_tabs(text: &str) -> String {
    let mut is_behind = false;
    let blank = |c: char| {
        is_behind = c == ':' || (is_behind && matches!(c, ' ' | '\t'));
        if is_behind && c == '\t' { ' ' } else { c }
    };
    text.chars().map(blank).collect()
}

/// What the parser says, and what to do where its words do not tell.
fn told(what: &str) -> String {
    let help = match what {
        "':' must be followed by a valid YAML whitespace" => "; write a blank behind it, and no tab",
        "invalid indentation" => "; what is in brackets goes on further right than its key, its end excepted",
        _ => "",
    };
    format!("{what}{help}")
}

fn load(text: &str, is_strict: bool) -> Result<Vec<Node>, YamlError> {
    if text.len() > MAX_FILE {
        return Err(YamlError { line: 1, what: format!("the file is longer than {MAX_FILE} bytes") });
    }
    let mut loader =
        Loader { text, is_strict, offsets: offsets(text), anchors: BTreeMap::new(), open: Vec::new(), documents: Vec::new(), nodes: 0 };
    let mut parser: Parser<'_, StrInput<'_>> = Parser::new_from_str(text);
    while let Some(event) = parser.next_event() {
        let (event, span) = event.map_err(|error| YamlError { line: error.marker().line(), what: told(error.info()) })?;
        loader.take(event, span)?;
    }
    Ok(loader.documents)
}

/// The byte at which each character begins, if that is not the same; the parser counts characters.
fn offsets(text: &str) -> Option<Vec<usize>> {
    if text.is_ascii() { None } else { Some(text.char_indices().map(|(at, _)| at).chain([text.len()]).collect()) }
}

enum Open {
    Mapping { line: usize, anchor: usize, entries: Vec<(String, Node)>, seen: HashSet<String>, key: Option<String> },
    Sequence { line: usize, anchor: usize, items: Vec<Node> },
}

struct Loader<'a> {
    text: &'a str,
    is_strict: bool,
    offsets: Option<Vec<usize>>,
    anchors: BTreeMap<usize, Node>,
    open: Vec<Open>,
    documents: Vec<Node>,
    nodes: usize,
}

impl Loader<'_> {
    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), YamlError> {
        let line = span.start.line();
        let error = |what: &str| Err(YamlError { line, what: what.to_owned() });
        match event {
            Event::DocumentStart(_) => self.anchors.clear(), // anchors reach to the end of their document
            Event::Scalar(text, style, anchor, tag) => {
                let node = self.scalar(&text, style, tag, span)?;
                self.finish(node, anchor)?;
            }
            Event::Alias(anchor) => {
                let Some(node) = self.anchors.get(&anchor).cloned() else { return error("an alias names no anchor that ended before it") };
                self.nodes += node.count();
                self.finish(node, 0)?;
            }
            Event::SequenceStart(anchor, tag) => {
                self.refuse_tag(tag, line)?;
                self.open(Open::Sequence { line, anchor, items: Vec::new() }, line)?;
            }
            Event::MappingStart(anchor, tag) => {
                self.refuse_tag(tag, line)?;
                self.open(Open::Mapping { line, anchor, entries: Vec::new(), seen: HashSet::new(), key: None }, line)?;
            }
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(Open::Sequence { line, anchor, items }) => self.finish(Node { line, kind: Kind::Sequence(items) }, anchor)?,
                Some(Open::Mapping { line, anchor, entries, .. }) => self.finish(Node { line, kind: Kind::Mapping(entries) }, anchor)?,
                None => return error("an end without a beginning"),
            },
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
        }
        Ok(())
    }

    fn open(&mut self, open: Open, line: usize) -> Result<(), YamlError> {
        if self.open.len() >= MAX_DEPTH {
            return Err(YamlError { line, what: format!("nested deeper than {MAX_DEPTH}") });
        }
        self.open.push(open);
        Ok(())
    }

    fn scalar(&self, text: &str, style: ScalarStyle, tag: Option<Cow<'_, Tag>>, span: Span) -> Result<Node, YamlError> {
        let line = span.start.line();
        let style = match style {
            ScalarStyle::Plain => Style::Plain,
            ScalarStyle::SingleQuoted => Style::Single,
            ScalarStyle::DoubleQuoted => Style::Double,
            ScalarStyle::Literal | ScalarStyle::Folded => Style::Block,
        };
        let text_tag = tag.as_ref().is_some_and(|tag| tag.is_yaml_core_schema() && tag.suffix == "str");
        if !text_tag {
            self.refuse_tag(tag, line)?;
        }
        let value = if style == Style::Plain && !text_tag {
            match plain(text) {
                Err(what) if self.is_strict => return Err(YamlError { line, what }),
                read => read.unwrap_or_else(|_| Value::String(text.to_owned())),
            }
        } else {
            Value::String(text.to_owned())
        };
        let at = |index: usize| self.offsets.as_ref().map_or(index, |offsets| offsets.get(index).copied().unwrap_or(self.text.len()));
        let (start, end) = (at(span.start.index()), at(span.end.index()));
        let start = start + properties(self.text.get(start..end).unwrap_or_default());
        // the parser's end may lie behind blanks and a comment
        let end = written(self.text.get(start..).unwrap_or_default(), style, text).map_or(end, |length| start + length);
        Ok(Node { line, kind: Kind::Scalar { value, style, bytes: start..end } })
    }

    fn finish(&mut self, node: Node, anchor: usize) -> Result<(), YamlError> {
        let line = node.line;
        let error = |what: String| Err(YamlError { line, what });
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return error(format!("more than {MAX_NODES} nodes"));
        }
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        match self.open.last_mut() {
            None => {
                if !node.is_null() {
                    self.documents.push(node);
                }
            }
            Some(Open::Sequence { items, .. }) => items.push(node),
            Some(Open::Mapping { entries, seen, key, .. }) => match key.take() {
                Some(name) => entries.push((name, node)),
                None => {
                    let Kind::Scalar { value, .. } = node.kind else { return error("a key must be text".to_owned()) };
                    let name = if let Value::String(text) = value { text } else { value.to_string() };
                    if name == "<<" && self.is_strict {
                        return error(
                            "merge keys (`<<`) are not read, as Kubernetes' own tools differ over them; write the keys out".to_owned(),
                        );
                    }
                    if !seen.insert(name.clone()) {
                        if self.is_strict {
                            return error(format!("the key `{name}` is there twice"));
                        }
                        entries.retain(|(earlier, _)| *earlier != name);
                    }
                    *key = Some(name);
                }
            },
        }
        Ok(())
    }

    fn refuse_tag(&self, tag: Option<Cow<'_, Tag>>, line: usize) -> Result<(), YamlError> {
        match tag.filter(|_| self.is_strict) {
            None => Ok(()),
            Some(tag) => Err(YamlError { line, what: format!("the tag `{}{}` is not read; quote text instead", tag.handle, tag.suffix) }),
        }
    }
}

/// Bytes before a scalar that are its anchor and its tag; no scalar begins as these do.
fn properties(source: &str) -> usize {
    let mut rest = source;
    while rest.starts_with(['&', '!']) {
        rest = rest.trim_start_matches(|c: char| !c.is_whitespace()).trim_start();
    }
    source.len() - rest.len()
}

/// Bytes that a scalar takes from its beginning on; `None` where only the parser knows.
fn written(source: &str, style: Style, text: &str) -> Option<usize> {
    let bytes = source.as_bytes();
    let mut at = 1;
    match style {
        Style::Plain => source.starts_with(text).then_some(text.len()),
        Style::Block => None,
        Style::Single => loop {
            match (bytes.get(at)?, bytes.get(at + 1)) {
                (b'\'', Some(b'\'')) => at += 2,
                (b'\'', _) => return Some(at + 1),
                _ => at += 1,
            }
        },
        Style::Double => loop {
            match bytes.get(at)? {
                b'\\' => at += 2,
                b'"' => return Some(at + 1),
                _ => at += 1,
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_readers_disagree_on_is_refused_with_its_line() {
        for (text, part) in [
            ("a: 1\nb: yes", "line 2: `yes`"),
            ("a: 1_000", "`1_000`"),
            ("a: .inf", "no number"),
            ("a: 99999999999999999999", "too large"),
            ("a: 1\na: 2", "line 2: the key `a` is there twice"),
            ("a: !!binary aGk=", "tag"),
            ("a: !x b", "tag"),
            ("x: &x {a: 1}\nz:\n  <<: *x", "line 3: merge keys"),
            ("a: [1", "line"),
            ("[a]: 1", "line"),
            ("a: *b", "line"),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains(part), "{text:?}: {error}");
        }
    }

    #[test]
    fn bounds_hold() {
        let deep = "[".repeat(MAX_DEPTH + 1) + &"]".repeat(MAX_DEPTH + 1);
        assert!(parse(&deep).unwrap_err().what.contains("deeper"), "{:?}", parse(&deep));
        // ten to the seventh by aliases of aliases
        let mut laughs = "a: &a [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
        for (name, before) in ["b", "c", "d", "e", "f", "g"].iter().zip(["a", "b", "c", "d", "e", "f"]) {
            laughs += &format!("{name}: &{name} [{}]\n", vec![format!("*{before}"); 10].join(","));
        }
        assert!(parse(&laughs).unwrap_err().what.contains("nodes"));
        assert!(parse(&"a".repeat(MAX_FILE + 1)).is_err());
    }

    #[test]
    fn a_tab_behind_a_colon_is_told_and_loosely_a_blank() {
        assert_eq!(
            parse("a: 1\nb:\tc").unwrap_err().to_string(),
            "line 2: ':' must be followed by a valid YAML whitespace; write a blank behind it, and no tab"
        );
        let nodes = parse_loosely("é: 1\nb: \t c\t# d\n").unwrap();
        let Kind::Scalar { value, bytes, .. } = &nodes[0].get("b").unwrap().kind else { panic!() };
        assert_eq!((value, bytes.clone()), (&Value::String("c".to_owned()), 11..12));
        assert!(parse("a:\n  b: {\n  c: 1}").unwrap_err().what.contains("further right than its key"));
    }

    #[test]
    fn documents_lines_and_bytes_are_known() {
        let text = "# é\n---\na: {b: [x  , 'é' , \"z\\\"\" # c\n ]}\n---\n---\nc: d\n";
        let nodes = parse(text).unwrap();
        assert_eq!(nodes.len(), 2);
        assert_eq!(nodes[0].lines()["a.b[1]"], 3);
        let words: Vec<&str> = nodes[0]
            .get("a")
            .and_then(|a| a.get("b"))
            .unwrap()
            .items()
            .iter()
            .map(|item| {
                let Kind::Scalar { bytes, .. } = &item.kind else { panic!() };
                &text[bytes.clone()]
            })
            .collect();
        assert_eq!(words, ["x", "'é'", "\"z\\\"\""]);
    }
}
