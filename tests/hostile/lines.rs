//! The log lines of the whole run in memory, to be asked by the name of a peer.

use std::io::{self, Write};
use std::sync::{Mutex, Once, PoisonError};

static LINES: Mutex<Vec<u8>> = Mutex::new(Vec::new());
static START: Once = Once::new();

struct Sink;

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LINES.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Begins to keep them. Once is enough for all tests.
pub fn start() {
    START.call_once(|| {
        tracing_subscriber::fmt()
            .with_max_level(tracing::Level::DEBUG)
            .with_env_filter("off,rogatory=debug")
            .with_ansi(false)
            .with_writer(|| Sink)
            .init();
    });
}

/// Those that hold all of these texts.
pub fn with(texts: &[&str]) -> Vec<String> {
    let lines = LINES.lock().unwrap_or_else(PoisonError::into_inner);
    let all = String::from_utf8_lossy(&lines);
    all.lines().filter(|line| texts.iter().all(|text| line.contains(text))).map(str::to_owned).collect()
}
