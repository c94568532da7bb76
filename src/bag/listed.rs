//! The files of a package that is a folder, each as itself in the bag: their names there, and the check of each against the
//! signed list. Refuses a list that is not the one of the signed message, and names every file that is not as it says.
//!
//! ```text
//! data/0003/files.jsonl              the list, an item of the signed message: path, length, SHA-256 of each file
//! data/files/phone/DCIM/IMG_1.jpg    the file that the list calls `phone/DCIM/IMG 1.jpg`
//! data/long/0000017-IMG_1.jpg        the 17th entry of the list, whose place would be too long for an archive
//! ```

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::bag::container::Payload;
use crate::bag::folder::Folder;
use crate::bag::layout::{self, DATA};
use crate::bag::verdict::Findings;
use crate::model::limits::{LIST_BYTES_MAX, LISTED_FAULTS_SHOWN_MAX};
use crate::model::listed::{ListTotals, Listed, ListedFile};
use crate::model::package::{Consignment, Item, ItemForm};
use crate::model::path::RelativePath;
use crate::wire::file_list::ListReader;

/// Longest folder of a file in the bag: with the folder of an archive before it, it fits into a tar header.
const FOLDER_CHARS_MAX: usize = 108;

/// Gives each file of a list its place in the bag: plain characters, no two alike even where large and small letters are
/// one. Writer and verifier ask in the order of the list, so both get the same.
#[derive(Debug, Default)]
pub struct Names {
    folders: HashMap<Vec<u8>, String>,
    taken: HashSet<String>,
    entries: u64,
}

impl Names {
    /// The place of the next file.
    pub fn place(&mut self, path: &RelativePath) -> String {
        self.entries += 1;
        let (mut folder, mut below) = (format!("{DATA}/files"), Vec::new());
        let names: Vec<&[u8]> = path.names().collect();
        let (last, above) = names.split_last().expect("invariant: a path has a name");
        for name in above {
            below.extend_from_slice(name);
            below.push(b'/');
            folder = match self.folders.get(&below) {
                Some(known) => known.clone(),
                None => {
                    let made = self.free(&folder, name);
                    self.folders.insert(below.clone(), made.clone());
                    made
                }
            };
        }
        if folder.len() > FOLDER_CHARS_MAX {
            // Room for the number, so that the name stays within its bound.
            let name: String = plain(last).chars().rev().take(90).collect();
            let name: String = name.chars().rev().collect();
            return format!("{DATA}/long/{:07}-{}", self.entries, layout::plain(&name));
        }
        self.free(&folder, last)
    }

    fn free(&mut self, folder: &str, name: &[u8]) -> String {
        let plain = plain(name);
        let (stem, ending) = match plain.rsplit_once('.') {
            Some((stem, ending)) if !stem.is_empty() => (stem.to_owned(), format!(".{ending}")),
            _ => (plain.clone(), String::new()),
        };
        let mut path = format!("{folder}/{plain}");
        for number in 2_u64.. {
            if self.taken.insert(path.to_ascii_lowercase()) {
                break;
            }
            path = format!("{folder}/{stem}_{number}{ending}");
        }
        path
    }
}

/// A name of plain characters with room for a number behind it.
fn plain(name: &[u8]) -> String {
    let plain = layout::plain(&String::from_utf8_lossy(name));
    let start = plain.len().saturating_sub(90);
    layout::plain(plain.get(start..).unwrap_or(&plain))
}

/// Checks every file of the folder that a package is; gives how many there are. `expected` gets their places.
pub fn check(
    folder: &Folder,
    consignment: &Consignment,
    list: &Item,
    payload: &Payload,
    expected: &mut BTreeSet<String>,
    findings: &mut Findings,
) -> Option<ListTotals> {
    let path = layout::payload(list);
    let what = "The list of the files is the one that the signed message names, and can be read";
    let bytes = folder.read(&path, usize::try_from(LIST_BYTES_MAX).unwrap_or(usize::MAX));
    let bytes = findings.judge(what, Some(&path), bytes)?;
    if payload.get(&path).is_none_or(|found| found.sha256 != list.sha256) {
        findings.failed(what, Some(&path), "it was altered; no file is compared with it");
        return None;
    }
    let (mut reader, mut names, mut faults) = (ListReader::new(consignment), Names::default(), 0_usize);
    for line in bytes.strip_suffix(b"\n").unwrap_or(&bytes).split(|byte| *byte == b'\n') {
        let entry = match reader.take(line) {
            Ok(entry) => entry,
            Err(error) => {
                findings.failed(what, Some(&path), error);
                return None;
            }
        };
        let Some(Listed::File(file)) = entry else { continue };
        let place = names.place(&file.path);
        if let Err(why) = compare(&file, &place, payload) {
            faults += 1;
            if faults <= LISTED_FAULTS_SHOWN_MAX {
                let what = format!("File {} is the one that the signed list names (length and SHA-256)", file.path);
                findings.failed(what, Some(&place), why);
            }
        }
        expected.insert(place);
    }
    let totals = findings.judge(what, Some(&path), reader.finish())?;
    if let Some(more) = faults.checked_sub(LISTED_FAULTS_SHOWN_MAX).filter(|more| *more > 0) {
        findings.failed(
            "Every file is the one that the signed list names",
            Some(&path),
            format!("{more} more are not"),
        );
    }
    if faults == 0 {
        let what =
            format!("Each of the {} files is the one that the signed list names (length and SHA-256)", totals.files);
        findings.passed(what, Some(&path));
    }
    Some(totals)
}

fn compare(file: &ListedFile, place: &str, payload: &Payload) -> Result<(), &'static str> {
    match payload.get(place) {
        None => Err("it is missing"),
        Some(found) if found.bytes != file.bytes || found.sha256 != file.sha256 => Err("it was altered"),
        Some(_) => Ok(()),
    }
}

/// Whether an item stands in the bag as a file: packs do not, the files in them do.
pub fn is_in_bag(item: &Item) -> bool {
    item.form != ItemForm::Pack
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_has_a_place_of_its_own_whatever_its_name() {
        let mut names = Names::default();
        let long = format!("{}/x.jpg", ["folder"; 30].join("/"));
        let cases = [
            ("a/IMG 1.jpg", "data/files/a/IMG_1.jpg"),
            ("a/IMG_1.jpg", "data/files/a/IMG_1_2.jpg"),
            ("a/img_1.JPG", "data/files/a/img_1_3.JPG"),
            ("a/Žádost", "data/files/a/__dost"),
            ("b/.a", "data/files/b/a"),
            ("b/a/x", "data/files/b/a_2/x"),
            ("b/a/y", "data/files/b/a_2/y"),
            (&long, "data/long/0000008-x.jpg"),
        ];
        for (path, expected) in cases {
            let place = names.place(&path.parse().unwrap());
            assert_eq!(place, expected);
            assert!(layout::is_plain_path(&place));
        }
        let wide = format!("c/{}.jpg", "ž".repeat(120));
        assert!(names.place(&wide.parse().unwrap()).len() <= 100 + "data/files/c/".len());
    }
}
