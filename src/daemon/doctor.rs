//! Looks at the way to one peer from here: its row, names, UDP, handshake, certificates, directory, clock. Says what is wrong and
//! how to mend it, also when the peer is silent. Hands nothing over.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::crypto::revocation::RevocationList;
use crate::daemon::health::Finding;
use crate::daemon::node::Node;
use crate::daemon::{clock, doctor_path};
use crate::model::authority::Authority;
use crate::model::ident::AuthorityId;
use crate::model::limits::{CLOCK_SKEW_MS_MAX, WARN_AHEAD_MS};
use crate::model::time::Timestamp;
use crate::net::connection::{ConnectError, Connection};
use crate::net::endpoint::Endpoint;
use crate::wire::frame::PROTOCOL_VERSION;

/// How long the path gets to show its size and its round trip.
const SETTLE: Duration = Duration::from_millis(1_200);

/// Looks at the way to `peer`. Takes a few seconds; up to a minute when nobody answers at several addresses.
pub async fn examine(node: &Arc<Node>, endpoint: &Endpoint, peer: &AuthorityId) -> Vec<Finding> {
    let now = clock::now();
    if peer == node.us() {
        return vec![Finding::bad("peer", "that is this node itself", "name another authority of the directory")];
    }
    let directory = match node.directory(now) {
        Ok(directory) => directory,
        Err(_) => {
            let next = "import the newest directory; `rogatory doctor` says more";
            return vec![Finding::bad("directory", "none is in force", next)];
        }
    };
    let Some(row) = directory.roster().authority(peer) else {
        let seen = format!("version {} does not list {peer}", directory.version());
        return vec![Finding::bad("directory", seen, "look at `rogatory directory show`; ask its keepers")];
    };
    let mut findings = doctor_path::ourselves(node, directory.roster().authority(node.us()), now);
    findings.extend(row_findings(row, now));
    let addresses = resolve(row, &mut findings).await;
    let mut reached = None;
    for address in addresses {
        match endpoint.dial(peer, address).await {
            Ok(connection) => {
                findings.push(Finding::good("link", format!("{address} answers, and proved to be {peer}")));
                reached = Some(connection);
                break;
            }
            Err(error) => {
                findings.push(unreachable(address, error));
                if matches!(error, ConnectError::TooSlow | ConnectError::Lost(_)) {
                    findings.push(doctor_path::knock(address).await);
                }
            }
        }
    }
    match reached {
        Some(connection) => {
            talk(&connection, directory.version(), &mut findings).await;
            findings.push(doctor_path::inbound(node, peer));
        }
        None if !row.endpoints.is_empty() => findings.push(silent(node)),
        None => {}
    }
    findings
}

/// What the directory says of the peer, whether it answers or not.
fn row_findings(row: &Authority, now: Timestamp) -> Vec<Finding> {
    let mut findings = Vec::new();
    if row.endpoints.is_empty() {
        let seen = "the directory gives no address: the peer dials us, we never dial it";
        findings.push(Finding::warning("address", seen, "wait for its call; our own address must be in the directory"));
    }
    let sealing = row.receiving_keys.iter().map(|key| key.not_after).max();
    let lists = row.revocation_lists.iter().filter_map(|list| RevocationList::read(list).ok());
    let lists = lists.map(|list| list.next_update()).min();
    for (what, end) in [("its receiving key", sealing), ("its revocation list", lists)] {
        let next = "the peer must publish a new one through the directory's keepers";
        findings.push(match end {
            None => Finding::bad("row", format!("{what} is missing"), next),
            Some(end) if end <= now => Finding::bad("row", format!("{what} ran out on {end}"), next),
            Some(end) if end < now.plus_millis(WARN_AHEAD_MS) => {
                Finding::warning("row", format!("{what} runs out on {end}"), next)
            }
            Some(end) => Finding::good("row", format!("{what} is good until {end}")),
        });
    }
    findings
}

async fn resolve(row: &Authority, findings: &mut Vec<Finding>) -> Vec<SocketAddr> {
    let mut addresses = Vec::new();
    for name in &row.endpoints {
        match tokio::net::lookup_host(name).await {
            Ok(found) => {
                let found: Vec<SocketAddr> = found.collect();
                let list = found.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
                findings.push(Finding::good("address", format!("{name} is {list}")));
                addresses.extend(found.into_iter().filter(|address| !addresses.contains(address)).collect::<Vec<_>>());
            }
            Err(error) => {
                let next = "mend the name service of this machine, or ask the peer for its right address";
                findings.push(Finding::bad("address", format!("{name} does not resolve: {error}"), next));
            }
        }
    }
    addresses
}

fn unreachable(address: SocketAddr, error: ConnectError) -> Finding {
    let next = match error {
        ConnectError::Identity(_) => {
            "another certificate answers there: compare both sides' directory versions and rows"
        }
        ConnectError::Version(_) => "one side must update",
        ConnectError::TooSlow | ConnectError::Lost(_) => {
            "no answer, or the peer refused us: is UDP open both ways, does its directory list us, does its node run?"
        }
        ConnectError::Full => "too many connections here or there; try again in a minute",
        ConnectError::Address => "this node listens on another kind of address (IPv4 or IPv6) than the peer",
        ConnectError::OtherName | ConnectError::Hello(_) => "the peer's node misbehaves; tell its operator",
        ConnectError::Tls(_) => "this node's own certificate or key cannot be used; see `rogatory doctor`",
    };
    Finding::bad("link", format!("{address}: {error}"), next)
}

/// Nobody answers: the difference between a dead peer and a closed path cannot be seen from one side, but whether other peers
/// reach us can.
fn silent(node: &Node) -> Finding {
    let others = node.meters.links();
    let seen = format!("no address of the peer answers; {others} links to peers are open at the moment");
    let next = if others > 0 {
        "our own UDP path works for others: look at the peer's firewall, address and node"
    } else {
        "nobody is linked: look at our own firewall and route for UDP first"
    };
    Finding::bad("path", seen, next)
}

async fn talk(connection: &Connection, ours: u64, findings: &mut Vec<Finding>) {
    tokio::time::sleep(SETTLE).await;
    let (identity, hello, now) = (connection.peer(), connection.hello(), clock::now());
    let group = identity.group_name;
    findings.push(if group.contains("MLKEM") {
        Finding::good("key-exchange", format!("TLS 1.3, {group}"))
    } else {
        let next = "the peer's node is older or configured so; recorded traffic could be read in the future";
        Finding::warning("key-exchange", format!("TLS 1.3, {group}, without a post-quantum part"), next)
    });
    let end = identity.not_after;
    findings.push(if end < now.plus_millis(WARN_AHEAD_MS) {
        Finding::warning("certificate", format!("the peer's runs out on {end}"), "remind its operator to renew it")
    } else {
        Finding::good("certificate", format!("the peer's, by a CA of its row and not revoked, is good until {end}"))
    });
    let software = &hello.software;
    findings.push(Finding::good("protocol", format!("version {PROTOCOL_VERSION}; the peer runs {software:?}")));
    findings.push(match hello.directory_version.cmp(&ours) {
        std::cmp::Ordering::Equal => Finding::good("directory", format!("both hold version {ours}")),
        std::cmp::Ordering::Greater => {
            let seen = format!("the peer holds version {}, we {ours}", hello.directory_version);
            Finding::warning("directory", seen, "get the newer one from its keepers")
        }
        std::cmp::Ordering::Less => {
            let seen = format!("the peer holds version {}, we {ours}", hello.directory_version);
            Finding::warning("directory", seen, "tell its operator to import the newer one")
        }
    });
    let apart_ms = now.millis_since(hello.clock).max(hello.clock.millis_since(now)).saturating_sub(millis(SETTLE));
    findings.push(if apart_ms > CLOCK_SKEW_MS_MAX {
        let next = "compare both machines with a time server; letters from the future are refused";
        Finding::bad("clock", format!("the peer's is {} s apart from ours", apart_ms / 1_000), next)
    } else {
        Finding::good("clock", format!("at most {apart_ms} ms apart from ours"))
    });
    findings.push(Finding::good("round-trip", format!("{:.1} ms", connection.rtt().as_secs_f64() * 1e3)));
    findings.push(doctor_path::datagram(connection).await);
    findings.push(doctor_path::rate(connection));
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::daemon::health::{Grade, worst};
    use crate::net::loss::Loss;

    #[test]
    fn each_way_to_fail_names_a_next_step() {
        let address = "127.0.0.1:1".parse().unwrap();
        for error in [
            ConnectError::TooSlow,
            ConnectError::Full,
            ConnectError::Address,
            ConnectError::OtherName,
            ConnectError::Version(9),
            ConnectError::Lost(Loss::Here),
        ] {
            let finding = unreachable(address, error);
            assert_eq!(finding.grade, Grade::Bad);
            assert!(!finding.next.is_empty() && finding.seen.contains("127.0.0.1:1"), "{finding:?}");
        }
        assert_eq!(worst(&[]), Grade::Good);
    }
}
