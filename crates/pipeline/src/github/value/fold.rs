//! Text without its case, as .NET's ordinal comparison has it: character by character, whatever the language.

use std::cmp::Ordering;

/// A character's upper case where that is one character. The dotless `ı` and the long `ſ` stay as they are, so that nothing
/// becomes an ASCII letter.
fn upper(c: char) -> char {
    if c.is_ascii() {
        return c.to_ascii_uppercase();
    }
    match c {
        'ı' | 'ſ' => c,
        // these have an upper case of one character (with the iota beside) and one of two
        '\u{1f80}'..='\u{1f87}' | '\u{1f90}'..='\u{1f97}' | '\u{1fa0}'..='\u{1fa7}' => shifted(c, 8),
        '\u{1fb3}' | '\u{1fc3}' | '\u{1ff3}' => shifted(c, 9),
        _ => {
            let mut upper = c.to_uppercase();
            match (upper.next(), upper.next()) {
                (Some(one), None) => one,
                _ => c,
            }
        }
    }
}

fn shifted(c: char, by: u32) -> char {
    char::from_u32(u32::from(c) + by).unwrap_or(c)
}

/// A form that is the same for all that [`same`] takes for one.
pub(crate) fn folded(text: &str) -> String {
    if text.is_ascii() { text.to_ascii_uppercase() } else { text.chars().map(upper).collect() }
}

/// Whether two texts are the same but for their case.
pub(crate) fn same(a: &str, b: &str) -> bool {
    if a.is_ascii() && b.is_ascii() {
        return a.eq_ignore_ascii_case(b);
    }
    a.chars().map(upper).eq(b.chars().map(upper))
}

/// Their order: that of their UTF-16 units.
pub(crate) fn order(a: &str, b: &str) -> Ordering {
    let units = |text: &str| text.chars().map(upper).flat_map(|c| c.encode_utf16(&mut [0; 2]).to_vec()).collect::<Vec<u16>>();
    if a.is_ascii() && b.is_ascii() {
        return a.bytes().map(|b| b.to_ascii_uppercase()).cmp(b.bytes().map(|b| b.to_ascii_uppercase()));
    }
    units(a).cmp(&units(b))
}

/// Whether the one is somewhere in the other.
pub(crate) fn contains(text: &str, part: &str) -> bool {
    folded(text).contains(&folded(part))
}

/// Whether the one begins with the other.
pub(crate) fn starts(text: &str, part: &str) -> bool {
    let mut text = text.chars();
    part.chars().all(|c| text.next().is_some_and(|other| upper(other) == upper(c)))
}

/// Whether the one ends with the other.
pub(crate) fn ends(text: &str, part: &str) -> bool {
    let mut text = text.chars().rev();
    part.chars().rev().all(|c| text.next().is_some_and(|other| upper(other) == upper(c)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_differ_in_case_alone_are_one() {
        for (a, b) in [("straße", "STRAßE"), ("ς", "Σ"), ("σ", "ς"), ("ü", "Ü"), ("дом", "ДОМ"), ("ᾳ", "ᾼ"), ("𐐨", "𐐀"), ("ǆ", "ǅ")]
        {
            assert!(same(a, b) && starts(b, a) && ends(a, b) && contains(a, b), "{a} {b}");
            assert_eq!(order(a, b), Ordering::Equal, "{a} {b}");
        }
    }

    #[test]
    fn no_other_letters_are_one() {
        for (a, b) in [("ß", "SS"), ("ı", "I"), ("ı", "i"), ("İ", "i"), ("ſ", "S"), ("\u{212a}", "k"), ("ﬁ", "FI"), ("a", "ä")] {
            assert!(!same(a, b) && !starts(a, b) && !ends(a, b) && !contains(a, b), "{a} {b}");
            assert_ne!(order(a, b), Ordering::Equal, "{a} {b}");
        }
    }

    #[test]
    fn the_order_is_that_of_utf_16() {
        // the first takes two units from 0xd800 on, and stands before the second for that
        assert_eq!(order("\u{1f600}", "\u{ff21}"), Ordering::Less);
        assert_eq!(order("B", "a"), Ordering::Greater);
        assert_eq!(order("a", "_"), Ordering::Less);
    }
}
