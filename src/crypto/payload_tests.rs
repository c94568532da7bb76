//! Tests of `payload.rs`: what comes out is what went in, and every kind of tampering is refused.

use super::*;
use crate::crypto::package_key::{ObjectScope, PackageKey};
use crate::model::ident::Id;
use crate::model::time::Timestamp;
use proptest::prelude::*;

const SALT: [u8; SALT_BYTES] = [9; SALT_BYTES];

fn key(object_id: u32) -> ObjectKey {
    PackageKey::from_random([5; 32])
        .object_key(ObjectScope { seal_id: Id::new(Timestamp::from_millis(1), [1; 10]), object_id })
}

fn plaintext(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|at| (at * 31 % 251) as u8).collect()
}

/// Header, full chunks, last chunk.
fn parts(sealed: &[u8]) -> (Vec<u8>, Vec<Vec<u8>>) {
    let (header, body) = sealed.split_at(HEADER_BYTES);
    let chunks = body.chunks(SEALED_CHUNK_BYTES).map(<[u8]>::to_vec);
    (header.to_vec(), chunks.collect())
}

fn join(header: &[u8], chunks: &[Vec<u8>]) -> Vec<u8> {
    [header, &chunks.concat()].concat()
}

#[test]
fn what_was_sealed_opens_at_every_edge_of_a_chunk() {
    for bytes in [0, 1, 16_383, 16_384, 16_385, 32_768, 100_000] {
        let sealed = seal(&key(1), SALT, &plaintext(bytes)).unwrap();
        assert_eq!(sealed.len() as u64, ciphertext_bytes(bytes as u64).unwrap(), "{bytes}");
        assert_eq!(open(&key(1), &sealed).unwrap(), plaintext(bytes), "{bytes}");
    }
}

#[test]
fn another_key_or_object_is_refused_before_any_chunk() {
    let sealed = seal(&key(1), SALT, b"evidence").unwrap();
    assert_eq!(open(&key(2), &sealed), Err(OpenError::WrongKey));
    let mut other_salt = sealed.clone();
    other_salt[0] ^= 1;
    assert_eq!(open(&key(1), &other_salt), Err(OpenError::WrongKey));
    let mut other_commitment = sealed;
    other_commitment[55] ^= 1;
    assert_eq!(open(&key(1), &other_commitment), Err(OpenError::WrongKey));
}

#[test]
fn every_cut_is_refused() {
    let sealed = seal(&key(1), SALT, &plaintext(2 * CHUNK_BYTES + 40)).unwrap();
    for cut in (0..HEADER_BYTES + 40)
        .chain(HEADER_BYTES + SEALED_CHUNK_BYTES - 2..HEADER_BYTES + SEALED_CHUNK_BYTES + 20)
        .chain(HEADER_BYTES + 2 * SEALED_CHUNK_BYTES - 2..sealed.len())
    {
        assert!(open(&key(1), &sealed[..cut]).is_err(), "cut at {cut}");
    }
    let at_a_chunk_edge = &sealed[..HEADER_BYTES + 2 * SEALED_CHUNK_BYTES];
    assert_eq!(open(&key(1), at_a_chunk_edge), Err(OpenError::Truncated));
}

#[test]
fn reordered_repeated_dropped_and_appended_chunks_are_refused() {
    let sealed = seal(&key(1), SALT, &plaintext(3 * CHUNK_BYTES + 100)).unwrap();
    let (header, chunks) = parts(&sealed);
    assert_eq!(chunks.len(), 4);

    let mut swapped = chunks.clone();
    swapped.swap(1, 2);
    let mut repeated = chunks.clone();
    repeated.insert(1, chunks[0].clone());
    let mut dropped = chunks.clone();
    dropped.remove(1);
    let mut appended = chunks.clone();
    appended.push(chunks[3].clone());
    let mut appended_full = chunks.clone();
    appended_full.push(chunks[0].clone());
    for (name, chunks, index) in [
        ("swapped", swapped, 1),
        ("repeated", repeated, 1),
        ("dropped", dropped, 1),
        ("appended", appended, 3),
        ("appended full", appended_full, 3),
    ] {
        assert_eq!(open(&key(1), &join(&header, &chunks)), Err(OpenError::Chunk { index }), "{name}");
    }
    let one_byte_more = [sealed.as_slice(), &[0]].concat();
    assert_eq!(open(&key(1), &one_byte_more), Err(OpenError::Chunk { index: 3 }));
}

#[test]
fn a_refused_stream_releases_only_what_was_verified_and_stays_refused() {
    let text = plaintext(3 * CHUNK_BYTES);
    let mut sealed = seal(&key(1), SALT, &text).unwrap();
    sealed[HEADER_BYTES + SEALED_CHUNK_BYTES + 7] ^= 0x80;
    let (header, body) = sealed.split_first_chunk::<HEADER_BYTES>().unwrap();
    let mut opener = Opener::begin(&key(1), header).unwrap();
    let mut out = Vec::new();
    let refused = Err(OpenError::Chunk { index: 1 });
    assert_eq!(opener.push(body, &mut out), refused);
    assert_eq!(out, text[..CHUNK_BYTES]);
    assert_eq!(opener.push(&[], &mut out), refused);
    assert_eq!(opener.finish(&mut out), refused);
    assert_eq!(out, text[..CHUNK_BYTES]);
}

#[test]
fn a_single_chunk_opens_at_its_own_place_only() {
    let text = plaintext(2 * CHUNK_BYTES + 9);
    let sealed = seal(&key(1), SALT, &text).unwrap();
    let (header, chunks) = parts(&sealed);
    let opener = Opener::begin(&key(1), header.as_slice().try_into().unwrap()).unwrap();
    let mut out = Vec::new();
    opener.open_chunk(2, &chunks[2], &mut out).unwrap();
    assert_eq!(out, text[2 * CHUNK_BYTES..]);
    assert_eq!(opener.open_chunk(1, &chunks[2], &mut out), Err(OpenError::Chunk { index: 1 }));
    assert_eq!(opener.open_chunk(0, &sealed, &mut out), Err(OpenError::Chunk { index: 0 }));
    assert_eq!(out.len(), 9);
}

#[test]
fn an_object_beyond_the_limit_is_refused_before_it_is_sealed() {
    let mut out = Vec::new();
    let mut sealer = Sealer::begin(&key(1), SALT, &mut out);
    sealer.sealed_bytes = OBJECT_BYTES_MAX - 40_000;
    assert_eq!(sealer.push(&plaintext(CHUNK_BYTES), &mut out), Ok(()), "still fits");
    assert_eq!(sealer.push(&plaintext(CHUNK_BYTES), &mut out), Err(SealError::TooLarge));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn blocks_of_any_size_give_the_same_object(
        bytes in 0_usize..80_000,
        sizes in proptest::collection::vec(1_usize..40_000, 1..8),
    ) {
        let text = plaintext(bytes);
        let whole = seal(&key(1), SALT, &text).unwrap();

        let mut sealed = Vec::new();
        let mut sealer = Sealer::begin(&key(1), SALT, &mut sealed);
        let commitment = sealer.commitment();
        for block in blocks(&text, &sizes) {
            sealer.push(block, &mut sealed).unwrap();
        }
        prop_assert_eq!(sealer.finish(&mut sealed), whole.len() as u64);
        prop_assert_eq!(&sealed, &whole);

        let (header, body) = sealed.split_first_chunk::<HEADER_BYTES>().unwrap();
        let mut opener = Opener::begin(&key(1), header).unwrap();
        prop_assert_eq!(opener.commitment(), commitment);
        let mut opened = Vec::new();
        for block in blocks(body, &sizes) {
            opener.push(block, &mut opened).unwrap();
        }
        opener.finish(&mut opened).unwrap();
        prop_assert_eq!(opened, text);
    }

    #[test]
    fn a_changed_bit_anywhere_is_refused(bytes in 0_usize..40_000, at in any::<proptest::sample::Index>(), bit in 0_u32..8) {
        let mut sealed = seal(&key(1), SALT, &plaintext(bytes)).unwrap();
        let at = at.index(sealed.len());
        sealed[at] ^= 1 << bit;
        prop_assert!(open(&key(1), &sealed).is_err());
    }
}

fn blocks<'a>(mut data: &'a [u8], sizes: &[usize]) -> Vec<&'a [u8]> {
    let mut blocks = Vec::new();
    let mut sizes = sizes.iter().cycle();
    while !data.is_empty() {
        let (block, rest) = data.split_at(data.len().min(*sizes.next().unwrap()));
        blocks.push(block);
        data = rest;
    }
    blocks
}
