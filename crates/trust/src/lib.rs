//! Statements, envelopes and bundles: made and verified.
//!
//! A statement is an in-toto Statement v1 in a DSSE envelope, signed with ECDSA P-256 over SHA-256 and carried in a
//! Sigstore bundle (v0.3), so that tools from outside can verify it with the public key alone. What this room hands
//! out as [`penstock_model::evidence::Evidence`] was verified first and parsed second.
//!
//! Here too are the identity tokens of jobs ([`TokenIssuer`]), under a key of their own.
//!
//! Never here: a clock, a file, a process, the network, or a source of randomness. The time of a statement and the
//! bytes of a new key are handed in. A private key is never printed; the one way out is [`SigningKey::to_pem`].

mod bundle;
mod envelope;
mod key;
pub mod predicate;
mod statement;
mod token;
mod verify;

pub use bundle::{BUNDLE_MEDIA_TYPE, Bundle};
pub use envelope::{Envelope, MAX_ENVELOPE, PAYLOAD_TYPE, Signature, pae};
pub use key::{KeyError, KeyId, Keyring, PublicKey, SigningKey, TrustedKeys};
pub use predicate::Predicate;
pub use statement::{Claim, Descriptor, STATEMENT_TYPE, SignError, Signed, Statement, sign};
pub use token::TokenIssuer;
pub use verify::{Expected, VerifiedStatement, VerifyError, verify};
