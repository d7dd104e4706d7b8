//! Digests, random texts, passwords, ciphers, keys and certificates, as Sprig makes them.
//!
//! What is random is drawn from the scope, and time is the scope's. Each costly calculation is charged by its cost before it is begun.

mod asn1;
mod certificate;
mod cipher;
mod digest;
mod key;
mod password;
mod pem;
mod random;
#[cfg(test)]
mod tests;

pub use certificate::CERTIFICATE;

use crate::{
    function::{Fault, Function},
    value::types::{INT, LIST, STRING, UINT32},
};

/// The functions of this file.
pub const FUNCTIONS: &[Function] = &[
    Function { name: "adler32sum", takes: &[&STRING], rest: None, call: digest::adler32sum },
    Function { name: "bcrypt", takes: &[&STRING], rest: None, call: password::bcrypt },
    Function { name: "decryptAES", takes: &[&STRING, &STRING], rest: None, call: cipher::decrypt_aes },
    Function { name: "derivePassword", takes: &[&UINT32, &STRING, &STRING, &STRING, &STRING], rest: None, call: password::derive_password },
    Function { name: "encryptAES", takes: &[&STRING, &STRING], rest: None, call: cipher::encrypt_aes },
    Function { name: "htpasswd", takes: &[&STRING, &STRING], rest: None, call: password::htpasswd },
    Function { name: "randAlpha", takes: &[&INT], rest: None, call: random::alpha },
    Function { name: "randAlphaNum", takes: &[&INT], rest: None, call: random::alpha_num },
    Function { name: "randAscii", takes: &[&INT], rest: None, call: random::ascii },
    Function { name: "randBytes", takes: &[&INT], rest: None, call: random::bytes },
    Function { name: "randInt", takes: &[&INT, &INT], rest: None, call: random::int },
    Function { name: "randNumeric", takes: &[&INT], rest: None, call: random::numeric },
    Function { name: "sha1sum", takes: &[&STRING], rest: None, call: digest::sha1sum },
    Function { name: "sha256sum", takes: &[&STRING], rest: None, call: digest::sha256sum },
    Function { name: "sha512sum", takes: &[&STRING], rest: None, call: digest::sha512sum },
    Function { name: "uuidv4", takes: &[], rest: None, call: random::uuid },
    Function { name: "buildCustomCert", takes: &[&STRING, &STRING], rest: None, call: certificate::build_custom },
    Function { name: "genCA", takes: &[&STRING, &INT], rest: None, call: certificate::gen_ca },
    Function { name: "genCAWithKey", takes: &[&STRING, &INT, &STRING], rest: None, call: certificate::gen_ca_with_key },
    Function { name: "genPrivateKey", takes: &[&STRING], rest: None, call: key::gen_private_key },
    Function { name: "genSelfSignedCert", takes: &[&STRING, &LIST, &LIST, &INT], rest: None, call: certificate::gen_self_signed },
    Function {
        name: "genSelfSignedCertWithKey",
        takes: &[&STRING, &LIST, &LIST, &INT, &STRING],
        rest: None,
        call: certificate::gen_self_signed_with_key,
    },
    Function { name: "genSignedCert", takes: &[&STRING, &LIST, &LIST, &INT, &CERTIFICATE], rest: None, call: certificate::gen_signed },
    Function {
        name: "genSignedCertWithKey",
        takes: &[&STRING, &LIST, &LIST, &INT, &CERTIFICATE, &STRING],
        rest: None,
        call: certificate::gen_signed_with_key,
    },
];

/// What Go's runtime says of an error that it panics with.
fn runtime(text: &str) -> Fault {
    Fault::said(format!("runtime error: {text}"))
}
