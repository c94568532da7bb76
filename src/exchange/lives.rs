//! The life of a request as this node's index knows it: reads what the fold needs of the messages that were exchanged.
//! Drafts are not among them. Decides nothing.

use crate::exchange::rows::{Direction, RequestRow, RowError, from_bytes, tree};
use crate::law::life::fold::fold;
use crate::law::life::note::Note;
use crate::law::life::state::Life;
use crate::model::side::Side;

/// What the fold needs of the messages of a request that were sent or received.
///
/// # Errors
/// What `read` gives, or a row that does not decode.
pub fn notes<E: From<RowError>>(
    request: &RequestRow,
    read: impl Fn(&'static str, &[u8]) -> Result<Option<Vec<u8>>, E>,
) -> Result<Vec<Note>, E> {
    let mut notes = Vec::with_capacity(request.messages.len());
    for id in &request.messages {
        if let Some(bytes) = read(tree::LIFE, id.as_bytes())? {
            notes.push(from_bytes(&bytes)?);
        }
    }
    Ok(notes)
}

/// The life of a request.
///
/// # Errors
/// As [`notes`].
pub fn life<E: From<RowError>>(
    request: &RequestRow,
    read: impl Fn(&'static str, &[u8]) -> Result<Option<Vec<u8>>, E>,
) -> Result<Life, E> {
    Ok(fold(&notes(request, read)?))
}

/// Which side of the thread this node is.
pub const fn our_side(request: &RequestRow) -> Side {
    match request.direction {
        Direction::Outgoing => Side::Requesting,
        Direction::Incoming => Side::Requested,
    }
}
