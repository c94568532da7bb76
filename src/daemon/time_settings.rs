//! The settings of one time-stamp authority: where it is, whose word counts for it, how often it is asked. Refuses an
//! address that is none, and a name that records and lists could not show.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::crypto::pem::{Label, decode_all};
use crate::crypto::time_stamper::check_anchor;
use crate::model::limits::{
    TIME_STAMP_AUTHORITIES_MAX, TIME_STAMP_CERTIFICATES_MAX, WEB_ROOTS_BYTES_MAX, WORD_BYTES_MAX,
};
use crate::net::web_address::Address;
use crate::net::web_roots::Roots;

/// One `[[time_stamp]]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimeStampSettings {
    /// The name that records and lists carry: letters, digits, `.`, `_` and `-`.
    pub name: String,
    /// Where it answers RFC 3161 over HTTP or HTTPS.
    pub url: String,
    /// The CA certificates that vouch for it, PEM; a relative path begins at the data directory.
    pub ca_file: PathBuf,
    /// How often it is asked, in hours, 1 to 8760.
    #[serde(default = "every_day")]
    pub every_hours: u32,
    /// The CAs that HTTPS trusts, PEM; absent: the system's bundle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls_ca_file: Option<PathBuf>,
}

const fn every_day() -> u32 {
    24
}

impl TimeStampSettings {
    /// Checks all of them together.
    ///
    /// # Errors
    /// A sentence that names the setting.
    pub fn check(all: &[Self]) -> Result<(), String> {
        if all.len() > TIME_STAMP_AUTHORITIES_MAX {
            return Err(format!("there are more than {TIME_STAMP_AUTHORITIES_MAX} [[time_stamp]]"));
        }
        for (place, one) in all.iter().enumerate() {
            let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
            if one.name.is_empty() || one.name.len() > WORD_BYTES_MAX || !one.name.chars().all(plain) {
                return Err(format!(
                    "time_stamp.name must be 1 to {WORD_BYTES_MAX} letters, digits, dots, dashes or underscores"
                ));
            }
            if all.iter().take(place).any(|earlier| earlier.name == one.name) {
                return Err(format!("two [[time_stamp]] are called {}; records could not tell them apart", one.name));
            }
            one.address().map_err(|error| format!("time_stamp {}: url: {error}", one.name))?;
            if !(1..=8_760).contains(&one.every_hours) {
                return Err(format!("time_stamp {}: every_hours must be 1 to 8760", one.name));
            }
        }
        Ok(())
    }

    /// Where it answers.
    ///
    /// # Errors
    /// What is wrong with the address.
    pub fn address(&self) -> Result<Address, String> {
        self.url.parse().map_err(|error: crate::net::web_address::AddressError| error.to_string())
    }

    /// Whom HTTPS trusts.
    pub fn roots(&self, data: &Path) -> Roots {
        self.tls_ca_file.as_ref().map_or(Roots::System, |file| Roots::File(data.join(file)))
    }

    /// The CA certificates that vouch for it, DER.
    ///
    /// # Errors
    /// A sentence that names the file.
    pub fn anchors(&self, data: &Path) -> Result<Vec<Vec<u8>>, String> {
        read_anchors(&data.join(&self.ca_file))
    }
}

/// The CA certificates of a PEM file, DER, each fit to vouch for a time-stamp authority.
///
/// # Errors
/// A sentence that names the file.
pub fn read_anchors(path: &Path) -> Result<Vec<Vec<u8>>, String> {
    let named = |why: String| format!("{}: {why}", path.display());
    let bytes = std::fs::metadata(path).map_err(|error| named(error.to_string()))?.len();
    if bytes > WEB_ROOTS_BYTES_MAX {
        return Err(named(format!("it is larger than {WEB_ROOTS_BYTES_MAX} bytes")));
    }
    let text = std::fs::read(path).map_err(|error| named(error.to_string()))?;
    let anchors =
        decode_all(Label::Certificate, &text, TIME_STAMP_CERTIFICATES_MAX).map_err(|error| named(error.to_string()))?;
    for der in &anchors {
        check_anchor(der).map_err(|_| {
            named("it holds a certificate that is no CA; name the CA above the time-stamp authority".to_owned())
        })?;
    }
    Ok(anchors)
}

#[cfg(test)]
mod tests {
    use crate::daemon::config::Config;

    fn parse(more: &str) -> Result<Config, String> {
        Config::parse(&format!(
            "authority = \"XA-MOJ\"\nname = \"Arcadia\"\nlisten = \"127.0.0.1:4711\"\n\
             [[time_stamp]]\nname = \"arcadia-time\"\nca_file = \"tsa.pem\"\n{more}"
        ))
    }

    #[test]
    fn an_authority_is_asked_once_a_day_unless_told_otherwise_and_reads_back() {
        let config = parse("url = \"http://tsa.example.org/tsr\"\n").unwrap();
        assert_eq!(config.time_stamp[0].every_hours, 24);
        assert_eq!(Config::parse(&config.to_text()).unwrap(), config);
    }

    #[test]
    fn a_bad_address_name_or_pace_is_refused_and_so_is_a_name_twice() {
        for (more, word) in [
            ("url = \"tsa.example.org\"\n", "http://"),
            ("url = \"http://a\"\nevery_hours = 0\n", "every_hours"),
            ("url = \"http://a\"\n[[time_stamp]]\nname = \"a b\"\nurl = \"http://a\"\nca_file = \"b\"\n", "name"),
            (
                "url = \"http://a\"\n[[time_stamp]]\nname = \"arcadia-time\"\nurl = \"http://b\"\nca_file = \"b\"\n",
                "two",
            ),
        ] {
            let error = parse(more).unwrap_err();
            assert!(error.contains(word), "{error}");
        }
    }
}
