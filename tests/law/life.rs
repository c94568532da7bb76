//! The life of a request: two offices write whatever the table lets them write, in any order; what must always hold.

use proptest::prelude::*;
use rogatory::law::life::fold::{fold, may_arrive};
use rogatory::law::life::guard::{OutOfTurn, may, well_made};
use rogatory::law::life::note::{Consultation, Note};
use rogatory::law::life::order::ordered;
use rogatory::law::life::state::{Life, Stage};
use rogatory::model::message::MessageKind;
use rogatory::model::side::Side;
use rogatory::model::time::Timestamp;

use crate::life_play::{BEGIN_MS, DAY_MS, Play, id, moves, note};

/// What always holds of a life.
fn check(life: &Life) {
    let state = life.state();
    if life.over() {
        assert!(!life.items_due(), "it is over with an item still due");
        assert!(life.duties.is_empty());
    } else {
        let next = life.next().unwrap_or_else(|| panic!("open as `{state}` without an owner and a next date"));
        assert!(next.due >= Timestamp::from_millis(BEGIN_MS) && !next.article.is_empty());
    }
    if life.items_due() {
        assert!(!matches!(state, "closed" | "refused" | "withdrawn"), "`{state}` with an item still due");
        let keys = ["return", "destroy", "confirm-return"];
        assert!(life.duties.iter().any(|duty| keys.contains(&duty.key)), "an item is due and nobody owes it");
    }
    assert!(life.duties.is_sorted_by_key(|duty| duty.due));
}

fn opening() -> impl Strategy<Value = MessageKind> {
    prop::sample::select(MessageKind::ALL.into_iter().filter(|kind| kind.opens()).collect::<Vec<_>>())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn two_offices_that_saw_the_same_messages_agree_and_the_invariants_hold(kind in opening(), moves in moves()) {
        let mut play = Play::open(kind);
        for step in &moves {
            play.play(step);
            play.desks.iter().for_each(|desk| check(&fold(&desk.notes)));
        }
        play.deliver_all();
        let [asks, answers] = &play.desks;
        prop_assert_eq!(asks.notes.len(), answers.notes.len());
        prop_assert_eq!(fold(&asks.notes), fold(&answers.notes));
        check(&fold(&asks.notes));
    }

    #[test]
    fn the_order_of_arrival_changes_nothing(kind in opening(), moves in moves(), seed in any::<u64>()) {
        let mut play = Play::open(kind);
        moves.iter().for_each(|step| play.play(step));
        play.deliver_all();
        let notes = &play.desks[0].notes;
        let mut shuffled = notes.clone();
        let mut random = seed | 1;
        for place in (1..shuffled.len()).rev() {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            shuffled.swap(place, usize::try_from(random % (place as u64 + 1)).unwrap());
        }
        shuffled.extend(notes.first().cloned());
        prop_assert_eq!(fold(&shuffled), fold(notes), "also when one came twice");
        for (place, note) in ordered(notes).iter().enumerate() {
            let answered = ordered(notes).iter().position(|other| Some(other.digest) == note.in_reply_to);
            prop_assert!(answered.is_none_or(|other| other < place), "an answer before what it answers");
        }
    }

    #[test]
    fn no_message_changes_an_earlier_one(kind in opening(), moves in moves()) {
        let mut play = Play::open(kind);
        moves.iter().for_each(|step| play.play(step));
        let notes: Vec<Note> = ordered(&play.desks[0].notes).into_iter().cloned().collect();
        let mut before = Life::new();
        for end in 1..=notes.len() {
            let after = fold(&notes[..end]);
            prop_assert!(after.stage >= before.stage, "the stage went back");
            for (was, is) in before.measures.iter().zip(&after.measures) {
                prop_assert!(!was.ended() || was == is, "a measure that ended was changed");
            }
            for (id, parcel) in &before.parcels {
                let kept = &after.parcels[id];
                for (number, item) in &parcel.items {
                    prop_assert!(!item.gone() || kept.items[number] == *item, "an item that is gone came back");
                }
            }
            // A withdrawal deletes nothing, and no other message does.
            prop_assert!(after.parcels.len() >= before.parcels.len() && after.crossed.len() >= before.crossed.len());
            before = after;
        }
    }
}

fn thread(kind: MessageKind) -> Vec<Note> {
    Play::open(kind).desks[0].notes.clone()
}

fn then(notes: &mut Vec<Note>, kind: MessageKind, side: Side, change: impl FnOnce(&mut Note)) {
    let number = notes.len() as u64;
    let mut next = note(number, kind, side, BEGIN_MS + number * 60_000);
    next.in_reply_to = notes.iter().rev().find(|other| other.side != side).map(|other| other.digest);
    change(&mut next);
    assert_eq!(may(&fold(notes), &next).map(|_| ()), Ok(()), "{}", kind.name());
    notes.push(next);
}

fn in_days(days: u64) -> Option<Timestamp> {
    Some(Timestamp::from_millis(BEGIN_MS + days * DAY_MS))
}

#[test]
fn a_refusal_out_of_the_blue_is_not_written() {
    let mut notes = thread(MessageKind::RequestSubmit);
    let mut refusal = note(9, MessageKind::RequestRefuse, Side::Requested, BEGIN_MS + 9_000);
    refusal.consultation = Consultation::Silent;
    assert!(matches!(well_made(&fold(&notes), &refusal), Err(OutOfTurn::Unconsulted { .. })));
    refusal.consultation = Consultation::NotAppropriate;
    assert!(well_made(&fold(&notes), &refusal).is_ok());
    refusal.consultation = Consultation::Silent;
    then(&mut notes, MessageKind::ConsultOpen, Side::Requested, |note| note.due = in_days(5));
    assert!(well_made(&fold(&notes), &refusal).is_ok());
}

#[test]
fn an_urgent_request_without_its_confirmation_is_late_on_both_sides() {
    let mut notes = thread(MessageKind::RequestUrgent);
    let life = fold(&notes);
    let confirm = life.owes("confirm", Side::Requesting).unwrap();
    assert_eq!((Some(confirm.due), life.state()), (in_days(10), "sent-urgent"));
    then(&mut notes, MessageKind::RequestConfirm, Side::Requesting, |_| ());
    assert!(fold(&notes).owes("confirm", Side::Requesting).is_none());
}

#[test]
fn a_postponement_has_the_date_of_the_next_look_and_ends_by_resuming() {
    let mut notes = thread(MessageKind::RequestSubmit);
    then(&mut notes, MessageKind::RequestPostpone, Side::Requested, |note| note.due = in_days(40));
    let life = fold(&notes);
    assert_eq!((life.state(), Some(life.owes("resume", Side::Requested).unwrap().due)), ("postponed", in_days(40)));
    then(&mut notes, MessageKind::RequestResume, Side::Requested, |_| ());
    assert!(fold(&notes).owes("resume", Side::Requested).is_none());
}

#[test]
fn an_arrest_ends_after_sixty_days_unless_the_formal_request_comes() {
    let mut notes = thread(MessageKind::ArrestRequest);
    then(&mut notes, MessageKind::ArrestMade, Side::Requested, |note| note.at = in_days(1));
    let due = fold(&notes).owes("formal-extradition", Side::Requesting).unwrap().due;
    assert_eq!(Some(due), in_days(61));
    then(&mut notes, MessageKind::RequestConfirm, Side::Requesting, |_| ());
    assert!(fold(&notes).owes("formal-extradition", Side::Requesting).is_none());
}

#[test]
fn it_is_not_closed_while_an_item_is_due_and_is_closed_when_all_are_back_waived_or_destroyed() {
    let mut notes = thread(MessageKind::RequestSubmit);
    let package = Some(id(500));
    then(&mut notes, MessageKind::EvidenceTransmit, Side::Requested, |note| {
        note.package_id = package;
        note.brought = 3;
    });
    then(&mut notes, MessageKind::ReturnDemand, Side::Requested, |note| {
        (note.package_id, note.due) = (package, in_days(30));
        "return".clone_into(&mut note.word);
    });
    let close = note(90, MessageKind::RequestClose, Side::Requesting, BEGIN_MS + DAY_MS);
    assert!(matches!(may(&fold(&notes), &close), Err(OutOfTurn::Owed { .. })));
    for (number, kind, side) in [
        (1, MessageKind::ReturnDispatch, Side::Requesting),
        (2, MessageKind::ReturnWaive, Side::Requested),
        (3, MessageKind::DestroyCertificate, Side::Requesting),
    ] {
        then(&mut notes, kind, side, |note| (note.package_id, note.objects) = (package, vec![number]));
    }
    assert!(matches!(may(&fold(&notes), &close), Err(OutOfTurn::Owed { .. })), "one is on its way back");
    then(&mut notes, MessageKind::ReturnReceipt, Side::Requested, |note| note.package_id = package);
    then(&mut notes, MessageKind::RequestClose, Side::Requesting, |_| ());
    then(&mut notes, MessageKind::RequestCloseAck, Side::Requested, |_| ());
    let life = fold(&notes);
    assert!(life.over() && life.stage == Stage::Closed);
    then(&mut notes, MessageKind::ObligationReopen, Side::Requested, |note| note.due = in_days(3));
    assert_eq!(fold(&notes).state(), "reopened");
}

#[test]
fn a_refused_request_with_an_item_still_out_is_not_over() {
    let mut notes = thread(MessageKind::RequestSubmit);
    let package = Some(id(500));
    then(&mut notes, MessageKind::EvidenceTransmit, Side::Requested, |note| {
        (note.package_id, note.brought) = (package, 1);
    });
    then(&mut notes, MessageKind::RequestWithdraw, Side::Requesting, |_| ());
    assert_eq!(fold(&notes).state(), "withdrawn");
    then(&mut notes, MessageKind::ReturnDemand, Side::Requested, |note| {
        (note.package_id, note.due) = (package, in_days(30));
        "return".clone_into(&mut note.word);
    });
    let life = fold(&notes);
    assert_eq!((life.state(), life.over()), ("return-due", false));
}

#[test]
fn what_nobody_asked_is_not_answered_and_what_is_over_takes_nothing_more() {
    let notes = thread(MessageKind::RequestSubmit);
    for (kind, side) in [
        (MessageKind::InfoSupply, Side::Requesting),
        (MessageKind::RequestResume, Side::Requested),
        (MessageKind::ConfidentialityDecision, Side::Requesting),
        (MessageKind::ProgressReply, Side::Requested),
        (MessageKind::RequestConfirm, Side::Requesting),
        (MessageKind::RequestCloseAck, Side::Requested),
    ] {
        let answer = note(5, kind, side, BEGIN_MS + 5_000);
        assert_eq!(may(&fold(&notes), &answer).map(|_| ()), Err(OutOfTurn::NotAsked { kind }), "{}", kind.name());
    }
    let mut over = notes;
    then(&mut over, MessageKind::RequestWithdraw, Side::Requesting, |_| ());
    for (kind, side) in [
        (MessageKind::RequestAck, Side::Requested),
        (MessageKind::EvidenceTransmit, Side::Requested),
        (MessageKind::RequestWithdraw, Side::Requesting),
    ] {
        let late = note(5, kind, side, BEGIN_MS + 5_000);
        let ended = Err(OutOfTurn::Ended { kind, stage: Stage::Withdrawn });
        assert_eq!(may(&fold(&over), &late).map(|_| ()), ended);
    }
}

#[test]
fn messages_that_cross_are_taken_and_the_later_one_changes_nothing() {
    let mut notes = thread(MessageKind::RequestSubmit);
    let mut withdrawal = note(1, MessageKind::RequestWithdraw, Side::Requesting, BEGIN_MS + 1_000);
    withdrawal.in_reply_to = None;
    let mut ack = note(2, MessageKind::RequestAck, Side::Requested, BEGIN_MS + 2_000);
    ack.in_reply_to = Some(notes[0].digest);
    notes.push(withdrawal.clone());
    assert_eq!(may_arrive(&notes, &ack), Ok(()), "it was written before the withdrawal was known");
    notes.push(ack.clone());
    let life = fold(&notes);
    assert_eq!((life.stage, life.crossed.len()), (Stage::Withdrawn, 1));
    ack.message_id = id(3);
    ack.in_reply_to = Some(withdrawal.digest);
    assert!(may_arrive(&notes[..2], &ack).is_err(), "it answers the withdrawal, and acknowledges nevertheless");
}

#[test]
fn a_delivery_receipt_is_no_acknowledgement() {
    // Receipts are no messages of the thread: nothing of the transport ends the duty to acknowledge.
    let mut notes = thread(MessageKind::RequestSubmit);
    assert!(fold(&notes).owes("acknowledge", Side::Requested).is_some());
    assert!(MessageKind::from_name("transport.receipt").is_none());
    then(&mut notes, MessageKind::RequestAck, Side::Requested, |_| ());
    assert!(fold(&notes).owes("acknowledge", Side::Requested).is_none());
}
