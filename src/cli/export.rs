//! `rogatory package export`: a package, or a part of it, with all its proofs as a BagIt bag, in a folder or an archive. Refuses
//! a target that is there already.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use serde_json::{Value, json};

use crate::bag::dossier::Dossier;
use crate::bag::extract::Extract;
use crate::bag::listed::is_in_bag;
use crate::bag::output::Output;
use crate::bag::writer::{BagWriter, Written};
use crate::cli::client::{Client, Where};
use crate::cli::meter::Meter;
use crate::cli::show;
use crate::cli::sink::Sink;
use crate::cli::tree_sink::{Taker, TreeSink};
use crate::cli::using::UseArgs;
use crate::daemon::api::percent_encoded;
use crate::daemon::clock;
use crate::law::conditions::asked::{Act, Asked};
use crate::model::ident::Id;
use crate::model::listed::{Listed, ListedFile};
use crate::model::package::{Item, ItemForm};
use crate::store::lock::DirLock;

/// Which package, and where to.
#[derive(Debug, clap::Args)]
pub struct ExportArgs {
    /// The package
    id: Id,
    /// The bag to make: a folder; an archive if it ends in .tar; the archive down the pipe if it is -
    #[arg(long, value_name = "DIR|FILE.tar|-")]
    to: PathBuf,
    /// What for and for whom; stands in the custody log
    #[arg(long, value_name = "TEXT")]
    purpose: String,
    /// Only this file of the package, by its number; may be repeated
    #[arg(long, value_name = "N")]
    item: Vec<u32>,
    /// Makes an extract for this recipient: without the request, and without records of other purposes
    #[arg(long = "for", value_name = "WHO")]
    recipient: Option<String>,
    #[command(flatten)]
    using: UseArgs,
    #[command(flatten)]
    place: Where,
}

/// Writes the bag.
///
/// # Errors
/// What the node says, or why the bag cannot be written.
pub fn run(args: &ExportArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let client = Client::new(&args.place)?;
    // Before any file is opened: what may not go out is not opened on the way to being refused.
    let _: Value = client.post(&format!("/v1/packages/{}/gate", args.id), &asked(args))?;
    let items = wanted_items(&client, args)?;
    let is_folder = items.iter().any(|item| item.form != ItemForm::File);
    if is_folder && !args.item.is_empty() {
        bail!(
            "the package is a folder: an extract of single files of it cannot be made yet; `package open --path` opens them"
        );
    }
    let is_pipe = args.to.as_os_str() == "-";
    let (written, cosigned) = if is_pipe {
        if io::stdout().is_terminal() {
            bail!("--to - writes an archive to the standard output; send it into a file or a pipe");
        }
        // Unbuffered: the standard output of the language looks for line ends in every byte.
        let pipe = File::from(io::stdout().as_fd().try_clone_to_owned()?);
        stream(&client, args, Output::pipe(Box::new(pipe), base(args)))?
    } else if args.to.extension().is_some_and(|extension| extension == "tar") {
        stream(&client, args, Output::archive(&args.to, base(args))?)?
    } else if is_folder {
        stream(&client, args, Output::folder(&args.to)?)?
    } else {
        folder(&client, args)?
    };
    // What goes down the pipe must not be mixed with words about it.
    let mut told = io::stderr();
    let out: &mut dyn Write = if is_pipe { &mut told } else { out };
    if args.place.json {
        let report = json!({
            "bag": written.path,
            "files": written.files,
            "container_digest": written.digest,
            "records": cosigned.records,
            "cosigned_records": cosigned.cosigned,
        });
        show::document(&report, out)?;
        return Ok(ExitCode::SUCCESS);
    }
    let place = written.path.as_deref().unwrap_or(Path::new("-")).display().to_string();
    let files = show::counted(written.files as u64, "file of evidence", "files of evidence");
    writeln!(out, "wrote    {place}  ({files})")?;
    writeln!(out, "digest   {}  (SHA-256 of tagmanifest-sha256.txt: write it down)", written.digest)?;
    writeln!(out, "witness  {cosigned}")?;
    writeln!(out, "\nNext: anybody checks it, without a node:  rogatory verify {place}")?;
    if is_pipe || args.to.extension().is_some_and(|extension| extension == "tar") {
        writeln!(out, "      or without rogatory: unpack it with tar, and see {}/rogatory/VERIFY.md", base(args))?;
    } else {
        writeln!(out, "      or without rogatory: see {place}/rogatory/VERIFY.md")?;
    }
    Ok(ExitCode::SUCCESS)
}

/// How many of our own records in the bag somebody else has cosigned.
struct Cosigned {
    records: usize,
    cosigned: usize,
}

impl Cosigned {
    fn of(dossier: &Dossier) -> Self {
        Self { records: dossier.records.len(), cosigned: dossier.cosigned_records() }
    }
}

impl fmt::Display for Cosigned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { records, cosigned } = self;
        if cosigned == records {
            return write!(f, "another authority cosigned our log with all {records} of its records in the bag");
        }
        let open = records - cosigned;
        write!(
            f,
            "not yet cosigned: {open} of the {records} records of our log in the bag; no peer is linked, or it was slow."
        )?;
        write!(f, "\n         The bag is whole without it; an export made later holds the cosignature")
    }
}

/// The one folder in the archive. By the package, not by the archive's name: the same bag is the same bytes.
fn base(args: &ExportArgs) -> String {
    format!("rogatory-{}", args.id)
}

/// Into an archive: each file goes from the node straight into it, the dossier follows, so that the record of the export and
/// of every opening is inside the bag.
fn stream(client: &Client, args: &ExportArgs, output: Output) -> anyhow::Result<(Written, Cosigned)> {
    let items = wanted_items(client, args)?;
    let objects: Vec<u32> = items.iter().filter(|item| is_in_bag(item)).map(|item| item.object_id).collect();
    let is_folder = items.iter().any(|item| item.form == ItemForm::List);
    let mut writer = BagWriter::begin(output, items);
    for object_id in objects {
        let mut file = writer.open(object_id)?;
        client.download(&file_path(args, object_id), &mut file)?;
        file.close()?;
    }
    if is_folder {
        let purpose = Extract::reason(args.recipient.as_deref().unwrap_or_default(), &args.purpose);
        let using = args.using.query();
        let path = format!("/v1/packages/{}/tree?purpose={}{using}", args.id, percent_encoded(&purpose));
        let meter = Meter::begin("exporting", None, 0, args.place.form());
        let mut sink = TreeSink::new(BagTaker { writer, meter });
        client.download(&path, &mut sink)?;
        BagTaker { writer, .. } = sink.finish()?;
        writer.end_folder();
    }
    let dossier = dossier(client, args)?;
    writer.describe(&dossier, clock::now())?;
    Ok((writer.finish()?, Cosigned::of(&dossier)))
}

/// Takes the files of a folder into a bag.
struct BagTaker {
    writer: BagWriter,
    meter: Meter,
}

impl Taker for BagTaker {
    fn entry(&mut self, _: &Listed) -> anyhow::Result<()> {
        // Links and empty folders stand in the list, which is in the bag.
        Ok(())
    }

    fn begin(&mut self, file: &ListedFile) -> anyhow::Result<()> {
        Ok(self.writer.begin_listed(file)?)
    }

    fn data(&mut self, at: u64, bytes: &[u8]) -> anyhow::Result<()> {
        self.meter.add(u64::try_from(bytes.len())?);
        Ok(self.writer.take_listed(at, bytes)?)
    }

    fn end(&mut self) -> anyhow::Result<()> {
        Ok(self.writer.end_listed()?)
    }
}

/// Into a folder: the files first by one pass into a private folder beside the target, for the same reason.
fn folder(client: &Client, args: &ExportArgs) -> anyhow::Result<(Written, Cosigned)> {
    if args.to.exists() {
        bail!("{} exists already; name a new folder with --to", args.to.display());
    }
    let held = hold_files(client, args)?;
    let dossier = dossier(client, args)?;
    let mut writer = BagWriter::create(&args.to, &dossier, clock::now())?;
    let items: Vec<u32> = writer.items().iter().map(|item| item.object_id).collect();
    for object_id in items {
        let path = held.path().join(object_id.to_string());
        writer.put(object_id, &mut File::open(&path)?)?;
        fs::remove_file(&path)?;
    }
    Ok((writer.finish()?, Cosigned::of(&dossier)))
}

/// What the export is, as the conditions see it.
fn asked(args: &ExportArgs) -> Asked {
    let act = if args.item.is_empty() && args.recipient.is_none() { Act::Export } else { Act::Extract };
    args.using.asked(act, &args.item, args.recipient.as_deref())
}

fn dossier(client: &Client, args: &ExportArgs) -> anyhow::Result<Dossier> {
    let mut path = format!("/v1/packages/{}/dossier?reason={}", args.id, percent_encoded(&args.purpose));
    if !args.item.is_empty() {
        let items: Vec<String> = args.item.iter().map(u32::to_string).collect();
        path.push_str(&format!("&items={}", percent_encoded(&items.join(","))));
    }
    if let Some(recipient) = &args.recipient {
        path.push_str(&format!("&recipient={}", percent_encoded(recipient)));
    }
    path.push_str(&args.using.query());
    path.push_str(&args.using.kind_query());
    client.post(&path, &Value::Null)
}

fn wanted_items(client: &Client, args: &ExportArgs) -> anyhow::Result<Vec<Item>> {
    let found: Value = client.get(&format!("/v1/packages/{}", args.id))?;
    let mut items: Vec<Item> = serde_json::from_value(found.get("items").cloned().unwrap_or_default())
        .context("the node describes the package in a way that this program does not know")?;
    if let Some(wrong) = args.item.iter().find(|number| !items.iter().any(|item| item.object_id == **number)) {
        bail!("the package has no file {wrong}; `rogatory package show {}` lists them", args.id);
    }
    items.retain(|item| args.item.is_empty() || args.item.contains(&item.object_id));
    Ok(items)
}

/// Opening a file is logged with the words of the export: an extract holds the records of its own purpose only.
fn file_path(args: &ExportArgs, object_id: u32) -> String {
    let purpose = Extract::reason(args.recipient.as_deref().unwrap_or_default(), &args.purpose);
    let using = args.using.query();
    format!("/v1/packages/{}/files/{object_id}?purpose={}{using}", args.id, percent_encoded(&purpose))
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
        .with_context(|| format!("cannot make {}; the folder that it is to lie in must be there", dir.display()))?;
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
    for item in wanted_items(client, args)? {
        let mut sink = Sink::create(&held.path().join(item.object_id.to_string()))?;
        client.download(&file_path(args, item.object_id), &mut sink)?;
        sink.finish()?;
    }
    Ok(held)
}
