//! Reads `vectors/*.toml`, puts each question and compares the answer. A vector leaves out what every row has alike.

use std::fs;
use std::path::PathBuf;

use rogatory::law::basis::basis;
use rogatory::law::opinion::{Basis, Opinion};
use rogatory::law::query::Query;
use rogatory::law::registry::Registry;
use rogatory::law::row::{Finding, Tests};
use rogatory::law::subject::Subject;
use rogatory::law::view::Book;
use rogatory::model::date::Date;
use rogatory::model::message::Urgency;
use rogatory::model::time::Timestamp;
use serde::Deserialize;
use toml::{Table, Value};

use crate::registries::library;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vector {
    pub says: String,
    from: String,
    to: String,
    crimes: Vec<String>,
    measures: Vec<String>,
    date: Date,
    rows: Vec<Table>,
    #[serde(default)]
    instruments: Vec<Table>,
    pub ask: Vec<Ask>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ask {
    pub overall: String,
    pub expect: Vec<Expect>,
    from: Option<String>,
    to: Option<String>,
    crimes: Option<Vec<String>>,
    measures: Option<Vec<String>>,
    date: Option<Date>,
    today: Option<Date>,
    as_of: Option<String>,
    conduct: Option<Date>,
    #[serde(default)]
    urgent: bool,
    request: Option<String>,
    #[serde(default)]
    tests_met: Vec<String>,
    #[serde(default)]
    tests: Table,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    instrument: String,
    answer: String,
    strength: Option<String>,
    measure: Option<String>,
    procedure: Option<String>,
    electronic: Option<String>,
    ways: Option<Vec<String>>,
    #[serde(default)]
    articles: Vec<String>,
    #[serde(default)]
    rows: Vec<u32>,
    #[serde(default)]
    text: Vec<String>,
    #[serde(default)]
    route: Vec<String>,
    #[serde(default)]
    open_terms: Vec<String>,
}

impl Ask {
    /// Whether the vector looks at that instrument's answer.
    pub fn expects(&self, instrument: &str) -> bool {
        self.expect.iter().any(|expect| expect.instrument == instrument)
    }
}

impl Vector {
    pub fn book(&self) -> Book {
        let rows: Vec<Value> =
            (1_i64..).zip(&self.rows).map(|(number, row)| Value::Table(complete(number, row))).collect();
        let mut document = Table::new();
        document.insert("schema".to_owned(), "rogatory.registry.v1".into());
        document.insert("about".to_owned(), "fictional States, for a test".into());
        document.insert(
            "instruments".to_owned(),
            Value::Array(self.instruments.iter().cloned().map(Value::Table).collect()),
        );
        document.insert("rows".to_owned(), Value::Array(rows));
        let registry = Registry::parse(&serde_json::to_vec(&document).unwrap()).unwrap();
        Book::new(library(), registry).unwrap()
    }

    pub fn query(&self, ask: &Ask) -> Query {
        let subject = |text: &String| Subject::of(&text.parse().unwrap());
        let date = ask.date.unwrap_or(self.date);
        let finding = |key: &str| match ask.tests.get(key).and_then(Value::as_str) {
            Some("yes") => Finding::Yes,
            Some("no") => Finding::No,
            _ => Finding::Open,
        };
        Query {
            from: subject(ask.from.as_ref().unwrap_or(&self.from)),
            to: subject(ask.to.as_ref().unwrap_or(&self.to)),
            crimes: ask.crimes.as_ref().unwrap_or(&self.crimes).iter().map(|word| word.parse().unwrap()).collect(),
            measures: ask
                .measures
                .as_ref()
                .unwrap_or(&self.measures)
                .iter()
                .map(|word| word.parse().unwrap())
                .collect(),
            conduct: ask.conduct,
            date,
            today: ask.today.unwrap_or(date),
            as_of: ask.as_of.as_ref().map_or(Timestamp::from_millis(u64::MAX), |text| text.parse().unwrap()),
            urgency: if ask.urgent { Urgency::Urgent } else { Urgency::Routine },
            request: ask.request.clone(),
            tests: Tests {
                international: finding("international"),
                requesting: finding("requesting"),
                requested: finding("requested"),
            },
            tests_met: ask.tests_met.iter().map(|id| id.parse().unwrap()).collect(),
        }
    }
}

fn complete(number: i64, row: &Table) -> Table {
    let mut row = row.clone();
    row.entry("row").or_insert(number.into());
    row.entry("recorded").or_insert("2026-01-01T00:00:00Z".into());
    let mut source = Table::new();
    source.insert("kind".to_owned(), "depositary".into());
    source.insert("note".to_owned(), "fictional notice".into());
    row.entry("source").or_insert(Value::Table(source));
    row
}

/// Every vector with its name, in order.
pub fn all() -> Vec<(String, Vector)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/law/vectors");
    let mut paths: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let read = |path: PathBuf| {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let vector =
            toml::from_str(&fs::read_to_string(&path).unwrap()).unwrap_or_else(|error| panic!("{name}: {error}"));
        (name, vector)
    };
    paths.into_iter().map(read).collect()
}

/// Every citation of an answer, as `instrument article`: those of the reasons, the route and the terms.
pub fn citations(basis: &Basis) -> Vec<String> {
    let route = basis.route.iter().flat_map(|route| &route.reasons);
    let articles = basis.reasons.iter().chain(route).flat_map(|reason| &reason.articles);
    articles.map(|citation| format!("{} {}", citation.instrument, citation.article)).collect()
}

#[test]
fn every_vector_is_answered_as_it_expects() {
    let vectors = all();
    assert!(vectors.len() >= 32, "only {} vectors", vectors.len());
    let mut wrong = Vec::new();
    for (name, vector) in &vectors {
        let book = vector.book();
        for (number, ask) in vector.ask.iter().enumerate() {
            let query = vector.query(ask);
            let opinion = basis(&book.view(query.as_of), &query).unwrap();
            if opinion.answer.word() != ask.overall {
                wrong.push(format!("{name}[{number}]: overall {}, expected {}", opinion.answer.word(), ask.overall));
            }
            for expect in &ask.expect {
                wrong.extend(differences(&opinion, expect).into_iter().map(|what| format!("{name}[{number}] {what}")));
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

fn differences(opinion: &Opinion, expect: &Expect) -> Vec<String> {
    let measure = expect.measure.as_ref().map_or(opinion.measures[0].measure, |word| word.parse().unwrap());
    let Some(basis) = opinion.basis(&expect.instrument, measure) else {
        return vec![format!("{}: no such basis", expect.instrument)];
    };
    let mut wrong = Vec::new();
    let mut same = |what: &str, found: String, expected: Option<&String>| {
        if expected.is_some_and(|expected| *expected != found) {
            wrong.push(format!("{}: {what} {found}, expected {expected:?}", expect.instrument));
        }
    };
    let json = serde_json::to_value(basis).unwrap();
    let word = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    same("answer", word(&json["answer"]), Some(&expect.answer));
    same("strength", word(&json["strength"]), expect.strength.as_ref());
    same("procedure", word(&json["procedure"]["by"]), expect.procedure.as_ref());
    same("electronic", word(&json["route"]["electronic"]), expect.electronic.as_ref());
    if let Some(ways) = &expect.ways {
        same("ways", json["route"]["ways"].to_string(), Some(&serde_json::to_string(ways).unwrap()));
    }
    let cited = citations(basis);
    let rows: Vec<u32> = basis.reasons.iter().flat_map(|reason| &reason.rows).map(|row| row.row).collect();
    let said: String = basis.reasons.iter().map(|reason| format!("{:?}: {}\n", reason.effect, reason.text)).collect();
    let route: String =
        basis.route.iter().flat_map(|route| &route.reasons).map(|reason| reason.text.as_str()).collect();
    let open: Vec<String> = basis
        .terms
        .iter()
        .filter(|term| term.value.is_none())
        .map(|term| word(&serde_json::to_value(term.term).unwrap()))
        .collect();
    let mut missing = |what: &str, needed: Vec<String>| {
        if !needed.is_empty() {
            wrong.push(format!(
                "{}: {what} {needed:?} missing in {cited:?}, rows {rows:?}, open {open:?}\n{said}{route}",
                expect.instrument
            ));
        }
    };
    missing("articles", expect.articles.iter().filter(|one| !cited.contains(one)).cloned().collect());
    missing("rows", expect.rows.iter().filter(|one| !rows.contains(one)).map(ToString::to_string).collect());
    missing("text", expect.text.iter().filter(|one| !said.contains(*one)).cloned().collect());
    missing("route", expect.route.iter().filter(|one| !route.contains(*one)).cloned().collect());
    missing("open terms", expect.open_terms.iter().filter(|one| !open.contains(one)).cloned().collect());
    wrong
}
