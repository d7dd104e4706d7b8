//! AES-256 in CBC, its key the password itself, filled with zeros; the vector stands before the ciphertext.

use aes::Aes256;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use cbc::{
    Decryptor, Encryptor,
    cipher::{Block, BlockModeDecrypt as _, BlockModeEncrypt as _, KeyIvInit as _},
};

use super::{random::draw, runtime};
use crate::{
    function::{Fault, Scope},
    functions::encoding::decode64,
    value::Value,
};

const BLOCK: usize = 16;

/// Its first 32 bytes.
fn key(password: &[u8]) -> [u8; 32] {
    let mut key = [0; 32];
    for (to, from) in key.iter_mut().zip(password) {
        *to = *from;
    }
    key
}

pub(super) fn encrypt_aes(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    let [Value::Str(password), Value::Str(text)] = arguments else { return Ok(Value::str("")) };
    if text.is_empty() {
        return Ok(Value::str(""));
    }
    scope.budget.make(4 * text.len() + 4 * BLOCK)?;
    scope.budget.scan(8 * text.len())?;
    let vector: [u8; BLOCK] = draw(scope.random);
    let mut encryptor = Encryptor::<Aes256>::new(&key(password).into(), &vector.into());
    let mut encrypted = vector.to_vec();
    let (blocks, rest) = text.as_chunks::<BLOCK>();
    let mut last = rest.to_vec();
    let filled = BLOCK - rest.len();
    last.resize(BLOCK, u8::try_from(filled).unwrap_or_default());
    for block in blocks.iter().map(<[u8; BLOCK]>::as_slice).chain([&last[..]]) {
        let mut block = Block::<Encryptor<Aes256>>::try_from(block).unwrap_or_default();
        encryptor.encrypt_block(&mut block);
        encrypted.extend_from_slice(&block);
    }
    Ok(Value::str(STANDARD.encode(encrypted)))
}

/// What Go's slices would panic with is said in Go's words: the padding is believed, whatever it says.
pub(super) fn decrypt_aes(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    let [Value::Str(password), Value::Str(encoded)] = arguments else { return Ok(Value::str("")) };
    if encoded.is_empty() {
        return Ok(Value::str(""));
    }
    scope.budget.make(2 * encoded.len())?;
    scope.budget.scan(8 * encoded.len())?;
    let encrypted = decode64(encoded).map_err(|corrupt| Fault::said(corrupt.to_string()))?;
    // Go's slice has this room, however little is in it
    let room = encoded.len() / 4 * 3;
    if room < BLOCK {
        return Err(runtime(&format!("slice bounds out of range [:{BLOCK}] with capacity {room}")));
    }
    let Some((vector, encrypted)) = encrypted.split_first_chunk::<BLOCK>() else {
        return Err(runtime(&format!("slice bounds out of range [{BLOCK}:{}]", encrypted.len())));
    };
    let (blocks, rest) = encrypted.as_chunks::<BLOCK>();
    if !rest.is_empty() {
        return Err(Fault::said("crypto/cipher: input not full blocks"));
    }
    let mut decryptor = Decryptor::<Aes256>::new(&key(password).into(), &(*vector).into());
    let mut decrypted = Vec::with_capacity(encrypted.len());
    for block in blocks {
        let mut block = Block::<Decryptor<Aes256>>::from(*block);
        decryptor.decrypt_block(&mut block);
        decrypted.extend_from_slice(&block);
    }
    let Some(filled) = decrypted.last().copied() else { return Err(runtime("index out of range [-1]")) };
    match decrypted.len().checked_sub(usize::from(filled)) {
        Some(length) => decrypted.truncate(length),
        None => return Err(runtime(&format!("slice bounds out of range [:-{}]", usize::from(filled) - decrypted.len()))),
    }
    Ok(Value::str(decrypted))
}
