//! Announcing more than there is: the disk belongs to everybody.

use rogatory::daemon::config::Delivery;
use rogatory::model::event::Event;
use rogatory::model::limits::OBJECTS_MAX;
use rogatory::model::refusal::RefusalCode;
use rogatory::store::vault::Vault;

use crate::stage::{Stage, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn announced_files_that_no_disk_holds_are_over_quota_and_take_no_room() {
    let stage = Stage::raise("XC-ANNOUNCE").await;
    let evil = stage.link(&stage.evil).await;
    for lengths in [vec![16 << 40], vec![16 << 40; OBJECTS_MAX], vec![4 << 30; OBJECTS_MAX]] {
        let letter = stage.letter(&stage.evil).announcing(&lengths);
        let refused = evil.deliver(letter.bytes(&stage.evil, &stage.victim)).await;
        assert_eq!(refused, Err(RefusalCode::OverQuota));
    }
    assert_eq!(stage.count(Event::MessageReceived), 0);
    assert_eq!(Vault::open_read_only(&stage.data().join("vault")).unwrap().list().unwrap(), []);
    stage.told(&["over-quota", "peer_share_percent"]);
    stage.serves_others().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_never_serves_keeps_its_own_share_of_the_disk_and_no_more() {
    let delivery = Delivery { peer_share_percent: 1, ..Delivery::default() };
    let stage = Stage::raise_with("XC-HOARD", delivery).await;
    let vault = Vault::open_read_only(&stage.data().join("vault")).unwrap();
    let share = vault.room().unwrap() / 100;
    let most = [share / 10 * 6];
    let evil = stage.link(&stage.evil).await;
    let first = stage.letter(&stage.evil).announcing(&most);
    evil.deliver(first.bytes(&stage.evil, &stage.victim)).await.unwrap();
    let second = stage.letter(&stage.evil).announcing(&most);
    assert_eq!(evil.deliver(second.bytes(&stage.evil, &stage.victim)).await, Err(RefusalCode::OverQuota));
    // The same once the room is reserved, and after the hoarder came back.
    until("the fetch begins", || vault.begun(first.route.seal_id)).await;
    assert_eq!(evil.deliver(second.bytes(&stage.evil, &stage.victim)).await, Err(RefusalCode::OverQuota));
    drop(evil);
    let evil = stage.link(&stage.evil).await;
    assert_eq!(evil.deliver(second.bytes(&stage.evil, &stage.victim)).await, Err(RefusalCode::OverQuota));
    let honest = stage.link(&stage.honest).await;
    let letter = stage.letter(&stage.honest).announcing(&most);
    honest.deliver(letter.bytes(&stage.honest, &stage.victim)).await.unwrap();
    stage.told(&["over-quota"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn as_many_objects_as_an_envelope_may_name_hold_up_nobody_else() {
    let stage = Stage::raise("XC-MANY").await;
    let evil = stage.link(&stage.evil).await;
    let letter = stage.letter(&stage.evil).announcing(&vec![1; OBJECTS_MAX]);
    let sealed = stage.seal(&stage.evil, &letter);
    let receipt = evil.deliver(sealed.bytes.clone()).await.unwrap();
    stage.check(&stage.evil, &sealed, &receipt).unwrap();
    stage.serves_others().await;
    assert_eq!(stage.count(Event::ContentReceived), 0);
}
