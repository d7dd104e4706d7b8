//! Passwords: hashed with bcrypt, and derived with scrypt from a master password.

use base64::{
    Engine as _,
    alphabet::BCRYPT,
    engine::{GeneralPurpose, general_purpose::NO_PAD},
};
use blowfish::Blowfish;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use super::random::draw;
use crate::{
    function::{Fault, Scope},
    value::Value,
};

/// The power of two of bcrypt's rounds, and how it is written.
const COST: u32 = 10;
const PREFIX: &str = "$2a$10$";
const MAX_PASSWORD: usize = 72;
const TOO_LONG: &str = "failed to encrypt string with bcrypt: bcrypt: password length exceeds 72 bytes";
/// What bcrypt encrypts: `OrpheanBeholderScryDoubt`.
const MAGIC: [[u32; 2]; 3] = [[0x4f72_7068, 0x6561_6e42], [0x6568_6f6c, 0x6465_7253], [0x6372_7944, 0x6f75_6274]];
/// Steps of bcrypt with that cost: some 50 ms.
const BCRYPT_STEPS: u64 = 1_000_000;
/// Steps of scrypt with `derivePassword`'s parameters: some 150 ms, and 32 MiB that are given back.
const SCRYPT_STEPS: u64 = 3_000_000;

const MASTER: &[u8] = b"com.lyndir.masterpassword";

pub(super) fn bcrypt(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    let [Value::Str(password)] = arguments else { return Ok(Value::str("")) };
    Ok(Value::str(hashed(scope, password)?))
}

pub(super) fn htpasswd(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    let [Value::Str(user), Value::Str(password)] = arguments else { return Ok(Value::str("")) };
    scope.budget.make(user.len() + 64)?;
    if user.contains(&b':') {
        return Ok(Value::str([b"invalid username: ", user.as_bytes()].concat()));
    }
    let hash = hashed(scope, password)?;
    Ok(Value::str([user.as_bytes(), b":", hash.as_bytes()].concat()))
}

/// The hash with a random salt, or the error's text in its place.
fn hashed(scope: &mut Scope<'_>, password: &[u8]) -> Result<String, Fault> {
    if password.len() > MAX_PASSWORD {
        return Ok(TOO_LONG.to_owned());
    }
    scope.budget.step(BCRYPT_STEPS)?;
    Ok(hashed_with(password, draw(scope.random)))
}

pub(super) fn hashed_with(password: &[u8], salt: [u8; 16]) -> String {
    // the NUL that ends a text of C is part of the key
    let key = [password, b"\0"].concat();
    let mut cipher: Blowfish = Blowfish::bc_init_state();
    cipher.salted_expand_key(&salt, &key);
    for _ in 0..1_u32 << COST {
        cipher.bc_expand_key(&key);
        cipher.bc_expand_key(&salt);
    }
    let blocks = MAGIC.map(|block| (0..64).fold(block, |block, _| cipher.bc_encrypt(block)));
    let hash: Vec<u8> = blocks.into_iter().flatten().flat_map(u32::to_be_bytes).collect();
    let writer = GeneralPurpose::new(&BCRYPT, NO_PAD);
    // one byte less than there is, as every bcrypt has it
    format!("{PREFIX}{}{}", writer.encode(salt), writer.encode(hash.get(..23).unwrap_or_default()))
}

pub(super) fn derive_password(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    let [Value::Uint(counter, _), Value::Str(kind), Value::Str(password), Value::Str(user), Value::Str(site)] = arguments else {
        return Ok(Value::str(""));
    };
    let Some(templates) = templates(kind) else {
        return Ok(Value::str([b"cannot find password template ", kind.as_bytes()].concat()));
    };
    scope.budget.scan(password.len() + user.len() + site.len())?;
    scope.budget.step(SCRYPT_STEPS)?;
    let length = |text: &[u8]| u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes();
    let salt = [MASTER, &length(user), user.as_bytes()].concat();
    let failed = |error: &dyn std::fmt::Display| Fault::said(format!("failed to derive password: {error}"));
    let parameters = scrypt::Params::new(15, 8, 2).map_err(|error| failed(&error))?;
    let mut key = [0; 64];
    scrypt::scrypt(password, &salt, &parameters, &mut key).map_err(|error| failed(&error))?;
    let mut seal = Hmac::<Sha256>::new_from_slice(&key).map_err(|error| failed(&error))?;
    seal.update(&[MASTER, &length(site), site.as_bytes()].concat());
    // a template's number is cut to Go's uint32
    let [.., a, b, c, d] = counter.to_be_bytes();
    seal.update(&[a, b, c, d]);
    let seed = seal.finalize().into_bytes();
    let (first, rest) = seed.split_first().unwrap_or((&0, &[]));
    let chosen = |among: usize, by: u8| usize::from(by) % among.max(1);
    let template = templates.get(chosen(templates.len(), *first)).copied().unwrap_or_default();
    let letters = template.bytes().zip(rest).filter_map(|(class, by)| {
        let letters = letters(class);
        letters.get(chosen(letters.len(), *by)).copied()
    });
    Ok(Value::str(letters.collect::<Vec<u8>>()))
}

/// The forms of the Master Password algorithm, a letter for a class of letters.
fn templates(kind: &[u8]) -> Option<&'static [&'static str]> {
    Some(match kind {
        b"maximum" => &["anoxxxxxxxxxxxxxxxxx", "axxxxxxxxxxxxxxxxxno"],
        b"long" => &[
            "CvcvnoCvcvCvcv",
            "CvcvCvcvnoCvcv",
            "CvcvCvcvCvcvno",
            "CvccnoCvcvCvcv",
            "CvccCvcvnoCvcv",
            "CvccCvcvCvcvno",
            "CvcvnoCvccCvcv",
            "CvcvCvccnoCvcv",
            "CvcvCvccCvcvno",
            "CvcvnoCvcvCvcc",
            "CvcvCvcvnoCvcc",
            "CvcvCvcvCvccno",
            "CvccnoCvccCvcv",
            "CvccCvccnoCvcv",
            "CvccCvccCvcvno",
            "CvcvnoCvccCvcc",
            "CvcvCvccnoCvcc",
            "CvcvCvccCvccno",
            "CvccnoCvcvCvcc",
            "CvccCvcvnoCvcc",
            "CvccCvcvCvccno",
        ],
        b"medium" => &["CvcnoCvc", "CvcCvcno"],
        b"short" => &["Cvcn"],
        b"basic" => &["aaanaaan", "aannaaan", "aaannaaa"],
        b"pin" => &["nnnn"],
        _ => return None,
    })
}

fn letters(class: u8) -> &'static [u8] {
    match class {
        b'V' => b"AEIOU",
        b'C' => b"BCDFGHJKLMNPQRSTVWXYZ",
        b'v' => b"aeiou",
        b'c' => b"bcdfghjklmnpqrstvwxyz",
        b'A' => b"AEIOUBCDFGHJKLMNPQRSTVWXYZ",
        b'a' => b"AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz",
        b'n' => b"0123456789",
        b'o' => b"@&%?,=[]_:-+*$#!'^~;()/.",
        _ => b"AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz0123456789!@#$%^&*()",
    }
}
