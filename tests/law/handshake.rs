//! What became of conditions must not depend on the order in which messages were read, and silence never accepts.

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::subsequence;
use rogatory::law::conditions::Standing;
use rogatory::law::handshake::Handshake;
use rogatory::model::ident::{AuthorityId, Digest, Id};
use rogatory::model::message::{Body, Fields, Message, MessageKind, Party, Ties, Urgency};
use rogatory::model::notice::Notice;
use rogatory::model::notice_table::Verdict;
use rogatory::model::package::{Condition, ConditionOrigin, Consignment, Item};
use rogatory::model::request::{Completeness, ConditionsAcceptance, EvidenceTransmittal};
use rogatory::model::time::Timestamp;

const LIMIT_MS: u64 = 10_000;

fn id(byte: u8) -> Id {
    Id::try_from(&[byte; 16][..]).unwrap()
}

fn authority(name: &str) -> AuthorityId {
    name.parse().unwrap()
}

fn said(number: u8, by: &str, at: u64, conditions: Vec<Condition>, body: Body) -> Message {
    let (sender, recipient) = (authority(by), authority(if by == "XA-MOJ" { "XB-MOJ" } else { "XA-MOJ" }));
    let item: Item = serde_json::from_value(serde_json::json!({
        "object_id": 1, "name": "a", "media_type": "a/b", "plaintext_bytes": 1, "sha256": Digest([1; 32]),
        "ciphertext_root": Digest([2; 32]), "role": "evidence", "description": "",
    }))
    .unwrap();
    let files = matches!(body, Body::Evidence(_));
    Message::new(Fields {
        message_id: id(number),
        request_id: id(0),
        sender: Party { authority: sender, officer: "Ana Novak".parse().unwrap() },
        recipient,
        created_at: Timestamp::from_millis(at),
        in_reply_to: None,
        directory: Digest([0; 32]),
        language: "en".to_owned(),
        urgency: Urgency::Routine,
        urgency_reason: String::new(),
        reply_by: None,
        legal_bases: Vec::new(),
        basis: None,
        conditions,
        consignment: files.then(|| Consignment::new(id(90), vec![item]).unwrap()),
        ties: Ties::default(),
        renditions: Vec::new(),
        body,
    })
    .unwrap()
}

fn condition(name: &str) -> Condition {
    let (id, code, text) = (name.to_owned(), "USE.REPORT".to_owned(), "Tell us.".to_owned());
    Condition { id, code, text, origin: ConditionOrigin::RequestedState, ..Condition::default() }
}

fn notice(kind: MessageKind, about: u8, names: &[&str]) -> Notice {
    let mut notice = Notice::new(kind);
    notice.about = Some(id(about));
    notice.names = names.iter().map(|name| (*name).to_owned()).collect();
    notice.text = "As we said.".to_owned();
    notice
}

fn step(number: u8, by: &str, at: u64, notice: Notice) -> Message {
    let conditions =
        if notice.kind == MessageKind::ConditionsOffer { vec![condition("c1"), condition("c2")] } else { vec![] };
    said(number, by, at, conditions, Body::Notice(Box::new(notice)))
}

fn offer(number: u8, replaces: Option<u8>) -> Message {
    let mut notice = Notice::new(MessageKind::ConditionsOffer);
    notice.due = Some(Timestamp::from_millis(LIMIT_MS));
    notice.about = replaces.map(id);
    step(number, "XB-MOJ", 1, notice)
}

fn acceptance(number: u8, by: &str, at: u64, target: Id, names: &[&str]) -> Message {
    let condition_ids = names.iter().map(|name| (*name).to_owned()).collect();
    let responsible_authority = "Ministry".to_owned();
    let body = Body::Acceptance(ConditionsAcceptance { package_id: target, condition_ids, responsible_authority });
    said(number, by, at, Vec::new(), body)
}

/// One message of each effect, and some that speak out of turn.
fn everything() -> Vec<Message> {
    let text = String::new;
    let evidence = Body::Evidence(EvidenceTransmittal {
        reference: text(),
        description: text(),
        completeness: Completeness::Final,
    });
    let mut assurance = notice(MessageKind::AssuranceGive, 1, &["c2"]);
    assurance.whom = "Minister".to_owned();
    let mut answer = Notice::new(MessageKind::AssuranceAnswer);
    (answer.about, answer.verdict) = (Some(id(9)), Some(Verdict::Accepted));
    vec![
        offer(1, None),
        offer(2, Some(1)),
        said(3, "XB-MOJ", 2, vec![condition("c1")], evidence),
        acceptance(4, "XA-MOJ", 5, id(1), &["c1"]),
        acceptance(5, "XA-MOJ", LIMIT_MS + 1, id(1), &["c2"]),
        acceptance(6, "XB-MOJ", 5, id(1), &["c2"]),
        acceptance(7, "XA-MOJ", 5, id(90), &["c1"]),
        step(8, "XA-MOJ", 6, notice(MessageKind::ConditionsDecline, 2, &["c2"])),
        step(9, "XA-MOJ", 6, assurance),
        step(10, "XB-MOJ", 7, answer),
        step(11, "XB-MOJ", 8, notice(MessageKind::ConditionsWaive, 1, &["c1"])),
        step(12, "XA-MOJ", 8, notice(MessageKind::ConditionsWaive, 1, &["c2"])),
        step(13, "XA-MOJ", 9, notice(MessageKind::ConditionsCounter, 2, &["c1"])),
    ]
}

/// Everything that can be asked of a thread.
fn answers(handshake: &Handshake, now: Timestamp) -> Vec<String> {
    let mut told = Vec::new();
    for set in handshake.sets() {
        for term in handshake.terms(set, now) {
            told.push(format!("{} {} {:?}", set.target, term.condition.id, term.standing));
        }
        told.push(format!("{} {:?}", set.target, handshake.assured(set)));
    }
    told.sort();
    told
}

fn standing(messages: &[Message], target: u8, name: &str, now: u64) -> Standing {
    let handshake = Handshake::of(messages);
    let set = handshake.set(id(target)).unwrap();
    let condition = set.conditions.iter().find(|condition| condition.id == name).unwrap();
    handshake.standing(set, condition, Timestamp::from_millis(now))
}

proptest! {
    #[test]
    fn any_order_of_the_same_messages_gives_the_same_answers(
        some in subsequence(everything(), 0..13),
        keys in vec(any::<u32>(), 13),
        now in 0..3 * LIMIT_MS,
    ) {
        let now = Timestamp::from_millis(now);
        let before = answers(&Handshake::of(&some), now);
        let mut shuffled: Vec<(u32, Message)> = keys.into_iter().zip(some).collect();
        shuffled.sort_by_key(|(key, _)| *key);
        let messages: Vec<Message> = shuffled.into_iter().map(|(_, message)| message).collect();
        prop_assert_eq!(answers(&Handshake::of(&messages), now), before);
    }

    #[test]
    fn whatever_else_is_said_nothing_binds_that_nobody_accepted_in_time(
        some in subsequence(everything(), 0..13),
        now in 0..u64::MAX,
    ) {
        let silent: Vec<Message> = some
            .into_iter()
            .filter(|message| !(message.kind() == MessageKind::ConditionsAccept && message.created_at.as_millis() <= LIMIT_MS && message.sender.authority.as_str() == "XA-MOJ"))
            .collect();
        let handshake = Handshake::of(&silent);
        for set in handshake.sets() {
            for term in handshake.terms(set, Timestamp::from_millis(now)) {
                // On files without a time limit a late acceptance is one.
                prop_assert!(set.target == id(90) || term.standing != Standing::Binds, "{:?}", term);
            }
        }
    }

    #[test]
    fn a_message_more_of_the_other_side_never_waives(some in subsequence(everything(), 0..13)) {
        let ours: Vec<Message> =
            some.into_iter().filter(|message| message.sender.authority.as_str() == "XA-MOJ").chain([offer(1, None)]).collect();
        let names: BTreeSet<Standing> =
            ["c1", "c2"].into_iter().map(|name| standing(&ours, 1, name, 20)).collect();
        prop_assert!(!names.contains(&Standing::Waived) && !names.contains(&Standing::Superseded));
    }
}

#[test]
fn silence_never_accepts_and_a_late_acceptance_is_none() {
    let offer = offer(1, None);
    assert_eq!(standing(std::slice::from_ref(&offer), 1, "c1", LIMIT_MS), Standing::Offered);
    assert_eq!(standing(std::slice::from_ref(&offer), 1, "c1", LIMIT_MS + 1), Standing::Expired);
    let late = acceptance(4, "XA-MOJ", LIMIT_MS + 1, id(1), &["c1"]);
    assert_eq!(standing(&[offer.clone(), late], 1, "c1", LIMIT_MS + 2), Standing::Expired);
    let none = acceptance(4, "XA-MOJ", 5, id(1), &[]);
    assert_eq!(standing(&[offer.clone(), none], 1, "c1", 6), Standing::Offered, "who names nothing accepts nothing");
    let own = acceptance(4, "XB-MOJ", 5, id(1), &["c1"]);
    assert_eq!(standing(&[offer, own], 1, "c1", 6), Standing::Offered, "nobody accepts for the other side");
}

#[test]
fn what_binds_is_replaced_only_by_what_binds() {
    let first = [offer(1, None), acceptance(4, "XA-MOJ", 5, id(1), &["c1"])];
    assert_eq!(standing(&first, 1, "c1", 6), Standing::Binds);
    let second = [first.as_slice(), &[offer(2, Some(1))]].concat();
    assert_eq!(standing(&second, 1, "c1", 6), Standing::Binds, "an offer changes nothing by itself");
    assert_eq!(standing(&second, 1, "c2", 6), Standing::Superseded, "what was open gives way");
    let accepted = [second.as_slice(), &[acceptance(5, "XA-MOJ", 6, id(2), &["c1", "c2"])]].concat();
    assert_eq!(standing(&accepted, 1, "c1", 7), Standing::Superseded);
    assert_eq!(standing(&accepted, 2, "c1", 7), Standing::Binds);
}

#[test]
fn a_consent_answers_what_the_other_side_asked_and_nothing_else() {
    let mut ask = Notice::new(MessageKind::UseConsentRequest);
    (ask.package_id, ask.reference, ask.text) = (Some(id(90)), "A-2/2026".to_owned(), "The same suspects".to_owned());
    ask.names = vec!["XC-MOJ".to_owned()];
    let grant = notice(MessageKind::UseConsentGrant, 20, &[]);
    let asked = step(20, "XA-MOJ", 5, ask);
    let consents = |messages: &[Message]| Handshake::of(messages).consents(id(90));
    let given = consents(&[asked.clone(), step(21, "XB-MOJ", 6, grant.clone())]);
    assert_eq!(given.len(), 1);
    assert_eq!(given[0].proceeding.as_deref(), Some("A-2/2026"));
    assert_eq!(given[0].recipients, ["XC-MOJ"]);
    assert!(consents(&[step(21, "XB-MOJ", 6, grant.clone())]).is_empty(), "nobody asked");
    assert!(consents(&[asked.clone(), step(21, "XA-MOJ", 6, grant)]).is_empty(), "nobody consents to his own wish");
    assert!(consents(&[asked, step(21, "XB-MOJ", 6, notice(MessageKind::UseConsentDeny, 20, &[]))]).is_empty());
}
