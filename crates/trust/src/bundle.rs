//! Sigstore bundles v0.3: the form in which statements lie beside an image, for verifiers from outside.

use serde::{Deserialize, Serialize};

use crate::envelope::Envelope;
use crate::key::PublicKey;

/// The media type of the bundles that are made and read.
pub const BUNDLE_MEDIA_TYPE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";

/// A bundle around an envelope.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Bundle {
    /// Always [`BUNDLE_MEDIA_TYPE`].
    pub media_type: String,
    /// What a verifier needs beside the envelope.
    pub verification_material: VerificationMaterial,
    /// The envelope.
    pub dsse_envelope: Envelope,
}

/// What a verifier needs beside the envelope: which key. There is no transparency log entry: the event log's signed
/// checkpoints take its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VerificationMaterial {
    /// The key, by hint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_key: Option<PublicKeyHint>,
}

/// A key, by hint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicKeyHint {
    /// Base64 of the SHA-256 of the key's SPKI.
    pub hint: String,
}

impl Bundle {
    /// Wraps an envelope that `key` signed.
    pub fn new(envelope: Envelope, key: &PublicKey) -> Self {
        Self {
            media_type: BUNDLE_MEDIA_TYPE.to_owned(),
            verification_material: VerificationMaterial { public_key: Some(PublicKeyHint { hint: key.hint() }) },
            dsse_envelope: envelope,
        }
    }
}
