//! What the doctor finds beside the handshake: whether peers would believe us, what the network says of a silent address, what the
//! line can carry, and whether the peer reaches us. Measures nothing by sending evidence; says what is a bound and no measurement.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::time::{Instant, sleep, timeout};

use crate::crypto::node::{NodeError, Role};
use crate::daemon::health::Finding;
use crate::daemon::keys;
use crate::daemon::node::Node;
use crate::model::authority::Authority;
use crate::model::ident::AuthorityId;
use crate::model::limits::{CONNECTION_WINDOW_BYTES, WARN_AHEAD_MS};
use crate::model::time::Timestamp;
use crate::net::connection::Connection;
use crate::net::trust::Trust;

/// The payload that every path carries (RFC 9000, section 14).
const PATH_BYTES_MIN: u16 = 1_200;
/// How long the path gets to carry more: discovery takes some round trips, and a busy machine some time.
const DISCOVERY: Duration = Duration::from_secs(5);
/// How long the network gets to say that nobody is there.
const KNOCK: Duration = Duration::from_millis(700);

/// Whether the peer would believe us: our row in the directory, and the certificate that we show.
pub(super) fn ourselves(node: &Node, row: Option<&Authority>, now: Timestamp) -> Vec<Finding> {
    const CHECK: &str = "own-row";
    let Some(row) = row else {
        let next = "hand directory-entry.json to the directory's keepers; import what they return";
        return vec![Finding::bad(CHECK, "the directory does not list this node: peers refuse it", next)];
    };
    let advertised = &node.config().advertise;
    let mut findings = vec![if row.endpoints == *advertised {
        Finding::good(CHECK, format!("the directory gives {} for us", or_nothing(&row.endpoints)))
    } else {
        let seen = format!(
            "the directory gives {} for us, the settings {}",
            or_nothing(&row.endpoints),
            or_nothing(advertised)
        );
        Finding::warning(CHECK, seen, "hand the keepers a new directory-entry.json, or mend `advertise`")
    }];
    findings.push(own_certificate(node, row, now));
    findings
}

fn own_certificate(node: &Node, row: &Authority, now: Timestamp) -> Finding {
    const CHECK: &str = "own-certificate";
    const NEXT: &str = "renew it with `rogatory rotate tls`; if the CA changed, hand the new row to the keepers";
    let key = match keys::node_key(node.home()) {
        Ok(key) => key,
        Err(error) => return Finding::bad(CHECK, error.to_string(), "restore the file from the backup of keys/"),
    };
    let mut trust = Trust::new();
    if trust.add(row.id.clone(), &row.issuers, &row.revocation_lists).is_err() {
        return Finding::bad(CHECK, "our row in the directory cannot be used", "ask the keepers to replace it");
    }
    let seen = [Role::Dialler, Role::Dialled].map(|role| trust.check(&key.certificate, role, now));
    match seen {
        [Ok(certificate), Ok(_)] if certificate.not_after < now.plus_millis(WARN_AHEAD_MS) => {
            Finding::warning(CHECK, format!("ours runs out on {}", certificate.not_after), NEXT)
        }
        [Ok(certificate), Ok(_)] => {
            Finding::good(CHECK, format!("peers believe ours by our row, until {}", certificate.not_after))
        }
        [Err(error), _] | [_, Err(error)] => {
            Finding::bad(CHECK, format!("peers would refuse ours: {}", refused(error)), NEXT)
        }
    }
}

/// Why peers refuse our certificate; the errors of the net speak of the peer's.
const fn refused(error: NodeError) -> &'static str {
    match error {
        NodeError::Expired => "it has expired",
        NodeError::NotYetValid => "it is not valid yet; compare the clock of this machine",
        NodeError::Revoked => "it was revoked",
        NodeError::UnknownIssuer => "no CA of our row issued it",
        NodeError::IssuerExpired => "the CA in our row is not valid now",
        NodeError::ListExpired => "the revocation list in our row is out of date",
        NodeError::RevocationUnknown => "the revocation list in our row does not speak of it",
        _ => "it does not fit our row",
    }
}

fn or_nothing(names: &[String]) -> String {
    if names.is_empty() { "no address".to_owned() } else { names.join(", ") }
}

/// What the network says of an address that did not answer: no route, nobody on that port, or nothing at all.
pub(super) async fn knock(address: SocketAddr) -> Finding {
    const CHECK: &str = "network";
    let any: SocketAddr = match address {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let said = async {
        let socket = UdpSocket::bind(any).await?;
        socket.connect(address).await?;
        // One byte is no QUIC packet: a node drops it, a machine without one answers with ICMP.
        socket.send(&[0]).await?;
        match timeout(KNOCK, socket.recv(&mut [0; 64])).await {
            Ok(answer) => answer.map(|_| ()),
            Err(_) => Ok(()),
        }
    };
    match said.await {
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => Finding::bad(
            CHECK,
            format!("the machine of {address} says that nothing listens there"),
            "the path is open: the peer's node is down, or listens on another port; tell its operator",
        ),
        Err(error) => Finding::bad(
            CHECK,
            format!("this machine cannot send to {address}: {error}"),
            "look at this machine's routes and outgoing firewall (UDP)",
        ),
        Ok(()) => Finding::warning(
            CHECK,
            format!("packets to {address} leave this machine, and nothing comes back"),
            "a firewall on the way drops UDP, or that machine is down: ask the peer whether our packets arrive",
        ),
    }
}

/// Waits until the path shows that it carries more than the least, and says what it carries.
pub(super) async fn datagram(connection: &Connection) -> Finding {
    const CHECK: &str = "datagram";
    let until = Instant::now() + DISCOVERY;
    while connection.path_bytes() <= PATH_BYTES_MIN && Instant::now() < until {
        sleep(Duration::from_millis(50)).await;
    }
    let seen = format!("{} bytes go through in one piece", connection.path_bytes());
    if connection.path_bytes() <= PATH_BYTES_MIN {
        let next = "works, slower: a tunnel on the way, or a firewall that drops large UDP packets or ICMP";
        return Finding::warning(CHECK, seen, next);
    }
    Finding::good(CHECK, seen)
}

/// What one connection carries at most over that round trip. A bound, not a measurement: nothing is sent for it.
pub(super) fn rate(connection: &Connection) -> Finding {
    let micros = connection.rtt().as_micros().max(1);
    let mib_per_second = u128::from(CONNECTION_WINDOW_BYTES) * 1_000_000 / micros / (1 << 20);
    Finding::good("rate", format!("at most {mib_per_second} MiB/s by window and round trip; the line may give less"))
}

/// Whether UDP comes in from the peer: only its own calls show that.
pub(super) fn inbound(node: &Node, peer: &AuthorityId) -> Finding {
    const CHECK: &str = "inbound";
    if node.config().advertise.is_empty() {
        return Finding::good(CHECK, "nobody dials this node: it gives no address");
    }
    match node.lanes.of(peer).called_at() {
        Some(at) => Finding::good(CHECK, format!("the peer reached us itself, last on {at}")),
        None => Finding::good(
            CHECK,
            "the peer has not called since our start; its `doctor` shows whether our UDP port is open from there",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::daemon::health::Grade;

    #[tokio::test]
    async fn a_port_where_nobody_listens_is_told_from_one_that_swallows_everything() {
        let silent = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let swallowed = knock(silent.local_addr().unwrap()).await;
        assert_eq!(swallowed.grade, Grade::Warning);
        assert!(swallowed.seen.contains("nothing comes back") && !swallowed.next.is_empty());
        let address = silent.local_addr().unwrap();
        drop(silent);
        let refused = knock(address).await;
        assert_eq!(refused.grade, Grade::Bad);
        assert!(refused.seen.contains("nothing listens there"), "{refused:?}");
    }
}
