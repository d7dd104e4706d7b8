//! Verification: the signature first, then the payload.

use penstock_model::evidence::{Evidence, Subject, Witness};
use penstock_model::{Digest, Timestamp};
use serde_json::Value;

use crate::bundle::{BUNDLE_MEDIA_TYPE, Bundle};
use crate::envelope::{Envelope, MAX_ENVELOPE, MAX_SIGNATURES, PAYLOAD_TYPE, decode, pae};
use crate::key::{KeyId, PublicKey, TrustedKeys};
use crate::statement::{AT, Descriptor, MAX_SUBJECTS, NAME, STATEMENT_TYPE, Statement, WITNESS};

/// Why a statement does not count.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// Too many bytes.
    #[error("{0} bytes are too many for a statement: at most {MAX_ENVELOPE} are read")]
    TooLarge(usize),
    /// Neither an envelope nor a bundle.
    #[error("this is neither a DSSE envelope nor a Sigstore bundle {BUNDLE_MEDIA_TYPE}: {0}")]
    NotAnEnvelope(String),
    /// Another type of payload.
    #[error("the payload's type is `{0}` and not `{PAYLOAD_TYPE}`")]
    PayloadType(String),
    /// No signature of a trusted key.
    #[error("no signature of a trusted key (the envelope names {0}); trust that key or have the statement signed again")]
    NotTrusted(String),
    /// The payload is not a statement.
    #[error("the payload is not an in-toto Statement v1: {0}")]
    NotAStatement(String),
    /// It is about something else.
    #[error("the statement is about {found} and not about {expected}")]
    Subject {
        /// What was asked about.
        expected: String,
        /// What it is about.
        found: String,
    },
    /// It says something else.
    #[error("the statement's predicate is `{found}` and not `{expected}`")]
    PredicateType {
        /// What was asked for.
        expected: String,
        /// What it is.
        found: String,
    },
    /// The statement was not made by Penstock: it does not say who saw it, what it is called or when it was signed.
    #[error("the statement lacks `{0}`, so it is no evidence")]
    Lacks(&'static str),
}

/// What a statement is asked to be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expected<'a> {
    /// What it has to be about.
    pub subject: Option<&'a Subject>,
    /// What it has to say.
    pub predicate_type: Option<&'a str>,
}

impl<'a> Expected<'a> {
    /// About `subject`, whatever it says.
    pub fn about(subject: &'a Subject) -> Self {
        Self { subject: Some(subject), predicate_type: None }
    }

    /// Of this predicate type.
    #[must_use]
    pub fn saying(self, predicate_type: &'a str) -> Self {
        Self { predicate_type: Some(predicate_type), ..self }
    }
}

/// A statement whose signature, type and subject are as expected. Made by [`verify`] alone.
#[derive(Clone, Debug, PartialEq)]
pub struct VerifiedStatement {
    digest: Digest,
    key_id: KeyId,
    subject: Subject,
    descriptor: Descriptor,
    predicate_type: String,
    predicate: Value,
}

impl VerifiedStatement {
    /// The digest of the bytes that were verified.
    pub fn digest(&self) -> Digest {
        self.digest
    }
    /// Who signed.
    pub fn key_id(&self) -> &KeyId {
        &self.key_id
    }
    /// What it is about.
    pub fn subject(&self) -> &Subject {
        &self.subject
    }
    /// What kind of thing it says.
    pub fn predicate_type(&self) -> &str {
        &self.predicate_type
    }
    /// What it says.
    pub fn predicate(&self) -> &Value {
        &self.predicate
    }

    /// As evidence: who saw it, its name and its time come from what was signed.
    pub fn to_evidence(&self) -> Result<Evidence, VerifyError> {
        let text = |key: &'static str| self.descriptor.annotations.get(key).and_then(Value::as_str).ok_or(VerifyError::Lacks(key));
        let witness = match text(WITNESS)? {
            "observed" => Witness::Observed,
            "reported" => Witness::Reported,
            _ => return Err(VerifyError::Lacks(WITNESS)),
        };
        let name = Some(text(NAME)?).filter(|name| !name.is_empty()).ok_or(VerifyError::Lacks(NAME))?;
        let at = Timestamp::parse_rfc3339(text(AT)?).ok_or(VerifyError::Lacks(AT))?;
        Ok(Evidence {
            envelope: self.digest,
            subject: self.subject.clone(),
            predicate_type: self.predicate_type.clone(),
            predicate: self.predicate.clone(),
            witness,
            name: name.to_owned(),
            at,
            key_id: self.key_id.to_string(),
        })
    }
}

/// Verifies a bundle or a bare envelope: signed by a trusted key, an in-toto statement, about what is expected.
pub fn verify(bytes: &[u8], trusted: &TrustedKeys, expected: &Expected<'_>) -> Result<VerifiedStatement, VerifyError> {
    let envelope = open(bytes)?;
    if envelope.payload_type != PAYLOAD_TYPE {
        return Err(VerifyError::PayloadType(shorten(&envelope.payload_type)));
    }
    let payload = decode(&envelope.payload).ok_or_else(|| VerifyError::NotAnEnvelope("its payload is not base64".to_owned()))?;
    let key_id = signer(&envelope, &payload, trusted)?;
    // from here on the bytes are ours; what they say may still be wrong
    let statement: Statement = serde_json::from_slice(&payload).map_err(|error| VerifyError::NotAStatement(error.to_string()))?;
    if statement.kind != STATEMENT_TYPE {
        return Err(VerifyError::NotAStatement(format!("its type is `{}`", shorten(&statement.kind))));
    }
    if let Some(predicate_type) = expected.predicate_type
        && statement.predicate_type != predicate_type
    {
        let found = shorten(&statement.predicate_type);
        return Err(VerifyError::PredicateType { expected: predicate_type.to_owned(), found });
    }
    let (subject, descriptor) = find_subject(statement.subject, expected.subject)?;
    Ok(VerifiedStatement {
        digest: Digest::of(bytes),
        key_id,
        subject,
        descriptor,
        predicate_type: statement.predicate_type,
        predicate: statement.predicate,
    })
}

/// Reads a bundle or an envelope. Which of the two it is decides one key, so that neither is taken for the other.
fn open(bytes: &[u8]) -> Result<Envelope, VerifyError> {
    if bytes.len() > MAX_ENVELOPE {
        return Err(VerifyError::TooLarge(bytes.len()));
    }
    let refused = |error: serde_json::Error| VerifyError::NotAnEnvelope(error.to_string());
    let value: Value = serde_json::from_slice(bytes).map_err(refused)?;
    if value.get("mediaType").is_none() {
        return serde_json::from_value(value).map_err(refused);
    }
    let bundle: Bundle = serde_json::from_value(value).map_err(refused)?;
    if bundle.media_type != BUNDLE_MEDIA_TYPE {
        return Err(VerifyError::NotAnEnvelope(format!("its media type is `{}`", shorten(&bundle.media_type))));
    }
    Ok(bundle.dsse_envelope)
}

/// The first trusted key whose signature fits.
fn signer(envelope: &Envelope, payload: &[u8], trusted: &TrustedKeys) -> Result<KeyId, VerifyError> {
    let signed = pae(&envelope.payload_type, payload);
    for signature in envelope.signatures.iter().take(MAX_SIGNATURES) {
        let Some(sig) = decode(&signature.sig) else { continue };
        let fits = |key: &&PublicKey| key.verify_bytes(&signed, &sig);
        // the name is only a hint: without one every trusted key is tried
        let key = if signature.keyid.is_empty() { trusted.iter().find(fits) } else { trusted.get(&signature.keyid).filter(fits) };
        if let Some(key) = key {
            return Ok(key.id().clone());
        }
    }
    let names: Vec<_> =
        envelope.signatures.iter().take(4).map(|s| if s.keyid.is_empty() { "no key".to_owned() } else { shorten(&s.keyid) }).collect();
    Err(VerifyError::NotTrusted(if names.is_empty() { "no signature".to_owned() } else { names.join(", ") }))
}

fn find_subject(subjects: Vec<Descriptor>, expected: Option<&Subject>) -> Result<(Subject, Descriptor), VerifyError> {
    let mut found = Vec::new();
    for descriptor in subjects.into_iter().take(MAX_SUBJECTS) {
        match descriptor.as_subject() {
            Some(subject) if expected.is_none_or(|expected| *expected == subject) => return Ok((subject, descriptor)),
            Some(subject) => found.push(show(&subject)),
            None => found.push(format!("`{}`, which is neither a commit nor an image nor a release", shorten(&descriptor.name))),
        }
    }
    let expected = expected.map_or_else(|| "a commit, an image or a release".to_owned(), show);
    found.truncate(4);
    let found = if found.is_empty() { "nothing".to_owned() } else { found.join(", ") };
    Err(VerifyError::Subject { expected, found })
}

fn show(subject: &Subject) -> String {
    match subject {
        Subject::Commit(commit) => format!("commit {commit}"),
        Subject::Image(image) => format!("image {image}"),
        Subject::Release(release) => format!("release {release}"),
    }
}

fn shorten(text: &str) -> String {
    text.chars().take(120).collect()
}
