//! Every text of a bag that is made for people and for their other tools, in one list. Each follows from the other files, so
//! the verifier makes all of them again and compares: a text that says something else is found.

use crate::bag::facts::{Facts, Tags};
use crate::bag::layout::{CASE, CONDITIONS, REPORT_HTML, REPORT_PDF, VERIFY};
use crate::bag::notes::Notes;
use crate::bag::{case, check_by_hand, report, report_html, report_pdf};

/// Where the texts stand.
pub const PATHS: [&str; 5] = [CONDITIONS, VERIFY, REPORT_HTML, REPORT_PDF, CASE];

/// The texts by path. `tags` are the other files of the bag below `rogatory/`, but for those of the
/// directory, which speaks for itself.
pub fn texts(notes: Notes<'_>, tags: &Tags) -> Vec<(&'static str, Vec<u8>)> {
    let made = notes.exported_at;
    let facts = Facts::of(notes, tags);
    let page = report::page(&facts);
    vec![
        (CONDITIONS, notes.conditions().into_bytes()),
        (VERIFY, check_by_hand::text(&facts).into_bytes()),
        (REPORT_HTML, report_html::html(&page).into_bytes()),
        (REPORT_PDF, report_pdf::pdf(&page, made)),
        (CASE, case::document(&facts)),
    ]
}
