//! A text that stays readable, with its signature below (RFC 4880, section 7).

use bstr::ByteSlice as _;

use super::armor::{self, Block};

const BEGIN: &[u8] = b"-----BEGIN PGP SIGNED MESSAGE-----";
const SIGNATURE: &[u8] = b"-----BEGIN PGP SIGNATURE-----";
const END: &[u8] = b"\n-----END PGP SIGNATURE-----";

/// A clear-signed message.
pub(super) struct Message {
    /// The text as it is read.
    pub text: Vec<u8>,
    /// The text as it is signed: lines without blanks at their ends, apart by CR and LF.
    pub signed: Vec<u8>,
    /// The packets of the signature.
    pub signature: Block,
}

/// The first line, without its end, and what follows it.
fn line(text: &[u8]) -> (&[u8], &[u8]) {
    match text.split_once_str(b"\n") {
        Some((line, rest)) => (line.strip_suffix(b"\r").unwrap_or(line), rest),
        None => (text, &[]),
    }
}

/// The first message in a text. Its only headers are `Hash`.
pub(super) fn decode(text: &[u8]) -> Option<Message> {
    let start = match text.strip_prefix(BEGIN) {
        Some(rest) => rest,
        None => text.split_once_str(&[b"\n", BEGIN].concat())?.1,
    };
    let (suffix, mut rest) = line(start);
    if !suffix.is_empty() {
        return None;
    }
    loop {
        let (header, after) = line(rest);
        if rest.is_empty() {
            return None;
        }
        rest = after;
        if header.is_empty() {
            break;
        }
        let is_hash = header.split_once_str(b":").is_some_and(|(key, _)| key.trim() == b"Hash");
        if !is_hash || !header.iter().all(|byte| matches!(byte, 0x20..=0x7e)) {
            return None;
        }
    }
    let (mut text, mut signed) = (Vec::new(), Vec::new());
    let mut is_first = true;
    loop {
        let (own, after) = line(rest);
        if own.is_empty() && after.is_empty() {
            return None;
        }
        if own == SIGNATURE {
            break;
        }
        if !std::mem::take(&mut is_first) {
            signed.extend_from_slice(b"\r\n");
        }
        let own = own.strip_prefix(b"- ").unwrap_or(own).trim_end_with(|letter| matches!(letter, ' ' | '\t'));
        signed.extend_from_slice(own);
        text.extend_from_slice(own);
        text.push(b'\n');
        rest = after;
    }
    let end = rest.find(END)? + END.len();
    Some(Message { text, signed, signature: armor::decode(rest.get(..end)?, |_| true)? })
}

/// A text on its way to be signed.
pub(super) struct Unfinished {
    /// The message up to its signature.
    pub text: String,
    /// The text as it is signed.
    pub signed: Vec<u8>,
}

/// The message of a text that is to be signed with SHA-512.
pub(super) fn encode(text: &str) -> Unfinished {
    let mut written = String::from("-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n");
    let mut signed = Vec::new();
    for (at, line) in text.strip_suffix('\n').unwrap_or(text).split('\n').enumerate() {
        let line = line.trim_end_matches([' ', '\t', '\r']);
        if at > 0 {
            signed.extend_from_slice(b"\r\n");
        }
        signed.extend_from_slice(line.as_bytes());
        // what looks like a line of dashes would end the message
        if line.starts_with('-') {
            written.push_str("- ");
        }
        written.push_str(line);
        written.push('\n');
    }
    Unfinished { text: written, signed }
}
