//! The only place that reads the clock. Everything below takes the time as an argument.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::model::time::Timestamp;

/// The time now, UTC, by this machine's clock. A clock before 1970 counts as 1970.
#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// How long until `instant`; nothing if it has passed.
pub fn until(instant: Timestamp) -> Duration {
    Duration::from_millis(instant.millis_since(now()))
}

/// A reading of the clock that only goes forward: for how long something took, never for when it was.
pub fn ticks() -> Instant {
    Instant::now()
}
