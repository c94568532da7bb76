//! `rogatory package open` and `package files`: takes files out of a package, lists those of a folder. Overwrites nothing.

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use serde_json::{Value, json};

use crate::bag::layout;
use crate::cli::client::{Client, Where};
use crate::cli::meter::Meter;
use crate::cli::show;
use crate::cli::sink::Sink;
use crate::cli::using::UseArgs;
use crate::cli::tree_sink::{Extraction, TreeSink};
use crate::daemon::api::percent_encoded;
use crate::model::ident::Id;
use crate::model::path::RelativePath;

/// Which files, and where to.
#[derive(Debug, clap::Args)]
pub struct OpenArgs {
    /// The package
    id: Id,
    /// The folder to write to; files that are there already are never overwritten
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
    /// Only this item; may be repeated
    #[arg(long)]
    item: Vec<u64>,
    /// Of a package that is a folder: only this file, or what is below this folder, as `package files` names it; may be
    /// repeated
    #[arg(long, value_name = "PATH", conflicts_with = "item")]
    path: Vec<RelativePath>,
    /// Of a package that is a folder and still arrives: the files that are here by now
    #[arg(long)]
    in_part: bool,
    /// What for; stands in the custody log
    #[arg(long, value_name = "TEXT")]
    purpose: String,
    #[command(flatten)]
    using: UseArgs,
    #[command(flatten)]
    place: Where,
}

/// Which package.
#[derive(Debug, clap::Args)]
pub struct FilesArgs {
    /// The package
    id: Id,
    /// Only this file, or what is below this folder; may be repeated
    #[arg(long, value_name = "PATH")]
    path: Vec<RelativePath>,
    #[command(flatten)]
    place: Where,
}

/// Opens files of a package into a folder.
///
/// # Errors
/// What the node says, or why a file cannot be written.
pub fn open(args: &OpenArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let client = Client::new(&args.place)?;
    let found: Value = client.get(&format!("/v1/packages/{}", args.id))?;
    let is_list = |item: &Value| show::text(item, "form") == "list";
    if args.item.is_empty() && show::list(&found, "items").iter().any(is_list) {
        return open_folder(args, &client, out);
    }
    if !args.path.is_empty() || args.in_part {
        bail!("--path and --in-part are for a package that is a folder; name files of this one with --item");
    }
    let items: Vec<u64> = show::list(&found, "items").iter().map(|item| show::number(item, "object_id")).collect();
    if let Some(wrong) = args.item.iter().find(|item| !items.contains(item)) {
        bail!("the package holds no item {wrong}; see `rogatory package show {}`", args.id);
    }
    fs::create_dir_all(&args.to).with_context(|| format!("cannot make {}", args.to.display()))?;
    let mut opened = Vec::new();
    for item in show::list(&found, "items") {
        let number = show::number(item, "object_id");
        if !args.item.is_empty() && !args.item.contains(&number) {
            continue;
        }
        let name = format!("{number:04}-{}", layout::plain(show::text(item, "name")));
        let target = args.to.join(name);
        let mut sink = Sink::create(&target)?;
        let path = format!("/v1/packages/{}/files/{number}?purpose={}", args.id, percent_encoded(&args.purpose))
            + &args.using.query();
        if let Err(error) = client.download(&path, &mut sink) {
            drop(sink);
            let _ = fs::remove_file(&target);
            return Err(error);
        }
        let digest = sink.finish()?;
        if digest != show::text(item, "sha256") {
            bail!("{} is not what its sender signed: the SHA-256 differs; do not use it", target.display());
        }
        if !args.place.json {
            writeln!(out, "opened   {}  SHA-256 {digest}", target.display())?;
        }
        opened.push(json!({ "object_id": number, "path": target, "sha256": digest }));
    }
    if args.place.json {
        show::document(&json!({ "opened": opened }), out)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn open_folder(args: &OpenArgs, client: &Client, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let paths: Vec<String> = args.path.iter().map(ToString::to_string).collect();
    let path = format!(
        "/v1/packages/{}/tree?purpose={}&paths={}&arrived={}",
        args.id,
        percent_encoded(&args.purpose),
        percent_encoded(&paths.join("\n")),
        if args.in_part { "in-part" } else { "whole" },
    ) + &args.using.query();
    let meter = Meter::begin("opening", None, 0, args.place.form());
    let mut sink = TreeSink::new(Extraction::into(&args.to, meter)?);
    client.download(&path, &mut sink)?;
    let done = sink.finish()?;
    if args.place.json {
        let opened = done.written.iter().map(|(path, sha256)| json!({ "path": path, "sha256": sha256 }));
        let opened: Vec<Value> = opened.collect();
        let told = json!({
            "to": args.to,
            "files": done.files,
            "bytes": done.bytes,
            "opened": opened,
            "passed_over": done.passed_over,
        });
        show::document(&told, out)?;
        return Ok(ExitCode::SUCCESS);
    }
    for (path, sha256) in &done.written {
        writeln!(out, "opened   {path}  SHA-256 {sha256}")?;
    }
    let (files, bytes) = (done.files, show::bytes(done.bytes));
    writeln!(out, "wrote    {files} files, {bytes}, into {}", args.to.display())?;
    for path in &done.passed_over {
        writeln!(out, "named    {path}  (a link or no plain file; it is not made)")?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Lists the files of a folder; with `--json`, one document a line.
///
/// # Errors
/// What the node says.
pub fn files(args: &FilesArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let client = Client::new(&args.place)?;
    let mut lines = Lines { args, out, pending: Vec::new() };
    client.download(&format!("/v1/packages/{}/list", args.id), &mut lines)?;
    Ok(ExitCode::SUCCESS)
}

/// Prints the lines of a list as they come.
struct Lines<'a> {
    args: &'a FilesArgs,
    out: &'a mut dyn Write,
    pending: Vec<u8>,
}

impl Lines<'_> {
    fn line(&mut self, line: &[u8]) -> io::Result<()> {
        let entry: Value = serde_json::from_slice(line)?;
        let path: RelativePath = show::text(&entry, "path").parse().map_err(io::Error::other)?;
        if !self.args.path.is_empty() && !self.args.path.iter().any(|wanted| path.is_within(wanted)) {
            return Ok(());
        }
        if self.args.place.json {
            return self.out.write_all(line);
        }
        let arriving = if entry.get("here") == Some(&Value::Bool(false)) { "  (still arriving)" } else { "" };
        match entry.get("kind").and_then(Value::as_str) {
            Some("link") => writeln!(self.out, "link  {path} -> {}", show::text(&entry, "target")),
            Some(kind) => writeln!(self.out, "{kind}  {path}"),
            None => {
                let (bytes, sha256) = (show::number(&entry, "bytes"), show::text(&entry, "sha256"));
                writeln!(self.out, "{bytes:>14}  {sha256}  {path}{arriving}")
            }
        }
    }
}

impl Write for Lines<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.pending.extend_from_slice(piece);
            if piece.ends_with(b"\n") {
                let line = std::mem::take(&mut self.pending);
                self.line(&line)?;
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
