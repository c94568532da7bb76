//! The directory on disk: the keepers' folder and file, and what a node accepted.

use std::fs;
use std::path::{Path, PathBuf};

use rogatory::exchange::directory::DirectoryError;
use rogatory::exchange::repository::{FileName, Files};
use rogatory::store::directory::{DirectoryFileError, NodeDirectory, Outcome, Trust, read, write};
use rogatory::store::lock::DirLock;

use crate::support::{DAY_MS, complete, expiries, keepers, now, pin, put, signed, unsigned, with};

fn newer() -> Files {
    signed(&put(&complete(), &["XC-MOJ"]), &[1, 2])
}

fn tree(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut all = Vec::new();
    let mut dirs = vec![dir.to_owned()];
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                dirs.push(path);
            } else {
                all.push((path.clone(), fs::read(path).unwrap()));
            }
        }
    }
    all.sort();
    all
}

#[test]
fn a_folder_and_a_single_file_hold_the_same_bytes() {
    let dir = tempfile::tempdir().unwrap();
    for path in [dir.path().join("folder"), dir.path().join("list.rogatory-directory")] {
        write(&path, &unsigned()).unwrap();
        assert_eq!(read(&path).unwrap(), unsigned());
        write(&path, &complete()).unwrap();
        assert_eq!(read(&path).unwrap(), complete());
    }
    let plain = fs::read(dir.path().join("folder/targets/directory.json")).unwrap();
    assert_eq!(Some(plain.as_slice()), complete().file(FileName::Listing));
    fs::write(dir.path().join("folder/metadata/README"), "for people").unwrap();
    assert_eq!(read(&dir.path().join("folder")).unwrap(), complete());
}

#[test]
fn what_is_no_directory_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let missing = dir.path().join("missing");
    assert!(matches!(read(&missing), Err(DirectoryFileError::NotThere(path)) if path == missing));
    assert!(matches!(read(dir.path()), Err(DirectoryFileError::NotThere(_))));
    let other = dir.path().join("other.json");
    fs::write(&other, "{}").unwrap();
    assert!(matches!(read(&other), Err(DirectoryFileError::Repository(_))));
    write(&dir.path().join("folder"), &complete()).unwrap();
    let large = fs::File::create(dir.path().join("folder/metadata/targets.json")).unwrap();
    large.set_len(1 << 40).unwrap();
    assert!(matches!(read(&dir.path().join("folder")), Err(DirectoryFileError::TooLarge { .. })));
}

#[test]
fn the_first_import_needs_a_confirmed_root() {
    let data = tempfile::tempdir().unwrap();
    let node = NodeDirectory::of(data.path());
    assert!(node.current().unwrap().is_none());
    let refused = node.import(&complete(), Trust::Confirmed, now()).unwrap_err();
    assert!(refused.to_string().contains(&pin(&complete()).to_string()), "{refused}");
    let other = pin(&signed(&rogatory::exchange::keeping::found(&keepers(&[7], 1), expiries()).unwrap(), &[7]));
    let refused = node.import(&complete(), Trust::Root(other), now()).unwrap_err();
    assert!(matches!(refused, DirectoryFileError::Directory(DirectoryError::UntrustedRoot(_))), "{refused}");
    assert!(node.current().unwrap().is_none());
    assert!(node.trusted_root().unwrap().is_none());

    let (accepted, outcome) = node.import(&complete(), Trust::Root(pin(&complete())), now()).unwrap();
    assert_eq!((accepted.version(), outcome), (1, Outcome::First));
    assert_eq!(node.current().unwrap(), Some(accepted));
    assert_eq!(node.current_files().unwrap(), Some(complete()));
}

#[test]
fn the_first_root_may_be_trusted_unseen_once() {
    let data = tempfile::tempdir().unwrap();
    let node = NodeDirectory::of(data.path());
    node.import(&complete(), Trust::FirstRoot, now()).unwrap();
    assert_eq!(node.trusted_root().unwrap(), Some(pin(&complete())));
    let others = rogatory::exchange::keeping::found(&keepers(&[7], 1), expiries()).unwrap();
    let others = signed(&others, &[7]);
    let refused = node.import(&others, Trust::FirstRoot, now()).unwrap_err();
    assert!(matches!(refused, DirectoryFileError::Directory(DirectoryError::UntrustedRoot(_))), "{refused}");
    let refused = node.import(&others, Trust::Root(pin(&others)), now()).unwrap_err();
    assert!(matches!(refused, DirectoryFileError::OtherPin { .. }), "{refused}");
}

#[test]
fn a_newer_version_comes_in_and_a_refused_one_leaves_everything_as_it_was() {
    let data = tempfile::tempdir().unwrap();
    let node = NodeDirectory::of(data.path());
    let (old, new) = (complete(), newer());
    node.import(&old, Trust::FirstRoot, now()).unwrap();
    assert_eq!(node.import(&old, Trust::Confirmed, now()).unwrap().1, Outcome::Unchanged);
    assert_eq!(node.import(&new, Trust::Confirmed, now()).unwrap().1, Outcome::Newer);
    let before = tree(data.path());
    assert_eq!(before.len(), 4, "the pin, the current one, two versions");
    let cut = with(&new, FileName::Targets, b"{".to_vec());
    for bad in [old, unsigned(), cut] {
        assert!(node.import(&bad, Trust::Confirmed, now()).is_err());
        assert_eq!(tree(data.path()), before);
    }
    assert!(node.import(&newer(), Trust::Confirmed, expiries().list).is_err());
    assert_eq!(tree(data.path()), before);
}

#[test]
fn an_expired_directory_is_still_read_back_so_that_nothing_older_comes_in() {
    let data = tempfile::tempdir().unwrap();
    let node = NodeDirectory::of(data.path());
    node.import(&newer(), Trust::FirstRoot, now()).unwrap();
    let held = node.current().unwrap().unwrap();
    assert!(held.fresh_at(expiries().list.plus_millis(DAY_MS)).is_err());
    let refused = node.import(&complete(), Trust::Confirmed, now()).unwrap_err();
    assert!(matches!(refused, DirectoryFileError::Directory(DirectoryError::RolledBack { .. })), "{refused}");
}

#[test]
fn a_disk_that_was_changed_gives_an_error_and_no_roster() {
    let data = tempfile::tempdir().unwrap();
    let node = NodeDirectory::of(data.path());
    let new = newer();
    node.import(&new, Trust::FirstRoot, now()).unwrap();
    let current = data.path().join("directory/current.rogatory-directory");
    let good = fs::read(&current).unwrap();

    let forged = crate::support::edited(&new, FileName::Targets, |file| file["signatures"] = serde_json::json!([]));
    fs::write(&current, forged.to_single_file()).unwrap();
    let refused = node.current().unwrap_err();
    assert!(matches!(refused, DirectoryFileError::Damaged { .. }), "{refused}");
    assert!(node.import(&new, Trust::Confirmed, now()).is_err());
    fs::write(&current, &good).unwrap();
    assert!(node.current().is_ok());

    let trusted = data.path().join("directory/trusted-root");
    fs::write(&trusted, "not a fingerprint").unwrap();
    assert!(matches!(node.current(), Err(DirectoryFileError::Pin { .. })));
    fs::remove_file(&trusted).unwrap();
    assert!(matches!(node.current(), Err(DirectoryFileError::NoPin(_))));
}

#[test]
fn an_import_that_was_interrupted_is_completed_by_the_next() {
    let data = tempfile::tempdir().unwrap();
    let node = NodeDirectory::of(data.path());
    node.import(&complete(), Trust::FirstRoot, now()).unwrap();
    // Killed after the pin and the copy, before the rename that brings the directory in.
    fs::remove_file(data.path().join("directory/current.rogatory-directory")).unwrap();
    fs::write(data.path().join("directory/current.rogatory-directory.tmp"), "{\"sch").unwrap();
    assert!(node.current().unwrap().is_none());
    assert_eq!(node.import(&complete(), Trust::Confirmed, now()).unwrap().1, Outcome::First);
    assert_eq!(node.current_files().unwrap(), Some(complete()));
}

#[test]
fn two_imports_never_run_at_once() {
    let data = tempfile::tempdir().unwrap();
    let node = NodeDirectory::of(data.path());
    node.import(&complete(), Trust::FirstRoot, now()).unwrap();
    let _other = DirLock::exclusive(&data.path().join("directory")).unwrap();
    assert!(matches!(node.import(&newer(), Trust::Confirmed, now()), Err(DirectoryFileError::Lock(_))));
    assert_eq!(node.current().unwrap().unwrap().version(), 1);
}
