//! Whether a message may come now, by the table and the life so far. Refuses with a sentence that says what to do.

use crate::law::life::note::{Consultation, Note};
use crate::law::life::state::{Life, Stage};
use crate::law::life::table::{Require, StepText, When, Who, table};
use crate::model::ident::Id;
use crate::model::message::MessageKind;
use crate::model::side::Side;

/// The row that the message follows, if it may come now.
///
/// # Errors
/// [`OutOfTurn`] says why not.
pub fn may(life: &Life, note: &Note) -> Result<&'static StepText, OutOfTurn> {
    let kind = note.kind;
    let step = table().step(kind, &note.word).ok_or(OutOfTurn::NoRow { kind })?;
    match (kind.opens(), life.begun) {
        (true, true) => return Err(OutOfTurn::Again { kind }),
        (false, false) => return Err(OutOfTurn::NoThread { kind }),
        _ => {}
    }
    spoken(life, note, step)?;
    match step.when {
        When::Running if life.stage.ended() => return Err(OutOfTurn::Ended { kind, stage: life.stage }),
        When::Unsettled if life.over() => return Err(OutOfTurn::Ended { kind, stage: life.stage }),
        _ => {}
    }
    if !step.needs.is_empty() && !owed(life, note, step) {
        return Err(OutOfTurn::NotAsked { kind });
    }
    if step.requires.contains(&Require::NothingOwed)
        && let Some(duty) = life.duties.iter().find(|duty| duty.survives() && duty.key != "reopened")
    {
        return Err(OutOfTurn::Owed { kind, what: duty.says, owner: duty.owner, article: duty.article });
    }
    if step.requires.contains(&Require::NothingOwed) && life.items_due() {
        return Err(OutOfTurn::ItemsDue { kind });
    }
    Ok(step)
}

/// What the writer is held to beyond what the other side checks: a refusal follows a consultation, or says why none was
/// appropriate.
///
/// # Errors
/// [`OutOfTurn::Unconsulted`], or a measure that was not asked for.
pub fn well_made(life: &Life, note: &Note) -> Result<(), OutOfTurn> {
    let step = may(life, note)?;
    let silent = !life.consulted && note.consultation == Consultation::Silent;
    if step.requires.contains(&Require::Consulted) && silent {
        let article = table().duty("consult").map_or("", |duty| duty.article.as_str());
        return Err(OutOfTurn::Unconsulted { article });
    }
    let asked = u32::try_from(life.measures.len()).unwrap_or(u32::MAX);
    match note.measures.iter().find(|measure| **measure > asked) {
        Some(measure) if !note.kind.opens() => Err(OutOfTurn::NoMeasure { measure: *measure, asked }),
        _ => Ok(()),
    }
}

/// Who speaks is who the row names.
fn spoken(life: &Life, note: &Note, step: &StepText) -> Result<(), OutOfTurn> {
    let kind = note.kind;
    let right = match step.by {
        Who::Requesting => note.side == Side::Requesting,
        Who::Requested => note.side == Side::Requested,
        Who::Either | Who::Other => true,
        Who::Provider | Who::Holder => {
            let Some(package_id) = note.package_id else {
                // Without a package it is about all that was handed over; the requested side provides as a rule.
                let provider = life.parcels.values().next().map_or(Side::Requested, |parcel| parcel.provider);
                let speaks = (note.side == provider) == (step.by == Who::Provider);
                return if speaks { Ok(()) } else { Err(OutOfTurn::Speaker { kind }) };
            };
            let parcel = life.parcels.get(&package_id).ok_or(OutOfTurn::NoPackage { kind, package_id })?;
            if let Some(object) = note.objects.iter().find(|object| !parcel.items.contains_key(object)) {
                return Err(OutOfTurn::NoItem { package_id, object: *object });
            }
            (note.side == parcel.provider) == (step.by == Who::Provider)
        }
    };
    if right { Ok(()) } else { Err(OutOfTurn::Speaker { kind }) }
}

/// Whether one of the duties that the message answers is owed by its speaker, and for its package.
fn owed(life: &Life, note: &Note, step: &StepText) -> bool {
    life.duties.iter().any(|duty| {
        // Anybody in the team may end it; who set a time limit says what follows from it.
        let anybodys = (step.by == Who::Either && duty.key == "team") || step.message == MessageKind::InfoExpired;
        let mine = duty.owner == note.side || anybodys;
        let about = note.package_id.is_none_or(|id| duty.package_id.is_none_or(|package| package == id));
        step.needs.iter().any(|key| key == duty.key) && mine && about
    })
}

/// Why a message may not come now.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OutOfTurn {
    /// A kind that the table does not know.
    #[error("{} has no row in the table of this version", kind.name())]
    NoRow {
        /// The kind.
        kind: MessageKind,
    },
    /// A thread that is open already.
    #[error("{} opens a thread; this one is open already", kind.name())]
    Again {
        /// The kind.
        kind: MessageKind,
    },
    /// No request yet.
    #[error("{} belongs to a request that was not sent yet", kind.name())]
    NoThread {
        /// The kind.
        kind: MessageKind,
    },
    /// The other side's to say.
    #[error("{} is for the other side of this request to send", kind.name())]
    Speaker {
        /// The kind.
        kind: MessageKind,
    },
    /// Too late.
    #[error("{} comes too late: the request is {}; `obligation.reopen` reopens it for an obligation", kind.name(), stage.name())]
    Ended {
        /// The kind.
        kind: MessageKind,
        /// Where the request is.
        stage: Stage,
    },
    /// An answer to nothing.
    #[error("{} answers something that nobody asked, or that was answered already; see `rogatory request show`", kind.name())]
    NotAsked {
        /// The kind.
        kind: MessageKind,
    },
    /// An obligation is open.
    #[error("{} is not possible yet: the {} side must still {what} ({article})", kind.name(), side_name(*owner))]
    Owed {
        /// The kind.
        kind: MessageKind,
        /// What is owed.
        what: &'static str,
        /// By whom.
        owner: Side,
        /// The article.
        article: &'static str,
    },
    /// Items are due.
    #[error("{} is not possible yet: items must still come back or be destroyed; see `rogatory duties`", kind.name())]
    ItemsDue {
        /// The kind.
        kind: MessageKind,
    },
    /// A package that was never handed over.
    #[error("{} names package {package_id}, which was not handed over in this thread", kind.name())]
    NoPackage {
        /// The kind.
        kind: MessageKind,
        /// The package.
        package_id: Id,
    },
    /// An item that the package has not.
    #[error("package {package_id} has no item {object}")]
    NoItem {
        /// The package.
        package_id: Id,
        /// The item.
        object: u32,
    },
    /// A measure that was not asked for.
    #[error("there is no measure {measure}: the request asks for {asked}")]
    NoMeasure {
        /// The measure.
        measure: u32,
        /// How many there are.
        asked: u32,
    },
    /// A refusal out of the blue.
    #[error(
        "consult before you refuse (`rogatory reply consult`), or say with --without-consultation why that is not \
         appropriate ({article})"
    )]
    Unconsulted {
        /// The article.
        article: &'static str,
    },
}

/// A side, for people.
pub const fn side_name(side: Side) -> &'static str {
    match side {
        Side::Requesting => "requesting",
        Side::Requested => "requested",
    }
}
