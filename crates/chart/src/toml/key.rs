//! Keys and quoted texts.

/// Whether a letter may stand in a key without quotes.
pub(super) fn is_bare(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

/// A part of a key, in quotes where it needs them.
pub(super) fn part(out: &mut Vec<u8>, key: &[u8]) {
    if !key.is_empty() && key.iter().all(|byte| is_bare(*byte)) {
        out.extend_from_slice(key);
    } else {
        quoted(out, key);
    }
}

/// A key of several parts.
pub(super) fn path<'k>(out: &mut Vec<u8>, parts: impl IntoIterator<Item = &'k [u8]>) {
    for (place, key) in parts.into_iter().enumerate() {
        if place > 0 {
            out.push(b'.');
        }
        part(out, key);
    }
}

/// A text in double quotes.
pub(super) fn quoted(out: &mut Vec<u8>, text: &[u8]) {
    out.push(b'"');
    for byte in text {
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            0x08 => out.extend_from_slice(b"\\b"),
            b'\t' => out.extend_from_slice(b"\\t"),
            b'\n' => out.extend_from_slice(b"\\n"),
            0x0C => out.extend_from_slice(b"\\f"),
            b'\r' => out.extend_from_slice(b"\\r"),
            0..0x20 | 0x7F => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
            _ => out.push(*byte),
        }
    }
    out.push(b'"');
}
