//! The report of a bag as a page: what it is, from whom, for whom, under which conditions, who did what with it and which
//! file proves that. Says nothing that no file of the bag says; that the files hold, the verifier says and not the report.

use crate::bag::facts::Facts;
use crate::bag::layout::{self, CONDITIONS, VERIFY};
use crate::bag::listed::is_in_bag;
use crate::bag::notes::payload;
use crate::bag::page::{Block, Cell, Line, Page, Table, cell, fixed, outside, plain, prose, quote, strong};
use crate::bag::report_proofs;
use crate::crypto::digest::sha256;
use crate::model::message::{Body, Message, Urgency};
use crate::model::package::Condition;
use crate::model::request::RequestBody;

/// The report.
pub fn page(facts: &Facts<'_>) -> Page {
    let (_, message) = facts.notes.message;
    let package = message.consignment.as_ref().map(|found| found.seal_id.to_string()).unwrap_or_default();
    let mut blocks = cover(facts, &package);
    blocks.extend(conditions(facts));
    blocks.push(Block::NewPage);
    blocks.extend(message_told(message));
    blocks.extend(files(facts));
    blocks.extend(request(facts));
    blocks.extend(report_proofs::chapters(facts));
    blocks.extend(limits());
    blocks.extend(checking());
    Page {
        name: format!("Evidence package {package}"),
        foot: format!("Package {package}"),
        language: "en",
        count: ("page", "of"),
        blocks,
    }
}

fn cover(facts: &Facts<'_>, package: &str) -> Vec<Block> {
    let notes = &facts.notes;
    let (_, message) = notes.message;
    let (files, bytes) = payload(facts.items(), notes.listed);
    let mut pairs = vec![
        ("From", cell(strong(message.sender.authority.as_str()))),
        ("To", cell(strong(message.recipient.as_str()))),
        ("Package", cell(fixed(package))),
        ("Request", cell(fixed(message.request_id.to_string()))),
    ];
    if let Some(body) = notes.request.and_then(|request| request.body.request()) {
        pairs.push(("Reference of the request", cell(outside(&body.reference))));
        pairs.push(("Subject of the request", cell(outside(&body.subject))));
    }
    if let Some(extract) = notes.extract {
        let whom = if extract.recipient.is_empty() { "nobody in particular" } else { &extract.recipient };
        pairs.push((
            "Extract",
            vec![vec![strong("this is a part of the package only")], vec![plain("made for "), outside(whom)]],
        ));
    }
    pairs.extend([
        ("Written", cell(plain(message.created_at.to_string()))),
        ("Files", cell(plain(format!("{files}, together {} bytes", grouped(bytes))))),
        ("Conditions", cell(plain(condition_count(message)))),
        ("This copy made by", cell(plain(format!("{} on {}", notes.exporter, notes.exported_at)))),
    ]);
    vec![
        Block::Title("Evidence package"),
        Block::Text(vec![plain(
            "Files that one central authority sent to another, with the conditions on their use and with the proofs of \
             who sent, received and opened them. This report is made from the signed files beside it. It helps to read \
             them; where it differs from them, they prevail.",
        )]),
        Block::Pairs(pairs),
        Block::Notice(vec![
            vec![strong("The digest of the whole package")],
            vec![plain(
                "One number covers every file here: the SHA-256 of tagmanifest-sha256.txt. It cannot be printed in this \
                 report, because the report is one of the files that it covers. It is shown when the package is exported \
                 and whenever it is verified, and this command shows it:",
            )],
            vec![fixed("sha256sum tagmanifest-sha256.txt")],
            vec![plain("Write it here, or compare it with what was written down when the package was handed over:")],
            vec![plain("")],
            vec![plain("________________________________________________________________________________")],
        ]),
    ]
}

fn condition_count(message: &Message) -> String {
    match message.conditions.len() {
        0 => "none is set".to_owned(),
        1 => "1; its full text follows".to_owned(),
        many => format!("{many}; their full texts follow"),
    }
}

fn conditions(facts: &Facts<'_>) -> Vec<Block> {
    let (_, message) = facts.notes.message;
    let mut blocks = vec![Block::Heading("Conditions on the use of these files")];
    if message.conditions.is_empty() {
        blocks.push(Block::Text(vec![plain("The message sets no condition. The law of both sides still applies.")]));
        return blocks;
    }
    blocks.push(Block::Text(vec![
        plain("Whoever receives these files receives these conditions. The texts are those of the signed message; "),
        fixed(CONDITIONS),
        plain(" holds them as plain text."),
    ]));
    for condition in &message.conditions {
        blocks.push(Block::Text(vec![strong("Condition "), outside(&condition.id)]));
        blocks.push(quote(&condition.text));
        blocks.push(Block::Pairs(condition_facts(facts, condition)));
    }
    blocks
}

fn condition_facts(facts: &Facts<'_>, condition: &Condition) -> Vec<(&'static str, Cell)> {
    let status: Cell = match facts.notes.accepted_by(condition) {
        Some((number, acceptance)) => {
            let responsible = match &acceptance.body {
                Body::Acceptance(body) => body.responsible_authority.as_str(),
                _ => "",
            };
            vec![
                vec![plain(format!("accepted by {} on {}", acceptance.sender.authority, acceptance.created_at))],
                vec![plain("responsible: "), outside(responsible)],
                vec![plain("proof: "), fixed(format!("{}.pb", layout::acceptance(number)))],
            ]
        }
        None if condition.origin.needs_acceptance() => cell(strong("no acceptance of it is in this package")),
        None => cell(plain(format!("binds without acceptance ({})", condition.origin.name()))),
    };
    let covers = match condition.objects.as_slice() {
        [] => "the whole package".to_owned(),
        some => some.iter().map(|object| format!("file {object}")).collect::<Vec<_>>().join(", "),
    };
    let source = if condition.legal_source.is_empty() { plain("not stated") } else { outside(&condition.legal_source) };
    let about = vec![
        vec![plain("covers "), plain(covers)],
        vec![plain("legal source: "), source],
        vec![plain("code: "), outside(&condition.code)],
    ];
    vec![("Status", status), ("About", about)]
}

fn message_told(message: &Message) -> Vec<Block> {
    let mut pairs = vec![
        ("From", cell(plain(message.sender.authority.as_str()))),
        ("Written by", cell(outside(message.sender.officer.as_str()))),
        ("To", cell(plain(message.recipient.as_str()))),
        ("Written", cell(plain(message.created_at.to_string()))),
        ("Message", cell(fixed(message.message_id.to_string()))),
        ("Kind", cell(plain(message.kind().name()))),
        ("Language", cell(outside(&message.language))),
    ];
    if message.urgency == Urgency::Urgent {
        pairs.push(("Urgent", prose(&message.urgency_reason)));
    }
    if let Some(reply_by) = &message.reply_by {
        let at = cell(plain(reply_by.at.to_string()));
        pairs.push(("Answer wished by", [at, prose(&reply_by.reason)].concat()));
    }
    if !message.legal_bases.is_empty() {
        pairs.push(("Legal basis", message.legal_bases.iter().map(|basis| vec![outside(basis)]).collect()));
    }
    let mut texts: Vec<(&'static str, &str)> = Vec::new();
    match &message.body {
        Body::Evidence(body) => {
            pairs.push(("Reference", cell(outside(&body.reference))));
            let more = match body.completeness {
                crate::model::request::Completeness::Partial => "more will follow",
                crate::model::request::Completeness::Final => "nothing more will follow",
            };
            pairs.push(("Completeness", cell(plain(more))));
            texts.push(("Description by the sender", &body.description));
        }
        Body::Request(body) | Body::Asking(_, body) => texts.extend(request_texts(body)),
        Body::Notice(body) => {
            pairs.push(("Kind", cell(plain(body.kind.name()))));
            texts.push(("What it says", &body.text));
        }
        Body::Acknowledgement(body) => {
            pairs.push(("Reference", cell(outside(&body.reference))));
            pairs.push(("Contact", cell(outside(&body.contact))));
            texts.push(("Note", &body.note));
        }
        Body::Report(body) => {
            pairs.push(("Status", cell(plain(body.status.name()))));
            texts.push(("Report", &body.text));
        }
        Body::Refusal(body) => {
            pairs.push(("Grounds", body.grounds.iter().map(|ground| vec![outside(ground)]).collect()));
            texts.push(("Reasons", &body.reasons));
        }
        Body::Withdrawal(body) => texts.push(("Reason", &body.reason)),
        Body::Acceptance(_) => {}
    }
    let mut blocks = vec![Block::Heading("The message that the files came with"), Block::Pairs(pairs)];
    blocks.extend(told(texts));
    blocks
}

/// Each text that is there under its name.
fn told<'a>(texts: impl IntoIterator<Item = (&'static str, &'a str)>) -> Vec<Block> {
    let there = texts.into_iter().filter(|(_, text)| !text.trim().is_empty());
    there.flat_map(|(name, text)| [Block::Text(vec![strong(name)]), quote(text)]).collect()
}

fn request_texts(body: &RequestBody) -> [(&'static str, &str); 12] {
    [
        ("Reference", &body.reference),
        ("Subject", &body.subject),
        ("Authority that conducts the proceedings", &body.proceeding_authority),
        ("Its functions", &body.proceeding_authority_functions),
        ("Nature of the proceedings", &body.nature_of_proceedings),
        ("Facts", &body.facts),
        ("Applicable law", &body.applicable_law),
        ("Penalty", &body.penalty),
        ("Purpose of the evidence", &body.purpose),
        ("Procedure asked for", &body.special_procedure),
        ("Confidentiality asked for", &body.confidentiality),
        ("Privilege to refuse testimony", &body.privilege_to_refuse_testimony),
    ]
}

fn files(facts: &Facts<'_>) -> Vec<Block> {
    let (_, message) = facts.notes.message;
    let items = message.consignment.iter().flat_map(|found| &found.items);
    let rows = items.map(|item| {
        let place = match (facts.holds(item), is_in_bag(item)) {
            (true, true) => fixed(layout::payload(item)),
            (true, false) => plain("its files stand below data/files and data/long"),
            (false, _) => strong("left out of this extract"),
        };
        let mut name: Cell = vec![vec![outside(&item.name)], vec![place]];
        name.extend(prose(&item.description));
        vec![
            cell(plain(item.object_id.to_string())),
            name,
            vec![
                vec![plain(format!("{} bytes", grouped(item.plaintext_bytes)))],
                vec![plain(item.role.name())],
                vec![outside(&item.media_type)],
            ],
            cell(fixed(item.sha256.to_string())),
        ]
    });
    let columns = vec![("No", 5), ("Name, and path in this package", 35), ("Size and kind", 22), ("SHA-256", 38)];
    vec![
        Block::Heading("The files"),
        Block::Text(vec![
            plain("Each file is named with its digest in the signed message "),
            fixed("rogatory/message.pb"),
            plain(". A file with another digest is not the file that was sent."),
        ]),
        Block::Table(Table { columns, rows: rows.collect() }),
    ]
}

fn request(facts: &Facts<'_>) -> Vec<Block> {
    let mut blocks = vec![Block::Heading("The request")];
    let Some(request) = facts.notes.request else {
        let is_it = facts.notes.message.1.body.request().is_some();
        let why = if is_it { "The message above is the request." } else { "The request is not in this package." };
        blocks.push(Block::Text(vec![plain(why)]));
        return blocks;
    };
    let Some(body) = request.body.request() else { return blocks };
    blocks.push(Block::Pairs(vec![
        ("From", cell(plain(request.sender.authority.as_str()))),
        ("Written by", cell(outside(request.sender.officer.as_str()))),
        ("To", cell(plain(request.recipient.as_str()))),
        ("Written", cell(plain(request.created_at.to_string()))),
        ("Legal basis", request.legal_bases.iter().map(|basis| vec![outside(basis)]).collect()),
        ("Signed file", cell(fixed(format!("{}.pb", layout::REQUEST)))),
    ]));
    blocks.extend(told(request_texts(body)));
    for measure in &body.measures {
        blocks.push(Block::Text(vec![strong("Act asked for: "), outside(&measure.kind)]));
        blocks.push(quote(&measure.description));
    }
    for person in &body.persons {
        blocks.push(Block::Text(vec![strong("Person concerned")]));
        blocks.push(quote(person));
    }
    blocks
}

fn limits() -> Vec<Block> {
    let points = [
        "That what a file says is true. The proofs show which files were sent, by whom, and who handled them.",
        "What happened to the evidence before it was sealed and after it left this package. The record \"exported\" is \
         where control by the program ends.",
        "That nothing was left out: whoever exports chooses the package, and a record that was not put in cannot be missed \
         here. The custody log itself shows gaps; an auditor of either authority can compare with it.",
        "Exact times. Each time is that of one node's clock, unless a time-stamp or a cosignature is named beside it.",
        "Who sat at the keyboard. An officer is named as the node knew him or her; the proof shows how it knew.",
    ];
    let mut blocks = vec![Block::Heading("What this package does not show")];
    blocks.extend(points.map(|point| Block::Text(vec![plain("\u{2022} "), plain(point)])));
    blocks
}

fn checking() -> Vec<Block> {
    let text: Line = vec![
        plain(
            "Do not rely on this report alone: anybody can write one. Anybody can also check the package, offline and ",
        ),
        plain("without the program that made it: "),
        fixed(VERIFY),
        plain(
            " holds every command for sha256sum, bagit, openssl and Python. With the program, one command checks all:",
        ),
    ];
    vec![
        Block::Heading("How to check it"),
        Block::Text(text),
        Block::Code("rogatory verify .  --trust-root <fingerprint that the keepers of the directory published>"),
        Block::Text(vec![plain(
            "VERIFIED: everything was checked and holds. VERIFIED IN PART: nothing is wrong, and the output names what could \
             not be checked and why. FAILED: something was altered, is missing or does not fit; the output names it, and \
             nothing in this report may be relied on before that is explained.",
        )]),
        Block::Text(vec![plain(
            "In the PDF, characters that its font does not hold, and those of scripts that it cannot set, stand as their \
             Unicode numbers, such as [U+0645]; report.html shows them. Characters that nobody can see stand as numbers in \
             both.",
        )]),
    ]
}

/// A number with thin groups of three digits.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push('\u{a0}');
        }
        out.push(digit);
    }
    out
}

/// The digest of the message, as the files name it.
pub fn message_digest(facts: &Facts<'_>) -> String {
    sha256(facts.notes.message.0).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_three() {
        let told = [0, 999, 1_000, 1_234_567].map(grouped);
        assert_eq!(told, ["0", "999", "1\u{a0}000", "1\u{a0}234\u{a0}567"]);
    }
}
