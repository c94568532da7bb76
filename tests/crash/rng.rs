//! Small numbers from a seed (SplitMix64), so that a run that failed can be run again. Not for keys.

/// The generator.
pub struct Rng(u64);

impl Rng {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// From the seed that `ROGATORY_SEED` names, or from the clock.
    pub fn from_environment() -> (Self, u64) {
        let named = std::env::var("ROGATORY_SEED").ok().map(|text| text.parse().expect("ROGATORY_SEED is a number"));
        let seed = named.unwrap_or_else(|| Self::from_clock().next());
        (Self(seed), seed)
    }

    pub fn from_clock() -> Self {
        Self(rogatory::daemon::clock::now().as_millis())
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}
