//! The order in which the YAML library writes keys: letters by code, digits by number, signs before letters.

use std::ops::Deref;

use crate::format::unicode::{is_digit, is_letter};

/// Which generation of the library orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Generation {
    /// `goyaml.v2`, of `toYaml`.
    Second,
    /// `goyaml.v3`, of `toYamlPretty`: a letter behind equal digits comes first.
    Third,
}

/// Whether the first key stands before the second. This is no order: keys can stand in a circle (`12`, `1a`, `2`).
fn stands_before(one: &str, two: &str, generation: Generation) -> bool {
    let (mut ones, mut twos) = (one.chars(), two.chars());
    let mut same: &str = one;
    let mut digits = false;
    loop {
        let (rest_one, rest_two) = (ones.as_str(), twos.as_str());
        let (a, b) = match (ones.next(), twos.next()) {
            (Some(a), Some(b)) => (a, b),
            (a, b) => return a.is_none() && b.is_some(),
        };
        if a == b {
            digits = is_digit(a);
            continue;
        }
        same = same.get(..one.len() - rest_one.len()).unwrap_or("");
        return match (is_letter(a), is_letter(b)) {
            (true, true) => a < b,
            (true, false) if digits && generation == Generation::Third => true,
            (false, true) if digits && generation == Generation::Third => false,
            (true, false) => false,
            (false, true) => true,
            (false, false) => by_number(same, (a, rest_one), (b, rest_two)),
        };
    }
}

/// Compares what begins with two different letters, of which none is one of the alphabet, behind the same beginning.
fn by_number(same: &str, (a, one): (char, &str), (b, two): (char, &str)) -> bool {
    let mut start = 0_i64;
    if a == '0' || b == '0' {
        // a zero behind another digit is no leading one
        let before = same.chars().rev().take_while(|letter| is_digit(*letter));
        start = i64::from(before.into_iter().any(|letter| letter != '0'));
    }
    let number = |text: &str| {
        text.chars().take_while(|letter| is_digit(*letter)).fold((start, 0_usize), |(number, count), letter| {
            let digit = i64::from(u32::from(letter)) - i64::from(b'0');
            (number.wrapping_mul(10).wrapping_add(digit), count + 1)
        })
    };
    let ((number_one, count_one), (number_two, count_two)) = (number(one), number(two));
    if number_one != number_two {
        return number_one < number_two;
    }
    if count_one != count_two {
        return count_one < count_two;
    }
    a < b
}

/// Brings entries into the library's order. Of equal keys only the last stays.
///
/// The standard library's sorts may panic where "before" is no order, so that it is one of our own that merges.
pub(super) fn sort<K: Deref<Target = str>, T>(entries: Vec<(K, T)>, generation: Generation) -> Vec<(K, T)> {
    // letters stand in the order of their codes
    let lettered = |(key, _): &(K, T)| key.bytes().all(|byte| byte.is_ascii_alphabetic());
    if entries.is_sorted_by(|one, two| *one.0 < *two.0) && entries.iter().all(lettered) {
        return entries;
    }
    merged(entries, generation)
}

fn merged<K: Deref<Target = str>, T>(entries: Vec<(K, T)>, generation: Generation) -> Vec<(K, T)> {
    if entries.len() <= 1 {
        return entries;
    }
    let mut first = entries;
    let second = first.split_off(first.len() / 2);
    let mut ones = merged(first, generation).into_iter().peekable();
    let mut twos = merged(second, generation).into_iter().peekable();
    let mut both: Vec<(K, T)> = Vec::with_capacity(ones.len() + twos.len());
    while let (Some(one), Some(two)) = (ones.peek(), twos.peek()) {
        if *one.0 == *two.0 {
            ones.next();
            continue;
        }
        let next = if stands_before(&two.0, &one.0, generation) { twos.next() } else { ones.next() };
        both.extend(next);
    }
    both.extend(ones);
    both.extend(twos);
    both
}
