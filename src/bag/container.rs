//! The bag as a container (RFC 8493): every listed file is there unaltered, and none is there that no list names. Says
//! nothing about who made it.

use std::collections::BTreeMap;

use crate::bag::folder::{Digests, Fault, Folder, Progress};
use crate::bag::layout::{Algorithm, BAG_INFO, BAGIT, BAGIT_TEXT, DATA};
use crate::bag::listing;
use crate::bag::notes::bag_info_fields;
use crate::bag::verdict::Findings;
use crate::model::limits::{MANIFEST_BYTES_MAX, TAG_FILE_BYTES_MAX};

/// The payload as it was found, by path.
pub type Payload = BTreeMap<String, Digests>;

/// Checks the container and digests every file once.
pub fn check(folder: &Folder, findings: &mut Findings, progress: &mut dyn FnMut(Progress)) -> Payload {
    strays(folder, findings);
    declaration(folder, findings);
    let digests = digest_all(folder, findings, progress);
    for algorithm in Algorithm::ALL {
        findings.saw(algorithm.manifest());
        findings.saw(algorithm.tag_manifest());
        payload_list(folder, algorithm, &digests, findings);
        tag_list(folder, algorithm, &digests, findings);
    }
    if let Some(digests) = digests.get(Algorithm::Sha256.tag_manifest()) {
        findings.container(digests.sha256);
    }
    let payload: Payload = digests.into_iter().filter(|(path, _)| is_payload(path)).collect();
    payload.keys().for_each(|path| findings.saw(path));
    oxum(folder, &payload, findings);
    payload
}

fn strays(folder: &Folder, findings: &mut Findings) {
    let what = "The bag holds plain files under plain names only";
    if folder.strays().is_empty() {
        findings.passed(what, None);
    }
    for stray in folder.strays() {
        let file = Some(stray.path.as_str());
        match stray.fault {
            // A file manager's leavings must not look like tampering with the evidence.
            Fault::Name if !is_payload(&stray.path) => findings.not_checked(what, file, stray.fault.told()),
            Fault::Name => findings.failed(what, file, "no file of a package has such a name"),
            fault => findings.failed(what, file, fault.told()),
        }
    }
}

fn declaration(folder: &Folder, findings: &mut Findings) {
    findings.saw(BAGIT);
    let found = folder.read(BAGIT, BAGIT_TEXT.len());
    let result = match found {
        Ok(bytes) if bytes == BAGIT_TEXT.as_bytes() => Ok(()),
        Ok(_) => Err("it does not declare BagIt 1.0 in UTF-8".to_owned()),
        Err(error) => Err(error.to_string()),
    };
    findings.judge("The folder declares itself a BagIt 1.0 bag", Some(BAGIT), result);
}

fn digest_all(folder: &Folder, findings: &mut Findings, progress: &mut dyn FnMut(Progress)) -> Payload {
    let total = folder.paths().filter_map(|path| folder.bytes(path)).fold(0, u64::saturating_add);
    let mut done = 0_u64;
    let mut digests = BTreeMap::new();
    for path in folder.paths() {
        let mut read = |bytes: u64| {
            done = done.saturating_add(bytes);
            progress(Progress { done, total });
        };
        match folder.digest(path, &mut read) {
            Ok(found) => {
                digests.insert(path.to_owned(), found);
            }
            Err(error) => findings.failed("Every file can be read", Some(path), error),
        }
    }
    digests
}

fn payload_list(folder: &Folder, algorithm: Algorithm, found: &Payload, findings: &mut Findings) {
    let file = algorithm.manifest();
    let Some(listed) = read_list(folder, file, algorithm, findings) else { return };
    let mut good = true;
    for path in listed.keys().filter(|path| !is_payload(path)) {
        good = false;
        findings.failed("The list names files of the package only", Some(path), "it lies outside data/");
    }
    for path in found.keys().filter(|path| is_payload(path) && !listed.contains_key(*path)) {
        good = false;
        findings.failed("No file was added to the package", Some(path), format!("{file} does not name it"));
    }
    good &= compare(&listed, found, algorithm, "is there and unaltered", findings);
    if good {
        let what = format!(
            "The package is complete: the {} that {file} names, each unaltered, and no other",
            if listed.len() == 1 { "1 file".to_owned() } else { format!("{} files", listed.len()) }
        );
        findings.passed(what, Some(file));
    }
}

fn tag_list(folder: &Folder, algorithm: Algorithm, found: &Payload, findings: &mut Findings) {
    let file = algorithm.tag_manifest();
    let Some(listed) = read_list(folder, file, algorithm, findings) else { return };
    let mut good = compare(&listed, found, algorithm, "is there and unaltered", findings);
    for needed in [BAGIT, BAG_INFO].into_iter().chain(Algorithm::ALL.map(Algorithm::manifest)) {
        if !listed.contains_key(needed) {
            good = false;
            findings.failed(
                "The list names every file that the format asks for",
                Some(needed),
                format!("{file} does not name it"),
            );
        }
    }
    if good {
        findings.passed(
            format!("The {} accompanying files that {file} names are there and unaltered", listed.len()),
            Some(file),
        );
    }
}

fn read_list(
    folder: &Folder,
    file: &str,
    algorithm: Algorithm,
    findings: &mut Findings,
) -> Option<BTreeMap<String, String>> {
    let read = folder.read(file, MANIFEST_BYTES_MAX).map_err(|error| error.to_string());
    let listed = read.and_then(|bytes| listing::parse(&bytes, algorithm).map_err(|error| error.to_string()));
    match listed {
        Ok(listed) => Some(listed),
        Err(why) => {
            findings.failed("The list of files can be read", Some(file), why);
            None
        }
    }
}

fn compare(
    listed: &BTreeMap<String, String>,
    found: &Payload,
    algorithm: Algorithm,
    what: &str,
    findings: &mut Findings,
) -> bool {
    let mut good = true;
    for (path, hex) in listed {
        let why = match found.get(path) {
            None => "the file is missing",
            Some(digests) if hex_of(digests, algorithm) != *hex => "the file was altered: its digest is another one",
            Some(_) => continue,
        };
        good = false;
        findings.failed(format!("The file {what}"), Some(path), why);
    }
    good
}

fn hex_of(digests: &Digests, algorithm: Algorithm) -> String {
    match algorithm {
        Algorithm::Sha256 => digests.sha256.to_string(),
        Algorithm::Sha512 => digests.sha512.to_string(),
    }
}

fn oxum(folder: &Folder, payload: &Payload, findings: &mut Findings) {
    let what = "The number and size of the files are those that bag-info.txt states";
    let bytes = payload.values().map(|digests| digests.bytes).fold(0, u64::saturating_add);
    let counted = format!("{bytes}.{}", payload.len());
    let text = folder.read(BAG_INFO, TAG_FILE_BYTES_MAX).unwrap_or_default();
    let fields = bag_info_fields(&text).unwrap_or_default();
    let stated: Vec<&str> =
        fields.iter().filter(|(label, _)| *label == "Payload-Oxum").map(|(_, value)| *value).collect();
    if stated == [counted.as_str()] {
        findings.passed(what, Some(BAG_INFO));
    } else {
        let files = if payload.len() == 1 { "1 file".to_owned() } else { format!("{} files", payload.len()) };
        let why =
            format!("its Payload-Oxum must be {counted} ({bytes} bytes in {files}), and it says {}", stated.join(", "));
        findings.failed(what, Some(BAG_INFO), why);
    }
}

fn is_payload(path: &str) -> bool {
    path.strip_prefix(DATA).is_some_and(|rest| rest.starts_with('/'))
}
