//! How officers accept the conditions on a package. Refuses where none waits, and one person where two are needed.

use crate::daemon::desk;
use crate::daemon::desk::DeskError;
use crate::daemon::drafting::{self, Draft};
use crate::daemon::evidence::EvidenceError;
use crate::daemon::node::Node;
use crate::daemon::officer::Admitted;
use crate::exchange::rows::{Direction, MessageRow, MessageState};
use crate::model::ident::Id;
use crate::model::message::{Body, MessageKind};
use crate::model::request::ConditionsAcceptance;

/// Accepts every open condition of a package. The first officer's call drafts the acceptance; the same call by a second
/// one approves and sends it, where a second person is required.
///
/// # Errors
/// [`EvidenceError`] when there is nothing to accept, or the officer drafted it himself.
pub fn accept_conditions(node: &Node, officer: &Admitted, package_id: Id) -> Result<MessageRow, EvidenceError> {
    let package = node.package(package_id).map_err(DeskError::from)?;
    let open: Vec<_> = package
        .conditions
        .iter()
        .filter(|condition| condition.needs_acceptance && condition.accepted_index.is_none())
        .map(|condition| condition.id.clone())
        .collect();
    if package.direction != Direction::Incoming || open.is_empty() {
        return Err(EvidenceError::NothingToAccept);
    }
    let request = node.request(package.request_id).map_err(DeskError::from)?;
    drafting::in_turn(&request, MessageKind::ConditionsAccept)?;
    for id in request.messages.iter().rev() {
        let row = node.message(*id).map_err(DeskError::from)?;
        let waiting = matches!(row.state, MessageState::Drafted | MessageState::Approved);
        if row.kind != MessageKind::ConditionsAccept || row.direction != Direction::Outgoing || !waiting {
            continue;
        }
        let message = desk::read_message(node, &row)?;
        if matches!(&message.body, Body::Acceptance(body) if body.package_id == package_id) {
            if row.state == MessageState::Drafted {
                desk::approve(node, officer, row.message_id)?;
            }
            return Ok(desk::send(node, officer, row.message_id)?);
        }
    }
    let carrier = node.message(package.message_id).map_err(DeskError::from)?;
    let body = Body::Acceptance(ConditionsAcceptance {
        package_id,
        condition_ids: open,
        responsible_authority: node.config().name.clone(),
    });
    let drafted = drafting::draft(node, officer, Draft::in_thread(&request, Some(carrier.digest), body))?;
    Ok(desk::send_if_alone_may(node, officer, drafted)?)
}
