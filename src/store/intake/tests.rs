//! Receiving into the vault: every order, every wrong part, every package that is refused.

use std::fs;

use super::*;
use crate::model::limits::{OBJECT_BYTES_MAX, OBJECTS_MAX, PART_BYTES};
use crate::store::vault::{Phase, VaultError};
use crate::store::vault_fixture::Pair;

const PART: usize = PART_BYTES;

#[test]
fn parts_in_any_order_become_the_objects_that_were_sealed() {
    let pair = Pair::of(&[3 * PART + 1, 1, PART, 2 * PART]);
    let intake = pair.intake();
    for (object_id, index) in [(4, 1), (1, 3), (2, 0), (1, 0), (3, 0), (1, 2), (4, 0)] {
        assert_eq!(pair.send(&intake, object_id, index), Stored::New);
        assert_eq!(pair.send(&intake, object_id, index), Stored::Known);
    }
    assert_eq!(intake.missing(1, 0, 10), std::slice::from_ref(&(1..2)));
    assert_eq!(intake.missing(2, 0, 10), []);
    assert_eq!(intake.missing(9, 0, 10), []);
    assert!(matches!(intake.complete(), Err(IntakeError::Incomplete { parts_missing: 1 })));
    assert!(pair.to.vault.contains(pair.to.seal_id, 4) && !pair.to.vault.contains(pair.to.seal_id, 1));
    pair.send(&intake, 1, 1);
    let bytes = pair.blobs.iter().map(|blob| blob.ciphertext_bytes).sum();
    let all = Progress { objects: 4, objects_sealed: 3, parts: 8, parts_held: 8, parts_durable: 7, bytes };
    assert_eq!(intake.progress(), all);
    intake.complete().unwrap();
    intake.complete().unwrap();
    assert_eq!(intake.progress(), Progress { objects_sealed: 4, parts_durable: 8, ..all });
    assert_eq!(pair.send(&intake, 1, 1), Stored::Known);
    pair.assert_arrived();
}

#[test]
fn a_wrong_part_is_named_and_changes_nothing() {
    let pair = Pair::of(&[3 * PART + 1, 2 * PART]);
    let intake = pair.intake();
    pair.send(&intake, 1, 0);
    let before = fs::read(pair.to.path("1.partial")).unwrap();
    let (part, proof) = pair.part(1, 1);
    let mut flipped = part.clone();
    flipped[PART / 2] ^= 1;
    let mut bad_proof = proof.clone();
    bad_proof[1].0[5] ^= 1;
    let long_proof = [proof.as_slice(), &[Digest([0; 32])]].concat();
    type Refused = fn(&PartError) -> bool;
    let root: Refused = |error| matches!(error, PartError::Proof(ProofError::Root));
    let length: Refused = |error| matches!(error, PartError::Length { .. });
    let proof_length: Refused = |error| matches!(error, PartError::Proof(ProofError::Length));
    let out: Refused = |error| matches!(error, PartError::OutOfObject { .. });
    let unknown: Refused = |error| matches!(error, PartError::Unknown);
    let cases: [(u32, u64, &[u8], &[Digest], Refused); 12] = [
        (1, 1, &flipped, &proof, root),
        (1, 1, &part, &bad_proof, root),
        (1, 2, &part, &proof, root),
        (1, 1, &part, &proof[..1], proof_length),
        (1, 1, &part, &[], proof_length),
        (1, 1, &part, &long_proof, proof_length),
        (1, 1, &part[1..], &proof, length),
        (1, 3, &part, &proof, length),
        (1, 4, &part, &proof, out),
        (1, u64::MAX, &part, &proof, out),
        (2, 1, &part, &proof[..1], root),
        (3, 1, &part, &proof, unknown),
    ];
    for (number, (object_id, index, bytes, proof, refused)) in cases.into_iter().enumerate() {
        let error = intake.store_part(object_id, index, bytes, proof).unwrap_err();
        assert!(refused(&error), "case {number}: {error}");
    }
    assert!(fs::read(pair.to.path("1.partial")).unwrap() == before);
    assert_eq!(intake.progress().parts_held, 1);
    pair.send_missing(&intake);
    intake.complete().unwrap();
    pair.assert_arrived();
}

#[test]
fn a_package_is_received_by_one_at_a_time_and_not_removed_meanwhile() {
    let pair = Pair::of(&[3]);
    let intake = pair.intake();
    let second = pair.to.vault.clone().intake(pair.to.seal_id, &pair.blobs);
    assert!(matches!(second, Err(IntakeError::InUse)));
    assert!(matches!(pair.to.vault.remove(pair.to.seal_id), Err(VaultError::InUse)));
    assert_eq!(pair.to.vault.list().unwrap()[0].phase, Phase::Partial);
    drop(intake);
    drop(pair.intake());
    pair.to.vault.remove(pair.to.seal_id).unwrap();
    assert_eq!(pair.to.vault.list().unwrap(), []);
}

#[test]
fn a_peer_cannot_reach_into_a_package_that_is_not_this_one() {
    let pair = Pair::of(&[3, PART + 1]);
    let own = pair.from.vault.intake(pair.from.seal_id, &pair.blobs);
    assert!(matches!(own, Err(IntakeError::Conflict)), "what was sealed here");
    drop(pair.intake());
    let names = pair.to.names();
    let mut others = [pair.blobs.clone(), pair.blobs.clone(), pair.blobs.clone(), pair.blobs.clone()];
    others[0][0].root.0[0] ^= 1;
    others[1][1].ciphertext_bytes += 1;
    others[2][0].commitment.0[0] ^= 1;
    others[3].pop();
    for other in others {
        assert!(matches!(pair.to.vault.intake(pair.to.seal_id, &other), Err(IntakeError::Conflict)));
    }
    let sealing = pair.to.vault.create(pair.to.seal_id, 3);
    assert!(matches!(sealing, Err(crate::store::object_writer::WriteError::Received)));
    assert_eq!(pair.to.names(), names);
}

#[test]
fn a_list_that_no_envelope_may_carry_is_refused() {
    let pair = Pair::of(&[3]);
    let blob = pair.blobs[0].clone();
    let refused = |blobs: &[Blob]| {
        let opened = pair.to.vault.intake(pair.to.seal_id, blobs);
        matches!(opened, Err(IntakeError::Blobs)) && !pair.to.package().exists()
    };
    assert!(refused(&[blob.clone(), blob.clone()]));
    assert!(refused(&[Blob { ciphertext_bytes: 0, ..blob.clone() }]));
    assert!(refused(&[Blob { ciphertext_bytes: OBJECT_BYTES_MAX + 1, ..blob.clone() }]));
    let many = (1..=u32::try_from(OBJECTS_MAX).unwrap() + 1).map(|object_id| Blob { object_id, ..blob.clone() });
    assert!(refused(&many.collect::<Vec<_>>()));
}

#[test]
fn a_package_that_does_not_fit_is_refused_before_anything_is_made() {
    let pair = Pair::of(&[3]);
    let vault = pair.to.vault.clone();
    let large = [Blob { ciphertext_bytes: OBJECT_BYTES_MAX, ..pair.blobs[0].clone() }];
    let room = vault.room().unwrap();
    match vault.intake(pair.to.seal_id, &large) {
        Err(IntakeError::NoSpace { needed_bytes, spare_bytes }) => {
            assert!(needed_bytes > OBJECT_BYTES_MAX && spare_bytes < OBJECT_BYTES_MAX);
        }
        other => panic!("{other:?}, though {room} bytes are free"),
    }
    let full = vault.clone().with_reserve(u64::MAX).intake(pair.to.seal_id, &pair.blobs);
    assert!(matches!(full, Err(IntakeError::NoSpace { spare_bytes: 0, .. })));
    assert!(!pair.to.package().exists());
    drop(pair.intake());
    let reserved = vault.with_reserve(u64::MAX).intake(pair.to.seal_id, &pair.blobs).unwrap();
    pair.send_missing(&reserved);
    reserved.complete().unwrap();
}

#[test]
fn many_small_objects_hold_few_files_open_and_become_durable_in_groups() {
    let pair = Pair::of(&[1; 2 * INTAKE_GROUP_PARTS + 5]);
    let intake = pair.intake();
    let open = || {
        let files = fs::read_dir("/proc/self/fd").unwrap().filter_map(|fd| fs::read_link(fd.unwrap().path()).ok());
        files.filter(|path| path.starts_with(pair.to.dir.path())).count()
    };
    for blob in &pair.blobs {
        pair.send(&intake, blob.object_id, 0);
        let progress = intake.progress();
        assert!(progress.parts_held - progress.parts_durable < INTAKE_GROUP_PARTS as u64);
        assert!(open() < INTAKE_GROUP_PARTS);
    }
    assert_eq!(intake.progress().objects_sealed, 2 * INTAKE_GROUP_PARTS);
    intake.complete().unwrap();
    assert_eq!(open(), 0);
    pair.assert_arrived();
}

#[test]
fn threads_that_store_the_same_parts_at_once_store_each_once() {
    let pair = Pair::of(&[7 * PART + 1, 2 * PART, 5]);
    let intake = pair.intake();
    let new: usize = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..4_u64)
            .map(|worker| {
                let (pair, intake) = (&pair, &intake);
                scope.spawn(move || {
                    let mut new = 0;
                    for blob in &pair.blobs {
                        let parts = PartBits::none_of(blob.ciphertext_bytes.div_ceil(PART as u64)).missing(0, 100);
                        for index in parts.into_iter().flatten() {
                            new += usize::from(pair.send(intake, blob.object_id, index) == Stored::New);
                            if index % 4 == worker {
                                intake.flush().unwrap();
                            }
                        }
                    }
                    new
                })
            })
            .collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).sum()
    });
    assert_eq!(new, 11);
    intake.complete().unwrap();
    pair.assert_arrived();
}
