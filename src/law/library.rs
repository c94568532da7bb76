//! The instruments that the program brings along, read from their files. Refuses two of one name.

use std::collections::BTreeMap;

use crate::law::instrument::{Instrument, InstrumentError, InstrumentId, Kind};

/// The files, in the order in which answers show them.
const FILES: &[&str] = &[
    include_str!("instruments/l-th.toml"),
    include_str!("instruments/untoc.toml"),
    include_str!("instruments/uncac.toml"),
    include_str!("instruments/asean-mlat.toml"),
    include_str!("instruments/cat.toml"),
    include_str!("instruments/icpped.toml"),
    include_str!("instruments/genocide-1948.toml"),
    include_str!("instruments/geneva-1949.toml"),
    include_str!("instruments/ap-1.toml"),
    include_str!("instruments/rome-part-9.toml"),
    include_str!("instruments/rome-help.toml"),
    include_str!("instruments/coe-1959.toml"),
    include_str!("instruments/coe-2ap.toml"),
    include_str!("instruments/budapest.toml"),
    include_str!("instruments/ilc-cah.toml"),
    include_str!("instruments/vclt.toml"),
];

/// The instruments by name, and the order in which they are shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Library {
    instruments: Vec<Instrument>,
    places: BTreeMap<InstrumentId, usize>,
}

impl Library {
    /// The instruments of the program.
    ///
    /// # Errors
    /// [`InstrumentError`] of the first file that is not good; a test reads all of them.
    pub fn standard() -> Result<Self, InstrumentError> {
        Self::of(FILES.iter().map(|text| Instrument::parse(text)).collect::<Result<_, _>>()?)
    }

    /// A library of these instruments.
    ///
    /// # Errors
    /// [`InstrumentError::Fault`] when two have one name.
    pub fn of(instruments: Vec<Instrument>) -> Result<Self, InstrumentError> {
        let mut places = BTreeMap::new();
        for (place, instrument) in instruments.iter().enumerate() {
            if places.insert(instrument.id.clone(), place).is_some() {
                let what = "stands twice; a registry may add instruments and replace none";
                return Err(InstrumentError::Fault { id: instrument.id.clone(), what });
            }
        }
        Ok(Self { instruments, places })
    }

    /// This library and a registry's own instruments, e.g. bilateral treaties.
    ///
    /// # Errors
    /// [`InstrumentError`] when one is not good, or takes a name that is there.
    pub fn with(self, more: &[Instrument]) -> Result<Self, InstrumentError> {
        let mut instruments = self.instruments;
        for instrument in more {
            instrument.check()?;
            instruments.push(instrument.clone());
        }
        Self::of(instruments)
    }

    /// Every instrument.
    pub fn instruments(&self) -> &[Instrument] {
        &self.instruments
    }

    /// The instrument of that name.
    pub fn find(&self, id: &InstrumentId) -> Option<&Instrument> {
        self.places.get(id).and_then(|place| self.instruments.get(*place))
    }

    /// The general law of treaties, where the library has it.
    pub fn general(&self) -> impl Iterator<Item = &Instrument> {
        self.instruments.iter().filter(|instrument| instrument.kind == Kind::General)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_instrument_of_the_program_reads_and_has_a_source() {
        let library = Library::standard().unwrap();
        assert_eq!(library.instruments().len(), FILES.len());
        for instrument in library.instruments() {
            assert_eq!(library.find(&instrument.id), Some(instrument));
            assert!(!instrument.source.is_empty());
        }
    }

    #[test]
    fn a_registry_adds_instruments_and_replaces_none() {
        let library = Library::standard().unwrap();
        let again = library.instruments()[0].clone();
        assert!(matches!(library.with(&[again]), Err(InstrumentError::Fault { .. })));
    }
}
