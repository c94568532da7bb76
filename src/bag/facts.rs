//! What the files of a bag say, put in order for people: both sides' records with the files that prove them, checkpoints,
//! cosignatures, time-stamps. Judges nothing, and passes over what does not read: the verifier judges, and names it.

use std::collections::BTreeMap;

use crate::bag::layout::{self, DIRECTORY, LOGS, RECEIPTS, RECORDS};
use crate::bag::notes::Notes;
use crate::bag::stamps;
use crate::crypto::digest::sha256;
use crate::crypto::timestamp::TimeStamp;
use crate::custody::checkpoint::Checkpoint;
use crate::custody::note::Note;
use crate::custody::proof::TlogProof;
use crate::model::event::CustodyRecord;
use crate::model::ident::{AuthorityId, Digest};
use crate::model::package::Item;
use crate::model::time::Timestamp;
use crate::wire::{receipt, record};

/// The tag files of a bag by path, but for the texts that are made of them.
pub type Tags = BTreeMap<String, Vec<u8>>;

/// Everything that the texts for people are made of.
#[derive(Debug)]
pub struct Facts<'a> {
    /// The messages.
    pub notes: Notes<'a>,
    /// The records of both sides, in the order of their times.
    pub records: Vec<Told>,
    /// Checkpoints, by path.
    pub checkpoints: Vec<Shown>,
    /// Time-stamps, by path.
    pub stamps: Vec<Stamp>,
    /// Length and digest of each tag file but those of the directory, by path.
    pub digests: BTreeMap<String, (u64, Digest)>,
}

/// A record and what proves it.
#[derive(Debug, Clone)]
pub struct Told {
    /// What it says.
    pub record: CustodyRecord,
    /// The name of the log.
    log: String,
    /// Its place in the log.
    pub index: u64,
    /// The size of the log that it is proven under.
    pub size: u64,
    /// The digest of its bytes.
    pub sha256: Digest,
    /// The files that hold it, its salt and its proof.
    pub files: Vec<String>,
}

/// A checkpoint as it lies in the bag.
#[derive(Debug, Clone)]
pub struct Shown {
    /// Where.
    pub path: String,
    /// What it says.
    pub said: Checkpoint,
    /// The names on its signature lines, in order.
    pub signers: Vec<String>,
    /// Where the proof lies that it is the beginning of a later one.
    pub link: Option<String>,
}

/// A time-stamp as it lies in the bag.
#[derive(Debug, Clone)]
pub struct Stamp {
    /// Where, without extension: `.note` is what was stamped, `.tsr` the token.
    pub stem: String,
    /// What was stamped, if it reads.
    pub said: Option<Checkpoint>,
    /// The time that the token states.
    pub claimed: Option<Timestamp>,
    /// How OpenSSL judges it, where the bag holds the certificates of a CA that vouches for it.
    pub command: Option<String>,
}

/// A signed act of the bag.
#[derive(Debug, Clone)]
pub struct Signed<'a> {
    /// The file without extension.
    pub stem: String,
    /// Who signed.
    pub by: &'a AuthorityId,
    /// What it is.
    pub what: &'static str,
}

impl<'a> Facts<'a> {
    /// Reads the tag files.
    pub fn of(notes: Notes<'a>, tags: &Tags) -> Self {
        let measured = |(path, bytes): (&String, &Vec<u8>)| {
            (path.clone(), (u64::try_from(bytes.len()).unwrap_or(u64::MAX), sha256(bytes)))
        };
        let digests = tags.iter().filter(|(path, _)| !path.starts_with(DIRECTORY)).map(measured).collect();
        let stamps = stamps(&notes, tags);
        Self { notes, records: records(tags), checkpoints: checkpoints(tags), stamps, digests }
    }

    /// The files that are in this bag: all of the package, or those of the extract.
    pub fn items(&self) -> Vec<&'a Item> {
        let (_, message) = self.notes.message;
        let all = message.consignment.iter().flat_map(|consignment| &consignment.items);
        all.filter(|item| self.holds(item)).collect()
    }

    /// Whether a file of the package is in this bag.
    pub fn holds(&self, item: &Item) -> bool {
        self.notes.extract.is_none_or(|extract| extract.objects.contains(&item.object_id))
    }

    /// The signed acts, the main message first.
    pub fn signed(&self) -> Vec<Signed<'a>> {
        let (_, message) = self.notes.message;
        let sender = &message.sender.authority;
        let act = |stem: &str, by, what| Signed { stem: stem.to_owned(), by, what };
        let mut all = vec![
            act(layout::MESSAGE, sender, "names each file with its SHA-256, and every condition"),
            act(layout::ENVELOPE, sender, "is what travelled, sealed, from one authority to the other"),
        ];
        if let Some(request) = self.notes.request {
            all.push(act(layout::REQUEST, &request.sender.authority, "is the request that was answered"));
        }
        for (number, acceptance) in (1..).zip(self.notes.acceptances) {
            all.push(act(&layout::acceptance(number), &acceptance.sender.authority, "accepts conditions"));
        }
        all
    }
}

impl Told {
    /// The name of the log.
    pub fn origin(&self) -> String {
        self.log.clone()
    }
}

fn records(tags: &Tags) -> Vec<Told> {
    let mut found: BTreeMap<(String, u64, Digest), Told> = BTreeMap::new();
    let mut put = |bytes: &[u8], proof: &[u8], file: String| {
        let (Ok(record), Some((index, size, log))) = (record::decode(bytes), place(proof)) else { return };
        let log = if record.authority.owns_log(&log) { log } else { record.authority.log_origin() };
        let sha256 = sha256(bytes);
        let told = Told { record, log, index, size, sha256, files: Vec::new() };
        found.entry((told.origin(), index, sha256)).or_insert(told).files.push(file);
    };
    for (path, bytes) in tags.iter().filter(|(path, _)| path.starts_with(RECORDS)) {
        let Some(stem) = path.strip_suffix(".record") else { continue };
        if let Some(proof) = tags.get(&format!("{stem}.tlog-proof")) {
            put(bytes, proof, format!("{stem}.record"));
        }
    }
    for (path, bytes) in tags.iter().filter(|(path, _)| path.starts_with(RECEIPTS)) {
        if let Ok(parts) = receipt::decode(bytes) {
            put(&parts.record, parts.proof.as_bytes(), path.clone());
        }
    }
    let mut all: Vec<Told> = found.into_values().collect();
    all.sort_by_key(|told| (told.record.at, told.origin(), told.index));
    all
}

/// The index that a proof claims, and the size and name of the log that it leads to.
fn place(proof: &[u8]) -> Option<(u64, u64, String)> {
    let index = TlogProof::parse(proof).ok()?.index();
    let (_, note) = std::str::from_utf8(proof).ok()?.split_once("\n\n")?;
    let checkpoint = said(note.as_bytes())?.0;
    Some((index, checkpoint.size(), checkpoint.origin().to_owned()))
}

fn said(note: &[u8]) -> Option<(Checkpoint, Vec<String>)> {
    let note = Note::parse(note).ok()?;
    let signers = note.signatures().iter().map(|line| line.name().to_owned()).collect();
    Some((Checkpoint::parse(note.text()).ok()?, signers))
}

fn checkpoints(tags: &Tags) -> Vec<Shown> {
    let named = tags.iter().filter(|(path, _)| {
        let name = path.rsplit('/').next().unwrap_or_default();
        path.starts_with(LOGS) && !name.contains('.')
    });
    let shown = named.filter_map(|(path, bytes)| {
        let (said, signers) = said(bytes)?;
        let link = Some(format!("{path}.consistency")).filter(|link| tags.contains_key(link));
        Some(Shown { path: path.clone(), said, signers, link })
    });
    shown.collect()
}

fn stamps(notes: &Notes<'_>, tags: &Tags) -> Vec<Stamp> {
    let stems = tags.keys().filter(|path| path.starts_with(LOGS)).filter_map(|path| path.strip_suffix(".tsr"));
    let anchors = layout::time_stamp_issuers(notes.exporter);
    let stamp = |stem: &str| {
        let answer = tags.get(&format!("{stem}.tsr")).map(Vec::as_slice).unwrap_or_default();
        let said = tags.get(&format!("{stem}.note")).and_then(|bytes| said(bytes)).map(|(said, _)| said);
        let claimed = TimeStamp::read(answer).ok().map(|stamp| stamp.claimed_time());
        let vouched = tags.contains_key(&anchors);
        let command = vouched.then(|| stamps::openssl_command(stem, answer, &anchors)).flatten();
        Stamp { stem: stem.to_owned(), said, claimed, command }
    };
    stems.map(stamp).collect()
}
