//! A node that was killed has forgotten its links; its peers learn that from it, not from a long silence.

use crate::book::Book;
use crate::judge::judge;
use crate::node::{PATIENCE, poll};
use crate::town::Town;

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
