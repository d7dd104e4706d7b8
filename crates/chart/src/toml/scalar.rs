//! Texts, numbers and times.

use std::borrow::Cow;

use super::cursor::{Cursor, END, Place, Step, is_line_end, shown};
use crate::format;

/// A scalar as it is written, with the line on which it ends.
pub(super) enum Scalar<'t> {
    /// A text that is ready.
    Text(Vec<u8>),
    Bool(bool),
    Integer(&'t [u8]),
    Float(&'t [u8]),
    Time(&'t [u8]),
}

impl<'t> Cursor<'t> {
    /// A text in quotes, of which the first was taken; `"` with escapes, `'` without. `long`: whether it may be one of three quotes.
    pub(super) fn text(&mut self, quote: char, long: bool) -> Step<Vec<u8>> {
        let first = self.place();
        if long && self.accept(quote)? {
            if self.accept(quote)? {
                return if quote == '"' { self.long_text() } else { self.long_raw_text() };
            }
            self.back_to(first);
        }
        let start = self.place();
        let mut escaped = false;
        loop {
            let before = self.place();
            match self.next()? {
                END => return self.error(format!("unexpected EOF; expected {}", if quote == '"' { "'\"'" } else { "\"'\"" })),
                letter if is_line_end(letter) => return self.error_before("strings cannot contain newlines"),
                '\\' if quote == '"' => {
                    escaped = true;
                    self.escape(start)?;
                }
                letter if letter == quote => {
                    self.back_to(before);
                    let text = self.since(start);
                    let text = if escaped { self.unescaped(text)? } else { text.to_vec() };
                    self.next()?;
                    return Ok(text);
                }
                _ => {}
            }
        }
    }

    fn long_text(&mut self) -> Step<Vec<u8>> {
        let start = self.place();
        loop {
            let before = self.place();
            match self.next()? {
                END => return self.error("unexpected EOF; expected '\"\"\"'"),
                '\\' => {
                    let place = self.place();
                    if !is_line_end(self.next()?) {
                        self.back_to(place);
                        self.escape(start)?;
                    }
                }
                '"' => {
                    if !self.ends(before, '"')? {
                        continue;
                    }
                    let text = self.since(start);
                    if self.peek()? == '"' {
                        if text.ends_with(b"\"\"\"\"\"") && !text.ends_with(b"\\\"\"\"\"\"") {
                            return self.error("unexpected '\"\"\"\"\"\"'");
                        }
                        self.back_to(before);
                        self.next()?;
                        continue;
                    }
                    self.back_to(before);
                    let text = self.since(start);
                    let joined = joined(without_first_line_end(text));
                    let text = self.unescaped(&joined)?;
                    self.ends(before, '"')?;
                    return Ok(text);
                }
                _ => {}
            }
        }
    }

    fn long_raw_text(&mut self) -> Step<Vec<u8>> {
        let start = self.place();
        loop {
            let before = self.place();
            match self.next()? {
                END => return self.error("unexpected EOF; expected \"'''\""),
                '\'' => {
                    if !self.ends(before, '\'')? {
                        continue;
                    }
                    if self.peek()? == '\'' {
                        if self.since(start).ends_with(b"'''''") {
                            return self.error("unexpected \"''''''\"");
                        }
                        self.back_to(before);
                        self.next()?;
                        continue;
                    }
                    self.back_to(before);
                    let text = without_first_line_end(self.since(start)).to_vec();
                    self.ends(before, '\'')?;
                    return Ok(text);
                }
                _ => {}
            }
        }
    }

    /// Takes three quotes that begin at a place; where there are fewer, only the first.
    fn ends(&mut self, from: Place, quote: char) -> Step<bool> {
        self.back_to(from);
        self.next()?;
        let one = self.place();
        if self.accept(quote)? && self.accept(quote)? {
            return Ok(true);
        }
        self.back_to(one);
        Ok(false)
    }

    /// Goes past an escape, of which the backslash was taken.
    fn escape(&mut self, start: Place) -> Step<()> {
        let letter = self.next()?;
        let (count, name) = match letter {
            'b' | 't' | 'n' | 'f' | 'r' | '"' | ' ' | '\t' | '\\' => return Ok(()),
            'u' => (4, "four"),
            'U' => (8, "eight"),
            _ => return self.error_at(format!("invalid escape in string '\\{letter}'")),
        };
        for _ in 0..count {
            if !self.next()?.is_ascii_hexdigit() {
                let so_far = format::quoted(self.since(start));
                return self.error(format!("expected {name} hexadecimal digits after '\\{letter}', but got {so_far} instead"));
            }
        }
        Ok(())
    }

    /// A text with its escapes, which are known to be such, as what they mean.
    fn unescaped(&self, text: &[u8]) -> Step<Vec<u8>> {
        let mut out = Vec::with_capacity(text.len());
        let mut rest = text;
        while let [first, after @ ..] = rest {
            if *first != b'\\' {
                out.push(*first);
                rest = after;
                continue;
            }
            let (digits, meant): (usize, &[u8]) = match after.first() {
                Some(blank @ (b' ' | b'\t')) => {
                    return self.error_on(self.line, format!("invalid escape: '\\{}'", char::from(*blank)));
                }
                Some(b'b') => (0, b"\x08"),
                Some(b't') => (0, b"\t"),
                Some(b'n') => (0, b"\n"),
                Some(b'f') => (0, b"\x0C"),
                Some(b'r') => (0, b"\r"),
                Some(b'u') => (4, b""),
                Some(b'U') => (8, b""),
                Some(other) => (0, std::slice::from_ref(other)),
                None => (0, b""),
            };
            out.extend_from_slice(meant);
            if digits > 0 {
                let hex = after.get(1..=digits).map(String::from_utf8_lossy).unwrap_or_default();
                let code = u32::from_str_radix(&hex, 16).ok().and_then(char::from_u32);
                let Some(letter) = code else {
                    return self.error_on(self.line, format!("Escaped character '\\u{hex}' is not valid UTF-8."));
                };
                out.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
            }
            rest = after.get(digits + 1..).unwrap_or(&[]);
        }
        Ok(out)
    }

    /// A number or a time, which begins with a digit.
    pub(super) fn number_or_time(&mut self) -> Step<Scalar<'t>> {
        let start = self.place();
        let first = self.next()?;
        let mut place = self.place();
        let mut letter = self.next()?;
        if first == '0' && matches!(letter, 'b' | 'o' | 'x') {
            return self.based(letter, start);
        }
        while letter.is_ascii_digit() {
            place = self.place();
            letter = self.next()?;
        }
        match letter {
            '-' | ':' if self.since(start).len() > 2 || first != '0' => {
                self.take_while(|letter| letter.is_ascii_digit() || "-:Tt .Zz+".contains(letter))?;
                Ok(Scalar::Time(self.since(start).trim_ascii()))
            }
            '_' => self.decimal(start),
            '.' | 'e' | 'E' => self.float(start),
            _ => {
                self.back_to(place);
                Ok(Scalar::Integer(self.since(start)))
            }
        }
    }

    /// A number behind `0x`, `0o` or `0b`.
    fn based(&mut self, mark: char, start: Place) -> Step<Scalar<'t>> {
        let (radix, name) = match mark {
            'b' => (2, "a binary"),
            'o' => (8, "an octal"),
            _ => (16, "a hexadecimal"),
        };
        let next = self.peek()?;
        if !next.is_digit(radix) {
            let so_far = String::from_utf8_lossy(self.since(start));
            return self.error(format!("not {name} number: '{so_far}{next}'"));
        }
        self.take_while(|letter| letter == '_' || letter.is_digit(radix))?;
        Ok(Scalar::Integer(self.since(start)))
    }

    fn decimal(&mut self, start: Place) -> Step<Scalar<'t>> {
        self.take_while(|letter| letter == '_' || letter.is_ascii_digit())?;
        let place = self.place();
        if matches!(self.next()?, '.' | 'e' | 'E') {
            return self.float(start);
        }
        self.back_to(place);
        Ok(Scalar::Integer(self.since(start)))
    }

    fn float(&mut self, start: Place) -> Step<Scalar<'t>> {
        self.take_while(|letter| letter.is_ascii_digit() || "_.-+eE".contains(letter))?;
        Ok(Scalar::Float(self.since(start)))
    }

    /// A number of which a sign was taken.
    pub(super) fn signed(&mut self, start: Place) -> Step<Scalar<'t>> {
        let letter = self.next()?;
        match letter {
            'i' | 'n' => {
                let (two, three) = if letter == 'i' { ('n', 'f') } else { ('a', 'n') };
                if !self.accept(two)? || !self.accept(three)? {
                    return self.error(format!("invalid float: '{}'", String::from_utf8_lossy(self.since(start))));
                }
                return Ok(Scalar::Float(self.since(start)));
            }
            '0' => {
                let next = self.peek()?;
                if matches!(next, 'b' | 'o' | 'x') {
                    let so_far = String::from_utf8_lossy(self.since(start));
                    return self.error(format!("cannot use sign with non-decimal numbers: '{so_far}{next}'"));
                }
            }
            '.' => return self.error("floats must start with a digit, not '.'"),
            _ => {}
        }
        if letter.is_ascii_digit() {
            return self.decimal(start);
        }
        self.error(format!("expected a digit but got {}", shown(letter)))
    }

    /// A word, which is a truth or nothing.
    pub(super) fn word(&mut self) -> Step<Scalar<'t>> {
        let start = self.place();
        self.take_while(format::unicode::is_letter)?;
        match self.since(start) {
            b"true" => Ok(Scalar::Bool(true)),
            b"false" => Ok(Scalar::Bool(false)),
            word => self.error(format!("expected value but found {} instead", format::quoted(word))),
        }
    }
}

fn without_first_line_end(text: &[u8]) -> &[u8] {
    text.strip_prefix(b"\n").or_else(|| text.strip_prefix(b"\r\n")).unwrap_or(text)
}

/// A text without the line ends that stand behind a backslash, and the blanks that follow them.
fn joined(text: &[u8]) -> Cow<'_, [u8]> {
    if !text.contains(&b'\\') {
        return Cow::Borrowed(text);
    }
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, after @ ..] = rest {
        if *first == b'\\' {
            if after.first() == Some(&b'\\') {
                out.extend_from_slice(b"\\\\");
                rest = after.get(1..).unwrap_or(&[]);
                continue;
            }
            let blanks = after.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n')).count();
            if after.get(..blanks).is_some_and(|blanks| blanks.contains(&b'\n')) {
                rest = after.get(blanks..).unwrap_or(&[]);
                continue;
            }
        }
        out.push(*first);
        rest = after;
    }
    Cow::Owned(out)
}
