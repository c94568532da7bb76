//! `rogatory init`: makes a node; a wizard for a person who says too little, silent when the flags say enough.

use std::io::{IsTerminal, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::error::ErrorKind;
use serde_json::json;

use crate::cli::show;
use crate::cli::wizard::{self, Told};
use crate::daemon::config::{Config, Officer, Web};
use crate::daemon::init::Made;
use crate::daemon::time_settings::TimeStampSettings;
use crate::daemon::{clock, init};
use crate::model::event::Role;
use crate::model::ident::AuthorityId;

/// Make a node: settings, keys, custody log, and the row to hand to the directory's keepers. On a terminal it asks for what the
/// flags do not say.
#[derive(Debug, clap::Args)]
pub struct InitArgs {
    /// Who it speaks for, e.g. XA-MOJ
    #[arg(long)]
    authority: Option<AuthorityId>,
    /// The authority's name
    #[arg(long)]
    name: Option<String>,
    /// The UDP address to listen on, e.g. 0.0.0.0:4711
    #[arg(long)]
    listen: Option<SocketAddr>,
    /// host:port under which peers reach it; may be repeated
    #[arg(long)]
    advertise: Vec<String>,
    /// An officer: NAME=ROLE[,ROLE…][@UNIX_UID[,UNIX_UID…]]; roles: drafter, approver, custodian, auditor, operator;
    /// without a user, the one who runs this. May be repeated
    #[arg(long = "officer", value_name = "OFFICER")]
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
    data: Option<PathBuf>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

/// Runs the verb.
///
/// # Errors
/// When there is a node already, or it cannot be written.
pub fn run(args: &InitArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let told = args.told();
    let (data, mut config) = match settled(&told) {
        Ok(settled) => settled,
        Err(missing) => {
            if args.json || !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
                clap::Error::raw(
                    ErrorKind::MissingRequiredArgument,
                    format!(
                        "{} must be given; on a terminal `rogatory init` asks for what is missing\n",
                        missing.join(", ")
                    ),
                )
                .exit()
            }
            // The questions go to standard error, so that standard output stays what it is with flags.
            let told = wizard::ask(told, &mut std::io::stdin().lock(), &mut std::io::stderr())?;
            settled(&told).map_err(|missing| anyhow::anyhow!("{} is missing", missing.join(", ")))?
        }
    };
    config.languages.clone_from(&args.languages);
    config.time_stamp.clone_from(&args.time_stamps);
    let config = Config::parse(&config.to_text()).map_err(anyhow::Error::msg)?;
    let made = init::init(&data, &config, clock::now())?;
    if args.json {
        show::document(&json!({ "data": data, "entry": made.entry, "log_key": made.log_key }), out)?;
        return Ok(ExitCode::SUCCESS);
    }
    next(&data, &config, &made, out)?;
    Ok(ExitCode::SUCCESS)
}

impl InitArgs {
    fn told(&self) -> Told {
        Told {
            data: self.data.clone(),
            authority: self.authority.clone(),
            name: self.name.clone(),
            listen: self.listen,
            advertise: self.advertise.clone(),
            officers: self.officers.clone(),
            admin: self.admin,
        }
    }
}

/// The node to make, or the flags that are missing.
fn settled(told: &Told) -> Result<(PathBuf, Config), Vec<&'static str>> {
    let (Some(data), Some(authority), Some(name), Some(listen), false) =
        (&told.data, &told.authority, &told.name, told.listen, told.officers.is_empty())
    else {
        let given = [
            ("--authority", told.authority.is_some()),
            ("--name", told.name.is_some()),
            ("--listen", told.listen.is_some()),
            ("--officer", !told.officers.is_empty()),
            ("--data", told.data.is_some()),
        ];
        return Err(given.into_iter().filter(|(_, given)| !given).map(|(flag, _)| flag).collect());
    };
    let mut config = Config::bare(authority.clone(), name.clone(), listen);
    config.advertise.clone_from(&told.advertise);
    config.officer.clone_from(&told.officers);
    config.admin = told.admin.map(|listen| Web { listen, certificate: None, key: None });
    Ok((data.clone(), config))
}

/// What was made, and the commands that come next.
fn next(data: &Path, config: &Config, made: &Made, out: &mut dyn Write) -> anyhow::Result<()> {
    let data = data.display();
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
    Ok(())
}

fn time_stamp(text: &str) -> anyhow::Result<TimeStampSettings> {
    let parts = text.split_once(',').and_then(|(name, rest)| Some((name, rest.rsplit_once(',')?)));
    let (name, (url, file)) =
        parts.with_context(|| format!("`{text}` is no time-stamp authority; write NAME,URL,FILE"))?;
    // The node runs elsewhere: a path that begins here must hold there.
    let ca_file = std::path::absolute(file)?;
    Ok(TimeStampSettings { name: name.to_owned(), url: url.to_owned(), ca_file, every_hours: 24, tls_ca_file: None })
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
        let officer = |text: &str| text.parse::<Officer>();
        let ana = officer("Ana Novak=drafter,custodian@1000,1001").unwrap();
        assert_eq!((ana.roles.len(), ana.unix_uids), (2, vec![1000, 1001]));
        assert!(officer("Ana").is_err());
        assert!(officer("Ana=boss").is_err());
        assert!(officer("Ana=drafter@root").is_err());
    }
}
