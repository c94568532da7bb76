//! `rogatory directory registry`: the keepers' verbs for the registry of treaty actions. Adds rows and instruments, and
//! shows what a keeper should look at before signing; takes nothing back and signs nothing.

use std::collections::{BTreeSet, HashMap};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::cli::directory::{DirectoryCommandError, change, read_bounded};
use crate::cli::directory_args::JsonArgs;
use crate::cli::directory_rows::{print_row, row_json};
use crate::cli::show::Form;
use crate::exchange::keeping::Change;
use crate::exchange::registry::{Difference, difference, digest};
use crate::exchange::repository::FileName;
use crate::law::instrument::{Instrument, InstrumentId};
use crate::law::library::Library;
use crate::law::registry::Registry;
use crate::law::row::{Fact, Row};
use crate::law::subject::Subject;
use crate::law::view::Book;
use crate::model::authority::Provenance;
use crate::model::limits::{INSTRUMENT_BYTES_MAX, REGISTRY_BYTES_MAX};
use crate::model::time::Timestamp;
use crate::store::directory;

/// What a new registry says of itself unless told otherwise.
const ABOUT: &str = "What States did about treaties on legal assistance, by the keepers of this directory";

/// A file of rows to begin with.
const TEMPLATE: &str = r#"[
  {
    "fact": "party",
    "instrument": "l-th",
    "state": "XA",
    "from": "2026-01-01",
    "source": { "kind": "depositary", "note": "which document says so", "sha256": "leave out, or 64 hexadecimal digits" }
  }
]
"#;

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum RegistryVerb {
    /// Add rows or instruments at the end; the keepers then sign
    Add(AddArgs),
    /// Print a file of rows to fill in, and what may stand in it
    Template,
    /// What a keeper should look at before signing
    Review {
        /// The directory's folder or file
        path: PathBuf,
        /// The directory, or its registry, that was signed last
        #[arg(long, value_name = "PATH")]
        against: Option<PathBuf>,
        /// Its form
        #[command(flatten)]
        form: JsonArgs,
    },
    /// What a newer registry has that an older one had not (exit 1: it takes something back)
    Diff {
        /// The older directory, or its registry
        old: PathBuf,
        /// The newer one
        new: PathBuf,
        /// Its form
        #[command(flatten)]
        form: JsonArgs,
    },
    /// List the rows
    Show {
        /// The directory's folder or file, or its registry
        path: PathBuf,
        /// Only rows about this State or body
        #[arg(long)]
        state: Option<Subject>,
        /// Only rows about this instrument
        #[arg(long)]
        instrument: Option<InstrumentId>,
        /// Its form
        #[command(flatten)]
        form: JsonArgs,
    },
}

/// What is added.
#[derive(Debug, Args)]
pub struct AddArgs {
    /// The directory's folder or file
    path: PathBuf,
    /// A JSON list of rows, without number and time of recording; `template` prints one; may be repeated
    #[arg(long, value_name = "FILE")]
    rows: Vec<PathBuf>,
    /// The data of an instrument that the program does not bring along, e.g. a bilateral treaty (TOML); may be repeated
    #[arg(long, value_name = "FILE")]
    instrument: Vec<PathBuf>,
    /// What the registry says of itself
    #[arg(long, value_name = "TEXT")]
    about: Option<String>,
    /// Begin with the example of fictional States, for a trial
    #[arg(long, conflicts_with_all = ["rows", "instrument", "about"])]
    example: bool,
    /// Days until the list expires
    #[arg(long, default_value_t = crate::cli::directory_args::LIST_DAYS,
        value_parser = clap::value_parser!(u32).range(1..=crate::cli::directory_args::DAYS_MAX))]
    valid_days: u32,
}

/// Runs one verb.
///
/// # Errors
/// What is wrong with a file, or why the keepers' act is not possible.
pub fn run(verb: &RegistryVerb, now: Timestamp, out: &mut dyn Write) -> Result<ExitCode, DirectoryCommandError> {
    match verb {
        RegistryVerb::Add(args) => add(args, now, out)?,
        RegistryVerb::Template => write!(out, "{TEMPLATE}")?,
        RegistryVerb::Review { path, against, form } => {
            let new = read(path)?;
            let old = against.as_deref().map(read).transpose()?;
            review(&new, old.as_ref(), form.form(), out)?;
        }
        RegistryVerb::Diff { old, new, form } => {
            let (old, new) = (read(old)?, read(new)?);
            print_difference(&difference(&old, &new)?, form.form(), out)?;
        }
        RegistryVerb::Show { path, state, instrument, form } => {
            show(&read(path)?, state.as_ref(), instrument.as_ref(), form.form(), out)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn add(args: &AddArgs, now: Timestamp, out: &mut dyn Write) -> Result<(), DirectoryCommandError> {
    let files = directory::read(&args.path)?;
    let before = files.file(FileName::Registry).map(Registry::parse).transpose()?;
    let registry = if args.example {
        Registry::example()?
    } else {
        let mut registry = match &before {
            Some(before) => before.clone(),
            None => Registry::of(ABOUT, Vec::new(), Vec::new())?,
        };
        if let Some(about) = &args.about {
            registry = registry.about_itself(about)?;
        }
        for path in &args.instrument {
            let text = String::from_utf8_lossy(&read_bounded(path, INSTRUMENT_BYTES_MAX)?).into_owned();
            registry = registry.with_instrument(Instrument::parse(&text)?)?;
        }
        for path in &args.rows {
            registry = registry.with_rows(&read_bounded(path, REGISTRY_BYTES_MAX)?, now)?;
        }
        registry
    };
    // Whatever a node could not use is refused here, before anybody signs it.
    Book::new(Library::standard()?, registry.clone())?;
    let added = registry.rows().len() - before.as_ref().map_or(0, |before| before.rows().len());
    writeln!(out, "{added} rows added; the registry has {} rows.", registry.rows().len())?;
    let expires = now.plus_millis(u64::from(args.valid_days) * 86_400_000);
    change(&args.path, Change::Registry(Box::new(registry)), expires, out)
}

/// A registry file, or the registry of a directory.
fn read(path: &Path) -> Result<Registry, DirectoryCommandError> {
    if path.extension().is_some_and(|ending| ending == "json") && path.is_file() {
        return Ok(Registry::parse(&read_bounded(path, REGISTRY_BYTES_MAX)?)?);
    }
    let files = directory::read(path)?;
    let bytes = files.file(FileName::Registry).ok_or_else(|| DirectoryCommandError::NoRegistry(path.to_owned()))?;
    Ok(Registry::parse(bytes)?)
}

/// The rows that are new, each with what a keeper should know before signing it.
fn review(
    new: &Registry,
    old: Option<&Registry>,
    form: Form,
    out: &mut dyn Write,
) -> Result<(), DirectoryCommandError> {
    let book = Book::new(Library::standard()?, new.clone())?;
    let nothing = Registry::of("nothing", Vec::new(), Vec::new())?;
    let found = difference(old.unwrap_or(&nothing), new)?;
    let standing = Standing::of(new, book.library());
    if form == Form::Json {
        let rows: Vec<Value> =
            found.rows.iter().map(|row| json!({ "row": row_json(row), "look_at": standing.points(row) })).collect();
        let document = json!({
            "rows": rows, "instruments_added": found.added, "instruments_changed": found.changed,
            "sha256": digest(new)?,
        });
        writeln!(out, "{document:#}")?;
        return Ok(());
    }
    for row in found.rows {
        print_row(row, out)?;
        for point in standing.points(row) {
            writeln!(out, "        look at: {point}")?;
        }
    }
    print_instruments(&found, out)?;
    let (count, of) = (found.rows.len(), new.rows().len());
    writeln!(out, "{count} of {of} rows to look at. SHA-256 of the rows {}", digest(new)?)?;
    writeln!(out, "Compare each row with the document that it names, then: rogatory directory sign PATH --key FILE")?;
    Ok(())
}

/// The rows that stand so far, to find one that says the same as a new one.
struct Standing<'a> {
    registry: &'a Registry,
    library: &'a Library,
    replaced: BTreeSet<u32>,
    rows: HashMap<(&'a InstrumentId, Option<&'a Subject>), Vec<&'a Row>>,
}

impl<'a> Standing<'a> {
    fn of(registry: &'a Registry, library: &'a Library) -> Self {
        let replaced = registry.rows().iter().filter_map(|row| row.replaces).collect();
        let mut rows: HashMap<_, Vec<&Row>> = HashMap::new();
        for row in registry.rows() {
            rows.entry((&row.instrument, row.state.as_ref())).or_default().push(row);
        }
        Self { registry, library, replaced, rows }
    }

    /// What a keeper should know of a row before signing it.
    fn points(&self, row: &'a Row) -> Vec<String> {
        let mut points = Vec::new();
        if row.source.kind == Provenance::LocalBelief {
            points.push("a local belief: it decides nothing, look-ups that rest on it ask a human".to_owned());
        }
        if row.source.document.is_none() {
            points.push("no digest of the document: nobody can show later which text was meant".to_owned());
        }
        if let Some(territory) = &row.territory {
            points.push(format!("for {territory} only: look-ups that rest on it ask a human"));
        }
        let old = row.replaces.and_then(|number| usize::try_from(number).ok()?.checked_sub(1));
        if let Some(old) = old.and_then(|place| self.registry.rows().get(place)) {
            points.push(format!("takes the place of row {} ({})", old.number, old.source.note));
        }
        if let (Fact::Confirmation(articles), Some(instrument)) = (&row.fact, self.library.find(&row.instrument)) {
            points.push(format!("makes articles of {} decide: {}", instrument.short, articles.join(", ")));
        }
        let same = self.rows.get(&(&row.instrument, row.state.as_ref())).into_iter().flatten();
        let again = same.take_while(|old| old.number < row.number).filter(|old| {
            old.counterpart == row.counterpart && old.fact == row.fact && !self.replaced.contains(&old.number)
        });
        points.extend(
            again.map(|old| format!("row {} says the same and stands; should this one replace it?", old.number)),
        );
        points
    }
}

/// Prints what a version adds to the one before.
///
/// # Errors
/// When the output is gone.
pub fn print_difference(found: &Difference<'_>, form: Form, out: &mut dyn Write) -> Result<(), DirectoryCommandError> {
    if form == Form::Json {
        let rows: Vec<Value> = found.rows.iter().map(row_json).collect();
        let document = json!({ "rows": rows, "instruments_added": found.added, "instruments_changed": found.changed });
        writeln!(out, "{document:#}")?;
        return Ok(());
    }
    if found.is_empty() {
        writeln!(out, "The registries say the same.")?;
    }
    found.rows.iter().try_for_each(|row| print_row(row, out))?;
    print_instruments(found, out)
}

fn print_instruments(found: &Difference<'_>, out: &mut dyn Write) -> Result<(), DirectoryCommandError> {
    found.added.iter().try_for_each(|id| writeln!(out, "instrument {id} is new"))?;
    found.changed.iter().try_for_each(|id| writeln!(out, "the data of instrument {id} changed"))?;
    Ok(())
}

fn show(
    registry: &Registry,
    state: Option<&Subject>,
    instrument: Option<&InstrumentId>,
    form: Form,
    out: &mut dyn Write,
) -> Result<(), DirectoryCommandError> {
    let about = |row: &&Row| {
        let subject = |state: &Subject| row.state.as_ref() == Some(state) || row.counterpart.as_ref() == Some(state);
        state.is_none_or(subject) && instrument.is_none_or(|id| row.instrument == *id)
    };
    let rows = registry.rows().iter().filter(about);
    if form == Form::Json && state.is_none() && instrument.is_none() {
        out.write_all(&registry.to_json())?;
        return Ok(());
    }
    if form == Form::Json {
        let rows: Vec<Value> = rows.map(row_json).collect();
        writeln!(out, "{:#}", json!({ "rows": rows }))?;
        return Ok(());
    }
    writeln!(out, "{}", registry.about())?;
    rows.into_iter().try_for_each(|row| print_row(row, out))?;
    writeln!(out, "{} rows, SHA-256 {}", registry.rows().len(), digest(registry)?)?;
    Ok(())
}
