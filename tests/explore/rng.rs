//! Random numbers from a seed (SplitMix64). The sequence never changes, so that a seed replays its schedule.

use std::cell::Cell;

pub struct Rng(Cell<u64>);

impl Rng {
    pub fn new(seed: u64) -> Self {
        Rng(Cell::new(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d))
    }

    pub fn next(&self) -> u64 {
        let state = self.0.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
        self.0.set(state);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from `low` to `high`, inclusive.
    pub fn within(&self, low: i64, high: i64) -> i64 {
        low + (self.next() % (high - low + 1) as u64) as i64
    }

    /// A number from 0 to `end`, exclusive.
    pub fn below(&self, end: i64) -> i64 {
        self.within(0, end.max(1) - 1)
    }

    /// True with a probability of `per_mille` in a thousand.
    pub fn chance(&self, per_mille: u32) -> bool {
        self.next() % 1000 < u64::from(per_mille)
    }

    pub fn one<T: Clone>(&self, of: &[T]) -> T {
        of[self.within(0, of.len() as i64 - 1) as usize].clone()
    }
}
