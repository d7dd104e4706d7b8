//! An SBOM that syft wrote, against public records.

use penstock_scan::{AdvisoryDb, AdvisoryError, Level, Package, Sbom, Severity, read_spdx};
use std::io::Write as _;

fn public() -> AdvisoryDb {
    AdvisoryDb::from_zips(&[
        &include_bytes!("../../../../examples/oran-config/advisories/PyPI.zip")[..],
        &include_bytes!("../../../../examples/oran-config/advisories/rust-crates.zip")[..],
    ])
    .unwrap()
}

fn package(purl: &str) -> Sbom {
    let package = Package { name: "x".to_owned(), version: String::new(), purl: Some(purl.to_owned()) };
    Sbom { name: "test".to_owned(), packages: vec![package] }
}

fn zip(files: &[(&str, &str)]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, text) in files {
        writer.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(text.as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn ids(db: &AdvisoryDb, purl: &str) -> Vec<String> {
    db.matches(&package(purl)).findings.into_iter().map(|f| f.rule).collect()
}

#[test]
fn syfts_document_is_read_and_matched() {
    let sbom = read_spdx(include_bytes!("../fixtures/syft.spdx.json")).unwrap();
    assert_eq!(sbom.name, "oran/x");
    let db = public();
    assert!(db.len() > 3_000 && db.as_of().starts_with("2026-"), "{} {}", db.len(), db.as_of());
    let report = db.matches(&sbom);
    let seen: Vec<_> = report.findings.iter().filter_map(|f| f.package.as_ref().map(|p| (f.rule.as_str(), p.name.as_str()))).collect();
    // CVE-2019-10906 and CVE-2018-18074, both public knowledge
    assert!(seen.contains(&("PYSEC-2019-217", "jinja2")), "{seen:?}");
    assert!(seen.contains(&("PYSEC-2018-28", "requests")), "{seen:?}");
    assert!(report.findings.iter().all(|f| f.fix.is_some() && f.package.as_ref().is_some_and(|p| p.name != "serde")));
}

#[test]
fn rust_versions_are_told_apart_by_their_repair() {
    let db = public();
    // RUSTSEC-2021-0003 (smallvec, a buffer overflow) was repaired in 0.6.14 and in 1.6.1
    for (version, affected) in
        [("0.6.2", false), ("0.6.13", true), ("0.6.14", false), ("1.6.0", true), ("1.6.1", false), ("1.6.1-rc.1", true)]
    {
        let seen = ids(&db, &format!("pkg:cargo/smallvec@{version}")).contains(&"RUSTSEC-2021-0003".to_owned());
        assert_eq!(seen, affected, "{version}");
    }
    assert!(ids(&db, "pkg:deb/debian/smallvec@1.6.0").is_empty());
}

#[test]
fn scores_names_and_aliases_become_one_finding() {
    let record = |id: &str, alias: &str, extra: &str| {
        format!(
            r#"{{"id": "{id}", "modified": "2026-01-01T00:00:00Z", "aliases": ["{alias}"], {extra}
            "affected": [{{"package": {{"ecosystem": "PyPI", "name": "A.B"}}, "ranges": [{{"type": "ECOSYSTEM", "events": [{{"introduced": "0"}}, {{"fixed": "2.0"}}]}}]}}]}}"#
        )
    };
    let score = r#""severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N"}],"#;
    let db = AdvisoryDb::from_zips(&[zip(&[
        ("a.json", &record("PYSEC-1", "CVE-1", "")),
        ("b.json", &record("GHSA-1", "CVE-1", score)),
        ("c.json", &record("GHSA-2", "CVE-2", r#""database_specific": {"severity": "MODERATE"},"#)),
        ("d.json", &record("GHSA-3", "CVE-3", r#""withdrawn": "2026-02-01T00:00:00Z","#)),
        ("README.md", "not a record"),
    ])])
    .unwrap();
    let report = db.matches(&package("pkg:pypi/a_b@1.9"));
    let seen: Vec<_> = report.findings.iter().map(|f| (f.rule.as_str(), f.severity, f.aliases.join(" "))).collect();
    assert_eq!(
        seen,
        [("GHSA-1", Some(Severity::High), "CVE-1 PYSEC-1".to_owned()), ("GHSA-2", Some(Severity::Medium), "CVE-2".to_owned())]
    );
    assert_eq!(report.findings[0].fix.as_deref(), Some("update x to 2.0"));
    assert!(db.matches(&package("pkg:pypi/a-b@2.0")).findings.is_empty());
    // what cannot be compared counts
    assert_eq!(db.matches(&package("pkg:pypi/a-b@one")).findings.len(), 2);
}

#[test]
fn a_notice_is_a_note_and_what_nobody_weighed_is_an_error() {
    let record = |specific: &str| {
        format!(
            r#"{{"id": "R-1", "affected": [{{"package": {{"ecosystem": "crates.io", "name": "a"}}, "ecosystem_specific": {specific}, "versions": ["1.0.0"]}}]}}"#
        )
    };
    let level = |specific: &str| {
        AdvisoryDb::from_zips(&[zip(&[("a.json", &record(specific))])]).unwrap().matches(&package("pkg:cargo/a@1.0.0")).findings[0].level
    };
    assert_eq!(level(r#"{"informational": "unmaintained"}"#), Level::Note);
    assert_eq!(level("{}"), Level::Error);
    assert_eq!(level(r#"{"informational": "unsound"}"#), Level::Error);
}

#[test]
fn broken_archives_and_records_are_errors_and_not_fewer_advisories() {
    assert!(matches!(AdvisoryDb::from_zips(&[b"not a zip"]), Err(AdvisoryError::Archive { archive: 0, .. })));
    let broken = AdvisoryDb::from_zips(&[zip(&[("a.json", "{")])]);
    assert!(matches!(broken, Err(AdvisoryError::Record { file, .. }) if file == "a.json"));
    assert!(AdvisoryDb::from_zips::<&[u8]>(&[]).unwrap().is_empty());
    // a record that was made to burst: 9 MiB of spaces
    let bomb = zip(&[("a.json", &" ".repeat(9 << 20))]);
    assert!(bomb.len() < 100_000);
    assert!(matches!(AdvisoryDb::from_zips(&[bomb]), Err(AdvisoryError::TooLarge(_))));
}
