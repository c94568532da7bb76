//! `rogatory law`: which legal basis binds two authorities, and the instruments behind the answer. Offline; decides
//! nothing: a person signs the legal basis.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, Subcommand, ValueEnum};

use crate::cli::law_view::{print_instruments, print_opinion};
use crate::cli::show::Form;
use crate::exchange::registry::digest;
use crate::law::basis::basis;
use crate::law::instrument::InstrumentId;
use crate::law::library::Library;
use crate::law::opinion::Answer;
use crate::law::query::Query;
use crate::law::registry::Registry;
use crate::law::row::{Finding, Tests};
use crate::law::subject::Subject;
use crate::law::view::Book;
use crate::law::words::{Crime, Measure};
use crate::model::date::Date;
use crate::model::ident::{AuthorityId, Digest};
use crate::model::limits::REGISTRY_BYTES_MAX;
use crate::model::message::Urgency;
use crate::model::time::Timestamp;
use crate::store::directory::NodeDirectory;

/// A person must answer something.
const ASK: u8 = 3;

/// `rogatory law …`
#[derive(Debug, Args)]
pub struct LawArgs {
    #[command(subcommand)]
    verb: LawVerb,
}

#[derive(Debug, Subcommand)]
enum LawVerb {
    /// Which legal basis binds the two authorities
    ///
    /// Ends with 0 when there is one, 3 when a person must be asked, 1 when there is none.
    Basis(Box<BasisArgs>),
    /// The instruments that the look-up knows, their articles and how far each may be trusted
    Instruments(InstrumentsArgs),
}

#[derive(Debug, Args)]
struct BasisArgs {
    /// The requesting authority
    #[arg(long, value_name = "AUTHORITY")]
    from: AuthorityId,
    /// The requested authority
    #[arg(long, value_name = "AUTHORITY")]
    to: AuthorityId,
    /// What the conduct is called, e.g. genocide; once for each name that fits the one conduct
    #[arg(long, required = true)]
    crime: Vec<Crime>,
    /// The help that is wanted, e.g. evidence; may be repeated
    #[arg(long, required = true)]
    measure: Vec<Measure>,
    /// The earliest day of the conduct
    #[arg(long, value_name = "DAY")]
    conduct_date: Option<Date>,
    /// The day of the request; today unless given
    #[arg(long, value_name = "DAY")]
    date: Option<Date>,
    /// Answer from what the registry knew at that instant
    #[arg(long, value_name = "INSTANT")]
    as_of: Option<Timestamp>,
    /// The request hurries
    #[arg(long)]
    urgent: bool,
    /// The request's reference, under which the two may have agreed on it
    #[arg(long, value_name = "REFERENCE")]
    request: Option<String>,
    /// An instrument whose test of the offence, or of the help, a person found to be met; may be repeated
    #[arg(long, value_name = "INSTRUMENT")]
    test_met: Vec<InstrumentId>,
    /// Whether a person found it to be the same crime under the requesting State's law
    #[arg(long, value_enum, default_value_t = Found::Open)]
    in_requesting_law: Found,
    /// Whether a person found it to be extraditable under the requested State's law
    #[arg(long, value_enum, default_value_t = Found::Open)]
    in_requested_law: Found,
    #[command(flatten)]
    on: RegistryArgs,
}

#[derive(Debug, Args)]
struct InstrumentsArgs {
    /// Only this one, with every article
    instrument: Option<InstrumentId>,
    #[command(flatten)]
    on: RegistryArgs,
}

#[derive(Debug, Args)]
struct RegistryArgs {
    /// The registry of what States did; without it, the example of fictional States
    #[arg(long, value_name = "FILE")]
    registry: Option<PathBuf>,
    /// The registry of the directory that the node of this data directory accepted
    #[arg(long, value_name = "DIR", conflicts_with = "registry")]
    data: Option<PathBuf>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Found {
    Yes,
    No,
    Open,
}

impl From<Found> for Finding {
    fn from(found: Found) -> Self {
        match found {
            Found::Yes => Self::Yes,
            Found::No => Self::No,
            Found::Open => Self::Open,
        }
    }
}

/// Runs the verb.
///
/// # Errors
/// When the registry cannot be read, or the output cannot be written.
pub fn run(args: &LawArgs, now: Timestamp, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    match &args.verb {
        LawVerb::Basis(args) => answer(args, now, out),
        LawVerb::Instruments(args) => {
            let (book, _) = open(&args.on)?;
            print_instruments(book.library(), args.instrument.as_ref(), form(&args.on), out)?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn answer(args: &BasisArgs, now: Timestamp, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let (book, digest) = open(&args.on)?;
    let today = Date::of(now);
    let date = args.date.unwrap_or(today);
    for id in &args.test_met {
        anyhow::ensure!(book.library().find(id).is_some(), "`{id}` is no instrument; see `rogatory law instruments`");
    }
    let query = Query {
        from: Subject::of(&args.from),
        to: Subject::of(&args.to),
        crimes: args.crime.clone(),
        measures: args.measure.clone(),
        conduct: args.conduct_date,
        date,
        today: today.max(date),
        as_of: args.as_of.unwrap_or(now),
        urgency: if args.urgent { Urgency::Urgent } else { Urgency::Routine },
        request: args.request.clone(),
        tests: Tests {
            international: Finding::Open,
            requesting: args.in_requesting_law.into(),
            requested: args.in_requested_law.into(),
        },
        tests_met: args.test_met.clone(),
    };
    let opinion = basis(&book.view(query.as_of), &query)?;
    print_opinion(&opinion, (book.registry(), digest), form(&args.on), out)?;
    Ok(match opinion.answer {
        Answer::Yes => ExitCode::SUCCESS,
        Answer::AskAHuman => ExitCode::from(ASK),
        Answer::No => ExitCode::FAILURE,
    })
}

fn form(args: &RegistryArgs) -> Form {
    if args.json { Form::Json } else { Form::Text }
}

fn open(args: &RegistryArgs) -> anyhow::Result<(Book, Digest)> {
    let registry = match (&args.registry, &args.data) {
        (Some(path), _) => read(path).with_context(|| format!("the registry {}", path.display()))?,
        (None, Some(data)) => accepted(data)?,
        (None, None) => Registry::example()?,
    };
    let digest = digest(&registry)?;
    Ok((Book::new(Library::standard()?, registry)?, digest))
}

/// The registry that goes with the directory of a node.
fn accepted(data: &Path) -> anyhow::Result<Registry> {
    let node = NodeDirectory::of(data);
    let directory = node.current()?.context("no directory was imported; run `rogatory directory import PATH`")?;
    let bytes = node.registry(&directory)?.context("the directory of this node has no registry; ask its keepers")?;
    Ok(Registry::parse(&bytes)?)
}

fn read(path: &Path) -> anyhow::Result<Registry> {
    let bytes_max = u64::try_from(REGISTRY_BYTES_MAX).unwrap_or(u64::MAX);
    // A size that is no size (a pipe, a device) is bounded by the read itself.
    let mut bytes = Vec::new();
    let mut file = std::io::Read::take(std::fs::File::open(path)?, bytes_max.saturating_add(1));
    std::io::Read::read_to_end(&mut file, &mut bytes)?;
    Ok(Registry::parse(&bytes)?)
}
