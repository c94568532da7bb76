//! What holds for every set of conditions: the strictest wins, nothing unknown is dropped, and what clears an accused is
//! never blocked.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use proptest::collection::{btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use rogatory::law::conditions::asked::{
    Act, Asked, Cleared, Consent, Facts, Notice, PurposeKind, Recipient, RecipientKind, Route,
};
use rogatory::law::conditions::book::CodeBook;
use rogatory::law::conditions::code::{Firmness, Permission};
use rogatory::law::conditions::{Standing, Term, Verdict, inherited, judge};
use rogatory::model::ident::{AuthorityId, Id};
use rogatory::model::package::{Condition, ConditionOrigin};
use rogatory::model::time::Timestamp;

const STANDINGS: [Standing; 8] = [
    Standing::Binds,
    Standing::Offered,
    Standing::Countered,
    Standing::Declined,
    Standing::Expired,
    Standing::Superseded,
    Standing::Waived,
    Standing::Ended,
];
const PLACES: [&str; 3] = ["A-1/2026", "A-2/2026", "B-9"];
const NAMES: [&str; 3] = ["Court of Arcadia", "XC-MOJ", "INT-ICC"];

static BOOK: LazyLock<CodeBook> = LazyLock::new(|| CodeBook::standard().unwrap());

fn book() -> &'static CodeBook {
    &BOOK
}

fn setter() -> AuthorityId {
    "XB-MOJ".parse().unwrap()
}

fn id(byte: u8) -> Id {
    Id::try_from(&[byte; 16][..]).unwrap()
}

fn codes() -> Vec<String> {
    let mut codes: Vec<String> = book().codes().iter().map(|code| code.code.clone()).collect();
    codes.push("USE.NEW-IN-2031".to_owned());
    codes
}

fn condition() -> impl Strategy<Value = (Condition, Standing)> {
    use ConditionOrigin::{DefaultByLaw, RequestedState, RequesterUndertaking};
    let params = vec(
        select(vec![
            ("proceeding", "A-1/2026"),
            ("purpose", "political,fiscal"),
            ("purpose", "no purpose of ours"),
            ("agencies", "Court of Arcadia; Police"),
            ("date", "2026-01-01"),
            ("date", "2031-01-01"),
            ("until", "2031-01-01"),
            ("originator", "XD-MOJ"),
        ]),
        0..3,
    );
    let origin = select(vec![DefaultByLaw, RequestedState, RequesterUndertaking]);
    (select(codes()), params, origin, vec(1..4_u32, 0..3), select(&STANDINGS[..])).prop_map(
        |(code, params, origin, objects, standing)| {
            let params: BTreeMap<String, String> =
                params.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
            let text = "As agreed.".to_owned();
            (Condition { id: "c".to_owned(), code, text, origin, objects, params, ..Condition::default() }, standing)
        },
    )
}

fn conditions() -> impl Strategy<Value = Vec<(Condition, Standing)>> {
    vec(condition(), 0..6).prop_map(|mut rows| {
        for (number, (condition, _)) in (1..).zip(&mut rows) {
            condition.id = format!("c{number}");
        }
        rows
    })
}

fn asked() -> impl Strategy<Value = Asked> {
    let recipient = (select(&NAMES[..]), select(&RecipientKind::ALL[..]))
        .prop_map(|(name, kind)| Recipient { name: name.to_owned(), kind });
    let route = select(vec![Route::Ordinary, Route::SameFacts, Route::PublicSafety, Route::Exculpatory]);
    (
        select(&Act::ALL[..]),
        vec(1..4_u32, 0..3),
        option::of(select(&PLACES[..])),
        option::of(select(&PurposeKind::ALL[..])),
        option::of(recipient),
        route,
    )
        .prop_map(|(act, objects, proceeding, purpose, recipient, route)| Asked {
            act,
            objects,
            proceeding: proceeding.map(str::to_owned),
            purpose,
            recipient,
            route,
        })
}

fn consent() -> impl Strategy<Value = Consent> {
    let names = vec(select(&NAMES[..]), 0..3).prop_map(|names| names.into_iter().map(str::to_owned).collect());
    (vec(1..4_u32, 0..3), option::of(select(&PLACES[..])), names, any::<bool>()).prop_map(
        |(objects, proceeding, recipients, originator)| Consent {
            message_id: id(9),
            by: setter(),
            on_behalf_of: if originator { vec!["XD-MOJ".to_owned()] } else { Vec::new() },
            objects,
            proceeding: proceeding.map(str::to_owned),
            recipients,
            purposes: vec![PurposeKind::Fiscal],
            until: None,
        },
    )
}

fn facts() -> impl Strategy<Value = Facts> {
    let permissions = btree_set(select(vec![Permission::SameFacts, Permission::PublicSafety]), 0..3);
    let cleared = select(vec![Cleared::No, Cleared::BySecondPerson]);
    let notice = (vec(1..4_u32, 0..2), select(&PLACES[..])).prop_map(|(objects, proceeding)| Notice {
        message_id: id(8),
        objects,
        proceeding: proceeding.to_owned(),
    });
    (vec(consent(), 0..3), vec(notice, 0..2), permissions, cleared).prop_map(
        |(consents, notices, permissions, cleared)| Facts {
            now: "2026-11-22".parse().unwrap(),
            own_proceedings: vec!["A-1/2026".to_owned()],
            consents,
            notices,
            permissions,
            cleared,
            ..Facts::default()
        },
    )
}

fn judged(rows: &[(Condition, Standing)], asked: &Asked, facts: &Facts) -> Verdict {
    let setter = setter();
    let terms: Vec<Term<'_>> =
        rows.iter().map(|(condition, standing)| Term { condition, setter: &setter, standing: *standing }).collect();
    judge(book(), &terms, asked, facts)
}

proptest! {
    #[test]
    fn one_more_condition_never_allows_more(rows in conditions(), one in condition(), asked in asked(), facts in facts()) {
        let fewer = judged(&rows, &asked, &facts);
        let mut more = rows;
        more.push(one);
        let after = judged(&more, &asked, &facts);
        prop_assert!(after.strictness() >= fewer.strictness());
        prop_assert!(after.holds().len() >= fewer.holds().len());
    }

    #[test]
    fn what_clears_an_accused_is_never_blocked_and_a_notice_opens_it(
        rows in conditions(),
        asked in asked(),
        facts in facts(),
        place in select(&PLACES[..]),
    ) {
        let mut asked = Asked { route: Route::Exculpatory, ..asked };
        prop_assert!(!matches!(judged(&rows, &asked, &facts), Verdict::Blocked(_)));
        asked.proceeding = Some(place.to_owned());
        let told = Notice { message_id: id(7), objects: Vec::new(), proceeding: place.to_owned() };
        let facts = Facts { notices: vec![told], ..facts };
        prop_assert_eq!(judged(&rows, &asked, &facts), Verdict::Allowed);
        let none = Facts { notices: Vec::new(), ..facts };
        prop_assert!(matches!(judged(&rows, &asked, &none), Verdict::Gated(_)));
    }

    #[test]
    fn a_code_of_a_newer_version_stands_against_every_act_until_two_persons_read_it(
        asked in asked().prop_filter("an act of the receiver", |asked| {
            asked.act != Act::Transmit && asked.route != Route::Exculpatory
        }),
    ) {
        let new = Condition { id: "c1".to_owned(), code: "X.NEW".to_owned(), text: "Not on Sundays.".to_owned(), ..Condition::default() };
        let rows = [(new, Standing::Binds)];
        let none = Facts::default();
        let verdict = judged(&rows, &asked, &none);
        prop_assert!(matches!(verdict, Verdict::Gated(_)));
        prop_assert_eq!(&verdict.holds()[0].text, "Not on Sundays.");
        let cleared = Facts { cleared: Cleared::BySecondPerson, ..none };
        prop_assert_eq!(judged(&rows, &asked, &cleared), Verdict::Allowed);
    }

    #[test]
    fn every_hold_names_the_condition_the_article_and_who_can_lift_it(
        rows in conditions(),
        asked in asked(),
        facts in facts(),
    ) {
        let verdict = judged(&rows, &asked, &facts);
        for hold in verdict.holds() {
            for text in [&hold.id, &hold.code, &hold.text, &hold.why, &hold.article, &hold.needs, &hold.lifted_by] {
                prop_assert!(!text.is_empty(), "{hold:?}");
            }
        }
        let hard = verdict.holds().iter().any(|hold| hold.how == Firmness::Hard);
        prop_assert_eq!(hard, matches!(verdict, Verdict::Blocked(_)));
    }

    #[test]
    fn what_is_not_accepted_keeps_its_files_closed_to_every_ordinary_act(
        one in condition(),
        asked in asked(),
        facts in facts(),
        standing in select(vec![Standing::Offered, Standing::Countered, Standing::Declined, Standing::Expired]),
    ) {
        let asked = Asked { route: Route::Ordinary, objects: Vec::new(), ..asked };
        let verdict = judged(&[(one.0, standing)], &asked, &facts);
        prop_assert!(matches!(verdict, Verdict::Blocked(_)));
    }

    #[test]
    fn a_derivative_stands_under_every_condition_of_its_source(
        rows in conditions(),
        asked in asked(),
        facts in facts(),
        objects in vec(1..4_u32, 0..3),
    ) {
        let setter = setter();
        let terms: Vec<Term<'_>> =
            rows.iter().map(|(condition, standing)| Term { condition, setter: &setter, standing: *standing }).collect();
        let carried = inherited(id(1), &terms, &objects);
        let of_source = Asked { objects, ..asked.clone() };
        let of_copy = Asked { objects: Vec::new(), ..asked };
        // On the copy they bind by acceptance; whoever accepted them stands where the source stood, or stricter.
        let rows: Vec<(Condition, Standing)> = carried.iter().map(|one| (one.clone(), Standing::Binds)).collect();
        let bound: Vec<Term<'_>> = terms.iter().copied().filter(|term| term.standing == Standing::Binds).collect();
        let before = judge(book(), &bound, &of_source, &facts);
        let after = judged(&rows, &of_copy, &facts);
        prop_assert!(after.strictness() >= before.strictness(), "{before:?} {after:?}");
        prop_assert!(carried.iter().all(|one| one.inherited.as_ref().is_some_and(|from| from.setter == setter)));
        let names: BTreeSet<&str> = carried.iter().map(|one| one.id.as_str()).collect();
        prop_assert_eq!(names.len(), carried.len());
    }
}

/// The codes of the vocabulary as practitioners agreed on them: none may be lost.
#[test]
fn every_agreed_code_is_in_the_vocabulary() {
    let agreed = "CONF.REQUEST CONF.NO-TIP-OFF CONF.RESPONSE CONF.LEAD-ONLY CONF.ORIGINATOR CONF.WITNESS-ID \
        CONF.WITNESS-PLACE CONF.NATSEC-FORM USE.NAMED-PROCEEDINGS USE.SAME-FACTS-OK USE.NOT-FOR USE.EXCULPATORY \
        USE.DEFENCE-DISCLOSURE USE.PUBLIC-SAFETY USE.REPORT USE.CONSULT-LATER XFER.NO-THIRD-STATE XFER.NO-INTL-ORG \
        XFER.ONWARD-TERMS XFER.AGENCIES RET.ORIGINAL RET.BY-DATE RET.WAIVED DESTROY.BY DESTROY.ON-END PD.PURPOSE \
        PD.RETAIN-UNTIL PD.CORRECT PD.SUBJECT-INFO PD.SECURITY PD.BREACH ASSUR.NO-DEATH-IMPOSED \
        ASSUR.NO-DEATH-EXECUTED ASSUR.NO-TORTURE-FAIR-TRIAL ASSUR.ORDINARY-COURT ASSUR.RELEASABLE-LIFE \
        ASSUR.RECIPROCITY ASSUR.RETURN ASSUR.USE PERS.SPECIALITY PERS.SAFE-CONDUCT PERS.CUSTODY-RETURN FORM.CERTIFY \
        FORM.AFFIDAVIT FORM.OATH FORM.SOLEMN FORM.HEARING-RECORD FORM.PRESENCE FORM.ORIGINAL-ON-DEMAND FORM.LANG \
        TIME.MEASURE-LIMIT COST.SHARE";
    let book = book();
    let missing: Vec<&str> = agreed.split_whitespace().filter(|code| book.find(code).is_none()).collect();
    assert!(missing.is_empty(), "{missing:?}");
    assert_eq!(book.codes().len(), agreed.split_whitespace().count());
}

fn one(code: &str, params: &[(&str, &str)]) -> Vec<(Condition, Standing)> {
    let params = params.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    let text = "As agreed.".to_owned();
    vec![(
        Condition { id: "c1".to_owned(), code: code.to_owned(), text, params, ..Condition::default() },
        Standing::Binds,
    )]
}

fn at(day: &str) -> Facts {
    Facts { now: day.parse().unwrap(), own_proceedings: vec!["A-1/2026".to_owned()], ..Facts::default() }
}

fn to(act: Act, name: &str, kind: RecipientKind) -> Asked {
    Asked { recipient: Some(Recipient { name: name.to_owned(), kind }), ..Asked::plain(act) }
}

#[test]
fn evidence_stays_in_its_proceedings_until_its_setter_consents_to_others() {
    let rows = one("USE.NAMED-PROCEEDINGS", &[]);
    let facts = at("2026-11-22");
    let link = |place: &str| Asked { proceeding: Some(place.to_owned()), ..Asked::plain(Act::Link) };
    assert_eq!(judged(&rows, &Asked::plain(Act::Export), &facts), Verdict::Allowed);
    assert_eq!(judged(&rows, &link("A-1/2026"), &facts), Verdict::Allowed);
    let other = judged(&rows, &link("A-2/2026"), &facts);
    assert!(matches!(other, Verdict::Gated(_)));
    assert!(other.holds()[0].article.contains("L-TH") && other.holds()[0].lifted_by.contains("XB-MOJ"));
    let token = |by: &str, until: Option<&str>| Consent {
        message_id: id(9),
        by: by.parse().unwrap(),
        on_behalf_of: Vec::new(),
        objects: Vec::new(),
        proceeding: Some("A-2/2026".to_owned()),
        recipients: Vec::new(),
        purposes: Vec::new(),
        until: until.map(|day| day.parse::<Timestamp>().unwrap()),
    };
    let with = |consent| Facts { consents: vec![consent], ..facts.clone() };
    assert_eq!(judged(&rows, &link("A-2/2026"), &with(token("XB-MOJ", None))), Verdict::Allowed);
    for worthless in [token("XC-MOJ", None), token("XB-MOJ", Some("2026-11-01"))] {
        assert!(matches!(judged(&rows, &link("A-2/2026"), &with(worthless)), Verdict::Gated(_)));
    }
    assert!(matches!(judged(&rows, &link("A-3/2026"), &with(token("XB-MOJ", None))), Verdict::Gated(_)));
}

#[test]
fn nothing_goes_to_another_state_without_the_consent_that_names_it() {
    let rows = one("XFER.NO-THIRD-STATE", &[]);
    let facts = at("2026-11-22");
    let forward = to(Act::Forward, "XC-MOJ", RecipientKind::ThirdState);
    assert!(matches!(judged(&rows, &forward, &facts), Verdict::Blocked(_)));
    assert!(matches!(judged(&rows, &Asked::plain(Act::Forward), &facts), Verdict::Blocked(_)), "nobody said to whom");
    assert_eq!(judged(&rows, &to(Act::Export, "Court", RecipientKind::Court), &facts), Verdict::Allowed);
    let mut token = Consent {
        message_id: id(9),
        by: setter(),
        on_behalf_of: Vec::new(),
        objects: Vec::new(),
        proceeding: None,
        recipients: vec!["XD-MOJ".to_owned()],
        purposes: Vec::new(),
        until: None,
    };
    let with = |token: &Consent| Facts { consents: vec![token.clone()], ..facts.clone() };
    assert!(matches!(judged(&rows, &forward, &with(&token)), Verdict::Blocked(_)));
    token.recipients.push("XC-MOJ".to_owned());
    assert_eq!(judged(&rows, &forward, &with(&token)), Verdict::Allowed);
    token.objects = vec![1];
    assert!(matches!(judged(&rows, &forward, &with(&token)), Verdict::Blocked(_)), "of one file only");
}

#[test]
fn a_day_that_has_come_closes_what_was_to_be_destroyed() {
    let rows = one("DESTROY.BY", &[("date", "2027-01-01")]);
    assert_eq!(judged(&rows, &Asked::plain(Act::Open), &at("2026-12-31")), Verdict::Allowed);
    assert!(matches!(judged(&rows, &Asked::plain(Act::Open), &at("2027-01-01")), Verdict::Blocked(_)));
}

#[test]
fn an_assurance_opens_the_transmission_that_waits_for_it() {
    let rows = one("ASSUR.NO-DEATH-IMPOSED", &[]);
    let facts = at("2026-11-22");
    assert!(matches!(judged(&rows, &Asked::plain(Act::Transmit), &facts), Verdict::Blocked(_)));
    let given = Facts { assured: BTreeSet::from(["c1".to_owned()]), ..facts };
    assert_eq!(judged(&rows, &Asked::plain(Act::Transmit), &given), Verdict::Allowed);
}

#[test]
fn an_excluded_purpose_and_one_that_nobody_said_are_gated() {
    let rows = one("USE.NOT-FOR", &[("purpose", "political,fiscal")]);
    let facts = at("2026-11-22");
    let with = |purpose| Asked { purpose, ..Asked::plain(Act::Export) };
    assert_eq!(judged(&rows, &with(Some(PurposeKind::Criminal)), &facts), Verdict::Allowed);
    assert!(matches!(judged(&rows, &with(Some(PurposeKind::Fiscal)), &facts), Verdict::Gated(_)));
    assert!(matches!(judged(&rows, &with(None), &facts), Verdict::Gated(_)));
}
