//! How a sealed object falls into parts of 1 MiB: counts, places, lengths. Refuses a part number behind the end.

use crate::model::limits::PART_BYTES;

const PART: u64 = PART_BYTES as u64;

/// The parts of an object of one length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartGrid {
    ciphertext_bytes: u64,
}

/// Where one part lies in its object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartPlace {
    /// Its first byte.
    pub offset: u64,
    /// How many bytes it has: `PART_BYTES`, or fewer at the end.
    pub bytes: usize,
}

impl PartGrid {
    /// The grid over an object of this length.
    pub const fn of(ciphertext_bytes: u64) -> Self {
        Self { ciphertext_bytes }
    }

    /// The length of the object.
    pub const fn ciphertext_bytes(&self) -> u64 {
        self.ciphertext_bytes
    }

    /// How many parts there are.
    pub const fn parts(&self) -> u64 {
        self.ciphertext_bytes.div_ceil(PART)
    }

    /// Where part `index` lies; `None` behind the end.
    pub fn place(&self, index: u64) -> Option<PartPlace> {
        let offset = index.checked_mul(PART)?;
        let left = self.ciphertext_bytes.checked_sub(offset)?;
        match usize::try_from(left.min(PART)) {
            Ok(0) | Err(_) => None,
            Ok(bytes) => Some(PartPlace { offset, bytes }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_cover_the_object_without_gap_or_overlap() {
        for length in [0, 1, PART - 1, PART, PART + 1, 5 * PART - 3, 16 << 40] {
            let grid = PartGrid::of(length);
            let first = grid.place(0).map_or(0, |place| place.bytes as u64);
            assert_eq!(first, length.min(PART));
            if let Some(last) = grid.parts().checked_sub(1) {
                let place = grid.place(last).unwrap();
                assert_eq!(place.offset + place.bytes as u64, length);
            }
            assert_eq!(grid.place(grid.parts()), None);
            assert_eq!(grid.place(u64::MAX), None);
        }
    }
}
