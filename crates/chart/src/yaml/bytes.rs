//! What single bytes and letters mean to YAML.

/// How many bytes the letter has that begins with this one.
pub(super) fn width(first: u8) -> usize {
    match first {
        0xC0..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0..=0xF7 => 4,
        _ => 1,
    }
}

/// A space or a tab.
pub(super) fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// A letter of ASCII that can be seen: no blank, no line break.
pub(super) fn is_seen(byte: u8) -> bool {
    byte.is_ascii_graphic()
}

/// A letter of ASCII that is no line break.
pub(super) fn is_line(byte: u8) -> bool {
    is_seen(byte) || is_blank(byte)
}

/// Whether a line break begins here: CR, LF, NEL, LS or PS.
pub(super) fn is_break(at: &[u8]) -> bool {
    match at.first() {
        Some(b'\r' | b'\n') => true,
        Some(0xC2) => at.get(1) == Some(&0x85),
        Some(0xE2) => matches!(at.get(1..3), Some([0x80, 0xA8 | 0xA9])),
        _ => false,
    }
}

/// A line break, or the end.
pub(super) fn is_breakz(at: &[u8]) -> bool {
    matches!(at.first(), None | Some(0)) || is_break(at)
}

/// A space, a tab, a line break, or the end.
pub(super) fn is_blankz(at: &[u8]) -> bool {
    at.first().is_none_or(|byte| is_blank(*byte)) || is_breakz(at)
}

/// A letter of names: ASCII letters, digits, `_` and `-`.
pub(super) fn is_alpha(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}
