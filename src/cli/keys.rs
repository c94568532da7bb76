//! `rogatory keys lock|unlock`: the private key files of a stopped node under a passphrase, or free of it.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use crate::daemon::home::Home;
use crate::daemon::passphrase;

/// The private key files of a stopped node.
#[derive(Debug, clap::Args)]
pub struct KeysArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Seal them under the passphrase in the file that ROGATORY_KEY_PASSPHRASE_FILE names; the node then needs it to start
    Lock {
        /// The node's data directory
        #[arg(long, env = "ROGATORY_DATA", value_name = "DIR")]
        data: PathBuf,
    },
    /// Take the passphrase away
    Unlock {
        /// The node's data directory
        #[arg(long, env = "ROGATORY_DATA", value_name = "DIR")]
        data: PathBuf,
    },
}

/// Runs the verb.
///
/// # Errors
/// Names the key file that stays as it is.
pub fn run(args: &KeysArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let (count, what, data) = match &args.verb {
        Verb::Lock { data } => (passphrase::lock(&Home::at(data))?, "locked", data),
        Verb::Unlock { data } => (passphrase::unlock(&Home::at(data))?, "unlocked", data),
    };
    writeln!(out, "{count} key files of {} {what}", data.display())?;
    if what == "locked" {
        writeln!(out, "Without the passphrase nothing opens them, backups of them included: keep it in two safes.")?;
    }
    Ok(ExitCode::SUCCESS)
}
