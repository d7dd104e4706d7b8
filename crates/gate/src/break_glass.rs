//! Two people open a gate for a time.

use std::collections::BTreeSet;

use penstock_model::evidence::{Evidence, Subject, Witness, predicate};
use penstock_model::release::{ReleaseId, Revision};
use penstock_model::{Digest, EnvironmentName, Timestamp, UserName};
use serde::{Deserialize, Serialize};

use crate::approval::{Authors, Wanted, may_approve};

/// A gate that was opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BreakGlass {
    /// The two.
    pub people: [UserName; 2],
    /// Why.
    pub reason: String,
    /// It counts before this moment.
    pub expires: Timestamp,
    /// The statement.
    pub statement: Digest,
}

#[derive(Deserialize)]
struct BreakGlassPredicate {
    environment: EnvironmentName,
    revision: Revision,
    policy: Digest,
    people: [UserName; 2],
    reason: String,
    expires: Timestamp,
}

impl BreakGlass {
    /// The longest that a gate stays open, whatever the statement says.
    pub const LONGEST: std::time::Duration = std::time::Duration::from_secs(24 * 3600);
}

/// True if two names are one person's, to be safe: names that differ only in case are.
pub fn same_person(one: &UserName, other: &UserName) -> bool {
    one.as_str().eq_ignore_ascii_case(other.as_str())
}

/// The statement that opens the gate now, if there is one; the reasons why others do not.
///
/// Two different people, at least one of them an approver who neither pushed nor wrote the release.
pub(crate) fn opened(evidence: &[Evidence], wanted: &Wanted<'_>) -> (Option<BreakGlass>, Vec<String>) {
    let mut refused = Vec::new();
    for statement in evidence {
        let Subject::Release(release) = statement.subject else { continue };
        if statement.predicate_type != predicate::BREAK_GLASS || statement.witness != Witness::Observed {
            continue;
        }
        match read(statement, release, wanted) {
            Ok(glass) => return (Some(glass), Vec::new()),
            Err(why) => refused.push(why),
        }
    }
    (None, refused)
}

fn read(statement: &Evidence, release: ReleaseId, wanted: &Wanted<'_>) -> Result<BreakGlass, String> {
    let said = BreakGlassPredicate::deserialize(&statement.predicate).map_err(|error| format!("break-glass cannot be read: {error}"))?;
    if release != wanted.release || said.environment != *wanted.environment {
        return Err(format!("break-glass is for release {} in {}", release.0.short(), said.environment));
    }
    if said.policy != wanted.policy || said.revision != wanted.revision {
        return Err("the policy, or what would run, has changed since the glass was broken; look at it and break it again".to_owned());
    }
    let expires = said.expires.min(statement.at.after(BreakGlass::LONGEST));
    if expires <= wanted.now || statement.at > wanted.now {
        return Err(format!("break-glass expired at {expires}"));
    }
    let [one, other] = &said.people;
    if same_person(one, other) {
        return Err(format!("break-glass needs two people and names {one} twice"));
    }
    if said.reason.trim().is_empty() {
        return Err("break-glass needs a reason".to_owned());
    }
    // an approver is needed even where the environment itself asks for no approval
    let rule = crate::config::ApprovalRule { required: 1, expires: crate::units::Span::day() };
    let independent = |user: &&UserName| may(user, &rule, wanted.pushers, wanted.authors, wanted.approvers);
    if !said.people.iter().any(|user| independent(&user)) {
        return Err(format!("neither {one} nor {other} is an approver who neither pushed nor wrote this release"));
    }
    Ok(BreakGlass { people: said.people, reason: said.reason, expires, statement: statement.envelope })
}

fn may(
    user: &UserName,
    rule: &crate::config::ApprovalRule,
    pushers: &BTreeSet<UserName>,
    authors: &Authors,
    approvers: &[UserName],
) -> bool {
    may_approve(user, Some(rule), pushers, authors, approvers).is_ok()
}
