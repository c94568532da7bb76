//! A disk that is really full: a file system of a few MiB, mounted in a namespace of its own. Fails, with the reason, where the system allows no such namespace.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use rogatory::model::envelope::Blob;
use rogatory::model::ident::{Digest, Id};
use rogatory::model::limits::PART_BYTES;
use rogatory::model::time::Timestamp;
use rogatory::store::intake::IntakeError;
use rogatory::store::object_writer::WriteError;
use rogatory::store::vault::Vault;

/// Where the child finds the small file system.
const SMALL_DISK: &str = "ROGATORY_TEST_SMALL_DISK";

/// Runs the named test of this file again, in a namespace with a small file system, and gives its directory there.
/// In the outer run, `None`: the test has been run inside.
fn on_small_disk(test: &str) -> Option<PathBuf> {
    if let Some(disk) = std::env::var_os(SMALL_DISK) {
        return Some(disk.into());
    }
    let dir = tempfile::tempdir().unwrap();
    let mounted = "mount -t tmpfs -o size=8m tmpfs \"$ROGATORY_TEST_SMALL_DISK\" && exec \"$0\" --exact \"$1\"";
    let run = Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "sh", "-c", mounted])
        .arg(std::env::current_exe().unwrap())
        .arg(test)
        .env(SMALL_DISK, dir.path())
        .output()
        .expect("this test needs the program `unshare` (util-linux)");
    let said = String::from_utf8_lossy(&run.stdout).into_owned() + &String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "this test needs user and mount namespaces, or it failed inside one:\n{said}");
    assert!(said.contains("1 passed"), "{said}");
    None
}

fn package() -> Id {
    Id::new(Timestamp::from_millis(1_000), [7; 10])
}

fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn sealing_on_a_full_disk_says_so_and_gives_the_room_back() {
    let Some(disk) = on_small_disk("sealing_on_a_full_disk_says_so_and_gives_the_room_back") else { return };
    let vault = Vault::open(&disk.join("vault")).unwrap().with_reserve(0);
    let room = vault.room().unwrap();
    let mut writer = vault.create(package(), 1).unwrap();
    let part = vec![0x5a; PART_BYTES];
    let refused = (0..9).find_map(|_| writer.write(&part).err()).expect("nine parts do not fit into 8 MiB");
    assert!(matches!(refused, WriteError::NoSpace { .. }), "{refused:?}");
    assert!(refused.to_string().contains("free some disk space"));
    drop(writer);
    assert_eq!(vault.list().unwrap(), []);
    assert_eq!(names(&disk.join("vault").join(package().to_string())), [""; 0]);
    assert!(room - vault.room().unwrap() < 64 * 1024);
    let mut fits = vault.create(package(), 1).unwrap();
    fits.write(&part).unwrap();
    fits.finish().unwrap();
}

#[test]
fn a_package_whose_reservation_fails_half_way_gives_its_room_back() {
    let Some(disk) = on_small_disk("a_package_whose_reservation_fails_half_way_gives_its_room_back") else { return };
    let vault = Vault::open(&disk.join("vault")).unwrap().with_reserve(0);
    let blob = |object_id, mib: u64| Blob {
        object_id,
        ciphertext_bytes: mib << 20,
        root: Digest([1; 32]),
        commitment: Digest([2; 32]),
    };
    let refused = vault.intake(package(), &[blob(1, 5), blob(2, 5)]).unwrap_err();
    assert!(matches!(refused, IntakeError::NoSpace { .. }), "{refused:?}");
    assert_eq!(names(&disk.join("vault")), [""; 0], "what does not fit is not begun");
    // The room looks sufficient to the byte, and the file system's own needs make it fail on the way.
    let room = vault.room().unwrap();
    let tight = [blob(1, 5), Blob { ciphertext_bytes: room - (5 << 20) - 1_000, ..blob(2, 1) }];
    let refused = vault.intake(package(), &tight).unwrap_err();
    assert!(matches!(refused, IntakeError::NoSpace { .. } | IntakeError::Full), "{refused:?}");
    assert_eq!(names(&disk.join("vault")), [package().to_string()], "it was begun, and failed on the way");
    assert_eq!(vault.list().unwrap(), []);
    assert!(room - vault.room().unwrap() < 64 * 1024);
    vault.remove(package()).unwrap();
    drop(vault.intake(package(), &[blob(1, 5)]).unwrap());
}
