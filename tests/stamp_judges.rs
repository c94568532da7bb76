//! OpenSSL as the foreign judge of time-stamps: it answers our requests, we accept its tokens by what they say, and both
//! of us refuse what was changed. A judge that is missing fails the test.
#![allow(dead_code, reason = "the authority is shared; its web server is for others")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

#[path = "tsa/mod.rs"]
mod tsa;

use rogatory::crypto::digest::sha256;
use rogatory::crypto::timestamp::{StampError, Stamped, TimeStamp, request};
use rogatory::daemon::clock;

use tsa::{Key, Plan, Steps, TWO_PURPOSES, Tsa, Weight};

const CONTENT: &[u8] = b"xa-moj.rogatory/custody\n7\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n";
const NONCE: u64 = 0x8000_0000_0000_0001;

fn asked(tsa: &Tsa) -> Vec<u8> {
    tsa.answer(&request(sha256(CONTENT), NONCE))
}

fn check(tsa: &Tsa, answer: &[u8]) -> Result<Stamped, StampError> {
    TimeStamp::read(answer)?.check(CONTENT, Some(NONCE), std::slice::from_ref(&tsa.anchor))
}

/// The place of the last `needle`.
fn find(bytes: &[u8], needle: &[u8]) -> usize {
    bytes.windows(needle.len()).rposition(|window| window == needle).unwrap()
}

#[test]
fn openssl_answers_our_request_and_both_accept_the_token() {
    for plan in [
        Plan::default(),
        Plan { key: Key::Rsa, ..Plan::default() },
        Plan { named_by: "sha1", ..Plan::default() },
        Plan { named_by: "sha512", steps: Steps::One, ..Plan::default() },
    ] {
        let tsa = Tsa::new("Arcadia", &plan);
        let before = clock::now();
        let answer = asked(&tsa);
        let stamped = check(&tsa, &answer).unwrap();
        assert!(stamped.time.as_secs() >= before.as_secs() && stamped.time <= clock::now(), "{stamped:?}");
        assert_eq!((stamped.accuracy_ms, stamped.policy.as_str()), (Some(1_500), "1.2.3.4.1"));
        assert_eq!((stamped.authority.as_str(), stamped.anchor), ("CN=Arcadia Time", sha256(&tsa.anchor)));
        assert!(TimeStamp::read(&answer).unwrap().is_over(sha256(CONTENT)));
        let said = tsa.judge(CONTENT, &answer).unwrap();
        assert!(said.contains("Verification: OK"), "{said}");
    }
}

#[test]
fn our_request_is_read_by_openssl_as_it_was_meant() {
    let tsa = Tsa::new("Arcadia", &Plan::default());
    asked(&tsa);
    let said = tsa.openssl("ts -query -in query.tsq -text").unwrap();
    for line in ["Version: 1", "Hash Algorithm: sha256", "Nonce: 0x8000000000000001", "Certificate required: yes"] {
        assert!(said.contains(line), "{line} in {said}");
    }
}

#[test]
fn a_token_over_a_longer_digest_is_accepted_too() {
    let tsa = Tsa::new("Arcadia", &Plan::default());
    std::fs::write(tsa.path("content"), CONTENT).unwrap();
    tsa.openssl("ts -query -data content -sha512 -cert -out query.tsq").unwrap();
    tsa.openssl("ts -reply -config tsa.cnf -queryfile query.tsq -out answer.tsr").unwrap();
    let answer = std::fs::read(tsa.path("answer.tsr")).unwrap();
    let stamp = TimeStamp::read(&answer).unwrap();
    assert!(stamp.check(CONTENT, None, std::slice::from_ref(&tsa.anchor)).is_ok());
    // OpenSSL drew a nonce of its own.
    assert_eq!(stamp.check(CONTENT, Some(NONCE), std::slice::from_ref(&tsa.anchor)), Err(StampError::OtherNonce));
}

#[test]
fn other_bytes_another_nonce_and_an_unknown_anchor_are_refused() {
    let (tsa, stranger) = (Tsa::new("Arcadia", &Plan::default()), Tsa::new("Arcadia", &Plan::default()));
    let answer = asked(&tsa);
    let anchors = std::slice::from_ref(&tsa.anchor);
    let stamp = TimeStamp::read(&answer).unwrap();
    assert_eq!(stamp.check(b"other", Some(NONCE), anchors), Err(StampError::OtherBytes));
    assert!(tsa.judge(b"other", &answer).is_err());
    assert_eq!(stamp.check(CONTENT, Some(7), anchors), Err(StampError::OtherNonce));
    assert!(stamp.check(CONTENT, None, anchors).is_ok());
    // A CA of the same name with another key.
    assert_eq!(stamp.check(CONTENT, Some(NONCE), std::slice::from_ref(&stranger.anchor)), Err(StampError::NoAnchor));
    assert!(stranger.judge(CONTENT, &answer).is_err());
    assert_eq!(stamp.check(CONTENT, Some(NONCE), &[]), Err(StampError::NoAnchor));
    // The right one is found behind the wrong one.
    assert!(stamp.check(CONTENT, None, &[stranger.anchor, tsa.anchor.clone()]).is_ok());
}

#[test]
fn a_changed_time_or_signature_is_refused_by_both() {
    let tsa = Tsa::new("Arcadia", &Plan::default());
    let answer = asked(&tsa);
    let mut back_dated = answer.clone();
    let said = tsa.tst_info(&answer);
    let year = said.windows(3).position(|window| window == b"202").unwrap();
    let place = find(&answer, &said[year..year + 15]);
    back_dated[place + 3] -= 1;
    let mut forged = answer.clone();
    *forged.last_mut().unwrap() ^= 1;
    for changed in [back_dated, forged] {
        assert_eq!(check(&tsa, &changed), Err(StampError::Signature));
        assert!(tsa.judge(CONTENT, &changed).is_err());
    }
}

#[test]
fn every_flipped_byte_of_a_token_is_refused_or_changes_nothing_that_was_said() {
    let tsa = Tsa::new("Arcadia", &Plan::default());
    let answer = asked(&tsa);
    let good = check(&tsa, &answer).unwrap();
    let mut refused = 0;
    for place in 0..answer.len() {
        for flip in [1, 0x80] {
            let mut changed = answer.clone();
            changed[place] ^= flip;
            match check(&tsa, &changed) {
                Ok(stamped) => assert_eq!(stamped, good, "byte {place}"),
                Err(_) => refused += 1,
            }
        }
    }
    // What may change: the status (granted with modifications), the embedded but unused, and how DER is worded.
    assert!(refused * 100 > answer.len() * 2 * 90, "{refused} of {}", answer.len() * 2);
}

#[test]
fn a_certificate_that_was_not_valid_at_the_time_stated_is_refused() {
    for plan in [
        Plan { days: (-30, -1), ..Plan::default() },
        Plan { days: (1, 30), ..Plan::default() },
        Plan { ca_days: (-30, -1), ..Plan::default() },
        Plan { ca_days: (-30, -1), steps: Steps::One, ..Plan::default() },
    ] {
        let tsa = Tsa::new("Arcadia", &plan);
        assert_eq!(check(&tsa, &asked(&tsa)), Err(StampError::NotValidThen));
        assert!(tsa.judge(CONTENT, &asked(&tsa)).is_err());
    }
}

#[test]
fn a_signer_that_is_not_for_time_stamps_alone_is_refused() {
    let good = Tsa::new("Arcadia", &Plan::default());
    let said = good.tst_info(&asked(&good));
    let emails: &[u8] = &[0x30, 10, 6, 8, 0x2b, 6, 1, 5, 5, 7, 3, 4];
    for purpose in [(TWO_PURPOSES, Weight::Critical), (tsa::TIME_STAMPING, Weight::Plain), (emails, Weight::Critical)] {
        let tsa = Tsa::new("Arcadia", &Plan { purpose, ..Plan::default() });
        assert_eq!(check(&tsa, &tsa.forge(&said)), Err(StampError::WrongUsage), "{purpose:02x?}");
    }
    // The same way of making it, with a good certificate, is accepted: the purpose is what was refused.
    assert!(check(&good, &good.forge(&said)).is_ok());
}

#[test]
fn a_critical_extension_and_another_version_of_the_time_are_refused() {
    let tsa = Tsa::new("Arcadia", &Plan::default());
    let said = tsa.tst_info(&asked(&tsa));
    let content = &said[3..];
    assert_eq!(said[..2], [0x30, 0x81], "a TSTInfo of 128 to 255 bytes");
    // [1] { Extension { 1.2.3.4, critical, an empty OCTET STRING } }
    let extension = |critical: &[u8]| {
        let inside = [&[6, 3, 0x2a, 3, 4], critical, &[4, 0]].concat();
        let length = u8::try_from(inside.len()).unwrap();
        tsa::sequence(&[content, &[0xa1, length + 2, 0x30, length], &inside].concat())
    };
    // OpenSSL names the authority by its whole subject; DER of exactly this length is read back.
    let unknown = |bytes: &[u8]| matches!(check(&tsa, &tsa.forge(bytes)), Err(StampError::Malformed(_)));
    let shorten = |bytes: Vec<u8>| {
        let length = u16::from_be_bytes([bytes[2], bytes[3]]);
        match u8::try_from(length) {
            Ok(length) => [&[0x30, 0x81, length], &bytes[4..]].concat(),
            Err(_) => bytes,
        }
    };
    assert!(unknown(&shorten(extension(&[1, 1, 0xff]))));
    assert!(!unknown(&shorten(extension(&[]))));
    let mut version = said.clone();
    version[5] = 2;
    assert!(unknown(&version));
}

#[test]
fn a_refusal_is_told_in_the_words_of_the_authority() {
    let tsa = Tsa::new("Arcadia", &Plan::default());
    std::fs::write(tsa.path("content"), CONTENT).unwrap();
    tsa.openssl("ts -query -data content -md5 -out query.tsq").unwrap();
    tsa.openssl("ts -reply -config tsa.cnf -queryfile query.tsq -out answer.tsr").unwrap();
    let denied = TimeStamp::read(&std::fs::read(tsa.path("answer.tsr")).unwrap()).unwrap_err();
    let StampError::Denied(why) = denied else { panic!("{denied}") };
    assert!(why.starts_with("the algorithm is not supported"), "{why}");
}

#[test]
fn what_is_no_answer_at_all_is_refused() {
    for bytes in [&b""[..], b"<html>busy</html>", &[0x30, 0], &[0x30, 5, 0x30, 3, 2, 1, 0], &[0x30; 70_000]] {
        assert!(TimeStamp::read(bytes).is_err());
    }
}

fn vector(name: &str) -> Vec<u8> {
    let path = format!("{}/tests/vectors/timestamp/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn a_token_outlives_the_certificate_of_its_authority() {
    let (note, answer, root) = (vector("checkpoint.note"), vector("expired.tsr"), vector("root.der"));
    let stamp = TimeStamp::read(&answer).unwrap();
    let stamped = stamp.check(&note, None, std::slice::from_ref(&root)).unwrap();
    // Two minutes later its certificate ended, and that is long ago.
    assert!(stamped.time.plus_millis(300_000) < clock::now(), "{stamped:?}");
    assert_eq!((stamped.accuracy_ms, stamped.authority.as_str()), (Some(1_501), "CN=Arcadia tsa"));
    assert_eq!(stamped.anchor, sha256(&root));
    // The CA in between will do as an anchor, too.
    assert!(stamp.check(&note, None, &[vector("issuing.der")]).is_ok());

    // OpenSSL says the same when it is told the time of the token, and refuses it as of today.
    let tsa = Tsa::new("Arcadia", &Plan::default());
    let folder = tsa.path("ca.pem");
    let pem = rogatory::crypto::pem::encode(rogatory::crypto::pem::Label::Certificate, &root);
    std::fs::write(&folder, pem.as_bytes()).unwrap();
    assert!(tsa.judge(&note, &answer).is_err());
    let at = stamped.time.as_secs();
    let command = format!("ts -verify -data content -in answer.tsr -CAfile ca.pem -attime {at}");
    let said = tsa.openssl(&command).unwrap();
    assert!(said.contains("Verification: OK"), "{said}");
}
