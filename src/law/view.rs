//! The registry as it stood at one instant, and the library beside it. Refuses a row about an instrument or an annex
//! that nobody described.

use std::collections::HashMap;

use crate::law::instrument::{Instrument, InstrumentError, InstrumentId};
use crate::law::library::Library;
use crate::law::mark::Trust;
use crate::law::provision::Provision;
use crate::law::registry::Registry;
use crate::law::row::{Belongs, Ends, Fact, FactKind, Row};
use crate::law::rule::Rule;
use crate::law::subject::Subject;
use crate::model::time::Timestamp;

/// Library and registry, indexed once for many questions.
#[derive(Debug, Clone)]
pub struct Book {
    library: Library,
    registry: Registry,
    /// Rows by subject and instrument, whichever side the subject is on.
    places: HashMap<Subject, HashMap<InstrumentId, Vec<Place>>>,
    confirmations: HashMap<InstrumentId, Vec<Place>>,
}

/// A row as the index knows it: enough to pass over a row without touching it.
#[derive(Debug, Clone, Copy)]
struct Place {
    /// Its place in the registry.
    at: usize,
    kind: FactKind,
    side: Belongs,
    recorded: Timestamp,
    /// When it was replaced.
    replaced: Option<Timestamp>,
}

impl Place {
    fn is_live(&self, as_of: Timestamp) -> Live {
        let replaced = self.replaced.is_some_and(|at| at <= as_of);
        if self.recorded <= as_of && !replaced { Live::Yes } else { Live::No }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Live {
    Yes,
    No,
}

impl Book {
    /// Indexes the registry; its own instruments join the library.
    ///
    /// # Errors
    /// [`BookError`] names the first row that is about something unknown.
    pub fn new(library: Library, registry: Registry) -> Result<Self, BookError> {
        let library = library.with(registry.instruments())?;
        let replaced = replaced(&registry);
        let mut book = Self { library, places: HashMap::new(), confirmations: HashMap::new(), registry };
        for ((at, row), replaced) in book.registry.rows().iter().enumerate().zip(replaced) {
            let instrument = book
                .library
                .find(&row.instrument)
                .ok_or_else(|| BookError::Instrument { row: row.number, id: row.instrument.clone() })?;
            if let Some(key) = annex(&row.fact).filter(|key| instrument.annex(key).is_none()) {
                return Err(BookError::Annex { row: row.number, key: key.to_owned() });
            }
            let place = |side| Place { at, kind: row.fact.kind(), side, recorded: row.recorded, replaced };
            for subject in row.state.iter().chain(&row.counterpart) {
                let of_subject = book.places.entry(subject.clone()).or_default();
                of_subject.entry(row.instrument.clone()).or_default().push(place(row.is_of(subject)));
            }
            if matches!(row.fact, Fact::Confirmation(_)) {
                book.confirmations.entry(row.instrument.clone()).or_default().push(place(Belongs::Acts));
            }
        }
        Ok(book)
    }

    /// The instruments.
    pub fn library(&self) -> &Library {
        &self.library
    }

    /// The rows.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// What was known at that instant.
    pub fn view(&self, as_of: Timestamp) -> View<'_> {
        View { book: self, as_of }
    }
}

/// When each row was replaced.
fn replaced(registry: &Registry) -> Vec<Option<Timestamp>> {
    let mut replaced = vec![None; registry.rows().len()];
    for row in registry.rows() {
        let old = row.replaces.and_then(|number| usize::try_from(number).ok()?.checked_sub(1));
        if let Some(slot) = old.and_then(|place| replaced.get_mut(place)) {
            slot.get_or_insert(row.recorded);
        }
    }
    replaced
}

fn annex(fact: &Fact) -> Option<&str> {
    match fact {
        Fact::Annex { annex, .. } | Fact::CutOff { annex: Some(annex), .. } => Some(annex),
        Fact::Withdrawal { of: Ends::Annex(annex), .. } => Some(annex),
        _ => None,
    }
}

/// What was known at one instant.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    book: &'a Book,
    as_of: Timestamp,
}

impl<'a> View<'a> {
    /// The instruments.
    pub fn library(&self) -> &'a Library {
        &self.book.library
    }

    /// What that subject did about that instrument in facts of these kinds, as far as it was recorded and is not replaced.
    pub fn acts(
        &self,
        instrument: &Instrument,
        subject: &Subject,
        kinds: &'static [FactKind],
    ) -> impl Iterator<Item = &'a Row> + use<'a> {
        self.live(instrument, subject, kinds, Some(Belongs::Acts))
    }

    /// Rows about both, of that kind.
    pub fn between(
        &self,
        instrument: &Instrument,
        one: &'a Subject,
        other: &'a Subject,
        kinds: &'static [FactKind],
    ) -> impl Iterator<Item = &'a Row> + use<'a> {
        self.live(instrument, one, kinds, None).filter(move |row| row.joins(one, other).is_some())
    }

    /// Whether any row is about that subject.
    pub fn knows(&self, subject: &Subject) -> Known {
        let mut places = self.book.places.get(subject).into_iter().flat_map(HashMap::values).flatten();
        if places.any(|place| place.is_live(self.as_of) == Live::Yes) { Known::Yes } else { Known::No }
    }

    /// The first general rule of that kind, from the law of treaties.
    pub fn general(&self, key: Rule) -> Option<Provision<'a>> {
        self.book
            .library
            .general()
            .find_map(|instrument| instrument.rule(key).map(|rule| instrument.cite(&rule.article, &rule.mark)))
    }

    /// The article by which a reservation works against the State that made it: the instrument's own, or the general one.
    pub fn reciprocity(&self, instrument: &'a Instrument) -> Option<Provision<'a>> {
        let own = instrument.rule(Rule::Reciprocity).map(|rule| instrument.cite(&rule.article, &rule.mark));
        own.or_else(|| self.general(Rule::Reciprocity))
    }

    /// Whether a provision may decide: its text was read, or a keeper confirmed it.
    pub fn trust(&self, provision: &Provision<'a>) -> Confirmed<'a> {
        if provision.mark.standing() == Trust::Decides {
            return Confirmed::Read;
        }
        self.confirmed(&provision.instrument.id, provision.article)
    }

    /// Whether a keeper confirmed that article.
    pub fn confirmed(&self, instrument: &InstrumentId, article: &str) -> Confirmed<'a> {
        let places = self.book.confirmations.get(instrument).into_iter().flatten();
        let live = places.filter(|place| place.is_live(self.as_of) == Live::Yes);
        let mut rows = live.filter_map(|place| self.book.registry.rows().get(place.at));
        let confirms = |row: &&Row| match &row.fact {
            Fact::Confirmation(articles) => articles.iter().any(|confirmed| confirmed == article),
            _ => false,
        };
        rows.find(confirms).map_or(Confirmed::Nobody, Confirmed::By)
    }

    fn live(
        &self,
        instrument: &Instrument,
        subject: &Subject,
        kinds: &'static [FactKind],
        side: Option<Belongs>,
    ) -> impl Iterator<Item = &'a Row> + use<'a> {
        let places = self.book.places.get(subject).and_then(|of_subject| of_subject.get(&instrument.id));
        let (as_of, rows) = (self.as_of, self.book.registry.rows());
        let wanted = move |place: &&Place| {
            kinds.contains(&place.kind)
                && side.is_none_or(|side| side == place.side)
                && place.is_live(as_of) == Live::Yes
        };
        places.into_iter().flatten().filter(wanted).filter_map(move |place| rows.get(place.at))
    }
}

/// Whether the registry has heard of a subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// It has.
    Yes,
    /// It has not.
    No,
}

/// Why a provision may decide, or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confirmed<'a> {
    /// Its text was read.
    Read,
    /// It was recalled, and this row confirms it.
    By(&'a Row),
    /// It was recalled, and nobody confirmed it.
    Nobody,
}

/// Why library and registry do not fit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BookError {
    /// An instrument of the registry is not good.
    #[error("{0}")]
    Own(#[from] InstrumentError),
    /// A row about an instrument that nobody described.
    #[error("row {row} is about `{id}`, which is no instrument of the program or of this registry")]
    Instrument {
        /// The row.
        row: u32,
        /// What it names.
        id: InstrumentId,
    },
    /// A row about an annex that the instrument does not have.
    #[error("row {row} is about annex `{key}`, which the instrument does not have")]
    Annex {
        /// The row.
        row: u32,
        /// What it names.
        key: String,
    },
}
