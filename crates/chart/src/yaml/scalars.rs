//! Scalars: plain ones, quoted ones, and blocks.

use std::borrow::Cow;

use super::{
    ReadError,
    bytes::{is_blank, is_blankz, is_break, is_breakz, is_line, is_seen},
    scanner::{Kind, Mark, Scanner, Token},
};

/// The blanks and line breaks between two words of a scalar, kept until it is known what becomes of them.
#[derive(Default)]
struct Gap {
    blanks: Vec<u8>,
    /// The first line break.
    first: Vec<u8>,
    /// The line breaks after it.
    more: Vec<u8>,
    /// Whether a line has begun.
    broken: bool,
}

impl Gap {
    /// Writes it down: one line break becomes a space, of more the first goes.
    fn fold(&mut self, into: &mut Vec<u8>) {
        if self.broken {
            if self.first.first() != Some(&b'\n') {
                into.append(&mut self.first);
            } else if self.more.is_empty() {
                into.push(b' ');
            }
            into.append(&mut self.more);
            self.first.clear();
            self.broken = false;
        } else {
            into.append(&mut self.blanks);
        }
    }

    fn is_empty(&self) -> bool {
        !self.broken && self.blanks.is_empty()
    }
}

/// What becomes of the line breaks at the end of a block.
#[derive(Clone, Copy, PartialEq)]
enum Chomp {
    Clip,
    Strip,
    Keep,
}

/// A letter of ASCII that means nothing in a plain scalar, wherever it stands.
fn is_word(byte: u8) -> bool {
    is_seen(byte) && !matches!(byte, b':' | b',' | b'?' | b'[' | b']' | b'{' | b'}')
}

impl Scanner<'_> {
    fn at_document_indicator(&self) -> bool {
        let rest = self.rest();
        self.mark.column == 0 && (rest.starts_with(b"---") || rest.starts_with(b"...")) && is_blankz(&rest[3..])
    }

    /// Takes the blanks and line breaks that stand here. `indent` is the least column at which a tab may stand.
    fn scan_gap(&mut self, gap: &mut Gap, start: Mark, indent: isize) -> Result<(), ReadError> {
        self.need(1)?;
        loop {
            if is_blank(self.at(0)) {
                if gap.broken && self.mark.column.cast_signed() < indent && self.at(0) == b'\t' {
                    return self.error(start, "found a tab character that violates indentation");
                }
                if gap.broken {
                    self.skip();
                } else {
                    self.read(&mut gap.blanks);
                }
            } else if is_break(self.rest()) {
                self.need(2)?;
                if gap.broken {
                    self.read_line(&mut gap.more);
                } else {
                    gap.blanks.clear();
                    self.read_line(&mut gap.first);
                    gap.broken = true;
                }
            } else {
                return Ok(());
            }
            self.need(1)?;
        }
    }

    pub(super) fn scan_plain_scalar(&mut self) -> Result<(), ReadError> {
        let indent = self.indent + 1;
        let (start, from) = (self.mark, self.pos);
        let (mut end, mut to) = (self.mark, self.pos);
        // nothing is copied as long as the scalar is what stands in the text
        let mut made: Option<Vec<u8>> = None;
        let mut gap = Gap::default();
        loop {
            self.need(4)?;
            if self.at_document_indicator() || self.at(0) == b'#' {
                break;
            }
            while !is_blankz(self.rest()) && !self.at_plain_end() {
                if !gap.is_empty() {
                    if gap.broken && made.is_none() {
                        made = Some(self.text.get(from..to).unwrap_or(&[]).to_vec());
                    }
                    match &mut made {
                        Some(made) => gap.fold(made),
                        None => gap.blanks.clear(),
                    }
                }
                match &mut made {
                    Some(made) => self.read_run(made, is_word),
                    None => self.skip_run(is_word),
                }
                (end, to) = (self.mark, self.pos);
                self.need(2)?;
            }
            if !is_blank(self.at(0)) && !is_break(self.rest()) {
                break;
            }
            self.scan_gap(&mut gap, start, indent)?;
            if self.flow_level == 0 && self.mark.column.cast_signed() < indent {
                break;
            }
        }
        if gap.broken {
            self.simple_key_allowed = true;
        }
        let text = made.map_or_else(|| Cow::Borrowed(self.text.get(from..to).unwrap_or(&[])), Cow::Owned);
        self.tokens.push_back(Token { kind: Kind::Scalar(text, true), start: start.line, end: end.line });
        Ok(())
    }

    /// Whether an indicator stands here that ends a plain scalar; none that [`is_word`] knows.
    fn at_plain_end(&self) -> bool {
        match self.at(0) {
            b':' => is_blankz(self.rest().get(1..).unwrap_or(&[])),
            b',' | b'?' | b'[' | b']' | b'{' | b'}' => self.flow_level > 0,
            _ => false,
        }
    }

    pub(super) fn scan_quoted_scalar(&mut self, single: bool) -> Result<(), ReadError> {
        let quote = if single { b'\'' } else { b'"' };
        let start = self.mark;
        self.skip();
        self.need(4)?;
        // nothing is copied where the scalar is what stands between its quotes
        let itself = self.run(|byte| is_line(byte) && byte != quote && (single || byte != b'\\'));
        if self.at(itself) == quote && !(single && self.at(itself + 1) == quote) {
            let text = self.text.get(self.pos..self.pos + itself).unwrap_or(&[]);
            self.skip_letters(itself + 1);
            self.push(Kind::Scalar(Cow::Borrowed(text), false), start);
            return Ok(());
        }
        let mut made = Vec::new();
        loop {
            self.need(4)?;
            if self.at_document_indicator() {
                return self.error(start, "found unexpected document indicator");
            }
            if self.at(0) == 0 {
                return self.error(start, "found unexpected end of stream");
            }
            let mut gap = Gap::default();
            while !is_blankz(self.rest()) {
                match (self.at(0), self.at(1)) {
                    (b'\'', b'\'') if single => {
                        made.push(b'\'');
                        self.skip();
                        self.skip();
                    }
                    (byte, _) if byte == quote => break,
                    (b'\\', _) if !single && is_break(self.rest().get(1..).unwrap_or(&[])) => {
                        self.need(3)?;
                        self.skip();
                        self.skip_line();
                        gap.broken = true;
                        break;
                    }
                    (b'\\', code) if !single => self.scan_escape(code, start, &mut made)?,
                    _ => self.read_run(&mut made, |byte| is_seen(byte) && !matches!(byte, b'\'' | b'"' | b'\\')),
                }
                self.need(2)?;
            }
            self.need(1)?;
            if self.at(0) == quote {
                break;
            }
            self.scan_gap(&mut gap, start, 0)?;
            if gap.broken && gap.first.is_empty() {
                // the break was escaped: it leaves nothing, those after it stay
                made.append(&mut gap.more);
            } else {
                gap.fold(&mut made);
            }
        }
        self.skip();
        self.push(Kind::Scalar(Cow::Owned(made), false), start);
        Ok(())
    }

    fn scan_escape(&mut self, code: u8, start: Mark, made: &mut Vec<u8>) -> Result<(), ReadError> {
        let digits = match code {
            b'x' => 2,
            b'u' => 4,
            b'U' => 8,
            _ => {
                let meant: &[u8] = match code {
                    b'0' => b"\0",
                    b'a' => b"\x07",
                    b'b' => b"\x08",
                    b't' | b'\t' => b"\t",
                    b'n' => b"\n",
                    b'v' => b"\x0B",
                    b'f' => b"\x0C",
                    b'r' => b"\r",
                    b'e' => b"\x1B",
                    b' ' => b" ",
                    b'"' => b"\"",
                    b'\'' => b"'",
                    b'\\' => b"\\",
                    b'N' => "\u{85}".as_bytes(),
                    b'_' => "\u{A0}".as_bytes(),
                    b'L' => "\u{2028}".as_bytes(),
                    b'P' => "\u{2029}".as_bytes(),
                    _ => return self.error(start, "found unknown escape character"),
                };
                made.extend_from_slice(meant);
                0
            }
        };
        self.skip();
        self.skip();
        if digits == 0 {
            return Ok(());
        }
        self.need(digits)?;
        let mut letter = 0_u32;
        for ahead in 0..digits {
            let Some(digit) = char::from(self.at(ahead)).to_digit(16) else {
                return self.error(start, "did not find expected hexdecimal number");
            };
            letter = (letter << 4) + digit;
        }
        let Some(letter) = char::from_u32(letter) else {
            return self.error(start, "found invalid Unicode character escape code");
        };
        made.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
        for _ in 0..digits {
            self.skip();
        }
        Ok(())
    }

    pub(super) fn scan_block_scalar(&mut self, literal: bool) -> Result<(), ReadError> {
        let start = self.mark;
        self.skip();
        let (chomp, increment) = self.scan_block_header(start)?;
        let mut end = self.mark;
        let mut indent = if increment > 0 { self.indent.max(0).cast_unsigned() + increment } else { 0 };
        let (mut made, mut first, mut more) = (Vec::new(), Vec::new(), Vec::new());
        self.scan_block_breaks(&mut indent, &mut more, start, &mut end)?;
        self.need(1)?;
        let mut blank_before = false;
        while self.mark.column == indent && self.at(0) != 0 {
            let blank_here = is_blank(self.at(0));
            // lines are joined unless one of them is indented further
            if !literal && !blank_before && !blank_here && first.first() == Some(&b'\n') {
                if more.is_empty() {
                    made.push(b' ');
                }
                first.clear();
            } else {
                made.append(&mut first);
            }
            made.append(&mut more);
            blank_before = blank_here;
            while !is_breakz(self.rest()) {
                self.read_run(&mut made, is_line);
                self.need(1)?;
            }
            self.need(2)?;
            self.read_line(&mut first);
            self.scan_block_breaks(&mut indent, &mut more, start, &mut end)?;
        }
        if chomp != Chomp::Strip {
            made.append(&mut first);
        }
        if chomp == Chomp::Keep {
            made.append(&mut more);
        }
        self.tokens.push_back(Token { kind: Kind::Scalar(Cow::Owned(made), false), start: start.line, end: end.line });
        Ok(())
    }

    /// What stands behind `|` or `>`: chomping and indentation, in either order.
    fn scan_block_header(&mut self, start: Mark) -> Result<(Chomp, usize), ReadError> {
        let (mut chomp, mut increment) = (Chomp::Clip, 0);
        self.need(1)?;
        if let Some(told) = self.scan_chomp() {
            chomp = told;
            self.need(1)?;
            increment = self.scan_increment(start)?;
        } else {
            increment += self.scan_increment(start)?;
            if increment > 0 {
                self.need(1)?;
                chomp = self.scan_chomp().unwrap_or(chomp);
            }
        }
        self.end_line(start)?;
        Ok((chomp, increment))
    }

    fn scan_chomp(&mut self) -> Option<Chomp> {
        let chomp = match self.at(0) {
            b'+' => Chomp::Keep,
            b'-' => Chomp::Strip,
            _ => return None,
        };
        self.skip();
        Some(chomp)
    }

    fn scan_increment(&mut self, start: Mark) -> Result<usize, ReadError> {
        match self.at(0) {
            b'0' => self.error(start, "found an indentation indicator equal to 0"),
            digit @ b'1'..=b'9' => {
                self.skip();
                Ok(usize::from(digit - b'0'))
            }
            _ => Ok(0),
        }
    }

    /// Goes past indentation and empty lines, and finds out the indentation of the block if it is not known yet.
    fn scan_block_breaks(&mut self, indent: &mut usize, breaks: &mut Vec<u8>, start: Mark, end: &mut Mark) -> Result<(), ReadError> {
        *end = self.mark;
        let mut widest = 0;
        loop {
            self.need(1)?;
            while (*indent == 0 || self.mark.column < *indent) && self.at(0) == b' ' {
                let most = if *indent == 0 { usize::MAX } else { *indent - self.mark.column };
                match self.run(|byte| byte == b' ').min(most) {
                    0 => self.skip(),
                    count => self.skip_letters(count),
                }
                self.need(1)?;
            }
            widest = widest.max(self.mark.column);
            if (*indent == 0 || self.mark.column < *indent) && self.at(0) == b'\t' {
                return self.error(start, "found a tab character where an indentation space is expected");
            }
            if !is_break(self.rest()) {
                break;
            }
            self.need(2)?;
            self.read_line(breaks);
            *end = self.mark;
        }
        if *indent == 0 {
            *indent = widest.max((self.indent + 1).max(1).cast_unsigned());
        }
        Ok(())
    }
}
