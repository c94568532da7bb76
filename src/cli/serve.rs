//! `rogatory serve`: runs the node until it is told to stop. `rogatory reload`: makes it read its settings again.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::Value;
use tokio::signal::unix::{SignalKind, signal};

use crate::cli::client::{Client, Where};
use crate::cli::directory_rows::print_affected;
use crate::cli::show;
use crate::daemon::basis::Affected;
use crate::daemon::config::{Config, variables};
use crate::daemon::home::Home;
use crate::daemon::{clock, first_start, run, sandbox, telemetry, traces, version};

/// Run the node. SIGTERM or SIGINT ends it in order; SIGHUP makes it read settings and directory again.
#[derive(Debug, clap::Args)]
pub struct ServeArgs {
    /// The node's data directory
    #[arg(long, env = "ROGATORY_DATA", value_name = "DIR")]
    data: PathBuf,
    /// Make the node first if the data directory is empty, from ROGATORY_AUTHORITY, ROGATORY_NAME and ROGATORY_ADVERTISE: for
    /// containers
    #[arg(long)]
    init: bool,
}

/// Read settings and directory again in the running node.
#[derive(Debug, clap::Args)]
pub struct ReloadArgs {
    #[command(flatten)]
    place: Where,
}

/// Runs the node.
///
/// # Errors
/// When it cannot start.
pub fn run(args: &ServeArgs) -> anyhow::Result<ExitCode> {
    version::check(&Home::at(&args.data))?;
    let made = match args.init {
        true => first_start::make_if_empty(&args.data, &variables().collect::<Vec<_>>(), clock::now())?,
        false => None,
    };
    let config = Config::read(&Home::at(&args.data).config())?;
    let (steps, exporter) = match &config.traces {
        Some(settings) => traces::pair(&args.data, settings).map(|(steps, exporter)| (Some(steps), Some(exporter))),
        None => Ok((None, None)),
    }
    .map_err(anyhow::Error::msg)?;
    telemetry::start(&config.log, steps)?;
    if let Some(made) = made {
        let entry = made.entry.display();
        tracing::info!(%entry, "a node was made; hand this entry to the directory's keepers");
    }
    if config.officer.is_empty() {
        tracing::warn!("no officer may act: write [[officer]] into config.toml, or set ROGATORY_OFFICERS");
    }
    // Before there is a second thread: what is denied holds for all that come.
    sandbox::enter(&args.data);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        // It ends with the runtime.
        exporter.map(|exporter| tokio::spawn(exporter.run()));
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut hangup = signal(SignalKind::hangup())?;
        let running = run::start(&args.data).await?;
        loop {
            tokio::select! {
                _ = terminate.recv() => break,
                _ = interrupt.recv() => break,
                _ = hangup.recv() => match running.reload().await {
                    Ok(_) => tracing::info!("settings, certificates and directory were read again"),
                    Err(error) => tracing::error!(%error, "nothing was reloaded; the old settings stay in force"),
                },
            }
        }
        running.stop().await;
        Ok(ExitCode::SUCCESS)
    })
}

/// Runs `rogatory reload`.
///
/// # Errors
/// What the node says.
pub fn reload(args: &ReloadArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let status: Value = Client::new(&args.place)?.post("/v1/reload", &Value::Null)?;
    if args.place.json {
        show::document(&status, out)?;
    } else {
        writeln!(out, "Reloaded. Directory version {}.", show::number(&status, "directory_version"))?;
        for setting in show::list(&status, "waits_for_restart").iter().filter_map(Value::as_str) {
            writeln!(out, "[{setting}] changed and stays as it was until the node is started again.")?;
        }
        let affected: Vec<Affected> =
            serde_json::from_value(status.get("legal_basis_changed").cloned().unwrap_or_default()).unwrap_or_default();
        match show::number(&status, "legal_basis_changed_requests") {
            0 => {}
            count if affected.is_empty() => {
                writeln!(out, "{count} open requests have another answer by its registry; case officers see which.")?;
            }
            _ => print_affected(&affected, out)?,
        }
    }
    Ok(ExitCode::SUCCESS)
}
