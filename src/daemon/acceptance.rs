//! How officers accept conditions, on a package or in an offer. Refuses where none waits, after the time to do so, and one
//! person where two are needed.

use crate::daemon::desk;
use crate::daemon::desk::DeskError;
use crate::daemon::drafting::{self, Draft};
use crate::daemon::evidence::EvidenceError;
use crate::daemon::node::Node;
use crate::daemon::officer::Admitted;
use crate::daemon::{clock, terms};
use crate::exchange::rows::{Direction, MessageRow, MessageState};
use crate::law::conditions::Standing;
use crate::model::ident::Id;
use crate::model::message::{Body, MessageKind};
use crate::model::request::ConditionsAcceptance;

/// Accepts every condition that waits, of a package or of an offer (named by its message). The first officer's call drafts
/// the acceptance; the same call by a second one approves and sends it, where a second person is required.
///
/// # Errors
/// [`EvidenceError`] when there is nothing to accept, or the officer drafted it himself.
pub fn accept_conditions(node: &Node, officer: &Admitted, target: Id) -> Result<MessageRow, EvidenceError> {
    let carrier = carrier(node, target)?;
    let open = waiting(node, &carrier, target)?;
    let request = node.request(carrier.request_id).map_err(DeskError::from)?;
    drafting::in_turn(&request, MessageKind::ConditionsAccept)?;
    for id in request.messages.iter().rev() {
        let row = node.message(*id).map_err(DeskError::from)?;
        let waiting = matches!(row.state, MessageState::Drafted | MessageState::Approved);
        if row.kind != MessageKind::ConditionsAccept || row.direction != Direction::Outgoing || !waiting {
            continue;
        }
        let message = desk::read_message(node, &row)?;
        if matches!(&message.body, Body::Acceptance(body) if body.package_id == target) {
            if row.state == MessageState::Drafted {
                desk::approve(node, officer, row.message_id)?;
            }
            return Ok(desk::send(node, officer, row.message_id)?);
        }
    }
    let body = Body::Acceptance(ConditionsAcceptance {
        package_id: target,
        condition_ids: open,
        responsible_authority: node.config().name.clone(),
    });
    let drafted = drafting::draft(node, officer, Draft::in_thread(&request, Some(carrier.digest), body))?;
    Ok(desk::send_if_alone_may(node, officer, drafted)?)
}

/// The message that brought the conditions.
fn carrier(node: &Node, target: Id) -> Result<MessageRow, DeskError> {
    let id = node.package(target).map_or(target, |package| package.message_id);
    Ok(node.message(id)?)
}

/// The conditions of the other side that wait.
fn waiting(node: &Node, carrier: &MessageRow, target: Id) -> Result<Vec<String>, EvidenceError> {
    let (thread, now) = (terms::thread(node, carrier.request_id)?, clock::now());
    let Some(set) = thread.handshake.set(target) else { return Err(EvidenceError::NothingToAccept) };
    if carrier.direction != Direction::Incoming {
        return Err(EvidenceError::NothingToAccept);
    }
    let terms = thread.handshake.terms(set, now);
    let waits = |standing| matches!(standing, Standing::Offered | Standing::Countered | Standing::Declined);
    let open: Vec<String> =
        terms.iter().filter(|term| waits(term.standing)).map(|term| term.condition.id.clone()).collect();
    if !open.is_empty() {
        return Ok(open);
    }
    let late = terms.iter().find(|term| term.standing == Standing::Expired);
    match late.and_then(|term| term.condition.accept_by.or(set.accept_by)) {
        Some(until) => Err(EvidenceError::TooLate { until, setter: set.setter.clone() }),
        None => Err(EvidenceError::NothingToAccept),
    }
}
