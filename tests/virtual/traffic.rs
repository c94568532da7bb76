//! What a node sends and takes: the schedule's steps, streams with their time limits, and each frame of the protocol.

use rogatory::exchange::receipt::{Expected, check};
use rogatory::exchange::receiver::{Arrival, Known, arrive};
use rogatory::exchange::rows::{OutboxRow, RowError, Waiting, tree as trees};
use rogatory::exchange::sender::Step;
use rogatory::exchange::verified::{Gate, verify};
use rogatory::model::event::Outcome;
use rogatory::model::ident::Id;
use rogatory::model::limits::FRAME_MS_MAX;
use rogatory::model::message::Urgency;
use rogatory::model::refusal::{RefusalCode, Remedy};
use rogatory::wire::frame::{self, Frame, Told};

use crate::cast::CAST;
use crate::index::{outbox_place, rows};
use crate::link::Packet;
use crate::node::{Answer, Errand, Node, Stream, Wants};

impl Node {
    pub fn steps(&mut self, now: u64, wants: &mut Wants) {
        let clock = self.clock(now);
        let live = self.live();
        let steps = live.sender.due(clock);
        let mut order = Vec::new();
        for step in &steps {
            match step {
                Step::Dial(_) => wants.dial = true,
                Step::HandOver(row) => order.push((row.urgency != Urgency::Urgent, row.index)),
                Step::Expire(row) => {
                    let live = self.live();
                    assert!(!live.expired.contains(&row.index), "what is over is given up once");
                    live.expired.push(row.index);
                    self.expire(row, now);
                }
            }
        }
        assert!(order.is_sorted(), "urgent before routine, then in the order of the log");
        if std::mem::take(&mut self.live().just_connected) {
            self.check_release(&order);
        }
        for step in steps {
            if let Step::HandOver(row) = step {
                self.hand_over(row, now, wants);
            }
        }
    }

    /// A link that comes up releases every urgent thing that waited, before anything routine.
    pub fn check_release(&self, order: &[(bool, u64)]) {
        let live = self.live.as_ref().unwrap();
        let durable = self.disk.synced();
        let pending = |index: u64| live.unsynced.iter().any(|(_, turn)| turn.is_about(index));
        for row in rows::<OutboxRow>(&live.index, trees::OUTBOX) {
            let waits = row.waiting != Waiting::Content && row.index < durable && !pending(row.index);
            if row.urgency == Urgency::Urgent && waits {
                assert!(
                    order.contains(&(false, row.index)) || live.expired.contains(&row.index),
                    "{row:?} was forgotten"
                );
            }
        }
    }

    pub fn expire(&mut self, row: &OutboxRow, now: u64) {
        let live = self.live.as_ref().unwrap();
        // A receipt may have come while the schedule still held the row: its record is on the way to the disk.
        if !live.index.contains_key(&outbox_place(row)) {
            return;
        }
        let failures = live.sender.failures(row);
        let message = self.message_of(row.envelope_id);
        self.commit(&self.scene(now).expired(&message, failures), now);
    }

    pub fn hand_over(&mut self, row: OutboxRow, now: u64, wants: &mut Wants) {
        let Some(connection) = self.live().connection else { panic!("handed over without a link") };
        assert!(row.index < self.disk.synced(), "only what is durable is handed over");
        let frame = match row.waiting {
            Waiting::Envelope => {
                let signed_envelope = self.disk.journal[row.index as usize].enclosure("signed-envelope");
                Frame::Deliver { signed_envelope }
            }
            Waiting::Receipt(_) => {
                Frame::PushReceipt { envelope_id: row.envelope_id, receipt: self.receipt(row.index) }
            }
            Waiting::Content => panic!("what waits for its content is not handed over"),
        };
        let stream = self.open_stream(Errand::HandOver(row), now);
        wants.packets.push(Packet::new(1 - self.me, connection, stream, &frame, vec![]));
    }

    pub fn open_stream(&mut self, what: Errand, now: u64) -> u64 {
        let me = self.me as u64;
        let live = self.live();
        live.streams_opened += 1;
        // The number tells who opened the stream, as in QUIC.
        let stream = live.streams_opened << 1 | me;
        live.streams.insert(stream, Stream { deadline: now + FRAME_MS_MAX, what });
        stream
    }

    pub fn time_out(&mut self, now: u64) {
        let over: Vec<u64> =
            self.live().streams.iter().filter(|(_, stream)| stream.deadline <= now).map(|(id, _)| *id).collect();
        for id in over {
            self.break_stream(id, now, 0);
        }
    }

    pub fn break_streams(&mut self, now: u64) {
        let all: Vec<u64> = self.live().streams.keys().copied().collect();
        for id in all {
            self.break_stream(id, now, 0);
        }
    }

    pub fn break_stream(&mut self, id: u64, now: u64, retry_after_ms: u64) {
        let (clock, random) = (self.clock(now), self.rng.next());
        let live = self.live();
        if let Some(Stream { what: Errand::HandOver(row), .. }) = live.streams.remove(&id) {
            live.sender.try_later(&row, clock, retry_after_ms, random);
        }
    }

    pub fn take(&mut self, packet: &Packet, now: u64, wants: &mut Wants) {
        let frame = frame::decode(&packet.frame).unwrap();
        let (connection, stream) = (packet.connection, packet.stream);
        match frame {
            Frame::Deliver { signed_envelope } => self.envelope(&signed_envelope, connection, stream, now, wants),
            Frame::PushReceipt { envelope_id, receipt } => {
                let at = self.receipt_came(envelope_id, &receipt, now);
                self.answer(at, Answer::Pushed { connection, stream }, wants);
            }
            Frame::Fetch { envelope_id, object_id, first_part, part_count } => {
                self.serve(envelope_id, object_id, first_part..first_part + part_count, packet, wants);
            }
            Frame::Part { index, length, proof } => {
                assert_eq!(length as usize, packet.tail.len());
                self.part_came(stream, index, &proof, &packet.tail, now);
            }
            Frame::FetchEnd => drop(self.live().streams.remove(&stream)),
            Frame::Delivered { receipt } => {
                if let Some(Stream { what: Errand::HandOver(row), .. }) = self.live().streams.remove(&stream) {
                    self.receipt_came(row.envelope_id, &receipt, now);
                }
            }
            Frame::Pushed => {
                if let Some(Stream { what: Errand::HandOver(row), .. }) = self.live().streams.remove(&stream) {
                    self.pushed(&row, now);
                }
            }
            Frame::Refused { code, .. } => self.refused(stream, code, now),
            Frame::Hello(_)
            | Frame::AddCheckpoint { .. }
            | Frame::Cosigned { .. }
            | Frame::HaveCheckpoint { .. }
            | Frame::ProveConsistency { .. }
            | Frame::ConsistencyProof { .. }
            | Frame::LatestOf { .. }
            | Frame::AskHeld { .. }
            | Frame::Held { .. }
            | Frame::SendAgain { .. } => panic!("neither a hello nor a checkpoint here"),
        }
    }

    pub fn envelope(&mut self, bytes: &[u8], connection: u64, stream: u64, now: u64, wants: &mut Wants) {
        let member = self.member();
        let gate = Gate {
            us: &member.id,
            peer: &self.peer().id,
            roster: &CAST.roster,
            keys: &member.keys,
            now: self.clock(now),
        };
        self.verified += 1;
        let decided = verify(bytes, &gate).map_err(|error| error.code()).and_then(|verified| {
            let known = Known::about(&verified, |tree, key| Ok::<_, RowError>(self.read(tree, key))).unwrap();
            arrive(&verified, &known).map(|arrival| (verified, arrival))
        });
        let at = match decided {
            Err(code) => {
                let frame = Frame::Refused { code: Told::Known(code), retry_after_ms: 0 };
                return wants.packets.push(Packet::new(1 - self.me, connection, stream, &frame, vec![]));
            }
            Ok((_, Arrival::Again { index })) => index,
            Ok((verified, Arrival::New)) => self.commit(&self.scene(now).received(&verified, bytes.to_vec()), now),
        };
        self.answer(at, Answer::Receipt { connection, stream }, wants);
    }

    /// Checks a receipt; commits it unless that stage is known. Gives the record by which it is known.
    pub fn receipt_came(&mut self, envelope_id: Id, bytes: &[u8], now: u64) -> u64 {
        let row = self.message_of(envelope_id);
        let facts = self.envelope_facts(&row);
        let expected = Expected {
            sender: &self.member().id,
            receiver: CAST.roster.authority(&self.peer().id).unwrap(),
            envelope_id,
            envelope_digest: facts.digest,
            blobs: &facts.blobs,
        };
        let checked = check(bytes, &expected).unwrap();
        match row.receipts.iter().find(|(stage, _)| *stage == checked.stage()) {
            Some((_, at)) => *at,
            None => self.commit(&self.scene(now).delivered(&row, &checked, 1), now),
        }
    }

    pub fn pushed(&mut self, row: &OutboxRow, now: u64) {
        let Waiting::Receipt(stage) = row.waiting else { panic!("Pushed answers a receipt") };
        if self.live().index.contains_key(&outbox_place(row)) {
            let message = self.message_of(row.envelope_id);
            self.commit(&self.scene(now).receipt_delivered(&message, stage, row.index, Outcome::Success), now);
        }
    }

    pub fn refused(&mut self, stream: u64, code: Told, now: u64) {
        let Told::Known(code) = code else { panic!("a code of our own table") };
        let errand = self.live().streams.get(&stream).cloned();
        let Some(Stream { what: Errand::HandOver(row), .. }) = errand else { return };
        if code.remedy() == Remedy::Retry {
            return self.break_stream(stream, now, 0);
        }
        assert_eq!(code, RefusalCode::Expired, "between honest nodes only time refuses for good");
        self.live().streams.remove(&stream);
        if self.live().index.contains_key(&outbox_place(&row)) {
            let message = self.message_of(row.envelope_id);
            self.commit(&self.scene(now).refused(&message, code), now);
        }
    }
}
