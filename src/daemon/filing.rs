//! Requests that travel another way: where the addressee declared another channel, or electronic filing was not agreed
//! with it, nothing is queued and no filing is called made. The signed bundle for that way comes out instead.

use serde::{Deserialize, Serialize};

use crate::bag::filing::{Bundle, files};
use crate::bag::letter::{Letter, printable};
use crate::daemon::desk::{DeskError, acting, message_of, read_message};
use crate::daemon::node::Node;
use crate::daemon::officer::{Admitted, READ};
use crate::exchange::act::Scene;
use crate::exchange::rows::{MessageRow, MessageState};
use crate::exchange::sealed::sign_message;
use crate::law::phrases;
use crate::model::base64;
use crate::model::event::{Actor, Event, NamedDigest};
use crate::model::ident::Id;
use crate::model::time::Timestamp;

/// The bundle as the officers' socket hands it out.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Filed {
    /// The way that it must travel.
    pub way: String,
    /// Its files.
    pub files: Vec<FiledFile>,
}

/// One file of it, in base64.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FiledFile {
    /// Its name.
    pub name: String,
    /// Its bytes.
    pub bytes: String,
}

/// Signs a request for another way and records that. Nothing is queued.
///
/// # Errors
/// [`DeskError`]; nothing was recorded.
pub(super) fn file_elsewhere(
    node: &Node,
    actor: Actor,
    row: &MessageRow,
    bytes: Vec<u8>,
    now: Timestamp,
    (way, why): (&str, &str),
) -> Result<MessageRow, DeskError> {
    let signed = sign_message(bytes, &node.keys.load().seal, now)?;
    node.commit(Scene { us: node.us().clone(), now, actor }.filed_elsewhere(row, signed, way, why))?;
    Ok(node.message(row.message_id)?)
}

/// The bundle of a request that was signed for another way. That it was taken out stands in the log.
///
/// # Errors
/// [`DeskError`] when the request did not go another way.
pub fn bundle(node: &Node, officer: &Admitted, id: Id) -> Result<Filed, DeskError> {
    let row = node.message(message_of(node, id)?)?;
    let actor = acting(node, officer, READ, &row)?;
    let MessageState::FiledElsewhere(way) = row.state.clone() else {
        return Err(DeskError::State { act: "take out the bundle of", state: row.state });
    };
    let message = read_message(node, &row)?;
    let (request, standing) = printable(&message).ok_or(DeskError::NothingToPrint)?;
    let (bytes, cms) = node.message_bytes(&row)?;
    let drawn = message.renditions.iter().filter_map(|one| phrases::of(&one.language));
    let letters: Vec<(String, Letter)> =
        drawn.map(|one| (one.language.clone(), Letter::draw(&message, request, standing, one))).collect();
    let directory = node.any_directory().ok_or(DeskError::NoDirectory)?;
    let ours = directory.roster().authority(node.us());
    let signed_at = row.envelope_index.map(|index| node.record(index)).transpose()?.map(|(record, _)| record.at);
    let made = files(&Bundle {
        message: &message,
        way: &way,
        bytes,
        cms: cms.unwrap_or_default(),
        letters,
        issuers: ours.map(|row| row.issuers.as_slice()).unwrap_or_default(),
        lists: ours.map(|row| row.revocation_lists.as_slice()).unwrap_or_default(),
        signed_at: signed_at.unwrap_or(row.updated_at),
    });
    let digests =
        made.iter().map(|(name, bytes)| NamedDigest::new(name, crate::crypto::digest::sha256(bytes))).collect();
    let scene = Scene { us: node.us().clone(), now: crate::daemon::clock::now(), actor };
    node.commit(scene.handled(Event::MessageRead, &row, "bundle taken out", digests))?;
    let files = made.into_iter().map(|(name, bytes)| FiledFile { name, bytes: base64::encode(&bytes) }).collect();
    Ok(Filed { way, files })
}
