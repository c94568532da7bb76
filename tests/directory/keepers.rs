//! What keepers can and cannot do to a directory.

use rogatory::exchange::keeping::{self, Change, KeepError, Keepers};
use rogatory::exchange::listing::{ListingError, Put};
use rogatory::exchange::reading::Reading;
use rogatory::exchange::repository::FileName;
use rogatory::model::limits::KEEPERS_MAX;
use serde_json::json;

use crate::support::{
    LIST_METADATA, complete, edited, entry, expiries, keepers, key, public, put, signed, unsigned, with_from,
};

fn version(files: &rogatory::exchange::repository::Files) -> u64 {
    Reading::of(files).unwrap().listing().version()
}

#[test]
fn a_threshold_is_of_different_keepers() {
    assert_eq!(Keepers::new([public(1), public(1)], 1), Err(KeepError::KeeperTwice(public(1))));
    for (count, threshold) in [(0, 0), (0, 1), (2, 0), (2, 3), (KEEPERS_MAX + 1, 1)] {
        let keys = (1..=u8::try_from(count).unwrap()).map(public);
        assert_eq!(Keepers::new(keys, threshold), Err(KeepError::Keepers { keys: count, threshold }));
    }
    assert!(Keepers::new([public(1), public(2)], 2).is_ok());
}

#[test]
fn a_version_that_anybody_signed_is_never_changed() {
    assert_eq!(version(&put(&unsigned(), &["XC-MOJ"])), 1);
    assert_eq!(version(&put(&signed(&unsigned(), &[1]), &["XC-MOJ"])), 2);
    assert_eq!(version(&put(&complete(), &["XC-MOJ"])), 2);
    // One signature on one of the three files is enough: it may lie in a mailbox.
    for name in LIST_METADATA {
        let one = with_from(&unsigned(), name, &signed(&unsigned(), &[1]));
        assert_eq!(version(&put(&one, &["XC-MOJ"])), 2, "{name}");
    }
}

#[test]
fn a_change_takes_every_signature_away_from_what_it_changes() {
    let changed = put(&complete(), &["XC-MOJ"]);
    for file in Reading::of(&changed).unwrap().signatures() {
        let count = file.signers.unwrap().signed.len();
        assert_eq!(count, if file.name == FileName::Root(1) { 2 } else { 0 }, "{}", file.name);
    }
}

#[test]
fn rows_are_added_replaced_and_removed() {
    let rows = vec![entry("XC-MOJ"), entry("XA-MOJ")];
    let changed = keeping::change(&complete(), Change::Put(rows), expiries().list).unwrap();
    let expected = [("XC-MOJ".parse().unwrap(), Put::Added), ("XA-MOJ".parse().unwrap(), Put::Replaced)];
    assert_eq!(changed.rows, expected);
    let gone = keeping::change(&changed.files, Change::Remove("XB-MOJ".parse().unwrap()), expiries().list).unwrap();
    let reading = Reading::of(&gone.files).unwrap();
    let ids: Vec<&str> = reading.listing().entries().map(|entry| entry.authority().id.as_str()).collect();
    assert_eq!(ids, ["XA-MOJ", "XC-MOJ"]);
}

#[test]
fn an_impossible_change_is_refused() {
    let twice = Change::Put(vec![entry("XC-MOJ"), entry("XC-MOJ")]);
    let refused = keeping::change(&complete(), twice, expiries().list).unwrap_err();
    assert_eq!(refused, KeepError::Listing(ListingError::Twice("XC-MOJ".parse().unwrap())));
    let stranger = Change::Remove("XZ-MOJ".parse().unwrap());
    let refused = keeping::change(&complete(), stranger, expiries().list).unwrap_err();
    assert_eq!(refused, KeepError::Listing(ListingError::NotListed("XZ-MOJ".parse().unwrap())));
}

#[test]
fn a_keeper_signs_each_file_once_and_a_stranger_none() {
    let (once, names) = keeping::sign(&unsigned(), &key(3)).unwrap();
    assert_eq!(names, [FileName::Root(1), FileName::Timestamp, FileName::Snapshot, FileName::Targets]);
    let (twice, names) = keeping::sign(&once, &key(3)).unwrap();
    assert_eq!((twice, names), (once, Vec::new()));
    assert_eq!(keeping::sign(&unsigned(), &key(9)).unwrap_err(), KeepError::NotAKeeper(public(9)));
}

#[test]
fn a_keeper_signs_nothing_that_does_not_fit_or_was_tampered_with() {
    let next = put(&complete(), &["XC-MOJ"]);
    let mixed = with_from(&next, FileName::Listing, &complete());
    assert!(matches!(keeping::sign(&mixed, &key(1)), Err(KeepError::Read(_))));
    let tampered = edited(&complete(), FileName::Targets, |targets| {
        targets["signed"]["expires"] = json!("2040-01-01T00:00:00Z");
    });
    let refused = keeping::sign(&tampered, &key(3)).unwrap_err();
    assert!(matches!(refused, KeepError::BadSignature { name: FileName::Targets, .. }), "{refused}");
}

#[test]
fn a_hand_over_waits_for_the_one_before() {
    let next = keeping::hand_over(&complete(), &keepers(&[4, 5], 2), expiries()).unwrap();
    let refused = keeping::hand_over(&next, &keepers(&[6], 1), expiries()).unwrap_err();
    assert_eq!(refused, KeepError::RootIncomplete(FileName::Root(2)));
    let refused = keeping::hand_over(&unsigned(), &keepers(&[6], 1), expiries()).unwrap_err();
    assert_eq!(refused, KeepError::RootIncomplete(FileName::Root(1)));
    let done = signed(&next, &[1, 2, 4, 5]);
    assert!(keeping::hand_over(&done, &keepers(&[6], 1), expiries()).is_ok());
}
