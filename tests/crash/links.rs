//! What meets a node that starts again: peers that believe in its old links, and a reader of its data.

use rogatory::store::lock::DirLock;

use crate::book::Book;
use crate::judge::judge;
use crate::node::{PATIENCE, poll};
use crate::town::Town;

#[test]
fn a_node_that_starts_while_somebody_reads_its_data_waits_for_the_end_of_it() {
    let town = Town::raise();
    let [a, _] = &town.sides;
    a.node.kill();
    // As a reading command does while no node runs.
    let reader = DirLock::exclusive(&a.node.data).unwrap();
    a.node.start();
    let waits = poll(PATIENCE, || a.node.has_logged("waiting a little for its end").then_some(()));
    assert!(waits.is_some(), "{}", a.node.last_words());
    drop(reader);
    a.node.ready();
}

#[test]
fn a_peer_learns_from_a_restarted_node_that_their_old_link_is_gone() {
    let town = Town::raise();
    let book = Book::default();
    let [a, b] = &town.sides;
    book.request(a, b, None);
    town.converge();
    b.node.kill();
    b.node.start();
    b.node.ready();
    // Nothing is to be handed over: the quiet link itself finds it out.
    let told = poll(PATIENCE, || {
        let silence = a.node.has_logged("the peer does not answer; check the address");
        assert!(!silence, "the link was given up for its silence\n{}", a.node.last_words());
        a.node.has_logged("the peer forgot the connection").then_some(())
    });
    assert!(told.is_some(), "{}", a.node.last_words());
    book.request(a, b, None);
    book.request(b, a, None);
    judge(&town, &book);
}
