//! Version ranges, evaluated as the OSV schema says ("Evaluation").

use std::cmp::Ordering;

use super::pep440::Version as Pep440;
use super::{Affected, Ecosystem};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RangeKind {
    Semver,
    Ecosystem,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Range {
    pub kind: RangeKind,
    pub introduced: Vec<String>,
    pub fixed: Vec<String>,
    pub last_affected: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    // at one version: first what was repaired, then what came anew; the last affected one is still affected
    Fixed,
    Introduced,
    LastAffected,
}

/// Whether a version lies in a range; `Perhaps` when it, or an event, cannot be compared.
pub(super) fn within(range: &Range, ecosystem: Ecosystem, version: &str) -> Option<Affected> {
    match (range.kind, ecosystem) {
        (RangeKind::Semver, _) | (RangeKind::Ecosystem, Ecosystem::CratesIo) => {
            evaluate(range, version, semver, semver::Version::cmp_precedence)
        }
        (RangeKind::Ecosystem, Ecosystem::PyPi) => evaluate(range, version, Pep440::parse, Ord::cmp),
    }
}

fn semver(text: &str) -> Option<semver::Version> {
    semver::Version::parse(text.strip_prefix('v').unwrap_or(text)).ok()
}

fn evaluate<V>(range: &Range, version: &str, parse: impl Fn(&str) -> Option<V>, compare: impl Fn(&V, &V) -> Ordering) -> Option<Affected> {
    let Some(version) = parse(version) else { return Some(Affected::Perhaps) };
    let mut events: Vec<(Option<V>, Step)> = Vec::new();
    let steps = [(&range.introduced, Step::Introduced), (&range.fixed, Step::Fixed), (&range.last_affected, Step::LastAffected)];
    for (list, step) in steps {
        for text in list {
            // "0" is before every version
            let at = if text == "0" { None } else { Some(parse(text)) };
            match at {
                None => events.push((None, step)),
                Some(Some(at)) => events.push((Some(at), step)),
                Some(None) => return Some(Affected::Perhaps),
            }
        }
    }
    let order = |a: &Option<V>, b: &Option<V>| match (a, b) {
        (None, None) => Ordering::Equal,
        (None, Some(_)) => Ordering::Less,
        (Some(_), None) => Ordering::Greater,
        (Some(a), Some(b)) => compare(a, b),
    };
    events.sort_by(|a, b| order(&a.0, &b.0).then(a.1.cmp(&b.1)));
    let mut affected = false;
    for (at, step) in &events {
        let reached = at.as_ref().map_or(Ordering::Less, |at| compare(at, &version));
        match step {
            Step::Introduced if reached.is_le() => affected = true,
            Step::Fixed if reached.is_le() => affected = false,
            Step::LastAffected if reached.is_lt() => affected = false,
            _ => {}
        }
    }
    affected.then_some(Affected::Yes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(ecosystem: Ecosystem, events: &str, affected: &[&str], not: &[&str]) {
        let mut range = Range { kind: RangeKind::Ecosystem, introduced: vec![], fixed: vec![], last_affected: vec![] };
        for event in events.split_whitespace() {
            let (kind, version) = event.split_once(':').unwrap();
            match kind {
                "introduced" => range.introduced.push(version.to_owned()),
                "fixed" => range.fixed.push(version.to_owned()),
                _ => range.last_affected.push(version.to_owned()),
            }
        }
        for version in affected {
            assert_eq!(within(&range, ecosystem, version), Some(Affected::Yes), "{version} is affected");
        }
        for version in not {
            assert_eq!(within(&range, ecosystem, version), None, "{version} is not affected");
        }
    }

    #[test]
    fn ranges_are_evaluated_as_osv_says() {
        use Ecosystem::{CratesIo, PyPi};
        check(CratesIo, "introduced:0 fixed:1.2.3", &["0.0.0", "1.2.2", "1.2.3-rc.1"], &["1.2.3", "1.2.3+build", "2.0.0"]);
        check(CratesIo, "introduced:0.0.0-0 fixed:1.0.0 introduced:2.0.0 fixed:2.1.0", &["0.9.0", "2.0.5"], &["1.0.0", "1.9.0", "2.1.0"]);
        check(CratesIo, "fixed:2.1.0 introduced:2.0.0 fixed:1.0.0 introduced:0", &["0.9.0", "2.0.5"], &["1.5.0"]);
        check(CratesIo, "introduced:1.0.0 last_affected:1.4.0", &["1.0.0", "1.4.0"], &["0.9.0", "1.4.1"]);
        check(CratesIo, "introduced:1.0.0", &["1.0.0", "99.0.0"], &["0.9.9"]);
        check(PyPi, "introduced:0 fixed:2.10.1", &["2.10", "2.10.1rc1", "2.9.6", "0"], &["2.10.1", "2.10.1.post1", "2.11"]);
        check(PyPi, "introduced:3.0a1 fixed:3.0", &["3.0a1", "3.0rc2"], &["2.9", "3.0", "3.0.0"]);
    }

    #[test]
    fn what_cannot_be_compared_counts() {
        let range = Range { kind: RangeKind::Semver, introduced: vec!["0".to_owned()], fixed: vec!["x".to_owned()], last_affected: vec![] };
        assert_eq!(within(&range, Ecosystem::CratesIo, "1.0.0"), Some(Affected::Perhaps));
        assert_eq!(within(&range, Ecosystem::CratesIo, "one"), Some(Affected::Perhaps));
    }
}
