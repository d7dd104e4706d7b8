//! Provenance files, signed.
//!
//! The packets are written here as they are read here; hashes, ciphers and signatures are those of the libraries that verify. A
//! signature is only handed out once it has been verified with the public key, so that a spoiled key gives none away.

use std::{collections::BTreeMap, fmt};

use p256::ecdsa::signature::hazmat::PrehashSigner as _;
use rsa::{BoxedUint, pkcs1v15::Pkcs1v15Sign};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use super::{
    armor, clearsign,
    hash::Hash,
    keyring::{Entity, Keyring},
    packet::{Bytes, SIGNATURE, Wrong},
    secret::Passphrase,
    signature::{self, P256, P384, P521, PublicKey, Signature, padded, purpose},
};
use crate::{format::quoted, load, package::written};

/// SHA-512, as Helm signs.
const HASH: u8 = 10;
/// Go signs with no shorter key of RSA, and we with no longer one.
const RSA_BITS: std::ops::RangeInclusive<u32> = 1024..=8192;

/// Why nothing was signed. Where Helm refuses too, the text is its own.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Unsigned {
    /// A name that is in the names of several keys.
    #[error("more than one key contain the id {0}")]
    Vague(String),
    /// Nobody in the keyring has the name.
    #[error("private key not found")]
    Nobody,
    /// Only the public key is there.
    #[error("provided key is not a private key. Try providing a keyring with secret keys")]
    Public,
    /// The key wants a passphrase.
    #[error("the private key is protected by a passphrase, and none was given")]
    Locked,
    /// The key is wrong, or of a kind that nothing is signed with.
    #[error("{0}")]
    Key(String),
    /// Nobody would believe it.
    #[error("the key may not sign: it was revoked, or is meant for something else")]
    MayNotSign,
    /// The archive is no chart.
    #[error("{0}")]
    Archive(String),
}

impl From<Wrong> for Unsigned {
    fn from(wrong: Wrong) -> Self {
        Self::Key(wrong.to_string())
    }
}

/// A private key, opened.
pub struct Signer<'a> {
    entity: &'a Entity,
    key: Key,
}

impl fmt::Debug for Signer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer").field("entity", self.entity).finish_non_exhaustive()
    }
}

enum Key {
    Rsa(Box<rsa::PrivateKey>),
    P256(p256::ecdsa::SigningKey),
    P384(p384::ecdsa::SigningKey),
    P521(p521::ecdsa::SigningKey),
}

impl Keyring {
    /// Whose name this is, or whose names it stands in if they are the only one's.
    pub fn entity(&self, name: &str) -> Result<&Entity, Unsigned> {
        let mut found = None;
        let mut is_vague = false;
        for entity in self.entities() {
            for own in entity.names() {
                if own == name.as_bytes() {
                    return Ok(entity);
                }
                if !name.is_empty() && bstr::ByteSlice::contains_str(own, name) {
                    is_vague |= found.is_some();
                    found = Some(entity);
                }
            }
        }
        if is_vague {
            return Err(Unsigned::Vague(quoted(name.as_bytes())));
        }
        found.ok_or(Unsigned::Nobody)
    }
}

impl Entity {
    /// Opens its private key. A passphrase that is not needed is not looked at.
    pub fn unlock(&self, passphrase: Option<&Passphrase>) -> Result<Signer<'_>, Unsigned> {
        let secret = self.secret().ok_or(Unsigned::Public)?;
        if secret.is_sealed() && passphrase.is_none() {
            return Err(Unsigned::Locked);
        }
        if !self.may_sign() {
            return Err(Unsigned::MayNotSign);
        }
        let none = Passphrase::new([]);
        let numbers = secret.open(passphrase.unwrap_or(&none))?;
        Ok(Signer { entity: self, key: Key::read(self.key(), &mut Bytes(&numbers))? })
    }
}

impl Signer<'_> {
    /// The provenance file of a chart's archive that is called `name`; `created` is in seconds from 1970.
    pub fn sign(&self, name: &str, archive: &[u8], created: u32) -> Result<String, Unsigned> {
        let message = clearsign::encode(&message(name, archive)?);
        let packet = self.packet(&message.signed, created)?;
        Ok(format!("{}{}", message.text, armor::encode("PGP SIGNATURE", &packet)))
    }

    fn packet(&self, signed: &[u8], created: u32) -> Result<Vec<u8>, Unsigned> {
        let key = self.entity.key();
        let parts = [&[5, 2][..], &created.to_be_bytes(), &[9, 16], &key.id().to_be_bytes()].concat();
        let length = u16::try_from(parts.len()).unwrap_or_default().to_be_bytes();
        let body = [&[4, purpose::TEXT, key.algorithm(), HASH][..], &length, &parts].concat();
        let digest = Hash::of(HASH)?.digest(&[signed, &signature::suffix(&body)])?;
        let numbers = self.key.sign(&digest)?;
        // no parts that are not signed, then the beginning of the digest
        let body = [&body, &[0, 0][..], digest.get(..2).unwrap_or_default(), &numbers].concat();
        let made = Signature::read(&body, 0)?;
        key.verify(&[signed], &made).map_err(|_| Unsigned::Key("the private key does not belong to its public key".to_owned()))?;
        Ok([packet_head(SIGNATURE, body.len()), body].concat())
    }
}

/// What is signed of an archive: its `Chart.yaml`, and its digest.
fn message(name: &str, archive: &[u8]) -> Result<String, Unsigned> {
    #[derive(Serialize)]
    struct Sums {
        files: BTreeMap<String, String>,
    }
    let refused = |why: String| Unsigned::Archive(why);
    let chart = load::archive(archive).map_err(|error| refused(error.to_string()))?.chart;
    let metadata = written(&chart.metadata).map_err(|fault| refused(fault.to_string()))?;
    let digest = format!("sha256:{}", hex::encode(Sha256::digest(archive)));
    let sums = written(&Sums { files: BTreeMap::from([(name.to_owned(), digest)]) }).map_err(|fault| refused(fault.to_string()))?;
    Ok(format!("{metadata}\n...\n{sums}"))
}

/// The head of a packet in the new format.
fn packet_head(tag: u8, length: usize) -> Vec<u8> {
    let tag = 0xc0 | tag;
    let low = |number: usize| u8::try_from(number & 0xff).unwrap_or_default();
    match length {
        ..192 => vec![tag, low(length)],
        192..8384 => vec![tag, 192 + low((length - 192) >> 8), low(length - 192)],
        _ => [&[tag, 255][..], &u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes()].concat(),
    }
}

impl Key {
    fn read(public: &PublicKey, numbers: &mut Bytes<'_>) -> Result<Self, Unsigned> {
        let key = |why: &str| Unsigned::Key(why.to_owned());
        if let Some((modulus, exponent)) = public.rsa_numbers() {
            let number = |bytes: &[u8]| BoxedUint::from_be_slice_vartime(bytes);
            let modulus = number(modulus);
            let bits = modulus.bit_width_vartime();
            if !RSA_BITS.contains(&bits) {
                let why = format!("an RSA key of {bits} bits: one of {} to {} is wanted", RSA_BITS.start(), RSA_BITS.end());
                return Err(Unsigned::Key(why));
            }
            let [secret, first, second] = [numbers.integer()?, numbers.integer()?, numbers.integer()?].map(number);
            let read = rsa::PrivateKey::from_components(modulus, number(exponent), secret, vec![first, second]);
            return Ok(Self::Rsa(Box::new(read.map_err(|error| Unsigned::Key(format!("crypto/rsa: {error}")))?)));
        }
        let secret = numbers.integer()?;
        let filled = |length| padded(secret, length).ok_or_else(|| key("the private key is no number of its curve"));
        let unfit = |_| key("the private key is no number of its curve");
        Ok(match public.curve() {
            Some(P256) => Self::P256(p256::ecdsa::SigningKey::from_slice(&filled(32)?).map_err(unfit)?),
            Some(P384) => Self::P384(p384::ecdsa::SigningKey::from_slice(&filled(48)?).map_err(unfit)?),
            Some(P521) => Self::P521(p521::ecdsa::SigningKey::from_slice(&filled(66)?).map_err(unfit)?),
            _ => return Err(key("DSA keys are only verified with: make an RSA key (gpg --quick-generate-key NAME rsa4096 sign)")),
        })
    }

    /// The numbers of a signature of a digest, each with its length.
    fn sign(&self, digest: &[u8]) -> Result<Vec<u8>, Unsigned> {
        let failed = |error: &dyn fmt::Display| Unsigned::Key(error.to_string());
        let both = |bytes: &[u8]| {
            let (first, second) = bytes.split_at(bytes.len() / 2);
            [integer(first), integer(second)].concat()
        };
        Ok(match self {
            Self::Rsa(key) => {
                let scheme = Pkcs1v15Sign { hash_len: Some(digest.len()), prefix: Hash::of(HASH)?.prefix().into() };
                let signed = key.sign(scheme, digest).map_err(|error| failed(&error))?;
                // as Go writes it, the zeros before it are part of it
                let bits = u16::try_from(8 * signed.len()).unwrap_or_default();
                [&bits.to_be_bytes()[..], &signed].concat()
            }
            Self::P256(key) => {
                let signed: p256::ecdsa::Signature = key.sign_prehash(digest).map_err(|error| failed(&error))?;
                both(&signed.to_bytes())
            }
            Self::P384(key) => {
                let signed: p384::ecdsa::Signature = key.sign_prehash(digest).map_err(|error| failed(&error))?;
                both(&signed.to_bytes())
            }
            Self::P521(key) => {
                let signed: p521::ecdsa::Signature = key.sign_prehash(digest).map_err(|error| failed(&error))?;
                both(&signed.to_bytes())
            }
        })
    }
}

/// A number with its length in bits.
fn integer(number: &[u8]) -> Vec<u8> {
    let first = number.iter().position(|byte| *byte != 0).unwrap_or(number.len());
    let digits = number.get(first..).unwrap_or_default();
    let zeros = digits.first().map_or(0, |byte| byte.leading_zeros() as usize);
    let bits = u16::try_from(8 * digits.len() - zeros).unwrap_or_default();
    [&bits.to_be_bytes()[..], digits].concat()
}
