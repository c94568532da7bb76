//! Two offices that write whatever the table lets them write, and deliver it in any order: the play of the property tests.

use proptest::prelude::*;
use proptest::sample::Index;
use rogatory::law::life::fold::{fold, may_arrive};
use rogatory::law::life::guard::well_made;
use rogatory::law::life::note::{Conditions, Consultation, Note};
use rogatory::law::life::table::table;
use rogatory::model::ident::{Digest, Id};
use rogatory::model::message::MessageKind;
use rogatory::model::notice_table::{Field, shape_of};
use rogatory::model::side::Side;
use rogatory::model::text::Need;
use rogatory::model::time::Timestamp;

pub const DAY_MS: u64 = 86_400_000;
pub const BEGIN_MS: u64 = 1_795_305_600_000;
/// The clock of the requested side is behind by this much: its answers bear earlier dates than what they answer.
pub const SKEW_MS: u64 = 300_000;

/// One thing that happens: somebody writes, or the next message of somebody arrives.
#[derive(Debug, Clone)]
pub struct Move {
    side: Side,
    what: What,
    measures: Vec<u32>,
    objects: Vec<u32>,
    package: Index,
    days: u64,
    after_ms: u64,
}

#[derive(Debug, Clone)]
pub enum What {
    Write(Index),
    Take,
}

pub fn moves() -> impl Strategy<Value = Vec<Move>> {
    let side = prop_oneof![Just(Side::Requesting), Just(Side::Requested)];
    let what = prop_oneof![3 => any::<Index>().prop_map(What::Write), 2 => Just(What::Take)];
    let lists = (prop::collection::vec(1..4_u32, 0..2), prop::collection::vec(1..3_u32, 0..2), any::<Index>());
    let one = (side, what, lists, 0..90_u64, 1..3_600_000_u64).prop_map(|(side, what, lists, days, after_ms)| {
        let (measures, objects, package) = lists;
        Move { side, what, measures, objects, package, days, after_ms }
    });
    prop::collection::vec(one, 0..60)
}

/// One office: what it wrote and what arrived, in that order.
#[derive(Default)]
pub struct Desk {
    pub notes: Vec<Note>,
    pub waiting: Vec<Note>,
}

/// Two offices, and what became of their messages.
pub struct Play {
    pub desks: [Desk; 2],
    written: u64,
    now_ms: u64,
}

pub fn place(side: Side) -> usize {
    usize::from(side == Side::Requested)
}

pub fn id(number: u64) -> Id {
    Id::new(Timestamp::from_millis(BEGIN_MS + number), [7; 10])
}

pub fn note(number: u64, kind: MessageKind, side: Side, at_ms: u64) -> Note {
    let mut digest = [0; 32];
    digest[..8].copy_from_slice(&number.to_be_bytes());
    Note {
        message_id: id(number),
        digest: Digest(digest),
        kind,
        side,
        created_at: Timestamp::from_millis(at_ms),
        in_reply_to: None,
        word: String::new(),
        measures: Vec::new(),
        asked: 0,
        package_id: None,
        objects: Vec::new(),
        brought: 0,
        conditions: Conditions::None,
        due: None,
        at: None,
        consultation: Consultation::NotAppropriate,
    }
}

impl Play {
    /// The thread is open: one request for three measures has arrived.
    pub fn open(kind: MessageKind) -> Self {
        let mut play = Self { desks: Default::default(), written: 0, now_ms: BEGIN_MS };
        let mut first = note(0, kind, Side::Requesting, BEGIN_MS);
        first.asked = 3;
        if kind == MessageKind::RequestUrgent {
            first.at = Some(Timestamp::from_millis(BEGIN_MS + 10 * DAY_MS));
        }
        play.written = 1;
        play.desks.iter_mut().for_each(|desk| desk.notes.push(first.clone()));
        play
    }

    pub fn play(&mut self, step: &Move) {
        self.now_ms += step.after_ms;
        match &step.what {
            What::Write(pick) => self.write(step, *pick),
            What::Take => self.take(step.side),
        }
    }

    /// The side writes one of the messages that may come now, by its own knowledge.
    fn write(&mut self, step: &Move, pick: Index) {
        let desk = &self.desks[place(step.side)];
        let life = fold(&desk.notes);
        let skew = if step.side == Side::Requested { SKEW_MS } else { 0 };
        let packages: Vec<Id> = life.parcels.keys().copied().collect();
        let mut able = Vec::new();
        for row in &table().step {
            let mut one = note(self.written, row.message, step.side, self.now_ms - skew);
            one.word = row.word.clone().unwrap_or_default();
            one.in_reply_to = desk.notes.iter().rev().find(|other| other.side != step.side).map(|other| other.digest);
            let has = |field| shape_of(row.message).is_some_and(|shape| shape.need(field).is_some());
            let must = |field| shape_of(row.message).is_some_and(|shape| shape.need(field) == Some(Need::Required));
            if has(Field::Measures) || matches!(row.message, MessageKind::RequestRefuse | MessageKind::RequestWithdraw)
            {
                one.measures.clone_from(&step.measures);
            }
            if has(Field::Due) && (must(Field::Due) || step.days.is_multiple_of(2)) {
                one.due = Some(Timestamp::from_millis(self.now_ms + step.days * DAY_MS));
            }
            if row.message.hands_over() {
                one.package_id = Some(id(1_000_000 + self.written));
                one.brought = 2;
                one.conditions = if step.days.is_multiple_of(2) { Conditions::Wait } else { Conditions::None };
            } else if has(Field::Package) || row.message == MessageKind::ConditionsAccept {
                if packages.is_empty() && (must(Field::Package) || row.message == MessageKind::ConditionsAccept) {
                    continue;
                }
                one.package_id = (!packages.is_empty()).then(|| *step.package.get(&packages));
                if has(Field::Objects) {
                    one.objects.clone_from(&step.objects);
                }
            }
            if well_made(&life, &one).is_ok() {
                able.push(one);
            }
        }
        if able.is_empty() {
            return;
        }
        let chosen = pick.get(&able).clone();
        self.written += 1;
        self.desks[place(step.side)].notes.push(chosen.clone());
        self.desks[place(step.side.other())].waiting.push(chosen);
    }

    /// The oldest message that is on its way to the side arrives there.
    fn take(&mut self, side: Side) {
        let desk = &mut self.desks[place(side)];
        if desk.waiting.is_empty() {
            return;
        }
        let arrived = desk.waiting.remove(0);
        let verdict = may_arrive(&desk.notes, &arrived);
        assert_eq!(verdict, Ok(()), "what its writer could send is refused at the other side: {arrived:?}");
        desk.notes.push(arrived);
    }

    pub fn deliver_all(&mut self) {
        for side in [Side::Requesting, Side::Requested] {
            while !self.desks[place(side)].waiting.is_empty() {
                self.take(side);
            }
        }
    }
}
