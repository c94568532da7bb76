//! What officers are shown of the legal basis of a request: what was sent with it, what this node finds, what the other
//! side answered. Reads only; decides nothing.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::daemon::api_routes::NewRequest;
use crate::daemon::basis::{BasisWish, NoLaw, newest, open_gaps};
use crate::daemon::clock;
use crate::daemon::desk::{DeskError, read_message};
use crate::daemon::node::Node;
use crate::exchange::basis::{Answered, Asked, CannotAsk, Gap, LawBook, On, gaps, look_up, look_up_again};
use crate::exchange::rows::{Direction, MessageState, RequestRow};
use crate::model::basis::{BasisComparison, BasisQuestion, Found, Verdict};
use crate::model::date::Date;
use crate::model::ident::Id;
use crate::model::message::{Body, Message, MessageKind};

/// What an officer writes so that the legal basis of a request can be looked up.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NewBasis {
    /// What the one conduct is called; words of the look-up.
    pub crimes: Vec<String>,
    /// Its earliest day.
    pub conduct: Option<Date>,
    /// Instruments whose test of the offence, or of the help, a person found to be met.
    pub tests_met: Vec<String>,
    /// Whether a person found it to be one of the crimes under international law.
    pub international: Found,
    /// Whether a person found it to be the same crime under the requesting State's law.
    pub requesting_law: Found,
    /// Whether a person found it to be extraditable under the requested State's law.
    pub requested_law: Found,
    /// Why the request goes on although the look-up does not say YES.
    pub reason: String,
}

impl NewBasis {
    /// As a draft has it.
    pub fn wish(self) -> BasisWish {
        BasisWish {
            question: BasisQuestion {
                crimes: self.crimes,
                conduct: self.conduct,
                tests_met: self.tests_met,
                international: self.international,
                requesting_law: self.requesting_law,
                requested_law: self.requested_law,
            },
            reason: self.reason,
        }
    }
}

/// What the look-up says to a request that is no draft yet.
///
/// # Errors
/// None but what a later version may find.
pub fn of_file(node: &Node, new: &NewRequest) -> Result<Value, DeskError> {
    let law = match node.law() {
        Ok(law) => law,
        Err(why) => return Ok(nothing(&why)),
    };
    let wish = new.basis.clone().wish();
    let measures: Vec<&str> = new.request.measures.iter().map(|one| one.kind.as_str()).collect();
    let now = clock::now();
    let asked = Asked {
        from: node.us(),
        to: &new.to,
        measures: &measures,
        urgency: new.urgency,
        reference: &new.request.reference,
        legal_bases: &new.legal_bases,
        question: &wish.question,
        reason: &wish.reason,
        day: Date::of(now),
    };
    Ok(match look_up(&law, &asked, On { now }) {
        Ok(answered) => {
            let open =
                if wish.reason.trim().is_empty() { gaps(&law, &answered.lookup, &new.legal_bases) } else { vec![] };
            full(&law, &answered, &open)
        }
        Err(error) => unasked(&law, &error),
    })
}

/// What the look-up says to a request of either side, as this node looks it up now.
///
/// # Errors
/// [`DeskError`] when there is none of that identifier.
pub fn of_request(node: &Node, id: Id) -> Result<Value, DeskError> {
    let request = node.request(id)?;
    let Some((_, message)) = first(node, &request)? else { return Ok(json!({ "sent": null })) };
    let law = match node.law() {
        Ok(law) => law,
        Err(why) => return Ok(nothing(&why)),
    };
    Ok(match look_up_again(&law, &message, On { now: clock::now() }) {
        Some(Ok(answered)) => full(&law, &answered, &open_gaps(node, &message)),
        Some(Err(error)) => unasked(&law, &error),
        None => unasked(&law, &CannotAsk::NoCrime),
    })
}

/// What stands beside the thread of a request: sent, found here, answered by the other side.
///
/// # Errors
/// [`DeskError`] when index or log cannot be read.
pub fn beside(node: &Node, request: &RequestRow) -> Result<Value, DeskError> {
    let Some((state, message)) = first(node, request)? else { return Ok(Value::Null) };
    let unsent = matches!(state, MessageState::Drafted | MessageState::Approved);
    let open = if unsent && request.direction == Direction::Outgoing { open_gaps(node, &message) } else { Vec::new() };
    Ok(json!({
        "sent": message.basis,
        "told": if message.basis.is_none() { "no look-up was sent" } else { "" },
        "here": newest(node, request.request_id)?,
        "acknowledged": acknowledged(node, request)?,
        "gaps": open.iter().map(gap).collect::<Vec<_>>(),
    }))
}

/// The message that began the request, and how far it is.
fn first(node: &Node, request: &RequestRow) -> Result<Option<(MessageState, Message)>, DeskError> {
    let Some(id) = request.messages.first() else { return Ok(None) };
    let row = node.message(*id)?;
    let message = read_message(node, &row)?;
    Ok(Some((row.state, message)))
}

/// What the newest acknowledgement says of the legal basis.
fn acknowledged(node: &Node, request: &RequestRow) -> Result<Option<BasisComparison>, DeskError> {
    for id in request.messages.iter().rev() {
        let row = node.message(*id)?;
        if row.kind == MessageKind::RequestAck
            && let Body::Acknowledgement(ack) = &read_message(node, &row)?.body
        {
            return Ok(ack.basis.as_deref().cloned());
        }
    }
    Ok(None)
}

fn full(law: &LawBook, answered: &Answered, open: &[Gap]) -> Value {
    json!({
        "registry": registry(law),
        "lookup": answered.lookup,
        "opinion": answered.opinion,
        "gaps": open.iter().map(gap).collect::<Vec<_>>(),
        "settled": open.is_empty(),
    })
}

fn unasked(law: &LawBook, why: &CannotAsk) -> Value {
    let gap = gap(&Gap { answer: Verdict::AskAHuman, text: why.to_string() });
    json!({ "registry": registry(law), "gaps": [gap], "settled": false })
}

/// Without a registry nothing is looked up, and nothing stands in the way.
fn nothing(why: &NoLaw) -> Value {
    json!({ "registry": null, "why_not": why.to_string(), "gaps": [], "settled": true })
}

fn registry(law: &LawBook) -> Value {
    let rows = law.book().registry();
    json!({
        "about": rows.about(),
        "rows": rows.rows().len(),
        "sha256": law.registry_digest(),
        "instruments_sha256": law.instruments_digest(),
    })
}

fn gap(gap: &Gap) -> Value {
    json!({ "answer": gap.answer, "text": gap.text })
}
