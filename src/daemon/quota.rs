//! The room that one peer gets on this node's disk. Refuses what would leave the others without any.
//!
//! Attack: a peer announces files as large as the disk and never sends them. Their room is reserved when the fetch begins,
//! so without a share of its own that peer alone would keep everybody else's evidence out.

use std::collections::BTreeSet;

use crate::daemon::lane::Today;
use crate::daemon::lookup::LookupError;
use crate::daemon::node::Node;
use crate::exchange::rows::{IntakeRow, from_bytes, tree};
use crate::model::ident::AuthorityId;
use crate::model::limits::INTAKES_PER_PEER_MAX;
use crate::model::refusal::RefusalCode;
use crate::model::time::Timestamp;
use crate::store::index::Direction;
use crate::store::vault::VaultError;

/// Whether a new envelope of that peer fits: its own bytes into the journal, its files into the vault.
///
/// # Errors
/// [`QuotaError`] says which bound was met.
pub fn fits(
    node: &Node,
    peer: &AuthorityId,
    letter_bytes: usize,
    files_bytes: u64,
    now: Timestamp,
) -> Result<(), QuotaError> {
    // Letters may use half of the reserve; the rest is for officers' acts, receipts and the records of refusals.
    let reserve = node.config().delivery.reserve_mib.saturating_mul(1 << 20);
    let journal_bytes = u64::try_from(letter_bytes).unwrap_or(u64::MAX).saturating_mul(2);
    if node.vault.room_beside(reserve / 2)? < journal_bytes {
        return Err(QuotaError::Journal);
    }
    if files_bytes > 0 {
        files_fit(node, peer, files_bytes)?;
    }
    // Last, so that only what is taken counts.
    match node.lanes.of(peer).takes(letter_bytes, now) {
        Today::Room => Ok(()),
        Today::Enough => Err(QuotaError::Day),
    }
}

fn files_fit(node: &Node, peer: &AuthorityId, announced: u64) -> Result<(), QuotaError> {
    let (mut open, mut reserved, mut waiting) = (BTreeSet::new(), 0_u64, 0_u64);
    let mut from: Option<Vec<u8>> = None;
    loop {
        let page = node.index.scan_prefix(tree::INTAKE, &[], from.as_deref(), 1_000, Direction::Forward);
        let page = page.map_err(LookupError::from)?;
        let Some((last, _)) = page.last() else { break };
        from = Some(last.iter().copied().chain([0]).collect());
        for (_, value) in &page {
            let row: IntakeRow = from_bytes(value).map_err(LookupError::from)?;
            if row.peer != *peer || !open.insert(row.package_id) {
                continue;
            }
            let sum = if node.vault.begun(row.package_id) { &mut reserved } else { &mut waiting };
            *sum = sum.saturating_add(row.bytes);
        }
    }
    if open.len() >= INTAKES_PER_PEER_MAX {
        return Err(QuotaError::Intakes);
    }
    let share_percent = u64::from(node.config().delivery.peer_share_percent);
    let room = node.vault.room()?.saturating_add(reserved);
    let share = room / 100 * share_percent;
    let wanted = reserved.saturating_add(waiting).saturating_add(announced);
    if wanted > share { Err(QuotaError::Share { wanted, share }) } else { Ok(()) }
}

/// Why an envelope does not fit. The text is for the operator.
#[derive(Debug, thiserror::Error)]
pub enum QuotaError {
    /// The disk is nearly full.
    #[error("the disk has no room for letters beside half of the reserve; free some space")]
    Journal,
    /// The peer sent more than anybody writes in a day.
    #[error("the peer has sent as many bytes of letters as are taken in a day; ask it why")]
    Day,
    /// Too many envelopes of the peer wait for their files.
    #[error("{INTAKES_PER_PEER_MAX} envelopes of the peer wait for their files; it must serve them first")]
    Intakes,
    /// The files are more than the peer's share of the room.
    #[error(
        "the peer's files under way would take {wanted} bytes and its share is {share}; free space, or raise delivery.peer_share_percent"
    )]
    Share {
        /// All its files that are under way, these included.
        wanted: u64,
        /// Its share.
        share: u64,
    },
    /// The index.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// The vault.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

impl QuotaError {
    /// What the peer is told.
    pub const fn code(&self) -> RefusalCode {
        match self {
            Self::Journal | Self::Lookup(_) | Self::Vault(_) => RefusalCode::CannotStore,
            Self::Intakes => RefusalCode::Busy,
            Self::Day | Self::Share { .. } => RefusalCode::OverQuota,
        }
    }
}
