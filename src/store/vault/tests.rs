//! Sealing into the vault, serving from it, and what a failing disk or a crash does to both.

use std::fs;

use proptest::prelude::*;

use super::*;
use crate::custody::parts::MerkleTree;
use crate::custody::tree::{leaf_hash, verify_inclusion};
use crate::model::limits::{PART_BYTES, WRITE_BEHIND_BYTES};
use crate::store::vault_fixture::{Fixture, flip, noise};

const PART: usize = PART_BYTES;

fn root_of(bytes: &[u8]) -> Digest {
    MerkleTree::of(bytes.chunks(PART).map(leaf_hash)).root()
}

fn read_all(reader: &ObjectReader) -> Result<Vec<u8>, ReadError> {
    let (mut all, mut part) = (Vec::new(), Vec::new());
    for index in 0..reader.parts() {
        reader.part_into(index, &mut part)?;
        all.extend_from_slice(&part);
    }
    Ok(all)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn an_object_written_in_pieces_of_any_length_is_the_one_written_at_once(
        length in 1..4 * PART + 2,
        pieces in proptest::collection::vec(prop_oneof![0_usize..5, 1..PART, Just(PART), PART..3 * PART], 1..12),
    ) {
        let fixture = Fixture::new();
        let bytes = noise(length, 1);
        let mut writer = fixture.vault.create(fixture.seal_id, 1).unwrap();
        let (mut rest, mut sizes) = (bytes.as_slice(), pieces.iter().cycle());
        let mut empty_in_a_row = 0;
        while !rest.is_empty() {
            let size = sizes.next().copied().unwrap_or(1);
            empty_in_a_row = if size == 0 { empty_in_a_row + 1 } else { 0 };
            let size = if empty_in_a_row > pieces.len() { rest.len() } else { size.min(rest.len()) };
            let (now, later) = rest.split_at(size);
            writer.write(now).unwrap();
            rest = later;
        }
        let sealed = writer.finish().unwrap();
        prop_assert_eq!(sealed.ciphertext_bytes, length as u64);
        prop_assert_eq!(sealed.root, root_of(&bytes));
        let reader = fixture.vault.reader(fixture.seal_id, 1, &sealed.root).unwrap();
        for (index, expected) in (0_u64..).zip(bytes.chunks(PART)) {
            let (part, proof) = reader.part(index).unwrap();
            prop_assert!(part == expected);
            prop_assert_eq!(verify_inclusion(&leaf_hash(&part), index, reader.parts(), &proof, &sealed.root), Ok(()));
        }
        prop_assert_eq!(reader.parts(), bytes.chunks(PART).count() as u64);
        fixture.vault.check(fixture.seal_id, 1, &sealed.root).unwrap();
    }
}

#[test]
fn an_unfinished_object_is_never_seen_and_is_gone_after_a_crash() {
    let mut fixture = Fixture::new();
    let mut dropped = fixture.vault.create(fixture.seal_id, 1).unwrap();
    dropped.write(&noise(PART + 1, 1)).unwrap();
    drop(dropped);
    assert_eq!(fixture.names(), [""; 0]);
    let mut killed = fixture.vault.create(fixture.seal_id, 1).unwrap();
    killed.write(&noise(PART + 1, 1)).unwrap();
    std::mem::forget(killed);
    assert_eq!(fixture.names(), ["1.parts.tmp", "1.sealed.tmp"]);
    assert!(!fixture.vault.contains(fixture.seal_id, 1));
    assert_eq!(fixture.vault.list().unwrap(), []);
    fixture.reopen();
    assert_eq!(fixture.names(), [""; 0]);
    fixture.seal(1, b"again");
}

#[test]
fn a_crash_between_naming_the_hashes_and_naming_the_object_leaves_it_to_be_sealed_again() {
    let mut fixture = Fixture::new();
    let bytes = noise(3 * PART, 1);
    fixture.seal(1, &bytes);
    fs::rename(fixture.path("1.sealed"), fixture.path("1.sealed.tmp")).unwrap();
    fixture.reopen();
    assert_eq!(fixture.names(), ["1.parts"]);
    let blob = fixture.seal(1, &bytes);
    assert_eq!(read_all(&fixture.reader(&blob)).unwrap(), bytes);
}

#[test]
fn an_object_has_one_writer_and_is_never_replaced() {
    let fixture = Fixture::new();
    let first = fixture.vault.create(fixture.seal_id, 1).unwrap();
    assert!(matches!(fixture.vault.create(fixture.seal_id, 1), Err(WriteError::InUse)));
    assert!(matches!(first.finish(), Err(WriteError::Empty)));
    let blob = fixture.seal(1, b"ciphertext");
    assert!(matches!(fixture.vault.create(fixture.seal_id, 1), Err(WriteError::Exists)));
    assert_eq!(fixture.names(), ["1.sealed"]);
    assert_eq!(read_all(&fixture.reader(&blob)).unwrap(), b"ciphertext");
}

#[test]
fn a_full_disk_is_named_and_leaves_nothing_behind() {
    let fixture = Fixture::new();
    let full = fixture.vault.clone().with_reserve(u64::MAX);
    assert_eq!(full.room().unwrap(), 0);
    let mut writer = full.create(fixture.seal_id, 1).unwrap();
    let bytes = noise(usize::try_from(WRITE_BEHIND_BYTES).unwrap(), 1);
    assert!(matches!(writer.write(&bytes), Err(WriteError::NoSpace { spare_bytes: 0 })));
    assert!(matches!(writer.write(b"x"), Err(WriteError::Failed)));
    assert!(matches!(writer.finish(), Err(WriteError::Failed)));
    assert_eq!(fixture.names(), [""; 0]);
}

#[test]
fn a_flipped_bit_on_our_disk_is_noticed_by_us_and_costs_only_its_part() {
    for parts in [1, 4] {
        let fixture = Fixture::new();
        let bytes = noise(parts * PART - 5, 1);
        let blob = fixture.seal(1, &bytes);
        let bad = parts - 1;
        flip(&fixture.path("1.sealed"), bad * PART + 77);
        let reader = fixture.reader(&blob);
        for index in 0..parts as u64 {
            let mut part = vec![1; 9];
            match reader.part_into(index, &mut part) {
                Ok(_) => assert!(index != bad as u64 && part == bytes.chunks(PART).nth(index as usize).unwrap()),
                Err(ReadError::PartDamaged { object_id: 1, index: named }) => {
                    assert_eq!((named, index, part.len()), (bad as u64, bad as u64, 0));
                }
                Err(other) => panic!("{other}"),
            }
        }
        let checked = fixture.vault.check(fixture.seal_id, 1, &blob.root);
        match (parts, checked) {
            (1, Err(ReadError::ObjectDamaged { object_id: 1 })) => {}
            (4, Err(ReadError::PartDamaged { object_id: 1, index: 3 })) => {}
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn hashes_that_are_missing_cut_or_damaged_are_made_again_from_the_ciphertext() {
    let fixture = Fixture::new();
    let bytes = noise(6 * PART + 5, 1);
    let blob = fixture.seal(1, &bytes);
    let path = fixture.path("1.parts");
    let good = fs::read(&path).unwrap();
    let damages: [&dyn Fn(); 6] = [
        &|| fs::remove_file(&path).unwrap(),
        &|| fs::write(&path, b"").unwrap(),
        &|| fs::write(&path, &good[..good.len() - 32]).unwrap(),
        &|| flip(&path, 20),
        &|| flip(&path, 64),
        &|| flip(&path, 64 + 6 * 32),
    ];
    for (number, damage) in damages.iter().enumerate() {
        damage();
        assert_eq!(read_all(&fixture.reader(&blob)).unwrap(), bytes, "{number}");
        assert_eq!(fs::read(&path).unwrap(), good, "{number}");
        damage();
        fixture.vault.check(fixture.seal_id, 1, &blob.root).unwrap();
        assert_eq!(fs::read(&path).unwrap(), good, "checked, {number}");
    }
}

#[test]
fn damaged_bytes_with_damaged_hashes_are_never_given_out() {
    let fixture = Fixture::new();
    let blob = fixture.seal(1, &noise(3 * PART, 1));
    let open = fixture.reader(&blob);
    flip(&fixture.path("1.sealed"), PART);
    fs::remove_file(fixture.path("1.parts")).unwrap();
    let opened = fixture.vault.reader(fixture.seal_id, 1, &blob.root);
    assert!(matches!(opened, Err(ReadError::ObjectDamaged { object_id: 1 })));
    assert!(matches!(open.part(1), Err(ReadError::PartDamaged { .. })), "the open one still knows the hashes");
    assert!(matches!(open.part(3), Err(ReadError::OutOfObject { index: 3, parts: 3 })));
    assert_eq!(fixture.names(), ["1.sealed"], "hashes of damaged bytes are not kept");
}

#[test]
fn an_object_is_not_opened_under_another_root() {
    let fixture = Fixture::new();
    let (one, two) = (fixture.seal(1, b"one"), fixture.seal(2, b"two"));
    let reader = fixture.vault.reader(fixture.seal_id, 1, &two.root).unwrap();
    assert!(matches!(reader.part(0), Err(ReadError::PartDamaged { .. })));
    assert!(fixture.vault.check(fixture.seal_id, 1, &two.root).is_err());
    assert!(matches!(fixture.vault.reader(fixture.seal_id, 3, &one.root), Err(ReadError::Missing)));
}

#[test]
fn what_is_listed_is_what_is_there_until_the_package_is_removed() {
    let fixture = Fixture::new();
    let (one, two) = (fixture.seal(1, b"one"), fixture.seal(2, &noise(PART + 1, 2)));
    let held = |blob: &Blob| HeldObject {
        seal_id: fixture.seal_id,
        object_id: blob.object_id,
        ciphertext_bytes: blob.ciphertext_bytes,
        phase: Phase::Sealed,
    };
    assert_eq!(fixture.vault.list().unwrap(), [held(&one), held(&two)]);
    fixture.vault.remove(fixture.seal_id).unwrap();
    fixture.vault.remove(fixture.seal_id).unwrap();
    assert!(!fixture.package().exists());
    assert!(!fixture.vault.contains(fixture.seal_id, 1));
    assert_eq!(fixture.vault.list().unwrap(), []);
}

#[test]
fn a_vault_opened_to_read_writes_nothing_and_sweeps_nothing() {
    let fixture = Fixture::new();
    let blob = fixture.seal(1, &noise(2 * PART, 1));
    fs::write(fixture.path("2.sealed.tmp"), b"the owner writes this now").unwrap();
    let view = Vault::open_read_only(&fixture.dir.path().join("vault")).unwrap();
    assert_eq!(view.reader(fixture.seal_id, 1, &blob.root).unwrap().parts(), 2);
    assert!(matches!(view.create(fixture.seal_id, 3), Err(WriteError::Io(_))));
    assert!(matches!(view.intake(fixture.seal_id, &[]), Err(IntakeError::Io(_))));
    assert!(matches!(view.remove(fixture.seal_id), Err(VaultError::Io(_))));
    fs::remove_file(fixture.path("1.parts")).unwrap();
    let opened = view.reader(fixture.seal_id, 1, &blob.root);
    assert!(matches!(opened, Err(ReadError::HashesDamaged { object_id: 1 })));
    assert_eq!(fixture.names(), ["1.sealed", "2.sealed.tmp"]);
    assert!(Vault::open_read_only(&fixture.dir.path().join("other")).is_err());
}

#[test]
fn several_threads_read_one_object_while_its_hashes_are_made_again() {
    let fixture = Fixture::new();
    let bytes = noise(8 * PART, 1);
    let blob = fixture.seal(1, &bytes);
    let (one, two) = (fixture.reader(&blob), fixture.reader(&blob));
    for hash in 0..12 {
        flip(&fixture.path("1.parts"), 64 + 32 * hash);
    }
    std::thread::scope(|scope| {
        for reader in [&one, &one, &two, &two] {
            scope.spawn(|| assert!(read_all(reader).unwrap() == bytes));
        }
    });
}
