//! `rogatory backup`: one volume of a backup, of the running or the stopped node; its key; and whether volumes still hold.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use serde_json::json;

use crate::cli::client::{Client, Where};
use crate::cli::{offline, show};
use crate::daemon::backup::{self, Last};
use crate::daemon::home::Home;
use crate::store::files::sync_dir;
use crate::store::unpacking::{self, ENDING};
use crate::store::volume::{Head, read_head};

/// Back the node up, while it runs or while it is stopped. What is written is sealed: only the private half of the backup key,
/// kept elsewhere, opens it.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct BackupArgs {
    #[command(subcommand)]
    verb: Option<Verb>,
    #[command(flatten)]
    make: Option<Make>,
}

#[derive(Debug, clap::Args)]
struct Make {
    /// A directory: the first volume holds everything, each further one what changed since. A file: everything in one volume
    #[arg(long)]
    to: PathBuf,
    /// The node's data directory
    #[arg(long, env = "ROGATORY_DATA", value_name = "DIR")]
    data: PathBuf,
    /// The officer who acts; may be left out if only one works under this Unix user
    #[arg(long = "as", env = "ROGATORY_OFFICER", value_name = "NAME")]
    officer: Option<String>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// The key that backups are sealed to
    Key {
        #[command(subcommand)]
        verb: KeyVerb,
    },
    /// Whether the volumes are whole and belong together; with the private key, whether every byte in them is
    Verify {
        /// The directory of the volumes, or the one file
        #[arg(long)]
        from: PathBuf,
        /// The private backup key
        #[arg(long)]
        key: Option<PathBuf>,
        /// Print one JSON document
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, clap::Subcommand)]
enum KeyVerb {
    /// Make one: the private half into a file that is to leave this machine, the public half into the node's keys
    New {
        /// Where the private half goes
        #[arg(long)]
        out: PathBuf,
        /// The node's data directory
        #[arg(long, env = "ROGATORY_DATA", value_name = "DIR")]
        data: PathBuf,
    },
}

/// Runs the verb.
///
/// # Errors
/// Why nothing was backed up, or what is wrong with the volumes.
pub fn run(args: &BackupArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    match (&args.verb, &args.make) {
        (Some(Verb::Key { verb: KeyVerb::New { out: secret, data } }), _) => {
            let id = backup::new_key(&Home::at(data), secret)?;
            writeln!(out, "key      {id}")?;
            writeln!(
                out,
                "\nNext: take {} to a safe, offline, and remove it here. Without it no backup opens;",
                secret.display()
            )?;
            writeln!(out, "      with it and a volume anybody reads everything, the node's keys too.")?;
            Ok(ExitCode::SUCCESS)
        }
        (Some(Verb::Verify { from, key, json }), _) => verify(from, key.as_deref(), *json, out),
        (None, Some(make)) => run_make(make, out),
        (None, None) => bail!("name where to with --to, or one of: key new, verify"),
    }
}

fn run_make(make: &Make, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let place = Where { data: make.data.clone(), officer: make.officer.clone(), json: make.json };
    let (last, target) = target(&make.to)?;
    let temporary = target.with_extension("backup-part");
    let mut file = private(&temporary)?;
    let done = write(&place, last, &mut file).and_then(|()| {
        file.sync_all()?;
        let mut written = File::open(&temporary)?;
        Ok(read_head(&mut written)?.0)
    });
    let head: Head = match done {
        Ok(head) => head,
        Err(error) => {
            // What was written is worth nothing.
            let _ = fs::remove_file(&temporary);
            return Err(error);
        }
    };
    if target.exists() {
        bail!("{} appeared meanwhile; is another backup at work?", target.display());
    }
    fs::rename(&temporary, &target)?;
    let parent = target.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    sync_dir(parent)?;
    let bytes = fs::metadata(&target)?.len();
    if make.json {
        let chain = json!({ "volume": target, "chain": head.chain, "number": head.number, "bytes": bytes });
        show::document(&chain, out)?;
    } else {
        let what = if head.number == 1 { "everything" } else { "what changed since the volume before" };
        writeln!(out, "{} holds {what}: {bytes} bytes, sealed to {}", target.display(), head.key_id)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Where the volume goes, and behind which one.
fn target(to: &Path) -> anyhow::Result<(Option<Last>, PathBuf)> {
    if !to.is_dir() {
        if to.exists() {
            bail!("{} is there already; name a new file, or a directory", to.display());
        }
        return Ok((None, to.to_owned()));
    }
    let last = match unpacking::volumes(to) {
        Err(unpacking::UnpackError::None(_)) => None,
        volumes => {
            volumes?.pop().map(|(_, head, digest)| Last { chain: head.chain, number: head.number, head: digest })
        }
    };
    let number = last.map_or(1, |last| last.number + 1);
    Ok((last, to.join(format!("{number:06}.{ENDING}"))))
}

fn private(path: &Path) -> anyhow::Result<File> {
    let mut options = fs::OpenOptions::new();
    std::os::unix::fs::OpenOptionsExt::mode(options.write(true).create(true).truncate(true), 0o600);
    options.open(path).with_context(|| format!("cannot write {}", path.display()))
}

fn write(place: &Where, last: Option<Last>, file: &mut File) -> anyhow::Result<()> {
    let client = Client::new(place)?;
    if client.node_runs() {
        let query = last.map(|last| format!("?chain={}&number={}&head={}", last.chain, last.number, last.head));
        client.download(&format!("/v1/backup{}", query.unwrap_or_default()), file)?;
        return Ok(());
    }
    let node = offline::open(place)?;
    backup::of_stopped(&node, last, file)?;
    Ok(())
}

fn verify(from: &Path, key: Option<&Path>, json: bool, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let volumes = unpacking::volumes(from)?;
    let Some(key) = key else {
        if json {
            show::document(&json!({ "volumes": volumes.len(), "opened": false }), out)?;
        } else {
            writeln!(out, "{} volumes, one chain without a gap.", volumes.len())?;
            writeln!(out, "NOT OPENED: whether their insides are whole shows only with --key.")?;
        }
        return Ok(ExitCode::from(3));
    };
    let contents = unpacking::unpack(from, &backup::secret_key(key)?, None)?;
    if json {
        let all = json!({
            "volumes": contents.volumes, "opened": true, "authority": contents.authority, "made_at": contents.made_at,
            "files": contents.files.len(), "log_size": contents.log_size, "log_root": contents.log_root,
        });
        show::document(&all, out)?;
    } else {
        let (files, entries) = (contents.files.len(), contents.log_size);
        writeln!(out, "{} volumes of {}, the last of {}", contents.volumes, contents.authority, contents.made_at)?;
        writeln!(out, "every byte opens: {files} files, a log of {entries} entries")?;
        writeln!(out, "\nOnly `rogatory restore` into an empty directory checks the log itself.")?;
    }
    Ok(ExitCode::SUCCESS)
}
