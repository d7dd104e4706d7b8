//! Randomness from a seed, so that a render with the same seed is the same render.

use sha2::{Digest as _, Sha256};

use crate::function::Random;

/// The bytes of SHA-256 over a seed and a counter. As hard to foretell as its seed, which whoever renders draws anew each time.
#[derive(Clone)]
pub struct Seeded {
    seed: [u8; 32],
    counter: u64,
    left: Vec<u8>,
}

impl Seeded {
    /// From a seed.
    pub fn new(seed: [u8; 32]) -> Self {
        Self { seed, counter: 0, left: Vec::new() }
    }
}

impl Random for Seeded {
    fn fill(&mut self, buffer: &mut [u8]) {
        for byte in buffer {
            if self.left.is_empty() {
                let block = Sha256::new().chain_update(self.seed).chain_update(self.counter.to_le_bytes()).finalize();
                self.counter += 1;
                self.left = block.to_vec();
            }
            *byte = self.left.pop().unwrap_or_default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_bytes_however_they_are_drawn() {
        let (mut one, mut two) = (Seeded::new([7; 32]), Seeded::new([7; 32]));
        let mut whole = [0; 100];
        one.fill(&mut whole);
        let mut parts = [0; 100];
        for part in parts.chunks_mut(7) {
            two.fill(part);
        }
        assert_eq!(whole, parts);
        let mut other = [0; 100];
        Seeded::new([8; 32]).fill(&mut other);
        assert_ne!(whole, other);
    }
}
