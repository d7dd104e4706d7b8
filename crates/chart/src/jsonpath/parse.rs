//! A path to nodes.

use crate::{format, json};

/// How deep filters and unions may hold further paths.
const DEEPEST: usize = 32;

/// A part of a path.
#[derive(Clone, Debug)]
pub(super) enum Node {
    /// A text as it is.
    Text(String),
    /// What stands in braces, one part after the other.
    List(Vec<Node>),
    /// `.name`
    Field(String),
    /// `range`, `end`
    Word(String),
    /// `[start:end:step]`
    Slice(Slice),
    /// `[?(left operator right)]`
    Filter {
        left: Vec<Node>,
        operator: String,
        right: Vec<Node>,
    },
    Int(i64),
    Float(f64),
    Bool(bool),
    /// `.*`
    Wildcard,
    /// `..`
    Recursive,
    /// `[a,b]`
    Union(Vec<Vec<Node>>),
}

/// Which items of a list.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slice {
    pub(super) start: Option<i64>,
    pub(super) end: Option<i64>,
    pub(super) step: Option<i64>,
    /// Whether one item is meant: `[3]`.
    pub(super) one: bool,
}

type Parsed<T> = Result<T, String>;

/// The texts of a path and the lists in braces.
pub(super) fn parse(text: &str) -> Parsed<Vec<Node>> {
    nested(text, DEEPEST)
}

fn nested(text: &str, deeper: usize) -> Parsed<Vec<Node>> {
    let mut parser = Parser { text, pos: 0, start: 0, deeper };
    let mut nodes = Vec::new();
    while let Some(open) = parser.rest().find('{') {
        parser.pos += open;
        if open > 0 {
            nodes.push(Node::Text(parser.taken().to_owned()));
        }
        parser.pos += 1;
        parser.taken();
        nodes.push(Node::List(parser.action()?));
    }
    if !parser.rest().is_empty() {
        nodes.push(Node::Text(parser.rest().to_owned()));
    }
    Ok(nodes)
}

/// What would stand in braces by itself.
fn action(text: &str, deeper: usize) -> Parsed<Vec<Node>> {
    let deeper = deeper.checked_sub(1).ok_or("paths stand too deep in one another")?;
    match nested(&format!("{{{text}}}"), deeper)?.into_iter().next() {
        Some(Node::List(nodes)) => Ok(nodes),
        _ => Ok(Vec::new()),
    }
}

struct Parser<'t> {
    text: &'t str,
    pos: usize,
    start: usize,
    deeper: usize,
}

fn is_end_of_line(letter: char) -> bool {
    matches!(letter, '\r' | '\n')
}

/// Whether a name ends before this letter.
fn ends_name(letter: char) -> bool {
    matches!(letter, ' ' | '\t' | '.' | ',' | '[' | ']' | '$' | '@' | '{' | '}') || is_end_of_line(letter)
}

fn is_digit(letter: char) -> bool {
    letter.is_ascii_digit()
}

fn begins_name(letter: char) -> bool {
    letter == '_' || letter.is_alphanumeric()
}

impl<'t> Parser<'t> {
    fn rest(&self) -> &'t str {
        self.text.get(self.pos..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let letter = self.peek()?;
        self.pos += letter.len_utf8();
        Some(letter)
    }

    /// What was read since something was taken last.
    fn taken(&mut self) -> &'t str {
        let taken = self.text.get(self.start..self.pos).unwrap_or_default();
        self.start = self.pos;
        taken
    }

    /// Whether the letter that was read last follows a `\`.
    fn is_escaped(&self) -> bool {
        self.pos >= 2 && self.text.as_bytes().get(self.pos - 2) == Some(&b'\\')
    }

    /// What stands in braces, up to the closing one.
    fn action(&mut self) -> Parsed<Vec<Node>> {
        let mut nodes = Vec::new();
        loop {
            if self.rest().starts_with("[?(") {
                nodes.push(self.filter()?);
                continue;
            }
            if self.rest().starts_with("..") {
                if matches!(nodes.last(), Some(Node::Recursive)) {
                    return Err("invalid multiple recursive descent".to_owned());
                }
                self.pos += 2;
                self.taken();
                nodes.push(Node::Recursive);
                if self.peek().is_some_and(begins_name) {
                    nodes.push(self.field());
                }
                continue;
            }
            match self.next() {
                Some('}') => {
                    self.taken();
                    return Ok(nodes);
                }
                None => return Err("unclosed action".to_owned()),
                Some(letter) if is_end_of_line(letter) => return Err("unclosed action".to_owned()),
                // the object itself is what is walked
                Some(' ' | '@' | '$') => {
                    self.taken();
                }
                Some('[') => self.array(&mut nodes)?,
                Some(quote @ ('"' | '\'')) => nodes.push(self.quoted(quote)?),
                Some('.') => nodes.push(self.field()),
                Some(letter) if matches!(letter, '+' | '-') || is_digit(letter) => {
                    self.pos -= letter.len_utf8();
                    nodes.push(self.number()?);
                }
                Some(letter) if begins_name(letter) => {
                    self.pos -= letter.len_utf8();
                    nodes.push(self.word());
                }
                Some(letter) => return Err(format!("unrecognized character in action: U+{:04X} '{letter}'", u32::from(letter))),
            }
        }
    }

    fn word(&mut self) -> Node {
        while self.peek().is_some_and(|letter| !ends_name(letter)) {
            self.next();
        }
        match self.taken() {
            "true" => Node::Bool(true),
            "false" => Node::Bool(false),
            word => Node::Word(word.to_owned()),
        }
    }

    fn number(&mut self) -> Parsed<Node> {
        if self.peek().is_some_and(|letter| matches!(letter, '+' | '-')) {
            self.next();
        }
        while self.peek().is_some_and(|letter| letter == '.' || is_digit(letter)) {
            self.next();
        }
        let text = self.taken();
        let number = text.parse().map(Node::Int);
        number.or_else(|_| text.parse().map(Node::Float)).map_err(|_| format!("cannot parse number {text}"))
    }

    /// A name, up to what ends one; `\` lets what would end it be part of it.
    fn field(&mut self) -> Node {
        self.taken();
        while let Some(letter) = self.peek().filter(|letter| !ends_name(*letter)) {
            self.next();
            if letter == '\\' {
                self.next();
            }
        }
        match self.taken() {
            "*" => Node::Wildcard,
            name => Node::Field(name.replace('\\', "")),
        }
    }

    fn quoted(&mut self, quote: char) -> Parsed<Node> {
        loop {
            match self.next() {
                None | Some('\n') => return Err("unterminated quoted string".to_owned()),
                Some(letter) if letter == quote && !self.is_escaped() => break,
                Some(_) => {}
            }
        }
        let text = self.taken();
        unquoted(text, quote).map(Node::Text).ok_or_else(|| format!("unquote string {text} error invalid syntax"))
    }

    /// Places in a list, a key, or several of either.
    fn array(&mut self, nodes: &mut Vec<Node>) -> Parsed<()> {
        loop {
            match self.next() {
                None | Some('\n') => return Err("unterminated array".to_owned()),
                Some(']') => break,
                Some(_) => {}
            }
        }
        let text = self.taken();
        let text = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or_default();
        let text = if text == "*" { ":" } else { text };
        if text.contains(',') {
            let one = |part: &str| action(&format!("[{}]", part.trim_matches(' ')), self.deeper);
            nodes.push(Node::Union(text.split(',').map(one).collect::<Parsed<_>>()?));
            return Ok(());
        }
        let key = text.strip_prefix('\'').and_then(|key| key.strip_suffix('\'')).filter(|key| !key.contains('\''));
        match key {
            Some(key) => nodes.extend(action(&format!(".{key}"), self.deeper)?),
            None => nodes.push(Node::Slice(slice(text)?)),
        }
        Ok(())
    }

    fn filter(&mut self) -> Parsed<Node> {
        self.pos += 3;
        self.taken();
        let (mut pair, mut ended) = (None, false);
        loop {
            match self.next() {
                None | Some('\n') => return Err("unterminated filter".to_owned()),
                Some(quote @ ('"' | '\'')) => match pair {
                    None => pair = Some(quote),
                    Some(pair) => ended |= quote == pair && !self.is_escaped(),
                },
                // one that is quoted ends nothing
                Some(')') if pair.is_some() == ended => break,
                Some(_) => {}
            }
        }
        if self.next() != Some(']') {
            return Err("unclosed array expect ]".to_owned());
        }
        let text = self.taken();
        let text = text.strip_suffix(")]").unwrap_or_default();
        let Some((left, operator, right)) = comparison(text) else {
            return Ok(Node::Filter { left: action(text, self.deeper)?, operator: "exists".to_owned(), right: Vec::new() });
        };
        let (left, right) = (action(left, self.deeper)?, action(right, self.deeper)?);
        Ok(Node::Filter { left, operator: operator.to_owned(), right })
    }
}

/// The text in quotes, single ones around any number of letters; none where it is no quoted text.
fn unquoted(text: &str, quote: char) -> Option<String> {
    let inner = text.strip_prefix(quote)?.strip_suffix(quote)?;
    let text = format::unescaped(inner.as_bytes(), u8::try_from(quote).ok()?)?;
    Some(json::replace_invalid(&text))
}

/// The two sides of a comparison, and what is between them.
fn comparison(text: &str) -> Option<(&str, &str, &str)> {
    let is_operator = |letter: char| matches!(letter, '!' | '<' | '>' | '=');
    let (left, rest) = text.split_at_checked(text.find(is_operator)?)?;
    let mut length = rest.find(|letter| !is_operator(letter)).unwrap_or(rest.len());
    if length == rest.len() {
        // something is to be on the right
        length -= 1;
    }
    (!left.is_empty() && length > 0).then(|| (left, &rest[..length], &rest[length..]))
}

/// `start:end:step`, each of which may be missing.
fn slice(text: &str) -> Parsed<Slice> {
    let invalid = || format!("invalid array index {text}");
    let parts: Vec<&str> = text.split(':').collect();
    let is_number = |part: &&str| part.strip_prefix('-').unwrap_or(part).chars().all(is_digit);
    if parts.len() > 3 || !parts.iter().all(is_number) {
        return Err(invalid());
    }
    let number = |at: usize| match parts.get(at) {
        None | Some(&"") => Ok(None),
        Some(part) => part.parse().map(Some).map_err(|_| format!("array index {part} is not a number")),
    };
    Ok(Slice { start: number(0)?, end: number(1)?, step: number(2)?, one: parts.len() == 1 })
}
