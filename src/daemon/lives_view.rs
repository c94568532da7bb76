//! What officers are shown of the life of requests: whose turn, the next date, what is owed, every line with its article.
//! Reads only; decides nothing.

use serde_json::{Value, json};

use crate::daemon::desk::DeskError;
use crate::daemon::lives::{is_ours, life_of, state};
use crate::daemon::node::Node;
use crate::exchange::rows::RequestRow;
use crate::law::life::fold::overdue;
use crate::law::life::state::{Duty, Life};
use crate::law::life::table::table;
use crate::model::message::Message;
use crate::model::time::Timestamp;

/// The row of a list: the request with its state, whose turn it is and until when.
///
/// # Errors
/// [`DeskError`] when the index cannot be read.
pub fn line(node: &Node, request: &RequestRow, now: Timestamp) -> Result<Value, DeskError> {
    let life = life_of(node, request)?;
    let mut view = json!(request);
    if let Value::Object(fields) = &mut view {
        fields.insert("state".to_owned(), json!(state(request, &life)));
        fields.insert("next".to_owned(), json!(life.next().map(|duty| duty_view(request, duty, now))));
        fields.insert("turn".to_owned(), json!(life.next().map(|duty| whose(request, duty))));
        let late = life.duties.iter().filter(|duty| overdue(duty, now)).count();
        fields.insert("overdue".to_owned(), json!(late));
    }
    Ok(view)
}

/// The order of the list: what is overdue first, then by the next date, then what owes nothing.
pub fn place(line: &Value) -> (bool, u64, String) {
    let late = line.get("overdue").and_then(Value::as_u64).unwrap_or(0) > 0;
    let due = line.get("next").and_then(|next| next.get("due_ms")).and_then(Value::as_u64).unwrap_or(u64::MAX);
    let id = line.get("request_id").and_then(Value::as_str).unwrap_or_default();
    (!late, due, id.to_owned())
}

/// The life of one request.
///
/// # Errors
/// [`DeskError`] when the index cannot be read.
pub fn life(node: &Node, request: &RequestRow, now: Timestamp) -> Result<Value, DeskError> {
    let life: Life = life_of(node, request)?;
    let parcels: Vec<Value> =
        life.parcels.iter().map(|(id, parcel)| json!({ "package_id": id, "items": parcel.items })).collect();
    Ok(json!({
        "state": state(request, &life),
        "stage": life.stage.name(),
        "over": life.over(),
        "measures": life.measures,
        "packages": parcels,
        "duties": life.duties.iter().map(|duty| duty_view(request, duty, now)).collect::<Vec<_>>(),
        "retain_until": life.retain_until,
        "crossed": life.crossed,
    }))
}

/// What is owed in one request.
///
/// # Errors
/// [`DeskError`] when the index cannot be read.
pub fn duties(node: &Node, request: &RequestRow, now: Timestamp) -> Result<Vec<Value>, DeskError> {
    let life = life_of(node, request)?;
    let mut duties: Vec<Value> = life.duties.iter().map(|duty| duty_view(request, duty, now)).collect();
    if let (true, Some(until)) = (life.over(), life.retain_until) {
        duties.push(json!({
            "what": "retention",
            "says": "look whether its records are still needed",
            "article": table().duty("destroy").map(|duty| duty.article.as_str()),
            "owner": "us",
            "due": until,
            "due_ms": until.as_millis(),
            "overdue": until < now,
        }));
    }
    for duty in &mut duties {
        if let Value::Object(fields) = duty {
            fields.insert("request_id".to_owned(), json!(request.request_id));
            fields.insert("subject".to_owned(), json!(request.subject));
            fields.insert("counterpart".to_owned(), json!(request.counterpart));
            fields.insert("direction".to_owned(), json!(request.direction));
        }
    }
    Ok(duties)
}

/// What a message does in the life of a request, with the article.
pub fn step(message: &Message) -> Value {
    let word = word_of(message);
    let row = table().step(message.kind(), &word);
    json!(row.map(|row| json!({ "says": row.says, "article": row.article, "mark": row.mark.to_string() })))
}

fn word_of(message: &Message) -> String {
    // The side changes nothing of the word.
    let note = crate::law::life::note::Note::of(
        message,
        crate::model::ident::Digest([0; 32]),
        crate::model::side::Side::Requesting,
    );
    note.word
}

fn duty_view(request: &RequestRow, duty: &Duty, now: Timestamp) -> Value {
    json!({
        "what": duty.key,
        "says": duty.says,
        "article": duty.article,
        "owner": whose(request, duty),
        "due": duty.due,
        "due_ms": duty.due.as_millis(),
        "overdue": overdue(duty, now),
        "cause": duty.cause,
        "package_id": duty.package_id,
    })
}

fn whose(request: &RequestRow, duty: &Duty) -> &'static str {
    if is_ours(request, duty) { "us" } else { "them" }
}
