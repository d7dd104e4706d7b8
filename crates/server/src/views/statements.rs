//! Statements in one line each.

use penstock_api::StatementView;
use penstock_model::counted;
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
                format!("{}, {}, {}", counted(errors, "error"), counted(warnings, "warning"), counted(notes, "note"))
            }
        }
        predicate::TEST_RESULT => text("/result").to_lowercase(),
        predicate::COVERAGE => format!("{} % of {} lines", said.pointer("/percent").cloned().unwrap_or(Value::Null), number("/linesValid")),
        predicate::SPDX => {
            let listed = said.pointer("/packages").and_then(Value::as_array).map(|listed| counted(listed.len(), "package"));
            format!("bill of materials, {}", listed.unwrap_or_else(|| counted(number("/penstock_packages"), "package")))
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

#[cfg(test)]
mod tests {
    use super::*;
    use penstock_model::{Digest, Timestamp};
    use serde_json::json;

    fn check(predicate_type: &str, predicate: Value, expected: &str) {
        let evidence = Evidence {
            envelope: Digest::of(""),
            subject: Subject::Commit("a".repeat(40).parse().unwrap()),
            predicate_type: predicate_type.to_owned(),
            predicate,
            witness: Witness::Observed,
            name: "trivy".to_owned(),
            at: Timestamp(0),
            key_id: String::new(),
        };
        assert_eq!(summary(&evidence), expected);
    }

    #[test]
    fn one_of_a_thing_is_told_as_one() {
        check(predicate::FINDINGS, json!({ "summary": { "error": 1, "warning": 2, "note": 1 } }), "1 error, 2 warnings, 1 note");
        check(predicate::FINDINGS, json!({ "summary": { "error": 0, "warning": 0, "note": 0 } }), "nothing found");
        check(predicate::SPDX, json!({ "packages": [{}] }), "bill of materials, 1 package");
        check(predicate::SPDX, json!({ "penstock_packages": 12 }), "bill of materials, 12 packages");
    }
}
