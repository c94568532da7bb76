//! What the look-up must never do, each as a test that would fail if it did.

use rogatory::law::basis::basis;
use rogatory::law::instrument::{Instrument, Kind, Procedure};
use rogatory::law::opinion::{Answer, Basis, Effect, Strength};
use rogatory::law::provision::{Term, When};
use rogatory::law::query::Query;
use rogatory::law::registry::{Registry, RegistryError};
use rogatory::law::view::{Book, BookError};
use rogatory::law::words::measures;
use rogatory::model::message::Urgency;
use rogatory::model::time::Timestamp;

use crate::registries::library;

/// A registry file whose rows are these; each is a party row of `l-th` unless it says otherwise.
fn file(rows: &[&str]) -> Vec<u8> {
    let head = r#"{"schema":"rogatory.registry.v1","about":"fictional","rows":["#;
    format!("{head}{}]}}", rows.join(",")).into_bytes()
}

fn party(number: u32, state: &str, instrument: &str) -> String {
    format!(
        r#"{{"row":{number},"fact":"party","instrument":"{instrument}","state":"{state}","from":"2020-01-01",
        "recorded":"2020-01-02T00:00:00Z","source":{{"kind":"depositary","note":"fictional"}}}}"#
    )
}

fn book(instrument: &str) -> Book {
    let rows = [party(1, "XA", instrument), party(2, "XB", instrument)];
    let registry = Registry::parse(&file(&[&rows[0], &rows[1]])).unwrap();
    Book::new(library(), registry).unwrap()
}

fn query(crime: &str, measure: &str) -> Query {
    let day = "2026-06-15".parse().unwrap();
    let (from, to) = ("XA".parse().unwrap(), "XB".parse().unwrap());
    Query::new(from, to, crime.parse().unwrap(), measure.parse().unwrap(), day, Timestamp::from_millis(u64::MAX))
}

fn ask(instrument: &str, query: &Query) -> Basis {
    let book = book(instrument);
    let opinion = basis(&book.view(query.as_of), query).unwrap();
    opinion.basis(instrument, query.measures[0]).unwrap().clone()
}

fn term(basis: &Basis, key: Term) -> String {
    basis.terms.iter().find(|term| term.term == key).unwrap().value.clone().unwrap()
}

fn standard() -> Vec<Instrument> {
    library().instruments().to_vec()
}

#[test]
fn refusal_under_l_th_is_a_right_and_never_a_duty() {
    let basis = ask("l-th", &query("genocide", "evidence"));
    assert_eq!(term(&basis, Term::Refusal), "optional");
    assert_eq!(basis.strength, Strength::Binding);
}

#[test]
fn confidentiality_under_l_th_is_the_default_and_on_demand_under_untoc() {
    assert_eq!(term(&ask("l-th", &query("genocide", "evidence")), Term::Confidentiality), "default");
    assert_eq!(term(&ask("untoc", &query("organised-crime", "evidence")), Term::Confidentiality), "on-demand");
}

#[test]
fn interpol_is_no_urgent_channel_under_l_th() {
    let mut urgent = query("genocide", "evidence");
    urgent.urgency = Urgency::Urgent;
    let basis = ask("l-th", &urgent);
    assert_eq!(term(&basis, Term::Urgent), "if-agreed");
    let route = basis.route.unwrap();
    assert_eq!(route.ways, ["central authority, on paper"]);
}

/// Even where two agreed on it: the text opens INTERPOL only where the addressee declared it, so a human is asked.
#[test]
fn an_agreement_on_interpol_opens_it_under_untoc_and_asks_a_human_under_l_th() {
    let agreement = |instrument: &str| {
        format!(
            r#"{{"row":3,"fact":"agreement","instrument":"{instrument}","state":"XA","counterpart":"XB","from":"2020-01-01",
            "recorded":"2020-01-02T00:00:00Z","source":{{"kind":"peer-notice","note":"fictional"}},"on":"urgent-interpol"}}"#
        )
    };
    let route = |instrument: &str, crime: &str| {
        let rows = [party(1, "XA", instrument), party(2, "XB", instrument), agreement(instrument)];
        let registry = Registry::parse(&file(&[&rows[0], &rows[1], &rows[2]])).unwrap();
        let book = Book::new(library(), registry).unwrap();
        let mut query = query(crime, "evidence");
        query.urgency = Urgency::Urgent;
        let opinion = basis(&book.view(query.as_of), &query).unwrap();
        opinion.basis(instrument, query.measures[0]).unwrap().route.clone().unwrap()
    };
    let open = route("untoc", "organised-crime");
    assert!(open.ways.contains(&"INTERPOL, as urgent"), "{open:?}");
    let asked = route("l-th", "genocide");
    assert_eq!(asked.ways, ["central authority, on paper"]);
    let reason = asked.reasons.iter().find(|reason| reason.effect == Effect::Asks).unwrap();
    assert!(reason.text.contains("opens no such path in urgent cases"), "{reason:?}");
}

#[test]
fn no_instrument_opens_a_path_that_its_data_do_not_name() {
    let (library, interpol) = (library(), "interpol");
    let l_th = library.find(&"l-th".parse().unwrap()).unwrap();
    assert!(l_th.channel(interpol, When::Declared).is_some());
    assert!(
        [When::Always, When::Urgent, When::UrgentAgreed].into_iter().all(|when| l_th.channel(interpol, when).is_none())
    );
    assert!(library.instruments().iter().filter(|one| !one.channels.is_empty()).count() >= 7);
}

#[test]
fn an_electronic_filing_is_not_called_made_without_an_agreement() {
    let route = ask("l-th", &query("genocide", "evidence")).route.unwrap();
    assert_eq!(route.electronic, Answer::No);
    assert!(route.reasons[0].text.contains("printable bundle"));
}

#[test]
fn a_duty_without_a_procedure_is_never_a_yes_alone() {
    let mut seen = 0;
    for instrument in standard().iter().filter(|one| one.procedure == Procedure::None && one.kind == Kind::Treaty) {
        for word in measures() {
            for crime in ["genocide", "torture", "enforced-disappearance", "grave-breach"] {
                let basis = ask(instrument.id.as_str(), &query(crime, &word.word));
                assert_ne!(basis.answer, Answer::Yes, "{} {} {crime}", instrument.short, word.word);
                seen += 1;
            }
        }
    }
    assert!(seen > 100);
}

#[test]
fn a_draft_is_never_a_basis() {
    for word in measures() {
        assert_eq!(ask("ilc-cah", &query("crimes-against-humanity", &word.word)).answer, Answer::No);
    }
}

/// Two parties ask for each kind of help: a text that provides for it is cited, a text that is silent makes a human be
/// asked or, where its list is closed, says NO. It is never YES without an article on that help.
#[test]
fn every_help_of_every_instrument_is_answered_under_its_article() {
    let mut provided = 0;
    for instrument in standard().iter().filter(|one| one.court.is_none() && one.kind == Kind::Treaty) {
        let crime = match instrument.id.as_str() {
            "uncac" => "corruption",
            "untoc" => "organised-crime",
            "cat" => "torture",
            "icpped" => "enforced-disappearance",
            "ap-1" | "geneva-1949" => "grave-breach",
            "budapest" => "cybercrime",
            _ => "genocide",
        };
        for word in measures() {
            let mut query = query(crime, &word.word);
            query.tests_met = vec![instrument.id.clone()];
            let basis = ask(instrument.id.as_str(), &query);
            let cited: Vec<&str> =
                basis.reasons.iter().flat_map(|r| &r.articles).map(|article| article.article.as_str()).collect();
            match instrument.measure(query.measures[0]) {
                Some(text) => {
                    provided += 1;
                    assert!(cited.contains(&text.article.as_str()), "{} {}: {cited:?}", instrument.short, word.word);
                    assert_ne!(basis.answer, Answer::No, "{} {}", instrument.short, word.word);
                }
                None => assert_ne!(basis.answer, Answer::Yes, "{} {}", instrument.short, word.word),
            }
        }
    }
    assert!(provided > 100, "only {provided}");
}

#[test]
fn every_yes_names_an_article_and_a_row_with_its_source() {
    for instrument in ["l-th", "asean-mlat", "coe-1959"] {
        let basis = ask(instrument, &query("genocide", "search"));
        assert_eq!(basis.answer, Answer::Yes);
        assert!(basis.reasons.iter().all(|reason| !reason.articles.is_empty()), "{:?}", basis.reasons);
        assert_eq!(
            basis.reasons[0].rows.iter().map(|row| (row.row, row.source)).collect::<Vec<_>>(),
            [(1, "depositary"), (2, "depositary")]
        );
    }
}

#[test]
fn a_bad_registry_is_refused_with_the_row_that_is_wrong() {
    let good = party(1, "XA", "l-th");
    assert!(Registry::parse(&file(&[&good])).is_ok());
    let cases: &[(&str, &str, &str)] = &[
        (r#""row":1"#, r#""row":2"#, "row 2 stands where row 1 should"),
        (r#""fact":"party""#, r#""fact":"annex""#, "row 1: the fact names an `annex`"),
        (r#""from""#, r#""annex":"torture","from""#, "row 1: `annex` does not belong to this fact"),
        (r#""from""#, r#""when":"x","from""#, "unknown field `when`"),
        (r#""from""#, r#""row":1,"from""#, "duplicate field `row`"),
        (r#""from":"2020-01-01""#, r#""from":"2020-1-1""#, "is no day"),
        (r#""from""#, r#""to":"2019-01-01","from""#, "row 1: `to` is not after `from`"),
        (r#""from""#, r#""counterpart":"XB","from""#, "row 1: `counterpart` belongs"),
        (r#""recorded":"2020-01-02T00:00:00Z""#, r#""recorded":"2020-01-02""#, "row 1: `recorded` is an instant"),
        (r#""state":"XA""#, r#""state":"Arcadia""#, "neither a State"),
        (r#""from""#, r#""replaces":1,"from""#, "row 1 replaces row 1"),
        (r#""note":"fictional""#, r#""note":"""#, "row 1: has a text that is empty"),
        (r#""note":"fictional""#, r#""note":"n","sha256":"AB""#, "row 1: `sha256` is 64"),
        (r#""fact":"party""#, r#""fact":"retraction""#, "row 1: a retraction names the row"),
    ];
    for (from, to, expected) in cases {
        let error = Registry::parse(&file(&[&good.replacen(from, to, 1)])).unwrap_err().to_string();
        assert!(error.contains(expected), "{to}: {error}");
    }
    let later = party(2, "XB", "l-th").replace("2020-01-02T", "2019-12-31T");
    assert_eq!(Registry::parse(&file(&[&good, &later])), Err(RegistryError::BackDated(2)));
    let confirmed = good
        .replace(r#""fact":"party""#, r#""fact":"confirmation","articles":["2(1)"]"#)
        .replace(r#""state":"XA","#, "")
        .replace("depositary", "local-belief");
    assert!(Registry::parse(&file(&[&confirmed])).unwrap_err().to_string().contains("`local-belief` confirms nothing"));
}

#[test]
fn a_row_about_an_unknown_instrument_or_annex_is_refused() {
    let unknown = Registry::parse(&file(&[&party(1, "XA", "treaty-of-nowhere")])).unwrap();
    assert!(matches!(Book::new(library(), unknown), Err(BookError::Instrument { row: 1, .. })));
    let annex = party(1, "XA", "l-th").replace(r#""fact":"party""#, r#""fact":"annex","annex":"piracy""#);
    let registry = Registry::parse(&file(&[&annex])).unwrap();
    assert!(matches!(Book::new(library(), registry), Err(BookError::Annex { row: 1, .. })));
}
