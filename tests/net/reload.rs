//! A new certificate, a new directory, new revocation lists, while connections are open.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use rogatory::crypto::node::NodeError;
use rogatory::model::refusal::RefusalCode;
use rogatory::net::connection::ConnectError;
use rogatory::net::endpoint::Endpoint;
use rogatory::net::limits::Limits;
use rogatory::net::loss::{Loss, TlsAlert};
use rogatory::net::trust::Trust;
use rogatory::wire::frame::Told;
use tokio::time::timeout;

use crate::peers::{World, connect, hello, id, node, tls};
use crate::pki::Wish;

#[tokio::test]
async fn a_revoked_peer_is_closed_and_stays_out_while_its_new_certificate_comes_in() {
    let world = World::new();
    let limits = Limits::default();
    let (key_a, key_b) = (world.a.node("XA-MOJ"), world.b.node("XB-MOJ"));
    let a = node(tls(&key_a, world.trust()), limits);
    let b = node(tls(&key_b, world.trust()), limits);
    let (dialled, _accepted) = connect(&a, &b).await;

    let newer = || world.trust_with(world.a.list(&[7]), world.b.list(&[]));
    b.endpoint.reload(tls(&key_b, newer()));
    assert_eq!(dialled.loss(), None);
    let closed = b.endpoint.close_revoked(&newer());
    assert_eq!(closed, [(id("XA-MOJ"), NodeError::Revoked)]);
    assert_eq!(dialled.closed().await, Loss::Closed(Told::Known(RefusalCode::CertificateRevoked)));
    assert_eq!(b.endpoint.connections(), 0);
    let again = a.endpoint.dial(&id("XB-MOJ"), b.address).await;
    let revoked = Loss::RefusedByTls(TlsAlert(44));
    assert_eq!(again.err(), Some(ConnectError::Lost(revoked)));

    let mut wish = Wish::of("XA-MOJ");
    wish.serial = 8;
    a.endpoint.reload(tls(&world.a.issue(&wish), world.trust()));
    let (_dialled, accepted) = connect(&a, &b).await;
    assert_eq!(accepted.peer().serial, [8]);
}

#[tokio::test]
async fn a_peer_that_was_dialled_is_closed_when_its_authority_leaves_and_others_stay() {
    let world = World::new();
    let limits = Limits::default();
    let a = node(tls(&world.a.node("XA-MOJ"), world.trust()), limits);
    let b = node(tls(&world.b.node("XB-MOJ"), world.trust()), limits);
    let (dialled, accepted) = connect(&a, &b).await;
    assert_eq!(a.endpoint.close_revoked(&world.trust()), []);
    assert_eq!(dialled.loss(), None);

    let mut without_b = Trust::new();
    without_b.add(id("XA-MOJ"), std::slice::from_ref(&world.a.der), &[world.a.list(&[])]).unwrap();
    let closed = a.endpoint.close_revoked(&without_b);
    assert_eq!(closed, [(id("XB-MOJ"), NodeError::UnknownAuthority)]);
    assert_eq!(dialled.loss(), Some(Loss::Here));
    assert_eq!(accepted.closed().await, Loss::Closed(Told::Known(RefusalCode::UnknownAuthority)));
}

#[tokio::test]
async fn a_revocation_that_comes_during_the_hello_counts() {
    let world = World::new();
    let limits = Limits::default();
    let key_b = world.b.node("XB-MOJ");
    let a = node(tls(&world.a.node("XA-MOJ"), world.trust()), limits);
    // XB-MOJ reloads while it makes its Hello: after it checked the certificate, before the connection is listed.
    let revoking = || world.trust_with(world.a.list(&[7]), world.b.list(&[]));
    let (newer, sweep) = (Mutex::new(Some(tls(&key_b, revoking()))), revoking());
    let itself: Arc<OnceLock<Endpoint>> = Arc::default();
    let known = Arc::clone(&itself);
    let greeting = move || {
        if let (Some(endpoint), Some(newer)) = (known.get(), newer.lock().unwrap().take()) {
            endpoint.reload(newer);
            assert_eq!(endpoint.close_revoked(&sweep), []);
        }
        hello(&id("XB-MOJ"))
    };
    let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let endpoint = Endpoint::bind(loopback, tls(&key_b, world.trust()), Arc::new(greeting), limits).unwrap();
    let address = endpoint.local_address().unwrap();
    assert!(itself.set(endpoint).is_ok());

    let told = match a.endpoint.dial(&id("XB-MOJ"), address).await {
        Ok(connection) => timeout(Duration::from_secs(10), connection.closed()).await.unwrap(),
        Err(ConnectError::Lost(loss)) => loss,
        Err(other) => panic!("{other}"),
    };
    assert_eq!(told, Loss::Closed(Told::Known(RefusalCode::CertificateRevoked)));
}

#[tokio::test]
async fn a_closed_endpoint_tells_its_peers_and_accepts_nothing_more() {
    let world = World::new();
    let limits = Limits::default();
    let a = node(tls(&world.a.node("XA-MOJ"), world.trust()), limits);
    let b = node(tls(&world.b.node("XB-MOJ"), world.trust()), limits);
    let (dialled, _accepted) = connect(&a, &b).await;
    b.endpoint.close().await;
    assert_eq!(dialled.closed().await, Loss::Done);
    assert!(b.endpoint.accept().await.is_none());
}
