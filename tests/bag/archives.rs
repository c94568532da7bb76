//! A bag in a tar archive: read in one pass, accepted by foreign tools, the same bytes each time, and refused by name when it
//! could lead a foreign `tar -x` astray.

use std::path::{Path, PathBuf};
use std::process::Command;

use rogatory::bag::tar;
use rogatory::bag::verdict::{Verdict, Word};
use rogatory::bag::verify::{Given, verify, verify_stream};
use rogatory::model::limits::BAG_DEPTH_MAX;

use crate::case::{Case, NOW, at};
use crate::target::failures;

/// One member: its header, its content with padding.
type Member = (Vec<u8>, Vec<u8>);

fn judged(case: &Case, mut archive: &[u8]) -> Verdict {
    let given = Given { trusted_root: Some(case.root), ..Given::default() };
    verify_stream(&mut archive, &given, at(NOW), &mut |_| {}).unwrap()
}

fn members(archive: &[u8]) -> Vec<Member> {
    let mut members = Vec::new();
    let mut rest = archive;
    while let Some(header) = tar::read(rest.first_chunk().unwrap()).unwrap() {
        let bytes = usize::try_from(header.bytes).unwrap().next_multiple_of(512);
        members.push((rest[..512].to_vec(), rest[512..512 + bytes].to_vec()));
        rest = &rest[512 + bytes..];
    }
    members
}

fn joined(members: &[Member]) -> Vec<u8> {
    let mut archive: Vec<u8> =
        members.iter().flat_map(|(head, content)| [head.clone(), content.clone()].concat()).collect();
    archive.resize(archive.len() + 1_024, 0);
    archive
}

fn member(path: &str, content: &[u8]) -> Member {
    let mut padded = content.to_vec();
    padded.resize(content.len().next_multiple_of(512), 0);
    (tar::file(path, content.len() as u64).unwrap(), padded)
}

/// The header with another type, and its checksum made again.
fn of_type(mut member: Member, kind: u8) -> Member {
    member.0[156] = kind;
    checksum(&mut member.0);
    member
}

fn checksum(header: &mut [u8]) {
    header[148..156].fill(b' ');
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}

fn pax(records: &[(&str, &str)]) -> Member {
    let text: String = records
        .iter()
        .map(|(key, value)| {
            let body = key.len() + value.len() + 3;
            let length = (body + 1..body + 9).find(|length| length - body == length.to_string().len()).unwrap();
            format!("{length} {key}={value}\n")
        })
        .collect();
    of_type(member("pax-header", text.as_bytes()), b'x')
}

#[test]
fn an_archive_says_what_the_folder_says_and_is_the_same_bytes_each_time() {
    let case = Case::new();
    let folder = tempfile::tempdir().unwrap();
    let bag = case.export(folder.path());
    let given = Given { trusted_root: Some(case.root), ..Given::default() };
    let of_folder = verify(&bag, &given, at(NOW), &mut |_| {}).unwrap();
    let archive = case.archive(&case.dossier);
    assert_eq!(archive, case.archive(&case.dossier));
    assert_eq!(archive.len() % 10_240, 0);
    assert_eq!(judged(&case, &archive), of_folder);
    assert_eq!(of_folder.verdict, Word::Verified);
}

#[test]
fn the_order_of_the_members_changes_nothing() {
    let case = Case::new();
    let whole = members(&case.archive(&case.dossier));
    let expected = judged(&case, &joined(&whole));
    let reversed: Vec<_> = whole.iter().rev().cloned().collect();
    let (odd, even): (Vec<_>, Vec<_>) = (1..).zip(whole).partition(|(place, _)| place % 2 == 1);
    let shuffled: Vec<_> = even.into_iter().chain(odd).map(|(_, member)| member).collect();
    for order in [reversed, shuffled] {
        assert_eq!(judged(&case, &joined(&order)), expected);
    }
}

/// Runs a program; whether it was content, and what it said.
fn shell(folder: &Path, line: &str) -> (bool, String) {
    let venv = std::env::var_os("ROGATORY_JUDGES_VENV")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("target/judges-venv"), PathBuf::from);
    let path = std::env::var("PATH").unwrap_or_default();
    let mut command = Command::new("sh");
    command.args(["-c", line]).env("PATH", format!("{}:{path}", venv.join("bin").display())).current_dir(folder);
    let done = command.output().unwrap();
    let said = String::from_utf8_lossy(&[done.stdout, done.stderr].concat()).into_owned();
    assert_ne!(done.status.code(), Some(127), "a judge is missing; run tests/judges/install.sh: {said}");
    (done.status.success(), said)
}

#[test]
fn a_foreign_tar_unpacks_the_archive_and_bagit_accepts_it_and_finds_a_changed_byte() {
    let case = Case::new();
    let folder = tempfile::tempdir().unwrap();
    let mut archive = case.archive(&case.dossier);
    std::fs::write(folder.path().join("bag.tar"), &archive).unwrap();
    let unpack = "tar -xf bag.tar && bagit.py --validate rogatory-case && cd rogatory-case && \
                  sha256sum --check --quiet manifest-sha256.txt tagmanifest-sha256.txt";
    let (good, said) = shell(folder.path(), unpack);
    assert!(good, "{said}");
    let strict = "python3 -c \"import tarfile; t = tarfile.open('bag.tar'); print(len(t.getmembers()))\"";
    let (good, said) = shell(folder.path(), strict);
    assert!(good && said.trim() == members(&archive).len().to_string(), "{said}");
    archive[600] ^= 1;
    std::fs::write(folder.path().join("bag.tar"), &archive).unwrap();
    assert!(!shell(folder.path(), "rm -rf rogatory-case; tar -xf bag.tar && bagit.py --validate rogatory-case").0);
    assert_eq!(judged(&case, &archive).verdict, Word::Failed);
}

#[test]
fn a_foreign_archive_of_the_folder_is_verified_as_well() {
    let case = Case::new();
    let folder = tempfile::tempdir().unwrap();
    case.export(folder.path());
    for form in ["gnu", "ustar", "pax"] {
        let (good, said) = shell(folder.path(), &format!("tar --format={form} -cf {form}.tar bag"));
        assert!(good, "{said}");
        let archive = std::fs::read(folder.path().join(format!("{form}.tar"))).unwrap();
        let verdict = judged(&case, &archive);
        assert_eq!(verdict.verdict, Word::Verified, "{form}: {:#?}", failures(&verdict));
    }
}

/// An archive of a whole bag with one more thing in it.
fn with(case: &Case, more: &[Member]) -> Vec<u8> {
    let mut all = members(&case.archive(&case.dossier));
    all.extend_from_slice(more);
    joined(&all)
}

#[test]
fn what_could_lead_a_foreign_reader_astray_is_refused_by_name() {
    let case = Case::new();
    let plain = |path: &str| member(path, b"more");
    let inside = "rogatory-case/rogatory/more";
    let attacks: Vec<(&str, Vec<Member>)> = vec![
        ("leads out of the folder", vec![plain("rogatory-case/../../evil")]),
        ("leads out of the folder", vec![plain("/etc/evil")]),
        ("leads out of the folder", vec![plain("../evil")]),
        ("beside the one folder", vec![plain("other/evil")]),
        ("beside the one folder", vec![plain("evil")]),
        ("it is a link", vec![of_type(member(inside, b""), b'1')]),
        ("it is a link", vec![of_type(member(inside, b""), b'2')]),
        ("no plain file", vec![of_type(member(inside, b""), b'3')]),
        ("no plain file", vec![of_type(member(inside, b""), b'4')]),
        ("no plain file", vec![of_type(member(inside, b""), b'6')]),
        ("no plain file", vec![of_type(plain(inside), b'5')]),
        ("it has holes", vec![of_type(plain(inside), b'S')]),
        ("it has holes", vec![pax(&[("GNU.sparse.major", "1"), ("GNU.sparse.realsize", "99")]), plain(inside)]),
        ("changes its name", vec![pax(&[("path", "rogatory-case/data/0001/evil")]), plain(inside)]),
        ("changes its name", vec![pax(&[("linkpath", "evil")]), plain(inside)]),
        ("changes its name", vec![pax(&[("size", "5")]), plain(inside)]),
        ("changes its name", vec![of_type(member("././@LongLink", b"evil\0"), b'L'), plain(inside)]),
        ("changes its name", vec![of_type(plain("pax_global_header"), b'g')]),
        ("stands twice", vec![plain("rogatory-case/bagit.txt")]),
        ("or also as a folder", vec![plain("rogatory-case/bagit.txt/evil")]),
        ("lies too deep", vec![plain(&format!("rogatory-case/{}evil", "a/".repeat(BAG_DEPTH_MAX + 1)))]),
    ];
    for (words, more) in attacks {
        let path = tar::read(more.last().unwrap().0.first_chunk().unwrap()).unwrap().unwrap().path;
        let verdict = judged(&case, &with(&case, &more));
        assert_eq!(verdict.verdict, Word::Failed, "{words}: {path}");
        let failures = failures(&verdict);
        assert!(failures.iter().any(|check| check.contains(words)), "{words}: {path}: {failures:#?}");
    }
}

#[test]
fn harmless_facts_in_a_pax_header_are_passed_over() {
    let case = Case::new();
    let mut all = members(&case.archive(&case.dossier));
    all.insert(0, pax(&[("mtime", "1.5"), ("uname", "someone"), ("comment", "made elsewhere")]));
    assert_eq!(judged(&case, &joined(&all)).verdict, Word::Verified);
}

#[test]
fn an_archive_that_was_cut_off_anywhere_fails() {
    let case = Case::new();
    let archive = joined(&members(&case.archive(&case.dossier)));
    for part in 0..40 {
        let cut = archive.len() * part / 40;
        let verdict = judged(&case, &archive[..cut]);
        assert_eq!(verdict.verdict, Word::Failed, "{cut}");
        assert!(failures(&verdict).iter().any(|check| check.contains("ends before its end mark")), "{cut}");
    }
    assert_eq!(judged(&case, &archive[..archive.len() - 512]).verdict, Word::Failed);
}

#[test]
fn bytes_after_the_end_or_in_the_padding_and_a_compressed_archive_fail() {
    let case = Case::new();
    let archive = case.archive(&case.dossier);
    let mut trailing = archive.clone();
    trailing.extend_from_slice(&[0; 511]);
    trailing.push(1);
    let mut padded = archive.clone();
    let first = tar::read(archive.first_chunk().unwrap()).unwrap().unwrap();
    padded[512 + usize::try_from(first.bytes).unwrap()] = 1;
    let compressed = [vec![0x1f, 0x8b, 8, 0], vec![7; 2_048]].concat();
    for (bytes, words) in [(trailing, "only zeros"), (padded, "only zeros"), (compressed, "decompressed first")] {
        let failures = failures(&judged(&case, &bytes));
        assert!(failures.iter().any(|check| check.contains(words)), "{words}: {failures:#?}");
    }
}

/// A reader that never ends: one header, then zeros that stand for any content.
struct Endless(Vec<u8>, usize, u64);

impl std::io::Read for Endless {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        for byte in into.iter_mut() {
            *byte = self.0[self.1 % self.0.len()];
            self.1 += 1;
        }
        self.2 += into.len() as u64;
        Ok(into.len())
    }
}

#[test]
fn endless_members_tags_and_claims_are_cut_off_at_the_limits() {
    let case = Case::new();
    let given = Given { trusted_root: Some(case.root), ..Given::default() };
    let huge = |path: &str, bytes: u64| tar::file(path, bytes).unwrap();
    let attacks = [
        (member("bag/rogatory/one", b"").0, "more than", 100_u64 << 20),
        (huge("bag/rogatory/one", 16 << 40), "claims more than", 1 << 20),
        (huge("bag/data/0001/one", u64::MAX / 2), "claims more than", 1 << 20),
    ];
    for (bytes, words, read_max) in attacks {
        let mut endless = Endless(bytes, 0, 0);
        let failures = failures(&verify_stream(&mut endless, &given, at(NOW), &mut |_| {}).unwrap());
        assert!(failures.iter().any(|check| check.contains(words)), "{words}: {failures:#?}");
        assert!(endless.2 <= read_max, "{words}: read {}", endless.2);
    }
    let mut tags = Vec::new();
    for name in ["one", "two", "three"] {
        let mut head = member(&format!("bag/rogatory/{name}"), &[]).0;
        head[124..136].copy_from_slice(format!("{:011o}\0", 60 << 20).as_bytes());
        checksum(&mut head);
        tags.extend(head);
        tags.resize(tags.len() + (60 << 20), 0);
    }
    let failures = failures(&judged(&case, &tags));
    assert!(failures.iter().any(|check| check.contains("at rogatory/three the accompanying")), "{failures:#?}");
}

#[test]
fn a_bag_written_down_a_pipe_that_breaks_is_no_bag() {
    let case = Case::new();
    let archive = case.archive(&case.dossier);
    let verdict = judged(&case, &archive[..archive.len() / 2]);
    assert_eq!(verdict.verdict, Word::Failed);
    assert!(verdict.story.is_empty() && verdict.container.is_none());
}
