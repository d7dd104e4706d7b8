//! Signatures and the keys that make them (RFC 4880, sections 5.2 and 5.5).

use num_bigint::BigUint;
use p256::ecdsa::signature::hazmat::PrehashVerifier as _;
use rsa::{BoxedUint, pkcs1v15::Pkcs1v15Sign};
use sha1::{Digest as _, Sha1};

use super::{
    hash::Hash,
    packet::{Bytes, Wrong, structure},
};

const RSA: u8 = 1;
const RSA_ENCRYPT_ONLY: u8 = 2;
const RSA_SIGN_ONLY: u8 = 3;
const ELGAMAL: u8 = 16;
const DSA: u8 = 17;
const ECDH: u8 = 18;
const ECDSA: u8 = 19;
/// The longest name of a curve that is known here.
const MAX_CURVE: usize = 8;
/// Longer numbers of DSA would cost more than any real key does.
const MAX_DSA_BITS: u64 = 8192;

/// What a signature is for.
pub(super) mod purpose {
    pub(in super::super) const BINARY: u8 = 0;
    pub(in super::super) const TEXT: u8 = 1;
    pub(in super::super) const GENERIC: u8 = 0x10;
    pub(in super::super) const POSITIVE: u8 = 0x13;
    pub(in super::super) const SUBKEY: u8 = 0x18;
    pub(in super::super) const PRIMARY_BINDING: u8 = 0x19;
    pub(in super::super) const REVOKED: u8 = 0x20;
    pub(in super::super) const SUBKEY_REVOKED: u8 = 0x28;
}

/// A signature of version 4.
#[derive(Clone, Debug)]
pub(super) struct Signature {
    pub purpose: u8,
    algorithm: u8,
    hash: Hash,
    /// What of itself it signs.
    suffix: Vec<u8>,
    tag: [u8; 2],
    numbers: Vec<Vec<u8>>,
    pub created: Option<u32>,
    pub issuer: Option<u64>,
    /// What the key may be used for, if it says so.
    flags: Option<u8>,
    pub is_primary: bool,
    /// Whether it gives a reason for a revocation.
    pub revokes: bool,
    cross: Option<Box<Signature>>,
}

impl Signature {
    /// Reads a signature's packet. `depth` is how many signatures it stands in.
    pub(super) fn read(body: &[u8], depth: u8) -> Result<Self, Wrong> {
        let mut bytes = Bytes(body);
        let version = bytes.byte()?;
        if version != 4 {
            return Err(Wrong::Unsupported(format!("signature packet version {version}")));
        }
        let (purpose, algorithm) = (bytes.byte()?, bytes.byte()?);
        if !matches!(algorithm, RSA | RSA_SIGN_ONLY | DSA | ECDSA) {
            return Err(Wrong::Unsupported(format!("public key algorithm {algorithm}")));
        }
        let hash = Hash::of(bytes.byte()?)?;
        let length = bytes.number(2)?;
        let hashed = bytes.take(length)?;
        let signed = body.get(..6 + length).ok_or(Wrong::Truncated)?;
        let suffix = suffix(signed);
        let mut read = Self {
            purpose,
            algorithm,
            hash,
            suffix,
            tag: [0; 2],
            numbers: Vec::new(),
            created: None,
            issuer: None,
            flags: None,
            is_primary: false,
            revokes: false,
            cross: None,
        };
        read.parts(hashed, true, depth)?;
        let length = bytes.number(2)?;
        read.parts(bytes.take(length)?, false, depth)?;
        read.tag = [bytes.byte()?, bytes.byte()?];
        let numbers = if matches!(algorithm, RSA | RSA_SIGN_ONLY) { 1 } else { 2 };
        read.numbers = (0..numbers).map(|_| bytes.integer().map(<[u8]>::to_vec)).collect::<Result<_, _>>()?;
        Ok(read)
    }

    fn parts(&mut self, parts: &[u8], is_hashed: bool, depth: u8) -> Result<(), Wrong> {
        let truncated = |_| structure("signature subpacket truncated");
        let mut bytes = Bytes(parts);
        while !bytes.0.is_empty() {
            let length = match bytes.byte()? {
                short @ ..192 => usize::from(short),
                high @ 192..255 => ((usize::from(high) - 192) << 8) + bytes.number(1).map_err(truncated)? + 192,
                255 => bytes.number(4).map_err(truncated)?,
            };
            let part = bytes.take(length).map_err(truncated)?;
            let (kind, contents) = part.split_first().ok_or_else(|| structure("zero length signature subpacket"))?;
            self.part(*kind, contents, is_hashed, depth)?;
        }
        if self.created.is_none() {
            return Err(structure("no creation time in signature"));
        }
        Ok(())
    }

    fn part(&mut self, kind: u8, contents: &[u8], is_hashed: bool, depth: u8) -> Result<(), Wrong> {
        let wrong = |text: &str| Err(structure(text));
        match (kind & 0x7f, is_hashed) {
            (2, false) => return wrong("signature creation time in non-hashed area"),
            (2, true) => match contents.try_into() {
                Ok(time) => self.created = Some(u32::from_be_bytes(time)),
                Err(_) => return wrong("signature creation time not four bytes"),
            },
            (3, true) if contents.len() != 4 => return wrong("expiration subpacket with bad length"),
            (9, true) if contents.len() != 4 => return wrong("key expiration subpacket with bad length"),
            (16, _) => match contents.try_into() {
                Ok(issuer) => self.issuer = Some(u64::from_be_bytes(issuer)),
                Err(_) => return wrong("issuer subpacket with bad length"),
            },
            (25, true) => match contents {
                [is_primary] => self.is_primary = *is_primary > 0,
                _ => return wrong("primary user id subpacket with bad length"),
            },
            (27, true) => match contents.first() {
                Some(flags) => self.flags = Some(*flags | self.flags.unwrap_or_default()),
                None => return wrong("empty key flags subpacket"),
            },
            (29, true) => {
                self.revokes = true;
                if contents.is_empty() {
                    return wrong("empty revocation reason subpacket");
                }
            }
            (32, _) => {
                if self.cross.is_some() || depth > 0 {
                    return wrong("Cannot have multiple embedded signatures");
                }
                let cross = Self::read(contents, depth + 1)?;
                if cross.purpose != purpose::PRIMARY_BINDING {
                    return wrong(&format!("cross-signature has unexpected type {}", cross.purpose));
                }
                self.cross = Some(Box::new(cross));
            }
            (3 | 9 | 11 | 21 | 22 | 25 | 27 | 29 | 30, _) => {}
            (other, _) if kind & 0x80 != 0 => {
                return Err(Wrong::Unsupported(format!("unknown critical signature subpacket type {other}")));
            }
            _ => {}
        }
        Ok(())
    }

    /// Whether the key that it speaks of may sign texts.
    pub(super) fn lets_sign(&self) -> bool {
        self.flags.is_none_or(|flags| flags & 2 != 0)
    }

    fn says_signs(&self) -> bool {
        self.flags.is_some_and(|flags| flags & 2 != 0)
    }
}

/// What of a signature it signs itself: its beginning, and how long that is.
pub(super) fn suffix(signed: &[u8]) -> Vec<u8> {
    let total = u32::try_from(signed.len()).unwrap_or_default().to_be_bytes();
    [signed, &[4, 0xff], &total].concat()
}

/// A public key of version 4.
#[derive(Clone, Debug)]
pub(super) struct PublicKey {
    algorithm: u8,
    /// The packet's contents: what is signed of it.
    body: Vec<u8>,
    /// The curve.
    curve: Vec<u8>,
    numbers: Vec<Vec<u8>>,
    pub fingerprint: [u8; 20],
}

impl PublicKey {
    /// Reads a key's packet, of a private key only the public part.
    pub(super) fn read(body: &[u8]) -> Result<Self, Wrong> {
        let mut bytes = Bytes(body);
        let header = bytes.take(6)?;
        let (Some(4), Some(algorithm)) = (header.first(), header.last()) else {
            return Err(Wrong::Unsupported("public key version".to_owned()));
        };
        let mut curve = Vec::new();
        let count = match *algorithm {
            RSA | RSA_ENCRYPT_ONLY | RSA_SIGN_ONLY => 2,
            DSA => 4,
            ELGAMAL => 3,
            ECDSA | ECDH => {
                let length = usize::from(bytes.byte()?);
                if length > MAX_CURVE {
                    return Err(Wrong::Unsupported(format!("invalid oid length: {length}")));
                }
                curve = bytes.take(length)?.to_vec();
                1
            }
            other => return Err(Wrong::Unsupported(format!("public key type: {other}"))),
        };
        let numbers = (0..count).map(|_| bytes.integer().map(<[u8]>::to_vec)).collect::<Result<Vec<_>, _>>()?;
        if *algorithm == ECDH {
            let length = usize::from(bytes.byte()?);
            bytes.take(length)?;
        }
        let body = body.get(..body.len() - bytes.0.len()).unwrap_or_default().to_vec();
        let mut key = Self { algorithm: *algorithm, body, curve, numbers, fingerprint: [0; 20] };
        if key.algorithm <= RSA_SIGN_ONLY && key.numbers.get(1).is_some_and(|exponent| exponent.len() > 3) {
            return Err(Wrong::Unsupported("large public exponent".to_owned()));
        }
        if !key.curve.is_empty() {
            key.check_curve()?;
        }
        key.fingerprint = Sha1::digest(key.hashed().concat()).into();
        Ok(key)
    }

    fn check_curve(&self) -> Result<(), Wrong> {
        let point = self.number(0);
        let is_point = match self.curve.as_slice() {
            P256 => p256::ecdsa::VerifyingKey::from_sec1_bytes(point).is_ok(),
            P384 => p384::ecdsa::VerifyingKey::from_sec1_bytes(point).is_ok(),
            P521 => p521::ecdsa::VerifyingKey::from_sec1_bytes(point).is_ok(),
            other => return Err(Wrong::Unsupported(format!("unsupported oid: {}", hex::encode(other)))),
        };
        if is_point { Ok(()) } else { Err(Wrong::Unsupported("failed to parse EC point".to_owned())) }
    }

    /// How long it is as a packet's contents.
    pub(super) fn length(&self) -> usize {
        self.body.len()
    }

    pub(super) fn algorithm(&self) -> u8 {
        self.algorithm
    }

    /// Modulus and exponent, if it is one of RSA.
    pub(super) fn rsa_numbers(&self) -> Option<(&[u8], &[u8])> {
        matches!(self.algorithm, RSA | RSA_SIGN_ONLY).then(|| (self.number(0), self.number(1)))
    }

    /// Its curve, if it is one of ECDSA.
    pub(super) fn curve(&self) -> Option<&[u8]> {
        (self.algorithm == ECDSA).then_some(self.curve.as_slice())
    }

    fn number(&self, place: usize) -> &[u8] {
        self.numbers.get(place).map_or(&[], Vec::as_slice)
    }

    /// What is hashed of it: its length, and it.
    pub(super) fn hashed(&self) -> [Vec<u8>; 2] {
        let [.., high, low] = self.body.len().to_be_bytes();
        [vec![0x99, high, low], self.body.clone()]
    }

    /// The last bytes of its fingerprint.
    pub(super) fn id(&self) -> u64 {
        let id = self.fingerprint.last_chunk().copied().unwrap_or_default();
        u64::from_be_bytes(id)
    }

    /// Whether it is of a kind that signs.
    pub(super) fn can_sign(&self) -> bool {
        !matches!(self.algorithm, RSA_ENCRYPT_ONLY | ELGAMAL)
    }

    /// Checks a signature of these bytes.
    pub(super) fn verify(&self, signed: &[&[u8]], signature: &Signature) -> Result<(), Wrong> {
        if !self.can_sign() {
            return Err(Wrong::Argument("public key cannot generate signatures".to_owned()));
        }
        let digest = signature.hash.digest(&[signed, &[&signature.suffix]].concat())?;
        if !digest.starts_with(&signature.tag) {
            return Err(Wrong::Signature("hash tag doesn't match".to_owned()));
        }
        if self.algorithm != signature.algorithm {
            return Err(Wrong::Argument("public key and signature use different algorithms".to_owned()));
        }
        let (holds, name) = match self.algorithm {
            RSA | RSA_SIGN_ONLY => (self.rsa(&digest, signature), "RSA verification failure"),
            DSA => (self.dsa(&digest, signature), "DSA verification failure"),
            ECDSA => (self.ecdsa(&digest, signature), "ECDSA verification failure"),
            _ => (None, "Unsupported public key algorithm used in signature"),
        };
        holds.filter(|holds| *holds).map(|_| ()).ok_or_else(|| Wrong::Signature(name.to_owned()))
    }

    /// Checks what binds a subkey to this key, both ways if the subkey signs.
    pub(super) fn verify_subkey(&self, subkey: &Self, signature: &Signature) -> Result<(), Wrong> {
        let hashed = [self.hashed(), subkey.hashed()].concat();
        let hashed: Vec<&[u8]> = hashed.iter().map(Vec::as_slice).collect();
        self.verify(&hashed, signature)?;
        if !signature.says_signs() {
            return Ok(());
        }
        let cross = signature.cross.as_ref().ok_or_else(|| structure("signing subkey is missing cross-signature"))?;
        subkey.verify(&hashed, cross).map_err(|wrong| structure(&format!("error while verifying cross-signature: {wrong}")))
    }

    fn rsa(&self, digest: &[u8], signature: &Signature) -> Option<bool> {
        let number = |bytes: &[u8]| BoxedUint::from_be_slice_vartime(bytes);
        let key = rsa::PublicKey::new(number(self.number(0)), number(self.number(1))).ok()?;
        let scheme = Pkcs1v15Sign { hash_len: Some(digest.len()), prefix: signature.hash.prefix().into() };
        let size = rsa::traits::PublicKeyParts::size(&key);
        let signed = padded(signature.numbers.first()?, size)?;
        Some(key.verify(scheme, digest, &signed).is_ok())
    }

    /// FIPS 186-4, section 4.7
    fn dsa(&self, digest: &[u8], signature: &Signature) -> Option<bool> {
        let [modulus, order, generator, public] = [0, 1, 2, 3].map(|place| BigUint::from_bytes_be(self.number(place)));
        let [first, second] = [0, 1].map(|place| BigUint::from_bytes_be(signature.numbers.get(place).map_or(&[], Vec::as_slice)));
        let zero = BigUint::ZERO;
        let in_range = |number: &BigUint| *number > zero && *number < order;
        if modulus == zero || modulus.bits() > MAX_DSA_BITS || order.bits() % 8 != 0 || !in_range(&first) || !in_range(&second) {
            return None;
        }
        let length = usize::try_from(order.bits().div_ceil(8)).ok()?;
        let digest = BigUint::from_bytes_be(digest.get(..length).unwrap_or(digest));
        let inverse = second.modinv(&order)?;
        let one = generator.modpow(&(digest * &inverse % &order), &modulus);
        let two = public.modpow(&(&first * inverse % &order), &modulus);
        Some(one * two % modulus % order == first)
    }

    fn ecdsa(&self, digest: &[u8], signature: &Signature) -> Option<bool> {
        let [first, second] = signature.numbers.as_slice() else { return None };
        let point = self.number(0);
        match self.curve.as_slice() {
            P256 => {
                let both = [padded(first, 32)?, padded(second, 32)?].concat();
                let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(point).ok()?;
                Some(key.verify_prehash(&filled(digest, 32), &p256::ecdsa::Signature::from_slice(&both).ok()?).is_ok())
            }
            P384 => {
                let both = [padded(first, 48)?, padded(second, 48)?].concat();
                let key = p384::ecdsa::VerifyingKey::from_sec1_bytes(point).ok()?;
                Some(key.verify_prehash(&filled(digest, 48), &p384::ecdsa::Signature::from_slice(&both).ok()?).is_ok())
            }
            P521 => {
                let both = [padded(first, 66)?, padded(second, 66)?].concat();
                let key = p521::ecdsa::VerifyingKey::from_sec1_bytes(point).ok()?;
                Some(key.verify_prehash(&filled(digest, 66), &p521::ecdsa::Signature::from_slice(&both).ok()?).is_ok())
            }
            _ => None,
        }
    }
}

pub(super) const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
pub(super) const P384: &[u8] = &[0x2b, 0x81, 4, 0, 0x22];
pub(super) const P521: &[u8] = &[0x2b, 0x81, 4, 0, 0x23];

/// A number as exactly so many bytes; none for one that does not fit.
pub(super) fn padded(number: &[u8], length: usize) -> Option<Vec<u8>> {
    let first = number.iter().position(|byte| *byte != 0).unwrap_or(number.len());
    let digits = number.get(first..)?;
    let zeros = length.checked_sub(digits.len())?;
    Some([vec![0; zeros], digits.to_vec()].concat())
}

/// At least so many bytes.
fn filled(digest: &[u8], length: usize) -> Vec<u8> {
    [vec![0; length.saturating_sub(digest.len())], digest.to_vec()].concat()
}
