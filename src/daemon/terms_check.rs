//! What an officer may write about terms: conditions that fit their codes, steps that answer something. Refuses what would
//! have no effect at the other side, and says what to write instead.

use crate::daemon::clock;
use crate::daemon::desk::DeskError;
use crate::daemon::drafting::Draft;
use crate::daemon::node::Node;
use crate::daemon::terms::{self, TermsError};
use crate::exchange::rows::Direction;
use crate::law::conditions::book::GrammarError;
use crate::model::ident::Id;
use crate::model::message::{Body, MessageKind};
use crate::model::notice::Notice;

/// Checks a draft. Only what this node's officers write is judged here; what a peer writes is read as it is.
///
/// # Errors
/// [`DeskError::Terms`] says what is wrong.
pub(super) fn check(node: &Node, draft: &Draft) -> Result<(), DeskError> {
    let book = terms::book()?;
    for condition in &draft.conditions {
        match book.check(condition) {
            // A newer peer may know it; here it would be a gate with its text.
            Ok(()) | Err(GrammarError::Unknown { .. }) => {}
            Err(error) => return Err(TermsError::from(error).into()),
        }
    }
    match (&draft.body, draft.request_id) {
        (Body::Notice(notice), Some(request_id)) => step(node, request_id, notice),
        _ => Ok(()),
    }
}

fn step(node: &Node, request_id: Id, notice: &Notice) -> Result<(), DeskError> {
    use MessageKind::{
        AssuranceAnswer, ConditionsCounter, ConditionsDecline, ConditionsOffer, ConditionsWaive, ExculpatoryNotice,
        UseConsentDeny, UseConsentGrant, UseConsentRequest,
    };
    match notice.kind {
        ConditionsOffer => {
            let due = notice.due.is_none_or(|due| due > clock::now());
            wanted(due, "the day until which it can be accepted is over; name a later one")?;
            notice.about.map_or(Ok(()), |about| of_ours(node, request_id, about, notice))
        }
        ConditionsWaive => match target(notice) {
            Some(target) => of_ours(node, request_id, target, notice),
            None => Err(out_of_place("say of which package or offer")),
        },
        ConditionsDecline | ConditionsCounter => match target(notice) {
            Some(target) => of_theirs(node, request_id, target, notice),
            None => Err(out_of_place("say of which package or offer")),
        },
        UseConsentRequest | ExculpatoryNotice => {
            let package = notice.package_id.map(|id| node.package(id)).transpose()?;
            let here = package
                .is_some_and(|package| package.request_id == request_id && package.direction == Direction::Incoming);
            wanted(here, "that is about a package that came in this request, and this one did not")
        }
        UseConsentGrant | UseConsentDeny => {
            let thread = terms::thread(node, request_id)?;
            let asked = notice.about.and_then(|about| thread.handshake.consent_request(about));
            wanted(asked.is_some_and(|(by, _)| by != node.us()), "the other side asked for no consent by that message")
        }
        AssuranceAnswer => {
            let row = notice.about.map(|about| node.message(about)).transpose()?;
            let given = row.is_some_and(|row| {
                row.kind == MessageKind::AssuranceGive
                    && row.direction == Direction::Incoming
                    && row.request_id == request_id
            });
            wanted(given, "the other side gave no assurance by that message")
        }
        _ => Ok(()),
    }
}

fn target(notice: &Notice) -> Option<Id> {
    notice.package_id.or(notice.about)
}

fn of_ours(node: &Node, request_id: Id, target: Id, notice: &Notice) -> Result<(), DeskError> {
    let thread = terms::thread(node, request_id)?;
    let set = thread.handshake.set(target).filter(|set| set.setter == *node.us());
    let set = set.ok_or_else(|| out_of_place("this authority set no conditions there; see `conditions list`"))?;
    let known = |id: &String| set.conditions.iter().any(|condition| condition.id == *id);
    wanted(notice.names.iter().all(known), "it names a condition that does not stand there; see `conditions list`")
}

fn of_theirs(node: &Node, request_id: Id, target: Id, notice: &Notice) -> Result<(), DeskError> {
    let thread = terms::thread(node, request_id)?;
    let set = thread.handshake.set(target).filter(|set| set.setter != *node.us());
    let set = set.ok_or_else(|| out_of_place("the other side set no conditions there; see `conditions list`"))?;
    let known = |id: &String| set.conditions.iter().any(|condition| condition.id == *id);
    wanted(notice.names.iter().all(known), "it names a condition that does not stand there; see `conditions list`")
}

fn wanted(holds: bool, otherwise: &'static str) -> Result<(), DeskError> {
    if holds { Ok(()) } else { Err(out_of_place(otherwise)) }
}

fn out_of_place(what: &'static str) -> DeskError {
    TermsError::OutOfPlace(what).into()
}
