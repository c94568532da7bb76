//! What officers are shown of terms: every condition with its text, who set it and what became of it. Reads only.

use serde_json::{Value, json};

use crate::daemon::desk::DeskError;
use crate::daemon::node::Node;
use crate::daemon::{clock, terms};
use crate::law::handshake::{Form, Set};
use crate::model::ident::Id;

/// The conditions on a package, in an offer, or of a whole request.
///
/// # Errors
/// [`DeskError`] when nothing of that identifier is known.
pub fn conditions(node: &Node, id: Id) -> Result<Value, DeskError> {
    let (request_id, only) = place(node, id)?;
    let (thread, now) = (terms::thread(node, request_id)?, clock::now());
    let book = terms::book()?;
    let wanted = |set: &&Set| only.is_none_or(|only| only == set.target);
    let mut rows = Vec::new();
    for set in thread.handshake.sets().filter(wanted) {
        for term in thread.handshake.terms(set, now) {
            let mut row = json!(term.condition);
            let code = book.find(&term.condition.code);
            if let Some(fields) = row.as_object_mut() {
                let limit = term.condition.accept_by.or(set.accept_by).map(|limit| limit.to_string());
                fields.insert("on".to_owned(), json!(set.target));
                fields.insert("by_offer".to_owned(), json!(set.form == Form::Offer));
                fields.insert("set_by".to_owned(), json!(set.setter));
                fields.insert("standing".to_owned(), json!(term.standing));
                fields.insert("told".to_owned(), json!(term.standing.name()));
                fields.insert("until".to_owned(), json!(limit));
                fields.insert("known_code".to_owned(), json!(code.is_some()));
                fields.insert("articles".to_owned(), json!(code.map(|code| code.articles()).unwrap_or_default()));
                fields.insert("kept".to_owned(), json!(code.map(|code| code.enforcement.clone())));
            }
            rows.push(row);
        }
    }
    Ok(json!({ "package_id": id, "request_id": request_id, "conditions": rows }))
}

/// The request, and the one set that is meant.
fn place(node: &Node, id: Id) -> Result<(Id, Option<Id>), DeskError> {
    if let Ok(package) = node.package(id) {
        return Ok((package.request_id, Some(id)));
    }
    match node.message(id) {
        Ok(row) => Ok((row.request_id, Some(id))),
        Err(_) => Ok((node.request(id)?.request_id, None)),
    }
}
