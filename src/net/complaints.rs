//! Log lines about strangers, at most one a second: whoever can send packets must not be able to fill a disk.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::time::Instant;

use crate::net::connection::ConnectError;

/// Counts what was left unsaid.
#[derive(Debug, Default)]
pub(crate) struct Complaints {
    quiet_until: Option<Instant>,
    unsaid: u64,
}

impl Complaints {
    /// Says that a handshake with `remote` failed, or counts it. Answers whether it was said.
    pub(crate) fn failed(&mut self, remote: SocketAddr, error: ConnectError) -> Said {
        let now = tokio::time::Instant::now();
        if self.quiet_until.is_some_and(|until| now < until) {
            self.unsaid = self.unsaid.saturating_add(1);
            return Said::Counted(self.unsaid);
        }
        tracing::warn!(%remote, %error, more_since_last = self.unsaid, "an incoming handshake failed");
        self.quiet_until = Some(now + QUIET);
        self.unsaid = 0;
        Said::Aloud
    }
}

/// What became of a complaint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Said {
    /// It is in the log.
    Aloud,
    /// It is one of so many that the next line will count.
    Counted(u64),
}

const QUIET: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_flood_of_failures_is_one_line_and_a_count() {
        let remote = SocketAddr::from(([127, 0, 0, 1], 9));
        let mut complaints = Complaints::default();
        assert_eq!(complaints.failed(remote, ConnectError::TooSlow), Said::Aloud);
        complaints.quiet_until = Some(tokio::time::Instant::now() + Duration::from_secs(3_600));
        assert_eq!(complaints.failed(remote, ConnectError::TooSlow), Said::Counted(1));
        assert_eq!(complaints.failed(remote, ConnectError::TooSlow), Said::Counted(2));
        complaints.quiet_until = Some(tokio::time::Instant::now());
        assert_eq!(complaints.failed(remote, ConnectError::TooSlow), Said::Aloud);
    }
}
