//! Who may link, how often, and until when.

use std::time::Duration;

use rogatory::crypto::certificate::CertificateFacts;
use rogatory::crypto::issue::{Identity, Revocation, Validity, node_certificate, revocation_list};
use rogatory::crypto::pem::{self, Label};
use rogatory::daemon::clock;
use rogatory::exchange::entry::Entry;
use rogatory::exchange::keeping::Change;
use rogatory::exchange::roster::Roster;
use rogatory::model::limits::CONNECTIONS_PER_PEER_MAX;
use rogatory::model::refusal::RefusalCode;
use rogatory::model::time::Timestamp;
use rogatory::net::connection::ConnectError;
use rogatory::net::limits::Limits;
use rogatory::net::loss::{Loss, TlsAlert};
use rogatory::net::tls::{ALPN, NodeKey};
use rogatory::store::directory::{NodeDirectory, Trust};
use rogatory::wire::frame::Told;
use tokio::time::timeout;
use zeroize::Zeroizing;

use crate::lines;
use crate::peer::Peer;
use crate::raw;
use crate::stage::Stage;

const DAY_MS: u64 = 86_400_000;

fn ca(peer: &Peer) -> Identity {
    let read = |name: &str, label| pem::decode(label, &std::fs::read(peer.home.key(name)).unwrap()).unwrap();
    Identity {
        certificate: read("ca.cert.pem", Label::Certificate).to_vec(),
        key: Zeroizing::new(read("ca.key.pem", Label::PrivateKey).to_vec()),
    }
}

fn days_ago(days: u64) -> Timestamp {
    Timestamp::from_millis(clock::now().as_millis() - days * DAY_MS)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strangers_and_impostors_get_no_link_and_no_word() {
    let stage = Stage::raise("XC-DOOR").await;
    let elsewhere = tempfile::tempdir().unwrap();
    let unknown = Peer::new(elsewhere.path(), "XD-UNKNOWN");
    let impostor = Peer::new(elsewhere.path(), "XA-MOJ");
    for stranger in [&unknown, &impostor] {
        let error = stage.try_link(stranger).await.err().unwrap();
        assert_eq!(error, ConnectError::Lost(Loss::RefusedByTls(TlsAlert(48))));
    }
    let address = stage.running().address().unwrap();
    let nobody = raw::loss(&raw::config(None, ALPN), address).await;
    assert_eq!(nobody, Loss::RefusedByTls(TlsAlert(116)));
    let validity = Validity { not_before: days_ago(30), not_after: days_ago(1) };
    let over = node_certificate(&ca(&stage.evil), &stage.evil.id, "A ministry", "evil.example", validity).unwrap();
    let key = NodeKey { certificate: over.certificate, pkcs8: over.key };
    assert_eq!(raw::loss(&raw::config(Some(&key), ALPN), address).await, Loss::RefusedByTls(TlsAlert(45)));
    assert!(!lines::with(&["an incoming handshake failed"]).is_empty());
    stage.serves_others().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_known_peer_that_connects_and_says_nothing_holds_a_few_places_and_not_all() {
    let stage = Stage::raise("XC-SILENT").await;
    let address = stage.running().address().unwrap();
    let (socket, config) = (raw::socket(), raw::config(Some(&stage.evil.key()), ALPN));
    let mut silent = Vec::new();
    for _ in 0..CONNECTIONS_PER_PEER_MAX + 8 {
        silent.push(raw::dial(&socket, &config, address).await.unwrap());
    }
    stage.serves_others().await;
    let mut refused = 0;
    for connection in &silent {
        if let Ok(loss) = timeout(Duration::from_millis(500), connection.closed()).await {
            assert_eq!(Loss::from(loss), Loss::Closed(Told::Known(RefusalCode::Busy)));
            refused += 1;
        }
    }
    assert_eq!(refused, 8);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_links_again_and_again_loses_its_own_oldest_links_only() {
    let stage = Stage::raise("XC-LINKS").await;
    let honest = stage.link(&stage.honest).await;
    let mut links = Vec::new();
    for _ in 0..3 * CONNECTIONS_PER_PEER_MAX {
        links.push(stage.link(&stage.evil).await);
    }
    let newest = links.split_off(links.len() - CONNECTIONS_PER_PEER_MAX);
    for link in &links {
        assert_eq!(link.connection.closed().await, Loss::Closed(Told::Known(RefusalCode::Busy)));
    }
    assert!(newest.iter().all(|link| link.connection.loss().is_none()));
    let sealed = stage.seal(&stage.honest, &stage.letter(&stage.honest));
    honest.deliver(sealed.bytes).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_peer_loses_its_link_at_the_reload_and_an_old_directory_does_not_bring_it_back() {
    let mut stage = Stage::raise("XC-REVOKED").await;
    let (evil, honest) = (stage.link(&stage.evil).await, stage.link(&stage.honest).await);
    let before = stage.files.clone();
    let key = stage.evil.key();
    let serial = CertificateFacts::read(&key.certificate).unwrap().serial;
    let revoked = [Revocation { serial, at: days_ago(1) }];
    let until = clock::now().plus_millis(300 * DAY_MS);
    let list = revocation_list(&ca(&stage.evil), &revoked, days_ago(1), until, 2).unwrap();
    let mut row = stage.evil.row.clone();
    row.revocation_lists = vec![list];
    stage.change_directory(Change::Put(vec![Entry::new(&row, "revoked").unwrap()])).await;

    let loss = evil.connection.closed().await;
    assert_eq!(loss, Loss::Closed(Told::Known(RefusalCode::CertificateRevoked)));
    let again = stage.try_link(&stage.evil).await.err().unwrap();
    assert_eq!(again, ConnectError::Lost(Loss::RefusedByTls(TlsAlert(44))));
    stage.told(&["link closed: its certificate is no longer believed"]);

    let refused = NodeDirectory::of(&stage.data()).import(&before, Trust::Confirmed, clock::now()).unwrap_err();
    assert!(refused.to_string().contains("older"), "{refused}");
    stage.running().reload().await.unwrap();
    let again = stage.try_link(&stage.evil).await.err().unwrap();
    assert_eq!(again, ConnectError::Lost(Loss::RefusedByTls(TlsAlert(44))));
    assert!(honest.connection.loss().is_none());
    stage.serves_others().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_left_the_directory_loses_its_link_and_its_letters_wait_for_a_newer_one() {
    let mut stage = Stage::raise("XC-LEFT").await;
    let evil = stage.link(&stage.evil).await;
    let id = stage.evil.id.clone();
    stage.change_directory(Change::Remove(id)).await;
    assert_eq!(evil.connection.closed().await, Loss::Closed(Told::Known(RefusalCode::UnknownAuthority)));
    let again = stage.try_link(&stage.evil).await.err().unwrap();
    assert_eq!(again, ConnectError::Lost(Loss::RefusedByTls(TlsAlert(48))));
    stage.told(&["link closed"]);
    stage.serves_others().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn handshakes_from_one_address_take_half_of_the_places_and_another_address_gets_in() {
    let dir = tempfile::tempdir().unwrap();
    let (dialled, evil) = (Peer::new(dir.path(), "XA-MOJ"), Peer::new(dir.path(), "XC-BUSY"));
    let roster = Roster::new([dialled.row.clone(), evil.row.clone()]);
    let narrow = Limits { handshakes_max: 4, ..Limits::default() };
    let endpoint = dialled.endpoint_with(&roster, narrow);
    let address = endpoint.local_address().unwrap();
    let config = raw::config(Some(&evil.key()), ALPN);
    let elsewhere = quinn::Endpoint::client("127.0.0.2:0".parse().unwrap()).unwrap();
    let mut silent = Vec::new();
    for _ in 0..2 {
        silent.push(raw::dial(&elsewhere, &config, address).await.unwrap());
    }
    let third = raw::dial(&elsewhere, &config, address).await.err().map(Loss::from);
    assert_eq!(third, Some(Loss::Full));
    let here = raw::socket();
    assert!(raw::dial(&here, &config, address).await.is_ok());
}
