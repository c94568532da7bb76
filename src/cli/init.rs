//! `rogatory init`: makes a node.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use serde_json::json;

use crate::cli::show;
use crate::daemon::config::{Config, Delivery, Log, Officer, Policy, Transport, Watching, Web};
use crate::daemon::time_settings::TimeStampSettings;
use crate::daemon::{clock, init};
use crate::model::event::Role;
use crate::model::ident::{AuthorityId, OfficerName};

/// Make a node: settings, keys, custody log, and the row to hand to the directory's keepers.
#[derive(Debug, clap::Args)]
pub struct InitArgs {
    /// Who it speaks for, e.g. XA-MOJ
    #[arg(long)]
    authority: AuthorityId,
    /// The authority's name
    #[arg(long)]
    name: String,
    /// The UDP address to listen on, e.g. 0.0.0.0:4711
    #[arg(long)]
    listen: SocketAddr,
    /// host:port under which peers reach it; may be repeated
    #[arg(long)]
    advertise: Vec<String>,
    /// An officer: NAME=ROLE[,ROLE…][@UNIX_UID[,UNIX_UID…]]; roles: drafter, approver, custodian, auditor, operator;
    /// without a user, the one who runs this. May be repeated
    #[arg(long = "officer", value_name = "OFFICER", required = true, value_parser = officer)]
    officers: Vec<Officer>,
    /// A language it accepts, BCP 47; may be repeated
    #[arg(long = "language", default_value = "en")]
    languages: Vec<String>,
    /// A time-stamp authority: NAME,URL,FILE with the CA certificates that vouch for it, PEM. Goes into the settings, and its
    /// CAs into the row. May be repeated
    #[arg(long = "time-stamp", value_name = "NAME,URL,FILE", value_parser = time_stamp)]
    time_stamps: Vec<TimeStampSettings>,
    /// The TCP address of the operator's private listener (health, metrics), e.g. 127.0.0.1:9464; without it there is none
    #[arg(long, value_name = "ADDRESS")]
    admin: Option<SocketAddr>,
    /// The data directory to make
    #[arg(long, env = "ROGATORY_DATA", value_name = "DIR")]
    data: PathBuf,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

/// Runs the verb.
///
/// # Errors
/// When there is a node already, or it cannot be written.
pub fn run(args: &InitArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let config = Config {
        authority: args.authority.clone(),
        name: args.name.clone(),
        listen: args.listen,
        advertise: args.advertise.clone(),
        languages: args.languages.clone(),
        delivery: Delivery::default(),
        transport: Transport::default(),
        witness: Watching::default(),
        policy: Policy::default(),
        log: Log::default(),
        web: None,
        time_stamp: args.time_stamps.clone(),
        admin: args.admin.map(|listen| Web { listen, certificate: None, key: None }),
        officer: args.officers.clone(),
    };
    let config = Config::parse(&config.to_text()).map_err(anyhow::Error::msg)?;
    let made = init::init(&args.data, &config, clock::now())?;
    if args.json {
        show::document(&json!({ "data": args.data, "entry": made.entry, "log_key": made.log_key }), out)?;
        return Ok(ExitCode::SUCCESS);
    }
    let data = args.data.display();
    writeln!(out, "{} has a node in {data}.", config.authority)?;
    writeln!(out, "log key    {}", made.log_key)?;
    if config.officer.iter().filter(|officer| officer.roles.contains(&Role::Approver)).count() == 0 {
        writeln!(out, "note       no officer is an approver: nothing that needs a second person can be sent")?;
    }
    writeln!(
        out,
        "\nNext: give {} to the directory's keepers; when they return a signed directory:",
        made.entry.display()
    )?;
    writeln!(
        out,
        "  rogatory directory import PATH --data {data} --trust-root SHA256   (the keepers tell you the root)"
    )?;
    writeln!(out, "  rogatory serve --data {data}")?;
    Ok(ExitCode::SUCCESS)
}

fn time_stamp(text: &str) -> anyhow::Result<TimeStampSettings> {
    let parts = text.split_once(',').and_then(|(name, rest)| Some((name, rest.rsplit_once(',')?)));
    let (name, (url, file)) =
        parts.with_context(|| format!("`{text}` is no time-stamp authority; write NAME,URL,FILE"))?;
    // The node runs elsewhere: a path that begins here must hold there.
    let ca_file = std::path::absolute(file)?;
    Ok(TimeStampSettings { name: name.to_owned(), url: url.to_owned(), ca_file, every_hours: 24, tls_ca_file: None })
}

fn officer(text: &str) -> anyhow::Result<Officer> {
    let (name, rest) =
        text.split_once('=').with_context(|| format!("`{text}` is no officer; write NAME=ROLE[,ROLE…]"))?;
    name.parse::<OfficerName>()?;
    let (roles, uids) = match rest.split_once('@') {
        Some((roles, uids)) => {
            let uids = uids.split(',').map(str::parse).collect::<Result<Vec<u32>, _>>();
            (roles, uids.with_context(|| format!("`{rest}`: after @ stand Unix user numbers"))?)
        }
        None => (rest, vec![rustix::process::getuid().as_raw()]),
    };
    let mut held = Vec::new();
    for word in roles.split(',') {
        match Role::from_name(word) {
            Some(role) => held.push(role),
            None => bail!("`{word}` is no role; roles are drafter, approver, custodian, auditor, operator"),
        }
    }
    Ok(Officer { name: name.to_owned(), roles: held, unix_uids: uids })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_stamp_authority_is_a_name_an_address_and_a_file() {
        let one = time_stamp("arcadia,http://tsa.example.org/a,b,tsa.pem").unwrap();
        assert_eq!((one.name.as_str(), one.url.as_str()), ("arcadia", "http://tsa.example.org/a,b"));
        assert!(one.ca_file.is_absolute() && one.ca_file.ends_with("tsa.pem"));
        assert!(time_stamp("arcadia,http://tsa.example.org").is_err());
    }

    #[test]
    fn an_officer_is_a_name_roles_and_perhaps_users() {
        let ana = officer("Ana Novak=drafter,custodian@1000,1001").unwrap();
        assert_eq!((ana.roles.len(), ana.unix_uids), (2, vec![1000, 1001]));
        assert!(officer("Ana").is_err());
        assert!(officer("Ana=boss").is_err());
        assert!(officer("Ana=drafter@root").is_err());
    }
}
