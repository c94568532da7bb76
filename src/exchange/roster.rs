//! The authorities of an accepted directory, for look-up. Made from a checked list only; holds no authority twice.

use std::collections::BTreeMap;

use crate::model::authority::Authority;
use crate::model::ident::AuthorityId;

/// Who is known, by identifier.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Roster {
    authorities: BTreeMap<AuthorityId, Authority>,
}

impl Roster {
    /// From rows with distinct identifiers; of two rows with one identifier the later one stays.
    pub fn new(authorities: impl IntoIterator<Item = Authority>) -> Self {
        Self { authorities: authorities.into_iter().map(|authority| (authority.id.clone(), authority)).collect() }
    }

    /// The authority of that identifier.
    pub fn authority(&self, id: &AuthorityId) -> Option<&Authority> {
        self.authorities.get(id)
    }

    /// Every authority, in order of its identifier.
    pub fn authorities(&self) -> impl ExactSizeIterator<Item = &Authority> {
        self.authorities.values()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.authorities.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.authorities.is_empty()
    }
}
