//! trivy's misconfiguration and secret scanners, their JSON. Neither needs a database.

use penstock_model::tool::{ToolCall, ToolOutput, ToolResult};
use serde::Deserialize;

use super::{ReadError, call as make, place, read_json};
use crate::finding::{Draft, Level, Severity};
use crate::judged::Judged;
use crate::tools::gitleaks::FIX;

const WRITE: [&str; 5] = ["--quiet", "--format=json", "--exit-code=0", "--output={output}", "--cache-dir={output}.cache"];

pub(super) fn config_call(judged: &Judged<'_>) -> ToolCall {
    let mut args = vec!["config", "--skip-check-update"];
    args.extend(WRITE);
    make("trivy", &args, vec!["{input}".to_owned()], judged, ToolResult::File, &[0])
}

pub(super) fn secret_call(judged: &Judged<'_>) -> ToolCall {
    let mut args = vec!["filesystem", "--scanners=secret", "--skip-db-update", "--offline-scan"];
    args.extend(WRITE);
    make("trivy", &args, vec!["{input}".to_owned()], judged, ToolResult::File, &[0])
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Output {
    schema_version: u32,
    #[serde(default)]
    results: Vec<Target>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Target {
    target: String,
    #[serde(default)]
    misconfigurations: Vec<Misconfiguration>,
    #[serde(default)]
    secrets: Vec<Secret>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Misconfiguration {
    #[serde(rename = "ID")]
    id: String,
    #[serde(rename = "AVDID", default)]
    avd: String,
    title: String,
    #[serde(default)]
    message: String,
    #[serde(default)]
    resolution: String,
    severity: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    cause_metadata: Cause,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Cause {
    #[serde(default)]
    start_line: u64,
}

// `Match` and `Code` are left out on purpose: trivy masks the secret there, but need not
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Secret {
    #[serde(rename = "RuleID")]
    rule: String,
    severity: String,
    title: String,
    #[serde(default)]
    start_line: u64,
}

fn targets(tool: &'static str, output: &ToolOutput) -> Result<Vec<Target>, ReadError> {
    let report: Output = read_json(tool, &output.result)?;
    if report.schema_version != 2 {
        return Err(super::form(tool)(&format!("its schema version is {} and not 2", report.schema_version)));
    }
    Ok(report.results)
}

fn asked(judged: &Judged<'_>, target: &str) -> bool {
    judged.paths.is_empty() || judged.files().any(|file| file == target)
}

pub(super) fn read_config(output: &ToolOutput, judged: &Judged<'_>) -> Result<Vec<Draft>, ReadError> {
    let mut drafts = Vec::new();
    for target in targets("trivy-config", output)? {
        let path = judged.relative(&target.target);
        if !asked(judged, &path) {
            continue;
        }
        for found in target.misconfigurations.into_iter().filter(|found| found.status != "PASS") {
            let severity = Severity::read(&found.severity);
            let message = if found.message.is_empty() { found.title } else { format!("{}: {}", found.title, found.message) };
            let location = place(judged, &path, found.cause_metadata.start_line, 0);
            let mut draft = Draft::new(&found.id, severity.level(), &message, location).severity(severity);
            draft.fix = Some(found.resolution).filter(|text| !text.is_empty());
            draft.aliases = Some(found.avd).filter(|alias| !alias.is_empty()).into_iter().collect();
            drafts.push(draft);
        }
    }
    Ok(drafts)
}

pub(super) fn read_secret(output: &ToolOutput, judged: &Judged<'_>) -> Result<Vec<Draft>, ReadError> {
    let mut drafts = Vec::new();
    for target in targets("trivy-secret", output)? {
        let path = judged.relative(&target.target);
        if !asked(judged, &path) {
            continue;
        }
        for found in target.secrets {
            let location = place(judged, &path, found.start_line, 0);
            let mut draft = Draft::new(&found.rule, Level::Error, &found.title, location).severity(Severity::read(&found.severity));
            // no columns are given: nothing of the line may go into the fingerprint
            draft.context = Some(String::new());
            draft.fix = Some(FIX.to_owned());
            drafts.push(draft);
        }
    }
    Ok(drafts)
}
