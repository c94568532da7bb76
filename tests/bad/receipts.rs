//! Receipts that prove nothing, or something else: none of them may settle an outbox row.

use std::sync::LazyLock;

use rogatory::crypto::ed25519::SigningKey;
use rogatory::custody::checkpoint::SignedCheckpoint;
use rogatory::custody::leaf::commitment;
use rogatory::custody::note::{KeyName, VerifierKey};
use rogatory::custody::parts::MerkleTree;
use rogatory::custody::proof::TlogProof;
use rogatory::custody::tree::leaf_hash;
use rogatory::exchange::act::Scene;
use rogatory::exchange::receipt::{CheckedReceipt, Expected, ReceiptError, check};
use rogatory::model::authority::Authority;
use rogatory::model::envelope::Blob;
use rogatory::model::event::{CustodyRecord, Event, Outcome, Stage};
use rogatory::model::ident::Digest;
use rogatory::model::limits::TLOG_PROOF_BYTES_MAX;
use rogatory::model::refusal::RefusalCode;
use rogatory::wire::receipt::{ReceiptParts, decode, encode};
use rogatory::wire::record;

use crate::cast::BEGIN;
use crate::forge::{Forge, SECRET, blob, id, judged, stranger, useful, xa, xb};

const SALT: [u8; 32] = [3; 32];

struct Handed {
    digest: Digest,
    record: CustodyRecord,
}

/// One envelope and the record that XB made of it, for all of these tests.
static HANDED: LazyLock<Handed> = LazyLock::new(|| {
    let bytes = Forge::good().bytes();
    let verified = judged(&bytes).unwrap();
    let record = Scene::node(&xb().id, BEGIN).received(&verified, bytes).record;
    Handed { digest: verified.envelope_digest(), record }
});

static BLOBS: LazyLock<Vec<Blob>> = LazyLock::new(|| vec![blob()]);

/// What XA expects of a receipt for that envelope.
fn expected() -> Expected<'static> {
    Expected {
        sender: &xa().id,
        receiver: &xb().authority,
        envelope_id: id(4),
        envelope_digest: HANDED.digest,
        blobs: &BLOBS,
    }
}

fn checked(bytes: &[u8]) -> Result<CheckedReceipt, ReceiptError> {
    check(bytes, &expected())
}

/// A receipt over that record, as the fourth of a log of seven.
fn parts(record: &CustodyRecord) -> ReceiptParts {
    parts_by(record, &xb().log_key, &xb().log_name)
}

fn parts_by(record: &CustodyRecord, key: &SigningKey, name: &KeyName) -> ReceiptParts {
    let record = record::encode(record);
    let leaf = |record: &[u8]| leaf_hash(&commitment(&SALT, record).0);
    let others: Vec<_> = (0..7_u8).map(|other| leaf(&[other])).collect();
    let tree = MerkleTree::of((0..7).map(|place| if place == 4 { leaf(&record) } else { others[place] }));
    let checkpoint = SignedCheckpoint::sign(name, 7, tree.root(), key);
    let proof = TlogProof::new(4, tree.prove(4).unwrap(), &checkpoint).to_string();
    ReceiptParts { record, salt: SALT, proof }
}

fn with(change: impl FnOnce(&mut CustodyRecord)) -> Vec<u8> {
    let mut record = HANDED.record.clone();
    change(&mut record);
    encode(&parts(&record))
}

fn bent(change: impl FnOnce(&mut ReceiptParts)) -> Vec<u8> {
    let mut parts = parts(&HANDED.record);
    change(&mut parts);
    encode(&parts)
}

#[track_caller]
fn why(checked: Result<CheckedReceipt, ReceiptError>) -> ReceiptError {
    let error = checked.expect_err("this proves nothing");
    useful(&error);
    error
}

#[track_caller]
fn field(bytes: &[u8]) -> &'static str {
    match why(checked(bytes)) {
        ReceiptError::Field(field) => field,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn proof_fails(checked: Result<CheckedReceipt, ReceiptError>) {
    let error = why(checked);
    assert!(matches!(error, ReceiptError::Proof(_)), "{error:?}");
}

#[test]
fn the_receipt_that_the_others_are_bent_from_proves_its_stage() {
    let checked = checked(&with(|_| {})).unwrap();
    assert_eq!((checked.stage(), checked.index()), (Stage::RelayAcceptance, 4));
    assert!(!format!("{checked:?}").contains(SECRET));
}

#[test]
fn a_receipt_for_another_envelope_is_refused() {
    assert_eq!(field(&with(|it| it.digests[0].sha256 = Digest([0; 32]))), "signed-envelope");
    assert_eq!(field(&with(|it| it.digests.clear())), "signed-envelope");
    assert_eq!(field(&with(|it| it.subject.envelope_id = Some(id(9)))), "envelope_id");
    let other = check(&with(|_| {}), &Expected { envelope_digest: Digest([0; 32]), ..expected() });
    assert!(matches!(why(other), ReceiptError::Field("signed-envelope")));
}

#[test]
fn a_receipt_for_another_sender_or_by_another_authority_is_refused() {
    assert_eq!(field(&with(|it| it.counterpart = Some(stranger()))), "counterpart");
    assert_eq!(field(&with(|it| it.counterpart = None)), "counterpart");
    assert_eq!(field(&with(|it| it.authority = stranger())), "authority");
    assert_eq!(field(&with(|it| it.authority = xa().id.clone())), "authority");
}

#[test]
fn a_receipt_whose_stage_and_event_do_not_fit_is_refused() {
    let stage = |stage| with(|it| it.transfer.as_mut().unwrap().stage = stage);
    assert_eq!(field(&stage(Stage::SubmissionAcceptance)), "stage");
    // Files were sent: having received the envelope is not having received them, nor having opened them.
    assert_eq!(field(&stage(Stage::ContentConsignment)), "event");
    assert_eq!(field(&stage(Stage::ContentHandover)), "event");
    assert_eq!(field(&with(|it| it.event = Event::MessageDrafted)), "event");
    assert_eq!(field(&with(|it| it.transfer = None)), "transfer");
}

#[test]
fn an_envelope_without_files_has_no_stage_but_consignment() {
    for (stage, event) in
        [(Stage::RelayAcceptance, Event::MessageReceived), (Stage::ContentHandover, Event::PackageHandedOver)]
    {
        let bytes = with(|it| {
            it.event = event;
            let transfer = it.transfer.as_mut().unwrap();
            transfer.stage = stage;
            transfer.blobs.clear();
        });
        let error = why(check(&bytes, &Expected { blobs: &[], ..expected() }));
        assert!(matches!(error, ReceiptError::Field("stage")), "{error:?}");
    }
}

#[test]
fn a_receipt_of_a_failure_or_of_other_files_is_refused() {
    assert_eq!(field(&with(|it| it.outcome = Outcome::Refused(RefusalCode::Busy))), "outcome");
    assert_eq!(field(&with(|it| it.outcome = Outcome::Failed(SECRET.to_owned()))), "outcome");
    assert_eq!(field(&with(|it| it.transfer.as_mut().unwrap().blobs.clear())), "blobs");
    assert_eq!(field(&with(|it| it.transfer.as_mut().unwrap().blobs[0].root = Digest([0; 32]))), "blobs");
}

#[test]
fn a_record_that_was_changed_after_it_was_logged_is_not_in_the_log() {
    let mut changed = HANDED.record.clone();
    changed.at = changed.at.plus_millis(1);
    proof_fails(checked(&bent(|parts| parts.record = record::encode(&changed))));
}

#[test]
fn the_proof_of_another_record_or_a_flipped_salt_proves_nothing() {
    let mut later = HANDED.record.clone();
    later.at = later.at.plus_millis(1);
    let other = parts(&later).proof;
    proof_fails(checked(&bent(|parts| parts.proof = other)));
    for place in 0..32 {
        proof_fails(checked(&bent(|parts| parts.salt[place] ^= 1)));
    }
    proof_fails(checked(&bent(|parts| parts.proof = parts.proof.replace("index 4", "index 3"))));
}

#[test]
fn a_checkpoint_of_another_log_key_or_name_proves_nothing() {
    let forged = parts_by(&HANDED.record, &xa().log_key, &xb().log_name);
    proof_fails(checked(&encode(&forged)));
    let own = parts_by(&HANDED.record, &xa().log_key, &xa().log_name);
    proof_fails(checked(&encode(&own)));
    let renamed = parts_by(&HANDED.record, &xb().log_key, &"xc-moj.rogatory/custody".parse().unwrap());
    proof_fails(checked(&encode(&renamed)));
    // Another size under the same signature.
    proof_fails(checked(&bent(|parts| parts.proof = parts.proof.replace("\n7\n", "\n8\n"))));
}

#[test]
fn a_directory_without_a_usable_log_key_proves_nothing() {
    let bytes = with(|_| {});
    let judged = |log_keys: Vec<String>| {
        let receiver = Authority { log_keys, ..xb().authority.clone() };
        check(&bytes, &Expected { receiver: &receiver, ..expected() })
    };
    assert!(matches!(why(judged(vec![])), ReceiptError::LogKey));
    assert!(matches!(why(judged(vec![SECRET.to_owned()])), ReceiptError::LogKey));
    let old = VerifierKey::new(xb().log_name.clone(), SigningKey::from_seed(&[77; 32]).public_key()).to_string();
    let unknown = why(judged(vec![old.clone()]));
    assert_eq!(unknown.code(), RefusalCode::UnknownAuthority, "a newer directory may know the key: try again");
    proof_fails(judged(vec![old.clone()]));
    assert_eq!(why(judged(vec![])).code(), RefusalCode::UnknownAuthority);
    assert_eq!(why(checked(&bent(|parts| parts.salt = [0; 32]))).code(), RefusalCode::BadReceipt);
    // After a roll-over of the log key both stand in the directory.
    assert!(judged(vec![old, xb().authority.log_keys[0].clone()]).is_ok());
}

#[test]
fn a_receipt_that_was_cut_or_bent_proves_nothing() {
    let good = with(|_| {});
    for length in 0..good.len() {
        why(checked(&good[..length]));
    }
    for place in 0..good.len() {
        let mut bent = good.clone();
        bent[place] ^= 1;
        if let Ok(checked) = checked(&bent) {
            // What is not covered (the base64 of a signature line of nobody) may change; what is proven may not.
            assert_eq!(checked.record(), &HANDED.record, "{place}");
        }
    }
}

#[test]
fn an_oversized_receipt_or_one_with_a_short_salt_is_refused() {
    let salt = decode(&with(|_| {})).unwrap();
    assert_eq!(salt.salt, SALT);
    assert!(matches!(why(checked(&vec![0; 3 * 1024 * 1024 + 1])), ReceiptError::Decode(_)));
    assert!(matches!(
        why(checked(&bent(|it| it.proof = "a".repeat(TLOG_PROOF_BYTES_MAX + 1)))),
        ReceiptError::Decode(_)
    ));
    let short = rogatory::wire::proto::Receipt { salt: vec![3; 31], ..Default::default() };
    let bytes = prost::Message::encode_to_vec(&short);
    assert!(matches!(why(checked(&bytes)), ReceiptError::Decode(_)));
}
