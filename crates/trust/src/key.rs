//! Keys: ECDSA P-256 with SHA-256, in the forms that other tools read (PKCS#8 and SPKI, PEM).

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use p256::ecdsa::signature::{Signer as _, Verifier as _};
use p256::ecdsa::{Signature, VerifyingKey};
use p256::pkcs8::{DecodePrivateKey as _, DecodePublicKey as _, EncodePrivateKey as _, EncodePublicKey as _, LineEnding};
use penstock_model::log::CheckpointSigner;
use penstock_model::{Digest, Secret};
use serde::{Deserialize, Serialize};

/// The most keys that are trusted at once. Rotation needs two; a bound keeps verification cheap.
pub const MAX_TRUSTED_KEYS: usize = 64;

/// Why a key cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The text is not a private key of the kind that is needed. Nothing of the text is repeated.
    #[error("this is not a P-256 private key in PKCS#8 PEM (`-----BEGIN PRIVATE KEY-----`)")]
    NotPrivate,
    /// The text is not a public key of the kind that is needed.
    #[error("this is not a P-256 public key in SPKI PEM (`-----BEGIN PUBLIC KEY-----`)")]
    NotPublic,
    /// The key cannot be written out.
    #[error("the key cannot be encoded")]
    Encoding,
    /// Too many keys.
    #[error("more than {MAX_TRUSTED_KEYS} trusted keys; remove those that signed nothing which still matters")]
    TooMany,
}

/// A key's name: the SHA-256 of its public half (SPKI, DER), in hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KeyId(String);

impl KeyId {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A private key. It does not print, does not serialise, and is wiped when dropped.
#[derive(Clone)]
pub struct SigningKey {
    key: p256::ecdsa::SigningKey,
    public: PublicKey,
}

impl SigningKey {
    /// Makes a key from 32 random bytes that are handed in.
    pub fn generate(entropy: [u8; 32]) -> Result<Self, KeyError> {
        let mut candidate = zeroize::Zeroizing::new(entropy);
        // a random value is out of the curve's order once in 2^32: hash until it fits
        for _ in 0..64 {
            if let Ok(key) = p256::ecdsa::SigningKey::from_slice(candidate.as_slice()) {
                return Self::from_key(key);
            }
            *candidate = *Digest::of(candidate.as_slice()).as_bytes();
        }
        Err(KeyError::NotPrivate)
    }

    /// Reads PKCS#8 PEM.
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        let key = p256::ecdsa::SigningKey::from_pkcs8_pem(pem.trim()).map_err(|_| KeyError::NotPrivate)?;
        Self::from_key(key)
    }

    fn from_key(key: p256::ecdsa::SigningKey) -> Result<Self, KeyError> {
        let public = PublicKey::from_key(*key.verifying_key())?;
        Ok(Self { key, public })
    }

    /// Writes PKCS#8 PEM.
    pub fn to_pem(&self) -> Result<Secret, KeyError> {
        let pem = self.key.to_pkcs8_pem(LineEnding::LF).map_err(|_| KeyError::Encoding)?;
        Ok(Secret::new(pem.as_str()))
    }

    /// The public half.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// Signs bytes: ECDSA over their SHA-256, deterministic (RFC 6979), low S, ASN.1 DER.
    pub fn sign_bytes(&self, bytes: &[u8]) -> Vec<u8> {
        let signature: Signature = self.key.sign(bytes);
        signature.normalize_s().to_der().as_bytes().to_vec()
    }

    /// Signs bytes as [`SigningKey::sign_bytes`] does, the signature as its two numbers of 32 bytes.
    pub(crate) fn sign_fixed(&self, bytes: &[u8]) -> Vec<u8> {
        let signature: Signature = self.key.sign(bytes);
        signature.normalize_s().to_bytes().to_vec()
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({}, …)", self.public.id)
    }
}

/// A public key.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    key: VerifyingKey,
    id: KeyId,
    spki: Vec<u8>,
}

impl PublicKey {
    fn from_key(key: VerifyingKey) -> Result<Self, KeyError> {
        let spki = key.to_public_key_der().map_err(|_| KeyError::Encoding)?.as_bytes().to_vec();
        Ok(Self { key, id: KeyId(Digest::of(&spki).hex()), spki })
    }

    /// Reads SPKI PEM.
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        Self::from_key(VerifyingKey::from_public_key_pem(pem.trim()).map_err(|_| KeyError::NotPublic)?)
    }

    /// Writes SPKI PEM, as `openssl`, `cosign` and everyone else read it.
    pub fn to_pem(&self) -> Result<String, KeyError> {
        self.key.to_public_key_pem(LineEnding::LF).map_err(|_| KeyError::Encoding)
    }

    /// The key's name.
    pub fn id(&self) -> &KeyId {
        &self.id
    }

    /// The point's two coordinates, of 32 bytes each.
    pub(crate) fn coordinates(&self) -> (Vec<u8>, Vec<u8>) {
        let point = self.key.to_sec1_point(false);
        let (x, y) = point.as_bytes()[1..].split_at(32);
        (x.to_vec(), y.to_vec())
    }

    /// How Sigstore clients hint at a key: base64 of the SHA-256 of its SPKI.
    pub fn hint(&self) -> String {
        STANDARD.encode(Digest::of(&self.spki).as_bytes())
    }

    /// Verifies a signature (ASN.1 DER) over bytes. High S is accepted too, since other signers do not normalise.
    pub fn verify_bytes(&self, bytes: &[u8], signature: &[u8]) -> bool {
        Signature::from_der(signature).is_ok_and(|signature| self.key.verify(bytes, &signature).is_ok())
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.id)
    }
}

/// The public keys whose statements count.
#[derive(Clone, Debug, Default)]
pub struct TrustedKeys(BTreeMap<KeyId, PublicKey>);

impl TrustedKeys {
    /// Trusts some keys.
    pub fn new(keys: impl IntoIterator<Item = PublicKey>) -> Result<Self, KeyError> {
        let mut trusted = Self::default();
        for key in keys {
            trusted.add(key)?;
        }
        Ok(trusted)
    }

    /// Trusts one more key.
    pub fn add(&mut self, key: PublicKey) -> Result<(), KeyError> {
        if self.0.len() >= MAX_TRUSTED_KEYS && !self.0.contains_key(&key.id) {
            return Err(KeyError::TooMany);
        }
        self.0.insert(key.id.clone(), key);
        Ok(())
    }

    /// The key of a name.
    pub fn get(&self, id: &str) -> Option<&PublicKey> {
        self.0.get(&KeyId(id.to_owned()))
    }

    /// All keys.
    pub fn iter(&self) -> impl Iterator<Item = &PublicKey> {
        self.0.values()
    }
}

/// The key that signs now, and every key whose signatures still count: what signs the log's checkpoints.
#[derive(Clone, Debug)]
pub struct Keyring {
    signing: SigningKey,
    trusted: TrustedKeys,
}

impl Keyring {
    /// A ring that trusts the signing key and `older` ones.
    pub fn new(signing: SigningKey, older: impl IntoIterator<Item = PublicKey>) -> Result<Self, KeyError> {
        let mut trusted = TrustedKeys::new(older)?;
        trusted.add(signing.public.clone())?;
        Ok(Self { signing, trusted })
    }

    /// The key that signs.
    pub fn signing(&self) -> &SigningKey {
        &self.signing
    }

    /// The keys that are trusted.
    pub fn trusted(&self) -> &TrustedKeys {
        &self.trusted
    }
}

impl CheckpointSigner for Keyring {
    fn sign(&self, bytes: &[u8]) -> Result<(String, String), String> {
        Ok((self.signing.public.id.to_string(), STANDARD.encode(self.signing.sign_bytes(bytes))))
    }

    fn verify(&self, bytes: &[u8], key_id: &str, signature: &str) -> bool {
        let Ok(signature) = STANDARD.decode(signature) else { return false };
        self.trusted.get(key_id).is_some_and(|key| key.verify_bytes(bytes, &signature))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> SigningKey {
        SigningKey::generate([7; 32]).unwrap()
    }

    #[test]
    fn a_key_survives_pem_and_does_not_print() {
        let pem = key().to_pem().unwrap();
        let again = SigningKey::from_pem(pem.expose()).unwrap();
        assert_eq!(again.public(), key().public());
        assert_eq!(PublicKey::from_pem(&key().public().to_pem().unwrap()).unwrap(), *again.public());
        let body = pem.expose().lines().nth(1).unwrap().to_owned();
        let shown = format!("{again:?} {:#?}", Keyring::new(again.clone(), []).unwrap());
        assert!(!shown.contains(&body) && !shown.contains("07070707"), "{shown}");
    }

    /// DSSE protocol 1.0.0, "Test Vectors": key, payload and signature (raw, deterministic, S not normalised).
    #[test]
    fn the_specifications_signature_is_ours_but_for_the_sign_of_s() {
        let mut d = [0; 32];
        hex::decode_to_slice("d73ec437fd6346e3619c5ebfdfff0f6916804955ad32ac9ac492b0ede1f6ffb7", &mut d).unwrap();
        let key = SigningKey::generate(d).unwrap();
        let sig = "A3JqsQGtVsJ2O2xqrI5IcnXip5GToJ3F+FnZ+O88SjtR6rDAajabZKciJTfUiHqJPcIAriEGAHTVeCUjW2JIZA==";
        let theirs = Signature::from_slice(&STANDARD.decode(sig).unwrap()).unwrap();
        let signed = crate::envelope::pae("http://example.com/HelloWorld", b"hello world");
        assert!(key.public().verify_bytes(&signed, theirs.to_der().as_bytes()));
        assert_eq!(key.sign_bytes(&signed), theirs.normalize_s().to_der().as_bytes());
    }

    #[test]
    fn text_that_is_no_key_is_not_repeated_in_the_error() {
        let error = SigningKey::from_pem("hunter2").unwrap_err().to_string();
        assert!(!error.contains("hunter2"));
        assert!(PublicKey::from_pem("x").is_err());
        assert!(SigningKey::generate([0xff; 32]).is_ok(), "out of the order: hashed until it fits");
    }

    #[test]
    fn checkpoints_of_an_older_key_still_verify() {
        let old = Keyring::new(SigningKey::generate([1; 32]).unwrap(), []).unwrap();
        let (id, signature) = old.sign(b"{}").unwrap();
        let ring = Keyring::new(key(), [old.signing().public().clone()]).unwrap();
        assert!(ring.verify(b"{}", &id, &signature));
        assert!(!ring.verify(b"{ }", &id, &signature));
        assert!(!Keyring::new(key(), []).unwrap().verify(b"{}", &id, &signature));
    }
}
