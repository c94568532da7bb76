//! Whose is it? Identifiers, receipts, parts and conditions of somebody else.

use rogatory::crypto::random;
use rogatory::daemon::clock;
use rogatory::model::event::Event;
use rogatory::model::message::{Body, Urgency};
use rogatory::model::refusal::RefusalCode;
use rogatory::model::request::ConditionsAcceptance;
use rogatory::wire::frame::Frame;

use crate::letter::{SECRET, acknowledgement, evidence as evidence_body, new_id};
use crate::officers::{victim_asks, victim_transmits};
use crate::peer::code;
use crate::stage::{Stage, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_envelope_of_another_peer_is_not_taken_from_evil_hands_and_its_owner_is_not_hurt() {
    let stage = Stage::raise("XC-RELAY").await;
    let evil = stage.link(&stage.evil).await;
    let sealed = stage.seal(&stage.honest, &stage.letter(&stage.honest));
    assert_eq!(evil.deliver(sealed.bytes.clone()).await, Err(RefusalCode::SenderMismatch));
    let receipt = stage.link(&stage.honest).await.deliver(sealed.bytes.clone()).await.unwrap();
    stage.check(&stage.honest, &sealed, &receipt).unwrap();
    assert_eq!(evil.deliver(sealed.bytes).await, Err(RefusalCode::SenderMismatch), "nor afterwards");
    assert_eq!(stage.refused(), [RefusalCode::SenderMismatch; 2]);
    stage.told(&["refused", "sender-mismatch"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parts_and_receipts_of_what_was_sent_to_another_peer_are_not_found() {
    let stage = Stage::raise("XC-FETCH").await;
    let row = victim_asks(&stage, &stage.honest);
    let envelope_id = row.envelope_id.unwrap();
    let (evil, honest) = (stage.link(&stage.evil).await, stage.link(&stage.honest).await);
    assert_eq!(code(evil.fetch(envelope_id, 1, 0).await), RefusalCode::NotFound);
    assert_eq!(code(evil.fetch(new_id(), 1, 0).await), RefusalCode::NotFound, "no difference to what is not there");
    assert_eq!(evil.push(envelope_id, vec![1; 100]).await, Err(RefusalCode::NotFound));
    assert!(matches!(honest.fetch(envelope_id, 1, 0).await, Frame::Part { index: 0, .. }));
    assert_eq!(code(honest.fetch(envelope_id, 2, 0).await), RefusalCode::NotFound);
    assert_eq!(code(honest.fetch(envelope_id, 1, 1).await), RefusalCode::BadRange);
    assert_eq!(honest.push(envelope_id, vec![1; 100]).await, Err(RefusalCode::BadReceipt));
    stage.told(&["not-found"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receipt_for_another_envelope_does_not_settle_one() {
    let stage = Stage::raise("XC-RECEIPT").await;
    let row = victim_asks(&stage, &stage.evil);
    let evil = stage.link(&stage.evil).await;
    // The victim's own receipt is a right one, of the wrong log and about another envelope.
    let receipt = evil.deliver(stage.letter(&stage.evil).bytes(&stage.evil, &stage.victim)).await.unwrap();
    let pushed = evil.push(row.envelope_id.unwrap(), receipt).await;
    assert_eq!(pushed, Err(RefusalCode::BadReceipt));
    assert_eq!(stage.node().message(row.message_id).unwrap().receipts, []);
    assert_eq!(stage.count(Event::MessageDelivered), 0);
    assert_eq!(stage.refused(), [RefusalCode::BadReceipt]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn identifiers_that_name_something_here_already_are_refused_whoever_it_belongs_to() {
    let stage = Stage::raise("XC-NAMES").await;
    let ours = victim_asks(&stage, &stage.honest);
    let honest = stage.link(&stage.honest).await;
    let theirs = stage.letter(&stage.honest).announcing(&[100]);
    honest.deliver(theirs.bytes(&stage.honest, &stage.victim)).await.unwrap();
    let evil = stage.link(&stage.evil).await;
    let before = stage.node().index_digest().unwrap();

    let mut attacks = Vec::new();
    for envelope_id in [ours.envelope_id.unwrap(), theirs.route.envelope_id] {
        let mut letter = stage.letter(&stage.evil);
        letter.route.envelope_id = envelope_id;
        attacks.push(letter);
    }
    // Under its own kind, and under another: an officer who names the request must not get the message.
    let known = [ours.message_id, ours.request_id, ours.package_id.unwrap()];
    let known = known.into_iter().chain([theirs.fields.message_id, theirs.fields.request_id, theirs.route.seal_id]);
    for id in known {
        let mut letter = stage.letter(&stage.evil);
        letter.fields.message_id = id;
        attacks.push(letter);
        let mut letter = stage.letter(&stage.evil);
        letter.fields.request_id = id;
        attacks.push(letter);
        let mut letter = stage.letter(&stage.evil);
        letter.route.seal_id = id;
        attacks.push(letter.announcing(&[100]));
    }
    let mut letter = stage.letter(&stage.evil);
    letter.fields.request_id = letter.fields.message_id;
    attacks.push(letter);
    let tried = attacks.len();
    for letter in attacks {
        let refused = evil.deliver(letter.bytes(&stage.evil, &stage.victim)).await;
        assert_eq!(refused, Err(RefusalCode::IdentifierReused));
    }
    let (after, recorded) = (stage.node().index_digest().unwrap(), stage.refused().len());
    assert_eq!(recorded, 10, "of {tried}: a hostile peer writes ten records an hour at most");
    assert_eq!(after.0, before.0 + 10, "nothing else was logged");
    assert_eq!(stage.node().message(ours.message_id).unwrap(), ours);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_but_the_other_side_of_a_request_speaks_in_it() {
    let stage = Stage::raise("XC-THREAD").await;
    let ours = victim_asks(&stage, &stage.honest);
    let honest = stage.link(&stage.honest).await;
    let theirs = stage.letter(&stage.honest);
    honest.deliver(theirs.bytes(&stage.honest, &stage.victim)).await.unwrap();
    let evil = stage.link(&stage.evil).await;
    let own = stage.letter(&stage.evil);
    evil.deliver(own.bytes(&stage.evil, &stage.victim)).await.unwrap();

    for (request_id, body, expected) in [
        (ours.request_id, acknowledgement(), RefusalCode::IdentifierReused),
        (theirs.fields.request_id, acknowledgement(), RefusalCode::IdentifierReused),
        (new_id(), acknowledgement(), RefusalCode::OutOfTurn),
        (own.fields.request_id, acknowledgement(), RefusalCode::OutOfTurn),
    ] {
        let letter = stage.letter(&stage.evil).in_thread(request_id, body);
        assert_eq!(evil.deliver(letter.bytes(&stage.evil, &stage.victim)).await, Err(expected));
    }
    for request_id in [ours.request_id, theirs.fields.request_id] {
        let letter = stage.letter(&stage.evil).in_thread(request_id, evidence_body()).announcing(&[100]);
        let refused = evil.deliver(letter.bytes(&stage.evil, &stage.victim)).await;
        assert_eq!(refused, Err(RefusalCode::IdentifierReused), "evidence pushed into somebody else's request");
    }
    assert_eq!(stage.node().request(ours.request_id).unwrap().messages, [ours.message_id]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn conditions_are_accepted_by_nobody_but_the_one_they_bind() {
    let stage = Stage::raise("XC-ACCEPT").await;
    let (honest, evil) = (stage.link(&stage.honest).await, stage.link(&stage.evil).await);
    let asked = stage.letter(&stage.honest);
    honest.deliver(asked.bytes(&stage.honest, &stage.victim)).await.unwrap();
    let package_id = victim_transmits(&stage, asked.fields.request_id).package_id.unwrap();
    let own = stage.letter(&stage.evil);
    evil.deliver(own.bytes(&stage.evil, &stage.victim)).await.unwrap();

    let acceptance = || {
        Body::Acceptance(ConditionsAcceptance {
            package_id,
            condition_ids: vec!["c1".to_owned()],
            responsible_authority: SECRET.to_owned(),
        })
    };
    let accepted = || stage.node().package(package_id).unwrap().conditions[0].accepted_index;
    let foreign = stage.letter(&stage.evil).in_thread(asked.fields.request_id, acceptance());
    let refused = evil.deliver(foreign.bytes(&stage.evil, &stage.victim)).await;
    assert_eq!(refused, Err(RefusalCode::IdentifierReused));
    // In its own thread it may say what it likes: it binds nobody there.
    let elsewhere = stage.letter(&stage.evil).in_thread(own.fields.request_id, acceptance());
    evil.deliver(elsewhere.bytes(&stage.evil, &stage.victim)).await.unwrap();
    assert_eq!(accepted(), None);
    let right = stage.letter(&stage.honest).in_thread(asked.fields.request_id, acceptance());
    honest.deliver(right.bytes(&stage.honest, &stage.victim)).await.unwrap();
    assert!(accepted().is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_letter_that_is_replayed_before_and_after_a_restart_is_one_record_and_one_receipt() {
    let mut stage = Stage::raise("XC-REPLAY").await;
    let sealed = stage.seal(&stage.evil, &stage.letter(&stage.evil));
    let evil = stage.link(&stage.evil).await;
    let first = evil.deliver(sealed.bytes.clone()).await.unwrap();
    let again = evil.deliver(sealed.bytes.clone()).await.unwrap();
    // Signed anew, so the bytes differ under the same names.
    let mut other = stage.letter(&stage.evil);
    other.route.envelope_id = sealed.envelope.envelope_id;
    assert_eq!(evil.deliver(other.bytes(&stage.evil, &stage.victim)).await, Err(RefusalCode::IdentifierReused));
    drop(evil);
    stage.stop().await;
    stage.start().await;
    let evil = stage.link(&stage.evil).await;
    let later = evil.deliver(sealed.bytes.clone()).await.unwrap();
    let place = |receipt: &[u8]| stage.check(&stage.evil, &sealed, receipt).unwrap().index();
    assert_eq!([place(&again), place(&later)], [place(&first); 2]);
    assert_eq!(stage.count(Event::MessageReceived), 1);
    assert_eq!(evil.deliver(other.bytes(&stage.evil, &stage.victim)).await, Err(RefusalCode::IdentifierReused));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn letters_that_lie_about_their_time_or_contradict_themselves_are_refused_by_their_code() {
    let stage = Stage::raise("XC-LIES").await;
    let evil = stage.link(&stage.evil).await;
    let hour = 3_600_000;
    let mut ahead = stage.letter(&stage.evil);
    ahead.route.created_at = ahead.route.created_at.plus_millis(hour);
    ahead.route.expires_at = ahead.route.created_at.plus_millis(hour);
    let mut over = stage.letter(&stage.evil);
    over.route.expires_at = over.route.created_at;
    let mut eternal = stage.letter(&stage.evil);
    eternal.route.expires_at = eternal.route.created_at.plus_millis(401 * 24 * hour);
    let mut urgent = stage.letter(&stage.evil);
    urgent.route.urgency = Urgency::Urgent;
    let elsewhere = stage.letter(&stage.evil);
    let noise: Vec<u8> = random::bytes::<64>().unwrap().to_vec();
    let victim = &stage.victim;
    for (bytes, expected) in [
        (ahead.bytes(&stage.evil, victim), RefusalCode::ClockSkew),
        (over.bytes(&stage.evil, victim), RefusalCode::Expired),
        (eternal.bytes(&stage.evil, victim), RefusalCode::Malformed),
        (urgent.bytes(&stage.evil, victim), RefusalCode::Malformed),
        (elsewhere.bytes(&stage.honest, victim), RefusalCode::UnknownAuthority),
        (elsewhere.sealed_over(noise.clone(), &stage.evil, victim).bytes, RefusalCode::Malformed),
        (noise, RefusalCode::Malformed),
    ] {
        assert_eq!(evil.deliver(bytes).await, Err(expected));
        assert_eq!(stage.refused().last(), Some(&expected));
        stage.told(&["refused", expected.name()]);
    }
    stage.serves_others().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_letter_that_was_taken_is_answered_again_after_its_time_and_a_new_one_is_not() {
    let stage = Stage::raise("XC-AGAIN").await;
    let evil = stage.link(&stage.evil).await;
    let mut letter = stage.letter(&stage.evil);
    let end = clock::now().plus_millis(10_000);
    letter.route.expires_at = end;
    let sealed = stage.seal(&stage.evil, &letter);
    evil.deliver(sealed.bytes.clone()).await.unwrap();
    until("its time is over", || clock::now() > end).await;
    let again = evil.deliver(sealed.bytes.clone()).await.unwrap();
    stage.check(&stage.evil, &sealed, &again).unwrap();
    assert_eq!(stage.count(Event::MessageReceived), 1);
    // The same identifier over other bytes is no retry, and another letter is too late.
    assert_eq!(evil.deliver(letter.bytes(&stage.evil, &stage.victim)).await, Err(RefusalCode::Expired));
    letter.route.envelope_id = new_id();
    assert_eq!(evil.deliver(letter.bytes(&stage.evil, &stage.victim)).await, Err(RefusalCode::Expired));
}
