//! The digits of whole numbers, with what a format asks for before and behind them.

use super::{printer::Flags, unicode};

/// A whole number in a radix, with its sign, its prefix and as many zeros as are asked for.
pub(super) fn digits(number: u64, radix: u32, signed: bool, verb: char, flags: Flags) -> String {
    let negative = signed && number.cast_signed() < 0;
    let number = if negative { number.wrapping_neg() } else { number };
    let least = match (flags.precision, flags.width) {
        // nothing but the width is printed
        (Some(0), _) if number == 0 => return String::new(),
        (Some(precision), _) => precision,
        // zeros up to the width, less the room of the sign
        (None, Some(width)) if flags.zero && !flags.minus => width - usize::from(width > 0 && (negative || flags.plus || flags.space)),
        _ => 0,
    };
    let digits = match radix {
        2 => format!("{number:b}"),
        8 => format!("{number:o}"),
        16 if verb == 'X' => format!("{number:X}"),
        16 => format!("{number:x}"),
        _ => number.to_string(),
    };
    let digits = format!("{}{digits}", "0".repeat(least.saturating_sub(digits.len())));
    let prefix = match radix {
        2 if flags.sharp => "0b",
        8 if verb == 'O' && flags.sharp && !digits.starts_with('0') => "0o0",
        8 if verb == 'O' => "0o",
        8 if flags.sharp && !digits.starts_with('0') => "0",
        16 if flags.sharp && verb == 'X' => "0X",
        16 if flags.sharp => "0x",
        _ => "",
    };
    let sign = match (negative, flags.plus, flags.space) {
        (true, ..) => "-",
        (_, true, _) => "+",
        (.., true) => " ",
        _ => "",
    };
    format!("{sign}{prefix}{digits}")
}

/// `%U`: `U+0078`, and `U+0078 'x'` with `#`.
pub(super) fn code_point(number: u64, flags: Flags) -> String {
    let least = flags.precision.unwrap_or(4).max(4);
    let shown = format!("U+{number:0least$X}");
    let drawn = u32::try_from(number).ok().and_then(char::from_u32).filter(|drawn| unicode::is_print(*drawn));
    match drawn {
        Some(_) if flags.sharp => format!("{shown} '{}'", letter(number)),
        _ => shown,
    }
}

/// A float's digits with the point and the zeros that `#` keeps.
pub(super) fn with_point(digits: &str, form: char, precision: Option<usize>) -> String {
    let mut missing = match form {
        'g' | 'G' | 'x' => precision.unwrap_or(6),
        _ => 0,
    };
    let cut = match form {
        'x' | 'X' => digits.find(['p', 'P']),
        _ => digits.find(['e', 'E']),
    };
    let (head, tail) = digits.split_at_checked(cut.unwrap_or(digits.len())).unwrap_or((digits, ""));
    let mut seen = false;
    for digit in head.chars().filter(|digit| *digit != '.') {
        seen |= digit != '0';
        missing -= usize::from(seen && missing > 0);
    }
    let mut out = head.to_owned();
    if !head.contains('.') {
        if head == "0" {
            missing = missing.saturating_sub(1);
        }
        out.push('.');
    }
    out.extend(std::iter::repeat_n('0', missing));
    out.push_str(tail);
    out
}

/// The letter of a number; U+FFFD where there is none.
pub(super) fn letter(number: u64) -> char {
    u32::try_from(number).ok().and_then(char::from_u32).unwrap_or('\u{fffd}')
}
