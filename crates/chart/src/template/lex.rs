//! The lexer of templates: text, and what stands between `{{` and `}}`.

use std::borrow::Cow;

use bstr::ByteSlice as _;

use crate::format::unicode;

/// What an [`Item`] is. Those from [`Kind::Block`] on are words of the language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// What is wrong; the item's text says it.
    Error,
    Bool,
    /// A letter that stands for itself, such as a comma.
    Char,
    CharConstant,
    Complex,
    Assign,
    Declare,
    Eof,
    Field,
    Identifier,
    LeftDelim,
    LeftParen,
    Number,
    Pipe,
    RawString,
    RightDelim,
    RightParen,
    Space,
    String,
    Text,
    Variable,
    Block,
    Break,
    Continue,
    Dot,
    Define,
    Else,
    End,
    If,
    Nil,
    Range,
    Template,
    With,
}

/// A piece of a template.
#[derive(Clone, Debug)]
pub(super) struct Item<'t> {
    pub(super) kind: Kind,
    pub(super) pos: usize,
    pub(super) text: Cow<'t, [u8]>,
    pub(super) line: usize,
}

impl Item<'_> {
    /// An item before any was read.
    pub(super) fn none() -> Self {
        Self { kind: Kind::Error, pos: 0, text: Cow::Borrowed(b""), line: 0 }
    }

    /// As an error text shows it.
    pub(super) fn shown(&self) -> Vec<u8> {
        let text = self.text.as_ref();
        match self.kind {
            Kind::Eof => b"EOF".to_vec(),
            Kind::Error => text.to_vec(),
            kind if kind >= Kind::Block => [b"<", text, b">"].concat(),
            _ if text.len() > 10 => {
                let mut end = 0;
                for _ in 0..10 {
                    end += unicode::first(text.get(end..).unwrap_or_default()).1;
                }
                format!("{}...", crate::format::quoted(text.get(..end).unwrap_or(text))).into_bytes()
            }
            _ => crate::format::quoted(text).into_bytes(),
        }
    }
}

const LEFT: &[u8] = b"{{";
const RIGHT: &[u8] = b"}}";
const SPACES: &[u8] = b" \t\r\n";

/// Reads one item after the other.
pub(super) struct Lexer<'t> {
    pub(super) input: &'t [u8],
    pub(super) pos: usize,
    pub(super) start: usize,
    /// Whether the end has been read: then there is no step back.
    at_end: bool,
    parens: usize,
    line: usize,
    start_line: usize,
    inside: bool,
    left: bstr::Finder<'static>,
}

fn is_space(letter: Option<char>) -> bool {
    matches!(letter, Some(' ' | '\t' | '\r' | '\n'))
}

pub(super) fn is_word(letter: Option<char>) -> bool {
    letter.is_some_and(|letter| letter == '_' || unicode::is_letter(letter) || unicode::is_digit(letter))
}

fn begins_trimming(text: &[u8]) -> bool {
    matches!(text, [b'-', b' ' | b'\t' | b'\r' | b'\n', ..])
}

fn ends_trimming(text: &[u8]) -> bool {
    matches!(text, [b' ' | b'\t' | b'\r' | b'\n', b'-', ..])
}

fn spaces_at_start(text: &[u8]) -> usize {
    text.iter().take_while(|byte| SPACES.contains(byte)).count()
}

fn spaces_at_end(text: &[u8]) -> usize {
    text.iter().rev().take_while(|byte| SPACES.contains(byte)).count()
}

impl<'t> Lexer<'t> {
    pub(super) fn new(input: &'t [u8]) -> Self {
        let left = bstr::Finder::new(LEFT);
        Self { input, pos: 0, start: 0, at_end: false, parens: 0, line: 1, start_line: 1, inside: false, left }
    }

    fn rest(&self) -> &'t [u8] {
        self.input.get(self.pos..).unwrap_or_default()
    }

    /// The next letter; none at the end. An invalid byte is U+FFFD.
    pub(super) fn next(&mut self) -> Option<char> {
        let (letter, width) = unicode::first(self.rest());
        if width == 0 {
            self.at_end = true;
            return None;
        }
        self.pos += width;
        self.line += usize::from(letter == Some('\n'));
        Some(letter.unwrap_or('\u{fffd}'))
    }

    pub(super) fn back(&mut self) {
        if self.at_end || self.pos == 0 {
            return;
        }
        let (letter, width) = bstr::decode_last_utf8(self.input.get(..self.pos).unwrap_or_default());
        self.pos -= if letter.is_some() { width } else { 1 };
        self.line -= usize::from(letter == Some('\n'));
    }

    /// The next letter, left in its place.
    pub(super) fn peek(&mut self) -> Option<char> {
        let (letter, width) = unicode::first(self.rest());
        self.at_end |= width == 0;
        (width > 0).then(|| letter.unwrap_or('\u{fffd}'))
    }

    /// Goes past the letters, digits and underscores that follow.
    fn skip_word(&mut self) {
        loop {
            self.pos += self.rest().iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count();
            if !is_word(self.peek()) {
                return;
            }
            self.next();
        }
    }

    pub(super) fn item(&mut self, kind: Kind) -> Item<'t> {
        let text = self.input.get(self.start..self.pos).unwrap_or_default();
        let item = Item { kind, pos: self.start, text: Cow::Borrowed(text), line: self.start_line };
        self.start = self.pos;
        self.start_line = self.line;
        item
    }

    /// Skips what was passed without [`Lexer::next`].
    fn ignore(&mut self) {
        self.count_lines();
        self.start = self.pos;
        self.start_line = self.line;
    }

    fn count_lines(&mut self) {
        let passed = self.input.get(self.start..self.pos).unwrap_or_default();
        self.line += passed.iter().map(|byte| usize::from(*byte == b'\n')).sum::<usize>();
    }

    pub(super) fn error(&mut self, text: impl Into<Vec<u8>>) -> Item<'t> {
        let item = Item { kind: Kind::Error, pos: self.start, text: Cow::Owned(text.into()), line: self.start_line };
        // nothing is read after an error
        (self.start, self.pos, self.input) = (0, 0, b"");
        item
    }

    fn bad_letter(&mut self, before: &str, letter: Option<char>) -> Item<'t> {
        let letter = letter.unwrap_or('\u{fffd}');
        let drawn = if unicode::is_print(letter) { format!(" '{letter}'") } else { String::new() };
        self.error(format!("{before} U+{:04X}{drawn}", u32::from(letter)))
    }

    /// The next item.
    pub(super) fn item_next(&mut self) -> Item<'t> {
        if self.inside { self.in_action() } else { self.in_text() }
    }

    fn in_text(&mut self) -> Item<'t> {
        loop {
            let Some(length) = self.left.find(self.rest()) else {
                self.pos = self.input.len();
                if self.pos == self.start {
                    return self.item(Kind::Eof);
                }
                self.count_lines();
                return self.item(Kind::Text);
            };
            if length > 0 {
                let text = self.rest().get(..length).unwrap_or_default();
                let after = self.rest().get(length + LEFT.len()..).unwrap_or_default();
                let trimmed = if begins_trimming(after) { spaces_at_end(text) } else { 0 };
                self.pos += length - trimmed;
                self.count_lines();
                let item = self.item(Kind::Text);
                self.pos += trimmed;
                self.ignore();
                if !item.text.is_empty() {
                    return item;
                }
            }
            if let Some(item) = self.left_delim() {
                return item;
            }
        }
    }

    /// `{{`; nothing when it began a comment.
    fn left_delim(&mut self) -> Option<Item<'t>> {
        self.pos += LEFT.len();
        let marker = if begins_trimming(self.rest()) { 2 } else { 0 };
        if self.rest().get(marker..).is_some_and(|rest| rest.starts_with(b"/*")) {
            self.pos += marker;
            self.ignore();
            return self.comment();
        }
        let item = self.item(Kind::LeftDelim);
        self.inside = true;
        self.pos += marker;
        self.ignore();
        self.parens = 0;
        Some(item)
    }

    fn comment(&mut self) -> Option<Item<'t>> {
        self.pos += 2;
        let Some(length) = self.rest().find(b"*/") else {
            return Some(self.error("unclosed comment"));
        };
        self.pos += length + 2;
        let Some(trims) = self.right_delim_here() else {
            return Some(self.error("comment ends before closing delimiter"));
        };
        self.ignore();
        self.pos += RIGHT.len() + if trims { 2 } else { 0 };
        if trims {
            self.pos += spaces_at_start(self.rest());
        }
        self.ignore();
        None
    }

    /// Whether `}}` is next, and if so whether a trim marker stands before it.
    fn right_delim_here(&self) -> Option<bool> {
        if ends_trimming(self.rest()) && self.rest().get(2..).is_some_and(|rest| rest.starts_with(RIGHT)) {
            return Some(true);
        }
        self.rest().starts_with(RIGHT).then_some(false)
    }

    fn right_delim(&mut self) -> Item<'t> {
        let trims = self.right_delim_here() == Some(true);
        if trims {
            self.pos += 2;
            self.ignore();
        }
        self.pos += RIGHT.len();
        let item = self.item(Kind::RightDelim);
        if trims {
            self.pos += spaces_at_start(self.rest());
            self.ignore();
        }
        self.inside = false;
        item
    }

    fn in_action(&mut self) -> Item<'t> {
        if self.right_delim_here().is_some() {
            return if self.parens == 0 { self.right_delim() } else { self.error("unclosed left paren") };
        }
        let Some(letter) = self.next() else { return self.error("unclosed action") };
        match letter {
            ' ' | '\t' | '\r' | '\n' => {
                self.back();
                self.space()
            }
            '=' => self.item(Kind::Assign),
            ':' if self.next() == Some('=') => self.item(Kind::Declare),
            ':' => self.error("expected :="),
            '|' => self.item(Kind::Pipe),
            '"' => self.quoted('"', Kind::String, "unterminated quoted string"),
            '\'' => self.quoted('\'', Kind::CharConstant, "unterminated character constant"),
            '`' => self.raw(),
            '$' => self.word(Kind::Variable, Kind::Variable),
            '.' if self.rest().first().is_some_and(|byte| !byte.is_ascii_digit()) => self.word(Kind::Field, Kind::Dot),
            '.' | '+' | '-' | '0'..='9' => {
                self.back();
                self.number()
            }
            _ if is_word(Some(letter)) => self.identifier(),
            '(' => {
                self.parens += 1;
                self.item(Kind::LeftParen)
            }
            ')' if self.parens == 0 => self.error("unexpected right paren"),
            ')' => {
                self.parens -= 1;
                self.item(Kind::RightParen)
            }
            '!'..='~' => self.item(Kind::Char),
            _ => self.bad_letter("unrecognized character in action:", Some(letter)),
        }
    }

    fn space(&mut self) -> Item<'t> {
        let count = spaces_at_start(self.rest());
        self.pos += count;
        self.count_lines();
        // the last of them may belong to ` -}}`
        let last = self.input.get(self.pos - 1..).unwrap_or_default();
        if ends_trimming(last) && last.get(2..).is_some_and(|rest| rest.starts_with(RIGHT)) {
            self.back();
            if count == 1 {
                return self.right_delim();
            }
        }
        self.item(Kind::Space)
    }

    fn identifier(&mut self) -> Item<'t> {
        self.skip_word();
        if !self.at_terminator() {
            let letter = self.peek();
            return self.bad_letter("bad character", letter);
        }
        let kind = match self.input.get(self.start..self.pos).unwrap_or_default() {
            b"block" => Kind::Block,
            b"break" => Kind::Break,
            b"continue" => Kind::Continue,
            b"define" => Kind::Define,
            b"else" => Kind::Else,
            b"end" => Kind::End,
            b"if" => Kind::If,
            b"nil" => Kind::Nil,
            b"range" => Kind::Range,
            b"template" => Kind::Template,
            b"with" => Kind::With,
            b"true" | b"false" => Kind::Bool,
            _ => Kind::Identifier,
        };
        self.item(kind)
    }

    /// A field or a variable, whose `.` or `$` has been read, or that alone.
    fn word(&mut self, kind: Kind, alone: Kind) -> Item<'t> {
        if self.at_terminator() {
            return self.item(alone);
        }
        self.skip_word();
        if !self.at_terminator() {
            let letter = self.peek();
            return self.bad_letter("bad character", letter);
        }
        self.item(kind)
    }

    fn at_terminator(&mut self) -> bool {
        match self.peek() {
            None | Some('.' | ',' | '|' | ':' | ')' | '(') => true,
            letter => is_space(letter) || self.rest().starts_with(RIGHT),
        }
    }
}
