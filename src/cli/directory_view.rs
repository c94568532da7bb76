//! What `rogatory directory verify` and `show` print, for people and as JSON. Judges by the exchange floor's words only.

use std::io::Write;
use std::process::ExitCode;

use data_encoding::HEXLOWER;
use serde_json::json;

use crate::cli::directory::DirectoryCommandError;
use crate::cli::show::Form;
use crate::exchange::directory::{DirectoryError, accept};
use crate::exchange::entry::Entry;
use crate::exchange::keeper::{Fingerprint, KeeperKey};
use crate::exchange::reading::{By, FileSignatures, Reading};
use crate::exchange::repository::Files;
use crate::model::time::Timestamp;

/// Files whose signatures are too few: something is verified, not all.
const PARTLY: u8 = 3;

/// Prints who signed what. Exit 0: complete and valid; 3: signatures are missing; 1: expired, or signed falsely.
pub fn print_signatures(
    files: &Files,
    trust_root: Option<Fingerprint>,
    now: Timestamp,
    form: Form,
    out: &mut dyn Write,
) -> Result<ExitCode, DirectoryCommandError> {
    let reading = Reading::of(files)?;
    let first = reading.roots().next().map_or_else(|| reading.root().digest(), |root| root.digest());
    let trusted = trust_root.unwrap_or(Fingerprint::from(first));
    let verdict = accept(None, trusted, files, now);
    if form == Form::Json {
        print_json(&reading, &verdict.as_ref().map(drop), out)?;
    } else {
        print_text(&reading, out)?;
        match &verdict {
            Ok(_) if trust_root.is_some() => writeln!(out, "Complete, and signed from the trusted root on.")?,
            Ok(_) => writeln!(out, "Complete. Whether these are the right keepers, only their fingerprint tells.")?,
            Err(error) => writeln!(out, "{error}")?,
        }
    }
    Ok(match verdict {
        Ok(_) => ExitCode::SUCCESS,
        Err(DirectoryError::Threshold { .. }) => ExitCode::from(PARTLY),
        Err(_) => ExitCode::FAILURE,
    })
}

fn print_text(reading: &Reading, out: &mut dyn Write) -> Result<(), DirectoryCommandError> {
    let listing = reading.listing();
    writeln!(out, "version {}, {} authorities", listing.version(), listing.entries().len())?;
    writeln!(out, "SHA-256 of targets/directory.json  {}", reading.listing_digest())?;
    for root in reading.roots() {
        let fingerprint = Fingerprint::from(root.digest());
        writeln!(out, "fingerprint of root {:<14} {fingerprint}", root.value().version)?;
    }
    for part in reading.parts() {
        writeln!(out, "{:<34} valid until {}", part.name.to_string(), part.expires)?;
    }
    for file in reading.signatures() {
        let whose = match file.by {
            By::Keepers => "keepers",
            By::KeepersBefore => "former keepers",
        };
        match &file.signers {
            Ok(signers) => {
                let (have, need) = (signers.signed.len(), signers.threshold);
                writeln!(out, "{:<34} {have} signed of the {need} {whose} needed", file.name.to_string())?;
                signers.signed.iter().try_for_each(|keeper| writeln!(out, "    signed   {keeper}"))?;
                signers.missing.iter().try_for_each(|keeper| writeln!(out, "    not yet  {keeper}"))?;
            }
            Err(bad) => writeln!(out, "{:<34} FALSE SIGNATURE of {}", file.name.to_string(), bad.0)?,
        }
    }
    Ok(())
}

fn print_json(
    reading: &Reading,
    verdict: &Result<(), &DirectoryError>,
    out: &mut dyn Write,
) -> Result<(), DirectoryCommandError> {
    let keys = |keys: &mut dyn Iterator<Item = &KeeperKey>| keys.map(ToString::to_string).collect::<Vec<_>>();
    let file = |file: &FileSignatures| {
        let by = match file.by {
            By::Keepers => "keepers",
            By::KeepersBefore => "former-keepers",
        };
        match &file.signers {
            Ok(signers) => json!({
                "path": file.name.to_string(), "by": by, "enough": signers.enough(), "threshold": signers.threshold,
                "signed": keys(&mut signers.signed.iter()), "missing": keys(&mut signers.missing.iter()),
            }),
            Err(bad) => {
                json!({"path": file.name.to_string(), "by": by, "enough": false, "false_signature": bad.0.to_string()})
            }
        }
    };
    let root = |root: (u64, Fingerprint)| json!({"version": root.0, "fingerprint": root.1.to_string()});
    let roots = reading.roots().map(|item| (item.value().version, Fingerprint::from(item.digest())));
    let document = json!({
        "version": reading.listing().version(),
        "authorities": reading.listing().entries().len(),
        "sha256": reading.listing_digest().to_string(),
        "valid_until": reading.parts().iter().map(|part| part.expires).min().unwrap_or_default().to_string(),
        "roots": roots.map(root).collect::<Vec<_>>(),
        "files": reading.signatures().iter().map(file).collect::<Vec<_>>(),
        "accepted": verdict.is_ok(),
        "reason": verdict.err().map(ToString::to_string),
    });
    writeln!(out, "{document:#}")?;
    Ok(())
}

/// Prints the authorities. As JSON: `directory.json` itself.
pub fn print_authorities(files: &Files, form: Form, out: &mut dyn Write) -> Result<(), DirectoryCommandError> {
    let reading = Reading::of(files)?;
    if form == Form::Json {
        out.write_all(&reading.listing().to_json())?;
        return Ok(());
    }
    writeln!(out, "version {}, {} authorities", reading.listing().version(), reading.listing().entries().len())?;
    reading.listing().entries().try_for_each(|entry| print_entry(entry, out))
}

fn print_entry(entry: &Entry, out: &mut dyn Write) -> Result<(), DirectoryCommandError> {
    let authority = entry.authority();
    let or_none = |items: &[String]| if items.is_empty() { "none".to_owned() } else { items.join(", ") };
    writeln!(out, "\n{}  {}", authority.id, authority.name)?;
    writeln!(out, "  endpoints       {}", or_none(&authority.endpoints))?;
    writeln!(out, "  languages       {}", or_none(&authority.languages))?;
    for issuer in &authority.issuers {
        writeln!(out, "  issuing CA      SHA-256 {}", crate::crypto::digest::sha256(issuer))?;
    }
    for key in entry.verifier_keys() {
        let whose = if authority.id.owns_log(key.name()) { "custody log" } else { "witness" };
        let (id, algorithm) = (HEXLOWER.encode(&key.id()), key.algorithm());
        match key.public_key().len() {
            0..=32 => writeln!(out, "  {whose:<15} {key}")?,
            // Longer than anybody reads or copies from a screen.
            _ => writeln!(out, "  {whose:<15} {}+{id} ({algorithm}; whole with --json)", key.name())?,
        }
    }
    for issuer in &authority.time_stamp_issuers {
        writeln!(out, "  time-stamps     SHA-256 {}", crate::crypto::digest::sha256(issuer))?;
    }
    for key in &authority.receiving_keys {
        writeln!(out, "  receiving key   {} from {} to {}", key.id, key.not_before, key.not_after)?;
    }
    writeln!(out, "  source          {} {}", entry.source(), entry.note())?;
    Ok(())
}
