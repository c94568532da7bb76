//! The check of requests under each list: what holds a request up, and what only advises.

use super::*;
use crate::model::authority::Provenance;
use crate::model::request::Measure as Asked;
use crate::model::request_parts::{Enclosure, LawText, Undertaking};
use crate::model::requirement::{Requirement, Topic};

struct Desk {
    library: Library,
    contents: Contents,
    from: AuthorityId,
    to: AuthorityId,
}

impl Desk {
    fn new() -> Self {
        Self {
            library: Library::standard().unwrap(),
            contents: Contents::standard().unwrap(),
            from: "XA-MOJ".parse().unwrap(),
            to: "XB-MOJ".parse().unwrap(),
        }
    }

    fn check(&self, request: &RequestBody, basis: &str, requirements: &[Requirement]) -> Findings {
        self.check_with(request, basis, requirements, Deadline::None, "en")
    }

    fn check_with(
        &self,
        request: &RequestBody,
        basis: &str,
        requirements: &[Requirement],
        deadline: Deadline,
        language: &str,
    ) -> Findings {
        let languages = ["en".to_owned(), "fr-CH".to_owned()];
        let addressee = Addressee { authority: &self.to, languages: &languages, requirements };
        let known = Known { library: &self.library, contents: &self.contents, view: None, addressee: Some(addressee) };
        let legal_bases = [basis.to_owned()];
        check(&known, &Filing { from: &self.from, request, language, deadline, legal_bases: &legal_bases })
    }
}

fn full(kind: &str) -> RequestBody {
    let text = |text: &str| text.to_owned();
    RequestBody {
        reference: text("A 1"),
        subject: text("The bridge"),
        proceeding_authority: text("Prosecutor"),
        proceeding_authority_functions: text("prosecutes"),
        nature_of_proceedings: text("investigation"),
        facts: text("facts"),
        applicable_law: text("law"),
        penalty: text("years"),
        purpose: text("proof"),
        law_texts: vec![LawText { citation: text("Code, 1"), text: text("Whoever ...") }],
        measures: vec![Asked { kind: text(kind), description: text("it"), ..Asked::default() }],
        ..RequestBody::default()
    }
}

fn missing(findings: &Findings) -> Vec<String> {
    findings.in_state(State::Missing).map(|finding| finding.what.clone()).collect()
}

fn requirement(topic: Topic, value: &str, source: Provenance) -> Requirement {
    Requirement {
        topic,
        value: value.to_owned(),
        measures: vec![],
        with: vec![],
        says: "as the law says".to_owned(),
        source,
        note: "note 4".to_owned(),
    }
}

#[test]
fn a_full_request_for_evidence_is_complete_and_each_gap_is_named_with_its_article() {
    let desk = Desk::new();
    assert_eq!(missing(&desk.check(&full("evidence"), "l-th", &[])), Vec::<String>::new());
    let mut request = full("evidence");
    request.law_texts.clear();
    let found = desk.check(&request, "l-th", &[]);
    let gap = found.in_state(State::Missing).next().unwrap();
    assert!(matches!(&gap.ground, Ground::Article(cited) if !cited.article.is_empty() && cited.mark == "found: LTH"));
    assert_eq!(missing(&found), ["law_texts"]);
    assert!(missing(&desk.check(&request, "untoc", &[])).is_empty(), "UNTOC asks for no text of the law");
}

#[test]
fn each_kind_of_help_brings_its_own_items() {
    let desk = Desk::new();
    for (kind, gap) in [
        ("hearing", "privilege_to_refuse_testimony"),
        ("video-hearing", "conducting-authority"),
        ("jit", "composition"),
        ("confiscation", "grounds or order"),
        ("freezing", "actions"),
        ("appearance", "allowances"),
        ("detained-transfer", "consent"),
        ("extradition", "warrant or judgment"),
        ("provisional-arrest", "follow-up"),
        ("sentenced-transfer", "judgment"),
    ] {
        assert!(missing(&desk.check(&full(kind), "l-th", &[])).iter().any(|what| what == gap), "{kind}");
    }
    let mut request = full("confiscation");
    for (code, text) in [("property", "a house"), ("order", "of 1 May")] {
        request.measures[0].particulars.insert(code.to_owned(), text.to_owned());
    }
    assert!(missing(&desk.check(&request, "l-th", &[])).is_empty(), "the own order stands in for the facts");
}

#[test]
fn service_alone_needs_no_facts_and_a_second_measure_does() {
    let desk = Desk::new();
    let mut request = full("service");
    request.facts.clear();
    assert!(missing(&desk.check(&request, "l-th", &[])).is_empty());
    request.measures.extend(full("evidence").measures);
    assert!(missing(&desk.check(&request, "l-th", &[])).contains(&"facts".to_owned()));
}

#[test]
fn what_is_only_recalled_advises_and_holds_nothing_up() {
    let desk = Desk::new();
    let found = desk.check(&full("search"), "asean-mlat", &[]);
    assert!(missing(&found).is_empty());
    let promise = found.0.iter().find(|finding| finding.what == Field::UndertakingReciprocity.name()).unwrap();
    assert_eq!(promise.state, State::Doubtful);
    for list in desk.contents.all() {
        for kind in crate::law::words::measures() {
            let found = desk.check(&full(&kind.word), list.instrument.as_str(), &[]);
            for gap in found.in_state(State::Missing) {
                assert!(matches!(&gap.ground, Ground::Article(cited) if cited.mark != "recalled"), "{gap:?}");
            }
        }
    }
}

#[test]
fn a_limit_without_reasons_is_a_gap_and_a_treaty_that_nobody_knows_is_said_so() {
    let desk = Desk::new();
    let of = |deadline| missing(&desk.check_with(&full("evidence"), "l-th", &[], deadline, "en"));
    assert_eq!(of(Deadline::Unreasoned), ["reply_by_reason"]);
    assert!(of(Deadline::Reasoned).is_empty());
    let found = desk.check(&full("evidence"), "Treaty of 2023", &[]);
    assert!(missing(&found).is_empty());
    assert!(found.in_state(State::Doubtful).any(|finding| finding.ground == Ground::Nobody));
}

#[test]
fn a_language_that_the_addressee_does_not_accept_needs_a_translation() {
    let desk = Desk::new();
    let mut request = full("evidence");
    assert!(missing(&desk.check_with(&request, "l-th", &[], Deadline::None, "fr")).is_empty(), "fr-CH is French");
    assert_eq!(missing(&desk.check_with(&request, "l-th", &[], Deadline::None, "sl")), ["language"]);
    let kind = "translation".to_owned();
    request.enclosures =
        vec![Enclosure { file: "t.pdf".to_owned(), kind, language: "fr".to_owned(), ..Enclosure::default() }];
    assert!(missing(&desk.check_with(&request, "l-th", &[], Deadline::None, "sl")).is_empty());
}

#[test]
fn the_law_of_the_addressee_is_asked_and_a_local_belief_only_advises() {
    let desk = Desk::new();
    let mut request = full("search");
    let asked = [
        requirement(Topic::DualCriminality, "", Provenance::PeerNotice),
        requirement(Topic::Undertaking, "reciprocity", Provenance::Depositary),
        requirement(Topic::Enclosure, "certificate", Provenance::LocalBelief),
    ];
    let gaps = missing(&desk.check(&request, "l-th", &asked));
    assert_eq!(gaps, ["dual-criminality", "undertaking: reciprocity"]);
    request.dual_criminality = "murder in both".to_owned();
    request.undertakings =
        vec![Undertaking { code: "reciprocity".to_owned(), text: "We would do the same.".to_owned() }];
    assert!(missing(&desk.check(&request, "l-th", &asked)).is_empty());
    let elsewhere = Requirement { measures: vec!["search".to_owned()], ..asked[0].clone() };
    assert!(missing(&desk.check(&full("evidence"), "l-th", &[elsewhere])).is_empty(), "it is about searches");
}
