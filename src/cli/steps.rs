//! The verbs of every step in the life of a request, made from the table of notices: one for each kind. Refuses what the
//! table does not allow before the node is asked.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Arg, ArgAction, ArgMatches, Args as _, Command, FromArgMatches, Subcommand, value_parser};
use serde_json::Value;

use crate::cli::client::{Client, Where};
use crate::cli::{package, request, show};
use crate::daemon::api_replies::NewNotice;
use crate::daemon::packing::Purpose;
use crate::model::ident::{AuthorityId, Id};
use crate::model::message::MessageKind;
use crate::model::notice::{Notice, Point};
use crate::model::notice_table::{Field, Shape, Verdict, shape_of};
use crate::model::text::Need;
use crate::model::time::Timestamp;

/// The book of `rogatory request`.
pub const REQUEST: usize = 0;
/// The book of `rogatory reply`.
pub const REPLY: usize = 1;
/// The book of `rogatory return`.
pub const RETURN: usize = 2;
/// The book of `rogatory destroy`.
pub const DESTROY: usize = 3;

/// The verbs of each book, with the kind of message that each writes.
const BOOKS: [&[(&str, MessageKind)]; 4] = [
    &[
        ("query", MessageKind::ProgressQuery),
        ("decide", MessageKind::ConfidentialityDecision),
        ("close", MessageKind::RequestClose),
        ("reopen", MessageKind::ObligationReopen),
        ("consult", MessageKind::ConsultationNotice),
        ("offer", MessageKind::SpontaneousNotice),
        ("hand-over", MessageKind::SpontaneousTransmit),
        ("notify", MessageKind::RegistryNotice),
        ("lift", MessageKind::PreservationLift),
        ("extend-team", MessageKind::JitExtend),
        ("end-team", MessageKind::JitEnd),
    ],
    &[
        ("ask", MessageKind::InfoRequest),
        ("supply", MessageKind::InfoSupply),
        ("expired", MessageKind::InfoExpired),
        ("accept", MessageKind::RequestAccept),
        ("postpone", MessageKind::RequestPostpone),
        ("resume", MessageKind::RequestResume),
        ("progress", MessageKind::ProgressNote),
        ("tell", MessageKind::ProgressReply),
        ("result", MessageKind::MeasureResult),
        ("receipt", MessageKind::EvidenceReceipt),
        ("consult", MessageKind::ConsultOpen),
        ("answer", MessageKind::ConsultReply),
        ("forwarded", MessageKind::RequestForwarded),
        ("wrong-addressee", MessageKind::RequestWrongAddressee),
        ("cannot-keep", MessageKind::ConfidentialityCannotKeep),
        ("close", MessageKind::RequestCloseAck),
        ("ask-use", MessageKind::UseReportRequest),
        ("use", MessageKind::UseReport),
        ("correct-data", MessageKind::DataCorrect),
        ("unlawful-data", MessageKind::DataUnlawful),
        ("data-done", MessageKind::DataDone),
        ("breach", MessageKind::BreachNotice),
        ("take-offer", MessageKind::SpontaneousAcceptConditions),
        ("preserved", MessageKind::PreservationDone),
        ("arrested", MessageKind::ArrestMade),
        ("released", MessageKind::ArrestReleased),
        ("surrender-agreed", MessageKind::SurrenderAgreed),
        ("surrendered", MessageKind::SurrenderDone),
        ("transferred", MessageKind::TransferDone),
        ("outcome", MessageKind::ProceedingsOutcome),
        ("agree-team", MessageKind::JitAgree),
    ],
    &[
        ("demand", MessageKind::ReturnDemand),
        ("dispatch", MessageKind::ReturnDispatch),
        ("receipt", MessageKind::ReturnReceipt),
        ("waive", MessageKind::ReturnWaive),
    ],
    &[("certify", MessageKind::DestroyCertificate)],
];

/// One step, as it was typed. `BOOK` says which verbs there are.
#[derive(Debug)]
pub struct Step<const BOOK: usize>(Box<Typed>);

#[derive(Debug)]
struct Typed {
    notice: Notice,
    request: Option<Id>,
    to: Option<AuthorityId>,
    files: Vec<PathBuf>,
    place: Where,
}

impl<const BOOK: usize> Step<BOOK> {
    /// Drafts it, and sends it where one officer alone may.
    ///
    /// # Errors
    /// What the table or the node says.
    pub fn run(&self, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
        self.0.notice.check()?;
        let client = Client::new(&self.0.place)?;
        let mut new = NewNotice {
            notice: self.0.notice.clone(),
            to: self.0.to.clone(),
            language: None,
            urgent: None,
            conditions: Vec::new(),
            package_id: None,
        };
        let path = match self.0.request {
            Some(id) => {
                if !self.0.files.is_empty() {
                    let purpose = Purpose::Request(id);
                    new.package_id = Some(package::fill(&client, &self.0.files, &purpose, self.0.place.form(), out)?);
                }
                format!("/v1/requests/{id}/notices")
            }
            None => "/v1/notices".to_owned(),
        };
        let row: Value = client.post(&path, &new)?;
        let done = request::print_row(&row, self.0.place.form(), out)?;
        if !self.0.place.json && show::state(&row) == "drafted" {
            let (id, data) = (show::text(&row, "message_id"), self.0.place.data.display());
            writeln!(out, "\nNext: another officer:  rogatory reply approve {id} --data {data} --as NAME")?;
            writeln!(out, "      then:             rogatory reply send {id} --data {data} --as NAME")?;
        }
        Ok(done)
    }
}

impl<const BOOK: usize> Subcommand for Step<BOOK> {
    fn augment_subcommands(command: Command) -> Command {
        let verbs = BOOKS.get(BOOK).copied().unwrap_or_default();
        verbs.iter().filter_map(|(name, kind)| Some(verb(name, shape_of(*kind)?))).fold(command, Command::subcommand)
    }

    fn augment_subcommands_for_update(command: Command) -> Command {
        Self::augment_subcommands(command)
    }

    fn has_subcommand(name: &str) -> bool {
        kind_of(BOOK, name).is_some()
    }
}

impl<const BOOK: usize> FromArgMatches for Step<BOOK> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let missing = || clap::Error::new(clap::error::ErrorKind::MissingSubcommand);
        let (name, given) = matches.subcommand().ok_or_else(missing)?;
        let shape = kind_of(BOOK, name).and_then(shape_of).ok_or_else(missing)?;
        Ok(Self(Box::new(Typed {
            notice: notice(shape, given),
            request: given.try_get_one("request").ok().flatten().copied(),
            to: given.try_get_one("to").ok().flatten().cloned(),
            files: given.try_get_many("file").ok().flatten().into_iter().flatten().cloned().collect(),
            place: Where::from_arg_matches(given)?,
        })))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

fn kind_of(book: usize, name: &str) -> Option<MessageKind> {
    let verbs = BOOKS.get(book)?;
    verbs.iter().find(|(verb, _)| *verb == name).map(|(_, kind)| *kind)
}

fn verb(name: &'static str, shape: &'static Shape) -> Command {
    let kind = shape.kind;
    let mut verb = Command::new(name).about(format!("{}: {}", kind.name(), shape.told));
    verb = if kind.opens() {
        let to = Arg::new("to").long("to").required(true).value_parser(value_parser!(AuthorityId));
        verb.arg(to.help("The other authority"))
    } else {
        verb.arg(Arg::new("request").required(true).value_parser(value_parser!(Id)).help("The request"))
    };
    if kind.hands_over() {
        let file = Arg::new("file").long("file").required(true).action(ArgAction::Append);
        verb = verb.arg(file.value_parser(value_parser!(PathBuf)).help("A file to hand over; may be repeated"));
    }
    for field in Field::ALL {
        if let Some(need) = shape.need(field) {
            verb = verb.arg(flag(field, need, shape));
        }
    }
    Where::augment_args(verb)
}

fn flag(field: Field, need: Need, shape: &'static Shape) -> Arg {
    let flag = Arg::new(field.name()).required(need == Need::Required);
    let date = value_parser!(Timestamp);
    match field {
        Field::Subject => flag.long("subject").help("One line: what it is about"),
        Field::Reference => flag.long("reference").help("Our file reference"),
        Field::Text => flag.long("text").help("What it says"),
        Field::Codes => flag.long("code").action(ArgAction::Append).help("A code: a ground, a class of reasons"),
        Field::Measures => flag
            .long("measure")
            .action(ArgAction::Append)
            .value_parser(value_parser!(u32).range(1..))
            .help("A measure, by its place in the request; may be repeated; without it: all"),
        Field::Points => flag
            .long("point")
            .aliases(["question", "answer", "use"])
            .action(ArgAction::Append)
            .value_parser(point)
            .value_name("N=TEXT")
            .help("A numbered question or answer; may be repeated"),
        Field::Package => flag.long("package").value_parser(value_parser!(Id)).help("The package"),
        Field::Objects => flag
            .long("object")
            .action(ArgAction::Append)
            .value_parser(value_parser!(u32).range(1..))
            .help("An item of the package; may be repeated; without it: all"),
        Field::About => flag.long("about").value_parser(value_parser!(Id)).help("The message it is about"),
        Field::Verdict => {
            let words = shape.verdicts.iter().map(|verdict| verdict.name());
            flag.long("verdict").value_parser(words.collect::<Vec<_>>()).help("What was decided or found")
        }
        Field::Due => flag.long("due").value_parser(date).help("The next date, e.g. 2026-12-31"),
        Field::At => flag.long("at").value_parser(date).help("When it happened"),
        Field::Whom => flag.long("whom").help("An authority, a contact or a place"),
        Field::Method => flag.long("method").help("How it was or will be done"),
        Field::Names => flag
            .long("name")
            .aliases(["witness", "seal"])
            .action(ArgAction::Append)
            .help("The name of a witness, or a seal number; may be repeated"),
    }
}

fn notice(shape: &Shape, given: &ArgMatches) -> Notice {
    // A flag that the kind has not is unknown to its command, and empty here.
    let text = |field: Field| given.try_get_one::<String>(field.name()).ok().flatten().cloned().unwrap_or_default();
    let texts = |field: Field| {
        let found = given.try_get_many::<String>(field.name()).ok().flatten();
        found.into_iter().flatten().cloned().collect::<Vec<_>>()
    };
    let numbers = |field: Field| {
        let found = given.try_get_many::<u32>(field.name()).ok().flatten();
        found.into_iter().flatten().copied().collect::<Vec<_>>()
    };
    let id = |field: Field| given.try_get_one::<Id>(field.name()).ok().flatten().copied();
    let date = |field: Field| given.try_get_one::<Timestamp>(field.name()).ok().flatten().copied();
    let mut notice = Notice::new(shape.kind);
    notice.subject = text(Field::Subject);
    notice.reference = text(Field::Reference);
    notice.text = text(Field::Text);
    notice.codes = texts(Field::Codes);
    notice.measures = numbers(Field::Measures);
    let points = given.try_get_many::<Point>(Field::Points.name()).ok().flatten();
    notice.points = points.into_iter().flatten().cloned().collect();
    notice.package_id = id(Field::Package);
    notice.objects = numbers(Field::Objects);
    notice.about = id(Field::About);
    notice.verdict = Verdict::from_name(&text(Field::Verdict));
    notice.due = date(Field::Due);
    notice.at = date(Field::At);
    notice.whom = text(Field::Whom);
    notice.method = text(Field::Method);
    notice.names = texts(Field::Names);
    notice
}

fn point(text: &str) -> Result<Point, String> {
    let bad = || format!("`{text}` is no numbered point; write e.g. 1=TEXT");
    let (number, text) = text.split_once('=').ok_or_else(bad)?;
    Ok(Point { number: number.trim().parse().map_err(|_| bad())?, text: text.trim().to_owned() })
}

/// The verbs of every book, for the documents: book, verb, kind.
pub fn verbs() -> impl Iterator<Item = (&'static str, &'static str, MessageKind)> {
    let names = ["request", "reply", "return", "destroy"];
    names.into_iter().zip(BOOKS).flat_map(|(book, verbs)| verbs.iter().map(move |(verb, kind)| (book, *verb, *kind)))
}

/// Steps that have no other verbs beside them.
#[derive(Debug, clap::Args)]
pub struct StepArgs<const BOOK: usize> {
    #[command(subcommand)]
    step: Step<BOOK>,
}

impl<const BOOK: usize> StepArgs<BOOK> {
    /// As [`Step::run`].
    ///
    /// # Errors
    /// As [`Step::run`].
    pub fn run(&self, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
        self.step.run(out)
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;
    use crate::model::notice_table::SHAPES;

    /// `rogatory conditions`, `consent`, `assurance` and `exculpatory` write these.
    const ELSEWHERE: [&str; 5] = ["conditions.", "use.consent.", "assurance.", "exculpatory.", "protection."];

    #[test]
    fn every_kind_of_notice_has_one_verb() {
        for shape in SHAPES {
            let found = verbs().filter(|(_, _, kind)| *kind == shape.kind).count();
            let elsewhere = ELSEWHERE.iter().any(|book| shape.kind.name().starts_with(book));
            assert_eq!(found, usize::from(!elsewhere), "{}", shape.kind.name());
        }
    }

    #[test]
    fn a_verb_asks_for_the_fields_of_its_kind() {
        let command = Step::<REPLY>::augment_subcommands(Command::new("reply"));
        let typed = |more: &[&str]| {
            let mut all: Vec<OsString> =
                ["reply", "ask", "018bcfe5-6800-7000-8000-000000000001"].map(Into::into).into();
            all.extend(more.iter().map(Into::into));
            all.extend(["--data", "x"].map(OsString::from));
            command.clone().try_get_matches_from(all)
        };
        assert!(typed(&["--question", "1=Which branch?"]).is_err(), "the due date is missing");
        assert!(typed(&["--question", "Which?", "--due", "2030-01-01"]).is_err(), "a point has a number");
        let good = typed(&["--question", "1=Which branch?", "--due", "2030-01-01", "--measure", "2"]).unwrap();
        let step = Step::<REPLY>::from_arg_matches(&good).unwrap();
        assert_eq!(step.0.notice.points.len(), 1);
        assert_eq!((step.0.notice.measures.as_slice(), step.0.notice.check()), (&[2][..], Ok(())));
    }
}
