//! Statements: signed after the work, over digests that the store computed, verified as anyone would, kept, attached, recorded.

use bytes::Bytes;
use penstock_model::blob::BlobError;
use penstock_model::evidence::{Evidence, Subject, Witness};
use penstock_model::ids::Actor;
use penstock_model::image::media;
use penstock_model::release::ImageRef;
use penstock_model::{Digest, ProjectName, RunId};
use penstock_trust::{Claim, Expected, Predicate, SignError, VerifyError};
use std::collections::BTreeMap;

use crate::events::EvidenceEvent;
use crate::journal::JournalError;
use crate::parts::Parts;
use crate::streams;

/// The largest bundle that is read back.
const MAX_BUNDLE: u64 = 16 * 1024 * 1024;

/// Why a statement could not be made or kept.
#[derive(Debug, thiserror::Error)]
pub enum EvidenceError {
    /// It cannot be signed.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// Our own signature does not verify: the key file and the trusted keys do not fit.
    #[error("a statement that was just signed does not verify: {0}")]
    Verify(#[from] VerifyError),
    /// The store.
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// The log.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The registry.
    #[error("the statement cannot be attached to {subject}: {why}")]
    Attach {
        /// The image.
        subject: String,
        /// Why.
        why: String,
    },
}

/// What is about to be said.
pub struct Saying<'a, P> {
    /// In which project.
    pub project: &'a ProjectName,
    /// In which run.
    pub run: Option<&'a RunId>,
    /// About what.
    pub subject: Subject,
    /// The tool's or check's name.
    pub name: &'a str,
    /// Who saw it.
    pub witness: Witness,
    /// Why it is said: the same key is not said twice.
    pub key: String,
    /// What is said.
    pub predicate: &'a P,
}

/// Says it once. Gives the bundle's digest; that of the earlier statement if the key was used before.
pub async fn say<P: Predicate + Sync>(parts: &Parts, saying: Saying<'_, P>) -> Result<Digest, EvidenceError> {
    say_for(parts, Actor::Penstock, saying).await
}

/// The same for somebody at whose word it is said: the audit trail names them.
pub async fn say_for<P: Predicate + Sync>(parts: &Parts, actor: Actor, saying: Saying<'_, P>) -> Result<Digest, EvidenceError> {
    let world = parts.journal.world();
    if let Some(envelope) = world.evidence.get(saying.project).and_then(|record| record.keys.get(&saying.key)) {
        return Ok(*envelope);
    }
    let claim = Claim::new(saying.subject.clone(), saying.name, saying.witness, parts.journal.now(), saying.predicate)?;
    let signed = penstock_trust::sign(&parts.key, &claim)?;
    let verified = penstock_trust::verify(&signed.bundle, &parts.trusted, &Expected::about(&saying.subject))?;
    let evidence = verified.to_evidence()?;
    let bundle = Bytes::from(signed.bundle);
    parts.blobs.put_bytes(bundle.clone()).await?;
    if let Subject::Image(image) = &saying.subject {
        attach(parts, image, &evidence, bundle).await?;
    }
    let (envelope, key) = (evidence.envelope, saying.key);
    let run = saying.run.cloned();
    let recorded = parts
        .journal
        .change(&streams::evidence(saying.project), actor, |world, _| {
            let known = world.evidence.get(saying.project).is_some_and(|record| record.keys.contains_key(&key));
            if known { Vec::new() } else { vec![EvidenceEvent::Recorded { evidence, run, key: key.clone() }] }
        })
        .await?;
    if recorded.is_empty() {
        let world = parts.journal.world();
        return Ok(world.evidence.get(saying.project).and_then(|record| record.keys.get(&key)).copied().unwrap_or(envelope));
    }
    Ok(envelope)
}

/// Attaches a statement to its image, for whoever asks the registry. The same one is attached once.
async fn attach(parts: &Parts, image: &ImageRef, evidence: &Evidence, bundle: Bytes) -> Result<(), EvidenceError> {
    let annotations = BTreeMap::from([
        ("dev.sigstore.bundle.predicateType".to_owned(), evidence.predicate_type.clone()),
        ("dev.sigstore.bundle.content".to_owned(), "dsse-envelope".to_owned()),
        ("org.opencontainers.image.created".to_owned(), evidence.at.rfc3339()),
    ]);
    let attached = parts.registry.attach(&image.name, image.digest, media::BUNDLE, media::BUNDLE, bundle, annotations).await;
    attached.map(drop).map_err(|error| EvidenceError::Attach { subject: image.to_string(), why: error.to_string() })
}

/// Attaches what was said of an image under a key again: an image that was collected and is built anew is the same image,
/// and has its statements.
pub async fn attach_again(parts: &Parts, project: &ProjectName, image: &ImageRef, key: &str) -> Result<(), EvidenceError> {
    let world = parts.journal.world();
    let Some(record) = world.evidence.get(project) else { return Ok(()) };
    let said = record.by_subject.get(&Subject::Image(image.clone()));
    let evidence = said.into_iter().flatten().find(|evidence| record.keys.get(key) == Some(&evidence.envelope));
    let Some(evidence) = evidence else { return Ok(()) };
    let bundle = parts.blobs.get_bytes(evidence.envelope, MAX_BUNDLE).await?;
    attach(parts, image, evidence, bundle).await
}

/// Verifies a recorded statement again, from its bytes in the store.
pub async fn verify_again(parts: &Parts, evidence: &Evidence) -> Result<(), String> {
    let bytes = parts.blobs.get_bytes(evidence.envelope, MAX_BUNDLE).await.map_err(|error| error.to_string())?;
    let expected = Expected::about(&evidence.subject).saying(&evidence.predicate_type);
    let verified = penstock_trust::verify(&bytes, &parts.trusted, &expected).map_err(|error| error.to_string())?;
    let again = verified.to_evidence().map_err(|error| error.to_string())?;
    if again == *evidence { Ok(()) } else { Err("the log says something else than the signed statement".to_owned()) }
}
