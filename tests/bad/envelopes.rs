//! Envelopes that are cut, too large, unknown, late, early, or not for us.

use rogatory::model::limits::{CLOCK_SKEW_MS_MAX, CMS_BYTES_MAX, ENVELOPE_BYTES_MAX, ENVELOPE_LIFE_MS_MAX};
use rogatory::model::refusal::RefusalCode as Code;
use rogatory::model::time::Timestamp;
use rogatory::wire::envelope::{self, SignedBytes};

use crate::cast::{BEGIN, CAST, DAY_MS, at};
use crate::forge::{
    Forge, SECRET, altered, altered_wire, code, id, judged, judged_at, refused, signed, stranger, xa, xb,
};

#[test]
fn the_envelope_that_the_others_are_bent_from_is_taken() {
    let verified = judged(&Forge::good().bytes()).unwrap();
    assert_eq!(verified.envelope().envelope_id, id(4));
    assert!(!format!("{verified:?}").contains(SECRET));
}

#[test]
fn an_envelope_that_was_cut_is_refused_wherever_it_was_cut() {
    let good = Forge::good().bytes();
    let lengths = (0..good.len()).step_by(97).chain(good.len() - 40..good.len());
    for length in lengths {
        let code = refused(&good[..length]);
        assert!([Code::Malformed, Code::UnsupportedVersion, Code::BadSignature].contains(&code), "{length}: {code}");
    }
}

#[test]
fn an_envelope_with_any_byte_changed_is_refused() {
    let good = Forge::good().bytes();
    let content = envelope::decode_signed(&good).unwrap().content.len();
    for place in (0..content).step_by(1_009) {
        let mut bent = good.clone();
        bent[place] ^= 1;
        refused(&bent);
    }
}

#[test]
fn bytes_that_are_no_protobuf_are_malformed() {
    assert_eq!(refused(&[0xff; 64]), Code::Malformed);
    assert_eq!(refused(SECRET.repeat(9).as_bytes()), Code::Malformed);
}

#[test]
fn an_oversized_envelope_is_refused_before_it_is_read() {
    assert_eq!(refused(&vec![0; ENVELOPE_BYTES_MAX + CMS_BYTES_MAX + 1]), Code::TooLarge);
    let content = envelope::encode(&Forge::good().sealed().envelope);
    let signed = SignedBytes { content, cms: vec![0; CMS_BYTES_MAX + 1] };
    assert_eq!(refused(&envelope::encode_signed(&signed)), Code::TooLarge);
}

#[test]
fn more_stanzas_or_objects_than_the_limits_allow_are_too_large() {
    assert_eq!(refused(&altered(|it| it.stanzas = vec![it.stanzas[0].clone(); 17])), Code::TooLarge);
    let many = altered_wire(|it| it.blobs = vec![it.blobs[0].clone(); 4_097]);
    assert_eq!(refused(&many), Code::TooLarge);
}

#[test]
fn another_schema_version_or_suite_is_an_unsupported_version() {
    for schema in ["", "rogatory.v2.Envelope", "rogatory.v1.Message", SECRET] {
        assert_eq!(refused(&altered_wire(|it| it.schema = schema.to_owned())), Code::UnsupportedVersion, "{schema}");
    }
    for suite in ["", "rogatory-seal-2", SECRET] {
        assert_eq!(refused(&altered_wire(|it| it.suite = suite.to_owned())), Code::UnsupportedVersion, "{suite}");
    }
    assert_eq!(refused(&altered_wire(|it| it.urgency = 2)), Code::UnsupportedVersion);
}

#[test]
fn names_and_identifiers_that_are_none_are_malformed() {
    assert_eq!(refused(&altered_wire(|it| it.sender = SECRET.to_owned())), Code::Malformed);
    assert_eq!(refused(&altered_wire(|it| it.recipient = format!("XB-{SECRET}"))), Code::Malformed);
    assert_eq!(refused(&altered_wire(|it| it.envelope_id = vec![1; 15])), Code::Malformed);
    assert_eq!(refused(&altered_wire(|it| it.stanzas[0].key_id = vec![1; 31])), Code::Malformed);
}

#[test]
fn an_envelope_for_another_authority_is_for_the_wrong_recipient() {
    assert_eq!(refused(&altered(|it| it.recipient = stranger())), Code::WrongRecipient);
}

#[test]
fn an_envelope_of_another_sender_than_the_connections_is_refused() {
    assert_eq!(refused(&altered(|it| it.sender = stranger())), Code::SenderMismatch);
    assert_eq!(refused(&altered(|it| it.sender = xb().id.clone())), Code::SenderMismatch);
}

#[test]
fn an_envelope_from_the_future_is_refused_beyond_the_permitted_skew_only() {
    let bytes = Forge::good().bytes();
    let behind = |ms: u64| Timestamp::from_millis(BEGIN.as_millis() - ms);
    assert!(judged_at(&bytes, behind(CLOCK_SKEW_MS_MAX), &CAST.roster).is_ok());
    assert_eq!(code(judged_at(&bytes, behind(CLOCK_SKEW_MS_MAX + 1), &CAST.roster)), Code::ClockSkew);
    let signed_later = {
        let content = envelope::encode(&Forge::good().sealed().envelope);
        let media_type = rogatory::exchange::sealed::ENVELOPE_MEDIA_TYPE;
        let cms = xa().signer.sign(&content, media_type, at(CLOCK_SKEW_MS_MAX + 1_000)).unwrap();
        envelope::encode_signed(&SignedBytes { content, cms })
    };
    assert_eq!(refused(&signed_later), Code::ClockSkew);
}

#[test]
fn an_expired_envelope_is_refused_from_its_last_instant_on() {
    let bytes = Forge::good().bytes();
    let last = Timestamp::from_millis(at(DAY_MS).as_millis() - 1);
    assert!(judged_at(&bytes, last, &CAST.roster).is_ok());
    assert_eq!(code(judged_at(&bytes, at(DAY_MS), &CAST.roster)), Code::Expired);
}

#[test]
fn an_envelope_that_would_live_too_long_is_malformed() {
    assert_eq!(refused(&altered(|it| it.expires_at = at(ENVELOPE_LIFE_MS_MAX + 1))), Code::Malformed);
    let backwards = altered(|it| {
        it.created_at = at(60_000);
        it.expires_at = at(30_000);
    });
    assert_eq!(refused(&backwards), Code::Malformed);
}

#[test]
fn an_envelope_without_a_stanza_for_a_key_of_ours_cannot_be_opened() {
    assert_eq!(refused(&altered(|it| it.stanzas.truncate(0))), Code::CannotOpen);
    assert_eq!(refused(&altered(|it| it.stanzas[0].key_id = xa().archive.id())), Code::CannotOpen);
    assert_eq!(refused(&altered(|it| it.stanzas[0].recipient = stranger())), Code::CannotOpen);
}

#[test]
fn a_stanza_that_was_changed_or_made_for_another_package_cannot_be_opened() {
    assert_eq!(refused(&altered(|it| it.stanzas[0].wrapped[1_130] ^= 1)), Code::CannotOpen);
    assert_eq!(refused(&altered(|it| it.seal_id = id(9))), Code::CannotOpen);
    assert_eq!(refused(&altered_wire(|it| it.stanzas[0].wrapped.truncate(1_167))), Code::UnsupportedVersion);
}

#[test]
fn a_head_that_was_cut_extended_or_reordered_cannot_be_opened() {
    const HEADER: usize = 56;
    const CHUNK: usize = 16_400;
    let cuts = [0, HEADER - 1, HEADER, HEADER + CHUNK, HEADER + 2 * CHUNK, HEADER + 2 * CHUNK + 5];
    for length in cuts {
        assert_eq!(refused(&altered(|it| it.head.truncate(length))), Code::CannotOpen, "{length}");
    }
    assert_eq!(refused(&altered(|it| it.head.push(0))), Code::CannotOpen);
    let reordered = altered(|it| it.head[HEADER..HEADER + 2 * CHUNK].rotate_left(CHUNK));
    assert_eq!(refused(&reordered), Code::CannotOpen);
    let left_out = altered(|it| drop(it.head.drain(HEADER..HEADER + CHUNK)));
    assert_eq!(refused(&left_out), Code::CannotOpen);
}

#[test]
fn objects_that_are_not_numbered_from_one_are_refused() {
    let renumbered = altered(|it| it.blobs[0].object_id = 2);
    assert_eq!(refused(&renumbered), Code::UnsupportedVersion);
    assert_eq!(refused(&signed(Vec::new())), Code::UnsupportedVersion);
}
