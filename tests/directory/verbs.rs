//! `rogatory directory`, verb by verb, as an office would use it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, ExitCode};

use clap::Parser;
use rogatory::cli::directory::{DirectoryCommandError, run};
use rogatory::cli::directory_args::DirectoryArgs;
use rogatory::store::directory::NodeDirectory;
use serde_json::Value;

use crate::support::{entry, now};

#[derive(Debug, Parser)]
struct Program {
    #[command(flatten)]
    directory: DirectoryArgs,
}

/// An office: a folder in which commands run; words with a slash are names in it.
struct Office(tempfile::TempDir);

impl Office {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join(name)
    }

    fn run(&self, line: &str) -> Result<(ExitCode, String), DirectoryCommandError> {
        let word = |word: &str| match word.strip_prefix("./") {
            Some(name) => self.path(name).to_str().unwrap().to_owned(),
            None => word.to_owned(),
        };
        let words = ["directory".to_owned()].into_iter().chain(line.split_whitespace().map(word));
        let program = Program::try_parse_from(words).unwrap_or_else(|error| panic!("{line}: {error}"));
        let mut out = Vec::new();
        let code = run(program.directory, now(), &mut out)?;
        Ok((code, String::from_utf8(out).unwrap()))
    }

    fn done(&self, line: &str) -> String {
        let (code, out) = self.run(line).unwrap_or_else(|error| panic!("{line}: {error}"));
        assert_eq!(code, ExitCode::SUCCESS, "{line}: {out}");
        out
    }

    fn refused(&self, line: &str) -> String {
        self.run(line).expect_err(line).to_string()
    }

    /// Two keepers and a directory of two authorities that both must sign.
    fn founded() -> Self {
        let office = Self::new();
        let one = office.done("keygen --out ./one.key");
        office.done("keygen --out ./two.key");
        office.done(&format!("new ./list --keeper {} --key ./two.key --threshold 2", one.trim()));
        for id in ["XA-MOJ", "XB-MOJ"] {
            fs::write(office.path(id), entry(id).to_json()).unwrap();
        }
        office.done("add ./list ./XA-MOJ ./XB-MOJ");
        office
    }
}

#[test]
fn a_keepers_key_is_its_owners_alone_is_never_overwritten_and_openssl_reads_it() {
    let office = Office::new();
    let public = office.done("keygen --out ./one.key");
    let mode = fs::metadata(office.path("one.key")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(office.refused("keygen --out ./one.key").contains("one.key"));
    let output = Command::new("openssl")
        .args(["pkey", "-noout", "-text_pub", "-in"])
        .arg(office.path("one.key"))
        .output()
        .expect("openssl is missing: install the package openssl");
    let text = String::from_utf8(output.stdout).unwrap();
    let hex: String = text.chars().filter(|c| c.is_ascii_hexdigit()).collect();
    assert!(text.starts_with("ED25519") && hex.ends_with(public.trim()), "{text}");
}

#[test]
fn a_directory_goes_from_its_founding_to_a_node() {
    let office = Office::founded();
    let (code, said) = office.run("verify ./list").unwrap();
    assert_eq!(code, ExitCode::from(3), "{said}");
    office.done("sign ./list --key ./one.key");
    assert_eq!(office.run("verify ./list --json").unwrap().0, ExitCode::from(3));
    assert!(office.done("sign ./list --key ./two.key").contains("Complete"));
    assert!(office.done("sign ./list --key ./two.key").contains("already"));

    let verified: Value = serde_json::from_str(&office.done("verify ./list --json")).unwrap();
    assert_eq!((&verified["accepted"], &verified["authorities"]), (&true.into(), &2.into()));
    let root = verified["roots"][0]["fingerprint"].as_str().unwrap();
    office.done(&format!("verify ./list --trust-root {root}"));
    let (code, _) = office.run(&format!("verify ./list --trust-root {}", "00".repeat(32))).unwrap();
    assert_eq!(code, ExitCode::FAILURE);

    let list = fs::read_to_string(office.path("list/targets/directory.json")).unwrap();
    assert_eq!(office.done("show ./list --json"), list);
    let shown = office.done("show ./list");
    assert!(shown.contains("XA-MOJ") && shown.contains("depositary Notification of 3 May 2026"), "{shown}");

    office.done("pack ./list ./list.rogatory-directory");
    assert!(office.refused("pack ./list ./list.rogatory-directory").contains("exists"));
    let refused = office.refused("import ./list.rogatory-directory --data ./node");
    assert!(refused.contains(&format!("--trust-root {root}")), "{refused}");
    office.done(&format!("import ./list.rogatory-directory --data ./node --trust-root {root}"));
    assert!(office.done("import ./list --data ./node").contains("accepted before"));
    assert_eq!(NodeDirectory::of(&office.path("node")).current().unwrap().unwrap().roster().len(), 2);
}

#[test]
fn the_list_changes_and_the_keepers_change() {
    let office = Office::founded();
    let sign = |keys: &[&str]| keys.iter().for_each(|key| drop(office.done(&format!("sign ./list --key ./{key}.key"))));
    sign(&["one", "two"]);
    office.done("import ./list --data ./node --trust-first-root");

    assert!(office.done("remove ./list XB-MOJ").contains("Version 2"));
    sign(&["one", "two"]);
    assert!(office.done("import ./list --data ./node").contains("version 2"));

    assert!(office.done("renew ./list --valid-days 30").contains("2026-12-22T09:00:00Z"));
    office.done("keygen --out ./three.key");
    office.done("rotate ./list --key ./two.key --key ./three.key --threshold 2");
    sign(&["two", "three"]);
    assert_eq!(office.run("verify ./list").unwrap().0, ExitCode::from(3));
    sign(&["one"]);
    office.done("verify ./list");
    office.done("import ./list --data ./node");
    let held = NodeDirectory::of(&office.path("node")).current().unwrap().unwrap();
    assert_eq!((held.state(), held.roster().len()), ((2, 3), 1));
}

#[test]
fn mistakes_are_told_with_what_to_do() {
    let office = Office::founded();
    assert!(office.refused("new ./list --key ./one.key --threshold 1").contains("exists"));
    assert!(office.refused("new ./b --key ./one.key --threshold 2").contains("threshold"));
    assert!(office.refused("new ./b --key ./one.key --key ./one.key --threshold 1").contains("named twice"));
    assert!(office.refused("remove ./list XZ-MOJ").contains("not in the directory"));
    assert!(office.refused("add ./list ./one.key").contains("rogatory init"));
    assert!(office.refused("sign ./list --key ./XA-MOJ").contains("PRIVATE KEY"));
    assert!(office.refused("show ./nowhere").contains("nowhere"));
    office.done("keygen --out ./stranger.key");
    assert!(office.refused("sign ./list --key ./stranger.key").contains("none of this directory's keepers"));
    let words = ["directory", "new", "x", "--key", "k", "--threshold", "1", "--valid-days", "0"];
    assert!(Program::try_parse_from(words).is_err(), "zero days");
}

#[test]
fn the_fingerprint_is_what_jq_and_sha256sum_give() {
    let office = Office::founded();
    let root = office.path("list/metadata/1.root.json");
    let said = office.run("verify ./list --json").unwrap().1;
    let said: Value = serde_json::from_str(&said).unwrap();
    let script = format!("jq -cjS .signed '{}' | sha256sum", Path::new(&root).display());
    let output = Command::new("sh").args(["-c", &script]).output().unwrap();
    let digest = String::from_utf8(output.stdout).unwrap();
    let expected = said["roots"][0]["fingerprint"].as_str().unwrap();
    assert!(digest.starts_with(expected), "{digest}: jq and sha256sum are needed; install the package jq");
}
