//! Policies (C2SP tlog-policy): which logs count, which witnesses there are, and how many of them must have cosigned. Refuses a
//! file by the number of its bad line; names are octets and mean nothing outside the file.
//!
//! ```text
//! # comment
//! log <vkey> [<url>]
//! witness <name> <vkey> [<url>]
//! group <name> all|any|<k> <name>…      each name stands in one group at most, and is defined above
//! quorum <name>|none                    exactly once
//! ```

use std::collections::{BTreeMap, BTreeSet};

use crate::custody::cosignature::Cosigned;
use crate::custody::note::{KeyTextError, VerifierKey};
use crate::model::limits::{POLICY_BYTES_MAX, POLICY_NAMES_MAX};

/// A policy that was read whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    logs: Vec<Party>,
    witnesses: Vec<Party>,
    /// Witnesses and groups in the order of their lines, so that a group's members stand before it.
    rules: Vec<Rule>,
    /// The rule that must be met; `None` asks for no cosignature.
    quorum: Option<usize>,
}

/// A log or a witness.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Party {
    /// Its key.
    pub key: VerifierKey,
    /// Where it is reached; what that means is the reader's affair. Not checked to be a URL.
    pub url: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Rule {
    /// The number of the witness.
    Witness(usize),
    /// How many of those rules must be met.
    Group { least: usize, members: Vec<usize> },
}

impl Policy {
    /// Reads a policy file. Bounded and total.
    ///
    /// # Errors
    /// [`PolicyError`] with the number of the line, counted from 1.
    pub fn parse(bytes: &[u8]) -> Result<Self, PolicyError> {
        if bytes.len() > POLICY_BYTES_MAX {
            return Err(PolicyError { line: 1, fault: PolicyFault::TooLarge });
        }
        let mut reading = Reading::default();
        let mut number = 0;
        let mut rest = bytes;
        while !rest.is_empty() {
            number += 1;
            let at = |fault| PolicyError { line: number, fault };
            let end = rest.iter().position(|byte| *byte == b'\n').ok_or(at(PolicyFault::Unterminated))?;
            let (line, after) = rest.split_at(end);
            reading.line(line).map_err(at)?;
            rest = after.get(1..).unwrap_or_default();
        }
        let Reading { logs, witnesses, rules, quorum, .. } = reading;
        let quorum = quorum.ok_or(PolicyError { line: number.max(1), fault: PolicyFault::NoQuorum })?;
        Ok(Self { logs, witnesses, rules, quorum })
    }

    /// The logs; may be none, where the reader knows the log from elsewhere.
    pub fn logs(&self) -> &[Party] {
        &self.logs
    }

    /// The witnesses.
    pub fn witnesses(&self) -> &[Party] {
        &self.witnesses
    }

    /// The keys of the logs.
    pub fn log_keys(&self) -> Vec<VerifierKey> {
        self.logs.iter().map(|log| log.key.clone()).collect()
    }

    /// The keys of the witnesses.
    pub fn witness_keys(&self) -> Vec<VerifierKey> {
        self.witnesses.iter().map(|witness| witness.key.clone()).collect()
    }

    /// Whether those cosignatures, which were checked under [`Self::witness_keys`], make the quorum.
    pub fn satisfied_by(&self, cosigned: &[Cosigned]) -> bool {
        let has_cosigned =
            |party: &Party| cosigned.iter().any(|one| one.key_id == party.key.id() && one.name == party.key.name());
        let mut met: Vec<bool> = Vec::with_capacity(self.rules.len());
        for rule in &self.rules {
            let this = match rule {
                Rule::Witness(number) => self.witnesses.get(*number).is_some_and(has_cosigned),
                Rule::Group { least, members } => {
                    members.iter().filter(|member| met.get(**member) == Some(&true)).count() >= *least
                }
            };
            met.push(this);
        }
        self.quorum.is_none_or(|quorum| met.get(quorum) == Some(&true))
    }
}

/// A policy on its way in.
#[derive(Default)]
struct Reading {
    logs: Vec<Party>,
    witnesses: Vec<Party>,
    rules: Vec<Rule>,
    names: BTreeMap<Vec<u8>, usize>,
    members: BTreeSet<usize>,
    quorum: Option<Option<usize>>,
}

impl Reading {
    fn line(&mut self, line: &[u8]) -> Result<(), PolicyFault> {
        let allowed = |byte: &u8| matches!(byte, b'\t' | 0x20..=0x7e | 0x80..);
        if !line.iter().all(allowed) {
            return Err(PolicyFault::Character);
        }
        let mut words = line.split(|byte| matches!(byte, b' ' | b'\t')).filter(|word| !word.is_empty());
        let Some(keyword) = words.next() else { return Ok(()) };
        let words: Vec<&[u8]> = words.collect();
        match (keyword, words.as_slice()) {
            ([b'#', ..], _) => Ok(()),
            (b"log", [key, url @ ..]) => self.log(key, url),
            (b"witness", [name, key, url @ ..]) => self.witness(name, key, url),
            (b"group", [name, least, members @ ..]) => self.group(name, least, members),
            (b"quorum", [name]) => self.quorum(name),
            (b"log" | b"witness" | b"group" | b"quorum", _) => Err(PolicyFault::Words),
            _ => Err(PolicyFault::Keyword),
        }
    }

    fn log(&mut self, key: &[u8], url: &[&[u8]]) -> Result<(), PolicyFault> {
        let party = party(key, url)?;
        if !party.key.algorithm().signs_logs() {
            return Err(PolicyFault::LogKey);
        }
        push_once(&mut self.logs, party)
    }

    fn witness(&mut self, name: &[u8], key: &[u8], url: &[&[u8]]) -> Result<(), PolicyFault> {
        let party = party(key, url)?;
        if !party.key.algorithm().cosigns() {
            return Err(PolicyFault::WitnessKey);
        }
        push_once(&mut self.witnesses, party)?;
        self.define(name, Rule::Witness(self.witnesses.len() - 1))
    }

    fn group(&mut self, name: &[u8], least: &[u8], members: &[&[u8]]) -> Result<(), PolicyFault> {
        if members.is_empty() {
            return Err(PolicyFault::Threshold);
        }
        let least = match least {
            b"any" => 1,
            b"all" => members.len(),
            number => decimal(number).filter(|k| (1..=members.len()).contains(k)).ok_or(PolicyFault::Threshold)?,
        };
        let found: Result<Vec<usize>, PolicyFault> = members.iter().map(|member| self.find(member)).collect();
        let found = found?;
        if !found.iter().all(|member| self.members.insert(*member)) {
            return Err(PolicyFault::MemberTwice);
        }
        self.define(name, Rule::Group { least, members: found })
    }

    fn quorum(&mut self, name: &[u8]) -> Result<(), PolicyFault> {
        let quorum = if name == b"none" { None } else { Some(self.find(name)?) };
        match self.quorum.replace(quorum) {
            None => Ok(()),
            Some(_) => Err(PolicyFault::QuorumTwice),
        }
    }

    fn find(&self, name: &[u8]) -> Result<usize, PolicyFault> {
        self.names.get(name).copied().ok_or(PolicyFault::Unknown)
    }

    fn define(&mut self, name: &[u8], rule: Rule) -> Result<(), PolicyFault> {
        if name == b"none" || self.names.insert(name.to_vec(), self.rules.len()).is_some() {
            return Err(PolicyFault::NameTwice);
        }
        self.rules.push(rule);
        if self.rules.len() > POLICY_NAMES_MAX { Err(PolicyFault::TooLarge) } else { Ok(()) }
    }
}

fn party(key: &[u8], url: &[&[u8]]) -> Result<Party, PolicyFault> {
    let text = |bytes: &[u8]| std::str::from_utf8(bytes).map(str::to_owned);
    let key = text(key).map_err(|_| PolicyFault::Key(KeyTextError::Form))?.parse().map_err(PolicyFault::Key)?;
    let url = match url {
        [] => None,
        [url] => Some(text(url).map_err(|_| PolicyFault::Character)?),
        _ => return Err(PolicyFault::Words),
    };
    Ok(Party { key, url })
}

/// Two keys are the same when their bytes are, whatever name or type they stand under: one holder counts once.
fn push_once(parties: &mut Vec<Party>, party: Party) -> Result<(), PolicyFault> {
    if parties.iter().any(|other| other.key.public_key() == party.key.public_key()) {
        return Err(PolicyFault::KeyTwice);
    }
    if parties.len() == POLICY_NAMES_MAX {
        return Err(PolicyFault::TooLarge);
    }
    parties.push(party);
    Ok(())
}

fn decimal(text: &[u8]) -> Option<usize> {
    let text = std::str::from_utf8(text).ok()?;
    text.parse().ok().filter(|number: &usize| number.to_string() == text)
}

/// Why a policy was refused, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the policy: {fault}")]
pub struct PolicyError {
    /// The number of the line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub fault: PolicyFault,
}

/// What is wrong with a line of a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PolicyFault {
    /// Beyond the limits.
    #[error("the policy is larger than this program reads")]
    TooLarge,
    /// The file ends without a newline.
    #[error("the line does not end; each line ends with a newline")]
    Unterminated,
    /// A control character.
    #[error("it holds a character that is neither printable nor a tab")]
    Character,
    /// Not one of the four.
    #[error("it begins with none of log, witness, group, quorum and #")]
    Keyword,
    /// Too few or too many words.
    #[error("it has too few words or too many")]
    Words,
    /// Not a verifier key.
    #[error("{0}")]
    Key(KeyTextError),
    /// A log with a witness's key.
    #[error("a log has a key of type 1 or 6")]
    LogKey,
    /// A witness with a log's key.
    #[error("a witness has a key of type 4 or 6")]
    WitnessKey,
    /// The same key twice.
    #[error("this key stands in an earlier line already")]
    KeyTwice,
    /// A name that cannot be given.
    #[error("this name is taken; `none` always is")]
    NameTwice,
    /// A name that no earlier line gave.
    #[error("it names what no earlier line defines")]
    Unknown,
    /// In two groups, or twice in one.
    #[error("a member stands in one group, once")]
    MemberTwice,
    /// Not `all`, `any` or a number of members.
    #[error("a group needs all, any, or a number from 1 to the number of its members, and members")]
    Threshold,
    /// Two quorums.
    #[error("there is one quorum line")]
    QuorumTwice,
    /// No quorum.
    #[error("the quorum line is missing; `quorum none` asks for no cosignature")]
    NoQuorum,
}

#[cfg(test)]
mod tests;
