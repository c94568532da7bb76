//! The officers of a node: they write, approve, send and open when the index says that it is time.

use rogatory::exchange::act::DraftFiles;
use rogatory::exchange::rows::{Direction, MessageRow, MessageState, PackageRow, tree as trees};
use rogatory::model::event::{Actor, Event, Role};

use crate::files::part_count;
use crate::index::{Index, value_of};
use crate::node::Node;
use crate::story::{After, STORY};

/// What an officer does next.
pub enum OfficerAct {
    Draft(usize),
    Approve(MessageRow),
    Queue(usize, MessageRow),
    Open(MessageRow),
}

impl OfficerAct {
    /// The next act on that message of the story, if there is one.
    fn next(me: usize, number: usize, index: &Index) -> Option<Self> {
        let row = message_row(number, index);
        if STORY[number].by != me {
            return row.filter(|row| may_open(row, index)).map(Self::Open);
        }
        match row {
            None => due(STORY[number].after, index).then_some(Self::Draft(number)),
            Some(row) if row.state == MessageState::Drafted => Some(Self::Approve(row)),
            Some(row) if row.state == MessageState::Approved => Some(Self::Queue(number, row)),
            Some(_) => None,
        }
    }
}

fn due(after: After, index: &Index) -> bool {
    let row = |number| message_row(number, index);
    match after {
        After::Start => true,
        After::Whole(number) => row(number).is_some_and(|row| row.state == MessageState::Received),
        After::Queued(number) => row(number).is_some_and(|row| row.envelope_id.is_some()),
    }
}

/// Whole, not yet opened, and every condition that needs it accepted.
fn may_open(row: &MessageRow, index: &Index) -> bool {
    let Some(package) = row.package_id.and_then(|id| value_of::<PackageRow>(index, trees::PACKAGE, id.as_bytes()))
    else {
        return false;
    };
    let accepted = package.conditions.iter().all(|one| !one.needs_acceptance || one.accepted_index.is_some());
    row.direction == Direction::Incoming
        && package.complete_index.is_some()
        && package.opened_index.is_none()
        && accepted
}

fn message_row(number: usize, index: &Index) -> Option<MessageRow> {
    value_of(index, trees::MESSAGE, STORY[number].message.message_id.as_bytes())
}

fn officer(name: &str) -> Actor {
    Actor::Officer { name: name.parse().unwrap(), role: Role::Drafter, authentication: "unix-uid:1000".to_owned() }
}

impl Node {
    pub fn officer(&mut self, now: u64) {
        if self.live().officer_at > now {
            return;
        }
        if let Some(act) = self.next_act() {
            self.perform(&act, now);
            let pause = self.rng.between(1, 3_000);
            self.live().officer_at = now + pause;
        }
    }

    pub fn next_act(&self) -> Option<OfficerAct> {
        let index = &self.live.as_ref()?.index;
        (0..STORY.len()).find_map(|number| OfficerAct::next(self.me, number, index))
    }

    pub fn perform(&mut self, act: &OfficerAct, now: u64) {
        let mut scene = self.scene(now);
        let index = &self.live.as_ref().unwrap().index;
        match act {
            OfficerAct::Draft(number) => {
                let planned = &STORY[*number];
                let files = planned
                    .archive_stanza
                    .clone()
                    .map(|archive_stanza| DraftFiles { blobs: planned.sealed.envelope.blobs.clone(), archive_stanza });
                scene.actor = officer("Ana Novak");
                self.commit(&scene.drafted(&planned.message, planned.signed.content.clone(), files), now);
            }
            OfficerAct::Approve(row) => {
                scene.actor = officer("Ben Ode");
                self.commit(&scene.decided(Event::MessageApproved, row, "good"), now);
            }
            OfficerAct::Queue(number, row) => {
                let planned = &STORY[*number];
                self.commit(&scene.queued(row, planned.signed.clone(), planned.sealed.clone()), now);
            }
            OfficerAct::Open(row) => {
                let package = row.package_id.unwrap();
                let facts = self.envelope_facts(row);
                for (blob, object) in facts.blobs.iter().zip(0_usize..) {
                    let mut whole = Vec::new();
                    for part in 0..part_count(blob) {
                        whole.extend_from_slice(&self.disk.part((package, blob.object_id, part)).unwrap());
                    }
                    let number = STORY.iter().position(|planned| planned.message.message_id == row.message_id).unwrap();
                    assert_eq!(
                        whole, *STORY[number].objects[object],
                        "the files that came are the files that were sent"
                    );
                }
                assert!(index.contains_key(&(trees::PACKAGE.to_owned(), package.as_bytes().to_vec())));
                self.commit(&scene.handed_over(row, facts), now);
            }
        }
    }
}
