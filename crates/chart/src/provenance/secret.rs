//! The secret parts of private keys (RFC 4880, sections 3.7 and 5.5.3): read, and opened by a passphrase.

use std::fmt;

use aes::{Aes128, Aes192, Aes256};
use cfb_mode::{Decryptor, cipher::KeyIvInit as _};
use sha1::{Digest as _, Sha1};
use zeroize::Zeroizing;

use super::{
    hash::Hash,
    packet::{Bytes, Wrong, structure},
};

/// Ciphers, by their numbers in `OpenPGP`.
mod cipher {
    pub(super) const TRIPLE_DES: u8 = 2;
    pub(super) const CAST5: u8 = 3;
    pub(super) const AES128: u8 = 7;
    pub(super) const AES192: u8 = 8;
    pub(super) const AES256: u8 = 9;
}

/// What opens a private key. It does not print and is wiped when dropped.
pub struct Passphrase(Zeroizing<Vec<u8>>);

impl Passphrase {
    /// Takes it in.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(Zeroizing::new(bytes.into()))
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passphrase(…)")
    }
}

/// The secret part of a private key's packet, as it lies in a keyring. It does not print and is wiped when dropped.
pub(super) struct Secret {
    seal: Option<Seal>,
    data: Zeroizing<Vec<u8>>,
}

/// How a secret part is encrypted.
struct Seal {
    cipher: u8,
    stretching: Stretching,
    vector: Vec<u8>,
    /// Whether a SHA-1 stands behind the numbers, and not a sum of two bytes.
    is_hashed: bool,
}

/// How a passphrase becomes a key.
struct Stretching {
    hash: Hash,
    salt: Vec<u8>,
    /// How many bytes of salt and passphrase, again and again, are hashed at least.
    count: usize,
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl Secret {
    /// Reads what follows the public part of a private key's packet.
    pub(super) fn read(body: &[u8]) -> Result<Self, Wrong> {
        let mut bytes = Bytes(body);
        let seal = match bytes.byte()? {
            0 => None,
            usage @ (254 | 255) => {
                let cipher = bytes.byte()?;
                let stretching = Stretching::read(&mut bytes)?;
                let block = match cipher {
                    cipher::TRIPLE_DES | cipher::CAST5 => 8,
                    cipher::AES128 | cipher::AES192 | cipher::AES256 => 16,
                    other => return Err(Wrong::Unsupported(format!("unsupported cipher in private key: {other}"))),
                };
                Some(Seal { cipher, stretching, vector: bytes.take(block)?.to_vec(), is_hashed: usage == 254 })
            }
            _ => return Err(Wrong::Unsupported("deprecated s2k function in private key".to_owned())),
        };
        Ok(Self { seal, data: Zeroizing::new(bytes.0.to_vec()) })
    }

    /// Whether it takes a passphrase to open it.
    pub(super) fn is_sealed(&self) -> bool {
        self.seal.is_some()
    }

    /// The numbers in it, with their lengths.
    pub(super) fn open(&self, passphrase: &Passphrase) -> Result<Zeroizing<Vec<u8>>, Wrong> {
        let Some(seal) = &self.seal else { return Ok(self.data.clone()) };
        let mut data = self.data.clone();
        seal.decrypt(&passphrase.0, &mut data)?;
        let length = if seal.is_hashed { 20 } else { 2 };
        let kept = data.len().checked_sub(length).ok_or_else(|| structure("truncated private key data"))?;
        let (numbers, sum) = data.split_at(kept);
        let is_whole = if seal.is_hashed { Sha1::digest(numbers).as_slice() == sum } else { checksum(numbers) == *sum };
        if !is_whole {
            return Err(structure("private key checksum failure"));
        }
        data.truncate(kept);
        Ok(data)
    }
}

impl Seal {
    fn decrypt(&self, passphrase: &[u8], data: &mut [u8]) -> Result<(), Wrong> {
        let key = |length| self.stretching.key(passphrase, length);
        let unfit = |_| structure("a cipher's key or vector of another length");
        match self.cipher {
            cipher::AES128 => Decryptor::<Aes128>::new_from_slices(&key(16)?, &self.vector).map_err(unfit)?.decrypt(data),
            cipher::AES192 => Decryptor::<Aes192>::new_from_slices(&key(24)?, &self.vector).map_err(unfit)?.decrypt(data),
            cipher::AES256 => Decryptor::<Aes256>::new_from_slices(&key(32)?, &self.vector).map_err(unfit)?.decrypt(data),
            _ => {
                let why = "a private key under Triple DES or CAST5; GnuPG 2 exports it under AES (gpg --export-secret-keys)";
                return Err(Wrong::Unsupported(why.to_owned()));
            }
        }
        Ok(())
    }
}

impl Stretching {
    fn read(bytes: &mut Bytes<'_>) -> Result<Self, Wrong> {
        let (kind, number) = (bytes.byte()?, bytes.byte()?);
        let hash = Hash::of(number).map_err(|_| Wrong::Unsupported(format!("hash for S2K function: {number}")))?;
        let salt = match kind {
            0 => Vec::new(),
            1 | 3 => bytes.take(8)?.to_vec(),
            // a key that is kept elsewhere, on a card for one, has a kind of its own
            _ => return Err(Wrong::Unsupported("S2K function".to_owned())),
        };
        let count = if kind == 3 { count(bytes.byte()?) } else { 0 };
        Ok(Self { hash, salt, count })
    }

    fn key(&self, passphrase: &[u8], length: usize) -> Result<Zeroizing<Vec<u8>>, Wrong> {
        let text = Zeroizing::new([self.salt.as_slice(), passphrase].concat());
        let mut key = Zeroizing::new(Vec::new());
        let mut zeros = 0;
        while key.len() < length {
            key.extend_from_slice(&Zeroizing::new(self.hash.repeated(zeros, &text, self.count.max(text.len()))?));
            zeros += 1;
        }
        key.truncate(length);
        Ok(key)
    }
}

/// At most 65,011,712 bytes.
fn count(octet: u8) -> usize {
    (16 + usize::from(octet & 15)) << ((octet >> 4) + 6)
}

fn checksum(bytes: &[u8]) -> [u8; 2] {
    bytes.iter().fold(0_u16, |sum, byte| sum.wrapping_add(u16::from(*byte))).to_be_bytes()
}
