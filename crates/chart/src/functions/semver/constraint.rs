//! Constraints: `^1.2`, `>=1.19.0-0`, `1.x || 2.1 - 3`.

use std::{cmp::Ordering, sync::LazyLock};

use bstr::ByteSlice as _;
use regex::bytes::{Captures, Regex, RegexBuilder};

use super::{Invalid, Version, version::compare_prereleases};

/// The longest text that is read as a constraint.
const MAX_CONSTRAINT: usize = 16 << 10;

/// A version that may have `x` or `*` for a number; `|` is among its letters in the peer, and ends as a version that is none.
const WILD: &str =
    r"v?([0-9|xX*]+)(\.[0-9|xX*]+)?(\.[0-9|xX*]+)?(-([0-9A-Za-z\-]+(\.[0-9A-Za-z\-]+)*))?(\+([0-9A-Za-z\-]+(\.[0-9A-Za-z\-]+)*))?";
const OPERATOR: &str = r"=||!=|>|<|>=|=>|<=|=<|~|~>|\^";
/// What Go's `\s` is: not the vertical tab.
const SPACE: &str = r"[\t\n\x0C\r ]";

/// Several constraints side by side.
static ALL: LazyLock<Option<Regex>> = LazyLock::new(|| {
    expression(&format!("^({SPACE}*({OPERATOR}){SPACE}*({WILD}){SPACE}*)((?:{SPACE}+|,{SPACE}*)({OPERATOR}){SPACE}*({WILD}){SPACE}*)*$"))
});
/// One of them.
static ONE: LazyLock<Option<Regex>> = LazyLock::new(|| expression(&format!("({OPERATOR}){SPACE}*({WILD})")));
/// `1.2 - 3`
static RANGE: LazyLock<Option<Regex>> =
    LazyLock::new(|| expression(&format!("{SPACE}*(?<low>{WILD}){SPACE}+-{SPACE}+(?<high>{WILD}){SPACE}*")));

fn expression(pattern: &str) -> Option<Regex> {
    RegexBuilder::new(pattern).unicode(false).build().ok()
}

/// What a version is held against: one of several lists, all of its constraints.
#[derive(Clone, Debug)]
pub struct Constraints {
    any: Vec<Vec<Constraint>>,
}

impl Constraints {
    /// Reads constraints: alternatives apart by `||`, the constraints of one by spaces or commas.
    pub fn parse(text: impl AsRef<[u8]>) -> Result<Self, Invalid> {
        let text = text.as_ref();
        let improper = |text: &[u8]| Invalid::Constraint(text.into());
        let (Some(all), Some(one)) = (ALL.as_ref(), ONE.as_ref()) else { return Err(improper(text)) };
        if text.len() > MAX_CONSTRAINT {
            return Err(improper(text));
        }
        let text = without_ranges(text);
        let mut any = Vec::new();
        let mut rest = Some(&text[..]);
        while let Some(alternatives) = rest {
            let bar = alternatives.find(b"||");
            let (alternative, after) = match bar {
                Some(at) => (alternatives.get(..at).unwrap_or_default(), alternatives.get(at + 2..)),
                None => (alternatives, None),
            };
            if !all.is_match(alternative) {
                return Err(improper(alternative));
            }
            any.push(one.captures_iter(alternative).map(|found| Constraint::read(&found)).collect::<Result<_, _>>()?);
            rest = after;
        }
        Ok(Self { any })
    }

    /// Whether they take this version. A prerelease is only taken by a constraint that names one.
    pub fn check(&self, version: &Version) -> bool {
        self.any.iter().any(|all| all.iter().all(|constraint| constraint.check(version)))
    }
}

/// `1 - 2` written as `>= 1, <= 2`.
fn without_ranges(text: &[u8]) -> Vec<u8> {
    let mut written = text.to_vec();
    for found in RANGE.iter().flat_map(|range| range.captures_iter(text)) {
        let part = |name| found.name(name).map_or(&b""[..], |part| part.as_bytes());
        let range = found.get(0).map_or(&b""[..], |all| all.as_bytes());
        // the first such text, as the peer replaces it, which may be another than the one that was found
        if let Some(at) = written.find(range) {
            let comparisons = [b">= ", part("low"), b", <= ", part("high"), b" "].concat();
            written.splice(at..at + range.len(), comparisons);
        }
    }
    written
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Is,
    Not,
    Above,
    Below,
    AtLeast,
    AtMost,
    Tilde,
    Caret,
}

/// How much of a constraint's version was left open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Open {
    Nothing,
    Patch,
    Minor,
    Major,
}

#[derive(Clone, Debug)]
struct Constraint {
    operator: Operator,
    version: Version,
    open: Open,
}

impl Constraint {
    /// From what `ONE` found: the operator, the version, its numbers, its prerelease.
    fn read(found: &Captures<'_>) -> Result<Self, Invalid> {
        let part = |group| found.get(group).map_or(&b""[..], |part| part.as_bytes());
        let operator = match part(1) {
            b"!=" => Operator::Not,
            b">" => Operator::Above,
            b"<" => Operator::Below,
            b">=" | b"=>" => Operator::AtLeast,
            b"<=" | b"=<" => Operator::AtMost,
            b"~" | b"~>" => Operator::Tilde,
            b"^" => Operator::Caret,
            _ => Operator::Is,
        };
        let (major, minor, patch, prerelease) = (part(3), part(4), part(5), part(6));
        let wild = |number: &[u8]| matches!(number, b"" | b"x" | b"X" | b"*" | b".x" | b".X" | b".*");
        let (open, text) = if wild(major) {
            (Open::Major, [b"0.0.0", prerelease].concat())
        } else if wild(minor) {
            (Open::Minor, [major, b".0.0", prerelease].concat())
        } else if wild(patch) {
            (Open::Patch, [major, minor, b".0", prerelease].concat())
        } else {
            (Open::Nothing, part(2).to_vec())
        };
        let version = Version::parse(text).map_err(|_| Invalid::ConstraintVersion)?;
        Ok(Self { operator, version, open })
    }

    fn check(&self, version: &Version) -> bool {
        let unasked = !version.prerelease.is_empty() && self.version.prerelease.is_empty();
        let exact_not = self.operator == Operator::Not && self.open == Open::Nothing;
        if unasked && !exact_not {
            return false;
        }
        let order = version.compare(&self.version);
        match self.operator {
            Operator::Is if self.open == Open::Nothing => order == Ordering::Equal,
            Operator::Is | Operator::Tilde => self.takes_as_tilde(version),
            Operator::Not => self.differs(version),
            Operator::Above => self.takes_above(version),
            Operator::Below => order == Ordering::Less,
            Operator::AtLeast => order != Ordering::Less,
            Operator::AtMost => self.takes_up_to(version),
            Operator::Caret => self.takes_as_caret(version),
        }
    }

    /// `!=`: an open number makes it "outside of all those".
    fn differs(&self, version: &Version) -> bool {
        let own = &self.version;
        match self.open {
            Open::Nothing => version.compare(own) != Ordering::Equal,
            // `x` alone is 0.x.x here, as it is in the peer, but no number after it counts as open
            Open::Major => own.major != version.major || own.minor != version.minor || version.compare(own) != Ordering::Equal,
            Open::Minor => own.major != version.major,
            Open::Patch => {
                own.major != version.major
                    || own.minor != version.minor
                    || compare_prereleases(&version.prerelease, &own.prerelease) != Ordering::Equal
            }
        }
    }

    /// `>`: above `1` starts at 2.
    fn takes_above(&self, version: &Version) -> bool {
        let own = &self.version;
        match (self.open, version.major.cmp(&own.major)) {
            (Open::Nothing, _) => version.compare(own) == Ordering::Greater,
            (_, Ordering::Greater) => true,
            (_, Ordering::Less) | (Open::Minor, Ordering::Equal) => false,
            (Open::Patch, Ordering::Equal) => version.minor > own.minor,
            (Open::Major, Ordering::Equal) => version.compare(own) == Ordering::Greater,
        }
    }

    /// `<=`: up to `1` takes all of 1.
    fn takes_up_to(&self, version: &Version) -> bool {
        let own = &self.version;
        match (self.open, version.major.cmp(&own.major)) {
            (Open::Nothing, _) => version.compare(own) != Ordering::Greater,
            (_, Ordering::Greater) => false,
            (_, Ordering::Less) | (Open::Minor, Ordering::Equal) => true,
            (Open::Patch | Open::Major, Ordering::Equal) => version.minor <= own.minor,
        }
    }

    /// `~1.2.3`: from there to the next minor version.
    fn takes_as_tilde(&self, version: &Version) -> bool {
        let own = &self.version;
        if version.compare(own) == Ordering::Less {
            return false;
        }
        let from_zero = (own.major, own.minor, own.patch) == (0, 0, 0) && matches!(self.open, Open::Nothing | Open::Major);
        from_zero || version.major == own.major && (version.minor == own.minor || self.open == Open::Minor)
    }

    /// `^1.2.3`: as long as the first number that is not 0 stays.
    fn takes_as_caret(&self, version: &Version) -> bool {
        let own = &self.version;
        if version.compare(own) == Ordering::Less {
            return false;
        }
        if own.major > 0 || self.open == Open::Minor || version.major > 0 {
            return version.major == own.major;
        }
        if own.minor > 0 || self.open == Open::Patch || version.minor > 0 {
            return version.minor == own.minor;
        }
        own.patch == version.patch
    }
}
