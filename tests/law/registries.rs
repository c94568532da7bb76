//! Registries of fictional States, drawn at random, for the properties.

use std::sync::LazyLock;

use proptest::prelude::*;
use rogatory::law::instrument::InstrumentId;
use rogatory::law::library::Library;
use rogatory::law::registry::Registry;
use rogatory::law::row::{Ends, Extent, Fact, ObjectionEffect, Parts, Row, Source};
use rogatory::law::subject::Subject;
use rogatory::law::view::Book;
use rogatory::model::authority::Provenance;
use rogatory::model::date::Date;
use rogatory::model::time::Timestamp;

/// Rows are recorded a day apart from this day on.
const FIRST_MS: u64 = 1_750_000_000_000;
const DAY_MS: u64 = 86_400_000;

/// Which facts may be drawn.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Draw {
    /// All kinds.
    Everything,
    /// Those that treat both sides alike, and no provisional application.
    Symmetric,
}

static LIBRARY: LazyLock<Library> = LazyLock::new(|| Library::standard().unwrap());

/// The program's instruments, read once.
pub fn library() -> Library {
    LIBRARY.clone()
}

/// When row `number` is recorded.
pub fn recorded(number: usize) -> Timestamp {
    Timestamp::from_millis(FIRST_MS + u64::try_from(number).unwrap() * DAY_MS)
}

pub fn state(number: u8) -> Subject {
    ["XA", "XB", "XC"][usize::from(number % 3)].parse().unwrap()
}

/// A day in the years 2024 to 2028.
pub fn day() -> impl Strategy<Value = Date> {
    (2024_u16..2029, 1_u8..13, 1_u8..29).prop_map(|(y, m, d)| format!("{y:04}-{m:02}-{d:02}").parse().unwrap())
}

fn id(text: &str) -> InstrumentId {
    text.parse().unwrap()
}

fn fact(draw: Draw) -> BoxedStrategy<Fact> {
    let symmetric = prop_oneof![
        4 => Just(Fact::Party),
        2 => Just(Fact::Annex { annex: "torture".to_owned(), effective: None }),
        1 => Just(Fact::Signature),
        1 => Just(Fact::Withdrawal { of: Ends::Treaty, effective: None }),
        1 => Just(Fact::Withdrawal { of: Ends::Annex("torture".to_owned()), effective: None }),
        1 => Just(Fact::Objection(ObjectionEffect::NoRelations)),
    ];
    if draw == Draw::Symmetric {
        return symmetric.boxed();
    }
    prop_oneof![
        6 => symmetric,
        1 => Just(Fact::Provisional(Parts::Whole)),
        1 => Just(Fact::Provisional(Parts::Some(vec!["III".to_owned()]))),
        1 => day().prop_map(|before| Fact::CutOff { before, annex: None }),
        1 => Just(Fact::Reservation { articles: vec!["40".to_owned()], measures: Vec::new(), extent: Extent::Excludes }),
        1 => Just(Fact::Version("2030".to_owned())),
    ]
    .boxed()
}

/// Up to twelve rows about three States and L-TH, CAT or the European convention.
pub fn rows(draw: Draw) -> impl Strategy<Value = Vec<Row>> {
    let instrument = prop_oneof![6 => Just("l-th"), 1 => Just("cat"), 1 => Just("coe-1959")];
    let row = (fact(draw), instrument, 0_u8..3, day(), 0_u8..10);
    prop::collection::vec(row, 0..12).prop_map(|drawn| {
        let mut rows = Vec::new();
        for (fact, instrument, who, from, belief) in drawn {
            let annexed = matches!(&fact, Fact::Annex { .. } | Fact::Withdrawal { of: Ends::Annex(_), .. });
            let kind = if belief == 0 { Provenance::LocalBelief } else { Provenance::Depositary };
            rows.push(Row {
                number: 0,
                instrument: id(if annexed { "l-th" } else { instrument }),
                state: Some(state(who)),
                counterpart: matches!(fact, Fact::Objection(_)).then(|| state(who + 1)),
                from,
                to: None,
                recorded: recorded(0),
                replaces: None,
                territory: None,
                source: Source { kind, note: "fictional".to_owned(), document: None },
                fact,
            });
        }
        numbered(rows)
    })
}

/// The rows with their numbers and the times at which they were recorded.
pub fn numbered(mut rows: Vec<Row>) -> Vec<Row> {
    for (place, row) in rows.iter_mut().enumerate() {
        row.number = u32::try_from(place + 1).unwrap();
        row.recorded = recorded(place + 1);
    }
    rows
}

pub fn registry(rows: Vec<Row>) -> Registry {
    Registry::of("fictional States, for a test", Vec::new(), rows).unwrap()
}

pub fn book(rows: Vec<Row>) -> Book {
    Book::new(library(), registry(rows)).unwrap()
}
