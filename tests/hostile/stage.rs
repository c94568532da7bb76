//! The victim XB-MOJ as a real node, an honest peer, and the hostile one, in one directory.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rogatory::crypto::ed25519::SigningKey;
use rogatory::daemon::config::{Config, Delivery, Officer, Web};
use rogatory::daemon::node::Node;
use rogatory::daemon::officer::Admitted;
use rogatory::daemon::run::{self, Running};
use rogatory::daemon::{clock, init};
use rogatory::exchange::entry::Entry;
use rogatory::exchange::keeper::{Fingerprint, KeeperKey};
use rogatory::exchange::keeping::{self, Change, Expiries, Keepers};
use rogatory::exchange::reading::Reading;
use rogatory::exchange::receipt::{CheckedReceipt, Expected, ReceiptError, check};
use rogatory::exchange::repository::Files;
use rogatory::exchange::roster::Roster;
use rogatory::exchange::sealed::Sealed;
use rogatory::model::authority::Authority;
use rogatory::model::event::{CustodyRecord, Event, Outcome, Role};
use rogatory::model::refusal::RefusalCode;
use rogatory::net::connection::ConnectError;
use rogatory::store::directory::{NodeDirectory, Trust};
use tempfile::TempDir;

use crate::letter::{Letter, SECRET};
use crate::lines;
use crate::peer::{Link, Peer};

pub struct Stage {
    pub dir: TempDir,
    pub honest: Peer,
    pub evil: Peer,
    pub victim: Authority,
    pub roster: Roster,
    pub files: Files,
    pub running: Option<Running>,
}

fn keeper() -> SigningKey {
    SigningKey::from_seed(&[3; 32])
}

impl Stage {
    /// `evil` is the hostile peer's name: one for each test, by which its log lines are found.
    pub async fn raise(evil: &str) -> Self {
        Self::raise_with(evil, Delivery::default()).await
    }

    pub async fn raise_with(evil: &str, delivery: Delivery) -> Self {
        lines::start();
        let dir = tempfile::tempdir().unwrap();
        let (honest, evil) = (Peer::new(dir.path(), "XA-MOJ"), Peer::new(dir.path(), evil));
        let made = init::init(&dir.path().join("XB-MOJ"), &config(delivery), clock::now()).unwrap();
        let victim = Entry::parse(&std::fs::read(made.entry).unwrap()).unwrap().authority().clone();
        let rows = [&honest.row, &evil.row, &victim];
        let year = clock::now().plus_millis(366 * 86_400_000);
        let keepers = Keepers::new([KeeperKey::of(&keeper())], 1).unwrap();
        let files = keeping::found(&keepers, Expiries { root: year, list: year }).unwrap();
        let entries = rows.iter().map(|row| Entry::new(row, "test").unwrap()).collect();
        let files = changed(&files, Change::Put(entries));
        let roster = Roster::new(rows.map(Clone::clone));
        let mut stage = Self { dir, honest, evil, victim, roster, files, running: None };
        let root = Fingerprint::from(Reading::of(&stage.files).unwrap().root().digest());
        NodeDirectory::of(&stage.data()).import(&stage.files, Trust::Root(root), clock::now()).unwrap();
        stage.start().await;
        stage
    }

    pub fn data(&self) -> PathBuf {
        self.dir.path().join("XB-MOJ")
    }

    pub async fn start(&mut self) {
        self.running = Some(run::start(&self.data()).await.unwrap());
    }

    pub async fn stop(&mut self) {
        self.running.take().unwrap().stop().await;
    }

    pub fn running(&self) -> &Running {
        self.running.as_ref().unwrap()
    }

    pub fn node(&self) -> &Arc<Node> {
        self.running().node()
    }

    /// Another version of the directory, in force at the victim's.
    pub async fn change_directory(&mut self, change: Change) {
        self.files = changed(&self.files, change);
        NodeDirectory::of(&self.data()).import(&self.files, Trust::Confirmed, clock::now()).unwrap();
        self.running().reload().await.unwrap();
    }

    pub async fn try_link(&self, peer: &Peer) -> Result<Link, ConnectError> {
        let address = self.running().address().unwrap();
        Link::dial(peer.endpoint(&self.roster), &self.victim.id, address).await
    }

    pub async fn link(&self, peer: &Peer) -> Link {
        self.try_link(peer).await.unwrap()
    }

    pub fn letter(&self, from: &Peer) -> Letter {
        Letter::new(from, &self.victim)
    }

    pub fn seal(&self, from: &Peer, letter: &Letter) -> Sealed {
        letter.sealed(from, &self.victim)
    }

    pub fn officers(&self) -> [Admitted; 2] {
        let uid = rustix_uid();
        ["Carla Lind", "Dan Holm"].map(|name| Admitted::admit(&self.node().config(), uid, Some(name)).unwrap())
    }

    /// Every record of the victim's log.
    pub fn records(&self) -> Vec<CustodyRecord> {
        let size = self.node().index_digest().unwrap().0;
        (0..size).map(|index| self.node().record(index).unwrap().0).collect()
    }

    pub fn count(&self, event: Event) -> usize {
        self.records().iter().filter(|record| record.event == event).count()
    }

    /// The codes under which the hostile peer's input was recorded as refused.
    pub fn refused(&self) -> Vec<RefusalCode> {
        let refused = |record: &CustodyRecord| match (&record.event, &record.outcome) {
            (Event::InputRefused, Outcome::Refused(code)) if record.counterpart.as_ref() == Some(&self.evil.id) => {
                Some(*code)
            }
            _ => None,
        };
        self.records().iter().filter_map(refused).collect()
    }

    /// Whether the receipt proves that the victim holds that envelope.
    pub fn check(&self, from: &Peer, sealed: &Sealed, receipt: &[u8]) -> Result<CheckedReceipt, ReceiptError> {
        let expected = Expected {
            sender: &from.id,
            receiver: &self.victim,
            envelope_id: sealed.envelope.envelope_id,
            envelope_digest: rogatory::crypto::digest::sha256(&sealed.bytes),
            blobs: &sealed.envelope.blobs,
        };
        check(receipt, &expected)
    }

    /// The honest peer dials, delivers and gets a receipt that proves it: the node serves.
    pub async fn serves_others(&self) {
        let link = self.link(&self.honest).await;
        let sealed = self.seal(&self.honest, &self.letter(&self.honest));
        let receipt = link.deliver(sealed.bytes.clone()).await.unwrap();
        self.check(&self.honest, &sealed, &receipt).unwrap();
    }

    /// The operator reads why and of whom, and nothing of what.
    pub fn told(&self, texts: &[&str]) {
        let evil = self.evil.id.to_string();
        let wanted: Vec<&str> = texts.iter().copied().chain([evil.as_str()]).collect();
        assert!(!lines::with(&wanted).is_empty(), "no line says {wanted:?}");
        assert_eq!(lines::with(&[SECRET]), Vec::<String>::new());
    }
}

fn changed(files: &Files, change: Change) -> Files {
    let year = clock::now().plus_millis(366 * 86_400_000);
    let files = keeping::change(files, change, year).unwrap().files;
    keeping::sign(&files, &keeper()).unwrap().0
}

fn rustix_uid() -> u32 {
    rustix::process::getuid().as_raw()
}

fn config(delivery: Delivery) -> Config {
    let officer = |name: &str, roles: &[Role]| Officer {
        name: name.to_owned(),
        roles: roles.to_vec(),
        unix_uids: vec![rustix_uid()],
    };
    Config {
        delivery,
        web: Some(Web { listen: "127.0.0.1:0".parse().unwrap(), certificate: None, key: None }),
        officer: vec![
            officer("Carla Lind", &[Role::Drafter, Role::Custodian]),
            officer("Dan Holm", &[Role::Approver, Role::Auditor]),
        ],
        ..Config::bare(
            "XB-MOJ".parse().unwrap(),
            "Ministry of Justice of Borealia".to_owned(),
            "127.0.0.1:0".parse().unwrap(),
        )
    }
}

/// Waits until it is so.
pub async fn until(what: &str, so: impl Fn() -> bool) {
    for _ in 0..600 {
        if so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("did not happen: {what}");
}
