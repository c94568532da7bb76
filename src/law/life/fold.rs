//! The fold: from the messages of a thread, in whatever order they came, to its life. A message that may not come where
//! the order of the links puts it changes nothing and is kept among the crossed ones; none ever changes an earlier one.

use crate::law::life::guard::{OutOfTurn, may};
use crate::law::life::note::{Conditions, Note};
use crate::law::life::order::{known_to_speaker, ordered};
use crate::law::life::state::{Crossed, Duty, ItemState, Life, MeasureState, Parcel, Stage};
use crate::law::life::table::{DateFrom, DutyText, StepText, Who, table};
use crate::model::ident::Id;
use crate::model::message::MessageKind;
use crate::model::side::Side;
use crate::model::time::Timestamp;

const DAY_MS: u64 = 86_400_000;
/// Most measures that are followed one by one: more than a request may list.
const MEASURES_MAX: usize = 1_024;

/// The life of a thread.
pub fn fold(notes: &[Note]) -> Life {
    let mut life = Life::new();
    for note in ordered(notes) {
        match may(&life, note) {
            Ok(step) => apply(&mut life, note, step),
            Err(why) => life.crossed.push(Crossed { message_id: note.message_id, why: why.to_string() }),
        }
    }
    life
}

/// Whether a message that comes in may come, as far as its speaker could know. What it crosses on the way does not count
/// against it.
///
/// # Errors
/// [`OutOfTurn`] says why not.
pub fn may_arrive(notes: &[Note], note: &Note) -> Result<(), OutOfTurn> {
    // Where the beginning of the thread was erased, nothing can be said of its turns.
    if !notes.iter().any(|earlier| earlier.kind.opens()) {
        return Ok(());
    }
    let [all, one] = known_to_speaker(notes, note).map(|known| may(&fold(&known), note).map(|_| ()));
    all.or_else(|why| one.map_err(|_| why))
}

fn apply(life: &mut Life, note: &Note, step: &'static StepText) {
    life.begun = true;
    life.consulted |= note.kind == MessageKind::ConsultOpen;
    life.last = Some((note.message_id, note.created_at, note.kind));
    if note.asked > 0 && life.measures.is_empty() {
        let asked = usize::try_from(note.asked).unwrap_or(MEASURES_MAX).min(MEASURES_MAX);
        life.measures = vec![MeasureState::Asked; asked];
    }
    items(life, note, step);
    settle(life, note, step);
    measures(life, note, step);
    for key in step.raises.iter().filter_map(|key| table().duty(key)) {
        raise(life, note, key);
    }
    if note.conditions == Conditions::Wait
        && let Some(text) = table().duty("accept-conditions")
    {
        raise(life, note, text);
    }
    if let Some(due) = note.due {
        for duty in life.duties.iter_mut().filter(|duty| step.redates.iter().any(|key| key == duty.key)) {
            duty.due = due;
        }
    }
    stage(life, note, step);
    if step.retention && note.due.is_some() {
        life.retain_until = life.retain_until.max(note.due);
    }
    if life.stage.ended() {
        life.duties.retain(Duty::survives);
    } else if life.duties.is_empty()
        && let Some(text) = table().duty("close")
    {
        // Nothing open without an owner and a next date.
        raise(life, note, text);
    }
    life.duties.sort_by(|a, b| (a.due, a.key, a.cause, a.package_id).cmp(&(b.due, b.key, b.cause, b.package_id)));
}

/// What becomes of the items that the message brings or is about.
fn items(life: &mut Life, note: &Note, step: &StepText) {
    let (Some(to), Some(package_id)) = (step.items, note.package_id) else { return };
    if to == ItemState::Transmitted {
        let items = (1..=note.brought).map(|number| (number, to)).collect();
        life.parcels.insert(package_id, Parcel { provider: note.side, items });
        return;
    }
    let Some(parcel) = life.parcels.get_mut(&package_id) else { return };
    for (number, item) in &mut parcel.items {
        let meant = note.objects.is_empty() || note.objects.contains(number);
        let fits = match to {
            ItemState::InCustody | ItemState::Rejected => *item == ItemState::Transmitted,
            ItemState::Returned => *item == ItemState::Dispatched,
            _ => !item.gone(),
        };
        if meant && fits {
            *item = to;
        }
    }
}

/// Ends the duties that the message settles. What is owed about items lasts as long as one of them is due.
fn settle(life: &mut Life, note: &Note, step: &StepText) {
    let parcels = &life.parcels;
    life.duties.retain(|duty| {
        let about = duty.package_id.is_none() || note.package_id.is_none() || duty.package_id == note.package_id;
        let owner = step.by != Who::Either || duty.owner == note.side || duty.text.owner != Who::Other;
        let named = step.settles.iter().any(|key| key == duty.key);
        let still = |state: ItemState| {
            let parcel = duty.package_id.and_then(|id| parcels.get(&id));
            parcel.is_some_and(|parcel| parcel.items.values().any(|item| *item == state))
        };
        match duty.key {
            "return" => still(ItemState::ReturnDue),
            "destroy" => still(ItemState::DestroyDue),
            "confirm-return" => still(ItemState::Dispatched),
            _ => !(named && about && owner),
        }
    });
}

fn measures(life: &mut Life, note: &Note, step: &StepText) {
    let Some(to) = step.measures else { return };
    for (number, measure) in (1_u32..).zip(&mut life.measures) {
        let meant = note.measures.is_empty() || note.measures.contains(&number);
        let fits = !measure.ended() && (to != MeasureState::Resumed || *measure == MeasureState::Postponed);
        if meant && fits {
            *measure = to;
        }
    }
}

/// The stage after the message. It only goes on; a refusal or withdrawal of some measures leaves the rest running.
fn stage(life: &mut Life, note: &Note, step: &StepText) {
    let Some(to) = step.to else { return };
    let partial = matches!(to, Stage::Refused | Stage::Withdrawn)
        && !note.measures.is_empty()
        && life.measures.iter().any(|measure| !measure.ended());
    if to > life.stage && !partial {
        life.stage = to;
    }
}

fn raise(life: &mut Life, note: &Note, text: &'static DutyText) {
    let (set, after) = match text.date {
        DateFrom::Due => (note.due, note.created_at),
        DateFrom::At if note.kind == MessageKind::RequestUrgent => (note.at, note.created_at),
        DateFrom::At => (None, note.at.unwrap_or(note.created_at)),
        DateFrom::None => (None, note.created_at),
    };
    if text.only_dated && set.is_none() {
        return;
    }
    let due = set.unwrap_or_else(|| after.plus_millis(u64::from(text.days) * DAY_MS));
    let owner = owner(life, note, text.owner);
    let package_id = if text.owner == Who::Holder || text.owner == Who::Provider { note.package_id } else { None };
    let same = |duty: &&mut Duty| duty.key == text.key && duty.owner == owner && duty.package_id == package_id;
    if let Some(duty) = life.duties.iter_mut().find(same) {
        if set.is_some() {
            duty.due = due;
        }
        return;
    }
    if !wanted(life, text, package_id) {
        return;
    }
    let cause: Id = note.message_id;
    let (says, article) = (text.says.as_str(), text.article.as_str());
    life.duties.push(Duty { key: text.key.as_str(), owner, due, cause, package_id, says, article, text });
}

/// A duty about items begins only where an item is in that state: a second waiver or dispatch raises nothing.
fn wanted(life: &Life, text: &DutyText, package_id: Option<Id>) -> bool {
    let state = match text.key.as_str() {
        "return" => ItemState::ReturnDue,
        "destroy" => ItemState::DestroyDue,
        "confirm-return" => ItemState::Dispatched,
        _ => return true,
    };
    let parcel = package_id.and_then(|id| life.parcels.get(&id));
    parcel.is_some_and(|parcel| parcel.items.values().any(|item| *item == state))
}

fn owner(life: &Life, note: &Note, who: Who) -> Side {
    let provider = || {
        let named = note.package_id.and_then(|id| life.parcels.get(&id));
        named.or(life.parcels.values().next()).map_or(Side::Requested, |parcel| parcel.provider)
    };
    match who {
        Who::Requesting => Side::Requesting,
        Who::Requested => Side::Requested,
        Who::Other | Who::Either => note.side.other(),
        Who::Provider => provider(),
        Who::Holder => provider().other(),
    }
}

/// When a duty of the life was due and is not done, at that instant.
pub fn overdue(duty: &Duty, now: Timestamp) -> bool {
    duty.due < now
}
