//! `rogatory package export`: a package with all its proofs as a BagIt bag. Refuses a folder that is there already.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use serde_json::{Value, json};

use crate::bag::dossier::Dossier;
use crate::bag::writer::BagWriter;
use crate::cli::client::{Client, Where};
use crate::cli::show;
use crate::cli::sink::Sink;
use crate::daemon::api::percent_encoded;
use crate::daemon::clock;
use crate::model::ident::Id;

/// Which package, and where to.
#[derive(Debug, clap::Args)]
pub struct ExportArgs {
    /// The package
    id: Id,
    /// The bag to make
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
    /// What for and for whom; stands in the custody log
    #[arg(long, default_value = "")]
    purpose: String,
    #[command(flatten)]
    place: Where,
}

/// Writes the bag.
///
/// # Errors
/// What the node says, or why the bag cannot be written.
pub fn run(args: &ExportArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let client = Client::new(&args.place)?;
    if args.to.exists() {
        bail!("{} exists already; name a new folder with --to", args.to.display());
    }
    let purpose = percent_encoded(&args.purpose);
    // The files first by one pass into a private folder beside the target: opening each is logged by the node, and the
    // dossier comes last, so that the record of the export and of every opening is inside the bag.
    let held = hold_files(&client, args)?;
    let path = format!("/v1/packages/{}/dossier?reason={purpose}", args.id);
    let dossier: Dossier = client.post(&path, &Value::Null)?;
    let mut writer = BagWriter::create(&args.to, &dossier, clock::now())?;
    let items: Vec<u32> = writer.items().iter().map(|item| item.object_id).collect();
    for object_id in items {
        let path = held.path().join(object_id.to_string());
        writer.put(object_id, &mut File::open(&path)?)?;
        fs::remove_file(&path)?;
    }
    let written = writer.finish()?;
    if args.place.json {
        show::document(&json!({ "bag": written.path, "files": written.files }), out)?;
    } else {
        writeln!(out, "wrote    {}  ({} files of evidence)", written.path.display(), written.files)?;
        writeln!(out, "\nNext: anybody checks it, without a node:  rogatory verify {}", written.path.display())?;
        writeln!(out, "      or without rogatory: see {}/rogatory/VERIFY.md", written.path.display())?;
    }
    Ok(ExitCode::SUCCESS)
}

/// A folder that is removed when it is dropped.
struct Held(PathBuf);

impl Held {
    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // Left-overs are plaintext; if they cannot be removed the user must know where they are.
        if let Err(error) = fs::remove_dir_all(&self.0) {
            eprintln!("rogatory: cannot remove {}: {error}; it holds opened files", self.0.display());
        }
    }
}

fn hold_files(client: &Client, args: &ExportArgs) -> anyhow::Result<Held> {
    use std::os::unix::fs::DirBuilderExt as _;
    let mut name = args.to.file_name().context("--to names no folder")?.to_owned();
    name.push(".files");
    let dir = args.to.with_file_name(name);
    fs::DirBuilder::new().mode(0o700).create(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
    let held = Held(dir);
    let found: Value = client.get(&format!("/v1/packages/{}", args.id))?;
    for item in show::list(&found, "items") {
        let number = show::number(item, "object_id");
        let mut sink = Sink::create(&held.path().join(number.to_string()))?;
        let path = format!("/v1/packages/{}/files/{number}?purpose={}", args.id, percent_encoded(&args.purpose));
        client.download(&path, &mut sink)?;
        sink.finish()?;
    }
    Ok(held)
}
