//! `rogatory request print`: a request as a document for people; and the bundle for a request that travels another way.
//! Overwrites no file.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use serde_json::{Value, json};

use crate::cli::client::{Client, Where};
use crate::cli::show;
use crate::daemon::filing::Filed;
use crate::daemon::letters::Printed;
use crate::model::base64;
use crate::model::ident::Id;

/// What is printed.
#[derive(Debug, clap::Args)]
pub struct PrintArgs {
    /// The request (or one message of it)
    id: Id,
    /// The language of the fixed text: en, fr, es or sl
    #[arg(long, value_name = "TAG")]
    language: Option<String>,
    /// The file to write: *.pdf or *.html; `request-ID.LANGUAGE.pdf` here unless given
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
    #[command(flatten)]
    place: Where,
}

/// Writes the document, and says whether it is the one that was signed.
///
/// # Errors
/// What the node says, or why the file cannot be written.
pub fn print(args: &PrintArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let wanted = args.language.as_ref().map(|tag| format!("?language={}", plain(tag))).unwrap_or_default();
    let printed: Printed = Client::new(&args.place)?.get(&format!("/v1/messages/{}/letter{wanted}", args.id))?;
    let named = || PathBuf::from(format!("request-{}.{}.pdf", args.id, printed.language));
    let path = args.to.clone().unwrap_or_else(named);
    let form = match path.extension().and_then(|ending| ending.to_str()) {
        Some("html") => &printed.html,
        Some("pdf") => &printed.pdf,
        _ => bail!("{} ends neither with .pdf nor with .html; name a file of one of the two", path.display()),
    };
    write_new(&path, &base64::decode(form)?)?;
    if args.place.json {
        let told = json!({ "file": path, "language": printed.language, "signed": printed.signed });
        show::document(&told, out)?;
    } else {
        writeln!(out, "{} written; its fixed text is in {}.", path.display(), printed.language)?;
        writeln!(out, "Signed digest: {}.", printed.signed)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// After a request was signed for another way: writes its bundle, and says plainly that nothing was sent.
///
/// # Errors
/// What the node says, or why the files cannot be written.
pub fn bundle(id: Id, to: Option<&Path>, place: &Where, out: &mut dyn Write) -> anyhow::Result<()> {
    let filed: Filed = Client::new(place)?.get(&format!("/v1/messages/{id}/filing"))?;
    let dir = to.map_or_else(|| PathBuf::from(format!("filing-{id}")), Path::to_path_buf);
    fs::create_dir(&dir).with_context(|| {
        format!(
            "cannot make the folder {}; the request is signed and recorded: `rogatory request bundle {id} --to DIR` \
             writes its bundle",
            dir.display()
        )
    })?;
    for file in &filed.files {
        if !is_plain(&file.name) {
            bail!("the node names a file `{}`, which is no plain name", file.name.escape_debug());
        }
        write_new(&dir.join(&file.name), &base64::decode(&file.bytes)?)?;
    }
    if place.json {
        return Ok(());
    }
    writeln!(out, "\nNOT FILED ELECTRONICALLY. Nothing was sent to the addressee.")?;
    writeln!(out, "It takes requests by another way: {}.", filed.way)?;
    writeln!(out, "The signed, printable bundle for that way: {}", dir.display())?;
    writeln!(out, "The request is made when the bundle, or the signed print of request.pdf, arrives there.")?;
    Ok(())
}

/// Whether an answer of the node says that a request was signed for another way.
pub fn goes_another_way(row: &Value) -> Elsewhere {
    let state = row.get("state");
    match state.and_then(|state| state.get("filed-elsewhere")).and_then(Value::as_str) {
        Some(_) => Elsewhere::Yes,
        None => Elsewhere::No,
    }
}

/// Whether a request travels another way than the electronic one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Elsewhere {
    /// It does.
    Yes,
    /// It does not.
    No,
}

fn write_new(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let opened = OpenOptions::new().write(true).create_new(true).open(path);
    let mut file = opened.with_context(|| format!("cannot make {}; nothing is overwritten", path.display()))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).with_context(|| format!("cannot write {}", path.display()))
}

fn is_plain(name: &str) -> bool {
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    !name.starts_with('.') && !name.is_empty() && name.chars().all(good)
}

/// A tag as it may stand in an address: what is no letter, digit or hyphen is left out.
fn plain(tag: &str) -> String {
    tag.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(40).collect()
}
