//! A folder as evidence: sealed in packs, listed, opened whole and singly, exported as itself; broken off and gone on with.

use std::fs;
use std::os::unix::fs::{FileExt, symlink};
use std::path::Path;

use serde_json::Value;

use crate::office::{FIRST, Office, SECOND, path, text};
use crate::program::{run, until};
use crate::stage::Stage;

/// A phone in small: hidden, empty, foreign, sparse, linked.
fn phone(stage: &Stage) -> std::path::PathBuf {
    let root = stage.at("phone");
    for folder in ["DCIM/Camera", ".cache", "empty/inside"] {
        fs::create_dir_all(root.join(folder)).unwrap();
    }
    for number in 0..300_u32 {
        let content = format!("message {number}\n").repeat(usize::try_from(number).unwrap() % 40);
        fs::write(root.join(format!("DCIM/Camera/IMG {number}.txt")), content).unwrap();
    }
    fs::write(root.join(".cache/a"), b"one").unwrap();
    fs::write(root.join("cache"), b"two").unwrap();
    fs::write(root.join("Žádost 100%.txt"), b"abc").unwrap();
    let image = fs::File::create(root.join("image.dd")).unwrap();
    image.write_all_at(b"in the middle", 40 << 20).unwrap();
    image.set_len(64 << 20).unwrap();
    symlink("/etc/passwd", root.join("link")).unwrap();
    root
}

/// A request of XA that XB has.
fn asked(stage: &Stage) -> String {
    let request = text(&stage.xa.ask("XB-MOJ", "The phone", &[]), "request_id");
    until("the request to arrive", || {
        stage.xb.run(FIRST, &["request", "show", &request]).code.filter(|code| *code == 0)
    });
    request
}

/// XB sends what was sealed; gives the package.
fn sent(stage: &Stage, drafted: &Value) -> String {
    let package = text(drafted, "package_id");
    stage.xb.json(SECOND, &["package", "send", &package]);
    stage.xb.handed_over(&text(drafted, "message_id"));
    package
}

fn same_tree(one: &Path, other: &Path) {
    for entry in fs::read_dir(one).unwrap() {
        let entry = entry.unwrap();
        let there = other.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            same_tree(&entry.path(), &there);
        } else if entry.file_type().unwrap().is_file() {
            assert_eq!(fs::read(entry.path()).unwrap(), fs::read(&there).unwrap(), "{}", there.display());
        } else {
            assert!(!there.exists(), "no link is made");
        }
    }
}

fn listed(office: &Office, package: &str) -> Vec<Value> {
    let lines = office.run(FIRST, &["package", "files", package, "--json"]).done();
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_folder_is_sealed_listed_opened_and_exported_file_by_file() {
    let stage = Stage::play();
    let root = phone(&stage);
    let request = asked(&stage);
    let seal = ["package", "seal", "--request", &request, path(&root), "--also", "blake3", "--json"];
    let wrong = "phone/Žádost 100%25.txt:sha1=0000000000000000000000000000000000000000";
    stage.xb.run(FIRST, &[&seal[..], &["--also", wrong]].concat()).refused(&["Žádost", "sha1=a9993e", "was given"]);
    let right = "phone/Žádost 100%25.txt:sha1=a9993e364706816aba3e25717850c26c9cd0d89d";
    let drafted = stage.xb.run(FIRST, &[&seal[..], &["--also", right]].concat()).json();
    let package = sent(&stage, &drafted);

    let (xa, xb) = (&stage.xa, &stage.xb);
    assert!(xa.run(FIRST, &["package", "list", "--watch"]).done().ends_with("Nothing is on its way.\n"));
    let served = xb.run(FIRST, &["package", "list", "--watch", "--json"]).done();
    let served: Value = serde_json::from_str(served.lines().next().unwrap()).unwrap();
    assert_eq!(
        (&served["package_id"], &served["done_bytes"]),
        (&Value::from(package.as_str()), &served["total_bytes"])
    );
    let shown = xa.json(FIRST, &["package", "show", &package]);
    let forms: Vec<&str> = shown["items"].as_array().unwrap().iter().filter_map(|item| item["form"].as_str()).collect();
    assert_eq!(forms, ["pack", "list"], "304 files and one sparse image are one pack and a list");
    let sealed = shown["items"][0]["plaintext_bytes"].as_u64().unwrap();
    assert!(sealed < 4 << 20, "holes are not sealed: {sealed}");
    let files = listed(xa, &package);
    assert_eq!(files.len(), 304 + 2, "every file, the empty folder, the link");
    assert_eq!(listed(xb, &package), files);
    let abc = files.iter().find(|file| file["path"] == "phone/Žádost 100%25.txt").unwrap();
    assert_eq!(abc["sha256"], "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_eq!(abc["further"].as_array().unwrap().len(), 2);
    let link = files.iter().find(|file| file["kind"] == "link").unwrap();
    assert_eq!((&link["path"], &link["target"]), (&Value::from("phone/link"), &Value::from("/etc/passwd")));

    let all = stage.at("all");
    let open = ["package", "open", &package, "--to", path(&all), "--purpose", "a look"];
    assert_eq!(xa.json(FIRST, &open)["files"], 304);
    same_tree(&root, &all.join("phone"));
    assert!(all.join("phone/empty/inside").is_dir());
    xa.run(FIRST, &open).refused(&["nothing is overwritten"]);
    let some = stage.at("some");
    let one = ["package", "open", &package, "--to", path(&some), "--purpose", "one", "--path", "phone/.cache"];
    assert_eq!(xa.json(FIRST, &one)["opened"][0]["path"], "phone/.cache/a");
    xa.run(FIRST, &["package", "open", &package, "--to", path(&some), "--purpose", "x", "--path", "phone/no"])
        .refused(&["holds no phone/no"]);

    let bag = stage.at("bag");
    xa.run(FIRST, &["package", "export", &package, "--to", path(&bag), "--purpose", "trial"]).done();
    assert_eq!(fs::read(bag.join("data/files/phone/cache/a")).unwrap(), b"one", "no file of a bag is hidden");
    assert_eq!(fs::read(bag.join("data/files/phone/cache_2")).unwrap(), b"two");
    let verified = run(&["verify", path(&bag), "--json", "--trust-root", &stage.trust_root]).json();
    assert_eq!(verified["verdict"], "verified", "{verified:#}");
    fs::write(bag.join("data/files/phone/cache_2"), b"owt").unwrap();
    let told = run(&["verify", path(&bag)]).failed();
    assert!(told.contains("data/files/phone/cache_2"), "{told}");
}

/// Three files over several packs: the first pack ends in the middle of the second file.
fn case(stage: &Stage) -> std::path::PathBuf {
    let root = stage.at("case");
    fs::create_dir(&root).unwrap();
    for (name, mib) in [("a", 10_u32), ("b", 30), ("c", 10)] {
        let block: Vec<u8> = (0..1 << 18).flat_map(|n: u32| n.wrapping_mul(mib).to_le_bytes()).collect();
        fs::write(root.join(name), block.repeat(usize::try_from(mib).unwrap())).unwrap();
    }
    root
}

fn packings(office: &Office) -> Vec<Value> {
    office.json(FIRST, &["package", "list"])["packings"].as_array().unwrap().clone()
}

#[test]
fn a_seal_that_is_killed_goes_on_where_it_was_and_refuses_a_source_that_changed() {
    let mut stage = Stage::play();
    let (request, root) = (asked(&stage), case(&stage));
    let seal = ["package", "seal", "--request", &request, path(&root), "--reference", "XB-9/9"];
    // Killed when the second pack is noted, and once more when the third is in the vault and not noted.
    stage.xb.start_crashing("seal: pack noted#2");
    stage.xb.run(FIRST, &seal).failed();
    stage.xb.start_crashing("seal: pack in the vault, not noted");
    let [packing] = packings(&stage.xb).try_into().unwrap();
    assert_eq!((packing["sealed_bytes"].as_u64(), packing["files"].as_u64()), (Some(32 << 20), Some(1)));
    let id = text(&packing, "package_id");
    assert!(stage.xb.run(FIRST, &["package", "list"]).done().contains("being sealed"));
    stage.xb.run(FIRST, &["package", "seal", "--resume", &id]).failed();
    stage.xb.start();

    // The second file is open: whoever changes what was sealed of it is found out, and so is a changed first one.
    let image = fs::File::options().write(true).open(root.join("b")).unwrap();
    image.write_all_at(b"x", 5 << 20).unwrap();
    stage.xb.run(FIRST, &["package", "seal", "--resume", &id]).refused(&["case/b is not as it was"]);
    image.write_all_at(&fs::read(root.join("b")).unwrap()[(6 << 20)..=(6 << 20)], 5 << 20).unwrap();
    stage.xb.run(SECOND, &["package", "seal", "--resume", &id]).refused(&["another officer"]);
    let drafted = stage.xb.run(FIRST, &["package", "seal", "--resume", &id, "--json"]).json();
    assert_eq!(drafted["package_id"], id.as_str());
    assert!(packings(&stage.xb).is_empty());
    assert!(fs::read_dir(stage.xb.data.join("packing")).unwrap().next().is_none());
    let package = sent(&stage, &drafted);
    let opened = stage.at("opened");
    stage.xa.run(FIRST, &["package", "open", &package, "--to", path(&opened), "--purpose", "x"]).done();
    same_tree(&root, &opened.join("case"));
    let shown = stage.xa.json(FIRST, &["package", "show", &package]);
    assert_eq!(shown["items"].as_array().unwrap().len(), 5, "50 MiB are four packs of 16 and the list");
}

#[test]
fn a_seal_that_is_given_up_leaves_nothing_behind() {
    let mut stage = Stage::play();
    let (request, root) = (asked(&stage), case(&stage));
    stage.xb.start_crashing("seal: pack noted");
    stage.xb.run(FIRST, &["package", "seal", "--request", &request, path(&root)]).failed();
    stage.xb.start();
    let id = text(&packings(&stage.xb)[0], "package_id");
    fs::write(root.join("a"), b"another one").unwrap();
    stage.xb.run(FIRST, &["package", "seal", "--resume", &id]).refused(&["is not as it was"]);
    stage.xb.run(FIRST, &["package", "seal", "--give-up", &id]).done();
    assert!(packings(&stage.xb).is_empty());
    assert!(!stage.xb.data.join("vault").join(&id).exists());
    stage.xb.run(FIRST, &["package", "seal", "--resume", &id]).refused(&["not being filled"]);
}
