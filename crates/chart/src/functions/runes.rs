//! Go's runes: how a string of bytes that need not be UTF-8 falls into characters, and which are letters.
//!
//! Go steps over each byte that begins no character as one rune of its own, U+FFFD. Its tables are those of Unicode 15.0, and its
//! case mapping gives one rune for one.

use std::sync::LazyLock;

use crate::format::unicode;
pub use crate::format::unicode::{is_digit, is_letter};
use regex_syntax::hir::{Class, ClassUnicode, HirKind};

/// What a byte that begins no character counts as.
pub const BROKEN: char = char::REPLACEMENT_CHARACTER;

/// The first rune, and how many bytes it takes.
pub fn first(bytes: &[u8]) -> Option<(char, usize)> {
    match unicode::first(bytes) {
        (_, 0) => None,
        (rune, length) => Some((rune.unwrap_or(BROKEN), length)),
    }
}

/// The last rune, and how many bytes it takes.
pub fn last(bytes: &[u8]) -> Option<(char, usize)> {
    let end = bytes.len().checked_sub(1)?;
    for start in (end.saturating_sub(3)..=end).rev() {
        let tail = bytes.get(start..)?;
        if let Some((rune, length)) = first(tail)
            && length == tail.len()
            && (length > 1 || start == end && rune != BROKEN)
        {
            return Some((rune, length));
        }
    }
    Some((BROKEN, 1))
}

/// Each rune and the bytes that it takes.
pub struct Runes<'a>(pub &'a [u8]);

impl<'a> Iterator for Runes<'a> {
    type Item = (char, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (rune, length) = first(self.0)?;
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some((rune, taken))
    }
}

/// Only the runes.
pub fn runes(bytes: &[u8]) -> impl Iterator<Item = char> {
    Runes(bytes).map(|(rune, _)| rune)
}

/// The text of these runes.
pub fn encoded(runes: impl IntoIterator<Item = char>) -> Vec<u8> {
    runes.into_iter().collect::<String>().into_bytes()
}

/// `unicode.ToUpper`.
pub fn upper(rune: char) -> char {
    match rune {
        '\u{1f80}'..='\u{1f87}' | '\u{1f90}'..='\u{1f97}' | '\u{1fa0}'..='\u{1fa7}' => moved(rune, 8),
        '\u{1fb3}' | '\u{1fc3}' | '\u{1ff3}' => moved(rune, 9),
        _ => single(rune, rune.to_uppercase()),
    }
}

/// `unicode.ToLower`.
pub fn lower(rune: char) -> char {
    if rune == '\u{130}' { 'i' } else { single(rune, rune.to_lowercase()) }
}

/// `unicode.ToTitle`.
pub fn title(rune: char) -> char {
    match rune {
        '\u{1c4}'..='\u{1c6}' => '\u{1c5}',
        '\u{1c7}'..='\u{1c9}' => '\u{1c8}',
        '\u{1ca}'..='\u{1cc}' => '\u{1cb}',
        '\u{1f1}'..='\u{1f3}' => '\u{1f2}',
        // Georgian has capitals, but no titles
        '\u{10d0}'..='\u{10ff}' => rune,
        _ => upper(rune),
    }
}

fn moved(rune: char, by: u32) -> char {
    char::from_u32(u32::from(rune) + by).unwrap_or(rune)
}

/// The one rune of a case mapping; the rune itself where there are more, or where a later Unicode has paired it.
fn single(rune: char, mut mapped: impl Iterator<Item = char>) -> char {
    match (mapped.next(), mapped.next()) {
        (Some(other), None) if !is_newly_paired(rune) && !is_newly_paired(other) => other,
        _ => rune,
    }
}

fn is_newly_paired(rune: char) -> bool {
    matches!(rune,
        '\u{1c89}'..='\u{1c8a}'
        | '\u{a7cb}'..='\u{a7cf}'
        | '\u{a7d2}'..='\u{a7d5}'
        | '\u{a7da}'..='\u{a7dc}'
        | '\u{10d50}'..='\u{10d85}'
        | '\u{16ea0}'..='\u{16ed3}')
}

/// `unicode.IsUpper`: the category Lu.
pub fn is_upper(rune: char) -> bool {
    static CLASS: LazyLock<ClassUnicode> = LazyLock::new(|| category("Lu"));
    if rune.is_ascii() { rune.is_ascii_uppercase() } else { holds(&CLASS, rune) }
}

/// `unicode.IsLower`: the category Ll.
pub fn is_lower(rune: char) -> bool {
    static CLASS: LazyLock<ClassUnicode> = LazyLock::new(|| category("Ll"));
    if rune.is_ascii() { rune.is_ascii_lowercase() } else { holds(&CLASS, rune) }
}

/// `unicode.IsTitle`: the category Lt.
pub fn is_title(rune: char) -> bool {
    static CLASS: LazyLock<ClassUnicode> = LazyLock::new(|| category("Lt"));
    !rune.is_ascii() && holds(&CLASS, rune)
}

/// `unicode.IsNumber`: the category N.
pub fn is_number(rune: char) -> bool {
    static CLASS: LazyLock<ClassUnicode> = LazyLock::new(|| category("N"));
    if rune.is_ascii() { rune.is_ascii_digit() } else { holds(&CLASS, rune) }
}

/// `unicode.IsPunct`: the category P.
pub fn is_punctuation(rune: char) -> bool {
    static CLASS: LazyLock<ClassUnicode> = LazyLock::new(|| category("P"));
    holds(&CLASS, rune)
}

/// `unicode.IsSpace`.
pub fn is_space(rune: char) -> bool {
    rune.is_whitespace()
}

fn category(name: &str) -> ClassUnicode {
    class_of(&format!(r"[\p{{{name}}}&&\p{{age:15.0}}]")).unwrap_or_else(ClassUnicode::empty)
}

/// The class that an expression of one class stands for.
pub fn class_of(expression: &str) -> Option<ClassUnicode> {
    match regex_syntax::Parser::new().parse(expression).ok()?.into_kind() {
        HirKind::Class(Class::Unicode(class)) => Some(class),
        _ => None,
    }
}

fn holds(class: &ClassUnicode, rune: char) -> bool {
    let ranges = class.ranges();
    let at = ranges.partition_point(|range| range.end() < rune);
    ranges.get(at).is_some_and(|range| range.start() <= rune)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_that_begins_no_character_is_a_rune_of_its_own() {
        assert_eq!(runes(b"a\xff\xe4\xb8b").collect::<Vec<_>>(), ['a', BROKEN, BROKEN, BROKEN, 'b']);
        assert_eq!(last(b"a\xe4\xb8"), Some((BROKEN, 1)));
        assert_eq!(last("aé".as_bytes()), Some(('é', 2)));
        assert_eq!(last("\u{fffd}".as_bytes()), Some((BROKEN, 3)));
        assert_eq!(last(b""), None);
    }

    #[test]
    fn case_maps_one_rune_to_one() {
        assert_eq!([upper('ß'), upper('ᾳ'), upper('ǆ'), title('ǆ'), lower('İ'), upper('\u{19b}')], ['ß', 'ᾼ', 'Ǆ', 'ǅ', 'i', '\u{19b}']);
    }

    #[test]
    fn letters_are_those_of_unicode_15() {
        assert!(is_letter('é') && is_letter('中') && !is_letter('\u{1c89}') && !is_letter('Ⅷ'));
        assert!(
            is_upper('É')
                && is_lower('é')
                && is_title('ǅ')
                && is_number('Ⅷ')
                && is_digit('٣')
                && is_punctuation('—')
                && !is_punctuation('+')
        );
    }
}
