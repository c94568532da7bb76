//! One row of the registry: what a State did about an instrument, from when, recorded when, and who says so. A row that
//! exists has every field that its fact needs; [`crate::law::row_text`] refuses the others.

use std::fmt;

use crate::law::instrument::InstrumentId;
use crate::law::subject::Subject;
use crate::law::words::Measure;
use crate::model::authority::Provenance;
use crate::model::date::Date;
use crate::model::ident::Digest;
use crate::model::time::Timestamp;

/// A row. It is never changed: a later row replaces it, and both stay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its number: rows are numbered from 1 without a gap, so that none can be taken out unnoticed.
    pub number: u32,
    /// The instrument.
    pub instrument: InstrumentId,
    /// Who acted; nobody for a keeper's confirmation of a text.
    pub state: Option<Subject>,
    /// The other side, where the fact is about two.
    pub counterpart: Option<Subject>,
    /// The first day on which the fact holds; for a notice, the day on which it was received.
    pub from: Date,
    /// The first day on which it no longer holds.
    pub to: Option<Date>,
    /// When the registry learned of it.
    pub recorded: Timestamp,
    /// The earlier row that this one takes the place of.
    pub replaces: Option<u32>,
    /// The only territory that it is about.
    pub territory: Option<String>,
    /// Who says so.
    pub source: Source,
    /// What happened.
    pub fact: Fact,
}

/// Who says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The kind of source.
    pub kind: Provenance,
    /// Which document.
    pub note: String,
    /// The digest of that document, where it is at hand.
    pub document: Option<Digest>,
}

/// What a row tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    /// Signed, and no more.
    Signature,
    /// Party: in force for that State from the day on.
    Party,
    /// Applies the instrument provisionally.
    Provisional(Parts),
    /// Gave notice that something ends; `effective` as announced, if it was.
    Withdrawal {
        /// What ends.
        of: Ends,
        /// The day that was announced.
        effective: Option<Date>,
    },
    /// Declared an annex; `effective` as announced, if it was.
    Annex {
        /// The key of the annex.
        annex: String,
        /// The day that was announced.
        effective: Option<Date>,
    },
    /// Declared that older conduct is not covered.
    CutOff {
        /// Conduct before this day.
        before: Date,
        /// For the crimes of this annex only.
        annex: Option<String>,
    },
    /// Made a reservation.
    Reservation {
        /// To these articles.
        articles: Vec<String>,
        /// About these kinds of help.
        measures: Vec<Measure>,
        /// How far it goes.
        extent: Extent,
    },
    /// Objected to what the counterpart did.
    Objection(ObjectionEffect),
    /// Agreed to use the instrument for one request.
    AdHoc {
        /// The request's reference.
        request: String,
        /// Who signed.
        signed_by: Vec<Subject>,
        /// What was found on the three tests.
        tests: Tests,
    },
    /// Agreed with the counterpart on how things are done.
    Agreement(Agreed),
    /// Declared how requests must come.
    Channel(Channel),
    /// Declared whether the instrument is a treaty basis for extradition.
    TreatyBasis(Finding),
    /// Is bound by another text than the one in the file.
    Version(String),
    /// A keeper read these articles and confirms them.
    Confirmation(Vec<String>),
    /// The replaced row was wrong, and nothing takes its place.
    Retraction,
}

/// The whole instrument, or some Parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Parts {
    /// All of it.
    Whole,
    /// These.
    Some(Vec<String>),
}

/// What a withdrawal ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ends {
    /// Being a party.
    Treaty,
    /// Provisional application.
    Provisional,
    /// The declaration of this annex.
    Annex(String),
}

/// How far a reservation goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// The provision does not bind.
    Excludes,
    /// It binds under limits that the source tells.
    Limits,
}

/// What an objecting State said about the effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectionEffect {
    /// The instrument is not in force between the two.
    NoRelations,
    /// It is; only to the reservation was objected.
    ReservationOnly,
    /// Nothing clear.
    Unstated,
}

/// A person's finding on one question of fact or law.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Finding {
    /// Found so.
    Yes,
    /// Found otherwise.
    No,
    /// Not looked at yet.
    #[default]
    Open,
}

/// The three tests of an agreement for one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tests {
    /// The conduct is one of the crimes, under international law.
    pub international: Finding,
    /// And under the law of the requesting State.
    pub requesting: Finding,
    /// And extraditable under the law of the requested State.
    pub requested: Finding,
}

/// What two States agreed about procedure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Agreed {
    /// To use the instrument's own procedure although another treaty binds them.
    OwnProcedure,
    /// Secure electronic transmission.
    Electronic,
    /// Urgent requests by word of mouth or other quick means.
    UrgentOral,
    /// Urgent requests through INTERPOL.
    UrgentInterpol,
    /// An arrangement between the Court and a State that is no party.
    Arrangement,
}

/// A path that a State declared for requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Channel {
    /// To its central authority.
    CentralAuthority,
    /// Through diplomatic posts.
    Diplomatic,
    /// Through INTERPOL, where possible.
    Interpol,
    /// Straight to its courts or prosecutors.
    DirectJudicial,
}

/// What kind of fact a row tells: by it the look-up finds the few rows that a step is about without touching the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FactKind {
    /// [`Fact::Signature`]
    Signature,
    /// [`Fact::Party`]
    Party,
    /// [`Fact::Provisional`]
    Provisional,
    /// [`Fact::Withdrawal`]
    Withdrawal,
    /// [`Fact::Annex`]
    Annex,
    /// [`Fact::CutOff`]
    CutOff,
    /// [`Fact::Reservation`]
    Reservation,
    /// [`Fact::Objection`]
    Objection,
    /// [`Fact::AdHoc`]
    AdHoc,
    /// [`Fact::Agreement`]
    Agreement,
    /// [`Fact::Channel`]
    Channel,
    /// [`Fact::TreatyBasis`]
    TreatyBasis,
    /// [`Fact::Version`]
    Version,
    /// [`Fact::Confirmation`]
    Confirmation,
    /// [`Fact::Retraction`]
    Retraction,
}

impl Fact {
    /// Its kind.
    pub const fn kind(&self) -> FactKind {
        match self {
            Self::Signature => FactKind::Signature,
            Self::Party => FactKind::Party,
            Self::Provisional(_) => FactKind::Provisional,
            Self::Withdrawal { .. } => FactKind::Withdrawal,
            Self::Annex { .. } => FactKind::Annex,
            Self::CutOff { .. } => FactKind::CutOff,
            Self::Reservation { .. } => FactKind::Reservation,
            Self::Objection(_) => FactKind::Objection,
            Self::AdHoc { .. } => FactKind::AdHoc,
            Self::Agreement(_) => FactKind::Agreement,
            Self::Channel(_) => FactKind::Channel,
            Self::TreatyBasis(_) => FactKind::TreatyBasis,
            Self::Version(_) => FactKind::Version,
            Self::Confirmation(_) => FactKind::Confirmation,
            Self::Retraction => FactKind::Retraction,
        }
    }
}

impl Row {
    /// Whether the row is about that subject acting.
    pub fn is_of(&self, subject: &Subject) -> Belongs {
        if self.state.as_ref() == Some(subject) { Belongs::Acts } else { Belongs::Faces }
    }

    /// Whether both subjects stand in the row, in either order.
    pub fn joins(&self, one: &Subject, other: &Subject) -> Option<&Fact> {
        let (state, counterpart) = (self.state.as_ref()?, self.counterpart.as_ref()?);
        let joined = (state == one && counterpart == other) || (state == other && counterpart == one);
        joined.then_some(&self.fact)
    }
}

/// Which side of a row a subject is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Belongs {
    /// It did what the row tells.
    Acts,
    /// The row is about somebody else, and about it.
    Faces,
}

impl Source {
    /// The kind of source, in the words of the file.
    pub fn kind_name(&self) -> &'static str {
        match self.kind {
            Provenance::Depositary => "depositary",
            Provenance::PeerNotice => "peer-notice",
            Provenance::InterimSupport => "interim-support",
            Provenance::LocalBelief => "local-belief",
        }
    }
}

impl fmt::Display for Row {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "row {} ({})", self.number, self.source.kind_name())
    }
}
