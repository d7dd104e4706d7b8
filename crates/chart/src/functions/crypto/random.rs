//! Random texts and numbers.

use std::convert::Infallible;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use rand_core::{TryCryptoRng, TryRng};

use super::runtime;
use crate::{
    function::{Fault, Random, Scope},
    value::Value,
};

/// The largest thing that Go's runtime would try to make room for.
const MAX_ALLOCATION: i64 = 1 << 48;

const LETTERS: &[u8; 52] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const LETTERS_AND_DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const DIGITS: &[u8; 10] = b"0123456789";
const PRINTABLE: std::ops::RangeInclusive<u8> = b' '..=b'~';

/// What keys and signatures draw from.
pub(super) struct Draws<'a>(pub &'a mut dyn Random);

impl TryRng for Draws<'_> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(u32::from_le_bytes(draw(self.0)))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(u64::from_le_bytes(draw(self.0)))
    }

    fn try_fill_bytes(&mut self, buffer: &mut [u8]) -> Result<(), Infallible> {
        self.0.fill(buffer);
        Ok(())
    }
}

impl TryCryptoRng for Draws<'_> {}

/// That many random bytes.
pub(super) fn draw<const N: usize>(random: &mut dyn Random) -> [u8; N] {
    let mut bytes = [0; N];
    random.fill(&mut bytes);
    bytes
}

pub(super) fn alpha(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    letters(scope, arguments, LETTERS)
}

pub(super) fn alpha_num(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    letters(scope, arguments, LETTERS_AND_DIGITS)
}

pub(super) fn numeric(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    letters(scope, arguments, DIGITS)
}

pub(super) fn ascii(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    letters(scope, arguments, &PRINTABLE.collect::<Vec<u8>>())
}

/// So many of these letters, each as likely as any other.
fn letters(scope: &mut Scope<'_>, arguments: &[Value], from: &[u8]) -> Result<Value, Fault> {
    let [Value::Int(count, _)] = arguments else { return Ok(Value::str("")) };
    // Go makes room for letters of four bytes
    if *count > MAX_ALLOCATION / 4 {
        return Err(runtime("makeslice: len out of range"));
    }
    let count = usize::try_from(*count).unwrap_or(0);
    scope.budget.make(count)?;
    scope.budget.scan(16 * count)?;
    let mut text = Vec::with_capacity(count);
    // bytes from here on would make the first letters likelier
    let fair = 256 / from.len() * from.len();
    while text.len() < count {
        let bytes: [u8; 64] = draw(scope.random);
        let fair = bytes.into_iter().map(usize::from).filter(|byte| *byte < fair);
        text.extend(fair.filter_map(|byte| from.get(byte % from.len())).take(count - text.len()));
    }
    Ok(Value::str(text))
}

pub(super) fn bytes(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    let [Value::Int(count, _)] = arguments else { return Ok(Value::str("")) };
    let count = usize::try_from(*count).ok().filter(|_| *count <= MAX_ALLOCATION);
    let count = count.ok_or_else(|| runtime("makeslice: len out of range"))?;
    scope.budget.make(count / 3 * 7 + 4)?;
    scope.budget.scan(8 * count)?;
    let mut bytes = vec![0; count];
    scope.random.fill(&mut bytes);
    Ok(Value::str(STANDARD.encode(bytes)))
}

pub(super) fn int(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    let [Value::Int(low, _), Value::Int(high, _)] = arguments else { return Ok(Value::int(0)) };
    let span = high.wrapping_sub(*low);
    let bound = u64::try_from(span).ok().filter(|bound| *bound > 0);
    let bound = bound.ok_or_else(|| Fault::said("invalid argument to Intn"))?;
    // numbers below this would make the first ones likelier
    let unfair = bound.wrapping_neg() % bound;
    loop {
        scope.budget.step(1)?;
        let number = u64::from_le_bytes(draw(scope.random));
        if number >= unfair {
            return Ok(Value::int(low.wrapping_add((number % bound).cast_signed())));
        }
    }
}

pub(super) fn uuid(scope: &mut Scope<'_>, _: &[Value]) -> Result<Value, Fault> {
    let bits = u128::from_be_bytes(draw(scope.random));
    // RFC 9562: version 4 in its place, the variant in its own
    let bits = bits & !(0xf << 76) & !(0b11 << 62) | 4 << 76 | 0b10 << 62;
    let digits = format!("{bits:032x}");
    let parts: Vec<&str> = [0..8, 8..12, 12..16, 16..20, 20..32].into_iter().filter_map(|part| digits.get(part)).collect();
    Ok(Value::str(parts.join("-")))
}
