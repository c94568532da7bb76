//! Which parts of one object are here: one bit each, in memory. Knows nothing of disks.

use std::ops::Range;

/// A set of part numbers below a fixed count. 2 MiB for an object of 16 TiB.
#[derive(Debug, Clone)]
pub struct PartBits {
    words: Vec<u64>,
    parts: u64,
    held: u64,
}

impl PartBits {
    /// The empty set among `parts` parts.
    pub fn none_of(parts: u64) -> Self {
        let words = usize::try_from(parts.div_ceil(64)).expect("invariant: limits bound the parts of an object");
        Self { words: vec![0; words], parts, held: 0 }
    }

    /// The full set of `parts` parts.
    pub fn all_of(parts: u64) -> Self {
        let mut all = Self::none_of(parts);
        all.words.fill(u64::MAX);
        all.held = parts;
        all
    }

    /// How many are in the set.
    pub fn held(&self) -> u64 {
        self.held
    }

    /// Whether none is missing.
    pub fn is_full(&self) -> bool {
        self.held == self.parts
    }

    /// Whether this part is in the set.
    pub fn has(&self, index: u64) -> bool {
        index < self.parts && self.word(index).is_some_and(|word| word & bit(index) != 0)
    }

    /// Puts a part in; `false` if it was there, or lies behind the end.
    pub fn insert(&mut self, index: u64) -> bool {
        if index >= self.parts || self.has(index) {
            return false;
        }
        if let Some(word) = usize::try_from(index / 64).ok().and_then(|place| self.words.get_mut(place)) {
            *word |= bit(index);
            self.held += 1;
        }
        true
    }

    /// The missing parts from `from` on, as ranges that hold at most `parts_max` parts together.
    pub fn missing(&self, from: u64, parts_max: u64) -> Vec<Range<u64>> {
        let mut ranges: Vec<Range<u64>> = Vec::new();
        let (mut index, mut left) = (from, parts_max);
        while index < self.parts && left > 0 {
            let word = self.word(index).unwrap_or(u64::MAX);
            // Whole words of held parts are stepped over, so that the end of a large object is found fast.
            if word == u64::MAX {
                index = (index / 64 + 1) * 64;
                continue;
            }
            if word & bit(index) == 0 {
                match ranges.last_mut() {
                    Some(last) if last.end == index => last.end += 1,
                    _ => ranges.push(index..index + 1),
                }
                left -= 1;
            }
            index += 1;
        }
        ranges
    }

    fn word(&self, index: u64) -> Option<u64> {
        self.words.get(usize::try_from(index / 64).ok()?).copied()
    }
}

fn bit(index: u64) -> u64 {
    1 << (index % 64)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_missing_ranges_are_the_complement_of_what_was_put_in(
            parts in 0_u64..300,
            put in proptest::collection::vec(0_u64..320, 0..300),
            from in 0_u64..320,
            parts_max in 0_u64..320,
        ) {
            let mut bits = PartBits::none_of(parts);
            let mut model = BTreeSet::new();
            for index in put {
                prop_assert_eq!(bits.insert(index), index < parts && model.insert(index));
            }
            let expected: Vec<u64> = (from..parts)
                .filter(|index| !model.contains(index))
                .take(usize::try_from(parts_max).unwrap())
                .collect();
            let found: Vec<u64> = bits.missing(from, parts_max).into_iter().flatten().collect();
            prop_assert_eq!(found, expected);
            prop_assert_eq!(bits.held(), model.len() as u64);
            prop_assert_eq!(bits.is_full(), model.len() as u64 == parts);
        }

        #[test]
        fn the_full_set_holds_every_part_and_none_behind_the_end(parts in 0_u64..300) {
            let bits = PartBits::all_of(parts);
            prop_assert!(bits.is_full());
            prop_assert!((0..parts).all(|index| bits.has(index)));
            prop_assert!(!bits.has(parts));
            prop_assert_eq!(bits.missing(0, 10), []);
        }
    }
}
