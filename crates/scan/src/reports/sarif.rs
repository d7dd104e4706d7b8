//! SARIF that another tool wrote.

use serde::Deserialize;

use super::ReportError;
use crate::finding::{Draft, Level, Location, Report, ScannerInfo, Severity};
use crate::judged::NoSources;

#[derive(Deserialize)]
struct Log {
    #[serde(default)]
    runs: Vec<Run>,
}

#[derive(Deserialize)]
struct Run {
    tool: Tool,
    #[serde(default)]
    results: Option<Vec<Found>>,
}

#[derive(Deserialize)]
struct Tool {
    driver: Driver,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Driver {
    name: String,
    semantic_version: Option<String>,
    version: Option<String>,
    #[serde(default)]
    rules: Vec<Rule>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    id: String,
    default_configuration: Option<Configuration>,
    #[serde(default)]
    properties: serde_json::Map<String, serde_json::Value>,
}

#[derive(Deserialize)]
struct Configuration {
    level: Option<Level>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Found {
    rule_id: Option<String>,
    rule_index: Option<usize>,
    level: Option<Level>,
    kind: Option<String>,
    message: Message,
    #[serde(default)]
    locations: Vec<Place>,
    #[serde(default)]
    suppressions: Option<Vec<serde_json::Value>>,
}

#[derive(Deserialize)]
struct Message {
    text: Option<String>,
    markdown: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Place {
    physical_location: Option<Physical>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Physical {
    artifact_location: Option<Artifact>,
    region: Option<Region>,
}

#[derive(Deserialize)]
struct Artifact {
    uri: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Region {
    start_line: Option<u32>,
    start_column: Option<u32>,
}

/// Reads a SARIF log (2.1.0): the findings of all its runs, and which tools wrote it. What its author has suppressed, and what
/// passed, is no finding.
pub fn read_sarif(bytes: &[u8]) -> Result<(Report, ScannerInfo), ReportError> {
    let log: Log = serde_json::from_slice(bytes).map_err(|error| ReportError::form("SARIF", &error))?;
    let (mut drafts, mut tools) = (Vec::new(), Vec::new());
    for run in log.runs {
        let driver = run.tool.driver;
        let version = driver.semantic_version.as_deref().or(driver.version.as_deref()).unwrap_or_default();
        tools.push(format!("{} {version}", driver.name).trim().to_owned());
        drafts.extend(run.results.unwrap_or_default().into_iter().filter_map(|found| draft(found, &driver.rules)));
    }
    tools.sort();
    tools.dedup();
    Ok((Report::new("sarif", drafts, &NoSources), ScannerInfo { version: tools.join(", "), digest: None }))
}

fn draft(found: Found, rules: &[Rule]) -> Option<Draft> {
    let counts = found.kind.as_deref().is_none_or(|kind| kind == "fail");
    if !counts || found.suppressions.is_some_and(|list| !list.is_empty()) {
        return None;
    }
    let by_index = found.rule_index.and_then(|index| rules.get(index));
    let rule = by_index.or_else(|| rules.iter().find(|rule| Some(&rule.id) == found.rule_id.as_ref()));
    let id = found.rule_id.or_else(|| rule.map(|rule| rule.id.clone())).unwrap_or_else(|| "unnamed".to_owned());
    let level = found.level.or_else(|| rule.and_then(|rule| rule.default_configuration.as_ref()?.level)).unwrap_or(Level::Warning);
    let place = found.locations.into_iter().find_map(|place| place.physical_location);
    let location = place.and_then(|place| {
        let path = place.artifact_location?.uri?;
        let (line, column) = place.region.map_or((None, None), |region| (region.start_line, region.start_column));
        Some(Location { path: path.trim_start_matches("file://").trim_start_matches("./").to_owned(), line, column })
    });
    let message = found.message.text.or(found.message.markdown).unwrap_or_default();
    let draft = Draft::new(&id, level, &message, location);
    let score = rule.and_then(|rule| rule.properties.get("security-severity")).and_then(score);
    Some(match score {
        Some(severity) => draft.severity(severity),
        None => draft,
    })
}

/// GitHub's bounds of CVSS scores.
fn score(value: &serde_json::Value) -> Option<Severity> {
    let score = value.as_f64().or_else(|| value.as_str()?.parse().ok())?;
    Some(match score {
        score if score >= 9.0 => Severity::Critical,
        score if score >= 7.0 => Severity::High,
        score if score >= 4.0 => Severity::Medium,
        score if score > 0.0 => Severity::Low,
        _ => Severity::Unknown,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_of_another_tool_keep_rule_level_severity_and_place() {
        let sarif = r#"{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "CodeQL", "semanticVersion": "2.15", "rules": [
            {"id": "js/xss", "defaultConfiguration": {"level": "error"}, "properties": {"security-severity": "7.8"}}]}},
            "results": [
              {"ruleId": "js/xss", "ruleIndex": 0, "message": {"text": "bad"}, "locations": [{"physicalLocation": {"artifactLocation": {"uri": "src/a.js"}, "region": {"startLine": 3}}}]},
              {"ruleId": "x", "level": "note", "message": {"text": "meh"}},
              {"ruleId": "x", "kind": "pass", "message": {"text": "good"}},
              {"ruleId": "x", "message": {"text": "known"}, "suppressions": [{"kind": "inSource"}]}]}]}"#;
        let (report, scanner) = read_sarif(sarif.as_bytes()).unwrap();
        assert_eq!((scanner.version.as_str(), report.summary.error, report.summary.note, report.findings.len()), ("CodeQL 2.15", 1, 1, 2));
        let worst = &report.findings[0];
        assert_eq!((worst.rule.as_str(), worst.severity), ("js/xss", Some(Severity::High)));
        assert_eq!(worst.location.as_ref().map(|place| (place.path.as_str(), place.line)), Some(("src/a.js", Some(3))));
        assert!(read_sarif(b"{").is_err());
    }
}
