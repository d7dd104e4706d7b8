//! One version.

use std::{cmp::Ordering, fmt};

use super::Invalid;

/// A version, read leniently: `v1`, `1.2` and `1.2.3-rc.1+build` are all versions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// The first number.
    pub major: u64,
    /// The second, 0 where it was left out.
    pub minor: u64,
    /// The third, 0 where it was left out.
    pub patch: u64,
    /// What followed the `-`.
    pub prerelease: String,
    /// What followed the `+`.
    pub metadata: String,
    /// The text that it was read from.
    pub original: String,
}

impl Version {
    /// Reads a version, with or without a `v`, with one number, two or three.
    pub fn parse(text: impl AsRef<[u8]>) -> Result<Self, Invalid> {
        let original = ascii(text.as_ref()).ok_or(Invalid::Version)?;
        let (rest, metadata) = original.split_once('+').map_or((original, None), |(rest, metadata)| (rest, Some(metadata)));
        let (numbers, prerelease) = rest.split_once('-').map_or((rest, None), |(numbers, after)| (numbers, Some(after)));
        let numbers: Vec<&str> = numbers.strip_prefix('v').unwrap_or(numbers).splitn(4, '.').collect();
        let formed = numbers.len() <= 3
            && numbers.iter().all(|number| is_digits(number) && !number.is_empty())
            && [prerelease, metadata].into_iter().flatten().all(is_identifiers);
        if !formed {
            return Err(Invalid::Version);
        }
        let number = |place: usize| {
            let digits = numbers.get(place).copied().unwrap_or("0");
            digits.parse().map_err(|_| Invalid::Number(digits.to_owned()))
        };
        let (major, minor, patch) = (number(0)?, number(1)?, number(2)?);
        let prerelease = prerelease.unwrap_or_default();
        check_prerelease(prerelease.as_bytes())?;
        let metadata = metadata.unwrap_or_default();
        Ok(Self { major, minor, patch, prerelease: prerelease.to_owned(), metadata: metadata.to_owned(), original: original.to_owned() })
    }

    /// Reads a version of exactly three numbers without a `v`.
    pub fn parse_strict(text: impl AsRef<[u8]>) -> Result<Self, Invalid> {
        let text = text.as_ref();
        if text.is_empty() {
            return Err(Invalid::Empty);
        }
        let mut parts: Vec<&[u8]> = text.splitn(3, |byte| *byte == b'.').collect();
        let [_, _, last] = parts.as_mut_slice() else { return Err(Invalid::Version) };
        let (mut prerelease, mut metadata) = (&b""[..], &b""[..]);
        if let Some((before, after)) = split_at_byte(last, b'+') {
            (*last, metadata) = (before, after);
            check_metadata(metadata)?;
        }
        if let Some((before, after)) = split_at_byte(last, b'-') {
            (*last, prerelease) = (before, after);
            check_prerelease(prerelease)?;
        }
        for part in &parts {
            if !part.iter().all(u8::is_ascii_digit) {
                return Err(Invalid::Characters);
            }
            if part.len() > 1 && part.starts_with(b"0") {
                return Err(Invalid::LeadingZero);
            }
        }
        let number = |place: usize| -> Result<u64, Invalid> {
            let digits = owned(parts.get(place).copied().unwrap_or_default());
            digits.parse().map_err(|_| if digits.is_empty() { Invalid::StrictEmpty } else { Invalid::StrictNumber(digits) })
        };
        let (major, minor, patch) = (number(0)?, number(1)?, number(2)?);
        Ok(Self { major, minor, patch, prerelease: owned(prerelease), metadata: owned(metadata), original: owned(text) })
    }

    /// Which of both comes first. Metadata does not count; a prerelease comes before its release.
    pub fn compare(&self, other: &Self) -> Ordering {
        let numbers = |version: &Self| (version.major, version.minor, version.patch);
        numbers(self).cmp(&numbers(other)).then_with(|| match (self.prerelease.is_empty(), other.prerelease.is_empty()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Greater,
            (false, true) => Ordering::Less,
            (false, false) => compare_prereleases(&self.prerelease, &other.prerelease),
        })
    }

    /// The next patch; of a prerelease, the release itself.
    #[must_use]
    pub fn next_patch(&self) -> Self {
        let patch = if self.prerelease.is_empty() { self.patch.wrapping_add(1) } else { self.patch };
        self.changed(|next| next.patch = patch)
    }

    /// The next minor version.
    #[must_use]
    pub fn next_minor(&self) -> Self {
        self.changed(|next| (next.minor, next.patch) = (self.minor.wrapping_add(1), 0))
    }

    /// The next major version.
    #[must_use]
    pub fn next_major(&self) -> Self {
        self.changed(|next| (next.major, next.minor, next.patch) = (self.major.wrapping_add(1), 0, 0))
    }

    /// The same version with this prerelease.
    pub fn with_prerelease(&self, prerelease: &[u8]) -> Result<Self, Invalid> {
        check_prerelease(prerelease)?;
        Ok(self.changed(|next| (next.prerelease, next.metadata) = (owned(prerelease), self.metadata.clone())))
    }

    /// The same version with this metadata.
    pub fn with_metadata(&self, metadata: &[u8]) -> Result<Self, Invalid> {
        check_metadata(metadata)?;
        Ok(self.changed(|next| (next.prerelease, next.metadata) = (self.prerelease.clone(), owned(metadata))))
    }

    /// The plain version with something changed; a `v` stays.
    fn changed(&self, change: impl FnOnce(&mut Self)) -> Self {
        let mut next = Self { prerelease: String::new(), metadata: String::new(), original: String::new(), ..*self };
        change(&mut next);
        let prefix = if self.original.starts_with('v') { "v" } else { "" };
        next.original = format!("{prefix}{next}");
        next
    }
}

impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}.{}", self.major, self.minor, self.patch)?;
        if !self.prerelease.is_empty() {
            write!(formatter, "-{}", self.prerelease)?;
        }
        if !self.metadata.is_empty() {
            write!(formatter, "+{}", self.metadata)?;
        }
        Ok(())
    }
}

/// Identifier by identifier: numbers by size and before names, names by bytes, a missing one first.
pub(super) fn compare_prereleases(one: &str, two: &str) -> Ordering {
    let (mut ones, mut twos) = (one.split('.'), two.split('.'));
    loop {
        let (one, two) = (ones.next(), twos.next());
        if one.is_none() && two.is_none() {
            return Ordering::Equal;
        }
        let (one, two) = (one.unwrap_or_default(), two.unwrap_or_default());
        if one == two {
            continue;
        }
        return match (number_of(one), number_of(two)) {
            _ if one.is_empty() => Ordering::Less,
            _ if two.is_empty() => Ordering::Greater,
            (None, None) => one.cmp(two),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(first), Some(second)) if first > second => Ordering::Greater,
            // also where both are the same number written differently
            (Some(_), Some(_)) => Ordering::Less,
        };
    }
}

/// An identifier as a number; one beyond 64 bits is a name.
fn number_of(identifier: &str) -> Option<u64> {
    if is_digits(identifier) { identifier.parse().ok() } else { None }
}

fn check_prerelease(text: &[u8]) -> Result<(), Invalid> {
    for identifier in text.split(|byte| *byte == b'.') {
        if identifier.iter().all(u8::is_ascii_digit) {
            if identifier.len() > 1 && identifier.starts_with(b"0") {
                return Err(Invalid::LeadingZero);
            }
        } else if !identifier.iter().copied().all(is_identifier_byte) {
            return Err(Invalid::Prerelease);
        }
    }
    Ok(())
}

fn check_metadata(text: &[u8]) -> Result<(), Invalid> {
    let valid = text.split(|byte| *byte == b'.').flatten().copied().all(is_identifier_byte);
    if valid { Ok(()) } else { Err(Invalid::Metadata) }
}

fn is_identifiers(text: &str) -> bool {
    text.split('.').all(|identifier| !identifier.is_empty() && identifier.bytes().all(is_identifier_byte))
}

fn is_identifier_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-'
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

fn ascii(text: &[u8]) -> Option<&str> {
    std::str::from_utf8(text).ok().filter(|text| text.is_ascii())
}

fn owned(text: &[u8]) -> String {
    String::from_utf8_lossy(text).into_owned()
}

fn split_at_byte(text: &[u8], byte: u8) -> Option<(&[u8], &[u8])> {
    let place = text.iter().position(|at| *at == byte)?;
    Some((text.get(..place)?, text.get(place + 1..)?))
}
