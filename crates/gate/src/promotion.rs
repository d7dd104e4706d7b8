//! What holds whatever the policy says: the order of environments, freeze windows, approvals.

use penstock_model::evidence::{Evidence, Subject, Witness, predicate};
use penstock_model::release::ReleaseId;
use penstock_model::{EnvironmentName, Timestamp, counted};
use serde_json::Value;

use crate::approval::Tally;
use crate::config::{DeliveryConfig, Environment};
use crate::decision::Denial;

/// A freeze window that holds now.
pub(crate) fn frozen(environment: &Environment, now: Timestamp) -> Option<Denial> {
    let window = environment.freeze.iter().find(|window| window.holds(now))?;
    Some(Denial {
        rule: "freeze".to_owned(),
        subject: format!("environment {}", environment.name),
        message: format!("{} is frozen until {}: {}", environment.name, window.to.0, window.reason),
        where_: None,
        fix: "wait until then, or have two people break the glass".to_owned(),
    })
}

/// The environments before this one that the release has not passed.
pub(crate) fn not_passed(config: &DeliveryConfig, environment: &Environment, release: ReleaseId, evidence: &[Evidence]) -> Vec<Denial> {
    let Some(before) = environment.after.as_ref().and_then(|name| config.environment(name)) else { return Vec::new() };
    let denial = |message: String, fix: String| Denial {
        rule: "promotion".to_owned(),
        subject: format!("release {release}"),
        message,
        where_: None,
        fix,
    };
    let mut denials = Vec::new();
    if !decided(evidence, release, &before.name) {
        let message = format!("the gate of {} has not let this release in", before.name);
        denials.push(denial(message, format!("deliver the release to {} first", before.name)));
    }
    for check in &before.checks {
        let result = latest_check(evidence, release, &before.name, &check.name);
        if result != Some("PASSED") {
            let message = format!("check `{}` has not passed in {} for this release", check.name, before.name);
            denials.push(denial(message, format!("look at the check's log; it has to pass in {} first", before.name)));
        }
    }
    denials
}

fn text<'a>(predicate: &'a Value, key: &str) -> Option<&'a str> {
    predicate.get(key)?.as_str()
}

fn observed<'a>(evidence: &'a [Evidence], release: ReleaseId, kind: &'a str) -> impl Iterator<Item = &'a Evidence> {
    evidence.iter().filter(move |e| e.predicate_type == kind && e.witness == Witness::Observed && e.subject == Subject::Release(release))
}

fn decided(evidence: &[Evidence], release: ReleaseId, environment: &EnvironmentName) -> bool {
    let about = |e: &&Evidence| text(&e.predicate, "penstock_environment") == Some(environment.as_str());
    let latest = observed(evidence, release, predicate::VSA).filter(about).max_by_key(|e| (e.at, e.envelope));
    latest.is_some_and(|e| text(&e.predicate, "verificationResult") == Some("PASSED"))
}

fn latest_check<'a>(evidence: &'a [Evidence], release: ReleaseId, environment: &EnvironmentName, check: &str) -> Option<&'a str> {
    observed(evidence, release, predicate::ENVIRONMENT_CHECK)
        .filter(|e| text(&e.predicate, "environment") == Some(environment.as_str()) && text(&e.predicate, "check") == Some(check))
        .max_by_key(|e| (e.at, e.envelope))
        .and_then(|e| text(&e.predicate, "result"))
}

/// Approvals that are still needed.
pub(crate) fn unapproved(environment: &Environment, tally: &Tally) -> Option<Denial> {
    let rule = environment.approvals.as_ref()?;
    let missing = usize::from(rule.required).saturating_sub(tally.valid.len());
    if missing == 0 {
        return None;
    }
    Some(Denial {
        rule: "approval".to_owned(),
        subject: format!("environment {}", environment.name),
        message: format!("{} of {}", tally.valid.len(), counted(rule.required, "approval")),
        where_: None,
        fix: "have an approver who neither pushed nor wrote it look at it: `penstock approve`".to_owned(),
    })
}
