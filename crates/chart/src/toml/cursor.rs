//! The text of a document under a cursor, letter by letter, and the state of its reading that an error tells of.

use crate::{format, yaml::ReadError};

/// The end of the text, which no letter is.
pub(super) const END: char = '\0';

/// A place that can be gone back to.
#[derive(Clone, Copy)]
pub(super) struct Place {
    at: usize,
    line: usize,
    ended: bool,
}

/// A text being read. It knows the key that is being read, since every error names that.
pub(super) struct Cursor<'t> {
    text: &'t [u8],
    at: usize,
    pub(super) line: usize,
    /// Whether somebody has looked beyond the end.
    ended: bool,
    /// The key that an error names.
    pub(super) last_key: Vec<u8>,
}

pub(super) type Step<T> = Result<T, ReadError>;

impl<'t> Cursor<'t> {
    pub(super) fn new(text: &'t [u8]) -> Self {
        Self { text, at: 0, line: 1, ended: false, last_key: Vec::new() }
    }

    /// An error on a line, as Go's library tells it.
    pub(super) fn error_on<T>(&self, line: usize, message: impl AsRef<str>) -> Step<T> {
        let message = message.as_ref();
        Err(ReadError::Said(if self.last_key.is_empty() {
            format!("toml: line {line}: {message}")
        } else {
            format!("toml: line {line} (last key {}): {message}", format::quoted(&self.last_key))
        }))
    }

    /// An error here; at the end of the text it is one of the last line that has letters.
    pub(super) fn error<T>(&self, message: impl AsRef<str>) -> Step<T> {
        let fresh = self.ended && self.at.checked_sub(1).and_then(|before| self.text.get(before)) == Some(&b'\n');
        self.error_on(self.line - usize::from(fresh), message)
    }

    /// An error of the line before.
    pub(super) fn error_before<T>(&self, message: impl AsRef<str>) -> Step<T> {
        self.error_on(self.line.saturating_sub(1), message)
    }

    /// An error of this line, or at the end of the text of the line before.
    pub(super) fn error_at<T>(&self, message: impl AsRef<str>) -> Step<T> {
        self.error_on(self.line.saturating_sub(usize::from(self.ended)), message)
    }

    pub(super) fn place(&self) -> Place {
        Place { at: self.at, line: self.line, ended: self.ended }
    }

    pub(super) fn back_to(&mut self, place: Place) {
        (self.at, self.line, self.ended) = (place.at, place.line, place.ended);
    }

    /// What was read since a place.
    pub(super) fn since(&self, from: Place) -> &'t [u8] {
        self.text.get(from.at..self.at).unwrap_or(&[])
    }

    /// Takes a letter; [`END`] behind the last.
    pub(super) fn next(&mut self) -> Step<char> {
        let rest = self.text.get(self.at..).unwrap_or(&[]);
        let Some(first) = rest.first() else {
            self.ended = true;
            return Ok(END);
        };
        if *first == b'\n' {
            self.line += 1;
        }
        let (Some(letter), width) = format::unicode::first(rest) else {
            return self.error_on(self.line, format!("invalid UTF-8 byte: 0x{first:02x}"));
        };
        let control = letter != '\t' && letter != '\n' && letter != '\r' && (letter < ' ' || letter == '\x7f');
        if control || (letter == '\r' && rest.get(1) != Some(&b'\n')) {
            return self.error_on(self.line, format!("TOML files cannot contain control characters: '0x{:02x}'", u32::from(letter)));
        }
        self.at += width;
        Ok(letter)
    }

    /// Looks at a letter without taking it.
    pub(super) fn peek(&mut self) -> Step<char> {
        let place = self.place();
        let letter = self.next()?;
        self.back_to(place);
        Ok(letter)
    }

    /// Takes a letter if it is this one.
    pub(super) fn accept(&mut self, wanted: char) -> Step<bool> {
        let place = self.place();
        let taken = self.next()? == wanted;
        if !taken {
            self.back_to(place);
        }
        Ok(taken)
    }

    /// Takes letters as long as they are such.
    pub(super) fn take_while(&mut self, such: impl Fn(char) -> bool) -> Step<()> {
        loop {
            let place = self.place();
            if !such(self.next()?) {
                self.back_to(place);
                return Ok(());
            }
        }
    }

    /// Takes spaces and tabs.
    pub(super) fn skip_blanks(&mut self) -> Step<()> {
        self.take_while(is_blank)
    }

    /// Takes the rest of a comment, up to the end of its line.
    pub(super) fn skip_comment(&mut self) -> Step<()> {
        self.take_while(|letter| !is_line_end(letter) && letter != END)
    }
}

pub(super) fn is_blank(letter: char) -> bool {
    matches!(letter, ' ' | '\t')
}

pub(super) fn is_line_end(letter: char) -> bool {
    matches!(letter, '\n' | '\r')
}

/// A letter as an error shows it: in quotes and escaped.
pub(super) fn shown(letter: char) -> String {
    format::quoted_letter(letter, false)
}

/// A letter in quotes as it is, or the end.
pub(super) fn plainly(letter: char) -> String {
    if letter == END { "end of file".to_owned() } else { format!("'{letter}'") }
}
