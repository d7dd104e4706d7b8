//! OSV records (schema 1), as far as matching needs them.

use serde::Deserialize;
use serde_json::Value;

use super::range::{Range, RangeKind, within};
use super::{Affected, Ecosystem, Keyed, cvss};
use crate::finding::Severity;

/// The most versions, ranges and events of one record that are looked at.
const MAX_PARTS: usize = 50_000;

#[derive(Deserialize)]
pub(super) struct Record {
    id: String,
    #[serde(default)]
    pub modified: String,
    #[serde(default)]
    pub withdrawn: Option<String>,
    #[serde(default)]
    aliases: Vec<String>,
    #[serde(default)]
    summary: Option<String>,
    #[serde(default)]
    severity: Vec<Score>,
    #[serde(default)]
    affected: Vec<AffectedPackage>,
    #[serde(default)]
    database_specific: Value,
}

#[derive(Deserialize)]
struct Score {
    #[serde(rename = "type")]
    kind: String,
    score: String,
}

#[derive(Deserialize)]
struct AffectedPackage {
    #[serde(default)]
    package: Option<PackageName>,
    #[serde(default)]
    severity: Vec<Score>,
    #[serde(default)]
    ranges: Vec<RangeRecord>,
    #[serde(default)]
    versions: Vec<String>,
    #[serde(default)]
    ecosystem_specific: Value,
    #[serde(default)]
    database_specific: Value,
}

#[derive(Deserialize)]
struct PackageName {
    ecosystem: String,
    name: String,
}

#[derive(Deserialize)]
struct RangeRecord {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    events: Vec<Event>,
}

#[derive(Deserialize)]
struct Event {
    #[serde(default)]
    introduced: Option<String>,
    #[serde(default)]
    fixed: Option<String>,
    #[serde(default)]
    last_affected: Option<String>,
}

/// One advisory for one package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advisory {
    /// Its id.
    pub id: String,
    /// Its ids elsewhere.
    pub aliases: Vec<String>,
    /// A line about it.
    pub summary: Option<String>,
    /// How bad it is.
    pub severity: Severity,
    /// Why it is no vulnerability: `unmaintained`, `notice` and the like.
    pub informational: Option<String>,
    /// Versions that repair it.
    pub fixed: Vec<String>,
    ranges: Vec<Range>,
    versions: Vec<String>,
}

impl Record {
    /// The advisories for packages of known ecosystems.
    pub fn advisories(self) -> Vec<Keyed> {
        let own = weigh(&self.severity, &self.database_specific);
        let mut keyed = Vec::new();
        for affected in self.affected.into_iter().take(1_000) {
            let Some(package) = affected.package else { continue };
            // `PyPI`, or with a suffix after a colon
            let Some(ecosystem) = package.ecosystem.split(':').next().and_then(Ecosystem::of_osv) else { continue };
            let severity = weigh(&affected.severity, &affected.database_specific);
            let severity = if severity == Severity::Unknown { own } else { severity };
            let text = |value: &Value| value.get("informational").and_then(Value::as_str).map(str::to_owned);
            let informational = text(&affected.ecosystem_specific).or_else(|| text(&affected.database_specific));
            let ranges: Vec<_> = affected.ranges.into_iter().take(1_000).filter_map(RangeRecord::range).collect();
            let fixed = ranges.iter().flat_map(|range| range.fixed.iter().cloned()).collect();
            let advisory = Advisory {
                id: self.id.clone(),
                aliases: self.aliases.clone(),
                summary: self.summary.clone().map(|text| text.chars().take(200).collect()),
                severity,
                // memory safety of a kind ("unsound") is more than a notice
                informational: informational.filter(|kind| kind != "unsound"),
                fixed,
                ranges,
                versions: affected.versions.into_iter().take(MAX_PARTS).collect(),
            };
            keyed.push(((ecosystem, ecosystem.normalise(&package.name)), advisory));
        }
        keyed
    }
}

impl RangeRecord {
    fn range(self) -> Option<Range> {
        let kind = match self.kind.as_str() {
            "SEMVER" => RangeKind::Semver,
            "ECOSYSTEM" => RangeKind::Ecosystem,
            // commits of somebody's repository: an SBOM does not name them
            _ => return None,
        };
        let mut range = Range { kind, introduced: vec![], fixed: vec![], last_affected: vec![] };
        for event in self.events.into_iter().take(MAX_PARTS) {
            range.introduced.extend(event.introduced);
            range.fixed.extend(event.fixed);
            range.last_affected.extend(event.last_affected);
        }
        Some(range)
    }
}

/// The worst of the scores that can be computed; else what the database says.
fn weigh(scores: &[Score], specific: &Value) -> Severity {
    let score = |score: &Score| match score.kind.as_str() {
        "CVSS_V3" => cvss::severity(&score.score),
        _ => None,
    };
    let computed = scores.iter().filter_map(score).max();
    let said = || specific.get("severity").and_then(Value::as_str).map(Severity::read);
    computed.or_else(said).unwrap_or(Severity::Unknown)
}

impl Advisory {
    /// Whether a version is affected: named, or within a range.
    pub(super) fn affects(&self, ecosystem: Ecosystem, version: &str) -> Option<Affected> {
        if self.versions.iter().any(|named| named == version) {
            return Some(Affected::Yes);
        }
        if ecosystem == Ecosystem::PyPi
            && let Some(wanted) = super::pep440::Version::parse(version)
            && self.versions.iter().any(|named| super::pep440::Version::parse(named).is_some_and(|named| named == wanted))
        {
            return Some(Affected::Yes);
        }
        self.ranges.iter().filter_map(|range| within(range, ecosystem, version)).min()
    }
}
