//! `rogatory request new` at a terminal: asks for a request screen by screen, warns where something is missing, saves
//! after each answer, and can be left and taken up again. Decides nothing; overwrites no draft of somebody else.

use std::fs::{self, OpenOptions};
use std::io::{BufRead, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::cli::interview_answers::{Answer, apply};
use crate::cli::interview_steps::{Step, steps};
use crate::cli::show;
use crate::daemon::api_routes::NewRequest;
use crate::model::ident::AuthorityId;

/// The file in which an interview stands, if nobody names another.
pub const DRAFT: &str = "request-draft.toml";

const HELP: &str = "\
Enter leaves the answer as it is. `-` clears it. `:back` goes one question back. `:leave` saves and ends; so does the end
of the input. A long answer may have many lines: a line with only a dot ends it.";

/// What an interview is held with.
pub struct Room<'a> {
    /// What the officer types.
    pub input: &'a mut dyn BufRead,
    /// What the officer sees.
    pub out: &'a mut dyn Write,
    /// What is missing, as the node or the program itself can tell.
    pub check: &'a dyn Fn(&NewRequest) -> anyhow::Result<Value>,
    /// What is told of the legal basis, once crimes and help are named.
    pub basis: &'a dyn Fn(&NewRequest, &mut dyn Write) -> anyhow::Result<()>,
}

/// How an interview ended.
#[derive(Debug, Clone)]
pub enum Ended {
    /// Every question was asked.
    Through(Box<NewRequest>),
    /// The officer left; the file holds everything so far.
    Left,
}

/// An interview as its file holds it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Session {
    schema: Schema,
    /// The question that comes next.
    next: String,
    #[serde(flatten)]
    content: Content,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Content {
    new: NewRequest,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
enum Schema {
    #[serde(rename = "rogatory.interview.v1")]
    V1,
}

/// Begins an interview; its file must not be there yet.
///
/// # Errors
/// When the file is there, or cannot be written; when input or output break.
pub fn begin(path: &Path, room: &mut Room<'_>) -> anyhow::Result<Ended> {
    if path.exists() {
        bail!(
            "{} is there already: take it up again with `--resume {0}`, or name another file with `--draft FILE`",
            path.display()
        );
    }
    writeln!(
        room.out,
        "A request for assistance. {HELP}\nAfter each answer everything is saved to {}.",
        path.display()
    )?;
    let to = loop {
        write!(room.out, "\nTo which authority, e.g. XB-MOJ?\n> ")?;
        room.out.flush()?;
        let Some(text) = line(room.input)? else { return Ok(Ended::Left) };
        match text.trim().parse::<AuthorityId>() {
            Ok(to) => break to,
            Err(error) => writeln!(room.out, "  {error}")?,
        }
    };
    let new = NewRequest::blank(to);
    let first = steps(&new).first().map(|step| step.id.clone()).unwrap_or_default();
    let session = Session { schema: Schema::V1, next: first, content: Content { new } };
    save(path, &session, Saving::New)?;
    ask(path, session, room)
}

/// Takes an interview up again.
///
/// # Errors
/// When the file cannot be read, or is no interview; when input or output break.
pub fn resume(path: &Path, room: &mut Room<'_>) -> anyhow::Result<Ended> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let session: Session = toml::from_str(&text)
        .with_context(|| format!("{} is no interview; `rogatory request new` begins one", path.display()))?;
    writeln!(room.out, "Going on with the request to {}. {HELP}", session.content.new.to)?;
    ask(path, session, room)
}

fn ask(path: &Path, mut session: Session, room: &mut Room<'_>) -> anyhow::Result<Ended> {
    let mut screen = "";
    loop {
        let all = steps(&session.content.new);
        let place = all.iter().position(|step| step.id == session.next);
        let Some((place, step)) = place.and_then(|place| Some((place, all.get(place)?))) else {
            return Ok(Ended::Through(Box::new(session.content.new)));
        };
        if step.screen != screen {
            screen = step.screen;
            writeln!(room.out, "\n== {screen}")?;
            if screen == "Legal basis" {
                (room.basis)(&session.content.new, room.out)?;
            }
        }
        let Some(answer) = answer(step, room)? else {
            writeln!(room.out, "\nSaved. Go on with:  rogatory request new --resume {}", path.display())?;
            return Ok(Ended::Left);
        };
        if answer == Answer::Back {
            session.next =
                place.checked_sub(1).and_then(|place| all.get(place)).map_or(&step.id, |one| &one.id).clone();
            screen = "";
            continue;
        }
        if let Err(why) = apply(&mut session.content.new, step, &answer) {
            writeln!(room.out, "  {why}")?;
            continue;
        }
        warn(step, &session.content.new, room)?;
        let after = steps(&session.content.new);
        let place = after.iter().position(|one| one.id == step.id).map_or(place, |place| place + 1);
        session.next = after.get(place).map(|one| one.id.clone()).unwrap_or_else(|| "end".to_owned());
        save(path, &session, Saving::Again)?;
    }
}

/// What the officer answers; nothing when he or she leaves.
fn answer(step: &Step, room: &mut Room<'_>) -> anyhow::Result<Option<Answer>> {
    writeln!(room.out, "\n{}", step.ask)?;
    if !step.now.is_empty() {
        writeln!(room.out, "  now: {}", step.now)?;
    }
    loop {
        write!(room.out, "> ")?;
        room.out.flush()?;
        let Some(first) = line(room.input)? else { return Ok(None) };
        return Ok(Some(match first.trim() {
            ":leave" => return Ok(None),
            ":back" => Answer::Back,
            "" => Answer::Keep,
            "-" => Answer::Clear,
            "?" => {
                writeln!(room.out, "{HELP}\n{}", step.help)?;
                continue;
            }
            text if !step.long => Answer::Text(text.to_owned()),
            text => {
                let mut lines = vec![text.to_owned()];
                while let Some(more) = line(room.input)? {
                    if more.trim() == "." {
                        break;
                    }
                    lines.push(more);
                }
                Answer::Text(lines.join("\n"))
            }
        }));
    }
}

/// What is still missing of that question, with what asks for it.
fn warn(step: &Step, new: &NewRequest, room: &mut Room<'_>) -> anyhow::Result<()> {
    let content = (room.check)(new)?;
    for one in show::list(&content, "findings") {
        let state = show::text(one, "state");
        let about = show::text(one, "what").split([',', ' ']).any(|word| word == step.about);
        let here = match (one.get("measure").and_then(Value::as_str), &step.measure) {
            (Some(measure), Some(number)) => measure.starts_with(&format!("{number} ")),
            (measure, number) => measure.is_none() == number.is_none(),
        };
        if about && here && matches!(state, "missing" | "doubtful") {
            let word = if state == "missing" { "MISSING" } else { "advised" };
            let ground = crate::cli::request_check::ground(one.get("ground").unwrap_or(&Value::Null));
            writeln!(room.out, "  {word}: {} ({ground})", show::text(one, "write"))?;
        }
    }
    Ok(())
}

fn line(input: &mut dyn BufRead) -> anyhow::Result<Option<String>> {
    let mut text = String::new();
    if input.read_line(&mut text).context("what was typed cannot be read")? == 0 {
        return Ok(None);
    }
    Ok(Some(text.trim_end_matches(['\n', '\r']).to_owned()))
}

enum Saving {
    New,
    Again,
}

/// Whole or not at all: the file that is there stays until the new one is on the disk. It holds case content, so only
/// its owner may read it.
fn save(path: &Path, session: &Session, saving: Saving) -> anyhow::Result<()> {
    let head = "# A request that is being written; `rogatory request new --resume FILE` goes on with it.\n\n";
    let text = format!("{head}{}", toml::to_string(session)?);
    let place = || format!("cannot write {}", path.display());
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let beside = PathBuf::from(beside);
    let mut file = match saving {
        Saving::New => OpenOptions::new().write(true).create_new(true).mode(0o600).open(path),
        Saving::Again => OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside),
    }
    .with_context(place)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).with_context(place)?;
    match saving {
        Saving::New => Ok(()),
        Saving::Again => fs::rename(&beside, path).with_context(place),
    }
}

#[cfg(test)]
mod tests;
