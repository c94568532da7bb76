//! What officers are shown of time-stamps: the chain of renewals as the log holds it, each token checked again, and how the
//! authorities are. Reads only.

use serde_json::{Value, json};

use crate::crypto::timestamp::{StampError, TimeStamp};
use crate::daemon::desk::DeskError;
use crate::daemon::lookup::LookupError;
use crate::daemon::node::Node;
use crate::daemon::stamping::{Obtained, newest_row};
use crate::exchange::act::{STAMPED_NOTE, TIME_STAMP};
use crate::exchange::rows::{Stamp, StampRow, from_bytes, tree};
use crate::model::limits::TIME_STAMPS_SHOWN_MAX;
use crate::model::time::Timestamp;
use crate::store::index::Direction as Order;

/// The newest time-stamps and gaps, the oldest of them first, and the authorities of the settings.
///
/// # Errors
/// [`DeskError`] when the index cannot be read.
pub fn view(node: &Node) -> Result<Value, DeskError> {
    let (rows, more) = rows(node)?;
    let anchors = trusted(node);
    let mut shown = Vec::new();
    for (place, row) in rows.iter().enumerate() {
        shown.push(match row.stamp {
            Some(stamp) => {
                // What an earlier token said is in the log below a later one's checkpoint: that is the renewal.
                let renewed = |other: &&StampRow| other.stamp.is_some() && other.index < stamp.size;
                let renews = rows.iter().take(place).filter(renewed).count();
                stamp_view(node, row, stamp, renews, &anchors)
            }
            None => json!({ "index": row.index, "at": row.at, "authority": row.name, "gap": true }),
        });
    }
    let covered = rows.iter().filter_map(|row| row.stamp.map(|stamp| stamp.size)).max().unwrap_or(0);
    Ok(json!({
        "authority": node.us(),
        "size": node.ledger.reader().size(),
        "covered": covered,
        "time_stamps": shown,
        "more": more,
        "authorities": authorities(node)?,
    }))
}

/// How the time-stamp authorities of the settings are.
///
/// # Errors
/// [`DeskError`] when the index cannot be read.
pub fn authorities(node: &Node) -> Result<Vec<Value>, DeskError> {
    let mut shown = Vec::new();
    for one in &node.config().time_stamp {
        let newest = newest_row(node, &one.name)?;
        let heard = node.time.heard(&one.name);
        let stamp = newest.as_ref().and_then(|row| row.stamp);
        shown.push(json!({
            "name": one.name,
            "url": one.url,
            "every_hours": one.every_hours,
            "stamped_at": stamp.map(|stamp| stamp.time),
            "covered": stamp.map(|stamp| stamp.size),
            "gap_since": newest.as_ref().filter(|row| row.stamp.is_none()).map(|row| row.at),
            "error": heard.error,
            "clock": heard.clock.map(crate::daemon::time_watch::ClockFinding::told),
        }));
    }
    Ok(shown)
}

/// What one authority answered now.
pub fn obtained_view(name: &str, obtained: &Obtained) -> Value {
    json!({
        "authority": name,
        "index": obtained.index,
        "size": obtained.size,
        "time": obtained.stamped.time,
        "accuracy_ms": obtained.stamped.accuracy_ms,
        "signer": obtained.stamped.authority,
        "clock": obtained.clock.told(),
    })
}

/// The time-stamps whose checkpoints cover entry `index`, the earliest first.
///
/// # Errors
/// [`LookupError`] when the index cannot be read.
pub(super) fn all(node: &Node) -> Result<Vec<(StampRow, Stamp)>, LookupError> {
    let pairs = node.index.scan_prefix(tree::STAMP, &[], None, usize::MAX, Order::Forward)?;
    let mut rows = Vec::new();
    for (_, value) in pairs {
        let row: StampRow = from_bytes(&value)?;
        if let Some(stamp) = row.stamp {
            rows.push((row, stamp));
        }
    }
    Ok(rows)
}

fn rows(node: &Node) -> Result<(Vec<StampRow>, bool), DeskError> {
    let mut pairs = node
        .index
        .scan_prefix(tree::STAMP, &[], None, TIME_STAMPS_SHOWN_MAX + 1, Order::Backward)
        .map_err(LookupError::from)?;
    let more = pairs.len() > TIME_STAMPS_SHOWN_MAX;
    pairs.truncate(TIME_STAMPS_SHOWN_MAX);
    let rows = pairs.iter().rev().map(|(_, value)| from_bytes(value)).collect::<Result<_, _>>();
    Ok((rows.map_err(LookupError::from)?, more))
}

/// The CA certificates of all authorities of the settings; a file that cannot be read counts as none.
fn trusted(node: &Node) -> Vec<Vec<u8>> {
    let data = node.home().root();
    node.config().time_stamp.iter().flat_map(|one| one.anchors(data).unwrap_or_default()).collect()
}

fn stamp_view(node: &Node, row: &StampRow, stamp: Stamp, renews: usize, anchors: &[Vec<u8>]) -> Value {
    let (accuracy_ms, signer, checked) = match check(node, row.index, anchors) {
        Ok(stamped) => (stamped.accuracy_ms, Some(stamped.authority), "holds".to_owned()),
        Err(why) => (None, None, why),
    };
    let time: Timestamp = stamp.time;
    json!({
        "index": row.index,
        "at": row.at,
        "authority": row.name,
        "time": time,
        "accuracy_ms": accuracy_ms,
        "size": stamp.size,
        "renews": renews,
        "signer": signer,
        "checked": checked,
    })
}

fn check(node: &Node, index: u64, anchors: &[Vec<u8>]) -> Result<crate::crypto::timestamp::Stamped, String> {
    let read = |name| node.enclosure(index, name).map_err(|error: LookupError| error.to_string());
    let (note, token) = (read(STAMPED_NOTE)?, read(TIME_STAMP)?);
    let stamp = TimeStamp::read(&token).map_err(|error| error.to_string())?;
    stamp.check(&note, None, anchors).map_err(|error| match error {
        StampError::NoAnchor => "not checked: no CA of today's settings vouches for it".to_owned(),
        other => other.to_string(),
    })
}
