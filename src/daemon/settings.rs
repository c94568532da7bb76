//! Where each setting came from: the file, a variable of the environment, or the default. Refuses a variable that no setting
//! takes, and names the setting that was probably meant.
//!
//! ```text
//!  delivery.reserve_mib  <-  ROGATORY_DELIVERY_RESERVE_MIB        the value itself
//!                        <-  ROGATORY_DELIVERY_RESERVE_MIB_FILE   a file that holds it (a secret of an orchestrator)
//!                        <-  config.toml: [delivery] reserve_mib
//!                        <-  the default
//! ```

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use toml::{Table, Value};

use crate::daemon::config::{Config, ConfigError, Officer, Web};
use crate::daemon::time_settings::TimeStampSettings;
use crate::daemon::traces::TraceSettings;
use crate::model::event::Role;
use crate::model::limits::SETTING_FILE_BYTES_MAX;

/// How the variables begin.
const PREFIX: &str = "ROGATORY_";
/// How the variables end that name a file.
const BY_FILE: &str = "_FILE";
/// The officers, as `NAME=ROLE,…@UID,…` with `;` between them.
const OFFICERS: &str = "ROGATORY_OFFICERS";
/// The short name of `ROGATORY_LOG_LEVEL`.
const LEVEL: &str = "ROGATORY_LOG";

/// Settings with their origin.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The settings in force.
    pub config: Config,
    sources: BTreeMap<String, Source>,
    defaults: Table,
}

/// Where a setting came from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// `config.toml`.
    File,
    /// That variable.
    Variable(String),
    /// The default.
    Default,
}

/// One line of `config show`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Dotted name.
    pub name: String,
    /// What is in force, as TOML; `None`: not set.
    pub value: Option<String>,
    /// Where it came from.
    pub source: Source,
    /// What it would be, as TOML; `None`: not set, or it must be written.
    pub default: Option<String>,
}

impl Settings {
    /// Reads the file and what the variables say otherwise.
    ///
    /// # Errors
    /// [`ConfigError`] names the file or the variable, and the setting.
    pub fn read(path: &Path, variables: impl Iterator<Item = (String, String)>) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
        Self::parse(&text, variables).map_err(|cause| ConfigError::Invalid { path: path.to_owned(), cause })
    }

    /// Parses settings, and what the variables say otherwise.
    ///
    /// # Errors
    /// A sentence that names the setting or the variable.
    pub fn parse(text: &str, variables: impl Iterator<Item = (String, String)>) -> Result<Self, String> {
        let mut table: Table = toml::from_str(text).map_err(|error: toml::de::Error| error.to_string())?;
        let samples = samples();
        let known: Vec<String> = leaves(&samples).into_iter().map(|(name, _)| name).collect();
        let mut sources: BTreeMap<_, _> = leaves(&table).into_iter().map(|(name, _)| (name, Source::File)).collect();
        let taken = overrides(&samples, &known, variables)?;
        for (name, variable, value) in taken {
            one_authority(&table, &name, &variable, &value)?;
            put(&mut table, &name, value);
            sources.insert(name, Source::Variable(variable));
        }
        let config = Config::parse(&table.to_string()).map_err(|error| {
            // The file by itself shows the line; unless it only lacks what a variable says.
            let of_file = Config::parse(text).err().filter(|error| !error.contains("missing field"));
            with_nearest(of_file.unwrap_or(error), &table, &samples)
        })?;
        let mut defaults = table_of(&bare(&config));
        for needed in ["authority", "name", "listen"] {
            defaults.remove(needed);
        }
        Ok(Self { config, sources, defaults })
    }

    /// Every setting, in the order of the alphabet.
    pub fn lines(&self) -> Vec<Line> {
        let written = |table: &Table| -> BTreeMap<String, String> {
            leaves(table).into_iter().map(|(name, value)| (name, value.to_string())).collect()
        };
        let (set, defaults) = (written(&table_of(&self.config)), written(&self.defaults));
        let mut names: Vec<String> = leaves(&samples()).into_iter().map(|(name, _)| name).collect();
        names.extend(set.keys().filter(|name| !names.contains(name)).cloned().collect::<Vec<_>>());
        names.sort();
        let line = |name: String| {
            let source = self.sources.get(&name).cloned().unwrap_or(Source::Default);
            Line { value: set.get(&name).cloned(), default: defaults.get(&name).cloned(), source, name }
        };
        names.into_iter().map(line).collect()
    }
}

/// Settings in which everything is said that may be: what they are called, and of which kind they are.
fn samples() -> Table {
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 4711));
    let web = || Some(Web { listen, certificate: Some("web.crt".into()), key: Some("web.key".into()) });
    let mut config = Config::bare("XA-MOJ".parse().expect("a well-formed authority"), "Arcadia".to_owned(), listen);
    config.witness.ca_file = Some("web-ca.pem".into());
    (config.web, config.admin) = (web(), web());
    config.traces =
        Some(TraceSettings { url: "http://127.0.0.1:4318/v1/traces".to_owned(), ca_file: Some("ca.pem".into()) });
    config.officer = vec![Officer { name: "Ana".to_owned(), roles: vec![Role::Drafter], unix_uids: vec![1000] }];
    config.time_stamp = vec![TimeStampSettings {
        name: "arcadia-time".to_owned(),
        url: "http://tsa.example.org/tsr".to_owned(),
        ca_file: "arcadia-time.pem".into(),
        every_hours: 24,
        tls_ca_file: Some("web-ca.pem".into()),
    }];
    table_of(&config)
}

/// The same node with everything else by default.
fn bare(config: &Config) -> Config {
    Config::bare(config.authority.clone(), config.name.clone(), config.listen)
}

fn table_of(config: &Config) -> Table {
    toml::from_str(&config.to_text()).expect("what was just written as TOML reads back")
}

/// What the variables say: setting, variable, value.
fn overrides(
    samples: &Table,
    known: &[String],
    variables: impl Iterator<Item = (String, String)>,
) -> Result<Vec<(String, String, Value)>, String> {
    let mut found = Vec::new();
    for (variable, text) in variables.filter(|(name, _)| name.starts_with(PREFIX)) {
        if variable == OFFICERS {
            found.push(("officer".to_owned(), variable, officers(&text)?));
            continue;
        }
        let named = |name: &&String| variable_of(name) == variable || (variable == LEVEL && *name == "log.level");
        let exact = known.iter().find(named);
        let by_file = variable.strip_suffix(BY_FILE).and_then(|v| known.iter().find(|name| variable_of(name) == v));
        let (name, text) = match (exact, by_file) {
            (Some(name), _) => (name, text),
            (None, Some(name)) => (name, content(&variable, &text)?),
            (None, None) => {
                refuse_misspelt(&variable, samples, known)?;
                continue;
            }
        };
        let sample = at(samples, name).ok_or_else(|| format!("{variable}: there is no setting {name}"))?;
        found.push((name.clone(), variable.clone(), value(&variable, text.trim(), sample)?));
    }
    // `ROGATORY_X` before `ROGATORY_X_FILE`: an order that does not depend on the environment.
    found.sort_by(|one, other| (&one.0, &one.1).cmp(&(&other.0, &other.1)));
    match found.windows(2).find(|pair| matches!(pair, [one, other] if one.0 == other.0)) {
        Some([one, other]) => Err(format!("{} and {} both set {}; leave one out", one.1, other.1, one.0)),
        _ => Ok(found),
    }
}

/// Attack on oneself: the variables of one authority's container over the volume of another.
fn one_authority(table: &Table, name: &str, variable: &str, value: &Value) -> Result<(), String> {
    match (name, table.get(name)) {
        ("authority", Some(written)) if written != value => Err(format!(
            "{variable} says {value} and the file {written}; a node speaks for one authority for ever: is this the right data?"
        )),
        _ => Ok(()),
    }
}

/// The variable of a setting.
fn variable_of(name: &str) -> String {
    format!("{PREFIX}{}", name.replace('.', "_").to_ascii_uppercase())
}

/// A variable of a section of ours must be a setting. What else begins like ours is not: an orchestrator puts variables for
/// a service called `rogatory` into every container.
fn refuse_misspelt(variable: &str, samples: &Table, known: &[String]) -> Result<(), String> {
    let sections = samples.iter().filter(|(_, value)| value.is_table()).map(|(name, _)| name);
    let ours = |section: &String| variable.starts_with(&format!("{}_", variable_of(section)));
    if !sections.into_iter().any(ours) {
        return Ok(());
    }
    let variables: Vec<String> = known.iter().map(|name| variable_of(name)).collect();
    let meant = nearest(variable, &variables).map_or(String::new(), |near| format!("; did you mean {near}?"));
    Err(format!("the variable {variable} sets nothing{meant} `rogatory config show` lists all settings"))
}

fn content(variable: &str, path: &str) -> Result<String, String> {
    let fault = |error: std::io::Error| format!("{variable}: cannot read {path}: {error}");
    if std::fs::metadata(path).map_err(fault)?.len() > SETTING_FILE_BYTES_MAX {
        return Err(format!(
            "{variable}: {path} holds more than {SETTING_FILE_BYTES_MAX} bytes; it must hold the value"
        ));
    }
    std::fs::read_to_string(path).map_err(fault)
}

/// The text of a variable as a value of the kind that the setting has.
fn value(variable: &str, text: &str, sample: &Value) -> Result<Value, String> {
    let words = || text.split(',').map(str::trim).filter(|word| !word.is_empty());
    match sample {
        Value::String(_) => Ok(Value::String(text.to_owned())),
        Value::Integer(_) => text.parse().map(Value::Integer).map_err(|_| format!("{variable} must be a number")),
        Value::Boolean(_) => text.parse().map(Value::Boolean).map_err(|_| format!("{variable} must be true or false")),
        Value::Array(all) if !all.iter().any(Value::is_table) => {
            Ok(Value::Array(words().map(|word| Value::String(word.to_owned())).collect()))
        }
        _ => Err(format!("{variable}: this setting is a list of tables; write it into config.toml")),
    }
}

fn officers(text: &str) -> Result<Value, String> {
    let one = |text: &str| {
        let officer: Officer = text.parse().map_err(|error| format!("{OFFICERS}: {error}"))?;
        Value::try_from(officer).map_err(|error| format!("{OFFICERS}: {error}"))
    };
    let all = text.split(';').map(str::trim).filter(|one| !one.is_empty()).map(one);
    Ok(Value::Array(all.collect::<Result<_, _>>()?))
}

/// Every value with its dotted name. A list of tables counts as one value.
fn leaves(table: &Table) -> Vec<(String, Value)> {
    let mut all = Vec::new();
    for (name, value) in table {
        match value {
            Value::Table(inner) => {
                all.extend(leaves(inner).into_iter().map(|(below, value)| (format!("{name}.{below}"), value)));
            }
            other => all.push((name.clone(), other.clone())),
        }
    }
    all
}

fn at<'a>(table: &'a Table, name: &str) -> Option<&'a Value> {
    match name.split_once('.') {
        Some((section, below)) => at(table.get(section)?.as_table()?, below),
        None => table.get(name),
    }
}

fn put(table: &mut Table, name: &str, value: Value) {
    match name.split_once('.') {
        None => {
            table.insert(name.to_owned(), value);
        }
        Some((section, below)) => {
            let inner = table.entry(section).or_insert_with(|| Value::Table(Table::new()));
            // A section that is no table is refused when the whole is read.
            if let Value::Table(inner) = inner {
                put(inner, below, value);
            }
        }
    }
}

/// Adds to an error the setting that was probably meant by the first unknown one.
fn with_nearest(error: String, table: &Table, samples: &Table) -> String {
    let Some((unknown, beside)) = stranger(table, samples) else { return error };
    match nearest(&unknown, &beside) {
        Some(near) => format!("{}; did you mean `{near}`?", error.trim_end()),
        None => error,
    }
}

/// The first name that is no setting, and the names that are beside it.
fn stranger(table: &Table, samples: &Table) -> Option<(String, Vec<String>)> {
    let first = |value: &Value| value.as_array().and_then(|all| all.first()).and_then(Value::as_table).cloned();
    for (name, value) in table {
        let deeper = match (value, samples.get(name)) {
            (_, None) => return Some((name.clone(), samples.keys().cloned().collect())),
            (Value::Table(inner), Some(Value::Table(known))) => stranger(inner, known),
            (Value::Array(all), Some(known)) => {
                let known = first(known).unwrap_or_default();
                all.iter().filter_map(Value::as_table).find_map(|one| stranger(one, &known))
            }
            _ => None,
        };
        if deeper.is_some() {
            return deeper;
        }
    }
    None
}

/// The nearest of the words, if one is near: a third of the letters may be wrong.
fn nearest<'a>(word: &str, words: &'a [String]) -> Option<&'a String> {
    let best = words.iter().min_by_key(|other| distance(word, other))?;
    (distance(word, best) <= word.chars().count().div_ceil(3)).then_some(best)
}

/// How many letters must be put in, taken out, replaced or swapped with the next (Damerau and Levenshtein, restricted).
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=other.len()).collect();
    let mut earlier = None;
    for (row, letter) in one.chars().enumerate() {
        let mut line = vec![row + 1];
        for (column, against) in other.iter().enumerate() {
            let cell = |cells: &[usize], place: usize| cells.get(place).copied().unwrap_or(usize::MAX - 1);
            let same = usize::from(letter != *against);
            let mut best = (cell(&last, column) + same).min(cell(&last, column + 1) + 1).min(cell(&line, column) + 1);
            let left = column.checked_sub(1).and_then(|place| other.get(place));
            if column > 0 && earlier == Some(*against) && left == Some(&letter) {
                best = best.min(cell(&before, column - 1) + 1);
            }
            line.push(best);
        }
        earlier = Some(letter);
        before = std::mem::replace(&mut last, line);
    }
    last.last().copied().unwrap_or(0)
}

#[cfg(test)]
#[path = "settings/tests.rs"]
mod tests;
