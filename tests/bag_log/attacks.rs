//! Attacks on a published log: every flipped byte is caught or lies outside what the verdict covers, by a list of what is
//! outside; and files that are removed, swapped, doubled, cut, taken from another log or from an older state of the same.
//! `ROGATORY_SOAK=1` tries every byte; otherwise some, always the same ones.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use rogatory::bag::verdict::{Outcome, Verdict, Word};
use rogatory::bag::verify::{Given, verify};
use rogatory::crypto::digest::sha256;
use rogatory::crypto::ed25519::SigningKey;
use rogatory::crypto::mldsa;
use rogatory::custody::checkpoint::SignedCheckpoint;
use rogatory::custody::cosignature::{Cosigner, log_line};
use rogatory::custody::note::{KeyName, VerifierKey};
use rogatory::custody::parts::MerkleTree;
use rogatory::custody::policy::Policy;
use rogatory::custody::tile::{Kind, encode_entries, encode_hashes, tiles_between};
use rogatory::custody::tree::leaf_hash;
use rogatory::model::ident::Digest;

use crate::case::{NOW, at};

/// One authority's log and its keys.
pub struct Log {
    pub name: KeyName,
    pub ed25519: u8,
    pub entries: Vec<Digest>,
}

impl Log {
    pub fn of(name: &str, seed: u8, size: u64) -> Self {
        let entries = (0..size).map(|number| sha256(&[&[seed][..], &number.to_be_bytes()].concat())).collect();
        Self { name: name.parse().unwrap(), ed25519: seed, entries }
    }

    fn lasting(&self) -> mldsa::SigningKey {
        mldsa::SigningKey::from_seed(&[self.ed25519; 32])
    }

    pub fn keys(&self) -> Vec<VerifierKey> {
        let classic = VerifierKey::new(self.name.clone(), SigningKey::from_seed(&[self.ed25519; 32]).public_key());
        vec![classic, VerifierKey::ml_dsa_44(self.name.clone(), self.lasting().public_key().clone())]
    }

    pub fn tree(&self, size: usize) -> MerkleTree {
        MerkleTree::of(self.entries[..size].iter().map(|entry| leaf_hash(&entry.0)))
    }

    /// Signed by both keys of the log.
    pub fn checkpoint(&self, size: usize) -> SignedCheckpoint {
        let key = SigningKey::from_seed(&[self.ed25519; 32]);
        let signed = SignedCheckpoint::sign(&self.name, size as u64, self.tree(size).root(), &key);
        let line = log_line(&self.lasting(), &signed).unwrap();
        signed.with_lines([line])
    }

    pub fn publish(&self, folder: &Path, size: usize) {
        let tree = self.tree(size);
        for tile in tiles_between(0, size as u64) {
            let range = tile.index() * 256..tile.index() * 256 + u64::from(tile.width());
            let bytes = match tile.kind() {
                Kind::Entries => encode_entries(
                    &self.entries[usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap()],
                ),
                Kind::Hashes { level } => {
                    encode_hashes(&range.map(|index| tree.node(level * 8, index).unwrap()).collect::<Vec<_>>())
                }
            };
            write(folder, &tile.path(), &bytes);
        }
        write(folder, "checkpoint", &self.checkpoint(size).to_bytes());
        let keys: String = self.keys().iter().map(|key| format!("{key}\n")).collect();
        write(folder, "log.vkey", keys.as_bytes());
    }
}

fn witness(seed: u8) -> Cosigner {
    let name = format!("x{}-moj.rogatory/witness", char::from(b'a' + seed)).parse().unwrap();
    Cosigner::new(&name, SigningKey::from_seed(&[seed + 100; 32]), mldsa::SigningKey::from_seed(&[seed + 100; 32]))
}

pub fn write(folder: &Path, path: &str, bytes: &[u8]) {
    let path = folder.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let (mut found, mut dirs) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { dirs.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    found
}

pub fn judged(folder: &Path, keys: Vec<VerifierKey>, policy: Option<&str>) -> Verdict {
    let policy = policy.map(|text| Policy::parse(text.as_bytes()).unwrap());
    let given = Given { log_keys: keys, policy, ..Given::default() };
    verify(folder, &given, at(NOW), &mut |_| {}).unwrap()
}

fn word(folder: &Path, log: &Log) -> Word {
    let given = Given { log_keys: log.keys(), ..Given::default() };
    // A folder without a checkpoint is no log at all: that is said, and is no success.
    verify(folder, &given, at(NOW), &mut |_| {}).map_or(Word::Failed, |verdict| verdict.verdict)
}

pub fn limits(verdict: &Verdict, words: &str) -> bool {
    verdict.limits.iter().any(|limit| limit.contains(words))
}

fn cosigned(log: &Log, size: usize, witnesses: &[u8]) -> SignedCheckpoint {
    let mut signed = log.checkpoint(size);
    for seed in witnesses {
        let lines = witness(*seed).cosign(&signed, at(NOW), &[7; 32]).unwrap();
        signed = signed.with_lines(lines);
    }
    signed
}

/// Whether a check is left open for that reason.
pub fn is_open(verdict: &Verdict, words: &str) -> bool {
    let open = |outcome: &Outcome| matches!(outcome, Outcome::NotChecked { why } if why.contains(words));
    verdict.checks.iter().any(|check| open(&check.outcome))
}

#[test]
fn any_flipped_byte_of_a_log_is_caught_or_leaves_a_check_open_or_lies_in_what_nobody_relies_on() {
    let log = Log::of("xa-moj.rogatory/custody", 3, 300);
    let folder = tempfile::tempdir().unwrap();
    log.publish(folder.path(), 300);
    let plain = log.checkpoint(300).to_bytes();
    let note = cosigned(&log, 300, &[1]).to_bytes();
    assert!(note.starts_with(&plain));
    write(folder.path(), "checkpoint", &note);
    assert_eq!(word(folder.path(), &log), Word::Verified);
    let starts =
        |bytes: &[u8]| (0..bytes.len()).filter(|at| bytes[*at..].starts_with("— ".as_bytes())).collect::<Vec<_>>();
    let [first, second] = starts(&plain)[..] else { panic!("two lines of the log") };
    let step = if std::env::var_os("ROGATORY_SOAK").is_some() { 1 } else { 193 };
    let (mut caught, mut open, mut outside) = (0, 0, 0);
    for path in files(folder.path()) {
        let good = fs::read(&path).unwrap();
        let name = path.strip_prefix(folder.path()).unwrap().to_str().unwrap().to_owned();
        let is_checkpoint = name == "checkpoint";
        // Of each line of the checkpoint the beginning, name and id, more closely.
        let heads = starts(&good).into_iter().flat_map(|at| (at..at + 40).step_by(4)).filter(|_| is_checkpoint);
        let places: BTreeSet<usize> = (0..good.len()).step_by(step).chain(heads).collect();
        for place in places {
            let mut bad = good.clone();
            bad[place] ^= 1 << (place % 8);
            fs::write(&path, &bad).unwrap();
            let verdict = judged(folder.path(), log.keys(), None);
            match verdict.verdict {
                Word::Failed => caught += 1,
                // The name or the id of a line of the log: it is nobody's line now, and the verdict rests on the other one.
                Word::VerifiedInPart if is_checkpoint && (first..plain.len()).contains(&place) => {
                    let rest = if place < second { "rests on ML-DSA-44 alone" } else { "rests on Ed25519 alone" };
                    assert!(is_open(&verdict, rest), "byte {place}");
                    open += 1;
                }
                // The keys were given, so the file beside the log does not count; nor does the line of a witness that nobody
                // asked for, as long as it stays a line.
                Word::Verified if name == "log.vkey" || (is_checkpoint && place >= plain.len()) => outside += 1,
                other => panic!("{name} at byte {place}: {other:?}"),
            }
        }
        fs::write(&path, &good).unwrap();
    }
    assert!(caught > 100 && open > 5 && outside > 10, "{caught} {open} {outside}");
    assert_eq!(word(folder.path(), &log), Word::Verified);
}

#[test]
fn a_flipped_byte_in_a_line_of_either_algorithm_of_a_known_key_fails() {
    let log = Log::of("xa-moj.rogatory/custody", 3, 5);
    let folder = tempfile::tempdir().unwrap();
    log.publish(folder.path(), 5);
    let note = cosigned(&log, 5, &[1]).to_bytes();
    let lines: Vec<usize> = (0..note.len()).filter(|place| note[*place..].starts_with("— ".as_bytes())).collect();
    assert_eq!(lines.len(), 4);
    let mut keys = log.keys();
    keys.extend(witness(1).verifier_keys());
    for begin in lines {
        let end = begin + note[begin..].iter().position(|byte| *byte == b'\n').unwrap();
        let mut bad = note.clone();
        // Inside the signature, behind the name and the key's id.
        let place = end - 20;
        bad[place] = if bad[place] == b'A' { b'B' } else { b'A' };
        write(folder.path(), "checkpoint", &bad);
        assert_eq!(judged(folder.path(), keys.clone(), None).verdict, Word::Failed, "{begin}");
    }
    write(folder.path(), "checkpoint", &note);
    assert_eq!(judged(folder.path(), keys, None).verdict, Word::Verified);
}

#[test]
fn the_verdict_names_who_signed_and_no_more_than_was_checked() {
    let log = Log::of("xa-moj.rogatory/custody", 3, 5);
    let folder = tempfile::tempdir().unwrap();
    log.publish(folder.path(), 5);
    let verdict = judged(folder.path(), log.keys(), None);
    assert!(verdict.story.iter().any(|line| line.contains("Ed25519 key and its ML-DSA-44 key")), "{:?}", verdict.story);
    assert!(limits(&verdict, "No cosignature"));
    // One of two keys given: the other's line was not looked at.
    let verdict = judged(folder.path(), log.keys()[..1].to_vec(), None);
    assert!(limits(&verdict, "were not looked at") && !verdict.story.iter().any(|line| line.contains("ML-DSA-44")));
    // Both given, one line there: the other algorithm stands for nothing.
    let key = SigningKey::from_seed(&[3; 32]);
    let classic = SignedCheckpoint::sign(&log.name, 5, log.tree(5).root(), &key);
    write(folder.path(), "checkpoint", &classic.to_bytes());
    let verdict = judged(folder.path(), log.keys(), None);
    assert!(verdict.verdict == Word::VerifiedInPart && is_open(&verdict, "rests on Ed25519 alone"), "{verdict:?}");
}

#[test]
fn a_policy_is_met_by_its_quorum_of_witnesses_and_by_no_fewer() {
    let log = Log::of("xa-moj.rogatory/custody", 3, 5);
    let folder = tempfile::tempdir().unwrap();
    log.publish(folder.path(), 5);
    let mut policy = format!("log {}\n", log.keys()[0]);
    for seed in 1..=3 {
        policy += &format!("witness w{seed} {}\n", witness(seed).verifier_keys()[0]);
    }
    policy += "group two 2 w1 w2 w3\nquorum two\n";
    for (witnesses, expected) in
        [(&[][..], Word::Failed), (&[2], Word::Failed), (&[1, 3], Word::Verified), (&[4, 5], Word::Failed)]
    {
        write(folder.path(), "checkpoint", &cosigned(&log, 5, witnesses).to_bytes());
        let verdict = judged(folder.path(), Vec::new(), Some(&policy));
        assert_eq!(verdict.verdict, expected, "{witnesses:?} {verdict:#?}");
        let told = verdict.story.iter().filter(|line| line.contains("cosigned it with Ed25519 at ")).count();
        assert_eq!(told, witnesses.iter().filter(|seed| **seed <= 3).count());
    }
    let other =
        policy.replace(&log.keys()[0].to_string(), &Log::of("xb-moj.rogatory/custody", 9, 1).keys()[0].to_string());
    assert_eq!(judged(folder.path(), Vec::new(), Some(&other)).verdict, Word::Failed);
}

#[test]
fn tiles_and_bundles_that_are_removed_swapped_doubled_cut_or_lengthened_fail() {
    let log = Log::of("xa-moj.rogatory/custody", 3, 1_000);
    let folder = tempfile::tempdir().unwrap();
    log.publish(folder.path(), 1_000);
    let all: Vec<PathBuf> = files(folder.path()).into_iter().filter(|path| !path.ends_with("log.vkey")).collect();
    let failed =
        |what: &str, path: &Path| assert_eq!(word(folder.path(), &log), Word::Failed, "{what} {}", path.display());
    for (number, path) in all.iter().enumerate() {
        let good = fs::read(path).unwrap();
        fs::remove_file(path).unwrap();
        failed("removed", path);
        let unit = if path.to_str().unwrap().contains("entries") { 34 } else { 32 };
        for cut in [0, 1, unit, good.len() - 1, good.len() - unit] {
            fs::write(path, &good[..cut]).unwrap();
            failed("cut", path);
        }
        fs::write(path, [&good[..], &good[good.len() - unit..]].concat()).unwrap();
        failed("lengthened", path);
        let other = &all[(number + 1) % all.len()];
        let others = fs::read(other).unwrap();
        fs::write(path, &others).unwrap();
        failed("doubled", path);
        fs::write(other, &good).unwrap();
        failed("swapped", path);
        fs::write(other, &others).unwrap();
        if good.len() >= 3 * unit && !path.ends_with("checkpoint") {
            let mut turned = good.clone();
            turned[..2 * unit].rotate_left(unit);
            fs::write(path, &turned).unwrap();
            failed("reordered", path);
        }
        fs::write(path, &good).unwrap();
    }
    assert_eq!(word(folder.path(), &log), Word::Verified);
}

#[test]
fn a_smaller_checkpoint_over_newer_tiles_fails_and_a_whole_older_log_tells_its_size() {
    let log = Log::of("xa-moj.rogatory/custody", 3, 700);
    let folder = tempfile::tempdir().unwrap();
    log.publish(folder.path(), 700);
    write(folder.path(), "checkpoint", &log.checkpoint(300).to_bytes());
    assert_eq!(word(folder.path(), &log), Word::Failed);
    // A size that was only written over is not signed.
    let forged = String::from_utf8(log.checkpoint(700).to_bytes()).unwrap().replacen("\n700\n", "\n512\n", 1);
    write(folder.path(), "checkpoint", forged.as_bytes());
    assert_eq!(word(folder.path(), &log), Word::Failed);
    // What was true once still is: only a later checkpoint from elsewhere shows that something is missing. The verdict says
    // how far it reaches.
    let old = tempfile::tempdir().unwrap();
    log.publish(old.path(), 300);
    let verdict = judged(old.path(), log.keys(), None);
    assert_eq!(verdict.verdict, Word::Verified);
    assert!(verdict.story.iter().any(|line| line.contains("300 entries")));
    assert!(limits(&verdict, "comparing checkpoints"));
}

#[test]
fn parts_of_two_logs_never_make_one() {
    let (ours, theirs) = (Log::of("xa-moj.rogatory/custody", 3, 300), Log::of("xb-moj.rogatory/custody", 4, 300));
    let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    ours.publish(folder.path(), 300);
    theirs.publish(other.path(), 300);
    for path in files(folder.path()) {
        let name = path.strip_prefix(folder.path()).unwrap();
        let good = fs::read(&path).unwrap();
        fs::copy(other.path().join(name), &path).unwrap();
        let expected = if path.ends_with("log.vkey") { Word::Verified } else { Word::Failed };
        assert_eq!(word(folder.path(), &ours), expected, "{}", name.display());
        fs::write(&path, good).unwrap();
    }
    assert_eq!(word(other.path(), &ours), Word::Failed);
}

#[test]
fn a_lone_consistency_proof_holds_between_two_signed_checkpoints_of_one_log_only() {
    let log = Log::of("xa-moj.rogatory/custody", 3, 700);
    let folder = tempfile::tempdir().unwrap();
    let (tree, at_path) = (log.tree(700), folder.path().join("300.consistency"));
    let hashes = tree.prove_consistency(300).unwrap();
    let link = rogatory::bag::link::Link { old: 300, new: 700, hashes };
    write(folder.path(), "300", &log.checkpoint(300).to_bytes());
    write(folder.path(), "checkpoint", &log.checkpoint(700).to_bytes());
    write(folder.path(), "300.consistency", link.to_string().as_bytes());
    let verdict = judged(&at_path, log.keys(), None);
    assert_eq!((verdict.verdict, verdict.subject), (Word::Verified, "consistency proof"), "{verdict:#?}");
    let open = judged(&at_path, Vec::new(), None);
    assert!(
        open.checks
            .iter()
            .any(|check| matches!(&check.outcome, Outcome::NotChecked { why } if why.contains("--log-key")))
    );
    assert_ne!(open.verdict, Word::Verified);
    let text = link.to_string();
    for place in (0..text.len()).step_by(3) {
        let mut bad = text.clone().into_bytes();
        bad[place] ^= 1;
        write(folder.path(), "300.consistency", &bad);
        assert_eq!(judged(&at_path, log.keys(), None).verdict, Word::Failed, "byte {place}");
    }
    write(folder.path(), "300.consistency", text.as_bytes());
    // The same log, forked after 300 entries: signed by the log, and no continuation.
    let mut forked = Log::of("xa-moj.rogatory/custody", 3, 700);
    forked.entries[100] = sha256(b"another");
    write(folder.path(), "checkpoint", &forked.checkpoint(700).to_bytes());
    assert_eq!(judged(&at_path, log.keys(), None).verdict, Word::Failed);
    write(folder.path(), "checkpoint", &log.checkpoint(699).to_bytes());
    assert_eq!(judged(&at_path, log.keys(), None).verdict, Word::Failed);
}
