//! Changes drawn by a seed, of every file of a bag, under the old manifests and under new ones: each ends in FAILED, in VERIFIED
//! IN PART with a check that names the file, or stands in the closed list of what the verdict does not cover.
//! `ROGATORY_SEED=n` draws other places; `ROGATORY_SOAK=1` takes every byte of every file but the largest, of which it draws.

use rogatory::bag::dossier::{Bytes, CheckpointPart};
use rogatory::bag::verdict::{Outcome, Verdict, Word};
use rogatory::custody::checkpoint::SignedCheckpoint;

use crate::case::{Case, at};
use crate::target::Target;

/// SplitMix64: small, and the same everywhere.
struct Draw(u64);

impl Draw {
    fn by_seed() -> Self {
        let seed = std::env::var("ROGATORY_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(20_261_122);
        eprintln!("ROGATORY_SEED={seed}");
        Self(seed)
    }

    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % bound as u64).unwrap()
    }
}

/// The places of a file that are tried, with the bit that is flipped there.
fn places(bytes: usize, draw: &mut Draw) -> Vec<(usize, u8)> {
    let soak = std::env::var_os("ROGATORY_SOAK").is_some();
    let all = soak && bytes <= 16_384;
    let count = if all {
        bytes
    } else if soak {
        2_048.min(bytes)
    } else {
        1
    };
    (0..count).map(|place| (if all { place } else { draw.below(bytes) }, 1 << draw.below(8))).collect()
}

/// A bag whose newest checkpoint the other authority cosigned.
fn target() -> Target {
    let mut case = Case::new();
    let log = &case.asking.log;
    let mut part = log.linked(log.tree.len());
    let signed = SignedCheckpoint::open(&part.note.0, &[log.vkey().parse().unwrap()]).unwrap();
    let mut note = signed.note().clone();
    let lines = case.asked.cosigner.cosign(&signed, at("2026-06-02T12:30:00Z"), &[5; 32]).unwrap();
    lines.into_iter().for_each(|line| note.push(line));
    part.note = Bytes(note.to_string().into_bytes());
    let older = case.dossier.cosigned.clone();
    case.dossier.cosigned = [vec![CheckpointPart { ..part }], older].concat();
    Target::of(case)
}

fn named(verdict: &Verdict, path: &str) -> bool {
    let open = |outcome: &Outcome| matches!(outcome, Outcome::NotChecked { .. });
    verdict.checks.iter().any(|check| check.file.as_deref() == Some(path) && open(&check.outcome))
}

/// What may change under the word VERIFIED, and why nobody loses by it.
fn outside(path: &str, whole: &Verdict, verdict: &Verdict) -> Option<&'static str> {
    let claims = |verdict: &Verdict| verdict.story.iter().filter(|line| line.contains("cosigned the log")).count();
    let is_note = path.contains("/checkpoints/") || path.ends_with(".tlog-proof") || path.ends_with("/checkpoint");
    let said = verdict.limits.iter().any(|line| line.contains("by keys that neither the directory nor you name"));
    match path {
        // A line under another name or key id is a stranger's line (C2SP signed-note): it counts for nothing, which the
        // verdict says, and the claim that stood on it is gone or smaller.
        _ if is_note && said && claims(verdict) <= claims(whole) && verdict.story != whole.story => {
            Some("a stranger's line")
        }
        _ => None,
    }
}

#[test]
fn every_drawn_flip_fails_or_is_named_or_is_outside_of_what_the_verdict_covers() {
    let target = target();
    let whole = target.verify();
    assert_eq!(whole.verdict, Word::Verified, "{:#?}", whole.checks);
    let mut draw = Draw::by_seed();
    let (mut passed, mut tried, mut outsiders) = (Vec::new(), 0, 0);
    for (path, bytes) in target.files.iter().filter(|(_, bytes)| !bytes.is_empty()) {
        for (place, bit) in places(bytes.len(), &mut draw) {
            let mut altered = bytes.clone();
            altered[place] ^= bit;
            for new_manifests in [false, true] {
                if new_manifests && path.contains("manifest-sha") {
                    continue;
                }
                target.write(path, &altered);
                if new_manifests {
                    target.cover_up();
                }
                let verdict = target.verify();
                tried += 1;
                let good = match verdict.verdict {
                    Word::Failed => true,
                    Word::VerifiedInPart => new_manifests && named(&verdict, path),
                    Word::Verified => new_manifests && outside(path, &whole, &verdict).is_some(),
                };
                outsiders += usize::from(verdict.verdict == Word::Verified);
                if !good {
                    passed.push(format!("{path} at {place} by {bit:#x}: {:?}", verdict.verdict));
                }
            }
            target.restore_file(path, new_manifests_over());
        }
    }
    eprintln!("{tried} changes, {outsiders} outside of what the verdict covers");
    assert!(passed.is_empty(), "{passed:#?}");
    assert!(tried > 100, "{tried}");
}

/// The manifests are among what an attacker wrote: all go back.
const fn new_manifests_over() -> &'static [&'static str] {
    &["manifest-sha256.txt", "manifest-sha512.txt", "tagmanifest-sha256.txt", "tagmanifest-sha512.txt"]
}

#[test]
fn a_cut_file_fails_also_under_new_manifests() {
    let target = target();
    let mut draw = Draw::by_seed();
    for (path, bytes) in target.files.iter().filter(|(path, _)| !path.contains("manifest-sha")) {
        target.write(path, &bytes[..draw.below(bytes.len())]);
        target.cover_up();
        assert_eq!(target.verify().verdict, Word::Failed, "{path}");
        target.restore_file(path, new_manifests_over());
    }
}

#[test]
fn records_that_were_rotated_or_doubled_in_their_places_fail() {
    let target = target();
    let stem = |index: usize| format!("rogatory/records/xa-moj.rogatory_custody/{index}");
    for by in 1..5 {
        for extension in ["record", "salt", "tlog-proof"] {
            for index in 0..5 {
                let from = format!("{}.{extension}", stem((index + by) % 5));
                target.write(&format!("{}.{extension}", stem(index)), &target.files[&from]);
            }
        }
        target.cover_up();
        assert_eq!(target.verify().verdict, Word::Failed, "rotated by {by}");
        target.restore();
    }
    for extension in ["record", "salt", "tlog-proof"] {
        target.write(&format!("{}.{extension}", stem(5)), &target.files[&format!("{}.{extension}", stem(4))]);
    }
    target.cover_up();
    assert_eq!(target.verify().verdict, Word::Failed, "doubled");
}

#[test]
fn a_signature_by_a_certificate_that_had_expired_when_it_signed_fails() {
    let mut case = Case::new();
    let content = case.dossier.message.content.0.clone();
    case.dossier.message.cms = Bytes(case.asked.sign_with_expired(&content, at("2026-06-01T09:05:00Z")));
    let target = Target::of(case);
    let failures = crate::target::failures(&target.verify());
    let about =
        |check: &&String| check.contains("signed rogatory/message.pb") && check.contains("the certificate expired at");
    assert!(failures.iter().any(|check| about(&check)), "{failures:#?}");
}

#[test]
fn a_directory_that_was_rolled_back_is_told_and_cannot_take_a_revocation_back() {
    let mut case = Case::new();
    // The message was written under the version that now is replaced by another one of the same keepers.
    let (files, root, other) = crate::case::directory(&[&case.asking.authority, &case.asked.authority_renamed()], 99);
    assert_eq!(root, case.root);
    assert_ne!(other, rogatory::wire::message::decode(&case.dossier.message.content.0).unwrap().directory);
    case.dossier.directory = crate::case::parts(&files);
    let verdict = Target::of(case).verify();
    assert!(verdict.limits.iter().any(|line| line.contains("under another version of the directory")), "{verdict:#?}");
}

#[test]
fn a_file_managers_leavings_are_reported_and_are_no_tampering() {
    let target = Target::new();
    target.write(".DS_Store", b"leavings");
    assert_eq!(target.verify().verdict, Word::VerifiedInPart);
    target.restore();
    target.write("data/.DS_Store", b"leavings");
    assert_eq!(target.verify().verdict, Word::Failed);
}
