//! What people read in a bag: the report on screen and on paper, the facts for forensic tools, the proofs by hand. Judged by
//! qpdf, pdftotext, case_validate and Python; whatever is altered, a judge or the verifier refuses.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs, unreachable_pub, reason = "a test may panic")]

#[allow(dead_code, reason = "each test target uses a part of the case")]
#[path = "bag/case.rs"]
mod case;
#[path = "bag/shell.rs"]
mod shell;
#[allow(dead_code, reason = "each test target uses a part of the target")]
#[path = "bag/target.rs"]
mod target;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use case::{Case, EXPORTED, at};
use rogatory::bag::facts::Tags;
use rogatory::bag::layout::{self, CASE, REPORT_HTML, REPORT_PDF, VERIFY};
use rogatory::bag::notes::Notes;
use rogatory::bag::people;
use rogatory::bag::verdict::{Outcome, Word};
use rogatory::crypto::digest::sha256;
use rogatory::crypto::ed25519::SigningKey;
use rogatory::custody::checkpoint::SignedCheckpoint;
use rogatory::custody::leaf::commitment;
use rogatory::custody::parts::MerkleTree;
use rogatory::custody::proof::TlogProof;
use rogatory::custody::tree::leaf_hash;
use rogatory::exchange::act::Scene;
use rogatory::model::event::Event;
use rogatory::model::ident::{Digest, Id};
use rogatory::model::message::{Body, Fields, Message, Party, Urgency};
use rogatory::model::package::{Condition, ConditionOrigin, Consignment, Item, ItemForm, ItemRole};
use rogatory::model::request::{Completeness, EvidenceTransmittal};
use rogatory::wire::message;
use rogatory::wire::record::encode;
use serde_json::Value;
use shell::{commands, shell};
use target::{Target, failures};

/// A message whose every text is as bad as its bounds allow, or as good as those of an honest one.
fn message_with(name: &str, text: &str) -> Message {
    let id = |number: u8| Id::new(at("2026-06-01"), [number; 10]);
    let item = Item {
        object_id: 1,
        name: name.to_owned(),
        media_type: "text/plain".to_owned(),
        plaintext_bytes: 1_234_567,
        sha256: Digest([0x5a; 32]),
        ciphertext_root: Digest([1; 32]),
        role: ItemRole::Evidence,
        description: text.to_owned(),
        form: ItemForm::File,
        further: Vec::new(),
    };
    let condition = Condition {
        id: "c1".to_owned(),
        code: "USE.NAMED-PROCEEDINGS".to_owned(),
        text: text.to_owned(),
        legal_source: name.to_owned(),
        origin: ConditionOrigin::RequestedState,
        objects: vec![1],
        ..Condition::default()
    };
    Message::new(Fields {
        message_id: id(1),
        request_id: id(2),
        sender: Party { authority: "XB-MOJ".parse().unwrap(), officer: "Jan Hrad".parse().unwrap() },
        recipient: "XA-MOJ".parse().unwrap(),
        created_at: at("2026-06-01T09:00:00Z"),
        in_reply_to: None,
        directory: Digest([2; 32]),
        language: "en".to_owned(),
        urgency: Urgency::Urgent,
        urgency_reason: text.to_owned(),
        reply_by: None,
        legal_bases: vec![name.to_owned()],
        basis: None,
        conditions: vec![condition],
        consignment: Some(Consignment::new(id(3), vec![item]).unwrap()),
        renditions: Vec::new(),
        ties: rogatory::model::message::Ties::default(),
        body: Body::Evidence(EvidenceTransmittal {
            reference: name.to_owned(),
            description: text.to_owned(),
            completeness: Completeness::Final,
        }),
    })
    .unwrap()
}

fn texts_of(message: &Message) -> BTreeMap<&'static str, Vec<u8>> {
    texts_with(message, &Tags::new())
}

/// Two records in a log of two entries, the newest checkpoint, all by keys that never change.
fn fixed_tags(message: &Message) -> Tags {
    let authority = message.recipient.clone();
    let key = SigningKey::from_seed(&[7; 32]);
    let name = authority.log_origin().parse().unwrap();
    let mut records = Vec::new();
    for (event, minute) in [(Event::MessageReceived, 1), (Event::PackageOpened, 2)] {
        let mut record = Scene::node(&authority, at(EXPORTED).plus_millis(minute * 60_000)).record(event);
        record.subject.message_id = Some(message.message_id);
        record.counterpart = Some(message.sender.authority.clone());
        record.reason = "first look".to_owned();
        records.push(encode(&record));
    }
    let leaves = records.iter().map(|record| leaf_hash(&commitment(&[3; 32], record).0));
    let tree = MerkleTree::of(leaves);
    let checkpoint = SignedCheckpoint::sign(&name, 2, tree.root(), &key);
    let mut tags = Tags::from([(layout::checkpoint(&authority.log_origin()), checkpoint.to_bytes())]);
    for (index, record) in (0..).zip(records) {
        let stem = layout::record(&authority.log_origin(), index);
        let proof = TlogProof::new(index, tree.prove(index).unwrap(), &checkpoint);
        tags.insert(format!("{stem}.record"), record);
        tags.insert(format!("{stem}.salt"), vec![3; 32]);
        tags.insert(format!("{stem}.tlog-proof"), proof.to_string().into_bytes());
    }
    tags
}

fn texts_with(message: &Message, tags: &Tags) -> BTreeMap<&'static str, Vec<u8>> {
    let bytes = message::encode(message);
    let exporter = "XA-MOJ".parse().unwrap();
    let notes = Notes {
        listed: None,
        exporter: &exporter,
        exported_at: at(EXPORTED),
        message: (&bytes, message),
        request: None,
        acceptances: &[],
        extract: None,
    };
    people::texts(notes, tags).into_iter().collect()
}

fn read_pdf(folder: &Path, pdf: &[u8]) -> String {
    std::fs::write(folder.join("report.pdf"), pdf).unwrap();
    let checked = shell(folder, "qpdf --check report.pdf").unwrap();
    assert!(checked.contains("No syntax or stream encoding errors found"), "{checked}");
    // In the order in which it was drawn: a cell of a table stays together.
    shell(folder, "pdftotext -raw report.pdf -").unwrap()
}

/// Without the white space that setting in lines puts in or takes out.
fn squeezed(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

#[test]
fn the_report_names_a_proof_for_every_record_on_screen_and_on_paper() {
    let case = Case::new();
    let folder = tempfile::tempdir().unwrap();
    let bag = case.export(folder.path());
    let html = std::fs::read_to_string(bag.join(REPORT_HTML)).unwrap();
    let paper = read_pdf(folder.path(), &std::fs::read(bag.join(REPORT_PDF)).unwrap());
    let squeezed = squeezed(&paper);
    let mut named = 0;
    for (kind, extension) in [("records", "record"), ("receipts", "receipt")] {
        for folder in std::fs::read_dir(bag.join("rogatory").join(kind)).unwrap() {
            let folder = folder.unwrap().path();
            for file in std::fs::read_dir(&folder).unwrap() {
                let path = file.unwrap().path();
                if path.extension().unwrap() == extension {
                    let path = path.strip_prefix(bag.join("rogatory")).unwrap().to_string_lossy().into_owned();
                    assert!(html.contains(&format!("<code>{path}</code>")), "{path}");
                    assert!(squeezed.contains(&path), "{path} is not in\n{paper}");
                    named += 1;
                }
            }
        }
    }
    assert!(named >= 6, "{named}");
    for item in &message::decode(&case.dossier.message.content.0).unwrap().consignment.as_ref().unwrap().items {
        assert!(html.contains(&item.sha256.to_string()) && squeezed.contains(&item.sha256.to_string()));
    }
    assert!(html.contains("Kontoauszug März.csv") && paper.contains("Kontoauszug März.csv"));
    assert!(paper.contains("Ana Kovar") && paper.contains("custodian, known by"));
}

#[test]
fn the_conditions_stand_in_full_on_the_first_sheet_and_each_sheet_has_its_number() {
    let case = Case::new();
    let folder = tempfile::tempdir().unwrap();
    let bag = case.export(folder.path());
    let paper = read_pdf(folder.path(), &std::fs::read(bag.join(REPORT_PDF)).unwrap());
    let sheets: Vec<&str> = paper.trim_end_matches('\u{c}').split('\u{c}').collect();
    for words in [
        "Only in proceedings A-1/2026.",
        "Keep confidential.",
        "sha256sum tagmanifest-sha256.txt",
        "accepted by XA-MOJ",
    ] {
        assert!(sheets[0].contains(words), "{words} is not in\n{}", sheets[0]);
    }
    for (number, sheet) in (1..).zip(&sheets) {
        assert!(sheet.contains(&format!("page {number} of {}", sheets.len())), "{sheet}");
    }
    let heads = sheets.iter().filter(|sheet| sheet.contains("other side:") && sheet.contains("When "));
    assert!(heads.count() >= 1 && sheets.len() >= 3, "the head of the time-line stands on each of its sheets");
    let html = std::fs::read_to_string(bag.join(REPORT_HTML)).unwrap();
    assert!(
        html.find("Only in proceedings A-1/2026.").unwrap()
            < html.find("The message that the files came with").unwrap()
    );
}

#[test]
fn text_from_outside_stays_text_and_nothing_of_it_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let long = "x".repeat(900);
    for (name, shown) in [
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
        ("\u{202e}fdp.exe\u{2066}\u{200b}", "[U+202E]fdp.exe[U+2066][U+200B]"),
        ("Žádost č. 5 – señor, Ελλάδα, Київ Ґ", "Žádost č. 5 – señor, Ελλάδα, Київ Ґ"),
        (&long, &long),
        ("a & b \"c\" 'd' \u{e000}\u{feff}", "a & b \"c\" 'd' [U+E000][U+FEFF]"),
        (") Tj ET (\\", ") Tj ET (\\"),
    ] {
        let texts = texts_of(&message_with(name, &format!("first line\n{name}\n\tlast line")));
        let html = String::from_utf8(texts[REPORT_HTML].clone()).unwrap();
        let escaped = shown.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let escaped = escaped.replace('"', "&quot;").replace('\'', "&#39;");
        assert!(html.matches(&escaped).count() >= 6, "{name} in\n{html}");
        assert!(!html.contains("<script") && !html.contains('\u{202e}'));
        let paper = read_pdf(folder.path(), &texts[REPORT_PDF]);
        assert!(squeezed(&paper).matches(&squeezed(shown)).count() >= 4, "{name} in\n{paper}");
        serde_json::from_slice::<Value>(&texts[CASE]).unwrap();
    }
    let foreign = texts_of(&message_with("تقرير 証拠.pdf", "-"));
    assert!(String::from_utf8_lossy(&foreign[REPORT_HTML]).contains("<bdi>تقرير 証拠.pdf</bdi>"));
    let paper = squeezed(&read_pdf(folder.path(), &foreign[REPORT_PDF]));
    assert!(paper.contains("[U+062A][U+0642][U+0631][U+064A][U+0631][U+8A3C][U+62E0].pdf"), "{paper}");
}

#[test]
fn a_text_longer_than_a_sheet_goes_on_on_the_next_ones() {
    let folder = tempfile::tempdir().unwrap();
    let lines: String = (0..3_000).map(|number| format!("line {number} of many\n")).collect();
    let paper = read_pdf(folder.path(), &texts_of(&message_with("a", &lines))[REPORT_PDF]);
    for number in [0, 1, 57, 58, 59, 60, 1_999, 2_999] {
        let times = paper.matches(&format!("line {number} of many")).count();
        // Condition, description of the message, of the file, and the reason for the hurry.
        assert_eq!(times, 4, "line {number}");
    }
}

/// Whoever changes a byte of a text must give the texts another number: bags of old versions must not look altered.
#[test]
fn the_bytes_of_the_texts_belong_to_their_format_number() {
    assert_eq!(rogatory::bag::notes::TEXTS_FORMAT, "1");
    let message = message_with("Kontoauszug März.csv", "Only in proceedings A-1/2026.\nNot elsewhere.");
    let texts = texts_with(&message, &fixed_tags(&message));
    assert!(String::from_utf8_lossy(&texts[REPORT_HTML]).contains("first look"));
    let found: Vec<String> = texts.iter().map(|(path, bytes)| format!("{path} {}", sha256(bytes))).collect();
    let expected = include_str!("bag/texts-1.sha256");
    assert_eq!(
        found.join("\n"),
        expected.trim_end(),
        "raise TEXTS_FORMAT, and write these digests beside the old ones"
    );
}

#[test]
fn texts_of_another_version_are_reported_and_a_lone_flipped_number_is_no_version() {
    let target = Target::new();
    let info = String::from_utf8(target.files["bag-info.txt"].clone()).unwrap();
    target.write("bag-info.txt", info.replace("Texts-Format: 1", "Texts-Format: 2").as_bytes());
    target.cover_up();
    let failed = failures(&target.verify());
    assert!(failed.iter().any(|check| check.contains("names no version")), "{failed:#?}");
    let by_hand = String::from_utf8(target.files[VERIFY].clone()).unwrap();
    target.write(VERIFY, by_hand.replace("\nFormat 1. ", "\nFormat 2. ").as_bytes());
    target.cover_up();
    let verdict = target.verify();
    assert_eq!(verdict.verdict, Word::VerifiedInPart, "{:#?}", failures(&verdict));
    let open = verdict.checks.iter().filter(|check| matches!(check.outcome, Outcome::NotChecked { .. }));
    assert_eq!(open.count(), people::PATHS.len());
}

#[test]
fn what_comes_into_the_bag_later_makes_no_text_look_altered() {
    let target = Target::new();
    target.write("rogatory/logs/xa-moj.rogatory_custody/checkpoints/9.tsr", b"later");
    let verdict = target.verify();
    assert!(failures(&verdict).iter().all(|check| !check.contains("The text for people")), "{:#?}", failures(&verdict));
}

#[test]
fn the_case_document_names_every_record_its_actor_and_its_proof() {
    let case = Case::new();
    let folder = tempfile::tempdir().unwrap();
    let bag = case.export(folder.path());
    let document: Value = serde_json::from_slice(&std::fs::read(bag.join(CASE)).unwrap()).unwrap();
    let graph = document["@graph"].as_array().unwrap();
    let of = |kind: &str| graph.iter().filter(|node| node["@type"] == kind).collect::<Vec<_>>();
    let ids: BTreeSet<&str> = graph.iter().map(|node| node["@id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), graph.len(), "each thing has a name of its own");
    let actions = of("case-investigation:InvestigativeAction");
    assert_eq!(actions.len(), case.dossier.records.len() + case.dossier.receipts.len());
    let path_of: BTreeMap<&str, &str> = of("uco-observable:File")
        .iter()
        .map(|file| {
            (file["@id"].as_str().unwrap(), file["uco-core:hasFacet"][0]["uco-observable:filePath"].as_str().unwrap())
        })
        .collect();
    for action in actions {
        let results = action["uco-action:result"].as_array().unwrap();
        assert!(!results.is_empty());
        for result in results {
            let path = path_of[result["@id"].as_str().unwrap()];
            assert!(bag.join(path).is_file(), "{path}");
        }
        assert!(ids.contains(action["uco-action:performer"]["@id"].as_str().unwrap()));
    }
    assert_eq!(of("case-investigation:ProvenanceRecord").len(), case.contents.len());
    assert!(of("uco-identity:Person").iter().any(|person| person["uco-core:name"] == "Ana Kovar"));
}

#[test]
fn the_judge_of_case_accepts_the_document_without_a_word_and_refuses_altered_ones() {
    let case = Case::new();
    let folder = tempfile::tempdir().unwrap();
    let bag = case.export(folder.path());
    let command = commands(&bag).into_iter().find(|command| command.contains("case_validate")).unwrap();
    let said = shell(&bag, &command).unwrap();
    assert!(said.contains("Conforms: True") && !said.contains("Warning") && !said.contains("Severity"), "{said}");
    let whole = std::fs::read_to_string(bag.join(CASE)).unwrap();
    for (good, bad) in [
        ("\"uco-observable:sizeInBytes\": 300000", "\"uco-observable:sizeInBytes\": \"many\""),
        ("\"xsd:hexBinary\"", "\"xsd:string\""),
    ] {
        assert!(whole.contains(good), "{good}");
        std::fs::write(bag.join(CASE), whole.replace(good, bad)).unwrap();
        assert!(shell(&bag, &command).is_err(), "{bad}");
    }
}

#[test]
fn the_proofs_by_hand_hold_and_refuse_whatever_is_altered() {
    let target = Target::new();
    let bag = target.folder.path().join("bag");
    let command = commands(&bag).into_iter().find(|command| command.starts_with("python3")).unwrap();
    let said = shell(&bag, &command).unwrap();
    assert!(said.contains("records are in their logs") && !said.starts_with('0'), "{said}");
    let stem = "rogatory/records/xa-moj.rogatory_custody/2";
    let text = |path: &str| String::from_utf8(target.files[path].clone()).unwrap();
    let flipped = |path: &str, place: usize| {
        let mut bytes = target.files[path].clone();
        bytes[place] ^= 1;
        bytes
    };
    let proof = format!("{stem}.tlog-proof");
    let lines: Vec<String> = text(&proof).lines().map(str::to_owned).collect();
    let without_a_hash = [&lines[..2], &lines[3..]].concat().join("\n") + "\n";
    let other = "rogatory/records/xa-moj.rogatory_custody/3";
    let size = |line: &str| text(&proof).replace(&format!("custody\n{line}\n"), "custody\n9\n");
    let size_line = lines.iter().skip_while(|line| !line.ends_with("/custody")).nth(1).unwrap();
    for (path, bytes) in [
        (format!("{stem}.record"), flipped(&format!("{stem}.record"), 9)),
        (format!("{stem}.salt"), flipped(&format!("{stem}.salt"), 31)),
        (format!("{stem}.salt"), target.files[&format!("{other}.salt")].clone()),
        (format!("{stem}.record"), target.files[&format!("{other}.record")].clone()),
        (proof.clone(), target.files[&format!("{other}.tlog-proof")].clone()),
        (proof.clone(), text(&proof).replacen("index 2", "index 3", 1).into_bytes()),
        (proof.clone(), without_a_hash.into_bytes()),
        (proof.clone(), size(size_line).into_bytes()),
        (proof.clone(), flipped(&proof, target.files[&proof].len() - 10)),
        (
            "rogatory/logs/xa-moj.rogatory_custody/log.vkey".to_owned(),
            target.files["rogatory/logs/xb-moj.rogatory_custody/log.vkey"].clone(),
        ),
    ] {
        assert_ne!(bytes, target.files[&path], "{path}");
        target.write(&path, &bytes);
        assert!(shell(&bag, &command).is_err(), "{path}: {}", String::from_utf8_lossy(&bytes));
        target.restore();
    }
    shell(&bag, &command).unwrap();
}
