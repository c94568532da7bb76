//! The rules of trust by themselves, without a socket.

use rcgen::ExtendedKeyUsagePurpose;
use rogatory::crypto::issue::{Validity, authority_ca, node_certificate, revocation_list, seal_certificate};
use rogatory::crypto::node::{IssuerError, NodeError, Role};
use rogatory::model::time::Timestamp;
use rogatory::net::trust::Trust;

use crate::pki::{Ca, NOW, Wish};

fn trust_in(ca: &Ca, list: Vec<u8>) -> Trust {
    trust_of(&[&ca.der], &[list])
}

fn trust_of(issuers: &[&Vec<u8>], lists: &[Vec<u8>]) -> Trust {
    let issuers: Vec<Vec<u8>> = issuers.iter().map(|der| (*der).clone()).collect();
    let mut trust = Trust::new();
    trust.add("XA-MOJ".parse().unwrap(), &issuers, lists).unwrap();
    trust
}

fn refused(trust: &Trust, certificate: &[u8]) -> NodeError {
    let dialled = trust.check(certificate, Role::Dialled, NOW).unwrap_err();
    let dialler = trust.check(certificate, Role::Dialler, NOW).unwrap_err();
    assert_eq!(dialled, dialler);
    dialled
}

#[test]
fn a_certificate_of_the_listed_ca_speaks_for_its_authority_in_both_roles() {
    let ca = Ca::new("CA A");
    let trust = trust_in(&ca, ca.list(&[8]));
    let node = ca.node("XA-MOJ");
    for role in [Role::Dialled, Role::Dialler] {
        let checked = trust.check(&node.certificate, role, NOW).unwrap();
        assert_eq!(checked.authority.as_str(), "XA-MOJ");
        assert_eq!(checked.serial, [7]);
        assert_eq!(checked.not_after, NOW.plus_millis(90 * 86_400_000));
    }
}

#[test]
fn a_ca_cannot_speak_for_another_authority() {
    let (a, b) = (Ca::new("CA A"), Ca::new("CA B"));
    let mut trust = trust_in(&a, a.list(&[]));
    trust.add("XB-MOJ".parse().unwrap(), std::slice::from_ref(&b.der), &[b.list(&[])]).unwrap();
    let forged = b.node("XA-MOJ");
    assert_eq!(refused(&trust, &forged.certificate), NodeError::UnknownIssuer);
}

#[test]
fn a_ca_with_the_same_name_and_another_key_is_another_ca() {
    let (real, forged) = (Ca::new("CA A"), Ca::new("CA A"));
    let trust = trust_in(&real, real.list(&[]));
    let node = forged.node("XA-MOJ");
    assert_eq!(refused(&trust, &node.certificate), NodeError::UnknownIssuer);
}

#[test]
fn a_ca_below_a_listed_ca_is_nobody() {
    let ca = Ca::new("CA A");
    let trust = trust_in(&ca, ca.list(&[]));
    let node = ca.below("CA A2").node("XA-MOJ");
    assert_eq!(refused(&trust, &node.certificate), NodeError::UnknownIssuer);
}

#[test]
fn an_authority_outside_the_directory_is_unknown() {
    let ca = Ca::new("CA A");
    let trust = trust_in(&ca, ca.list(&[]));
    let node = ca.node("XC-MOJ");
    assert_eq!(refused(&trust, &node.certificate), NodeError::UnknownAuthority);
}

#[test]
fn a_revoked_certificate_is_refused() {
    let ca = Ca::new("CA A");
    let trust = trust_in(&ca, ca.list(&[7]));
    let node = ca.node("XA-MOJ");
    assert_eq!(refused(&trust, &node.certificate), NodeError::Revoked);
}

#[test]
fn a_certificate_outside_its_time_is_refused() {
    let ca = Ca::new("CA A");
    let trust = trust_in(&ca, ca.list(&[]));
    let mut wish = Wish::of("XA-MOJ");
    (wish.from_day, wish.to_day) = (-20, -1);
    let expired = ca.issue(&wish);
    assert_eq!(refused(&trust, &expired.certificate), NodeError::Expired);
    (wish.from_day, wish.to_day) = (1, 20);
    let early = ca.issue(&wish);
    assert_eq!(refused(&trust, &early.certificate), NodeError::NotYetValid);
}

#[test]
fn a_ca_whose_own_certificate_is_over_is_refused() {
    let ca = Ca::valid("CA A", -300, -1);
    let trust = trust_in(&ca, ca.list(&[]));
    let node = ca.node("XA-MOJ");
    assert_eq!(refused(&trust, &node.certificate), NodeError::IssuerExpired);
}

#[test]
fn a_stale_revocation_list_is_refused() {
    let ca = Ca::new("CA A");
    let trust = trust_in(&ca, ca.list_until(&[], -1));
    let node = ca.node("XA-MOJ");
    assert_eq!(refused(&trust, &node.certificate), NodeError::ListExpired);
}

#[test]
fn a_missing_or_foreign_revocation_list_is_refused() {
    let (ca, other, namesake) = (Ca::new("CA A"), Ca::new("CA B"), Ca::new("CA A"));
    let node = ca.node("XA-MOJ");
    for lists in [vec![], vec![other.list(&[])], vec![namesake.list(&[])]] {
        let trust = trust_of(&[&ca.der], &lists);
        assert_eq!(refused(&trust, &node.certificate), NodeError::RevocationUnknown);
    }
}

#[test]
fn a_certificate_for_another_purpose_opens_no_connection() {
    let ca = Ca::new("CA A");
    let trust = trust_in(&ca, ca.list(&[]));
    let mut wish = Wish::of("XA-MOJ");
    for purposes in [vec![], vec![ExtendedKeyUsagePurpose::EmailProtection]] {
        wish.purposes = purposes;
        let node = ca.issue(&wish);
        assert_eq!(refused(&trust, &node.certificate), NodeError::Purpose);
    }
}

#[test]
fn the_ca_certificate_itself_is_no_node() {
    let ca = Ca::new("CA A");
    let trust = trust_in(&ca, ca.list(&[]));
    assert!(matches!(refused(&trust, &ca.der), NodeError::Certificate(_)));
}

#[test]
fn after_a_change_of_key_both_cas_of_one_name_work_each_with_its_own_list() {
    let (old, new) = (Ca::new("CA A"), Ca::new("CA A"));
    let lists = [old.list(&[8]), new.list(&[9])];
    let trust = trust_of(&[&old.der, &new.der], &lists);
    let mut wish = Wish::of("XA-MOJ");
    for (ca, serial, revoked) in [(&old, 8, true), (&old, 9, false), (&new, 9, true)] {
        wish.serial = serial;
        let answer = trust.check(&ca.issue(&wish).certificate, Role::Dialled, NOW);
        assert_eq!(answer == Err(NodeError::Revoked), revoked, "{serial}");
        assert_eq!(answer.is_ok(), !revoked);
    }
}

#[test]
fn unreadable_rows_of_the_directory_are_told_apart() {
    let ca = Ca::new("CA A");
    let mut trust = Trust::new();
    let id = "XA-MOJ".parse().unwrap();
    let cut = ca.der[..ca.der.len() - 1].to_vec();
    assert_eq!(trust.add(id, &[cut], &[]), Err(IssuerError::Certificate));
    let id = "XA-MOJ".parse().unwrap();
    assert_eq!(trust.add(id, std::slice::from_ref(&ca.der), &[vec![0x30, 0]]), Err(IssuerError::List));
}

#[test]
fn the_recipes_of_this_program_make_nodes_that_are_believed_and_seals_that_open_no_connection() {
    let day = |days: u64| Timestamp::from_millis(NOW.as_millis() - 86_400_000).plus_millis(days * 86_400_000);
    let validity = Validity { not_before: day(0), not_after: day(90) };
    let id = "XA-MOJ".parse().unwrap();
    let ca = authority_ca(&id, "Ministry of Justice", validity).unwrap();
    let list = revocation_list(&ca, &[], day(0), day(30), 1).unwrap();
    let node = node_certificate(&ca, &id, "Ministry of Justice", "node.xa.example", validity).unwrap();
    let seal = seal_certificate(&ca, &id, "Ministry of Justice", "Seal", validity).unwrap();
    let mut trust = Trust::new();
    trust.add(id.clone(), &[ca.certificate], &[list]).unwrap();
    let checked = trust.check(&node.certificate, Role::Dialler, NOW).unwrap();
    assert_eq!(checked.authority, id);
    assert_eq!(refused(&trust, &seal.certificate), NodeError::Purpose);
}
