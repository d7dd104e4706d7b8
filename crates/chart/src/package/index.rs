//! `index.yaml`: which charts a repository has.

use std::collections::BTreeMap;

use serde::Serialize;
use thiserror::Error;

use super::{versions::newest_first, written};
use crate::{
    budget::{Budget, Limits},
    chart::Metadata,
    format::quoted,
    function::Fault,
    functions::semver::{Constraints, Version},
    json,
    load::{ListedChart, read_index},
    yaml,
};

/// What reading an index may cost: there are some of tens of MiB.
const LIMITS: Limits = Limits { steps: 2_000_000_000, output: 0, memory: 4 << 30, depth: 100 };

/// Why an index was not read. Each text is Helm's.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum IndexError {
    /// There is nothing in it.
    #[error("empty index.yaml file")]
    Empty,
    /// It does not say of which form it is.
    #[error("no API version specified")]
    NoApiVersion,
    /// It is wrong.
    #[error("{0}")]
    Said(String),
    /// A name that is not in it.
    #[error("no chart name found")]
    NoName,
    /// A name without versions.
    #[error("no chart version found")]
    NoVersion,
}

/// The index of a repository.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Index {
    /// `v1`
    pub api_version: String,
    /// When it was made.
    pub generated: String,
    /// The versions of each chart, the newest first.
    pub entries: BTreeMap<String, Vec<Entry>>,
    /// What else it says.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

/// A version of a chart in an index.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Entry {
    /// Its `Chart.yaml`.
    #[serde(flatten)]
    pub metadata: Metadata,
    /// Where its archive is, from the repository's address or whole.
    pub urls: Vec<String>,
    /// When it was listed.
    pub created: String,
    /// Whether it is there no more.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub removed: bool,
    /// Of its archive, SHA-256 in hexadecimal digits.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub digest: String,
}

impl Index {
    /// Reads an index, JSON or YAML; entries that are no charts are left out, with what Helm would warn of. `source` names it in warnings.
    pub fn read(text: &[u8], source: &str) -> Result<(Self, Vec<String>), IndexError> {
        if text.is_empty() {
            return Err(IndexError::Empty);
        }
        let said = |why: String| IndexError::Said(why);
        let (document, is_json) = match json::read_within(text, &mut Budget::new(LIMITS)) {
            Ok((document, None)) => (document, true),
            Ok((_, Some(objection))) => return Err(said(objection)),
            Err(_) => {
                let rules = yaml::Rules { strict: true, integers: true, ..yaml::Rules::default() };
                let document = yaml::read_by(rules, text, &mut Budget::new(LIMITS));
                (document.map_err(|why| said(why.to_string()))?, false)
            }
        };
        let read = read_index(&document, is_json)
            .map_err(|why| said(if is_json { why } else { format!("error unmarshaling JSON: while decoding JSON: {why}") }))?;
        let mut index = Self { api_version: read.api_version, generated: read.generated, annotations: read.annotations, ..Self::default() };
        let mut warnings = Vec::new();
        for (name, charts) in read.entries {
            let entries = index.entries.entry(name.clone()).or_default();
            for chart in charts {
                let ListedChart { metadata, urls, created, removed, digest, objection } = chart;
                match objection {
                    None => entries.push(Entry { metadata, urls, created, removed, digest }),
                    Some(why) => {
                        let (name, version) = (quoted(name.as_bytes()), quoted(metadata.version.as_bytes()));
                        let at = if why.is_empty() {
                            format!("{name} from {source}: empty entry")
                        } else {
                            format!("{name} {version} from {source}: {why}")
                        };
                        warnings.push(format!("skipping loading invalid entry for chart {at}"));
                    }
                }
            }
        }
        index.sort();
        if index.api_version.is_empty() { Err(IndexError::NoApiVersion) } else { Ok((index, warnings)) }
    }

    /// Puts the newest version of each chart first.
    pub fn sort(&mut self) {
        for entries in self.entries.values_mut() {
            newest_first(entries, |entry| &entry.metadata.version);
        }
    }

    /// The version of a chart that is asked for, by itself or by a constraint: the newest that is no prerelease for none.
    pub fn get(&self, name: &str, version: &str) -> Result<&Entry, IndexError> {
        let entries = self.entries.get(name).ok_or(IndexError::NoName)?;
        if entries.is_empty() {
            return Err(IndexError::NoVersion);
        }
        let constraint =
            Constraints::parse(if version.is_empty() { "*" } else { version }).map_err(|why| IndexError::Said(why.to_string()))?;
        let exact = entries.iter().find(|entry| !version.is_empty() && entry.metadata.version == version);
        let fits = |entry: &&Entry| Version::parse(&entry.metadata.version).is_ok_and(|it| constraint.check(&it));
        exact.or_else(|| entries.iter().find(fits)).ok_or_else(|| IndexError::Said(format!("no chart version found for {name}-{version}")))
    }

    /// The versions of a chart that can be fetched, the newest first: what [`Found::Versions`](super::Found::Versions) wants. None where it is not listed.
    pub fn versions(&self, name: &str) -> Option<Vec<String>> {
        let entries = self.entries.get(name)?.iter().filter(|entry| !entry.urls.is_empty());
        Some(entries.map(|entry| entry.metadata.version.clone()).collect())
    }

    /// The entry that a locked dependency is fetched by: of the same version, though perhaps not written in the same way.
    pub fn locked(&self, name: &str, version: &str) -> Option<&Entry> {
        let is_same = |other: &str| match (Version::parse(version), Version::parse(other)) {
            (Ok(one), Ok(two)) => one.compare(&two).is_eq(),
            (Err(_), _) => version == other,
            (Ok(_), Err(_)) => false,
        };
        let mut entries = self.entries.get(name)?.iter().filter(|entry| !entry.urls.is_empty());
        entries.find(|entry| version.is_empty() || is_same(&entry.metadata.version))
    }

    /// Adds what another index has and this one has not.
    pub fn merge(&mut self, other: Self) {
        for entry in other.entries.into_values().flatten() {
            if self.get(&entry.metadata.name, &entry.metadata.version).is_err() {
                self.entries.entry(entry.metadata.name.clone()).or_default().push(entry);
            }
        }
    }

    /// Adds a chart.
    pub fn add(&mut self, entry: Entry) {
        self.entries.entry(entry.metadata.name.clone()).or_default().push(entry);
    }

    /// The index as YAML.
    pub fn text(&self) -> Result<String, Fault> {
        written(self)
    }
}
