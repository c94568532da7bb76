//! Calendar days, as treaties and depositaries write them: `2026-11-22`. Refuses a day that no calendar has, and reads
//! no clock.

use std::fmt;
use std::str::FromStr;

use crate::model::time::Timestamp;

/// A day of the Gregorian calendar, without an hour or a place.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Date(jiff::civil::Date);

impl Date {
    /// The day of an instant, in UTC.
    pub fn of(instant: Timestamp) -> Self {
        let millis = i64::try_from(instant.as_millis()).unwrap_or(i64::MAX);
        let instant = jiff::Timestamp::from_millisecond(millis).unwrap_or(jiff::Timestamp::MAX);
        Self(instant.to_zoned(jiff::tz::TimeZone::UTC).date())
    }

    /// The same day so many months later; the last day of that month where it is shorter. Stops at the end of time.
    pub fn plus_months(self, months: u32) -> Self {
        Self(self.0.saturating_add(jiff::Span::new().months(i64::from(months.min(12_000)))))
    }

    /// The first day of the month after this one.
    pub fn first_of_next_month(self) -> Self {
        Self(self.0.first_of_month().saturating_add(jiff::Span::new().months(1)))
    }
}

impl fmt::Display for Date {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, out)
    }
}

impl FromStr for Date {
    type Err = DateError;

    /// One spelling: four digits, two, two. Years 0001 to 9999.
    fn from_str(text: &str) -> Result<Self, DateError> {
        let bad = || DateError(text.chars().filter(|c| !c.is_control()).take(40).collect());
        let parsed: jiff::civil::Date = text.parse().map_err(|_| bad())?;
        if parsed.year() > 0 && parsed.to_string() == text { Ok(Self(parsed)) } else { Err(bad()) }
    }
}

impl serde::Serialize for Date {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Date {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'_, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// A text that is no day.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no day; write e.g. 2026-11-22")]
pub struct DateError(String);

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Date {
        text.parse().unwrap()
    }

    #[test]
    fn a_day_has_one_spelling() {
        assert_eq!(day("1948-12-09").to_string(), "1948-12-09");
        for bad in ["2026-2-1", "2026-02-30", "20261122", "2026-11-22T00:00:00", "0000-01-01", "-000001-01-01", ""] {
            assert!(bad.parse::<Date>().is_err(), "{bad}");
        }
    }

    #[test]
    fn months_are_counted_as_a_calendar_counts_them() {
        assert_eq!(day("2026-01-15").plus_months(3), day("2026-04-15"));
        assert_eq!(day("2025-11-30").plus_months(3), day("2026-02-28"));
        assert_eq!(day("2026-12-31").first_of_next_month(), day("2027-01-01"));
        assert_eq!(day("2026-04-01").first_of_next_month(), day("2026-05-01"));
        assert_eq!(day("9999-12-31").plus_months(u32::MAX), day("9999-12-31"));
    }

    #[test]
    fn an_instant_has_its_day_in_utc() {
        assert_eq!(Date::of("2026-11-22T23:59:59Z".parse().unwrap()), day("2026-11-22"));
        assert_eq!(Date::of(Timestamp::from_millis(u64::MAX)).to_string().len(), 10);
    }
}
