//! Two authorities that know each other through a signed directory, made by the commands of the program.

use std::collections::BTreeSet;
use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::node::{Node, PATIENCE, PROGRAM, poll};
use crate::rng::Rng;

/// An authority: its node and two of its officers.
pub struct Side {
    pub id: &'static str,
    pub node: Node,
    /// Drafts, seals, opens.
    pub clerk: &'static str,
    /// Approves and sends.
    pub head: &'static str,
}

/// Both authorities, in one folder that goes with the test.
pub struct Town {
    pub sides: [Side; 2],
    dir: TempDir,
}

impl Town {
    /// Makes both nodes and starts them.
    pub fn raise() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let sides =
            [side(dir.path(), "XA-MOJ", "Ana Novak", "Bor Kos"), side(dir.path(), "XB-MOJ", "Carla Lind", "Dan Holm")];
        let key = text(dir.path().join("keeper.pem"));
        let list = text(dir.path().join("list.rogatory-directory"));
        let entries = sides.each_ref().map(|side| text(side.node.data.join("directory-entry.json")));
        plain(&["directory", "keygen", "--out", &key]);
        plain(&["directory", "new", &list, "--key", &key, "--threshold", "1"]);
        plain(&["directory", "add", &list, &entries[0], &entries[1]]);
        plain(&["directory", "sign", &list, "--key", &key]);
        for side in &sides {
            plain(&["directory", "import", &list, "--data", &text(&side.node.data), "--trust-first-root"]);
        }
        let town = Self { sides, dir };
        town.sides.iter().for_each(|side| side.node.start());
        town.sides.iter().for_each(|side| side.node.ready());
        town
    }

    /// A name in the folder of the test.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A file that nobody can guess or compress.
    pub fn file(&self, name: &str, bytes: usize, rng: &mut Rng) -> PathBuf {
        let path = self.path(name);
        let content: Vec<u8> = (0..bytes / 8 + 1).flat_map(|_| rng.next().to_le_bytes()).take(bytes).collect();
        std::fs::write(&path, content).unwrap();
        path
    }

    /// Waits until nothing is to be handed over or fetched on either side.
    pub fn converge(&self) {
        let [a, b] = &self.sides;
        a.node.ready();
        b.node.ready();
        // A hand-over that ends between the first two looks leaves a row at the first: so it is asked again.
        let calm = poll(PATIENCE, || (a.node.idle() && b.node.idle() && a.node.idle()).then_some(()));
        let words = || format!("XA-MOJ:\n{}\nXB-MOJ:\n{}", a.node.last_words(), b.node.last_words());
        assert!(calm.is_some(), "{:?} {:?}\n{}", a.node.status(), b.node.status(), words());
    }
}

impl Side {
    /// Runs a command of an officer of this side.
    pub fn act(&self, officer: &str, arguments: &[&str]) -> Result<Value, String> {
        let data = text(&self.node.data);
        let mut all = arguments.to_vec();
        all.extend(["--data", &data, "--as", officer, "--json"]);
        run(&all)
    }

    /// The same until it succeeds, through every kill of the node. `None`: an earlier attempt, whose answer was lost,
    /// had succeeded.
    pub fn insist(&self, officer: &str, arguments: &[&str]) -> Option<Value> {
        let done = poll(PATIENCE, || {
            let before = self.node.disturbances();
            match self.act(officer, arguments) {
                Ok(answer) => Some(Some(answer)),
                Err(why) if why.contains("cannot send it: it is") => Some(None),
                Err(why) if why.contains("cannot approve it: it is") => Some(None),
                Err(why) if why.contains("no node answers") => None,
                Err(_) if self.node.disturbed_since(before) => None,
                Err(why) => panic!("{} {arguments:?}: {why}\n{}", self.id, self.node.last_words()),
            }
        });
        done.unwrap_or_else(|| panic!("{} {arguments:?}: no success in time\n{}", self.id, self.node.last_words()))
    }

    /// The packages in its vault, as the disk has them.
    pub fn vault(&self) -> BTreeSet<String> {
        self.names_in("vault")
    }

    /// The packages that are being sealed, or whose sealing broke off and can go on.
    pub fn packing(&self) -> BTreeSet<String> {
        self.names_in("packing")
    }

    fn names_in(&self, folder: &str) -> BTreeSet<String> {
        match std::fs::read_dir(self.node.data.join(folder)) {
            Ok(names) => names.map(|name| name.unwrap().file_name().into_string().unwrap()).collect(),
            Err(_) => BTreeSet::new(),
        }
    }
}

/// A path as an argument.
pub fn text(path: impl AsRef<Path>) -> String {
    path.as_ref().to_str().unwrap().to_owned()
}

/// Runs a command that answers with JSON.
pub fn run(arguments: &[&str]) -> Result<Value, String> {
    let output = Command::new(PROGRAM).args(arguments).env_remove("ROGATORY_CRASH_AT").output().unwrap();
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    serde_json::from_slice(&output.stdout).map_err(|error| format!("{error}: {arguments:?}"))
}

/// Runs a command that must succeed.
fn plain(arguments: &[&str]) {
    let output = Command::new(PROGRAM).args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn side(dir: &Path, id: &'static str, clerk: &'static str, head: &'static str) -> Side {
    let data = dir.join(id);
    // An address of its own on the loopback net: while the node is down, no other test takes its port.
    let third = std::process::id() % 250 + 1;
    let host = format!("127.{}.{third}.{}", std::process::id() / 250 % 250 + 1, Rng::from_clock().next() % 250 + 1);
    let port = UdpSocket::bind((host.as_str(), 0)).unwrap().local_addr().unwrap().port();
    let address = format!("{host}:{port}");
    let (first, second) = (format!("{clerk}=drafter,custodian"), format!("{head}=approver"));
    plain(&[
        "init",
        "--authority",
        id,
        "--name",
        id,
        "--listen",
        &address,
        "--advertise",
        &address,
        "--officer",
        &first,
        "--officer",
        &second,
        "--data",
        &text(&data),
    ]);
    Side { id, node: Node::at(&data), clerk, head }
}
