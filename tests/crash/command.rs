//! The officer's own command, or the node under it, is killed in the middle of a file.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::book::{Book, word};
use crate::judge::judge;
use crate::node::{PATIENCE, PROGRAM, poll};
use crate::rng::Rng;
use crate::town::{Side, Town, text};

/// A command that will be killed. Ends with the test.
struct Doomed(Child);

impl Doomed {
    fn start(side: &Side, arguments: &[&str], stdin: Stdio) -> Self {
        let data = text(&side.node.data);
        let command = Command::new(PROGRAM)
            .args(arguments)
            .args(["--data", &data, "--as", side.clerk, "--json"])
            .stdin(stdin)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        Self(command.unwrap())
    }
}

impl Drop for Doomed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_seal_that_was_broken_off_is_shown_nowhere_and_leaves_nothing_once_it_is_given_up() {
    let town = Town::raise();
    let book = Book::default();
    let [a, b] = &town.sides;
    let file = town.file("recording.bin", 3 << 20, &mut Rng::new(1));
    let request = book.request(a, b, None);
    town.converge();
    let request_id = word(&request, "request_id");
    // Standard input that never ends: the command is for ever in the middle of the file.
    let seal = ["package", "seal", "--request", &request_id, &text(&file), "-"];
    for killed in ["command", "node"] {
        let command = Doomed::start(b, &seal, Stdio::piped());
        let begun = poll(PATIENCE, || {
            let found = sealed_files(b);
            (found.iter().any(|name| name.starts_with("2.")) && found.iter().any(|name| name == "1.sealed"))
                .then_some(())
        });
        assert!(begun.is_some(), "the second file was never begun: {:?}", sealed_files(b));
        if killed == "node" {
            b.node.kill();
            b.node.start();
        }
        drop(command);
        b.node.ready();
        let packages = b.act(b.clerk, &["package", "list"]).unwrap();
        assert_eq!(packages["packages"].as_array().unwrap().len(), 0, "{killed}: nothing half done is shown");
    }
    // On the disk lies what can be gone on with, also once the node was started again; what is given up leaves nothing.
    b.node.kill();
    b.node.start();
    b.node.ready();
    assert_eq!(b.vault(), b.packing());
    for id in b.packing() {
        b.act(b.clerk, &["package", "seal", "--give-up", &id]).unwrap();
    }
    assert!(b.vault().is_empty() && b.packing().is_empty(), "{:?} {:?}", b.vault(), b.packing());
    let package = book.evidence(b, &request_id, &file);
    town.converge();
    assert_eq!(b.vault().into_iter().collect::<Vec<_>>(), [word(&package, "package_id")]);
    judge(&town, &book);
}

/// The names of all files in the vault.
fn sealed_files(side: &Side) -> Vec<String> {
    let folders = side.vault().into_iter().map(|name| side.node.data.join("vault").join(name));
    let files = folders.filter_map(|folder| fs::read_dir(folder).ok()).flatten();
    files.filter_map(|file| file.ok()?.file_name().into_string().ok()).collect()
}

#[test]
fn an_export_that_was_broken_off_never_looks_whole_and_can_be_done_again() {
    let town = Town::raise();
    let book = Book::default();
    let [a, b] = &town.sides;
    let mut rng = Rng::new(2);
    let file = town.file("recording.bin", 6 << 20, &mut rng);
    let request = book.request(a, b, None);
    town.converge();
    let package = book.evidence(b, &word(&request, "request_id"), &file);
    town.converge();
    let package = word(&package, "package_id");
    let mut stages = [0; 3];
    for round in 0..12 {
        let bag = town.path(&format!("bag-{round}"));
        let command = Doomed::start(
            a,
            &["package", "export", &package, "--to", &text(&bag), "--purpose", "a test"],
            Stdio::null(),
        );
        // Half the rounds kill in the opened files, half in the bag.
        let (seen, least) =
            if round % 2 == 0 { (beside(&bag, ".files"), rng.below(6 << 20)) } else { (beside(&bag, ".partial"), 0) };
        poll(PATIENCE, || (size(&seen) >= least.max(1) || bag.exists()).then_some(())).expect("the export goes on");
        if round % 4 == 0 {
            a.node.kill();
            a.node.start();
        }
        drop(command);
        a.node.ready();
        if bag.exists() {
            // It was done before the kill: then it is whole.
            stages[2] += 1;
            assert!(whole(&bag), "a folder with the name of a bag is whole");
            continue;
        }
        stages[usize::from(beside(&bag, ".partial").exists())] += 1;
        assert!(!whole(&beside(&bag, ".partial")), "what is incomplete does not verify");
        // The same command again: left-overs of opened files are taken over, an incomplete bag is named.
        match a.act(a.clerk, &["package", "export", &package, "--to", &text(&bag), "--purpose", "a test"]) {
            Ok(_) => assert!(whole(&bag)),
            Err(why) => {
                assert!(why.contains(".partial"), "{why}");
                fs::remove_dir_all(beside(&bag, ".partial")).unwrap();
                a.act(a.clerk, &["package", "export", &package, "--to", &text(&bag), "--purpose", "a test"]).unwrap();
                assert!(whole(&bag));
            }
        }
        assert!(!beside(&bag, ".files").exists(), "no opened file is left beside the bag");
    }
    assert!(stages[0] > 0, "no export was killed while it opened files: {stages:?}");
    // A folder of that name that no export made is not touched.
    let bag = town.path("bag-of-another");
    fs::create_dir(beside(&bag, ".files")).unwrap();
    fs::write(beside(&bag, ".files").join("notes.txt"), "mine").unwrap();
    let why = a.act(a.clerk, &["package", "export", &package, "--to", &text(&bag), "--purpose", "a test"]).unwrap_err();
    assert!(why.contains("not of an export"), "{why}");
    assert_eq!(fs::read(beside(&bag, ".files").join("notes.txt")).unwrap(), b"mine");
    judge(&town, &book);
}

fn beside(bag: &Path, ending: &str) -> PathBuf {
    let mut name = bag.file_name().unwrap().to_owned();
    name.push(ending);
    bag.with_file_name(name)
}

/// Bytes below a folder; 0 if there is none.
fn size(folder: &Path) -> u64 {
    let Ok(names) = fs::read_dir(folder) else { return 0 };
    let sizes = names.filter_map(|name| {
        let name = name.ok()?;
        let facts = name.metadata().ok()?;
        Some(if facts.is_dir() { size(&name.path()) } else { facts.len() })
    });
    sizes.sum::<u64>() + 1
}

/// Whether the verifier finds nothing wrong: 0, or 3 without a trusted root.
fn whole(bag: &Path) -> bool {
    let verdict = Command::new(PROGRAM).args(["verify", &text(bag)]).output().unwrap();
    matches!(verdict.status.code(), Some(0 | 3))
}
