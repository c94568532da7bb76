//! Reads any range of a sealed object: only the chunks that hold it are opened. Refuses bytes that are not as they were sealed.

use crate::crypto::chunk::{CHUNK_BYTES, HEADER_BYTES, SEALED_CHUNK_BYTES};
use crate::crypto::package_key::ObjectKey;
use crate::crypto::payload::Opener;
use crate::daemon::plaintext::PlaintextError;
use crate::model::limits::PART_BYTES;
use crate::store::object_reader::ObjectReader;

const CHUNK: u64 = CHUNK_BYTES as u64;
const SEALED_CHUNK: u64 = SEALED_CHUNK_BYTES as u64;
const PART: u64 = PART_BYTES as u64;

/// An object that is read by ranges. Keeps two parts of it and one chunk.
#[derive(Debug)]
pub struct PackReader {
    reader: ObjectReader,
    opener: Opener,
    parts: [Option<(u64, Vec<u8>)>; 2],
    chunk: Option<(u64, Vec<u8>)>,
}

impl PackReader {
    /// Opens an object.
    ///
    /// # Errors
    /// [`PlaintextError`] when its beginning is not as it was sealed, or it was sealed with another key.
    pub fn open(reader: ObjectReader, key: &ObjectKey) -> Result<Self, PlaintextError> {
        let (first, _) = reader.part(0)?;
        let header = first.first_chunk::<HEADER_BYTES>().ok_or(PlaintextError::Cut)?;
        let opener = Opener::begin(key, header)?;
        Ok(Self { reader, opener, parts: [Some((0, first)), None], chunk: None })
    }

    /// Appends some of the plaintext from `from` on to `out`: at least one byte and at most `bytes_max`; gives how many.
    ///
    /// # Errors
    /// [`PlaintextError`] when they are not as they were sealed, or lie behind the end.
    pub fn read(&mut self, from: u64, bytes_max: u64, out: &mut Vec<u8>) -> Result<u64, PlaintextError> {
        let index = from / CHUNK;
        if self.chunk.as_ref().is_none_or(|(held, _)| *held != index) {
            self.chunk = Some((index, self.open_chunk(index)?));
        }
        let held = self.chunk.as_ref().map(|(_, chunk)| chunk.as_slice()).unwrap_or_default();
        let start = usize::try_from(from % CHUNK).unwrap_or(usize::MAX);
        let rest = held.get(start..).unwrap_or_default();
        let count = usize::try_from(bytes_max).unwrap_or(usize::MAX).min(rest.len());
        let wanted = rest.get(..count).filter(|wanted| !wanted.is_empty()).ok_or(PlaintextError::Cut)?;
        out.extend_from_slice(wanted);
        Ok(count as u64)
    }

    fn open_chunk(&mut self, index: u64) -> Result<Vec<u8>, PlaintextError> {
        let start = index.checked_mul(SEALED_CHUNK).and_then(|place| place.checked_add(HEADER_BYTES as u64));
        let start = start.filter(|start| *start < self.reader.ciphertext_bytes()).ok_or(PlaintextError::Cut)?;
        let end = start.saturating_add(SEALED_CHUNK).min(self.reader.ciphertext_bytes());
        let mut sealed = Vec::with_capacity(SEALED_CHUNK_BYTES);
        let mut at = start;
        while at < end {
            let part = self.part(at / PART)?;
            let from = usize::try_from(at % PART).unwrap_or(usize::MAX);
            let count = usize::try_from(end - at).unwrap_or(usize::MAX);
            let piece = part.get(from..part.len().min(from.saturating_add(count))).unwrap_or_default();
            if piece.is_empty() {
                return Err(PlaintextError::Cut);
            }
            sealed.extend_from_slice(piece);
            at += piece.len() as u64;
        }
        let mut chunk = Vec::with_capacity(CHUNK_BYTES);
        self.opener.open_chunk(index, &sealed, &mut chunk)?;
        Ok(chunk)
    }

    fn part(&mut self, index: u64) -> Result<&[u8], PlaintextError> {
        let held = |part: &Option<(u64, Vec<u8>)>| part.as_ref().is_some_and(|(number, _)| *number == index);
        if !self.parts.iter().any(held) {
            let (bytes, _) = self.reader.part(index)?;
            self.parts.rotate_right(1);
            if let Some(place) = self.parts.first_mut() {
                *place = Some((index, bytes));
            }
        }
        let found = self.parts.iter().flatten().find(|(number, _)| *number == index);
        Ok(found.map(|(_, bytes)| bytes.as_slice()).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::package_key::{ObjectScope, PackageKey};
    use crate::daemon::sealing::Sealing;
    use crate::model::ident::Id;
    use crate::model::time::Timestamp;
    use crate::store::vault::Vault;

    #[test]
    fn any_range_is_what_was_sealed_there() {
        let dir = tempfile::tempdir().unwrap();
        let vault = Vault::open(&dir.path().join("vault")).unwrap().with_reserve(0);
        let seal_id = Id::new(Timestamp::from_millis(1), [1; 10]);
        let key = PackageKey::from_random([5; 32]).object_key(ObjectScope { seal_id, object_id: 1 });
        let content: Vec<u8> =
            (0..2_500_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 23).to_le_bytes()[0]).collect();
        let mut sealing = Sealing::begin(&vault, key.clone(), seal_id, 1).unwrap();
        content.chunks(100_003).for_each(|block| sealing.push(block).unwrap());
        let sealed = sealing.finish().unwrap();
        let reader = vault.reader(seal_id, 1, &sealed.blob.root).unwrap();
        let mut pack = PackReader::open(reader, &key).unwrap();
        for (from, bytes) in
            [(0, 10), (16_383, 3), (1_040_000, 50_000), (2_499_999, 1), (5, 1_000_000), (1_048_520, 60)]
        {
            let mut out = Vec::new();
            while (out.len() as u64) < bytes {
                let left = bytes - out.len() as u64;
                pack.read(from + out.len() as u64, left, &mut out).unwrap();
            }
            let from = usize::try_from(from).unwrap();
            assert_eq!(out, content[from..from + out.len()]);
        }
        assert!(matches!(pack.read(2_500_000, 1, &mut Vec::new()), Err(PlaintextError::Cut)));
        assert!(matches!(pack.read(u64::MAX, 1, &mut Vec::new()), Err(PlaintextError::Cut)));
    }
}
