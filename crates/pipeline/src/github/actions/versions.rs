//! Versions, and the ranges in which workflows ask for them (npm's semver).

use std::cmp::Ordering;

/// A version: its numbers, and what follows a `-`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Version {
    pub(super) numbers: [u64; 3],
    before: Option<String>,
}

impl Version {
    /// Reads a version as programs print it: `3.11.2`, `v20.1.0`, `go1.22`, `17.0.9+9`, `3.13.0rc1`.
    pub(super) fn read(text: &str) -> Option<Self> {
        let text = text.trim().trim_start_matches("go").trim_start_matches('v');
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let mut numbers = [0; 3];
        let parts: Vec<&str> = text[..end].trim_end_matches('.').split('.').collect();
        for (at, part) in parts.iter().take(3).enumerate() {
            numbers[at] = part.parse().ok()?;
        }
        let rest = text[end..].split('+').next().unwrap_or_default().trim_start_matches('-');
        Some(Self { numbers, before: (!rest.is_empty()).then(|| rest.to_owned()) })
    }

    /// Whether it comes before a release.
    pub(super) fn is_early(&self) -> bool {
        self.before.is_some()
    }

    /// What follows its numbers; nothing after a release.
    pub(super) fn word(&self) -> &str {
        self.before.as_deref().unwrap_or_default()
    }

    /// As people write it.
    pub(super) fn shown(&self) -> String {
        let numbers = self.numbers.map(|number| number.to_string()).join(".");
        self.before.as_ref().map_or(numbers.clone(), |before| format!("{numbers}-{before}"))
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        // what has a word behind it comes before the release
        let release = |version: &Self| (version.before.is_none(), version.before.clone());
        self.numbers.cmp(&other.numbers).then_with(|| release(self).cmp(&release(other)))
    }
}

/// A range of versions.
#[derive(Clone, Debug)]
pub(super) struct Range(Vec<Vec<Bound>>);

#[derive(Clone, Debug)]
struct Bound {
    from: Version,
    /// What comes before it is in; `None` is without end.
    to: Option<Version>,
}

impl Range {
    /// Reads a range; `None` if it is none.
    pub(super) fn read(text: &str) -> Option<Self> {
        let alternatives: Option<Vec<_>> = text.split("||").map(|part| comparators(part.trim())).collect();
        alternatives.map(Self)
    }

    /// Whether it holds a version. What has a word behind its numbers is held only where nothing else was asked for.
    pub(super) fn holds(&self, version: &Version) -> bool {
        let inside = |bound: &Bound| *version >= bound.from && bound.to.as_ref().is_none_or(|to| version < to);
        self.0.iter().any(|bounds| bounds.iter().all(inside))
    }
}

fn comparators(text: &str) -> Option<Vec<Bound>> {
    if let Some((low, high)) = text.split_once(" - ") {
        return Some(vec![Bound { from: partial(low)?.0, to: Some(above(partial(high)?)) }]);
    }
    // `>= 1.2` is one comparator
    let mut joined = text.to_owned();
    for operator in [">=", "<=", ">", "<", "=", "^", "~"] {
        while joined.contains(&format!("{operator} ")) {
            joined = joined.replace(&format!("{operator} "), operator);
        }
    }
    let words: Vec<&str> = joined.split([' ', ',']).filter(|word| !word.is_empty()).collect();
    if words.is_empty() {
        return Some(vec![Bound { from: zero(), to: None }]);
    }
    words.into_iter().map(comparator).collect()
}

fn zero() -> Version {
    Version { numbers: [0; 3], before: None }
}

fn comparator(word: &str) -> Option<Bound> {
    let operator = word.find(|c: char| !matches!(c, '<' | '>' | '=' | '^' | '~')).unwrap_or(word.len());
    let (operator, rest) = word.split_at(operator);
    let given = partial(rest)?;
    let (from, count) = given.clone();
    let next = |at: usize| {
        let mut numbers = [0; 3];
        numbers[..=at].copy_from_slice(&from.numbers[..=at]);
        numbers[at] += 1;
        Some(Version { numbers, before: None })
    };
    Some(match operator {
        "" | "=" | "==" => match count {
            0 => Bound { from: zero(), to: None },
            _ => Bound { to: Some(above(given)), from },
        },
        ">=" => Bound { from, to: None },
        ">" => Bound { from: above(given), to: None },
        "<" => Bound { from: zero(), to: Some(from) },
        "<=" => Bound { from: zero(), to: Some(above(given)) },
        // Python's: all but the last number stays
        "~=" => Bound { to: next(count.saturating_sub(2)), from },
        "~" | "~>" => Bound { to: next(usize::from(count > 1)), from },
        "^" => {
            let first = from.numbers.iter().position(|number| *number > 0).unwrap_or(count.saturating_sub(1)).min(2);
            Bound { to: next(first.min(count.saturating_sub(1))), from }
        }
        _ => return None,
    })
}

/// The next version after all that a partial one stands for.
fn above((version, count): (Version, usize)) -> Version {
    let mut numbers = version.numbers;
    if count >= 3 && version.before.is_some() {
        // the very next one
        return Version { numbers, before: version.before.map(|before| format!("{before}\u{0}")) };
    }
    let at = count.clamp(1, 3) - 1;
    numbers[at] += 1;
    numbers[at + 1..].fill(0);
    // what comes before the next release does not belong to this one
    Version { numbers, before: Some(String::new()) }
}

/// A version of which the end may be missing or `x`; and how many numbers it has.
fn partial(text: &str) -> Option<(Version, usize)> {
    let text = text.trim().trim_start_matches(['v', 'V']);
    if ["", "*", "x", "X"].contains(&text) {
        return Some((zero(), 0));
    }
    let known: Vec<&str> = text.split('.').take_while(|part| !["*", "x", "X"].contains(part)).collect();
    let joined = known.join(".");
    if !joined.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let dashed = joined.split(['-', '+']).next().unwrap_or_default();
    if !dashed.split('.').all(|part| part.starts_with(|c: char| c.is_ascii_digit())) {
        return None;
    }
    Some((Version::read(&joined)?, dashed.split('.').count().min(3)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_hold_what_npm_says_that_they_hold() {
        for (range, inside, outside) in [
            ("3", "3.0.0 3.11.2", "2.9.9 4.0.0 4.0.0-rc1"),
            ("3.x", "3.0.0 3.11.2", "4.0.0"),
            ("3.11", "3.11.0 3.11.9", "3.12.0 3.1.1"),
            ("3.11.2", "3.11.2", "3.11.3"),
            ("*", "0.1.0 99.0.0", ""),
            ("^1.20", "1.20.0 1.99.0", "2.0.0 1.19.9"),
            ("^0.2.3", "0.2.3 0.2.9", "0.3.0"),
            ("~1.2", "1.2.0 1.2.9", "1.3.0"),
            ("~1", "1.0.0 1.9.0", "2.0.0"),
            ("~=3.9", "3.9.0 3.12.0", "4.0.0 3.8.0"),
            ("~=0.5.1", "0.5.1 0.5.9", "0.6.0"),
            (">=3.9 <3.12", "3.9.0 3.11.9", "3.8.9 3.12.0"),
            (">= 3.9, < 3.12", "3.9.0 3.11.9", "3.8.9 3.12.0"),
            (">3.9", "3.10.0", "3.9.5"),
            ("<=3.9", "3.9.5", "3.10.0"),
            ("18 || 20.x", "18.1.0 20.2.0", "19.0.0"),
            ("1.2 - 1.4", "1.2.0 1.4.9", "1.5.0"),
        ] {
            let read = Range::read(range).unwrap();
            for version in inside.split_whitespace() {
                assert!(read.holds(&Version::read(version).unwrap()), "{version} in {range}");
            }
            for version in outside.split_whitespace() {
                assert!(!read.holds(&Version::read(version).unwrap()), "{version} not in {range}");
            }
        }
        for text in ["latest", "lts/*", "pypy3.9", ">=a", "1.y"] {
            assert!(Range::read(text).is_none(), "{text}");
        }
    }

    #[test]
    fn versions_are_read_as_programs_print_them() {
        for (text, expected) in
            [("v20.1.0", "20.1.0"), ("go1.22", "1.22.0"), ("17.0.9+9", "17.0.9"), ("3.13.0rc1", "3.13.0-rc1"), (" 8 ", "8.0.0")]
        {
            assert_eq!(Version::read(text).unwrap().shown(), expected);
        }
        assert!(Version::read("none").is_none());
        assert!(Version::read("3.13.0rc1").unwrap() < Version::read("3.13.0").unwrap());
    }
}
