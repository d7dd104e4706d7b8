//! Scalars and marks onto lines: the layer of writing YAML that knows columns and indentation.

use super::{
    bytes::{is_break, is_seen, width},
    order::Generation,
    style::{self, Allowed, is_printable},
};
use crate::{budget::Budget, function::Fault, value::Str};

/// From which column on `toYaml` looks for a space to break a line at.
const WIDTH: usize = 80;
/// How long a key may be, with its tag, that stands before its `:` on one line.
const SIMPLE_KEY: usize = 128;

/// How a scalar would be written if its letters and its place allow it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    Plain,
    SingleQuoted,
    DoubleQuoted,
    Literal,
}

/// A scalar to be written.
pub(super) struct Scalar<'t> {
    pub text: &'t [u8],
    pub style: Style,
    /// Whether it is base64 and says so by a tag.
    pub binary: bool,
}

pub(super) struct Emitter<'b> {
    pub(super) budget: &'b mut Budget,
    pub(super) generation: Generation,
    pub(super) indent: isize,
    pub(super) out: Vec<u8>,
    /// How many lists and mappings are open.
    depth: usize,
    /// How much of the output is paid for.
    paid: usize,
    width: usize,
    column: usize,
    /// Whether a blank was written last.
    whitespace: bool,
    /// Whether only indentation and its marks were written on this line.
    pub(super) indention: bool,
}

impl<'b> Emitter<'b> {
    pub(super) fn new(budget: &'b mut Budget, generation: Generation) -> Self {
        let width = if generation == Generation::Second { WIDTH } else { usize::MAX };
        let out = Vec::with_capacity(256);
        Self { budget, generation, indent: -1, out, depth: 0, paid: 0, width, column: 0, whitespace: true, indention: true }
    }

    /// A scalar that is written as it is.
    pub(super) fn as_it_is(&mut self, text: &str) -> Result<(), Fault> {
        self.scalar(&Scalar { text: text.as_bytes(), style: Style::Plain, binary: false })
    }

    /// A list or mapping with nothing in it: `[]`, `{}`.
    pub(super) fn empty(&mut self, open: &str, close: &str) -> Result<(), Fault> {
        self.indicator(open, true, true, false);
        self.indicator(close, false, false, false);
        self.pay()
    }

    /// Goes one deeper into lists and mappings; every `enter` has its `leave`.
    pub(super) fn enter(&mut self) -> Result<(), Fault> {
        self.budget.enter()?;
        self.depth += 1;
        Ok(())
    }

    /// Comes back, to the indent that was there before.
    pub(super) fn leave(&mut self, indent: isize) {
        self.indent = indent;
        self.depth -= 1;
        self.budget.leave();
    }

    /// Ends the document, with a line feed. Where writing failed midway, what was entered is left.
    pub(super) fn finish(mut self, written: Result<(), Fault>) -> Result<Str, Fault> {
        for _ in 0..self.depth {
            self.budget.leave();
        }
        written?;
        self.indent = -1;
        self.write_indent();
        self.pay()?;
        Ok(self.out.into())
    }

    /// Pays for what was written.
    pub(super) fn pay(&mut self) -> Result<(), Fault> {
        self.budget.make(self.out.len() - self.paid)?;
        self.paid = self.out.len();
        Ok(())
    }

    fn put(&mut self, byte: u8) {
        self.out.push(byte);
        self.column += 1;
    }

    fn put_break(&mut self) {
        self.out.push(b'\n');
        self.column = 0;
        self.indention = true;
    }

    /// Writes the letters of ASCII that begin here and are of these, or one that is none; says how long they are.
    fn letters(&mut self, at: &[u8], of: impl Fn(u8) -> bool) -> usize {
        let count = at.iter().take_while(|byte| of(**byte)).count();
        if count == 0 {
            return self.letter(at);
        }
        self.out.extend_from_slice(at.get(..count).unwrap_or(at));
        self.column += count;
        count
    }

    /// Writes the letter that begins here, and says how long it is.
    fn letter(&mut self, at: &[u8]) -> usize {
        let length = width(at.first().copied().unwrap_or(0)).min(at.len());
        self.out.extend_from_slice(at.get(..length).unwrap_or(&[]));
        self.column += 1;
        length
    }

    /// Writes the line break that begins here, and says how long it is.
    fn line_break(&mut self, at: &[u8]) -> usize {
        if at.first() == Some(&b'\n') {
            self.put_break();
            return 1;
        }
        let length = self.letter(at);
        self.column = 0;
        self.indention = true;
        length
    }

    pub(super) fn write_indent(&mut self) {
        let indent = self.indent.max(0).cast_unsigned();
        if !self.indention || self.column > indent || (self.column == indent && !self.whitespace) {
            self.put_break();
        }
        if self.column < indent {
            self.out.resize(self.out.len() + indent - self.column, b' ');
            self.column = indent;
        }
        self.whitespace = true;
        self.indention = true;
    }

    /// Writes a mark. `before`: whether a blank must stand before it; `indention`: whether it counts as indentation.
    pub(super) fn indicator(&mut self, mark: &str, before: bool, whitespace: bool, indention: bool) {
        if before && !self.whitespace {
            self.put(b' ');
        }
        for byte in mark.bytes() {
            self.put(byte);
        }
        self.whitespace = whitespace;
        self.indention = self.indention && indention;
    }

    /// Goes one indentation further, and says what it was.
    pub(super) fn increase_indent(&mut self, root: isize) -> isize {
        let old = self.indent;
        self.indent = if old < 0 { root } else { old + 2 };
        old
    }

    /// Writes a key on a line of its own, and its `:`.
    pub(super) fn key(&mut self, key: &Scalar<'_>) -> Result<(), Fault> {
        self.write_indent();
        let allowed = style::analyze(key.text, self.generation);
        let tag = if key.binary { "!!binary".len() } else { 0 };
        if !allowed.multiline && key.text.len() + tag <= SIMPLE_KEY {
            self.scalar_as(key, allowed, true)?;
            self.indicator(":", false, false, false);
        } else {
            self.indicator("?", true, false, true);
            self.scalar_as(key, allowed, false)?;
            self.write_indent();
            self.indicator(":", true, false, true);
        }
        Ok(())
    }

    /// Writes a value.
    pub(super) fn scalar(&mut self, scalar: &Scalar<'_>) -> Result<(), Fault> {
        self.scalar_as(scalar, style::analyze(scalar.text, self.generation), false)
    }

    fn scalar_as(&mut self, scalar: &Scalar<'_>, allowed: Allowed, simple_key: bool) -> Result<(), Fault> {
        self.budget.scan(scalar.text.len())?;
        self.budget.make(scalar.text.len())?;
        let style = choose(scalar, allowed, simple_key);
        if scalar.binary {
            self.indicator("!!binary", true, false, false);
        }
        let old = self.increase_indent(2);
        match style {
            Style::Plain => self.plain(scalar.text, !simple_key),
            Style::SingleQuoted => self.single_quoted(scalar.text, !simple_key),
            Style::DoubleQuoted => self.double_quoted(scalar.text, !simple_key),
            Style::Literal => self.literal(scalar.text),
        }
        self.indent = old;
        self.pay()
    }

    fn plain(&mut self, text: &[u8], fold: bool) {
        if !self.whitespace && (!text.is_empty() || self.generation == Generation::Second) {
            self.put(b' ');
        }
        let mut at = 0;
        let mut spaces = false;
        while let Some(rest @ [first, ..]) = text.get(at..) {
            if *first == b' ' {
                if fold && !spaces && self.column > self.width && rest.get(1) != Some(&b' ') {
                    self.write_indent();
                    at += 1;
                } else {
                    at += self.letter(rest);
                }
                spaces = true;
            } else {
                at += self.letters(rest, is_seen);
                self.indention = false;
                spaces = false;
            }
        }
        if !text.is_empty() || self.generation == Generation::Second {
            self.whitespace = false;
        }
        self.indention = false;
    }

    fn single_quoted(&mut self, text: &[u8], fold: bool) {
        self.indicator("'", true, false, false);
        let mut at = 0;
        let (mut spaces, mut breaks) = (false, false);
        while let Some(rest @ [first, ..]) = text.get(at..) {
            if *first == b' ' {
                let inside = at > 0 && at + 1 < text.len();
                if fold && !spaces && self.column > self.width && inside && rest.get(1) != Some(&b' ') {
                    self.write_indent();
                    at += 1;
                } else {
                    at += self.letter(rest);
                }
                spaces = true;
            } else if is_break(rest) {
                if !breaks && *first == b'\n' {
                    self.put_break();
                }
                at += self.line_break(rest);
                breaks = true;
            } else {
                if breaks {
                    self.write_indent();
                }
                if *first == b'\'' {
                    self.put(b'\'');
                }
                at += self.letters(rest, |byte| is_seen(byte) && byte != b'\'');
                self.indention = false;
                (spaces, breaks) = (false, false);
            }
        }
        self.indicator("'", false, false, false);
    }

    fn double_quoted(&mut self, text: &[u8], fold: bool) {
        self.indicator("\"", true, false, false);
        // a byte order mark at the front has every letter escaped
        let all = text.starts_with("\u{FEFF}".as_bytes());
        let mut at = 0;
        let mut spaces = false;
        while let Some(rest @ [first, ..]) = text.get(at..) {
            if all || !is_printable(rest) || is_break(rest) || matches!(first, b'"' | b'\\') {
                at += self.escape(rest);
                spaces = false;
            } else if *first == b' ' {
                if fold && !spaces && self.column > self.width && at > 0 && at + 1 < text.len() {
                    self.write_indent();
                    if rest.get(1) == Some(&b' ') {
                        self.put(b'\\');
                    }
                    at += 1;
                } else {
                    at += self.letter(rest);
                }
                spaces = true;
            } else {
                at += self.letters(rest, |byte| is_seen(byte) && !matches!(byte, b'"' | b'\\'));
                spaces = false;
            }
        }
        self.indicator("\"", false, false, false);
    }

    fn escape(&mut self, at: &[u8]) -> usize {
        let length = width(at.first().copied().unwrap_or(0)).min(at.len());
        let letter = at.get(..length).and_then(|letter| std::str::from_utf8(letter).ok()).and_then(|text| text.chars().next());
        let code = letter.map_or(0xFFFD, u32::from);
        #[allow(clippy::match_overlapping_arm, reason = "what has no name is written by its number")]
        let text = match code {
            0x00 => "\\0".to_owned(),
            0x07 => "\\a".to_owned(),
            0x08 => "\\b".to_owned(),
            0x09 => "\\t".to_owned(),
            0x0A => "\\n".to_owned(),
            0x0B => "\\v".to_owned(),
            0x0C => "\\f".to_owned(),
            0x0D => "\\r".to_owned(),
            0x1B => "\\e".to_owned(),
            0x22 => "\\\"".to_owned(),
            0x5C => "\\\\".to_owned(),
            0x85 => "\\N".to_owned(),
            0xA0 => "\\_".to_owned(),
            0x2028 => "\\L".to_owned(),
            0x2029 => "\\P".to_owned(),
            ..=0xFF => format!("\\x{code:02X}"),
            ..=0xFFFF => format!("\\u{code:04X}"),
            _ => format!("\\U{code:08X}"),
        };
        text.bytes().for_each(|byte| self.put(byte));
        length
    }

    fn literal(&mut self, text: &[u8]) {
        self.indicator("|", true, false, false);
        if text.first() == Some(&b' ') || is_break(text) {
            self.indicator("2", false, false, false);
        }
        // the end of the text: without a line break, with one, or with more that must be kept
        let mut letters = std::str::from_utf8(text).unwrap_or("").chars().rev();
        match (letters.next(), letters.next()) {
            (Some(last), before) if is_break_letter(last) => {
                if before.is_none_or(is_break_letter) {
                    self.indicator("+", false, false, false);
                }
            }
            _ => self.indicator("-", false, false, false),
        }
        self.put_break();
        self.whitespace = true;
        let mut at = 0;
        let mut breaks = true;
        while let Some(rest @ [_, ..]) = text.get(at..) {
            if is_break(rest) {
                at += self.line_break(rest);
                breaks = true;
            } else {
                if breaks {
                    self.write_indent();
                }
                at += self.letters(rest, |byte| is_seen(byte) || byte == b' ');
                self.indention = false;
                breaks = false;
            }
        }
    }
}

fn is_break_letter(letter: char) -> bool {
    matches!(letter, '\r' | '\n' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

fn choose(scalar: &Scalar<'_>, allowed: Allowed, simple_key: bool) -> Style {
    let mut style = scalar.style;
    if simple_key && allowed.multiline {
        style = Style::DoubleQuoted;
    }
    if style == Style::Plain && (!allowed.plain || (scalar.text.is_empty() && simple_key)) {
        style = Style::SingleQuoted;
    }
    if style == Style::SingleQuoted && !allowed.single_quoted {
        style = Style::DoubleQuoted;
    }
    if style == Style::Literal && (!allowed.block || simple_key) {
        style = Style::DoubleQuoted;
    }
    style
}
