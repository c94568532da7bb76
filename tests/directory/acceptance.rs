//! One version: thresholds, tampering, expiry, and what the list may say.

use rogatory::crypto::digest::sha256;
use rogatory::crypto::ed25519::SigningKey;
use rogatory::custody::note::VerifierKey;
use rogatory::exchange::directory::{Accepted, DirectoryError, accept};
use rogatory::exchange::keeping;
use rogatory::exchange::listing::ListingError;
use rogatory::exchange::reading::ReadError;
use rogatory::exchange::repository::{FileName, Files, RepositoryError};
use rogatory::exchange::statement::StatementError;
use rogatory::model::ident::AuthorityId;
use rogatory::model::limits::{DIRECTORY_BYTES_MAX, DIRECTORY_METADATA_BYTES_MAX};
use serde_json::{Value, json};

use crate::support::{
    LIST_METADATA, authority, complete, edited, expiries, forged, json, now, pin, public, put, signed, unsigned, with,
    with_from, with_list,
};

fn judged(files: &Files) -> Result<Accepted, DirectoryError> {
    accept(None, pin(&complete()), files, now())
}

#[test]
fn a_directory_that_enough_keepers_signed_gives_the_roster() {
    let files = complete();
    let accepted = judged(&files).unwrap();
    let ids: Vec<&str> = accepted.roster().authorities().map(|authority| authority.id.as_str()).collect();
    assert_eq!(ids, ["XA-MOJ", "XB-MOJ"]);
    assert_eq!(accepted.version(), 1);
    assert_eq!(accepted.digest(), sha256(files.file(FileName::Listing).unwrap()));
    assert_eq!(accepted.expires_at(), expiries().list);
    let found = accepted.roster().authority(&"XB-MOJ".parse().unwrap()).unwrap();
    assert_eq!(found.languages, authority("XB-MOJ").languages);
    assert!(accepted.roster().authority(&"XC-MOJ".parse().unwrap()).is_none());
}

#[test]
fn a_file_that_lacks_one_of_two_signatures_is_refused() {
    let one = signed(&unsigned(), &[1]);
    for name in LIST_METADATA.into_iter().chain([FileName::Root(1)]) {
        let refused = judged(&with_from(&complete(), name, &one));
        assert!(
            matches!(refused, Err(DirectoryError::Threshold { name: found, have: 1, need: 2, .. }) if found == name),
            "{name}: {refused:?}"
        );
        assert!(judged(&with_from(&complete(), name, &unsigned())).is_err(), "{name}");
    }
}

#[test]
fn one_key_never_counts_twice_for_a_threshold() {
    let one = signed(&unsigned(), &[1]);
    for name in LIST_METADATA {
        let files = with_from(&complete(), name, &one);
        let doubled = edited(&files, name, |file| {
            let row = file["signatures"][0].clone();
            file["signatures"].as_array_mut().unwrap().push(row);
        });
        let refused = judged(&doubled).unwrap_err();
        assert!(refused.to_string().contains("signed it twice"), "{refused}");

        let under_another_id = edited(&files, name, |file| {
            let mut row = file["signatures"][0].clone();
            row["keyid"] = json!(public(2).id().to_string());
            file["signatures"].as_array_mut().unwrap().push(row);
        });
        assert_eq!(judged(&under_another_id), Err(DirectoryError::BadSignature { name, keeper: public(2) }));

        let in_capitals = edited(&files, name, |file| {
            let mut row = file["signatures"][0].clone();
            row["keyid"] = json!(row["keyid"].as_str().unwrap().to_uppercase());
            file["signatures"].as_array_mut().unwrap().push(row);
        });
        assert!(judged(&in_capitals).is_err());
    }
}

#[test]
fn a_root_that_counts_one_key_twice_is_refused() {
    let id = public(1).id().to_string();
    let twice_in_a_role = forged(&complete(), FileName::Root(1), |root| {
        root["roles"]["targets"]["keyids"] = json!([id, id]);
    });
    let two_names = forged(&complete(), FileName::Root(1), |root| {
        let other = "00".repeat(32);
        root["keys"][&other] = root["keys"][&id].clone();
        root["roles"]["targets"]["keyids"] = json!([id, other]);
    });
    for files in [twice_in_a_role, two_names] {
        assert!(matches!(judged(&files), Err(DirectoryError::Read(ReadError::Malformed { .. }))));
    }
}

#[test]
fn a_flipped_bit_anywhere_is_refused() {
    let files = complete();
    for (name, bytes) in files.iter() {
        for position in (0..bytes.len()).step_by(7) {
            let mut flipped = bytes.to_vec();
            flipped[position] ^= 1;
            assert!(judged(&with(&files, name, flipped)).is_err(), "{name} byte {position}");
        }
    }
}

#[test]
fn files_of_two_states_do_not_mix() {
    let first = complete();
    let second = signed(&put(&first, &["XC-MOJ"]), &[1, 2]);
    assert!(judged(&second).is_ok());
    for name in LIST_METADATA.into_iter().chain([FileName::Listing]) {
        assert!(matches!(judged(&with_from(&second, name, &first)), Err(DirectoryError::Read(_))), "{name}");
        assert!(matches!(judged(&with_from(&first, name, &second)), Err(DirectoryError::Read(_))), "{name}");
    }
    let refused = judged(&with_from(&first, FileName::Listing, &second));
    assert_eq!(refused, Err(DirectoryError::Read(ReadError::Digest)));
}

#[test]
fn a_missing_file_is_named() {
    for (missing, _) in complete().iter() {
        let mut files = Files::new();
        for (name, bytes) in complete().iter().filter(|(name, _)| *name != missing) {
            files.put(name, bytes.to_vec()).unwrap();
        }
        assert_eq!(judged(&files), Err(DirectoryError::Read(ReadError::Missing(missing))));
    }
}

#[test]
fn whatever_expires_first_ends_the_directory() {
    let files = complete();
    let accepted = judged(&files).unwrap();
    assert!(accepted.fresh_at(now()).is_ok());
    let late = accept(None, pin(&files), &files, expiries().list);
    assert!(matches!(late, Err(DirectoryError::Expired { name: FileName::Timestamp, .. })), "{late:?}");
    for name in LIST_METADATA.into_iter().chain([FileName::Root(1)]) {
        let stale = forged(&files, name, |signed| signed["expires"] = json!("2026-11-22T09:00:00Z"));
        let refused = accept(None, pin(&stale), &stale, now());
        assert!(matches!(refused, Err(DirectoryError::Expired { name: found, .. }) if found == name), "{name}");
    }
}

#[test]
fn other_keepers_are_not_trusted() {
    let others = signed(&keeping::found(&crate::support::keepers(&[7, 8], 2), expiries()).unwrap(), &[7, 8]);
    assert!(accept(None, pin(&others), &others, now()).is_ok());
    assert!(matches!(judged(&others), Err(DirectoryError::UntrustedRoot(_))));
}

#[test]
fn an_unknown_field_is_refused_by_its_name_even_if_it_is_signed() {
    for name in LIST_METADATA.into_iter().chain([FileName::Root(1)]) {
        let inside = forged(&complete(), name, |signed| signed["comment"] = json!("x"));
        let refused = judged(&inside).unwrap_err();
        assert!(refused.to_string().contains("`comment`"), "{refused}");
        let outside = edited(&complete(), name, |file| file["comment"] = json!("x"));
        let envelope = ReadError::Malformed { name, error: StatementError::NoEnvelope };
        assert_eq!(judged(&outside), Err(DirectoryError::Read(envelope)));
    }
    let list = with_list(&complete(), &{
        let mut list = json(&complete(), FileName::Listing);
        list["authorities"][0]["trusted"] = json!(true);
        list
    });
    let refused = judged(&list).unwrap_err();
    assert!(refused.to_string().contains("`trusted`"), "{refused}");
}

#[test]
fn metadata_that_means_something_else_is_refused() {
    type Edit = fn(&mut Value);
    let edits: [(FileName, Edit); 9] = [
        (FileName::Root(1), |root| root["consistent_snapshot"] = json!(true)),
        (FileName::Root(1), |root| root["roles"]["targets"]["threshold"] = json!(0)),
        (FileName::Root(1), |root| root["roles"]["targets"]["threshold"] = json!(4)),
        (FileName::Root(1), |root| root["roles"]["targets"]["keyids"][0] = json!("00".repeat(32))),
        (FileName::Root(1), |root| root["version"] = json!(2)),
        (FileName::Targets, |targets| targets["_type"] = json!("snapshot")),
        (FileName::Targets, |targets| targets["spec_version"] = json!("2.0.0")),
        (FileName::Targets, |targets| targets["expires"] = json!("2030-01-01")),
        (FileName::Timestamp, |timestamp| timestamp["version"] = json!(0)),
    ];
    for (name, edit) in edits {
        let refused = judged(&forged(&complete(), name, edit));
        assert!(matches!(refused, Err(DirectoryError::Read(_))), "{name}: {refused:?}");
    }
}

#[test]
fn an_authority_stands_once_and_shares_no_key() {
    let list = json(&complete(), FileName::Listing);
    assert!(judged(&with_list(&complete(), &list)).is_ok());

    let mut twice = list.clone();
    twice["authorities"][1] = twice["authorities"][0].clone();
    let expected = ListingError::Twice("XA-MOJ".parse().unwrap());
    assert_eq!(judged(&with_list(&complete(), &twice)), Err(DirectoryError::Read(ReadError::Listing(expected))));

    for field in ["issuers", "receiving_keys"] {
        let mut shared = list.clone();
        shared["authorities"][1][field] = shared["authorities"][0][field].clone();
        shared["authorities"][1]["revocation_lists"] = match field {
            "issuers" => shared["authorities"][0]["revocation_lists"].clone(),
            _ => shared["authorities"][1]["revocation_lists"].clone(),
        };
        let expected = ListingError::Shared("XA-MOJ".parse().unwrap(), "XB-MOJ".parse().unwrap());
        let refused = judged(&with_list(&complete(), &shared));
        assert_eq!(refused, Err(DirectoryError::Read(ReadError::Listing(expected))), "{field}");
    }

    // Under its own name, but with the other's key: it would seem to have cosigned what the other cosigned.
    let key = SigningKey::from_seed(&[9; 32]).public_key();
    let mut borrowed = list.clone();
    for (row, id) in [(0, "XA-MOJ"), (1, "XB-MOJ")] {
        let name = id.parse::<AuthorityId>().unwrap().witness_name().parse().unwrap();
        borrowed["authorities"][row]["witness_keys"] = json!([VerifierKey::ed25519_cosigner(name, key).to_string()]);
    }
    let expected = ListingError::Shared("XA-MOJ".parse().unwrap(), "XB-MOJ".parse().unwrap());
    let refused = judged(&with_list(&complete(), &borrowed));
    assert_eq!(refused, Err(DirectoryError::Read(ReadError::Listing(expected))));

    let mut renumbered = list;
    renumbered["version"] = json!(2);
    assert!(matches!(
        judged(&with_list(&complete(), &renumbered)),
        Err(DirectoryError::Read(ReadError::Version { .. }))
    ));
}

#[test]
fn an_oversized_file_is_refused_before_it_is_read() {
    let mut files = complete();
    let metadata = vec![b' '; DIRECTORY_METADATA_BYTES_MAX + 1];
    let list = vec![b' '; DIRECTORY_BYTES_MAX + 1];
    for (name, bytes) in [(FileName::Targets, metadata), (FileName::Listing, list)] {
        assert!(matches!(files.put(name, bytes), Err(RepositoryError::FileTooLarge { .. })));
    }
    assert!(judged(&files).is_ok());
}
