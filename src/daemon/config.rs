//! The settings of a node, `config.toml`. Refuses unknown keys and settings that contradict each other.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use serde::{Deserialize, Serialize};

use crate::daemon::settings::Settings;
use crate::daemon::time_settings::TimeStampSettings;
use crate::daemon::traces::TraceSettings;
use crate::model::event::Role;
use crate::model::ident::{AuthorityId, OfficerName};
use crate::model::limits::ENVELOPE_LIFE_MS_MAX;
use crate::model::message::MessageKind;

/// The settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Who this node speaks for.
    pub authority: AuthorityId,
    /// The authority's name, for people.
    pub name: String,
    /// The UDP address to listen on.
    pub listen: SocketAddr,
    /// `host:port` under which peers reach it; may be empty for a node that only dials out.
    #[serde(default)]
    pub advertise: Vec<String>,
    /// Languages it accepts, BCP 47.
    #[serde(default)]
    pub languages: Vec<String>,
    /// Delivery.
    #[serde(default)]
    pub delivery: Delivery,
    /// Transport.
    #[serde(default)]
    pub transport: Transport,
    /// Watching other logs and having ours watched.
    #[serde(default)]
    pub witness: Watching,
    /// House rules.
    #[serde(default)]
    pub policy: Policy,
    /// Logging.
    #[serde(default)]
    pub log: Log,
    /// The public web listener; absent: nothing is served.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub web: Option<Web>,
    /// The time-stamp authorities that are asked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub time_stamp: Vec<TimeStampSettings>,
    /// The operator's private listener: health and metrics; absent: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub admin: Option<Web>,
    /// The collector of traces; absent: none are made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traces: Option<TraceSettings>,
    /// The officers who may act.
    #[serde(default)]
    pub officer: Vec<Officer>,
}

/// How long messages wait for their peer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Delivery {
    /// Days until an envelope counts as not delivered, 1 to 400.
    pub expires_after_days: u32,
    /// Room that the vault keeps free for the log, in MiB; what does not fit is refused before it starts.
    pub reserve_mib: u64,
    /// Percent of the free room that the files of one peer may take while they are under way, 1 to 100.
    pub peer_share_percent: u8,
}

impl Default for Delivery {
    fn default() -> Self {
        Self { expires_after_days: 30, reserve_mib: 256, peer_share_percent: 50 }
    }
}

/// How connections are made.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Transport {
    /// Which key exchange is allowed.
    pub key_exchange: KeyExchange,
}

/// Which key exchange is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyExchange {
    /// X25519MLKEM768 if the peer has it; X25519 or P-256 otherwise.
    #[default]
    HybridPreferred,
    /// X25519MLKEM768 or nothing.
    HybridOnly,
}

/// Watching other logs and having ours watched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Watching {
    /// Minutes between two rounds with a peer that stays linked, and with a witness of the policy; 1 to 1,440.
    pub every_minutes: u32,
    /// Whether this node tells peers what it holds of other logs, and asks them: that is how a log that shows each peer
    /// another history is found.
    pub gossip: bool,
    /// Minutes for which a witness of the policy may fail before the gap is recorded.
    pub gap_minutes: u32,
    /// Whom HTTPS to witnesses of the policy trusts: a PEM file; a relative path begins at the data directory. Absent: the
    /// system's bundle.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
}

impl Default for Watching {
    fn default() -> Self {
        Self { every_minutes: 10, gossip: true, gap_minutes: 60, ca_file: None }
    }
}

/// House rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Policy {
    /// The kinds of message that a second person must approve.
    pub second_person: Vec<MessageKind>,
}

impl Default for Policy {
    fn default() -> Self {
        Self { second_person: MessageKind::ALL.into_iter().filter(|kind| kind.of_two_persons()).collect() }
    }
}

/// Logging.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// `error`, `warn`, `info`, `debug` or `trace`, or a filter such as `info,rogatory=debug`.
    pub level: String,
    /// The form of a line.
    pub format: LogFormat,
}

impl Default for Log {
    fn default() -> Self {
        Self { level: "info".to_owned(), format: LogFormat::Human }
    }
}

/// The form of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogFormat {
    /// For people.
    Human,
    /// One JSON object a line.
    Json,
}

/// A web listener: the public one, with what strangers may read and nothing else, or the operator's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Web {
    /// The TCP address to listen on.
    pub listen: SocketAddr,
    /// Certificates for HTTPS, PEM, the server's own first; a relative path begins at the data directory. Absent: HTTP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<PathBuf>,
    /// The private key of that certificate, PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<PathBuf>,
}

/// An officer who may act through this node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Officer {
    /// The name that records carry.
    pub name: String,
    /// What he or she may do.
    pub roles: Vec<Role>,
    /// The Unix users under which he or she works; the socket tells which one calls.
    pub unix_uids: Vec<u32>,
}

impl Config {
    /// Reads and checks the settings, and what the environment says otherwise.
    ///
    /// # Errors
    /// [`ConfigError`] names the file and the setting.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        Ok(Settings::read(path, variables())?.config)
    }

    /// A node with everything by default that has one.
    pub fn bare(authority: AuthorityId, name: String, listen: SocketAddr) -> Self {
        Self {
            authority,
            name,
            listen,
            advertise: Vec::new(),
            languages: Vec::new(),
            delivery: Delivery::default(),
            transport: Transport::default(),
            witness: Watching::default(),
            policy: Policy::default(),
            log: Log::default(),
            web: None,
            time_stamp: Vec::new(),
            admin: None,
            traces: None,
            officer: Vec::new(),
        }
    }

    /// Parses and checks settings.
    ///
    /// # Errors
    /// A sentence that names the setting.
    pub fn parse(text: &str) -> Result<Self, String> {
        let config: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        let days_max = ENVELOPE_LIFE_MS_MAX / 86_400_000;
        let days = u64::from(config.delivery.expires_after_days);
        if days == 0 || days > days_max {
            return Err(format!("delivery.expires_after_days is {days}; write 1 to {days_max}"));
        }
        if !(1..=100).contains(&config.delivery.peer_share_percent) {
            return Err("delivery.peer_share_percent must be 1 to 100; 50 leaves half of the room to others".to_owned());
        }
        let mut listeners = config.web.iter().chain(&config.admin);
        if listeners.any(|web| web.certificate.is_some() != web.key.is_some()) {
            return Err(
                "web.certificate and web.key belong together: write both for HTTPS, or neither for HTTP".to_owned()
            );
        }
        if !(1..=1_440).contains(&config.witness.every_minutes) {
            return Err("witness.every_minutes must be 1 to 1440; 10 is a good start".to_owned());
        }
        TimeStampSettings::check(&config.time_stamp)?;
        config.traces.iter().try_for_each(|traces| traces.address().map(drop))?;
        if config.name.trim().is_empty() {
            return Err("`name` is empty; write the authority's name".to_owned());
        }
        for (place, officer) in config.officer.iter().enumerate() {
            officer.name.parse::<OfficerName>().map_err(|error| format!("officer: {error}"))?;
            if config.officer.iter().take(place).any(|earlier| earlier.name == officer.name) {
                return Err("two officers carry the same name; records could not tell them apart".to_owned());
            }
        }
        Ok(config)
    }

    /// The settings as text for `config.toml`.
    pub fn to_text(&self) -> String {
        toml::to_string(self).expect("settings are made of types that TOML always holds")
    }

    /// Whether a second person must approve that kind of message.
    pub fn second_person_for(&self, kind: MessageKind) -> SecondPerson {
        if self.policy.second_person.contains(&kind) { SecondPerson::Required } else { SecondPerson::NotRequired }
    }
}

/// Set by a process that runs nodes which the environment does not speak of.
static ENVIRONMENT_IGNORED: AtomicBool = AtomicBool::new(false);

/// From now on settings of this process come from files alone.
pub fn ignore_environment() {
    ENVIRONMENT_IGNORED.store(true, Ordering::Relaxed);
}

/// The variables of this process that are text.
pub fn variables() -> impl Iterator<Item = (String, String)> {
    let none = ENVIRONMENT_IGNORED.load(Ordering::Relaxed);
    std::env::vars_os()
        .filter(move |_| !none)
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}

impl std::str::FromStr for Officer {
    type Err = String;

    /// `NAME=ROLE[,ROLE…][@UNIX_UID[,UNIX_UID…]]`; without a user, the one of this process.
    fn from_str(text: &str) -> Result<Self, String> {
        let (name, rest) =
            text.split_once('=').ok_or_else(|| format!("`{text}` is no officer; write NAME=ROLE[,ROLE…]"))?;
        name.parse::<OfficerName>().map_err(|error| error.to_string())?;
        let (roles, unix_uids) = match rest.split_once('@') {
            Some((roles, uids)) => {
                let uids: Result<Vec<u32>, _> = uids.split(',').map(str::parse).collect();
                (roles, uids.map_err(|_| format!("`{rest}`: after @ stand Unix user numbers"))?)
            }
            None => (rest, vec![rustix::process::getuid().as_raw()]),
        };
        let role = |word: &str| {
            let unknown = || format!("`{word}` is no role; roles are drafter, approver, custodian, auditor, operator");
            Role::from_name(word).ok_or_else(unknown)
        };
        let roles = roles.split(',').map(role).collect::<Result<_, _>>()?;
        Ok(Self { name: name.to_owned(), roles, unix_uids })
    }
}

/// Whether one person may do it alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecondPerson {
    /// Somebody other than the drafter must approve.
    Required,
    /// One person may do it.
    NotRequired,
}

/// Why the settings were refused.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read {path}: {source}; run `rogatory init`, or name the data directory with --data")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A setting is wrong.
    #[error("{path}: {cause}")]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        cause: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = "authority = \"XA-MOJ\"\nname = \"Arcadia\"\nlisten = \"127.0.0.1:4711\"\n";

    #[test]
    fn small_settings_get_the_defaults_and_read_back() {
        let config = Config::parse(SMALL).unwrap();
        assert_eq!(config.second_person_for(MessageKind::RequestSubmit), SecondPerson::Required);
        assert_eq!(config.second_person_for(MessageKind::RequestAck), SecondPerson::NotRequired);
        assert_eq!(Config::parse(&config.to_text()).unwrap(), config);
    }

    #[test]
    fn an_unknown_setting_is_refused_by_name() {
        let error = Config::parse(&format!("{SMALL}colour = \"blue\"\n")).unwrap_err();
        assert!(error.contains("colour"), "{error}");
    }

    #[test]
    fn the_web_listener_is_off_unless_set_and_takes_a_key_only_with_its_certificate() {
        assert_eq!(Config::parse(SMALL).unwrap().web, None);
        let with = |more: &str| Config::parse(&format!("{SMALL}[web]\nlisten = \"127.0.0.1:8080\"\n{more}"));
        let config = with("").unwrap();
        assert_eq!(Config::parse(&config.to_text()).unwrap(), config);
        assert!(with("certificate = \"web.crt\"\nkey = \"web.key\"\n").is_ok());
        assert!(with("key = \"web.key\"\n").unwrap_err().contains("web.certificate"));
    }

    #[test]
    fn a_life_of_no_days_and_two_officers_of_one_name_are_refused() {
        assert!(Config::parse(&format!("{SMALL}[delivery]\nexpires_after_days = 0\n")).is_err());
        let officer = "[[officer]]\nname = \"A\"\nroles = [\"drafter\"]\nunix_uids = [0]\n";
        assert!(Config::parse(&format!("{SMALL}{officer}{officer}")).is_err());
    }
}
