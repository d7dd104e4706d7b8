//! `html`, `js` and `urlquery`.

use crate::{
    budget::Budget,
    format::unicode,
    function::Fault,
    value::{Str, Value},
};

pub(super) fn html(text: &Str, budget: &mut Budget) -> Result<Value, Fault> {
    let text = text.as_bytes();
    budget.make(text.len().saturating_mul(5))?;
    let mut out = Vec::with_capacity(text.len());
    for byte in text {
        match byte {
            0 => out.extend_from_slice("\u{fffd}".as_bytes()),
            b'"' => out.extend_from_slice(b"&#34;"),
            b'\'' => out.extend_from_slice(b"&#39;"),
            b'&' => out.extend_from_slice(b"&amp;"),
            b'<' => out.extend_from_slice(b"&lt;"),
            b'>' => out.extend_from_slice(b"&gt;"),
            _ => out.push(*byte),
        }
    }
    Ok(Value::str(out))
}

pub(super) fn js(text: &Str, budget: &mut Budget) -> Result<Value, Fault> {
    let mut left = text.as_bytes();
    budget.make(left.len().saturating_mul(6))?;
    let mut out = Vec::with_capacity(left.len());
    while let Some(byte) = left.first() {
        let (letter, width) = unicode::first(left);
        let here = left.get(..width).unwrap_or_default();
        match byte {
            b'\\' => out.extend_from_slice(br"\\"),
            b'\'' => out.extend_from_slice(br"\'"),
            b'"' => out.extend_from_slice(br#"\""#),
            0..=0x1f | b'<' | b'>' | b'&' | b'=' => out.extend_from_slice(format!("\\u{byte:04X}").as_bytes()),
            0x80.. => match letter.unwrap_or('\u{fffd}') {
                letter if unicode::is_print(letter) => out.extend_from_slice(here),
                letter => out.extend_from_slice(format!("\\u{:04X}", u32::from(letter)).as_bytes()),
            },
            _ => out.push(*byte),
        }
        left = left.get(width..).unwrap_or_default();
    }
    Ok(Value::str(out))
}

/// `url.QueryEscape`
pub(super) fn url_query(text: &Str, budget: &mut Budget) -> Result<Value, Fault> {
    let text = text.as_bytes();
    budget.make(text.len().saturating_mul(3))?;
    let mut out = Vec::with_capacity(text.len());
    for byte in text {
        match byte {
            b' ' => out.push(b'+'),
            b'-' | b'_' | b'.' | b'~' => out.push(*byte),
            _ if byte.is_ascii_alphanumeric() => out.push(*byte),
            _ => out.extend_from_slice(format!("%{byte:02X}").as_bytes()),
        }
    }
    Ok(Value::str(out))
}
