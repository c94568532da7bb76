//! The bytes of the wire: what is encoded decodes to the same value, is the same for ever, and is refused by name
//! when anything is wrong with it. `UPDATE_VECTORS=1` writes the vectors anew after a change that was meant.
#![allow(missing_docs, unreachable_pub, clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

#[path = "wire/notices.rs"]
mod notices;
#[path = "wire/samples.rs"]
mod samples;
#[path = "wire/strategies.rs"]
mod strategies;

use std::fs;
use std::path::PathBuf;

use data_encoding::HEXLOWER;
use proptest::prelude::*;
use rogatory::model::limits::{CMS_BYTES_MAX, ENVELOPE_BYTES_MAX, MESSAGE_BYTES_MAX, OBJECTS_MAX, RECORD_BYTES_MAX};
use rogatory::model::message::{MessageError, MessageKind};
use rogatory::model::notice_table::SHAPES;
use rogatory::model::package::{Consignment, ConsignmentError};
use rogatory::model::refusal::RefusalCode;
use rogatory::wire::decode::DecodeError;
use rogatory::wire::{basis, envelope, frame, message, receipt, record};

proptest! {
    #[test]
    fn a_message_decodes_to_what_was_encoded_and_encodes_to_the_same_bytes(value in strategies::message()) {
        let bytes = message::encode(&value);
        let again = message::decode(&bytes).unwrap();
        prop_assert_eq!(&again, &value);
        prop_assert_eq!(message::encode(&again), bytes);
    }

    #[test]
    fn a_review_of_a_legal_basis_decodes_to_what_was_encoded_and_encodes_to_the_same_bytes(value in strategies::review()) {
        let bytes = basis::encode_review(&value);
        let again = basis::decode_review(&bytes).unwrap();
        prop_assert_eq!(&again, &value);
        prop_assert_eq!(basis::encode_review(&again), bytes);
    }

    #[test]
    fn an_envelope_decodes_to_what_was_encoded_and_encodes_to_the_same_bytes(value in strategies::envelope()) {
        let bytes = envelope::encode(&value);
        let again = envelope::decode(&bytes).unwrap();
        prop_assert_eq!(&again, &value);
        prop_assert_eq!(envelope::encode(&again), bytes);
    }

    #[test]
    fn a_record_decodes_to_what_was_encoded_and_encodes_to_the_same_bytes(value in strategies::record()) {
        let bytes = record::encode(&value);
        let again = record::decode(&bytes).unwrap();
        prop_assert_eq!(&again, &value);
        prop_assert_eq!(record::encode(&again), bytes);
    }

    #[test]
    fn bytes_of_nobody_stop_no_decoder(bytes in proptest::collection::vec(any::<u8>(), 0..512)) {
        // Whatever the answer is, it is an answer; what is let in can be let out again.
        if let Ok(value) = message::decode(&bytes) { prop_assert_eq!(message::decode(&message::encode(&value)), Ok(value)); }
        if let Ok(value) = envelope::decode(&bytes) { prop_assert_eq!(envelope::decode(&envelope::encode(&value)), Ok(value)); }
        if let Ok(value) = record::decode(&bytes) { prop_assert_eq!(record::decode(&record::encode(&value)), Ok(value)); }
        if let Ok(value) = receipt::decode(&bytes) { prop_assert_eq!(receipt::decode(&receipt::encode(&value)), Ok(value)); }
        if let Ok(value) = frame::decode(&bytes) { prop_assert_eq!(frame::decode(&frame::encode(&value)), Ok(value)); }
    }
}

#[test]
fn the_bytes_of_each_kind_of_message_never_change() {
    for (name, value) in samples::messages() {
        let bytes = message::encode(&value);
        same_as_vector(&name, &bytes);
        assert_eq!(message::decode(&bytes), Ok(value), "{name}");
    }
}

#[test]
fn the_bytes_of_envelope_record_and_receipt_never_change() {
    same_as_vector("envelope", &envelope::encode(&samples::envelope()));
    same_as_vector("record", &record::encode(&samples::record()));
    same_as_vector("receipt", &receipt::encode(&samples::receipt()));
    same_as_vector("signed-envelope", &envelope::encode_signed(&samples::signed()));
    same_as_vector("signed-message", &envelope::encode_signed_message(&samples::signed()));
}

#[test]
fn what_is_cut_at_any_byte_is_refused_or_is_another_value_and_never_a_panic() {
    let sample = samples::messages().remove(0).1;
    let bytes = message::encode(&sample);
    for end in 0..bytes.len() {
        assert_ne!(message::decode(&bytes[..end]).ok().as_ref(), Some(&sample), "cut at {end}");
    }
    let bytes = envelope::encode(&samples::envelope());
    for end in 0..bytes.len() {
        assert_ne!(envelope::decode(&bytes[..end]).ok(), Some(samples::envelope()), "cut at {end}");
    }
    let bytes = record::encode(&samples::record());
    for end in 0..bytes.len() {
        assert_ne!(record::decode(&bytes[..end]).ok(), Some(samples::record()), "cut at {end}");
    }
    for (name, value) in samples::frames() {
        let bytes = frame::encode(&value);
        for end in 0..bytes.len() {
            assert!(frame::decode(&bytes[..end]).is_err(), "{name} cut at {end}");
        }
    }
}

#[test]
fn an_unknown_schema_is_refused_by_its_name() {
    let all = [
        message::decode(&replaced(&message::encode(&samples::messages()[0].1), b"v1.Message", b"v2.Message")).err(),
        envelope::decode(&replaced(&envelope::encode(&samples::envelope()), b"v1.Env", b"v9.Env")).err(),
        record::decode(&replaced(&record::encode(&samples::record()), b"v1.Cust", b"v0.Cust")).err(),
    ];
    for error in all {
        let error = error.expect("refused");
        assert!(matches!(error, DecodeError::Schema { .. }), "{error}");
        assert_eq!(error.code(), RefusalCode::UnsupportedVersion);
    }
}

#[test]
fn bytes_of_one_type_never_pass_for_another() {
    let message = message::encode(&samples::messages()[0].1);
    let envelope = envelope::encode(&samples::envelope());
    let record = record::encode(&samples::record());
    assert!(message::decode(&envelope).is_err() && message::decode(&record).is_err());
    assert!(envelope::decode(&message).is_err() && envelope::decode(&record).is_err());
    assert!(record::decode(&message).is_err() && record::decode(&envelope).is_err());
}

#[test]
fn a_suite_that_is_not_ours_is_refused() {
    let bytes = replaced(&envelope::encode(&samples::envelope()), b"rogatory-seal-1", b"rogatory-seal-2");
    assert_eq!(envelope::decode(&bytes), Err(DecodeError::Unknown { field: "suite" }));
}

#[test]
fn a_kind_that_is_not_the_kind_of_the_body_is_refused() {
    let bytes = replaced(&message::encode(&samples::messages()[1].1), b"request.ack", b"request.act");
    assert_eq!(message::decode(&bytes), Err(DecodeError::Unknown { field: "kind" }));
}

#[test]
fn a_second_body_after_the_first_is_refused() {
    // Protobuf lets the last member of a oneof win; the kind still names the first.
    let request = message::encode(&samples::messages()[0].1);
    let withdrawal = [&[0xa2_u8, 0x02, 3, 0x0a, 1, b'x'][..]].concat();
    assert_eq!(message::decode(&[request, withdrawal].concat()), Err(DecodeError::Unknown { field: "kind" }));
}

#[test]
fn a_gap_in_the_numbers_of_blobs_is_refused() {
    let mut value = samples::envelope();
    value.blobs[1].object_id = 3;
    assert_eq!(envelope::decode(&envelope::encode(&value)), Err(DecodeError::Unknown { field: "blobs" }));
    value.blobs[1].object_id = 1;
    assert_eq!(envelope::decode(&envelope::encode(&value)), Err(DecodeError::Unknown { field: "blobs" }));
}

#[test]
fn a_gap_in_the_numbers_of_items_is_refused() {
    let fields = samples::fields(MessageKind::EvidenceTransmit);
    let seal_id = fields.consignment.expect("a package").seal_id;
    let refused = Consignment::new(seal_id, vec![samples::item(1), samples::item(3)]);
    assert_eq!(refused, Err(ConsignmentError::Numbering { expected: 2, found: 3 }));
    assert!(matches!(
        Consignment::new(seal_id, (1..=4_097).map(samples::item).collect()),
        Err(ConsignmentError::Count(n)) if n == OBJECTS_MAX + 1
    ));
}

#[test]
fn a_blob_shorter_than_an_empty_object_is_refused() {
    let mut value = samples::envelope();
    value.blobs[0].ciphertext_bytes = 71;
    assert_eq!(envelope::decode(&envelope::encode(&value)), Err(DecodeError::Unknown { field: "blobs" }));
}

#[test]
fn more_stanzas_than_recipients_may_be_are_refused() {
    let mut value = samples::envelope();
    value.stanzas = vec![value.stanzas[0].clone(); 17];
    let error = envelope::decode(&envelope::encode(&value)).unwrap_err();
    assert_eq!(error, DecodeError::TooMany { field: "stanzas", found: 17, most: 16 });
    assert_eq!(error.code(), RefusalCode::TooLarge);
}

#[test]
fn a_wrapped_key_of_another_length_is_refused() {
    let mut value = samples::envelope();
    value.stanzas[0].wrapped.pop();
    assert_eq!(envelope::decode(&envelope::encode(&value)), Err(DecodeError::Unknown { field: "wrapped" }));
}

#[test]
fn what_is_too_large_is_refused_before_it_is_decoded() {
    let large = |error: DecodeError| assert!(matches!(error, DecodeError::TooLarge { .. }), "{error}");
    large(message::decode(&vec![0xff; MESSAGE_BYTES_MAX + 1]).unwrap_err());
    large(envelope::decode(&vec![0xff; ENVELOPE_BYTES_MAX + 1]).unwrap_err());
    large(record::decode(&vec![0xff; RECORD_BYTES_MAX + 1]).unwrap_err());
    let mut signed = samples::signed();
    signed.cms = vec![0x30; CMS_BYTES_MAX + 1];
    large(envelope::decode_signed(&envelope::encode_signed(&signed)).unwrap_err());
}

#[test]
fn a_list_of_empty_entries_is_refused_before_it_is_decoded() {
    // Two or three bytes an entry on the wire, some 170 in memory: items of a message, blobs of an envelope, digests of a
    // record, and the measures of a request inside a message.
    let (items, blobs, digests) = ([0x8a, 0x01, 0x00].repeat(MESSAGE_BYTES_MAX / 3), [0x62, 0x00], [0x62, 0x00]);
    let many = |what: &str, error: DecodeError| {
        assert!(matches!(error, DecodeError::TooMany { field, .. } if field == what), "{error}");
        assert_eq!(error.code(), RefusalCode::TooLarge);
    };
    many("a message", message::decode(&items).unwrap_err());
    many("an envelope", envelope::decode(&blobs.repeat(ENVELOPE_BYTES_MAX / 2)).unwrap_err());
    many("a custody record", record::decode(&digests.repeat(RECORD_BYTES_MAX / 2)).unwrap_err());
    let mut nested = vec![0xf2, 0x01, 0x80, 0x80, 0x20];
    nested.extend([0x4a, 0x00].repeat(1 << 18));
    many("a message", message::decode(&nested).unwrap_err());
}

#[test]
fn a_message_to_oneself_and_a_package_without_files_are_refused() {
    let mut fields = samples::fields(MessageKind::RequestSubmit);
    fields.recipient = fields.sender.authority.clone();
    assert_eq!(rogatory::model::message::Message::new(fields).err(), Some(MessageError::ToSelf));
    let bytes = message::encode(&samples::messages()[0].1);
    let to_self = replaced(&bytes, b"XB-MOJ", b"XA-MOJ");
    assert_eq!(message::decode(&to_self), Err(DecodeError::Message(MessageError::ToSelf)));
    let mut fields = samples::fields(MessageKind::EvidenceTransmit);
    fields.consignment = None;
    assert_eq!(rogatory::model::message::Message::new(fields).err(), Some(MessageError::NoItems));
}

#[test]
fn a_condition_that_binds_on_acceptance_is_refused_outside_evidence_and_offers() {
    let conditions = samples::fields(MessageKind::EvidenceTransmit).conditions;
    for kind in MessageKind::ALL.into_iter().filter(|kind| !kind.sets_conditions()) {
        let mut fields = samples::fields(kind);
        fields.conditions.clone_from(&conditions);
        assert_eq!(rogatory::model::message::Message::new(fields.clone()).err(), Some(MessageError::Origin));
        fields.conditions[0].origin = rogatory::model::package::ConditionOrigin::RequesterUndertaking;
        assert!(rogatory::model::message::Message::new(fields).is_ok());
    }
}

#[test]
fn a_salt_of_another_length_is_refused() {
    let bytes = receipt::encode(&samples::receipt());
    let salt = [&[0x12_u8, 32][..], &[0x88; 32]].concat();
    let shorter = [&[0x12_u8, 31][..], &[0x88; 31]].concat();
    assert_eq!(receipt::decode(&replaced(&bytes, &salt, &shorter)), Err(DecodeError::Unknown { field: "salt" }));
}

#[test]
fn an_unknown_event_outcome_or_role_is_refused() {
    let bytes = record::encode(&samples::record());
    let refused = |from: &[u8], to: &[u8]| record::decode(&replaced(&bytes, from, to)).unwrap_err();
    assert_eq!(refused(b"message.received", b"message.receiver"), DecodeError::Unknown { field: "event" });
    assert_eq!(refused(b"success", b"succest"), DecodeError::Unknown { field: "outcome" });
    assert_eq!(refused(b"approver", b"approved"), DecodeError::Unknown { field: "role" });
    assert_eq!(refused(b"relay-acceptance", b"relay-acceptancy"), DecodeError::Unknown { field: "stage" });
}

#[test]
fn a_refusal_never_shows_what_the_bytes_said() {
    let secret = b"Court of Arcadia";
    let bytes = replaced(&message::encode(&samples::messages()[0].1), secret, b"Court\x07of Arcadia");
    let error = message::decode(&bytes).unwrap_err();
    assert!(!format!("{error} {error:?}").contains("Arcadia"), "{error}");
}

/// The bytes with one stretch replaced by another of the same or another length; the stretch must be there once or more.
fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let place = bytes.windows(from.len()).position(|part| part == from).expect("the sample holds it");
    [&bytes[..place], to, &bytes[place + from.len()..]].concat()
}

fn same_as_vector(name: &str, bytes: &[u8]) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/vectors/wire/{name}.hex"));
    let text: String = bytes.chunks(32).map(|row| HEXLOWER.encode(row) + "\n").collect();
    if std::env::var_os("UPDATE_VECTORS").is_some() {
        fs::write(&path, &text).unwrap();
    }
    let found = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert_eq!(found, text, "{name}: the bytes changed; other nodes hold and sign the old ones");
}

#[test]
fn the_document_names_every_kind_of_message_and_the_fields_of_every_notice() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/proto/README.md");
    let document = std::fs::read_to_string(path).expect("the document");
    for kind in MessageKind::ALL {
        assert!(document.contains(&format!("`{}`", kind.name())), "{}", kind.name());
    }
    for shape in SHAPES {
        let list = |names: Vec<&str>| if names.is_empty() { "-".to_owned() } else { names.join(" ") };
        let must = list(shape.must.iter().map(|field| field.name()).collect());
        let may = list(shape.may.iter().map(|field| field.name()).collect());
        let verdicts = list(shape.verdicts.iter().map(|verdict| verdict.name()).collect());
        let row = format!("| {must} | {may} | {verdicts} |");
        let named =
            document.lines().any(|line| line.contains(&format!("| `{}` |", shape.kind.name())) && line.ends_with(&row));
        assert!(named, "{}: {row}", shape.kind.name());
    }
}
