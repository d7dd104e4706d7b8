//! The decision: allowed in so many words, or denied with what to do.

use penstock_model::Digest;
use penstock_model::evidence::predicate;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::approval::{Wanted, tally};
use crate::break_glass::{BreakGlass, opened};
use crate::config::Environment;
use crate::input::{GateInput, MAX_EVIDENCE, document, relevant};
use crate::policy::PolicySet;
use crate::promotion::{frozen, not_passed, unapproved};

/// The most denials, and the most warnings, that a decision lists.
const MAX_LISTED: usize = 500;

/// One reason why not: which rule, about what, where, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Denial {
    /// The rule's name, such as `secrets`.
    pub rule: String,
    /// What it is about: a commit, an image, a release, an environment.
    pub subject: String,
    /// What is wrong.
    pub message: String,
    /// `path:line`, where there is one.
    #[serde(rename = "where", default, skip_serializing_if = "Option::is_none")]
    pub where_: Option<String>,
    /// What to do.
    #[serde(default)]
    pub fix: String,
}

/// What the gate decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// May the release go there?
    pub allow: bool,
    /// Why not. Empty if it may.
    pub denials: Vec<Denial>,
    /// What people should know although it may.
    pub warnings: Vec<Denial>,
    /// What would have denied, had two people not opened the gate.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overridden: Vec<Denial>,
    /// Who opened it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broken_glass: Option<BreakGlass>,
    /// The statements that it saw.
    pub evidence_used: Vec<Digest>,
    /// The policy's digest.
    pub policy: Digest,
}

impl Decision {
    /// True if nothing but people is missing: time to ask for approval.
    pub fn waits_for_approval_only(&self) -> bool {
        !self.allow && !self.denials.is_empty() && self.denials.iter().all(|denial| denial.rule == "approval")
    }

    /// True if nothing but approvals and a freeze window keep the release out: it may go later as it is.
    pub fn waits_only(&self) -> bool {
        !self.allow && !self.denials.is_empty() && self.denials.iter().all(|denial| matches!(denial.rule.as_str(), "approval" | "freeze"))
    }

    fn denied(denial: Denial, policy: Digest) -> Self {
        Self {
            allow: false,
            denials: vec![denial],
            warnings: vec![],
            overridden: vec![],
            broken_glass: None,
            evidence_used: vec![],
            policy,
        }
    }
}

fn denial(rule: &str, subject: String, message: String, fix: &str) -> Denial {
    Denial { rule: rule.to_owned(), subject, message, where_: None, fix: fix.to_owned() }
}

/// Decides. Pure: the same policy and input give the same decision, whatever the order of the statements.
pub fn evaluate(policy: &PolicySet, input: &GateInput) -> Decision {
    let subject = format!("environment {}", input.environment);
    let Some(environment) = input.config.environment(&input.environment) else {
        let message = format!("`penstock.yaml` knows no environment `{}`", input.environment);
        return Decision::denied(denial("environment", subject, message, "add it to the config repository"), policy.digest());
    };
    let evidence = relevant(&input.release, &input.evidence);
    if evidence.len() > MAX_EVIDENCE {
        let message = format!("{} statements are more than the {MAX_EVIDENCE} that one decision looks at", evidence.len());
        return Decision::denied(denial("limit", subject, message, "make a new release from a new commit"), policy.digest());
    }
    let wanted = Wanted {
        release: input.release.id(),
        environment: &input.environment,
        revision: input.revision,
        policy: policy.digest(),
        now: input.now,
        rule: environment.approvals.as_ref(),
        pushers: &input.pushers,
        authors: &input.authors,
        approvers: &input.config.approvers,
    };
    let tally = tally(&evidence, &wanted);
    let answer = answer(policy, input, environment, &document(input, environment, &evidence, &tally));
    let mut denials = answer.denials;
    denials.extend(frozen(environment, input.now));
    denials.extend(not_passed(&input.config, environment, wanted.release, &evidence));
    denials.extend(unapproved(environment, &tally));
    if input.release.images.is_empty() {
        denials.push(denial("release", format!("release {}", wanted.release), "the release has no image".to_owned(), "build one"));
    }
    let mut warnings = answer.warnings;
    warnings.extend(
        tally
            .refused
            .iter()
            .map(|(who, why)| denial("approval", subject.clone(), format!("the approval of {who} does not count: {why}"), "")),
    );
    warnings.extend(input.authors.strangers().take(20).map(|author| {
        let message = format!("{} <{}> wrote a commit and is no user known here", author.name, author.mail);
        denial("authors", format!("commit {}", input.release.commit), message, "add the address to the user's identities")
    }));
    let (glass, refused) = if denials.is_empty() { (None, Vec::new()) } else { opened(&evidence, &wanted) };
    warnings.extend(refused.into_iter().map(|why| denial("break-glass", subject.clone(), why, "")));
    let (denials, overridden) = if glass.is_some() { (Vec::new(), listed(denials)) } else { (listed(denials), Vec::new()) };
    Decision {
        allow: denials.is_empty() && (answer.allow || glass.is_some()),
        denials,
        warnings: listed(warnings),
        overridden,
        broken_glass: glass,
        // earlier decisions are not evidence for themselves: one about this environment would grow with each look
        evidence_used: evidence
            .iter()
            .filter(|e| !(e.predicate_type == predicate::VSA && e.predicate["penstock_environment"] == input.environment.as_str()))
            .map(|e| e.envelope)
            .collect(),
        policy: policy.digest(),
    }
}

fn listed(mut list: Vec<Denial>) -> Vec<Denial> {
    list.sort();
    list.dedup();
    let more = list.len().saturating_sub(MAX_LISTED);
    list.truncate(MAX_LISTED);
    if more > 0 {
        list.push(denial("more", String::new(), format!("and {more} more"), "see the findings of the run"));
    }
    list
}

struct Answer {
    allow: bool,
    denials: Vec<Denial>,
    warnings: Vec<Denial>,
}

/// What the policy says. Only `allow == true` without a single `deny` passes.
fn answer(policy: &PolicySet, input: &GateInput, environment: &Environment, document: &Value) -> Answer {
    let subject = || format!("release {}", input.release.id());
    let refused = |rule: &str, message: String| Answer {
        allow: false,
        denials: vec![denial(rule, subject(), message, &format!("repair {} in the config repository", environment.gate.join(", ")))],
        warnings: vec![],
    };
    let package = match policy.ask(document) {
        Ok(package) => package,
        Err(why) => return refused("policy", why.to_string()),
    };
    let read = |key: &str| -> Result<Vec<Denial>, String> {
        match package.get(key) {
            None => Ok(Vec::new()),
            Some(Value::Array(items)) => Ok(items.iter().map(|item| read_denial(item, &subject())).collect()),
            Some(_) => Err(format!("`{key}` is not a set; write `{key} contains {{…}} if …`")),
        }
    };
    let (denials, warnings) = match (read("deny"), read("warn")) {
        (Ok(denials), Ok(warnings)) => (denials, warnings),
        (Err(why), _) | (_, Err(why)) => return refused("policy", why),
    };
    let allow = package.get("allow") == Some(&Value::Bool(true)) && denials.is_empty();
    if allow || !denials.is_empty() {
        return Answer { allow, denials, warnings };
    }
    let value = package.get("allow").map_or_else(|| "undefined".to_owned(), |value| value.to_string().chars().take(80).collect());
    Answer { warnings, ..refused("allow", format!("the policy does not allow it and gives no reason: `allow` is {value}")) }
}

fn read_denial(item: &Value, subject: &str) -> Denial {
    Denial::deserialize(item).unwrap_or_else(|_| {
        // a policy of somebody else may give a text, or an object of another form
        let message = item.as_str().or_else(|| item.get("message")?.as_str()).map_or_else(|| item.to_string(), str::to_owned);
        let rule = item.get("rule").and_then(Value::as_str).unwrap_or("policy");
        denial(rule, subject.to_owned(), message, "")
    })
}
