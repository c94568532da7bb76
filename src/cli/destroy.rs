//! `rogatory package destroy`: one officer asks, another confirms; then a certificate that anybody can check. Never
//! overwrites a file.

use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use serde_json::{Value, json};

use crate::cli::client::{Client, Where};
use crate::cli::show;
use crate::daemon::api_erasing::NewErasure;
use crate::daemon::erasing::Scope;
use crate::daemon::home::Home;
use crate::model::ident::Id;

/// Destroy a package here for ever: its key, then its files.
#[derive(Debug, clap::Args)]
pub struct DestroyArgs {
    /// The package
    id: Id,
    /// Why; stands in the log for ever, so name nobody
    #[arg(long, value_name = "TEXT", default_value = "", conflicts_with_all = ["confirm", "certificate"])]
    reason: String,
    /// The law or condition that demands it; stands in the log for ever
    #[arg(long, value_name = "TEXT", default_value = "", conflicts_with_all = ["confirm", "certificate"])]
    legal_basis: String,
    /// As the second officer: confirm what was asked for in this record, and destroy
    #[arg(long, value_name = "INDEX", conflicts_with = "certificate")]
    confirm: Option<u64>,
    /// Only write the certificate of a destruction that is done
    #[arg(long)]
    certificate: bool,
    /// The folder for the certificate: destroyed-ID.receipt, .txt and log.vkey
    #[arg(long, value_name = "DIR")]
    to: Option<PathBuf>,
    #[command(flatten)]
    place: Where,
}

/// Runs the verb.
///
/// # Errors
/// What the node says: the rule that stands against it.
pub fn run(args: &DestroyArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let (place, id) = (&args.place, args.id);
    let client = Client::new(place)?;
    let path = format!("/v1/packages/{id}/destruction");
    let done: Value = match (args.confirm, args.certificate) {
        (Some(asked), _) => client.post(&format!("{path}/{asked}/confirm"), &Value::Null)?,
        (None, true) => client.get(&path)?,
        (None, false) => return ask(args, &client, &path, out),
    };
    let text = certificate(&done)?;
    let mut written = Vec::new();
    if let Some(folder) = &args.to {
        written = write(&client, place, folder, id, &text, &done)?;
    } else if args.certificate {
        bail!("say where to: --to DIR");
    }
    if place.json {
        let mut document = done;
        if let Value::Object(fields) = &mut document {
            fields.insert("written".to_owned(), json!(written));
        }
        show::document(&document, out)?;
        return Ok(ExitCode::SUCCESS);
    }
    write!(out, "{text}")?;
    match &args.to {
        Some(folder) => {
            let folder = folder.display();
            writeln!(out, "\nwrote    {folder}/destroyed-{id}.receipt, .txt and log.vkey")?;
            writeln!(out, "Next: anybody checks it:  rogatory verify {folder}/destroyed-{id}.receipt --log-key KEY")?;
        }
        None => {
            let data = place.data.display();
            writeln!(out, "\nNext: the certificate that anybody can check:")?;
            writeln!(out, "  rogatory package destroy {id} --certificate --to DIR --data {data} --as NAME")?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn ask(args: &DestroyArgs, client: &Client, path: &str, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let (place, id) = (&args.place, args.id);
    let (reason, legal_basis) = (args.reason.clone(), args.legal_basis.clone());
    let asked: Value = client.post(path, &NewErasure { scope: Scope::default(), reason, legal_basis })?;
    if place.json {
        show::document(&asked, out)?;
        return Ok(ExitCode::SUCCESS);
    }
    let (record, data) = (show::number(&asked, "record"), place.data.display());
    writeln!(out, "asked    record {record}: to destroy package {id}")?;
    writeln!(out, "\nNothing is destroyed yet. Next, another officer (approver), and then it cannot be undone:")?;
    writeln!(out, "  rogatory package destroy {id} --confirm {record} --to DIR --data {data} --as NAME")?;
    Ok(ExitCode::SUCCESS)
}

/// The certificate in words. The proof of it is the receipt beside it.
fn certificate(done: &Value) -> anyhow::Result<String> {
    let record = done.get("destroyed").unwrap_or(&Value::Null);
    let asked_by = record.get("actor").map(|actor| show::text(actor, "name")).unwrap_or("-");
    let mut text = String::new();
    writeln!(text, "Certificate of destruction")?;
    writeln!(text, "package   {}", show::text(done, "package_id"))?;
    writeln!(text, "held by   {}", show::text(done, "authority"))?;
    writeln!(text, "destroyed {}", show::text(record, "at"))?;
    writeln!(text, "asked by  {asked_by}, confirmed by {}", show::text(done, "confirmed_by"))?;
    writeln!(text, "because   {}", show::text(record, "reason"))?;
    writeln!(
        text,
        "record    {} of the custody log of {}",
        show::number(done, "record"),
        show::text(done, "authority")
    )?;
    writeln!(
        text,
        "\nWhat was destroyed, in this order: every copy of the package key in this node; the sealed files."
    )?;
    for digest in show::list(record, "digests") {
        writeln!(text, "  {:<18} SHA-256 {}", show::text(digest, "name"), show::text(digest, "sha256"))?;
    }
    let remains = done.get("remains").unwrap_or(&Value::Null);
    writeln!(text, "\nWhat this does not reach:")?;
    writeln!(text, "  the copy of {}", show::text(remains, "counterpart"))?;
    let released = show::list(remains, "released");
    for one in released {
        let who = one.get("actor").map(|actor| show::text(actor, "name")).unwrap_or("-");
        let (index, at, told) = (show::number(one, "index"), show::text(one, "at"), show::text(one, "told"));
        writeln!(text, "  files given out: {told} by {who} on {at} (record {index})")?;
    }
    if released.is_empty() {
        writeln!(text, "  files given out: none is recorded")?;
    }
    writeln!(
        text,
        "  backups of this node that were made before; what the disk itself keeps of removed files (ciphertext)"
    )?;
    Ok(text)
}

fn write(
    client: &Client,
    place: &Where,
    folder: &Path,
    id: Id,
    text: &str,
    done: &Value,
) -> anyhow::Result<Vec<PathBuf>> {
    let mut receipt = Vec::new();
    client.download(&format!("/v1/custody/{}/receipt", show::number(done, "record")), &mut receipt)?;
    let key = fs::read(Home::at(&place.data).custody().join("log.vkey")).context("cannot read custody/log.vkey")?;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let files =
        [(format!("destroyed-{id}.receipt"), receipt.as_slice()), (format!("destroyed-{id}.txt"), text.as_bytes())];
    let mut written = Vec::new();
    for (name, bytes) in files {
        let path = folder.join(name);
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        file.with_context(|| format!("cannot make {}; nothing is overwritten", path.display()))?.write_all(bytes)?;
        written.push(path);
    }
    let path = folder.join("log.vkey");
    fs::write(&path, key)?;
    written.push(path);
    Ok(written)
}
