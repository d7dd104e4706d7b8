//! Private keys: made, read, written, signed with.

mod dsa;
mod numbers;
mod read;

use ed25519_dalek::Signer as _;
use p256::ecdsa::signature;
use rsa::{
    BoxedUint,
    pkcs1v15::SigningKey as RsaSigner,
    signature::SignatureEncoding as _,
    traits::{PrivateKeyParts as _, PublicKeyParts as _},
};
use sha2::Sha256;

pub(super) use read::read;

use super::{
    asn1::{CONTEXT, INTEGER, OCTET_STRING, OID, bits, element, integer, sequence},
    pem,
    random::Draws,
};
use crate::{
    function::{Fault, Random, Scope},
    value::Value,
};

/// What OIDs stand for, as DER has them.
mod oid {
    pub(super) const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];
    pub(super) const SHA256_WITH_RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11];
    pub(super) const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];
    pub(super) const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
    pub(super) const P384: &[u8] = &[0x2b, 0x81, 4, 0, 0x22];
    pub(super) const P521: &[u8] = &[0x2b, 0x81, 4, 0, 0x23];
    pub(super) const ECDSA_WITH_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];
    pub(super) const ECDSA_WITH_SHA384: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 3];
    pub(super) const ECDSA_WITH_SHA512: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 4];
    pub(super) const ED25519: &[u8] = &[0x2b, 0x65, 0x70];
    pub(super) const X25519: &[u8] = &[0x2b, 0x65, 0x6e];
}

const NULL: &[u8] = &[5, 0];
/// A key of `genCA` and its like.
pub(super) const RSA_BITS: usize = 2048;
/// A key of `genPrivateKey`.
const LONG_RSA_BITS: usize = 4096;
/// Steps of making a key of 2048 bits: some 50 ms, and up to ten times that with bad luck. They grow with the fourth power of the length.
const RSA_STEPS: u64 = 2_000_000;
/// Steps of signing with a key of 2048 bits: some 1 ms. They grow with the third power.
const RSA_SIGN_STEPS: u64 = 40_000;
const DSA_STEPS: u64 = 20_000_000;
const CURVE_STEPS: u64 = 40_000;
/// Go signs with no shorter one, and we with no longer one.
const RSA_SIGNED_BITS: std::ops::RangeInclusive<usize> = 1024..=8192;

/// A private key that Sprig can make or read.
pub(super) enum PrivateKey {
    Rsa(Box<RsaKey>),
    P256(p256::ecdsa::SigningKey),
    P384(p384::ecdsa::SigningKey),
    P521(p521::ecdsa::SigningKey),
    Ed25519(ed25519_dalek::SigningKey),
    /// P, Q, G, Y, X. Go signs no certificate with it.
    Dsa([Vec<u8>; 5]),
    /// A key that only agrees on keys.
    X25519,
}

/// A key of RSA.
pub(super) struct RsaKey {
    /// None where it is of a length that nothing is signed with.
    key: Option<rsa::PrivateKey>,
    /// The modulus, the exponents, the primes, the exponents of the primes, the coefficient: big-endian.
    numbers: [Vec<u8>; 8],
}

impl RsaKey {
    fn new(key: rsa::PrivateKey) -> Self {
        let bytes = |number: Option<&BoxedUint>| number.map_or_else(Vec::new, |number| number.to_be_bytes_trimmed_vartime().to_vec());
        let mut primes = key.primes().iter().map(AsRef::as_ref);
        let (first, second) = (primes.next(), primes.next());
        let numbers = [
            bytes(Some(key.n().as_ref())),
            bytes(Some(key.e())),
            bytes(Some(key.d())),
            bytes(first),
            bytes(second),
            bytes(key.dp()),
            bytes(key.dq()),
            bytes(key.crt_coefficient().as_ref()),
        ];
        Self { key: Some(key), numbers }
    }

    fn bits(&self) -> usize {
        let [modulus, ..] = &self.numbers;
        let zeros = modulus.first().map_or(0, |byte| byte.leading_zeros() as usize);
        (8 * modulus.len()).saturating_sub(zeros)
    }
}

/// A new key of RSA.
pub(super) fn new_rsa(scope: &mut Scope<'_>, bits: usize) -> Result<PrivateKey, Fault> {
    scope.budget.step(RSA_STEPS * power(bits, 4))?;
    let key = rsa::PrivateKey::new(&mut Draws(scope.random), bits);
    let key = key.map_err(|error| Fault::said(format!("error generating rsa key: {error}")))?;
    Ok(PrivateKey::Rsa(Box::new(RsaKey::new(key))))
}

/// How many times costlier than with 2048 bits.
fn power(bits: usize, exponent: u32) -> u64 {
    (bits.div_ceil(RSA_BITS) as u64).max(1).saturating_pow(exponent)
}

/// `genPrivateKey`
pub(super) fn gen_private_key(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    let [Value::Str(kind)] = arguments else { return Ok(Value::str("")) };
    let key = match kind.as_bytes() {
        b"" | b"rsa" => new_rsa(scope, LONG_RSA_BITS)?,
        b"dsa" => {
            scope.budget.step(DSA_STEPS)?;
            PrivateKey::Dsa(dsa::generate(scope.random))
        }
        b"ecdsa" => {
            scope.budget.step(CURVE_STEPS)?;
            PrivateKey::P256(p256_key(scope.random))
        }
        b"ed25519" => {
            scope.budget.step(CURVE_STEPS)?;
            PrivateKey::Ed25519(ed25519_dalek::SigningKey::from_bytes(&super::random::draw(scope.random)))
        }
        other => return Ok(Value::str([b"Unknown type ", other].concat())),
    };
    let written = key.to_pem();
    scope.budget.make(written.len())?;
    Ok(Value::str(written))
}

fn p256_key(random: &mut dyn Random) -> p256::ecdsa::SigningKey {
    loop {
        // one in four billion is not below the order
        if let Ok(key) = p256::ecdsa::SigningKey::from_slice(&super::random::draw::<32>(random)) {
            return key;
        }
    }
}

/// What a public key is written as in a certificate.
pub(super) struct PublicKey {
    /// Its algorithm, written.
    pub algorithm: Vec<u8>,
    /// The key itself.
    pub bytes: Vec<u8>,
}

fn algorithm(name: &[u8], parameters: &[u8]) -> Vec<u8> {
    sequence(&[&element(OID, name), parameters])
}

impl PrivateKey {
    /// It as Sprig writes it.
    pub(super) fn to_pem(&self) -> String {
        let version = |number| element(INTEGER, &[number]);
        match self {
            Self::Rsa(key) => {
                let numbers: Vec<u8> = key.numbers.iter().flat_map(|number| integer(number)).collect();
                pem::encode("RSA PRIVATE KEY", &sequence(&[&version(0), &numbers]))
            }
            Self::Dsa(numbers) => {
                let numbers: Vec<u8> = numbers.iter().flat_map(|number| integer(number)).collect();
                pem::encode("DSA PRIVATE KEY", &sequence(&[&version(0), &numbers]))
            }
            Self::P256(key) => curve_pem(oid::P256, &key.to_bytes(), &key.verifying_key().to_sec1_bytes()),
            Self::P384(key) => curve_pem(oid::P384, &key.to_bytes(), &key.verifying_key().to_sec1_bytes()),
            Self::P521(key) => curve_pem(oid::P521, &key.to_bytes(), &key.verifying_key().to_sec1_bytes()),
            Self::Ed25519(key) => {
                let seed = element(OCTET_STRING, &element(OCTET_STRING, key.as_bytes()));
                pem::encode("PRIVATE KEY", &sequence(&[&version(0), &algorithm(oid::ED25519, &[]), &seed]))
            }
            // never asked for: no certificate is made with one
            Self::X25519 => String::new(),
        }
    }

    /// The key to go into a certificate; none for one that Go signs none with.
    pub(super) fn public(&self) -> Option<PublicKey> {
        let curve = |name, bytes: Box<[u8]>| PublicKey { algorithm: algorithm(oid::EC, &element(OID, name)), bytes: bytes.into() };
        Some(match self {
            Self::Rsa(key) => {
                let [modulus, exponent, ..] = &key.numbers;
                PublicKey { algorithm: algorithm(oid::RSA, NULL), bytes: sequence(&[&integer(modulus), &integer(exponent)]) }
            }
            Self::P256(key) => curve(oid::P256, key.verifying_key().to_sec1_bytes()),
            Self::P384(key) => curve(oid::P384, key.verifying_key().to_sec1_bytes()),
            Self::P521(key) => curve(oid::P521, key.verifying_key().to_sec1_bytes()),
            Self::Ed25519(key) => PublicKey { algorithm: algorithm(oid::ED25519, &[]), bytes: key.verifying_key().as_bytes().to_vec() },
            Self::Dsa(_) | Self::X25519 => return None,
        })
    }

    /// The algorithm that it signs with; none for one that Go signs nothing with.
    pub(super) fn signing_algorithm(&self) -> Option<Vec<u8>> {
        Some(match self {
            Self::Rsa(_) => algorithm(oid::SHA256_WITH_RSA, NULL),
            Self::P256(_) => algorithm(oid::ECDSA_WITH_SHA256, &[]),
            Self::P384(_) => algorithm(oid::ECDSA_WITH_SHA384, &[]),
            Self::P521(_) => algorithm(oid::ECDSA_WITH_SHA512, &[]),
            Self::Ed25519(_) => algorithm(oid::ED25519, &[]),
            Self::Dsa(_) | Self::X25519 => return None,
        })
    }

    /// What a signature costs.
    pub(super) fn signing_steps(&self) -> u64 {
        match self {
            Self::Rsa(key) => RSA_SIGN_STEPS * power(key.bits(), 3),
            _ => CURVE_STEPS,
        }
    }

    /// The signature of a text.
    pub(super) fn sign(&self, text: &[u8]) -> Result<Vec<u8>, String> {
        let failed = |error: signature::Error| error.to_string();
        match self {
            Self::Rsa(rsa) => {
                let Some(key) = rsa.key.clone() else { return Err(unsigned_length(rsa.bits())) };
                let signature = RsaSigner::<Sha256>::new(key).try_sign(text).map_err(failed)?;
                Ok(signature.to_vec())
            }
            Self::P256(key) => {
                let signature: p256::ecdsa::DerSignature = signature::Signer::try_sign(key, text).map_err(failed)?;
                Ok(signature.as_bytes().to_vec())
            }
            Self::P384(key) => {
                let signature: p384::ecdsa::DerSignature = signature::Signer::try_sign(key, text).map_err(failed)?;
                Ok(signature.as_bytes().to_vec())
            }
            Self::P521(key) => {
                let signature: p521::ecdsa::DerSignature = signature::Signer::try_sign(key, text).map_err(failed)?;
                Ok(signature.as_bytes().to_vec())
            }
            Self::Ed25519(key) => Ok(key.sign(text).to_bytes().to_vec()),
            Self::Dsa(_) | Self::X25519 => Err("x509: certificate private key does not implement crypto.Signer".to_owned()),
        }
    }
}

/// Why nothing is signed with a key of RSA of so many bits.
fn unsigned_length(bits: usize) -> String {
    if bits < *RSA_SIGNED_BITS.start() {
        format!("crypto/rsa: {bits}-bit keys are insecure (see https://go.dev/pkg/crypto/rsa#hdr-Minimum_key_size)")
    } else {
        format!("{bits}-bit RSA keys are not supported: use one of at most {} bits", RSA_SIGNED_BITS.end())
    }
}

/// A key on a curve (SEC 1), with its public key.
fn curve_pem(curve: &[u8], secret: &[u8], public: &[u8]) -> String {
    let parts = [
        element(INTEGER, &[1]),
        element(OCTET_STRING, secret),
        element(CONTEXT, &element(OID, curve)),
        element(CONTEXT | 1, &bits(public)),
    ];
    pem::encode("EC PRIVATE KEY", &sequence(&[&parts.concat()]))
}
