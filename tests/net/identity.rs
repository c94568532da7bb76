//! Who is let in: each way a certificate, a protocol or a Hello can be wrong, from both sides.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use rogatory::crypto::node::NodeError;
use rogatory::model::refusal::RefusalCode;
use rogatory::net::connection::ConnectError;
use rogatory::net::kx::KeyExchange;
use rogatory::net::limits::Limits;
use rogatory::net::loss::{Loss, TlsAlert};
use rogatory::net::tls::{ALPN, NodeKey};
use rogatory::net::trust::Trust;
use rogatory::wire::frame::{Frame, Hello, Told};

use crate::peers::{World, connect, hello, id, node, node_saying, pair, tls, tls_with};
use crate::pki::{Ca, Wish};
use crate::raw;

#[tokio::test]
async fn two_nodes_meet_by_the_hybrid_key_exchange_and_know_each_other() {
    let pair = pair(Limits::default()).await;
    for (connection, name) in [(&pair.dialled, "XB-MOJ"), (&pair.accepted, "XA-MOJ")] {
        assert_eq!(connection.peer().group_name, "X25519MLKEM768");
        assert_eq!(connection.peer().authority, id(name));
        assert_eq!(connection.peer().serial, [7]);
        assert_eq!(*connection.hello(), hello(&id(name)));
    }
    assert_eq!(pair.dialled.remote_address(), pair.b.address);
    assert_eq!(pair.a.endpoint.connections(), 1);
}

/// What XA-MOJ sees when it dials XB-MOJ and finds this key there, under this trust.
async fn dial_error(found: &NodeKey, trust: Trust, world: &World) -> ConnectError {
    let limits = Limits::default();
    let a = node(tls(&world.a.node("XA-MOJ"), trust), limits);
    let b = node(tls(found, world.trust()), limits);
    let dial = a.endpoint.dial(&id("XB-MOJ"), b.address).await;
    assert_eq!(a.endpoint.connections(), 0);
    dial.err().unwrap()
}

/// What a dialler that shows this key sees when XB-MOJ has this trust.
async fn refusal(shown: &NodeKey, trust: Trust, world: &World) -> ConnectError {
    let limits = Limits::default();
    let a = node(tls(shown, world.trust()), limits);
    let b = node(tls(&world.b.node("XB-MOJ"), trust), limits);
    let dial = a.endpoint.dial(&id("XB-MOJ"), b.address).await;
    assert_eq!(b.endpoint.connections(), 0);
    dial.err().unwrap()
}

#[tokio::test]
async fn the_dialler_learns_why_it_refused_whom_it_reached() {
    let world = World::new();
    let mut expired = Wish::of("XB-MOJ");
    (expired.from_day, expired.to_day) = (-20, -1);
    let good = world.b.node("XB-MOJ");
    let stranger = Ca::new("CA B").node("XB-MOJ");
    let forged = world.a.node("XB-MOJ");
    let (a, b) = (&world.a, &world.b);
    let mut no_list = Trust::new();
    no_list.add(id("XB-MOJ"), std::slice::from_ref(&b.der), &[]).unwrap();
    let mut nobody = Trust::new();
    nobody.add(id("XA-MOJ"), std::slice::from_ref(&a.der), &[a.list(&[])]).unwrap();
    let revoking = world.trust_with(a.list(&[]), b.list(&[7]));
    let stale = world.trust_with(a.list(&[]), b.list_until(&[], -1));
    for (found, trust, error) in [
        (&a.node("XA-MOJ"), world.trust(), NodeError::OtherAuthority),
        (&stranger, world.trust(), NodeError::UnknownIssuer),
        (&forged, world.trust(), NodeError::UnknownIssuer),
        (&b.issue(&expired), world.trust(), NodeError::Expired),
        (&good, revoking, NodeError::Revoked),
        (&good, stale, NodeError::ListExpired),
        (&good, no_list, NodeError::RevocationUnknown),
        (&good, nobody, NodeError::UnknownAuthority),
    ] {
        let seen = dial_error(found, trust, &world).await;
        assert_eq!(seen, ConnectError::Identity(error));
    }
}

#[tokio::test]
async fn the_dialled_side_refuses_every_bad_certificate_with_an_alert() {
    let world = World::new();
    let mut expired = Wish::of("XA-MOJ");
    (expired.from_day, expired.to_day) = (-20, -1);
    let good = world.a.node("XA-MOJ");
    let (a, b) = (&world.a, &world.b);
    let revoking = world.trust_with(a.list(&[7]), b.list(&[]));
    let stale = world.trust_with(a.list_until(&[], -1), b.list(&[]));
    let mut no_list = Trust::new();
    no_list.add(id("XA-MOJ"), std::slice::from_ref(&a.der), &[]).unwrap();
    for (shown, trust, alert) in [
        (&Ca::new("CA A").node("XA-MOJ"), world.trust(), 48),
        (&b.node("XA-MOJ"), world.trust(), 48),
        (&a.issue(&expired), world.trust(), 45),
        (&good, revoking, 44),
        (&good, stale, 48),
        (&good, no_list, 48),
        (&good, Trust::new(), 48),
    ] {
        let seen = refusal(shown, trust, &world).await;
        let loss = Loss::RefusedByTls(TlsAlert(alert));
        assert_eq!(seen, ConnectError::Lost(loss));
    }
}

#[tokio::test]
async fn a_client_without_a_certificate_is_refused() {
    let world = World::new();
    let b = node(tls(&world.b.node("XB-MOJ"), world.trust()), Limits::default());
    let loss = raw::loss(&raw::config(None, ALPN), b.address).await;
    assert_eq!(loss, Loss::RefusedByTls(TlsAlert(116)));
}

#[tokio::test]
async fn a_client_of_another_application_protocol_is_refused() {
    let world = World::new();
    let b = node(tls(&world.b.node("XB-MOJ"), world.trust()), Limits::default());
    let key = world.a.node("XA-MOJ");
    for alpn in [&b"h3"[..], b"rogatory/2"] {
        let loss = raw::loss(&raw::config(Some(&key), alpn), b.address).await;
        assert_eq!(loss, Loss::RefusedByTls(TlsAlert(120)));
    }
}

#[tokio::test]
async fn a_classical_client_is_served_unless_the_policy_is_hybrid_only() {
    let world = World::new();
    let (a, key) = (world.a.node("XA-MOJ"), world.b.node("XB-MOJ"));
    let config = raw::config(Some(&a), ALPN);
    let b = node(tls(&key, world.trust()), Limits::default());
    let socket = raw::socket();
    let connection = raw::dial(&socket, &config, b.address).await.unwrap();
    raw::say(&connection, &Frame::Hello(hello(&id("XA-MOJ")))).await;
    let accepted = b.endpoint.accept().await.unwrap();
    assert_eq!(accepted.peer().group_name, "X25519");

    let strict = tls_with(&key, world.trust(), KeyExchange::HybridOnly);
    let b = node(strict, Limits::default());
    let loss = raw::loss(&config, b.address).await;
    assert_eq!(loss, Loss::RefusedByTls(TlsAlert(40)));
}

#[tokio::test]
async fn two_nodes_that_take_hybrid_only_meet() {
    let world = World::new();
    let strict = |key| {
        let tls = tls_with(key, world.trust(), KeyExchange::HybridOnly);
        node(tls, Limits::default())
    };
    let (a, b) = (strict(&world.a.node("XA-MOJ")), strict(&world.b.node("XB-MOJ")));
    let (dialled, _accepted) = connect(&a, &b).await;
    assert_eq!(dialled.peer().group_name, "X25519MLKEM768");
}

#[tokio::test]
async fn no_ticket_is_given_so_nothing_can_be_resumed_or_sent_early() {
    let world = World::new();
    let key = world.a.node("XA-MOJ");
    let tickets = Arc::new(raw::Tickets::default());
    let config = raw::config_keeping(Some(&key), ALPN, Arc::clone(&tickets));
    let b = node(tls(&world.b.node("XB-MOJ"), world.trust()), Limits::default());
    let socket = raw::socket();
    let connection = raw::dial(&socket, &config, b.address).await.unwrap();
    raw::say(&connection, &Frame::Hello(hello(&id("XA-MOJ")))).await;
    assert_eq!(tickets.0.load(Ordering::SeqCst), 0);
}

async fn after_hello(said: Hello) -> Loss {
    let world = World::new();
    let limits = Limits::default();
    let a = node_saying(tls(&world.a.node("XA-MOJ"), world.trust()), limits, said);
    let b = node(tls(&world.b.node("XB-MOJ"), world.trust()), limits);
    match a.endpoint.dial(&id("XB-MOJ"), b.address).await {
        Err(ConnectError::Lost(loss)) => loss,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("let in"),
    }
}

#[tokio::test]
async fn a_hello_that_contradicts_the_certificate_ends_the_connection() {
    let loss = after_hello(hello(&id("XC-MOJ"))).await;
    assert_eq!(loss, Loss::Closed(Told::Known(RefusalCode::SenderMismatch)));
}

#[tokio::test]
async fn a_hello_of_another_version_ends_the_connection() {
    let mut said = hello(&id("XA-MOJ"));
    said.protocol_version = 2;
    assert_eq!(after_hello(said).await, Loss::Closed(Told::Known(RefusalCode::UnsupportedVersion)));
}

#[tokio::test]
async fn a_first_frame_that_is_no_hello_ends_the_connection() {
    let world = World::new();
    let key = world.a.node("XA-MOJ");
    let b = node(tls(&world.b.node("XB-MOJ"), world.trust()), Limits::default());
    let socket = raw::socket();
    let connection = raw::dial(&socket, &raw::config(Some(&key), ALPN), b.address).await.unwrap();
    let (mut send, _receive) = connection.open_bi().await.unwrap();
    send.write_all(b"GET / HTTP/1.0\r\n\r\n").await.unwrap();
    assert_eq!(Loss::from(connection.closed().await), Loss::Closed(Told::Known(RefusalCode::TooLarge)));
}
