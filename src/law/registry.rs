//! The registry: what States did, row after row, as a file. Refuses a gap in the numbers, a row recorded before the one
//! above it, a replacement of anything but an earlier row on the same thing, and whatever is beyond its bounds.
//!
//! Two times stand in each row: when the fact holds, and when the registry learned of it. Rows are only ever added at
//! the end, so a question "as of" an instant has one answer for ever.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::law::instrument::{Instrument, InstrumentError};
use crate::law::row::Row;
use crate::law::row_text::{RowError, RowText};
use crate::model::limits::{LINE_BYTES_MAX, REGISTRY_BYTES_MAX, REGISTRY_INSTRUMENTS_MAX, REGISTRY_ROWS_MAX};
use crate::model::time::Timestamp;

/// The example that the program brings along: fictional States only.
const EXAMPLE: &str = include_str!("example-registry.json");

/// The rows in order, and instruments that the program does not bring along.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registry {
    about: String,
    instruments: Vec<Instrument>,
    rows: Vec<Row>,
}

impl Registry {
    /// Reads a registry file (JSON).
    ///
    /// # Errors
    /// [`RegistryError`] names the first fault and its row.
    pub fn parse(bytes: &[u8]) -> Result<Self, RegistryError> {
        if bytes.len() > REGISTRY_BYTES_MAX {
            return Err(RegistryError::TooLarge);
        }
        let document: Document = serde_json::from_slice(bytes).map_err(|error| json(&error))?;
        Self::try_from(document)
    }

    /// The example: fictional States under user-assigned codes, and says so.
    ///
    /// # Errors
    /// None that a test has not seen: the file is part of the program.
    pub fn example() -> Result<Self, RegistryError> {
        Self::parse(EXAMPLE.as_bytes())
    }

    /// A registry of these rows.
    ///
    /// # Errors
    /// As [`Registry::parse`].
    pub fn of(about: &str, instruments: Vec<Instrument>, rows: Vec<Row>) -> Result<Self, RegistryError> {
        let registry = Self { about: about.to_owned(), instruments, rows };
        registry.check()?;
        Ok(registry)
    }

    /// The file: one row a line, so that two versions differ by line.
    pub fn to_json(&self) -> Vec<u8> {
        let line = |value: serde_json::Result<String>| value.expect("invariant: rows are plain strings and lists");
        let mut out = format!("{{\n\"schema\": {},\n", line(serde_json::to_string(&Schema::V1)));
        out.push_str(&format!("\"about\": {},\n\"instruments\": [\n", line(serde_json::to_string(&self.about))));
        let instruments: Vec<String> =
            self.instruments.iter().map(|instrument| line(serde_json::to_string(instrument))).collect();
        out.push_str(&instruments.join(",\n"));
        out.push_str("\n],\n\"rows\": [\n");
        let rows: Vec<String> =
            self.rows.iter().map(|row| line(serde_json::to_string(&RowText::from(row.clone())))).collect();
        out.push_str(&rows.join(",\n"));
        out.push_str("\n]\n}\n");
        out.into_bytes()
    }

    /// The registry with these rows at its end: a JSON list of rows as the file has them, without `row` and `recorded`,
    /// which are given here. So no keeper can date a row back.
    ///
    /// # Errors
    /// As [`Registry::parse`].
    pub fn with_rows(&self, list: &[u8], now: Timestamp) -> Result<Self, RegistryError> {
        if list.len() > REGISTRY_BYTES_MAX {
            return Err(RegistryError::TooLarge);
        }
        let drafts: Vec<serde_json::Map<String, Value>> = serde_json::from_slice(list).map_err(|e| json(&e))?;
        let mut rows = self.rows.clone();
        for mut draft in drafts {
            let number = u32::try_from(rows.len() + 1).map_err(|_| TOO_MANY_ROWS)?;
            for (field, value) in [("row", Value::from(number)), ("recorded", Value::from(now.to_string()))] {
                if draft.insert(field.to_owned(), value).is_some() {
                    return Err(RegistryError::Given { row: number, field });
                }
            }
            let text: RowText = serde_json::from_value(Value::Object(draft)).map_err(|e| json(&e))?;
            rows.push(Row::try_from(text)?);
        }
        Self::of(&self.about, self.instruments.clone(), rows)
    }

    /// The registry with the data of one more instrument, or with other data of one that it has.
    ///
    /// # Errors
    /// As [`Registry::parse`].
    pub fn with_instrument(&self, instrument: Instrument) -> Result<Self, RegistryError> {
        let mut instruments = self.instruments.clone();
        match instruments.iter_mut().find(|one| one.id == instrument.id) {
            Some(one) => *one = instrument,
            None => instruments.push(instrument),
        }
        Self::of(&self.about, instruments, self.rows.clone())
    }

    /// The registry with another line about itself.
    ///
    /// # Errors
    /// As [`Registry::parse`].
    pub fn about_itself(&self, about: &str) -> Result<Self, RegistryError> {
        Self::of(about, self.instruments.clone(), self.rows.clone())
    }

    /// What the registry says of itself.
    pub fn about(&self) -> &str {
        &self.about
    }

    /// The instruments that it adds.
    pub fn instruments(&self) -> &[Instrument] {
        &self.instruments
    }

    /// The rows in order.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    fn check(&self) -> Result<(), RegistryError> {
        if self.about.len() > LINE_BYTES_MAX || self.about.chars().any(char::is_control) {
            return Err(RegistryError::About);
        }
        if self.rows.len() > REGISTRY_ROWS_MAX {
            return Err(TOO_MANY_ROWS);
        }
        if self.instruments.len() > REGISTRY_INSTRUMENTS_MAX {
            return Err(RegistryError::TooMany("instruments", REGISTRY_INSTRUMENTS_MAX));
        }
        self.instruments.iter().try_for_each(Instrument::check)?;
        let mut above: Option<&Row> = None;
        for (place, row) in (1_u32..).zip(&self.rows) {
            if row.number != place {
                return Err(RegistryError::Gap { expected: place, found: row.number });
            }
            if above.is_some_and(|above| row.recorded < above.recorded) {
                return Err(RegistryError::BackDated(place));
            }
            if let Some(number) = row.replaces {
                let replaced = self.row(number).filter(|_| number < place);
                if !replaced.is_some_and(|old| old.instrument == row.instrument && old.state == row.state) {
                    return Err(RegistryError::Replaces { row: place, replaces: number });
                }
            }
            above = Some(row);
        }
        Ok(())
    }

    fn row(&self, number: u32) -> Option<&Row> {
        self.rows.get(usize::try_from(number).ok()?.checked_sub(1)?)
    }
}

const TOO_MANY_ROWS: RegistryError = RegistryError::TooMany("rows", REGISTRY_ROWS_MAX);

fn json(error: &serde_json::Error) -> RegistryError {
    RegistryError::Json(error.to_string().chars().filter(|c| !c.is_control()).take(400).collect())
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    schema: Schema,
    about: String,
    #[serde(default)]
    instruments: Vec<Instrument>,
    rows: Vec<RowText>,
}

#[derive(Serialize, Deserialize)]
enum Schema {
    #[serde(rename = "rogatory.registry.v1")]
    V1,
}

impl TryFrom<Document> for Registry {
    type Error = RegistryError;

    fn try_from(document: Document) -> Result<Self, RegistryError> {
        if document.rows.len() > REGISTRY_ROWS_MAX {
            return Err(TOO_MANY_ROWS);
        }
        let rows = document.rows.into_iter().map(Row::try_from).collect::<Result<_, _>>()?;
        Self::of(&document.about, document.instruments, rows)
    }
}

impl Serialize for Registry {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let rows = self.rows.iter().cloned().map(RowText::from).collect();
        let document =
            Document { schema: Schema::V1, about: self.about.clone(), instruments: self.instruments.clone(), rows };
        document.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Registry {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::try_from(Document::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// Why a registry was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegistryError {
    /// Beyond the limit.
    #[error("a registry file has at most {REGISTRY_BYTES_MAX} bytes")]
    TooLarge,
    /// Beyond the limit.
    #[error("a registry has at most {1} {0}")]
    TooMany(&'static str, usize),
    /// Not the document that it should be.
    #[error("{0}")]
    Json(String),
    /// No line of text.
    #[error("`about` is one line, at most {LINE_BYTES_MAX} bytes")]
    About,
    /// An instrument that is not good.
    #[error("{0}")]
    Instrument(#[from] InstrumentError),
    /// A row that is not good.
    #[error("{0}")]
    Row(#[from] RowError),
    /// A new row that brings what is given to it.
    #[error("row {row}: leave `{field}` out; it is given when the row is added")]
    Given {
        /// The row.
        row: u32,
        /// The field.
        field: &'static str,
    },
    /// A row is missing.
    #[error("row {found} stands where row {expected} should; rows are never taken out, a later row replaces them")]
    Gap {
        /// The number that should be here.
        expected: u32,
        /// The number that is.
        found: u32,
    },
    /// Recorded before the row above.
    #[error("row {0} was recorded before the row above it; rows are added at the end")]
    BackDated(u32),
    /// Replaces what it cannot.
    #[error("row {row} replaces row {replaces}, which is no earlier row of the same State and instrument")]
    Replaces {
        /// The row.
        row: u32,
        /// What it names.
        replaces: u32,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::law::library::Library;
    use crate::law::subject::SubjectKind;
    use crate::law::view::Book;

    #[test]
    fn the_example_is_in_its_own_spelling_and_names_no_real_state() {
        let example = Registry::example().unwrap();
        assert_eq!(String::from_utf8(example.to_json()).unwrap(), EXAMPLE);
        assert!(example.about().starts_with("EXAMPLE"));
        for subject in example.rows().iter().flat_map(|row| row.state.iter().chain(&row.counterpart)) {
            // ISO 3166-1 leaves XA to XZ to its users: no State will ever have them.
            assert!(subject.kind() == SubjectKind::State && subject.as_str().starts_with('X'), "{subject}");
        }
        assert!(Book::new(Library::standard().unwrap(), example).is_ok());
    }
}
