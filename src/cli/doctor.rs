//! `rogatory doctor [PEER]` and `rogatory healthcheck`: what the node finds when it looks at itself, or at the way to a peer.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::Value;

use crate::cli::client::{Client, Where};
use crate::cli::rotate::Key;
use crate::cli::{emergency, offline, show};
use crate::daemon::config::Config;
use crate::daemon::home::Home;
use crate::daemon::{clock, health};
use crate::model::ident::AuthorityId;

/// Look at the node, or at the way to a peer, and say what to do next.
#[derive(Debug, clap::Args)]
pub struct DoctorArgs {
    /// The peer to look at, e.g. XB-MOJ; without it the node looks at itself
    peer: Option<AuthorityId>,
    /// What somebody who has this key could have touched, by the log
    #[arg(long, value_enum, conflicts_with = "peer")]
    key: Option<Key>,
    #[command(flatten)]
    place: Where,
}

/// Ask the running node whether it is ready; for containers and supervisors.
#[derive(Debug, clap::Args)]
pub struct HealthcheckArgs {
    /// The node's data directory
    #[arg(long, env = "ROGATORY_DATA", value_name = "DIR")]
    data: PathBuf,
}

/// How long a node may take to answer.
const PATIENCE: Duration = Duration::from_secs(4);
/// Most bytes of its answer that are read.
const ANSWER_BYTES_MAX: u64 = 64 * 1024;

/// Runs `rogatory doctor`. Exit 0: nothing is bad; 1: something is.
///
/// # Errors
/// When the node cannot be asked, and its data cannot be read either.
pub fn doctor(args: &DoctorArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    if let Some(key) = args.key {
        return emergency::reach(key.into(), &args.place, out);
    }
    let client = Client::new(&args.place)?;
    let findings: Value = match &args.peer {
        Some(_) if !client.node_runs() => {
            bail!("no node runs on this data; start it first: the way is seen from there")
        }
        Some(peer) => client.get(&format!("/v1/doctor/{peer}"))?,
        None if client.node_runs() => client.get("/v1/doctor")?,
        None => serde_json::to_value(health::examine(&offline::open(&args.place)?, clock::now()))?,
    };
    let list = findings.as_array().map(Vec::as_slice).unwrap_or_default();
    let bad = list.iter().filter(|finding| show::text(finding, "grade") == "bad").count();
    if args.place.json {
        show::document(&findings, out)?;
    } else {
        if !client.node_runs() {
            writeln!(out, "The node is stopped; this is what its data says, as if it ran.")?;
        }
        for finding in list {
            let word = match show::text(finding, "grade") {
                "good" => "ok",
                "warning" => "WARN",
                _ => "BAD",
            };
            writeln!(out, "{word:<5}{:<16}{}", show::text(finding, "check"), show::text(finding, "seen"))?;
            let next = show::text(finding, "next");
            if next != "-" {
                writeln!(out, "{:<21}-> {next}", "")?;
            }
        }
    }
    Ok(if bad == 0 { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// Runs `rogatory healthcheck`. Exit 0: ready; 1: not, or no answer.
///
/// # Errors
/// Says which, in one sentence.
pub fn healthcheck(args: &HealthcheckArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let config = Config::read(&Home::at(&args.data).config())?;
    let Some(admin) = config.admin else {
        bail!(
            "config.toml has no [admin] section; add `[admin]` with `listen = \"127.0.0.1:9464\"` and restart the node"
        );
    };
    if admin.certificate.is_some() {
        bail!("[admin] speaks HTTPS, which this check does not; let the supervisor ask https://…/readyz itself");
    }
    let address = from_here(admin.listen);
    let answer = ask(address).with_context(|| format!("no node answers at {address}; is it running?"))?;
    let (head, body) = answer.split_once("\r\n\r\n").context("the answer is no HTTP")?;
    write!(out, "{body}")?;
    let ready = head.starts_with("HTTP/1.1 200 ");
    Ok(if ready { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// Whoever listens on every address listens on loopback too.
fn from_here(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

fn ask(address: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.take(ANSWER_BYTES_MAX).read_to_string(&mut answer)?;
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_on_every_address_is_asked_on_loopback() {
        assert_eq!(from_here("0.0.0.0:9464".parse().unwrap()).to_string(), "127.0.0.1:9464");
        assert_eq!(from_here("[::]:9464".parse().unwrap()).to_string(), "[::1]:9464");
        assert_eq!(from_here("10.1.2.3:9464".parse().unwrap()).to_string(), "10.1.2.3:9464");
    }
}
