//! Receiving into the vault across crashes and a failing disk: what is kept, what is fetched again, what never completes.

use std::collections::BTreeSet;
use std::fs;

use proptest::prelude::*;

use super::*;
use crate::model::limits::PART_BYTES;
use crate::store::intake_slots::Slots;
use crate::store::vault_fixture::{Pair, flip, noise};

const PART: usize = PART_BYTES;

#[test]
fn a_crash_costs_what_was_not_flushed_and_nothing_else() {
    let mut pair = Pair::of(&[5 * PART, 3]);
    let intake = pair.intake();
    pair.send(&intake, 1, 4);
    pair.send(&intake, 1, 1);
    intake.flush().unwrap();
    pair.send(&intake, 1, 0);
    pair.send(&intake, 2, 0);
    let intake = pair.crash(intake);
    assert_eq!(intake.missing(1, 0, 10), [0..1, 2..4]);
    assert_eq!(intake.missing(2, 0, 10), std::slice::from_ref(&(0..1)));
    assert_eq!((intake.progress().parts_held, intake.progress().parts_durable), (2, 2));
    pair.send_missing(&intake);
    let intake = pair.crash(intake);
    pair.send_missing(&intake);
    intake.complete().unwrap();
    let intake = pair.crash(intake);
    intake.complete().unwrap();
    assert_eq!(intake.progress().parts_durable, 6);
    pair.assert_arrived();
}

#[test]
fn a_crash_at_each_step_of_giving_the_final_name_is_ended_by_the_next_opening() {
    let steps: [fn(&Pair); 4] = [
        |pair| fs::remove_file(pair.to.path("1.parts")).unwrap(),
        |pair| fs::rename(pair.to.path("1.parts"), pair.to.path("1.parts.tmp")).unwrap(),
        |_| {},
        |pair| fs::rename(pair.to.path("1.partial"), pair.to.path("1.sealed")).unwrap(),
    ];
    for (number, step) in steps.into_iter().enumerate() {
        let mut pair = Pair::of(&[3 * PART]);
        let intake = pair.intake();
        pair.send(&intake, 1, 0);
        pair.send(&intake, 1, 1);
        intake.flush().unwrap();
        let slots = fs::read(pair.to.path("1.have")).unwrap();
        pair.send(&intake, 1, 2);
        intake.flush().unwrap();
        // Back to where all slots were written and the object had no name yet.
        fs::write(pair.to.path("1.have"), slots).unwrap();
        let arrival = Arrival::list(&pair.blobs).unwrap()[0];
        let leaf = leaf_hash(&pair.part(1, 2).0);
        let open = Slots::open(&pair.to.path("1.have"), arrival.grid, arrival.root).unwrap();
        open.write(&[(2, leaf)]).unwrap();
        fs::rename(pair.to.path("1.sealed"), pair.to.path("1.partial")).unwrap();
        step(&pair);
        let intake = pair.crash(intake);
        assert_eq!(intake.missing(1, 0, 10), [], "step {number}: nothing is fetched again");
        intake.complete().unwrap();
        pair.assert_arrived();
    }
}

#[test]
fn slots_that_lie_never_complete_an_object() {
    let mut pair = Pair::of(&[3 * PART]);
    let arrival = Arrival::list(&pair.blobs).unwrap()[0];
    let intake = pair.intake();
    pair.send(&intake, 1, 0);
    intake.flush().unwrap();
    let slots = Slots::open(&pair.to.path("1.have"), arrival.grid, arrival.root).unwrap();
    // Valid slots for parts that never came: one with a wrong hash, one with the right hash of absent bytes.
    slots.write(&[(1, leaf_hash(b"never came")), (2, leaf_hash(&pair.part(1, 2).0))]).unwrap();
    let intake = pair.crash(intake);
    assert!(matches!(intake.complete(), Err(IntakeError::Incomplete { parts_missing: 2 })));
    assert_eq!(intake.missing(1, 0, 10), std::slice::from_ref(&(1..3)));
    let intake = pair.crash(intake);
    assert_eq!(intake.missing(1, 0, 10), std::slice::from_ref(&(1..3)), "the lie is erased durably");
    pair.send_missing(&intake);
    intake.complete().unwrap();
    pair.assert_arrived();
}

#[test]
fn bytes_and_slots_that_agree_on_something_else_never_complete_an_object() {
    let mut pair = Pair::of(&[2 * PART]);
    let arrival = Arrival::list(&pair.blobs).unwrap()[0];
    let intake = pair.intake();
    let other = noise(2 * PART, 99);
    fs::write(pair.to.path("1.partial"), &other).unwrap();
    let slots = Slots::open(&pair.to.path("1.have"), arrival.grid, arrival.root).unwrap();
    slots.write(&[(0, leaf_hash(&other[..PART])), (1, leaf_hash(&other[PART..]))]).unwrap();
    let intake = pair.crash(intake);
    assert!(matches!(intake.complete(), Err(IntakeError::Incomplete { parts_missing: 2 })));
    pair.send_missing(&intake);
    intake.complete().unwrap();
    pair.assert_arrived();
}

#[test]
fn a_partial_file_that_was_cut_or_lost_keeps_its_good_parts() {
    for (left, missing) in [(4 * PART, vec![4..5]), (PART + 7, vec![1..2, 3..5]), (0, vec![0..2, 3..5])] {
        let mut pair = Pair::of(&[4 * PART + 9]);
        let intake = pair.intake();
        for index in [0, 1, 3, 4] {
            pair.send(&intake, 1, index);
        }
        intake.flush().unwrap();
        let path = pair.to.path("1.partial");
        fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(left as u64).unwrap();
        if left == 0 {
            fs::remove_file(&path).unwrap();
        }
        let intake = pair.crash(intake);
        let expected: Vec<u64> = match left {
            0 => (0..5).collect(),
            _ => missing.into_iter().flatten().chain([2]).collect(),
        };
        let found: BTreeSet<u64> = intake.missing(1, 0, 10).into_iter().flatten().collect();
        assert_eq!(found, expected.into_iter().collect(), "{left} bytes left");
        pair.send_missing(&intake);
        intake.complete().unwrap();
        pair.assert_arrived();
    }
}

#[derive(Debug, Clone)]
enum Act {
    Send(u32, u64),
    Flush,
    Complete,
    Crash,
    FlipSlot(u32, usize),
    CutSlots(u32, u64),
    LoseSlots(u32),
    CutPartial(u32, u64),
}

fn act() -> impl Strategy<Value = Act> {
    let object = 1_u32..4;
    prop_oneof![
        8 => (object.clone(), 0_u64..4).prop_map(|(object, index)| Act::Send(object, index)),
        2 => Just(Act::Flush),
        1 => Just(Act::Complete),
        2 => Just(Act::Crash),
        1 => (object.clone(), 0_usize..144).prop_map(|(object, at)| Act::FlipSlot(object, at)),
        1 => (object.clone(), 0_u64..144).prop_map(|(object, left)| Act::CutSlots(object, left)),
        1 => object.clone().prop_map(Act::LoseSlots),
        1 => (object, 0_u64..4 << 20).prop_map(|(object, left)| Act::CutPartial(object, left)),
    ]
}

fn cut(path: &std::path::Path, left: u64) {
    if let Ok(file) = fs::OpenOptions::new().write(true).open(path) {
        let length = file.metadata().unwrap().len();
        file.set_len(length.min(left)).unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Damage happens while no process runs: each one is followed by a new opening.
    #[test]
    fn whatever_crashes_and_damage_come_the_package_that_completes_is_the_one_that_was_sealed(
        acts in proptest::collection::vec(act(), 1..40),
    ) {
        let mut pair = Pair::of(&[3 * PART + 5, 2 * PART, 9]);
        let mut intake = pair.intake();
        for act in acts {
            let path = |object: u32, kind: &str| pair.to.path(&format!("{object}.{kind}"));
            match act {
                Act::Send(object, index) => {
                    let parts = pair.blobs[object as usize - 1].ciphertext_bytes.div_ceil(PART as u64);
                    pair.send(&intake, object, index % parts);
                    continue;
                }
                Act::Flush => {
                    intake.flush().unwrap();
                    continue;
                }
                Act::Complete => {
                    if intake.complete().is_ok() {
                        pair.assert_arrived();
                    }
                    continue;
                }
                Act::Crash => {}
                Act::FlipSlot(object, at) => {
                    let path = path(object, "have");
                    if fs::metadata(&path).is_ok_and(|file| file.len() > at as u64) {
                        flip(&path, at);
                    }
                }
                Act::CutSlots(object, left) => cut(&path(object, "have"), left),
                Act::LoseSlots(object) => drop(fs::remove_file(path(object, "have"))),
                Act::CutPartial(object, left) => cut(&path(object, "partial"), left),
            }
            intake = pair.crash(intake);
        }
        pair.send_missing(&intake);
        intake.complete().unwrap();
        pair.assert_arrived();
    }
}
