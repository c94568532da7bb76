//! Sealed objects by part: served by the sender, fetched at the receiver's pace, each part proven before it is kept.

use std::ops::Range;

use rogatory::custody::parts::MerkleTree;
use rogatory::custody::tree::{leaf_hash, verify_inclusion};
use rogatory::exchange::rows::{IntakeRow, from_bytes, tree as trees};
use rogatory::model::envelope::Blob;
use rogatory::model::ident::{Digest, Id};
use rogatory::model::limits::{FETCH_PARTS_MAX, FRAME_MS_MAX, PART_BYTES};
use rogatory::wire::frame::Frame;

use crate::link::Packet;
use crate::node::{Errand, Node, Stream, Wants};
use crate::story::{STORY, parts};

/// How many parts a sealed object has.
pub fn part_count(blob: &Blob) -> u64 {
    blob.ciphertext_bytes.div_ceil(PART_BYTES as u64)
}

impl Node {
    pub fn serve(&self, envelope_id: Id, object_id: u32, range: Range<u64>, packet: &Packet, wants: &mut Wants) {
        let planned = STORY.iter().find(|planned| planned.sealed.envelope.envelope_id == envelope_id).unwrap();
        let object = &planned.objects[object_id as usize - 1];
        let tree = &planned.trees[object_id as usize - 1];
        let to = 1 - self.me;
        for index in range {
            let Some(part) = parts(object).nth(index as usize) else { break };
            let frame = Frame::Part { index, length: part.len() as u32, proof: tree.prove(index).unwrap() };
            wants.packets.push(Packet::new(to, packet.connection, packet.stream, &frame, part.to_vec()));
        }
        wants.packets.push(Packet::new(to, packet.connection, packet.stream, &Frame::FetchEnd, vec![]));
    }

    pub fn fetch(&mut self, now: u64, wants: &mut Wants) {
        let Some(connection) = self.live().connection else { return };
        for (envelope_id, intake, blobs) in self.intakes() {
            let asked =
                self.live().streams.values().any(|s| matches!(&s.what, Errand::Fetch(id) if *id == envelope_id));
            let Some((object_id, first, count)) = self.missing(intake.package_id, &blobs) else {
                self.whole(envelope_id, intake.package_id, &blobs, now);
                continue;
            };
            if !asked {
                let frame = Frame::Fetch { envelope_id, object_id, first_part: first, part_count: count };
                let stream = self.open_stream(Errand::Fetch(envelope_id), now);
                wants.packets.push(Packet::new(1 - self.me, connection, stream, &frame, vec![]));
            }
        }
    }

    pub fn intakes(&self) -> Vec<(Id, IntakeRow, Vec<Blob>)> {
        let index = &self.live.as_ref().unwrap().index;
        let open = index.iter().filter(|((tree, _), _)| tree == trees::INTAKE);
        let open = open.map(|((_, key), value)| {
            let row: IntakeRow = from_bytes(value).unwrap();
            let blobs = self.disk.journal[row.index as usize].decoded().transfer.unwrap().blobs;
            (Id::try_from(&key[..]).unwrap(), row, blobs)
        });
        open.filter(|(_, row, _)| row.index < self.disk.synced()).collect()
    }

    /// The first run of parts that is not here.
    pub fn missing(&self, package: Id, blobs: &[Blob]) -> Option<(u32, u64, u64)> {
        blobs.iter().find_map(|blob| {
            let held = |part: &u64| self.disk.part((package, blob.object_id, *part)).is_some();
            let first = (0..part_count(blob)).find(|part| !held(part))?;
            let count = (first..part_count(blob)).take_while(|part| !held(part)).count() as u64;
            Some((blob.object_id, first, count.min(FETCH_PARTS_MAX)))
        })
    }

    pub fn part_came(&mut self, stream: u64, part: u64, proof: &[Digest], bytes: &[u8], now: u64) {
        let Some(Stream { what: Errand::Fetch(envelope_id), .. }) = self.live().streams.get(&stream).cloned() else {
            return;
        };
        self.live().streams.get_mut(&stream).unwrap().deadline = now + FRAME_MS_MAX;
        let Some((_, intake, blobs)) = self.intakes().into_iter().find(|(id, _, _)| *id == envelope_id) else { return };
        // The frame does not name the object: the proof does.
        let leaf = leaf_hash(bytes);
        let fits = |blob: &&Blob| verify_inclusion(&leaf, part, part_count(blob), proof, &blob.root).is_ok();
        let blob = blobs.iter().find(fits).expect("an honest peer sends parts of the objects that it named");
        self.disk.put_part((intake.package_id, blob.object_id, part), bytes.to_vec());
    }

    pub fn whole(&mut self, envelope_id: Id, package: Id, blobs: &[Blob], now: u64) {
        for blob in blobs {
            let tree = (0..part_count(blob)).map(|part| self.disk.part((package, blob.object_id, part)).unwrap());
            assert_eq!(MerkleTree::of(tree.map(|bytes| leaf_hash(&bytes))).root(), blob.root);
            let head = self.disk.part((package, blob.object_id, 0)).unwrap();
            assert_eq!(head[24..56], blob.commitment.0);
        }
        self.disk.sync_parts();
        let all = blobs.iter().all(|b| (0..part_count(b)).all(|p| self.disk.part_synced((package, b.object_id, p))));
        assert!(all, "the record says that all parts are durable");
        let row = self.message_of(envelope_id);
        let facts = self.envelope_facts(&row);
        self.commit(&self.scene(now).content_received(&row, facts), now);
    }
}
