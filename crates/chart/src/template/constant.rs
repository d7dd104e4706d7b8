//! Number constants: one text is an integer, a float or a complex number, by what it is given to.

use super::lex::Kind;
use crate::format::{self, NumberError};

/// A number as it is written, and as each kind that it can be.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Number {
    pub(super) text: Vec<u8>,
    pub(super) int: Option<i64>,
    pub(super) uint: Option<u64>,
    pub(super) float: Option<f64>,
    pub(super) complex: Option<(f64, f64)>,
}

/// What a number is where no type is asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Ideal {
    Int(i64),
    Float(f64),
    Complex(f64, f64),
    /// Too large for an `int`.
    Overflow,
}

impl Number {
    /// The number of an item, or what is wrong with it.
    pub(super) fn read(text: &[u8], kind: Kind) -> Result<Self, String> {
        let mut number = Self { text: text.to_vec(), ..Self::default() };
        match (kind, text) {
            (Kind::CharConstant, [quote, rest @ ..]) => {
                let letter = format::letter(rest, *quote).ok_or_else(|| NumberError::Syntax.to_string())?;
                if letter.rest != b"'" {
                    return Err(format!("malformed character constant: {}", String::from_utf8_lossy(text)));
                }
                number.int = Some(i64::from(letter.code));
                number.uint = Some(u64::from(letter.code));
                number.float = Some(f64::from(letter.code));
                return Ok(number);
            }
            (Kind::Complex, _) => {
                let (re, im) = pair(text).map_err(str::to_owned)?;
                number.complex(re, im);
                return Ok(number);
            }
            (_, [imaginary @ .., b'i']) => {
                if let Ok(im) = format::parse_float(imaginary) {
                    number.complex(0.0, im);
                    return Ok(number);
                }
            }
            _ => {}
        }
        number.real(text)?;
        Ok(number)
    }

    fn real(&mut self, text: &[u8]) -> Result<(), String> {
        self.uint = format::parse_uint(text, 0).ok();
        self.int = format::parse_int(text, 0).ok();
        if self.int == Some(0) {
            // `-0` is no unsigned number by its syntax, but it is one
            self.uint = Some(0);
        }
        if let Some(int) = self.int {
            self.float = Some(int as f64);
        } else if let Some(uint) = self.uint {
            self.float = Some(uint as f64);
        } else if let Ok(float) = format::parse_float(text) {
            if !text.iter().any(|byte| b".eEpP".contains(byte)) {
                return Err(format!("integer overflow: {}", format::quoted(text)));
            }
            self.float = Some(float);
            self.int = whole(float);
            self.uint = whole_unsigned(float);
        } else {
            return Err(format!("illegal number syntax: {}", format::quoted(text)));
        }
        Ok(())
    }

    fn complex(&mut self, re: f64, im: f64) {
        self.complex = Some((re, im));
        if im == 0.0 {
            self.float = Some(re);
            self.int = whole(re);
            self.uint = whole_unsigned(re);
        }
    }

    /// What it is where no type is asked for: its syntax tells.
    pub(super) fn ideal(&self) -> Option<Ideal> {
        if let Some((re, im)) = self.complex {
            return Some(Ideal::Complex(re, im));
        }
        let hexadecimal = matches!(self.text.as_slice(), [b'0', b'x' | b'X', _, ..]) && !self.text.iter().any(|byte| b"pP".contains(byte));
        let letter = self.text.starts_with(b"'");
        match (self.float, self.int) {
            (Some(float), _) if !hexadecimal && !letter && self.text.iter().any(|byte| b".eEpP".contains(byte)) => {
                Some(Ideal::Float(float))
            }
            (_, Some(int)) => Some(Ideal::Int(int)),
            _ => self.uint.map(|_| Ideal::Overflow),
        }
    }
}

/// A float as an integer, where it is one.
#[allow(clippy::float_cmp, reason = "it is one only if it is exactly that")]
fn whole(float: f64) -> Option<i64> {
    #[allow(clippy::cast_possible_truncation, reason = "what is cut off is compared with what was there")]
    let int = float as i64;
    // a float above the largest integer becomes it in Rust and the smallest in Go, and is neither
    (int as f64 == float && int != i64::MAX).then_some(int)
}

#[allow(clippy::float_cmp, reason = "it is one only if it is exactly that")]
fn whole_unsigned(float: f64) -> Option<u64> {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "what is cut off is compared with what was there")]
    let uint = float as u64;
    (uint as f64 == float && uint != u64::MAX).then_some(uint)
}

/// `1+2i`, as `fmt.Sscan` reads it.
fn pair(text: &[u8]) -> Result<(f64, f64), &'static str> {
    const SYNTAX: &str = "syntax error scanning complex number";
    let text = text.strip_suffix(b"i").ok_or(SYNTAX)?;
    let first_x = text.iter().position(|byte| matches!(byte, b'x' | b'X')).unwrap_or(text.len());
    // the sign of the imaginary part is the last one that belongs to no exponent
    let split = (1..text.len())
        .rev()
        .find(|at| {
            let before = text.get(at - 1).map(u8::to_ascii_lowercase);
            matches!(text.get(*at), Some(b'+' | b'-')) && before != Some(b'p') && (first_x < *at || before != Some(b'e'))
        })
        .ok_or(SYNTAX)?;
    let (re, im) = text.split_at_checked(split).ok_or(SYNTAX)?;
    Ok((format::parse_float(re).map_err(|_| SYNTAX)?, format::parse_float(im).map_err(|_| SYNTAX)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_every_kind_that_its_text_can_be() {
        for (text, kind, ideal) in [
            ("1", Kind::Number, Some(Ideal::Int(1))),
            ("0x1F", Kind::Number, Some(Ideal::Int(31))),
            ("0xE", Kind::Number, Some(Ideal::Int(14))),
            ("1e3", Kind::Number, Some(Ideal::Float(1000.0))),
            ("0x1p4", Kind::Number, Some(Ideal::Float(16.0))),
            ("'a'", Kind::CharConstant, Some(Ideal::Int(97))),
            ("'\\n'", Kind::CharConstant, Some(Ideal::Int(10))),
            ("'e'", Kind::CharConstant, Some(Ideal::Int(101))),
            ("2i", Kind::Number, Some(Ideal::Complex(0.0, 2.0))),
            ("1+2i", Kind::Complex, Some(Ideal::Complex(1.0, 2.0))),
            ("1e+2-2i", Kind::Complex, Some(Ideal::Complex(100.0, -2.0))),
            ("18446744073709551615", Kind::Number, Some(Ideal::Overflow)),
            ("1_000", Kind::Number, Some(Ideal::Int(1000))),
            ("-0", Kind::Number, Some(Ideal::Int(0))),
        ] {
            assert_eq!(Number::read(text.as_bytes(), kind).unwrap().ideal(), ideal, "{text}");
        }
        assert_eq!(Number::read(b"1e3", Kind::Number).unwrap().int, Some(1000));
        assert_eq!(Number::read(b"99999999999999999999", Kind::Number).unwrap_err(), "integer overflow: \"99999999999999999999\"");
        assert_eq!(Number::read(b"089", Kind::Number).unwrap_err(), "integer overflow: \"089\"");
        assert_eq!(Number::read(b"'ab'", Kind::CharConstant).unwrap_err(), "malformed character constant: 'ab'");
    }
}
