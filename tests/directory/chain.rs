//! Several versions: rotation of the keepers, roll-back, two contents under one number.

use rogatory::exchange::directory::{Accepted, DirectoryError, accept, verify};
use rogatory::exchange::keeping;
use rogatory::exchange::reading::{By, ReadError};
use rogatory::exchange::repository::{FileName, Files};
use serde_json::json;

use crate::support::{
    DAY_MS, LIST_METADATA, another, complete, expiries, forged, keepers, now, pin, put, signed, unsigned, with,
    with_from,
};

fn first() -> (Files, Accepted) {
    let files = complete();
    let accepted = accept(None, pin(&files), &files, now()).unwrap();
    (files, accepted)
}

/// Root 2: keepers 2, 4 and 5, two of whom must sign.
fn handed_over(files: &Files) -> Files {
    keeping::hand_over(files, &keepers(&[2, 4, 5], 2), expiries()).unwrap()
}

#[test]
fn a_newer_version_follows_and_an_older_one_never_comes_back() {
    let (old, held) = first();
    let new = signed(&put(&old, &["XC-MOJ"]), &[2, 3]);
    let newer = accept(Some(&held), pin(&old), &new, now()).unwrap();
    assert_eq!((newer.version(), newer.roster().len()), (2, 3));
    let back = accept(Some(&newer), pin(&old), &old, now());
    assert!(matches!(back, Err(DirectoryError::RolledBack { held: 2, offered: 1, .. })), "{back:?}");
}

#[test]
fn no_single_file_goes_back() {
    let (old, _) = first();
    let files = signed(&put(&put(&old, &["XC-MOJ"]), &["XD-MOJ"]), &[1, 2]);
    let held = accept(None, pin(&old), &files, now()).unwrap();
    // Rogue keepers sign a new timestamp over an old snapshot and list.
    let timestamp = forged(&old, FileName::Timestamp, |timestamp| timestamp["version"] = json!(9));
    let refused = accept(Some(&held), pin(&old), &timestamp, now());
    assert!(matches!(refused, Err(DirectoryError::RolledBack { name: FileName::Snapshot, .. })), "{refused:?}");
    let snapshot = forged(&timestamp, FileName::Timestamp, |timestamp| {
        timestamp["meta"]["snapshot.json"]["version"] = json!(9);
    });
    let snapshot = forged(&snapshot, FileName::Snapshot, |snapshot| snapshot["version"] = json!(9));
    let refused = accept(Some(&held), pin(&old), &snapshot, now());
    assert!(matches!(refused, Err(DirectoryError::RolledBack { name: FileName::Targets, .. })), "{refused:?}");
}

#[test]
fn another_content_under_the_same_version_is_refused() {
    let (files, held) = first();
    for name in LIST_METADATA.into_iter().chain([FileName::Root(1)]) {
        let other = forged(&files, name, |signed| signed["expires"] = json!("2040-01-01T00:00:00Z"));
        let root = if name == FileName::Root(1) { pin(&other) } else { pin(&files) };
        let refused = accept(Some(&held), root, &other, now());
        assert_eq!(refused, Err(DirectoryError::Altered { name, version: 1 }), "{name}");
    }
    let other_list = signed(&another(), &[1, 2]);
    assert!(matches!(accept(Some(&held), pin(&files), &other_list, now()), Err(DirectoryError::Altered { .. })));
}

#[test]
fn one_more_signature_changes_nothing() {
    let (files, held) = first();
    let more = signed(&files, &[3]);
    assert_ne!(more, files);
    assert!(accept(Some(&held), pin(&files), &more, now()).unwrap().says_the_same(&held));
}

#[test]
fn a_renewal_prolongs_the_list_and_an_expired_one_is_read_back() {
    let (files, held) = first();
    let later = expiries().list.plus_millis(DAY_MS);
    assert!(accept(Some(&held), pin(&files), &files, later).is_err());
    assert!(verify(pin(&files), &files).unwrap().fresh_at(later).is_err());
    let change = keeping::Change::Renew;
    let renewed = keeping::change(&files, change, later.plus_millis(DAY_MS)).unwrap().files;
    let renewed = signed(&renewed, &[1, 3]);
    let accepted = accept(Some(&held), pin(&files), &renewed, later).unwrap();
    assert_eq!(accepted.roster(), held.roster());
}

#[test]
fn keepers_change_by_enough_of_the_former_and_enough_of_the_new() {
    let (old, held) = first();
    let proposed = handed_over(&old);
    for (signers, missing) in [
        (vec![4, 5], Some(By::KeepersBefore)),
        (vec![1, 4, 5], Some(By::KeepersBefore)),
        (vec![1, 3], Some(By::Keepers)),
        (vec![1, 2], Some(By::Keepers)),
        (vec![1, 2, 4], None),
        (vec![1, 3, 4, 5], None),
    ] {
        let files = signed(&proposed, &signers);
        for result in [accept(None, pin(&old), &files, now()), accept(Some(&held), pin(&old), &files, now())] {
            match (result, missing) {
                (Ok(accepted), None) => assert_eq!(accepted.state(), (2, 2)),
                (Err(DirectoryError::Threshold { by, .. }), Some(expected)) => assert_eq!(by, expected),
                (other, _) => panic!("{signers:?}: {other:?}"),
            }
        }
    }
}

#[test]
fn former_keepers_sign_nothing_more() {
    let (old, held) = first();
    let files = signed(&handed_over(&old), &[1, 2, 4]);
    let accepted = accept(Some(&held), pin(&old), &files, now()).unwrap();
    let next = put(&files, &["XC-MOJ"]);
    assert!(keeping::sign(&next, &crate::support::key(9)).is_err());
    // 2 stayed; 1 and 3 are out: their hands do not count.
    let by_former = signed(&next, &[1, 2, 3]);
    let refused = accept(Some(&accepted), pin(&old), &by_former, now());
    assert!(matches!(refused, Err(DirectoryError::Threshold { have: 1, need: 2, .. })), "{refused:?}");
    assert!(accept(Some(&accepted), pin(&old), &signed(&next, &[4, 5]), now()).is_ok());
}

#[test]
fn the_chain_of_roots_has_no_gap_and_no_fork() {
    let (old, _) = first();
    let second = signed(&handed_over(&old), &[1, 2, 4]);
    let third = keeping::hand_over(&second, &keepers(&[6], 1), expiries()).unwrap();
    let third = signed(&third, &[4, 5, 6]);
    let held = accept(None, pin(&old), &third, now()).unwrap();
    assert_eq!(held.state(), (3, 3));

    let mut gap = Files::new();
    for (name, bytes) in third.iter().filter(|(name, _)| *name != FileName::Root(2)) {
        gap.put(name, bytes.to_vec()).unwrap();
    }
    let refused = accept(None, pin(&old), &gap, now());
    assert_eq!(refused, Err(DirectoryError::Read(ReadError::Missing(FileName::Root(2)))));

    let back = accept(Some(&held), pin(&old), &second, now());
    assert!(matches!(back, Err(DirectoryError::RolledBack { name: FileName::Root(3), .. })), "{back:?}");

    let other = keeping::hand_over(&old, &keepers(&[7], 1), expiries()).unwrap();
    let fork = signed(&other, &[1, 2, 7]);
    assert!(accept(None, pin(&old), &fork, now()).is_ok());
    let held = accept(None, pin(&old), &second, now()).unwrap();
    let refused = accept(Some(&held), pin(&old), &fork, now());
    assert_eq!(refused, Err(DirectoryError::Altered { name: FileName::Root(2), version: 2 }));
}

#[test]
fn an_expired_former_root_is_no_obstacle() {
    let (old, _) = first();
    let short = forged(&old, FileName::Root(1), |root| root["expires"] = json!("2026-11-23T00:00:00Z"));
    let next = signed(&handed_over(&short), &[1, 2, 4]);
    let late = now().plus_millis(30 * DAY_MS);
    assert!(matches!(accept(None, pin(&short), &short, late), Err(DirectoryError::Expired { .. })));
    assert!(accept(None, pin(&short), &next, late).is_ok());
}

#[test]
fn a_later_root_may_be_the_trusted_one() {
    let (old, _) = first();
    let second = signed(&handed_over(&old), &[1, 2, 4]);
    let newest = rogatory::exchange::reading::Reading::of(&second).unwrap().root().digest().into();
    assert_eq!(accept(None, newest, &second, now()).unwrap().state(), (2, 2));
    // What came before the trusted root is not relied on: it need not even be signed.
    let unsigned_first = with_from(&second, FileName::Root(1), &unsigned());
    assert!(accept(None, newest, &unsigned_first, now()).is_ok());
    assert!(accept(None, pin(&old), &unsigned_first, now()).is_err());
    let swapped = with(&second, FileName::Root(1), second.file(FileName::Root(2)).unwrap());
    assert!(matches!(accept(None, newest, &swapped, now()), Err(DirectoryError::Read(_))));
}
