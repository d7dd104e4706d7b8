//! Directives, anchors and tags.

use std::borrow::Cow;

use super::{
    ReadError,
    bytes::{is_alpha, is_blank, is_blankz, is_break, is_breakz},
    scanner::{Kind, Mark, Scanner, Token},
};

impl<'a> Scanner<'a> {
    fn slice(&self, from: usize) -> Cow<'a, [u8]> {
        Cow::Borrowed(self.text.get(from..self.pos).unwrap_or(&[]))
    }

    /// Takes the letters of a name.
    fn scan_name(&mut self) -> Result<Cow<'a, [u8]>, ReadError> {
        let from = self.pos;
        self.need(1)?;
        while is_alpha(self.at(0)) {
            self.skip();
            self.need(1)?;
        }
        Ok(self.slice(from))
    }

    pub(super) fn scan_directive(&mut self) -> Result<(), ReadError> {
        let start = self.mark;
        self.skip();
        let name = self.scan_name()?;
        if name.is_empty() {
            return self.error(start, "could not find expected directive name");
        }
        if !is_blankz(self.rest()) {
            return self.error(start, "found unexpected non-alphabetical character");
        }
        let kind = match name.as_ref() {
            b"YAML" => self.scan_version(start)?,
            b"TAG" => self.scan_tag_directive(start)?,
            _ => return self.error(start, "found unknown directive name"),
        };
        let end = self.mark;
        self.end_line(start)?;
        self.tokens.push_back(Token { kind, start: start.line, end: end.line });
        Ok(())
    }

    /// What may still stand on a line that is done: blanks, a comment, its end.
    pub(super) fn end_line(&mut self, start: Mark) -> Result<(), ReadError> {
        self.skip_blanks()?;
        self.skip_comment()?;
        if !is_breakz(self.rest()) {
            return self.error(start, "did not find expected comment or line break");
        }
        if is_break(self.rest()) {
            self.need(2)?;
            self.skip_line();
        }
        Ok(())
    }

    fn scan_version(&mut self, start: Mark) -> Result<Kind<'a>, ReadError> {
        self.skip_blanks()?;
        let major = self.scan_version_number(start)?;
        if self.at(0) != b'.' {
            return self.error(start, "did not find expected digit or '.' character");
        }
        self.skip();
        let minor = self.scan_version_number(start)?;
        Ok(Kind::Version(major, minor))
    }

    fn scan_version_number(&mut self, start: Mark) -> Result<u8, ReadError> {
        self.need(1)?;
        let (mut number, mut digits) = (0, 0);
        while self.at(0).is_ascii_digit() {
            digits += 1;
            if digits > 2 {
                return self.error(start, "found extremely long version number");
            }
            number = number * 10 + (self.at(0) - b'0');
            self.skip();
            self.need(1)?;
        }
        if digits == 0 {
            return self.error(start, "did not find expected version number");
        }
        Ok(number)
    }

    fn scan_tag_directive(&mut self, start: Mark) -> Result<Kind<'a>, ReadError> {
        self.skip_blanks()?;
        let handle = self.scan_tag_handle(true, start)?;
        self.need(1)?;
        if !is_blank(self.at(0)) {
            return self.error(start, "did not find expected whitespace");
        }
        self.skip_blanks()?;
        let prefix = self.scan_tag_uri(b"", start)?;
        self.need(1)?;
        if !is_blankz(self.rest()) {
            return self.error(start, "did not find expected whitespace or line break");
        }
        Ok(Kind::TagDirective(Box::new((handle, Cow::Owned(prefix)))))
    }

    pub(super) fn scan_anchor(&mut self, alias: bool) -> Result<(), ReadError> {
        let start = self.mark;
        self.skip();
        let name = self.scan_name()?;
        let ends = is_blankz(self.rest()) || matches!(self.at(0), b'?' | b':' | b',' | b']' | b'}' | b'%' | b'@' | b'`');
        if name.is_empty() || !ends {
            return self.error(start, "did not find expected alphabetic or numeric character");
        }
        self.push(if alias { Kind::Alias(name) } else { Kind::Anchor(name) }, start);
        Ok(())
    }

    pub(super) fn scan_tag(&mut self) -> Result<(), ReadError> {
        let start = self.mark;
        self.need(2)?;
        let tag = if self.at(1) == b'<' {
            self.skip();
            self.skip();
            let uri = self.scan_tag_uri(b"", start)?;
            if self.at(0) != b'>' {
                return self.error(start, "did not find the expected '>'");
            }
            self.skip();
            (Cow::Borrowed(&b""[..]), Cow::Owned(uri))
        } else {
            let handle = self.scan_tag_handle(false, start)?;
            if handle.len() > 1 && handle.ends_with(b"!") {
                let suffix = self.scan_tag_uri(b"", start)?;
                (handle, Cow::Owned(suffix))
            } else {
                let suffix = self.scan_tag_uri(&handle, start)?;
                // a single `!` is a tag of its own
                if suffix.is_empty() {
                    (Cow::Borrowed(&b""[..]), Cow::Borrowed(&b"!"[..]))
                } else {
                    (Cow::Borrowed(&b"!"[..]), Cow::Owned(suffix))
                }
            }
        };
        self.need(1)?;
        if !is_blankz(self.rest()) {
            return self.error(start, "did not find expected whitespace or line break");
        }
        self.push(Kind::Tag(Box::new(tag)), start);
        Ok(())
    }

    fn scan_tag_handle(&mut self, directive: bool, start: Mark) -> Result<Cow<'a, [u8]>, ReadError> {
        self.need(1)?;
        if self.at(0) != b'!' {
            return self.error(start, "did not find expected '!'");
        }
        let from = self.pos;
        self.skip();
        self.scan_name()?;
        if self.at(0) == b'!' {
            self.skip();
        } else if directive && self.pos - from > 1 {
            return self.error(start, "did not find expected '!'");
        }
        Ok(self.slice(from))
    }

    /// Takes a tag's URI. `head` is what of it was taken already, with its `!`.
    fn scan_tag_uri(&mut self, head: &[u8], start: Mark) -> Result<Vec<u8>, ReadError> {
        let mut uri = head.get(1..).unwrap_or(&[]).to_vec();
        let mut any = !head.is_empty();
        self.need(1)?;
        while is_alpha(self.at(0)) || b";/?:@&=+$,.!~*'()[]%".contains(&self.at(0)) {
            if self.at(0) == b'%' {
                self.scan_uri_escape(start, &mut uri)?;
            } else {
                self.read(&mut uri);
            }
            self.need(1)?;
            any = true;
        }
        if any { Ok(uri) } else { self.error(start, "did not find expected tag URI") }
    }

    /// Takes one letter that is written as `%` and digits.
    fn scan_uri_escape(&mut self, start: Mark, uri: &mut Vec<u8>) -> Result<(), ReadError> {
        let mut left = None;
        while left != Some(0) {
            self.need(3)?;
            let digits = (char::from(self.at(1)).to_digit(16), char::from(self.at(2)).to_digit(16));
            let (b'%', (Some(high), Some(low))) = (self.at(0), digits) else {
                return self.error(start, "did not find URI escaped octet");
            };
            let octet = u8::try_from(high * 16 + low).unwrap_or_default();
            let bytes: usize = match (left, octet) {
                (None, 0x00..=0x7F) => 1,
                (None, 0xC0..=0xDF) => 2,
                (None, 0xE0..=0xEF) => 3,
                (None, 0xF0..=0xF7) => 4,
                (None, _) => return self.error(start, "found an incorrect leading UTF-8 octet"),
                (Some(left), 0x80..=0xBF) => left,
                (Some(_), _) => return self.error(start, "found an incorrect trailing UTF-8 octet"),
            };
            uri.push(octet);
            for _ in 0..3 {
                self.skip();
            }
            left = Some(bytes - 1);
        }
        Ok(())
    }
}
