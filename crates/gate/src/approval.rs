//! Who may approve, and which approvals count.

use std::collections::{BTreeMap, BTreeSet};

use penstock_model::evidence::{Evidence, Subject, Witness, predicate};
use penstock_model::release::{ReleaseId, Revision};
use penstock_model::{Digest, EnvironmentName, Timestamp, UserName};
use serde::{Deserialize, Serialize};

use crate::config::ApprovalRule;

/// Who a commit says wrote it. A claim: anybody can write any name into a commit.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Author {
    /// The name.
    pub name: String,
    /// The mail address.
    pub mail: String,
}

/// Under which names and addresses a user commits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The user.
    pub user: UserName,
    /// The user's addresses.
    pub mails: Vec<String>,
    /// The user's names.
    pub names: Vec<String>,
}

/// The authors of the commits since the last release, and who they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Authors {
    /// As the commits claim (authors, committers and co-authors).
    pub commits: BTreeSet<Author>,
    /// The users' identities.
    pub known: Vec<Identity>,
}

fn same(a: &str, b: &str) -> bool {
    !a.trim().is_empty() && a.trim().to_lowercase() == b.trim().to_lowercase()
}

impl Authors {
    /// True if a commit claims to be by this user: by an address or name of theirs, or by their user name.
    pub fn include(&self, user: &UserName) -> bool {
        self.commits.iter().any(|author| self.is(author, user))
    }

    /// Authors that are no user known here. They may be anybody, so people are told.
    pub fn strangers(&self) -> impl Iterator<Item = &Author> {
        self.commits.iter().filter(|author| !self.known.iter().any(|identity| self.is(author, &identity.user)))
    }

    fn is(&self, author: &Author, user: &UserName) -> bool {
        let local = author.mail.split('@').next().unwrap_or_default();
        same(&author.name, user.as_str())
            || same(local, user.as_str())
            || self.known.iter().filter(|identity| identity.user == *user).any(|identity| {
                identity.mails.iter().any(|mail| same(mail, &author.mail)) || identity.names.iter().any(|name| same(name, &author.name))
            })
    }
}

/// Why somebody may not approve.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MayNot {
    /// Not one of the approvers.
    #[error("{0} is not among the approvers; the config repository's `approvers` names them")]
    NotAnApprover(UserName),
    /// Pushed it.
    #[error("{0} pushed a commit of this release; somebody else has to approve it")]
    Pushed(UserName),
    /// Wrote a part of it.
    #[error("{0} wrote a commit of this release; somebody else has to approve it")]
    Wrote(UserName),
    /// No approval is asked for.
    #[error("this environment asks for no approval")]
    NotNeeded,
}

/// May this user approve a release? Pushers are known as authenticated; authors are what commits claim, so a match
/// refuses and a mismatch proves nothing.
pub fn may_approve(
    user: &UserName,
    rule: Option<&ApprovalRule>,
    pushers: &BTreeSet<UserName>,
    authors: &Authors,
    approvers: &[UserName],
) -> Result<(), MayNot> {
    if rule.is_none() {
        return Err(MayNot::NotNeeded);
    }
    if !approvers.contains(user) {
        return Err(MayNot::NotAnApprover(user.clone()));
    }
    // names that differ only in case are one person's, to be safe
    if pushers.iter().any(|pusher| same(pusher.as_str(), user.as_str())) {
        return Err(MayNot::Pushed(user.clone()));
    }
    if authors.include(user) {
        return Err(MayNot::Wrote(user.clone()));
    }
    Ok(())
}

/// An approval, read from a verified statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// Who.
    pub approver: UserName,
    /// Which release.
    pub release: ReleaseId,
    /// For which environment.
    pub environment: EnvironmentName,
    /// Which revision was looked at.
    pub revision: Revision,
    /// Which policy was in force.
    pub policy: Digest,
    /// It counts before this moment.
    pub expires: Timestamp,
    /// When it was given.
    pub at: Timestamp,
}

#[derive(Deserialize)]
struct ApprovalPredicate {
    environment: EnvironmentName,
    revision: Revision,
    policy: Digest,
    expires: Timestamp,
    approver: UserName,
}

impl Approval {
    /// Reads a verified statement; `None` if it is no approval of a release that Penstock itself took down.
    pub fn read(evidence: &Evidence) -> Option<Self> {
        let Subject::Release(release) = evidence.subject else { return None };
        if evidence.predicate_type != predicate::APPROVAL || evidence.witness != Witness::Observed {
            return None;
        }
        let said = ApprovalPredicate::deserialize(&evidence.predicate).ok()?;
        Some(Self {
            approver: said.approver,
            release,
            environment: said.environment,
            revision: said.revision,
            policy: said.policy,
            expires: said.expires,
            at: evidence.at,
        })
    }
}

/// What approvals are for.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// The release.
    pub release: ReleaseId,
    /// The environment.
    pub environment: &'a EnvironmentName,
    /// The revision.
    pub revision: Revision,
    /// The policy in force.
    pub policy: Digest,
    /// The moment it is.
    pub now: Timestamp,
    /// The rule.
    pub rule: Option<&'a ApprovalRule>,
    /// Who pushed.
    pub pushers: &'a BTreeSet<UserName>,
    /// Who wrote.
    pub authors: &'a Authors,
    /// Who may.
    pub approvers: &'a [UserName],
}

/// Which approvals count, and why the others do not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Who approved, with the moment before which it counts.
    pub valid: BTreeMap<UserName, Timestamp>,
    /// Why an approval does not count.
    pub refused: Vec<(UserName, String)>,
}

/// Counts approvals: one a person, bound to release, environment, revision and policy, and not expired.
pub fn tally(evidence: &[Evidence], wanted: &Wanted<'_>) -> Tally {
    let mut tally = Tally::default();
    for approval in evidence.iter().filter_map(Approval::read) {
        match counts(&approval, wanted) {
            Ok(until) => {
                let best = tally.valid.entry(approval.approver).or_insert(until);
                *best = (*best).max(until);
            }
            Err(why) => tally.refused.push((approval.approver, why)),
        }
    }
    tally
}

/// Until when an approval counts.
fn counts(approval: &Approval, wanted: &Wanted<'_>) -> Result<Timestamp, String> {
    if approval.release != wanted.release {
        return Err(format!("it is for release {}", approval.release.0.short()));
    }
    if approval.environment != *wanted.environment {
        return Err(format!("it is for {}", approval.environment));
    }
    if approval.revision != wanted.revision {
        return Err("what would run has changed since; look at it and approve again".to_owned());
    }
    if approval.policy != wanted.policy {
        return Err("the policy has changed since; look at it and approve again".to_owned());
    }
    may_approve(&approval.approver, wanted.rule, wanted.pushers, wanted.authors, wanted.approvers).map_err(|why| why.to_string())?;
    if approval.at > wanted.now {
        return Err("it is from the future; look at the server's clock".to_owned());
    }
    // a rule that was tightened since holds for approvals that were given before
    let longest = wanted.rule.map_or(approval.expires, |rule| approval.at.after(rule.expires.duration()));
    let until = approval.expires.min(longest);
    if until <= wanted.now {
        return Err(format!("it expired at {until}; approve again"));
    }
    Ok(until)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(name: &str) -> UserName {
        name.parse().unwrap()
    }

    fn authors(commits: &[(&str, &str)]) -> Authors {
        let known = Identity { user: user("grace"), mails: vec!["grace@navy.mil".to_owned()], names: vec!["Grace Hopper".to_owned()] };
        let commits = commits.iter().map(|(name, mail)| Author { name: (*name).to_owned(), mail: (*mail).to_owned() }).collect();
        Authors { commits, known: vec![known] }
    }

    #[track_caller]
    fn check(who: &str, pusher: &str, commits: &[(&str, &str)], expected: Result<(), MayNot>) {
        let rule = ApprovalRule { required: 1, expires: "1h".parse().unwrap() };
        let pushers = BTreeSet::from([user(pusher)]);
        assert_eq!(may_approve(&user(who), Some(&rule), &pushers, &authors(commits), &[user("grace"), user("Ada")]), expected);
    }

    #[test]
    fn neither_pusher_nor_author_nor_outsider_may_approve() {
        let grace = || user("grace");
        check("grace", "ada", &[("Ada", "ada@example.org")], Ok(()));
        check("linus", "ada", &[], Err(MayNot::NotAnApprover(user("linus"))));
        check("grace", "grace", &[], Err(MayNot::Pushed(grace())));
        check("Ada", "ada", &[], Err(MayNot::Pushed(user("Ada"))));
        for (name, mail) in [("x", "GRACE@navy.mil"), ("grace hopper ", "x@y"), ("Grace", "x@y"), ("x", "grace@elsewhere")] {
            check("grace", "ada", &[("Ada", "a@b"), (name, mail)], Err(MayNot::Wrote(grace())));
        }
    }

    #[test]
    fn an_author_nobody_knows_is_named() {
        let authors = authors(&[("Grace Hopper", "x@y"), ("M. Mallory", "m@evil")]);
        assert_eq!(authors.strangers().map(|author| author.mail.as_str()).collect::<Vec<_>>(), ["m@evil"]);
    }
}
