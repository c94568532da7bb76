//! The story that the verified bytes tell: who sent what to whom, when it was received and opened, under which conditions.
//! Tells nothing that no passed check stands behind, and names each time as what it is: the clock of one node.

use crate::bag::acts::Acts;
use crate::bag::custody::Proven;
use crate::bag::extract;
use crate::bag::folder::Folder;
use crate::bag::layout::{BAG_INFO, CONDITIONS, LOGS};
use crate::bag::listed::is_in_bag;
use crate::bag::notes::{EXPORTED_AT_LABEL, EXPORTER_LABEL, Notes, TEXTS_FORMAT_LABEL, bag_info_fields, payload};
use crate::bag::retold;
use crate::bag::verdict::Findings;
use crate::model::event::{Event, Outcome, Stage};
use crate::model::ident::AuthorityId;
use crate::model::limits::{CLOCK_SKEW_MS_MAX, TAG_FILE_BYTES_MAX};
use crate::model::message::Message;
use crate::model::package::Item;
use crate::model::time::Timestamp;

/// Whether anything could be proven at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judged {
    /// There is a directory that names the keys.
    ByDirectory,
    /// There is none, and nothing was proven.
    ByNobody,
}

/// Tells the story, compares the texts for people with it, and says what is out of order. Who exported, by its own word.
pub fn tell(
    folder: &Folder,
    acts: &Acts,
    proven: &[Proven],
    judged: Judged,
    findings: &mut Findings,
) -> Option<AuthorityId> {
    sent(acts, findings);
    handled(acts, proven, findings);
    times(acts, proven, findings);
    let texts: Vec<Message> = acts.acceptances.iter().map(|act| act.message.clone()).collect();
    let signed = acts.acceptances.iter().filter(|act| act.signer.is_some());
    let signed: Vec<Message> = signed.map(|act| act.message.clone()).collect();
    let notes = notes(folder, acts, &texts, findings);
    if let (Some(extract), Judged::ByDirectory) = (&acts.extract, judged) {
        let exporter = notes.as_ref().map(|notes| notes.exporter);
        extract::backed(extract, exporter, &acts.main.message, proven, findings);
    }
    let exporter = notes.as_ref().map(|notes| notes.exporter.clone());
    if let Some(notes) = notes {
        // The text follows from what lies there; the claim only from what was found to be signed.
        conditions(&Notes { acceptances: &signed, ..notes }, findings);
    }
    let stamped = folder.below(LOGS).any(|path| path.ends_with(".tsr"));
    findings.limit(match stamped {
        false => "Times are those of the two nodes' clocks, as their signed logs state them; no independent time-stamp is in the bag.",
        true => "Times are those of the two nodes' clocks, as their signed logs state them; a time-stamp says until when at the latest.",
    });
    findings.limit(
        "A record that the exporter left out cannot be noticed here; an auditor compares with the custody log itself.",
    );
    exporter
}

fn sent(acts: &Acts, findings: &mut Findings) {
    let main = &acts.main;
    let Some(signer) = &main.signer else { return };
    let message = &main.message;
    findings.heading("Sent by whom");
    findings.tell(format!(
        "Sent by {} to {}, written by officer {} on {}.",
        message.sender.authority,
        message.recipient,
        message.sender.officer.as_str(),
        message.created_at
    ));
    findings.tell(format!(
        "Signed on {} with the certificate of {}, issued by {}.",
        signer.signing_time(),
        signer.certificate().facts().subject,
        signer.certificate().facts().issuer
    ));
    let all = message.consignment.iter().flat_map(|consignment| &consignment.items);
    let is_here = |item: &&Item| acts.extract.as_ref().is_none_or(|extract| extract.objects.contains(&item.object_id));
    let items: Vec<&Item> = all.clone().filter(is_here).collect();
    findings.heading("Which files");
    if !findings.has_failed() {
        let (files, bytes) = payload(items.iter().copied(), acts.listed);
        findings.tell(format!(
            "Complete and unaltered: {}, {bytes} bytes, each as {} signed it.",
            if files == 1 { "1 file".to_owned() } else { format!("{files} files") },
            message.sender.authority
        ));
    }
    for item in all.filter(|item| is_in_bag(item)) {
        let place = if is_here(&item) { "" } else { " This extract leaves it out." };
        findings.tell(format!(
            "File {}: {}, {} bytes, SHA-256 {}.{place}",
            item.object_id, item.name, item.plaintext_bytes, item.sha256
        ));
    }
}

fn handled(acts: &Acts, proven: &[Proven], findings: &mut Findings) {
    let mut about: Vec<&Proven> = proven
        .iter()
        .filter(|one| one.record.subject.message_id == Some(acts.main.message.message_id))
        .filter(|one| one.record.outcome == Outcome::Success)
        .collect();
    about.sort_by_key(|one| (one.record.at, one.checkpoint.origin().to_owned(), one.index));
    about.dedup_by_key(|one| (one.checkpoint.origin().to_owned(), one.index));
    for (heading, asked) in [
        ("Received when", Asked::Received),
        ("Seen by whom", Asked::Seen),
        ("What else the custody logs say of it", Asked::Else),
    ] {
        findings.heading(heading);
        for one in about.iter().filter(|one| Asked::by(one.record.event) == asked) {
            findings.tell(line(one));
        }
    }
    let stage = |stage| {
        proven.iter().any(|one| {
            let record = &one.record;
            record.transfer.as_ref().is_some_and(|transfer| transfer.stage == stage)
                && record.authority == acts.main.message.recipient
                && record.subject.message_id == Some(acts.main.message.message_id)
                && record.event != Event::MessageDelivered
        })
    };
    let what = "The recipient's custody log shows that the package arrived whole";
    if stage(Stage::ContentConsignment) || stage(Stage::ContentHandover) {
        findings.passed(what, None);
    } else {
        findings.not_checked(what, None, "no proven record of the recipient's log in the bag says so");
    }
}

/// What a reader asks about a package, and which record answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    Received,
    Seen,
    Else,
}

impl Asked {
    const fn by(event: Event) -> Self {
        match event {
            Event::MessageReceived | Event::ContentReceived => Self::Received,
            Event::PackageOpened | Event::PackageHandedOver | Event::PackageExported | Event::MessageRead => Self::Seen,
            _ => Self::Else,
        }
    }
}

fn line(one: &Proven) -> String {
    let record = &one.record;
    let by = record.actor.officer().map(|name| format!(" by officer {}", name.as_str())).unwrap_or_default();
    format!(
        "{}: {} on {}{by} (record {} of its custody log).",
        record.authority,
        record.event.told(),
        record.at,
        one.index
    )
}

/// Within one log the order of the places is the order of time, but for acts that waited a moment for the one writer;
/// between the logs the clocks may differ a little. So one tolerance holds for both.
fn times(acts: &Acts, proven: &[Proven], findings: &mut Findings) {
    let mut odd = Vec::new();
    let mut ordered: Vec<&Proven> = proven.iter().collect();
    ordered.sort_by_key(|one| (one.checkpoint.origin().to_owned(), one.index));
    for (earlier, later) in ordered.iter().zip(ordered.iter().skip(1)) {
        if earlier.checkpoint.origin() == later.checkpoint.origin()
            && later.record.at.plus_millis(CLOCK_SKEW_MS_MAX) < earlier.record.at
        {
            odd.push(format!(
                "record {} of {} is dated before record {}",
                later.index, later.record.authority, earlier.index
            ));
        }
    }
    for act in acts.all() {
        let written = act.message.created_at;
        let id = Some(act.message.message_id);
        let received =
            |one: &&Proven| one.record.event == Event::MessageReceived && one.record.subject.message_id == id;
        for one in proven.iter().filter(received) {
            if one.record.at.plus_millis(CLOCK_SKEW_MS_MAX) < written {
                odd.push(format!(
                    "{}.pb was received on {}, before it was written on {written}",
                    act.stem, one.record.at
                ));
            }
        }
        if let Some(signer) = &act.signer
            && signer.signing_time().plus_millis(CLOCK_SKEW_MS_MAX) < written
        {
            odd.push(format!(
                "{}.pb was signed on {}, before it was written on {written}",
                act.stem,
                signer.signing_time()
            ));
        }
    }
    let what = "The times of all acts are in order";
    match odd.is_empty() {
        true => findings.passed(what, None),
        false => findings.not_checked(
            what,
            None,
            format!("they are not, and only the authorities can say why: {}", odd.join("; ")),
        ),
    }
}

/// Makes the texts for people again from the signed bytes and compares.
fn notes<'a>(
    folder: &Folder,
    acts: &'a Acts,
    acceptances: &'a [Message],
    findings: &mut Findings,
) -> Option<Notes<'a>> {
    findings.saw(BAG_INFO);
    let bytes = folder.read(BAG_INFO, TAG_FILE_BYTES_MAX).unwrap_or_default();
    let fields = bag_info_fields(&bytes).unwrap_or_default();
    let field = |wanted: &str| fields.iter().find(|(label, _)| *label == wanted).map(|(_, value)| *value);
    let main = &acts.main.message;
    let exporter = [&main.sender.authority, &main.recipient]
        .into_iter()
        .find(|party| field(EXPORTER_LABEL) == Some(party.as_str()));
    let exported_at = field(EXPORTED_AT_LABEL).and_then(|text| text.parse::<Timestamp>().ok());
    let what = "bag-info.txt says what the signed message says";
    let (Some(exporter), Some(exported_at)) = (exporter, exported_at) else {
        findings.failed(what, Some(BAG_INFO), "it does not say which of the two authorities exported, and when");
        return None;
    };
    let request = acts.request.as_ref().map(|act| &act.message);
    let extract = acts.extract.as_ref();
    let notes = Notes {
        exporter,
        exported_at,
        message: (&acts.main.signed.content, main),
        request,
        acceptances,
        extract,
        listed: acts.listed,
    };
    let expected = notes.bag_info();
    // The version of the texts may be another one; that is judged with the texts.
    let wrong = expected.iter().filter(|(label, _)| *label != TEXTS_FORMAT_LABEL).find(|(label, value)| {
        let stated: Vec<_> = fields.iter().filter(|(found, _)| found == label).map(|(_, value)| *value).collect();
        stated != [value.as_str()]
    });
    match wrong {
        Some((label, _)) => findings.failed(what, Some(BAG_INFO), format!("its field {label} says something else")),
        None => findings.passed(what, Some(BAG_INFO)),
    }
    if fields.len() > expected.len() {
        findings.not_checked(
            "bag-info.txt holds nothing else",
            Some(BAG_INFO),
            "it has further fields, which nobody signed",
        );
    }
    retold::compare(folder, notes, field(TEXTS_FORMAT_LABEL), findings);
    findings.heading("This copy");
    findings.tell(format!("Exported by {exporter}, by its own word on {exported_at}."));
    Some(notes)
}

fn conditions(notes: &Notes<'_>, findings: &mut Findings) {
    let (_, message) = notes.message;
    findings.heading("Under which conditions");
    if message.conditions.is_empty() {
        findings.tell("The message sets no condition on the use of the files.");
    }
    for condition in &message.conditions {
        let accepted = notes.accepted_by(condition);
        let status = match accepted {
            Some((_, acceptance)) => {
                format!("accepted by {} on {}", acceptance.sender.authority, acceptance.created_at)
            }
            None if condition.origin.needs_acceptance() => "not shown to be accepted".to_owned(),
            None => "binds without acceptance".to_owned(),
        };
        findings.tell(format!("Condition {} ({}), {status}: {}", condition.id, condition.code, condition.text));
        if condition.origin.needs_acceptance() {
            let what = format!("The recipient accepted condition {} by a signed message", condition.id);
            match accepted {
                Some(_) => findings.passed(what, Some(CONDITIONS)),
                None => findings.not_checked(what, Some(CONDITIONS), "no signed acceptance of it is in the bag"),
            }
        }
    }
}
