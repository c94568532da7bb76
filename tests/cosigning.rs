//! Strangers judge cosigned checkpoints: tlog-scales both algorithms, openssl the Ed25519 cosignature, Go's `sumdb/note` the
//! log's line among lines that it does not know. Each must refuse what was altered, and we what a stranger altered.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use rogatory::crypto::ed25519::SigningKey;
use rogatory::crypto::mldsa;
use rogatory::custody::checkpoint::{LogSigner, SignedCheckpoint};
use rogatory::custody::cosignature::{Cosigner, cosignatures, log_line};
use rogatory::custody::note::{KeyName, Note, VerifierKey};
use rogatory::model::base64;
use rogatory::model::ident::Digest;
use rogatory::model::time::Timestamp;

const WORKED: &str = "tests/vectors/custody/worked";
/// 2026-11-22T09:30:00Z.
const TIME: u64 = 1_795_339_800;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn origin() -> KeyName {
    "xa-moj.rogatory/custody".parse().unwrap()
}

fn log() -> LogSigner {
    LogSigner { ed25519: SigningKey::from_seed(&[1; 32]), ml_dsa_44: Some(mldsa::SigningKey::from_seed(&[2; 32])) }
}

fn witness() -> Cosigner {
    let keys = (SigningKey::from_seed(&[3; 32]), mldsa::SigningKey::from_seed(&[4; 32]));
    Cosigner::new(&"xb-moj.rogatory/witness".parse().unwrap(), keys.0, keys.1)
}

/// A checkpoint of seven entries with both lines of its log.
fn published() -> SignedCheckpoint {
    let log = log();
    let signed = SignedCheckpoint::sign(&origin(), 7, Digest([9; 32]), &log.ed25519);
    let line = log_line(log.ml_dsa_44.as_ref().unwrap(), &signed).unwrap();
    signed.with_lines([line])
}

/// The same with both lines of a witness.
fn cosigned() -> SignedCheckpoint {
    let lines = witness().cosign(&published(), Timestamp::from_millis(TIME * 1_000), &[5; 32]).unwrap();
    published().with_lines(lines)
}

fn lines(keys: &[VerifierKey]) -> String {
    keys.iter().map(|key| format!("{key}\n")).collect()
}

/// Ours, in a folder as the judges read it.
fn written() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("checkpoint"), cosigned().to_bytes()).unwrap();
    fs::write(folder.path().join("log.vkey"), lines(&log().verifier_keys(&origin()))).unwrap();
    fs::write(folder.path().join("witness.vkey"), lines(&witness().verifier_keys())).unwrap();
    folder
}

/// The note with one character of the payload of its `number`th line changed.
fn altered(note: &str, number: usize) -> String {
    let mut rows: Vec<String> = note.lines().map(str::to_owned).collect();
    let row = rows.iter_mut().filter(|row| row.starts_with('\u{2014}')).nth(number).unwrap();
    // Behind the key id and the time, before the padding.
    let at = row.len() - 40;
    let other = if row.as_bytes()[at] == b'A' { "B" } else { "A" };
    row.replace_range(at..=at, other);
    rows.join("\n") + "\n"
}

fn python(args: &[&str]) -> Output {
    let venv =
        std::env::var_os("ROGATORY_JUDGES_VENV").map_or_else(|| root().join("target/judges-venv"), PathBuf::from);
    let python = root().join(venv).join("bin/python");
    assert!(python.exists(), "{} is missing: run tests/judges/install.sh", python.display());
    Command::new(python).arg(root().join("tests/judges/cosign.py")).args(args).output().unwrap()
}

fn tlog_scales_accepts(folder: &Path) -> bool {
    let file = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let judged = python(&["check", &file("checkpoint"), &file("log.vkey"), &file("witness.vkey")]);
    let told = String::from_utf8_lossy(&judged.stdout).into_owned();
    if judged.status.success() {
        let types: Vec<_> = told.lines().filter_map(|line| line.split(" type ").nth(1)).collect();
        assert_eq!(types, ["1 lines 1", "6 lines 1", "4 lines 1", "6 lines 1"], "{told}");
    }
    judged.status.success()
}

#[test]
fn tlog_scales_accepts_our_lines_of_all_types_and_refuses_each_altered_one() {
    let folder = written();
    assert!(tlog_scales_accepts(folder.path()));
    let sound = cosigned().note().to_string();
    for number in 0..4 {
        fs::write(folder.path().join("checkpoint"), altered(&sound, number)).unwrap();
        assert!(!tlog_scales_accepts(folder.path()), "line {number}");
    }
    fs::write(folder.path().join("checkpoint"), sound.replacen("\n7\n", "\n8\n", 1)).unwrap();
    assert!(!tlog_scales_accepts(folder.path()));
}

#[test]
fn we_accept_a_checkpoint_that_tlog_scales_cosigned_and_refuse_each_altered_line() {
    let folder = tempfile::tempdir().unwrap();
    let made = python(&["make", folder.path().to_str().unwrap()]);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    let keys = |name: &str| read(name).lines().map(|line| line.parse().unwrap()).collect::<Vec<VerifierKey>>();
    let (log, witness, note) = (keys("log.vkey"), keys("witness.vkey"), read("checkpoint"));
    let all = [log.clone(), witness.clone()].concat();
    let signed = SignedCheckpoint::open(note.as_bytes(), &log).unwrap();
    assert_eq!(signed.note().verify(&all).unwrap().len(), 4);
    let found = cosignatures(signed.note(), &witness).unwrap();
    assert!(found.len() == 2 && found.iter().all(|one| one.at.is_some()), "{found:?}");
    for number in 0..4 {
        let altered = Note::parse(altered(&note, number).as_bytes()).unwrap();
        assert!(altered.verify(&all).is_err(), "line {number}");
    }
}

#[test]
fn openssl_accepts_the_ed25519_cosignature_with_nothing_but_its_key_and_refuses_another_time() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let cosigned = cosigned();
    let line =
        cosigned.note().signatures().iter().find(|line| line.key_id() == witness().verifier_keys()[0].id()).unwrap();
    let der = [
        &[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00],
        witness().verifier_keys()[0].public_key(),
    ]
    .concat();
    fs::write(at("key.der"), der).unwrap();
    fs::write(at("signature"), &line.signature()[8..]).unwrap();
    let accepts = |time: u64| {
        fs::write(at("body"), format!("cosignature/v1\ntime {time}\n{}", cosigned.note().text())).unwrap();
        let mut openssl = Command::new("openssl");
        openssl.args(["pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-rawin"]);
        openssl.arg("-inkey").arg(at("key.der")).arg("-in").arg(at("body")).arg("-sigfile").arg(at("signature"));
        openssl.output().unwrap().status.success()
    };
    assert!(accepts(TIME));
    assert!(!accepts(TIME + 1));
}

#[test]
fn go_accepts_the_logs_line_and_passes_over_those_of_types_that_it_does_not_know() {
    let folder = written();
    let program = root().join("tests/judges/note.go");
    let judge = || {
        let mut go = Command::new("go");
        go.arg("run").arg(&program).arg(folder.path()).env("GO111MODULE", "off").env("GOPATH", "/usr/share/gocode");
        if std::env::var_os("HOME").is_none() {
            go.env("GOCACHE", folder.path().join("cache"));
        }
        go.output().expect("apt-get install -y golang-go golang-golang-x-mod-dev")
    };
    let judged = judge();
    let told = String::from_utf8_lossy(&judged.stdout).into_owned();
    assert!(judged.status.success(), "{told}{}", String::from_utf8_lossy(&judged.stderr));
    assert_eq!(told, "signed by xa-moj.rogatory/custody, 3 lines passed over\n");
    let sound = cosigned().note().to_string();
    fs::write(folder.path().join("checkpoint"), altered(&sound, 0)).unwrap();
    assert!(!judge().status.success());
}

/// The worked example of proto/README.md stands in files, and its text names what is in them. `UPDATE_VECTORS=1` writes them.
#[test]
fn the_worked_example_is_what_this_program_signs_and_what_the_documentation_says() {
    let folder = root().join(WORKED);
    let files = [
        ("checkpoint", cosigned().note().to_string()),
        ("log.vkey", lines(&log().verifier_keys(&origin()))),
        ("witness.vkey", lines(&witness().verifier_keys())),
    ];
    for (name, now) in &files {
        if std::env::var_os("UPDATE_VECTORS").is_some() {
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join(name), now).unwrap();
        }
        assert_eq!(&fs::read_to_string(folder.join(name)).unwrap(), now, "{name}");
    }
    let document = fs::read_to_string(root().join("proto/README.md")).unwrap();
    let mut expected: Vec<String> = files[0].1.split_once("\n\n").unwrap().0.lines().map(str::to_owned).collect();
    for line in cosigned().note().signatures() {
        let key_id = data_encoding::HEXLOWER.encode(&line.key_id());
        // Ed25519 lines stand there whole, ML-DSA-44 lines by their beginning and digest.
        let whole = line.to_string();
        if whole.len() < 300 {
            expected.push(whole);
        } else {
            let digest = rogatory::crypto::digest::sha256(line.signature());
            let beginning: String = whole.chars().take(90).collect();
            expected.push(format!("{beginning}…"));
            expected.push(format!("{digest}"));
        }
        expected.push(key_id);
    }
    let keys = [log().verifier_keys(&origin()), witness().verifier_keys().to_vec()].concat();
    expected.extend(keys.iter().filter(|key| key.public_key().len() == 32).map(ToString::to_string));
    expected.push(data_encoding::HEXLOWER.encode(&TIME.to_be_bytes()));
    expected.push(base64::encode(&[9; 32]));
    let missing: Vec<&String> = expected.iter().filter(|part| !document.contains(part.as_str())).collect();
    assert!(missing.is_empty(), "proto/README.md does not hold: {missing:#?}");
}
