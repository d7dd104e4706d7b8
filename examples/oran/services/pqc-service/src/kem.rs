//! ML-KEM-768: agree on a secret with the holder of a key.

use ml_kem::kem::{Decapsulate, Encapsulate, Generate, Key, KeyExport};
use ml_kem::ml_kem_768::{Ciphertext, DecapsulationKey, EncapsulationKey};
use thiserror::Error;

/// What was handed in is not what it should be.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum KemError {
    /// Not an encapsulation key: FIPS 203, 7.2.
    #[error("not an ML-KEM-768 encapsulation key: it has 1184 bytes, and coefficients below the modulus")]
    EncapsulationKey,
    /// Not a decapsulation key in the form of a seed.
    #[error("not an ML-KEM-768 decapsulation key: its seed has 64 bytes")]
    DecapsulationKey,
    /// Not a ciphertext.
    #[error("not an ML-KEM-768 ciphertext: it has 1088 bytes")]
    Ciphertext,
}

/// A new key pair: the encapsulation key, and the seed of the decapsulation key.
pub fn generate() -> (Vec<u8>, Vec<u8>) {
    let secret = DecapsulationKey::generate();
    (secret.encapsulation_key().to_bytes().to_vec(), secret.to_bytes().to_vec())
}

/// A fresh secret for the holder of `key`: the ciphertext to send, and the secret to keep.
pub fn encapsulate(key: &[u8]) -> Result<(Vec<u8>, Vec<u8>), KemError> {
    let (ciphertext, secret) = encapsulation_key(key)?.encapsulate();
    Ok((ciphertext.to_vec(), secret.to_vec()))
}

/// The secret in `ciphertext`. A ciphertext that was tampered with gives another secret, not an error.
pub fn decapsulate(seed: &[u8], ciphertext: &[u8]) -> Result<Vec<u8>, KemError> {
    let seed = ml_kem::Seed::try_from(seed).map_err(|_| KemError::DecapsulationKey)?;
    let ciphertext = Ciphertext::try_from(ciphertext).map_err(|_| KemError::Ciphertext)?;
    Ok(DecapsulationKey::from_seed(seed).decapsulate(&ciphertext).to_vec())
}

/// A checked encapsulation key.
pub fn encapsulation_key(key: &[u8]) -> Result<EncapsulationKey, KemError> {
    let encoded = Key::<EncapsulationKey>::try_from(key).map_err(|_| KemError::EncapsulationKey)?;
    EncapsulationKey::new(&encoded).map_err(|_| KemError::EncapsulationKey)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_get_the_same_secret() {
        let (public, seed) = generate();
        let (ciphertext, secret) = encapsulate(&public).unwrap();
        assert_eq!(decapsulate(&seed, &ciphertext).unwrap(), secret);
    }

    #[test]
    fn a_changed_ciphertext_gives_another_secret() {
        let (public, seed) = generate();
        let (mut ciphertext, secret) = encapsulate(&public).unwrap();
        ciphertext[0] ^= 1;
        assert_ne!(decapsulate(&seed, &ciphertext).unwrap(), secret);
    }

    #[test]
    fn what_has_the_wrong_size_is_refused() {
        let (public, seed) = generate();
        assert_eq!(encapsulate(&public[1..]).unwrap_err(), KemError::EncapsulationKey);
        assert_eq!(decapsulate(&seed[1..], &[0; 1088]).unwrap_err(), KemError::DecapsulationKey);
        assert_eq!(decapsulate(&seed, &[]).unwrap_err(), KemError::Ciphertext);
    }

    #[test]
    fn a_coefficient_over_the_modulus_is_refused() {
        assert_eq!(encapsulate(&[0xff; 1184]).unwrap_err(), KemError::EncapsulationKey);
    }
}
