//! The custody ledger through its public face: many callers, roll-back, derived files, locks. Crashes are in `crash.rs`.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

mod common;
mod crash;
mod erasure;
mod fsck;
mod judge;
mod second_key;

use std::fs;
use std::ops::ControlFlow;
use std::sync::Arc;

use rogatory::crypto::ed25519::SigningKey;
use rogatory::custody::checkpoint::SignedCheckpoint;
use rogatory::custody::tile::tiles_between;
use rogatory::custody::tree::verify_consistency;
use rogatory::store::journal::Stored;
use rogatory::store::ledger::{Ledger, OpenError};
use rogatory::store::reader::{ReadOpenError, Reader};
use rogatory::store::restore::RestoreError;

use common::*;

#[test]
fn what_is_appended_reads_back_proves_and_survives_a_restart_over_many_segments_and_tiles() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    assert_eq!(ledger.reader().checkpoint().unwrap().checkpoint().size(), 0);
    for size in (1..=35).map(|twentieth| twentieth * 20) {
        fill(&ledger, size);
    }
    check_all(ledger.reader(), 700);
    ledger.close();
    assert!(segments(dir.path()).len() > 4);
    let ledger = open(dir.path());
    check_all(ledger.reader(), 700);
    assert_eq!(ledger.reader().published_size(), 700);
    assert!(ledger.reader().tear().is_none());
    assert_eq!(ledger.append(entry(700)).unwrap().index, 700);
    let mut seen = Vec::new();
    let visit = |stored: Stored| {
        seen.push(stored.index);
        if stored.index == 698 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    ledger.reader().scan(650, visit).unwrap();
    assert!(seen.into_iter().eq(650..=698));
    assert!(ledger.reader().read(701).is_err());
}

#[test]
fn every_older_size_is_proven_to_be_the_beginning_of_the_log() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    let mut roots = Vec::new();
    for size in [0, 1, 3, 4, 255, 256, 257, 512, 600] {
        fill(&ledger, size);
        roots.push((size, ledger.reader().checkpoint().unwrap().checkpoint().root()));
    }
    for (old, old_root) in &roots {
        assert_eq!(ledger.reader().root_at(*old).unwrap(), *old_root);
        for (new, new_root) in roots.iter().filter(|(new, _)| new >= old) {
            let proof = ledger.reader().consistency(*old, *new).unwrap();
            assert_eq!(verify_consistency(*old, old_root, *new, new_root, &proof), Ok(()));
        }
    }
    assert!(ledger.reader().consistency(3, 601).is_err());
}

#[test]
fn sixty_four_callers_each_get_their_own_place() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = Arc::new(open(dir.path()));
    let callers: Vec<_> = (0..64_u64)
        .map(|caller| {
            let ledger = Arc::clone(&ledger);
            std::thread::spawn(move || {
                let place = |number| {
                    let appended = ledger.append(entry(number)).unwrap();
                    assert!(appended.checkpoint.checkpoint().size() > appended.index);
                    (appended.index, number)
                };
                (caller * 8..caller * 8 + 8).map(place).collect::<Vec<_>>()
            })
        })
        .collect();
    let mut places: Vec<_> = callers.into_iter().flat_map(|caller| caller.join().unwrap()).collect();
    places.sort_unstable();
    assert!(places.iter().map(|(index, _)| *index).eq(0..512));
    for (index, number) in places {
        let stored = ledger.reader().read(index).unwrap().content.unwrap();
        assert_eq!(stored.record, record(number));
    }
}

#[test]
fn a_journal_older_than_the_published_checkpoint_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let journal = dir.path().join("journal");
    let ledger = open(dir.path());
    fill(&ledger, 3);
    ledger.close();
    let old = tempfile::tempdir().unwrap();
    copy_dir(&journal, old.path());
    let ledger = open(dir.path());
    fill(&ledger, 5);
    ledger.close();
    fs::remove_dir_all(&journal).unwrap();
    copy_dir(old.path(), &journal);
    let refused = try_open(dir.path()).unwrap_err().to_string();
    assert!(refused.contains("rolled back: 5 entries are published and the journal holds 3"), "{refused}");
    fs::remove_dir_all(&journal).unwrap();
    let refused = try_open(dir.path()).unwrap_err();
    let rolled_back = RestoreError::RolledBack { published: 5, journal: 0 }.to_string();
    assert_eq!(refused.to_string(), rolled_back);
}

#[test]
fn another_history_or_another_key_of_the_same_log_is_refused() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for (dir, size) in [(&one, 3), (&two, 4)] {
        let ledger = open(dir.path());
        fill(&ledger, size);
        ledger.close();
    }
    fs::copy(one.path().join("checkpoint"), two.path().join("checkpoint")).unwrap();
    let refused = try_open(two.path()).unwrap_err();
    assert!(matches!(refused, OpenError::Restore(RestoreError::Forked { size: 3 })), "{refused}");
    let key = SigningKey::from_seed(&[9; 32]);
    let refused = Ledger::open(one.path(), origin(), key, Box::new(|_| {})).unwrap_err();
    assert!(matches!(refused, OpenError::Restore(RestoreError::OtherKey)), "{refused}");
}

#[test]
fn tiles_that_are_deleted_or_damaged_are_made_again_as_they_were() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    fill(&ledger, 700);
    ledger.close();
    let kept = copy_of_published(dir.path());
    let damage: [(&str, Option<usize>); 6] = [
        ("tile/0/000", None),
        ("tile/0/001", Some(0)),
        ("tile/0/002.p/188", Some(40)),
        ("tile/1/000.p/2", Some(31)),
        ("tile/entries/002.p/188", Some(3)),
        ("tile/entries/000", None),
    ];
    for (name, flip) in damage {
        let path = dir.path().join(name);
        let good = fs::read(&path).unwrap();
        match flip {
            None => fs::remove_file(&path).unwrap(),
            Some(at) => {
                let mut bytes = good.clone();
                bytes[at] ^= 1;
                fs::write(&path, bytes).unwrap();
            }
        }
        let ledger = open(dir.path());
        check_all(ledger.reader(), 700);
        ledger.close();
        assert_eq!(fs::read(&path).unwrap(), good, "{name}");
    }
    put_back(dir.path(), &kept);
    fs::remove_dir_all(dir.path().join("tile")).unwrap();
    fs::remove_file(dir.path().join("checkpoint")).unwrap();
    let reader = Reader::open_read_only(dir.path(), &verifier()).unwrap();
    check_all(&reader, 700);
    drop(reader);
    assert!(!dir.path().join("tile").exists());
    open(dir.path()).close();
    for name in ["checkpoint", "log.vkey", "tile/0/000", "tile/0/002.p/188"] {
        assert!(dir.path().join(name).exists(), "{name}");
    }
}

#[test]
fn offset_files_that_are_missing_short_or_wrong_are_passed_over() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    (1..=40).for_each(|tenth| fill(&ledger, tenth * 10));
    let first = dir.path().join("journal/00000000000000000000.idx");
    let good = fs::read(&first).unwrap();
    for bad in [None, Some(Vec::new()), Some(vec![0; good.len()]), Some(vec![0xff; good.len()])] {
        match bad {
            None => fs::remove_file(&first).unwrap(),
            Some(bytes) => fs::write(&first, bytes).unwrap(),
        }
        assert_eq!(ledger.reader().read(1).unwrap().content.unwrap().record, record(1));
        assert_eq!(fs::read(&first).unwrap(), good);
    }
}

#[test]
fn a_second_daemon_and_a_reader_beside_a_daemon_are_refused_clearly() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    let refused = try_open(dir.path()).unwrap_err();
    assert!(refused.to_string().contains("another rogatory process"), "{refused}");
    let refused = Reader::open_read_only(dir.path(), &verifier()).unwrap_err();
    assert!(matches!(refused, ReadOpenError::Lock(_)));
    ledger.close();
    assert!(Reader::open_read_only(dir.path(), &verifier()).is_ok());
}

#[test]
fn a_journal_of_a_newer_version_is_refused_untouched() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    fill(&ledger, 2);
    ledger.close();
    let segment = segments(dir.path()).pop().unwrap();
    let mut bytes = fs::read(&segment).unwrap();
    bytes[11] = 2;
    fs::write(&segment, &bytes).unwrap();
    let refused = try_open(dir.path()).unwrap_err();
    assert!(refused.to_string().contains("version 2"), "{refused}");
    assert_eq!(fs::read(&segment).unwrap(), bytes);
}

#[test]
fn a_log_whose_tiles_cannot_be_written_still_takes_entries_and_publishes_them_later() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("tile"), b"in the way").unwrap();
    let ledger = open(dir.path());
    fill(&ledger, 300);
    assert!(ledger.reader().prove(7).is_ok());
    ledger.close();
    assert!(!dir.path().join("checkpoint").exists());
    fs::remove_file(dir.path().join("tile")).unwrap();
    let ledger = open(dir.path());
    check_all(ledger.reader(), 300);
    ledger.close();
    assert!(dir.path().join("tile/0/001.p/44").exists());
    assert!(dir.path().join("checkpoint").exists());
}

#[test]
fn no_published_checkpoint_is_ever_ahead_of_its_tiles() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    let watched = dir.path().to_owned();
    let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    let watcher = std::thread::spawn(move || {
        let mut sizes = std::collections::BTreeSet::new();
        while !stopped.load(std::sync::atomic::Ordering::Relaxed) {
            let Ok(note) = fs::read(watched.join("checkpoint")) else { continue };
            let signed = SignedCheckpoint::open(&note, &[verifier()]).unwrap();
            let size = signed.checkpoint().size();
            for tile in tiles_between(size.saturating_sub(1), size) {
                // A partial tile may be gone only because the full one is there.
                let path = watched.join(tile.path());
                let full = watched.join(tile.path().split(".p/").next().unwrap());
                assert!(path.exists() || full.exists(), "{size} {tile}");
            }
            sizes.insert(size);
        }
        sizes
    });
    for round in 1..=8 {
        fill(&ledger, round * 70);
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    ledger.close();
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    assert!(watcher.join().unwrap().len() > 1);
}
