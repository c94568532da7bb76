//! What is made of a case: folders, archives, extracts; and what a side could do wrong.

use std::path::{Path, PathBuf};

use rogatory::bag::assembly::Assembly;
use rogatory::bag::dossier::{Bytes, Dossier};
use rogatory::bag::extract::Extract;
use rogatory::bag::output::Output;
use rogatory::bag::writer::BagWriter;
use rogatory::crypto::cms::Signer;
use rogatory::crypto::digest::sha256;
use rogatory::crypto::issue::{Validity, seal_certificate};
use rogatory::exchange::act::Scene;
use rogatory::exchange::sealed::sign_message;
use rogatory::model::authority::Authority;
use rogatory::model::event::{Event, NamedDigest};
use rogatory::model::time::Timestamp;
use rogatory::wire::message;

use super::{Case, EXPORTED, Side, at, officer};

impl Side {
    /// The authority under another name: another version of a directory.
    pub fn authority_renamed(&self) -> Authority {
        Authority { name: "Ministry of Justice and Peace".to_owned(), ..self.authority.clone() }
    }

    /// A signature by a seal whose certificate ended before `now`.
    pub fn sign_with_expired(&self, content: &[u8], now: Timestamp) -> Vec<u8> {
        let id = &self.authority.id;
        let validity = Validity { not_before: at("2026-01-01"), not_after: at("2026-05-01") };
        let certificate = seal_certificate(&self.ca, id, "Ministry of Justice", "old seal", validity).unwrap();
        let signer = Signer::new(&certificate.key, certificate.certificate, vec![self.ca.certificate.clone()]).unwrap();
        sign_message(content.to_vec(), &signer, now).unwrap().cms
    }
}

impl Case {
    /// The dossier after something was added to the exporter's log.
    pub fn refresh(&mut self) {
        let log = &self.asking.log;
        self.dossier.records = (0..log.tree.len()).map(|index| log.part(index)).collect();
        self.dossier.checkpoint = Bytes(log.checkpoint().to_bytes());
        self.dossier.cosigned = vec![log.linked(2)];
    }

    /// Logs the export of these files for that recipient, as a node does, and makes the dossier one of an extract.
    pub fn extract(&mut self, objects: &[u32], recipient: &str) {
        let message = message::decode(&self.dossier.message.content.0).unwrap();
        let mut record = Scene::node(&self.asking.authority.id, at(EXPORTED)).record(Event::PackageExported);
        record.actor = officer("Ana Kovar");
        record.subject.request_id = Some(message.request_id);
        record.subject.message_id = Some(message.message_id);
        record.reason = Extract::reason(recipient, "trial");
        for (object_id, content) in (1..).zip(&self.contents).filter(|(object_id, _)| objects.contains(object_id)) {
            record.digests.push(NamedDigest::new(&format!("object/{object_id}"), sha256(content)));
        }
        self.asking.log.append(&record);
        self.refresh();
        self.dossier.request = None;
        self.dossier.extract = Some(Extract { objects: objects.to_vec(), recipient: recipient.to_owned() });
    }

    /// Writes an archive of the dossier to memory.
    pub fn archive(&self, dossier: &Dossier) -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("bag.tar");
        let items = Assembly::of(dossier, at(EXPORTED)).unwrap().items;
        let mut writer = BagWriter::begin(Output::archive(&target, "rogatory-case".to_owned()).unwrap(), items.clone());
        for item in items {
            writer.put(item.object_id, &mut self.contents[item.object_id as usize - 1].as_slice()).unwrap();
        }
        writer.describe(dossier, at(EXPORTED)).unwrap();
        assert_eq!(writer.finish().unwrap().path, Some(target.clone()));
        std::fs::read(target).unwrap()
    }

    /// Writes the bag to `<folder>/bag`.
    pub fn export(&self, folder: &Path) -> PathBuf {
        self.export_as(&self.dossier, &folder.join("bag"))
    }

    pub fn export_as(&self, dossier: &Dossier, target: &Path) -> PathBuf {
        let mut writer = BagWriter::create(target, dossier, at(EXPORTED)).unwrap();
        let items = writer.items().to_vec();
        for item in &items {
            writer.put(item.object_id, &mut self.contents[item.object_id as usize - 1].as_slice()).unwrap();
        }
        assert_eq!(writer.finish().unwrap().files, items.len());
        target.to_owned()
    }
}
