//! Provenance files: who signed a chart's archive, and whether this is the archive; and archives, signed.
//!
//! A `.prov` file is `Chart.yaml` and the archive's digest, clear-signed with `OpenPGP`. What is read of `OpenPGP` is what Helm reads
//! (golang.org/x/crypto): keys and signatures of version 4, RSA, DSA and ECDSA. Ed25519 is refused, as Helm refuses it.

mod armor;
mod clearsign;
mod hash;
mod keyring;
mod packet;
mod secret;
mod sign;
#[cfg(test)]
mod sign_tests;
mod signature;
#[cfg(test)]
mod tests;

use sha2::{Digest as _, Sha256};
use thiserror::Error;

use crate::{
    value::{Data, Str},
    yaml,
};

pub use keyring::{Entity, Keyring};
pub use secret::Passphrase;
pub use sign::{Signer, Unsigned};

/// Why an archive is not known to be what its provenance says.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Refusal {
    /// The keyring has no keys that can be used.
    #[error("failed to load keyring: {0}")]
    Keyring(String),
    /// The provenance file is not clear-signed.
    #[error("failed to decode signature: signature block not found")]
    Unsigned,
    /// The signature is wrong, or of nobody who is in the keyring.
    #[error("{0}")]
    Signature(String),
    /// What was signed does not say what it should.
    #[error("{0}")]
    Message(String),
    /// What was signed does not name the archive.
    #[error("provenance does not contain a SHA for a file named {0}")]
    Unnamed(String),
    /// The archive is another one.
    #[error("sha256 sum does not match for {name}: {signed} != {seen}")]
    Digest {
        /// The archive's name.
        name: String,
        /// The digest that was signed, in quotes.
        signed: String,
        /// Its own, in quotes.
        seen: String,
    },
}

/// What a provenance file proves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verification {
    /// The names of the one who signed.
    pub signed_by: Vec<Str>,
    /// The fingerprint of their key, in hexadecimal with large letters.
    pub fingerprint: String,
    /// The archive's digest: `sha256:…`.
    pub file_hash: String,
    /// The archive's name.
    pub file_name: String,
}

/// Checks that an archive of that name, without its folder, is the one that the provenance file was signed for by someone in the keyring.
pub fn verify(name: &str, archive: &[u8], provenance: &[u8], keyring: &Keyring) -> Result<Verification, Refusal> {
    let message = clearsign::decode(provenance).ok_or(Refusal::Unsigned)?;
    let signer = keyring.check(&message.signed, &message.signature).map_err(|wrong| Refusal::Signature(wrong.to_string()))?;
    let file_hash = format!("sha256:{}", hex::encode(Sha256::digest(archive)));
    let signed = signed_hash(&message.text, name)?;
    if signed.as_bytes() != file_hash.as_bytes() {
        let quoted = |text: &[u8]| crate::format::quoted(text);
        return Err(Refusal::Digest { name: name.to_owned(), signed: quoted(&signed), seen: quoted(file_hash.as_bytes()) });
    }
    Ok(Verification {
        signed_by: signer.names().map(Str::new).collect(),
        fingerprint: hex::encode_upper(signer.fingerprint()),
        file_hash,
        file_name: name.to_owned(),
    })
}

/// The digest that the second document of the message gives for a file.
fn signed_hash(text: &[u8], name: &str) -> Result<Str, Refusal> {
    const MARK: &[u8] = b"\n...\n";
    let parts = || bstr::ByteSlice::split_str(text, MARK);
    let (Some(metadata), Some(sums)) = (parts().next(), parts().nth(1)) else {
        return Err(Refusal::Message("message block must have at least two parts".to_owned()));
    };
    let read = |text: &[u8]| yaml::read(text).map_err(|error| Refusal::Message(error.to_string()));
    read(metadata)?;
    let sums = read(sums)?;
    let hash = sums.at(["files", name]).and_then(Data::as_text).cloned();
    hash.ok_or_else(|| Refusal::Unnamed(crate::format::quoted(name.as_bytes())))
}
