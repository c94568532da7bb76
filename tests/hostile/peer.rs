//! A peer that is no node: real keys and certificates over the project's own transport, and no manners.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use rogatory::daemon::clock;
use rogatory::daemon::home::Home;
use rogatory::daemon::keys::{self, Facts, Keys};
use rogatory::exchange::roster::Roster;
use rogatory::model::authority::Authority;
use rogatory::model::ident::{AuthorityId, Id};
use rogatory::model::refusal::RefusalCode;
use rogatory::net::connection::{ConnectError, Connection};
use rogatory::net::endpoint::Endpoint;
use rogatory::net::kx::KeyExchange;
use rogatory::net::limits::Limits;
use rogatory::net::stream::StreamError;
use rogatory::net::tls::{Clock, NodeKey, Tls};
use rogatory::net::trust::Trust;
use rogatory::wire::frame::{Frame, Hello, PROTOCOL_VERSION, Told};

pub struct Peer {
    pub id: AuthorityId,
    pub home: Home,
    pub keys: Keys,
    pub row: Authority,
}

impl Peer {
    /// Makes its keys below `stage`.
    pub fn new(stage: &Path, name: &str) -> Self {
        let id: AuthorityId = name.parse().unwrap();
        let home = Home::at(&stage.join(name));
        let facts =
            Facts { authority: &id, name: "A ministry", endpoints: &[], languages: &[], time_stamp_issuers: &[] };
        let row = keys::create(&home, &facts, clock::now()).unwrap();
        let keys = Keys::read(&home).unwrap();
        Self { id, home, keys, row }
    }

    pub fn key(&self) -> NodeKey {
        keys::node_key(&self.home).unwrap()
    }

    /// A socket that trusts everybody of the roster.
    pub fn endpoint(&self, roster: &Roster) -> Endpoint {
        self.endpoint_with(roster, Limits::default())
    }

    pub fn endpoint_with(&self, roster: &Roster, limits: Limits) -> Endpoint {
        let mut trust = Trust::new();
        for row in roster.authorities() {
            trust.add(row.id.clone(), &row.issuers, &row.revocation_lists).unwrap();
        }
        let tls = Tls::new(&self.key(), Arc::new(trust), KeyExchange::HybridPreferred, Clock::new(clock::now)).unwrap();
        let hello = Hello {
            protocol_version: PROTOCOL_VERSION,
            authority: self.id.clone(),
            directory_version: 1,
            clock: clock::now(),
            software: "attack".to_owned(),
            checkpoint: None,
        };
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Endpoint::bind(address, tls, Arc::new(move || hello.clone()), limits).unwrap()
    }
}

/// A socket of a peer and a link from it to the victim.
pub struct Link {
    _endpoint: Endpoint,
    pub connection: Connection,
}

impl Link {
    pub async fn dial(endpoint: Endpoint, victim: &AuthorityId, address: SocketAddr) -> Result<Self, ConnectError> {
        let connection = endpoint.dial(victim, address).await?;
        Ok(Self { _endpoint: endpoint, connection })
    }

    /// One question, one answer.
    pub async fn ask(&self, frame: Frame) -> Result<Frame, StreamError> {
        let mut stream = self.connection.open().await?;
        stream.send(&frame).await?;
        stream.finish();
        stream.receive().await
    }

    /// Hands over an envelope: the receipt, or the code.
    pub async fn deliver(&self, signed_envelope: Vec<u8>) -> Result<Vec<u8>, RefusalCode> {
        match self.ask(Frame::Deliver { signed_envelope }).await {
            Ok(Frame::Delivered { receipt }) => Ok(receipt),
            Ok(other) => Err(code(other)),
            // Refused before all of it was taken.
            Err(StreamError::Reset(Told::Known(code))) => Err(code),
            Err(other) => panic!("{other}"),
        }
    }

    pub async fn push(&self, envelope_id: Id, receipt: Vec<u8>) -> Result<(), RefusalCode> {
        match self.ask(Frame::PushReceipt { envelope_id, receipt }).await.unwrap() {
            Frame::Pushed => Ok(()),
            other => Err(code(other)),
        }
    }

    /// The first frame of the answer to a request for parts.
    pub async fn fetch(&self, envelope_id: Id, object_id: u32, first_part: u64) -> Frame {
        self.ask(Frame::Fetch { envelope_id, object_id, first_part, part_count: 1 }).await.unwrap()
    }
}

pub fn code(frame: Frame) -> RefusalCode {
    match frame {
        Frame::Refused { code: Told::Known(code), .. } => code,
        other => panic!("no refusal of our table: {other:?}"),
    }
}
