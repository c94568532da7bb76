//! The chapters of the report about proofs: who signed, who did what and when, receipts, checkpoints, time-stamps. Every line
//! names the file that proves it; a line without one is not written.

use crate::bag::facts::{Facts, Told};
use crate::bag::layout::{self, RECEIPTS};
use crate::bag::page::{Block, Cell, Table, cell, fixed, outside, plain, strong};
use crate::bag::report::{grouped, message_digest};
use crate::model::event::{Actor, Outcome};
use crate::model::ident::Id;
use crate::model::message::MessageKind;

/// All of them.
pub fn chapters(facts: &Facts<'_>) -> Vec<Block> {
    let mut blocks = signatures(facts);
    blocks.extend(time_line(facts));
    blocks.extend(receipts(facts));
    blocks.extend(checkpoints(facts));
    blocks.extend(stamps(facts));
    blocks
}

fn signatures(facts: &Facts<'_>) -> Vec<Block> {
    let rows = facts.signed().into_iter().map(|act| {
        vec![
            cell(plain(act.by.as_str())),
            vec![vec![fixed(format!("{}.pb", act.stem))], vec![plain(act.what)]],
            vec![vec![fixed(format!("{}.pb.p7s", act.stem))], vec![fixed(layout::certificates(act.by))]],
        ]
    });
    let columns = vec![("Signed by", 16), ("What", 42), ("Signature, and certificates of the signer", 42)];
    vec![
        Block::Heading("Who signed what"),
        Block::Text(vec![plain("SHA-256 of the message that names the files: "), fixed(message_digest(facts))]),
        Block::Table(Table { columns, rows: rows.collect() }),
    ]
}

fn time_line(facts: &Facts<'_>) -> Vec<Block> {
    let mut blocks = vec![
        Block::Heading("Who did what, and when"),
        Block::Text(vec![plain(
            "Each line is a record of the custody log of one authority. A log is append-only: what it once said cannot be \
             changed or taken away without showing. Times are those of that authority's node, in UTC. The last column names \
             the files below rogatory/ that prove the line: the record (.record), its salt (.salt) and the proof of its \
             place in the log (.tlog-proof), or a receipt that holds all three.",
        )]),
    ];
    if facts.records.is_empty() {
        blocks.push(Block::Text(vec![strong("No record is in this package.")]));
        return blocks;
    }
    let rows = facts.records.iter().map(|told| vec![when(told), who(told), what(facts, told), proof(told)]);
    let columns = vec![("When", 14), ("Who", 19), ("What", 25), ("Proof", 42)];
    blocks.push(Block::Table(Table { columns, rows: rows.collect() }));
    blocks
}

fn when(told: &Told) -> Cell {
    let text = told.record.at.to_string();
    let parts = text.strip_suffix('Z').and_then(|text| text.split_once('T'));
    match parts {
        Some((day, time)) => vec![vec![plain(day)], vec![plain(format!("{time} UTC"))]],
        None => cell(plain(text)),
    }
}

fn who(told: &Told) -> Cell {
    let mut lines = vec![vec![strong(told.record.authority.as_str())]];
    lines.extend(actor(&told.record.actor));
    if let Some(second) = &told.record.second {
        lines.push(vec![plain("second person:")]);
        lines.extend(actor(second));
    }
    lines
}

fn actor(actor: &Actor) -> Cell {
    match actor {
        Actor::Node => cell(plain("the node itself")),
        Actor::Officer { name, role, authentication } => vec![
            vec![outside(name.as_str())],
            vec![plain(format!("{}, known by ", role.name())), outside(authentication)],
        ],
    }
}

fn what(facts: &Facts<'_>, told: &Told) -> Cell {
    let record = &told.record;
    let mut first = vec![strong(record.event.told())];
    if let Some(id) = record.subject.message_id {
        let thing = thing(facts, id).or(record.message_kind.map(kind));
        first.push(plain(format!(": {}", thing.unwrap_or("another message of the case"))));
    }
    let mut lines = vec![first];
    match &record.outcome {
        Outcome::Success => {}
        Outcome::Refused(code) => lines.push(vec![strong(format!("refused: {}", code.name()))]),
        Outcome::Failed(how) => lines.push(vec![strong("failed: "), outside(how)]),
    }
    if let Some(other) = &record.counterpart {
        lines.push(vec![plain(format!("other side: {other}"))]);
    }
    let said = matches!(&record.outcome, Outcome::Failed(how) if *how == record.reason);
    if !record.reason.is_empty() && !said {
        lines.push(vec![plain("reason given: "), outside(record.reason.replace('\n', " "))]);
    }
    lines
}

/// What a message of this package is.
fn thing(facts: &Facts<'_>, id: Id) -> Option<&'static str> {
    let (_, main) = facts.notes.message;
    if main.message_id == id {
        return Some("this package");
    }
    if facts.notes.request.is_some_and(|request| request.message_id == id) {
        return Some("the request");
    }
    let accepted = facts.notes.acceptances.iter().any(|acceptance| acceptance.message_id == id);
    accepted.then_some("the acceptance of its conditions")
}

const fn kind(kind: MessageKind) -> &'static str {
    match kind {
        MessageKind::RequestSubmit => "a request",
        MessageKind::RequestAck => "an acknowledgement",
        MessageKind::ExecutionReport => "a report on the execution",
        MessageKind::RequestRefuse => "a refusal",
        MessageKind::EvidenceTransmit => "another package of evidence",
        MessageKind::ConditionsAccept => "an acceptance of conditions",
        MessageKind::RequestWithdraw => "a withdrawal",
        other => other.name(),
    }
}

fn proof(told: &Told) -> Cell {
    let place = format!("record {} in the log of {} ({})", told.index, told.record.authority, entries(told.size));
    let mut lines = vec![vec![plain(place)]];
    for file in &told.files {
        let file = file.strip_prefix("rogatory/").unwrap_or(file);
        match file.strip_suffix(".record") {
            Some(stem) => {
                let name = stem.rsplit('/').next().unwrap_or(stem);
                lines.extend([cell(fixed(file)), cell(fixed(format!("{name}.salt  {name}.tlog-proof")))].concat());
            }
            None => lines.push(vec![fixed(file)]),
        }
    }
    lines
}

fn entries(size: u64) -> String {
    if size == 1 { "1 entry".to_owned() } else { format!("{} entries", grouped(size)) }
}

fn receipts(facts: &Facts<'_>) -> Vec<Block> {
    let rows: Vec<Vec<Cell>> = facts
        .records
        .iter()
        .filter_map(|told| {
            let file = told.files.iter().find(|file| file.starts_with(RECEIPTS))?;
            let stage = told.record.transfer.as_ref().map_or("", |transfer| transfer.stage.name());
            Some(vec![
                cell(plain(told.record.authority.as_str())),
                vec![what(facts, told).into_iter().next().unwrap_or_default(), vec![plain(stage)]],
                cell(fixed(file)),
            ])
        })
        .collect();
    let mut blocks = vec![Block::Heading("Receipts")];
    if rows.is_empty() {
        blocks.push(Block::Text(vec![plain("No receipt of the other authority is in this package.")]));
        return blocks;
    }
    blocks.push(Block::Text(vec![plain(
        "A receipt is a record of the log of the one who received, with its proof. The one who gave it cannot deny it.",
    )]));
    let columns = vec![("Given by", 16), ("What it says", 42), ("File", 42)];
    blocks.push(Block::Table(Table { columns, rows }));
    blocks
}

fn checkpoints(facts: &Facts<'_>) -> Vec<Block> {
    let rows = facts.checkpoints.iter().map(|shown| {
        let mut files = cell(fixed(&shown.path));
        if let Some(link) = &shown.link {
            files.push(vec![fixed(link), plain(" leads to a later one")]);
        }
        vec![
            vec![vec![fixed(shown.said.origin())], vec![plain(entries(shown.said.size()))]],
            vec![vec![fixed(shown.said.root().to_string())]],
            shown.signers.iter().map(|name| vec![outside(name)]).collect(),
            files,
        ]
    });
    let rows: Vec<_> = rows.collect();
    let mut blocks = vec![
        Block::Heading("Checkpoints and cosignatures"),
        Block::Text(vec![plain(
            "With a checkpoint a log signs how many entries it has, and one digest (the root) over all of them. Other names \
             among the signers are witnesses: they saw the log at that size and would not sign a log that took back an \
             entry. The names stand here as they are written; whether the signatures hold, `rogatory verify` says.",
        )]),
    ];
    if rows.is_empty() {
        blocks.push(Block::Text(vec![plain("Beside those inside the proofs, no checkpoint is in this package.")]));
        return blocks;
    }
    let columns = vec![("Log", 24), ("Root", 26), ("Signature lines of", 20), ("File", 30)];
    blocks.push(Block::Table(Table { columns, rows }));
    blocks
}

fn stamps(facts: &Facts<'_>) -> Vec<Block> {
    let mut blocks = vec![Block::Heading("Independent time-stamps")];
    if facts.stamps.is_empty() {
        blocks.push(Block::Text(vec![plain(
            "None is in this package. The times above rest on the clocks of the two nodes and on what witnesses cosigned.",
        )]));
        return blocks;
    }
    blocks.push(Block::Text(vec![plain(
        "A time-stamp authority (RFC 3161) signed that the checkpoint existed at the time in the token. Every record up to \
         the size of the checkpoint existed before that. The times stand here as the tokens state them; whether the \
         tokens hold, and who vouches for the authority, `rogatory verify` and openssl say.",
    )]));
    let rows = facts.stamps.iter().map(|stamp| {
        let over = match &stamp.said {
            Some(said) => vec![vec![fixed(said.origin())], vec![plain(entries(said.size()))]],
            None => cell(plain("a note that does not read")),
        };
        let time = stamp.claimed.map_or("the token does not read".to_owned(), |at| at.to_string());
        let files = vec![vec![fixed(format!("{}.note", stamp.stem))], vec![fixed(format!("{}.tsr", stamp.stem))]];
        vec![over, cell(plain(time)), files]
    });
    let columns = vec![("Checkpoint of", 28), ("Time in the token", 22), ("What was stamped, and the token", 50)];
    blocks.push(Block::Table(Table { columns, rows: rows.collect() }));
    blocks
}
