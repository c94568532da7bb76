//! Requests on paper: drawn when they are drafted, so that their digests are approved and signed with them; drawn again
//! by whoever receives or prints them, and compared. A difference is recorded and told; it refuses nothing.

use serde::{Deserialize, Serialize};

use crate::bag::letter::{Compared, Letter, compare_html, printable};
use crate::daemon::desk::{DeskError, acting, message_of, read_message, scene};
use crate::daemon::node::Node;
use crate::daemon::officer::{Admitted, READ};
use crate::law::phrases::{self, EDITION, Phrases};
use crate::model::authority::Authority;
use crate::model::event::{Event, NamedDigest, Outcome};
use crate::model::ident::Id;
use crate::model::message::Message;
use crate::model::rendition::Rendition;

/// A printed request as the officers' socket hands it out; the files in base64.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Printed {
    /// The language of its fixed text.
    pub language: String,
    /// The HTML file.
    pub html: String,
    /// The PDF file.
    pub pdf: String,
    /// What the signed digest says of it.
    pub signed: String,
}

/// The digests of a draft's printable forms: in its own language and in those that the addressee accepts.
pub fn renditions(message: &Message, peer: &Authority) -> Vec<Rendition> {
    let Some((request, standing)) = printable(message) else { return Vec::new() };
    let wanted = phrases::wanted(&message.language, peer.languages.iter().map(String::as_str));
    wanted.into_iter().map(|one| Letter::draw(message, request, standing, one).rendition(one)).collect()
}

/// Draws a request for an officer; that it was printed stands in the log.
///
/// # Errors
/// [`DeskError`] when there is nothing to print, or not in that language.
pub fn print(node: &Node, officer: &Admitted, id: Id, language: Option<&str>) -> Result<Printed, DeskError> {
    let row = node.message(message_of(node, id)?)?;
    let actor = acting(node, officer, READ, &row)?;
    let message = read_message(node, &row)?;
    let (request, standing) = printable(&message).ok_or(DeskError::NothingToPrint)?;
    let phrases = match language {
        Some(tag) => phrases::of(tag).ok_or_else(|| DeskError::NoSuchLanguage(tag.chars().take(40).collect()))?,
        None => first_language(&message),
    };
    let letter = Letter::draw(&message, request, standing, phrases);
    let drawn = letter.rendition(phrases);
    let signed = message.renditions.iter().find(|one| one.language == phrases.language);
    let signed = match signed {
        None => "none in this language; the message prevails",
        Some(one) if one.edition != EDITION => Compared::OtherEdition.told(),
        Some(one) if *one == drawn => Compared::Same.told(),
        Some(_) => Compared::Different.told(),
    };
    let digests = vec![NamedDigest::new("html", drawn.html), NamedDigest::new("pdf", drawn.pdf)];
    let reason = format!("printed in {}", phrases.language);
    node.commit(scene(node, actor).handled(Event::MessageRead, &row, &reason, digests))?;
    Ok(Printed {
        language: phrases.language.clone(),
        html: crate::model::base64::encode(&letter.html),
        pdf: crate::model::base64::encode(&letter.pdf),
        signed: signed.to_owned(),
    })
}

/// The language in which a request is printed if nobody names one: the first that was signed.
fn first_language(message: &Message) -> &'static Phrases {
    let signed = message.renditions.iter().find_map(|one| phrases::of(&one.language));
    signed.or_else(|| phrases::of(&message.language)).unwrap_or_else(phrases::english)
}

/// What a request that came in looks like, compared with what was signed; a difference is recorded. What cannot be
/// recorded is told in the log lines: the request stands in the custody log all the same.
pub fn on_receipt(node: &Node, message: &Message) {
    let differs = |one: &&Rendition| compare_html(one, message) == Compared::Different;
    let digests: Vec<NamedDigest> = message
        .renditions
        .iter()
        .filter(differs)
        .map(|one| NamedDigest::new(&format!("signed/{}", one.language), one.html))
        .collect();
    if digests.is_empty() {
        return;
    }
    let recorded = node.message(message.message_id).map_err(DeskError::from).and_then(|row| {
        let mut act = node.scene().handled(Event::RenditionDiffered, &row, "", digests);
        act.record.outcome = Outcome::Failed("rendition-differs".to_owned());
        Ok(node.commit(act)?)
    });
    if let Err(error) = recorded {
        tracing::warn!(%error, "that a printed form differs from what was signed could not be recorded");
    }
}

/// Each signed printable form, and whether this node draws the same.
pub fn told(message: &Message) -> Vec<serde_json::Value> {
    let one = |one: &Rendition| {
        let told = compare_html(one, message).told();
        serde_json::json!({ "language": one.language, "edition": one.edition, "html": one.html, "pdf": one.pdf, "told": told })
    };
    message.renditions.iter().map(one).collect()
}
