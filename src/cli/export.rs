//! `rogatory package export`: a package with all its proofs as a BagIt bag. Refuses a folder that is there already.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::DirBuilderExt as _;
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
use crate::store::lock::DirLock;

/// Which package, and where to.
#[derive(Debug, clap::Args)]
pub struct ExportArgs {
    /// The package
    id: Id,
    /// The bag to make
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
    /// What for and for whom; stands in the custody log
    #[arg(long, value_name = "TEXT")]
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

/// A folder that is removed when it is dropped. The lock tells an export that runs from one that was killed.
struct Held(PathBuf, #[expect(dead_code, reason = "held until the folder goes")] DirLock);

impl Held {
    /// Makes the folder. What an export that was killed left under this name is opened files: they go first.
    fn make(dir: PathBuf) -> anyhow::Result<Self> {
        let make = || fs::DirBuilder::new().mode(0o700).create(&dir);
        match make() {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                let _dead = DirLock::exclusive(&dir)
                    .with_context(|| format!("another export fills {}; wait for its end", dir.display()))?;
                remove_left(&dir)?;
                make()
            }
            made => made,
        }
        .with_context(|| format!("cannot make {}", dir.display()))?;
        let lock = DirLock::exclusive(&dir)?;
        Ok(Self(dir, lock))
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

/// Removes a folder that holds nothing but files named by a number, as an export writes them. Anything else is somebody's.
fn remove_left(dir: &Path) -> anyhow::Result<()> {
    let paths = fs::read_dir(dir)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>()?;
    let numbered = |path: &PathBuf| {
        path.is_file()
            && path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.parse::<u32>().is_ok())
    };
    if !paths.iter().all(numbered) {
        bail!("{} is not of an export; move it away, or name another folder with --to", dir.display());
    }
    paths.iter().try_for_each(fs::remove_file)?;
    Ok(fs::remove_dir(dir)?)
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
    let mut name = args.to.file_name().context("--to names no folder")?.to_owned();
    name.push(".files");
    let held = Held::make(args.to.with_file_name(name))?;
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
