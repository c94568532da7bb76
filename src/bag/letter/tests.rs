//! The printed request: the same bytes each time, the bytes of this edition held fast, nothing left out.

use super::*;
use crate::law::phrases;
use crate::model::message::{Body, Fields, Party, ReplyBy, Ties};
use crate::model::package::{Consignment, Item, ItemRole};
use crate::model::request::Measure;
use crate::model::request_parts::{Charge, Enclosure, LawText, Person, TimeLimit, Undertaking};
use crate::model::time::Timestamp;

fn request() -> RequestBody {
    let text = |text: &str| text.to_owned();
    let particulars = [("place", "Harbour street 1"), ("unheard-of", "a newer word")];
    RequestBody {
        reference: text("A 17/2026"),
        subject: text("The bridge of Port Boreal"),
        proceeding_authority: text("Office of the Prosecutor of Arcadia"),
        proceeding_authority_functions: text("investigates"),
        nature_of_proceedings: text("criminal investigation"),
        facts: text("On 3 March\nshots <were> fired; \u{202e}hidden"),
        applicable_law: text("Penal Code, 142"),
        penalty: text("ten years"),
        measures: vec![Measure {
            kind: text("search"),
            description: text("Search the office"),
            particulars: particulars.map(|(code, told)| (text(code), text(told))).into(),
        }],
        persons: vec![text("A. Borealis")],
        purpose: text("proof"),
        people: vec![Person { pseudonym: text("W-01"), role: text("witness"), ..Person::default() }],
        charges: vec![Charge { crime: text("war-crimes"), requesting_law: text("142"), ..Charge::default() }],
        conduct_from: "2025-03-03".parse().ok(),
        law_texts: vec![LawText { citation: text("Penal Code, 142"), text: text("Whoever ...") }],
        time_limits: vec![TimeLimit {
            subject: text("trial"),
            until: "2027-02-01".parse().unwrap(),
            reason: text("custody"),
        }],
        enclosures: vec![Enclosure { file: text("law.pdf"), kind: text("law-text"), ..Enclosure::default() }],
        undertakings: vec![Undertaking { code: text("reciprocity"), text: text("We would do the same.") }],
        ..RequestBody::default()
    }
}

fn message(request: RequestBody) -> Message {
    let id = |byte| crate::model::ident::Id::new(Timestamp::from_millis(byte), [7; 10]);
    let item = Item {
        object_id: 1,
        name: "law.pdf".to_owned(),
        media_type: "application/pdf".to_owned(),
        plaintext_bytes: 3,
        sha256: sha256(b"abc"),
        ciphertext_root: sha256(b"root"),
        role: ItemRole::Attachment,
        description: String::new(),
        form: crate::model::package::ItemForm::File,
        further: Vec::new(),
    };
    Message::new(Fields {
        message_id: id(1),
        request_id: id(2),
        sender: Party { authority: "XA-MOJ".parse().unwrap(), officer: "Ana Kovač".parse().unwrap() },
        recipient: "XB-MOJ".parse().unwrap(),
        created_at: Timestamp::from_millis(1_767_225_600_000),
        in_reply_to: None,
        directory: sha256(b"directory"),
        language: "en".to_owned(),
        urgency: Urgency::Urgent,
        urgency_reason: "custody ends".to_owned(),
        reply_by: Some(ReplyBy { at: Timestamp::from_millis(1_767_825_600_000), reason: "trial".to_owned() }),
        legal_bases: vec!["L-TH".to_owned()],
        conditions: vec![],
        consignment: Some(Consignment::new(id(3), vec![item]).unwrap()),
        basis: None,
        renditions: vec![],
        ties: Ties::default(),
        body: Body::Request(Box::new(request)),
    })
    .unwrap()
}

fn drawn(message: &Message, phrases: &'static Phrases) -> Letter {
    let (request, standing) = printable(message).unwrap();
    Letter::draw(message, request, standing, phrases)
}

#[test]
fn a_request_gives_the_same_bytes_each_time_and_those_of_this_edition() {
    let message = message(request());
    let mut digests = String::new();
    for phrases in phrases::all() {
        let letter = drawn(&message, phrases);
        assert_eq!(letter, drawn(&message, phrases));
        let rendition = letter.rendition(phrases);
        digests.push_str(&format!("{} {} {}\n", rendition.language, rendition.html, rendition.pdf));
        assert_eq!(compare_html(&rendition, &message), Compared::Same);
        let other = Rendition { html: sha256(b"other"), ..rendition.clone() };
        assert_eq!(compare_html(&other, &message), Compared::Different);
        let newer = Rendition { edition: "newer".to_owned(), ..rendition };
        assert_eq!(compare_html(&newer, &message), Compared::OtherEdition);
    }
    // Other bytes are another edition: raise `EDITION`, then write these anew.
    assert_eq!(digests, include_str!("edition-1.txt"), "edition {EDITION}");
}

#[test]
fn everything_that_was_written_stands_in_it_and_is_shown_as_text() {
    let message = message(request());
    for phrases in phrases::all() {
        let html = String::from_utf8(drawn(&message, phrases).html).unwrap();
        for told in [
            "A 17/2026",
            "Port Boreal",
            "Harbour street 1",
            "a newer word",
            "unheard-of",
            "W-01",
            "Whoever ...",
            "law.pdf",
            "We would do the same.",
            "custody ends",
            "2027-02-01",
            "2025-03-03",
            "L-TH",
            "A. Borealis",
            "[U+202E]hidden",
            "&lt;were&gt;",
        ] {
            assert!(html.contains(told), "{told} in {}", phrases.language);
        }
        assert!(html.contains(&phrases.text.title) && html.contains(&format!("<html lang=\"{}\">", phrases.language)));
        assert!(html.contains(phrases.measure("search").unwrap()));
        assert!(!html.contains(&phrases.text.draft_mark));
    }
}

#[test]
fn a_draft_says_on_top_and_on_each_sheet_that_it_is_no_request() {
    let (message, request) = (message(request()), request());
    for phrases in phrases::all() {
        let letter = Letter::draw(&message, &request, Standing::Draft, phrases);
        let html = String::from_utf8(letter.html).unwrap();
        assert!(html.matches(&phrases.text.draft_mark).count() >= 3, "{}", phrases.language);
        assert!(!html.contains(&phrases.text.sealed));
    }
}
