//! A node made only of the pure floors: journal, tree, index and schedule, driven by hand. Keeps the write order of the
//! real one: append, sync, sign a checkpoint, then tell. Everything but the disk is gone after a crash.

use std::collections::BTreeMap;

use rogatory::custody::checkpoint::SignedCheckpoint;
use rogatory::custody::parts::MerkleTree;
use rogatory::custody::proof::TlogProof;
use rogatory::custody::tree::{inclusion_proof, root};
use rogatory::exchange::act::{Act, EnvelopeFacts, Scene};
use rogatory::exchange::rows::{EnvelopeRow, IntakeRow, MessageRow, OutboxRow, from_bytes, tree as trees};
use rogatory::exchange::sender::Sender;
use rogatory::model::ident::Id;
use rogatory::model::time::Timestamp;
use rogatory::wire::frame::Frame;
use rogatory::wire::receipt::{self, ReceiptParts};

use crate::cast::{BEGIN, CAST, Member};
use crate::disk::{Disk, Entry, Tail};
use crate::index::{Index, Turn, apply, folded, leaf_of, rebuilt, rows, turn_of};
use crate::link::Packet;
use crate::rng::Rng;

/// One node and its disk.
pub struct Node {
    pub me: usize,
    pub clock_ahead_ms: i64,
    pub disk: Disk,
    pub live: Option<Live>,
    pub rng: Rng,
    /// Of each record that a receipt disclosed: its place and bytes. Kept over crashes, by the test.
    pub told: BTreeMap<u64, Vec<u8>>,
    pub acts: u64,
    /// How many sealed envelopes were verified.
    pub verified: u64,
}

/// What a running node holds in memory.
pub struct Live {
    pub index: Index,
    pub sender: Sender,
    pub tree: MerkleTree,
    pub checkpoint: Option<SignedCheckpoint>,
    pub connection: Option<u64>,
    pub streams: BTreeMap<u64, Stream>,
    pub streams_opened: u64,
    /// Changes of the outbox that the schedule may learn once their record is durable.
    pub unsynced: Vec<(u64, Turn)>,
    pub answers: Vec<(u64, Answer)>,
    pub sync_at: Option<u64>,
    pub officer_at: u64,
    pub just_connected: bool,
    pub expired: Vec<u64>,
}

#[derive(Clone)]
pub struct Stream {
    pub deadline: u64,
    pub what: Errand,
}

#[derive(Clone)]
pub enum Errand {
    HandOver(OutboxRow),
    Fetch(Id),
}

/// An answer that waits until a record is durable.
pub enum Answer {
    Receipt { connection: u64, stream: u64 },
    Pushed { connection: u64, stream: u64 },
}

/// What the node wants of the world after it was given a turn.
#[derive(Default)]
pub struct Wants {
    pub packets: Vec<Packet>,
    pub dial: bool,
    pub wake_at: Option<u64>,
}

impl Node {
    pub fn new(me: usize, clock_ahead_ms: i64, rng: Rng) -> Self {
        let told = BTreeMap::new();
        Self { me, clock_ahead_ms, disk: Disk::default(), live: None, rng, told, acts: 0, verified: 0 }
    }

    pub fn member(&self) -> &'static Member {
        &CAST.members[self.me]
    }

    pub fn peer(&self) -> &'static Member {
        &CAST.members[1 - self.me]
    }

    pub fn clock(&self, now: u64) -> Timestamp {
        Timestamp::from_millis(BEGIN.as_millis().checked_add_signed(now as i64 + self.clock_ahead_ms).unwrap())
    }

    pub fn scene(&self, now: u64) -> Scene {
        Scene::node(&self.member().id, self.clock(now))
    }

    pub fn live(&mut self) -> &mut Live {
        self.live.as_mut().unwrap()
    }

    /// Starts from the disk alone: the index by folding, the tree from the journal, the schedule from the index.
    pub fn start(&mut self, now: u64) {
        self.disk.sync();
        let index = rebuilt(&self.disk.journal);
        let mut sender = Sender::default();
        for row in rows::<OutboxRow>(&index, trees::OUTBOX) {
            sender.put(row);
        }
        for ((tree, key), value) in &index {
            if tree == trees::INTAKE {
                sender.intake_opened(&from_bytes::<IntakeRow>(value).unwrap().peer, Id::try_from(&key[..]).unwrap());
            }
        }
        let tree = MerkleTree::of(self.disk.journal.iter().map(leaf_of));
        let live = Live {
            index,
            sender,
            tree,
            checkpoint: None,
            connection: None,
            streams: BTreeMap::new(),
            streams_opened: now << 8,
            unsynced: Vec::new(),
            answers: Vec::new(),
            sync_at: None,
            officer_at: now,
            just_connected: false,
            expired: Vec::new(),
        };
        self.live = Some(live);
        self.sign_checkpoint();
    }

    pub fn crash(&mut self, tail: Tail) {
        self.live = None;
        self.disk.crash(tail, &mut self.rng);
    }

    pub fn connected(&mut self, connection: u64, now: u64) {
        let peer = &self.peer().id;
        self.break_streams(now);
        let live = self.live();
        live.connection = Some(connection);
        live.just_connected = true;
        live.sender.connected(peer);
    }

    pub fn disconnected(&mut self, connection: u64, now: u64) {
        let (clock, random) = (self.clock(now), self.rng.next());
        let peer = &self.peer().id;
        let Some(live) = self.live.as_mut().filter(|live| live.connection == Some(connection)) else { return };
        live.connection = None;
        live.streams.clear();
        live.sender.disconnected(peer, clock, random);
    }

    pub fn dial_failed(&mut self, now: u64) {
        let (clock, random) = (self.clock(now), self.rng.next());
        let peer = &self.peer().id;
        self.live().sender.dial_failed(peer, clock, random);
    }

    /// Does everything that is due.
    pub fn turn(&mut self, now: u64, wants: &mut Wants) {
        if self.live().sync_at.is_some_and(|at| at <= now) {
            self.sync(wants);
        }
        self.time_out(now);
        self.officer(now);
        self.steps(now, wants);
        self.fetch(now, wants);
        wants.wake_at = self.wakes_at(now);
    }

    pub fn wakes_at(&mut self, now: u64) -> Option<u64> {
        let busy = self.next_act().is_some();
        let ahead = self.clock_ahead_ms;
        let live = self.live();
        let clock = live.sender.wakes_at().map(|at| {
            let ms = at.as_millis().saturating_sub(BEGIN.as_millis()) as i64 - ahead;
            u64::try_from(ms).unwrap_or(0)
        });
        let streams = live.streams.values().map(|stream| stream.deadline).min();
        let officer = busy.then_some(live.officer_at);
        [clock, streams, officer, live.sync_at].into_iter().flatten().min().map(|at| at.max(now + 1))
    }

    pub fn commit(&mut self, act: &Act, now: u64) -> u64 {
        let entry = Entry {
            record: act.record_bytes().into(),
            salt: self.rng.bytes(),
            enclosures: act.enclosures.clone().into(),
        };
        let leaf = leaf_of(&entry);
        let at = self.disk.append(entry);
        self.acts += 1;
        let wait = self.rng.between(1, 40);
        let entry = &self.disk.journal[at as usize];
        let live = self.live.as_mut().unwrap();
        live.tree.push(leaf);
        let mut turns = Vec::new();
        for change in folded(&live.index, at, entry) {
            turns.extend(turn_of(&live.index, &change));
            apply(&mut live.index, change);
        }
        live.unsynced.extend(turns.into_iter().map(|turn| (at, turn)));
        live.sync_at.get_or_insert(now + wait);
        at
    }

    pub fn sync(&mut self, wants: &mut Wants) {
        self.disk.sync();
        self.sign_checkpoint();
        let synced = self.disk.synced();
        let live = self.live();
        live.sync_at = None;
        for (at, turn) in std::mem::take(&mut live.unsynced) {
            assert!(at < synced);
            match turn {
                Turn::Put(row) => live.sender.put(row),
                Turn::Settled(row) => live.sender.settled(&row.peer, row.urgency, row.index),
                Turn::IntakeOpened(row, id) => live.sender.intake_opened(&row.peer, id),
                Turn::IntakeClosed(id) => live.sender.intake_closed(id),
            }
        }
        for (at, answer) in std::mem::take(&mut live.answers) {
            self.answer(at, answer, wants);
        }
    }

    pub fn sign_checkpoint(&mut self) {
        let member = self.member();
        let live = self.live();
        let (size, root) = (live.tree.len(), live.tree.root());
        live.checkpoint = Some(SignedCheckpoint::sign(&member.log_name, size, root, &member.log_key));
    }

    /// Tells the peer about a record: at once when it is durable, else when it will be.
    pub fn answer(&mut self, at: u64, answer: Answer, wants: &mut Wants) {
        if at >= self.disk.synced() {
            return self.live().answers.push((at, answer));
        }
        let to = 1 - self.me;
        let (connection, stream, frame) = match answer {
            Answer::Receipt { connection, stream } => {
                (connection, stream, Frame::Delivered { receipt: self.receipt(at) })
            }
            Answer::Pushed { connection, stream } => (connection, stream, Frame::Pushed),
        };
        wants.packets.push(Packet::new(to, connection, stream, &frame, vec![]));
    }

    pub fn receipt(&mut self, at: u64) -> Vec<u8> {
        let checkpoint = self.live().checkpoint.clone().unwrap();
        let size = checkpoint.checkpoint().size();
        assert!(at < self.disk.synced(), "a receipt may only disclose a durable record");
        assert!(at < size && size <= self.disk.synced(), "a checkpoint may only cover durable records");
        let live = self.live();
        let hashes = inclusion_proof(at, size, |level, index| live.tree.node(level, index)).unwrap();
        let known = root(size, |level, index| live.tree.node(level, index)).unwrap();
        assert_eq!(known, checkpoint.checkpoint().root());
        let entry = &self.disk.journal[at as usize];
        self.told.insert(at, entry.record.to_vec());
        let proof = TlogProof::new(at, hashes, &checkpoint).to_string();
        receipt::encode(&ReceiptParts { record: entry.record.to_vec(), salt: entry.salt, proof })
    }

    pub fn envelope_facts(&self, row: &MessageRow) -> EnvelopeFacts {
        let transfer = self.disk.journal[row.envelope_index.unwrap() as usize].decoded().transfer.unwrap();
        EnvelopeFacts { digest: row.envelope_digest.unwrap(), expires_at: transfer.expires_at, blobs: transfer.blobs }
    }

    pub fn read(&self, tree: &'static str, key: &[u8]) -> Option<Vec<u8>> {
        self.live.as_ref().unwrap().index.get(&(tree.to_owned(), key.to_vec())).cloned()
    }

    pub fn message_of(&self, envelope_id: Id) -> MessageRow {
        let envelope: EnvelopeRow = from_bytes(&self.read(trees::ENVELOPE, envelope_id.as_bytes()).unwrap()).unwrap();
        from_bytes(&self.read(trees::MESSAGE, envelope.message_id.as_bytes()).unwrap()).unwrap()
    }
}
