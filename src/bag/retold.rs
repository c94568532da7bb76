//! Compares the texts for people in a bag with what they must be: each follows from the other files, so it is made again. A
//! text of another version of the program cannot be made again; that is said, and never counted as good.

use crate::bag::facts::Tags;
use crate::bag::folder::{Folder, FolderError};
use crate::bag::layout::{Algorithm, BAG_INFO, DIRECTORY, ROGATORY, VERIFY};
use crate::bag::notes::{Notes, TEXTS_FORMAT, TEXTS_FORMAT_LABEL};
use crate::bag::verdict::Findings;
use crate::bag::{listing, people};
use crate::model::limits::{BAG_TEXTS_SOURCE_BYTES_MAX, TAG_FILE_BYTES_MAX};

const WHAT: &str = "The text for people says what the signed bytes say";

/// Compares them all. `format` is what `bag-info.txt` says of their version.
pub fn compare(folder: &Folder, notes: Notes<'_>, format: Option<&str>, findings: &mut Findings) {
    if format != Some(TEXTS_FORMAT) {
        return other_version(folder, format.unwrap_or_default(), findings);
    }
    let tags = match tags(folder) {
        Ok(tags) => tags,
        Err(why) => {
            for path in people::PATHS {
                findings.saw(path);
                findings.not_checked(WHAT, Some(path), &why);
            }
            return;
        }
    };
    for (path, text) in people::texts(notes, &tags) {
        findings.saw(path);
        let result = match folder.read(path, text.len()) {
            Ok(found) if found == text => Ok(()),
            Ok(_) | Err(FolderError::Large { .. }) => {
                Err("it says something else; the signed files prevail, and whoever changed it must explain".to_owned())
            }
            Err(error) => Err(error.to_string()),
        };
        findings.judge(WHAT, Some(path), result);
    }
}

/// Both places that name the version must agree: a single flipped digit is no other version.
fn other_version(folder: &Folder, format: &str, findings: &mut Findings) {
    let text = folder.read(VERIFY, TAG_FILE_BYTES_MAX).unwrap_or_default();
    let stated = format!("\nFormat {format}. ");
    let agreed = format.parse::<u32>().is_ok_and(|number| number > 0 && number.to_string() == format)
        && text.windows(stated.len()).any(|window| window == stated.as_bytes());
    if !agreed {
        findings.failed(
            WHAT,
            Some(BAG_INFO),
            format!("its field {TEXTS_FORMAT_LABEL} names no version that {VERIFY} names"),
        );
    }
    for path in people::PATHS {
        findings.saw(path);
        let why = format!(
            "another version of the program made it (texts of format {format}; this one makes {TEXTS_FORMAT}); rely on the \
             signed files, or verify with that version"
        );
        findings.not_checked(WHAT, Some(path), why);
    }
}

/// The files that the texts are made of: those that stood there when the bag was made. What came later, such as a fresh
/// time-stamp, no list of the bag names, and no text can tell of it.
fn tags(folder: &Folder) -> Result<Tags, String> {
    let list = Algorithm::Sha256.tag_manifest();
    let bytes = folder.read(list, TAG_FILE_BYTES_MAX).map_err(|error| error.to_string())?;
    let listed = listing::parse(&bytes, Algorithm::Sha256).map_err(|error| format!("{list}: {error}"))?;
    let mut left = BAG_TEXTS_SOURCE_BYTES_MAX;
    let mut tags = Tags::new();
    for path in listed.keys() {
        let below = path.strip_prefix(ROGATORY).is_some_and(|rest| rest.starts_with('/'));
        if !below || path.starts_with(DIRECTORY) || people::PATHS.contains(&path.as_str()) || !folder.holds(path) {
            continue;
        }
        let bytes = folder.read(path, left).map_err(|error| format!("{path}: {error}"))?;
        left = left.saturating_sub(bytes.len());
        tags.insert(path.clone(), bytes);
    }
    Ok(tags)
}
