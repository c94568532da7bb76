//! Log lines hold no case content, no name of a person or file, and no key: a whole exchange at the highest level is
//! searched for planted secrets, as they are and as encoders would write them.

use std::fs;

use data_encoding::{BASE64, HEXLOWER, HEXUPPER};

use crate::office::{FIRST, Office, SECOND, path, text};
use crate::program::until;
use crate::stage::Stage;

/// Every secret of the exchange, each once and nowhere else.
const PLANTED: [&str; 16] = [
    "Zoltan Quillfeather",
    "Yolanda Brackwater",
    "Xerxes Thistledown",
    "Wilhelmina Oakenshaw",
    "subject-marmalade-9137",
    "facts-peppermint-4471",
    "reference-cinnamon-2208",
    "law-rhubarb-6650",
    "measure-saffron-3914",
    "attachment-turmeric-8812.txt",
    "content-of-the-attachment-juniper",
    "evidence-name-cardamom.bin",
    "content-of-the-evidence-liquorice",
    "condition-aniseed-5050",
    "purpose-vanilla-7272",
    "reasons-tarragon-1616",
];

/// Everything that the program's crates may say, theirs by name too: an operator may ask for it.
const LOUDEST: &str = "trace,sled=trace,quinn=trace,quinn_proto=trace,quinn_udp=trace,rustls=trace,hyper=trace";

fn every_kind_of_message(stage: &Stage) {
    let (xa, xb) = (&stage.xa, &stage.xb);
    let attachment = stage.at(PLANTED[9]);
    fs::write(&attachment, PLANTED[10]).unwrap();
    let new = ["request", "new", "--to", "XB-MOJ", "--subject", PLANTED[4], "--facts", PLANTED[5]];
    let more = ["--reference", PLANTED[6], "--law", PLANTED[7], "--measure", &format!("evidence={}", PLANTED[8])];
    let rest = ["--penalty", "p", "--purpose", PLANTED[14], "--nature", "n", "--functions", "f"];
    let last = ["--proceeding-authority", "a", "--attach", path(&attachment), "--urgent", PLANTED[15]];
    let request = text(&xa.json(FIRST, &[&new[..], &more, &rest, &last].concat()), "request_id");
    xa.run(FIRST, &["request", "approve", &request]).refused(&["role"]);
    xa.json(SECOND, &["request", "approve", &request]);
    let sent = xa.json(SECOND, &["request", "send", &request]);
    xa.handed_over(&text(&sent, "message_id"));
    xb.json(FIRST, &["request", "show", &request]);
    let note = ["reply", "ack", &request, "--note", PLANTED[15], "--contact", PLANTED[2], "--reference", PLANTED[6]];
    let ack = xb.json(FIRST, &note);
    xb.handed_over(&text(&ack, "message_id"));

    let evidence = stage.at(PLANTED[11]);
    fs::write(&evidence, PLANTED[12].repeat(60_000)).unwrap();
    let seal = ["package", "seal", "--request", &request, path(&evidence), "--description", PLANTED[5]];
    let condition = format!("USE.NAMED-PROCEEDINGS={}", PLANTED[13]);
    let sealed = xb.json(FIRST, &[&seal[..], &["--condition", &condition]].concat());
    let package = text(&sealed, "package_id");
    xb.json(SECOND, &["package", "send", &package]);
    xb.handed_over(&text(&sealed, "message_id"));
    let opened = stage.at("opened");
    let open = ["package", "open", &package, "--to", path(&opened), "--purpose", PLANTED[14]];
    xa.run(FIRST, &open).refused(&["blocked"]);
    xa.json(FIRST, &["conditions", "accept", &package]);
    let accepted = xa.json(SECOND, &["conditions", "accept", &package]);
    xa.handed_over(&text(&accepted, "message_id"));
    xa.json(FIRST, &open);
    let bag = stage.at("bag");
    xa.json(FIRST, &["package", "export", &package, "--to", path(&bag), "--purpose", PLANTED[14]]);
    xa.json(FIRST, &["request", "withdraw", &request, "--reason", PLANTED[15]]);
    let refuse = ["reply", "refuse", &request, "--ground", PLANTED[7], "--reasons", PLANTED[15]];
    let refusal = xb.json(FIRST, &[&refuse[..], &["--without-consultation", PLANTED[13]]].concat());
    let message = text(&refusal, "message_id");
    xb.json(SECOND, &["reply", "approve", &message]);
    xb.json(SECOND, &["reply", "send", &message]);
    xb.handed_over(&message);
    xa.json(FIRST, &["custody", "log", "--request", &request]);
    xa.run(FIRST, &["request", "list", "--as", PLANTED[4]]).ends(2);
}

/// The bytes of every private key of a node: the last 32 of each, where the secret part of a seed or scalar ends.
fn private_keys(office: &Office) -> Vec<Vec<u8>> {
    let mut keys = Vec::new();
    for entry in fs::read_dir(office.data.join("keys")).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        if name.ends_with(".key.pem") || name.ends_with(".seed.pem") {
            let text = fs::read_to_string(entry.path()).unwrap();
            let body: String = text.lines().filter(|line| !line.starts_with("-----")).collect();
            let der = BASE64.decode(body.as_bytes()).unwrap();
            // A P-256 key in PKCS #8 holds its scalar at 36..68; an Ed25519 key and a seed end with theirs.
            let secret = if der.len() > 100 { &der[36..68] } else { &der[der.len() - 32..] };
            keys.push(secret.to_vec());
        }
    }
    assert_eq!(keys.len(), 9);
    keys
}

/// The ways in which bytes may come into a line: as text, hexadecimal, base64, a list of numbers, escaped.
fn spellings(bytes: &[u8]) -> Vec<String> {
    let listed = format!("{bytes:?}");
    let listed = listed.trim_matches(['[', ']']).to_owned();
    // Base64 of the middle of a text depends on where it begins: each of the three ways, without its ragged edges.
    let shifted = (0..3).map(|lead| {
        let padded = [&vec![b' '; lead][..], bytes].concat();
        let whole = BASE64.encode(&padded[..padded.len() / 3 * 3]);
        whole[4..].to_owned()
    });
    let escaped: String = bytes.iter().flat_map(|byte| std::ascii::escape_default(*byte)).map(char::from).collect();
    [HEXLOWER.encode(bytes), HEXUPPER.encode(bytes), listed, escaped].into_iter().chain(shifted).collect()
}

fn exchange_and_search(format: &str) {
    let mut stage = Stage::cast([PLANTED[0], PLANTED[1]], [PLANTED[2], PLANTED[3]]);
    for office in [&mut stage.xa, &mut stage.xb] {
        let settings = office.data.join("config.toml");
        let text = fs::read_to_string(&settings).unwrap();
        fs::write(settings, text.replace("format = \"human\"", &format!("format = \"{format}\""))).unwrap();
        LOUDEST.clone_into(&mut office.level);
        office.start();
    }
    every_kind_of_message(&stage);
    stage.xa.stop();
    stage.xb.stop();
    // A second run reads everything from the disk again.
    stage.xa.start();
    until("the link", || stage.xa.said().matches("node ready").nth(1).map(drop));
    stage.xa.stop();
    for office in [&stage.xa, &stage.xb] {
        let said = office.said();
        assert!(
            said.contains("TRACE") && said.contains("node ready") && said.contains("link open"),
            "the level is loud"
        );
        if format == "json" {
            said.lines().for_each(|line| drop(serde_json::from_str::<serde_json::Value>(line).expect(line)));
        }
        let encoded = |text: &str| rogatory::daemon::api::percent_encoded(text);
        for secret in PLANTED {
            for spelling in spellings(secret.as_bytes()).into_iter().chain([secret.to_owned(), encoded(secret)]) {
                let line = said.lines().find(|line| line.contains(&spelling));
                assert_eq!(line, None, "{} logged `{secret}`", office.id);
            }
        }
        for key in [private_keys(&stage.xa), private_keys(&stage.xb)].concat() {
            let found = spellings(&key).into_iter().any(|spelling| said.contains(&spelling));
            assert!(!found, "{} logged a private key", office.id);
        }
    }
}

#[test]
fn lines_for_people_hold_no_secret_of_the_case_at_any_level() {
    exchange_and_search("human");
}

#[test]
fn lines_of_json_hold_no_secret_of_the_case_at_any_level() {
    exchange_and_search("json");
}
