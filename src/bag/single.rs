//! A lone `.tlog-proof` with its record and salt, or a lone `.receipt`: led to a checkpoint that a given key signed.
//! Without a key from elsewhere the verdict says what the key beside the file is worth.

use std::path::Path;

use crate::bag::custody::{Proven, prove};
use crate::bag::log::{UNPROVEN_KEY, keys_beside, read};
use crate::bag::rotations::{self, Speaking};
use crate::bag::signers::{Form, Signers};
use crate::bag::verdict::{Findings, Verdict};
use crate::bag::verify::Given;
use crate::model::limits::{RECEIPT_BYTES_MAX, RECORD_BYTES_MAX, TLOG_PROOF_BYTES_MAX};
use crate::wire::receipt::{self, ReceiptParts};

/// Verifies a proof. The record and salt are the given ones, or those of the same name beside it.
pub fn proof(path: &Path, given: &Given) -> Verdict {
    let mut findings = Findings::default();
    let record = given.record.clone().unwrap_or_else(|| path.with_extension("record"));
    let salt = given.salt.clone().unwrap_or_else(|| path.with_extension("salt"));
    let parts = parts(path, &record, &salt);
    if let Some(parts) = findings.judge("Proof, record and salt can be read", None, parts) {
        check(path, &parts, given, &mut findings);
    }
    findings.verdict("tlog-proof")
}

/// Verifies a receipt.
pub fn receipt(path: &Path, given: &Given) -> Verdict {
    let mut findings = Findings::default();
    let bytes = read_path(path, RECEIPT_BYTES_MAX);
    let parts = bytes.and_then(|bytes| receipt::decode(&bytes).map_err(|error| error.to_string()));
    if let Some(parts) = findings.judge("The receipt can be read", None, parts) {
        check(path, &parts, given, &mut findings);
        findings
            .limit("Whether the receipt is for what you sent follows from comparing its digests with your envelope.");
    }
    findings.verdict("receipt")
}

fn check(path: &Path, parts: &ReceiptParts, given: &Given, findings: &mut Findings) {
    let what = "The custody log holds this record: salt, proof and signed checkpoint agree";
    let folder = path.parent().filter(|path| !path.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let signers = match Signers::choose(&given.log_keys, given.policy.as_ref(), || keys_beside(folder)) {
        Ok(signers) => signers,
        Err(why) => {
            findings.not_checked(what, None, format!("{why}; give the log's key with --log-key"));
            return;
        }
    };
    // Beside a proof a retired key is known to be one only where the folder holds the rotations.
    let speaking = Speaking::of(signers.keys(), &rotations::beside(folder, findings));
    let proven = prove(parts, |note| speaking.open(note).map(|(signed, _)| signed));
    if let Some(proven) = findings.judge(what, None, proven) {
        named(&proven, findings);
        signers.tell(&proven.signed, Form::InProof, None, findings);
        if signers.are_unproven() {
            findings.not_checked("The key is the log's own", Some("log.vkey"), UNPROVEN_KEY);
        }
    }
}

fn named(proven: &Proven, findings: &mut Findings) {
    let record = &proven.record;
    let origin = proven.checkpoint.origin();
    let result =
        if record.authority.owns_log(origin) { Ok(()) } else { Err("it names another authority than the log's") };
    findings.judge("The record is the log's own", None, result);
    let by = record.actor.officer().map(|name| format!(" by officer {}", name.as_str())).unwrap_or_default();
    findings.tell(format!("Record {} of {origin} (a log of {} entries):", proven.index, proven.checkpoint.size()));
    findings.tell(format!("{}: {} on {}{by}.", record.authority, record.event.told(), record.at));
    if let Some(counterpart) = &record.counterpart {
        findings.tell(format!("The other authority: {counterpart}."));
    }
    for digest in &record.digests {
        findings.tell(format!("{}: SHA-256 {}", digest.name, digest.sha256));
    }
    findings.limit("The time is that of the node's clock; no independent time-stamp is with it.");
}

fn parts(proof: &Path, record: &Path, salt: &Path) -> Result<ReceiptParts, String> {
    let hint = |why: String| format!("{why}; name the record and its salt with --record and --salt");
    Ok(ReceiptParts {
        record: read_path(record, RECORD_BYTES_MAX).map_err(hint)?,
        salt: read_path(salt, 32).map_err(hint)?.try_into().map_err(|_| "the salt is not 32 bytes long")?,
        proof: String::from_utf8(read_path(proof, TLOG_PROOF_BYTES_MAX)?).map_err(|_| "the proof is no text")?,
    })
}

fn read_path(path: &Path, bytes_max: usize) -> Result<Vec<u8>, String> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let name = path.file_name().and_then(|name| name.to_str()).ok_or("the path names no file")?;
    read(folder, name, bytes_max)
}
