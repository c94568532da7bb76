//! Log lines. They carry codes, counts and identifiers of authorities; never case content, names, file names or keys.

use std::io;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::{EnvFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};

use crate::daemon::config::{Log, LogFormat};

/// Starts logging to standard error. `ROGATORY_LOG` overrides the level of the settings.
///
/// # Errors
/// [`TelemetryError`] when the filter is malformed, or logging was started before.
pub fn start(log: &Log) -> Result<(), TelemetryError> {
    let wanted = std::env::var("ROGATORY_LOG").unwrap_or_else(|_| log.level.clone());
    // The trace lines of the transport are many, and hold no content: quiet unless asked for by name.
    let filter = EnvFilter::try_new(format!("sled=warn,quinn=warn,quinn_proto=warn,rustls=warn,{wanted}"))
        .map_err(|_| TelemetryError::Filter)?;
    // sled's hold whole rows of the index, with names and subjects: never, not even by name.
    let capped = Targets::new().with_default(LevelFilter::TRACE).with_target("sled", LevelFilter::WARN);
    let logs = tracing_subscriber::registry().with(filter).with(capped);
    let lines = tracing_subscriber::fmt::layer().with_writer(io::stderr);
    match log.format {
        LogFormat::Human => logs.with(lines.with_ansi(false)).try_init()?,
        LogFormat::Json => logs.with(lines.json()).try_init()?,
    }
    Ok(())
}

/// Why logging did not start.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The filter is malformed.
    #[error("log.level or ROGATORY_LOG is no log filter; write e.g. info or info,rogatory=debug")]
    Filter,
    /// Somebody else logs already.
    #[error("logging was started before: {0}")]
    Again(#[from] TryInitError),
}
