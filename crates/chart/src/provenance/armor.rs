//! `OpenPGP` in base64 between two lines (RFC 4880, section 6).

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bstr::ByteSlice;

use crate::functions::encoding::decode64;

const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"-----END ";
const DASHES: &[u8] = b"-----";
/// Longer lines are no armor.
const LONGEST: usize = 96;

/// What an armored block holds.
pub(super) struct Block {
    pub bytes: Vec<u8>,
    /// Whether the checksum, if there is one, is theirs.
    pub is_whole: bool,
}

/// The first armored block whose kind is taken.
pub(super) fn decode(text: &[u8], takes: impl Fn(&[u8]) -> bool) -> Option<Block> {
    let mut lines = text.lines();
    loop {
        let line = lines.next()?.trim();
        let Some(kind) = line.strip_prefix(BEGIN).and_then(|line| line.strip_suffix(DASHES)).filter(|kind| takes(kind)) else { continue };
        // headers are `Key: value`; other lines before the empty one make it no block
        let is_block = lines.by_ref().map(ByteSlice::trim).find(|line| !line.contains_str(b": ")).is_some_and(<[u8]>::is_empty);
        if is_block && !kind.is_empty() {
            return body(lines);
        }
    }
}

fn body<'a>(mut lines: impl Iterator<Item = &'a [u8]>) -> Option<Block> {
    let mut base64 = Vec::new();
    loop {
        let line = lines.next()?;
        if line.starts_with(END) {
            return Some(Block { bytes: decode64(&base64).ok()?, is_whole: true });
        }
        if let [b'=', sum @ ..] = line
            && sum.len() == 4
        {
            let bytes = decode64(&base64).ok()?;
            let expected = decode64(sum).ok()?;
            let is_ended = lines.next().is_some_and(|line| line.starts_with(END));
            let is_whole = checksum(&bytes) == *expected;
            return is_ended.then_some(Block { bytes, is_whole });
        }
        if line.len() > LONGEST {
            return None;
        }
        base64.extend_from_slice(line);
    }
}

/// CRC-24
fn checksum(bytes: &[u8]) -> [u8; 3] {
    let mut sum = 0x00b7_04ce_u32;
    for byte in bytes {
        sum ^= u32::from(*byte) << 16;
        for _ in 0..8 {
            sum <<= 1;
            if sum & 0x0100_0000 != 0 {
                sum ^= 0x0186_4cfb;
            }
        }
    }
    let [_, sum @ ..] = sum.to_be_bytes();
    sum
}

/// Bytes as an armored block, as Go writes it.
pub(super) fn encode(kind: &str, bytes: &[u8]) -> String {
    const LINE: usize = 64;
    let base64 = STANDARD.encode(bytes);
    let mut text = format!("-----BEGIN {kind}-----\n");
    for line in base64.as_bytes().chunks(LINE) {
        text.push('\n');
        text.push_str(&String::from_utf8_lossy(line));
    }
    let sum = STANDARD.encode(checksum(bytes));
    text.push_str(&format!("\n={sum}\n-----END {kind}-----"));
    text
}
