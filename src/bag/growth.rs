//! A lone `.consistency`: that the log of an earlier checkpoint is the beginning of the log of a later one. Both checkpoints
//! must be signed by the log; a proof between texts that nobody signed proves nothing.

use std::path::{Path, PathBuf};

use crate::bag::link::Link;
use crate::bag::log::{UNPROVEN_KEY, keys_beside, read};
use crate::bag::signers::{Form, Signers};
use crate::bag::verdict::{Findings, Verdict};
use crate::bag::verify::Given;
use crate::custody::checkpoint::SignedCheckpoint;
use crate::model::limits::{LINK_BYTES_MAX, NOTE_BYTES_MAX};

/// Verifies the proof. The earlier checkpoint is the file of its name without the ending; the later one is given, or the file
/// beside it that is named by its size, or `checkpoint`.
pub fn check(path: &Path, given: &Given) -> Verdict {
    let mut findings = Findings::default();
    judge(path, given, &mut findings);
    findings.verdict("consistency proof")
}

fn judge(path: &Path, given: &Given, findings: &mut Findings) {
    let folder = path.parent().filter(|path| !path.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let link = read_path(path, LINK_BYTES_MAX).and_then(|bytes| Link::parse(&bytes).map_err(|error| error.to_string()));
    let Some(link) = findings.judge("The proof can be read", None, link) else { return };
    let signers = match Signers::choose(&given.log_keys, given.policy.as_ref(), || keys_beside(folder)) {
        Ok(signers) => signers,
        Err(why) => {
            let what = "The smaller log is the beginning of the larger one";
            findings.not_checked(what, None, format!("{why}; give the log's key with --log-key"));
            return;
        }
    };
    let later = given.checkpoint.clone().unwrap_or_else(|| beside(folder, link.new));
    let open = |path: &Path| {
        let bytes = read_path(path, NOTE_BYTES_MAX)?;
        SignedCheckpoint::open(&bytes, signers.keys()).map_err(|error| error.to_string())
    };
    let old = findings.judge("The earlier checkpoint is signed by the log's key", None, open(&path.with_extension("")));
    let new = findings.judge("The later checkpoint is signed by the log's key", None, open(&later));
    let (Some(old), Some(new)) = (old, new) else { return };
    let proven = link.check(old.checkpoint(), new.checkpoint());
    if findings.judge("The smaller log is the beginning of the larger one", None, proven).is_some() {
        findings.tell(format!(
            "The log {} of {} entries is the beginning of its {} entries: nothing was changed or taken away in between.",
            old.checkpoint().origin(),
            link.old,
            link.new
        ));
        signers.tell(&new, Form::Published(signers.keys()), None, findings);
    }
    if signers.are_unproven() {
        findings.not_checked("The key is the log's own", Some("log.vkey"), UNPROVEN_KEY);
    }
}

fn beside(folder: &Path, size: u64) -> PathBuf {
    let named = folder.join(size.to_string());
    if named.is_file() { named } else { folder.join("checkpoint") }
}

fn read_path(path: &Path, bytes_max: usize) -> Result<Vec<u8>, String> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let name = path.file_name().and_then(|name| name.to_str()).ok_or("the path names no file")?;
    read(folder, name, bytes_max)
}
