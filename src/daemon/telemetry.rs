//! Log lines. They carry codes, counts and identifiers of authorities; never case content, names, file names or keys.

use std::io;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};

use crate::daemon::config::{Log, LogFormat};

/// Starts logging to standard error. `ROGATORY_LOG` overrides the level of the settings.
///
/// # Errors
/// [`TelemetryError`] when the filter is malformed, or logging was started before.
pub fn start(log: &Log) -> Result<(), TelemetryError> {
    let wanted = std::env::var("ROGATORY_LOG").unwrap_or_else(|_| log.level.clone());
    // sled and quinn speak of files and addresses only, but their trace lines are many: quiet unless asked for by name.
    let filter = EnvFilter::try_new(format!("sled=warn,quinn=warn,quinn_proto=warn,rustls=warn,{wanted}"))
        .map_err(|_| TelemetryError::Filter)?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    match log.format {
        LogFormat::Human => builder.with_ansi(false).finish().try_init()?,
        LogFormat::Json => builder.json().finish().try_init()?,
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
