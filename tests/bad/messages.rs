//! Messages that say something else than the envelope they come in, or what no message may say.

use rogatory::model::envelope::Blob;
use rogatory::model::ident::Digest;
use rogatory::model::message::{Fields, Urgency};
use rogatory::model::package::Item;
use rogatory::model::refusal::RefusalCode as Code;

use crate::forge::{
    Forge, SECRET, altered, altered_message, blob, consignment, fields, id, item, refused, route, stranger, xa, xb,
};

fn with(change: impl FnOnce(&mut Fields)) -> Forge {
    let mut fields = fields();
    change(&mut fields);
    Forge::of(fields)
}

fn with_blob(change: impl FnOnce(&mut Blob)) -> Code {
    let mut blob = blob();
    change(&mut blob);
    refused(&Forge { blobs: vec![blob], ..Forge::good() }.bytes())
}

fn with_item(change: impl FnOnce(&mut Item)) -> Code {
    let mut item = item();
    change(&mut item);
    refused(&with(|fields| fields.consignment = Some(consignment(item))).bytes())
}

#[test]
fn a_message_that_was_meant_for_somebody_else_is_not_taken_from_a_right_envelope() {
    // Surreptitious forwarding, the sender's way: XA seals to XB what it signed for XC.
    assert_eq!(refused(&with(|fields| fields.recipient = stranger()).bytes()), Code::WrongRecipient);
}

#[test]
fn a_message_that_somebody_else_signed_is_not_taken_from_a_right_envelope() {
    // The forwarder's way: XB signed it for XA; XA seals it on as if XB had meant it for a third.
    let forge = with(|fields| {
        fields.sender.authority = xb().id.clone();
        fields.recipient = stranger();
    });
    assert_eq!(refused(&Forge { inner: &xb().signer, ..forge }.bytes()), Code::UnknownAuthority);
    let named = with(|fields| {
        fields.sender.authority = stranger();
    });
    assert_eq!(refused(&named.bytes()), Code::SenderMismatch);
}

#[test]
fn a_stanza_and_head_that_were_taken_from_another_senders_envelope_do_not_open() {
    let theirs = Forge {
        outer: &xb().signer,
        route: rogatory::exchange::sealed::Route { sender: stranger(), ..route() },
        ..Forge::good()
    }
    .sealed()
    .envelope;
    let taken = altered(|it| {
        it.stanzas = theirs.stanzas;
        it.head = theirs.head;
    });
    assert_eq!(refused(&taken), Code::CannotOpen);
}

#[test]
fn items_that_disagree_with_the_sealed_objects_are_malformed() {
    assert_eq!(with_item(|item| item.ciphertext_root = Digest([0; 32])), Code::Malformed);
    assert_eq!(with_item(|item| item.plaintext_bytes += 1), Code::Malformed);
    assert_eq!(with_blob(|blob| blob.root = Digest([0; 32])), Code::Malformed);
    assert_eq!(with_blob(|blob| blob.ciphertext_bytes += 1), Code::Malformed);
    let second = Blob { object_id: 2, ..blob() };
    assert_eq!(refused(&Forge { blobs: vec![blob(), second], ..Forge::good() }.bytes()), Code::Malformed);
    assert_eq!(refused(&Forge { blobs: vec![], ..Forge::good() }.bytes()), Code::Malformed);
    let no_items = with(|fields| fields.consignment = None);
    assert_eq!(refused(&Forge { blobs: vec![blob()], ..no_items }.bytes()), Code::Malformed);
}

#[test]
fn a_message_of_another_key_scope_or_urgency_than_its_envelope_is_malformed() {
    let scope = rogatory::model::package::Consignment::new(id(8), vec![item()]).unwrap();
    assert_eq!(refused(&with(|fields| fields.consignment = Some(scope)).bytes()), Code::Malformed);
    assert_eq!(refused(&with(|fields| fields.urgency = Urgency::Urgent).bytes()), Code::Malformed);
}

#[test]
fn a_message_of_another_version_is_refused_as_such() {
    for schema in ["rogatory.v2.Message", "rogatory.v1.Envelope", SECRET] {
        assert_eq!(refused(&altered_message(|it| it.schema = schema.to_owned())), Code::UnsupportedVersion);
    }
    assert_eq!(refused(&altered_message(|it| it.kind = SECRET.to_owned())), Code::UnsupportedVersion);
    assert_eq!(refused(&altered_message(|it| it.kind = "request.ack".to_owned())), Code::UnsupportedVersion);
    assert_eq!(refused(&altered_message(|it| it.items[0].role = SECRET.to_owned())), Code::UnsupportedVersion);
}

#[test]
fn a_message_with_a_field_out_of_bounds_is_malformed() {
    let name = |it: &mut rogatory::wire::proto::Message, text: &str| {
        it.sender = Some(rogatory::wire::proto::Party { authority: text.to_owned(), officer: SECRET.to_owned() });
    };
    assert_eq!(refused(&altered_message(|it| name(it, SECRET))), Code::Malformed);
    assert_eq!(refused(&altered_message(|it| it.sender = None)), Code::Malformed);
    assert_eq!(refused(&altered_message(|it| it.body = None)), Code::Malformed);
    assert_eq!(refused(&altered_message(|it| it.language = format!("{SECRET}\u{1b}"))), Code::Malformed);
    assert_eq!(refused(&altered_message(|it| it.items[0].name = SECRET.repeat(200))), Code::Malformed);
    assert_eq!(refused(&altered_message(|it| it.items[0].object_id = 2)), Code::Malformed);
    assert_eq!(refused(&altered_message(|it| it.seal_id = vec![])), Code::Malformed);
    let officer = altered_message(|it| it.sender.as_mut().unwrap().officer = format!(" {SECRET}"));
    assert_eq!(refused(&officer), Code::Malformed);
}

#[test]
fn what_is_too_large_for_a_receiver_is_not_signed() {
    let facts = vec![SECRET.repeat(8_000); 17];
    let mut fields = fields();
    let rogatory::model::message::Body::Request(request) = &mut fields.body else { panic!() };
    request.persons = facts;
    let forge = Forge::of(fields);
    let error = rogatory::exchange::sealed::sign_message(forge.message, &xa().signer, crate::cast::BEGIN).unwrap_err();
    crate::forge::useful(&error);
    assert!(error.to_string().contains("1048576"));
}
