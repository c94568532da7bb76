//! Exports in their other forms by command: an archive in a file and down a pipe, an extract that tells nothing of other cases,
//! and the two sides' bags compared.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::office::{FIRST, Office, SECOND, path, text};
use crate::program::{Ran, run, run_with_input, until};
use crate::stage::Stage;

/// A request of XA and a package of XB for it, of one file with that name and content.
pub fn package(stage: &Stage, subject: &str, name: &str, also: &[&str]) -> String {
    let (xa, xb) = (&stage.xa, &stage.xb);
    let request = text(&xa.ask("XB-MOJ", subject, &[]), "request_id");
    until("the request to arrive", || xb.run(FIRST, &["request", "show", &request]).code.filter(|code| *code == 0));
    seal(stage, &request, name, also)
}

fn seal(stage: &Stage, request: &str, name: &str, also: &[&str]) -> String {
    let (xa, xb) = (&stage.xa, &stage.xb);
    let mut args = vec!["package".to_owned(), "seal".into(), "--request".into(), request.to_owned()];
    for name in [name].iter().chain(also) {
        let file = stage.at(name);
        fs::write(&file, format!("content of {name}")).unwrap();
        args.push(path(&file).to_owned());
    }
    args.extend(["--reference", "B-1", "--description", name, "--json"].map(str::to_owned));
    let drafted = xb.run(FIRST, &args.iter().map(String::as_str).collect::<Vec<_>>()).json();
    let package = text(&drafted, "package_id");
    xb.json(SECOND, &["package", "send", &package]);
    xb.handed_over(&text(&drafted, "message_id"));
    until("the files to arrive", || {
        let found =
            xa.records_where(|record| record["event"] == "content.received" && record["package_id"] == *package);
        found.first().map(|_| ())
    });
    package
}

pub fn export(office: &Office, package: &str, to: &Path, more: &[&str]) -> Value {
    let args = [&["package", "export", package, "--to", path(to), "--purpose", "trial"], more].concat();
    office.json(FIRST, &args)
}

pub fn verified(stage: &Stage, paths: &[&Path]) -> Ran {
    let mut args = vec!["verify"];
    args.extend(paths.iter().map(|one| path(one)));
    args.extend(["--trust-root", &stage.trust_root]);
    run(&args)
}

/// Every byte of every file below, in one.
pub fn everything(folder: &Path) -> Vec<u8> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap().path();
        all.extend_from_slice(entry.to_string_lossy().as_bytes());
        all.extend(if entry.is_dir() { everything(&entry) } else { fs::read(entry).unwrap() });
    }
    all
}

pub fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[test]
fn an_archive_is_exported_into_a_file_and_down_a_pipe_and_verified_from_both() {
    let stage = Stage::play();
    let package = package(&stage, "The bridge", "statement.txt", &["photo.jpg"]);
    let archive = stage.at("bag.tar");
    let told = export(&stage.xa, &package, &archive, &[]);
    let digest = text(&told, "container_digest");
    assert!(!stage.at("bag.tar.partial").exists() && !stage.at("bag.tar.files").exists());
    let said = verified(&stage, &[&archive]).done();
    assert!(said.contains(&digest) && said.ends_with("VERIFIED\n"), "{said}");
    stage
        .xa
        .run(FIRST, &["package", "export", &package, "--to", path(&archive), "--purpose", "x"])
        .refused(&["exists"]);

    let piped = stage.xa.pipe(FIRST, &["package", "export", &package, "--to", "-", "--purpose", "trial"]);
    let root = stage.trust_root.as_str();
    let judged = run_with_input(&["verify", "-", "--trust-root", root], &piped);
    assert!(judged.done().ends_with("VERIFIED\n"));
    run_with_input(&["verify", "-", "--trust-root", root], &piped[..piped.len() / 2]).ends(1);

    let folder = stage.at("bag");
    let of_folder = export(&stage.xa, &package, &folder, &[]);
    assert_eq!(text(&of_folder, "container_digest").len(), 64);
    assert_ne!(text(&of_folder, "container_digest"), digest, "the log holds one export more");
    verified(&stage, &[&folder]).done();
}

/// Every file below, by its path.
fn tree(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let entry = entry.unwrap().path();
            if entry.is_dir() {
                open.push(entry);
            } else {
                let name = entry.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
                files.insert(name, fs::read(entry).unwrap());
            }
        }
    }
    files
}

#[test]
fn two_exports_of_one_state_differ_only_in_what_the_second_export_adds() {
    let stage = Stage::play();
    let package = package(&stage, "The bridge", "statement.txt", &[]);
    let carrier = text(&stage.xa.json(FIRST, &["package", "show", &package])["package"], "message_id");
    export(&stage.xa, &package, &stage.at("before"), &[]);
    // The first opening makes a receipt for the sender: the state settles when that is handed over and logged.
    until("the receipt of the opening at XB", || {
        let told = stage.xb.records_where(|record| {
            record["event"] == "message.delivered"
                && record["message_id"] == *carrier
                && record["stage"] == "content-handover"
        });
        told.first().map(|_| ())
    });
    until("the log of XA to rest", || {
        let before = stage.xa.records().len();
        std::thread::sleep(std::time::Duration::from_millis(700));
        (stage.xa.records().len() == before).then_some(())
    });
    let (one, two) = (stage.at("one"), stage.at("two"));
    export(&stage.xa, &package, &one, &[]);
    export(&stage.xa, &package, &two, &[]);
    let (one, two) = (tree(&one), tree(&two));
    assert!(one.keys().all(|path| two.contains_key(path) || path.contains("/checkpoints/")));
    let texts = ["VERIFY.md", "report.html", "report.pdf", "case.jsonld"].map(|name| format!("rogatory/{name}"));
    let (mut proofs, own) = (0, "xa-moj.rogatory_custody/");
    for (path, bytes) in two.iter().filter(|(path, bytes)| one.get(*path) != Some(bytes)) {
        let follows = path == "bag-info.txt"
            || path.starts_with("tagmanifest-")
            || texts.contains(path)
            || path.starts_with(&format!("rogatory/logs/{own}checkpoint"))
            // The peer shows what its log has become soon after it has grown.
            || path.starts_with("rogatory/logs/") && path.contains("/checkpoints/")
            || path.starts_with(&format!("rogatory/records/{own}")) && path.ends_with(".tlog-proof");
        let is_new = path.starts_with(&format!("rogatory/records/{own}")) && !one.contains_key(path);
        assert!(follows || is_new, "{path} ({} bytes) must not differ", bytes.len());
        proofs += usize::from(path.ends_with(".tlog-proof"));
    }
    let records = |tree: &BTreeMap<String, Vec<u8>>| tree.keys().filter(|path| path.ends_with(".record")).count();
    assert_eq!(records(&two), records(&one) + 2, "one opening and one export");
    assert!(proofs > 0);
}

#[test]
fn an_extract_for_the_defence_holds_nothing_of_other_files_packages_cases_or_purposes() {
    let stage = Stage::play();
    let xa = &stage.xa;
    let mine = package(&stage, "The bridge", "statement.txt", &["secret-annex.txt"]);
    let request = text(&xa.json(FIRST, &["package", "show", &mine])["package"], "request_id");
    let same_case = seal(&stage, &request, "planted-in-the-same-case.txt", &[]);
    let other_case = package(&stage, "planted-subject", "planted-in-another-case.txt", &[]);
    xa.json(FIRST, &["package", "open", &mine, "--to", path(&stage.at("seen")), "--purpose", "planted-purpose of Y"]);
    export(xa, &mine, &stage.at("for-y"), &["--for", "planted-recipient Y"]);

    let whole = stage.at("whole");
    export(xa, &mine, &whole, &[]);
    let bytes = everything(&whole);
    for planted in ["planted-purpose", "planted-recipient", "content of secret-annex"] {
        assert!(holds(&bytes, planted), "{planted}: the whole package tells it");
    }
    let extract = stage.at("extract");
    let told = export(xa, &mine, &extract, &["--item", "1", "--for", "Defence counsel"]);
    assert_eq!(told["files"], 1);
    let bytes = everything(&extract);
    for planted in ["planted", "content of secret-annex", &same_case, &other_case, "The bridge"] {
        assert!(!holds(&bytes, planted), "{planted}");
    }
    assert!(holds(&bytes, "content of statement.txt") && holds(&bytes, "for Defence counsel: trial"));
    let said = verified(&stage, &[&extract]).ends(3).out;
    for words in ["this extract leaves the file out", "made for Defence counsel on", "VERIFIED IN PART"] {
        assert!(said.contains(words), "{words}: {said}");
    }
    let json: Value = serde_json::from_str(
        &run(&["verify", path(&extract), "--trust-root", &stage.trust_root, "--json"]).ends(3).out,
    )
    .unwrap();
    let open: Vec<_> =
        json["checks"].as_array().unwrap().iter().filter(|one| one["outcome"] == "not-checked").collect();
    assert_eq!(open.len(), 1, "only what is left out is not checked: {open:#?}");

    let to = stage.at("none");
    let wrong = ["package", "export", &mine, "--to", path(&to), "--purpose", "x", "--item", "9"];
    xa.run(FIRST, &wrong).refused(&["no file 9"]);
    assert!(!to.exists());
}

#[test]
fn the_bags_of_both_sides_are_compared_and_those_of_two_packages_are_told_apart() {
    let stage = Stage::play();
    let one = package(&stage, "The bridge", "statement.txt", &[]);
    let other = package(&stage, "The tunnel", "map.txt", &[]);
    let (a, b, c) = (stage.at("a"), stage.at("b.tar"), stage.at("c"));
    export(&stage.xa, &one, &a, &[]);
    until("the receipt of the opening at XB", || {
        let told = stage.xb.records_where(|record| {
            record["event"] == "message.delivered"
                && record["stage"] == "content-handover"
                && record["package_id"] == *one
        });
        told.first().map(|_| ())
    });
    export(&stage.xb, &one, &b, &[]);
    export(&stage.xb, &other, &c, &[]);
    let both = verified(&stage, &[&a, &b]);
    assert!(both.code == Some(0) && both.out.contains("later by the two clocks"), "{}", both.out);
    let said = verified(&stage, &[&a, &c]).ends(1).out;
    assert!(said.contains("they are of two"), "{said}");
}
