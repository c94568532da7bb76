//! The bounds of what a message says and of its ties, kind by kind. Refuses texts that are missing or too long.

use crate::model::message::{Body, Fields, MessageError, MessageKind, Urgency};
use crate::model::package::check_conditions;
use crate::model::rendition;
use crate::model::text::{Need, TextError, line, list, prose};

/// Every bound of a message.
pub(super) fn check(fields: &Fields) -> Result<(), MessageError> {
    if fields.sender.authority == fields.recipient {
        return Err(MessageError::ToSelf);
    }
    line("language", &fields.language, Need::Required)?;
    let reason = if fields.urgency == Urgency::Urgent { Need::Required } else { Need::Optional };
    prose("urgency_reason", &fields.urgency_reason, reason)?;
    if let Some(reply_by) = &fields.reply_by {
        prose("reply_by_reason", &reply_by.reason, Need::Required)?;
    }
    list("legal_bases", fields.legal_bases.len())?;
    fields.legal_bases.iter().try_for_each(|basis| line("legal_bases", basis, Need::Required))?;
    if let Some(basis) = &fields.basis {
        basis.check_bounds()?;
        if fields.body.request().is_none() {
            return Err(MessageError::Basis);
        }
    }
    rendition::check(&fields.renditions)?;
    conditions(fields)?;
    body(&fields.body)?;
    if fields.body.kind().hands_over() && fields.consignment.is_none() {
        return Err(MessageError::NoItems);
    }
    ties(fields)
}

fn ties(fields: &Fields) -> Result<(), MessageError> {
    let kind = fields.body.kind();
    if kind == MessageKind::RequestSupplement && fields.ties.parent.is_none() {
        return Err(MessageError::NoParent);
    }
    if fields.ties.parent == Some(fields.request_id) {
        return Err(MessageError::OwnParent);
    }
    match (kind == MessageKind::RequestUrgent, fields.ties.confirm_by) {
        (true, None) => Err(MessageError::NoConfirmBy),
        (false, Some(_)) => Err(MessageError::StrayConfirmBy),
        _ => Ok(()),
    }
}

/// Only what is sent as evidence, or offered, can be bound to acceptance: nobody accepts the conditions of another message.
fn conditions(fields: &Fields) -> Result<(), MessageError> {
    check_conditions(&fields.conditions)?;
    let kind = fields.body.kind();
    if !kind.sets_conditions() && fields.conditions.iter().any(|condition| condition.origin.needs_acceptance()) {
        return Err(MessageError::Origin);
    }
    if kind == MessageKind::ConditionsOffer && fields.conditions.is_empty() {
        return Err(MessageError::NoConditions);
    }
    Ok(())
}

fn body(said: &Body) -> Result<(), MessageError> {
    match said {
        Body::Request(request) | Body::Asking(_, request) => Ok(request.check_bounds()?),
        Body::Notice(notice) => Ok(notice.check()?),
        other => Ok(texts(other)?),
    }
}

fn texts(said: &Body) -> Result<(), TextError> {
    match said {
        Body::Request(_) | Body::Asking(..) | Body::Notice(_) => Ok(()),
        Body::Acknowledgement(ack) => {
            line("reference", &ack.reference, Need::Optional)?;
            line("contact", &ack.contact, Need::Optional)?;
            if let Some(basis) = &ack.basis {
                basis.check_bounds()?;
            }
            prose("note", &ack.note, Need::Optional)
        }
        Body::Report(report) => prose("text", &report.text, Need::Required),
        Body::Refusal(refusal) => {
            list("grounds", refusal.grounds.len())?;
            refusal.grounds.iter().try_for_each(|ground| line("grounds", ground, Need::Required))?;
            list("measures", refusal.measures.len())?;
            prose("without_consultation", &refusal.without_consultation, Need::Optional)?;
            prose("reasons", &refusal.reasons, Need::Required)
        }
        Body::Evidence(evidence) => {
            line("reference", &evidence.reference, Need::Optional)?;
            prose("description", &evidence.description, Need::Optional)
        }
        Body::Acceptance(acceptance) => {
            list("condition_ids", acceptance.condition_ids.len())?;
            acceptance.condition_ids.iter().try_for_each(|id| line("condition_ids", id, Need::Required))?;
            line("responsible_authority", &acceptance.responsible_authority, Need::Required)
        }
        Body::Withdrawal(withdrawal) => {
            list("measures", withdrawal.measures.len())?;
            prose("reason", &withdrawal.reason, Need::Required)
        }
    }
}
