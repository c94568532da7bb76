//! The stage of a test: a temporary folder with two authorities, a keeper and a signed directory.

use std::net::{Ipv4Addr, UdpSocket};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU8, Ordering};

use tempfile::TempDir;

use crate::office::{Office, path};
use crate::program::run;

/// Two authorities. The folder goes last, after both daemons.
pub struct Stage {
    pub xa: Office,
    pub xb: Office,
    pub trust_root: String,
    folder: TempDir,
}

impl Stage {
    /// Both nodes made, the directory imported, nothing running.
    pub fn set() -> Self {
        Self::cast(["Ana Novak", "Bor Kos"], ["Carla Lind", "Dan Holm"])
    }

    /// Both nodes running.
    pub fn play() -> Self {
        let mut stage = Self::set();
        stage.xa.start();
        stage.xb.start();
        stage
    }

    /// With officers of these names.
    pub fn cast(arcadians: [&str; 2], borealians: [&str; 2]) -> Self {
        let mut stage = Self::without_directory(arcadians, borealians);
        stage.trust_root = stage.found_directory(&[]);
        for office in [&stage.xa, &stage.xb] {
            stage.import(office);
        }
        stage
    }

    /// Both nodes made; no directory yet.
    pub fn without_directory(arcadians: [&str; 2], borealians: [&str; 2]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        // Both sockets are held until both numbers are drawn, so that they differ; the host is this stage's own, so that
        // no other test draws the same number before the node binds it.
        let host = own_host();
        let sockets = [(); 2].map(|()| UdpSocket::bind((host, 0)).unwrap());
        let [a, b] = sockets.map(|socket| socket.local_addr().unwrap());
        let xa = Office::make(folder.path(), "XA-MOJ", arcadians, a);
        let xb = Office::make(folder.path(), "XB-MOJ", borealians, b);
        Self { xa, xb, trust_root: String::new(), folder }
    }

    /// The keeper founds and signs a directory of both authorities; gives the fingerprint of its root.
    pub fn found_directory(&self, validity: &[&str]) -> String {
        let (key, directory) = (self.at("keeper.pem"), self.at("directory"));
        let public = run(&["directory", "keygen", "--out", path(&key)]).done();
        let mut new = vec!["directory", "new", path(&directory), "--keeper", public.trim(), "--threshold", "1"];
        new.extend(validity);
        let founded = run(&new).done();
        let entries = [&self.xa, &self.xb].map(|office| office.data.join("directory-entry.json"));
        let mut add = vec!["directory", "add", path(&directory), path(&entries[0]), path(&entries[1])];
        add.extend(validity);
        run(&add).done();
        run(&["directory", "sign", path(&directory), "--key", path(&key)]).done();
        let line = founded.lines().find(|line| line.starts_with("Fingerprint")).unwrap();
        line.rsplit(' ').next().unwrap().to_owned()
    }

    /// The keeper takes the row that a node offers now into the next version of the directory.
    pub fn publish(&self, office: &Office) {
        let (key, directory) = (self.at("keeper.pem"), self.at("directory"));
        run(&["directory", "add", path(&directory), path(&office.data.join("directory-entry.json"))]).done();
        run(&["directory", "sign", path(&directory), "--key", path(&key)]).done();
    }

    /// A node accepts the keeper's directory.
    pub fn import(&self, office: &Office) {
        let (from, data) = (self.at("directory"), path(&office.data));
        run(&["directory", "import", path(&from), "--data", data, "--trust-root", &self.trust_root]).done();
    }

    /// A name in the folder of the test.
    pub fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The folder of the test.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for Stage {
    /// A test that fails shows what the nodes said last.
    fn drop(&mut self) {
        for office in [&self.xa, &self.xb].into_iter().filter(|_| std::thread::panicking()) {
            let said = std::fs::read_to_string(&office.log).unwrap_or_default();
            let lines: Vec<_> = said.lines().rev().take(20).collect();
            eprintln!("\n{} said last:", office.id);
            lines.iter().rev().for_each(|line| eprintln!("{}", line.get(..300).unwrap_or(line)));
        }
    }
}

/// A loopback address that no other stage of this machine uses now.
fn own_host() -> Ipv4Addr {
    static STAGES: AtomicU8 = AtomicU8::new(1);
    let [.., high, low] = std::process::id().to_be_bytes();
    Ipv4Addr::new(127, 1 | (high & 0x7f), low, STAGES.fetch_add(1, Ordering::Relaxed))
}
