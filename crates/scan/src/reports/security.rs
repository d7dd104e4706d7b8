//! GitLab's security reports (schema 15): what scanners of source, dependencies, images and secrets found.

use std::fmt::{self, Formatter};
use std::io::BufRead;

use serde::Deserialize;
use serde::de::{Deserializer as _, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::ReportError;
use crate::finding::{Draft, Drafts, Level, Location, PackageRef, Report, ScannerInfo, Severity, shorten};

/// The version of the schema that is read.
const SCHEMA: &str = "15.";
/// The most other names of a finding that are kept.
const MAX_ALIASES: usize = 10;

/// Which of them it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecurityReport {
    /// The source.
    Sast,
    /// Packages that the source names.
    DependencyScanning,
    /// Packages in an image.
    ContainerScanning,
    /// Secrets in the source.
    SecretDetection,
}

impl SecurityReport {
    /// By the word of `artifacts: reports`.
    pub fn of(kind: &str) -> Option<Self> {
        Some(match kind {
            "sast" => Self::Sast,
            "dependency_scanning" => Self::DependencyScanning,
            "container_scanning" => Self::ContainerScanning,
            "secret_detection" => Self::SecretDetection,
            _ => return None,
        })
    }

    fn name(self) -> &'static str {
        match self {
            Self::Sast => "sast",
            Self::DependencyScanning => "dependency_scanning",
            Self::ContainerScanning => "container_scanning",
            Self::SecretDetection => "secret_detection",
        }
    }
}

#[derive(Deserialize)]
struct Scan {
    #[serde(rename = "type")]
    kind: Option<String>,
    scanner: Option<Scanner>,
    status: Option<String>,
}

#[derive(Deserialize)]
struct Scanner {
    #[serde(default)]
    name: String,
    #[serde(default)]
    version: String,
}

// of a secret nothing but its place is read: reports may carry it as `raw_source_code_extract`
#[derive(Deserialize)]
struct Vulnerability {
    message: Option<String>,
    name: Option<String>,
    description: Option<String>,
    severity: Option<String>,
    solution: Option<String>,
    #[serde(default)]
    identifiers: Vec<Identifier>,
    location: Option<Place>,
}

#[derive(Deserialize)]
struct Identifier {
    name: Option<String>,
    value: Option<String>,
}

impl Identifier {
    /// `CVE-2021-23337`, or `CWE-94`, of which the value is the number alone.
    fn word(self) -> Option<String> {
        let number = |value: &String| value.bytes().all(|byte| byte.is_ascii_digit());
        let (name, value) = (self.name.filter(|name| !name.is_empty()), self.value.filter(|value| !value.is_empty()));
        if value.as_ref().is_none_or(number) { name.or(value) } else { value }
    }
}

#[derive(Deserialize)]
struct Place {
    file: Option<String>,
    start_line: Option<u32>,
    image: Option<String>,
    dependency: Option<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    package: Option<Package>,
    version: Option<String>,
}

#[derive(Deserialize)]
struct Package {
    name: Option<String>,
}

/// Reads a report, finding by finding.
pub fn read_security(kind: SecurityReport, input: impl BufRead) -> Result<(Report, ScannerInfo), ReportError> {
    let mut json = serde_json::Deserializer::from_reader(input);
    let read = json.deserialize_map(Whole(kind)).and_then(|read| json.end().map(|()| read));
    let (drafts, scanner) = read.map_err(|error| ReportError::form(kind.name(), &error))?;
    Ok((drafts.report(kind.name()), scanner))
}

struct Whole(SecurityReport);

impl<'de> Visitor<'de> for Whole {
    type Value = (Drafts, ScannerInfo);

    fn expecting(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("a security report")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut version, mut scan, mut found) = (None::<String>, None::<Scan>, None);
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "version" => version = Some(map.next_value()?),
                "scan" => scan = Some(map.next_value()?),
                "vulnerabilities" => found = Some(map.next_value_seed(Findings(self.0))?),
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        let version = version.ok_or_else(|| A::Error::missing_field("version"))?;
        if !version.starts_with(SCHEMA) {
            return Err(A::Error::custom(format!("its schema is {} and not {SCHEMA}x", shorten(&version, 40))));
        }
        let drafts = found.ok_or_else(|| A::Error::missing_field("vulnerabilities"))?;
        let scan = scan.ok_or_else(|| A::Error::missing_field("scan"))?;
        if let Some(other) = scan.kind.filter(|kind| kind != self.0.name()) {
            return Err(A::Error::custom(format!("it is of a scan of the type `{}`", shorten(&other, 40))));
        }
        if scan.status.as_deref() == Some("failure") {
            return Err(A::Error::custom("it says that the scan itself failed, so that nothing is known"));
        }
        let scanner = scan.scanner.map(|scanner| format!("{} {}", scanner.name, scanner.version)).unwrap_or_default();
        Ok((drafts, ScannerInfo { version: shorten(scanner.trim(), 200), digest: None }))
    }
}

struct Findings(SecurityReport);

impl<'de> serde::de::DeserializeSeed<'de> for Findings {
    type Value = Drafts;
    fn deserialize<D: serde::Deserializer<'de>>(self, json: D) -> Result<Drafts, D::Error> {
        json.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Findings {
    type Value = Drafts;

    fn expecting(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("a list of vulnerabilities")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Drafts, A::Error> {
        let mut drafts = Drafts::default();
        while let Some(found) = list.next_element::<Vulnerability>()? {
            drafts.push(draft(self.0, found));
        }
        Ok(drafts)
    }
}

fn draft(kind: SecurityReport, found: Vulnerability) -> Draft {
    let mut names = found.identifiers.into_iter().filter_map(Identifier::word).map(|name| shorten(&name, 200));
    let rule = names.next().unwrap_or_else(|| "unnamed".to_owned());
    let word = found.severity.unwrap_or_default();
    let severity = Severity::read(&word);
    let level = if word.eq_ignore_ascii_case("info") { Level::Note } else { severity.level() };
    let place = found.location;
    let said = [found.message, found.name, found.description].into_iter().flatten().find(|text| !text.is_empty());
    let mut message = said.unwrap_or_else(|| rule.clone());
    if let Some(image) = place.as_ref().and_then(|place| place.image.as_deref()) {
        message = format!("{} (in {})", shorten(&message, 500), shorten(image, 300));
    }
    let location = place.as_ref().and_then(|place| {
        let path = place.file.as_deref().filter(|path| !path.is_empty())?;
        Some(Location { path: super::below(path), line: place.start_line.filter(|line| *line > 0), column: None })
    });
    let mut draft = Draft::new(&rule, level, &message, location);
    draft.severity = (level != Level::Note || severity == Severity::Low).then_some(severity);
    draft.aliases = names.take(MAX_ALIASES).collect();
    draft.fix = found.solution.filter(|text| !text.is_empty());
    draft.package = place.and_then(|place| place.dependency).and_then(|dependency| {
        let name = dependency.package?.name?;
        Some(PackageRef { name: shorten(&name, 200), version: shorten(&dependency.version.unwrap_or_default(), 200), fixed: Vec::new() })
    });
    draft.context = match (kind, &draft.package) {
        // nothing of what is said near a secret may be read off the fingerprint
        (SecurityReport::SecretDetection, _) => Some(String::new()),
        (_, Some(package)) => Some(format!("{}\0{}", package.name, package.version)),
        _ => None,
    };
    draft
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(kind: &str, version: &str, status: &str, vulnerabilities: &str) -> String {
        format!(
            r#"{{"version": "{version}", "vulnerabilities": [{vulnerabilities}], "dependency_files": [],
            "scan": {{"type": "{kind}", "status": "{status}", "analyzer": {{"id": "a"}}, "scanner": {{"id": "s", "name": "S", "version": "2.1"}}}}}}"#
        )
    }

    fn read(kind: &str, vulnerabilities: &str) -> Report {
        let text = report(kind, "15.0.7", "success", vulnerabilities);
        let (read, scanner) = read_security(SecurityReport::of(kind).unwrap(), text.as_bytes()).unwrap();
        assert_eq!(scanner.version, "S 2.1");
        read
    }

    #[test]
    fn of_a_package_name_version_and_the_way_out_are_kept() {
        let found = r#"{"id": "1", "name": "Prototype pollution", "severity": "High", "solution": "Upgrade to 4.17.21",
            "identifiers": [{"type": "cve", "name": "CVE-2021-23337", "value": "CVE-2021-23337"}, {"type": "cwe", "name": "CWE-94", "value": "94"}],
            "location": {"file": "package-lock.json", "dependency": {"iid": 1, "package": {"name": "lodash"}, "version": "4.17.20"}}}"#;
        let report = read("dependency_scanning", found);
        let one = &report.findings[0];
        assert_eq!((one.rule.as_str(), one.level, one.severity), ("CVE-2021-23337", Level::Error, Some(Severity::High)));
        assert_eq!(one.package.as_ref().map(|package| (package.name.as_str(), package.version.as_str())), Some(("lodash", "4.17.20")));
        assert_eq!((one.fix.as_deref(), one.aliases.as_slice()), (Some("Upgrade to 4.17.21"), ["CWE-94".to_owned()].as_slice()));
    }

    #[test]
    fn what_an_image_has_is_said_with_the_image() {
        let found = r#"{"id": "1", "name": "CVE-2023-1 in zlib", "severity": "Info", "identifiers": [],
            "location": {"image": "shop:1", "operating_system": "debian 12", "dependency": {"package": {"name": "zlib"}, "version": "1.2"}}}"#;
        let report = read("container_scanning", found);
        assert_eq!(report.findings[0].message, "CVE-2023-1 in zlib (in shop:1)");
        assert_eq!((report.findings[0].level, report.findings[0].severity, &report.findings[0].location), (Level::Note, None, &None));
    }

    #[test]
    fn nothing_of_a_secret_is_kept() {
        let secret = |text: &str| {
            format!(
                r#"{{"id": "1", "name": "AWS key", "severity": "Critical", "raw_source_code_extract": "{text}", "identifiers": [{{"type": "gitleaks_rule_id", "value": "aws"}}],
                "location": {{"file": "a.env", "start_line": 3, "commit": {{"sha": "0000000"}}}}}}"#
            )
        };
        let (one, other) = (read("secret_detection", &secret("AKIA1")), read("secret_detection", &secret("AKIA2")));
        assert_eq!(one.findings[0].fingerprint, other.findings[0].fingerprint);
        assert!(!format!("{one:?}").contains("AKIA"));
    }

    #[test]
    fn what_is_of_another_version_or_kind_or_failed_is_an_error() {
        let check = |text: &str, why: &str| {
            let error = read_security(SecurityReport::Sast, text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        };
        check(&report("sast", "14.1.0", "success", ""), "its schema is 14.1.0 and not 15.x");
        check(&report("secret_detection", "15.0.0", "success", ""), "`secret_detection`");
        check(&report("sast", "15.0.0", "failure", ""), "the scan itself failed");
        check("{}", "`version`");
        check("[]", "a security report");
        check(&report("sast", "15.0.0", "success", "1"), "invalid type");
    }
}
