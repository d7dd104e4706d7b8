//! How a scalar may be written: what its letters allow.

use super::{
    bytes::{is_blank, is_blankz, is_break, width},
    order::Generation,
};

/// What a scalar's letters allow.
#[allow(clippy::struct_excessive_bools, reason = "each is a question of its own")]
#[derive(Clone, Copy, Debug)]
pub(super) struct Allowed {
    pub multiline: bool,
    pub plain: bool,
    pub single_quoted: bool,
    pub block: bool,
}

/// What was seen in a scalar.
#[allow(clippy::struct_excessive_bools, reason = "each is a question of its own")]
#[derive(Default)]
struct Seen {
    indicators: bool,
    breaks: bool,
    special: bool,
    tabs: bool,
    blank_edge: bool,
    trailing_space: bool,
    /// A space behind a line break.
    break_space: bool,
    /// A line break behind a space.
    space_break: bool,
}

/// Whether the letter that begins here can be written as it is.
pub(super) fn is_printable(at: &[u8]) -> bool {
    match at {
        [0x0A | 0x20..=0x7E, ..] => true,
        [0xC2, next, ..] => *next >= 0xA0,
        [0xED, next, ..] => *next < 0xA0,
        [0xEF, 0xBB, 0xBF, ..] | [0xEF, 0xBF, 0xBE | 0xBF, ..] => false,
        [0xC3..=0xEF, ..] => true,
        _ => false,
    }
}

/// Looks at every letter of a scalar.
pub(super) fn analyze(value: &[u8], generation: Generation) -> Allowed {
    if value.is_empty() {
        return Allowed { multiline: false, plain: true, single_quoted: true, block: false };
    }
    let seen = look(value, generation);
    let unquotable = seen.space_break || seen.special || seen.tabs;
    Allowed {
        multiline: seen.breaks,
        plain: !(seen.blank_edge || seen.break_space || unquotable || seen.breaks || seen.indicators),
        single_quoted: !(seen.break_space || unquotable),
        block: !(seen.trailing_space || seen.space_break || seen.special),
    }
}

fn look(value: &[u8], generation: Generation) -> Seen {
    let mut seen = Seen { indicators: value.starts_with(b"---") || value.starts_with(b"..."), ..Seen::default() };
    let (mut after_blank, mut after_space, mut after_break) = (true, false, false);
    let mut at = 0;
    while let Some(rest @ [first, ..]) = value.get(at..) {
        let word = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
        if word > 0 {
            // letters and digits allow everything, wherever they stand
            (after_blank, after_space, after_break) = (false, false, false);
            at += word;
            continue;
        }
        let next = rest.get(width(*first)..).unwrap_or(&[]);
        let before_blank = next.first().is_none_or(|byte| is_blank(*byte));
        seen.indicators |= match first {
            b',' | b'[' | b']' | b'{' | b'}' | b'&' | b'*' | b'!' | b'|' | b'>' | b'\'' | b'"' | b'%' | b'@' | b'`' => at == 0,
            b'?' | b'-' => at == 0 && before_blank,
            b':' => before_blank,
            b'#' => at == 0 || after_blank,
            _ => false,
        };
        if *first == b'\t' && generation == Generation::Third {
            seen.tabs = true;
        } else if !is_printable(rest) {
            seen.special = true;
        }
        let edge = at == 0 || next.is_empty();
        (after_space, after_break) = if *first == b' ' {
            seen.blank_edge |= edge;
            seen.trailing_space |= next.is_empty();
            seen.break_space |= after_break;
            (true, false)
        } else if is_break(rest) {
            seen.breaks = true;
            seen.blank_edge |= edge;
            seen.space_break |= after_space;
            (false, true)
        } else {
            (false, false)
        };
        after_blank = is_blankz(rest);
        at += width(*first);
    }
    seen
}

/// Whether a text looks like a number in base 60, which YAML 1.1 has: `[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?`
pub(super) fn is_base_60(text: &[u8]) -> bool {
    let unsigned = text.strip_prefix(b"+").or_else(|| text.strip_prefix(b"-")).unwrap_or(text);
    let mut parts = unsigned.split(|byte| *byte == b':');
    let Some([first, more @ ..]) = parts.next() else { return false };
    let digits = |text: &[u8]| text.iter().all(|byte| byte.is_ascii_digit() || *byte == b'_');
    let mut any = false;
    let rest: Vec<&[u8]> = parts.collect();
    for (place, part) in rest.iter().enumerate() {
        let (part, fraction) = match part.iter().position(|byte| *byte == b'.') {
            Some(point) if place + 1 == rest.len() => part.split_at(point),
            _ => (*part, &b""[..]),
        };
        any = match part {
            [digit] => digit.is_ascii_digit(),
            [b'0'..=b'5', digit] => digit.is_ascii_digit(),
            _ => false,
        };
        if !any || !digits(fraction.get(1..).unwrap_or(&[])) {
            return false;
        }
    }
    any && first.is_ascii_digit() && digits(more)
}
