//! Legal acts: what a signature must survive, and every way in which it must fall.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use proptest::prelude::*;
use rogatory::crypto::certificate::{CertificateError, CertificateFacts, Instants, Usage, verify_chain};
use rogatory::crypto::cms::{Signer, SignerError};
use rogatory::crypto::issue::{
    Identity, IssueError, Revocation, Validity, authority_ca, node_certificate, revocation_list, seal_certificate,
};
use rogatory::crypto::revocation::RevocationList;
use rogatory::crypto::san::authority_of;
use rogatory::crypto::signature::{SignatureError, SignerFacts, verify};
use rogatory::model::ident::AuthorityId;
use rogatory::model::limits::{CLOCK_SKEW_MS_MAX, CMS_BYTES_MAX};
use rogatory::model::refusal::RefusalCode;
use rogatory::model::time::Timestamp;

const CONTENT: &[u8] = b"rogatory.v1.Message: the exact bytes of a request";
const MIME: &str = "application/vnd.rogatory.message";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn authority() -> AuthorityId {
    "XA-MOJ".parse().unwrap()
}

fn years(from: &str, to: &str) -> Validity {
    Validity { not_before: at(from), not_after: at(to) }
}

/// One authority with a CA (2026 to 2036), a seal (2026) and an empty revocation list (all of 2026).
struct Office {
    ca: Identity,
    seal: Identity,
    lists: Vec<Vec<u8>>,
}

impl Office {
    fn new() -> Self {
        let ca =
            authority_ca(&authority(), "Ministry of Justice of Arcadia", years("2026-01-01", "2036-01-01")).unwrap();
        let seal = seal_certificate(
            &ca,
            &authority(),
            "Ministry of Justice of Arcadia",
            "XA-MOJ seal",
            years("2026-01-01", "2026-12-31"),
        )
        .unwrap();
        let lists = vec![list(&ca, &[], "2026-01-01", "2027-01-01", 1)];
        Self { ca, seal, lists }
    }

    fn issuers(&self) -> Vec<Vec<u8>> {
        vec![self.ca.certificate.clone()]
    }

    fn signer(&self) -> Signer {
        signer(&self.seal, vec![self.ca.certificate.clone()])
    }

    fn sign(&self, signed_at: &str) -> Vec<u8> {
        self.signer().sign(CONTENT, MIME, at(signed_at)).unwrap()
    }

    fn verify(&self, signature: &[u8], checked_at: &str) -> Result<SignerFacts, SignatureError> {
        verify(signature, CONTENT, &self.issuers(), &self.lists, at(checked_at))
    }
}

fn signer(identity: &Identity, chain: Vec<Vec<u8>>) -> Signer {
    Signer::new(&identity.key, identity.certificate.clone(), chain).unwrap()
}

fn list(ca: &Identity, revoked: &[Revocation], this: &str, next: &str, number: u64) -> Vec<u8> {
    revocation_list(ca, revoked, at(this), at(next), number).unwrap()
}

fn refused(error: CertificateError) -> Result<SignerFacts, SignatureError> {
    Err(SignatureError::Certificate(error))
}

#[test]
fn a_signature_holds_and_tells_who_signed_when_and_what() {
    let office = Office::new();
    let signature = office.sign("2026-06-01T10:00:00Z");
    let facts = office.verify(&signature, "2026-06-01T10:00:05Z").unwrap();
    assert_eq!(facts.certificate_der(), office.seal.certificate);
    assert_eq!(facts.chain(), office.issuers());
    assert_eq!(facts.signing_time(), at("2026-06-01T10:00:00Z"));
    assert_eq!(facts.mime_type(), Some(MIME));
    assert_eq!(facts.certificate().issuer_der(), office.ca.certificate);
    assert_eq!(facts.certificate().facts().subject, "CN=XA-MOJ seal,O=Ministry of Justice of Arcadia,C=XA");
    assert!(signature.len() < CMS_BYTES_MAX);
}

#[test]
fn other_content_is_told_from_a_changed_signature() {
    let office = Office::new();
    let signature = office.sign("2026-06-01");
    let other = verify(&signature, b"other content", &office.issuers(), &office.lists, at("2026-06-01"));
    assert_eq!(other, Err(SignatureError::ContentMismatch));

    let mut forged = signature.clone();
    *forged.last_mut().unwrap() ^= 1;
    assert_eq!(office.verify(&forged, "2026-06-01"), Err(SignatureError::Invalid));
    assert_eq!(office.verify(&[], "2026-06-01"), Err(SignatureError::Missing));
    assert_eq!(office.verify(&vec![0x30; CMS_BYTES_MAX + 1], "2026-06-01"), Err(SignatureError::TooLarge));
    assert!(matches!(office.verify(b"not a signature", "2026-06-01"), Err(SignatureError::Malformed(_))));
}

#[test]
fn a_certificate_that_expired_after_signing_counts_and_one_that_expired_before_does_not() {
    let office = Office::new();
    let signature = office.sign("2026-12-30");
    assert!(office.verify(&signature, "2026-12-31T23:00:00Z").is_ok());

    let late = office.sign("2026-12-31T00:00:01Z");
    let expired = CertificateError::Expired { not_after: at("2026-12-31") };
    assert_eq!(office.verify(&late, "2026-12-31T23:00:00Z"), refused(expired));
    let early = office.sign("2025-12-31T23:59:59Z");
    let not_yet = CertificateError::NotYetValid { not_before: at("2026-01-01") };
    assert_eq!(office.verify(&early, "2026-06-01"), refused(not_yet));
    assert_eq!(SignatureError::Certificate(expired).code(), RefusalCode::CertificateExpired);
}

#[test]
fn a_signature_from_the_future_is_refused_beyond_the_tolerated_skew() {
    let office = Office::new();
    let now = at("2026-06-01");
    let judge = |ahead_ms: u64| {
        let signed_at = now.plus_millis(ahead_ms);
        let signature = office.signer().sign(CONTENT, MIME, signed_at).unwrap();
        office.verify(&signature, "2026-06-01")
    };
    assert!(judge(CLOCK_SKEW_MS_MAX).is_ok());
    let error = judge(CLOCK_SKEW_MS_MAX + 1_000).unwrap_err();
    assert!(matches!(error, SignatureError::InTheFuture { .. }));
    assert_eq!(error.code(), RefusalCode::ClockSkew);
}

#[test]
fn a_revoked_certificate_signs_nothing_not_even_before_its_revocation() {
    let mut office = Office::new();
    let signature = office.sign("2026-03-01");
    let since = at("2026-05-01");
    let revoked = Revocation { serial: CertificateFacts::read(&office.seal.certificate).unwrap().serial, at: since };
    let newer = list(&office.ca, &[revoked], "2026-05-01", "2026-08-01", 2);
    office.lists.push(newer.clone());
    // The newest list counts, wherever it stands.
    for _ in 0..2 {
        office.lists.reverse();
        assert_eq!(office.verify(&signature, "2026-06-01"), refused(CertificateError::Revoked { since }));
    }
    let read = RevocationList::read(&newer).unwrap();
    assert_eq!(read.revoked_count(), 1);
    assert_eq!(read.this_update(), at("2026-05-01"));
    assert_eq!(read.next_update(), at("2026-08-01"));
}

#[test]
fn another_serial_on_the_list_revokes_nothing() {
    let mut office = Office::new();
    let other = Revocation { serial: vec![1, 2, 3], at: at("2026-02-01") };
    office.lists = vec![list(&office.ca, &[other], "2026-02-01", "2027-01-01", 2)];
    assert!(office.verify(&office.sign("2026-06-01"), "2026-06-01").is_ok());
}

#[test]
fn a_missing_stale_or_forged_revocation_list_means_no_trust() {
    let mut office = Office::new();
    let signature = office.sign("2026-06-01");
    office.lists = vec![list(&office.ca, &[], "2026-01-01", "2026-06-02", 1)];
    assert!(office.verify(&signature, "2026-06-01T23:59:59Z").is_ok());
    let stale = CertificateError::StaleRevocationList { due: at("2026-06-02") };
    assert_eq!(office.verify(&signature, "2026-06-02"), refused(stale));
    assert_eq!(SignatureError::Certificate(stale).code(), RefusalCode::DirectoryExpired);

    office.lists.clear();
    assert_eq!(office.verify(&signature, "2026-06-01"), refused(CertificateError::NoRevocationList));

    let mut forged = list(&office.ca, &[], "2026-01-01", "2027-01-01", 1);
    *forged.last_mut().unwrap() ^= 1;
    office.lists = vec![forged];
    assert_eq!(office.verify(&signature, "2026-06-01"), refused(CertificateError::ForgedRevocationList));
    office.lists = vec![b"no list".to_vec()];
    assert!(office.verify(&signature, "2026-06-01").is_err());
}

#[test]
fn a_ca_that_the_directory_does_not_list_is_unknown_even_under_the_same_name() {
    let office = Office::new();
    let impostor = Office::new();
    let signature = impostor.sign("2026-06-01");
    let error = office.verify(&signature, "2026-06-01").unwrap_err();
    assert_eq!(error, SignatureError::Certificate(CertificateError::UnknownIssuer));
    assert_eq!(error.code(), RefusalCode::UnknownAuthority);
    let nobody = verify(&signature, CONTENT, &[], &office.lists, at("2026-06-01"));
    assert_eq!(nobody, refused(CertificateError::UnknownIssuer));
}

#[test]
fn after_a_key_roll_over_both_keys_of_a_ca_are_found_under_one_name() {
    let (old, new) = (Office::new(), Office::new());
    let issuers = [new.issuers(), old.issuers()].concat();
    let lists = [new.lists.clone(), old.lists.clone()].concat();
    for office in [&old, &new] {
        let signature = office.sign("2026-06-01");
        let facts = verify(&signature, CONTENT, &issuers, &lists, at("2026-06-01")).unwrap();
        assert_eq!(facts.certificate().issuer_der(), office.ca.certificate);
    }
}

#[test]
fn a_node_certificate_signs_no_legal_act_and_a_seal_makes_no_connection() {
    let office = Office::new();
    let node = node_certificate(
        &office.ca,
        &authority(),
        "Ministry of Justice of Arcadia",
        "xa-moj.rogatory",
        years("2026-01-01", "2026-12-31"),
    )
    .unwrap();
    let signature = signer(&node, Vec::new()).sign(CONTENT, MIME, at("2026-06-01")).unwrap();
    assert_eq!(office.verify(&signature, "2026-06-01"), refused(CertificateError::WrongUsage));
    let judge = |certificate: &[u8], usage| {
        let now = Instants::now(at("2026-06-01"));
        verify_chain(certificate, &office.issuers(), &office.lists, now, usage).map(|_| ())
    };
    assert_eq!(judge(&node.certificate, Usage::NodeServer), Ok(()));
    assert_eq!(judge(&node.certificate, Usage::NodeClient), Ok(()));
    assert_eq!(judge(&office.seal.certificate, Usage::NodeClient), Err(CertificateError::WrongUsage));
    assert_eq!(judge(&office.ca.certificate, Usage::Seal), Err(CertificateError::WrongUsage));
}

#[test]
fn an_issuer_that_is_no_ca_or_not_valid_then_is_refused() {
    let office = Office::new();
    // A seal certificate put into the directory as an issuer, signing another certificate.
    let under_seal = seal_certificate(
        &office.seal,
        &authority(),
        "Ministry of Justice of Arcadia",
        "under a seal",
        years("2026-01-01", "2026-12-31"),
    )
    .unwrap();
    let lists = [list(&office.seal, &[], "2026-01-01", "2027-01-01", 1)];
    let judge = |certificate: &[u8], issuer: &Identity, lists: &[Vec<u8>], now: &str| {
        let issuers = [issuer.certificate.clone()];
        verify_chain(certificate, &issuers, lists, Instants::now(at(now)), Usage::Seal).map(|_| ())
    };
    assert_eq!(judge(&under_seal.certificate, &office.seal, &lists, "2026-06-01"), Err(CertificateError::UnfitIssuer));

    let short_ca = authority_ca(&authority(), "Arcadia", years("2026-01-01", "2026-03-01")).unwrap();
    let outliving =
        seal_certificate(&short_ca, &authority(), "Arcadia", "outlives its CA", years("2026-01-01", "2026-12-31"))
            .unwrap();
    let lists = [list(&short_ca, &[], "2026-01-01", "2027-01-01", 1)];
    assert_eq!(judge(&outliving.certificate, &short_ca, &lists, "2026-02-01"), Ok(()));
    assert_eq!(judge(&outliving.certificate, &short_ca, &lists, "2026-06-01"), Err(CertificateError::IssuerNotValid));
}

#[test]
fn a_directory_with_a_broken_issuer_is_blamed_itself_and_may_be_retried() {
    let office = Office::new();
    let signature = office.sign("2026-06-01");
    let issuers = [vec![b"no certificate".to_vec()], office.issuers()].concat();
    let error = verify(&signature, CONTENT, &issuers, &office.lists, at("2026-06-01")).unwrap_err();
    assert_eq!(error, SignatureError::Certificate(CertificateError::UnfitIssuer));
    assert_eq!(error.code(), RefusalCode::DirectoryExpired);
}

#[test]
fn an_international_body_signs_under_a_name_without_a_country() {
    let body: AuthorityId = "INT-ICC".parse().unwrap();
    let validity = years("2026-01-01", "2026-12-31");
    let ca = authority_ca(&body, "International Court", validity).unwrap();
    let seal = seal_certificate(&ca, &body, "International Court", "INT-ICC seal", validity).unwrap();
    assert_eq!(authority_of(&seal.certificate), Ok(body));
    let signature = signer(&seal, Vec::new()).sign(CONTENT, MIME, at("2026-06-01")).unwrap();
    let lists = [list(&ca, &[], "2026-01-01", "2027-01-01", 1)];
    let facts = verify(&signature, CONTENT, &[ca.certificate], &lists, at("2026-06-01")).unwrap();
    assert_eq!(facts.certificate().facts().subject, "CN=INT-ICC seal,O=International Court");
}

#[test]
fn another_certificate_for_the_same_key_cannot_take_the_place_of_the_named_one() {
    let office = Office::new();
    let signature = office.sign("2026-06-01");
    // One byte inside the embedded certificate's own signature: issuer and serial number still lead to it.
    let certificate = &office.seal.certificate;
    let start = signature.windows(certificate.len()).position(|window| window == certificate).unwrap();
    let mut exchanged = signature;
    exchanged[start + certificate.len() - 1] ^= 1;
    assert_eq!(office.verify(&exchanged, "2026-06-01"), Err(SignatureError::OtherCertificate));
}

#[test]
fn a_key_that_is_not_the_certificates_makes_no_signer_and_no_ca() {
    let (one, other) = (Office::new(), Office::new());
    let mixed = Signer::new(&other.seal.key, one.seal.certificate.clone(), Vec::new());
    assert_eq!(mixed.unwrap_err(), SignerError::Mismatch);
    let mixed = Identity { certificate: one.ca.certificate, key: other.ca.key };
    let issued = revocation_list(&mixed, &[], at("2026-01-01"), at("2027-01-01"), 1);
    assert_eq!(issued.unwrap_err(), IssueError::WrongKey);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_changed_byte_of_a_signature_leaves_another_signer_or_time(at_byte in any::<proptest::sample::Index>(), flip in 1_u8..=255) {
        let office = Office::new();
        let signature = office.sign("2026-06-01");
        let mut changed = signature.clone();
        let index = at_byte.index(changed.len());
        changed[index] ^= flip;
        // Embedded certificates above the signer's own are not used; a change there may pass, but changes no fact.
        if let Ok(facts) = office.verify(&changed, "2026-06-01") {
            prop_assert_eq!(facts.certificate_der(), &office.seal.certificate);
            prop_assert_eq!(facts.signing_time(), at("2026-06-01"));
            prop_assert_eq!(facts.mime_type(), Some(MIME));
        }
    }

    #[test]
    fn no_bytes_make_the_readers_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        let office = Office::new();
        prop_assert!(office.verify(&bytes, "2026-06-01").is_err());
        prop_assert!(CertificateFacts::read(&bytes).is_err());
        prop_assert!(RevocationList::read(&bytes).is_err());
    }
}
