//! Python's versions (PEP 440): read and compared.

use std::cmp::Ordering;
use std::sync::LazyLock;

use regex::Regex;

/// The longest version that is read.
const MAX_VERSION: usize = 128;

/// PEP 440, appendix B, in the spellings that it normalises.
static VERSION: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?ix)^\s*v?(?:([0-9]+)!)?([0-9]+(?:\.[0-9]+)*)
        (?:[-_.]?(alpha|a|beta|b|preview|pre|c|rc)[-_.]?([0-9]+)?)?
        (?:-([0-9]+)|[-_.]?(post|rev|r)[-_.]?([0-9]+)?)?
        (?:[-_.]?(dev)[-_.]?([0-9]+)?)?
        (?:\+([a-z0-9]+(?:[-_.][a-z0-9]+)*))?\s*$",
    )
    .ok()
});

/// A version. Its fields are in the order in which they are compared.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Version {
    epoch: Number,
    release: Vec<Number>,
    pre: Pre,
    post: Option<Number>,
    dev: Dev,
    local: Vec<Local>,
}

/// A number of any length: by its digits without leading zeros.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Number(String);

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.len().cmp(&other.0.len()).then_with(|| self.0.cmp(&other.0))
    }
}
impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Number {
    fn new(digits: &str) -> Self {
        Self(digits.trim_start_matches('0').to_owned())
    }
}

/// A development release of the release itself comes before all pre-releases; no pre-release after them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Pre {
    OnlyDev,
    Alpha(Number),
    Beta(Number),
    Candidate(Number),
    None,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Dev {
    Some(Number),
    None,
}

/// In local versions text comes before numbers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Local {
    Text(String),
    Number(Number),
}

impl Version {
    pub(super) fn parse(text: &str) -> Option<Self> {
        if text.len() > MAX_VERSION {
            return None;
        }
        let found = VERSION.as_ref()?.captures(text)?;
        let number = |n: usize| found.get(n).map(|digits| Number::new(digits.as_str()));
        let mut release: Vec<_> = found[2].split('.').map(Number::new).collect();
        while release.last().is_some_and(|last| last.0.is_empty()) {
            release.pop();
        }
        let post = number(5).or_else(|| found.get(6).map(|_| number(7).unwrap_or_default()));
        let dev = found.get(8).map(|_| number(9).unwrap_or_default());
        let pre = match found.get(3).map(|kind| kind.as_str().to_ascii_lowercase()).as_deref() {
            Some("a" | "alpha") => Pre::Alpha(number(4).unwrap_or_default()),
            Some("b" | "beta") => Pre::Beta(number(4).unwrap_or_default()),
            Some(_) => Pre::Candidate(number(4).unwrap_or_default()),
            None if post.is_none() && dev.is_some() => Pre::OnlyDev,
            None => Pre::None,
        };
        let part = |part: &str| {
            if part.bytes().all(|b| b.is_ascii_digit()) { Local::Number(Number::new(part)) } else { Local::Text(part.to_ascii_lowercase()) }
        };
        let local = found.get(10).map_or_else(Vec::new, |local| local.as_str().split(['-', '_', '.']).map(part).collect());
        Some(Self { epoch: number(1).unwrap_or_default(), release, pre, post, dev: dev.map_or(Dev::None, Dev::Some), local })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_ordered_as_pep_440_orders_them() {
        // from PEP 440, "Summary of permitted suffixes and relative ordering", and packaging's tests
        let ordered = [
            "1.dev0",
            "1.0.dev456",
            "1.0a1",
            "1.0a2.dev456",
            "1.0a12.dev456",
            "1.0a12",
            "1.0b1.dev456",
            "1.0b2",
            "1.0b2.post345.dev456",
            "1.0b2.post345",
            "1.0rc1.dev456",
            "1.0rc1",
            "1.0",
            "1.0+abc.5",
            "1.0+abc.7",
            "1.0+5",
            "1.0.post456.dev34",
            "1.0.post456",
            "1.0.15",
            "1.1.dev1",
            "1.10",
            "99999999999999999999999",
            "1!0.1",
        ];
        for pair in ordered.windows(2) {
            let [a, b] = [pair[0], pair[1]].map(|text| Version::parse(text).unwrap());
            assert!(a < b, "{} comes before {}", pair[0], pair[1]);
        }
    }

    #[test]
    fn spellings_of_one_version_are_equal() {
        for (a, b) in [
            ("1.0", "1"),
            ("v1.0.0", "1.0"),
            ("1.0ALPHA1", "1a1"),
            ("1.0-1", "1.0.post1"),
            ("1.0.rev3", "1.0.post3"),
            ("1.0-c.2", "1.0rc2"),
            ("1.0+Ab-1", "1.0+ab.1"),
            ("01.02", "1.2"),
        ] {
            assert_eq!(Version::parse(a), Version::parse(b), "{a} is {b}");
        }
        for bad in ["", "x", "1.x", "1..0", "french toast", "1.0+", "1.0a1b2", &"1".repeat(200)] {
            assert_eq!(Version::parse(bad), None, "{bad}");
        }
    }
}
