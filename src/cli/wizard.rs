//! Asks a person what `rogatory init` was not told. Asks again until an answer can be taken; ends when there are no more answers.

use std::io::{BufRead, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use anyhow::bail;

use crate::daemon::config::Officer;
use crate::daemon::first_start::{ADMIN_PORT, PORT};
use crate::model::ident::AuthorityId;

/// What is asked for; what was told already is not.
#[derive(Debug, Clone, Default)]
pub struct Told {
    /// The data directory.
    pub data: Option<PathBuf>,
    /// Who it speaks for.
    pub authority: Option<AuthorityId>,
    /// The authority's name.
    pub name: Option<String>,
    /// The UDP address to listen on.
    pub listen: Option<SocketAddr>,
    /// `host:port` for peers.
    pub advertise: Vec<String>,
    /// Who may act.
    pub officers: Vec<Officer>,
    /// The operator's listener.
    pub admin: Option<SocketAddr>,
}

/// Asks over `input` and `output` for what is missing.
///
/// # Errors
/// When the answers end, or the person does not want the node.
pub fn ask(mut told: Told, input: &mut dyn BufRead, output: &mut dyn Write) -> anyhow::Result<Told> {
    let mut talk = Talk { input, output };
    talk.say("A node for a central authority. Enter takes what stands in brackets; Ctrl-C makes nothing.\n")?;
    if told.authority.is_none() {
        told.authority = Some(talk.parsed("Authority: country code or INT, a dash, a short name, e.g. XA-MOJ", "")?);
    }
    if told.name.is_none() {
        told.name = Some(talk.answered("Its name, for people", "", |text| Ok(text.to_owned()))?);
    }
    if told.listen.is_none() {
        told.listen = Some(talk.parsed("UDP address to listen on", &format!("0.0.0.0:{PORT}"))?);
        if told.advertise.is_empty() {
            let question = "host:port under which peers reach it; - if it only dials out";
            let host = talk.answered(question, "-", |text| match text.rsplit_once(':') {
                Some((host, port)) if !host.is_empty() && port.parse::<u16>().is_ok() => Ok(Some(text.to_owned())),
                None if text == "-" => Ok(None),
                _ => Err("write host:port, e.g. mla.example.org:4711".to_owned()),
            })?;
            told.advertise.extend(host);
        }
    }
    if told.admin.is_none() {
        let question = "TCP address for health and metrics, private; - for none";
        told.admin = talk.answered(question, &format!("127.0.0.1:{ADMIN_PORT}"), |text| match text {
            "-" => Ok(None),
            text => text.parse().map(Some).map_err(|_| "write address:port, or -".to_owned()),
        })?;
    }
    if told.officers.is_empty() {
        talk.say("Officers: NAME=ROLE,ROLE@UNIX_UID. Roles: drafter, approver, custodian, auditor, operator.\n")?;
        talk.say("What leaves needs two people: at least one drafter and another one who is approver.\n")?;
        told.officers.push(talk.parsed("First officer, e.g. Ana Novak=drafter,custodian@1000", "")?);
        while let Some(next) = talk.answered("Another officer; - when that is all", "-", |text| match text {
            "-" => Ok(None),
            text => text.parse().map(Some),
        })? {
            told.officers.push(next);
        }
    }
    if told.data.is_none() {
        told.data = Some(talk.parsed("Data directory to make", "")?);
    }
    if !talk.answered("Make this node? yes or no", "yes", yes_or_no)? {
        bail!("nothing was made");
    }
    Ok(told)
}

fn yes_or_no(text: &str) -> Result<bool, String> {
    match text {
        "yes" | "y" => Ok(true),
        "no" | "n" => Ok(false),
        _ => Err("write yes or no".to_owned()),
    }
}

struct Talk<'a> {
    input: &'a mut dyn BufRead,
    output: &'a mut dyn Write,
}

impl Talk<'_> {
    fn say(&mut self, text: &str) -> anyhow::Result<()> {
        self.output.write_all(text.as_bytes())?;
        Ok(self.output.flush()?)
    }

    fn parsed<T: FromStr<Err: ToString>>(&mut self, question: &str, default: &str) -> anyhow::Result<T> {
        self.answered(question, default, |text| text.parse().map_err(|error: T::Err| error.to_string()))
    }

    fn answered<T>(
        &mut self,
        question: &str,
        default: &str,
        take: impl Fn(&str) -> Result<T, String>,
    ) -> anyhow::Result<T> {
        loop {
            let offered = if default.is_empty() { String::new() } else { format!(" [{default}]") };
            self.say(&format!("{question}{offered}: "))?;
            let mut line = String::new();
            if self.input.read_line(&mut line)? == 0 {
                bail!("the answers ended; nothing was made");
            }
            let text = match line.trim() {
                "" => default,
                text => text,
            };
            if text.is_empty() {
                continue;
            }
            match take(text) {
                Ok(taken) => return Ok(taken),
                Err(why) => self.say(&format!("  {why}\n"))?,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn talk(told: Told, answers: &str) -> (anyhow::Result<Told>, String) {
        let mut said = Vec::new();
        let told = ask(told, &mut answers.as_bytes(), &mut said);
        (told, String::from_utf8(said).unwrap())
    }

    const ANSWERS: &str = "moj\nXA-MOJ\nMinistry of Justice\n\nmla.example\nmla.example:4711\n\nAna Novak=boss\n\
                           Ana Novak=drafter@1000\nBor Kos=approver@1001\n-\nhere\n";

    #[test]
    fn a_wrong_answer_is_explained_and_asked_again() {
        let (told, said) = talk(Told::default(), &format!("{ANSWERS}maybe\nyes\n"));
        let told = told.unwrap();
        assert_eq!(told.authority.unwrap().as_str(), "XA-MOJ");
        assert_eq!(told.listen.unwrap().to_string(), "0.0.0.0:4711");
        assert_eq!(told.advertise, ["mla.example:4711"]);
        assert_eq!(told.admin.unwrap().to_string(), "127.0.0.1:9464");
        assert_eq!(told.officers.len(), 2);
        assert_eq!(told.data.unwrap(), PathBuf::from("here"));
        for word in ["write host:port", "`boss` is no role", "write yes or no"] {
            assert!(said.contains(word), "{word}: {said}");
        }
    }

    #[test]
    fn what_was_told_is_not_asked() {
        let told = Told {
            data: Some("here".into()),
            authority: Some("XA-MOJ".parse().unwrap()),
            listen: Some("127.0.0.1:1".parse().unwrap()),
            admin: Some("127.0.0.1:2".parse().unwrap()),
            officers: vec!["Ana=drafter@1".parse().unwrap()],
            ..Told::default()
        };
        let (told, said) = talk(told, "Ministry\ny\n");
        assert_eq!(told.unwrap().name.as_deref(), Some("Ministry"));
        assert_eq!(said.matches(": ").count(), 2, "{said}");
    }

    #[test]
    fn no_means_no_and_so_does_an_end_of_the_answers() {
        let (told, _) = talk(Told::default(), &format!("{ANSWERS}no\n"));
        assert_eq!(told.unwrap_err().to_string(), "nothing was made");
        let (told, _) = talk(Told::default(), "XA-MOJ\n");
        assert!(told.unwrap_err().to_string().contains("the answers ended"));
    }
}
