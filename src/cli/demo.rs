//! `rogatory demo`: two real nodes on this machine exchange a request and its evidence, and the bag is verified.

use std::fs::File;
use std::io::{Cursor, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde_json::{Value, json};

use crate::bag::verify::{Given, verify};
use crate::bag::writer::BagWriter;
use crate::cli::demo_cast::{self, Side};
use crate::cli::demo_stage::Stage;
use crate::cli::show::{self, Form};
use crate::crypto::random;
use crate::daemon::drafting::{self, Draft};
use crate::daemon::packing::{self, FileFacts};
use crate::daemon::{acceptance, clock, desk, dossier, evidence, views};
use crate::exchange::keeper::Fingerprint;
use crate::exchange::rows::{MessageRow, MessageState};
use crate::model::ident::Id;
use crate::model::message::{Body, Ties, Urgency};
use crate::model::package::{Condition, ConditionOrigin, ItemRole};
use crate::model::request::{Acknowledgement, Completeness, EvidenceTransmittal};

/// How long one hand-over may take before the demo gives up.
const PATIENCE: Duration = Duration::from_secs(120);

/// Two nodes in one go: request, evidence, receipts, verified bag.
#[derive(Debug, clap::Args)]
pub struct DemoArgs {
    /// A file of yours to send as evidence, instead of the samples; may be repeated
    #[arg(long = "evidence", value_name = "FILE")]
    evidence: Vec<PathBuf>,
    /// Keep everything in this new folder: both nodes' data and the bag
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

/// Runs the demo.
///
/// # Errors
/// When a file cannot be read, or a step fails.
pub fn run(args: &DemoArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    for path in &args.evidence {
        File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    }
    let form = if args.json { Form::Json } else { Form::Text };
    let stage = Stage::make(args.keep.as_deref())?;
    let mut story = Story { out, form, told: Vec::new() };
    story.say("", "Fictional States: Arcadia (XA) asks Borealia (XB). Two nodes, own keys, own QUIC sockets.")?;
    let cast = demo_cast::raise(stage.path())?;
    let ended = play(&cast.arcadia, &cast.borealia, args, stage.path(), cast.root, &mut story);
    let times = [timeline(&cast.arcadia), timeline(&cast.borealia)];
    let root = cast.root;
    cast.lower();
    let played = ended?;
    let [arcadia, borealia] = times;
    let (arcadia, borealia) = (arcadia?, borealia?);
    if args.json {
        let document = json!({
            "steps": story.told,
            "request_id": played.request_id,
            "package_id": played.package_id,
            "custody": { "XA-MOJ": arcadia, "XB-MOJ": borealia },
            "bag": args.keep.as_ref().map(|keep| keep.join("bag")),
            "trust_root": root.to_string(),
            "verdict": played.verdict,
        });
        show::document(&document, story.out)?;
    } else {
        for (name, entries) in [("XA-MOJ (Arcadia)", &arcadia), ("XB-MOJ (Borealia)", &borealia)] {
            writeln!(story.out, "\nCustody log of {name}")?;
            for entry in show::list(entries, "entries") {
                show::entry(entry, story.out)?;
            }
        }
        next_commands(args, &played, root, story.out)?;
    }
    Ok(ExitCode::from(played.exit_code))
}

fn next_commands(args: &DemoArgs, played: &Played, root: Fingerprint, out: &mut dyn Write) -> anyhow::Result<()> {
    match &args.keep {
        Some(keep) => {
            let keep = keep.display();
            writeln!(out, "\nKept in {keep}. Try:")?;
            writeln!(out, "  rogatory verify {keep}/bag --trust-root {root}")?;
            writeln!(out, "  rogatory custody log --data {keep}/XB-MOJ --request {}", played.request_id)?;
            writeln!(out, "  rogatory custody fsck --data {keep}/XA-MOJ")?;
            writeln!(out, "  less {keep}/bag/rogatory/VERIFY.md      (the same checks with openssl and sha256sum)")?;
        }
        None => writeln!(
            out,
            "\nTry it with a file of yours, and keep everything:\n  rogatory demo --evidence FILE --keep DIR"
        )?,
    }
    Ok(())
}

/// What the play leaves to show.
struct Played {
    request_id: Id,
    package_id: Id,
    verdict: Value,
    exit_code: u8,
}

fn play(
    xa: &Side,
    xb: &Side,
    args: &DemoArgs,
    stage: &Path,
    root: Fingerprint,
    story: &mut Story<'_>,
) -> anyhow::Result<Played> {
    let request = request(xa, story)?;
    let arrived = handed_over(xa, request.message_id)?;
    story.receipt(xa, xb, "the request and its attachment", &arrived)?;
    let request_id = request.request_id;

    wait_for(|| Ok(xb.node().request(request_id).is_ok()))?;
    let body = Body::Acknowledgement(Acknowledgement {
        reference: "XB-2026-0042".to_owned(),
        contact: "mla@moj.xb.example".to_owned(),
        note: "Received and registered.".to_owned(),
        next_contact: None,
        basis: None,
    });
    let draft = Draft::in_thread(&xb.node().request(request_id)?, Some(request.digest), body);
    let drafted = drafting::draft(xb.node(), xb.first(), draft)?;
    let sent = desk::send_if_alone_may(xb.node(), xb.first(), drafted)?;
    let arrived = handed_over(xb, sent.message_id)?;
    if let Body::Acknowledgement(ack) = &desk::read_message(xb.node(), &sent)?.body
        && let Some(found) = &ack.basis
    {
        let (agreement, answer) = (found.agreement.word(), found.answer.map_or("nothing", |answer| answer.word()));
        story.say("XB-MOJ", &format!("looked the legal basis up again by its own registry: {answer}, {agreement}."))?;
    }
    story.say(
        "XB-MOJ",
        &format!("{} acknowledged the request: a legal act, not a transport receipt.", xb.first_name()),
    )?;
    story.receipt(xb, xa, "the acknowledgement", &arrived)?;

    let package = transmit(xb, request_id, &request, args, story)?;
    let arrived = handed_over(xb, package.message_id)?;
    story.receipt(xb, xa, "the evidence, every file", &arrived)?;
    let package_id = package.package_id.context("a package of evidence has a package id")?;

    accept(xa, package_id, story)?;
    let bag = export(xa, package_id, stage, story)?;
    wait_for(|| Ok(xb.node().message(package.message_id)?.receipts.len() >= 2))?;
    story.say("XB-MOJ", "holds the receipt that Arcadia opened the package; it names nobody.")?;
    let given = Given { trusted_root: Some(root), ..Given::default() };
    let verdict = verify(&bag, &given, clock::now(), &mut |_| {})?;
    let value = serde_json::to_value(&verdict)?;
    story.say("anybody", &format!("verify says {} offline, without either node.", show::text(&value, "verdict")))?;
    Ok(Played { request_id, package_id, exit_code: verdict.verdict.exit_code(), verdict: value })
}

fn request(xa: &Side, story: &mut Story<'_>) -> anyhow::Result<MessageRow> {
    let node = xa.node();
    let package_id = packing::begin(node, xa.first())?;
    let facts = FileFacts {
        name: "penal-code-extract.txt".to_owned(),
        media_type: "text/plain".to_owned(),
        description: "The law that applies".to_owned(),
        role: ItemRole::Attachment,
        also: Vec::new(),
        expected: Vec::new(),
    };
    packing::add(node, xa.first(), package_id, facts, &mut Cursor::new(demo_cast::LAW))?;
    let draft = Draft {
        to: "XB-MOJ".parse()?,
        request_id: None,
        in_reply_to: None,
        language: "en".to_owned(),
        urgency: Urgency::Routine,
        urgency_reason: String::new(),
        reply_by: None,
        legal_bases: vec![
            "L-TH".to_owned(),
            "Treaty between Arcadia and Borealia on legal assistance in criminal matters (fictional)".to_owned(),
        ],
        basis: demo_cast::basis()?,
        conditions: Vec::new(),
        files: Some(packing::finish(node, xa.first(), package_id)?),
        ties: Ties::default(),
        body: Body::Request(Box::new(demo_cast::request_body())),
    };
    let row = drafting::draft(node, xa.first(), draft)?;
    packing::close(node, package_id);
    desk::approve(node, xa.second(), row.message_id)?;
    let row = desk::send(node, xa.second(), row.message_id)?;
    story.say(
        "XA-MOJ",
        &format!(
            "{} drafted a request with an attachment; {} approved exactly those bytes and sent them:\n\
             signed (CAdES, P-256), sealed (MLKEM768-X25519, AES-256-GCM), queued, and in the custody log.",
            xa.first_name(),
            xa.second_name()
        ),
    )?;
    if let Some(basis) = &desk::read_message(node, &row)?.basis {
        let (answer, chosen) = (basis.answer.word(), basis.chosen.join(" and "));
        story.say(
            "XA-MOJ",
            &format!("looked the legal basis up in the directory's registry of fictional acts: {answer}, by {chosen}."),
        )?;
    }
    Ok(row)
}

fn transmit(
    xb: &Side,
    request_id: Id,
    request: &MessageRow,
    args: &DemoArgs,
    story: &mut Story<'_>,
) -> anyhow::Result<MessageRow> {
    let node = xb.node();
    let package_id = packing::begin(node, xb.first())?;
    let mut count = 0;
    let mut add = |name: String, content: &mut dyn Read| -> anyhow::Result<()> {
        count += 1;
        let facts = FileFacts {
            name,
            media_type: "application/octet-stream".to_owned(),
            description: String::new(),
            role: ItemRole::Evidence,
            also: Vec::new(),
            expected: Vec::new(),
        };
        packing::add(node, xb.first(), package_id, facts, content)?;
        Ok(())
    };
    if args.evidence.is_empty() {
        add("statement.txt".to_owned(), &mut Cursor::new(demo_cast::STATEMENT))?;
        let mut noise = vec![0_u8; 3 << 20];
        random::fill(&mut noise)?;
        add("recording.raw".to_owned(), &mut Cursor::new(noise))?;
    }
    for path in &args.evidence {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        add(name, &mut File::open(path).with_context(|| format!("cannot read {}", path.display()))?)?;
    }
    let body = Body::Evidence(EvidenceTransmittal {
        reference: "XB-2026-0042/1".to_owned(),
        description: "The evidence asked for.".to_owned(),
        completeness: Completeness::Final,
    });
    let mut draft = Draft::in_thread(&node.request(request_id)?, Some(request.digest), body);
    draft.conditions = vec![Condition {
        id: "c1".to_owned(),
        code: "USE.NAMED-PROCEEDINGS".to_owned(),
        text: "To be used only in the proceedings named in the request.".to_owned(),
        legal_source: String::new(),
        origin: ConditionOrigin::RequestedState,
        objects: Vec::new(),
        ..Condition::default()
    }];
    draft.files = Some(packing::finish(node, xb.first(), package_id)?);
    let row = drafting::draft(node, xb.first(), draft)?;
    packing::close(node, package_id);
    let row = desk::approve_and_send(node, xb.second(), row.message_id)?;
    story.say(
        "XB-MOJ",
        &format!(
            "{} hashed and sealed {count} files under a use condition; {} approved and sent the package.",
            xb.first_name(),
            xb.second_name()
        ),
    )?;
    Ok(row)
}

fn accept(xa: &Side, package_id: Id, story: &mut Story<'_>) -> anyhow::Result<()> {
    let node = xa.node();
    wait_for(|| Ok(node.package(package_id).is_ok_and(|package| package.complete_index.is_some())))?;
    match evidence::open(node, xa.first(), package_id, 1, "first look") {
        Err(error @ evidence::EvidenceError::Conditions { .. }) => {
            let first = error.to_string();
            let first = first.split(':').next().unwrap_or_default().to_owned();
            story
                .say("XA-MOJ", &format!("{} tried to open it: {first}. The attempt is in the log.", xa.first_name()))?;
        }
        Err(error) => return Err(error.into()),
        Ok(_) => bail!("a package under a condition opened without acceptance"),
    }
    acceptance::accept_conditions(node, xa.first(), package_id)?;
    let row = acceptance::accept_conditions(node, xa.second(), package_id)?;
    handed_over(xa, row.message_id)?;
    story.say(
        "XA-MOJ",
        &format!(
            "{} and {} accepted the condition; Borealia has the signed acceptance.",
            xa.first_name(),
            xa.second_name()
        ),
    )
}

fn export(xa: &Side, package_id: Id, stage: &Path, story: &mut Story<'_>) -> anyhow::Result<PathBuf> {
    let node = xa.node();
    let bag = stage.join("bag");
    let objects = views::package(node, package_id)?;
    let count = u32::try_from(show::list(&objects, "items").len())?;
    let mut opened = Vec::new();
    for object_id in 1..=count {
        opened.push((object_id, evidence::open(node, xa.first(), package_id, object_id, "trial")?.1));
    }
    let parts = dossier::export(node, xa.first(), package_id, "for the prosecutor", None)?;
    let mut writer = BagWriter::create(&bag, &parts, clock::now())?;
    for (object_id, mut plaintext) in opened {
        writer.put(object_id, &mut plaintext)?;
    }
    writer.finish()?;
    story.say(
        "XA-MOJ",
        &format!("{} opened {count} files and exported a bag with every proof in it.", xa.first_name()),
    )?;
    Ok(bag)
}

/// Waits until the peer holds everything and the receipt was checked.
fn handed_over(side: &Side, message_id: Id) -> anyhow::Result<MessageRow> {
    let mut row = side.node().message(message_id)?;
    wait_for(|| {
        row = side.node().message(message_id)?;
        match &row.state {
            MessageState::Delivered => Ok(true),
            MessageState::Refused(code) => bail!("the peer's node refused it: {code}"),
            _ => Ok(false),
        }
    })?;
    Ok(row)
}

fn wait_for(mut done: impl FnMut() -> anyhow::Result<bool>) -> anyhow::Result<()> {
    let begun = Instant::now();
    while !done()? {
        if begun.elapsed() > PATIENCE {
            bail!("the other node did not answer within {} s", PATIENCE.as_secs());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

fn timeline(side: &Side) -> anyhow::Result<Value> {
    Ok(views::custody(side.node(), None, 0, 1_000)?)
}

/// Tells the story as it goes, or keeps it for the JSON document.
struct Story<'a> {
    out: &'a mut dyn Write,
    form: Form,
    told: Vec<Value>,
}

impl Story<'_> {
    fn say(&mut self, who: &str, what: &str) -> anyhow::Result<()> {
        if self.form == Form::Text {
            let mut lines = what.lines();
            writeln!(self.out, "{who:<8} {}", lines.next().unwrap_or_default())?;
            for line in lines {
                writeln!(self.out, "{:<8} {}", "", line.trim_start())?;
            }
        }
        self.told.push(json!({ "who": who, "what": what }));
        Ok(())
    }

    fn receipt(&mut self, from: &Side, to: &Side, what: &str, row: &MessageRow) -> anyhow::Result<()> {
        let (from, to) = (from.node().us().to_string(), to.node().us().to_string());
        let index = row.receipts.last().map_or(0, |(_, index)| *index);
        let digest = row.envelope_digest.map(|digest| digest.to_string()).unwrap_or_default();
        let short = digest.get(..16).unwrap_or_default();
        self.say(
            &from,
            &format!(
                "checked the receipt of {to} for {what} (own record {index}): {to}'s log holds that it has\n\
                 envelope {short}…, proven under a checkpoint that {to} signed and cannot take back unnoticed."
            ),
        )
    }
}
