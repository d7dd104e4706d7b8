//! Versions put in order.

use std::cmp::Ordering;

use crate::functions::semver::Version;

/// Puts the newest version first, and what is none last. What compares equal stays as it was.
pub(super) fn newest_first<T>(items: &mut [T], version: impl Fn(&T) -> &str) {
    items.sort_by_cached_key(|item| Newest(Version::parse(version(item)).ok()));
}

#[derive(PartialEq, Eq)]
struct Newest(Option<Version>);

impl Ord for Newest {
    fn cmp(&self, other: &Self) -> Ordering {
        match (&self.0, &other.0) {
            (Some(one), Some(two)) => two.compare(one),
            (one, two) => two.is_some().cmp(&one.is_some()),
        }
    }
}

impl PartialOrd for Newest {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
