//! The numbers of a key of RSA, held against one another as Go's `crypto/rsa` does, in its order.

use num_bigint::BigUint;

/// Primes nearer to each other than half the modulus' length less this are as good as known.
const MIN_DISTANCE_BITS: u64 = 100;

/// Longer numbers would cost more than any real key does.
const MAX_BYTES: usize = 2048;

/// The modulus, the exponents, the primes, the exponents of the primes, the coefficient; what was spared is computed.
pub(super) fn numbers(exponent: u64, needed: [&[u8]; 4], spared: [Option<&[u8]>; 3]) -> Result<[Vec<u8>; 8], String> {
    let wrong = |text: &str| Err(format!("crypto/rsa: {text}"));
    if needed.iter().chain(spared.iter().flatten()).any(|bytes| bytes.len() > MAX_BYTES + 1) {
        return Err(format!("RSA keys of more than {} bits are not supported", 8 * MAX_BYTES));
    }
    let [modulus, secret, first, second] = needed.map(BigUint::from_bytes_be);
    let exponent = BigUint::from(exponent);
    let one = BigUint::from(1_u8);
    if !modulus.bit(0) {
        return wrong("public modulus is even");
    }
    if first <= one || second <= one || first >= modulus || second >= modulus {
        return wrong("invalid prime");
    }
    if &first * &second % &modulus != BigUint::ZERO {
        return wrong("p * q != n");
    }
    let (below_first, below_second) = (&first - &one, &second - &one);
    let given = spared.map(|bytes| bytes.map(BigUint::from_bytes_be));
    let [for_first, for_second, coefficient] = given;
    let for_first = for_first.unwrap_or_else(|| &secret % &below_first);
    let for_second = for_second.unwrap_or_else(|| &secret % &below_second);
    for (own, below) in [(&for_first, &below_first), (&for_second, &below_second)] {
        if own >= below || &exponent * own % below != one {
            return wrong("invalid CRT exponent");
        }
    }
    let coefficient = coefficient.or_else(|| second.modinv(&first)).unwrap_or_default();
    if &coefficient * &second % &first != one {
        return wrong("invalid CRT coefficient");
    }
    if &secret % &below_first != for_first {
        return wrong("d does not match dP");
    }
    if &secret % &below_second != for_second {
        return wrong("d does not match dQ");
    }
    let distance = if first > second { &first - &second } else { &second - &first };
    if distance == BigUint::ZERO {
        return wrong("p == q");
    }
    if distance.bits() + MIN_DISTANCE_BITS <= modulus.bits() / 2 {
        return wrong("|p - q| too small");
    }
    if secret.bits() <= modulus.bits() / 2 {
        return wrong("d too small");
    }
    let numbers = [modulus, exponent, secret, first, second, for_first, for_second, coefficient];
    Ok(numbers.map(|number| number.to_bytes_be()))
}
