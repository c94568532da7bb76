//! `rogatory peer suspend|resume`, `freeze`, `thaw`: what an operator stops, and lets go on.

use std::io::Write;
use std::process::ExitCode;

use serde_json::{Value, json};

use crate::cli::client::{Client, Where};
use crate::cli::show;
use crate::daemon::rotate::Kind;
use crate::model::ident::AuthorityId;

/// Stop serving a peer, and serve it again.
#[derive(Debug, clap::Args)]
pub struct PeerArgs {
    #[command(subcommand)]
    verb: PeerVerb,
}

#[derive(Debug, clap::Subcommand)]
enum PeerVerb {
    /// Refuse everything of that peer, and hand it nothing, until it is resumed; nothing is lost
    Suspend {
        /// The peer, e.g. XB-MOJ
        peer: AuthorityId,
        /// Why; it stands in the log
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        place: Where,
    },
    /// What is stopped at the moment: peers, the node
    List {
        #[command(flatten)]
        place: Where,
    },
    /// Serve it again
    Resume {
        /// The peer
        peer: AuthorityId,
        #[command(flatten)]
        place: Where,
    },
}

/// Take no new act and hand nothing over, until `thaw`; reading goes on. It outlives a restart.
#[derive(Debug, clap::Args)]
pub struct FreezeArgs {
    /// Why; it stands in the log
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    place: Where,
}

/// Work again after `freeze`.
#[derive(Debug, clap::Args)]
pub struct ThawArgs {
    #[command(flatten)]
    place: Where,
}

/// Runs `rogatory peer`.
///
/// # Errors
/// Why nothing was changed.
pub fn peer(args: &PeerArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    match &args.verb {
        PeerVerb::Suspend { peer, reason, place } => {
            let path = format!("/v1/holds/peers/{peer}");
            let done = Client::new(place)?.post(&path, &json!({ "reason": reason }))?;
            told(&done, place, &format!("{peer} is suspended: it is refused, and what waits, waits"), out)
        }
        PeerVerb::List { place } => list(place, out),
        PeerVerb::Resume { peer, place } => {
            let done = Client::new(place)?.delete(&format!("/v1/holds/peers/{peer}"))?;
            told(&done, place, &format!("{peer} is served again"), out)
        }
    }
}

/// Runs `rogatory freeze`.
///
/// # Errors
/// Why nothing was changed.
pub fn freeze(args: &FreezeArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let done = Client::new(&args.place)?.post("/v1/holds/node", &json!({ "reason": args.reason }))?;
    told(&done, &args.place, "the node is frozen: it reads, takes no new act and hands nothing over", out)
}

/// Runs `rogatory thaw`.
///
/// # Errors
/// Why nothing was changed.
pub fn thaw(args: &ThawArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let done = Client::new(&args.place)?.delete("/v1/holds/node")?;
    told(&done, &args.place, "the node works again", out)
}

fn list(place: &Where, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let found: Value = Client::new(place)?.get("/v1/holds")?;
    if place.json {
        show::document(&found, out)?;
        return Ok(ExitCode::SUCCESS);
    }
    let line = |what: &str, hold: &Value, out: &mut dyn Write| {
        writeln!(
            out,
            "{what}  since {} by {}: {}",
            show::text(hold, "since"),
            show::text(hold, "by"),
            show::text(hold, "reason")
        )
    };
    if !show::part(&found, "frozen").is_null() {
        line("the node  frozen", show::part(&found, "frozen"), out)?;
    }
    let suspended = show::list(&found, "suspended");
    for hold in suspended {
        line(&format!("{}  suspended", show::text(hold, "peer")), hold, out)?;
    }
    if show::part(&found, "frozen").is_null() && suspended.is_empty() {
        writeln!(out, "nothing is stopped")?;
    }
    Ok(ExitCode::SUCCESS)
}

fn told(done: &Value, place: &Where, what: &str, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    if place.json {
        show::document(done, out)?;
    } else {
        writeln!(out, "{what}; record {} of the custody log says so", show::number(done, "record"))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints what somebody who has a key of that kind could have touched.
///
/// # Errors
/// When the node cannot be asked, or the output is gone.
pub fn reach(kind: Kind, place: &Where, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let client = Client::new(place)?;
    let found: Value = if client.node_runs() {
        client.get(&format!("/v1/keys/{}", kind.name()))?
    } else {
        crate::daemon::emergency::reach(&crate::cli::offline::open(place)?, kind)?
    };
    if place.json {
        show::document(&found, out)?;
        return Ok(ExitCode::SUCCESS);
    }
    let since = show::part(&found, "in_use_since");
    writeln!(out, "key      {}, in use since {}", kind.name(), show::text(since, "at"))?;
    writeln!(out, "means    {}", show::text(&found, "means"))?;
    writeln!(out, "do       {}", show::text(&found, "do"))?;
    for (event, count) in show::part(&found, "counts").as_object().into_iter().flatten() {
        writeln!(out, "{count:>8}  {event}")?;
    }
    for one in show::list(&found, "listed") {
        let thing = ["envelope_id", "message_id", "package_id"].map(|name| show::text(one, name));
        let thing = thing.into_iter().find(|text| *text != "-").unwrap_or("-");
        let (at, event) = (show::text(one, "at"), show::text(one, "event"));
        writeln!(out, "{:>8}  {at}  {event:<20} {:<10} {thing}", show::number(one, "index"), show::text(one, "peer"))?;
    }
    Ok(ExitCode::SUCCESS)
}
