//! The one order in which the messages of a thread are folded, whatever the order in which they arrived: each side's by
//! its own clock, and no answer before what it answers. Refuses nothing: contradicting links give way to the clocks.

use std::collections::HashMap;

use crate::law::life::note::Note;
use crate::model::ident::Digest;
use crate::model::side::Side;

/// Puts the notes of one thread into the order of the fold. Every permutation of the same notes gives the same order.
pub fn ordered(notes: &[Note]) -> Vec<&Note> {
    let of = |side: Side| {
        let mut mine: Vec<&Note> = notes.iter().filter(|note| note.side == side).collect();
        // What opens the thread stands first, whatever its clock said.
        mine.sort_by_key(|note| (!note.kind.opens(), note.created_at, note.message_id));
        mine.dedup_by_key(|note| note.message_id);
        mine
    };
    let sides = [of(Side::Requesting), of(Side::Requested)];
    let mut places: HashMap<Digest, (usize, usize)> = HashMap::with_capacity(notes.len());
    for (side, mine) in sides.iter().enumerate() {
        for (place, note) in mine.iter().enumerate() {
            places.insert(note.digest, (side, place));
        }
    }
    let mut next = [0_usize; 2];
    let mut merged = Vec::with_capacity(notes.len());
    loop {
        let [asks, answers] = [0, 1].map(|side| sides.get(side).and_then(|mine| mine.get(next_of(&next, side))));
        let first = match (asks, answers) {
            (None, None) => return merged,
            (Some(_), None) => 0,
            (None, Some(_)) => 1,
            (Some(ask), Some(answer)) => {
                let waits = |note: &Note, side: usize| {
                    let target = note.in_reply_to.and_then(|digest| places.get(&digest));
                    target.is_some_and(|(other, place)| *other != side && *place >= next_of(&next, *other))
                };
                match (waits(ask, 0) && !ask.kind.opens(), waits(answer, 1)) {
                    (true, false) => 1,
                    (false, true) => 0,
                    _ if ask.kind.opens() => 0,
                    _ => usize::from((answer.created_at, answer.message_id) < (ask.created_at, ask.message_id)),
                }
            }
        };
        if let (Some(note), Some(place)) = (if first == 0 { asks } else { answers }, next.get_mut(first)) {
            merged.push(*note);
            *place += 1;
        }
    }
}

fn next_of(next: &[usize; 2], side: usize) -> usize {
    next.get(side).copied().unwrap_or(usize::MAX)
}

/// What the speaker of a message may have known when it was written: its own earlier messages, what opened the thread,
/// and of the other side's either all up to the one that is answered, or that one alone, for messages may overtake each
/// other. What only crosses it on the way is in neither. Of a message that names nothing it answers, all that is here may
/// have been known.
pub fn known_to_speaker(notes: &[Note], note: &Note) -> [Vec<Note>; 2] {
    let before = (note.created_at, note.message_id);
    let own = notes.iter().filter(|earlier| earlier.side == note.side);
    let earlier = |note: &&Note| note.kind.opens() || (note.created_at, note.message_id) < before;
    let own: Vec<Note> = own.filter(earlier).cloned().collect();
    let other: Vec<&Note> = ordered(notes).into_iter().filter(|earlier| earlier.side != note.side).collect();
    let answered = note.in_reply_to.and_then(|digest| other.iter().position(|earlier| earlier.digest == digest));
    let heard = |known: &dyn Fn(usize) -> bool| {
        let heard = other.iter().enumerate().filter(|(place, earlier)| known(*place) || earlier.kind.opens());
        heard.map(|(_, earlier)| (*earlier).clone()).chain(own.iter().cloned()).collect()
    };
    [heard(&|place| answered.is_none_or(|last| place <= last)), heard(&|place| answered == Some(place))]
}
