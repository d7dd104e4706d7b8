//! Digests, in hexadecimal.

use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};

use crate::{
    function::{Fault, Scope},
    value::Value,
};

pub(super) fn sha1sum(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    hashed::<Sha1>(scope, arguments)
}

pub(super) fn sha256sum(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    hashed::<Sha256>(scope, arguments)
}

pub(super) fn sha512sum(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    hashed::<Sha512>(scope, arguments)
}

pub(super) fn adler32sum(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    Ok(Value::str(adler32(text(scope, arguments)?).to_string()))
}

fn hashed<D: Digest>(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    Ok(Value::str(hex::encode(D::digest(text(scope, arguments)?))))
}

fn text<'a>(scope: &mut Scope<'_>, arguments: &'a [Value]) -> Result<&'a [u8], Fault> {
    let [Value::Str(text)] = arguments else { return Ok(b"") };
    // some 5 ns a byte, where the slowest is not in hardware
    scope.budget.scan(8 * text.len())?;
    Ok(text.as_bytes())
}

/// RFC 1950's checksum.
fn adler32(bytes: &[u8]) -> u32 {
    const MODULUS: u32 = 65521;
    // as many bytes as cannot overflow 32 bits
    const RUN: usize = 5552;
    let (mut low, mut high) = (1, 0);
    for run in bytes.chunks(RUN) {
        for byte in run {
            low += u32::from(*byte);
            high += low;
        }
        (low, high) = (low % MODULUS, high % MODULUS);
    }
    high << 16 | low
}
