//! Packets (RFC 4880, section 4) and what a packet holds.

use thiserror::Error;

/// Why a packet or what was signed with it is wrong, in the words of Go's `openpgp`.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Wrong {
    /// It is not formed as it should be. A key that is so is skipped.
    #[error("openpgp: invalid data: {0}")]
    Structure(String),
    /// It is something that is not known here. A key that is so is skipped.
    #[error("openpgp: unsupported feature: {0}")]
    Unsupported(String),
    /// A signature does not hold.
    #[error("openpgp: invalid signature: {0}")]
    Signature(String),
    /// Two things do not belong together.
    #[error("openpgp: invalid argument: {0}")]
    Argument(String),
    /// Nobody in the keyring signed it.
    #[error("openpgp: signature made by unknown entity")]
    Unknown,
    /// It ends too early.
    #[error("unexpected EOF")]
    Truncated,
}

/// Shorthand for [`Wrong::Structure`].
pub(super) fn structure(text: &str) -> Wrong {
    Wrong::Structure(text.to_owned())
}

pub(super) const SIGNATURE: u8 = 2;
pub(super) const PRIVATE_KEY: u8 = 5;
pub(super) const PUBLIC_KEY: u8 = 6;
pub(super) const PRIVATE_SUBKEY: u8 = 7;
pub(super) const USER_ID: u8 = 13;
pub(super) const PUBLIC_SUBKEY: u8 = 14;
/// Those that Go knows; others are passed over.
const KNOWN: [u8; 14] = [1, SIGNATURE, 3, 4, PRIVATE_KEY, PUBLIC_KEY, PRIVATE_SUBKEY, 8, 9, 11, USER_ID, PUBLIC_SUBKEY, 17, 18];

/// Bytes that are read from the front.
#[derive(Clone, Copy)]
pub(super) struct Bytes<'a>(pub &'a [u8]);

impl<'a> Bytes<'a> {
    pub(super) fn take(&mut self, count: usize) -> Result<&'a [u8], Wrong> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(Wrong::Truncated)?;
        self.0 = rest;
        Ok(taken)
    }

    /// So many bytes as a number, at most four.
    pub(super) fn number(&mut self, bytes: usize) -> Result<usize, Wrong> {
        Ok(self.take(bytes)?.iter().fold(0, |number, byte| number << 8 | usize::from(*byte)))
    }

    pub(super) fn byte(&mut self) -> Result<u8, Wrong> {
        let (byte, rest) = self.0.split_first().ok_or(Wrong::Truncated)?;
        self.0 = rest;
        Ok(*byte)
    }

    /// A number of any length, after its length in bits.
    pub(super) fn integer(&mut self) -> Result<&'a [u8], Wrong> {
        let bits = self.number(2)?;
        self.take(bits.div_ceil(8))
    }

    /// A length of one, two or five bytes; whether more of the packet follows after so many.
    fn length(&mut self) -> Result<(usize, bool), Wrong> {
        Ok(match self.byte()? {
            short @ ..192 => (usize::from(short), false),
            high @ 192..224 => (((usize::from(high) - 192) << 8) + self.number(1)? + 192, false),
            power @ 224..255 => (1 << (power & 0x1f), true),
            255 => (self.number(4)?, false),
        })
    }
}

/// A packet: its tag and its contents.
pub(super) struct Packet {
    pub tag: u8,
    pub body: Vec<u8>,
}

/// The next packet of a kind that is known; none at the end.
pub(super) fn next(bytes: &mut Bytes<'_>) -> Result<Option<Packet>, Wrong> {
    loop {
        if bytes.0.is_empty() {
            return Ok(None);
        }
        let first = bytes.byte()?;
        if first & 0x80 == 0 {
            return Err(structure("tag byte does not have MSB set"));
        }
        let packet = if first & 0x40 == 0 { old(first, bytes)? } else { new(first & 0x3f, bytes)? };
        if KNOWN.contains(&packet.tag) {
            return Ok(Some(packet));
        }
    }
}

fn old(first: u8, bytes: &mut Bytes<'_>) -> Result<Packet, Wrong> {
    let length = match first & 3 {
        // to the end
        3 => bytes.0.len(),
        power => bytes.number(1 << power)?,
    };
    Ok(Packet { tag: (first & 0x3f) >> 2, body: bytes.take(length)?.to_vec() })
}

fn new(tag: u8, bytes: &mut Bytes<'_>) -> Result<Packet, Wrong> {
    let mut body = Vec::new();
    loop {
        let (length, more) = bytes.length()?;
        body.extend_from_slice(bytes.take(length)?);
        if !more {
            return Ok(Packet { tag, body });
        }
    }
}
