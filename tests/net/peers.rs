//! Two authorities with their nodes on loopback sockets.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use rogatory::model::ident::AuthorityId;
use rogatory::net::connection::Connection;
use rogatory::net::endpoint::Endpoint;
use rogatory::net::kx::KeyExchange;
use rogatory::net::limits::Limits;
use rogatory::net::tls::{Clock, NodeKey, Tls};
use rogatory::net::trust::Trust;
use rogatory::wire::frame::{Hello, PROTOCOL_VERSION};

use crate::pki::{Ca, NOW};

pub(crate) fn id(text: &str) -> AuthorityId {
    text.parse().unwrap()
}

/// The CAs of XA-MOJ and XB-MOJ.
pub(crate) struct World {
    pub(crate) a: Ca,
    pub(crate) b: Ca,
}

impl World {
    pub(crate) fn new() -> Self {
        Self { a: Ca::new("CA A"), b: Ca::new("CA B") }
    }

    /// Trust in both, nothing revoked.
    pub(crate) fn trust(&self) -> Trust {
        self.trust_with(self.a.list(&[]), self.b.list(&[]))
    }

    pub(crate) fn trust_with(&self, list_a: Vec<u8>, list_b: Vec<u8>) -> Trust {
        let mut trust = Trust::new();
        for (name, ca, list) in [("XA-MOJ", &self.a, list_a), ("XB-MOJ", &self.b, list_b)] {
            trust.add(id(name), std::slice::from_ref(&ca.der), &[list]).unwrap();
        }
        trust
    }
}

pub(crate) fn tls(key: &NodeKey, trust: Trust) -> Tls {
    tls_with(key, trust, KeyExchange::HybridPreferred)
}

pub(crate) fn tls_with(key: &NodeKey, trust: Trust, key_exchange: KeyExchange) -> Tls {
    Tls::new(key, Arc::new(trust), key_exchange, Clock::new(|| NOW)).unwrap()
}

pub(crate) fn hello(authority: &AuthorityId) -> Hello {
    Hello {
        protocol_version: PROTOCOL_VERSION,
        authority: authority.clone(),
        directory_version: 3,
        clock: NOW,
        software: "rogatory test".to_owned(),
        checkpoint: None,
    }
}

/// A bound node and where it listens.
pub(crate) struct Node {
    pub(crate) endpoint: Endpoint,
    pub(crate) address: SocketAddr,
}

pub(crate) fn node(tls: Tls, limits: Limits) -> Node {
    let said = hello(tls.authority());
    node_saying(tls, limits, said)
}

pub(crate) fn node_saying(tls: Tls, limits: Limits, said: Hello) -> Node {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let endpoint = Endpoint::bind(address, tls, Arc::new(move || said.clone()), limits).unwrap();
    let address = endpoint.local_address().unwrap();
    Node { endpoint, address }
}

/// XA-MOJ dialled XB-MOJ.
pub(crate) struct Pair {
    pub(crate) a: Node,
    pub(crate) b: Node,
    pub(crate) dialled: Connection,
    pub(crate) accepted: Connection,
}

pub(crate) async fn pair(limits: Limits) -> Pair {
    let world = World::new();
    let a = node(tls(&world.a.node("XA-MOJ"), world.trust()), limits);
    let b = node(tls(&world.b.node("XB-MOJ"), world.trust()), limits);
    let (dialled, accepted) = connect(&a, &b).await;
    Pair { a, b, dialled, accepted }
}

pub(crate) async fn connect(a: &Node, b: &Node) -> (Connection, Connection) {
    let expected = id("XB-MOJ");
    let (dialled, accepted) = tokio::join!(a.endpoint.dial(&expected, b.address), b.endpoint.accept());
    (dialled.unwrap(), accepted.unwrap())
}
