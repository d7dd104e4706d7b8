//! The lexer's part for constants: quoted texts, letters and numbers.

use super::lex::{Item, Kind, Lexer, is_word};

impl<'t> Lexer<'t> {
    pub(super) fn quoted(&mut self, quote: char, kind: Kind, unterminated: &str) -> Item<'t> {
        loop {
            match self.next() {
                Some('\\') if !matches!(self.next(), None | Some('\n')) => {}
                Some(letter) if letter == quote => return self.item(kind),
                None | Some('\n' | '\\') => return self.error(unterminated),
                Some(_) => {}
            }
        }
    }

    pub(super) fn raw(&mut self) -> Item<'t> {
        loop {
            match self.next() {
                None => return self.error("unterminated raw quoted string"),
                Some('`') => return self.item(Kind::RawString),
                Some(_) => {}
            }
        }
    }

    pub(super) fn number(&mut self) -> Item<'t> {
        let mut kind = Kind::Number;
        let mut good = self.scan_number();
        if good && matches!(self.peek(), Some('+' | '-')) {
            kind = Kind::Complex;
            good = self.scan_number() && self.input.get(..self.pos).is_some_and(|read| read.ends_with(b"i"));
        }
        if good {
            return self.item(kind);
        }
        let read = crate::format::quoted(self.input.get(self.start..self.pos).unwrap_or_default());
        self.error(format!("bad number syntax: {read}"))
    }

    fn scan_number(&mut self) -> bool {
        self.accept("+-");
        let mut digits = "0123456789_";
        if self.accept("0") {
            if self.accept("xX") {
                digits = "0123456789abcdefABCDEF_";
            } else if self.accept("oO") {
                digits = "01234567_";
            } else if self.accept("bB") {
                digits = "01_";
            }
        }
        self.accept_run(digits);
        if self.accept(".") {
            self.accept_run(digits);
        }
        let exponent = match digits.len() {
            11 => "eE",
            23 => "pP",
            _ => "",
        };
        if self.accept(exponent) {
            self.accept("+-");
            self.accept_run("0123456789_");
        }
        self.accept("i");
        if is_word(self.peek()) {
            self.next();
            return false;
        }
        true
    }

    fn accept(&mut self, valid: &str) -> bool {
        let found = self.next().is_some_and(|letter| valid.contains(letter));
        if !found {
            self.back();
        }
        found
    }

    fn accept_run(&mut self, valid: &str) {
        while self.next().is_some_and(|letter| valid.contains(letter)) {}
        self.back();
    }
}
