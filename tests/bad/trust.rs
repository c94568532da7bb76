//! Signatures and certificates that do not speak for the sender.

use std::sync::LazyLock;

use rogatory::crypto::certificate::CertificateFacts;
use rogatory::crypto::cms::Signer;
use rogatory::crypto::issue::{Revocation, Validity, revocation_list, seal_certificate};
use rogatory::exchange::roster::Roster;
use rogatory::model::authority::Authority;
use rogatory::model::ident::AuthorityId;
use rogatory::model::refusal::RefusalCode as Code;
use rogatory::model::time::Timestamp;
use rogatory::wire::envelope::{self, SignedBytes};

use crate::cast::{BEGIN, CAST, DAY_MS, at};
use crate::forge::{Forge, code, judged_at, refused, stranger, xa, xb};

fn signer_for(authority: &AuthorityId, not_before: Timestamp, not_after: Timestamp) -> Signer {
    let seal = seal_certificate(&xa().ca, authority, "Ministry", "Seal", Validity { not_before, not_after }).unwrap();
    Signer::new(&seal.key, seal.certificate, vec![]).unwrap()
}

fn day(ago: u64) -> Timestamp {
    Timestamp::from_millis(BEGIN.as_millis() - ago * DAY_MS)
}

static EXPIRED: LazyLock<Signer> =
    LazyLock::new(|| signer_for(&xa().id, day(1), Timestamp::from_millis(BEGIN.as_millis() - 1_000)));
static EARLY: LazyLock<Signer> = LazyLock::new(|| signer_for(&xa().id, at(DAY_MS), at(2 * DAY_MS)));
static OTHER_NAME: LazyLock<Signer> = LazyLock::new(|| signer_for(&stranger(), day(1), at(DAY_MS)));

/// Judged with another row for XA in the directory.
fn with(change: impl FnOnce(&mut Authority)) -> Code {
    let mut row = xa().authority.clone();
    change(&mut row);
    code(judged_at(&Forge::good().bytes(), BEGIN, &Roster::new([row, xb().authority.clone()])))
}

fn inner(signer: &'static Signer) -> Code {
    refused(&Forge { inner: signer, ..Forge::good() }.bytes())
}

fn outer(signer: &'static Signer) -> Code {
    refused(&Forge { outer: signer, ..Forge::good() }.bytes())
}

#[test]
fn an_unsigned_envelope_or_message_is_refused() {
    let content = envelope::encode(&Forge::good().sealed().envelope);
    assert_eq!(refused(&envelope::encode_signed(&SignedBytes { content, cms: vec![] })), Code::BadSignature);
    let forge = Forge::good();
    let unsigned = SignedBytes { content: forge.message.clone(), cms: vec![] };
    assert_eq!(refused(&forge.sealed_over(&unsigned).bytes), Code::BadSignature);
}

#[test]
fn a_signature_over_other_bytes_is_refused() {
    let good = envelope::decode_signed(&Forge::good().bytes()).unwrap();
    let other = envelope::encode(&Forge { blobs: vec![], ..Forge::good() }.sealed().envelope);
    let moved = SignedBytes { content: other, cms: good.cms };
    assert_eq!(refused(&envelope::encode_signed(&moved)), Code::BadSignature);
    let forge = Forge::good();
    let moved = SignedBytes { content: forge.message.clone(), cms: moved.cms };
    assert_eq!(refused(&forge.sealed_over(&moved).bytes), Code::BadSignature);
}

#[test]
fn a_signature_by_another_authoritys_certificate_is_refused() {
    // A newer directory could list that issuer for XA: so the code invites another attempt.
    assert_eq!(outer(&xb().signer), Code::UnknownAuthority);
    assert_eq!(inner(&xb().signer), Code::UnknownAuthority);
}

#[test]
fn a_certificate_that_names_another_authority_speaks_for_nobody_else() {
    assert_eq!(outer(&OTHER_NAME), Code::SenderMismatch);
    assert_eq!(inner(&OTHER_NAME), Code::SenderMismatch);
}

#[test]
fn a_certificate_outside_its_time_is_refused() {
    for signer in [&EXPIRED, &EARLY] {
        assert_eq!(outer(signer), Code::CertificateExpired);
        assert_eq!(inner(signer), Code::CertificateExpired);
    }
}

#[test]
fn a_revoked_certificate_is_refused_even_for_what_it_signed_before() {
    let serial = CertificateFacts::read(xa().signer.certificate_der()).unwrap().serial;
    let revoked = [Revocation { serial, at: at(60_000) }];
    let list = revocation_list(&xa().ca, &revoked, BEGIN, at(DAY_MS), 2).unwrap();
    assert_eq!(with(|row| row.revocation_lists = vec![list]), Code::CertificateRevoked);
}

#[test]
fn a_stale_missing_or_forged_revocation_list_stops_the_exchange() {
    let stale = revocation_list(&xa().ca, &[], day(2), day(1), 2).unwrap();
    assert_eq!(with(|row| row.revocation_lists = vec![stale]), Code::DirectoryExpired);
    assert_eq!(with(|row| row.revocation_lists = vec![]), Code::DirectoryExpired);
    let foreign = xb().authority.revocation_lists.clone();
    assert_eq!(with(|row| row.revocation_lists = foreign), Code::DirectoryExpired);
}

#[test]
fn a_sender_outside_the_directory_is_unknown() {
    let roster = Roster::new([xb().authority.clone()]);
    assert_eq!(code(judged_at(&Forge::good().bytes(), BEGIN, &roster)), Code::UnknownAuthority);
    assert_eq!(with(|row| row.issuers = xb().authority.issuers.clone()), Code::UnknownAuthority);
    assert!(judged_at(&Forge::good().bytes(), BEGIN, &CAST.roster).is_ok());
}
