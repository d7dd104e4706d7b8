//! Numbers with their nouns, in the sentences that people read.

use std::fmt::Display;

/// `1 error`, `2 errors`: a whole number and a noun whose plural has an `s`.
pub fn counted(number: impl Display, noun: &str) -> String {
    let number = number.to_string();
    let ending = if number == "1" { "" } else { "s" };
    format!("{number} {noun}{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_is_said_without_an_s() {
        assert_eq!(
            [0, 1, 2, 11, 21].map(|number: u32| counted(number, "error")),
            ["0 errors", "1 error", "2 errors", "11 errors", "21 errors"]
        );
    }
}
