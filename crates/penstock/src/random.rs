//! Randomness from the kernel.

use penstock_delivery::Random;
use penstock_model::Secret;

/// `getrandom(2)`.
pub struct KernelRandom;

fn fill<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    // the kernel's generator fails only before it is seeded, when nothing may be signed or issued anyway
    getrandom::fill(&mut bytes).expect("the kernel gives randomness");
    bytes
}

/// 32 bytes for a key.
pub fn entropy() -> [u8; 32] {
    fill()
}

impl Random for KernelRandom {
    fn bits(&self) -> u128 {
        u128::from_le_bytes(fill())
    }
    fn token(&self) -> Secret {
        Secret::new(hex::encode(fill::<32>()))
    }
}
