//! Fills a package: few files one by one, a folder or large files as packs. Goes on where it was broken off; refuses to go on
//! with a source that is not what it was.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::cli::client::Client;
use crate::cli::meter::Meter;
use crate::cli::show::{self, Form};
use crate::cli::tree_source::{Also, Measured, TreeSource, is_sparse, measure, modified_ms, target_text};
use crate::cli::walk::{Found, Kind, Walk};
use crate::daemon::api::percent_encoded;
use crate::daemon::api_packing::NewPacking;
use crate::daemon::packing::Purpose;
use crate::daemon::packing_state::Mark;
use crate::model::ident::Id;
use crate::model::limits::{LIST_LINE_BYTES_MAX, PLAIN_FILE_BYTES_MAX, PLAIN_FILES_MAX, SPARSE_FILE_BYTES_MIN};
use crate::model::listed::{FurtherDigest, Listed};
use crate::model::package::Item;
use crate::model::path::RelativePath;
use crate::wire::file_list;

/// What is to be sealed. The node keeps it, so that a seal can be resumed without it being said again.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Plan {
    /// Files and folders, whole paths; `-` is standard input.
    pub sources: Vec<PathBuf>,
    /// The name of what comes from standard input.
    pub name: String,
    /// Further digests: `ALGORITHM`, `ALGORITHM=HEX`, `PATH:ALGORITHM=HEX`.
    pub also: Vec<String>,
    /// How it is sealed.
    pub shape: Shape,
    /// What follows when it is sealed.
    pub words: Value,
}

/// How a package is sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Shape {
    /// Each file is an object.
    Files,
    /// The files lie in packs, with a list.
    Packed,
}

impl Plan {
    /// A plan for these sources.
    ///
    /// # Errors
    /// When a source cannot be read, or they cannot be sealed together.
    pub fn of(sources: &[PathBuf], name: Option<&str>, also: &[String], words: Value) -> anyhow::Result<Self> {
        let is_pipe = |path: &Path| path == Path::new("-");
        let (mut shape, pipes) = (Shape::Files, sources.iter().filter(|path| is_pipe(path)).count());
        if pipes > 1 || (name.is_some() && pipes == 0) {
            bail!("standard input is named once, as `-`; --name gives it a name");
        }
        if sources.len() > PLAIN_FILES_MAX {
            shape = Shape::Packed;
        }
        let mut whole = Vec::new();
        for path in sources {
            if is_pipe(path) {
                whole.push(path.clone());
                continue;
            }
            let facts = fs::metadata(path).with_context(|| format!("cannot read {}", path.display()))?;
            let holes = is_sparse(&facts) && facts.len() >= SPARSE_FILE_BYTES_MIN;
            if facts.is_dir() || facts.is_file() && (holes || facts.len() > PLAIN_FILE_BYTES_MAX) {
                shape = Shape::Packed;
            }
            whole.push(std::path::absolute(path)?);
        }
        if shape == Shape::Packed && pipes > 0 {
            bail!("standard input is sealed with few plain files, not with folders; make it a package of its own");
        }
        let name = name.unwrap_or("stdin").to_owned();
        Ok(Self { sources: whole, name, also: also.to_vec(), shape, words })
    }

    fn further(&self) -> anyhow::Result<Also> {
        let mut also = Also::default();
        for text in &self.also {
            if !text.contains('=') {
                also.made.push(text.parse()?);
                continue;
            }
            let (path, digest) = text.rsplit_once(':').map_or((None, text.as_str()), |(path, rest)| (Some(path), rest));
            let digest: FurtherDigest = digest.parse().with_context(|| format!("`{text}`"))?;
            let path = path.map(str::parse).transpose().with_context(|| format!("`{text}`"))?;
            also.expected.push((path, digest));
        }
        Ok(also)
    }
}

/// Fills a new package; gives its identifier.
///
/// # Errors
/// What the node says, or why a file cannot be read. What is whole by then is kept for [`resume`].
pub fn fill(client: &Client, plan: Plan, purpose: &Purpose, form: Form, out: &mut dyn Write) -> anyhow::Result<Id> {
    // Before anything is begun: what is malformed now would fail later.
    plan.further()?;
    let new = NewPacking { purpose: purpose.clone(), plan: serde_json::to_value(&plan)? };
    let begun: Value = client.post("/v1/packings", &new)?;
    let id: Id = show::text(&begun, "package_id").parse()?;
    let point = Point { plan, purpose: purpose.clone(), items: Vec::new(), mark: Mark::default(), whole: false };
    if let Err(error) = go_on(client, id, &point, form, out) {
        let kept: Option<Value> = client.get(&format!("/v1/packings/{id}")).ok();
        let worth = |kept: &Value| !show::list(kept, "items").is_empty() || kept["mark"]["list_bytes"] != 0;
        if kept.is_some_and(|kept| !worth(&kept)) {
            // Nothing whole was sealed: there is nothing to go on from.
            let _: anyhow::Result<Value> = client.post(&format!("/v1/packings/{id}/discard"), &Value::Null);
            return Err(error);
        }
        return Err(error.context(format!(
            "what is sealed so far is kept: go on with `rogatory package seal --resume {id}`, or give it up with --give-up {id}"
        )));
    }
    Ok(id)
}

/// Goes on with a package that was broken off; gives what it is for and what follows.
///
/// # Errors
/// As [`fill`]; also when a source is not what it was.
pub fn resume(client: &Client, id: Id, form: Form, out: &mut dyn Write) -> anyhow::Result<(Purpose, Value)> {
    let point: Point = client.get(&format!("/v1/packings/{id}"))?;
    go_on(client, id, &point, form, out)?;
    Ok((point.purpose, point.plan.words))
}

#[derive(Debug, Deserialize)]
struct Point {
    plan: Plan,
    purpose: Purpose,
    items: Vec<Item>,
    mark: Mark,
    whole: bool,
}

fn go_on(client: &Client, id: Id, point: &Point, form: Form, out: &mut dyn Write) -> anyhow::Result<()> {
    match point.plan.shape {
        Shape::Files => files(client, id, point, form, out),
        Shape::Packed if point.whole => Ok(()),
        Shape::Packed => packed(client, id, point, form, out),
    }
}

fn files(client: &Client, id: Id, point: &Point, form: Form, out: &mut dyn Write) -> anyhow::Result<()> {
    let further = point.plan.further()?;
    if point.plan.sources.len() > 1 && further.expected.iter().any(|(path, _)| path.is_none()) {
        bail!("say of which file the digest is: --also NAME:ALGORITHM=HEX");
    }
    for (place, path) in point.plan.sources.iter().enumerate() {
        let (name, content, bytes) = source(path, &point.plan.name)?;
        if let Some(item) = point.items.get(place) {
            if item.name != name || bytes.is_some_and(|bytes| bytes != item.plaintext_bytes) {
                bail!("{} is not what it was when the seal began; give package {id} up and seal anew", path.display());
            }
            continue;
        }
        let role = role(&point.purpose);
        let length = bytes.map(|bytes| format!("&bytes={bytes}")).unwrap_or_default();
        let named = |wanted: &Option<RelativePath>| wanted.as_ref().is_none_or(|path| path.to_string() == name);
        let expected = further.expected.iter().filter(|(path, _)| named(path)).map(|(_, digest)| digest.to_string());
        let also: Vec<String> = further.made.iter().map(|one| one.name().to_owned()).chain(expected).collect();
        let query = format!(
            "/v1/packages/{id}/files?name={}&media_type={}&role={role}{length}&also={}",
            percent_encoded(&name),
            percent_encoded(media_type(&name)),
            percent_encoded(&also.join(" ")),
        );
        let metered = Metered { content, meter: Meter::begin("sealing", bytes, 0, form) };
        let item: Value = client.upload(&query, metered).with_context(|| format!("sealing {}", path.display()))?;
        if form == Form::Text {
            let (size, digest) = (show::number(&item, "plaintext_bytes"), show::text(&item, "sha256"));
            writeln!(out, "sealed   {name}  {}  SHA-256 {digest}", show::bytes(size))?;
            for further in show::list(&item, "further").iter().filter_map(Value::as_str) {
                writeln!(out, "         {further}")?;
            }
        }
    }
    Ok(())
}

fn packed(client: &Client, id: Id, point: &Point, form: Form, out: &mut dyn Write) -> anyhow::Result<()> {
    let also = point.plan.further()?;
    let measured = measure(&point.plan.sources)?;
    if measured.files != 1 && also.expected.iter().any(|(path, _)| path.is_none()) {
        bail!("say of which file the digest is: --also PATH:ALGORITHM=HEX");
    }
    let mut walk = Walk::of(&point.plan.sources)?;
    let mut done = 0;
    if point.mark.list_bytes > 0 {
        let mut follow = Follow { walk: &mut walk, pending: Vec::new(), head: true, entries: 0, bytes: 0 };
        client.download(&format!("/v1/packings/{id}/list"), &mut follow).context("comparing with what is sealed")?;
        if follow.entries != point.mark.entries {
            bail!("the node's list of what is sealed was cut; ask again");
        }
        done = follow.bytes;
    }
    let total = measured.stored.max(done);
    let meter = Meter::begin("sealing", Some(total), done, form);
    let begun = std::time::Instant::now();
    let source = TreeSource::new(walk, None, also, meter);
    let path = format!("/v1/packings/{id}/tree?role={}", role(&point.purpose));
    let mark: Mark = client.upload(&path, source).context("sealing the folder")?;
    if form == Form::Text {
        told(out, &measured, &mark, total - done, begun.elapsed())?;
    }
    Ok(())
}

fn told(
    out: &mut dyn Write,
    measured: &Measured,
    mark: &Mark,
    moved: u64,
    took: std::time::Duration,
) -> anyhow::Result<()> {
    const SHOWN_MAX: usize = 10;
    let millis = u64::try_from(took.as_millis()).unwrap_or(u64::MAX).max(1);
    let rate = moved.saturating_mul(1_000) / millis;
    writeln!(
        out,
        "sealed   {} files, {}  in {} ({} a second)",
        measured.files,
        show::bytes(mark.bytes),
        crate::cli::meter::span(took.as_secs()),
        show::bytes(rate)
    )?;
    for path in measured.passed_over.iter().take(SHOWN_MAX) {
        writeln!(
            out,
            "named    {path}  (a link or no plain file: it stands in the list, and was not followed or read)"
        )?;
    }
    if let Some(more) = measured.passed_over.len().checked_sub(SHOWN_MAX).filter(|more| *more > 0) {
        writeln!(out, "named    and {more} more of them")?;
    }
    Ok(())
}

const fn role(purpose: &Purpose) -> &'static str {
    match purpose {
        Purpose::To(_) => "attachment",
        Purpose::Request(_) => "evidence",
    }
}

/// Compares what is sealed with what the walk finds now, entry by entry, and leaves the walk behind the last of them.
struct Follow<'a> {
    walk: &'a mut Walk,
    pending: Vec<u8>,
    head: bool,
    entries: u64,
    bytes: u64,
}

impl Follow<'_> {
    fn entry(&mut self, line: &[u8]) -> anyhow::Result<()> {
        if std::mem::take(&mut self.head) {
            return Ok(());
        }
        let sealed = file_list::decode(line)?;
        let found = self.walk.next().transpose()?;
        let Some(found) = found.filter(|found| is_as_sealed(found, &sealed)) else {
            bail!("{} is not as it was when it was sealed; give this package up and seal anew", sealed.path());
        };
        self.entries += 1;
        if let Kind::File(facts) = &found.kind {
            use std::os::unix::fs::MetadataExt as _;
            self.bytes += facts.len().min(facts.blocks().saturating_mul(512));
        }
        Ok(())
    }
}

fn is_as_sealed(found: &Found, sealed: &Listed) -> bool {
    found.path == *sealed.path()
        && match (&found.kind, sealed) {
            (Kind::File(facts), Listed::File(file)) => {
                facts.len() == file.bytes && modified_ms(facts) == file.modified_ms
            }
            (Kind::EmptyFolder, Listed::Folder(_)) | (Kind::Special, Listed::Special(_)) => true,
            (Kind::Link(now), Listed::Link { target, .. }) => target_text(now) == *target,
            _ => false,
        }
}

impl Write for Follow<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut rest = bytes;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let (line, later) = rest.split_at(end + 1);
            self.pending.extend_from_slice(line);
            let whole = std::mem::take(&mut self.pending);
            self.entry(whole.trim_ascii_end()).map_err(|error| io::Error::other(format!("{error:#}")))?;
            rest = later;
        }
        self.pending.extend_from_slice(rest);
        if self.pending.len() > LIST_LINE_BYTES_MAX { Err(io::ErrorKind::InvalidData.into()) } else { Ok(bytes.len()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A file whose reading is shown.
struct Metered {
    content: Box<dyn Read + Send>,
    meter: Meter,
}

impl Read for Metered {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.content.read(out)?;
        self.meter.add(count as u64);
        if count == 0 {
            self.meter.clear();
        }
        Ok(count)
    }
}

type Source = (String, Box<dyn Read + Send>, Option<u64>);

fn source(path: &Path, piped: &str) -> anyhow::Result<Source> {
    if path == Path::new("-") {
        return Ok((piped.to_owned(), Box::new(io::stdin()), None));
    }
    let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    let facts = file.metadata()?;
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let bytes = facts.is_file().then_some(facts.len());
    Ok((name, Box::new(file), bytes))
}

/// A media type by the ending of the name; only a hint for people.
fn media_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase()).as_deref() {
        Some("pdf") => "application/pdf",
        Some("txt" | "md" | "log") => "text/plain",
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("png") => "image/png",
        Some("mp4") => "video/mp4",
        Some("mp3") => "audio/mpeg",
        Some("json") => "application/json",
        Some("xml") => "application/xml",
        Some("zip") => "application/zip",
        _ => "application/octet-stream",
    }
}
