//! Whom the bag's signatures may come from: the directory in the bag, up to a root that the verifier brings along. Believes
//! no certificate because it lies in the bag; without a root from elsewhere the verdict says so.

use crate::bag::assembly;
use crate::bag::folder::Folder;
use crate::bag::layout::{self, DIRECTORY};
use crate::bag::verdict::Findings;
use crate::exchange::directory::{self, Accepted};
use crate::exchange::keeper::Fingerprint;
use crate::exchange::reading::Reading;
use crate::exchange::repository::{FileName, Files};
use crate::model::authority::Authority;
use crate::model::limits::{DIRECTORY_BYTES_MAX, TAG_FILE_BYTES_MAX};
use crate::model::time::Timestamp;

/// Reads and checks the directory of the bag.
pub fn check(
    folder: &Folder,
    trusted_root: Option<Fingerprint>,
    now: Timestamp,
    findings: &mut Findings,
) -> Option<Accepted> {
    let what = "The directory of authorities is whole and signed by its keepers";
    let place = Some("rogatory/directory");
    let Some(files) = files(folder, findings) else {
        findings.not_checked(what, place, "the bag holds no directory; nobody vouches for the certificates in it");
        return None;
    };
    let lowest = match Reading::of(&files) {
        Ok(reading) => reading.roots().next().map(|root| Fingerprint::from(root.digest())),
        Err(error) => {
            findings.failed(what, place, error);
            return None;
        }
    };
    let root = trusted_root.or(lowest)?;
    let accepted = findings.judge(what, place, directory::verify(root, &files))?;
    let pinned = "The keepers of the directory are the ones that you trust";
    if trusted_root.is_some() {
        findings.passed(pinned, place);
    } else {
        findings.not_checked(
            pinned,
            place,
            format!(
                "the directory came with the bag; compare its root {root} with the one that the keepers published, \
                 then verify again with --trust-root {root}"
            ),
        );
    }
    if let Err(expired) = accepted.fresh_at(now) {
        findings.limit(format!("The directory in the bag is not in force any more: {expired}"));
    }
    Some(accepted)
}

/// The certificates, revocation lists and log keys that lie in the bag for foreign tools are those of the directory.
pub fn check_extracts(folder: &Folder, authority: &Authority, findings: &mut Findings) {
    let id = &authority.id;
    let time_stamps = (!authority.time_stamp_issuers.is_empty())
        .then(|| ("time-stamp CAs", layout::time_stamp_issuers(id), assembly::time_stamp_issuers(authority)));
    let extracts = [
        ("issuing certificates", layout::certificates(id), assembly::certificates(authority)),
        ("revocation lists", layout::revocation_lists(id), assembly::revocation_lists(authority)),
        ("log keys", layout::log_keys(&authority.log_origin()), assembly::log_keys(authority)),
    ];
    for (kind, path, expected) in extracts.into_iter().chain(time_stamps) {
        findings.saw(&path);
        let result = match folder.read(&path, TAG_FILE_BYTES_MAX) {
            Ok(found) if found == expected.as_bytes() => Ok(()),
            Ok(_) => Err("the file holds something else".to_owned()),
            Err(error) => Err(error.to_string()),
        };
        findings.judge(format!("The {kind} of {id} in the bag are those of the directory"), Some(&path), result);
    }
}

/// Files that are none of the layout are left for the report on unknown files.
fn files(folder: &Folder, findings: &mut Findings) -> Option<Files> {
    let mut files = Files::new();
    let mut any = false;
    for path in folder.below(DIRECTORY) {
        let Some(name) = path.strip_prefix(DIRECTORY).and_then(|name| name.parse::<FileName>().ok()) else { continue };
        findings.saw(path);
        any = true;
        let read = folder.read(path, DIRECTORY_BYTES_MAX).map_err(|error| error.to_string());
        let put = read.and_then(|bytes| files.put(name, bytes).map_err(|error| error.to_string()));
        if let Err(why) = put {
            findings.failed("The directory's files can be read", Some(path), why);
        }
    }
    any.then_some(files)
}
