//! Lets acts on the same thing pass one at a time, and acts on different things together. Blocks; never for async code.

use std::collections::BTreeSet;
use std::sync::{Condvar, Mutex, PoisonError};

use crate::model::ident::Id;

/// The things that somebody is acting on now.
#[derive(Debug, Default)]
pub struct Turnstile {
    taken: Mutex<BTreeSet<Id>>,
    freed: Condvar,
}

impl Turnstile {
    /// Waits until nobody acts on any of these things, then takes them all at once, so that two callers cannot wait
    /// for each other.
    pub fn enter(&self, things: impl IntoIterator<Item = Id>) -> Turn<'_> {
        let things: BTreeSet<Id> = things.into_iter().collect();
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        while !taken.is_disjoint(&things) {
            taken = self.freed.wait(taken).unwrap_or_else(PoisonError::into_inner);
        }
        taken.extend(&things);
        Turn { turnstile: self, things }
    }
}

/// The right to act on some things, until it is dropped.
#[derive(Debug)]
pub struct Turn<'a> {
    turnstile: &'a Turnstile,
    things: BTreeSet<Id>,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut taken = self.turnstile.taken.lock().unwrap_or_else(PoisonError::into_inner);
        self.things.iter().for_each(|thing| {
            taken.remove(thing);
        });
        drop(taken);
        self.turnstile.freed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::model::time::Timestamp;

    fn id(n: u8) -> Id {
        Id::new(Timestamp::from_millis(1), [n; 10])
    }

    #[test]
    fn acts_that_share_a_thing_never_overlap() {
        let turnstile = Turnstile::default();
        let inside = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for n in 0..8_u8 {
                let (turnstile, inside) = (&turnstile, &inside);
                scope.spawn(move || {
                    for _ in 0..200 {
                        let _turn = turnstile.enter([id(0), id(n + 1)]);
                        assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                        inside.fetch_sub(1, Ordering::SeqCst);
                    }
                });
            }
        });
    }

    #[test]
    fn acts_on_different_things_pass_together() {
        let turnstile = Turnstile::default();
        let first = turnstile.enter([id(1)]);
        let second = turnstile.enter([id(2)]);
        drop((first, second));
        assert!(turnstile.taken.lock().unwrap().is_empty());
    }
}
