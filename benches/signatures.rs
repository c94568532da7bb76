//! What signatures cost: Ed25519 and ML-DSA-44, made and checked, one at a time and as lines of whole notes.
//!
//!     cargo bench --bench signatures
//!
//! Prints microseconds each on one core, the median of several rounds. "first check" includes the matrix of an ML-DSA-44 key.
#![allow(clippy::unwrap_used, reason = "a measurement may panic")]

use std::hint::black_box;
use std::time::Instant;

use rogatory::crypto::ed25519::SigningKey;
use rogatory::crypto::mldsa;
use rogatory::custody::checkpoint::SignedCheckpoint;
use rogatory::custody::cosignature::{Cosigner, log_line};
use rogatory::custody::note::{KeyName, VerifierKey};
use rogatory::custody::quorum::Quorum;
use rogatory::model::ident::Digest;
use rogatory::model::time::Timestamp;

const ROUNDS: usize = 9;

/// The median over the rounds of the mean of `times` calls, in microseconds.
fn measure(what: &str, times: u64, mut call: impl FnMut(u64)) -> f64 {
    let mut means: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let begin = Instant::now();
            (0..times).for_each(&mut call);
            begin.elapsed().as_secs_f64() * 1e6 / times as f64
        })
        .collect();
    means.sort_by(f64::total_cmp);
    let median = means.get(ROUNDS / 2).copied().unwrap();
    println!("{what:<44} {median:>9.1} us  {:>8.0} a second", 1e6 / median);
    median
}

fn main() {
    let message = [7_u8; 120];
    let classic = SigningKey::from_seed(&[1; 32]);
    let lasting = mldsa::SigningKey::from_seed(&[1; 32]);
    println!("one signature over {} bytes", message.len());
    measure("Ed25519 sign", 2_000, |_| _ = black_box(classic.sign(&message)));
    let signature = classic.sign(&message);
    let public = classic.public_key();
    let check = |_| rogatory::crypto::ed25519::verify(&public, black_box(&message), &signature).unwrap();
    let ed25519 = measure("Ed25519 check", 2_000, check);
    measure("ML-DSA-44 key from seed", 100, |n| {
        drop(black_box(mldsa::SigningKey::from_seed(&[u8::try_from(n).unwrap(); 32])));
    });
    // How often a signature is drawn again differs by message: many messages, not one.
    measure("ML-DSA-44 sign, over many messages", 300, |n| _ = black_box(lasting.sign(&n.to_be_bytes())));
    let signature = lasting.sign(&message);
    let bytes = *lasting.public_key().as_bytes();
    measure("ML-DSA-44 first check of a key", 300, |_| {
        mldsa::PublicKey::new(black_box(bytes)).verify(&message, &signature).unwrap();
    });
    let key = lasting.public_key();
    let ml_dsa = measure("ML-DSA-44 further check of that key", 500, |_| {
        key.verify(black_box(&message), &signature).unwrap();
    });
    println!("ML-DSA-44 to Ed25519, to check: {:.2} to 1", ml_dsa / ed25519);
    notes(&classic, &lasting);
}

fn notes(classic: &SigningKey, lasting: &mldsa::SigningKey) {
    let origin: KeyName = "xa-moj.rogatory/custody".parse().unwrap();
    let signed = SignedCheckpoint::sign(&origin, 1_000_000, Digest([9; 32]), classic);
    let published = signed.clone().with_lines([log_line(lasting, &signed).unwrap()]);
    let witnesses: Vec<Cosigner> = (10..15)
        .map(|number: u8| {
            let name = format!("w{number}").parse().unwrap();
            Cosigner::new(&name, SigningKey::from_seed(&[number; 32]), mldsa::SigningKey::from_seed(&[number; 32]))
        })
        .collect();
    let lines = |witness: &Cosigner| witness.cosign(&published, Timestamp::from_millis(1_000), &[1; 32]).unwrap();
    let cosigned = published.clone().with_lines(witnesses.iter().flat_map(lines));
    let bytes = cosigned.to_bytes();
    println!("one checkpoint with both lines of its log and of 5 witnesses: {} bytes", bytes.len());
    let log_keys = [
        VerifierKey::new(origin.clone(), classic.public_key()),
        VerifierKey::ml_dsa_44(origin, lasting.public_key().clone()),
    ];
    let witness_keys: Vec<VerifierKey> = witnesses.iter().flat_map(Cosigner::verifier_keys).collect();
    measure("both lines of the log signed", 300, |n| {
        let signed = SignedCheckpoint::sign(&"log".parse().unwrap(), n, Digest([9; 32]), classic);
        drop(black_box(log_line(lasting, &signed).unwrap()));
    });
    let first = witnesses.first().unwrap();
    measure("both lines of a witness signed", 300, |_| drop(black_box(lines(first))));
    measure("the note read, 12 lines checked", 200, |_| {
        let opened = SignedCheckpoint::open(black_box(&bytes), &log_keys).unwrap();
        assert_eq!(Quorum::of(&opened, &witness_keys).unwrap().lines.len(), 10);
    });
}
