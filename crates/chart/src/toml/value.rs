//! Values: which one begins, and what a number or a time means.

use std::rc::Rc;

use super::{
    cursor::{END, Place, Step, shown},
    read::{Item, Reader},
    scalar::Scalar,
};
use crate::{format, functions::dates, value::Value};

impl Reader<'_, '_> {
    pub(super) fn value(&mut self, in_array: bool) -> Step<Item> {
        self.budget.step(1)?;
        self.budget.make(size_of::<Item>())?;
        // what an error would name is written anew for each key, some times over
        self.budget.scan(self.cursor.last_key.len().saturating_mul(8))?;
        self.cursor.skip_blanks()?;
        let start = self.cursor.place();
        match self.cursor.next()? {
            '[' => self.array(),
            '{' => self.inline_table(in_array),
            letter => self.plain(letter, start),
        }
    }

    /// A value that holds no others, of which the first letter was taken.
    fn plain(&mut self, letter: char, start: Place) -> Step<Item> {
        let after = self.cursor.place();
        let scalar = match letter {
            '0'..='9' => {
                self.cursor.back_to(start);
                self.cursor.number_or_time()?
            }
            '"' | '\'' => Scalar::Text(self.cursor.text(letter, true)?),
            '.' => return self.cursor.error("floats must start with a digit, not '.'"),
            '-' | '+' => self.cursor.signed(start)?,
            'i' | 'n' if self.is_special()? => Scalar::Float(self.cursor.since(start)),
            letter if format::unicode::is_letter(letter) => {
                // what was taken in the hope of `inf` or `nan` is given back but for one letter
                let taken = self.cursor.since(after).len();
                let mut place = start;
                self.cursor.back_to(start);
                for _ in 0..taken {
                    self.cursor.next()?;
                    place = self.cursor.place();
                }
                self.cursor.back_to(place);
                self.cursor.word()?
            }
            END => return self.cursor.error("unexpected EOF; expected value"),
            letter => {
                let message = format!("expected value but found {} instead", shown(letter));
                return if letter == '\n' { self.cursor.error_before(message) } else { self.cursor.error(message) };
            }
        };
        self.scalar(scalar).map(Item::Plain)
    }

    /// Whether `inf` or `nan` follows, of which the first letter was taken.
    fn is_special(&mut self) -> Step<bool> {
        Ok((self.cursor.accept('n')? && self.cursor.accept('f')?) || (self.cursor.accept('a')? && self.cursor.accept('n')?))
    }

    fn scalar(&mut self, scalar: Scalar<'_>) -> Step<Value> {
        Ok(match scalar {
            Scalar::Text(text) => {
                self.budget.make(text.len())?;
                Value::str(text)
            }
            Scalar::Bool(it) => Value::Bool(it),
            Scalar::Integer(text) => self.integer(text)?,
            Scalar::Float(text) => self.float(text)?,
            Scalar::Time(text) => {
                let text = String::from_utf8_lossy(text).replace('z', "Z").replace(['t', ' '], "T");
                match dates::from_toml(&text, self.now) {
                    Some(time) => Value::Time(Rc::new(time)),
                    None => {
                        let text = format::quoted(text.as_bytes());
                        return self.cursor.error_on(self.cursor.line, format!("invalid datetime: {text}"));
                    }
                }
            }
        })
    }

    fn number_error<T>(&self, kind: &str, text: &[u8], rest: &str) -> Step<T> {
        self.cursor.error_on(self.cursor.line, format!("Invalid {kind} {}: {rest}", format::quoted(text)))
    }

    fn integer(&self, text: &[u8]) -> Step<Value> {
        if !underscores_fit(text) {
            return self.number_error("integer", text, "underscores must be surrounded by digits");
        }
        if has_leading_zero(text) {
            return self.number_error("integer", text, "cannot have leading zeroes");
        }
        match format::parse_int(text, 0) {
            Ok(number) => Ok(Value::int64(number)),
            Err(_) => {
                let text = String::from_utf8_lossy(text);
                self.cursor.error_on(self.cursor.line, format!("{text} is out of range for int64"))
            }
        }
    }

    fn float(&self, text: &[u8]) -> Step<Value> {
        let is_part_end = |byte: &u8| matches!(byte, b'.' | b'e' | b'E');
        let mut parts = text.split(is_part_end).filter(|part| !part.is_empty());
        if !parts.clone().all(underscores_fit) {
            return self.number_error("float", text, "underscores must be surrounded by digits");
        }
        if parts.next().is_some_and(has_leading_zero) {
            return self.number_error("float", text, "cannot have leading zeroes");
        }
        let lonely = |(place, byte): (usize, &u8)| *byte == b'.' && !text.get(place + 1).is_some_and(u8::is_ascii_digit);
        if text.iter().enumerate().any(lonely) {
            return self.number_error("float", text, "'.' must be followed by one or more digits");
        }
        let digits = String::from_utf8_lossy(text).replace('_', "");
        let line = self.cursor.line;
        match digits.as_str() {
            "nan" | "+nan" => return Ok(Value::Float(f64::NAN)),
            "-nan" => return Ok(Value::Float(-f64::NAN)),
            "inf" | "+inf" => return Ok(Value::Float(f64::INFINITY)),
            "-inf" => return Ok(Value::Float(f64::NEG_INFINITY)),
            _ => {}
        }
        let number = digits.bytes().any(|byte| byte.is_ascii_digit()).then(|| digits.parse::<f64>());
        match number {
            Some(Ok(number)) if number.is_finite() => Ok(Value::Float(number)),
            Some(Ok(_)) => self.cursor.error_on(line, format!("{} is out of range for float64", String::from_utf8_lossy(text))),
            _ => self.cursor.error_on(line, format!("Invalid float value: {}", format::quoted(text))),
        }
    }
}

/// Whether each underscore stands behind a digit, of any base, and none at the end.
fn underscores_fit(text: &[u8]) -> bool {
    if matches!(text, b"nan" | b"+nan" | b"-nan" | b"inf" | b"+inf" | b"-inf") {
        return true;
    }
    let mut digit = false;
    for byte in text {
        if *byte == b'_' && !digit {
            return false;
        }
        digit = byte.is_ascii_hexdigit();
    }
    digit
}

fn has_leading_zero(text: &[u8]) -> bool {
    match text {
        [b'0', mark, ..] => !matches!(mark, b'b' | b'o' | b'x'),
        [b'-' | b'+', b'0', _, ..] => true,
        _ => false,
    }
}
