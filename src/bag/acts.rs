//! The signed acts in the bag: the message, the envelope it travelled in, the request, the acceptances. Each is decoded
//! within its bounds, and its signature judged by the directory; the files are compared with what the message names.

use std::collections::BTreeSet;

use crate::bag::assembly::{is_acceptance_of, is_request_of};
use crate::bag::container::Payload;
use crate::bag::extract::{self, Extract};
use crate::bag::folder::Folder;
use crate::bag::layout::{self, ENVELOPE, MESSAGE, REQUEST, SIGNED_ENVELOPE};
use crate::bag::listed;
use crate::bag::verdict::Findings;
use crate::crypto::certificate::CertificateError;
use crate::crypto::digest::sha256;
use crate::crypto::signature::{SignatureError, SignerFacts};
use crate::exchange::roster::Roster;
use crate::exchange::verified::{VerifyError, check_agreement, check_signature};
use crate::model::envelope::Envelope;
use crate::model::ident::{AuthorityId, Digest};
use crate::model::limits::{CMS_BYTES_MAX, ENVELOPE_BYTES_MAX};
use crate::model::listed::ListTotals;
use crate::model::message::Message;
use crate::model::time::Timestamp;
use crate::wire::envelope::SignedBytes;
use crate::wire::{envelope, message};

/// A signed message of the bag.
#[derive(Debug)]
pub struct Act {
    /// Its place, without extension.
    pub stem: String,
    /// Exact bytes.
    pub signed: SignedBytes,
    /// What they say.
    pub message: Message,
    /// Who signed, if the signature held.
    pub signer: Option<SignerFacts>,
}

/// All of them.
#[derive(Debug)]
pub struct Acts {
    /// What the bag holds, if it is not the whole package.
    pub extract: Option<Extract>,
    /// The message that names the files.
    pub main: Act,
    /// How many files the list names, if the package is a folder.
    pub listed: Option<ListTotals>,
    /// The envelope it travelled in, with the digest by which the logs know it.
    pub envelope: Option<(Envelope, Digest)>,
    /// The request.
    pub request: Option<Act>,
    /// The acceptances.
    pub acceptances: Vec<Act>,
}

impl Acts {
    /// Every message, the main one first.
    pub fn all(&self) -> impl Iterator<Item = &Act> {
        [&self.main].into_iter().chain(&self.request).chain(&self.acceptances)
    }
}

/// By whom signatures are judged, and when.
#[derive(Debug, Clone, Copy)]
pub struct Judge<'a> {
    /// The directory; without one no signature is judged.
    pub roster: Option<&'a Roster>,
    /// Now.
    pub now: Timestamp,
}

/// Reads and judges every act; `None` without a message that can be read.
pub fn check(folder: &Folder, judge: Judge<'_>, payload: &Payload, findings: &mut Findings) -> Option<Acts> {
    let main = read_act(folder, MESSAGE, judge, findings)?;
    let extract = extract::read(folder, &main.message, findings);
    let listed = check_items(folder, &main, extract.as_ref(), payload, findings);
    let envelope = check_envelope(folder, &main, judge, findings);
    let request = folder.holds(&format!("{REQUEST}.pb")).then(|| read_act(folder, REQUEST, judge, findings)).flatten();
    if let Some(request) = &request {
        check_request(&main, request, findings);
    }
    let mut acceptances = Vec::new();
    for number in 1.. {
        let stem = layout::acceptance(number);
        if !folder.holds(&format!("{stem}.pb")) {
            break;
        }
        if let Some(act) = read_act(folder, &stem, judge, findings)
            && check_acceptance(&main, &act, findings)
        {
            acceptances.push(act);
        }
    }
    Some(Acts { extract, main, listed, envelope, request, acceptances })
}

fn read_act(folder: &Folder, stem: &str, judge: Judge<'_>, findings: &mut Findings) -> Option<Act> {
    let file = format!("{stem}.pb");
    let signed = read_signed(folder, stem, findings)?;
    let message = match message::decode(&signed.content) {
        Ok(message) => message,
        Err(error) => {
            findings.failed("The message can be read", Some(&file), error);
            return None;
        }
    };
    let signer = check_signer(&signed, &message.sender.authority, &file, judge, findings);
    Some(Act { stem: stem.to_owned(), signed, message, signer })
}

fn read_signed(folder: &Folder, stem: &str, findings: &mut Findings) -> Option<SignedBytes> {
    let (content_path, cms_path) = (format!("{stem}.pb"), format!("{stem}.pb.p7s"));
    let mut read = |path: &str, bytes_max| {
        findings.saw(path);
        let found = folder.read(path, bytes_max);
        found.map_err(|error| findings.failed("The signed bytes are in the bag", Some(path), error)).ok()
    };
    let (content, cms) = (read(&content_path, ENVELOPE_BYTES_MAX), read(&cms_path, CMS_BYTES_MAX));
    Some(SignedBytes { content: content?, cms: cms? })
}

fn check_signer(
    signed: &SignedBytes,
    sender: &AuthorityId,
    file: &str,
    judge: Judge<'_>,
    findings: &mut Findings,
) -> Option<SignerFacts> {
    let what = format!("{sender} signed {file}: the bytes, the certificate and its issuer hold");
    let Some(roster) = judge.roster else {
        findings.not_checked(what, Some(file), "there is no directory that says which certificates are the sender's");
        return None;
    };
    let Some(authority) = roster.authority(sender) else {
        findings.failed(what, Some(file), "the directory in the bag does not list the sender");
        return None;
    };
    let stale = match check_signature(signed, authority, judge.now) {
        Err(VerifyError::Signature(SignatureError::Certificate(CertificateError::StaleRevocationList { due }))) => due,
        result => return findings.judge(what, Some(file), result),
    };
    // The list in the bag has grown old, as it does in every archive. What it says up to its end still counts.
    let last = Timestamp::from_millis(stale.as_millis().saturating_sub(1));
    let facts = match check_signature(signed, authority, last) {
        Err(VerifyError::Signature(SignatureError::InTheFuture { .. })) => {
            findings.failed(what, Some(file), "its revocation list is older than the signature");
            return None;
        }
        result => findings.judge(what, Some(file), result)?,
    };
    findings.limit(format!(
        "The revocation list of {sender} in the bag ended on {stale}; a revocation published later is not in it."
    ));
    Some(facts)
}

fn check_items(
    folder: &Folder,
    main: &Act,
    extract: Option<&Extract>,
    payload: &Payload,
    findings: &mut Findings,
) -> Option<ListTotals> {
    let Some(consignment) = &main.message.consignment else {
        findings.failed("The signed message names the files", Some("rogatory/message.pb"), "it names none");
        return None;
    };
    let mut expected = BTreeSet::new();
    for item in consignment.items.iter().filter(|item| listed::is_in_bag(item)) {
        let path = layout::payload(item);
        let what = format!("File {} is the one that the signed message names (length and SHA-256)", item.object_id);
        if extract.is_some_and(|extract| !extract.objects.contains(&item.object_id)) && !payload.contains_key(&path) {
            findings.not_checked(what, Some(&path), "this extract leaves the file out; nothing is said about it");
            continue;
        }
        let result = match payload.get(&path) {
            None => Err("it is missing"),
            Some(found) if found.bytes != item.plaintext_bytes || found.sha256 != item.sha256 => Err("it was altered"),
            Some(_) => Ok(()),
        };
        findings.judge(what, Some(&path), result);
        expected.insert(path);
    }
    let list = consignment.list().filter(|list| expected.contains(&layout::payload(list)));
    let totals = list.and_then(|list| listed::check(folder, consignment, list, payload, &mut expected, findings));
    for path in payload.keys().filter(|path| !expected.contains(*path)) {
        findings.failed(
            "The package holds only files that the signed message names",
            Some(path),
            "it names no such file",
        );
    }
    totals
}

fn check_envelope(
    folder: &Folder,
    main: &Act,
    judge: Judge<'_>,
    findings: &mut Findings,
) -> Option<(Envelope, Digest)> {
    let file = Some(SIGNED_ENVELOPE);
    findings.saw(SIGNED_ENVELOPE);
    let bytes = match folder.read(SIGNED_ENVELOPE, ENVELOPE_BYTES_MAX + CMS_BYTES_MAX) {
        Ok(bytes) => bytes,
        Err(error) => {
            findings.failed("What travelled is in the bag", file, error);
            return None;
        }
    };
    let signed = findings.judge("What travelled can be read", file, envelope::decode_signed(&bytes))?;
    let parts = read_signed(folder, ENVELOPE, findings);
    let same = if parts.as_ref() == Some(&signed) { Ok(()) } else { Err("its parts beside it are other bytes") };
    findings.judge("The envelope and its signature are those that travelled", Some("rogatory/envelope.pb"), same);
    let decoded = match envelope::decode(&signed.content) {
        Ok(decoded) => decoded,
        Err(error) => {
            findings.failed("The envelope can be read", file, error);
            return None;
        }
    };
    check_signer(&signed, &decoded.sender, "rogatory/envelope.pb", judge, findings);
    let agreement = check_agreement(&decoded, &main.message);
    findings.judge("The envelope and the message agree on sender, recipient and every sealed file", file, agreement);
    Some((decoded, sha256(&bytes)))
}

fn check_request(main: &Act, request: &Act, findings: &mut Findings) {
    let good = is_request_of(&request.message, &main.message);
    let result = if good { Ok(()) } else { Err("it is another request, or no request") };
    findings.judge("The request is the one that the package belongs to", Some("rogatory/request.pb"), result);
}

fn check_acceptance(main: &Act, act: &Act, findings: &mut Findings) -> bool {
    let result = if is_acceptance_of(&act.message, &main.message) {
        Ok(())
    } else {
        Err("it is about another package, by another authority, or names no condition of this one")
    };
    let what = "The acceptance is the recipient's, of conditions of this package";
    findings.judge(what, Some(&format!("{}.pb", act.stem)), result).is_some()
}
