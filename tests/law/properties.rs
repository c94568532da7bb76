//! What must hold for every registry: the past does not change, nothing is taken out unnoticed, a notice counts from its
//! day, doubt never becomes certainty.

use proptest::prelude::*;
use rogatory::exchange::registry::digest;
use rogatory::law::basis::basis;
use rogatory::law::instrument::Instrument;
use rogatory::law::library::Library;
use rogatory::law::mark::Mark;
use rogatory::law::opinion::{Answer, Opinion};
use rogatory::law::query::Query;
use rogatory::law::registry::{Registry, RegistryError};
use rogatory::law::row::{Ends, Fact, Row};
use rogatory::law::view::Book;
use rogatory::model::authority::Provenance;
use rogatory::model::date::Date;
use rogatory::model::time::Timestamp;

use crate::registries::{Draw, book, day, library, numbered, recorded, registry, rows, state};
use crate::vectors;

const NOW: Timestamp = Timestamp::from_millis(u64::MAX);

fn query(from: u8, to: u8, crime: &str, measure: &str, date: Date, as_of: Timestamp) -> Query {
    Query::new(state(from), state(to), crime.parse().unwrap(), measure.parse().unwrap(), date, as_of)
}

fn opinion(rows: &[Row], query: &Query) -> Opinion {
    basis(&book(rows.to_vec()).view(query.as_of), query).unwrap()
}

fn answers(opinion: &Opinion) -> Vec<(String, Answer)> {
    opinion.bases.iter().map(|basis| (basis.instrument.to_string(), basis.answer)).collect()
}

fn crime() -> impl Strategy<Value = &'static str> {
    prop_oneof![Just("genocide"), Just("torture"), Just("ordinary-crime")]
}

fn help() -> impl Strategy<Value = &'static str> {
    prop_oneof![Just("evidence"), Just("covert-investigation"), Just("extradition")]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if std::env::var_os("ROGATORY_SOAK").is_some() { 4_096 } else { 96 }))]

    #[test]
    fn a_row_recorded_later_never_changes_what_was_known_before(
        rows in rows(Draw::Everything), known in 0_usize..12, date in day(), crime in crime(), help in help(),
    ) {
        let known = known.min(rows.len());
        let query = query(0, 1, crime, help, date, recorded(known));
        let then = opinion(&rows[..known], &query);
        prop_assert_eq!(opinion(&rows, &query), then);
    }

    #[test]
    fn a_registry_from_which_a_row_was_taken_is_refused_or_an_older_one(
        rows in rows(Draw::Everything), taken in 0_usize..12, date in day(), help in help(),
    ) {
        prop_assume!(taken < rows.len());
        let mut fewer = rows.clone();
        fewer.remove(taken);
        match Registry::of("fictional", Vec::new(), fewer.clone()) {
            Err(error) => prop_assert!(matches!(error, RegistryError::Gap { .. }), "{}", error),
            Ok(_) => {
                prop_assert_eq!(taken, rows.len() - 1);
                let older = query(0, 1, "genocide", help, date, recorded(taken));
                prop_assert_eq!(opinion(&fewer, &older), opinion(&rows, &older));
            }
        }
    }

    #[test]
    fn taking_away_what_a_state_granted_never_makes_an_answer_better(
        rows in rows(Draw::Symmetric), taken in 0_usize..12, date in day(), crime in crime(),
    ) {
        prop_assume!(taken < rows.len() && matches!(rows[taken].fact, Fact::Party | Fact::Annex { .. } | Fact::Signature));
        let mut fewer = rows.clone();
        fewer.remove(taken);
        let query = query(0, 1, crime, "evidence", date, NOW);
        let (all, less) = (opinion(&rows, &query), opinion(&numbered(fewer), &query));
        for ((name, before), (_, after)) in answers(&all).into_iter().zip(answers(&less)) {
            prop_assert!(after <= before, "{}: {:?} became {:?}", name, before, after);
        }
    }

    #[test]
    fn two_parties_that_did_the_same_are_bound_alike(
        rows in rows(Draw::Symmetric), date in day(), crime in crime(), help in help(),
    ) {
        let one = opinion(&rows, &query(0, 1, crime, help, date, NOW));
        let other = opinion(&rows, &query(1, 0, crime, help, date, NOW));
        prop_assert_eq!(answers(&one), answers(&other));
    }

    #[test]
    fn rows_that_are_all_local_beliefs_decide_nothing(
        mut rows in rows(Draw::Everything), date in day(), crime in crime(), help in help(),
    ) {
        for row in &mut rows {
            row.source.kind = Provenance::LocalBelief;
        }
        let opinion = opinion(&rows, &query(0, 1, crime, help, date, NOW));
        prop_assert!(answers(&opinion).iter().all(|(_, answer)| *answer != Answer::Yes));
    }

    #[test]
    fn a_withdrawal_counts_from_its_day_and_not_before(joined in day(), left in day(), date in day()) {
        prop_assume!(joined <= left && joined <= date);
        let mut rows = Vec::new();
        for (who, fact, from) in [
            (0, Fact::Party, joined),
            (1, Fact::Party, joined),
            (1, Fact::Withdrawal { of: Ends::Treaty, effective: None }, left),
        ] {
            let mut row = pattern();
            (row.state, row.fact, row.from) = (Some(state(who)), fact, from);
            rows.push(row);
        }
        let opinion = opinion(&numbered(rows), &query(0, 1, "genocide", "evidence", date, NOW));
        let expected = if date < left.plus_months(12) { Answer::Yes } else { Answer::No };
        prop_assert_eq!(opinion.basis("l-th", "evidence".parse().unwrap()).unwrap().answer, expected);
    }

    #[test]
    fn a_registry_reads_back_as_itself(rows in rows(Draw::Everything)) {
        let registry = registry(rows);
        let again = Registry::parse(&registry.to_json()).unwrap();
        prop_assert_eq!(&again, &registry);
        prop_assert_eq!(digest(&again).unwrap(), digest(&registry).unwrap());
        prop_assert_eq!(again.to_json(), registry.to_json());
    }
}

fn pattern() -> Row {
    Row {
        number: 0,
        instrument: "l-th".parse().unwrap(),
        state: None,
        counterpart: None,
        from: "2024-01-01".parse().unwrap(),
        to: None,
        recorded: recorded(0),
        replaces: None,
        territory: None,
        source: rogatory::law::row::Source {
            kind: Provenance::Depositary,
            note: "fictional".to_owned(),
            document: None,
        },
        fact: Fact::Party,
    }
}

/// The instruments with every mark set to `recalled`.
fn recalled() -> Library {
    let mut all: Vec<Instrument> = library().instruments().to_vec();
    for one in &mut all {
        one.rules.iter_mut().for_each(|text| text.mark = Mark::Recalled);
        one.crimes.iter_mut().for_each(|text| text.mark = Mark::Recalled);
        one.annexes.iter_mut().for_each(|text| text.mark = Mark::Recalled);
        one.measures.iter_mut().for_each(|text| text.mark = Mark::Recalled);
        one.excluded.iter_mut().for_each(|text| text.mark = Mark::Recalled);
        one.terms.iter_mut().for_each(|text| text.mark = Mark::Recalled);
    }
    Library::of(all).unwrap()
}

#[test]
fn nothing_that_was_only_recalled_ever_answers_yes() {
    let mut yes = 0;
    for (name, vector) in vectors::all() {
        let book = vector.book();
        if !book.registry().instruments().is_empty() {
            continue;
        }
        let without: Vec<Row> =
            book.registry().rows().iter().filter(|row| !matches!(row.fact, Fact::Confirmation(_))).cloned().collect();
        // A replaced row keeps its number; vectors that replace rows confirm nothing, so nothing was taken out of them.
        let rows = if without.len() == book.registry().rows().len() { without } else { numbered(without) };
        let unread = Book::new(recalled(), registry(rows)).unwrap();
        for ask in &vector.ask {
            let query = vector.query(ask);
            let read = basis(&book.view(query.as_of), &query).unwrap();
            let opinion = basis(&unread.view(query.as_of), &query).unwrap();
            yes += read.bases.iter().filter(|basis| basis.answer == Answer::Yes).count();
            assert!(opinion.bases.iter().all(|basis| basis.answer != Answer::Yes), "{name}: {}", vector.says);
            assert!(opinion.bases.iter().flat_map(|basis| &basis.terms).all(|term| term.value.is_none()), "{name}");
        }
    }
    assert!(yes > 20, "the vectors have only {yes} YES: the test would prove nothing");
}
