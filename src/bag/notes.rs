//! The short texts of a bag: `bag-info.txt` and `conditions.txt`. Each follows from the signed bytes, so the verifier makes
//! them again and compares: a text that says something else is found.

use crate::bag::extract::Extract;
use crate::bag::layout;
use crate::bag::listed::is_in_bag;
use crate::crypto::digest::sha256;
use crate::model::ident::AuthorityId;
use crate::model::listed::ListTotals;
use crate::model::message::{Body, Message};
use crate::model::package::{Condition, Item};
use crate::model::time::Timestamp;

/// What the texts are made of.
#[derive(Debug, Clone, Copy)]
pub struct Notes<'a> {
    /// Who made the bag.
    pub exporter: &'a AuthorityId,
    /// When, by whole seconds.
    pub exported_at: Timestamp,
    /// The message that names the files, exact bytes and decoded.
    pub message: (&'a [u8], &'a Message),
    /// The request, if it stands beside.
    pub request: Option<&'a Message>,
    /// The acceptances, in order.
    pub acceptances: &'a [Message],
    /// What the bag holds, if it is not the whole package.
    pub extract: Option<&'a Extract>,
    /// How many files the list names, if the package is a folder.
    pub listed: Option<ListTotals>,
}

/// The label of the exporting authority in `bag-info.txt`.
pub const EXPORTER_LABEL: &str = "Source-Organization";
/// The label of the instant of export.
pub const EXPORTED_AT_LABEL: &str = "Rogatory-Exported-At";

/// The label of the format of the texts for people.
pub const TEXTS_FORMAT_LABEL: &str = "Rogatory-Texts-Format";
/// The format of the texts for people. Another number when any byte of any of them changes: a verifier of another number
/// cannot make them again, and says so instead of calling them altered.
pub const TEXTS_FORMAT: &str = "1";

impl Notes<'_> {
    /// The fields of `bag-info.txt`, in order.
    pub fn bag_info(&self) -> Vec<(&'static str, String)> {
        let (_, message) = self.message;
        let all = message.consignment.as_ref().map(|consignment| consignment.items.clone()).unwrap_or_default();
        let items = self.extract.map_or(all, |extract| extract.items(message));
        let (files, bytes) = payload(&items, self.listed);
        let package = message.consignment.as_ref().map(|consignment| consignment.seal_id.to_string());
        let exported_at = self.exported_at.to_string();
        vec![
            (EXPORTER_LABEL, self.exporter.to_string()),
            ("Bagging-Date", exported_at.chars().take(10).collect()),
            ("External-Identifier", package.unwrap_or_default()),
            ("Internal-Sender-Identifier", message.request_id.to_string()),
            ("Payload-Oxum", format!("{bytes}.{files}")),
            (EXPORTED_AT_LABEL, exported_at),
            ("Rogatory-Bag-Format", "1".to_owned()),
            (TEXTS_FORMAT_LABEL, TEXTS_FORMAT.to_owned()),
        ]
    }

    /// The conditions as people read them.
    pub fn conditions(&self) -> String {
        let (bytes, message) = self.message;
        let mut text = format!(
            "Conditions, format 1\n\nMade from rogatory/message.pb, which {} signed and which prevails over this text.\n\
             SHA-256 of the message: {}\n",
            message.sender.authority,
            sha256(bytes)
        );
        if message.conditions.is_empty() {
            text.push_str("\nThe message sets no condition.\n");
        }
        for condition in &message.conditions {
            text.push_str(&self.condition(condition));
        }
        text
    }

    fn condition(&self, condition: &Condition) -> String {
        let covers = match condition.objects.as_slice() {
            [] => "the whole package".to_owned(),
            some => some.iter().map(|object| format!("file {object}")).collect::<Vec<_>>().join(", "),
        };
        let source = if condition.legal_source.is_empty() { "not stated" } else { &condition.legal_source };
        let status = match self.accepted_by(condition) {
            Some((number, acceptance)) => format!(
                "accepted by {} on {} ({}.pb), responsible: {}",
                acceptance.sender.authority,
                acceptance.created_at,
                layout::acceptance(number),
                responsible(acceptance)
            ),
            None if condition.origin.needs_acceptance() => "no acceptance is in this bag".to_owned(),
            None => format!("binds without acceptance ({})", condition.origin.name()),
        };
        // Every line of the text is set in, so that it cannot pass for one of the lines above it.
        let words: String = condition.text.lines().map(|line| format!("    {line}\n")).collect();
        format!(
            "\n[{}] {}\ncovers: {covers}\nlegal source: {source}\nstatus: {status}\n\n{words}",
            condition.id, condition.code
        )
    }

    /// The acceptance that names the condition, with its number.
    pub fn accepted_by(&self, condition: &Condition) -> Option<(usize, &Message)> {
        (1..).zip(self.acceptances).find(|(_, acceptance)| match &acceptance.body {
            Body::Acceptance(body) => body.condition_ids.contains(&condition.id),
            _ => false,
        })
    }
}

/// How many files of a package stand in a bag, and their bytes.
pub fn payload<'a>(items: impl IntoIterator<Item = &'a Item>, listed: Option<ListTotals>) -> (u64, u64) {
    let listed = listed.unwrap_or_default();
    let here = items.into_iter().filter(|item| is_in_bag(item));
    here.fold((listed.files, listed.bytes), |(files, bytes), item| {
        (files + 1, bytes.saturating_add(item.plaintext_bytes))
    })
}

/// `bag-info.txt` from its fields.
pub fn bag_info_text(fields: &[(&'static str, String)]) -> String {
    fields.iter().map(|(label, value)| format!("{label}: {value}\n")).collect()
}

/// The fields of a `bag-info.txt`; none if it is no such text.
pub fn bag_info_fields(bytes: &[u8]) -> Option<Vec<(&str, &str)>> {
    let text = std::str::from_utf8(bytes).ok()?.strip_suffix('\n')?;
    text.split('\n').map(|line| line.split_once(": ")).collect()
}

fn responsible(acceptance: &Message) -> &str {
    match &acceptance.body {
        Body::Acceptance(body) => &body.responsible_authority,
        _ => "",
    }
}
