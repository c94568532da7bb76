//! `rogatory restore`: a backup into an empty directory, what peers hold that it lacks, and how its log goes on.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use serde_json::{Value, json};

use crate::cli::client::{Client, Where};
use crate::cli::show;
use crate::custody::note::VerifierKey;
use crate::daemon::{restart, restoring};
use crate::model::ident::AuthorityId;

/// Put a backup into an empty directory and check all of it. The node that is started there reads, and takes nothing, until it
/// was decided how its log goes on: compare, then resume or accept-loss.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct RestoreArgs {
    #[command(subcommand)]
    verb: Option<Verb>,
    #[command(flatten)]
    put: Option<Put>,
}

#[derive(Debug, clap::Args)]
struct Put {
    /// The directory of the volumes, or the one file
    #[arg(long)]
    from: PathBuf,
    /// The data directory to make: empty, or not there
    #[arg(long)]
    to: PathBuf,
    /// The private backup key
    #[arg(long)]
    key: PathBuf,
    /// The log must be that of this key (a line of its `log.vkey`, kept elsewhere): then nobody can have forged the volumes
    #[arg(long)]
    log_key: Option<String>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// What each peer holds of this node's log and of the exchange with it; the node must run
    Compare {
        #[command(flatten)]
        place: Where,
    },
    /// Let the log go on where it ends: nobody holds more of it. The node must run, and asks every peer first
    Resume {
        /// A peer that cannot be asked, and of which you know that it holds nothing more; may be repeated
        #[arg(long)]
        unheard: Vec<AuthorityId>,
        #[command(flatten)]
        place: Where,
    },
    /// Give up what is missing: the log begins anew, under another name and key. The node must be stopped
    AcceptLoss {
        /// Why; it stands in the log
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        place: Where,
    },
    /// Ask a peer for its letters that are missing here, and take each as if it came in; afterwards, when the log goes on
    TakeAgain {
        /// The peer
        peer: AuthorityId,
        #[command(flatten)]
        place: Where,
    },
}

/// Runs the verb.
///
/// # Errors
/// Why nothing was put back or decided.
pub fn run(args: &RestoreArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    match (&args.verb, &args.put) {
        (Some(Verb::Compare { place }), _) => compare(place, out),
        (Some(Verb::Resume { unheard, place }), _) => {
            let done: Value = Client::new(place)?.post("/v1/put-back/resume", &json!({ "unheard": unheard }))?;
            if place.json {
                show::document(&done, out)?;
            } else {
                writeln!(out, "The log goes on; record {} says so.", show::number(&done, "record"))?;
            }
            Ok(ExitCode::SUCCESS)
        }
        (Some(Verb::AcceptLoss { reason, place }), _) => accept_loss(reason, place, out),
        (Some(Verb::TakeAgain { peer, place }), _) => {
            let taken: Value = Client::new(place)?.post(&format!("/v1/put-back/take-again/{peer}"), &Value::Null)?;
            if place.json {
                show::document(&taken, out)?;
                return Ok(ExitCode::SUCCESS);
            }
            for one in taken.as_array().into_iter().flatten() {
                let end = match show::text(one, "refused") {
                    "-" => "here again".to_owned(),
                    code => format!("refused: {code}"),
                };
                writeln!(out, "{}  {end}", show::text(one, "envelope_id"))?;
            }
            Ok(ExitCode::SUCCESS)
        }
        (None, Some(put)) => put_back(put, out),
        (None, None) => bail!("name --from, --to and --key, or one of: compare, resume, accept-loss, take-again"),
    }
}

fn put_back(put: &Put, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let log_key = put.log_key.as_deref().map(str::parse::<VerifierKey>).transpose();
    let log_key = log_key.context("--log-key is no verifier key; give a line of log.vkey")?;
    let done = restoring::restore(&put.from, &put.to, &put.key, log_key.as_ref())?;
    let contents = &done.contents;
    if put.json {
        let keys: Vec<String> = done.log_keys.iter().map(ToString::to_string).collect();
        let all = json!({
            "authority": contents.authority, "volumes": contents.volumes, "made_at": contents.made_at,
            "files": contents.files.len(), "log_size": contents.log_size, "log_keys": keys,
            "check": done.findings.to_json(),
        });
        show::document(&all, out)?;
        return Ok(ExitCode::from(done.findings.exit_code()));
    }
    let to = put.to.display();
    writeln!(out, "{to} is {} as of {}: {} files", contents.authority, contents.made_at, contents.files.len())?;
    for key in &done.log_keys {
        writeln!(out, "log key  {key}")?;
    }
    done.findings.tell(out)?;
    writeln!(out, "\nWhat was acknowledged after {} is not in it. Next:", contents.made_at)?;
    writeln!(out, "  rogatory serve --data {to}                   it reads, and takes nothing yet")?;
    writeln!(out, "  rogatory restore compare --data {to}         what the peers hold that is missing here")?;
    writeln!(out, "  rogatory restore resume --data {to}          if that is nothing")?;
    writeln!(out, "  rogatory restore accept-loss --data {to}     else: stop the node, and begin the log anew")?;
    Ok(ExitCode::from(done.findings.exit_code()))
}

fn compare(place: &Where, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let found: Value = Client::new(place)?.get("/v1/put-back")?;
    let sides = show::list(&found, "peers");
    let agree = |side: &&Value| {
        show::part(side, "unheard").is_null()
            && show::part(side, "continues") == true
            && show::list(side, "missing").is_empty()
    };
    let all = sides.iter().filter(agree).count() == sides.len();
    let code = if all { ExitCode::SUCCESS } else { ExitCode::from(1) };
    if place.json {
        show::document(&found, out)?;
        return Ok(code);
    }
    writeln!(out, "{}: {} entries here", show::text(&found, "log"), show::number(&found, "size"))?;
    for side in sides {
        let peer = show::text(side, "peer");
        if !show::part(side, "unheard").is_null() {
            writeln!(out, "{peer}  NOT HEARD: {}", show::text(side, "unheard"))?;
            continue;
        }
        let missing = show::list(side, "missing");
        let size = show::part(side, "log_size").as_u64();
        let holds = size.map_or("nothing of the log".to_owned(), |size| format!("the log at {size} entries"));
        let fits = if show::part(side, "continues") == true {
            "a beginning of what is here"
        } else {
            "MORE THAN, OR OTHER THAN, WHAT IS HERE"
        };
        writeln!(out, "{peer}  holds {holds}: {fits}; {} envelopes are missing here", missing.len())?;
        for one in missing {
            let who = if show::part(one, "sent_by_us") == true { "sent by us" } else { "received by us" };
            let stage = match show::text(one, "receipt") {
                "-" => String::new(),
                stage => format!(", acknowledged: {stage}"),
            };
            writeln!(out, "    {}  {who}{stage}", show::text(one, "envelope_id"))?;
        }
    }
    Ok(code)
}

fn accept_loss(reason: &str, place: &Where, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let done = restart::accept_loss(&place.data, place.officer.as_deref(), reason)?;
    if place.json {
        show::document(&serde_json::to_value(&done)?, out)?;
        return Ok(ExitCode::SUCCESS);
    }
    let data = place.data.display();
    writeln!(out, "The log goes on as {}, from entry {} on; record {} says so.", done.log, done.size, done.record)?;
    for key in &done.keys {
        writeln!(out, "log key  {key}")?;
    }
    writeln!(
        out,
        "\nNext: hand {data}/directory-entry.json to the directory's keepers: until they publish it, peers hold the"
    )?;
    writeln!(out, "      new log for unknown and what you send waits. Then:")?;
    writeln!(out, "  rogatory serve --data {data}")?;
    writeln!(out, "  rogatory restore take-again XB-… --data {data}     the letters of each peer that are missing")?;
    Ok(ExitCode::SUCCESS)
}
