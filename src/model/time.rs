//! Instants as the protocol writes them: milliseconds since the Unix epoch, UTC. Reads no clock.

use std::fmt;
use std::str::FromStr;

/// An instant, in milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Timestamp(u64);

impl Timestamp {
    /// From milliseconds since the Unix epoch.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the Unix epoch.
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// Whole seconds since the Unix epoch.
    pub const fn as_secs(self) -> u64 {
        self.0 / 1_000
    }

    /// This instant, `millis` later; stops at the end of time instead of wrapping.
    pub const fn plus_millis(self, millis: u64) -> Self {
        Self(self.0.saturating_add(millis))
    }

    /// Milliseconds from `earlier` to this instant; zero if `earlier` is later.
    pub const fn millis_since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC with whole seconds, e.g. `2026-11-22T00:22:03Z`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = i64::try_from(self.as_secs()).unwrap_or(i64::MAX);
        match jiff::Timestamp::from_second(seconds) {
            Ok(instant) => write!(out, "{instant}"),
            Err(_) => write!(out, "{} s after 1970", self.as_secs()),
        }
    }
}

impl FromStr for Timestamp {
    type Err = TimeError;

    /// RFC 3339 with an offset (`2026-11-22T00:22:03Z`), or a date alone (`2026-11-22`: its first instant, UTC).
    fn from_str(text: &str) -> Result<Self, TimeError> {
        let full = if text.len() == 10 { format!("{text}T00:00:00Z") } else { text.to_owned() };
        full.parse::<jiff::Timestamp>()
            .ok()
            .and_then(|instant| u64::try_from(instant.as_millisecond()).ok())
            .map(Self)
            .ok_or_else(|| TimeError(text.chars().filter(|c| !c.is_control()).take(40).collect()))
    }
}

/// A text that is no instant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no instant; write e.g. 2026-11-22 or 2026-11-22T09:30:00Z")]
pub struct TimeError(String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_reads_back_from_its_text() {
        let instant: Timestamp = "2026-11-22T00:22:03Z".parse().unwrap();
        assert_eq!(instant.to_string(), "2026-11-22T00:22:03Z");
        assert_eq!("1970-01-02".parse::<Timestamp>().unwrap().as_millis(), 86_400_000);
        assert!("tomorrow".parse::<Timestamp>().is_err());
        assert!("1969-12-31".parse::<Timestamp>().is_err());
    }

    #[test]
    fn arithmetic_stops_at_the_ends_of_time() {
        assert_eq!(Timestamp::from_millis(u64::MAX).plus_millis(1).as_millis(), u64::MAX);
        assert_eq!(Timestamp::from_millis(5).millis_since(Timestamp::from_millis(9)), 0);
        assert!(!Timestamp::from_millis(u64::MAX).to_string().is_empty());
    }
}
