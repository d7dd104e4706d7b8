//! Own matching of an SBOM with OSV records.

use std::collections::{BTreeSet, HashMap};
use std::io::Read;

use penstock_model::Digest;

use crate::finding::{Draft, Level, Location, PackageRef, Report, ScannerInfo, Severity};
use crate::judged::NoSources;
use crate::sbom::{Package, Sbom};

mod cvss;
mod osv;
mod pep440;
mod range;

pub use osv::Advisory;

/// The name under which matching leaves its findings.
pub const ADVISORIES: &str = "advisories";

/// The largest archive.
const MAX_ARCHIVE: usize = 512 << 20;
/// The most records of all archives.
const MAX_RECORDS: usize = 500_000;
/// The largest record.
const MAX_RECORD: u64 = 8 << 20;
/// The most bytes of all records, unpacked: what an archive that was made to burst is stopped by.
const MAX_UNPACKED: u64 = 4 << 30;

/// Package registries whose advisories are matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ecosystem {
    /// Python's.
    PyPi,
    /// Rust's.
    CratesIo,
}

impl Ecosystem {
    /// By OSV's name.
    pub fn of_osv(name: &str) -> Option<Self> {
        match name {
            "PyPI" => Some(Self::PyPi),
            "crates.io" => Some(Self::CratesIo),
            _ => None,
        }
    }

    /// By the type of a package URL.
    pub fn of_purl(kind: &str) -> Option<Self> {
        match kind.to_ascii_lowercase().as_str() {
            "pypi" => Some(Self::PyPi),
            "cargo" => Some(Self::CratesIo),
            _ => None,
        }
    }

    /// One spelling for each name: PEP 503 for Python; Rust's are used as they are.
    pub fn normalise(self, name: &str) -> String {
        match self {
            Self::CratesIo => name.to_owned(),
            Self::PyPi => {
                let mut normal = String::with_capacity(name.len());
                for c in name.chars() {
                    match c {
                        '-' | '_' | '.' if normal.ends_with('-') => {}
                        '-' | '_' | '.' => normal.push('-'),
                        c => normal.push(c.to_ascii_lowercase()),
                    }
                }
                normal
            }
        }
    }
}

/// Why advisories cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AdvisoryError {
    /// Too large.
    #[error("the advisories are too large: {0}")]
    TooLarge(String),
    /// Not a zip archive.
    #[error("archive {archive} of the advisories cannot be read: {what}")]
    Archive {
        /// Which one, from 0.
        archive: usize,
        /// What is wrong.
        what: String,
    },
    /// Not an OSV record.
    #[error("{file} is not an OSV record: {what}")]
    Record {
        /// The file in the archive.
        file: String,
        /// What is wrong.
        what: String,
    },
}

/// Advisories by package.
#[derive(Clone, Debug)]
pub struct AdvisoryDb {
    by_package: HashMap<(Ecosystem, String), Vec<Advisory>>,
    digest: Digest,
    records: usize,
    newest: String,
}

impl AdvisoryDb {
    /// Reads archives in OSV's layout: one record (JSON) a file. Withdrawn records are left out, and so are other ecosystems.
    pub fn from_zips<B: AsRef<[u8]>>(archives: &[B]) -> Result<Self, AdvisoryError> {
        let digests: Vec<_> = archives.iter().map(|archive| Digest::of(archive.as_ref()).to_string()).collect();
        let mut db = Self { by_package: HashMap::new(), digest: Digest::of(digests.join("\n")), records: 0, newest: String::new() };
        let mut left = MAX_UNPACKED;
        for (n, archive) in archives.iter().enumerate() {
            db.add_archive(n, archive.as_ref(), &mut left)?;
        }
        Ok(db)
    }

    fn add_archive(&mut self, n: usize, bytes: &[u8], left: &mut u64) -> Result<(), AdvisoryError> {
        let broken = |error: &dyn std::fmt::Display| AdvisoryError::Archive { archive: n, what: error.to_string() };
        if bytes.len() > MAX_ARCHIVE {
            return Err(AdvisoryError::TooLarge(format!("{} bytes in one archive, and at most {MAX_ARCHIVE} are read", bytes.len())));
        }
        let mut archive = zip::ZipArchive::new(std::io::Cursor::new(bytes)).map_err(|error| broken(&error))?;
        if self.records + archive.len() > MAX_RECORDS {
            return Err(AdvisoryError::TooLarge(format!("more than {MAX_RECORDS} records")));
        }
        let mut text = Vec::new();
        for index in 0..archive.len() {
            let entry = archive.by_index(index).map_err(|error| broken(&error))?;
            let file = entry.name().map_err(|error| broken(&error))?.into_owned();
            if !entry.is_file() || !file.ends_with(".json") {
                continue;
            }
            text.clear();
            // what the entry claims as its size is not believed
            let most = MAX_RECORD.min(*left);
            let read = entry.take(most + 1).read_to_end(&mut text).map_err(|error| broken(&error))? as u64;
            if read > most {
                return Err(AdvisoryError::TooLarge(format!("{file} has more than {most} bytes")));
            }
            *left -= read;
            self.add_record(&text).map_err(|error| AdvisoryError::Record { file, what: error.to_string() })?;
        }
        Ok(())
    }

    fn add_record(&mut self, text: &[u8]) -> Result<(), serde_json::Error> {
        let record: osv::Record = serde_json::from_slice(text)?;
        self.records += 1;
        if record.modified > self.newest {
            self.newest.clone_from(&record.modified);
        }
        if record.withdrawn.is_none() {
            for (key, advisory) in record.advisories() {
                self.by_package.entry(key).or_default().push(advisory);
            }
        }
        Ok(())
    }

    /// How many records were read.
    pub fn len(&self) -> usize {
        self.records
    }

    /// True if there is not a single record: nothing that was matched with it means anything.
    pub fn is_empty(&self) -> bool {
        self.records == 0
    }

    /// When the newest record was modified, RFC 3339: how old the advisories are.
    pub fn as_of(&self) -> &str {
        &self.newest
    }

    /// The scanner, for statements and SARIF: the advisories' date stands for a version, their digest for a program's.
    pub fn scanner(&self) -> ScannerInfo {
        ScannerInfo { version: self.newest.clone(), digest: Some(self.digest) }
    }

    /// Matches an SBOM. An advisory and its aliases are one finding a package.
    pub fn matches(&self, sbom: &Sbom) -> Report {
        let mut drafts = Vec::new();
        let mut seen = BTreeSet::new();
        for package in &sbom.packages {
            let Some(key) = package.known_as() else { continue };
            if !seen.insert(key.clone()) {
                continue;
            }
            let (ecosystem, name, version) = key;
            let Some(advisories) = self.by_package.get(&(ecosystem, name)) else { continue };
            let hits = advisories.iter().filter_map(|advisory| Some((advisory, advisory.affects(ecosystem, &version)?))).collect();
            drafts.extend(merge(hits).into_iter().map(|hit| draft(package, &version, &hit)));
        }
        Report::new(ADVISORIES, drafts, &NoSources)
    }
}

/// Whether a version is affected, if it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Affected {
    /// It is.
    Yes,
    /// The version cannot be compared; to be safe it counts.
    Perhaps,
}

struct Hit<'a> {
    advisory: &'a Advisory,
    names: BTreeSet<&'a str>,
    severity: Severity,
    informational: Option<&'a str>,
    fixed: BTreeSet<&'a str>,
    affected: Affected,
}

/// Records that name each other as aliases become one hit, with the worst severity of all.
fn merge<'a>(hits: Vec<(&'a Advisory, Affected)>) -> Vec<Hit<'a>> {
    let mut merged: Vec<Hit<'a>> = Vec::new();
    for (advisory, affected) in hits {
        let mut names: BTreeSet<&str> = advisory.aliases.iter().map(String::as_str).collect();
        names.insert(&advisory.id);
        let mut hit = Hit {
            advisory,
            names,
            severity: advisory.severity,
            informational: advisory.informational.as_deref(),
            fixed: advisory.fixed.iter().map(String::as_str).collect(),
            affected,
        };
        // a record may join several that did not know each other
        let (same, other): (Vec<_>, Vec<_>) = merged.into_iter().partition(|m| !m.names.is_disjoint(&hit.names));
        merged = other;
        for old in same {
            hit.names.extend(&old.names);
            hit.severity = hit.severity.max(old.severity);
            // what one source calls a vulnerability is one
            hit.informational = hit.informational.and(old.informational);
            hit.fixed.extend(&old.fixed);
            hit.affected = hit.affected.min(old.affected);
            if old.advisory.id < hit.advisory.id {
                hit.advisory = old.advisory;
            }
        }
        merged.push(hit);
    }
    merged
}

fn draft(package: &Package, version: &str, hit: &Hit<'_>) -> Draft {
    let Hit { advisory, names, severity, informational, fixed, affected } = hit;
    let also: Vec<_> = names.iter().filter(|name| **name != advisory.id).map(|name| (*name).to_owned()).collect();
    let what = match (informational, severity) {
        (Some(kind), _) => format!("is {kind}"),
        (None, Severity::Unknown) => "has a vulnerability that nobody has weighed".to_owned(),
        (None, severity) => format!("has a {} vulnerability", format!("{severity:?}").to_lowercase()),
    };
    let doubt = if *affected == Affected::Perhaps { " (its version cannot be compared)" } else { "" };
    let summary = advisory.summary.as_deref().map(|text| format!(": {text}")).unwrap_or_default();
    let message = format!("{} {version} {what}{doubt}{summary}", package.name);
    let location = package.purl.clone().map(|path| Location { path, line: None, column: None });
    let level = if informational.is_some() { Level::Note } else { severity.level() };
    let mut draft = Draft::new(&advisory.id, level, &message, location);
    draft.severity = informational.is_none().then_some(*severity);
    let fixed: Vec<_> = fixed.iter().map(|version| (*version).to_owned()).collect();
    draft.fix = Some(match fixed.as_slice() {
        [] => "there is no version without it: do without the package, or add an exception that expires".to_owned(),
        fixed => format!("update {} to {}", package.name, fixed.join(" or ")),
    });
    draft.package = Some(PackageRef { name: package.name.clone(), version: version.to_owned(), fixed });
    draft.aliases = also;
    // the same advisory for the same package is the same finding, whatever the image and the version
    draft.location = draft.location.map(|l| Location { path: l.path.split('@').next().unwrap_or_default().to_owned(), ..l });
    draft.context = Some(package.name.clone());
    draft
}

/// Advisories by package, as a record has them.
pub(crate) type Keyed = ((Ecosystem, String), Advisory);
