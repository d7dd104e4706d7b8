//! Base64, base32. What cannot be decoded gives the error's text as if it were the answer, as Sprig does.

#[cfg(test)]
mod tests;

use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::{
    function::{Fault, Function, Scope},
    value::{Value, types},
};

/// The functions of this file.
pub const FUNCTIONS: &[Function] = &[
    Function { name: "b32dec", takes: &[&types::STRING], rest: None, call: b32dec },
    Function { name: "b32enc", takes: &[&types::STRING], rest: None, call: b32enc },
    Function { name: "b64dec", takes: &[&types::STRING], rest: None, call: b64dec },
    Function { name: "b64enc", takes: &[&types::STRING], rest: None, call: b64enc },
];

/// Which byte of a text is not what it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Corrupt {
    /// Of base64.
    #[error("illegal base64 data at input byte {0}")]
    Base64(usize),
    /// Of base32, newlines not counted.
    #[error("illegal base32 data at input byte {0}")]
    Base32(usize),
}

const LETTERS32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// Base64 with padding; newlines in it do not matter. As Go's `base64.StdEncoding` reads it, with its idea of where the fault is.
pub fn decode64(text: &[u8]) -> Result<Vec<u8>, Corrupt> {
    let mut decoded = Vec::with_capacity(text.len() / 4 * 3 + 3);
    let (mut bits, mut digits) = (0_u32, 0_usize);
    for (place, byte) in text.iter().enumerate() {
        let digit = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b'\n' | b'\r' => continue,
            b'=' if digits >= 2 => {
                check_padding(text, place, digits)?;
                let [_, first, second, _] = (bits << (6 * (4 - digits))).to_be_bytes();
                decoded.push(first);
                if digits == 3 {
                    decoded.push(second);
                }
                return Ok(decoded);
            }
            _ => return Err(Corrupt::Base64(place)),
        };
        bits = bits << 6 | u32::from(digit);
        digits += 1;
        if digits == 4 {
            let [_, letters @ ..] = bits.to_be_bytes();
            decoded.extend(letters);
            (bits, digits) = (0, 0);
        }
    }
    if digits == 0 { Ok(decoded) } else { Err(Corrupt::Base64(text.len() - digits)) }
}

/// After the first `=`: the second where one is due, and nothing but newlines.
fn check_padding(text: &[u8], first: usize, digits: usize) -> Result<(), Corrupt> {
    let mut after = text.iter().enumerate().skip(first + 1).filter(|(_, byte)| !matches!(byte, b'\n' | b'\r'));
    if digits == 2 {
        match after.next() {
            None => return Err(Corrupt::Base64(text.len())),
            Some((_, b'=')) => {}
            Some((place, _)) => return Err(Corrupt::Base64(place - 1)),
        }
    }
    after.next().map_or(Ok(()), |(place, _)| Err(Corrupt::Base64(place)))
}

/// Base32 with padding.
pub fn encode32(bytes: &[u8]) -> Vec<u8> {
    let mut encoded = Vec::with_capacity(bytes.len().div_ceil(5) * 8);
    for five in bytes.chunks(5) {
        let bits = five.iter().fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte)) << (8 * (5 - five.len()));
        let digits = (five.len() * 8).div_ceil(5);
        for place in 0..8 {
            let digit = (bits >> (35 - 5 * place) & 31) as usize;
            encoded.push(if place < digits { LETTERS32.get(digit).copied().unwrap_or(b'=') } else { b'=' });
        }
    }
    encoded
}

/// Base32 with padding, as Go's `base32.StdEncoding` reads it. Some letters after the padding pass unseen.
pub fn decode32(text: &[u8]) -> Result<Vec<u8>, Corrupt> {
    let text: Vec<u8> = text.iter().copied().filter(|byte| !matches!(byte, b'\n' | b'\r')).collect();
    let mut decoded = Vec::with_capacity(text.len() / 8 * 5 + 5);
    let (mut bits, mut digits) = (0_u64, 0_usize);
    for (place, byte) in text.iter().enumerate() {
        let rest = text.get(place + 1..).unwrap_or_default();
        if *byte == b'=' && digits >= 2 && rest.len() < 8 {
            if rest.len() + digits < 7 {
                return Err(Corrupt::Base32(text.len()));
            }
            if let Some(other) = rest.iter().take(7 - digits).position(|byte| *byte != b'=') {
                return Err(Corrupt::Base32(place + other));
            }
            if matches!(digits, 3 | 6) {
                return Err(Corrupt::Base32(place));
            }
            let [_, _, _, letters @ ..] = (bits << (5 * (8 - digits))).to_be_bytes();
            decoded.extend(letters.iter().take(digits * 5 / 8));
            return Ok(decoded);
        }
        let digit = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'2'..=b'7' => byte - b'2' + 26,
            _ => return Err(Corrupt::Base32(place)),
        };
        bits = bits << 5 | u64::from(digit);
        digits += 1;
        if digits == 8 {
            let [_, _, _, letters @ ..] = bits.to_be_bytes();
            decoded.extend(letters);
            (bits, digits) = (0, 0);
        }
    }
    if digits == 0 { Ok(decoded) } else { Err(Corrupt::Base32(text.len() - digits)) }
}

/// The one text, and room for an answer of at most so many eighths of it.
fn text<'a>(scope: &mut Scope<'_>, arguments: &'a [Value], eighths: usize) -> Result<&'a [u8], Fault> {
    let [Value::Str(text)] = arguments else { return Ok(b"") };
    scope.budget.scan(text.len())?;
    scope.budget.make(text.len() / 8 * eighths + 16)?;
    Ok(text.as_bytes())
}

fn b64enc(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    Ok(Value::str(STANDARD.encode(text(scope, arguments, 11)?)))
}

fn b64dec(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    let decoded = decode64(text(scope, arguments, 8)?);
    Ok(decoded.map_or_else(|corrupt| Value::str(corrupt.to_string()), Value::str))
}

fn b32enc(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    Ok(Value::str(encode32(text(scope, arguments, 13)?)))
}

fn b32dec(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    let decoded = decode32(text(scope, arguments, 16)?);
    Ok(decoded.map_or_else(|corrupt| Value::str(corrupt.to_string()), Value::str))
}
