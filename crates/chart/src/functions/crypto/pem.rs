//! PEM: DER in base64 between two lines, read as leniently as Go's `encoding/pem` reads it.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bstr::ByteSlice as _;

use crate::functions::encoding::decode64;

const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"\n-----END ";
const DASHES: &[u8] = b"-----";
const LINE: usize = 64;

/// A block.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Block<'a> {
    /// What follows `BEGIN`.
    pub kind: &'a [u8],
    /// The decoded bytes.
    pub bytes: Vec<u8>,
}

/// Writes a block, in lines of 64 letters.
pub(super) fn encode(kind: &str, bytes: &[u8]) -> String {
    let base64 = STANDARD.encode(bytes);
    let mut written = format!("-----BEGIN {kind}-----\n");
    for line in base64.as_bytes().chunks(LINE) {
        written.push_str(&String::from_utf8_lossy(line));
        written.push('\n');
    }
    written + "-----END " + kind + "-----\n"
}

/// The first block that is whole. Text around it does not matter, nor do blocks that are not whole, nor headers.
pub(super) fn decode(text: &[u8]) -> Option<Block<'_>> {
    let mut rest = text;
    loop {
        let end = rest.find(END)?;
        let after_end = rest.get(end + END.len()..)?;
        match block(rest.get(..end)?, rest, after_end) {
            Found::Block(block) => return Some(block),
            Found::Nothing => return None,
            Found::Broken => rest = after_end,
        }
    }
}

enum Found<'a> {
    Block(Block<'a>),
    /// Not a block, but one may follow.
    Broken,
    /// The text ends in a header.
    Nothing,
}

/// The block that ends where `before` does; `text` goes on beyond it, and what follows `-----END ` is `after`.
fn block<'a>(before: &'a [u8], text: &'a [u8], after: &'a [u8]) -> Found<'a> {
    let Some(begin) = before.rfind(BEGIN) else { return Found::Broken };
    if begin > 0 && before.get(begin - 1) != Some(&b'\n') {
        return Found::Broken;
    }
    let start = begin + BEGIN.len();
    let (line, used) = line(text.get(start..).unwrap_or_default());
    let Some(kind) = line.strip_suffix(DASHES) else { return Found::Broken };
    let Some(body) = headers_end(text, start + used) else { return Found::Nothing };
    // without headers, the newline of the first line may be the one that the last begins with
    let has_headers = body > start + used;
    if has_headers && body > before.len() {
        return Found::Broken;
    }
    let Some(rest_of_line) = after.strip_prefix(kind).and_then(|after| after.strip_prefix(DASHES)) else { return Found::Broken };
    if !self::line(rest_of_line).0.is_empty() {
        return Found::Broken;
    }
    let base64: Vec<u8> = before.get(body..).unwrap_or_default().iter().copied().filter(|byte| !matches!(byte, b' ' | b'\t')).collect();
    match decode64(&base64) {
        Ok(bytes) => Found::Block(Block { kind, bytes }),
        Err(_) => Found::Broken,
    }
}

/// Where the lines `Key: value` from here on end; none when the text does.
fn headers_end(text: &[u8], mut at: usize) -> Option<usize> {
    loop {
        let rest = text.get(at..).filter(|rest| !rest.is_empty())?;
        let (line, used) = line(rest);
        if !line.contains(&b':') {
            return Some(at);
        }
        at += used;
    }
}

/// The first line without its end and the blanks before that, and how many bytes it takes.
fn line(text: &[u8]) -> (&[u8], usize) {
    let (line, used) = match text.find_byte(b'\n') {
        Some(end) => (text.get(..end).unwrap_or_default(), end + 1),
        None => (text, text.len()),
    };
    let line = if used > line.len() { line.strip_suffix(b"\r").unwrap_or(line) } else { line };
    (line.trim_end_with(|letter| matches!(letter, ' ' | '\t')), used)
}
