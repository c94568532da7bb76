//! Every text of a bag that is made for people and for their other tools, in one list. Each follows from the other files, so
//! the verifier makes all of them again and compares: a text that says something else is found.

use std::sync::{Mutex, PoisonError};

use crate::bag::facts::{Facts, Tags};
use crate::bag::layout::{CASE, CONDITIONS, REPORT_HTML, REPORT_PDF, VERIFY};
use crate::bag::notes::Notes;
use crate::bag::page::Page;
use crate::bag::{case, check_by_hand, report, report_html, report_pdf};
use crate::crypto::digest::sha256;
use crate::model::ident::Digest;
use crate::model::time::Timestamp;

/// The last page that was set, by the digest of all that it is made of, as a PDF.
static LAST: Mutex<Option<(Digest, Vec<u8>)>> = Mutex::new(None);

/// The page as a PDF. Setting it is by far the most work of all texts, and whoever verifies one bag again and again gets the
/// same page: it is set once.
fn paper(page: &Page, made: Timestamp) -> Vec<u8> {
    let key = sha256(format!("{made}\n{page:?}").as_bytes());
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    match &*last {
        Some((of, bytes)) if *of == key => bytes.clone(),
        _ => {
            let bytes = report_pdf::pdf(page, made);
            *last = Some((key, bytes.clone()));
            bytes
        }
    }
}

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
        (REPORT_PDF, paper(&page, made)),
        (CASE, case::document(&facts)),
    ]
}
