//! SARIF 2.1.0: what code hosts and editors read.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::finding::{Finding, Report, ScannerInfo};

const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// A report as a SARIF log with one run.
pub fn sarif(report: &Report, scanner: &ScannerInfo) -> Value {
    let mut index: BTreeMap<&str, usize> = BTreeMap::new();
    let mut rules = Vec::new();
    for finding in &report.findings {
        index.entry(&finding.rule).or_insert_with(|| {
            rules.push(json!({"id": finding.rule}));
            rules.len() - 1
        });
    }
    let results: Vec<_> = report.findings.iter().map(|finding| result(finding, &index)).collect();
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {"name": report.tool, "version": scanner.version, "rules": rules}},
            "originalUriBaseIds": {"SRCROOT": {"description": {"text": "the root of the commit's tree"}}},
            "results": results,
            "columnKind": "unicodeCodePoints",
        }],
    })
}

fn result(finding: &Finding, index: &BTreeMap<&str, usize>) -> Value {
    let mut result = json!({
        "ruleId": finding.rule,
        "ruleIndex": index.get(finding.rule.as_str()),
        "level": finding.level,
        "message": {"text": finding.message},
        "partialFingerprints": {"penstock/v1": finding.fingerprint},
    });
    if let Some(location) = &finding.location {
        let mut physical = json!({"artifactLocation": {"uri": uri(&location.path), "uriBaseId": "SRCROOT"}});
        if let Some(line) = location.line.filter(|line| *line > 0) {
            physical["region"] = json!({"startLine": line});
            if let Some(column) = location.column.filter(|column| *column > 0) {
                physical["region"]["startColumn"] = json!(column);
            }
        }
        result["locations"] = json!([{"physicalLocation": physical}]);
    }
    let mut properties = serde_json::Map::new();
    if let Some(severity) = finding.severity {
        properties.insert("severity".to_owned(), json!(severity));
    }
    if let Some(package) = &finding.package {
        properties.insert("package".to_owned(), json!(package));
    }
    if !properties.is_empty() {
        result["properties"] = Value::Object(properties);
    }
    result
}

/// A relative path as a URI reference (RFC 3986): what is not unreserved is escaped.
fn uri(path: &str) -> String {
    let mut uri = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::{Draft, Level, Location};

    #[test]
    fn a_log_has_rules_places_and_fingerprints() {
        let location = Location { path: "a b/ü.py".to_owned(), line: Some(3), column: Some(0) };
        let drafts = vec![Draft::new("r", Level::Warning, "m", Some(location)), Draft::new("r", Level::Error, "n", None)];
        let report = Report::new("t", drafts, &crate::NoSources);
        let log = sarif(&report, &ScannerInfo { version: "1".to_owned(), digest: None });
        assert_eq!(log["version"], "2.1.0");
        let results = &log["runs"][0]["results"];
        assert_eq!((results[0]["level"].as_str(), results[1]["ruleIndex"].as_u64()), (Some("error"), Some(0)));
        let physical = &results[1]["locations"][0]["physicalLocation"];
        assert_eq!(physical["artifactLocation"]["uri"], "a%20b/%C3%BC.py");
        assert_eq!(physical["region"], json!({"startLine": 3}), "a column from 0 is none");
        assert!(results[1]["partialFingerprints"]["penstock/v1"].is_string());
    }
}
