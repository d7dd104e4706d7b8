//! ML-DSA-65: sign, and verify.

use ml_dsa::common::getrandom::SysRng;
use ml_dsa::{EncodedVerifyingKey, Generate, KeyExport, Keypair, MlDsa65, Seed, Signature, SigningKey, VerifyingKey};
use thiserror::Error;

/// The longest context that a signature may be bound to: FIPS 204, 5.2.
pub const MAX_CONTEXT: usize = 255;

/// What was handed in is not what it should be.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum DsaError {
    /// Not a signing key in the form of a seed.
    #[error("not an ML-DSA-65 signing key: its seed has 32 bytes")]
    SigningKey,
    /// Not a verifying key.
    #[error("not an ML-DSA-65 verifying key: it has 1952 bytes")]
    VerifyingKey,
    /// The context is too long.
    #[error("a context has at most {MAX_CONTEXT} bytes")]
    Context,
    /// No randomness to be had, or no signature found.
    #[error("the message could not be signed")]
    Signing,
}

/// A new key pair: the verifying key, and the seed of the signing key.
pub fn generate() -> (Vec<u8>, Vec<u8>) {
    let secret = SigningKey::<MlDsa65>::generate();
    (secret.verifying_key().encode().to_vec(), secret.to_bytes().to_vec())
}

/// A hedged signature over `message`, bound to `context`.
pub fn sign(seed: &[u8], message: &[u8], context: &[u8]) -> Result<Vec<u8>, DsaError> {
    if context.len() > MAX_CONTEXT {
        return Err(DsaError::Context);
    }
    let seed = Seed::try_from(seed).map_err(|_| DsaError::SigningKey)?;
    let key = SigningKey::<MlDsa65>::from_seed(&seed);
    let signature = key.expanded_key().sign_randomized(message, context, &mut SysRng).map_err(|_| DsaError::Signing)?;
    Ok(signature.encode().to_vec())
}

/// Whether `signature` is one over `message` and `context`. Bytes that are no signature are not valid, which is an answer.
pub fn verify(key: &[u8], message: &[u8], context: &[u8], signature: &[u8]) -> Result<bool, DsaError> {
    if context.len() > MAX_CONTEXT {
        return Err(DsaError::Context);
    }
    let key = verifying_key(key)?;
    let signature = Signature::<MlDsa65>::try_from(signature);
    Ok(signature.is_ok_and(|signature| key.verify_with_context(message, context, &signature)))
}

/// A decoded verifying key.
pub fn verifying_key(key: &[u8]) -> Result<VerifyingKey<MlDsa65>, DsaError> {
    let encoded = EncodedVerifyingKey::<MlDsa65>::try_from(key).map_err(|_| DsaError::VerifyingKey)?;
    Ok(VerifyingKey::decode(&encoded))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_valid_for_its_message_context_and_key_alone() {
        let (public, seed) = generate();
        let signature = sign(&seed, b"message", b"context").unwrap();
        assert_eq!(verify(&public, b"message", b"context", &signature), Ok(true));
        assert_eq!(verify(&public, b"massage", b"context", &signature), Ok(false));
        assert_eq!(verify(&public, b"message", b"", &signature), Ok(false));
        assert_eq!(verify(&generate().0, b"message", b"context", &signature), Ok(false));
        assert_eq!(verify(&public, b"message", b"context", &signature[1..]), Ok(false));
    }

    #[test]
    fn what_has_the_wrong_size_is_refused() {
        let (public, seed) = generate();
        assert_eq!(sign(&seed[1..], b"", b""), Err(DsaError::SigningKey));
        assert_eq!(verify(&public[1..], b"", b"", &[]), Err(DsaError::VerifyingKey));
        assert_eq!(sign(&seed, b"", &[0; 256]), Err(DsaError::Context));
    }
}
