//! The live connections of an endpoint: how many there are, and which of them trust has since left. Refuses more
//! than the limits allow.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::crypto::node::{NodeError, Role};
use crate::model::ident::AuthorityId;
use crate::model::refusal::RefusalCode;
use crate::model::time::Timestamp;
use crate::net::limits::Limits;
use crate::net::loss::error_code;
use crate::net::trust::Trust;

/// A live connection, as the table knows it.
pub(crate) struct Row {
    pub(crate) quinn: quinn::Connection,
    pub(crate) certificate: Vec<u8>,
    pub(crate) authority: AuthorityId,
    pub(crate) peer_role: Role,
}

/// The table.
#[derive(Default)]
pub(crate) struct Registry(Mutex<Table>);

/// Rows are numbered in the order of their coming; no number comes twice.
#[derive(Default)]
struct Table {
    rows: BTreeMap<u64, Row>,
    next: u64,
    /// Connections whose certificate is known and whose Hello has not come.
    silent: BTreeMap<AuthorityId, usize>,
}

/// The place of a connection that has not said Hello; free again when dropped.
pub(crate) struct Silent {
    registry: Arc<Registry>,
    authority: AuthorityId,
}

impl Drop for Silent {
    fn drop(&mut self) {
        let mut table = self.registry.table();
        if let Some(count) = table.silent.get_mut(&self.authority) {
            *count -= 1;
            if *count == 0 {
                table.silent.remove(&self.authority);
            }
        }
    }
}

impl Registry {
    /// How many connections there are.
    pub(crate) fn len(&self) -> usize {
        self.table().rows.len()
    }

    /// Takes a connection in and gives its number; `None` if there are too many in all.
    ///
    /// A peer that opens more than its share loses its oldest one instead of being refused: it proved who it is,
    /// and after a crash its old connections are dead but not yet timed out.
    pub(crate) fn admit(&self, row: Row, limits: &Limits) -> Option<u64> {
        let mut table = self.table();
        if row.peer_role == Role::Dialler {
            let same: Vec<u64> = table
                .rows
                .iter()
                .filter(|(_, other)| other.authority == row.authority && other.peer_role == Role::Dialler)
                .map(|(number, _)| *number)
                .collect();
            let surplus = (same.len() + 1).saturating_sub(limits.connections_per_peer_max);
            for number in same.into_iter().take(surplus) {
                if let Some(oldest) = table.rows.remove(&number) {
                    let busy = error_code(Some(RefusalCode::Busy));
                    oldest.quinn.close(busy, b"");
                }
            }
        }
        if table.rows.len() >= limits.connections_max {
            return None;
        }
        let number = table.next;
        table.next += 1;
        table.rows.insert(number, row);
        Some(number)
    }

    /// A place for a connection that has not said Hello; `None` if its authority has its share of them.
    ///
    /// Attack: a known peer opens connections and says nothing on them. Until their time is over each may hold a
    /// window of unread bytes, and together they would hold every place for handshakes.
    pub(crate) fn silent(self: &Arc<Self>, authority: &AuthorityId, limits: &Limits) -> Option<Silent> {
        let mut table = self.table();
        let count = table.silent.entry(authority.clone()).or_default();
        if *count >= limits.connections_per_peer_max {
            return None;
        }
        *count += 1;
        drop(table);
        Some(Silent { registry: Arc::clone(self), authority: authority.clone() })
    }

    /// Forgets the connection of that number.
    pub(crate) fn remove(&self, number: u64) {
        self.table().rows.remove(&number);
    }

    /// Closes every connection whose certificate this trust no longer believes at `now`.
    pub(crate) fn sweep(&self, trust: &Trust, now: Timestamp) -> Vec<(AuthorityId, NodeError)> {
        let mut closed = Vec::new();
        self.table().rows.retain(|_, row| match trust.check(&row.certificate, row.peer_role, now) {
            Ok(_) => true,
            Err(error) => {
                row.quinn.close(error_code(Some(code(error))), b"");
                closed.push((row.authority.clone(), error));
                false
            }
        });
        closed
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        // No row is ever left half-written, so a panic elsewhere does not spoil the table.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a peer is told whose certificate is not believed.
pub(crate) fn code(error: NodeError) -> RefusalCode {
    match error {
        NodeError::Revoked => RefusalCode::CertificateRevoked,
        NodeError::Expired | NodeError::NotYetValid | NodeError::IssuerExpired => RefusalCode::CertificateExpired,
        NodeError::UnknownAuthority | NodeError::UnknownIssuer => RefusalCode::UnknownAuthority,
        // Our own directory is too old to say: a new one may let the peer in again.
        NodeError::ListExpired | NodeError::RevocationUnknown => RefusalCode::DirectoryExpired,
        NodeError::OtherAuthority => RefusalCode::SenderMismatch,
        NodeError::Certificate(_) | NodeError::Purpose | NodeError::Invalid => RefusalCode::BadSignature,
    }
}
