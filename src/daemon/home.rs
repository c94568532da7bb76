//! Where things lie in a node's data directory. Names only; opens nothing.
//!
//! ```text
//! <data>/config.toml            settings
//!        directory-entry.json   the public row to hand to the directory keepers
//!        keys/                  0700; every file 0600
//!        custody/               the log: journal/, tile/, checkpoint, log.vkey   (primary: journal/)
//!        packing/               packages that are being sealed                   (primary for that long)
//!        vault/                 sealed objects                                   (primary)
//!        directory/             the accepted directory                           (primary)
//!        index/                 sled; derived, may be deleted
//!        version                the version of all this; none: 1
//!        holds.json             suspended peers, a frozen node
//!        backups/               what the volumes of backups hold; derived
//!        officer.sock           officers' socket, 0660
//! ```
//!
//! One process at a time: the lock is on the directory itself.

use std::path::{Path, PathBuf};

/// A data directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home(PathBuf);

impl Home {
    /// The data directory at that path.
    pub fn at(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// The directory itself.
    pub fn root(&self) -> &Path {
        &self.0
    }

    /// The settings.
    pub fn config(&self) -> PathBuf {
        self.0.join("config.toml")
    }

    /// The public row for the directory.
    pub fn entry(&self) -> PathBuf {
        self.0.join("directory-entry.json")
    }

    /// A file of the key directory.
    pub fn key(&self, name: &str) -> PathBuf {
        self.0.join("keys").join(name)
    }

    /// The custody log.
    pub fn custody(&self) -> PathBuf {
        self.0.join("custody")
    }

    /// The sealed objects.
    pub fn vault(&self) -> PathBuf {
        self.0.join("vault")
    }

    /// What is known of packages that are being sealed.
    pub fn packing(&self) -> PathBuf {
        self.0.join("packing")
    }

    /// The index.
    pub fn index(&self) -> PathBuf {
        self.0.join("index")
    }

    /// What a rotation of keys is about to do; gone when it is done.
    pub fn rotating(&self) -> PathBuf {
        self.0.join("rotating")
    }

    /// The version of what lies here.
    pub fn version(&self) -> PathBuf {
        self.0.join("version")
    }

    /// What an operator stopped for now.
    pub fn holds(&self) -> PathBuf {
        self.0.join("holds.json")
    }

    /// The officers' socket.
    pub fn socket(&self) -> PathBuf {
        self.0.join("officer.sock")
    }
}
