//! Cosignatures: what others made, what the format says byte for byte, and each way to be refused.

use proptest::prelude::*;

use super::*;
use crate::crypto::ed25519::SigningKey;
use crate::model::base64;
use crate::model::ident::Digest;

const LITEWITNESS: &str = include_str!("../../../tests/vectors/custody/litewitness-mldsa.checkpoint");
const LITEWITNESS_KEY: &str = include_str!("../../../tests/vectors/custody/litewitness-mldsa.vkey");

fn name(text: &str) -> KeyName {
    text.parse().unwrap()
}

fn witness(seed: u8) -> Cosigner {
    let lasting = mldsa::SigningKey::from_seed(&[seed; 32]);
    Cosigner::new(&name("xb-moj.rogatory/witness"), SigningKey::from_seed(&[seed; 32]), lasting)
}

fn at(secs: u64) -> Timestamp {
    Timestamp::from_millis(secs * 1_000 + 999)
}

fn log() -> SigningKey {
    SigningKey::from_seed(&[3; 32])
}

fn checkpoint() -> SignedCheckpoint {
    SignedCheckpoint::sign(&name("xa-moj.rogatory/custody"), 7, Digest([9; 32]), &log())
}

fn log_key() -> VerifierKey {
    VerifierKey::new(name("xa-moj.rogatory/custody"), log().public_key())
}

#[test]
fn a_checkpoint_that_another_implementation_signed_with_ml_dsa_holds_and_no_changed_one_does() {
    let key: VerifierKey = LITEWITNESS_KEY.trim_end().parse().unwrap();
    assert_eq!((key.algorithm(), key.id()), (Algorithm::MlDsa44Cosignature, [0xb5, 0xdf, 0x45, 0xc5]));
    assert_eq!(format!("{key}\n"), LITEWITNESS_KEY);
    let keys = [key];
    let signed = SignedCheckpoint::open(LITEWITNESS.as_bytes(), &keys).unwrap();
    assert_eq!((signed.checkpoint().size(), signed.note().to_string().as_str()), (1, LITEWITNESS));
    assert_eq!(cosignatures(signed.note(), &keys).unwrap()[0].at, None);
    for (from, to) in [("\n1\n", "\n2\n"), ("+zoE", "+zoF"), ("td9FxQAAAAAAAAAA", "td9FxQAAAAAAAAAB"), ("kjFv", "kjFw")]
    {
        let changed = LITEWITNESS.replace(from, to);
        assert_ne!(changed, LITEWITNESS);
        assert!(SignedCheckpoint::open(changed.as_bytes(), &keys).is_err(), "{from}");
    }
    // The message has no room for extension lines: ML-DSA-44 does not cover them (C2SP tlog-cosignature).
    let extended = LITEWITNESS.replace("D38=\n", "D38=\nextension\n");
    assert!(SignedCheckpoint::open(extended.as_bytes(), &keys).is_ok());
}

#[test]
fn both_messages_are_those_of_the_specification_byte_for_byte() {
    let text = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
    let classic = format!("cosignature/v1\ntime 1679315147\n{text}");
    assert_eq!(ed25519_message(1_679_315_147, text), classic.as_bytes());
    let lasting = ml_dsa_44_message("witness.example.com/w1", 1_679_315_147, text).unwrap();
    let mut expected = b"subtree/v1\n\0\x16witness.example.com/w1".to_vec();
    expected.extend_from_slice(&[0, 0, 0, 0, 0x64, 0x18, 0x50, 0xcb]);
    expected.extend_from_slice(b"\x1bexample.com/behind-the-sofa");
    expected.extend_from_slice(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x01, 0x3e, 0x2d, 0xc3]);
    expected.extend_from_slice(&base64::decode("CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=").unwrap());
    assert_eq!(lasting, expected);
}

#[test]
fn the_line_in_the_specifications_example_has_the_time_that_its_text_names() {
    let line = "\u{2014} witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==";
    let line = SignatureLine::parse(line).unwrap();
    let (time, signature) = split(line.signature()).unwrap();
    assert_eq!((time, signature.len()), (1_679_315_147, 64));
}

#[test]
fn a_witness_signs_with_both_keys_and_its_time() {
    let (witness, signed) = (witness(5), checkpoint());
    let lines = witness.cosign(&signed, at(1_800_000_000), &[1; 32]).unwrap();
    let cosigned = signed.clone().with_lines(lines);
    let keys = witness.verifier_keys();
    let again = SignedCheckpoint::open(&cosigned.to_bytes(), &[log_key()]).unwrap();
    let found = cosignatures(again.note(), &keys).unwrap();
    let algorithms: Vec<_> = found.iter().map(|one| (one.algorithm, one.at.unwrap().as_secs())).collect();
    let time = 1_800_000_000;
    assert_eq!(algorithms, [(Algorithm::Ed25519Cosignature, time), (Algorithm::MlDsa44Cosignature, time)]);
    assert!(found.iter().all(|one| one.name == "xb-moj.rogatory/witness"));
    // The log's key is no cosigner, and the witness's keys do not make a checkpoint the log's.
    assert_eq!(cosignatures(again.note(), &[log_key()]), Ok(Vec::new()));
    assert!(SignedCheckpoint::open(&cosigned.to_bytes(), &keys).is_err());
}

#[test]
fn a_log_signs_with_ml_dsa_the_same_bytes_each_time() {
    let key = mldsa::SigningKey::from_seed(&[4; 32]);
    let line = log_line(&key, &checkpoint()).unwrap();
    assert_eq!(log_line(&key, &checkpoint()).unwrap(), line);
    let both = checkpoint().with_lines([line]);
    let lasting = VerifierKey::ml_dsa_44(name("xa-moj.rogatory/custody"), key.public_key().clone());
    let signers = both.note().verify(&[log_key(), lasting.clone()]).unwrap().len();
    assert_eq!(signers, 2);
    assert!(SignedCheckpoint::open(&both.to_bytes(), &[lasting]).is_ok());
}

#[test]
fn a_cosignature_of_another_time_checkpoint_name_or_length_does_not_hold() {
    let (witness, signed) = (witness(5), checkpoint());
    let lines = witness.cosign(&signed, at(1_800_000_000), &[1; 32]).unwrap();
    let other = SignedCheckpoint::sign(&name("xa-moj.rogatory/custody"), 8, Digest([9; 32]), &log());
    for (key, line) in witness.verifier_keys().iter().zip(&lines) {
        let good = line.signature().to_vec();
        assert_eq!(key.check(signed.note().text(), line), Ok(Some(1_800_000_000)));
        assert!(key.check(other.note().text(), line).is_err());
        let mut late = good.clone();
        late[7] ^= 1;
        let mut beyond = good.clone();
        beyond[0] = 0x80;
        for bad in [late, beyond, good[1..].to_vec(), good[..7].to_vec(), [&good[..], &[0]].concat()] {
            assert_eq!(key.check(signed.note().text(), &key.line(bad)), Err(NoteError::BadSignature));
        }
    }
    let [classic, lasting] = witness.verifier_keys();
    let renamed = |key: &VerifierKey| key.to_string().replacen("xb-", "xc-", 1);
    assert!(renamed(&classic).parse::<VerifierKey>().is_err());
    let stolen = VerifierKey::ml_dsa_44(name("xc-moj.rogatory/witness"), lasting.public_key().try_into().unwrap());
    assert!(stolen.check(signed.note().text(), &lines[1]).is_err());
}

#[test]
fn ml_dsa_signs_checkpoints_only_and_names_that_fit() {
    assert_eq!(ml_dsa_44_message("w", 0, "a text\n"), None);
    let text = |origin: &str| format!("{origin}\n7\n{}\n", base64::encode(&[9; 32]));
    assert!(ml_dsa_44_message("w", 0, &text(&"o".repeat(255))).is_some());
    assert_eq!(ml_dsa_44_message("w", 0, &text(&"o".repeat(256))), None);
    assert_eq!(ml_dsa_44_message(&"w".repeat(256), 0, &text("o")), None);
    assert_eq!(ml_dsa_44_message("", 0, &text("o")), None);
    let long = SignedCheckpoint::sign(&name(&"o".repeat(256)), 7, Digest([9; 32]), &log());
    assert_eq!(witness(5).cosign(&long, at(1), &[1; 32]), Err(CosignError));
    assert_eq!(log_line(&mldsa::SigningKey::from_seed(&[4; 32]), &long), Err(CosignError));
}

#[test]
fn lines_of_known_witnesses_are_taken_and_others_left() {
    let (known, unknown, signed) = (witness(5), witness(6), checkpoint());
    let mut lines = known.cosign(&signed, at(10), &[1; 32]).unwrap().to_vec();
    lines.extend(unknown.cosign(&signed, at(10), &[1; 32]).unwrap());
    let answer: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let read = Note::parse_lines(answer.as_bytes()).unwrap();
    assert_eq!(read, lines);
    let mut note = signed.note().clone();
    assert_eq!(add(&mut note, &read, &known.verifier_keys()).unwrap().len(), 2);
    assert_eq!(note.signatures().len(), 3);
    assert_eq!(add(&mut note, &read, &known.verifier_keys()).unwrap().len(), 2);
    assert_eq!(note.signatures().len(), 3, "nothing is there twice");
    let mut bad = read.clone();
    bad[0] = known.verifier_keys()[0].line(vec![0; 72]);
    let mut untouched = signed.note().clone();
    assert_eq!(add(&mut untouched, &bad, &known.verifier_keys()), Err(NoteError::BadSignature));
    assert_eq!(untouched, *signed.note());
    assert!(Note::parse_lines(b"").is_err() && Note::parse_lines(b"\n").is_err());
    assert!(Note::parse_lines(answer.trim_end().as_bytes()).is_err());
}

#[test]
fn notes_of_one_text_are_merged_and_of_two_are_not() {
    let (one, two) = (witness(5), witness(6));
    let signed = checkpoint();
    let with = |witness: &Cosigner| {
        signed.clone().with_lines(witness.cosign(&signed, at(10), &[1; 32]).unwrap()).note().clone()
    };
    let (first, second) = (with(&one), with(&two));
    let mut merged = first.clone();
    merged.merge(&second).unwrap();
    assert_eq!(merged.signatures().len(), 5);
    let mut other = SignedCheckpoint::sign(&name("xa-moj.rogatory/custody"), 8, Digest([9; 32]), &log()).note().clone();
    assert_eq!(other.merge(&first), Err(NoteError::OtherText));
    let key = VerifierKey::ml_dsa_44(name("w"), one.verifier_keys()[1].public_key().try_into().unwrap());
    let mut full = first.clone();
    (0..60_u8).for_each(|number| full.push(key.line(vec![number; 2_428])));
    assert_eq!(merged.clone().merge(&full), Err(NoteError::TooLarge));
    assert_eq!(merged.signatures().len(), 5);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_payload_panics_and_none_holds(payload in proptest::collection::vec(any::<u8>(), 1..2_500)) {
        for key in witness(5).verifier_keys() {
            prop_assert!(key.check(checkpoint().note().text(), &key.line(payload.clone())).is_err());
        }
    }
}

#[test]
fn a_log_that_rests_is_cosigned_for_ever_and_its_note_does_not_grow() {
    let mut note = checkpoint().note().clone();
    let keys = witness(5).verifier_keys();
    for round in 1..200 {
        let lines = witness(5).cosign(&checkpoint(), at(round), &[7; 32]).unwrap();
        assert_eq!(add_first(&mut note, &lines, &keys).unwrap().len(), 2, "{round}");
    }
    assert_eq!(note.signatures().len(), 3);
    let times: Vec<_> = cosignatures(&note, &keys).unwrap().into_iter().filter_map(|one| one.at).collect();
    assert_eq!(times, [Timestamp::from_millis(1_000); 2]);
    let bad = keys[0].line(vec![0; 72]);
    assert_eq!(add_first(&mut note, &[bad], &keys), Err(NoteError::BadSignature));
    assert_eq!(note.signatures().len(), 3);
}
