//! Gives up files that their sender no longer serves. Refuses while the envelope's time is not over, and while the sender
//! may only be down.
//!
//! Attack: a peer that announces files and never serves them would keep a link, a place and a part of the disk for ever.

use crate::daemon::clock;
use crate::daemon::fetch::{FetchError, envelope_facts};
use crate::daemon::node::Node;
use crate::exchange::rows::{IntakeRow, tree};
use crate::model::ident::Id;
use crate::model::limits::FILES_GRACE_MS;
use crate::model::time::Timestamp;

/// What the sender says to those who ask for the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Served {
    /// Nothing, or nothing whole.
    NotYet,
    /// That it will not, for good.
    Never,
}

/// Logs that the files of an envelope are given up, if it is time for it. `true`: nobody waits for them any more.
///
/// # Errors
/// [`FetchError`] when our own log, index or vault does not take it; it is tried again with the next fetch that fails.
pub fn give_up(node: &Node, envelope_id: Id, served: Served, now: Timestamp) -> Result<bool, FetchError> {
    let envelope = node.envelope(envelope_id)?;
    let _turn = node.turnstile.enter([envelope.message_id]);
    let Some(row) = node.row::<IntakeRow>(tree::INTAKE, envelope_id.as_bytes())? else { return Ok(true) };
    if !is_over(envelope_facts(node, envelope_id)?.expires_at, served, now) {
        return Ok(false);
    }
    // First the files, which are not whole and may be fetched anew; then the record. A crash in between asks once more.
    node.vault.remove(row.package_id)?;
    let message = node.message(envelope.message_id)?;
    node.commit(node.scene().content_abandoned(&message))?;
    tracing::warn!(peer = %row.peer, "files of an envelope did not come in time; recorded as given up");
    Ok(true)
}

/// [`give_up`] for several envelopes of a peer that does not answer.
pub fn give_up_silent(node: &Node, envelopes: &[Id]) {
    for envelope_id in envelopes {
        if let Err(error) = give_up(node, *envelope_id, Served::NotYet, clock::now()) {
            tracing::warn!(%error, "files that did not come in time could not be given up; will try again");
        }
    }
}

fn is_over(expires_at: Timestamp, served: Served, now: Timestamp) -> bool {
    match served {
        Served::Never => expires_at <= now,
        Served::NotYet => expires_at.plus_millis(FILES_GRACE_MS) <= now,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_given_up_on_a_final_word_after_expiry_or_after_seven_silent_days_and_never_before() {
        let end = Timestamp::from_millis(1_000);
        let at = |past_ms: u64| end.plus_millis(past_ms);
        assert!(!is_over(end, Served::Never, Timestamp::from_millis(999)));
        assert!(is_over(end, Served::Never, end));
        assert!(!is_over(end, Served::NotYet, at(FILES_GRACE_MS - 1)));
        assert!(is_over(end, Served::NotYet, at(FILES_GRACE_MS)));
        assert_eq!(FILES_GRACE_MS, 7 * 86_400_000);
    }
}
