//! The digests that signatures are of.

use sha1::Sha1;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};

use super::packet::Wrong;

/// Digests, by their number in `OpenPGP`.
#[derive(Clone, Copy, Debug)]
pub(super) enum Hash {
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
    /// Known, but nothing signed with it is taken.
    Broken(u8),
}

impl Hash {
    pub(super) fn of(number: u8) -> Result<Self, Wrong> {
        Ok(match number {
            2 => Self::Sha1,
            8 => Self::Sha256,
            9 => Self::Sha384,
            10 => Self::Sha512,
            11 => Self::Sha224,
            1 | 3 => Self::Broken(number),
            other => return Err(Wrong::Unsupported(format!("hash function {other}"))),
        })
    }

    pub(super) fn digest(self, parts: &[&[u8]]) -> Result<Vec<u8>, Wrong> {
        fn of<D: Digest>(parts: &[&[u8]]) -> Vec<u8> {
            D::digest(parts.concat()).to_vec()
        }
        Ok(match self {
            Self::Sha1 => of::<Sha1>(parts),
            Self::Sha224 => of::<Sha224>(parts),
            Self::Sha256 => of::<Sha256>(parts),
            Self::Sha384 => of::<Sha384>(parts),
            Self::Sha512 => of::<Sha512>(parts),
            Self::Broken(number) => return Err(Wrong::Unsupported(format!("hash not available: {number}"))),
        })
    }

    /// The digest of so many zeros, and of a text again and again until so many bytes of it are hashed.
    pub(super) fn repeated(self, zeros: usize, text: &[u8], count: usize) -> Result<Vec<u8>, Wrong> {
        // hashed by the piece: texts are short
        const PIECE: usize = 8192;
        fn of<D: Digest>(zeros: usize, text: &[u8], mut count: usize) -> Vec<u8> {
            let piece = zeroize::Zeroizing::new(text.repeat(PIECE.div_ceil(text.len().max(1))));
            let mut hash = D::new();
            hash.update(vec![0; zeros]);
            while let Some(left) = count.checked_sub(piece.len()).filter(|_| !piece.is_empty()) {
                hash.update(&*piece);
                count = left;
            }
            hash.update(piece.get(..count).unwrap_or_default());
            hash.finalize().to_vec()
        }
        Ok(match self {
            Self::Sha1 => of::<Sha1>(zeros, text, count),
            Self::Sha224 => of::<Sha224>(zeros, text, count),
            Self::Sha256 => of::<Sha256>(zeros, text, count),
            Self::Sha384 => of::<Sha384>(zeros, text, count),
            Self::Sha512 => of::<Sha512>(zeros, text, count),
            Self::Broken(number) => return Err(Wrong::Unsupported(format!("hash not available: {number}"))),
        })
    }

    /// What PKCS#1 puts before a digest.
    pub(super) fn prefix(self) -> Vec<u8> {
        let name: &[u8] = match self {
            Self::Sha1 => return vec![0x30, 0x21, 0x30, 9, 6, 5, 0x2b, 0x0e, 3, 2, 0x1a, 5, 0, 4, 20],
            Self::Sha256 => &[1, 32],
            Self::Sha384 => &[2, 48],
            Self::Sha512 => &[3, 64],
            Self::Sha224 => &[4, 28],
            Self::Broken(_) => &[0, 0],
        };
        let [number, length] = *name else { return Vec::new() };
        vec![0x30, 17 + length, 0x30, 13, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, number, 5, 0, 4, length]
    }
}
