//! Chance that can be had again.

/// Numbers from a seed, always the same ones (splitmix64).
pub struct Chance(u64);

impl Chance {
    /// From `PENSTOCK_SEED`, or another one each time; printed either way.
    pub fn seeded() -> Self {
        let given = std::env::var("PENSTOCK_SEED").ok().map(|text| text.parse().expect("PENSTOCK_SEED is a number"));
        let mut bytes = [0; 8];
        getrandom::fill(&mut bytes).unwrap();
        let seed = given.unwrap_or_else(|| u64::from_le_bytes(bytes) >> 32);
        println!("PENSTOCK_SEED={seed} repeats these moments");
        Self(seed)
    }

    /// A number below a bound.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}
