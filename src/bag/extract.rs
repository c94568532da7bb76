//! A part of a package for one recipient: which files, which records go with them, and the text that says so. Leaves out every
//! record whose words an officer wrote for another purpose: words may name other cases.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::bag::custody::Proven;
use crate::bag::folder::Folder;
use crate::bag::layout::EXTRACT;
use crate::bag::verdict::Findings;
use crate::model::event::{CustodyRecord, Event, Outcome};
use crate::model::ident::{AuthorityId, Id};
use crate::model::limits::TAG_FILE_BYTES_MAX;
use crate::model::message::Message;
use crate::model::package::Item;

/// What an extract holds, and for whom it was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Extract {
    /// The numbers of its files, ascending.
    pub objects: Vec<u32>,
    /// For whom; empty if nobody was named.
    pub recipient: String,
}

impl Extract {
    /// The files of the message that are in it.
    pub fn items(&self, message: &Message) -> Vec<Item> {
        let items = message.consignment.iter().flat_map(|consignment| &consignment.items);
        items.filter(|item| self.objects.contains(&item.object_id)).cloned().collect()
    }

    /// The text in the bag.
    pub fn text(&self, message: &Message) -> String {
        let items = message.consignment.iter().flat_map(|consignment| &consignment.items);
        let left_out: Vec<u32> =
            items.map(|item| item.object_id).filter(|object_id| !self.objects.contains(object_id)).collect();
        format!(
            "Extract, format 1\n\nFor: {}\nFiles: {}\nLeft out: {}\n\n\
             This bag holds a part of a package. rogatory/message.pb, which {} signed, names every file of the package with its\n\
             SHA-256; those left out are not here and cannot be checked here. The request itself, and custody records that\n\
             concern another purpose, are left out as well.\n",
            if self.recipient.is_empty() { "-" } else { &self.recipient },
            numbers(&self.objects),
            numbers(&left_out),
            message.sender.authority
        )
    }

    /// Reads the text of a bag: it must be exactly the one that [`Self::text`] makes.
    pub fn read(text: &str, message: &Message) -> Option<Self> {
        let line = |label: &str| text.lines().find_map(|line| line.strip_prefix(label));
        let recipient = line("For: ").filter(|name| *name != "-").unwrap_or_default().to_owned();
        let objects = line("Files: ")?.split(", ").map(str::parse).collect::<Result<Vec<u32>, _>>().ok()?;
        let extract = Self { objects, recipient };
        (extract.text(message) == text && extract.items(message).len() == extract.objects.len()).then_some(extract)
    }

    /// The reason that stands in the custody log for an export. One reason names one recipient: a purpose that reads like
    /// the name of one is told apart.
    pub fn reason(recipient: &str, purpose: &str) -> String {
        match (recipient.is_empty(), names_somebody(purpose)) {
            (true, false) => purpose.to_owned(),
            (true, true) => format!("for -: {purpose}"),
            (false, _) => format!("for {recipient}: {purpose}"),
        }
    }

    /// Whether a name can stand in the reason of an export and be read out of it again.
    pub fn may_name(recipient: &str) -> bool {
        recipient != "-" && !recipient.contains(": ") && !recipient.chars().any(char::is_control)
    }

    /// Whether the reason of an export names this recipient, or nobody if it has none. Attack: whoever passes an extract on
    /// would take away for whom it was made, or shorten the name.
    fn is_named_in(&self, reason: &str) -> bool {
        if self.recipient.is_empty() {
            return !names_somebody(reason) || reason.starts_with("for -: ");
        }
        Self::may_name(&self.recipient) && reason.starts_with(&Self::reason(&self.recipient, ""))
    }
}

fn names_somebody(reason: &str) -> bool {
    reason.starts_with("for ") && reason.contains(": ")
}

/// What an extract may speak of.
#[derive(Debug, Clone)]
pub struct Scope {
    /// The package.
    pub package_id: Id,
    /// The message that names it, the request, the acceptances of its conditions.
    pub messages: BTreeSet<Id>,
    /// The reason of this export.
    pub reason: String,
}

impl Scope {
    /// Whether a record belongs into the extract.
    pub fn keeps(&self, record: &CustodyRecord) -> bool {
        let subject = &record.subject;
        let about = match (subject.message_id, subject.package_id) {
            (Some(message_id), _) => self.messages.contains(&message_id),
            (None, Some(package_id)) => package_id == self.package_id,
            (None, None) => false,
        };
        let other = |package_id: Id| package_id != self.package_id;
        about
            && !subject.package_id.is_some_and(other)
            && record.outcome == Outcome::Success
            && (record.reason.is_empty() || record.reason == self.reason)
    }
}

/// The extract that a bag says it is; `None` for a whole package, and for a text that nobody can have written.
pub fn read(folder: &Folder, message: &Message, findings: &mut Findings) -> Option<Extract> {
    if !folder.holds(EXTRACT) {
        return None;
    }
    findings.saw(EXTRACT);
    let bytes = folder.read(EXTRACT, TAG_FILE_BYTES_MAX).unwrap_or_default();
    let extract = std::str::from_utf8(&bytes).ok().and_then(|text| Extract::read(text, message));
    let what = "The text about the extract fits the signed message";
    findings.judge(what, Some(EXTRACT), extract.ok_or("it is not the text that an export writes"))
}

/// An extract counts only if the exporter's own log says that it was made: else whoever takes a file away could call the
/// rest an extract.
pub fn backed(
    extract: &Extract,
    exporter: Option<&AuthorityId>,
    main: &Message,
    proven: &[Proven],
    findings: &mut Findings,
) {
    let wanted: BTreeSet<u32> = extract.objects.iter().copied().collect();
    let fits = |one: &&Proven| {
        let record = &one.record;
        let named = record.digests.iter().filter_map(|digest| digest.name.strip_prefix("object/")?.parse().ok());
        record.event == Event::PackageExported
            && record.outcome == Outcome::Success
            && Some(&record.authority) == exporter
            && record.subject.message_id == Some(main.message_id)
            && extract.is_named_in(&record.reason)
            && named.collect::<BTreeSet<u32>>() == wanted
    };
    let what = "The exporter's custody log holds that this extract was made: these files, for this recipient";
    let found = proven.iter().find(fits);
    let result = found.ok_or("no proven record of its log says so; files may have been taken away after the export");
    if let Some(one) = findings.judge(what, Some(EXTRACT), result) {
        let whom = if extract.recipient.is_empty() { "nobody named" } else { &extract.recipient };
        findings.tell(format!(
            "This is an extract of the package: file {} of it, made for {whom} on {} (record {} of the custody log of {}).",
            numbers(&extract.objects),
            one.record.at,
            one.index,
            one.record.authority
        ));
    }
    findings.limit(
        "An extract leaves out files, the request, and records of other purposes; the whole package can be had from the \
         authorities.",
    );
}

fn numbers(objects: &[u32]) -> String {
    let texts: Vec<String> = objects.iter().map(u32::to_string).collect();
    if texts.is_empty() { "-".to_owned() } else { texts.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_of_an_export_names_its_own_recipient_and_no_other() {
        let extract = |recipient: &str| Extract { objects: vec![1], recipient: recipient.to_owned() };
        let names = |recipient: &str, reason: &str| extract(recipient).is_named_in(reason);
        for (recipient, purpose) in [("", "trial"), ("", "for the court: trial"), ("", "for trial"), ("A", "B: c")] {
            let reason = Extract::reason(recipient, purpose);
            assert!(names(recipient, &reason), "{reason}");
            for other in ["", "-", "A", "A: B", "the court", "C"] {
                assert_eq!(names(other, &reason), other == recipient, "{other:?} in {reason:?}");
            }
        }
        assert!(!Extract::may_name("A: B") && !Extract::may_name("-") && Extract::may_name("Court 7:b"));
    }
}
