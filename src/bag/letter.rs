//! A request as a document for people: fixed text in one language, the content as it was written. The same message gives
//! the same bytes, here and at the receiver. Says nothing that the message does not say.

use crate::bag::letter_parts::{enclosures, help, law, limits, persons, undertakings};
use crate::bag::page::{Block, Cell, Page, cell, fixed, outside, plain, prose, quote, strong};
use crate::bag::report_html::html;
use crate::bag::report_pdf::pdf;
use crate::crypto::digest::sha256;
use crate::law::phrases::{EDITION, Phrases, Texts, of};
use crate::model::message::{Message, Urgency};
use crate::model::rendition::Rendition;
use crate::model::request::RequestBody;

/// Whether the document is a request or the draft of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// A request.
    Formal,
    /// A draft that is shared: no request, and each document says so.
    Draft,
}

/// The two printable forms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// The HTML file.
    pub html: Vec<u8>,
    /// The PDF file.
    pub pdf: Vec<u8>,
}

impl Letter {
    /// Draws the request of a message.
    pub fn draw(message: &Message, request: &RequestBody, standing: Standing, phrases: &'static Phrases) -> Self {
        let page = page(message, request, standing, phrases);
        Self { html: html(&page).into_bytes(), pdf: pdf(&page, message.created_at) }
    }

    /// Its digests, as they are signed.
    pub fn rendition(&self, phrases: &Phrases) -> Rendition {
        Rendition {
            language: phrases.language.clone(),
            edition: EDITION.to_owned(),
            html: sha256(&self.html),
            pdf: sha256(&self.pdf),
        }
    }
}

/// The content of a message that can be printed, and what it is.
pub fn printable(message: &Message) -> Option<(&RequestBody, Standing)> {
    message.body.request().map(|request| (request, Standing::Formal))
}

/// What a signed digest says of the document that we draw ourselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compared {
    /// The same bytes.
    Same,
    /// Other bytes, though the same edition drew them: do not rely on the printed form.
    Different,
    /// Drawn by another edition of the fixed text; the digests cannot be compared.
    OtherEdition,
}

impl Compared {
    /// The sentence for people.
    pub const fn told(self) -> &'static str {
        match self {
            Self::Same => "the same, this is what was signed",
            Self::Different => "DIFFERS from what was signed: rely on the message, not on a printed form",
            Self::OtherEdition => "made by another edition of the fixed text, cannot be compared here",
        }
    }
}

/// Draws the HTML form anew and compares it with the digest that was signed; the PDF is compared when it is printed.
pub fn compare_html(signed: &Rendition, message: &Message) -> Compared {
    let (Some(phrases), Some((request, standing))) = (of(&signed.language), printable(message)) else {
        return Compared::OtherEdition;
    };
    if signed.edition != EDITION {
        return Compared::OtherEdition;
    }
    let ours = sha256(html(&page(message, request, standing, phrases)).as_bytes());
    if ours == signed.html { Compared::Same } else { Compared::Different }
}

/// The document.
fn page(message: &Message, request: &RequestBody, standing: Standing, phrases: &'static Phrases) -> Page {
    let text = &phrases.text;
    let title = if standing == Standing::Draft { &text.draft_title } else { &text.title };
    let mut blocks = vec![Block::Title(title)];
    if standing == Standing::Draft {
        blocks.push(Block::Notice(vec![vec![strong(text.draft_mark.as_str())], vec![plain(text.draft_note.as_str())]]));
    }
    blocks.push(Block::Pairs(head(message, request, text)));
    blocks.extend(basis(message, text));
    blocks.extend(proceedings(request, text));
    blocks.extend(persons(request, phrases));
    blocks.extend(facts(request, text));
    blocks.extend(law(request, phrases));
    blocks.extend(help(request, phrases));
    for (heading, content) in [
        (&text.purpose, &request.purpose),
        (&text.procedure, &request.special_procedure),
        (&text.privilege, &request.privilege_to_refuse_testimony),
        (&text.confidentiality, &request.confidentiality),
    ] {
        blocks.extend(chapter(heading, content));
    }
    blocks.extend(limits(message, request, text));
    blocks.extend(chapter(&text.costs, &request.costs));
    blocks.extend(undertakings(message, request, phrases));
    blocks.extend(enclosures(message, request, phrases));
    blocks.extend(foot(standing, text));
    let mark = if standing == Standing::Draft { format!("{} · ", text.draft_mark) } else { String::new() };
    Page {
        name: format!("{title} {}", message.request_id),
        foot: format!("{mark}{} {}", text.request, message.request_id),
        language: &phrases.language,
        count: (&text.page, &text.of),
        blocks,
    }
}

fn head(message: &Message, request: &RequestBody, text: &'static Texts) -> Vec<(&'static str, Cell)> {
    let urgency = match message.urgency {
        Urgency::Routine => cell(plain(text.routine.as_str())),
        Urgency::Urgent => {
            let mut lines = cell(strong(text.urgent.as_str()));
            lines.extend(prose(&message.urgency_reason));
            lines
        }
    };
    let mut pairs = vec![
        (text.from.as_str(), cell(strong(message.sender.authority.as_str()))),
        (text.to.as_str(), cell(strong(message.recipient.as_str()))),
        (text.reference.as_str(), cell(outside(&request.reference))),
        (text.request.as_str(), cell(fixed(message.request_id.to_string()))),
        (text.message.as_str(), cell(fixed(message.message_id.to_string()))),
        (text.written.as_str(), cell(plain(message.created_at.to_string()))),
        (text.officer.as_str(), cell(outside(message.sender.officer.as_str()))),
        (text.subject.as_str(), cell(outside(&request.subject))),
        (text.language.as_str(), cell(outside(&message.language))),
        (text.urgency.as_str(), urgency),
    ];
    if !request.reply_language.is_empty() {
        pairs.push((text.reply_language.as_str(), cell(outside(&request.reply_language))));
    }
    pairs
}

fn basis(message: &Message, text: &'static Texts) -> Vec<Block> {
    let mut blocks = vec![Block::Heading(&text.basis)];
    if message.legal_bases.is_empty() {
        blocks.push(Block::Text(vec![plain(text.no_basis.as_str())]));
    }
    blocks.extend(message.legal_bases.iter().map(|basis| Block::Text(vec![outside(basis)])));
    blocks
}

fn proceedings(request: &RequestBody, text: &'static Texts) -> Vec<Block> {
    let pairs = [
        (&text.nature, &request.nature_of_proceedings),
        (&text.authority, &request.proceeding_authority),
        (&text.functions, &request.proceeding_authority_functions),
    ];
    let told = pairs.into_iter().filter(|(_, content)| !content.is_empty());
    let rows: Vec<_> = told.map(|(name, content)| (name.as_str(), prose(content))).collect();
    if rows.is_empty() { Vec::new() } else { vec![Block::Heading(&text.proceedings), Block::Pairs(rows)] }
}

fn facts(request: &RequestBody, text: &'static Texts) -> Vec<Block> {
    let mut blocks = chapter(&text.facts, &request.facts);
    if let Some(from) = request.conduct_from.or(request.conduct_to) {
        let to = request.conduct_to.filter(|to| *to != from).map(|to| format!(" {} {to}", text.until));
        let days = plain(format!("{from}{}", to.unwrap_or_default()));
        blocks.push(Block::Pairs(vec![(text.conduct.as_str(), cell(days))]));
    }
    blocks
}

/// A heading and the words below it; nothing where there are no words.
fn chapter(heading: &'static str, content: &str) -> Vec<Block> {
    if content.trim().is_empty() { Vec::new() } else { vec![Block::Heading(heading), quote(content)] }
}

fn foot(standing: Standing, text: &'static Texts) -> Vec<Block> {
    let mut blocks = vec![Block::Heading(&text.signature)];
    if standing == Standing::Formal {
        blocks.push(Block::Text(vec![plain(text.sealed.as_str())]));
        blocks.push(Block::Notice(vec![
            vec![plain(text.by_hand.as_str())],
            vec![plain("")],
            vec![plain("________________________________________________________________________________")],
        ]));
    } else {
        blocks.push(Block::Text(vec![strong(text.draft_mark.as_str())]));
    }
    blocks.push(Block::Text(vec![plain(text.as_written.as_str())]));
    blocks
}

#[cfg(test)]
mod tests;
