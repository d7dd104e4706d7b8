//! in-toto Statement v1: a subject by digest and what is said about it.

use std::collections::BTreeMap;

use penstock_model::evidence::{Subject, Witness};
use penstock_model::release::{ImageName, ImageRef, ReleaseId};
use penstock_model::{CommitId, Digest, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::bundle::Bundle;
use crate::envelope::{Envelope, MAX_ENVELOPE, PAYLOAD_TYPE};
use crate::key::SigningKey;
use crate::predicate::Predicate;

/// The statement's type.
pub const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";
/// The most subjects of one statement that are looked at.
pub const MAX_SUBJECTS: usize = 256;
/// The longest name of a statement.
const MAX_NAME: usize = 255;

// No image's name has a colon or an upper-case letter, so these cannot be taken for one.
const COMMIT: &str = "penstock:commit";
const RELEASE: &str = "penstock:release";
const GIT_COMMIT: &str = "gitCommit";
const SHA256: &str = "sha256";
// What Penstock says beside the predicate, signed with it. Predicates of others' types stay as their authors defined them.
pub(crate) const WITNESS: &str = "penstock.dev/witness";
pub(crate) const NAME: &str = "penstock.dev/name";
pub(crate) const AT: &str = "penstock.dev/at";

/// A statement, as its payload has it. Unknown fields are ignored, as in-toto asks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Statement {
    /// Always [`STATEMENT_TYPE`].
    #[serde(rename = "_type")]
    pub kind: String,
    /// What it is about.
    pub subject: Vec<Descriptor>,
    /// What kind of thing is said.
    pub predicate_type: String,
    /// What is said.
    #[serde(default)]
    pub predicate: Value,
}

/// in-toto's `ResourceDescriptor`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// Its name.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Where it is.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub uri: String,
    /// Its digests by algorithm.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub digest: BTreeMap<String, String>,
    /// What else is said about it.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub annotations: Map<String, Value>,
}

impl Descriptor {
    /// Names a thing by the digest of its bytes.
    pub fn bytes(name: &str, uri: &str, digest: &Digest) -> Self {
        let digest = BTreeMap::from([(SHA256.to_owned(), digest.hex())]);
        Self { name: name.to_owned(), uri: uri.to_owned(), digest, annotations: Map::new() }
    }

    /// Names a commit.
    pub fn commit(name: &str, uri: &str, commit: &CommitId) -> Self {
        let digest = BTreeMap::from([(GIT_COMMIT.to_owned(), commit.to_string())]);
        Self { name: name.to_owned(), uri: uri.to_owned(), digest, annotations: Map::new() }
    }

    /// Names a subject.
    pub fn subject(subject: &Subject) -> Self {
        match subject {
            Subject::Commit(commit) => Self::commit(COMMIT, "", commit),
            Subject::Image(image) => Self::bytes(image.name.as_str(), "", &image.digest),
            Subject::Release(ReleaseId(digest)) => Self::bytes(RELEASE, "", digest),
        }
    }

    /// The subject that this names; `None` for anything that Penstock makes no statements about.
    pub fn as_subject(&self) -> Option<Subject> {
        if self.name == COMMIT {
            return self.digest.get(GIT_COMMIT)?.parse().ok().map(Subject::Commit);
        }
        let digest: Digest = format!("sha256:{}", self.digest.get(SHA256)?).parse().ok()?;
        if self.name == RELEASE {
            return Some(Subject::Release(ReleaseId(digest)));
        }
        let name: ImageName = self.name.parse().ok()?;
        Some(Subject::Image(ImageRef { name, digest }))
    }
}

/// What Penstock is about to say.
#[derive(Clone, Debug, PartialEq)]
pub struct Claim {
    /// About what.
    pub subject: Subject,
    /// The tool's or check's name.
    pub name: String,
    /// Who saw it.
    pub witness: Witness,
    /// When.
    pub at: Timestamp,
    /// Which kind of thing is said.
    pub predicate_type: String,
    /// What is said.
    pub predicate: Value,
}

impl Claim {
    /// Says `predicate` about `subject`.
    pub fn new<P: Predicate>(subject: Subject, name: &str, witness: Witness, at: Timestamp, predicate: &P) -> Result<Self, SignError> {
        let predicate = serde_json::to_value(predicate)?;
        Ok(Self { subject, name: name.to_owned(), witness, at, predicate_type: P::TYPE.to_owned(), predicate })
    }

    /// The statement that says it.
    pub fn statement(&self) -> Statement {
        let witness = match self.witness {
            Witness::Observed => "observed",
            Witness::Reported => "reported",
        };
        let mut subject = Descriptor::subject(&self.subject);
        subject.annotations.insert(WITNESS.to_owned(), witness.into());
        subject.annotations.insert(NAME.to_owned(), self.name.clone().into());
        subject.annotations.insert(AT.to_owned(), self.at.rfc3339().into());
        Statement {
            kind: STATEMENT_TYPE.to_owned(),
            subject: vec![subject],
            predicate_type: self.predicate_type.clone(),
            predicate: self.predicate.clone(),
        }
    }
}

/// Why something cannot be signed.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// It cannot be written as JSON.
    #[error("the statement cannot be written as JSON")]
    Json(#[from] serde_json::Error),
    /// It is too large.
    #[error("the statement about {subject} has {size} bytes and at most {MAX_ENVELOPE} are signed; name large documents by digest")]
    TooLarge {
        /// About what.
        subject: String,
        /// Its size.
        size: usize,
    },
    /// Its name is empty or too long.
    #[error("`{0}` cannot name a statement: 1 to {MAX_NAME} characters without control characters are expected")]
    Name(String),
}

/// A signed statement, ready to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// The Sigstore bundle (JSON) around the envelope: what is stored, attached and verified.
    pub bundle: Vec<u8>,
    /// The digest of the bundle: what names this piece of evidence.
    pub digest: Digest,
    /// The envelope alone (JSON), for tools that read no bundles.
    pub envelope: Vec<u8>,
}

/// Signs a claim.
pub fn sign(key: &SigningKey, claim: &Claim) -> Result<Signed, SignError> {
    if claim.name.is_empty() || claim.name.len() > MAX_NAME || claim.name.chars().any(char::is_control) {
        return Err(SignError::Name(claim.name.chars().take(80).collect()));
    }
    let payload = serde_json::to_vec(&claim.statement())?;
    let envelope = Envelope::sign(key, PAYLOAD_TYPE, &payload);
    let bundle = serde_json::to_vec(&Bundle::new(envelope.clone(), key.public()))?;
    if bundle.len() > MAX_ENVELOPE {
        return Err(SignError::TooLarge { subject: format!("{:?}", claim.subject), size: bundle.len() });
    }
    Ok(Signed { digest: Digest::of(&bundle), bundle, envelope: serde_json::to_vec(&envelope)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_subject_survives_its_descriptor() {
        let image = format!("oran/api@{}", Digest::of(b"x")).parse().unwrap();
        let subjects = [
            Subject::Commit("a".repeat(40).parse().unwrap()),
            Subject::Commit("b".repeat(64).parse().unwrap()),
            Subject::Image(image),
            Subject::Release(ReleaseId(Digest::of(b"y"))),
        ];
        for subject in subjects {
            assert_eq!(Descriptor::subject(&subject).as_subject(), Some(subject));
        }
    }

    #[test]
    fn an_image_cannot_pass_for_a_release() {
        let digest = Digest::of(b"z");
        let image = Descriptor::bytes("release", "", &digest);
        assert!(matches!(image.as_subject(), Some(Subject::Image(_))));
        assert_eq!(Descriptor::bytes("", "", &digest).as_subject(), None);
        assert_eq!(Descriptor::bytes(COMMIT, "", &digest).as_subject(), None);
    }
}
