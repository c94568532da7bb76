//! The names of the files in a bag. A name from outside never becomes a path: what is not a letter, digit, `.`, `_` or
//! `-` is replaced, and a path that climbs or hides is refused.
//!
//! ```text
//! bagit.txt  bag-info.txt  manifest-sha256.txt  manifest-sha512.txt  tagmanifest-sha256.txt  tagmanifest-sha512.txt
//! data/0001/<name>                       the files, by object number
//! data/0002/files.jsonl                  of a folder: the list of its files, which then stand as themselves:
//! data/files/<path>  data/long/<name>
//! rogatory/message.pb        .p7s        the signed message: it names every file with its digest and every condition
//! rogatory/signed-envelope.bin           what travelled, exact bytes; its two fields:
//! rogatory/envelope.pb       .p7s
//! rogatory/request.pb        .p7s        the request, where the exporter holds it and it is another message
//! rogatory/acceptance-1.pb   .p7s        acceptances of conditions
//! rogatory/extract.txt                   only in an extract: which files, for whom
//! rogatory/conditions.txt  VERIFY.md     for people; made from all else
//! rogatory/report.html  report.pdf  case.jsonld
//! rogatory/logs/<log>/log.vkey  checkpoint
//! rogatory/logs/<log>/checkpoints/<size>        with every signature line; <size>.consistency leads to a later one
//! rogatory/logs/<log>/checkpoints/<size>.note  .tsr      what was time-stamped, and the token
//! rogatory/logs/<log>/rotations/<size>          how the log went over from one key to the next
//! rogatory/records/<log>/<index>.record  .salt  .tlog-proof      of both logs; a receipt stands here in its parts, too
//! rogatory/receipts/<log>/<index>.receipt
//! rogatory/certs/<authority>.pem  crls/<authority>.pem  certs/<authority>.tsa.pem
//! rogatory/directory/metadata/…  targets/directory.json
//! ```

use crate::model::ident::AuthorityId;
use crate::model::limits::PAYLOAD_NAME_CHARS_MAX;
use crate::model::package::Item;

/// The declaration of the format.
pub const BAGIT: &str = "bagit.txt";
/// Its exact text (RFC 8493, 2.1.1).
pub const BAGIT_TEXT: &str = "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n";
/// Facts about the bag.
pub const BAG_INFO: &str = "bag-info.txt";
/// The payload folder.
pub const DATA: &str = "data";
/// Our own folder.
pub const ROGATORY: &str = "rogatory";
/// The message, without extension.
pub const MESSAGE: &str = "rogatory/message";
/// The envelope, without extension.
pub const ENVELOPE: &str = "rogatory/envelope";
/// The request, without extension.
pub const REQUEST: &str = "rogatory/request";
/// What travelled.
pub const SIGNED_ENVELOPE: &str = "rogatory/signed-envelope.bin";
/// The conditions, for people.
pub const CONDITIONS: &str = "rogatory/conditions.txt";
/// What an extract holds; not in the bag of a whole package.
pub const EXTRACT: &str = "rogatory/extract.txt";
/// The report, for people.
pub const REPORT_HTML: &str = "rogatory/report.html";
/// The same on paper.
pub const REPORT_PDF: &str = "rogatory/report.pdf";
/// The facts in CASE/UCO JSON-LD, for forensic tools.
pub const CASE: &str = "rogatory/case.jsonld";
/// How to check the bag with foreign tools.
pub const VERIFY: &str = "rogatory/VERIFY.md";
/// The directory's files stand below.
pub const DIRECTORY: &str = "rogatory/directory/";
/// Custody records stand below, by log.
pub const RECORDS: &str = "rogatory/records/";
/// Receipts stand below, by log.
pub const RECEIPTS: &str = "rogatory/receipts/";
/// Logs stand below.
pub const LOGS: &str = "rogatory/logs/";

/// The two algorithms of manifests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Algorithm {
    /// SHA-256, the forensic digest.
    Sha256,
    /// SHA-512.
    Sha512,
}

impl Algorithm {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Sha256, Self::Sha512];

    /// The manifest of the payload.
    pub const fn manifest(self) -> &'static str {
        match self {
            Self::Sha256 => "manifest-sha256.txt",
            Self::Sha512 => "manifest-sha512.txt",
        }
    }

    /// The manifest of the tag files.
    pub const fn tag_manifest(self) -> &'static str {
        match self {
            Self::Sha256 => "tagmanifest-sha256.txt",
            Self::Sha512 => "tagmanifest-sha512.txt",
        }
    }

    /// Hex digits of a digest.
    pub const fn hex_digits(self) -> usize {
        match self {
            Self::Sha256 => 64,
            Self::Sha512 => 128,
        }
    }
}

/// The place of a file of the package.
pub fn payload(item: &Item) -> String {
    format!("{DATA}/{:04}/{}", item.object_id, plain(&item.name))
}

/// Whether a payload path is that of a list of files: it is read to its end, as no other file of the payload is.
pub fn is_list(path: &str) -> bool {
    path.strip_prefix("data/").and_then(|rest| rest.strip_suffix("/files.jsonl")).is_some_and(|number| {
        number.len() >= 4 && number.len() <= 10 && number.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// The place of an acceptance, counted from 1, without extension.
pub fn acceptance(number: usize) -> String {
    format!("{ROGATORY}/acceptance-{number}")
}

/// The folder name of a log, from its origin: `xa-moj.rogatory/custody` becomes `xa-moj.rogatory_custody`.
pub fn log_slug(origin: &str) -> String {
    plain(origin)
}

/// The verifier keys of a log, one a line.
pub fn log_keys(origin: &str) -> String {
    format!("{LOGS}{}/log.vkey", log_slug(origin))
}

/// The newest checkpoint of a log.
pub fn checkpoint(origin: &str) -> String {
    format!("{LOGS}{}/checkpoint", log_slug(origin))
}

/// The folder of a log's further checkpoints, with the slash.
pub fn checkpoints(origin: &str) -> String {
    format!("{LOGS}{}/checkpoints/", log_slug(origin))
}

/// The folder of the rotations of a log's keys, with the slash.
pub fn rotations(origin: &str) -> String {
    format!("{LOGS}{}/rotations/", log_slug(origin))
}

/// A checkpoint of that size. The first stands under its size; a further one that says something else, or another
/// time-stamp, is counted on: `7`, `7-2`, `7-3`.
pub fn checkpoint_at(origin: &str, size: u64, number: usize) -> String {
    let folder = checkpoints(origin);
    if number <= 1 { format!("{folder}{size}") } else { format!("{folder}{size}-{number}") }
}

/// The size in the name of a checkpoint, if it is such a name.
pub fn checkpoint_size(name: &str) -> Option<u64> {
    let (size, number) = name.split_once('-').map_or((name, None), |(size, number)| (size, Some(number)));
    let number_good = number.is_none_or(|text| text.parse().is_ok_and(|n: u32| n > 1 && n.to_string() == text));
    let value: u64 = size.parse().ok()?;
    (number_good && value.to_string() == size).then_some(value)
}

/// A custody record, without extension.
pub fn record(origin: &str, index: u64) -> String {
    format!("{RECORDS}{}/{index}", log_slug(origin))
}

/// A receipt.
pub fn receipt(origin: &str, index: u64) -> String {
    format!("{RECEIPTS}{}/{index}.receipt", log_slug(origin))
}

/// The issuing certificates of an authority.
pub fn certificates(authority: &AuthorityId) -> String {
    format!("{ROGATORY}/certs/{authority}.pem")
}

/// The CAs that an authority trusts for time-stamps over its log.
pub fn time_stamp_issuers(authority: &AuthorityId) -> String {
    format!("{ROGATORY}/certs/{authority}.tsa.pem")
}

/// The revocation lists of an authority.
pub fn revocation_lists(authority: &AuthorityId) -> String {
    format!("{ROGATORY}/crls/{authority}.pem")
}

/// Whether a path may stand in a bag: relative, of plain characters, climbing nowhere, hiding nothing.
pub fn is_plain_path(path: &str) -> bool {
    !path.is_empty()
        && path.split('/').all(|part| !part.is_empty() && !part.starts_with('.') && part.bytes().all(is_plain))
}

/// A file name of plain characters, at most [`PAYLOAD_NAME_CHARS_MAX`]; the end with the extension is kept.
pub fn plain(name: &str) -> String {
    let replaced: Vec<char> = name.chars().map(|c| if u8::try_from(c).is_ok_and(is_plain) { c } else { '_' }).collect();
    let start = replaced.len().saturating_sub(PAYLOAD_NAME_CHARS_MAX);
    let kept: String = replaced.into_iter().skip(start).collect();
    // A leading dot hides a file, and `.` and `..` are no names; a leading dash would be taken for an option.
    let trimmed = kept.trim_start_matches(['.', '-']);
    if trimmed.is_empty() { "file".to_owned() } else { trimmed.to_owned() }
}

const fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_name_keeps_its_extension_and_loses_what_could_climb() {
        assert_eq!(plain("Bank statement.pdf"), "Bank_statement.pdf");
        assert_eq!(plain("../../etc/passwd"), "_.._etc_passwd");
        assert_eq!(plain(".."), "file");
        assert_eq!(plain("-rf"), "rf");
        assert_eq!(plain("Žádost.pdf"), "__dost.pdf");
        assert!(plain(&format!("{}.pdf", "x".repeat(500))).ends_with("x.pdf"));
    }

    #[test]
    fn a_path_that_climbs_or_hides_is_no_plain_path() {
        for bad in ["", "/a", "a/", "a//b", "a/../b", "..", ".", "a/.b", "a b", "a\nb", "a%0Ab", "a\\b", "ä"] {
            assert!(!is_plain_path(bad), "{bad}");
        }
        assert!(is_plain_path("data/0001/report-2.pdf"));
    }

    #[test]
    fn a_checkpoint_is_found_by_its_size_and_by_no_other_spelling() {
        let folder = checkpoints("xa-moj.rogatory/custody");
        for (number, name) in [(1, "7"), (2, "7-2"), (12, "7-12")] {
            assert_eq!(checkpoint_at("xa-moj.rogatory/custody", 7, number), format!("{folder}{name}"));
            assert_eq!(checkpoint_size(name), Some(7));
        }
        for bad in ["", "07", "+7", "7-", "7-1", "7-02", "7-+2", "-7", "7-2-3", "7.note"] {
            assert_eq!(checkpoint_size(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn every_name_becomes_one_plain_part_of_a_path(name in any::<String>()) {
            let name = plain(&name);
            prop_assert!(is_plain_path(&name) && !name.contains('/') && name.len() <= PAYLOAD_NAME_CHARS_MAX);
        }
    }
}
