//! How far long work is: a line that is drawn anew on a terminal, a plain line now and then elsewhere. Says nothing where one
//! JSON document is asked for.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use crate::cli::show::{self, Form};

/// A line on a terminal is drawn anew after that time, a plain one is written.
const LIVE: Duration = Duration::from_millis(200);
const PLAIN: Duration = Duration::from_secs(10);

/// How far some work is, in bytes.
#[derive(Debug)]
pub struct Meter {
    what: &'static str,
    total: Option<u64>,
    begun_at: u64,
    done: u64,
    begun: Instant,
    shown: Instant,
    look: Look,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Look {
    Live,
    Plain,
    Silent,
}

impl Meter {
    /// Begins to measure; `done` bytes were done before and count for no rate.
    pub fn begin(what: &'static str, total: Option<u64>, done: u64, form: Form) -> Self {
        let look = match form {
            Form::Json => Look::Silent,
            Form::Text if std::io::stderr().is_terminal() => Look::Live,
            Form::Text => Look::Plain,
        };
        let now = Instant::now();
        Self { what, total, begun_at: done, done, begun: now, shown: now, look }
    }

    /// So many bytes more are done.
    pub fn add(&mut self, bytes: u64) {
        self.done = self.done.saturating_add(bytes);
        let every = if self.look == Look::Live { LIVE } else { PLAIN };
        if self.look != Look::Silent && self.shown.elapsed() >= every {
            self.shown = Instant::now();
            let line = told(self.what, self.done, self.total, self.done - self.begun_at, self.begun.elapsed());
            let mut out = std::io::stderr();
            // A terminal that is gone must not stop the work.
            let _ = match self.look {
                Look::Live => write!(out, "\r{line:<70}"),
                _ => writeln!(out, "{line}"),
            };
        }
    }

    /// Takes the live line away.
    pub fn clear(&self) {
        if self.look == Look::Live {
            let _ = write!(std::io::stderr(), "\r{:<70}\r", "");
        }
    }
}

/// `sealing  1.2 GB of 5.0 GB  24 %  340 MB/s  11 s left`
pub fn told(what: &str, done: u64, total: Option<u64>, moved: u64, took: Duration) -> String {
    let millis = u64::try_from(took.as_millis()).unwrap_or(u64::MAX).max(1);
    let rate = moved.saturating_mul(1_000) / millis;
    let mut line = format!("{what}  {}", show::bytes(done));
    if let Some(total) = total {
        let percent = done.saturating_mul(100).checked_div(total).unwrap_or(100);
        line.push_str(&format!(" of {}  {percent} %", show::bytes(total)));
    }
    line.push_str(&format!("  {}.{} MB/s", rate / 1_000_000, rate / 100_000 % 10));
    if let Some(left) = total.and_then(|total| total.saturating_sub(done).checked_div(rate)) {
        line.push_str(&format!("  {} left", span(left)));
    }
    line
}

/// `11 s`, `3 min`, `2 h 5 min`.
pub fn span(secs: u64) -> String {
    match secs {
        0..120 => format!("{secs} s"),
        120..7_200 => format!("{} min", secs / 60),
        _ => format!("{} h {} min", secs / 3_600, secs / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_tells_how_much_how_fast_and_how_long_still() {
        let line = told("sealing", 500_000_000, Some(2_000_000_000), 250_000_000, Duration::from_secs(1));
        assert!(line.contains("25 %") && line.contains("250.0 MB/s") && line.ends_with("6 s left"), "{line}");
        assert!(!told("sealing", 5, None, 5, Duration::ZERO).contains("left"));
        assert_eq!([span(119), span(120), span(7_500)], ["119 s", "2 min", "2 h 5 min"]);
    }
}
