//! What begins with a backslash.

use regex_syntax::hir::ClassUnicode;

use super::{Flags, Parser, SyntaxError, classes, group::must_be_utf8, part::Part};

impl Parser<'_> {
    /// An escape outside of a class.
    pub(super) fn escape(&mut self) -> Result<(), SyntaxError> {
        let place = match self.rest.get(1) {
            Some(b'A') => r"\A",
            Some(b'b') => r"(?-u:\b)",
            Some(b'B') => r"(?-u:\B)",
            Some(b'z') => r"\z",
            // any byte: Go knows it, and refuses it
            Some(b'C') => return Err(SyntaxError::new("invalid escape sequence", self.rest.get(..2).unwrap_or(self.rest))),
            Some(b'Q') => return self.quotation(),
            _ => "",
        };
        if !place.is_empty() {
            self.skip(2);
            return self.push(Part::atom(place));
        }
        if let Some(class) = self.escaped_class()? {
            return self.push(Part::class(&class));
        }
        let code = self.escaped_character()?;
        self.literal(code)
    }

    /// `\Q…\E`: every character for itself.
    fn quotation(&mut self) -> Result<(), SyntaxError> {
        let text = self.rest.get(2..).unwrap_or(&[]);
        let end = bstr::ByteSlice::find(text, br"\E");
        let after = end.map_or(&[][..], |end| text.get(end + 2..).unwrap_or(&[]));
        self.rest = text.get(..end.unwrap_or(text.len())).unwrap_or(&[]);
        while !self.rest.is_empty() {
            let rune = self.rune()?;
            self.literal(u32::from(rune))?;
        }
        self.rest = after;
        Ok(())
    }

    /// `\d`, `\pL` and the like; nothing is read where it is none.
    pub(super) fn escaped_class(&mut self) -> Result<Option<ClassUnicode>, SyntaxError> {
        let [b'\\', letter, ..] = self.rest else { return Ok(None) };
        let fold = self.flags.has(Flags::FOLD);
        if matches!(letter, b'p' | b'P') {
            return self.unicode_class(*letter == b'P', fold).map(Some);
        }
        let class = classes::perl(*letter).map(|named| named.class(fold));
        if class.is_some() {
            self.skip(2);
        }
        Ok(class)
    }

    fn unicode_class(&mut self, negated: bool, fold: bool) -> Result<ClassUnicode, SyntaxError> {
        let before = self.rest;
        self.skip(2);
        let name = if self.rune()? == '{' {
            let Some(end) = before.iter().position(|byte| *byte == b'}') else {
                must_be_utf8(before)?;
                return Err(SyntaxError::new("invalid character class range", before));
            };
            let name = before.get(3..end).unwrap_or(&[]);
            must_be_utf8(name)?;
            self.rest = before.get(end + 1..).unwrap_or(&[]);
            name
        } else {
            self.read_since(before).get(2..).unwrap_or(&[])
        };
        let class = str::from_utf8(name).ok().and_then(|name| classes::unicode(name, fold, negated));
        class.ok_or_else(|| SyntaxError::new("invalid character class range", self.read_since(before)))
    }

    /// A character that is written with a backslash.
    pub(super) fn escaped_character(&mut self) -> Result<u32, SyntaxError> {
        let before = self.rest;
        self.skip(1);
        if self.rest.is_empty() {
            return Err(SyntaxError::new("trailing backslash at end of expression", b""));
        }
        let octal = |parser: &Self| parser.rest.first().filter(|byte| matches!(byte, b'0'..=b'7')).map(|byte| u32::from(byte - b'0'));
        let letter = self.rune()?;
        let code = match letter {
            // one digit alone would name a group
            '1'..='7' if octal(self).is_none() => None,
            '0'..='7' => {
                let mut code = u32::from(letter) - u32::from('0');
                for _ in 0..2 {
                    let Some(digit) = octal(self) else { break };
                    code = code * 8 + digit;
                    self.skip(1);
                }
                Some(code)
            }
            'x' => self.hexadecimal()?,
            'a' => Some(0x07),
            'f' => Some(0x0c),
            'n' => Some(0x0a),
            'r' => Some(0x0d),
            't' => Some(0x09),
            'v' => Some(0x0b),
            other if other.is_ascii() && !other.is_ascii_alphanumeric() => Some(u32::from(other)),
            _ => None,
        };
        code.ok_or_else(|| SyntaxError::new("invalid escape sequence", self.read_since(before)))
    }

    /// The digits after `\x`: two, or any number in braces.
    fn hexadecimal(&mut self) -> Result<Option<u32>, SyntaxError> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let first = self.rune()?;
        if first != '{' {
            let second = self.rune()?;
            return Ok(first.to_digit(16).zip(second.to_digit(16)).map(|(high, low)| high * 16 + low));
        }
        let (mut code, mut digits) = (0, 0);
        loop {
            if self.rest.is_empty() {
                return Ok(None);
            }
            let letter = self.rune()?;
            if letter == '}' {
                return Ok((digits > 0).then_some(code));
            }
            let Some(digit) = letter.to_digit(16) else { return Ok(None) };
            code = code * 16 + digit;
            digits += 1;
            if code > u32::from(char::MAX) {
                return Ok(None);
            }
        }
    }
}
