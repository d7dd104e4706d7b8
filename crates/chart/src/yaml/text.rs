//! The text of a document out of its bytes: UTF-8 or UTF-16 as a byte order mark tells, without control characters.

use std::borrow::Cow;

use bstr::ByteSlice as _;

use super::{ReadError, scanner::Text};

/// How many bytes are looked at together: what is wrong in a block is an error before anything in it is.
pub(super) const BLOCK: usize = 512;

pub(super) const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// Bytes that are no text, and the place in the text that is good up to there where their block begins.
pub(super) type Unreadable = Option<(usize, ReadError)>;

/// A document's text, without a byte order mark.
pub(super) struct Decoded<'a> {
    /// It. Where it cannot be read it may stop.
    pub text: Text<'a>,
    pub unreadable: Unreadable,
    /// How long its first block is.
    pub first_block: usize,
}

impl Decoded<'_> {
    /// Whether nothing is wrong with it, and there is no byte order mark inside it.
    pub(super) fn is_plain(&self) -> bool {
        self.unreadable.is_none() && (self.text.is_ascii() || !self.text.contains_str(BYTE_ORDER_MARK))
    }
}

/// The text of a document.
pub(super) fn decode(bytes: &[u8]) -> Decoded<'_> {
    let ((text, unreadable), first_block) = match bytes {
        [0xFF, 0xFE, rest @ ..] => (utf16(rest, u16::from_le_bytes), BLOCK),
        [0xFE, 0xFF, rest @ ..] => (utf16(rest, u16::from_be_bytes), BLOCK),
        [0xEF, 0xBB, 0xBF, rest @ ..] => ((Cow::Borrowed(rest), utf8(rest, BLOCK - 3)), BLOCK - 3),
        _ => ((Cow::Borrowed(bytes), utf8(bytes, BLOCK)), BLOCK),
    };
    Decoded { text, unreadable, first_block }
}

/// Whether YAML takes this letter.
pub(super) fn is_allowed(letter: u32) -> bool {
    matches!(letter, 0x09 | 0x0A | 0x0D | 0x20..=0x7E | 0x85 | 0xA0..=0xD7FF | 0xE000..=0xFFFD | 0x1_0000..=0x10_FFFF)
}

fn utf8(text: &[u8], first_block: usize) -> Unreadable {
    // all of it, without an end in between: so many are looked at together
    if !text.iter().fold(false, |odd, byte| odd | !matches!(byte, b'\t' | b'\n' | b'\r' | b' '..=b'~')) {
        return None;
    }
    if let Ok(text) = std::str::from_utf8(text)
        && text.chars().all(|letter| is_allowed(letter.into()))
    {
        return None;
    }
    let (mut at, mut block, mut block_end) = (0, 0, first_block);
    while let Some(&first) = text.get(at) {
        let width = match first {
            0x00..=0x7F => 1,
            0xC0..=0xDF => 2,
            0xE0..=0xEF => 3,
            0xF0..=0xF7 => 4,
            _ => 0,
        };
        if at + width.max(1) > block_end {
            (block, block_end) = (at, at + BLOCK);
        }
        let problem = match text.get(at..at + width) {
            Some([]) => "invalid leading UTF-8 octet",
            None => {
                return Some((at, ReadError::said("incomplete UTF-8 octet sequence")));
            }
            Some(letter) => match check(letter) {
                Some(problem) => problem,
                None => {
                    at += width;
                    continue;
                }
            },
        };
        return Some((block, ReadError::said(problem)));
    }
    None
}

/// What is wrong with the bytes of one letter.
fn check(letter: &[u8]) -> Option<&'static str> {
    let (first, more) = letter.split_first()?;
    if more.iter().any(|byte| byte & 0xC0 != 0x80) {
        return Some("invalid trailing UTF-8 octet");
    }
    let lead = if more.is_empty() { u32::from(*first) } else { u32::from(*first) & (0x3F >> more.len()) };
    let code = more.iter().fold(lead, |code, byte| (code << 6) + u32::from(byte & 0x3F));
    let least = [0, 0x80, 0x800, 0x1_0000].get(more.len()).copied().unwrap_or(0);
    if code < least {
        Some("invalid length of a UTF-8 sequence")
    } else if matches!(code, 0xD800..=0xDFFF) || code > 0x10_FFFF {
        Some("invalid Unicode character")
    } else if !is_allowed(code) {
        Some("control characters are not allowed")
    } else {
        None
    }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> (Text<'static>, Unreadable) {
    let mut text = Vec::with_capacity(bytes.len());
    let (mut block, mut block_end, mut at) = (0, BLOCK - 2, 0);
    let code = |at: usize| bytes.get(at..at + 2).and_then(|pair| pair.try_into().ok()).map(unit).map(u32::from);
    while at < bytes.len() {
        let first = code(at);
        let width = if matches!(first, Some(0xD800..=0xDBFF)) { 4 } else { 2 };
        if at + width > block_end {
            (block, block_end) = (text.len(), at + BLOCK);
        }
        let problem = match (first, code(at + 2)) {
            (None, _) => return (Cow::Owned(text.clone()), Some((text.len(), ReadError::said("incomplete UTF-16 character")))),
            (Some(0xDC00..=0xDFFF), _) => "unexpected low surrogate area",
            (Some(0xD800..=0xDBFF), None) => {
                return (Cow::Owned(text.clone()), Some((text.len(), ReadError::said("incomplete UTF-16 surrogate pair"))));
            }
            (Some(high @ 0xD800..=0xDBFF), Some(low)) => {
                let letter = 0x1_0000 + ((high & 0x3FF) << 10) + (low & 0x3FF);
                if matches!(low, 0xDC00..=0xDFFF) { push(letter, &mut text) } else { "expected low surrogate area" }
            }
            (Some(letter), _) => push(letter, &mut text),
        };
        if !problem.is_empty() {
            return (Cow::Owned(text), Some((block, ReadError::said(problem))));
        }
        at += width;
    }
    (Cow::Owned(text), None)
}

/// Adds a letter; what is wrong with it otherwise.
fn push(letter: u32, text: &mut Vec<u8>) -> &'static str {
    match char::from_u32(letter).filter(|_| is_allowed(letter)) {
        Some(letter) => {
            text.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
            ""
        }
        None => "control characters are not allowed",
    }
}
