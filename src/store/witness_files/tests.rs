//! What is put is found again; bounds hold; half-made evidence of a crash is none.

use super::*;
use crate::crypto::ed25519::SigningKey;
use crate::custody::parts::MerkleTree;
use crate::custody::tree::{consistency_proof, leaf_hash};

const ORIGIN: &str = "xa-moj.rogatory/custody";

fn tree(size: u64, branch: u8) -> MerkleTree {
    MerkleTree::of((0..size).map(|number| leaf_hash(&[&[branch][..], &number.to_be_bytes()].concat())))
}

fn signed(size: u64, branch: u8) -> SignedCheckpoint {
    let key = SigningKey::from_seed(&[3; 32]);
    SignedCheckpoint::sign(&ORIGIN.parse().unwrap(), size, tree(size, branch).root(), &key)
}

fn link(old: u64, new: u64) -> Link {
    let whole = tree(new, 0);
    let hashes = consistency_proof(old, new, |level, index| whole.node(level, index)).unwrap();
    Link::check(&signed(old, 0), &signed(new, 0), hashes).unwrap()
}

fn fork(size: u64) -> Evidence {
    Evidence::of(Fault::Fork, &signed(size, 0), &signed(size, 1))
}

#[test]
fn the_latest_checkpoint_and_the_name_of_its_log_are_found_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let files = WitnessFiles::of(dir.path());
    assert_eq!((files.origins().unwrap(), files.log(ORIGIN).latest().unwrap()), (Vec::new(), None));
    files.log(ORIGIN).take(b"one").unwrap();
    files.log(ORIGIN).take(b"two").unwrap();
    files.set_scanned(17).unwrap();
    let again = WitnessFiles::of(dir.path());
    assert_eq!(again.origins().unwrap(), [ORIGIN]);
    assert_eq!(again.log(ORIGIN).latest().unwrap(), Some(b"two".to_vec()));
    assert_eq!(again.scanned().unwrap(), 17);
}

#[test]
fn what_was_seen_waits_until_it_is_forgotten_and_no_talk_fills_the_disk() {
    let dir = tempfile::tempdir().unwrap();
    let log = WitnessFiles::of(dir.path()).log(ORIGIN);
    assert_eq!(log.see(Source::Receipt, &signed(5, 0)).unwrap(), Kept::New);
    assert_eq!(log.see(Source::Receipt, &signed(5, 0)).unwrap(), Kept::Known);
    let sizes = 1..=u64::try_from(SEEN_IN_TALK_PER_LOG_MAX).unwrap();
    for size in sizes.clone() {
        assert_eq!(log.see(Source::Talk, &signed(size, 0)).unwrap(), Kept::New);
    }
    assert_eq!(log.see(Source::Talk, &signed(99, 0)).unwrap(), Kept::Full);
    assert_eq!(log.see(Source::Receipt, &signed(6, 0)).unwrap(), Kept::New);
    assert_eq!(log.seen().unwrap().len(), 2 + SEEN_IN_TALK_PER_LOG_MAX);
    for size in sizes {
        log.forget(Source::Talk, &signed(size, 0)).unwrap();
        log.forget(Source::Talk, &signed(size, 0)).unwrap();
    }
    let left: Vec<_> = log.seen().unwrap().into_iter().map(|(_, note)| note).collect();
    assert_eq!(left, [signed(5, 0).to_bytes(), signed(6, 0).to_bytes()]);
}

#[test]
fn a_link_is_kept_with_both_notes_and_a_later_one_takes_its_place() {
    let dir = tempfile::tempdir().unwrap();
    let log = WitnessFiles::of(dir.path()).log(ORIGIN);
    for (old, new) in [(3, 7), (10, 20), (3, 9)] {
        log.keep_link(&link(old, new)).unwrap();
    }
    let links = log.links().unwrap();
    let later: Vec<_> = links.iter().map(|link| link.later.clone()).collect();
    assert_eq!(later, [signed(9, 0).note().to_string(), signed(20, 0).note().to_string()]);
    assert_eq!(log.link_from(3).unwrap().as_ref(), links.first());
    assert_eq!(log.link_from(4).unwrap(), None);
}

#[test]
fn evidence_is_kept_once_with_both_notes_and_the_first_pieces_stay() {
    let dir = tempfile::tempdir().unwrap();
    let log = WitnessFiles::of(dir.path()).log(ORIGIN);
    let now = Timestamp::from_millis(1_795_305_600_000);
    assert_eq!(log.keep_evidence(&fork(1), now).unwrap(), Kept::New);
    assert_eq!(log.keep_evidence(&fork(1), now).unwrap(), Kept::Known);
    for size in 2..=u64::try_from(EVIDENCE_PER_LOG_MAX).unwrap() {
        assert_eq!(log.keep_evidence(&fork(size), now).unwrap(), Kept::New);
    }
    assert_eq!(log.keep_evidence(&fork(1_000), now).unwrap(), Kept::Full);
    assert_eq!(log.keep_evidence(&fork(1), now).unwrap(), Kept::Known);
    let kept = log.evidence().unwrap();
    assert_eq!(kept.len(), EVIDENCE_PER_LOG_MAX);
    let first = kept.first().unwrap();
    assert_eq!((first.fault, &first.earlier), (Fault::Fork, &signed(1, 0).to_bytes()));
    assert_eq!(first.later, signed(1, 1).to_bytes());
}

#[test]
fn evidence_that_a_crash_left_half_made_is_none_and_is_made_again() {
    let dir = tempfile::tempdir().unwrap();
    let log = WitnessFiles::of(dir.path()).log(ORIGIN);
    let now = Timestamp::from_millis(1_795_305_600_000);
    log.keep_evidence(&fork(2), now).unwrap();
    let whole = log.evidence().unwrap().remove(0).path;
    let half = whole.with_extension("tmp");
    fs::rename(&whole, &half).unwrap();
    fs::remove_file(half.join("later")).unwrap();
    assert_eq!(log.evidence().unwrap(), []);
    assert_eq!(log.keep_evidence(&fork(2), now).unwrap(), Kept::New);
    assert_eq!(log.evidence().unwrap().remove(0).later, signed(2, 1).to_bytes());
    assert!(!half.exists());
}

#[test]
fn suspicions_leave_room_for_the_proof_of_a_fork() {
    let dir = tempfile::tempdir().unwrap();
    let log = WitnessFiles::of(dir.path()).log(ORIGIN);
    let now = Timestamp::from_millis(7_000);
    let suspicion = |size| Evidence::of(Fault::Unproven, &signed(size, 0), &signed(size + 1, 1));
    for size in 1..=u64::try_from(EVIDENCE_PER_LOG_MAX).unwrap() {
        assert_eq!(log.keep_evidence(&suspicion(size), now).unwrap(), Kept::New);
    }
    assert_eq!(log.keep_evidence(&suspicion(500), now).unwrap(), Kept::Full);
    assert_eq!(log.keep_evidence(&fork(500), now).unwrap(), Kept::New);
}

#[test]
fn what_strangers_bring_crowds_out_nothing_of_peers_and_a_swollen_note_is_not_kept() {
    let dir = tempfile::tempdir().unwrap();
    let log = WitnessFiles::of(dir.path()).log(ORIGIN);
    let mut size = 1;
    while log.see(Source::Web, &signed(size, 0)).unwrap() == Kept::New {
        size += 1;
    }
    assert_eq!(log.see(Source::Talk, &signed(999, 0)).unwrap(), Kept::New);
    assert!(log.seen().unwrap().iter().any(|(source, _)| *source == Source::Web));
    let line = signed(1, 0).note().signatures()[0].clone();
    let swollen = signed(500, 0).with_lines(std::iter::repeat_n(line, 1_000));
    assert_eq!(log.see(Source::Receipt, &swollen).unwrap(), Kept::Full);
}

#[test]
fn a_name_of_64_bits_counts_for_the_checkpoint_in_the_file_and_for_no_other_that_is_named_alike() {
    let dir = tempfile::tempdir().unwrap();
    let log = WitnessFiles::of(dir.path()).log(ORIGIN);
    let seen = log.dir.join("seen");
    fs::create_dir_all(&seen).unwrap();
    let (name, short) = seen_names(Source::Receipt, &signed(5, 0));
    assert_eq!(name.len(), "receipt-5-".len() + 64);
    fs::write(seen.join(&short), signed(5, 0).to_bytes()).unwrap();
    assert_eq!(log.see(Source::Receipt, &signed(5, 0)).unwrap(), Kept::Known);
    log.forget(Source::Receipt, &signed(5, 0)).unwrap();
    assert_eq!(log.seen().unwrap(), []);
    // Another root under the same 64 bits, as somebody made it who can try often enough.
    fs::write(seen.join(&short), signed(5, 1).to_bytes()).unwrap();
    assert_eq!(log.see(Source::Receipt, &signed(5, 0)).unwrap(), Kept::New);
    log.forget(Source::Receipt, &signed(5, 0)).unwrap();
    assert_eq!(log.seen().unwrap(), [(Source::Receipt, signed(5, 1).to_bytes())]);
    let evidence = |name: &str| log.dir.join("evidence").join(name);
    log.keep_evidence(&fork(5), Timestamp::from_millis(1)).unwrap();
    let name = names(&log.dir.join("evidence")).unwrap().remove(0);
    let short = &name[..name.len() - 48];
    fs::rename(evidence(&name), evidence(short)).unwrap();
    assert_eq!(log.keep_evidence(&fork(5), Timestamp::from_millis(2)).unwrap(), Kept::Known);
    fs::write(evidence(short).join("later"), signed(5, 2).to_bytes()).unwrap();
    assert_eq!(log.keep_evidence(&fork(5), Timestamp::from_millis(3)).unwrap(), Kept::New);
    assert_eq!(log.evidence().unwrap().len(), 2);
}
