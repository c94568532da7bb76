//! Notes: the specification's example, and each way to be refused.

use proptest::prelude::*;

use super::*;

/// The example of the C2SP signed-note text and of Go's `sumdb/note`.
const PETER: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const EXAMPLE: &str = "If you think cryptography is the answer to your problem,\n\
    then you don't know what your problem is.\n\
    \n\
    \u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&[seed; 32])
}

fn name(text: &str) -> KeyName {
    text.parse().unwrap()
}

fn verifier(seed: u8) -> VerifierKey {
    VerifierKey::new(name("xa.example/log"), key(seed).public_key())
}

fn signed(seed: u8) -> Note {
    Note::sign("a text\n".to_owned(), &name("xa.example/log"), &key(seed)).unwrap()
}

#[test]
fn the_published_example_verifies_and_reads_back_byte_for_byte() {
    let note = Note::parse(EXAMPLE.as_bytes()).unwrap();
    let peter: VerifierKey = PETER.parse().unwrap();
    assert_eq!(note.verify(std::slice::from_ref(&peter)).unwrap(), [&peter]);
    assert_eq!(note.to_string(), EXAMPLE);
    assert_eq!(peter.to_string(), PETER);
    let altered = EXAMPLE.replace("problem is", "problem was");
    let note = Note::parse(altered.as_bytes()).unwrap();
    assert_eq!(note.verify(&[peter]), Err(NoteError::BadSignature));
}

#[test]
fn lines_of_unknown_keys_and_kinds_are_kept_and_passed_over() {
    let mut note = signed(1);
    note.push(signed(2).signatures()[0].clone());
    let cosignature = format!("\u{2014} witness.example/w {}", base64::encode(&[4; 76]));
    note.push(SignatureLine::parse(&cosignature).unwrap());
    let again = Note::parse(note.to_string().as_bytes()).unwrap();
    assert_eq!(again, note);
    assert!(again.to_string().contains(&cosignature));
    assert_eq!(again.verify(&[verifier(1)]).unwrap().len(), 1);
    assert_eq!(again.verify(&[verifier(3)]), Err(NoteError::NoTrustedSignature));
}

#[test]
fn a_bad_signature_of_a_known_key_refuses_the_note_even_beside_a_good_one() {
    let mut note = signed(1);
    let mut forged = signed(2).signatures()[0].clone();
    forged.signature[0] ^= 1;
    note.push(forged);
    assert!(note.verify(&[verifier(1)]).is_ok());
    assert_eq!(note.verify(&[verifier(1), verifier(2)]), Err(NoteError::BadSignature));
}

#[test]
fn a_signer_counts_once_however_many_lines_it_has() {
    let mut note = signed(1);
    note.push(note.signatures()[0].clone());
    assert_eq!(note.verify(&[verifier(1)]).unwrap().len(), 1);
}

#[test]
fn of_each_known_key_one_line_is_kept_however_many_there_are() {
    let mut note = signed(1);
    note.push(signed(2).signatures()[0].clone());
    note.push(signed(3).signatures()[0].clone());
    // The same key again, with other bytes: ML-DSA-44 makes as many as its holder likes.
    note.push(verifier(1).line(vec![7; 64]));
    let kept = note.only_of(&[verifier(1), verifier(2)]);
    assert_eq!(kept.signatures(), &note.signatures()[..2]);
}

#[test]
fn what_is_no_note_is_refused() {
    let good = signed(1).to_string();
    let line = good.rsplit_once("\n\n").unwrap().1.to_owned();
    for bad in [
        String::new(),
        "a text\n".to_owned(),
        "a text\n\n".to_owned(),
        good.trim_end().to_owned(),
        good.replace("\u{2014}", "-"),
        good.replace("a text", "a\ttext"),
        good.replace("xa.example/log ", "xa.example/log"),
        good.replace("xa.example", "xa+example"),
        good.replace("=\n", "\n"),
        format!("a text\n\n{line}\nmore\n"),
        "a text\n\n\u{2014} name AAAAAA==\n".to_owned(),
    ] {
        assert_eq!(Note::parse(bad.as_bytes()), Err(NoteError::Malformed), "{bad:?}");
    }
    assert_eq!(Note::parse(b"\xff\n\n"), Err(NoteError::Malformed));
    let many = format!("a text\n\n{}", line.repeat(NOTE_SIGNATURES_MAX + 1));
    assert_eq!(Note::parse(many.as_bytes()), Err(NoteError::TooLarge));
    let long = vec![b'a'; NOTE_BYTES_MAX + 1];
    assert_eq!(Note::parse(&long), Err(NoteError::TooLarge));
    assert!(Note::sign("no newline".to_owned(), &name("n"), &key(1)).is_err());
}

#[test]
fn a_text_with_empty_lines_is_cut_at_the_last_one() {
    let text = "one\n\ntwo\n\n\u{2014} not a signature\n";
    let note = Note::sign(text.to_owned(), &name("xa.example/log"), &key(1)).unwrap();
    let again = Note::parse(note.to_string().as_bytes()).unwrap();
    assert_eq!(again.text(), text);
    assert!(again.verify(&[verifier(1)]).is_ok());
}

#[test]
fn a_mistyped_verifier_key_is_refused() {
    let good = verifier(1).to_string();
    assert_eq!(good.parse::<VerifierKey>(), Ok(verifier(1)));
    assert_eq!(good.replace("xa.", "xb.").parse::<VerifierKey>(), Err(KeyTextError::Id));
    assert_eq!("a b+00000000+AA==".parse::<VerifierKey>(), Err(KeyTextError::Name));
    assert_eq!("name+00000000+BQ==".parse::<VerifierKey>(), Err(KeyTextError::Algorithm(5)));
    for bad in ["", "name", "name+00", "name+00000000+", "name+0000000G+AQ==", "name+00000000+AQ=="] {
        assert!(bad.parse::<VerifierKey>().is_err(), "{bad}");
    }
}

proptest! {
    #[test]
    fn reading_arbitrary_bytes_never_panics_and_what_is_read_is_canonical(
        text in "[ -~\n]{0,40}\n", lines in "(\u{2014} [a-z ]{1,4} [A-Za-z0-9+/=]{4,12}\n){1,3}", raw in any::<Vec<u8>>(),
    ) {
        let _ = Note::parse(&raw);
        let bytes = format!("{text}\n{lines}");
        if let Ok(note) = Note::parse(bytes.as_bytes()) {
            prop_assert_eq!(note.to_string(), bytes);
        }
    }
}
