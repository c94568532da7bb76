//! A bag that is attacked again and again: what lies on disk, what it was, and an attacker's new manifests over it.

use std::collections::BTreeMap;

use rogatory::bag::folder::Folder;
use rogatory::bag::layout::Algorithm;
use rogatory::bag::listing;
use rogatory::bag::verdict::{Outcome, Verdict};
use rogatory::bag::verify::{Given, verify};

use crate::case::{Case, NOW, at};

/// A bag in memory, laid out anew for each attack.
pub struct Target {
    pub case: Case,
    pub files: BTreeMap<String, Vec<u8>>,
    pub folder: tempfile::TempDir,
}

impl Target {
    pub fn new() -> Self {
        Self::of(Case::new())
    }

    pub fn of(case: Case) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let bag = case.export(folder.path());
        let listed = Folder::list(&bag).unwrap();
        let files = listed.paths().map(|path| (path.to_owned(), std::fs::read(bag.join(path)).unwrap())).collect();
        Self { case, files, folder }
    }

    pub fn verify(&self) -> Verdict {
        let given = Given { trusted_root: Some(self.case.root), ..Given::default() };
        verify(&self.folder.path().join("bag"), &given, at(NOW), &mut |_| {}).unwrap()
    }

    pub fn write(&self, path: &str, bytes: &[u8]) {
        let path = self.folder.path().join("bag").join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    pub fn remove(&self, path: &str) {
        std::fs::remove_file(self.folder.path().join("bag").join(path)).unwrap();
    }

    /// Puts one file back, and others that were written over it.
    pub fn restore_file(&self, path: &str, more: &[&str]) {
        for path in [&[path], more].concat() {
            self.write(path, &self.files[path]);
        }
    }

    /// Puts everything back.
    pub fn restore(&self) {
        let bag = self.folder.path().join("bag");
        let listed = Folder::list(&bag).unwrap();
        let strays = listed.strays().iter().map(|stray| stray.path.as_str());
        let added = listed.paths().filter(|path| !self.files.contains_key(*path));
        added.chain(strays).for_each(|path| std::fs::remove_file(bag.join(path)).unwrap());
        for (path, bytes) in &self.files {
            if std::fs::read(bag.join(path)).ok().as_ref() != Some(bytes) {
                self.write(path, bytes);
            }
        }
    }

    /// What an attacker does who knows the format: new manifests and tag manifests over what lies there.
    pub fn cover_up(&self) {
        let bag = self.folder.path().join("bag");
        for tags in [false, true] {
            let folder = Folder::list(&bag).unwrap();
            for algorithm in Algorithm::ALL {
                let in_scope = |path: &&str| path.starts_with("data/") != tags && !path.starts_with("tagmanifest");
                let rows: Vec<_> = folder
                    .paths()
                    .filter(in_scope)
                    .map(|path| {
                        let digests = folder.digest(path, &mut |_| {}).unwrap();
                        let hex = match algorithm {
                            Algorithm::Sha256 => digests.sha256.to_string(),
                            Algorithm::Sha512 => digests.sha512.to_string(),
                        };
                        (path, hex)
                    })
                    .collect();
                let name = if tags { algorithm.tag_manifest() } else { algorithm.manifest() };
                self.write(name, listing::write(rows).as_bytes());
            }
        }
    }
}

pub fn failures(verdict: &Verdict) -> Vec<String> {
    let failed = verdict.checks.iter().filter(|check| matches!(check.outcome, Outcome::Failed { .. }));
    failed.map(|check| format!("{check:?}")).collect()
}
