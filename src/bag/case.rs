//! The facts of a bag in CASE 1.5.0 / UCO, as JSON-LD: for forensic laboratories, whose tools read it. Every custody record is
//! an action that names the files that prove it. The names of things follow from what they are, so the same bag gives the
//! same bytes.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::bag::facts::{Facts, Told};
use crate::bag::layout;
use crate::bag::listed::is_in_bag;
use crate::bag::page::visible;
use crate::crypto::digest::sha256_of_parts;
use crate::model::event::{Actor, Outcome};
use crate::model::ident::Digest;
use crate::model::message::Body;
use crate::model::package::Item;

const CONTEXT: &[u8] = b"rogatory/v1/case-name\0";

/// The document.
pub fn document(facts: &Facts<'_>) -> Vec<u8> {
    let mut graph = vec![investigation(facts)];
    graph.extend(parties(facts));
    graph.extend(exhibits(facts));
    graph.extend(proof_files(facts));
    graph.extend(facts.records.iter().map(|told| action(facts, told)));
    let document = json!({ "@context": context(), "@graph": graph });
    let mut bytes = serde_json::to_vec_pretty(&document).expect("invariant: a value of JSON is written to memory");
    bytes.push(b'\n');
    bytes
}

/// Inside the document, so that a tool needs no network to read it.
fn context() -> Value {
    let uco = |part: &str| format!("https://ontology.unifiedcyberontology.org/uco/{part}/");
    json!({
        "case-investigation": "https://ontology.caseontology.org/case/investigation/",
        "uco-action": uco("action"),
        "uco-core": uco("core"),
        "uco-identity": uco("identity"),
        "uco-observable": uco("observable"),
        "uco-types": uco("types"),
        "xsd": "http://www.w3.org/2001/XMLSchema#",
    })
}

fn investigation(facts: &Facts<'_>) -> Value {
    let (_, message) = facts.notes.message;
    let name = match facts.notes.request.map(|request| &request.body).unwrap_or(&message.body) {
        Body::Request(body) | Body::Asking(_, body) => visible(&body.reference),
        _ => message.request_id.to_string(),
    };
    let mut all: BTreeSet<String> = facts.records.iter().map(action_name).collect();
    all.extend(
        facts
            .items()
            .into_iter()
            .filter(|item| is_in_bag(item))
            .map(|item| name_of("provenance", &exhibit_number(facts, item))),
    );
    json!({
        "@id": name_of("investigation", &message.request_id.to_string()),
        "@type": "case-investigation:Investigation",
        "uco-core:name": name,
        "uco-core:description": format!(
            "Request {} between {} and {}; package {}; exported by {} on {}",
            message.request_id, message.sender.authority, message.recipient, package(facts), facts.notes.exporter,
            facts.notes.exported_at
        ),
        "uco-core:object": all.iter().map(|name| reference(name)).collect::<Vec<_>>(),
    })
}

/// Authorities and officers.
fn parties(facts: &Facts<'_>) -> Vec<Value> {
    let (_, message) = facts.notes.message;
    let mut authorities: BTreeSet<&str> = [message.sender.authority.as_str(), message.recipient.as_str()].into();
    authorities.extend(facts.records.iter().map(|told| told.record.authority.as_str()));
    let mut people = BTreeSet::new();
    for told in &facts.records {
        let actors = [Some(&told.record.actor), told.record.second.as_ref()];
        people.extend(actors.into_iter().flatten().filter_map(|actor| person(told, actor)));
    }
    let authorities = authorities.into_iter().map(
        |id| json!({ "@id": name_of("authority", id), "@type": "uco-identity:Organization", "uco-core:name": id }),
    );
    let people = people
        .into_iter()
        .map(|(id, name)| json!({ "@id": id, "@type": "uco-identity:Person", "uco-core:name": visible(&name) }));
    authorities.chain(people).collect()
}

/// The name of an officer in the graph and in the world; none for the node itself.
fn person(told: &Told, actor: &Actor) -> Option<(String, String)> {
    let name = actor.officer()?.as_str();
    Some((name_of("officer", &format!("{}\0{name}", told.record.authority)), name.to_owned()))
}

fn package(facts: &Facts<'_>) -> String {
    let (_, message) = facts.notes.message;
    message.consignment.as_ref().map(|found| found.seal_id.to_string()).unwrap_or_default()
}

/// The package and the number of the file in it.
fn exhibit_number(facts: &Facts<'_>, item: &Item) -> String {
    format!("{}/{}", package(facts), item.object_id)
}

/// Each file of evidence and its provenance.
fn exhibits(facts: &Facts<'_>) -> Vec<Value> {
    let (_, message) = facts.notes.message;
    let both = |item: &Item| {
        let path = layout::payload(item);
        let file = file(&path, &visible(&item.name), item.plaintext_bytes, item.sha256, Some(&item.media_type));
        let number = exhibit_number(facts, item);
        let mut objects = vec![reference(&name_of("file", &path))];
        objects.extend(proofs(facts, [format!("{}.pb", layout::MESSAGE), format!("{}.pb.p7s", layout::MESSAGE)]));
        let record = json!({
            "@id": name_of("provenance", &number),
            "@type": "case-investigation:ProvenanceRecord",
            "case-investigation:exhibitNumber": number,
            "uco-core:description": format!(
                "File {} of the package that {} sent to {}; named with its SHA-256 in the signed message",
                item.object_id, message.sender.authority, message.recipient
            ),
            "uco-core:object": objects,
        });
        [file, record]
    };
    facts.items().into_iter().filter(|item| is_in_bag(item)).flat_map(both).collect()
}

/// Each signed act, record, receipt, checkpoint and time-stamp of the bag as a file with its digest.
fn proof_files(facts: &Facts<'_>) -> Vec<Value> {
    let plain = |(path, (bytes, sha256)): (&String, &(u64, Digest))| {
        let name = path.rsplit('/').next().unwrap_or(path);
        file(path, name, *bytes, *sha256, None)
    };
    facts.digests.iter().map(plain).collect()
}

fn file(path: &str, name: &str, bytes: u64, sha256: Digest, media_type: Option<&str>) -> Value {
    let mut content = json!({
        "@id": name_of("content", path),
        "@type": "uco-observable:ContentDataFacet",
        "uco-observable:sizeInBytes": bytes,
        "uco-observable:hash": {
            "@id": name_of("hash", path),
            "@type": "uco-types:Hash",
            "uco-types:hashMethod": "SHA256",
            "uco-types:hashValue": { "@type": "xsd:hexBinary", "@value": sha256.to_string() },
        },
    });
    if let (Some(media_type), Some(fields)) = (media_type, content.as_object_mut()) {
        fields.insert("uco-observable:mimeType".to_owned(), json!(visible(media_type)));
    }
    json!({
        "@id": name_of("file", path),
        "@type": "uco-observable:File",
        "uco-core:hasFacet": [
            {
                "@id": name_of("facet", path),
                "@type": "uco-observable:FileFacet",
                "uco-observable:fileName": name,
                "uco-observable:filePath": path,
                "uco-observable:sizeInBytes": bytes,
            },
            content,
        ],
    })
}

/// A custody record as an act: who, when, on what; its result is the record with what proves it.
fn action(facts: &Facts<'_>, told: &Told) -> Value {
    let record = &told.record;
    let ended = match &record.outcome {
        Outcome::Success => String::new(),
        Outcome::Refused(code) => format!("; refused: {}", code.name()),
        Outcome::Failed(how) => format!("; failed: {}", visible(how)),
    };
    let mut results = Vec::new();
    for path in &told.files {
        let beside = path.strip_suffix(".record").map(|stem| [format!("{stem}.salt"), format!("{stem}.tlog-proof")]);
        results.extend(proofs(facts, [path.clone()].into_iter().chain(beside.into_iter().flatten())));
    }
    let authority = reference(&name_of("authority", record.authority.as_str()));
    let performer = person(told, &record.actor).map_or_else(|| authority.clone(), |(id, _)| reference(&id));
    let mut participants = vec![authority];
    participants.extend(record.second.iter().filter_map(|second| person(told, second)).map(|(id, _)| reference(&id)));
    let mut fields = BTreeMap::from([
        ("@id", json!(action_name(told))),
        ("@type", json!("case-investigation:InvestigativeAction")),
        ("uco-core:name", json!(record.event.name())),
        (
            "uco-core:description",
            json!(format!("{}{ended}; record {} of {}", record.event.told(), told.index, told.origin())),
        ),
        ("uco-action:startTime", json!({ "@type": "xsd:dateTime", "@value": record.at.to_string() })),
        ("uco-action:performer", performer),
        ("uco-action:participant", json!(participants)),
        ("uco-action:result", json!(results)),
    ]);
    let objects = objects(facts, told);
    if !objects.is_empty() {
        fields.insert("uco-action:object", json!(objects));
    }
    json!(fields)
}

/// What the act was done to: the files of this package, or the signed message that the record is about.
fn objects(facts: &Facts<'_>, told: &Told) -> Vec<Value> {
    let Some(id) = told.record.subject.message_id else { return Vec::new() };
    let (_, main) = facts.notes.message;
    if id == main.message_id {
        let here = facts.items().into_iter().filter(|item| is_in_bag(item));
        return here.map(|item| reference(&name_of("file", &layout::payload(item)))).collect();
    }
    if facts.notes.request.is_some_and(|request| request.message_id == id) {
        return proofs(facts, [format!("{}.pb", layout::REQUEST)]);
    }
    let number = facts.notes.acceptances.iter().position(|acceptance| acceptance.message_id == id);
    proofs(facts, number.map(|place| format!("{}.pb", layout::acceptance(place + 1))))
}

/// References to those of the files that are in the bag.
fn proofs(facts: &Facts<'_>, paths: impl IntoIterator<Item = String>) -> Vec<Value> {
    let there = paths.into_iter().filter(|path| facts.digests.contains_key(path));
    there.map(|path| reference(&name_of("file", &path))).collect()
}

fn action_name(told: &Told) -> String {
    name_of("action", &format!("{}\0{}\0{}", told.origin(), told.index, told.sha256))
}

fn reference(name: &str) -> Value {
    json!({ "@id": name })
}

/// A name that follows from what a thing is: a UUID that says of itself "from a name" (RFC 9562, 5.5). The digest in it is
/// SHA-256, cut, and not SHA-1; version 8 would say so, but the ontology's own rule knows versions up to 5 only.
fn name_of(kind: &str, key: &str) -> String {
    let digest = sha256_of_parts(&[CONTEXT, kind.as_bytes(), b"\0", key.as_bytes()]).to_string();
    let part = |from: usize, to: usize| digest.get(from..to).unwrap_or_default().to_owned();
    format!("urn:uuid:{}-{}-5{}-8{}-{}", part(0, 8), part(8, 12), part(13, 16), part(17, 20), part(20, 32))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_follows_from_the_thing_and_is_a_uuid() {
        let name = name_of("file", "data/0001/a.pdf");
        assert_eq!(name, name_of("file", "data/0001/a.pdf"));
        assert_ne!(name, name_of("facet", "data/0001/a.pdf"));
        let parts: Vec<&str> = name.strip_prefix("urn:uuid:").unwrap().split('-').collect();
        assert_eq!(parts.iter().map(|part| part.len()).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
        assert!(parts[2].starts_with('5') && parts[3].starts_with('8'));
    }
}
