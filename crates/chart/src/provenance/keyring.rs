//! A keyring: keys, the names that they vouch for, and their subkeys.

use std::collections::BTreeMap;

use super::{
    Refusal,
    armor::{self, Block},
    packet::{self, Bytes, PRIVATE_KEY, PRIVATE_SUBKEY, PUBLIC_KEY, PUBLIC_SUBKEY, Packet, SIGNATURE, USER_ID, Wrong, structure},
    secret::Secret,
    signature::{PublicKey, Signature, purpose},
};

/// The keys that signatures are checked with, and those that sign.
#[derive(Debug)]
pub struct Keyring {
    entities: Vec<Entity>,
}

/// A key with what belongs to it.
#[derive(Debug)]
pub struct Entity {
    key: PublicKey,
    secret: Option<Secret>,
    /// Each with the signature by which the key vouches for it.
    names: BTreeMap<Vec<u8>, Signature>,
    subkeys: Vec<(PublicKey, Signature)>,
    is_revoked: bool,
}

impl Entity {
    /// Who it is.
    pub fn names(&self) -> impl Iterator<Item = &[u8]> {
        self.names.keys().map(Vec::as_slice)
    }

    /// The fingerprint of its key.
    pub fn fingerprint(&self) -> [u8; 20] {
        self.key.fingerprint
    }

    pub(super) fn key(&self) -> &PublicKey {
        &self.key
    }

    /// The secret part of its key, if it is there.
    pub(super) fn secret(&self) -> Option<&Secret> {
        self.secret.as_ref()
    }

    /// Whether signatures that its key makes would be believed.
    pub(super) fn may_sign(&self) -> bool {
        self.signing_keys(self.key.id()).any(|key| key.fingerprint == self.key.fingerprint)
    }

    /// The keys of it that have this number and may sign.
    fn signing_keys(&self, id: u64) -> impl Iterator<Item = &PublicKey> {
        let primary = self.names.values().find(|signature| signature.is_primary).or_else(|| self.names.values().next());
        let own = primary.map(|signature| (&self.key, signature));
        let all = own.into_iter().chain(self.subkeys.iter().map(|(key, signature)| (key, signature)));
        let may_sign = move |(key, signature): &(&PublicKey, &Signature)| key.id() == id && !signature.revokes && signature.lets_sign();
        all.filter(|_| !self.is_revoked).filter(may_sign).map(|(key, _)| key)
    }
}

impl Keyring {
    /// Reads a keyring, binary or armored. Keys that are not known or not well-formed are skipped, as long as one is.
    pub fn read(bytes: &[u8]) -> Result<Self, Refusal> {
        let takes = |kind: &[u8]| matches!(kind, b"PGP PUBLIC KEY BLOCK" | b"PGP PRIVATE KEY BLOCK");
        let armored = if bytes.first().is_some_and(|byte| byte & 0x80 == 0) { armor::decode(bytes, takes) } else { None };
        if armored.as_ref().is_some_and(|block| !block.is_whole) {
            return Err(Refusal::Keyring(structure("armor invalid").to_string()));
        }
        let packets = armored.as_ref().map_or(bytes, |block| &block.bytes);
        Self::of_packets(packets).map_err(|wrong| Refusal::Keyring(wrong.to_string()))
    }

    fn of_packets(bytes: &[u8]) -> Result<Self, Wrong> {
        let mut packets = Packets { bytes: Bytes(bytes), unread: None };
        let (mut entities, mut last) = (Vec::new(), None);
        loop {
            match packets.entity() {
                Ok(Some(entity)) => entities.push(entity),
                Ok(None) => break,
                Err(wrong @ (Wrong::Unsupported(_) | Wrong::Structure(_))) => {
                    last = Some(wrong);
                    if !packets.skip_to_key()? {
                        break;
                    }
                }
                Err(wrong) => return Err(wrong),
            }
        }
        match last {
            Some(wrong) if entities.is_empty() => Err(wrong),
            _ => Ok(Self { entities }),
        }
    }

    pub(super) fn entities(&self) -> &[Entity] {
        &self.entities
    }

    /// Who made the first signature that someone in the keyring made, if it holds.
    pub(super) fn check(&self, signed: &[u8], signature: &Block) -> Result<&Entity, Wrong> {
        let mut bytes = Bytes(&signature.bytes);
        // the checksum is only looked at when the end is reached
        let end = || if signature.is_whole { Wrong::Unknown } else { structure("armor invalid") };
        loop {
            let packet = packet::next(&mut bytes)?.ok_or_else(end)?;
            if packet.tag != SIGNATURE {
                return Err(structure("non signature packet found"));
            }
            let signature = Signature::read(&packet.body, 0)?;
            let issuer = signature.issuer.ok_or_else(|| structure("signature doesn't have an issuer"))?;
            let mut keys = self.entities.iter().flat_map(|entity| entity.signing_keys(issuer).map(move |key| (entity, key))).peekable();
            if keys.peek().is_none() {
                continue;
            }
            if !matches!(signature.purpose, purpose::BINARY | purpose::TEXT) {
                return Err(Wrong::Unsupported(format!("unsupported signature type: {}", signature.purpose)));
            }
            let mut last = Wrong::Unknown;
            for (entity, key) in keys {
                match key.verify(&[signed], &signature) {
                    Ok(()) => return Ok(entity),
                    Err(wrong) => last = wrong,
                }
            }
            return Err(last);
        }
    }
}

/// A packet as it is read for a keyring.
enum Read {
    Key { key: PublicKey, secret: Option<Secret> },
    Subkey(PublicKey),
    Name(Vec<u8>),
    Signature(Box<Signature>),
    Other,
}

impl Read {
    fn of(packet: &Packet) -> Result<Self, Wrong> {
        let body = packet.body.as_slice();
        Ok(match packet.tag {
            // an older one is a key too, but none that is used
            PUBLIC_KEY | PUBLIC_SUBKEY if body.first().is_some_and(|version| *version < 4) => Self::Other,
            PUBLIC_KEY => Self::Key { key: PublicKey::read(body)?, secret: None },
            PUBLIC_SUBKEY => Self::Subkey(PublicKey::read(body)?),
            PRIVATE_KEY | PRIVATE_SUBKEY => {
                let key = PublicKey::read(body)?;
                let secret = Secret::read(body.get(key.length()..).unwrap_or_default())?;
                if packet.tag == PRIVATE_KEY { Self::Key { key, secret: Some(secret) } } else { Self::Subkey(key) }
            }
            USER_ID => Self::Name(body.to_vec()),
            SIGNATURE => Self::Signature(Box::new(Signature::read(body, 0)?)),
            _ => Self::Other,
        })
    }
}

/// Packets, of which one can be put back. One that is wrong spoils the key before it too, as it does in the peer, which reads one
/// packet too many.
struct Packets<'a> {
    bytes: Bytes<'a>,
    unread: Option<Read>,
}

impl Packets<'_> {
    fn next(&mut self) -> Result<Option<Read>, Wrong> {
        if let Some(read) = self.unread.take() {
            return Ok(Some(read));
        }
        packet::next(&mut self.bytes)?.map(|packet| Read::of(&packet)).transpose()
    }

    /// Whether there is another key; what comes before it is left out.
    fn skip_to_key(&mut self) -> Result<bool, Wrong> {
        loop {
            match self.next() {
                Ok(Some(key @ Read::Key { secret: None, .. })) => {
                    self.unread = Some(key);
                    return Ok(true);
                }
                Ok(Some(_)) | Err(Wrong::Unsupported(_)) => {}
                Ok(None) => return Ok(false),
                Err(wrong) => return Err(wrong),
            }
        }
    }

    fn entity(&mut self) -> Result<Option<Entity>, Wrong> {
        let (key, secret) = match self.next()? {
            None => return Ok(None),
            Some(Read::Key { key, secret }) => (key, secret),
            other => {
                self.unread = other;
                return Err(structure("first packet was not a public/private key"));
            }
        };
        if !key.can_sign() {
            return Err(structure("primary key cannot be used for signatures"));
        }
        let mut entity = Entity { key, secret, names: BTreeMap::new(), subkeys: Vec::new(), is_revoked: false };
        let mut revocations = Vec::new();
        while let Some(read) = self.next()? {
            match read {
                Read::Name(name) => self.name(&mut entity, &name)?,
                Read::Signature(signature) => revocations.push(signature),
                Read::Subkey(subkey) => self.subkey(&mut entity, subkey)?,
                key @ Read::Key { .. } => {
                    self.unread = Some(key);
                    break;
                }
                Read::Other => {}
            }
        }
        if entity.names.is_empty() {
            return Err(structure("entity without any identities"));
        }
        for revocation in revocations.iter().filter(|signature| signature.purpose == purpose::REVOKED) {
            let [length, body] = entity.key.hashed();
            let by_itself = entity.key.verify(&[&length, &body], revocation);
            by_itself.map_err(|_| structure("revocation signature signed by alternate key"))?;
            entity.is_revoked = true;
        }
        Ok(Some(entity))
    }

    /// The signatures that follow, until something else does.
    fn signature(&mut self) -> Result<Option<Box<Signature>>, Wrong> {
        match self.next()? {
            Some(Read::Signature(signature)) => Ok(Some(signature)),
            other => {
                self.unread = other;
                Ok(None)
            }
        }
    }

    fn name(&mut self, entity: &mut Entity, name: &[u8]) -> Result<(), Wrong> {
        while let Some(signature) = self.signature()? {
            let is_own = signature.issuer == Some(entity.key.id());
            if !is_own || !matches!(signature.purpose, purpose::POSITIVE | purpose::GENERIC) {
                continue;
            }
            let [length, body] = entity.key.hashed();
            let name_length = u32::try_from(name.len()).unwrap_or_default().to_be_bytes();
            let hashed: [&[u8]; 5] = [&length, &body, &[0xb4], &name_length, name];
            let holds = entity.key.verify(&hashed, &signature);
            holds.map_err(|wrong| structure(&format!("user ID self-signature invalid: {wrong}")))?;
            entity.names.insert(name.to_vec(), *signature);
        }
        Ok(())
    }

    fn subkey(&mut self, entity: &mut Entity, subkey: PublicKey) -> Result<(), Wrong> {
        let invalid = |wrong: Wrong| structure(&format!("subkey signature invalid: {wrong}"));
        let mut binding: Option<Box<Signature>> = None;
        while let Some(signature) = self.signature().map_err(invalid)? {
            if !matches!(signature.purpose, purpose::SUBKEY | purpose::SUBKEY_REVOKED) {
                return Err(structure("subkey signature with wrong type"));
            }
            entity.key.verify_subkey(&subkey, &signature).map_err(invalid)?;
            let replaces = match &binding {
                None => true,
                Some(_) if signature.purpose == purpose::SUBKEY_REVOKED => true,
                Some(binding) => binding.purpose != purpose::SUBKEY_REVOKED && signature.created > binding.created,
            };
            if replaces {
                binding = Some(signature);
            }
        }
        let binding = binding.ok_or_else(|| structure("subkey packet not followed by signature"))?;
        entity.subkeys.push((subkey, *binding));
        Ok(())
    }
}
