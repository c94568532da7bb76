//! The chapters of a printed request that list things: persons, law, help, time limits, undertakings, files. A word that
//! the fixed text has no name for is shown as it came.

use crate::bag::page::{Block, Cell, Line, Span, Table, cell, fixed, outside, plain, prose, quote, strong};
use crate::law::phrases::{Phrases, Texts};
use crate::model::message::Message;
use crate::model::request::RequestBody;

pub(super) fn persons(request: &RequestBody, phrases: &'static Phrases) -> Vec<Block> {
    let text = &phrases.text;
    if request.people.is_empty() && request.persons.is_empty() {
        return Vec::new();
    }
    let mut blocks = vec![Block::Heading(&text.persons)];
    let row = |person: &crate::model::request_parts::Person| {
        let mut name = cell(outside(person.shown()));
        if person.name.trim().is_empty() {
            name.push(vec![plain(text.pseudonym.as_str())]);
        }
        let identity = lines(&[&person.born, &person.nationality]);
        vec![
            name,
            cell(named(phrases.role(&person.role), &person.role)),
            identity,
            lines(&[&person.whereabouts, &person.note]),
        ]
    };
    if !request.people.is_empty() {
        let columns = vec![
            (text.name.as_str(), 28),
            (text.role.as_str(), 16),
            (text.identity.as_str(), 26),
            (text.whereabouts.as_str(), 30),
        ];
        blocks.push(Block::Table(Table { columns, rows: request.people.iter().map(row).collect() }));
    }
    blocks.extend(request.persons.iter().map(|person| quote(person)));
    blocks
}

pub(super) fn law(request: &RequestBody, phrases: &'static Phrases) -> Vec<Block> {
    let text = &phrases.text;
    let mut blocks = Vec::new();
    if !request.charges.is_empty() {
        let columns =
            vec![(text.crime.as_str(), 30), (text.requesting_law.as_str(), 35), (text.requested_law.as_str(), 35)];
        let row = |charge: &crate::model::request_parts::Charge| {
            let crime = cell(named(phrases.crime(&charge.crime), &charge.crime));
            vec![crime, prose(&charge.requesting_law), prose(&charge.requested_law)]
        };
        blocks.push(Block::Table(Table { columns, rows: request.charges.iter().map(row).collect() }));
    }
    let mut told = |name: &'static str, content: &str| {
        if !content.trim().is_empty() {
            blocks.push(Block::Text(vec![strong(name)]));
            blocks.push(quote(content));
        }
    };
    told(&text.explained, &request.applicable_law);
    told(&text.penalty, &request.penalty);
    told(&text.dual_criminality, &request.dual_criminality);
    for law in &request.law_texts {
        blocks.push(Block::Text(vec![strong(format!("{}: ", text.law_text)), outside(&law.citation)]));
        if !law.text.trim().is_empty() {
            blocks.push(quote(&law.text));
        }
    }
    if !blocks.is_empty() {
        blocks.insert(0, Block::Heading(&text.law));
    }
    blocks
}

pub(super) fn help(request: &RequestBody, phrases: &'static Phrases) -> Vec<Block> {
    let text = &phrases.text;
    let mut blocks = vec![Block::Heading(&text.help)];
    for (number, measure) in (1..).zip(&request.measures) {
        let name = match phrases.measure(&measure.kind) {
            Some(name) => strong(format!("{number}. {name}")),
            None => outside(format!("{number}. {}", measure.kind)),
        };
        blocks.push(Block::Text(vec![name]));
        blocks.push(quote(&measure.description));
        let pair = |(code, content): (&String, &String)| match phrases.particular(code) {
            Some(name) => (name, prose(content)),
            None => {
                let mut lines = vec![vec![outside(format!("{code}:"))]];
                lines.extend(prose(content));
                (text.other_particular.as_str(), lines)
            }
        };
        if !measure.particulars.is_empty() {
            blocks.push(Block::Pairs(measure.particulars.iter().map(pair).collect()));
        }
    }
    blocks
}

pub(super) fn limits(message: &Message, request: &RequestBody, text: &'static Texts) -> Vec<Block> {
    let mut pairs: Vec<(&'static str, Cell)> = Vec::new();
    if let Some(reply_by) = &message.reply_by {
        let mut lines = cell(strong(reply_by.at.to_string()));
        lines.extend(reason(text, &reply_by.reason));
        pairs.push((&text.reply_by, lines));
    }
    for limit in &request.time_limits {
        let mut lines: Cell = vec![vec![strong(limit.until.to_string()), plain("  "), outside(&limit.subject)]];
        lines.extend(reason(text, &limit.reason));
        pairs.push((&text.limits, lines));
    }
    if pairs.is_empty() { Vec::new() } else { vec![Block::Heading(&text.limits), Block::Pairs(pairs)] }
}

fn reason(text: &'static Texts, reason: &str) -> Cell {
    if reason.trim().is_empty() {
        return Vec::new();
    }
    let mut lines: Cell = vec![vec![plain(format!("{}:", text.reason))]];
    lines.extend(prose(reason));
    lines
}

pub(super) fn undertakings(message: &Message, request: &RequestBody, phrases: &'static Phrases) -> Vec<Block> {
    let given = request.undertakings.iter().map(|one| (phrases.undertaking(&one.code), &one.code, &one.text));
    let carried = message.conditions.iter().map(|one| (None, &one.code, &one.text));
    let mut blocks = Vec::new();
    for (name, code, words) in given.chain(carried) {
        blocks.push(Block::Text(vec![named(name, code)]));
        blocks.push(quote(words));
    }
    if !blocks.is_empty() {
        blocks.insert(0, Block::Heading(&phrases.text.undertakings));
    }
    blocks
}

pub(super) fn enclosures(message: &Message, request: &RequestBody, phrases: &'static Phrases) -> Vec<Block> {
    let text = &phrases.text;
    let items = message.consignment.iter().flat_map(|consignment| &consignment.items);
    let row = |item: &crate::model::package::Item| {
        let told = request.enclosures.iter().find(|one| one.file == item.name);
        let mut kind: Cell = Vec::new();
        if let Some(told) = told {
            kind.push(vec![named(phrases.enclosure(&told.kind), &told.kind), plain(" "), outside(&told.language)]);
            if !told.certified_by.is_empty() {
                kind.push(vec![plain(format!("{} ", text.certified)), outside(&told.certified_by)]);
            }
            kind.extend(lines(&[&told.note]));
        }
        let size = cell(plain(item.plaintext_bytes.to_string()));
        vec![cell(outside(&item.name)), kind, size, cell(fixed(item.sha256.to_string()))]
    };
    let rows: Vec<Vec<Cell>> = items.map(row).collect();
    if rows.is_empty() {
        let none = Block::Text(vec![plain(text.no_enclosures.as_str())]);
        return vec![Block::Heading(&text.enclosures), none];
    }
    let columns = vec![(text.file.as_str(), 26), (text.kind.as_str(), 24), (text.bytes.as_str(), 14), ("SHA-256", 36)];
    vec![Block::Heading(&text.enclosures), Block::Table(Table { columns, rows })]
}

/// The name of a word, or the word as it came.
fn named(name: Option<&str>, word: &str) -> Span {
    match name {
        Some(name) => strong(name),
        None => outside(word),
    }
}

/// Those of the texts that say something, one below the other.
fn lines(texts: &[&str]) -> Vec<Line> {
    texts.iter().filter(|text| !text.trim().is_empty()).flat_map(|text| prose(text)).collect()
}
