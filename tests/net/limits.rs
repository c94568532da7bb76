//! How many, and how slow: streams, connections and handshakes beyond the limits.

use std::net::{Ipv4Addr, SocketAddr};
use std::pin::pin;
use std::time::Duration;

use rogatory::model::refusal::RefusalCode;
use rogatory::net::connection::ConnectError;
use rogatory::net::limits::Limits;
use rogatory::net::loss::Loss;
use rogatory::net::tls::ALPN;
use rogatory::wire::frame::{Frame, Told};
use tokio::net::UdpSocket;
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::peers::{World, connect, id, node, pair, tls};
use crate::raw;

#[tokio::test]
async fn a_peer_cannot_open_more_streams_than_the_limit_until_one_ends() {
    let limits = Limits { streams_per_peer_max: 2, ..Limits::default() };
    let pair = pair(limits).await;
    let mut first = pair.dialled.open().await.unwrap();
    first.send(&Frame::Pushed).await.unwrap();
    let _second = pair.dialled.open().await.unwrap();
    let mut third = pin!(pair.dialled.open());
    // Nothing ends a stream here, so however long this waits, the third stays shut.
    assert!(timeout(Duration::from_millis(50), &mut third).await.is_err());
    pair.accepted.accept().await.unwrap().reset(RefusalCode::Busy);
    first.reset(RefusalCode::Busy);
    assert!(third.await.is_ok());
}

#[tokio::test]
async fn a_stream_that_the_peer_never_allows_is_given_up() {
    let pair = pair(Limits { streams_per_peer_max: 1, frame_ms_max: 200, ..Limits::default() }).await;
    let _only = pair.dialled.open().await.unwrap();
    assert_eq!(pair.dialled.open().await.err(), Some(Loss::NoStream));
}

#[tokio::test]
async fn a_full_node_refuses_a_connection_and_takes_one_again_when_one_ended() {
    let world = World::new();
    let one = Limits { connections_max: 1, ..Limits::default() };
    let b = node(tls(&world.b.node("XB-MOJ"), world.trust()), one);
    let dialler = || {
        let key = world.a.node("XA-MOJ");
        node(tls(&key, world.trust()), Limits::default())
    };
    let (a, other) = (dialler(), dialler());
    let (dialled, accepted) = connect(&a, &b).await;
    let refused = other.endpoint.dial(&id("XB-MOJ"), b.address).await;
    assert_eq!(refused.err(), Some(ConnectError::Lost(Loss::Full)));
    drop(dialled);
    accepted.closed().await;
    drop(accepted);
    connect(&other, &b).await;
}

#[tokio::test]
async fn a_node_with_too_many_connections_does_not_dial() {
    let limits = Limits { connections_max: 1, ..Limits::default() };
    let pair = pair(limits).await;
    let dial = pair.a.endpoint.dial(&id("XB-MOJ"), pair.b.address).await;
    assert_eq!(dial.err(), Some(ConnectError::Full));
}

#[tokio::test]
async fn a_peer_beyond_its_share_of_connections_loses_its_oldest() {
    let limits = Limits { connections_per_peer_max: 2, ..Limits::default() };
    let pair = pair(limits).await;
    let (second, _second_accepted) = connect(&pair.a, &pair.b).await;
    let (third, _third_accepted) = connect(&pair.a, &pair.b).await;
    assert_eq!(pair.dialled.closed().await, Loss::Closed(Told::Known(RefusalCode::Busy)));
    assert_eq!((second.loss(), third.loss()), (None, None));
    assert_eq!(pair.b.endpoint.connections(), 2);
}

#[tokio::test]
async fn a_dialler_that_does_not_say_hello_is_too_slow() {
    let world = World::new();
    let quick = Limits { handshake_ms_max: 1_500, ..Limits::default() };
    let b = node(tls(&world.b.node("XB-MOJ"), world.trust()), quick);
    let config = raw::config(Some(&world.a.node("XA-MOJ")), ALPN);
    assert_eq!(raw::loss(&config, b.address).await, Loss::Closed(Told::Known(RefusalCode::TooSlow)));
}

#[tokio::test]
async fn a_dial_that_nobody_answers_ends_by_its_limit() {
    let world = World::new();
    let quick = Limits { handshake_ms_max: 100, ..Limits::default() };
    let a = node(tls(&world.a.node("XA-MOJ"), world.trust()), quick);
    let silent = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let dial = a.endpoint.dial(&id("XB-MOJ"), silent.local_addr().unwrap()).await;
    assert_eq!(dial.err(), Some(ConnectError::TooSlow));
}

/// Passes everything on to the server, but only its first datagram (the demand to prove the address) back: so the
/// handshake begins and never ends. Tells when the server has begun it.
async fn swallow(client_side: UdpSocket, server: SocketAddr, begun: oneshot::Sender<()>) {
    let server_side = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let (mut out, mut back) = ([0; 2048], [0; 2048]);
    let (mut client, mut answers, mut begun) = (None, 0, Some(begun));
    loop {
        tokio::select! {
            read = client_side.recv_from(&mut out) => {
                let (length, from) = read.unwrap();
                client = Some(from);
                server_side.send_to(&out[..length], server).await.unwrap();
            }
            read = server_side.recv_from(&mut back) => {
                let (length, _) = read.unwrap();
                answers += 1;
                match (answers, client) {
                    (1, Some(client)) => {
                        client_side.send_to(&back[..length], client).await.unwrap();
                    }
                    // Long header, type Initial: the server answers the handshake.
                    _ if back[0] & 0xf0 == 0xc0 => {
                        begun.take().map(|begun| begun.send(()));
                    }
                    _ => {}
                }
            }
        }
    }
}

#[tokio::test]
async fn a_stuck_handshake_gives_its_place_back_and_strangers_prove_their_address_meanwhile() {
    let world = World::new();
    let narrow = Limits { handshakes_max: 1, handshake_ms_max: 700, ..Limits::default() };
    let b = node(tls(&world.b.node("XB-MOJ"), world.trust()), narrow);
    let key = world.a.node("XA-MOJ");
    let trap = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let trapped = trap.local_addr().unwrap();
    let (begun, has_begun) = oneshot::channel();
    let swallowing = tokio::spawn(swallow(trap, b.address, begun));
    let socket = raw::socket();
    let stuck = raw::dial(&socket, &raw::config(Some(&key), ALPN), trapped);
    has_begun.await.unwrap();

    let a = node(tls(&key, world.trust()), Limits::default());
    let served = async {
        loop {
            match a.endpoint.dial(&id("XB-MOJ"), b.address).await {
                Ok(connection) => return connection,
                Err(error) => assert_eq!(error, ConnectError::Lost(Loss::Full)),
            }
        }
    };
    let connection = timeout(Duration::from_secs(30), served).await.unwrap();
    assert_eq!(connection.peer().authority, id("XB-MOJ"));
    drop(stuck);
    swallowing.abort();
}
