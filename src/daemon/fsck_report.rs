//! What a full check found, in plain words and as JSON: the first bad entry, since when, and what is proven before it.

use std::io::{self, Write};

use serde_json::{Value, json};

use crate::daemon::fsck::{Beside, Findings, WrongFile};
use crate::daemon::fsck_index::Answers;
use crate::model::time::Timestamp;

impl Findings {
    /// As one JSON document.
    pub fn to_json(&self) -> Value {
        let place =
            |place: &Option<(u64, Timestamp)>| place.map(|(index, at)| json!({ "index": index, "at": at.to_string() }));
        let first_bad = self.first_bad().map(|(index, why)| {
            let damage = self.log.damage.as_ref().filter(|damage| damage.index == index);
            let at = self.faults.iter().find(|fault| fault.index == index).and_then(|fault| fault.at);
            json!({
                "index": index,
                "why": why,
                "at": at.map(|at| at.to_string()),
                "proven_before": damage.map_or(index, |damage| damage.proven),
                "last_before": damage.and(place(&self.around[0])),
                "next_after": damage.and(place(&self.around[1])),
            })
        });
        let faults: Vec<_> = self
            .faults
            .iter()
            .map(|fault| json!({ "index": fault.index, "at": fault.at.map(|at| at.to_string()), "why": fault.why }))
            .collect();
        json!({
            "sound": self.is_sound(),
            "beside_the_node": self.beside == Beside::TheNode,
            "entries": self.log.entries,
            "checkpoints": self.log.checkpoints,
            "published": self.log.published,
            "first_bad": first_bad,
            "records_wrong": self.faults_count,
            "records_wrong_named": faults,
            "enclosures": self.enclosures,
            "erased": self.erased,
            "derived_wrong": self.log.wrong_files_count,
            "derived_wrong_files": self.log.wrong_files,
            "published_lines_missing": self.log.lines_missing,
            "derived_repaired": self.log.repaired,
            "never_acknowledged_tail": self.log.tear.is_some(),
            "sealed_files": self.sealed,
            "sealed_bytes": self.sealed_bytes,
            "sealed_files_wrong": self.wrong.iter().map(told).collect::<Vec<_>>(),
            "sealed_hashes_wrong": self.hashes_wrong.len(),
            "parts_arriving": self.parts_arriving,
            "index": self.index.word(),
            "rotations": self.rotations,
            "rotations_wrong": self.rotations_wrong,
            "unchecked": self.unchecked,
        })
    }

    /// In plain words.
    ///
    /// # Errors
    /// When the output is gone.
    pub fn tell(&self, out: &mut dyn Write) -> io::Result<()> {
        let log = &self.log;
        if self.beside == Beside::TheNode {
            writeln!(out, "The node runs: what it had published when the check began is checked, nothing later.")?;
        }
        match &log.damage {
            None => {
                writeln!(out, "log      {} entries intact under {} signed checkpoints", log.entries, log.checkpoints)?
            }
            Some(_) => self.tell_damage(out)?,
        }
        if log.tear.is_some() {
            writeln!(out, "tail     a batch that was never acknowledged; the next start of the node cuts it")?;
        }
        for fault in &self.faults {
            let at = fault.at.map(|at| format!(" of {at}")).unwrap_or_default();
            writeln!(out, "DAMAGED  record {}{at}: {}", fault.index, fault.why)?;
        }
        if self.faults_count > self.faults.len() as u64 {
            writeln!(out, "         and {} more records", self.faults_count - self.faults.len() as u64)?;
        }
        if log.damage.is_none() {
            writeln!(out, "enclosed {} enclosures are those that their records name", self.enclosures)?;
            self.tell_derived(out)?;
            self.tell_sealed(out)?;
            self.rotations_wrong.iter().try_for_each(|what| writeln!(out, "DAMAGED  {what}"))?;
            self.tell_index(out)?;
        }
        self.unchecked.iter().try_for_each(|what| writeln!(out, "unchecked {what}"))?;
        writeln!(out, "{}", self.word())
    }

    fn word(&self) -> &'static str {
        match self.exit_code() {
            0 => "Everything is sound.",
            3 => "Sound, as far as it was checked: see above.",
            _ => "NOT SOUND: see above.",
        }
    }

    fn tell_damage(&self, out: &mut dyn Write) -> io::Result<()> {
        let Some(damage) = &self.log.damage else { return Ok(()) };
        writeln!(out, "DAMAGED  from entry {} on: {}", damage.index, damage.why)?;
        let [before, behind] = &self.around;
        match before {
            Some((index, at)) => writeln!(out, "since    after record {index}, of {at}")?,
            None => writeln!(out, "since    the beginning of the log")?,
        }
        if let Some((index, at)) = behind {
            writeln!(out, "         record {index}, of {at}, is the next that can be read")?;
        }
        writeln!(
            out,
            "proven   the {} entries before: a signed checkpoint covers them, and they fit it",
            damage.proven
        )?;
        writeln!(out, "         restore custody/journal from a backup; nothing was changed here")
    }

    fn tell_derived(&self, out: &mut dyn Write) -> io::Result<()> {
        let log = &self.log;
        match (log.wrong_files_count, log.repaired) {
            (0, _) => writeln!(out, "derived  tiles, bundles and offsets are what the journal gives")?,
            (count, true) => writeln!(out, "derived  {count} files were wrong and were made again")?,
            (count, false) => {
                writeln!(out, "DERIVED  {count} files are wrong; make them again with --repair:")?;
                log.wrong_files.iter().try_for_each(|path| writeln!(out, "         {path}"))?;
            }
        }
        if log.lines_missing {
            writeln!(
                out,
                "DERIVED  checkpoint: not signed by each of the log's keys; the next start of the node, or --repair, mends it"
            )?;
        }
        self.hashes_wrong.iter().try_for_each(|(package, object)| {
            writeln!(
                out,
                "DERIVED  the hashes beside item {object} of package {package}; make them again with --repair"
            )
        })
    }

    fn tell_index(&self, out: &mut dyn Write) -> io::Result<()> {
        match self.index {
            Answers::NotAsked => Ok(()),
            Answers::Same => writeln!(out, "index    answers what the log gives"),
            Answers::NotThere => writeln!(out, "index    there is none; the next start of the node makes it"),
            Answers::MadeAgain => writeln!(out, "index    answered something else and was made again"),
            Answers::Other => writeln!(out, "DERIVED  the index answers something else; make it again with --repair"),
        }
    }

    fn tell_sealed(&self, out: &mut dyn Write) -> io::Result<()> {
        let sound = self.sealed.saturating_sub(self.wrong.len() as u64);
        writeln!(
            out,
            "sealed   {sound} of {} sealed files ({} bytes) are what the log says",
            self.sealed, self.sealed_bytes
        )?;
        if self.parts_arriving > 0 {
            writeln!(out, "arriving {} parts of files under way are what was announced", self.parts_arriving)?;
        }
        self.wrong.iter().try_for_each(|file| writeln!(out, "DAMAGED  {}", told(file)))
    }
}

impl Answers {
    const fn word(self) -> &'static str {
        match self {
            Self::NotThere => "none",
            Self::Same => "same",
            Self::Other => "other",
            Self::MadeAgain => "made-again",
            Self::NotAsked => "not-asked",
        }
    }
}

fn told(file: &WrongFile) -> String {
    let ((package, object), (index, at)) = (file.file, file.since);
    let at = at.map(|at| format!(" of {at}")).unwrap_or_default();
    format!("package {package}, item {object} (since record {index}{at}): {}", file.why)
}
