//! Keys of DSA, which OpenSSH and OpenSSL still read, and nobody should use.

use crypto_bigint::{
    BitOps as _, BoxedUint, Limb, NonZero, Odd, RandomBits as _, Resize as _,
    modular::{BoxedMontyForm, BoxedMontyParams},
};
use crypto_primes::{Flavor, is_prime, random_prime};

use super::super::random::Draws;
use crate::function::Random;

const MODULUS_BITS: u32 = 2048;
const ORDER_BITS: u32 = 256;
/// Candidates are tried from a random one on, this many at most.
const CANDIDATES: u32 = 8192;
const SMALL: u32 = 2000;

/// A key with parameters of its own (FIPS 186-4, L = 2048, N = 256): P, Q, G, Y, X, big-endian.
pub(super) fn generate(random: &mut dyn Random) -> [Vec<u8>; 5] {
    let mut draws = Draws(random);
    loop {
        let order: BoxedUint = random_prime(&mut draws, Flavor::Any, ORDER_BITS);
        let Some(modulus) = modulus(&mut draws, &order) else { continue };
        let ring = BoxedMontyParams::new(modulus.clone());
        let power = |base: &BoxedUint, exponent: &BoxedUint| BoxedMontyForm::new(base.clone(), &ring).pow(exponent).retrieve();
        let Some(wide) = NonZero::new((&order).resize(MODULUS_BITS)).into_option() else { continue };
        let (cofactor, _) = modulus.wrapping_sub(BoxedUint::one()).div_rem_vartime(&wide);
        let generator = power(&BoxedUint::from(2_u8).resize(MODULUS_BITS), &cofactor);
        let secret = BoxedUint::random_bits(&mut draws, ORDER_BITS);
        if generator.is_one().to_bool() || secret >= order || secret.is_zero().to_bool() {
            continue;
        }
        let public = power(&generator, &secret);
        return [modulus.as_ref(), &order, &generator, &public, &secret].map(|number| number.to_be_bytes_trimmed_vartime().to_vec());
    }
}

/// A prime of the form k·2·order + 1.
fn modulus(draws: &mut Draws<'_>, order: &BoxedUint) -> Option<Odd<BoxedUint>> {
    let step = order.resize(MODULUS_BITS).shl_vartime(1)?;
    let mut start = BoxedUint::random_bits(draws, MODULUS_BITS);
    start.set_bit_vartime(MODULUS_BITS - 1, true);
    let rest = start.rem_vartime(&NonZero::new(step.clone()).into_option()?);
    let mut candidate = start.wrapping_sub(&rest).wrapping_add(BoxedUint::one());
    // what each small prime leaves of the candidate and of the step: most candidates are refused without looking at them
    let mut remainders: Vec<(u64, u64, u64)> = small_primes()
        .filter_map(|prime| {
            let limb = NonZero::new(Limb::from(prime)).into_option()?;
            Some((u64::from(prime), candidate.rem_limb(limb).0, step.rem_limb(limb).0))
        })
        .collect();
    for _ in 0..CANDIDATES {
        if !remainders.iter().any(|(_, rest, _)| *rest == 0) {
            let whole = candidate.bit_vartime(MODULUS_BITS - 1);
            if whole && is_prime(Flavor::Any, &candidate) {
                return candidate.into_odd().into_option();
            }
        }
        candidate.wrapping_add_assign(&step);
        for (prime, rest, step) in &mut remainders {
            *rest = (*rest + *step) % *prime;
        }
    }
    None
}

fn small_primes() -> impl Iterator<Item = u32> {
    (3..SMALL).step_by(2).filter(|number| (3..*number).step_by(2).take_while(|by| by * by <= *number).all(|by| number % by != 0))
}
