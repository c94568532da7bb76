//! Rows as an authority writes them, and every way to write one wrong.

use serde_json::{Value, json};

use super::*;
use crate::crypto::ed25519::SigningKey;
use crate::crypto::issue::{Identity, Validity, authority_ca, revocation_list};
use crate::crypto::mldsa;
use crate::custody::cosignature::Cosigner;
use crate::custody::note::VerifierKey;
use crate::model::authority::Provenance;
use crate::model::ident::AuthorityId;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn ca(id: &str) -> Identity {
    let validity = Validity { not_before: at("2026-01-01"), not_after: at("2030-01-01") };
    authority_ca(&id.parse().unwrap(), "Ministry", validity).unwrap()
}

fn list(ca: &Identity) -> Vec<u8> {
    revocation_list(ca, &[], at("2026-01-01"), at("2030-01-01"), 1).unwrap()
}

fn vkey(id: &str) -> String {
    let id: AuthorityId = id.parse().unwrap();
    VerifierKey::new(id.log_origin().parse().unwrap(), SigningKey::from_seed(&[7; 32]).public_key()).to_string()
}

fn cosigner(id: &str) -> [String; 2] {
    let name = id.parse::<AuthorityId>().unwrap().witness_name().parse().unwrap();
    let keys = (SigningKey::from_seed(&[8; 32]), mldsa::SigningKey::from_seed(&[8; 32]));
    Cosigner::new(&name, keys.0, keys.1).verifier_keys().map(|key| key.to_string())
}

/// A row with the keys of both algorithms for log and witness, and the certificate of a time-stamp authority.
fn full_row() -> Value {
    let mut row = row();
    let origin = "xa-moj.rogatory/custody".parse().unwrap();
    let lasting = VerifierKey::ml_dsa_44(origin, mldsa::SigningKey::from_seed(&[7; 32]).public_key().clone());
    row["log_keys"].as_array_mut().unwrap().push(json!(lasting.to_string()));
    row["witness_keys"] = json!(cosigner("XA-MOJ"));
    row["time_stamp_issuers"] = json!([base64::encode(&ca("XC-TSA").certificate)]);
    row
}

fn row() -> Value {
    let ca = ca("XA-MOJ");
    json!({
        "id": "XA-MOJ",
        "name": "Ministério da Justiça",
        "endpoints": ["node.moj.example:4433", "[2001:db8::1]:4433"],
        "issuers": [base64::encode(&ca.certificate)],
        "revocation_lists": [base64::encode(&list(&ca))],
        "log_keys": [vkey("XA-MOJ")],
        "receiving_keys": [{
            "suite": "rogatory-seal-1",
            "public_key": base64::encode(&[9; RECEIVING_KEY_BYTES]),
            "not_before": "2026-01-01T00:00:00Z",
            "not_after": "2027-01-01T00:00:00Z",
        }],
        "languages": ["pt", "en-GB"],
        "source": {"kind": "peer-notice", "note": "Note verbale 12/2026"},
    })
}

fn parsed(row: &Value) -> Result<Entry, EntryError> {
    Entry::parse(&serde_json::to_vec(row).unwrap())
}

#[test]
fn a_row_reads_back_from_its_file() {
    let entry = parsed(&row()).unwrap();
    assert_eq!(entry.authority().provenance, Provenance::PeerNotice);
    assert_eq!(entry.source(), "peer-notice");
    assert_eq!(Entry::parse(&entry.to_json()).unwrap(), entry);
    assert_eq!(Entry::new(entry.authority(), entry.note()).unwrap(), entry);
    let key = &entry.authority().receiving_keys[0];
    assert_eq!(key.id, sha256(&key.public_key));
}

#[test]
fn a_row_names_the_keys_of_log_and_witness_in_both_algorithms_and_those_who_stamp_time() {
    let entry = parsed(&full_row()).unwrap();
    assert_eq!(Entry::parse(&entry.to_json()).unwrap(), entry);
    let authority = entry.authority();
    let counts = [&authority.log_keys, &authority.witness_keys].map(Vec::len);
    assert_eq!((counts, authority.time_stamp_issuers.len(), entry.verifier_keys().len()), ([2, 2], 1, 4));
}

#[test]
fn a_row_that_was_signed_before_there_were_witnesses_reads_back_as_it_was() {
    let text = String::from_utf8(parsed(&row()).unwrap().to_json()).unwrap();
    assert!(!text.contains("witness_keys") && !text.contains("time_stamp_issuers"), "{text}");
}

#[test]
fn a_key_of_another_name_kind_or_purpose_is_refused() {
    let [classic, lasting] = cosigner("XA-MOJ");
    let raw_log_key_as_witness = VerifierKey::ed25519_cosigner(
        "xa-moj.rogatory/witness".parse().unwrap(),
        SigningKey::from_seed(&[7; 32]).public_key(),
    );
    let cases = [
        ("/witness_keys", json!(cosigner("XB-MOJ")), "`witness_keys`"),
        ("/witness_keys", json!([vkey("XA-MOJ")]), "`witness_keys`"),
        ("/witness_keys", json!(vec![classic.clone(); 2]), "twice"),
        ("/witness_keys", json!(vec![lasting.clone(); WITNESS_KEYS_MAX + 1]), "`witness_keys`"),
        ("/witness_keys", json!([raw_log_key_as_witness.to_string()]), "twice"),
        ("/witness_keys/0", json!("AA=="), "`witness_keys`"),
        ("/log_keys/0", json!(classic), "`log_keys`"),
        ("/log_keys/1", json!(lasting), "`log_keys`"),
        ("/time_stamp_issuers/0", json!("AA=="), "`time_stamp_issuers`"),
        ("/time_stamp_issuers", json!(vec!["AA=="; TIME_STAMP_ISSUERS_MAX + 1]), "`time_stamp_issuers`"),
    ];
    for (pointer, value, word) in cases {
        let mut row = full_row();
        *row.pointer_mut(pointer).unwrap() = value;
        let refused = parsed(&row).expect_err(pointer).to_string();
        assert!(refused.contains(word), "{pointer}: {refused}");
    }
}

#[test]
fn an_authority_with_milliseconds_is_kept_as_its_file_has_it() {
    let mut authority = parsed(&row()).unwrap().authority().clone();
    authority.receiving_keys[0].not_before = Timestamp::from_millis(1_767_225_600_987);
    let entry = Entry::new(&authority, "").unwrap();
    assert_eq!(Entry::parse(&entry.to_json()).unwrap(), entry);
}

#[test]
fn an_unknown_or_doubled_or_missing_field_is_named() {
    let mut unknown = row();
    unknown["trusted"] = json!(true);
    let mut deep = row();
    deep["receiving_keys"][0]["curve"] = json!("x");
    let mut missing = row();
    missing.as_object_mut().unwrap().remove("languages");
    for (row, name) in [(unknown, "`trusted`"), (deep, "`curve`"), (missing, "`languages`")] {
        let refused = parsed(&row).unwrap_err().to_string();
        assert!(refused.contains(name), "{refused}");
    }
    let doubled = row().to_string().replacen("\"id\":", "\"id\":\"XB-MOJ\",\"id\":", 1);
    assert!(Entry::parse(doubled.as_bytes()).unwrap_err().to_string().contains("`id`"));
}

#[test]
fn a_malformed_value_is_refused_by_the_name_of_its_field() {
    let long = "x".repeat(LINE_BYTES_MAX + 1);
    let many = vec!["en"; LANGUAGES_MAX + 1];
    let cases = [
        ("/id", json!("xa-moj"), "authority identifier"),
        ("/name", json!(""), "`name`"),
        ("/name", json!(long), "`name`"),
        ("/name", json!("a\u{7}b"), "`name`"),
        ("/source/note", json!("two\nlines"), "`source.note`"),
        ("/source/kind", json!("rumour"), "rumour"),
        ("/endpoints", json!(["no-port"]), "`endpoints`"),
        ("/endpoints", json!(["host:0"]), "`endpoints`"),
        ("/endpoints", json!(["host:+1"]), "`endpoints`"),
        ("/endpoints", json!(["a b:1"]), "`endpoints`"),
        ("/endpoints", json!(["[::g]:1"]), "`endpoints`"),
        ("/endpoints", json!(vec!["host:1"; ENDPOINTS_MAX + 1]), "`endpoints`"),
        ("/issuers", json!([]), "`issuers`"),
        ("/issuers/0", json!("AA=="), "`issuers`"),
        ("/issuers/0", json!("AA="), "`issuers`"),
        ("/issuers/0", json!("AB=="), "`issuers`"),
        ("/issuers/0", json!(base64::encode(&vec![0; CERTIFICATE_BYTES_MAX + 1])), "`issuers`"),
        ("/revocation_lists", json!([]), "`revocation_lists`"),
        ("/revocation_lists/0", json!("AA=="), "`revocation_lists`"),
        ("/revocation_lists/0", json!(base64::encode(&list(&ca("XB-MOJ")))), "`revocation_lists`"),
        ("/log_keys", json!([]), "`log_keys`"),
        ("/log_keys/0", json!(vkey("XB-MOJ")), "`log_keys`"),
        ("/log_keys/0", json!(vkey("XA-MOJ").replacen('+', "+0", 1)), "`log_keys`"),
        ("/receiving_keys", json!([]), "`receiving_keys`"),
        ("/receiving_keys/0/suite", json!("rogatory-seal-2"), "rogatory-seal-2"),
        ("/receiving_keys/0/public_key", json!("AAAA"), "1216"),
        ("/receiving_keys/0/not_before", json!("2026-01-01"), "`receiving_keys.not_before`"),
        ("/receiving_keys/0/not_before", json!("2026-01-01T01:00:00+01:00"), "`receiving_keys.not_before`"),
        ("/receiving_keys/0/not_after", json!("2026-01-01T00:00:00Z"), "`receiving_keys.not_after`"),
        ("/receiving_keys/0/not_after", json!("never"), "never"),
        ("/languages", json!(["English language"]), "`languages`"),
        ("/languages", json!(many), "`languages`"),
    ];
    for (pointer, value, word) in cases {
        let mut row = row();
        *row.pointer_mut(pointer).unwrap() = value.clone();
        let refused = parsed(&row).expect_err(pointer).to_string();
        assert!(refused.contains(word), "{pointer} {value}: {refused}");
    }
}

#[test]
fn national_requirements_read_back_and_a_row_without_any_has_no_such_field() {
    let mut row = full_row();
    let plain = Entry::parse(row.to_string().as_bytes()).unwrap();
    assert!(!String::from_utf8(plain.to_json()).unwrap().contains("requirements"));
    row["requirements"] = json!([{
        "topic": "channel", "value": "diplomatic", "says": "requests come by the diplomatic channel",
        "source": { "kind": "depositary", "note": "fictional notice" },
    }]);
    let read = Entry::parse(row.to_string().as_bytes()).unwrap();
    assert_eq!(read.authority().requirements[0].value, "diplomatic");
    assert_eq!(Entry::parse(&read.to_json()).unwrap(), read);
    row["requirements"][0]["value"] = json!("pigeon");
    assert!(Entry::parse(row.to_string().as_bytes()).is_err());
}
