//! Log lines. They carry codes, counts and identifiers of authorities; never case content, names, file names or keys.

use std::io;
use std::sync::OnceLock;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::{EnvFilter, FilterExt, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::reload::{self, Handle};
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};
use tracing_subscriber::{Layer, Registry};

use crate::daemon::config::{Log, LogFormat};
use crate::daemon::traces::{STEPS, Steps};

/// The level of the running process: one process has one log.
static LEVEL: OnceLock<Handle<EnvFilter, Registry>> = OnceLock::new();

/// Starts logging to standard error, and handing steps to the exporter of traces.
///
/// # Errors
/// [`TelemetryError`] when the filter is malformed, or logging was started before.
pub fn start(log: &Log, steps: Option<Steps>) -> Result<(), TelemetryError> {
    let (filter, handle) = reload::Layer::new(filter(log)?);
    // sled's hold whole rows of the index, with names and subjects: never, not even by name.
    let capped = Targets::new().with_default(LevelFilter::TRACE).with_target("sled", LevelFilter::WARN);
    let kept = FilterExt::and(filter, capped);
    let lines = tracing_subscriber::fmt::layer().with_writer(io::stderr);
    let lines: Box<dyn Layer<Registry> + Send + Sync> = match log.format {
        LogFormat::Human => lines.with_ansi(false).with_filter(kept).boxed(),
        LogFormat::Json => lines.json().with_filter(kept).boxed(),
    };
    let steps = steps.map(|steps| steps.with_filter(Targets::new().with_target(STEPS, LevelFilter::INFO)));
    tracing_subscriber::registry().with(lines).with(steps).try_init()?;
    // Set once: `try_init` above ends a second start.
    let _ = LEVEL.set(handle);
    Ok(())
}

/// Takes another level for all lines from now on. Nothing happens in a process whose log was started by somebody else.
///
/// # Errors
/// [`TelemetryError::Filter`]; the old level stays.
pub fn set_level(log: &Log) -> Result<(), TelemetryError> {
    let filter = filter(log)?;
    LEVEL.get().map_or(Ok(()), |handle| handle.reload(filter).map_err(|_| TelemetryError::Filter))
}

/// Whether the level is a filter.
///
/// # Errors
/// [`TelemetryError::Filter`].
pub fn check(log: &Log) -> Result<(), TelemetryError> {
    filter(log).map(drop)
}

fn filter(log: &Log) -> Result<EnvFilter, TelemetryError> {
    // The trace lines of the transport are many, and hold no content: quiet unless asked for by name.
    EnvFilter::try_new(format!("sled=warn,quinn=warn,quinn_proto=warn,rustls=warn,{},{STEPS}=off", log.level))
        .map_err(|_| TelemetryError::Filter)
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
