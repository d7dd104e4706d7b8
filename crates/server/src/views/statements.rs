//! Statements in one line each.

use penstock_api::StatementView;
use penstock_model::evidence::{Evidence, Subject, Witness, predicate};
use serde_json::Value;

/// A statement as people see it.
pub fn statement_view(evidence: &Evidence) -> StatementView {
    StatementView {
        envelope: evidence.envelope,
        subject: match &evidence.subject {
            Subject::Commit(commit) => format!("commit {}", commit.short()),
            Subject::Image(image) => image.to_string(),
            Subject::Release(release) => format!("release {}", release.0.short()),
        },
        predicate_type: evidence.predicate_type.clone(),
        name: evidence.name.clone(),
        witness: match evidence.witness {
            Witness::Observed => "observed".to_owned(),
            Witness::Reported => "reported".to_owned(),
        },
        summary: summary(evidence),
        at: evidence.at,
    }
}

/// What a statement says, in one line.
pub fn summary(evidence: &Evidence) -> String {
    let said = &evidence.predicate;
    let text = |path: &str| said.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned();
    let number = |path: &str| said.pointer(path).and_then(Value::as_u64).unwrap_or(0);
    match evidence.predicate_type.as_str() {
        predicate::FINDINGS => {
            let (errors, warnings, notes) = (number("/summary/error"), number("/summary/warning"), number("/summary/note"));
            if errors + warnings + notes == 0 {
                "nothing found".to_owned()
            } else {
                format!("{errors} errors, {warnings} warnings, {notes} notes")
            }
        }
        predicate::TEST_RESULT => text("/result").to_lowercase(),
        predicate::COVERAGE => format!("{} % of {} lines", said.pointer("/percent").cloned().unwrap_or(Value::Null), number("/linesValid")),
        predicate::SPDX => {
            let listed = said.pointer("/packages").and_then(Value::as_array).map(Vec::len);
            let packages = listed.unwrap_or_else(|| usize::try_from(number("/penstock_packages")).unwrap_or(0));
            format!("bill of materials, {packages} packages")
        }
        predicate::PROVENANCE => format!("built by {}", text("/runDetails/metadata/invocationId")),
        predicate::VSA => {
            let resource = text("/resourceUri");
            let name = resource.strip_prefix("penstock:environment/").and_then(|rest| rest.split('?').next()).unwrap_or(&resource);
            format!("gate of {name}: {}", text("/verificationResult").to_lowercase())
        }
        predicate::APPROVAL => format!("{} approved for {}", text("/approver"), text("/environment")),
        predicate::ENVIRONMENT_CHECK => format!("{} in {}: {}", text("/check"), text("/environment"), text("/result").to_lowercase()),
        predicate::IMPORT => format!("let in by {}: {}", text("/by"), text("/reason")),
        predicate::BREAK_GLASS => {
            let (one, other) = (text("/people/0"), text("/people/1"));
            format!("gate of {} opened by {one} and {other}: {}", text("/environment"), text("/reason"))
        }
        other => other.to_owned(),
    }
}
